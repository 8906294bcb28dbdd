#include "engine/text/module_text.h"

struct size_range {
        uint64_t min, max;
        bool has_max, is_64, is_shared;
        int page_log2; /* -1: not given */
};

static void put_range(struct buffer *b, const struct size_range *s)
{
        buffer_u8(b, (uint8_t)(s->has_max | s->is_shared << 1 | s->is_64 << 2 |
                               (s->page_log2 >= 0) << 3));
        buffer_uleb(b, s->min);
        if (s->has_max)
                buffer_uleb(b, s->max);
        if (s->page_log2 >= 0)
                buffer_uleb(b, (uint64_t)s->page_log2);
}

static bool read_address_type(struct module_text *m)
{
        if (reader_accept(&m->r, WORD_I64))
                return true;
        (void)reader_accept(&m->r, WORD_I32);
        return false;
}

static void read_range(struct module_text *m, struct size_range *s)
{
        s->min = reader_nat(&m->r, 64);
        s->has_max = reader_is(&m->r, TOKEN_NAT);
        if (s->has_max)
                s->max = reader_nat(&m->r, 64);
        s->is_shared = reader_accept(&m->r, WORD_SHARED);
}

static void read_page_size(struct module_text *m, struct size_range *s)
{
        size_t at = m->r.token.at;
        uint64_t bytes;

        if (!reader_accept_open(&m->r, WORD_PAGESIZE))
                return;
        bytes = reader_nat(&m->r, 64);
        if (!bytes || (bytes & (bytes - 1)))
                reader_fail(&m->r, at, "invalid custom page size");
        else
                s->page_log2 = bytes == 65536 ? -1 : __builtin_ctzll(bytes); /* 64 KiB needs not be said */
        reader_expect_close(&m->r);
}

static void read_table_type(struct module_text *m, bool is_64, struct buffer *out)
{
        struct size_range size = { .is_64 = is_64, .page_log2 = -1 };

        read_range(m, &size);
        put_valtype(out, read_valtype(m));
        put_range(out, &size);
}

static void read_memory_type(struct module_text *m, bool is_64, struct buffer *out)
{
        struct size_range size = { .is_64 = is_64, .page_log2 = -1 };

        read_range(m, &size);
        read_page_size(m, &size);
        put_range(out, &size);
}

static void read_global_type(struct module_text *m, struct buffer *out)
{
        bool is_mutable = reader_accept_open(&m->r, WORD_MUT);

        put_valtype(out, read_valtype(m));
        if (is_mutable)
                reader_expect_close(&m->r);
        buffer_u8(out, is_mutable);
}

/* Names of parameters and locals go to the name section. */
static void keep_local_names(struct module_text *m, uint32_t function)
{
        if (!m->locals.n)
                return;
        m->nlocal_names++;
        buffer_uleb(&m->local_names, function);
        buffer_uleb(&m->local_names, m->locals.n);
        for (uint32_t i = 0; i < m->locals.n; i++) {
                const struct symbol *local = &m->locals.list[i];

                buffer_uleb(&m->local_names, local->value);
                buffer_uleb(&m->local_names, local->size);
                buffer_append(&m->local_names, local->bytes, local->size);
        }
}

/* The type use of function @index, whose locals begin with its parameters. Returns the type. */
static uint32_t read_function_head(struct module_text *m, bool *ret_known)
{
        uint32_t type, nparams;

        symbols_clear(&m->locals);
        m->nlocals = 0;
        type = read_type_use(m, true, &nparams);
        *ret_known = nparams != SYMBOL_NONE;
        m->nlocals = *ret_known ? nparams : 0;
        return type;
}

/* What an import of the kind looks like; the kind's byte is already written. */
static void read_import_type(struct module_text *m, enum extern_kind kind, uint32_t index)
{
        struct buffer *out = &m->sections[SECTION_IMPORT].bytes;
        bool known;

        switch (kind) {
        case EXTERN_FUNC:
                buffer_uleb(out, read_function_head(m, &known));
                keep_local_names(m, index);
                break;
        case EXTERN_TABLE:
                read_table_type(m, read_address_type(m), out);
                break;
        case EXTERN_MEMORY:
                read_memory_type(m, read_address_type(m), out);
                break;
        case EXTERN_GLOBAL:
                read_global_type(m, out);
                break;
        case EXTERN_TAG:
                buffer_u8(out, 0);
                buffer_uleb(out, read_function_head(m, &known));
                break;
        }
}

static void read_locals(struct module_text *m, bool known)
{
        m->local_types.n = 0;
        while (reader_accept_open(&m->r, WORD_LOCAL)) {
                if (reader_is(&m->r, TOKEN_ID)) {
                        if (!known)
                                reader_fail(&m->r, m->r.token.at, "unknown type");
                        bind_local(m);
                        valtypes_add(m, &m->local_types, read_valtype(m));
                        m->nlocals++;
                } else {
                        for (; at_valtype(m); m->nlocals++)
                                valtypes_add(m, &m->local_types, read_valtype(m));
                }
                reader_expect_close(&m->r);
        }
}

/* Runs of equal types, as the binary format wants them. */
static void put_locals(struct module_text *m, struct buffer *out)
{
        const valtype *t = m->local_types.list;
        uint32_t n = m->local_types.n, runs = 0;

        for (uint32_t i = 0; i < n; i++)
                runs += !i || t[i] != t[i - 1];
        buffer_uleb(out, runs);
        for (uint32_t i = 0, run; i < n; i += run) {
                for (run = 1; i + run < n && t[i + run] == t[i]; run++)
                        ;
                buffer_uleb(out, run);
                put_valtype(out, t[i]);
        }
}

static void define_function(struct module_text *m, uint32_t index)
{
        struct section *functions = &m->sections[SECTION_FUNCTION];
        struct section *code = &m->sections[SECTION_CODE];
        uint32_t type;
        bool known;

        type = read_function_head(m, &known);
        functions->n++;
        buffer_uleb(&functions->bytes, type);
        read_locals(m, known);
        read_instructions(m, false);
        if (m->r.failed)
                return;
        origin_note(m, &m->code, m->r.token.at);
        put_opcode(&m->code, OP_END);
        keep_local_names(m, index);
        m->scratch.size = 0;
        put_locals(m, &m->scratch);
        hints_end(m, index, m->scratch.size);
        code->n++;
        buffer_uleb(&code->bytes, m->scratch.size + m->code.size);
        buffer_append(&code->bytes, m->scratch.bytes, m->scratch.size);
        origins_land(m, &code->bytes);
        buffer_append(&code->bytes, m->code.bytes, m->code.size);
        if (m->code.failed || m->scratch.failed || m->pending.failed)
                reader_no_memory(&m->r);
}

static void define_table(struct module_text *m, uint32_t index)
{
        struct section *section = &m->sections[SECTION_TABLE];
        struct size_range size = { .is_64 = read_address_type(m), .page_log2 = -1 };

        section->n++;
        if (at_reftype(m)) {
                valtype type = read_valtype(m);

                reader_expect_open(&m->r, WORD_ELEM);
                size.min = size.max = table_inline_elem(m, index, size.is_64, type);
                size.has_max = true;
                put_valtype(&section->bytes, type);
                put_range(&section->bytes, &size);
                return;
        }
        m->scratch.size = 0;
        read_table_type(m, size.is_64, &m->scratch);
        if (!reader_is(&m->r, TOKEN_CLOSE)) {
                buffer_u8(&section->bytes, 0x40);
                buffer_u8(&section->bytes, 0x00);
        }
        buffer_append(&section->bytes, m->scratch.bytes, m->scratch.size);
        section->bytes.failed = section->bytes.failed || m->scratch.failed;
        if (!reader_is(&m->r, TOKEN_CLOSE))
                read_expression(m, false, &section->bytes);
}

static void define_memory(struct module_text *m, uint32_t index)
{
        struct section *section = &m->sections[SECTION_MEMORY];
        struct size_range size = { .is_64 = read_address_type(m), .page_log2 = -1 };
        uint64_t page;

        section->n++;
        if (!reader_is(&m->r, TOKEN_OPEN)) {
                read_memory_type(m, size.is_64, &section->bytes);
                return;
        }
        read_page_size(m, &size);
        page = UINT64_C(1) << (size.page_log2 < 0 ? 16 : size.page_log2);
        reader_expect_open(&m->r, WORD_DATA);
        size.min = memory_inline_data(m, index, size.is_64);
        size.min = size.min / page + !!(size.min % page);
        size.max = size.min;
        size.has_max = true;
        put_range(&section->bytes, &size);
}

static void define_global(struct module_text *m, uint32_t index)
{
        struct section *section = &m->sections[SECTION_GLOBAL];

        section->n++;
        read_global_type(m, &section->bytes);
        read_expression(m, false, &section->bytes);
}

static void define_tag(struct module_text *m, uint32_t index)
{
        struct section *section = &m->sections[SECTION_TAG];
        bool known;

        section->n++;
        buffer_u8(&section->bytes, 0);
        buffer_uleb(&section->bytes, read_function_head(m, &known));
}

static const struct kind {
        enum word word;
        enum space_id space;
        enum extern_kind kind;
        void (*define)(struct module_text *m, uint32_t index);
} kinds[] = {
        { WORD_FUNC, SPACE_FUNC, EXTERN_FUNC, define_function },
        { WORD_TABLE, SPACE_TABLE, EXTERN_TABLE, define_table },
        { WORD_MEMORY, SPACE_MEMORY, EXTERN_MEMORY, define_memory },
        { WORD_GLOBAL, SPACE_GLOBAL, EXTERN_GLOBAL, define_global },
        { WORD_TAG, SPACE_TAG, EXTERN_TAG, define_tag },
};

static const struct kind *kind_of(const struct reader *r)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (reader_is_word(r, kinds[i].word))
                        return &kinds[i];
        return NULL;
}

/* (kind $id? (export "n")* (import "m" "n")? ...) */
static void field_item(struct module_text *m, const struct kind *kind)
{
        struct section *imports = &m->sections[SECTION_IMPORT];
        struct section *exports = &m->sections[SECTION_EXPORT];
        uint32_t index = m->spaces[kind->space].next++;

        reader_next(&m->r);
        if (reader_is(&m->r, TOKEN_ID))
                reader_next(&m->r);
        while (reader_accept_open(&m->r, WORD_EXPORT)) {
                exports->n++;
                origin_section(m, SECTION_EXPORT, exports->bytes.size, m->r.token.at);
                read_name(m, &exports->bytes);
                buffer_u8(&exports->bytes, (uint8_t)kind->kind);
                buffer_uleb(&exports->bytes, index);
                reader_expect_close(&m->r);
        }
        if (!reader_accept_open(&m->r, WORD_IMPORT)) {
                kind->define(m, index);
                return;
        }
        imports->n++;
        read_name(m, &imports->bytes);
        read_name(m, &imports->bytes);
        reader_expect_close(&m->r);
        buffer_u8(&imports->bytes, (uint8_t)kind->kind);
        read_import_type(m, kind->kind, index);
}

/* "(kind", of an import or export; NULL: it is none, which is told. */
static const struct kind *open_kind(struct module_text *m)
{
        const struct kind *kind;

        if (reader_is(&m->r, TOKEN_OPEN))
                reader_next(&m->r);
        kind = kind_of(&m->r);
        if (kind)
                reader_next(&m->r);
        else
                reader_unexpected(&m->r);
        return kind;
}

/* (import "m" "n" (kind $id? ...)) */
static void field_import(struct module_text *m)
{
        struct section *imports = &m->sections[SECTION_IMPORT];
        const struct kind *kind;

        imports->n++;
        read_name(m, &imports->bytes);
        read_name(m, &imports->bytes);
        kind = open_kind(m);
        if (!kind)
                return;
        if (reader_is(&m->r, TOKEN_ID))
                reader_next(&m->r);
        buffer_u8(&imports->bytes, (uint8_t)kind->kind);
        read_import_type(m, kind->kind, m->spaces[kind->space].next++);
        reader_expect_close(&m->r);
}

/* (export "n" (kind index)) */
static void field_export(struct module_text *m)
{
        struct section *exports = &m->sections[SECTION_EXPORT];
        const struct kind *kind;

        exports->n++;
        read_name(m, &exports->bytes);
        kind = open_kind(m);
        if (!kind)
                return;
        buffer_u8(&exports->bytes, (uint8_t)kind->kind);
        buffer_uleb(&exports->bytes, read_index(m, kind->space));
        reader_expect_close(&m->r);
}

static void field_start(struct module_text *m, size_t at)
{
        if (m->has_start) {
                reader_fail(&m->r, at, "multiple start sections");
                return;
        }
        m->has_start = true;
        buffer_uleb(&m->sections[SECTION_START].bytes, read_index(m, SPACE_FUNC));
}

static void field_parts(struct module_text *m, const struct field *field)
{
        m->r.lexer.at = field->at;
        m->r.has_peek = false;
        reader_next(&m->r);
        if (field->word == WORD_TYPE) {
                field_type(m);
                return;
        }
        if (field->word == WORD_REC) {
                field_rec(m);
                return;
        }
        reader_next(&m->r);
        if (kind_of(&m->r)) {
                field_item(m, kind_of(&m->r));
        } else if (reader_accept(&m->r, WORD_IMPORT)) {
                field_import(m);
        } else if (reader_accept(&m->r, WORD_EXPORT)) {
                field_export(m);
        } else if (reader_accept(&m->r, WORD_START)) {
                field_start(m, field->at);
        } else if (reader_accept(&m->r, WORD_ELEM)) {
                field_elem(m);
        } else if (reader_accept(&m->r, WORD_DATA)) {
                field_data(m);
        }
        reader_expect_close(&m->r);
}

static void field_read(struct module_text *m, const struct field *field)
{
        size_t before[_SECTION_MAX];

        for (size_t i = 0; i < _SECTION_MAX; i++)
                before[i] = m->sections[i].bytes.size;
        field_parts(m, field);
        for (size_t i = 0; i < _SECTION_MAX; i++)
                if (m->sections[i].bytes.size > before[i])
                        origin_section(m, (enum section_id)i, before[i], field->at);
}

void module_fields(struct module_text *m)
{
        /* Types first: what a use may refer to by its structure must be known, wherever it is. */
        for (uint32_t i = 0; i < m->nfields && !m->r.failed; i++)
                if (m->fields[i].word == WORD_TYPE || m->fields[i].word == WORD_REC)
                        field_read(m, &m->fields[i]);
        for (uint32_t i = 0; i < m->nfields && !m->r.failed; i++)
                if (m->fields[i].word != WORD_TYPE && m->fields[i].word != WORD_REC) {
                        hints_begin(m, m->fields[i].at);
                        field_read(m, &m->fields[i]);
                }
        if (!m->r.failed)
                hints_begin(m, m->r.lexer.size);
}
