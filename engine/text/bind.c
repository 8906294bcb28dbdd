#include "engine/text/annotations.h"

/* Fields that make an entry of an index space. Imports come first in the binary format, and so they
 * must in the text: then the order of the text is the order of the indices. */
static const struct {
        enum word word;
        enum space_id space;
        bool importable;
} bound_fields[] = {
        { WORD_FUNC, SPACE_FUNC, true },
        { WORD_TABLE, SPACE_TABLE, true },
        { WORD_MEMORY, SPACE_MEMORY, true },
        { WORD_GLOBAL, SPACE_GLOBAL, true },
        { WORD_TAG, SPACE_TAG, true },
        { WORD_TYPE, SPACE_TYPE, false },
        { WORD_ELEM, SPACE_ELEM, false },
        { WORD_DATA, SPACE_DATA, false },
};

static int row_of(uint16_t word)
{
        for (int i = 0; i < (int)ELEMENTSOF(bound_fields); i++)
                if (bound_fields[i].word == word)
                        return i;
        return -1;
}

/* The item whose keyword has been read: its index, identifier and annotated name. Annotations from
 * number @first on belong to it. */
static void bind_next(struct module_text *m, enum space_id space, uint32_t first)
{
        uint32_t index = m->spaces[space].bound++;

        bind_id(m, space, index);
        annotations_at_item(m, space, index, first, annotations_count(m));
}

/* Up to the ")" of the group that is open. */
static void skip_rest(struct module_text *m)
{
        while (!reader_is(&m->r, TOKEN_CLOSE) && !reader_is(&m->r, TOKEN_END)) {
                if (reader_is(&m->r, TOKEN_OPEN))
                        reader_skip_group(&m->r);
                else
                        reader_next(&m->r);
        }
}

static const char *word_text_of_definition(uint16_t word)
{
        return word == WORD_FUNC     ? "function"
               : word == WORD_TABLE  ? "table"
               : word == WORD_MEMORY ? "memory"
               : word == WORD_GLOBAL ? "global"
                                     : "tag";
}

static void check_import_order(struct module_text *m, size_t at)
{
        if (m->defined)
                reader_fail(&m->r, at, "import after %s definition",
                            word_text_of_definition(m->defined));
}

/* ... "module" "name" (kind $id? */
static void bind_import(struct module_text *m, size_t at)
{
        uint32_t first;
        int row;

        check_import_order(m, at);
        for (int i = 0; i < 2; i++) {
                if (!reader_is(&m->r, TOKEN_STRING)) {
                        reader_unexpected(&m->r);
                        return;
                }
                reader_next(&m->r);
        }
        if (!reader_is(&m->r, TOKEN_OPEN)) {
                reader_unexpected(&m->r);
                return;
        }
        reader_next(&m->r);
        row = reader_is(&m->r, TOKEN_WORD) ? row_of(m->r.token.word) : -1;
        if (row < 0 || !bound_fields[row].importable) {
                reader_unexpected(&m->r);
                return;
        }
        first = annotations_count(m);
        reader_next(&m->r);
        bind_next(m, bound_fields[row].space, first);
        skip_rest(m);
        reader_expect_close(&m->r);
}

/* (rec (type $id? ...)*) */
static void bind_rec(struct module_text *m)
{
        while (reader_is_open(&m->r, WORD_TYPE)) {
                uint32_t first;

                reader_next(&m->r);
                first = annotations_count(m);
                reader_next(&m->r);
                bind_next(m, SPACE_TYPE, first);
                skip_rest(m);
                reader_expect_close(&m->r);
        }
}

/* Groups inside a field that matter to the index spaces: an import in place, and segments that are
 * written inside of their table or memory. */
static void bind_inside(struct module_text *m, uint16_t word, bool importable, size_t at)
{
        bool is_import = false;

        while (!reader_is(&m->r, TOKEN_CLOSE) && !reader_is(&m->r, TOKEN_END)) {
                if (!reader_is(&m->r, TOKEN_OPEN)) {
                        reader_next(&m->r);
                        continue;
                }
                is_import = is_import || reader_is_open(&m->r, WORD_IMPORT);
                if (word == WORD_TABLE && reader_is_open(&m->r, WORD_ELEM))
                        m->spaces[SPACE_ELEM].bound++;
                if (word == WORD_MEMORY && reader_is_open(&m->r, WORD_DATA))
                        m->spaces[SPACE_DATA].bound++;
                reader_skip_group(&m->r);
        }
        if (!importable)
                return;
        if (is_import)
                check_import_order(m, at);
        else if (!m->defined)
                m->defined = word;
}

static void field_add(struct module_text *m, size_t at, uint16_t word)
{
        if (m->nfields == m->fields_room) {
                uint32_t room = m->fields_room ? m->fields_room * 2 : 32;
                struct field *fields = realloc(m->fields, room * sizeof(*fields));

                if (!fields || room > UINT32_MAX / 4) {
                        reader_no_memory(&m->r);
                        return;
                }
                m->fields = fields;
                m->fields_room = room;
        }
        m->fields[m->nfields++] = (struct field) { at, word };
}

static void bind_field(struct module_text *m)
{
        uint32_t first = annotations_count(m);
        size_t at = m->r.token.at;
        uint16_t word;
        int row;

        reader_next(&m->r);
        word = reader_is(&m->r, TOKEN_WORD) ? m->r.token.word : WORD_NONE;
        row = row_of(word);
        if (row < 0 && word != WORD_IMPORT && word != WORD_EXPORT && word != WORD_START &&
            word != WORD_REC) {
                reader_unexpected(&m->r);
                return;
        }
        field_add(m, at, word);
        reader_next(&m->r);
        if (word == WORD_IMPORT)
                bind_import(m, at);
        else if (word == WORD_REC)
                bind_rec(m);
        else if (row >= 0)
                bind_next(m, bound_fields[row].space, first);
        if (row >= 0)
                first = annotations_count(m);
        bind_inside(m, word, row >= 0 && bound_fields[row].importable, at);
        if (!m->r.failed)
                annotations_elsewhere(m, word != WORD_START && word != WORD_EXPORT, first,
                                      annotations_count(m));
        m->annotated = annotations_count(m);
        reader_expect_close(&m->r);
}

void module_bind(struct module_text *m)
{
        annotations_at_module(m, annotations_count(m));
        while (reader_is(&m->r, TOKEN_OPEN)) {
                bind_field(m);
                annotations_at_field(m, m->annotated, annotations_count(m));
        }
        if (m->noted.failed)
                reader_no_memory(&m->r);
        if (!reader_is(&m->r, TOKEN_CLOSE) && !reader_is(&m->r, TOKEN_END))
                reader_unexpected(&m->r);
}
