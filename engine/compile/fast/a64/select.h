/* select.h - one value or the other. */
#pragma once

#include "engine/compile/fast/call.h"

static void select_general(struct generator *g, unsigned cc, struct entry a, struct entry b)
{
        unsigned type = a.type, first = entry_reg(g, &a), second = entry_reg(g, &b);
        unsigned dst = reg_result(g, GPR_MASK, 0, &a);

        asm_w3(&g->a, A64_CSEL | cc << 12, type_w(type), dst, first, second);
        push_result(g, type, dst, &a, &b);
}

static void select_vector(struct generator *g, unsigned cc, struct entry a, struct entry b)
{
        unsigned type = a.type, first = entry_reg(g, &a), second = entry_reg(g, &b), dst;
        uint32_t keep;

        if (type != T_V128) {
                dst = reg_result(g, VEC_MASK, 0, &a);
                asm_3(&g->a, 0x1e200c00 | float_bits(type) | cc << 12, vector_of(dst), vector_of(first),
                      vector_of(second));
                push_result(g, type, dst, &a, &b);
                return;
        }
        dst = reg_result(g, VEC_MASK, BIT(second), &a);
        move(g, type, dst, first);
        keep = jump_short(g, cc);
        move(g, type, dst, second);
        jump_here(g, keep);
        push_result(g, type, dst, &a, &b);
}
