/* divide.h - division and remainder: rdx:rax / operand, and what constants allow instead; sums and
 * products of 128 bits. */
#pragma once

#include "engine/compile/fast/x64/integer.h"

struct division {
        unsigned type, w;
        bool is_signed, remainder;
};

static void division_push(struct generator *g, const struct division *d, const struct entry *b)
{
        unsigned dst = d->remainder ? RDX : RAX;

        reg_free(g, d->remainder ? RAX : RDX);
        entry_release(g, b);
        push_reg(g, d->type, dst);
}

/* rax holds the dividend, rdx is free, @b holds the divisor. */
static void division_instruction(struct generator *g, const struct division *d, struct operand rm)
{
        if (d->is_signed) {
                if (d->w)
                        asm_u8(&g->a, 0x48);
                asm_u8(&g->a, 0x99); /* cdq, cqo */
                op_rm(g, 0xf7, d->w, 7, rm, 0);
        } else {
                op_rr(g, 0x31, 0, RDX, RDX);
                op_rm(g, 0xf7, d->w, 6, rm, 0);
        }
}

/* The operands to rax and a place outside of rax and rdx. */
static void division_operands(struct generator *g, struct entry *a, struct entry *b)
{
        if (is_const(b) || b->kind == ENTRY_ADDRESS)
                (void)entry_reg(g, b);
        entry_into(g, a, RAX, b, NULL);
        reg_claim(g, RDX, b, NULL);
}

static void divide_variable(struct generator *g, const struct division *d, struct entry a,
                            struct entry b)
{
        struct operand rm;
        uint32_t around = 0, over;

        division_operands(g, &a, &b);
        rm = entry_operand(g, &b);
        if (is_memory(rm))
                alu_immediate(g, ALU_CMP, d->w, rm, 0);
        else
                op_rr(g, 0x85, d->w, rm.base, rm.base);
        trap_cold(g, CC_E, TRAP_DIVIDE_BY_ZERO);
        if (d->is_signed) { /* the least number by -1 */
                alu_immediate(g, ALU_CMP, d->w, rm, -1);
                over = jump_short(g, CC_NE);
                if (d->remainder) {
                        op_rr(g, 0x31, 0, RDX, RDX);
                        around = jump_short_always(g);
                } else if (d->w) { /* only that one overflows when 1 is subtracted */
                        alu_immediate(g, ALU_CMP, ASM_W, op_reg(RAX), 1);
                        trap_cold(g, CC_O, TRAP_INTEGER_OVERFLOW);
                } else {
                        alu_immediate(g, ALU_CMP, 0, op_reg(RAX), 1);
                        trap_cold(g, CC_O, TRAP_INTEGER_OVERFLOW);
                }
                jump_here(g, over);
        }
        division_instruction(g, d, rm);
        if (around)
                jump_here(g, around);
        division_push(g, d, &b);
}

/* 128 bits: an instruction on the lower halves, then one that takes the carry on the upper ones. The
 * moves between them leave the flags alone. */
static void wide_sum(struct generator *g, bool subtract)
{
        unsigned low = subtract ? 0x2b : 0x03, high = subtract ? 0x1b : 0x13; /* sub sbb, add adc */
        struct entry b[2], a[2];
        struct operand rm[2];

        b[1] = stack_pop(g);
        b[0] = stack_pop(g);
        a[1] = stack_pop(g);
        a[0] = stack_pop(g);
        for (unsigned i = 0; i < 2; i++)
                rm[i] = entry_operand(g, &b[i]);
        for (unsigned i = 0; i < 2; i++)
                (void)entry_temp(g, &a[i]);
        op_rm(g, low, ASM_W, a[0].reg, rm[0], 0);
        op_rm(g, high, ASM_W, a[1].reg, rm[1], 0);
        for (unsigned i = 0; i < 2; i++)
                entry_release(g, &b[i]);
        push_reg(g, T_I64, a[0].reg);
        push_reg(g, T_I64, a[1].reg);
}

/* rdx:rax = rax * operand */
static void wide_product(struct generator *g, bool is_signed)
{
        struct entry b = stack_pop(g), a = stack_pop(g);

        division_operands(g, &a, &b);
        op_rm(g, 0xf7, ASM_W, is_signed ? 5 : 4, entry_operand(g, &b), 0); /* imul, mul */
        entry_release(g, &b);
        push_reg(g, T_I64, RAX);
        push_reg(g, T_I64, RDX);
}

static void divide_by_power(struct generator *g, const struct division *d, struct entry a,
                            uint64_t divisor)
{
        unsigned k = (unsigned)__builtin_ctzll(divisor), bits = d->w ? 64 : 32, dst, t;

        if (!d->is_signed && !d->remainder) {
                shift_constant(g, SHIFT_SHR, d->type, a, k);
                return;
        }
        if (!d->is_signed) {
                struct entry mask = { .kind = ENTRY_CONST, .type = (uint8_t)d->type,
                                      .constant = divisor - 1 };

                integer_alu(g, ALU_AND, d->type, a, mask);
                return;
        }
        /* Round towards zero: add divisor - 1 to negative numbers. */
        dst = entry_temp(g, &a);
        t = reg_alloc(g, GPR_MASK);
        op_rr(g, 0x8b, d->w, t, dst);
        if (k > 1)
                shift_immediate(g, SHIFT_SAR, d->w, t, k - 1);
        shift_immediate(g, SHIFT_SHR, d->w, t, bits - k);
        op_rr(g, 0x03, d->w, t, dst);
        if (d->remainder) {
                if (k < 32) {
                        alu_immediate(g, ALU_AND, d->w, op_reg(t), (int32_t)(UINT32_MAX << k));
                } else {
                        shift_immediate(g, SHIFT_SHR, d->w, t, k);
                        shift_immediate(g, SHIFT_SHL, d->w, t, k);
                }
                op_rr(g, 0x2b, d->w, dst, t);
        } else {
                shift_immediate(g, SHIFT_SAR, d->w, t, k);
                op_rr(g, 0x8b, d->w, dst, t);
        }
        reg_free(g, t);
        push_reg(g, d->type, dst);
}

/* i32 by a constant: multiply by ceil(2^(32 + s) / divisor) in 64 bits. Hacker's Delight, chapter 10:
 * with s = ceil(log2(divisor)) the error stays below one for all 32-bit dividends; where the
 * multiplier has 33 bits the instruction takes the general way. */
static bool divide_by_multiply(struct generator *g, const struct division *d, struct entry a,
                               uint32_t divisor)
{
        unsigned s = 0, q, t;
        uint64_t m = 0, error;

        if (d->type != T_I32 || d->is_signed || divisor < 3)
                return false;
        for (s = 0; s < 32; s++) {
                uint64_t power = UINT64_C(1) << (32 + s);

                m = power / divisor + 1;
                error = m * divisor - power;
                if (m >> 32)
                        return false;
                if (error <= UINT64_C(1) << s)
                        break;
        }
        if (s == 32)
                return false;
        t = d->remainder ? entry_temp(g, &a) : entry_reg(g, &a);
        q = reg_alloc(g, GPR_MASK);
        load_integer(g, q, m);
        asm_legacy(&g->a, 0, MAP_0F, 0xaf, ASM_W, q, op_reg(t), 0);
        shift_immediate(g, SHIFT_SHR, ASM_W, q, 32 + s);
        if (!d->remainder) {
                entry_release(g, &a);
                push_reg(g, T_I32, q);
                return true;
        }
        op_rm(g, 0x69, 0, q, op_reg(q), 4);
        asm_u32(&g->a, divisor);
        op_rr(g, 0x2b, 0, t, q);
        reg_free(g, q);
        push_reg(g, T_I32, t);
        return true;
}

/* Nothing to check: the divisor is known and neither 0 nor -1. */
static void divide_by_constant(struct generator *g, const struct division *d, struct entry a,
                               struct entry b)
{
        if (!d->is_signed && divide_by_multiply(g, d, a, (uint32_t)b.constant))
                return;
        division_operands(g, &a, &b);
        division_instruction(g, d, op_reg(b.reg));
        division_push(g, d, &b);
}

static void integer_divide(struct generator *g, unsigned type, bool is_signed, bool remainder)
{
        const struct division d = { type, type_w(type), is_signed, remainder };
        struct entry b = stack_pop(g), a = stack_pop(g);
        uint64_t sign = type == T_I32 ? UINT64_C(1) << 31 : UINT64_C(1) << 63;
        uint64_t minus_one = type == T_I32 ? UINT32_MAX : UINT64_MAX;

        if (!is_const(&b) || b.constant == 0 || (is_signed && b.constant == minus_one)) {
                divide_variable(g, &d, a, b);
                return;
        }
        if (b.constant == 1) {
                if (remainder) {
                        entry_release(g, &a);
                        push_constant(g, type, 0);
                } else {
                        unsigned dst = reg_result(g, GPR_MASK, 0, &a);

                        entry_load(g, &a, dst);
                        push_result(g, type, dst, &a, NULL);
                }
                return;
        }
        if (is_power(b.constant) && !(is_signed && b.constant == sign)) {
                divide_by_power(g, &d, a, b.constant);
                return;
        }
        divide_by_constant(g, &d, a, b);
}
