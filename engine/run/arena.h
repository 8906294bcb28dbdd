/* arena.h - a code arena for a process that makes its own: tools, tests and benchmarks.
 *
 * A cell gets its arena from the broker and cannot write it; this one keeps both views of a memory
 * file, and is for programs that run no hostile code.
 *
 * arena_new - reserve @bytes of code and name them to run_arena(). One per process.
 * arena_add - copy @size bytes in, page-aligned; @ret: where they can be executed.
 *   Returns 0 or -ENOSPC. Code is never removed. */
#pragma once

#include <stddef.h>

#include "engine/base/error.h"

struct arena;

_must_check_ int arena_new(size_t bytes, struct arena **ret, struct error *err);
_must_check_ int arena_add(struct arena *a, const void *bytes, size_t size, void **ret,
                           struct error *err);
void arena_free(struct arena *a); /* takes NULL */

static inline void arena_freep(struct arena **a)
{
        arena_free(*a);
}
