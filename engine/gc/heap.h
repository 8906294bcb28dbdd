/* heap.h - private to engine/gc: what a heap is made of.
 *
 * A used block can always be walked from front to back: objects say their size, and what is between
 * them begins with a zero word and its size in bytes. The run that is being filled is closed like
 * that before a walk. Bitmaps have a bit for each granule: .marks, set at the first granule of an
 * object that was reached; .starts, of all objects, made for a block when the first doubtful word
 * points into it. */
#pragma once

#include "engine/gc/gc.h"

#define BLOCK_SHIFT   15
#define GRANULE_SHIFT 4
#define BLOCK_GRANULES (GC_BLOCK / GC_GRANULE)
#define BLOCK_WORDS   (BLOCK_GRANULES / 64)
#define BLOCK_COST    (GC_BLOCK + 2 * BLOCK_GRANULES / 8) /* with its bits */
#define GC_LEAST      (UINT32_C(4) << 20) /* bytes handed out before a collection is worth it */

_Static_assert(1u << BLOCK_SHIFT == GC_BLOCK && 1u << GRANULE_SHIFT == GC_GRANULE, "");

enum block_state {
        BLOCK_CLOSED,  /* never opened, or behind the end */
        BLOCK_FREE,
        BLOCK_RUNS,    /* of objects and gaps */
        BLOCK_LARGE,   /* the first one of a large object, */
        BLOCK_TAIL,    /* and the others */
};

struct block {
        uint8_t state;
        bool dirty;       /* has pages, which are not zero */
        bool unswept;     /* its unmarked objects are garbage */
        bool has_starts;
        bool overflowed;  /* has a marked object that was not looked at */
        uint32_t blocks;  /* of LARGE: how many; of TAIL: how far behind the first */
        uint32_t live;    /* of RUNS: bytes of objects that the last collection marked */
};

struct gc_heap {
        struct gc_cursor small, large; /* must be first. .large: for objects above GC_SMALL_MAX */
        uint8_t *base;
        struct gc_options o;
        const struct gc_type *types;
        uint32_t ntypes;

        uint32_t nblocks, opened;     /* blocks: of the reservation, that may be touched */
        struct block *blocks;
        uint64_t *marks, *starts;
        uint8_t *maps;                /* the mapping that both bitmaps and the blocks lie in */
        size_t maps_bytes;

        uint32_t sweep_at;            /* the next block to be looked at for runs */
        uint32_t gap_block, gap_at;   /* the block whose gaps are handed out; the next granule */
        uint32_t free_hint;           /* no free block below */
        uint32_t nfree, nfree_dirty;  /* opened free blocks */
        uint64_t handed, threshold;   /* bytes since the last collection, and when the next is due */

        uint32_t *stack;              /* marked objects that were not looked at yet */
        uint32_t depth;
        bool overflowed;
        uint32_t array, array_at;     /* an array that is being looked at, and the next element */
        struct gc_counts counts;
};

static inline uint32_t *gc_words(const struct gc_heap *h, uint32_t ref)
{
        return (uint32_t *)(h->base + ref);
}

/* Bytes of the object or the gap at @ref, a multiple of the granule. */
static inline uint64_t gc_size(const struct gc_heap *h, uint32_t ref)
{
        const uint32_t *words = gc_words(h, ref);
        uint32_t kind = words[0] >> GC_KIND_SHIFT;
        uint64_t bytes;

        if (kind == GC_FREE)
                return words[1];
        if (kind == GC_EXTERN)
                return GC_GRANULE;
        bytes = h->types[words[0] & GC_ID_MASK].bytes;
        if (kind == GC_ARRAY)
                bytes = GC_ARRAY_AT + bytes * words[1];
        return (bytes + GC_GRANULE - 1) & ~(uint64_t)(GC_GRANULE - 1);
}

static inline bool bit_get(const uint64_t *bits, uint32_t granule)
{
        return bits[granule >> 6] >> (granule & 63) & 1;
}

static inline void bit_set(uint64_t *bits, uint32_t granule)
{
        bits[granule >> 6] |= UINT64_C(1) << (granule & 63);
}

/* The first granule of block @b that an object may have: offset 0 is null. */
static inline uint32_t block_first(uint32_t b)
{
        return b * BLOCK_GRANULES + (b == 0);
}

static inline void gap_write(struct gc_heap *h, uint32_t from, uint64_t bytes)
{
        uint32_t *words = gc_words(h, from);

        if (!bytes)
                return;
        words[0] = GC_WORD(GC_FREE, 0);
        words[1] = (uint32_t)bytes;
}

/* sweep.c. The next run of at least @bytes between objects that live; false when there is none. */
bool sweep_run(struct gc_heap *h, uint32_t bytes, struct gc_cursor *ret);
void sweep_rest(struct gc_heap *h);
void block_free(struct gc_heap *h, uint32_t b, uint32_t n);
void blocks_give_back(struct gc_heap *h, uint32_t keep);

/* heap.c */
void cursors_close(struct gc_heap *h);
