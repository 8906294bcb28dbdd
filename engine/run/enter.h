/* enter.h - the short way into guest code, for callers to whom nanoseconds count: guest_call() inlined.
 *
 * guest_shape - of a type, once: what guest_call_shaped() needs to know of it. GUEST_SHORT: up to three
 *   integers go in, and one or nothing comes out; these values never see memory on their way.
 * guest_call_shaped - as guest_call(), of a function of such a type, without a word in r10. */
#pragma once

#include <string.h>

#include "engine/run/run.h"

#define GUEST_PARAMS     3u         /* how many */
#define GUEST_SHORT      4u
#define GUEST_NARROW(i)  (8u << (i)) /* parameter i is an i32 */
#define GUEST_RESULT     64u
#define GUEST_NARROW_RESULT 128u

uint8_t guest_shape(const struct functype *type);

struct guest_result {
        uint64_t value; /* as rax has it */
        uint64_t trap;  /* an enum trap: what ended it; or 0 */
};

/* enter.S of the machine: @code of a function that takes up to three integers. */
struct guest_result guest_enter(uint64_t i0, uint64_t i1, uint64_t i2, void *base, void *code,
                                struct trap_info *trap);
/* Of any function: ABI_INTEGER_ARGS integers. @vectors: ABI_VECTOR_ARGS arguments, and [0] afterwards the
 * result; NULL: none of them is in such a register. @data: see abi.h. */
struct guest_result guest_enter_any(const uint64_t *integers, union value *vectors, void *data, void *base,
                                    void *code, struct trap_info *trap);

typedef uint64_t two_words __attribute__((vector_size(16)));

static inline uint64_t guest_narrow(uint64_t v, bool narrow)
{
        return narrow ? (uint32_t)v : v;
}

/* Bits that the type does not have are cleared: nothing of the guest's registers leaks. */
static inline __attribute__((always_inline)) int
guest_call_shaped(struct instance *instance, void *code, unsigned shape, const union value *args,
                  union value *results, struct trap_info *trap)
{
        static const union value none;
        unsigned n = shape & GUEST_PARAMS;
        uint64_t i0 = guest_narrow((n ? args : &none)->i64, shape & GUEST_NARROW(0)), i1 = 0, i2 = 0;
        struct guest_result r;

        if (_unlikely_(n > 1)) {
                i1 = guest_narrow(args[1].i64, shape & GUEST_NARROW(1));
                if (n > 2)
                        i2 = guest_narrow(args[2].i64, shape & GUEST_NARROW(2));
        }
        r = guest_enter(i0, i1, i2, instance_base(instance), code, trap);
        if (_unlikely_(r.trap))
                return -EFAULT;
        if (_likely_(shape & GUEST_RESULT)) {
                two_words w = { guest_narrow(r.value, shape & GUEST_NARROW_RESULT), 0 };

                memcpy(results, &w, sizeof(w)); /* in one store */
        }
        return 0;
}
