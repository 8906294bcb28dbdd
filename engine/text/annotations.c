#include "engine/text/annotations.h"

#include <string.h>

#include "engine/text/strings.h"

#define CUSTOM_HEAD (sizeof("(@custom") - 1)
#define NAME_HEAD   (sizeof("(@name") - 1)

static size_t place_of(const struct module_text *m, uint32_t i)
{
        size_t at;

        memcpy(&at, m->noted.bytes + i * sizeof(at), sizeof(at));
        return at;
}

static bool is_name(const struct module_text *m, size_t at)
{
        return m->r.lexer.text[at + 2] == 'n';
}

/* A reader of what follows the annotation's id; its failures are told through @m. */
static struct reader inside(struct module_text *m, size_t at, size_t head)
{
        struct reader r;

        reader_start(&r, m->r.lexer.text, m->r.lexer.size, at + head, NULL);
        return r;
}

static bool is_text(const struct reader *r, const char *text)
{
        return reader_is(r, TOKEN_WORD) && r->token.size == strlen(text) &&
               !memcmp(reader_text(r), text, r->token.size);
}

/* "(before first)", "(after last)", "(before section)", "(after section)"; without one: at the end */
static uint32_t read_place(struct module_text *m, struct reader *r)
{
        uint32_t place = 0;
        bool after = true;

        if (!reader_is(r, TOKEN_OPEN)) {
                (void)custom_place("last", 4, true, &place);
                return place;
        }
        reader_next(r);
        after = is_text(r, "after");
        if (!after && !is_text(r, "before")) {
                reader_fail(&m->r, r->token.at, "@custom annotation: malformed placement");
                return 0;
        }
        reader_next(r);
        if (!reader_is(r, TOKEN_WORD) ||
            !custom_place(reader_text(r), r->token.size, after, &place)) {
                reader_fail(&m->r, r->token.at, "@custom annotation: malformed section kind");
                return 0;
        }
        reader_next(r);
        if (!reader_is(r, TOKEN_CLOSE))
                reader_fail(&m->r, r->token.at, "@custom annotation: unexpected token");
        reader_next(r);
        return place;
}

static void read_custom(struct module_text *m, size_t at)
{
        struct reader r = inside(m, at, CUSTOM_HEAD);
        struct custom custom = { .at = m->custom_bytes.size };

        if (!reader_is(&r, TOKEN_STRING)) {
                reader_fail(&m->r, r.token.at, "@custom annotation: missing section name");
                return;
        }
        if (!string_is_utf8(reader_text(&r), r.token.size)) {
                reader_fail(&m->r, r.token.at, "@custom annotation: malformed UTF-8 encoding");
                return;
        }
        m->scratch.size = 0;
        string_append(reader_text(&r), r.token.size, &m->scratch);
        buffer_uleb(&m->custom_bytes, m->scratch.size);
        buffer_append(&m->custom_bytes, m->scratch.bytes, m->scratch.size);
        reader_next(&r);
        custom.place = read_place(m, &r);
        for (; reader_is(&r, TOKEN_STRING); reader_next(&r))
                string_append(reader_text(&r), r.token.size, &m->custom_bytes);
        if (!reader_is(&r, TOKEN_CLOSE))
                reader_fail(&m->r, r.token.at, "@custom annotation: unexpected token");
        custom.size = m->custom_bytes.size - custom.at;
        buffer_append(&m->customs, &custom, sizeof(custom));
        if (m->scratch.failed || m->custom_bytes.failed || m->customs.failed)
                reader_no_memory(&m->r);
}

/* The name; NULL after a failure. */
static const char *read_given(struct module_text *m, size_t at, size_t *ret_size)
{
        struct reader r = inside(m, at, NAME_HEAD);
        char *copy;

        if (!reader_is(&r, TOKEN_STRING)) {
                reader_fail(&m->r, r.token.at, "@name annotation: unexpected token");
                return NULL;
        }
        if (!string_is_utf8(reader_text(&r), r.token.size)) {
                reader_fail(&m->r, r.token.at, "@name annotation: malformed UTF-8 encoding");
                return NULL;
        }
        m->scratch.size = 0;
        string_append(reader_text(&r), r.token.size, &m->scratch);
        reader_next(&r);
        if (!reader_is(&r, TOKEN_CLOSE)) {
                reader_fail(&m->r, r.token.at, "@name annotation: unexpected token");
                return NULL;
        }
        copy = pool_alloc(m->pool, m->scratch.size, 1);
        if (!copy || !buffer_ok(&m->scratch)) {
                reader_no_memory(&m->r);
                return NULL;
        }
        if (m->scratch.size)
                memcpy(copy, m->scratch.bytes, m->scratch.size);
        *ret_size = m->scratch.size;
        return copy;
}

static void misplaced(struct module_text *m, size_t at)
{
        reader_fail(&m->r, at, "misplaced @%s annotation", is_name(m, at) ? "name" : "custom");
}

void annotations_at_module(struct module_text *m, uint32_t end)
{
        bool named = false;

        for (uint32_t i = 0; i < end && !m->r.failed; i++) {
                size_t at = place_of(m, i), size;
                const char *name;

                if (!is_name(m, at)) {
                        read_custom(m, at);
                        continue;
                }
                if (named) {
                        reader_fail(&m->r, at, "@name annotation: multiple module names");
                        return;
                }
                named = true;
                name = read_given(m, at, &size);
                if (name) {
                        m->name = name;
                        m->name_size = size;
                }
        }
}

void annotations_at_field(struct module_text *m, uint32_t first, uint32_t end)
{
        for (uint32_t i = first; i < end && !m->r.failed; i++) {
                if (is_name(m, place_of(m, i)))
                        misplaced(m, place_of(m, i));
                else
                        read_custom(m, place_of(m, i));
        }
}

void annotations_at_item(struct module_text *m, enum space_id space, uint32_t index, uint32_t first,
                         uint32_t end)
{
        bool named = false;

        for (uint32_t i = first; i < end && !m->r.failed; i++) {
                struct symbol given = { .value = index };
                size_t at = place_of(m, i), size = 0;

                if (!is_name(m, at)) {
                        misplaced(m, at);
                        return;
                }
                if (named) {
                        reader_fail(&m->r, at, "@name annotation: multiple names of one item");
                        return;
                }
                named = true;
                given.bytes = read_given(m, at, &size);
                given.size = (uint32_t)size;
                if (!given.bytes)
                        return;
                buffer_append(&m->spaces[space].given, &given, sizeof(given));
                if (m->spaces[space].given.failed)
                        reader_no_memory(&m->r);
        }
}

void annotations_elsewhere(struct module_text *m, bool names_pass, uint32_t first, uint32_t end)
{
        for (uint32_t i = first; i < end; i++)
                if (!names_pass || !is_name(m, place_of(m, i)))
                        misplaced(m, place_of(m, i));
}
