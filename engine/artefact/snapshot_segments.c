/* snapshot_segments.c - what memories and tables hold, as segments; those that the module has keep their indices. */
#include "engine/artefact/snapshot_parts.h"

#include <string.h>

#define GAP_FIRST   64u  /* zeros that do not end a run of memory; more when there would be too many runs */
#define RUNS_MAX    50000u

static bool add_run(struct runs *r, struct run run)
{
        if (r->n == r->room) {
                size_t room = r->room ? 2 * r->room : 64;
                struct run *all = realloc(r->all, room * sizeof(*all));

                if (!all)
                        return false;
                r->all = all;
                r->room = room;
        }
        r->all[r->n++] = run;
        return true;
}

/* Parts of the memories that are not zero. */
static bool memory_runs(struct writer *w, uint64_t gap, struct runs *ret)
{
        static const uint8_t none[8];

        ret->n = 0;
        for (uint32_t k = 0; k < w->m->nmemories; k++) {
                const uint8_t *p = w->memories[k];
                uint64_t from = 0, last = 0, n = w->bytes[k];
                bool open = false;

                for (uint64_t i = 0; i < n; i++) {
                        if (!p[i]) /* whole words, where most of it is */
                                while (i + 9 <= n && memcmp(p + i + 1, none, 8) == 0)
                                        i += 8;
                        if (!p[i])
                                continue;
                        if (open && i - last > gap) {
                                if (!add_run(ret, (struct run) { from, last + 1, k }))
                                        return false;
                                open = false;
                        }
                        if (!open)
                                from = i;
                        open = true;
                        last = i;
                }
                if (open && !add_run(ret, (struct run) { from, last + 1, k }))
                        return false;
        }
        return true;
}

static void append_place(struct buffer *b, bool is_64, uint64_t at)
{
        buffer_u8(b, is_64 ? 0x42 : 0x41);
        buffer_sleb(b, is_64 ? (int64_t)at : (int32_t)at);
        buffer_u8(b, 0x0b);
}

static void append_data(struct writer *w, struct buffer *b, const struct run *r)
{
        buffer_u8(b, r->of ? 2 : 0);
        if (r->of)
                buffer_uleb(b, r->of);
        append_place(b, w->m->memories[r->of].type.size.is_64, r->from);
        buffer_uleb(b, r->to - r->from);
        buffer_append(b, w->memories[r->of] + r->from, r->to - r->from);
}

/* Segments keep their indices: what code may still use as it is, the others empty. */
void snapshot_data(struct writer *w, const struct runs *runs, struct buffer *ret)
{
        const struct module *m = w->m;

        buffer_uleb(ret, m->ndatas + runs->n);
        for (uint32_t k = 0; k < m->ndatas; k++) {
                const struct data_segment *d = &m->datas[k];
                size_t size = d->mode == SEGMENT_ACTIVE || w->dropped[k] ? 0 : d->bytes.size;

                buffer_u8(ret, 1); /* passive */
                buffer_uleb(ret, size);
                buffer_append(ret, m->bytes + d->bytes.offset, size);
        }
        for (size_t k = 0; k < runs->n; k++)
                append_data(w, ret, &runs->all[k]);
}

/* Element segment @k as it is in the file. */
static void copy_element(struct writer *w, struct buffer *b, uint32_t k)
{
        const struct module *m = w->m;
        const struct slice *s = &w->sections[ID_ELEMENT];
        size_t end = k + 1 < m->nelements ? m->elements[k + 1].offset : s->offset + s->size;

        buffer_append(b, m->bytes + m->elements[k].offset, end - m->elements[k].offset);
}

/* Nothing can be copied from it any more, but what it named stays declared. */
static void empty_element(struct buffer *b, const struct element_segment *e)
{
        uint32_t n = 0;

        if (e->functions) {
                buffer_u8(b, 3);
                buffer_u8(b, 0); /* functions */
                buffer_uleb(b, e->n);
                for (uint32_t i = 0; i < e->n; i++)
                        buffer_uleb(b, e->functions[i]);
                return;
        }
        buffer_u8(b, 7);
        append_valtype(b, e->type);
        for (unsigned pass = 0; pass < 2; pass++) {
                if (pass)
                        buffer_uleb(b, n);
                for (uint32_t i = 0; i < e->n; i++) {
                        const struct const_op *op = e->exprs[i].ops;

                        if (e->exprs[i].nops != 1 || op->op != OP_REF_FUNC)
                                continue;
                        n += !pass;
                        if (pass) {
                                append_ref(b, e->type, (uint64_t)op->index + 1);
                                buffer_u8(b, 0x0b);
                        }
                }
        }
}

static void append_element(struct writer *w, struct buffer *b, const struct run *r)
{
        const struct tabletype *t = &w->m->tables[r->of].type;
        const uint32_t *numbers = w->tables[r->of];
        bool plain = t->element == VAL_FUNCREF;

        buffer_u8(b, plain ? 2 : 6);
        buffer_uleb(b, r->of);
        append_place(b, t->size.is_64, r->from);
        if (plain)
                buffer_u8(b, 0);
        else
                append_valtype(b, t->element);
        buffer_uleb(b, r->to - r->from);
        for (uint64_t i = r->from; i < r->to; i++) {
                if (plain) {
                        buffer_uleb(b, numbers[i] - 1);
                        continue;
                }
                append_ref(b, t->element, numbers[i]);
                buffer_u8(b, 0x0b);
        }
}

static bool table_runs(struct writer *w, struct runs *ret)
{
        for (uint32_t k = 0; k < w->m->ntables; k++) {
                const uint32_t *numbers = w->tables[k];
                uint64_t n = w->lengths[k];

                for (uint64_t i = 0, from; i < n; i++) {
                        if (!numbers[i])
                                continue;
                        for (from = i; i < n && numbers[i];)
                                i++;
                        if (!add_run(ret, (struct run) { from, i, k }))
                                return false;
                }
        }
        return true;
}

void snapshot_elements(struct writer *w, const struct runs *runs)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        const struct module *m = w->m;

        buffer_uleb(&b, m->nelements + runs->n);
        for (uint32_t k = 0; k < m->nelements; k++) {
                const struct element_segment *e = &m->elements[k];

                if (e->mode == SEGMENT_PASSIVE && !w->dropped[m->ndatas + k])
                        copy_element(w, &b, k);
                else
                        empty_element(&b, e);
        }
        for (size_t k = 0; k < runs->n; k++)
                append_element(w, &b, &runs->all[k]);
        if (m->nelements + runs->n)
                append_section(w, ID_ELEMENT, &b);
}

bool snapshot_runs(struct writer *w, struct runs *elements, struct runs *data)
{
        uint64_t gap = GAP_FIRST;
        bool ok = table_runs(w, elements) && memory_runs(w, gap, data);

        while (ok && data->n > RUNS_MAX)
                ok = memory_runs(w, gap *= 4, data);
        return ok;
}
