#include "engine/compile/fast/x64/simd_emit.h"

static const struct simd_row simd_rows[_OP_MAX] = {
#define SIMD(op, shape, emit, insn, second, imm, gtemps, temps, flags)                          \
        [OP_##op] = { simd_emit_##emit, SSE_##insn, SSE_##second, SIMD_##shape, imm, gtemps, temps, \
                      SIMD_F_##flags },
#include "engine/compile/fast/x64/simd.def"
};

struct simd_rule simd_rule(enum opcode op, uint64_t cpu)
{
        const struct simd_row *row = &simd_rows[op];
        bool avx = cpu & CPU_X86_AVX, plain = row->flags & SIMD_F_PLAIN;

        return (struct simd_rule) {
                .shape = row->shape,
                .ntemps = avx && (row->flags & SIMD_F_T_SSE) ? 0 : row->temps,
                .ngtemps = row->gtemps,
                .dst_is_not_b = (row->flags & SIMD_F_B_LATE) ||
                                (!avx && (row->flags & SIMD_F_B_SSE)) ||
                                (!avx && plain && !(row->insn & SSE_COMMUTES)),
                .b_memory = avx && plain,
        };
}

void simd_emit(struct assembler *a, enum opcode op, struct simd_operands *o)
{
        const struct simd_row *row = &simd_rows[op];

        a->cpu_used |= CPU_X86_V2 | (sse_avx(a) ? CPU_X86_AVX : 0);
        row->emit(a, row, o);
}

/* The forms that most rows share. A row of these accesses b first of all, so that a fault of a b in
 * memory is at fault_pc. */

void simd_emit_unary(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op2(a, row->insn, o->dst, op_reg(o->a));
}

void simd_emit_unary_imm(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op2i(a, row->insn, o->dst, op_reg(o->a), row->imm);
}

void simd_emit_binary(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        o->fault_pc = asm_pc(a);
        sse_op3(a, row->insn, o->dst, o->a, o->b);
}

void simd_emit_binary_imm(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        o->fault_pc = asm_pc(a);
        sse_op3i(a, row->insn, o->dst, o->a, o->b, row->imm);
}

void simd_emit_binary_not(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        simd_emit_binary(a, row, o);
        simd_flip(a, o->dst);
}

void simd_emit_swapped(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        simd_swap(a, row->insn, o, -1);
}

void simd_emit_swapped_imm(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        simd_swap(a, row->insn, o, row->imm);
}

void simd_emit_swapped_not(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        simd_swap(a, row->insn, o, -1);
        simd_flip(a, o->dst);
}

/* Whole vectors */

void simd_emit_not(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        if (o->dst == o->a) {
                simd_flip(a, o->dst);
                return;
        }
        sse_op3(a, SSE_PCMPEQD, o->dst, o->dst, op_reg(o->dst));
        sse_op3(a, SSE_PXOR, o->dst, o->dst, op_reg(o->a));
}

/* pandn inverts its first operand, wasm the second. a & ~b = (a | b) ^ b needs no temporary. */
void simd_emit_andnot(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        if (sse_avx(a) || o->dst != o->a) {
                sse_op3(a, SSE_PANDN, o->dst, o->b.base, op_reg(o->a));
        } else if (o->b.base == o->a) {
                sse_op3(a, SSE_PXOR, o->dst, o->dst, o->b);
        } else {
                sse_op3(a, SSE_POR, o->dst, o->dst, o->b);
                sse_op3(a, SSE_PXOR, o->dst, o->dst, o->b);
        }
}

/* ((a ^ b) & c) ^ b */
void simd_emit_bitselect(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_PXOR, o->dst, o->a, o->b);
        sse_op3(a, SSE_PAND, o->dst, o->dst, op_reg(o->c));
        sse_op3(a, SSE_PXOR, o->dst, o->dst, o->b);
}

/* Tests. xor before ptest, for it writes the flags. */

static void clear_gpr(struct assembler *a, unsigned g)
{
        asm_legacy(a, 0, MAP_1BYTE, 0x31, 0, g, op_reg(g), 0);
}

static void set_if(struct assembler *a, unsigned condition, unsigned g)
{
        asm_legacy(a, 0, MAP_0F, 0x90 | condition, ASM_BYTE, 0, op_reg(g), 0);
}

enum { CONDITION_EQUAL = 4, CONDITION_NOT_EQUAL = 5 };

void simd_emit_any_true(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        clear_gpr(a, o->g);
        sse_op2(a, SSE_PTEST, o->a, op_reg(o->a));
        set_if(a, CONDITION_NOT_EQUAL, o->g);
}

void simd_emit_all_true(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm zeros = o->temps[0];

        sse_op3(a, SSE_PXOR, zeros, zeros, op_reg(zeros));
        sse_op3(a, row->insn, zeros, zeros, op_reg(o->a));
        clear_gpr(a, o->g);
        sse_op2(a, SSE_PTEST, zeros, op_reg(zeros));
        set_if(a, CONDITION_EQUAL, o->g);
}

void simd_emit_bitmask(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op2(a, row->insn, o->g, op_reg(o->a));
}

/* The pack keeps the signs; both halves are the same eight bits. */
void simd_emit_bitmask16(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        sse_op3(a, SSE_PACKSSWB, o->temps[0], o->a, op_reg(o->a));
        sse_op2(a, SSE_PMOVMSKB, o->g, op_reg(o->temps[0]));
        asm_legacy(a, 0, MAP_0F, 0xb6, ASM_BYTE, o->g, op_reg(o->g), 0); /* movzx */
}
