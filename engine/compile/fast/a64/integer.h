/* integer.h - arithmetic and comparison of i32 and i64. */
#pragma once

#include "engine/compile/fast/compare.h"

/* Three-register forms; the immediate ones are found from them. */
enum alu { ALU_ADD = A64_ADD, ALU_SUB = A64_SUB, ALU_AND = A64_AND, ALU_OR = A64_ORR, ALU_XOR = A64_EOR };

#include "engine/compile/fast/fold.h"

/* dst = src op @value, when one instruction holds the value. */
static bool alu_immediate(struct generator *g, enum alu op, unsigned w, unsigned dst, unsigned src,
                          uint64_t value)
{
        uint64_t minus = w ? -value : (uint32_t)-value;
        uint32_t fields;

        if (op == ALU_ADD || op == ALU_SUB) {
                bool add = op == ALU_ADD;

                if (!asm_arithmetic_fits(value)) {
                        if (!asm_arithmetic_fits(minus))
                                return false;
                        add = !add;
                        value = minus;
                }
                asm_arithmetic(&g->a, add ? A64_ADD_I : A64_SUB_I, w, dst, src, value);
                return true;
        }
        if (!asm_logical_fields(value, w, &fields))
                return false;
        asm_u32(&g->a, (op == ALU_AND  ? A64_AND_I
                        : op == ALU_OR ? A64_ORR_I
                                       : A64_EOR_I) | w << 31 | fields | src << 5 | dst);
        return true;
}

/* A shift by a constant that waits for the addition behind it. */
static inline bool is_shifted(const struct entry *e)
{
        return e->kind == ENTRY_ADDRESS && e->reg == REG_NONE && e->disp == 0;
}

static void integer_alu(struct generator *g, enum alu op, unsigned type, struct entry a,
                        struct entry b)
{
        bool commutes = op != ALU_SUB;
        unsigned w = type_w(type), dst, first, second;

        if (is_const(&a) && is_const(&b)) {
                push_constant(g, type, fold_binary(op, type, a.constant, b.constant));
                return;
        }
        if (commutes && (is_const(&a) || (is_shifted(&a) && !is_const(&b))))
                swap_entries(&a, &b);
        if (is_const(&b)) {
                first = entry_reg(g, &a);
                dst = reg_result(g, GPR_MASK, 0, &a);
                if (!alu_immediate(g, op, w, dst, first, b.constant)) {
                        load_integer(g, SCRATCH_REG, b.constant);
                        asm_w3(&g->a, (uint32_t)op, w, dst, first, SCRATCH_REG);
                }
                push_result(g, type, dst, &a, NULL);
                return;
        }
        if (is_const(&a) && a.constant == 0) { /* only of sub: negation */
                a = (struct entry) { .kind = ENTRY_REG, .type = (uint8_t)type, .reg = XZR };
                first = XZR;
        } else {
                first = entry_reg(g, &a);
        }
        if (is_shifted(&b)) {
                second = b.index;
                dst = reg_result(g, GPR_MASK, 0, &a);
                asm_w3(&g->a, (uint32_t)op | (uint32_t)b.scale << 10, w, dst, first, second);
        } else {
                second = entry_reg(g, &b);
                dst = reg_result(g, GPR_MASK, 0, a.reg == XZR ? &b : &a);
                asm_w3(&g->a, (uint32_t)op, w, dst, first, second);
        }
        push_result(g, type, dst, &a, &b);
}

static void integer_add(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);

        integer_alu(g, ALU_ADD, type, a, b);
}

static void integer_sub(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);

        integer_alu(g, ALU_SUB, type, a, b);
}

/* dst = 1 when @cc, else 0 */
static void set_condition(struct generator *g, unsigned cc, unsigned dst)
{
        asm_3(&g->a, A64_CSINC | (cc ^ 1) << 12, dst, XZR, XZR);
}

static void compare_constant(struct generator *g, unsigned w, unsigned reg, uint64_t value)
{
        uint64_t minus = w ? -value : (uint32_t)-value;

        if (asm_arithmetic_fits(value)) {
                asm_arithmetic(&g->a, A64_SUBS_I, w, XZR, reg, value);
        } else if (asm_arithmetic_fits(minus) && minus) {
                asm_arithmetic(&g->a, A64_ADDS_I, w, XZR, reg, minus);
        } else {
                load_integer(g, SCRATCH_REG, value);
                asm_w3(&g->a, A64_SUBS, w, XZR, reg, SCRATCH_REG);
        }
}

/* Flags of @a - @b; returns the condition, which is another one when the operands swap. */
static unsigned compare(struct generator *g, unsigned cc, unsigned type, struct entry *a,
                        struct entry *b)
{
        unsigned w = type_w(type), first;

        if (is_const(a) && !is_const(b)) {
                swap_entries(a, b);
                cc = condition_swapped(cc);
        }
        first = entry_reg(g, a);
        if (is_const(b))
                compare_constant(g, w, first, b->constant);
        else
                asm_w3(&g->a, A64_SUBS, w, XZR, first, entry_reg(g, b));
        return cc;
}

/* x & y as a condition: ands without a result. */
static void integer_and(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned next = g->c.at[0], w = type_w(type), first;
        bool eqz = next == (type == T_I32 ? 0x45 : 0x50), branch;
        uint32_t fields;

        branch = eqz ? g->c.at[1] == 0x0d || g->c.at[1] == 0x04
                     : type == T_I32 && (next == 0x0d || next == 0x04);
        if (is_const(&a))
                swap_entries(&a, &b);
        if (!branch || is_const(&a)) {
                integer_alu(g, ALU_AND, type, a, b);
                return;
        }
        first = entry_reg(g, &a);
        if (is_const(&b) && asm_logical_fields(b.constant, w, &fields))
                asm_u32(&g->a, A64_ANDS_I | w << 31 | fields | first << 5 | XZR);
        else
                asm_w3(&g->a, A64_ANDS, w, XZR, first, entry_reg(g, &b));
        entry_release(g, &a);
        entry_release(g, &b);
        if (eqz)
                g->c.at++;
        push_flags(g, eqz ? CC_E : CC_NE);
}

enum shift { SHIFT_SHL, SHIFT_SHR, SHIFT_SAR, SHIFT_ROL, SHIFT_ROR };

/* dst = src shifted by @count, 0 < count < bits; nothing to the left in rotations */
static void shift_immediate(struct generator *g, enum shift op, unsigned w, unsigned dst, unsigned src,
                            unsigned count)
{
        unsigned top = w ? 63 : 31, r = op == SHIFT_SHL || op == SHIFT_ROL ? top + 1 - count : count;
        uint32_t wide = w << 31 | w << 22;

        if (op == SHIFT_ROL || op == SHIFT_ROR)
                asm_u32(&g->a, A64_EXTR | wide | src << 16 | (r & top) << 10 | src << 5 | dst);
        else if (op == SHIFT_SHL)
                asm_u32(&g->a, A64_UBFM | wide | r << 16 | (top - count) << 10 | src << 5 | dst);
        else
                asm_u32(&g->a, (op == SHIFT_SHR ? A64_UBFM : A64_SBFM) | wide | r << 16 | top << 10 |
                                       src << 5 | dst);
}

static void integer_mul(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned w = type_w(type), dst, first, second;

        if (is_const(&a))
                swap_entries(&a, &b);
        if (is_const(&a)) {
                uint64_t product = a.constant * b.constant;

                push_constant(g, type, type == T_I32 ? (uint32_t)product : product);
                return;
        }
        first = entry_reg(g, &a);
        if (is_const(&b) && is_power(b.constant)) {
                dst = reg_result(g, GPR_MASK, 0, &a);
                if (b.constant > 1)
                        shift_immediate(g, SHIFT_SHL, w, dst, first,
                                        (unsigned)__builtin_ctzll(b.constant));
                else
                        move(g, type, dst, first);
                push_result(g, type, dst, &a, NULL);
                return;
        }
        if (is_const(&b)) {
                load_integer(g, SCRATCH_REG, b.constant);
                second = SCRATCH_REG;
        } else {
                second = entry_reg(g, &b);
        }
        dst = reg_result(g, GPR_MASK, 0, &a);
        asm_w3(&g->a, A64_MUL, w, dst, first, second);
        push_result(g, type, dst, &a, &b);
}

/* A shift to the left becomes part of the addition that comes next, alone or behind what the other
 * operand is made of. */
static bool shift_address(struct generator *g, unsigned type, const struct entry *a, unsigned count)
{
        struct entry x = { .kind = ENTRY_ADDRESS, .type = (uint8_t)type, .reg = REG_NONE,
                           .scale = (uint8_t)count };

        if (*g->c.at != (type == T_I32 ? 0x6a : 0x7c))
                return false;
        if (a->kind == ENTRY_REG)
                x.index = a->reg;
        else if (a->kind == ENTRY_LOCAL && g->locals[a->local].reg != REG_NONE)
                x.index = g->locals[a->local].reg;
        else
                return false;
        push_address(g, &x);
        return true;
}

static void shift_constant(struct generator *g, enum shift op, unsigned type, struct entry a,
                           unsigned count)
{
        unsigned dst, src;

        count &= type == T_I32 ? 31 : 63;
        if (op == SHIFT_SHL && count && shift_address(g, type, &a, count))
                return;
        src = entry_reg(g, &a);
        dst = reg_result(g, GPR_MASK, 0, &a);
        if (count)
                shift_immediate(g, op, type_w(type), dst, src, count);
        else
                move(g, type, dst, src);
        push_result(g, type, dst, &a, NULL);
}

static void integer_shift(struct generator *g, enum shift op, unsigned type)
{
        static const uint32_t ops[] = { A64_LSLV, A64_LSRV, A64_ASRV, A64_RORV, A64_RORV };
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned w = type_w(type), dst, value, count;

        if (is_const(&b)) {
                shift_constant(g, op, type, a, (unsigned)b.constant);
                return;
        }
        value = entry_reg(g, &a);
        count = entry_reg(g, &b);
        if (op == SHIFT_ROL) { /* to the right by what is missing to a whole turn */
                asm_w3(&g->a, A64_SUB, w, SCRATCH_REG, XZR, count);
                count = SCRATCH_REG;
        }
        dst = reg_result(g, GPR_MASK, 0, &a);
        asm_w3(&g->a, ops[op], w, dst, value, count);
        push_result(g, type, dst, &a, &b);
}

static void integer_clz(struct generator *g, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, GPR_MASK, 0, &a);

        asm_w2(&g->a, A64_CLZ, type_w(type), dst, src);
        push_result(g, type, dst, &a, NULL);
}

static void integer_ctz(struct generator *g, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, GPR_MASK, 0, &a);

        asm_w2(&g->a, A64_RBIT, type_w(type), dst, src);
        asm_w2(&g->a, A64_CLZ, type_w(type), dst, dst);
        push_result(g, type, dst, &a, NULL);
}

/* The vector unit counts the bits of each byte, and sums the bytes. */
static void integer_popcnt(struct generator *g, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, GPR_MASK, 0, &a), v = SCRATCH_VECTOR;
        uint32_t wide = type == T_I64 ? 1u << 31 | 1u << 22 : 0;

        asm_2(&g->a, A64_FMOV_SW | wide, v, src);
        asm_2(&g->a, 0x0e205800, v, v);         /* cnt v.8b, v.8b */
        asm_2(&g->a, 0x0e31b800, v, v);         /* addv b, v.8b */
        asm_2(&g->a, A64_FMOV_WS, dst, v);
        push_result(g, type, dst, &a, NULL);
}

/* The lowest @bytes, sign-extended */
static void integer_extend_s(struct generator *g, unsigned bytes, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, GPR_MASK, 0, &a), w = type_w(type);

        asm_u32(&g->a, A64_SBFM | w << 31 | w << 22 | (8 * bytes - 1) << 10 | src << 5 | dst);
        push_result(g, type, dst, &a, NULL);
}

static void integer_wrap(struct generator *g)
{
        struct entry *top = &g->stack[g->top - 1], a;
        unsigned src, dst;

        /* a slot is read by as many bytes as its entry's type has */
        if (top->kind == ENTRY_SLOT) {
                top->type = T_I32;
                return;
        }
        if (is_const(top)) {
                top->type = T_I32;
                top->constant = (uint32_t)top->constant;
                return;
        }
        a = stack_pop(g);
        src = entry_reg(g, &a);
        dst = reg_result(g, GPR_MASK, 0, &a);
        asm_w3(&g->a, A64_ORR, 0, dst, XZR, src); /* even onto itself: it clears the upper half */
        push_result(g, T_I32, dst, &a, NULL);
}

