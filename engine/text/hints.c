/* Branch hints: "(@metadata.code.branch_hint "\\01")" before an if or a br_if. The first pass notes where
 * they are; here each finds its instruction. */
#include <string.h>

#include "engine/text/module_text.h"
#include "engine/text/strings.h"

#define HINT      "@metadata.code.branch_hint annotation: "
#define HINT_HEAD (sizeof("(@metadata.code.branch_hint") - 1)

/* The place of the next hint, SIZE_MAX when there is none. */
static size_t next_place(const struct module_text *m)
{
        size_t at;

        if (m->hints_behind >= m->hint_places.size / sizeof(at))
                return SIZE_MAX;
        memcpy(&at, m->hint_places.bytes + m->hints_behind * sizeof(at), sizeof(at));
        return at;
}

static uint8_t read_value(struct module_text *m, size_t at)
{
        struct reader r;

        reader_start(&r, m->r.lexer.text, m->r.lexer.size, at + HINT_HEAD, NULL);
        m->scratch.size = 0;
        for (; reader_is(&r, TOKEN_STRING); reader_next(&r))
                string_append(reader_text(&r), r.token.size, &m->scratch);
        if (m->scratch.failed)
                reader_no_memory(&m->r);
        else if (!reader_is(&r, TOKEN_CLOSE))
                reader_fail(&m->r, r.token.at, HINT "unexpected token");
        else if (m->scratch.size != 1 || m->scratch.bytes[0] > 1)
                reader_fail(&m->r, at, HINT "malformed value, neither \"\\00\" nor \"\\01\"");
        else
                return m->scratch.bytes[0];
        return 0;
}

uint8_t hint_take(struct module_text *m, enum opcode op, size_t at)
{
        size_t place = next_place(m);
        uint8_t value;

        if (place >= at || m->r.failed)
                return 0;
        m->hints_behind++;
        if (next_place(m) < at)
                reader_fail(&m->r, next_place(m), HINT "duplicate annotation");
        else if (op != OP_IF && op != OP_BR_IF)
                reader_fail(&m->r, place, HINT "invalid target");
        value = read_value(m, place);
        return m->r.failed ? 0 : value + 1;
}

void hint_put(struct module_text *m, uint8_t hint, size_t offset)
{
        uint64_t entry[2] = { offset, hint };

        if (hint)
                buffer_append(&m->hints, entry, sizeof(entry));
}

static void misplaced(struct module_text *m, size_t end, const char *why)
{
        if (next_place(m) < end)
                reader_fail(&m->r, next_place(m), HINT "%s", why);
}

void hints_begin(struct module_text *m, size_t at)
{
        m->hints.size = 0;
        misplaced(m, at, "not in a function");
}

void hints_end(struct module_text *m, uint32_t function, size_t locals_size)
{
        uint32_t n = (uint32_t)(m->hints.size / (2 * sizeof(uint64_t)));

        misplaced(m, m->r.token.at, "invalid target");
        if (!n)
                return;
        m->hinted++;
        buffer_uleb(&m->hint_section, function);
        buffer_uleb(&m->hint_section, n);
        for (uint32_t i = 0; i < n; i++) {
                uint64_t entry[2];

                memcpy(entry, m->hints.bytes + i * sizeof(entry), sizeof(entry));
                buffer_uleb(&m->hint_section, locals_size + entry[0]);
                buffer_uleb(&m->hint_section, 1);
                buffer_u8(&m->hint_section, (uint8_t)(entry[1] - 1));
        }
        if (m->hints.failed || m->hint_section.failed)
                reader_no_memory(&m->r);
}
