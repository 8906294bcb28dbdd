/* canonical.h - a NaN on top of the stack becomes the canonical one: for compile_options.deterministic. */
#pragma once

#include "engine/compile/fast/a64/vector.h"
#include "engine/compile/nans.h"

static void canonical_scalar(struct generator *g, unsigned reg, unsigned type)
{
        unsigned x = vector_of(reg);

        /* the flags of a comparison with itself: V for what is no number */
        compare_bits(g, type, reg, type == T_F64 ? NAN_CANONICAL_64 : NAN_CANONICAL_32);
        asm_3(&g->a, 0x1e202000 | float_bits(type), 0, x, x);
        asm_3(&g->a, 0x1e200c00 | float_bits(type) | CC_VS << 12, x, SCRATCH_VECTOR, x); /* fcsel */
}

static void canonical_vector(struct generator *g, unsigned reg, bool wide)
{
        uint64_t nan = wide ? NAN_CANONICAL_64 : (uint64_t)NAN_CANONICAL_32 << 32 | NAN_CANONICAL_32;
        unsigned x = vector_of(reg);

        load_vector_words(g, VU, nan, nan);
        asm_3(&g->a, 0x4e20e400 | (uint32_t)wide << 22, VT, x, x); /* fcmeq */
        asm_3(&g->a, A64_BSL_V, VT, x, VU);
        asm_3(&g->a, A64_MOV_V, x, VT, VT);
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
                canonical_scalar(g, reg, lanes == NAN_F64 ? T_F64 : T_F32);
        push_reg(g, type, reg);
}
