/* divide.h - division and remainder, whose traps the machine does not know; sums and products of 128
 * bits. */
#pragma once

#include "engine/compile/fast/a64/integer.h"

/* The least number by -1 does not fit: cmp divisor, -1; then, when equal, cmp dividend, 1 overflows
 * for that number alone. */
static void divide_check_overflow(struct generator *g, unsigned w, unsigned dividend, unsigned divisor)
{
        asm_arithmetic(&g->a, A64_ADDS_I, w, XZR, divisor, 1); /* cmn */
        /* ccmp dividend, #1, #0 (V clear), eq */
        asm_u32(&g->a, A64_CCMP_I | w << 31 | 1 << 16 | CC_E << 12 | dividend << 5);
        trap_cold(g, CC_VS, TRAP_INTEGER_OVERFLOW);
}

static void divide_by_power(struct generator *g, unsigned type, bool remainder, struct entry a,
                            uint64_t divisor)
{
        unsigned k = (unsigned)__builtin_ctzll(divisor);

        if (remainder) {
                struct entry mask = { .kind = ENTRY_CONST, .type = (uint8_t)type,
                                      .constant = divisor - 1 };

                integer_alu(g, ALU_AND, type, a, mask);
                return;
        }
        shift_constant(g, SHIFT_SHR, type, a, k);
}

static void integer_divide(struct generator *g, unsigned type, bool is_signed, bool remainder)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        uint64_t minus_one = type == T_I32 ? UINT32_MAX : UINT64_MAX;
        bool known = is_const(&b) && b.constant != 0;
        unsigned w = type_w(type), first, second, dst, quotient;

        if (known && !is_signed && is_power(b.constant)) {
                divide_by_power(g, type, remainder, a, b.constant);
                return;
        }
        first = entry_reg(g, &a);
        second = entry_reg(g, &b);
        if (!known) {
                test_register(g, w, second);
                trap_cold(g, CC_E, TRAP_DIVIDE_BY_ZERO);
        }
        if (is_signed && !remainder && (!known || b.constant == minus_one))
                divide_check_overflow(g, w, first, second);
        if (remainder) { /* the least number by -1: the quotient wraps, and the rest is 0 */
                quotient = reg_alloc(g, GPR_MASK);
                asm_w3(&g->a, is_signed ? A64_SDIV : A64_UDIV, w, quotient, first, second);
                dst = reg_result(g, GPR_MASK, 0, &a);
                asm_w3(&g->a, A64_MSUB | first << 10, w, dst, quotient, second);
                reg_free(g, quotient);
        } else {
                dst = reg_result(g, GPR_MASK, 0, &a);
                asm_w3(&g->a, is_signed ? A64_SDIV : A64_UDIV, w, dst, first, second);
        }
        push_result(g, type, dst, &a, &b);
}

/* 128 bits: an instruction on the lower halves, then one that takes the carry on the upper ones. */
static void wide_sum(struct generator *g, bool subtract)
{
        struct entry b[2], a[2];
        unsigned x[2], y[2];

        b[1] = stack_pop(g);
        b[0] = stack_pop(g);
        a[1] = stack_pop(g);
        a[0] = stack_pop(g);
        for (unsigned i = 0; i < 2; i++) {
                y[i] = entry_reg(g, &b[i]);
                x[i] = entry_temp(g, &a[i]);
        }
        asm_w3(&g->a, subtract ? A64_SUBS : A64_ADDS, ASM_W, x[0], x[0], y[0]);
        asm_w3(&g->a, subtract ? A64_SBC : A64_ADC, ASM_W, x[1], x[1], y[1]);
        for (unsigned i = 0; i < 2; i++)
                entry_release(g, &b[i]);
        push_reg(g, T_I64, x[0]);
        push_reg(g, T_I64, x[1]);
}

static void wide_product(struct generator *g, bool is_signed)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned x = entry_reg(g, &a), y = entry_reg(g, &b);
        unsigned low = reg_alloc(g, GPR_MASK), high = reg_alloc(g, GPR_MASK);

        asm_w3(&g->a, A64_MUL, ASM_W, low, x, y);
        asm_3(&g->a, is_signed ? A64_SMULH : A64_UMULH, high, x, y);
        entry_release(g, &a);
        entry_release(g, &b);
        push_reg(g, T_I64, low);
        push_reg(g, T_I64, high);
}
