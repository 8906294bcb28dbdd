/* What a collection left: gaps between marked objects, block by block, when they are needed. */
#include "engine/gc/heap.h"

#include <string.h>

#define SWEEP_SLICE 64u /* blocks */
#define FULL (GC_BLOCK - GC_BLOCK / 16) /* live bytes of a block that is left alone until the next time */

/* The first marked granule from @at on in block @b, or the granule behind the block. */
static uint32_t next_marked(const struct gc_heap *h, uint32_t b, uint32_t at)
{
        uint32_t end = (b + 1) * BLOCK_GRANULES, word = at >> 6;
        uint64_t bits;

        if (at >= end)
                return end;
        bits = h->marks[word] & (UINT64_MAX << (at & 63));
        while (!bits) {
                if (++word == end >> 6)
                        return end;
                bits = h->marks[word];
        }
        return word * 64 + (uint32_t)__builtin_ctzll(bits);
}

static bool block_has_marks(const struct gc_heap *h, uint32_t b)
{
        const uint64_t *words = h->marks + (size_t)b * BLOCK_WORDS;
        uint64_t any = 0;

        for (uint32_t k = 0; k < BLOCK_WORDS; k++)
                any |= words[k];
        return any;
}

/* The next gap of block .gap_block, closed so that the block can be walked. Returns its bytes, 0 at
 * the end of the block. */
static uint32_t next_gap(struct gc_heap *h, uint32_t *ret)
{
        uint32_t b = h->gap_block, end = (b + 1) * BLOCK_GRANULES;

        while (h->gap_at < end) {
                uint32_t from = h->gap_at, to = next_marked(h, b, from);

                h->gap_at = end;
                if (to < end)
                        h->gap_at = to + (uint32_t)(gc_size(h, to * GC_GRANULE) >> GRANULE_SHIFT);
                if (to == from)
                        continue;
                gap_write(h, from * GC_GRANULE, (uint64_t)(to - from) * GC_GRANULE);
                *ret = from * GC_GRANULE;
                return (to - from) * GC_GRANULE;
        }
        return 0;
}

/* Block @b was not looked at since the marks were set: it is free, or its gaps are next. Returns
 * whether it has any. */
static bool block_begin(struct gc_heap *h, uint32_t b)
{
        struct block *block = &h->blocks[b];

        block->unswept = false;
        if (!block->live && !block_has_marks(h, b)) {
                block_free(h, b, block->state == BLOCK_LARGE ? block->blocks : 1);
                return false;
        }
        if (block->state == BLOCK_LARGE || block->live == GC_BLOCK - (b ? 0 : GC_GRANULE))
                return false; /* no gap */
        h->gap_block = b;
        h->gap_at = block_first(b);
        return true;
}

bool sweep_run(struct gc_heap *h, uint32_t bytes, struct gc_cursor *ret)
{
        uint32_t from, found, b;

        for (;;) {
                while ((found = next_gap(h, &from)) != 0) {
                        if (found < bytes)
                                continue;
                        memset(h->base + from, 0, found);
                        *ret = (struct gc_cursor) { from, from + found };
                        return true;
                }
                do {
                        if (h->sweep_at >= h->opened)
                                return false;
                        if (h->sweep_at % SWEEP_SLICE == SWEEP_SLICE - 1)
                                gc_heap_yield(h);
                        b = h->sweep_at++;
                } while (!h->blocks[b].unswept || h->blocks[b].live > FULL || !block_begin(h, b));
        }
}

void sweep_rest(struct gc_heap *h)
{
        uint32_t at;

        while (next_gap(h, &at))
                ;
        for (uint32_t b = 0; b < h->opened; b++) {
                if (h->blocks[b].unswept && block_begin(h, b))
                        while (next_gap(h, &at))
                                ;
                if (b % SWEEP_SLICE == SWEEP_SLICE - 1)
                        gc_heap_yield(h);
        }
        h->sweep_at = h->opened;
}
