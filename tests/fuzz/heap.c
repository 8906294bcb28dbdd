/* Counts and fails allocations: the linker sends every malloc of the program here (--wrap). */
#include <malloc.h>
#include <stdatomic.h>

#include "tests/fuzz/fuzz.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static atomic_size_t now, most;
static atomic_uint_fast64_t countdown;
static atomic_bool failed;

static bool must_fail(void)
{
        uint_fast64_t left = atomic_load(&countdown);

        while (left > 0)
                if (atomic_compare_exchange_weak(&countdown, &left, left - 1)) {
                        if (left == 1)
                                atomic_store(&failed, true);
                        return left == 1;
                }
        return false;
}

static void *count(void *p)
{
        size_t bytes = atomic_fetch_add(&now, p ? malloc_usable_size(p) : 0), high;

        bytes += p ? malloc_usable_size(p) : 0;
        high = atomic_load(&most);
        while (bytes > high && !atomic_compare_exchange_weak(&most, &high, bytes))
                ;
        return p;
}

static void uncount(void *p)
{
        if (p)
                atomic_fetch_sub(&now, malloc_usable_size(p));
}

void *__wrap_malloc(size_t size)
{
        return must_fail() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
        return must_fail() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
        size_t before = p ? malloc_usable_size(p) : 0;
        void *q;

        if (must_fail())
                return NULL;
        q = __real_realloc(p, size);
        if (!q)
                return NULL;
        atomic_fetch_sub(&now, before);
        return count(q);
}

void __wrap_free(void *p)
{
        uncount(p);
        __real_free(p);
}

size_t heap_bytes(void)
{
        return atomic_load(&now);
}

size_t heap_most(void)
{
        return atomic_load(&most);
}

void heap_mark(void)
{
        atomic_store(&most, atomic_load(&now));
}

void heap_fail_at(uint64_t n)
{
        atomic_store(&failed, false);
        atomic_store(&countdown, n);
}

bool heap_has_failed(void)
{
        return atomic_load(&failed);
}
