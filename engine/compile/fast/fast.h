/* fast.h - the single-pass generator: one function body to machine code.
 *
 * A unit belongs to one thread and is used for one function after another: its buffers are kept.
 *
 * fast_machine_find - the generator for a machine, NULL when there is none.
 * .unit_new - @shared: borrowed, the same for all units of a module. NULL: no memory.
 * .unit_free - takes NULL.
 * .function - generate defined function @k. The code is appended to out->code, 16-aligned, its map
 *   to out->map and its direct calls to out->calls (places counted from the start of out->code).
 *   The caller empties them when it has taken what is in them.
 *   Returns 0, -E2BIG (the frame), -ENOMEM.
 * .call_patch - the call at @at leads @distance bytes on. */
#pragma once

#include "engine/compile/compile.h"
#include "engine/compile/objects.h"

#define FAST_FRAME_MAX (1u << 20) /* bytes of one frame */

struct fast_shared {
        const struct checked_module *checked;
        const struct module *module;
        const struct layout *layout;
        struct object_layouts objects;
        uint64_t cpu;
        bool vectors;    /* the module has v128: stack slots take 16 bytes */
        bool owns_memory; /* memory 0 begins at the instance base */
        bool catches;    /* checked_catches() */
        bool dense;      /* compile_options.dense */
        bool deterministic; /* compile_options.deterministic */
        uint32_t multiply; /* function that is IDIOM_MUL128, or UINT32_MAX */
        bool multiply_low_first;
};

struct fast_call {
        uint32_t at;       /* where the code names the target */
        uint32_t function; /* defined function */
};

struct fast_output {
        struct buffer code, map;
        struct fast_call *calls;
        uint32_t ncalls, calls_room;
        uint64_t cpu_used;
};

struct fast_unit;

struct fast_machine {
        enum machine machine;
        uint64_t cpu;       /* features that all its code needs */
        uint32_t code_max;  /* bytes of a module's code, which calls must reach across */
        uint8_t padding[4]; /* between functions, where padding is not a multiple of 4 its head */
        struct fast_unit *(*unit_new)(const struct fast_shared *shared);
        void (*unit_free)(struct fast_unit *u);
        int (*function)(struct fast_unit *u, uint32_t k, struct fast_output *out, struct error *err);
        void (*call_patch)(uint8_t *at, int64_t distance);
};

extern const struct fast_machine fast_x64, fast_a64;

const struct fast_machine *fast_machine_find(enum machine machine);
void fast_output_done(struct fast_output *out);
