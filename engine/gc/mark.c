/* What can be reached. A marked object waits on the stack until it was looked at; one that finds no
 * room there is found again through its block. */
#include "engine/gc/heap.h"

#include <string.h>

#define SLICE_WORK  8192u /* references looked at, or as much work, between two yields */
#define ARRAY_SLICE 4096u
#define SLICE_BLOCKS 1024u

static void count(struct gc_heap *h, uint32_t ref)
{
        uint64_t bytes = gc_size(h, ref);

        h->blocks[ref >> BLOCK_SHIFT].live += (uint32_t)bytes;
        h->counts.live_bytes += bytes;
        h->counts.live_objects++;
}

static void mark(struct gc_heap *h, uint32_t ref)
{
        uint32_t granule = ref >> GRANULE_SHIFT;

        if (!gc_is_object(ref) || bit_get(h->marks, granule))
                return;
        bit_set(h->marks, granule);
        if (h->depth < GC_STACK) {
                h->stack[h->depth++] = ref;
                return;
        }
        h->blocks[ref >> BLOCK_SHIFT].overflowed = true;
        h->overflowed = true;
        count(h, ref);
}

static void mark_at(struct gc_heap *h, const uint8_t *at, bool is_extern)
{
        uint64_t word = 0;

        memcpy(&word, at, is_extern ? sizeof(uint64_t) : sizeof(uint32_t));
        if (!is_extern || word & GC_EXTERN_BIT)
                mark(h, (uint32_t)word);
}

/* A part of the array at hand. Returns the work done. */
static uint32_t scan_array(struct gc_heap *h)
{
        const uint32_t *words = gc_words(h, h->array);
        const struct gc_type *t = &h->types[words[0] & GC_ID_MASK];
        const uint8_t *at = h->base + h->array + GC_ARRAY_AT + (uint64_t)h->array_at * t->bytes;
        uint32_t n = words[1] - h->array_at;

        if (n > ARRAY_SLICE)
                n = ARRAY_SLICE;
        for (uint32_t k = 0; k < n; k++, at += t->bytes)
                mark_at(h, at, t->fields->is_extern);
        h->array_at += n;
        if (h->array_at == words[1])
                h->array = 0;
        return n;
}

static uint32_t scan(struct gc_heap *h, uint32_t ref)
{
        uint32_t word = *gc_words(h, ref);
        const struct gc_type *t = &h->types[word & GC_ID_MASK];

        if (word >> GC_KIND_SHIFT == GC_EXTERN || !t->nfields)
                return 1;
        if (t->kind == GC_ARRAY) {
                h->array = ref;
                h->array_at = 0;
                return 1;
        }
        for (uint32_t k = 0; k < t->nfields; k++)
                mark_at(h, h->base + ref + t->fields[k].offset, t->fields[k].is_extern);
        return 1 + t->nfields;
}

static void drain(struct gc_heap *h)
{
        uint32_t work = 0;

        while (h->array || h->depth) {
                if (h->array) {
                        work += scan_array(h);
                } else {
                        count(h, h->stack[--h->depth]);
                        work += scan(h, h->stack[h->depth]);
                }
                if (work >= SLICE_WORK) {
                        work = 0;
                        gc_heap_yield(h);
                }
        }
}

/* The marked objects of @b once more: at least one was not looked at. */
static void scan_block(struct gc_heap *h, uint32_t b)
{
        uint64_t *words = h->marks + (size_t)b * BLOCK_WORDS, bits;

        for (uint32_t k = 0; k < BLOCK_WORDS; k++) {
                for (bits = words[k]; bits; bits &= bits - 1) {
                        uint32_t granule = b * BLOCK_GRANULES + 64 * k + (uint32_t)__builtin_ctzll(bits);

                        (void)scan(h, granule * GC_GRANULE);
                        while (h->array)
                                (void)scan_array(h);
                }
        }
}

static void drain_all(struct gc_heap *h)
{
        drain(h);
        while (h->overflowed) {
                h->overflowed = false;
                h->counts.overflows++;
                for (uint32_t b = 0; b < h->opened; b++) {
                        if (!h->blocks[b].overflowed)
                                continue;
                        h->blocks[b].overflowed = false;
                        scan_block(h, b);
                        drain(h);
                }
        }
}

/* ---- roots ---------------------------------------------------------------------------------- */

void gc_root(struct gc_heap *h, uint32_t ref)
{
        mark(h, ref);
}

void gc_root_extern(struct gc_heap *h, uint64_t word)
{
        if (word & GC_EXTERN_BIT)
                mark(h, (uint32_t)word);
}

static void block_find_starts(struct gc_heap *h, uint32_t b)
{
        uint32_t at = block_first(b) * GC_GRANULE, end = (b + 1) * GC_BLOCK;

        memset(h->starts + (size_t)b * BLOCK_WORDS, 0, BLOCK_WORDS * sizeof(uint64_t));
        for (uint64_t bytes; at < end; at += (uint32_t)bytes) {
                bytes = gc_size(h, at);
                if (!bytes)
                        abort(); /* a block that cannot be walked: a bug of ours, not to be gone on with */
                if (*gc_words(h, at) >> GC_KIND_SHIFT != GC_FREE)
                        bit_set(h->starts, at >> GRANULE_SHIFT);
        }
        h->blocks[b].has_starts = true;
}

/* The object that byte @at lies in, or 0. */
static uint32_t object_around(struct gc_heap *h, uint32_t at)
{
        uint32_t b = at >> BLOCK_SHIFT, granule = at >> GRANULE_SHIFT, word, first;
        uint64_t bits;

        if (b >= h->opened)
                return 0;
        if (h->blocks[b].state == BLOCK_TAIL)
                b -= h->blocks[b].blocks;
        if (h->blocks[b].state == BLOCK_LARGE)
                return at - b * GC_BLOCK < gc_size(h, b * GC_BLOCK) ? b * GC_BLOCK : 0;
        if (h->blocks[b].state != BLOCK_RUNS)
                return 0;
        if (!h->blocks[b].has_starts)
                block_find_starts(h, b);
        word = granule >> 6;
        first = b * BLOCK_WORDS;
        bits = h->starts[word] & (UINT64_MAX >> (63 - (granule & 63)));
        while (!bits && word > first)
                bits = h->starts[--word];
        if (!bits)
                return 0;
        granule = word * 64 + 63 - (uint32_t)__builtin_clzll(bits);
        return at - granule * GC_GRANULE < gc_size(h, granule * GC_GRANULE) ? granule * GC_GRANULE : 0;
}

bool gc_is(struct gc_heap *h, uint32_t ref)
{
        if (!gc_is_object(ref) || ref % GC_GRANULE)
                return false;
        cursors_close(h);
        sweep_rest(h);
        for (uint32_t b = 0; b < h->opened; b++)
                h->blocks[b].has_starts = false;
        return object_around(h, ref) == ref;
}

/* Half a word is taken for a reference only when it is one to the byte. */
static void root_half(struct gc_heap *h, uint32_t ref)
{
        if (ref && ref % GC_GRANULE == 0 && object_around(h, ref) == ref)
                mark(h, ref);
}

/* Stacks are read whole, the red zones between variables too. */
__attribute__((no_sanitize("address"))) void gc_root_words(struct gc_heap *h, const void *low,
                                                          const void *high)
{
        uintptr_t base = (uintptr_t)h->base, bytes = (uintptr_t)h->opened * GC_BLOCK;
        const uint64_t *at = (const uint64_t *)(((uintptr_t)low + 7) & ~(uintptr_t)7);
        uint32_t work = 0;

        for (; at + 1 <= (const uint64_t *)high; at++) {
                uint64_t word = *(const volatile uint64_t *)at;

                if (word - base < bytes)
                        mark(h, object_around(h, (uint32_t)(word - base)));
                root_half(h, (uint32_t)word);
                root_half(h, (uint32_t)(word >> 32));
                if (++work % SLICE_WORK == 0)
                        gc_heap_yield(h);
        }
}

/* ---- a collection --------------------------------------------------------------------------- */

static void prepare(struct gc_heap *h)
{
        cursors_close(h);
        sweep_rest(h); /* the garbage of the last time must not be taken for objects now */
        for (uint32_t b = 0; b < h->opened; b++) {
                struct block *block = &h->blocks[b];

                if (b % SLICE_BLOCKS == SLICE_BLOCKS - 1)
                        gc_heap_yield(h);
                block->has_starts = block->overflowed = false;
                block->live = 0;
                if (block->state == BLOCK_RUNS || block->state == BLOCK_LARGE)
                        memset(h->marks + (size_t)b * BLOCK_WORDS, 0, BLOCK_WORDS * sizeof(uint64_t));
        }
        h->counts.live_bytes = h->counts.live_objects = 0;
        h->depth = h->array = 0;
        h->overflowed = false;
}

static void finish(struct gc_heap *h)
{
        for (uint32_t b = 0; b < h->opened; b++)
                if (h->blocks[b].state == BLOCK_RUNS || h->blocks[b].state == BLOCK_LARGE)
                        h->blocks[b].unswept = true;
        h->sweep_at = 0;
        h->gap_block = 0;
        h->gap_at = BLOCK_GRANULES; /* no gap is at hand */
        h->handed = 0;
        h->threshold = h->counts.live_bytes > GC_LEAST ? h->counts.live_bytes : GC_LEAST;
        h->counts.collections++;
}

void gc_collect(struct gc_heap *h)
{
        prepare(h); /* from whatever state: the guest of the last one may have ended within it */
        h->o.roots(h->o.context, h);
        drain_all(h);
        finish(h);
        if (h->nfree_dirty > h->threshold / GC_BLOCK)
                blocks_give_back(h, (uint32_t)(h->threshold / GC_BLOCK));
}
