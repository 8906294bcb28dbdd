/* The custom section "metadata.code.branch_hint": for functions in ascending order, for instructions in
 * ascending order, one byte each. Nothing in it is an error: a section that breaks a rule is as good as
 * none. */
#include "engine/decode/decoder.h"

static const char hints_name[] = "metadata.code.branch_hint";

struct hints {
        struct branch_hint *list;
        uint32_t *first;
        uint32_t n;
};

static bool read_hint(struct cursor *c, const struct function *f, uint64_t *from, struct branch_hint *ret)
{
        uint32_t offset, size;
        uint8_t value;

        if (!read_u32(c, &offset) || offset < *from || offset >= f->body.size ||
            !read_u32(c, &size) || size != 1 || !read_u8(c, &value) || value > 1)
                return false;
        *from = (uint64_t)offset + 1;
        *ret = (struct branch_hint) { offset, value };
        return true;
}

static bool read_hints(struct cursor c, const struct module *m, struct hints *h)
{
        uint32_t functions, index, n, next = m->imported_functions;

        if (!read_u32(&c, &functions))
                return false;
        for (uint32_t i = 0; i < functions; i++) {
                uint64_t from = 0;

                if (!read_u32(&c, &index) || index < next || index >= m->nfunctions ||
                    !read_u32(&c, &n))
                        return false;
                for (; next <= index; next++)
                        h->first[next] = h->n;
                for (uint32_t k = 0; k < n; k++)
                        if (!read_hint(&c, &m->functions[index], &from, &h->list[h->n++]))
                                return false;
        }
        for (; next <= m->nfunctions; next++)
                h->first[next] = h->n;
        return c.at == c.end;
}

/* The one section of that name before the code; custom sections are in the order of the file. */
int decode_hints(struct decoder *d)
{
        struct module *m = d->m;
        struct hints h = { 0 };
        uint32_t found = UINT32_MAX;
        const struct custom_section *custom;

        for (uint32_t i = 0; i < m->ncustoms; i++) {
                if (!name_is(&m->customs[i].name, hints_name))
                        continue;
                if (found != UINT32_MAX || m->customs[i].bytes.offset > d->code_offset)
                        return 0;
                found = i;
        }
        if (found == UINT32_MAX)
                return 0;
        custom = &m->customs[found];
        /* A hint takes three bytes at least. A reader that fails may be one ahead. */
        h.list = pool_alloc(d->pool, custom->bytes.size / 3 + 1, sizeof(*h.list));
        h.first = pool_alloc(d->pool, (size_t)m->nfunctions + 1, sizeof(*h.first));
        if (!h.list || !h.first)
                return decoder_no_memory(d);
        if (!read_hints(cursor_over(m, custom->bytes), m, &h) || !h.n)
                return 0;
        m->hints = h.list;
        m->first_hint = h.first;
        m->hints_section = found;
        return 0;
}
