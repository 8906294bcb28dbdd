/* select.h - one value or the other. */
#pragma once

#include "engine/compile/fast/call.h"

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
