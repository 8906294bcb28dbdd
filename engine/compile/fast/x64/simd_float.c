#include "engine/compile/fast/x64/simd_emit.h"

#define TWO_31  UINT32_C(0x4f000000)          /* 2147483648.0f */
#define TWO_52  UINT64_C(0x4330000000000000)  /* 4503599627370496.0 */

static struct operand sign_bits(struct assembler *a, unsigned width, uint64_t flip)
{
        uint64_t sign = width == 32 ? UINT64_C(0x8000000080000000) : UINT64_C(1) << 63;

        return sse_splat64(a, sign ^ flip);
}

void simd_emit_float_abs(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_ANDPS, o->dst, o->a, sign_bits(a, row->imm, ~UINT64_C(0)));
}

void simd_emit_float_neg(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_XORPS, o->dst, o->a, sign_bits(a, row->imm, 0));
}

/* The machine's minimum gives its second operand when one is a NaN or both are zero: so take it in
 * both orders. t = op(a, b) and dst = op(b, a), or the other way round. */
static void both_orders(struct assembler *a, unsigned op, struct simd_operands *o)
{
        enum xmm t = o->temps[0];

        if (sse_avx(a) || o->dst != o->a) {
                sse_op3(a, op, t, o->a, o->b);
                sse_op3(a, op, o->dst, o->b.base, op_reg(o->a));
        } else {
                sse_op3(a, op, t, o->b.base, op_reg(o->a));
                sse_op3(a, op, o->dst, o->a, o->b);
        }
}

/* @dst: all ones in the lanes where it or @t is a NaN */
static void nan_mask(struct assembler *a, const struct simd_row *row, enum xmm dst, enum xmm t)
{
        sse_op3i(a, row->second, dst, dst, op_reg(t), CMP_UNORD);
}

/* dst = t, of a NaN only sign, exponent and quiet bit: so it is canonical. @dst: the mask before */
static void nan_trim(struct assembler *a, const struct simd_row *row, enum xmm dst, enum xmm t)
{
        bool single = row->imm == 32;

        sse_shift(a, single ? SSE_SHIFT_D : SSE_SHIFT_Q, SHIFT_RIGHT, dst, dst, single ? 10 : 13);
        sse_op3(a, SSE_ANDNPS, dst, dst, op_reg(t));
}

/* Or'ing the two keeps -0 of (-0, +0), and makes a NaN of a NaN and anything. */
void simd_emit_float_min(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm t = o->temps[0];

        both_orders(a, row->insn, o);
        sse_op3(a, SSE_ORPS, t, t, op_reg(o->dst));
        nan_mask(a, row, o->dst, t);
        sse_op3(a, SSE_ORPS, t, t, op_reg(o->dst)); /* quiet */
        nan_trim(a, row, o->dst, t);
}

/* Where the two differ, d = t ^ dst is the sign of (-0, +0) or the bits of a NaN: (t | d) - d is
 * +0 there, or a quiet NaN; elsewhere d is 0. */
void simd_emit_float_max(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm t = o->temps[0];

        both_orders(a, row->insn, o);
        sse_op3(a, SSE_XORPS, o->dst, o->dst, op_reg(t));
        sse_op3(a, SSE_ORPS, t, t, op_reg(o->dst));
        sse_op3(a, row->imm == 32 ? SSE_SUBPS : SSE_SUBPD, t, t, op_reg(o->dst));
        nan_mask(a, row, o->dst, t);
        nan_trim(a, row, o->dst, t);
}

/* Conversion */

/* The high and the low 16 bits are exact as floats, so their sum is rounded once. */
void simd_emit_convert32_u(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm low = o->temps[0];

        sse_op3(a, SSE_PAND, low, o->a, sse_splat32(a, 0xffff));
        sse_shift(a, SSE_SHIFT_D, SHIFT_RIGHT, o->dst, o->a, 16);
        sse_op2(a, SSE_CVTDQ2PS, low, op_reg(low));
        sse_op2(a, SSE_CVTDQ2PS, o->dst, op_reg(o->dst));
        sse_op3(a, SSE_MULPS, o->dst, o->dst, sse_splat32(a, 0x47800000)); /* 65536.0f */
        sse_op3(a, SSE_ADDPS, o->dst, o->dst, op_reg(low));
}

/* As the low word of 2^52 + x, less 2^52 */
void simd_emit_convert64_u(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_UNPCKLPS, o->dst, o->a, sse_splat32(a, TWO_52 >> 32));
        sse_op3(a, SSE_SUBPD, o->dst, o->dst, sse_splat64(a, TWO_52));
}

/* The machine gives 0x80000000 for what does not fit: wrong for NaN, made 0 before, and for too
 * large, flipped to 0x7fffffff behind. */
void simd_emit_trunc32_s(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm t = o->temps[0];

        sse_op3i(a, SSE_CMPPS_SYM, t, o->a, op_reg(o->a), CMP_EQ);
        sse_op3(a, SSE_ANDPS, t, t, op_reg(o->a));
        sse_op2(a, SSE_CVTTPS2DQ, o->dst, op_reg(t));
        sse_op3i(a, SSE_CMPPS, t, t, sse_splat32(a, TWO_31), CMP_NLT);
        sse_op3(a, SSE_PXOR, o->dst, o->dst, op_reg(t));
}

/* With x = max(a, 0) (0 for NaN) and y = x - 2^31: x as an integer, 0x80000000 from 2^31 on, plus y
 * as an integer, which is 0 below 2^31 and 0x7fffffff from 2^32 on. */
void simd_emit_trunc32_u(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm y = o->temps[0], huge = o->temps[1];
        struct operand zeros = sse_splat64(a, 0), two_31 = sse_splat32(a, TWO_31);

        sse_op3(a, SSE_MAXPS, o->dst, o->a, zeros);
        sse_op3(a, SSE_SUBPS, y, o->dst, two_31);
        sse_op3i(a, SSE_CMPPS, huge, y, two_31, CMP_NLT);
        sse_op2(a, SSE_CVTTPS2DQ, y, op_reg(y));
        sse_op3(a, SSE_PXOR, y, y, op_reg(huge));
        sse_op3(a, SSE_PMAXSD, y, y, zeros);
        sse_op2(a, SSE_CVTTPS2DQ, o->dst, op_reg(o->dst));
        sse_op3(a, SSE_PADDD, o->dst, o->dst, op_reg(y));
}

/* min(a, 2147483647), 0 for NaN: minpd gives its second operand then. Too small saturates itself. */
void simd_emit_trunc64_s(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm t = o->temps[0];

        sse_op3i(a, SSE_CMPPD_SYM, t, o->a, op_reg(o->a), CMP_EQ);
        sse_op3(a, SSE_ANDPS, t, t, sse_splat64(a, UINT64_C(0x41dfffffffc00000)));
        sse_op3(a, SSE_MINPD, o->dst, o->a, op_reg(t));
        sse_op2(a, SSE_CVTTPD2DQ, o->dst, op_reg(o->dst));
}

/* Clamped to 0 .. 4294967295 and truncated, the integer is the low word of 2^52 + x. */
void simd_emit_trunc64_u(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm zero = o->temps[0];

        sse_op3(a, SSE_PXOR, zero, zero, op_reg(zero));
        sse_op3(a, SSE_MAXPD, o->dst, o->a, op_reg(zero));
        sse_op3(a, SSE_MINPD, o->dst, o->dst, sse_splat64(a, UINT64_C(0x41efffffffe00000)));
        sse_op2i(a, SSE_ROUNDPD, o->dst, op_reg(o->dst), ROUND_TRUNC);
        sse_op3(a, SSE_ADDPD, o->dst, o->dst, sse_splat64(a, TWO_52));
        sse_op3i(a, SSE_SHUFPS, o->dst, o->dst, op_reg(zero), 0x88);
}

/* c + a * b, or c - a * b, with two roundings: the same on every processor */
void simd_emit_multiply_then(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, row->insn, o->temps[0], o->a, o->b);
        sse_op3(a, row->second, o->dst, o->c, op_reg(o->temps[0]));
}
