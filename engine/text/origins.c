#include <stdlib.h>

#include "engine/text/module_text.h"
#include "engine/text/text.h"

/* Instructions are written to m->code, or wait in m->pending, and land in a section later: what is noted about
 * them moves along. */

static size_t count(const struct buffer *list)
{
        return list->size / sizeof(struct origin);
}

static void add(struct buffer *list, size_t offset, size_t at)
{
        const struct origin o = { offset, at };

        buffer_append(list, &o, sizeof(o));
}

static void add_shifted(struct buffer *to, const struct buffer *from, size_t first, size_t before, size_t after)
{
        const struct origin *list = (const struct origin *)from->bytes;

        for (size_t i = first; i < count(from); i++)
                add(to, list[i].offset - before + after, list[i].at);
        to->failed = to->failed || from->failed;
}

void origin_note(struct module_text *m, const struct buffer *out, size_t at)
{
        if (m->origins)
                add(out == &m->pending ? &m->origins->pending : &m->origins->code, out->size, at);
}

void origins_begin(struct module_text *m)
{
        if (m->origins)
                m->origins->code.size = m->origins->pending.size = 0;
}

void origins_flush(struct module_text *m, size_t pending_at)
{
        struct buffer *pending = m->origins ? &m->origins->pending : NULL;
        size_t first = pending ? count(pending) : 0;

        if (!pending)
                return;
        while (first && ((const struct origin *)pending->bytes)[first - 1].offset >= pending_at)
                first--;
        add_shifted(&m->origins->code, pending, first, pending_at, m->code.size);
        pending->size = first * sizeof(struct origin);
}

void origins_land(struct module_text *m, const struct buffer *out)
{
        for (size_t i = 0; m->origins && i < _SECTION_MAX; i++)
                if (out == &m->sections[i].bytes)
                        add_shifted(&m->origins->sections[i], &m->origins->code, 0, 0, out->size);
}

void origin_section(struct module_text *m, enum section_id id, size_t offset, size_t at)
{
        if (m->origins)
                add(&m->origins->sections[id], offset, at);
}

/* Of those at one byte, the one that is said last in the text is the nearest. */
static int order(const void *a, const void *b)
{
        const struct origin *x = a, *y = b;

        if (x->offset != y->offset)
                return x->offset < y->offset ? -1 : 1;
        return x->at < y->at ? -1 : x->at > y->at;
}

void origins_emit(const struct module_text *m, enum section_id id, size_t base)
{
        struct buffer *list;

        if (!m->origins)
                return;
        list = &m->origins->sections[id];
        if (list->size)
                qsort(list->bytes, count(list), sizeof(struct origin), order);
        add_shifted(m->origins->result, list, 0, 0, base);
}

void origins_done(struct origins *o)
{
        buffer_done(&o->code);
        buffer_done(&o->pending);
        for (size_t i = 0; i < _SECTION_MAX; i++)
                buffer_done(&o->sections[i]);
}

bool text_origin_find(const struct buffer *origins, uint64_t offset, size_t *ret_at)
{
        const struct origin *list = (const struct origin *)origins->bytes;
        size_t low = 0, high = count(origins);

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (list[middle].offset <= offset)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (!low)
                return false;
        *ret_at = list[low - 1].at;
        return true;
}
