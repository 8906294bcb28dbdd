#include "engine/compile/fast/x64/simd_emit.h"

/* a <= b is max(a, b) = b, a >= b is min(a, b) = b: no constant, no temporary. */
void simd_emit_limit_eq(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, row->insn, o->dst, o->a, o->b);
        sse_op3(a, row->second, o->dst, o->dst, o->b);
}

void simd_emit_limit_ne(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        simd_emit_limit_eq(a, row, o);
        simd_flip(a, o->dst);
}

void simd_emit_negate(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm zero = o->dst == o->a ? o->temps[0] : o->dst;

        sse_op3(a, SSE_PXOR, zero, zero, op_reg(zero));
        simd_consume(a, row->insn, o->dst, zero, op_reg(o->a));
}

/* (a ^ s) - s, where s is the sign of a in every bit */
void simd_emit_abs64(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm sign = o->temps[0];

        sse_op3(a, SSE_PXOR, sign, sign, op_reg(sign));
        sse_op3(a, SSE_PCMPGTQ, sign, sign, op_reg(o->a));
        sse_op3(a, SSE_PXOR, o->dst, o->a, op_reg(sign));
        sse_op3(a, SSE_PSUBQ, o->dst, o->dst, op_reg(sign));
}

/* The bits of each nibble from a table of 16. */
void simd_emit_popcnt(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm low = o->temps[0], high = o->temps[1];
        struct operand nibble = sse_splat8(a, 0x0f);
        struct operand table = sse_const64(a, 0x0302020102010100, 0x0403030203020201);

        sse_op3(a, SSE_PAND, low, o->a, nibble);
        sse_shift(a, SSE_SHIFT_W, SHIFT_RIGHT, high, o->a, 4);
        sse_op3(a, SSE_PAND, high, high, nibble);
        sse_op2(a, SSE_MOVAPS, o->dst, table);
        if (sse_avx(a)) {
                sse_op3(a, SSE_PSHUFB, low, o->dst, op_reg(low));
                sse_op3(a, SSE_PSHUFB, high, o->dst, op_reg(high));
                sse_op3(a, SSE_PADDB, o->dst, low, op_reg(high));
        } else {
                sse_op3(a, SSE_PSHUFB, o->dst, o->dst, op_reg(low));
                sse_op2(a, SSE_MOVAPS, low, table);
                sse_op3(a, SSE_PSHUFB, low, low, op_reg(high));
                sse_op3(a, SSE_PADDB, o->dst, o->dst, op_reg(low));
        }
}

/* Multiplication */

/* low * low + ((high * low + low * high) << 32), from products of 32 bits */
void simd_emit_mul64(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm x = o->temps[0], y = o->temps[1], b = o->b.base;

        sse_shift(a, SSE_SHIFT_Q, SHIFT_RIGHT, x, o->a, 32);
        sse_op3(a, SSE_PMULUDQ, x, x, op_reg(b));
        sse_shift(a, SSE_SHIFT_Q, SHIFT_RIGHT, y, b, 32);
        sse_op3(a, SSE_PMULUDQ, y, y, op_reg(o->a));
        sse_op3(a, SSE_PADDQ, x, x, op_reg(y));
        sse_shift(a, SSE_SHIFT_Q, SHIFT_LEFT, x, x, 32);
        sse_op3(a, SSE_PMULUDQ, o->dst, o->a, op_reg(b));
        sse_op3(a, SSE_PADDQ, o->dst, o->dst, op_reg(x));
}

/* pmulhrsw differs in one case: -1 * -1 gives 0x8000, which no other product does. */
void simd_emit_q15mulr(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        o->fault_pc = asm_pc(a);
        sse_op3(a, SSE_PMULHRSW, o->dst, o->a, o->b);
        sse_op3(a, SSE_PCMPEQW, o->temps[0], o->dst, sse_splat16(a, 0x8000));
        sse_op3(a, SSE_PXOR, o->dst, o->dst, op_reg(o->temps[0]));
}

/* Both widened, the low halves or (imm) the high ones, then multiplied in the wide lanes */
static void widen(struct assembler *a, const struct simd_row *row, enum xmm dst, enum xmm src)
{
        if (row->imm) {
                sse_op2i(a, SSE_PSHUFD, dst, op_reg(src), 0xee);
                src = dst;
        }
        sse_op2(a, row->insn, dst, op_reg(src));
}

void simd_emit_extmul8(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        widen(a, row, o->temps[0], o->a);
        widen(a, row, o->dst, o->b.base);
        sse_op3(a, SSE_PMULLW, o->dst, o->dst, op_reg(o->temps[0]));
}

/* The high and the low half of each product, interleaved */
void simd_emit_extmul16(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, row->second, o->temps[0], o->a, o->b);
        sse_op3(a, SSE_PMULLW, o->dst, o->a, o->b);
        sse_op3(a, row->insn, o->dst, o->dst, op_reg(o->temps[0]));
}

/* pmuldq reads lanes 0 and 2: imm brings the wanted two there. */
void simd_emit_extmul32(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op2i(a, SSE_PSHUFD, o->temps[0], op_reg(o->a), row->imm);
        sse_op2i(a, SSE_PSHUFD, o->dst, o->b, row->imm);
        sse_op3(a, row->insn, o->dst, o->dst, op_reg(o->temps[0]));
}

/* Pairs of products of signed bytes, their sums saturated: pmaddubsw would take one side as unsigned
 * and give another answer where bit 7 is set. */
void simd_emit_dot8(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm high = o->temps[0], b = o->temps[1];

        sse_op2i(a, SSE_PSHUFD, high, op_reg(o->a), 0xee);
        sse_op2(a, SSE_PMOVSXBW, high, op_reg(high));
        sse_op2i(a, SSE_PSHUFD, b, o->b, 0xee);
        sse_op2(a, SSE_PMOVSXBW, b, op_reg(b));
        sse_op3(a, SSE_PMADDWD, high, high, op_reg(b));
        sse_op2(a, SSE_PMOVSXBW, b, o->b);
        sse_op2(a, SSE_PMOVSXBW, o->dst, op_reg(o->a));
        sse_op3(a, SSE_PMADDWD, o->dst, o->dst, op_reg(b));
        sse_op3(a, SSE_PACKSSDW, o->dst, o->dst, op_reg(high));
}

void simd_emit_dot8_add(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        simd_emit_dot8(a, row, o);
        sse_op3(a, SSE_PMADDWD, o->dst, o->dst, sse_splat16(a, 1));
        sse_op3(a, SSE_PADDD, o->dst, o->dst, op_reg(o->c));
}

void simd_emit_extadd8_s(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op2(a, SSE_MOVAPS, o->temps[0], sse_splat8(a, 1));
        simd_consume(a, SSE_PMADDUBSW, o->dst, o->temps[0], op_reg(o->a));
}

void simd_emit_extadd8_u(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_PMADDUBSW, o->dst, o->a, sse_splat8(a, 1));
}

void simd_emit_extadd16_s(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_PMADDWD, o->dst, o->a, sse_splat16(a, 1));
}

/* As signed numbers that are 0x8000 too small; two of them are summed. */
void simd_emit_extadd16_u(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_PXOR, o->dst, o->a, sse_splat16(a, 0x8000));
        sse_op3(a, SSE_PMADDWD, o->dst, o->dst, sse_splat16(a, 1));
        sse_op3(a, SSE_PADDD, o->dst, o->dst, sse_splat32(a, 0x10000));
}

void simd_emit_extend_high(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op2i(a, SSE_PSHUFD, o->dst, op_reg(o->a), 0xee);
        sse_op2(a, row->insn, o->dst, op_reg(o->dst));
}

/* Shifts */

/* The count of .g modulo the lane, plus @bias, into vector register @to */
static void count_to(struct assembler *a, const struct simd_row *row, struct simd_operands *o,
                     enum xmm to, unsigned bias)
{
        enum gpr count = o->gtemps[0];

        asm_legacy(a, 0, MAP_1BYTE, 0x8b, 0, count, op_reg(o->g), 0); /* mov */
        asm_legacy(a, 0, MAP_1BYTE, 0x83, 0, 4, op_reg(count), 1);    /* and */
        asm_u8(a, row->imm);
        if (bias) {
                asm_legacy(a, 0, MAP_1BYTE, 0x83, 0, 0, op_reg(count), 1); /* add */
                asm_u8(a, bias);
        }
        sse_op2(a, SSE_MOVD, to, op_reg(count));
}

void simd_emit_shift(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        /* The high nibble of the opcode tells the direction: psll f., psrl d., psra e. */
        unsigned kind = row->insn >> 4 & 15;
        unsigned digit = kind == 15 ? SHIFT_LEFT : kind == 13 ? SHIFT_RIGHT : SHIFT_RIGHT_SIGNED;

        if (o->has_count && o->count == 0) {
                sse_move(a, o->dst, o->a);
        } else if (o->has_count) {
                sse_shift(a, row->second, digit, o->dst, o->a, o->count);
        } else {
                count_to(a, row, o, o->temps[0], 0);
                sse_op3(a, row->insn, o->dst, o->a, op_reg(o->temps[0]));
        }
}

/* 0xff >> count in every byte */
static void byte_mask(struct assembler *a, enum xmm mask, enum xmm count)
{
        sse_op3(a, SSE_PCMPEQD, mask, mask, op_reg(mask));
        sse_shift(a, SSE_SHIFT_W, SHIFT_RIGHT, mask, mask, 8);
        sse_op3(a, SSE_PSRLW, mask, mask, op_reg(count));
        sse_op3(a, SSE_PACKUSWB, mask, mask, op_reg(mask));
}

/* There are no shifts of bytes: shift words, and clear what crosses into the neighbour. */
void simd_emit_shl8(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        if (o->has_count && o->count <= 1) {
                if (o->count)
                        sse_op3(a, SSE_PADDB, o->dst, o->a, op_reg(o->a));
                else
                        sse_move(a, o->dst, o->a);
        } else if (o->has_count) {
                sse_shift(a, SSE_SHIFT_W, SHIFT_LEFT, o->dst, o->a, o->count);
                sse_op3(a, SSE_PAND, o->dst, o->dst, sse_splat8(a, (uint8_t)(0xff << o->count)));
        } else {
                count_to(a, row, o, o->temps[0], 0);
                byte_mask(a, o->temps[1], o->temps[0]);
                sse_op3(a, SSE_PAND, o->dst, o->a, op_reg(o->temps[1]));
                sse_op3(a, SSE_PSLLW, o->dst, o->dst, op_reg(o->temps[0]));
        }
}

void simd_emit_shr8_u(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        if (o->has_count && o->count == 0) {
                sse_move(a, o->dst, o->a);
        } else if (o->has_count) {
                sse_shift(a, SSE_SHIFT_W, SHIFT_RIGHT, o->dst, o->a, o->count);
                sse_op3(a, SSE_PAND, o->dst, o->dst, sse_splat8(a, (uint8_t)(0xff >> o->count)));
        } else {
                count_to(a, row, o, o->temps[0], 0);
                byte_mask(a, o->temps[1], o->temps[0]);
                sse_op3(a, SSE_PSRLW, o->dst, o->a, op_reg(o->temps[0]));
                sse_op3(a, SSE_PAND, o->dst, o->dst, op_reg(o->temps[1]));
        }
}

/* A constant count: the unsigned shift, then (x ^ s) - s extends the moved sign bit s. Else as
 * words with the byte on top, shifted by 8 more and packed. */
void simd_emit_shr8_s(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm count = o->temps[0], high = o->temps[1];

        if (o->has_count) {
                struct operand sign;

                simd_emit_shr8_u(a, row, o);
                if (o->count == 0)
                        return;
                sign = sse_splat8(a, 0x80 >> o->count);
                sse_op3(a, SSE_PXOR, o->dst, o->dst, sign);
                sse_op3(a, SSE_PSUBB, o->dst, o->dst, sign);
                return;
        }
        count_to(a, row, o, count, 8);
        sse_op3(a, SSE_PUNPCKHBW, high, o->a, op_reg(o->a));
        sse_op3(a, SSE_PUNPCKLBW, o->dst, o->a, op_reg(o->a));
        sse_op3(a, SSE_PSRAW, high, high, op_reg(count));
        sse_op3(a, SSE_PSRAW, o->dst, o->dst, op_reg(count));
        sse_op3(a, SSE_PACKSSWB, o->dst, o->dst, op_reg(high));
}

void simd_emit_shr64_s(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        struct operand sign;

        if (o->has_count && o->count == 0) {
                sse_move(a, o->dst, o->a);
                return;
        }
        if (o->has_count) {
                sse_shift(a, SSE_SHIFT_Q, SHIFT_RIGHT, o->dst, o->a, o->count);
                sign = sse_splat64(a, UINT64_C(1) << (63 - o->count));
        } else {
                count_to(a, row, o, o->temps[0], 0);
                sse_op2(a, SSE_MOVAPS, o->temps[1], sse_splat64(a, UINT64_C(1) << 63));
                sse_op3(a, SSE_PSRLQ, o->temps[1], o->temps[1], op_reg(o->temps[0]));
                sse_op3(a, SSE_PSRLQ, o->dst, o->a, op_reg(o->temps[0]));
                sign = op_reg(o->temps[1]);
        }
        sse_op3(a, SSE_PXOR, o->dst, o->dst, sign);
        sse_op3(a, SSE_PSUBQ, o->dst, o->dst, sign);
}
