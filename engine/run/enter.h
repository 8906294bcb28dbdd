/* enter.h - the short way into guest code, for calls that come again: what can be known of a function is looked up
 * once and kept in a struct guest_call, and its arguments move straight from the caller's array to their registers.
 *
 * guest_short_way - of functions of @type: up to three integers go in, and one or nothing comes out. NULL: there is
 *   none for them. It calls .code in .base as guest_call() does, without a word in r10, and returns the same;
 *   meanwhile *.runner is the fiber. Where that is not NULL, or a guest runs on this fiber already, it goes to
 *   .slow instead, which gets the same arguments. */
#pragma once

#include "engine/run/run.h"

struct guest_call;

typedef int guest_way(const struct guest_call *c, const union value *args, union value *results,
                      struct trap_info *trap);

struct guest_call {
        guest_way *enter, *slow; /* .enter: what the caller calls */
        void *base, *code;
        struct fiber **runner;
        uint32_t index;          /* the caller's */
};

#define GUEST_SHORT_LISTS 15u /* of parameters: up to three, each an i32 or of 64 bits */

guest_way *guest_short_way(const struct functype *type);

/* short.S of the machine. Functions without a result, with an i32, with another; of each GUEST_SHORT_LISTS: by the
 * number of parameters, and of those by the places of an i32, the first parameter's the lowest bit. */
extern guest_way *const guest_short_ways[3 * GUEST_SHORT_LISTS];

struct guest_result {
        uint64_t value; /* as rax has it */
        uint64_t trap;  /* an enum trap: what ended it; or 0 */
};

/* enter.S of the machine: @code of any function: ABI_INTEGER_ARGS integers. @vectors: ABI_VECTOR_ARGS arguments, and
 * [0] afterwards the result; NULL: none of them is in such a register. @data: see abi.h. */
struct guest_result guest_enter_any(const uint64_t *integers, union value *vectors, void *data, void *base,
                                    void *code, struct trap_info *trap);
