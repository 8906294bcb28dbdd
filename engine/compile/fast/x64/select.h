/* select.h - select, references, and what the locals take. */
#pragma once

#include "engine/compile/fast/x64/call.h"

static void conditional_move(struct generator *g, unsigned cc, unsigned w, unsigned dst,
                             struct operand rm)
{
        asm_legacy(&g->a, 0, MAP_0F, 0x40 | cc, w, dst, rm, 0);
}

static bool in_memory(const struct generator *g, const struct entry *e)
{
        return e->kind == ENTRY_SLOT ||
               (e->kind == ENTRY_LOCAL && g->locals[e->local].reg == REG_NONE);
}

/* dst = cc ? a : b. The moves before the conditional one leave the flags alone. */
static void select_general(struct generator *g, unsigned cc, struct entry a, struct entry b)
{
        unsigned type = a.type, w = type_w(type), dst;
        uint32_t set = next_set(g);
        unsigned wanted = set ? g->locals[set - 1].reg : REG_NONE;
        bool swap = b.kind == ENTRY_REG && a.kind != ENTRY_REG;
        struct operand rm;

        if (wanted != REG_NONE)
                swap = entry_reads(g, &b) == BIT(wanted) && b.kind == ENTRY_LOCAL;
        /* Two conditions at once only undo: take b unless both hold. */
        if (cc == CC_FLOAT_NE) {
                swap_entries(&a, &b);
                cc = CC_FLOAT_EQ;
        } else if (cc < CC_FLOAT_EQ && swap) {
                swap_entries(&a, &b);
                cc ^= 1;
        }
        if (!in_memory(g, &b))
                (void)entry_reg(g, &b);
        dst = reg_result(g, GPR_MASK, entry_reads(g, &b), &a);
        entry_load(g, &a, dst);
        rm = entry_operand(g, &b);
        if (cc == CC_FLOAT_EQ) {
                conditional_move(g, CC_NE, w, dst, rm);
                conditional_move(g, CC_P, w, dst, rm);
        } else {
                conditional_move(g, cc ^ 1, w, dst, rm);
        }
        push_result(g, type, dst, &a, &b);
}

static void select_vector(struct generator *g, unsigned cc, struct entry a, struct entry b)
{
        unsigned type = a.type, dst, second = entry_reg(g, &b);
        uint32_t keep, keep2 = 0;

        dst = reg_result(g, VEC_MASK, BIT(second), &a);
        entry_load(g, &a, dst);
        if (cc == CC_FLOAT_EQ) {
                keep2 = jump_short(g, CC_P);
                keep = jump_short(g, CC_E);
                jump_here(g, keep2);
        } else if (cc == CC_FLOAT_NE) {
                keep2 = jump_short(g, CC_P);
                keep = jump_short(g, CC_NE);
        } else {
                keep = jump_short(g, cc);
        }
        move(g, type, dst, second);
        jump_here(g, keep);
        if (cc == CC_FLOAT_NE)
                jump_here(g, keep2);
        push_result(g, type, dst, &a, &b);
}

static void operand_select(struct generator *g)
{
        struct entry c = stack_pop(g), b = stack_pop(g), a = stack_pop(g);
        unsigned cc = condition_flags(g, &c);

        if (type_is_vector(a.type))
                select_vector(g, cc, a, b);
        else
                select_general(g, cc, a, b);
}

/* Popped @value into the local. */
static void local_assign(struct generator *g, uint32_t n, struct entry *value)
{
        const struct local *l = &g->locals[n];

        if (value->kind == ENTRY_REG && value->reg == l->reg)
                return; /* computed there */
        if (value->kind == ENTRY_LOCAL && value->local == n)
                return;
        local_detach(g, n);
        if (l->reg != REG_NONE) {
                if (value->kind == ENTRY_FLAGS)
                        abort();
                entry_load(g, value, l->reg);
        } else if (is_const(value) && !type_is_vector(l->type) &&
                   fits_simm32(l->type, value->constant)) {
                op_rm(g, 0xc7, type_w(l->type), 0, op_base(FRAME, l->home), 4);
                asm_u32(&g->a, (uint32_t)value->constant);
        } else {
                store_frame(g, l->type, entry_reg(g, value), l->home);
        }
        entry_release(g, value);
}

static void local_set(struct generator *g, uint32_t n)
{
        struct entry value = stack_pop(g);

        local_assign(g, n, &value);
}

static void local_tee(struct generator *g, uint32_t n)
{
        struct entry value = stack_pop(g);

        /* a value in a temporary stays there for the next use, the frame has a copy */
        if (g->locals[n].reg == REG_NONE && value.kind == ENTRY_REG) {
                local_detach(g, n);
                store_frame(g, g->locals[n].type, value.reg, g->locals[n].home);
                push_reg(g, value.type, value.reg);
                return;
        }
        local_assign(g, n, &value);
        push_local(g, n);
}

static void reference_is_null(struct generator *g)
{
        integer_eqz(g, T_I64);
}

static void table_size(struct generator *g, uint32_t table)
{
        int32_t at = g->layout->tables + 32 * (int32_t)table +
                     (int32_t)offsetof(struct table_desc, length);
        unsigned dst = reg_result(g, GPR_MASK, 0, NULL);

        op_rm(g, 0x8b, ASM_W, dst, op_gs(GPR_NONE, at), 0);
        push_reg(g, type_of_address(&g->m->tables[table].type.size), dst);
}
