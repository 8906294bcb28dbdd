/* float.h - arithmetic of f32 and f64: the machine's instructions do what the standard says. */
#pragma once

#include "engine/compile/fast/a64/integer.h"

enum float_op {
        FLOAT_ADD = 0x1e202800, FLOAT_SUB = 0x1e203800, FLOAT_MUL = 0x1e200800, FLOAT_DIV = 0x1e201800,
        FLOAT_MAX = 0x1e204800, FLOAT_MIN = 0x1e205800,
};

static void float_binary(struct generator *g, enum float_op op, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned first = entry_reg(g, &a), second = entry_reg(g, &b);
        unsigned dst = reg_result(g, VEC_MASK, 0, &a);

        asm_3(&g->a, (uint32_t)op | float_bits(type), vector_of(dst), vector_of(first), vector_of(second));
        push_result(g, type, dst, &a, &b);
}

static void float_min_max(struct generator *g, unsigned type, bool max)
{
        float_binary(g, max ? FLOAT_MAX : FLOAT_MIN, type);
}

static void float_unary(struct generator *g, uint32_t op, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, VEC_MASK, 0, &a);

        asm_2(&g->a, op | float_bits(type), vector_of(dst), vector_of(src));
        push_result(g, type, dst, &a, NULL);
}

static void float_sqrt(struct generator *g, unsigned type)
{
        float_unary(g, 0x1e21c000, type);
}

/* @mode: 0 to nearest, 1 down, 2 up, 3 to zero */
static void float_round(struct generator *g, unsigned type, unsigned mode)
{
        static const uint32_t ops[] = { 0x1e244000, 0x1e254000, 0x1e24c000, 0x1e25c000 };

        float_unary(g, ops[mode], type);
}

static void float_sign(struct generator *g, unsigned type, bool neg)
{
        float_unary(g, neg ? 0x1e214000 : 0x1e20c000, type);
}

/* Bits of a below the sign, the sign of b: a mask selects. */
static void float_copysign(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned first = vector_of(entry_reg(g, &a)), second = vector_of(entry_reg(g, &b)), dst;
        unsigned mask = SCRATCH_VECTOR;

        /* all ones, shifted to the sign: shl v.4s, #31 or v.2d, #63 */
        asm_u32(&g->a, 0x6f07e7e0 | mask);
        asm_2(&g->a, type == T_F32 ? 0x4f3f5400 : 0x4f7f5400, mask, mask);
        asm_3(&g->a, 0x6e601c00, mask, second, first); /* bsl: mask ? second : first */
        dst = reg_result(g, VEC_MASK, 0, &a);
        asm_2(&g->a, A64_FMOV | float_bits(type), vector_of(dst), mask);
        push_result(g, type, dst, &a, &b);
}

static void float_compare(struct generator *g, unsigned op, unsigned type)
{
        /* eq ne lt gt le ge: an unordered comparison sets C and V and clears Z and N */
        static const uint8_t conditions[] = { CC_E, CC_NE, CC_MI, CC_G, CC_BE, CC_GE };
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned first = entry_reg(g, &a);

        if (is_const(&b) && b.constant == 0)
                asm_u32(&g->a, 0x1e202008 | float_bits(type) | vector_of(first) << 5);
        else
                asm_u32(&g->a, 0x1e202000 | float_bits(type) | vector_of(entry_reg(g, &b)) << 16 |
                                       vector_of(first) << 5);
        entry_release(g, &a);
        entry_release(g, &b);
        push_condition(g, conditions[op]);
}

static void float_convert(struct generator *g, unsigned type, unsigned from, bool is_signed)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, VEC_MASK, 0, NULL);

        asm_w2(&g->a, (is_signed ? 0x1e220000 : 0x1e230000) | float_bits(type), type_w(from),
               vector_of(dst), src);
        entry_release(g, &a);
        push_reg(g, type, dst);
}

static void float_resize(struct generator *g, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, VEC_MASK, 0, &a);

        asm_2(&g->a, type == T_F64 ? 0x1e22c000 : 0x1e624000, vector_of(dst), vector_of(src));
        push_result(g, type, dst, &a, NULL);
}

static void reinterpret(struct generator *g, unsigned type, unsigned from)
{
        struct entry *top = &g->stack[g->top - 1], a;
        unsigned src, dst, wide = from == T_I64 || from == T_F64 ? 1u << 31 | 1u << 22 : 0;

        if (top->kind == ENTRY_SLOT || top->kind == ENTRY_CONST) {
                top->type = (uint8_t)type;
                return;
        }
        a = stack_pop(g);
        src = entry_reg(g, &a);
        dst = reg_result(g, type_regs(type), 0, NULL);
        asm_2(&g->a, (type_is_vector(type) ? A64_FMOV_SW : A64_FMOV_WS) | wide, dst & 31, src & 31);
        entry_release(g, &a);
        push_reg(g, type, dst);
}
