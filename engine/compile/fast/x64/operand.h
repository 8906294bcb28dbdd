/* operand.h - entries of the operand stack as operands of instructions, which may be in memory. */
#pragma once

#include "engine/compile/fast/stack.h"

/* As an operand of an instruction: register or memory; integers that are constants, and addresses,
 * take a register. Not for ENTRY_MEMORY whose map entry must be made: see entry_operand_here(). */
static struct operand entry_operand(struct generator *g, struct entry *e)
{
        switch (e->kind) {
        case ENTRY_SLOT:
                return op_base(FRAME, slot_at(g, e->slot));
        case ENTRY_LOCAL:
                if (g->locals[e->local].reg == REG_NONE)
                        return op_base(FRAME, g->locals[e->local].home);
                break;
        case ENTRY_MEMORY:
                return g->folded.operand;
        case ENTRY_CONST:
                if (type_is_vector(e->type) && (e->constant || e->type == T_V128))
                        return constant_operand(g, e);
                break;
        default:
                break;
        }
        return op_reg(entry_reg(g, e));
}

/* The next instruction of the code accesses @e: a folded load is named in the map. */
static inline void entry_operand_here(struct generator *g, const struct entry *e)
{
        if (_unlikely_(e->kind == ENTRY_MEMORY))
                map_add(g, asm_pc(&g->a), g->folded.wasm);
}
