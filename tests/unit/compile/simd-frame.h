/* simd-frame.h - runs one vector instruction's code in a frame of all registers.
 *
 * frame_build - make a function: load every register from the context, @emit's code for @op over
 *   the operands @o, store every register back. Aborts the test program when memory ends.
 * frame_run - call it. Returns false when it faulted; .fault_at is then the offset of the
 *   instruction that did.
 * r15 holds the context, and rsp the stack: the operands must not name them. */
#pragma once

#include "engine/compile/compile.h"
#include "engine/compile/fast/x64/simd.h"
#include "tests/unit/compile/simd-reference.h"

struct context {
        union vec xmm[16];
        uint64_t gpr[16];
};

struct frame {
        uint8_t *code;      /* one executable area for all */
        uint64_t cpu_used;
        uint32_t constants; /* that the code reads */
        uint32_t fault_pc, fault_at;
};

void frame_open(struct frame *m);
void frame_build(struct frame *m, uint64_t cpu, enum opcode op, struct simd_operands *o);
bool frame_run(struct frame *m, struct context *c);
