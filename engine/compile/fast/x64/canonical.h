/* canonical.h - a NaN on top of the stack becomes the canonical one: for compile_options.deterministic. */
#pragma once

#include "engine/compile/fast/x64/sse.h"
#include "engine/compile/fast/x64/vector.h"
#include "engine/compile/nans.h"

static void canonical_scalar(struct generator *g, unsigned reg, bool wide)
{
        uint64_t nan = wide ? NAN_CANONICAL_64 : NAN_CANONICAL_32;
        uint32_t number;

        op_sse2(g, wide ? 0x66 : 0, 0x2e, 0, reg, op_reg(reg));
        number = jump_short(g, CC_NP);
        op_sse2(g, 0, 0x28, 0, reg, constant_vector(g, nan, 0));
        jump_here(g, number);
}

static void canonical_vector(struct generator *g, unsigned reg, bool wide)
{
        unsigned mask = reg_alloc(g, VEC_MASK), rest = reg_alloc(g, VEC_MASK);
        unsigned x = xmm_of(reg), m = xmm_of(mask), r = xmm_of(rest);
        struct operand nan = wide ? sse_splat64(&g->a, NAN_CANONICAL_64) : sse_splat32(&g->a, NAN_CANONICAL_32);

        sse_op3i(&g->a, wide ? SSE_CMPPD_SYM : SSE_CMPPS_SYM, m, x, op_reg(x), CMP_UNORD);
        sse_op3(&g->a, SSE_ANDNPS, r, m, op_reg(x));
        sse_op3(&g->a, SSE_ANDPS, m, m, nan);
        sse_op3(&g->a, SSE_ORPS, x, r, op_reg(m));
        reg_free(g, mask);
        reg_free(g, rest);
}

static void canonical_nan(struct generator *g, enum nan_lanes lanes)
{
        struct entry e = stack_pop(g);
        unsigned reg, type = e.type;

        asm_room(&g->a);
        reg = entry_temp(g, &e);
        if (lanes >= NAN_F32X4)
                canonical_vector(g, reg, lanes == NAN_F64X2);
        else
                canonical_scalar(g, reg, lanes == NAN_F64);
        push_reg(g, type, reg);
}
