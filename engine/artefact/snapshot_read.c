/* snapshot_read.c - a snapshot is the word of a cell, which may have been taken over: each count and number of it is
 * checked against the module. */
#include "engine/artefact/snapshot_parts.h"

#include <string.h>

int snapshot_broken(struct writer *w, const char *what)
{
        return error_set(w->err, STAGE_ARTEFACT, -EBADMSG, ERROR_NOWHERE, "snapshot: %s", what);
}

/* @n elements of @size bytes, and the padding; NULL when they are not there. */
static const uint8_t *take(struct writer *w, uint64_t n, uint64_t size)
{
        const uint8_t *p = w->at;
        uint64_t bytes;

        if (__builtin_mul_overflow(n, size, &bytes) || bytes > (uint64_t)(w->end - w->at))
                return NULL;
        bytes = (bytes + 7) & ~UINT64_C(7);
        if (bytes > (uint64_t)(w->end - w->at))
                return NULL;
        w->at += bytes;
        return p;
}

static bool take_u64(struct writer *w, uint64_t *ret)
{
        const uint8_t *p = take(w, 1, 8);

        if (p)
                memcpy(ret, p, 8);
        return p != NULL;
}

static bool take_table(struct writer *w, uint32_t k)
{
        const struct range *size = &w->m->tables[k].type.size;

        if (!take_u64(w, &w->lengths[k]) || w->lengths[k] < size->min ||
            (size->has_max && w->lengths[k] > size->max))
                return false;
        w->tables[k] = (const uint32_t *)(const void *)take(w, w->lengths[k], 4);
        for (uint64_t i = 0; w->tables[k] && i < w->lengths[k]; i++)
                if (w->tables[k][i] > w->m->nfunctions)
                        return false;
        return w->tables[k] != NULL;
}

static bool take_memory(struct writer *w, uint32_t k)
{
        const struct memtype *t = &w->m->memories[k].type;

        if (!take_u64(w, &w->pages[k]) || !take_u64(w, &w->bytes[k]) || w->pages[k] < t->size.min ||
            (t->size.has_max && w->pages[k] > t->size.max) ||
            w->bytes[k] > memtype_bytes(t, w->pages[k]))
                return false;
        w->memories[k] = take(w, w->bytes[k], 1);
        return w->memories[k] != NULL;
}

int snapshot_read(struct writer *w)
{
        const struct module *m = w->m;
        struct snapshot_head head;
        const uint8_t *p = take(w, 1, sizeof(head));

        if (!p)
                return snapshot_broken(w, "cut short");
        memcpy(&head, p, sizeof(head));
        if (head.magic != SNAPSHOT_MAGIC || head.nglobals != m->nglobals || head.ntables != m->ntables ||
            head.nmemories != m->nmemories || head.ndatas != m->ndatas || head.nelements != m->nelements)
                return snapshot_broken(w, "of another module");
        w->globals = take(w, m->nglobals, 16);
        if (!w->globals)
                return snapshot_broken(w, "cut short");
        for (uint32_t k = 0; k < m->ntables; k++)
                if (!take_table(w, k))
                        return snapshot_broken(w, "a table that the module cannot have");
        w->dropped = take(w, (uint64_t)m->ndatas + m->nelements, 1);
        if (!w->dropped)
                return snapshot_broken(w, "cut short");
        for (uint32_t k = 0; k < m->nmemories; k++)
                if (!take_memory(w, k))
                        return snapshot_broken(w, "a memory that the module cannot have");
        return w->at == w->end ? 0 : snapshot_broken(w, "longer than it says");
}
