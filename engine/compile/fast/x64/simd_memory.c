#include "engine/compile/fast/x64/simd_emit.h"

/* Each access is one instruction, narrower than 16 bytes, so it needs no alignment in either form. */

static void load(struct assembler *a, unsigned op, struct simd_operands *o)
{
        o->fault_pc = asm_pc(a);
        sse_op2(a, op, o->dst, o->memory);
}

void simd_emit_load(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        load(a, row->insn, o);
}

void simd_emit_load_splat(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        if (sse_avx2(a)) {
                a->cpu_used |= CPU_X86_AVX2;
                load(a, row->second, o);
                return;
        }
        o->fault_pc = asm_pc(a);
        sse_op3i(a, row->insn, o->dst, o->dst, o->memory, 0);
        simd_spread(a, o->dst, row->imm);
}

void simd_emit_load_splat32(struct assembler *a, const struct simd_row *row,
                            struct simd_operands *o)
{
        load(a, sse_avx(a) ? SSE_VBROADCASTSS : SSE_MOVSS, o);
        if (!sse_avx(a))
                sse_op3i(a, SSE_SHUFPS, o->dst, o->dst, op_reg(o->dst), 0);
}

void simd_emit_load_lane(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        enum xmm x = simd_first(a, o);

        o->fault_pc = asm_pc(a);
        sse_op3i(a, row->insn, o->dst, x, o->memory, o->lane);
}

void simd_emit_store_lane(struct assembler *a, const struct simd_row *row, struct simd_operands *o)
{
        o->fault_pc = asm_pc(a);
        if (o->lane == 0 && row->second)
                sse_op2(a, row->second, o->a, o->memory);
        else
                sse_op2i(a, row->insn, o->a, o->memory, o->lane);
}
