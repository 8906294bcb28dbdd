#include "engine/gc/heap.h"

#include <string.h>
#include <sys/mman.h>

#define BYTES_4G    (UINT64_C(1) << 32)
#define OPEN_BLOCKS 32u /* opened at a time, so that system calls are few */
#define ZERO_SLICE  (UINT64_C(1) << 18)
#define GIVE_BLOCKS 64u /* given back in one system call */

static int maps_new(struct gc_heap *h)
{
        size_t bits = (size_t)h->nblocks * BLOCK_WORDS * sizeof(uint64_t);
        size_t blocks = ((size_t)h->nblocks * sizeof(*h->blocks) + 4095) & ~(size_t)4095;
        uint8_t *at;

        h->maps_bytes = 2 * bits + blocks + GC_STACK * sizeof(*h->stack);
        at = mmap(NULL, h->maps_bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED)
                return -errno;
        h->maps = at;
        h->blocks = (struct block *)at;
        h->marks = (uint64_t *)(at + blocks);
        h->starts = (uint64_t *)(at + blocks + bits);
        h->stack = (uint32_t *)(at + blocks + 2 * bits);
        return 0;
}

int gc_heap_new(const struct gc_options *o, struct gc_heap **ret, struct error *err)
{
        uint64_t bytes = o->bytes_max && o->bytes_max < BYTES_4G ? o->bytes_max : BYTES_4G;
        struct gc_heap *h = calloc(1, sizeof(*h));
        int r = -ENOMEM;

        if (!h)
                return error_set(err, STAGE_INSTANTIATE, r, ERROR_NOWHERE, "no memory for a heap");
        bytes = (bytes + GC_BLOCK - 1) & ~(uint64_t)(GC_BLOCK - 1);
        if (bytes == BYTES_4G)
                bytes -= GC_BLOCK; /* so that no sum of .bump and a size wraps */
        h->o = *o;
        h->nblocks = (uint32_t)(bytes / GC_BLOCK);
        h->threshold = GC_LEAST;
        h->gap_at = BLOCK_GRANULES; /* no gap is at hand */
        h->base = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (h->base == MAP_FAILED) {
                h->base = NULL;
                r = -errno;
        } else {
                r = maps_new(h);
        }
        if (r < 0) {
                gc_heap_free(h);
                return error_set(err, STAGE_INSTANTIATE, r, ERROR_NOWHERE,
                                 "no address space for a heap of %llu bytes", (unsigned long long)bytes);
        }
        *ret = h;
        return 0;
}

static void account(struct gc_heap *h, int64_t blocks)
{
        h->counts.resident_bytes += (uint64_t)(blocks * (int64_t)BLOCK_COST);
        if (h->o.bytes_used)
                *h->o.bytes_used += (uint64_t)(blocks * (int64_t)BLOCK_COST);
}

static bool account_allows(const struct gc_heap *h, uint64_t blocks)
{
        uint64_t used = h->o.bytes_used ? *h->o.bytes_used : h->counts.resident_bytes;

        return !h->o.bytes_used_max ||
               (used <= h->o.bytes_used_max && blocks * BLOCK_COST <= h->o.bytes_used_max - used);
}

void gc_heap_free(struct gc_heap *h)
{
        if (!h)
                return;
        account(h, -(int64_t)(h->counts.resident_bytes / BLOCK_COST));
        if (h->base)
                munmap(h->base, (size_t)h->nblocks * GC_BLOCK);
        if (h->maps)
                munmap(h->maps, h->maps_bytes);
        free(h);
}

void gc_heap_set_types(struct gc_heap *h, const struct gc_type *types, uint32_t ntypes)
{
        h->types = types;
        h->ntypes = ntypes;
}

/* ---- blocks --------------------------------------------------------------------------------- */

static bool blocks_open(struct gc_heap *h, uint32_t n)
{
        uint32_t more = n < OPEN_BLOCKS ? OPEN_BLOCKS : n;

        if (more > h->nblocks - h->opened)
                more = h->nblocks - h->opened;
        if (more < n || mprotect(h->base + (size_t)h->opened * GC_BLOCK, (size_t)more * GC_BLOCK,
                                 PROT_READ | PROT_WRITE) < 0)
                return false;
        for (uint32_t b = h->opened; b < h->opened + more; b++)
                h->blocks[b] = (struct block) { .state = BLOCK_FREE };
        h->opened += more;
        h->nfree += more;
        return true;
}

void block_free(struct gc_heap *h, uint32_t b, uint32_t n)
{
        for (uint32_t k = b; k < b + n; k++)
                h->blocks[k] = (struct block) { .state = BLOCK_FREE, .dirty = true };
        memset(h->marks + (size_t)b * BLOCK_WORDS, 0, (size_t)n * BLOCK_WORDS * sizeof(uint64_t));
        h->nfree += n;
        h->nfree_dirty += n;
        if (b < h->free_hint)
                h->free_hint = b;
}

/* Pages of free blocks beyond @keep go back. */
void blocks_give_back(struct gc_heap *h, uint32_t keep)
{
        for (uint32_t b = h->opened; b-- > 0 && h->nfree_dirty > keep;) {
                uint32_t n = 0;

                while (h->blocks[b].state == BLOCK_FREE && h->blocks[b].dirty &&
                       n < h->nfree_dirty - keep && n < GIVE_BLOCKS) {
                        h->blocks[b].dirty = false;
                        n++;
                        if (b-- == 0)
                                break;
                }
                if (n) {
                        b++;
                        (void)madvise(h->base + (size_t)b * GC_BLOCK, (size_t)n * GC_BLOCK,
                                      MADV_DONTNEED);
                        h->nfree_dirty -= n;
                        account(h, -(int64_t)n);
                        gc_heap_yield(h);
                }
        }
}

/* @n free blocks in a row, or UINT32_MAX. Block 0 holds null and begins no large object. */
static uint32_t blocks_find(struct gc_heap *h, uint32_t n)
{
        uint32_t found = 0;

        for (uint32_t b = h->free_hint; b < h->opened; b++) {
                if (h->blocks[b].state != BLOCK_FREE || (n > 1 && b == 0))
                        found = 0;
                else if (++found == n)
                        return b - n + 1;
        }
        if (!blocks_open(h, n - found + (n > 1 && h->opened == 0)))
                return UINT32_MAX;
        return h->opened ? blocks_find(h, n) : UINT32_MAX;
}

/* The first one at once: while others run, it may have no object, but not half of one. */
static void blocks_zero(struct gc_heap *h, uint32_t b, uint32_t n)
{
        for (uint32_t k = b; k < b + n; k++) {
                if (h->blocks[k].dirty)
                        memset(h->base + (size_t)k * GC_BLOCK, 0, GC_BLOCK);
                h->blocks[k].dirty = true;
                if ((k - b) % (ZERO_SLICE / GC_BLOCK) == ZERO_SLICE / GC_BLOCK - 1)
                        gc_heap_yield(h);
        }
}

/* Take @n blocks, as @state, zeroed. */
static uint32_t blocks_take(struct gc_heap *h, uint32_t n, enum block_state state)
{
        uint32_t b, dirty = 0;

        if (n > h->nblocks)
                return UINT32_MAX;
        b = blocks_find(h, n);
        if (b == UINT32_MAX)
                return b;
        for (uint32_t k = b; k < b + n; k++)
                dirty += h->blocks[k].dirty;
        if (!account_allows(h, n - dirty))
                return UINT32_MAX;
        account(h, (int64_t)n - dirty);
        h->nfree -= n;
        h->nfree_dirty -= dirty;
        for (uint32_t k = b; k < b + n; k++) {
                h->blocks[k].state = (uint8_t)(k == b ? state : BLOCK_TAIL);
                h->blocks[k].blocks = k == b ? n : k - b;
        }
        if (n == 1 && b == h->free_hint)
                h->free_hint++;
        blocks_zero(h, b, n);
        if (b == 0)
                gap_write(h, 0, GC_GRANULE);
        return b;
}

/* ---- objects -------------------------------------------------------------------------------- */

static void cursor_close(struct gc_heap *h, struct gc_cursor *c)
{
        gap_write(h, c->bump, c->limit - c->bump);
        *c = (struct gc_cursor) { 0 };
}

void cursors_close(struct gc_heap *h)
{
        cursor_close(h, &h->small);
        cursor_close(h, &h->large);
}

/* A collection when it is due, and, @full, whether it is or not. */
static bool collect_due(struct gc_heap *h, bool full)
{
        if (!full && !h->o.stress && h->handed < h->threshold)
                return false;
        gc_collect(h);
        return true;
}

/* A run of at least @bytes into @c. */
static bool run_next(struct gc_heap *h, struct gc_cursor *c, uint32_t bytes)
{
        bool collected = collect_due(h, false);
        uint32_t b;

        cursor_close(h, c);
        for (;;) {
                if (c == &h->small && sweep_run(h, bytes, c))
                        break;
                b = blocks_take(h, 1, BLOCK_RUNS);
                if (b == UINT32_MAX && c == &h->large) {
                        sweep_rest(h);
                        b = blocks_take(h, 1, BLOCK_RUNS);
                }
                if (b != UINT32_MAX) {
                        c->bump = block_first(b) * GC_GRANULE;
                        c->limit = (b + 1) * GC_BLOCK;
                        break;
                }
                if (collected)
                        return false;
                collected = collect_due(h, true);
        }
        h->handed += c->limit - c->bump;
        return true;
}

static uint32_t alloc_run(struct gc_heap *h, struct gc_cursor *c, uint32_t bytes)
{
        uint32_t ref;

        if (h->o.stress)
                (void)collect_due(h, false);
        while (c->limit - c->bump < bytes)
                if (!run_next(h, c, bytes))
                        return 0;
        ref = c->bump;
        c->bump += bytes;
        if (h->o.stress) /* the next one comes here, too */
                cursor_close(h, c);
        return ref;
}

static uint32_t alloc_large(struct gc_heap *h, uint64_t bytes)
{
        uint64_t n = (bytes + GC_BLOCK - 1) / GC_BLOCK;
        bool collected = collect_due(h, false);
        uint32_t b;

        if (n > h->nblocks)
                return 0;
        b = blocks_take(h, (uint32_t)n, BLOCK_LARGE);
        if (b == UINT32_MAX) {
                sweep_rest(h);
                b = blocks_take(h, (uint32_t)n, BLOCK_LARGE);
        }
        if (b == UINT32_MAX && !collected) {
                gc_collect(h);
                sweep_rest(h);
                b = blocks_take(h, (uint32_t)n, BLOCK_LARGE);
        }
        if (b == UINT32_MAX)
                return 0;
        h->handed += bytes;
        return b * GC_BLOCK;
}

static uint32_t alloc(struct gc_heap *h, uint32_t word, uint32_t second, uint64_t bytes)
{
        uint32_t ref;

        bytes = (bytes + GC_GRANULE - 1) & ~(uint64_t)(GC_GRANULE - 1);
        if (bytes <= GC_SMALL_MAX)
                ref = alloc_run(h, &h->small, (uint32_t)bytes);
        else if (bytes <= GC_BLOCK - GC_GRANULE)
                ref = alloc_run(h, &h->large, (uint32_t)bytes);
        else
                ref = alloc_large(h, bytes);
        if (ref) {
                gc_words(h, ref)[0] = word;
                gc_words(h, ref)[1] = second;
        }
        return ref;
}

uint32_t gc_new_struct(struct gc_heap *h, uint32_t id)
{
        return alloc(h, GC_WORD(GC_STRUCT, id), 0, h->types[id].bytes);
}

uint32_t gc_new_array(struct gc_heap *h, uint32_t id, uint32_t length)
{
        return alloc(h, GC_WORD(GC_ARRAY, id), length,
                     GC_ARRAY_AT + (uint64_t)h->types[id].bytes * length);
}

uint32_t gc_new_extern(struct gc_heap *h, uint64_t word)
{
        uint32_t ref = alloc(h, GC_WORD(GC_EXTERN, 0), 0, GC_GRANULE);

        if (ref)
                memcpy(h->base + ref + GC_ARRAY_AT, &word, sizeof(word));
        return ref;
}

struct gc_counts gc_heap_counts(const struct gc_heap *h)
{
        return h->counts;
}

uint8_t *gc_heap_base(const struct gc_heap *h)
{
        return h->base;
}

struct gc_cursor *gc_heap_cursor(struct gc_heap *h)
{
        return &h->small;
}

void gc_heap_yield(struct gc_heap *h)
{
        h->counts.slices++;
        if (h->o.yield)
                h->o.yield(h->o.context);
}
