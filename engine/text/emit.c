#include "engine/text/text.h"

#include <string.h>

#include "engine/text/module_text.h"

/* Sections in the order of the binary format (5.5.15), and what annotations call them. */
static const struct {
        enum section_id id;
        const char *word;
} section_order[] = {
        { SECTION_TYPE, "type" },       { SECTION_IMPORT, "import" }, { SECTION_FUNCTION, "func" },
        { SECTION_TABLE, "table" },     { SECTION_MEMORY, "memory" }, { SECTION_TAG, "tag" },
        { SECTION_GLOBAL, "global" },   { SECTION_EXPORT, "export" }, { SECTION_START, "start" },
        { SECTION_ELEMENT, "elem" },    { SECTION_DATA_COUNT, "datacount" },
        { SECTION_CODE, "code" },       { SECTION_DATA, "data" },
};

/* Places of custom sections in ascending order: 0 is before all others; for section i of the table,
 * 1 + 2i before it and 2 + 2i behind it; then the end. */
#define PLACE_FIRST 0u
#define PLACE_LAST  (1 + 2 * (uint32_t)ELEMENTSOF(section_order))

bool custom_place(const char *word, size_t size, bool after, uint32_t *ret)
{
        const char *end = after ? "last" : "first";

        if (size == strlen(end) && !memcmp(word, end, size)) {
                *ret = after ? PLACE_LAST : PLACE_FIRST;
                return true;
        }
        for (uint32_t i = 0; i < ELEMENTSOF(section_order); i++) {
                if (size != strlen(section_order[i].word) || memcmp(word, section_order[i].word, size))
                        continue;
                *ret = 1 + 2 * i + after;
                return true;
        }
        return false;
}

const char *section_word(uint8_t id)
{
        for (size_t i = 0; i < ELEMENTSOF(section_order); i++)
                if (section_order[i].id == id)
                        return section_order[i].word;
        return "last";
}

/* Subsections of the name section (7.4.1 and its extensions), in ascending order. */
enum name_id {
        NAMES_MODULE = 0,
        NAMES_FUNCTIONS = 1,
        NAMES_LOCALS = 2,
        NAMES_TYPES = 4,
        NAMES_TABLES = 5,
        NAMES_MEMORIES = 6,
        NAMES_GLOBALS = 7,
        NAMES_ELEMS = 8,
        NAMES_DATAS = 9,
        NAMES_TAGS = 11,
};

static const struct {
        enum name_id id;
        enum space_id space;
} name_order[] = {
        { NAMES_TYPES, SPACE_TYPE },       { NAMES_TABLES, SPACE_TABLE },
        { NAMES_MEMORIES, SPACE_MEMORY },  { NAMES_GLOBALS, SPACE_GLOBAL },
        { NAMES_ELEMS, SPACE_ELEM },       { NAMES_DATAS, SPACE_DATA },
        { NAMES_TAGS, SPACE_TAG },
};

static void put_part(struct buffer *out, uint8_t id, const struct buffer *part)
{
        buffer_u8(out, id);
        buffer_uleb(out, part->size);
        buffer_append(out, part->bytes, part->size);
        out->failed = out->failed || part->failed;
}

static void put_space_names(const struct module_text *m, enum name_id id, enum space_id space,
                            struct buffer *out)
{
        const struct symbols *names = &m->spaces[space].names;
        const struct symbol *given = (const struct symbol *)m->spaces[space].given.bytes;
        size_t ngiven = m->spaces[space].given.size / sizeof(*given), g = 0;
        _cleanup_(buffer_done) struct buffer part = { 0 }, list = { 0 };
        uint32_t n = 0, i = 0;

        /* Both lists ascend; what an annotation gives goes before the identifier. */
        while (i < names->n || g < ngiven) {
                const struct symbol *name;

                if (g < ngiven && (i == names->n || given[g].value <= names->list[i].value)) {
                        name = &given[g++];
                        i += i < names->n && names->list[i].value == name->value;
                } else {
                        name = &names->list[i++];
                }
                n++;
                buffer_uleb(&list, name->value);
                buffer_uleb(&list, name->size);
                buffer_append(&list, name->bytes, name->size);
        }
        if (!n)
                return;
        buffer_uleb(&part, n);
        buffer_append(&part, list.bytes, list.size);
        part.failed = part.failed || list.failed;
        put_part(out, (uint8_t)id, &part);
}

static void put_names(const struct module_text *m, struct buffer *out)
{
        _cleanup_(buffer_done) struct buffer names = { 0 }, part = { 0 }, section = { 0 };

        if (m->name) {
                buffer_uleb(&part, m->name_size);
                buffer_append(&part, m->name, m->name_size);
                put_part(&names, NAMES_MODULE, &part);
        }
        put_space_names(m, NAMES_FUNCTIONS, SPACE_FUNC, &names);
        if (m->nlocal_names) {
                part.size = 0;
                buffer_uleb(&part, m->nlocal_names);
                buffer_append(&part, m->local_names.bytes, m->local_names.size);
                part.failed = part.failed || m->local_names.failed;
                put_part(&names, NAMES_LOCALS, &part);
        }
        for (size_t i = 0; i < ELEMENTSOF(name_order); i++)
                put_space_names(m, name_order[i].id, name_order[i].space, &names);
        out->failed = out->failed || names.failed;
        if (!names.size)
                return;
        buffer_uleb(&section, 4);
        buffer_append(&section, "name", 4);
        buffer_append(&section, names.bytes, names.size);
        section.failed = section.failed || names.failed;
        put_part(out, SECTION_CUSTOM, &section);
}

static void put_section(const struct module_text *m, enum section_id id, struct buffer *out)
{
        const struct section *s = &m->sections[id];
        _cleanup_(buffer_done) struct buffer part = { 0 };

        out->failed = out->failed || s->bytes.failed; /* one without bytes, too */
        if (id == SECTION_DATA_COUNT ? !m->uses_data_count : !s->n && !s->bytes.size)
                return;
        if (id == SECTION_DATA_COUNT)
                buffer_uleb(&part, m->sections[SECTION_DATA].n);
        else if (id != SECTION_START)
                buffer_uleb(&part, s->n);
        buffer_u8(out, (uint8_t)id);
        buffer_uleb(out, part.size + s->bytes.size);
        buffer_append(out, part.bytes, part.size);
        origins_emit(m, id, out->size - m->begin);
        buffer_append(out, s->bytes.bytes, s->bytes.size);
        out->failed = out->failed || part.failed;
}

static void put_customs(const struct module_text *m, uint32_t place, struct buffer *out)
{
        const struct custom *customs = (const struct custom *)m->customs.bytes;

        for (size_t i = 0; i < m->customs.size / sizeof(*customs); i++) {
                if (customs[i].place != place)
                        continue;
                buffer_u8(out, SECTION_CUSTOM);
                buffer_uleb(out, customs[i].size);
                buffer_append(out, m->custom_bytes.bytes + customs[i].at, customs[i].size);
        }
}

static void put_hints(const struct module_text *m, struct buffer *out)
{
        static const char name[] = "\x19metadata.code.branch_hint";
        _cleanup_(buffer_done) struct buffer section = { 0 };

        if (!m->hinted)
                return;
        buffer_append(&section, name, sizeof(name) - 1);
        buffer_uleb(&section, m->hinted);
        buffer_append(&section, m->hint_section.bytes, m->hint_section.size);
        section.failed = section.failed || m->hint_section.failed;
        put_part(out, SECTION_CUSTOM, &section);
}

static void module_emit(struct module_text *m, struct buffer *out)
{
        m->begin = out->size;
        buffer_append(out, "\0asm\1\0\0\0", 8);
        put_customs(m, PLACE_FIRST, out);
        for (uint32_t i = 0; i < ELEMENTSOF(section_order); i++) {
                put_customs(m, 1 + 2 * i, out);
                if (section_order[i].id == SECTION_CODE)
                        put_hints(m, out);
                put_section(m, section_order[i].id, out);
                put_customs(m, 2 + 2 * i, out);
        }
        put_customs(m, PLACE_LAST, out);
        put_names(m, out);
}

static void module_text_done(struct module_text *m)
{
        for (size_t i = 0; i < _SPACE_MAX; i++) {
                symbols_done(&m->spaces[i].names);
                buffer_done(&m->spaces[i].given);
        }
        for (size_t i = 0; i < _SECTION_MAX; i++)
                buffer_done(&m->sections[i].bytes);
        symbols_done(&m->type_keys);
        symbols_done(&m->field_names);
        symbols_done(&m->locals);
        symbols_done(&m->labels);
        buffer_done(&m->scratch);
        buffer_done(&m->code);
        buffer_done(&m->pending);
        buffer_done(&m->local_names);
        buffer_done(&m->noted);
        buffer_done(&m->hint_places);
        buffer_done(&m->hints);
        buffer_done(&m->hint_section);
        buffer_done(&m->customs);
        buffer_done(&m->custom_bytes);
        free(m->fields);
        free(m->types);
        free(m->params.list);
        free(m->results.list);
        free(m->local_types.list);
        free(m->targets.list);
        free(m->label_stack);
        free(m->frames);
        pool_free(m->pool);
}

static int read_module(struct reader *r, const struct token *id, struct buffer *out, struct origins *origins)
{
        _cleanup_(module_text_done) struct module_text m = { .r = *r, .origins = origins };
        size_t before = out->size;

        m.pool = pool_new(0);
        if (!m.pool)
                reader_no_memory(&m.r);
        else if (id->kind == TOKEN_ID)
                m.name = id_name(&m, id, &m.name_size);
        /* What lies before the first field is read again, for its annotations. */
        m.r.lexer.noted = &m.noted;
        m.r.lexer.hints = &m.hint_places;
        m.r.lexer.at = r->behind;
        m.r.has_peek = false;
        reader_next(&m.r);
        module_bind(&m);
        m.r.lexer.noted = m.r.lexer.hints = NULL;
        *r = m.r;
        module_fields(&m);
        if (!m.r.failed) {
                module_emit(&m, out);
                if (!buffer_ok(out) || (origins && !buffer_ok(origins->result)))
                        reader_no_memory(&m.r);
        }
        if (m.r.failed) {
                out->size = before;
                *r = m.r;
                return -1;
        }
        return 0;
}

int module_text_read(struct reader *r, const struct token *id, struct buffer *out)
{
        return read_module(r, id, out, NULL);
}

static int read_whole(struct reader *r, struct buffer *out, struct origins *origins)
{
        struct token id = { 0 };
        bool wrapped = reader_accept_open(r, WORD_MODULE);

        if (wrapped && reader_is(r, TOKEN_ID)) {
                id = r->token;
                reader_next(r);
        }
        if (read_module(r, &id, out, origins) < 0)
                return -1;
        if (wrapped)
                reader_expect_close(r);
        if (!reader_is(r, TOKEN_END))
                reader_unexpected(r);
        return r->failed ? -1 : 0;
}

int text_module_to_binary(const char *text, size_t size, struct buffer *out, struct error *err)
{
        return text_module_to_binary_traced(text, size, out, NULL, err);
}

int text_module_to_binary_traced(const char *text, size_t size, struct buffer *out, struct buffer *result,
                                 struct error *err)
{
        _cleanup_(origins_done) struct origins origins = { .result = result };
        struct error own = { 0 };
        size_t before = out->size;
        struct reader r;

        if (text_check(text, size, &own) >= 0) {
                reader_start(&r, text, size, 0, &own);
                if (read_whole(&r, out, result ? &origins : NULL) >= 0 && !r.failed)
                        return 0;
        }
        out->size = before;
        if (err)
                *err = own;
        return own.code ? own.code : -EBADMSG;
}
