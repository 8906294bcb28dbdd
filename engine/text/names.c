#include <string.h>

#include "engine/text/module_text.h"
#include "engine/text/strings.h"

#define SHOWN_BYTES 60 /* of a name in an error */

/* The words of the official texts: "duplicate func $f", "unknown function $f". */
static const struct {
        const char *duplicate, *unknown;
} space_texts[_SPACE_MAX] = {
        [SPACE_FUNC] = { "func", "function" },
        [SPACE_TYPE] = { "type", "type" },
        [SPACE_TABLE] = { "table", "table" },
        [SPACE_MEMORY] = { "memory", "memory" },
        [SPACE_GLOBAL] = { "global", "global" },
        [SPACE_ELEM] = { "elem segment", "elem segment" },
        [SPACE_DATA] = { "data segment", "data segment" },
        [SPACE_TAG] = { "tag", "tag" },
};

static int shown(const struct token *t)
{
        return t->size < SHOWN_BYTES ? (int)t->size : SHOWN_BYTES;
}

const char *id_name(struct module_text *m, const struct token *t, size_t *ret_size)
{
        const char *s = m->r.lexer.text + t->at;
        char *copy;

        if (t->size < 2 || s[1] != '"') {
                *ret_size = t->size - 1;
                return s + 1;
        }
        m->scratch.size = 0;
        string_append(s + 1, t->size - 1, &m->scratch);
        copy = pool_alloc(m->pool, m->scratch.size, 1);
        if (!copy || !buffer_ok(&m->scratch)) {
                reader_no_memory(&m->r);
                *ret_size = 0;
                return "";
        }
        memcpy(copy, m->scratch.bytes, m->scratch.size);
        *ret_size = m->scratch.size;
        return copy;
}

bool at_index(const struct module_text *m)
{
        return reader_is(&m->r, TOKEN_NAT) || reader_is(&m->r, TOKEN_ID);
}

static uint32_t lookup(struct module_text *m, const struct symbols *names, const char *what)
{
        const struct token *t = &m->r.token;
        const struct symbol *symbol;
        const char *name;
        uint32_t index;
        size_t size;

        if (!reader_is(&m->r, TOKEN_ID))
                return (uint32_t)reader_nat(&m->r, 32);
        name = id_name(m, t, &size);
        symbol = m->r.failed ? NULL : symbols_find(names, name, size);
        if (!symbol || symbol->value == SYMBOL_NONE) {
                reader_fail(&m->r, t->at, "unknown %s %.*s", what, shown(t), reader_text(&m->r));
                return 0;
        }
        index = symbol->value;
        reader_next(&m->r);
        return index;
}

uint32_t read_index(struct module_text *m, enum space_id space)
{
        return lookup(m, &m->spaces[space].names, space_texts[space].unknown);
}

uint32_t read_local(struct module_text *m)
{
        return lookup(m, &m->locals, "local");
}

static void bind_to(struct module_text *m, struct symbols *names, const char *what, uint32_t index)
{
        const struct token *t = &m->r.token;
        struct symbol *symbol;
        const char *name;
        size_t size;

        if (!reader_is(&m->r, TOKEN_ID))
                return;
        name = id_name(m, t, &size);
        if (m->r.failed)
                return;
        symbol = symbols_put(names, name, size);
        if (!symbol) {
                reader_no_memory(&m->r);
        } else if (symbol->value != SYMBOL_NONE) {
                reader_fail(&m->r, t->at, "duplicate %s %.*s", what, shown(t), reader_text(&m->r));
        } else {
                symbol->value = index;
                reader_next(&m->r);
        }
}

void bind_id(struct module_text *m, enum space_id space, uint32_t index)
{
        bind_to(m, &m->spaces[space].names, space_texts[space].duplicate, index);
}

void bind_local(struct module_text *m)
{
        bind_to(m, &m->locals, "local", m->nlocals);
}

bool string_put(struct module_text *m, struct buffer *out)
{
        if (!reader_is(&m->r, TOKEN_STRING))
                return false;
        string_append(reader_text(&m->r), m->r.token.size, out);
        reader_next(&m->r);
        return true;
}

void read_name(struct module_text *m, struct buffer *out)
{
        size_t at = m->r.token.at;

        m->scratch.size = 0;
        if (!string_put(m, &m->scratch)) {
                reader_unexpected(&m->r);
                return;
        }
        if (utf8_check((const char *)m->scratch.bytes, m->scratch.size) != m->scratch.size) {
                reader_fail(&m->r, at, "malformed UTF-8 encoding");
                return;
        }
        buffer_uleb(out, m->scratch.size);
        buffer_append(out, m->scratch.bytes, m->scratch.size);
        out->failed = out->failed || m->scratch.failed;
}
