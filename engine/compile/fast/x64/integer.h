/* integer.h - arithmetic and comparison of i32 and i64. */
#pragma once

#include "engine/compile/fast/compare.h"
#include "engine/compile/fast/x64/operand.h"

enum alu { ALU_ADD = 0, ALU_OR = 1, ALU_AND = 4, ALU_SUB = 5, ALU_XOR = 6, ALU_CMP = 7 };

#include "engine/compile/fast/fold.h"

static inline bool fits_simm32(unsigned type, uint64_t value)
{
        return type == T_I32 || (uint64_t)(int32_t)value == value;
}

/* alu reg or memory, immediate */
static void alu_immediate(struct generator *g, enum alu op, unsigned w, struct operand rm,
                          int32_t value)
{
        if (value == (int8_t)value) {
                op_rm(g, 0x83, w, op, rm, 1);
                asm_u8(&g->a, (uint8_t)value);
        } else {
                op_rm(g, 0x81, w, op, rm, 4);
                asm_u32(&g->a, (uint32_t)value);
        }
}

static inline void alu_register(struct generator *g, enum alu op, unsigned w, unsigned reg,
                                struct operand rm)
{
        if (rm.kind == OPERAND_REGISTER)
                op_rr(g, op << 3 | 3, w, reg, rm.base);
        else
                op_rm(g, op << 3 | 3, w, reg, rm, 0);
}

/* A constant that no immediate holds goes to a register. */
static inline bool immediate_of(struct generator *g, struct entry *e)
{
        if (!is_const(e))
                return false;
        if (fits_simm32(e->type, e->constant))
                return true;
        (void)entry_reg(g, e);
        return false;
}

/* and, or, xor, sub; add where no address can be made. */
static void integer_alu(struct generator *g, enum alu op, unsigned type, struct entry a,
                        struct entry b)
{
        bool commutes = op != ALU_SUB, immediate;
        unsigned w = type_w(type), dst;

        if (is_const(&a) && is_const(&b)) {
                push_constant(g, type, fold_binary(op, type, a.constant, b.constant));
                return;
        }
        if (commutes && (is_const(&a) || (b.kind == ENTRY_REG && a.kind != ENTRY_REG)))
                swap_entries(&a, &b);
        if (a.kind == ENTRY_ADDRESS)
                (void)entry_reg(g, &a);
        immediate = immediate_of(g, &b);
        if (b.kind == ENTRY_ADDRESS)
                (void)entry_reg(g, &b);
        if (commutes && b.kind == ENTRY_REG && a.kind == ENTRY_LOCAL)
                swap_entries(&a, &b); /* a constant that took a register */
        dst = next_set(g) ? g->locals[next_set(g) - 1].reg : REG_NONE;
        if (commutes && dst != REG_NONE && entry_reads(g, &b) == BIT(dst) && b.kind != ENTRY_MEMORY)
                swap_entries(&a, &b); /* x = y op x */
        dst = reg_result(g, GPR_MASK, entry_reads(g, &b), &a);
        entry_load(g, &a, dst);
        if (immediate) {
                alu_immediate(g, op, w, op_reg(dst), (int32_t)b.constant);
                flags_are(g, dst, w);
        } else {
                struct operand rm = entry_operand(g, &b);

                entry_operand_here(g, &b);
                alu_register(g, op, w, dst, rm);
                flags_are(g, dst, w);
        }
        push_result(g, type, dst, &a, &b);
}

/* Operand @e as part of an address. */
static bool address_part(const struct generator *g, const struct entry *e, struct entry *ret)
{
        *ret = (struct entry) { .kind = ENTRY_ADDRESS, .type = e->type, .reg = REG_NONE,
                                .index = REG_NONE };
        switch (e->kind) {
        case ENTRY_CONST:
                if (!fits_simm32(e->type, e->constant))
                        return false;
                ret->disp = (int32_t)e->constant;
                return true;
        case ENTRY_REG:
                ret->reg = e->reg;
                return true;
        case ENTRY_LOCAL:
                ret->reg = g->locals[e->local].reg;
                return ret->reg != REG_NONE;
        case ENTRY_ADDRESS:
                *ret = *e;
                return true;
        default:
                return false;
        }
}

/* The sum of two parts, when one instruction can compute it. */
static bool address_sum(struct entry *x, const struct entry *y)
{
        int64_t disp = (int64_t)x->disp + y->disp;
        struct entry part = *y;

        if (x->type == T_I64 && disp != (int32_t)disp)
                return false;
        if (part.reg != REG_NONE) {
                if (x->reg == REG_NONE) {
                        x->reg = part.reg;
                } else if (x->index == REG_NONE && part.index == REG_NONE) {
                        x->index = part.reg;
                        x->scale = 0;
                } else {
                        return false;
                }
        }
        if (part.index != REG_NONE) {
                if (x->index == REG_NONE) {
                        x->index = part.index;
                        x->scale = part.scale;
                } else {
                        return false;
                }
        }
        x->disp = (int32_t)disp;
        return true;
}

/* A sum that is wanted as a value at once, or would hold two temporaries for long. */
static void address_settle(struct generator *g, struct entry *e)
{
        uint32_t set = next_set(g), reads = entry_reads(g, e);
        unsigned dst = set ? g->locals[set - 1].reg : REG_NONE;
        bool load = *g->c.at >= 0x28 && *g->c.at <= 0x35;
        struct entry own;

        if (dst == REG_NONE && (load || (reads & ~g->temps) || !(reads & (reads - 1)))) {
                push_address(g, e);
                return;
        }
        own = (struct entry) { .kind = ENTRY_REG, .reg = is_temp(g, e->reg) ? e->reg : e->index };
        dst = reg_result(g, GPR_MASK, 0, &own);
        if (e->reg == dst && e->index == REG_NONE) {
                alu_immediate(g, ALU_ADD, type_w(e->type), op_reg(dst), e->disp);
                flags_are(g, dst, type_w(e->type));
        } else {
                load_address(g, dst, e);
        }
        push_result(g, e->type, dst, e, NULL);
}

static void integer_add(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g), x, y;

        if (address_part(g, &a, &x) && address_part(g, &b, &y) && !(is_const(&a) && is_const(&b))) {
                uint32_t set = next_set(g);
                unsigned dst = set ? g->locals[set - 1].reg : REG_NONE;

                /* x = x + y: an addition is shorter than an address */
                if (dst != REG_NONE && a.kind == ENTRY_LOCAL && x.reg == dst && !is_const(&b)) {
                        integer_alu(g, ALU_ADD, type, a, b);
                        return;
                }
                if (address_sum(&x, &y)) {
                        address_settle(g, &x);
                        return;
                }
        }
        integer_alu(g, ALU_ADD, type, a, b);
}

static void integer_sub(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g), x;

        if (is_const(&b) && !is_const(&a) && (int32_t)b.constant != INT32_MIN &&
            fits_simm32(type, b.constant) && address_part(g, &a, &x)) {
                struct entry y = { .kind = ENTRY_ADDRESS, .type = (uint8_t)type, .reg = REG_NONE,
                                   .index = REG_NONE, .disp = -(int32_t)b.constant };

                if (address_sum(&x, &y)) {
                        address_settle(g, &x);
                        return;
                }
        }
        if (is_const(&a) && a.constant == 0 && !is_const(&b)) { /* negation */
                unsigned dst = reg_result(g, GPR_MASK, 0, &b);

                entry_load(g, &b, dst);
                op_rr(g, 0xf7, type_w(type), 3, dst);
                push_result(g, type, dst, &b, NULL);
                return;
        }
        integer_alu(g, ALU_SUB, type, a, b);
}

/* The condition in the flags as 0 or 1 in @dst. */
static void set_condition(struct generator *g, unsigned cc, unsigned dst)
{
        unsigned first = cc == CC_FLOAT_EQ ? CC_E : cc == CC_FLOAT_NE ? CC_NE : cc;

        op_rm_0f(g, 0x90 | first, ASM_BYTE, 0, op_reg(dst));
        if (cc >= CC_FLOAT_EQ) {
                unsigned parity = reg_alloc(g, GPR_MASK);

                op_rm_0f(g, 0x90 | (cc == CC_FLOAT_EQ ? CC_NP : CC_P), ASM_BYTE, 0, op_reg(parity));
                op_rm(g, cc == CC_FLOAT_EQ ? 0x22 : 0x0a, ASM_BYTE, dst, op_reg(parity), 0);
                reg_free(g, parity);
        }
        op_rm_0f(g, 0xb6, ASM_BYTE, dst, op_reg(dst));
}

static inline bool is_memory(struct operand rm)
{
        return rm.kind != OPERAND_REGISTER;
}

/* Flags of @a - @b; returns the condition, which is another one when the operands swap. */
static unsigned compare(struct generator *g, unsigned cc, unsigned type, struct entry *a,
                        struct entry *b)
{
        unsigned w = type_w(type);
        struct operand rm, rmb;

        if (is_const(a) && !is_const(b)) {
                swap_entries(a, b);
                cc = condition_swapped(cc);
        }
        if (is_const(a))
                (void)entry_reg(g, a);
        if (immediate_of(g, b)) {
                rm = entry_operand(g, a);
                entry_operand_here(g, a);
                if (b->constant == 0 && rm.base == g->flags_reg && w == g->flags_w &&
                    asm_pc(&g->a) == g->flags_pc && !is_memory(rm) && (cc == CC_E || cc == CC_NE))
                        return cc;
                if (b->constant == 0 && !is_memory(rm)) {
                        op_rr(g, 0x85, w, rm.base, rm.base);
                        return cc;
                }
                alu_immediate(g, ALU_CMP, w, rm, (int32_t)b->constant);
                return cc;
        }
        rm = entry_operand(g, a);
        rmb = entry_operand(g, b);
        if (is_memory(rm) && is_memory(rmb)) {
                /* a folded load is always the newest operand: @a is the frame */
                rm = op_reg(entry_reg(g, a));
        }
        if (is_memory(rm)) {
                entry_operand_here(g, a);
                op_rm(g, 0x39, w, rmb.base, rm, 0);
        } else {
                entry_operand_here(g, b);
                alu_register(g, ALU_CMP, w, rm.base, rmb);
        }
        return cc;
}

/* x & y as a condition: test instead of and. */
static void integer_and(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned next = g->c.at[0];
        bool eqz = next == (type == T_I32 ? 0x45 : 0x50), branch;
        struct operand rm;

        branch = eqz ? g->c.at[1] == 0x0d || g->c.at[1] == 0x04
                     : type == T_I32 && (next == 0x0d || next == 0x04);
        if (is_const(&a))
                swap_entries(&a, &b);
        if (!branch || is_const(&a)) {
                integer_alu(g, ALU_AND, type, a, b);
                return;
        }
        if (immediate_of(g, &b)) {
                rm = entry_operand(g, &a);
                entry_operand_here(g, &a);
                op_rm(g, 0xf7, type_w(type), 0, rm, 4);
                asm_u32(&g->a, (uint32_t)b.constant);
        } else {
                unsigned reg;

                if (b.kind == ENTRY_MEMORY)
                        swap_entries(&a, &b);
                reg = entry_reg(g, &b);
                rm = entry_operand(g, &a);
                entry_operand_here(g, &a);
                op_rm(g, 0x85, type_w(type), reg, rm, 0);
        }
        entry_release(g, &a);
        entry_release(g, &b);
        if (eqz)
                g->c.at++;
        push_flags(g, eqz ? CC_E : CC_NE);
}

enum shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };

static void shift_immediate(struct generator *g, enum shift op, unsigned w, unsigned reg,
                            unsigned count)
{
        op_rr(g, count == 1 ? 0xd1 : 0xc1, w, op, reg);
        if (count != 1)
                asm_u8(&g->a, count);
}

static void integer_mul(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned w = type_w(type), dst;

        if (is_const(&a))
                swap_entries(&a, &b);
        if (is_const(&a)) {
                uint64_t product = a.constant * b.constant;

                push_constant(g, type, type == T_I32 ? (uint32_t)product : product);
                return;
        }
        if (is_const(&b) && is_power(b.constant)) {
                dst = reg_result(g, GPR_MASK, 0, &a);
                entry_load(g, &a, dst);
                if (b.constant > 1)
                        shift_immediate(g, SHIFT_SHL, w, dst,
                                        (unsigned)__builtin_ctzll(b.constant));
                push_result(g, type, dst, &a, NULL);
                return;
        }
        if (immediate_of(g, &b)) {
                int32_t value = (int32_t)b.constant;
                struct operand rm = entry_operand(g, &a);

                dst = reg_result(g, GPR_MASK, 0, &a);
                entry_operand_here(g, &a);
                op_rm(g, value == (int8_t)value ? 0x6b : 0x69, w, dst, rm,
                      value == (int8_t)value ? 1 : 4);
                if (value == (int8_t)value)
                        asm_u8(&g->a, (uint8_t)value);
                else
                        asm_u32(&g->a, (uint32_t)value);
                push_result(g, type, dst, &a, NULL);
                return;
        }
        if (b.kind == ENTRY_REG && a.kind != ENTRY_REG)
                swap_entries(&a, &b);
        if (b.kind == ENTRY_ADDRESS)
                (void)entry_reg(g, &b);
        dst = next_set(g) ? g->locals[next_set(g) - 1].reg : REG_NONE;
        if (dst != REG_NONE && entry_reads(g, &b) == BIT(dst) && b.kind != ENTRY_MEMORY)
                swap_entries(&a, &b);
        dst = reg_result(g, GPR_MASK, entry_reads(g, &b), &a);
        entry_load(g, &a, dst);
        {
                struct operand rm = entry_operand(g, &b);

                entry_operand_here(g, &b);
                asm_legacy(&g->a, 0, MAP_0F, 0xaf, w, dst, rm, 0);
        }
        push_result(g, type, dst, &a, &b);
}

/* Shifts by 1 to 3 become part of an address; next comes an addition, or nothing is lost. */
static bool shift_address(struct generator *g, unsigned type, const struct entry *a, unsigned count)
{
        struct entry x;

        if (count < 1 || count > 3 || !address_part(g, a, &x) || x.index != REG_NONE ||
            x.reg == REG_NONE || x.disp)
                return false;
        if (*g->c.at != (type == T_I32 ? 0x6a : 0x7c) && *g->c.at != 0x20 && *g->c.at != 0x41)
                return false;
        x.index = x.reg;
        x.reg = REG_NONE;
        x.scale = (uint8_t)count;
        push_address(g, &x);
        return true;
}

static void shift_constant(struct generator *g, enum shift op, unsigned type, struct entry a,
                           unsigned count)
{
        unsigned dst;

        count &= type == T_I32 ? 31 : 63;
        if (op == SHIFT_SHL && shift_address(g, type, &a, count))
                return;
        dst = reg_result(g, GPR_MASK, 0, &a);
        entry_load(g, &a, dst);
        if (count)
                shift_immediate(g, op, type_w(type), dst, count);
        push_result(g, type, dst, &a, NULL);
}

static void integer_shift(struct generator *g, enum shift op, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned w = type_w(type), dst;

        if (is_const(&b)) {
                shift_constant(g, op, type, a, (unsigned)b.constant);
                return;
        }
        if (g->a.cpu & CPU_X86_BMI2 && op >= SHIFT_SHL) { /* shlx shrx sarx */
                unsigned prefix = op == SHIFT_SHL ? 0x66 : op == SHIFT_SHR ? 0xf2 : 0xf3;
                unsigned count = entry_reg(g, &b);
                struct operand rm = entry_operand(g, &a);

                g->a.cpu_used |= CPU_X86_BMI2;
                dst = reg_result(g, GPR_MASK, 0, &a);
                asm_vex(&g->a, prefix, MAP_0F38, 0xf7, w, dst, count, rm, 0);
                push_result(g, type, dst, &a, &b);
                return;
        }
        entry_into(g, &b, RCX, &a, NULL);
        dst = reg_result(g, GPR_MASK, BIT(RCX), &a);
        entry_load(g, &a, dst);
        op_rr(g, 0xd3, w, op, dst);
        push_result(g, type, dst, &a, &b);
}

/* lzcnt, tzcnt, popcnt: F3 0F op */
static void count_instruction(struct generator *g, unsigned opcode, unsigned w, unsigned dst,
                              struct operand rm)
{
        asm_legacy(&g->a, 0xf3, MAP_0F, opcode, w, dst, rm, 0);
}

static void integer_count(struct generator *g, unsigned opcode, unsigned type, uint64_t feature)
{
        struct entry a = stack_pop(g);
        unsigned w = type_w(type), dst, bits = type == T_I32 ? 32 : 64, none;
        struct operand rm;

        if (a.kind == ENTRY_CONST)
                (void)entry_reg(g, &a);
        rm = entry_operand(g, &a);
        if (g->a.cpu & feature) {
                g->a.cpu_used |= feature;
                dst = reg_result(g, GPR_MASK, 0, &a);
                count_instruction(g, opcode, w, dst, rm);
                push_result(g, type, dst, &a, NULL);
                return;
        }
        /* bsr, bsf: the result for 0 is put in by a conditional move */
        dst = reg_result(g, GPR_MASK, 0, &a);
        none = reg_alloc(g, GPR_MASK);
        load_integer(g, none, opcode == 0xbd ? 2 * bits - 1 : bits);
        asm_legacy(&g->a, 0, MAP_0F, opcode == 0xbd ? 0xbd : 0xbc, w, dst, rm, 0);
        asm_legacy(&g->a, 0, MAP_0F, 0x40 | CC_E, w, dst, op_reg(none), 0);
        if (opcode == 0xbd)
                alu_immediate(g, ALU_XOR, w, op_reg(dst), (int32_t)bits - 1);
        reg_free(g, none);
        push_result(g, type, dst, &a, NULL);
}

static void integer_clz(struct generator *g, unsigned type)
{
        integer_count(g, 0xbd, type, CPU_X86_LZCNT);
}

static void integer_ctz(struct generator *g, unsigned type)
{
        integer_count(g, 0xbc, type, CPU_X86_BMI1);
}

static void integer_popcnt(struct generator *g, unsigned type)
{
        integer_count(g, 0xb8, type, CPU_X86_V2);
}

/* movsx, movsxd: the lowest @bytes, sign-extended */
static inline void integer_extend_s(struct generator *g, unsigned bytes, unsigned type)
{
        unsigned map = bytes == 4 ? MAP_1BYTE : MAP_0F;
        unsigned opcode = bytes == 1 ? 0xbe : bytes == 2 ? 0xbf : 0x63;
        unsigned flags = type == T_I64 ? ASM_W : bytes == 1 ? ASM_BYTE : 0;
        struct entry a = stack_pop(g);
        unsigned dst;
        struct operand rm;

        if (a.kind == ENTRY_CONST || a.kind == ENTRY_ADDRESS)
                (void)entry_reg(g, &a);
        rm = entry_operand(g, &a);
        dst = reg_result(g, GPR_MASK, 0, &a);
        asm_legacy(&g->a, 0, map, opcode, flags, dst, rm, 0);
        push_result(g, type, dst, &a, NULL);
}

static void integer_wrap(struct generator *g)
{
        struct entry *top = &g->stack[g->top - 1], a;

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
        struct operand rm = entry_operand(g, &a);
        unsigned dst = reg_result(g, GPR_MASK, 0, &a);

        op_rm(g, 0x8b, 0, dst, rm, 0); /* even onto itself: it clears the upper half */
        push_result(g, T_I32, dst, &a, NULL);
}

