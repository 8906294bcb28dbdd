#include "engine/base/pool.h"

#include <stdbool.h>
#include <stdint.h>

#define POOL_ALIGN      16
#define POOL_BLOCK_MIN  ((size_t)4096)
#define POOL_BLOCK_MAX  ((size_t)1 << 20)

struct block {
        struct block *next;
        size_t size, used; /* of data */
        _Alignas(POOL_ALIGN) uint8_t data[];
};

struct pool {
        struct block *blocks;
        size_t limit, used, next_block;
        bool borrowed; /* its one block is not ours */
};

_Static_assert(offsetof(struct block, data) == POOL_HEAD_BYTES, "what the header says");

struct pool *pool_new(size_t limit_bytes)
{
        struct pool *pool = calloc(1, sizeof(*pool));

        if (!pool)
                return NULL;
        pool->limit = limit_bytes ? limit_bytes : SIZE_MAX;
        pool->next_block = POOL_BLOCK_MIN;
        return pool;
}

struct pool *pool_new_at(void *at, size_t bytes)
{
        struct pool *pool = pool_new(0);
        struct block *b = at;

        if (!pool)
                return NULL;
        pool->borrowed = true;
        if (bytes < sizeof(*b))
                return pool;
        *b = (struct block) { .size = bytes - sizeof(*b) };
        pool->blocks = b;
        return pool;
}

void pool_free(struct pool *pool)
{
        if (!pool)
                return;
        for (struct block *b = pool->borrowed ? NULL : pool->blocks, *next; b; b = next) {
                next = b->next;
                free(b);
        }
        free(pool);
}

static struct block *block_new(struct pool *pool, size_t bytes)
{
        size_t size = bytes > pool->next_block ? bytes : pool->next_block;
        struct block *b = calloc(1, sizeof(*b) + size);

        if (!b)
                return NULL;
        b->size = size;
        b->next = pool->blocks;
        pool->blocks = b;
        if (pool->next_block < POOL_BLOCK_MAX)
                pool->next_block *= 2;
        return b;
}

void *pool_alloc(struct pool *pool, size_t n, size_t size)
{
        struct block *b = pool->blocks;
        size_t bytes;
        void *p;

        if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
                return NULL;
        bytes = (bytes + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
        if (bytes > pool->limit - pool->used)
                return NULL;
        if (!b || bytes > b->size - b->used)
                b = pool->borrowed ? NULL : block_new(pool, bytes);
        if (!b)
                return NULL;
        p = b->data + b->used;
        b->used += bytes;
        pool->used += bytes;
        return p;
}

size_t pool_used(const struct pool *pool)
{
        return pool->used;
}
