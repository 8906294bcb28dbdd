/* pool.h - memory that is freed in one go.
 *
 * A module's types, names and tables live exactly as long as the module, so they are carved from
 * a few large blocks. Memory is zeroed and aligned to 16 bytes.
 *
 * pool_alloc - @n elements of @size bytes; NULL when memory is short, when n * size overflows, or
 *              when the pool would pass its limit. n == 0 gives a pointer that is not NULL. */
#pragma once

#include <stddef.h>

#include "engine/base/cleanup.h"

struct pool;

struct pool *pool_new(size_t limit_bytes); /* 0: no limit */
void pool_free(struct pool *pool);         /* takes NULL */
_must_check_ void *pool_alloc(struct pool *pool, size_t n, size_t size);
size_t pool_used(const struct pool *pool); /* bytes handed out */

/* pool_new_at - a pool in @bytes bytes of zeroed memory at @at, aligned to 16, which stays the caller's: what was
 *   handed out outlives pool_free(). Things come in order from POOL_HEAD_BYTES behind @at on. */
#define POOL_HEAD_BYTES 32u
struct pool *pool_new_at(void *at, size_t bytes);

static inline void pool_freep(struct pool **pool)
{
        pool_free(*pool);
}
