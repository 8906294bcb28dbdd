/* fast.h - the single-pass generator: one function body to machine code.
 *
 * A unit belongs to one thread and is used for one function after another: its buffers are kept.
 *
 * fast_unit_new - @shared: borrowed, the same for all units of a module. NULL: no memory.
 * fast_function - generate defined function @k. The code is appended to unit->code, 16-aligned,
 *   its map to unit->map and its direct calls to unit->calls (places counted from the start of
 *   unit->code). The caller empties them when it has taken what is in them.
 *   Returns 0, -E2BIG (the frame), -ENOMEM. */
#pragma once

#include "engine/compile/compile.h"

#define FAST_FRAME_MAX (1u << 20) /* bytes of one frame */

struct fast_shared {
        const struct checked_module *checked;
        const struct module *module;
        const struct layout *layout;
        uint64_t cpu;
        bool vectors;    /* the module has v128: stack slots take 16 bytes */
        bool owns_memory; /* memory 0 begins at the instance base */
        bool dense;      /* compile_options.dense */
        uint32_t multiply; /* function that is IDIOM_MUL128, or UINT32_MAX */
        bool multiply_low_first;
};

struct fast_call {
        uint32_t at;       /* of the rel32 */
        uint32_t function; /* defined function */
};

struct fast_output {
        struct buffer code, map;
        struct fast_call *calls;
        uint32_t ncalls, calls_room;
        uint64_t cpu_used;
};

struct fast_unit;

struct fast_unit *fast_unit_new(const struct fast_shared *shared);
void fast_unit_free(struct fast_unit *u); /* takes NULL */
_must_check_ int fast_function(struct fast_unit *u, uint32_t k, struct fast_output *out,
                               struct error *err);
void fast_output_done(struct fast_output *out);
