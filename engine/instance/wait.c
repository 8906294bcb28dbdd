/* memory.atomic.notify and wait. A nanoprocess has one thread of guest code, so while it waits there
 * is nobody who could notify it, and while it notifies there is nobody who waits. */
#include <time.h>

#include "engine/instance/builtins.h"
#include "engine/instance/store.h"

#define NS_PER_S UINT64_C(1000000000)

enum { WAIT_WOKEN, WAIT_OTHER_VALUE, WAIT_TIMED_OUT }; /* what wait gives to the guest */

/* The operand of @bytes bytes at @at + the offset, inside and aligned. */
static const uint8_t *atomic_operand(uint32_t memory, uint32_t low, uint32_t high, uint64_t at,
                                     unsigned bytes)
{
        const struct memory_object *o = instance_current()->memories[memory];
        uint64_t offset = (uint64_t)high << 32 | low, end;

        if ((at + offset) & (bytes - 1))
                trap_raise(TRAP_UNALIGNED_ATOMIC, NULL);
        if (__builtin_add_overflow(at, offset, &end) || end > o->bytes || o->bytes - end < bytes)
                trap_raise(TRAP_MEMORY_BOUNDS, NULL);
        return o->base + end;
}

uint64_t builtin_memory_notify(uint32_t memory, uint32_t low, uint32_t high, uint64_t at,
                               uint32_t count)
{
        (void)count;
        (void)atomic_operand(memory, low, high, at, 4);
        return 0;
}

static void sleep_thread(uint64_t ns)
{
        struct timespec left = { .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };

        while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
                ;
}

static uint64_t wait_out(uint32_t memory, bool same, int64_t timeout_ns)
{
        const struct instance *i = instance_current();
        const struct store_options *o = &i->store->options;

        if (!i->memories[memory]->type.size.is_shared)
                trap_raise(TRAP_NOT_SHARED, NULL);
        if (!same)
                return WAIT_OTHER_VALUE;
        if (timeout_ns < 0)
                trap_raise(TRAP_HOST, "memory.atomic.wait without a timeout: nobody can wake it");
        if (timeout_ns > 0 && o->sleep)
                o->sleep(o->sleep_context, (uint64_t)timeout_ns);
        else if (timeout_ns > 0)
                sleep_thread((uint64_t)timeout_ns);
        return WAIT_TIMED_OUT;
}

uint64_t builtin_memory_wait32(uint32_t memory, uint32_t low, uint32_t high, uint64_t at,
                               uint32_t expected, int64_t timeout_ns)
{
        const uint8_t *p = atomic_operand(memory, low, high, at, 4);

        return wait_out(memory, __atomic_load_n((const uint32_t *)p, __ATOMIC_SEQ_CST) == expected,
                        timeout_ns);
}

uint64_t builtin_memory_wait64(uint32_t memory, uint32_t low, uint32_t high, uint64_t at,
                               uint64_t expected, int64_t timeout_ns)
{
        const uint8_t *p = atomic_operand(memory, low, high, at, 8);

        return wait_out(memory, __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST) == expected,
                        timeout_ns);
}
