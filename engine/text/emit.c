#include "engine/text/text.h"

#include <string.h>

#include "engine/text/module_text.h"

/* Sections in the order of the binary format (5.5.15). */
static const enum section_id section_order[] = {
        SECTION_TYPE,   SECTION_IMPORT, SECTION_FUNCTION, SECTION_TABLE,      SECTION_MEMORY,
        SECTION_TAG,    SECTION_GLOBAL, SECTION_EXPORT,   SECTION_START,      SECTION_ELEMENT,
        SECTION_DATA_COUNT, SECTION_CODE, SECTION_DATA,
};

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
        _cleanup_(buffer_done) struct buffer part = { 0 };

        if (!names->n)
                return;
        buffer_uleb(&part, names->n);
        for (uint32_t i = 0; i < names->n; i++) {
                buffer_uleb(&part, names->list[i].value);
                buffer_uleb(&part, names->list[i].size);
                buffer_append(&part, names->list[i].bytes, names->list[i].size);
        }
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
        buffer_append(out, s->bytes.bytes, s->bytes.size);
        out->failed = out->failed || part.failed;
}

void module_emit(struct module_text *m, struct buffer *out)
{
        buffer_append(out, "\0asm\1\0\0\0", 8);
        for (size_t i = 0; i < ELEMENTSOF(section_order); i++)
                put_section(m, section_order[i], out);
        put_names(m, out);
}

static void module_text_done(struct module_text *m)
{
        for (size_t i = 0; i < _SPACE_MAX; i++)
                symbols_done(&m->spaces[i].names);
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

int module_text_read(struct reader *r, const struct token *id, struct buffer *out)
{
        _cleanup_(module_text_done) struct module_text m = { .r = *r };
        size_t before = out->size;

        m.pool = pool_new(0);
        if (!m.pool)
                reader_no_memory(&m.r);
        else if (id->kind == TOKEN_ID)
                m.name = id_name(&m, id, &m.name_size);
        module_bind(&m);
        *r = m.r;
        module_fields(&m);
        if (!m.r.failed) {
                module_emit(&m, out);
                if (!buffer_ok(out))
                        reader_no_memory(&m.r);
        }
        if (m.r.failed) {
                out->size = before;
                *r = m.r;
                return -1;
        }
        return 0;
}

static int read_whole(struct reader *r, struct buffer *out)
{
        struct token id = { 0 };
        bool wrapped = reader_accept_open(r, WORD_MODULE);

        if (wrapped && reader_is(r, TOKEN_ID)) {
                id = r->token;
                reader_next(r);
        }
        if (module_text_read(r, &id, out) < 0)
                return -1;
        if (wrapped)
                reader_expect_close(r);
        if (!reader_is(r, TOKEN_END))
                reader_unexpected(r);
        return r->failed ? -1 : 0;
}

int text_module_to_binary(const char *text, size_t size, struct buffer *out, struct error *err)
{
        struct error own = { 0 };
        size_t before = out->size;
        struct reader r;

        if (text_check(text, size, &own) >= 0) {
                reader_start(&r, text, size, 0, &own);
                if (read_whole(&r, out) >= 0 && !r.failed)
                        return 0;
        }
        out->size = before;
        if (err)
                *err = own;
        return own.code ? own.code : -EBADMSG;
}
