/* simd_emit.h - what the files that emit vector code share: the row and its functions. */
#pragma once

#include "engine/compile/fast/x64/simd.h"
#include "engine/compile/fast/x64/sse.h"

#define SIMD_F_NO     0u
#define SIMD_F_PLAIN  1u /* one instruction reads b: dst may be b where the form allows it */
#define SIMD_F_B_LATE 2u /* b is read after dst is written */
#define SIMD_F_B_SSE  4u /* the same, in the SSE form only */
#define SIMD_F_T_SSE  8u /* the vector temporary is for the SSE form only */

struct simd_row {
        void (*emit)(struct assembler *a, const struct simd_row *row, struct simd_operands *o);
        uint32_t insn, second; /* enum sse */
        uint8_t shape, imm, gtemps, temps, flags;
};

#define SIMD(op, shape, emit, insn, second, imm, gtemps, temps, flags)     \
        void simd_emit_##emit(struct assembler *a, const struct simd_row *row, \
                              struct simd_operands *o);
#include "engine/compile/fast/x64/simd.def"

void simd_spread(struct assembler *a, enum xmm dst, unsigned bytes);

/* dst = op(x, y) for an x that may be overwritten and a dst that may be y. */
static inline void simd_consume(struct assembler *a, unsigned op, unsigned dst, unsigned x,
                                struct operand y)
{
        if (sse_avx(a)) {
                sse_op3(a, op, dst, x, y);
        } else {
                sse_op3(a, op, x, x, y);
                sse_move(a, dst, x);
        }
}

/* The first operand of a coming instruction that writes dst: in SSE form a is moved to dst first. */
static inline enum xmm simd_first(struct assembler *a, const struct simd_operands *o)
{
        if (sse_avx(a))
                return o->a;
        sse_move(a, o->dst, o->a);
        return o->dst;
}

/* dst = op(b, a): the operands of the instruction are those of wasm swapped. @imm: -1 for none */
static inline void simd_swap(struct assembler *a, unsigned op, struct simd_operands *o, int imm)
{
        bool through_temp = !sse_avx(a) && o->dst == o->a && o->b.base != o->a;
        unsigned dst = through_temp ? o->temps[0] : o->dst;

        sse_op3_trailing(a, op, dst, o->b.base, op_reg(o->a), imm >= 0);
        if (imm >= 0)
                asm_u8(a, (unsigned)imm);
        sse_move(a, o->dst, dst);
}

/* dst = dst with every bit flipped */
static inline void simd_flip(struct assembler *a, unsigned dst)
{
        sse_op3(a, SSE_PXOR, dst, dst, sse_splat8(a, 0xff));
}
