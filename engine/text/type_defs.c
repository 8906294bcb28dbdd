#include <string.h>

#include "engine/text/module_text.h"

/* A field's name belongs to its structure: the key is the type's index and the name, which is the
 * token in view. NULL without memory. */
static const char *field_key(struct module_text *m, uint32_t type, size_t *ret_size)
{
        size_t size;
        const char *name = id_name(m, &m->r.token, &size);
        char *key = m->r.failed ? NULL : pool_alloc(m->pool, size + sizeof(type), 1);

        if (!key)
                return NULL;
        memcpy(key, &type, sizeof(type));
        memcpy(key + sizeof(type), name, size);
        *ret_size = size + sizeof(type);
        return key;
}

uint32_t read_field_index(struct module_text *m, uint32_t type)
{
        const struct symbol *symbol;
        const char *key;
        size_t size = 0;

        if (!reader_is(&m->r, TOKEN_ID))
                return (uint32_t)reader_nat(&m->r, 32);
        key = field_key(m, type, &size);
        if (!key) {
                reader_no_memory(&m->r);
                return 0;
        }
        symbol = symbols_find(&m->field_names, key, size);
        if (!symbol) {
                reader_fail(&m->r, m->r.token.at, "unknown field %.*s",
                            m->r.token.size < 60 ? (int)m->r.token.size : 60, reader_text(&m->r));
                return 0;
        }
        reader_next(&m->r);
        return symbol->value;
}

static void bind_field_name(struct module_text *m, uint32_t type, uint32_t index)
{
        size_t at = m->r.token.at, size = 0;
        struct symbol *symbol = NULL;
        const char *key;

        if (!reader_is(&m->r, TOKEN_ID))
                return;
        key = field_key(m, type, &size);
        if (key)
                symbol = symbols_put(&m->field_names, key, size);
        if (!symbol) {
                reader_no_memory(&m->r);
        } else if (symbol->value != SYMBOL_NONE) {
                reader_fail(&m->r, at, "duplicate field");
        } else {
                symbol->value = index;
                reader_next(&m->r);
        }
}

/* storage type, or (mut storage type) */
static void read_field_type(struct module_text *m, struct buffer *out)
{
        bool is_mutable = reader_accept_open(&m->r, WORD_MUT);

        if (reader_accept(&m->r, WORD_I8))
                buffer_u8(out, 0x78);
        else if (reader_accept(&m->r, WORD_I16))
                buffer_u8(out, 0x77);
        else
                put_valtype(out, read_valtype(m));
        buffer_u8(out, is_mutable);
        if (is_mutable)
                reader_expect_close(&m->r);
}

static bool at_field_type(struct module_text *m)
{
        return reader_is_word(&m->r, WORD_I8) || reader_is_word(&m->r, WORD_I16) ||
               reader_is_open(&m->r, WORD_MUT) || at_valtype(m);
}

static void read_struct(struct module_text *m, uint32_t type, struct buffer *out)
{
        _cleanup_(buffer_done) struct buffer fields = { 0 };
        uint32_t n = 0;

        while (reader_accept_open(&m->r, WORD_FIELD)) {
                if (reader_is(&m->r, TOKEN_ID)) {
                        bind_field_name(m, type, n++);
                        read_field_type(m, &fields);
                } else {
                        for (; at_field_type(m); n++)
                                read_field_type(m, &fields);
                }
                reader_expect_close(&m->r);
        }
        buffer_u8(out, 0x5f);
        buffer_uleb(out, n);
        buffer_append(out, fields.bytes, fields.size);
        out->failed = out->failed || fields.failed;
}

static void read_function_type(struct module_text *m, uint32_t type, struct buffer *out)
{
        symbols_clear(&m->locals);
        m->nlocals = 0;
        read_signature(m, true);
        symbols_clear(&m->locals);
        if (m->r.failed)
                return;
        m->types[type] = (struct text_type) { true, signature_copy(m) };
        buffer_u8(out, 0x60);
        buffer_uleb(out, m->params.n);
        for (uint32_t i = 0; i < m->params.n; i++)
                put_valtype(out, m->params.list[i]);
        buffer_uleb(out, m->results.n);
        for (uint32_t i = 0; i < m->results.n; i++)
                put_valtype(out, m->results.list[i]);
}

static void read_composite_type(struct module_text *m, uint32_t type, struct buffer *out)
{
        if (reader_accept_open(&m->r, WORD_FUNC)) {
                read_function_type(m, type, out);
        } else if (reader_accept_open(&m->r, WORD_STRUCT)) {
                read_struct(m, type, out);
        } else if (reader_accept_open(&m->r, WORD_ARRAY)) {
                buffer_u8(out, 0x5e);
                read_field_type(m, out);
        } else {
                if (reader_is(&m->r, TOKEN_OPEN))
                        reader_next(&m->r);
                reader_unexpected(&m->r);
        }
        reader_expect_close(&m->r);
}

/* (sub final? super* composite), or a composite type alone, which is final. True when it is what a
 * type use that is written out in place may mean. */
static bool read_sub_type(struct module_text *m, uint32_t type, struct buffer *out)
{
        bool final;

        if (!reader_accept_open(&m->r, WORD_SUB)) {
                read_composite_type(m, type, out);
                return true;
        }
        final = reader_accept(&m->r, WORD_FINAL);
        if (final && reader_is(&m->r, TOKEN_OPEN)) {
                read_composite_type(m, type, out);
                reader_expect_close(&m->r);
                return true;
        }
        m->targets.n = 0;
        while (at_index(m))
                valtypes_add(m, &m->targets, read_index(m, SPACE_TYPE));
        buffer_u8(out, final ? 0x4f : 0x50);
        buffer_uleb(out, m->targets.n);
        for (uint32_t i = 0; i < m->targets.n; i++)
                buffer_uleb(out, m->targets.list[i]);
        read_composite_type(m, type, out);
        reader_expect_close(&m->r);
        return false;
}

/* (type $id? ...), whose name is bound already. Returns read_sub_type(). */
static bool read_type(struct module_text *m, struct buffer *out)
{
        bool plain;

        reader_expect_open(&m->r, WORD_TYPE);
        if (reader_is(&m->r, TOKEN_ID))
                reader_next(&m->r);
        if (!type_add(m))
                return false;
        plain = read_sub_type(m, m->ntypes - 1, out);
        reader_expect_close(&m->r);
        return plain;
}

void field_type(struct module_text *m)
{
        struct section *section = &m->sections[SECTION_TYPE];
        uint32_t type = m->ntypes;

        section->n++;
        if (read_type(m, &section->bytes) && !m->r.failed && m->types[type].is_function)
                type_remember(m, type);
}

void field_rec(struct module_text *m)
{
        struct section *section = &m->sections[SECTION_TYPE];
        _cleanup_(buffer_done) struct buffer group = { 0 };
        uint32_t first = m->ntypes, n;
        bool plain = false;

        reader_expect_open(&m->r, WORD_REC);
        while (reader_is_open(&m->r, WORD_TYPE))
                plain = read_type(m, &group);
        reader_expect_close(&m->r);
        if (m->r.failed)
                return;
        /* A group of one is the same as no group, and one of none as nothing. */
        n = m->ntypes - first;
        section->n += n > 0;
        if (n > 1) {
                buffer_u8(&section->bytes, 0x4e);
                buffer_uleb(&section->bytes, n);
        }
        buffer_append(&section->bytes, group.bytes, group.size);
        section->bytes.failed = section->bytes.failed || group.failed;
        if (plain && n == 1 && m->types[first].is_function)
                type_remember(m, first);
}
