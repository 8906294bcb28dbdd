/* parameters.h - how arguments come into a function: in registers, and in the spill area of abi.h. */
#pragma once

#include "engine/compile/fast/locals.h"

static struct operand spill_operand(const struct generator *g, unsigned n)
{
        return op_gs(GPR_NONE, g->layout->spill + (int32_t)(n * ABI_SPILL_BYTES));
}

static void store_spill(struct generator *g, unsigned type, unsigned reg, unsigned n)
{
        store_register(g, type, type == T_I32 ? 4 : 8, reg, spill_operand(g, n));
}

static void load_spill(struct generator *g, unsigned type, unsigned reg, unsigned n)
{
        load_register(g, type, reg, spill_operand(g, n));
}

/* One pass over the parameters: 0 homes; 1 to callee-saved registers; 2 to the others, which are
 * then free of what arrived in them; 3 what is in the spill area. */
static void frame_params(struct generator *g, unsigned pass)
{
        struct abi_walk walk = { 0 };

        for (uint32_t i = 0; i < g->type->nparams; i++) {
                struct abi_location at = abi_next(&walk, g->type->params[i]);
                const struct local *l = &g->locals[i];
                unsigned reg;

                asm_room(&g->a);
                if ((at.place == ABI_SPILL) != (pass == 3))
                        continue;
                if (pass == 3) {
                        reg = l->reg != REG_NONE          ? l->reg
                              : type_is_vector(l->type) ? PARAMETER_VECTOR
                                                          : PARAMETER_GPR;
                        load_spill(g, l->type, reg, at.index);
                        if (l->reg == REG_NONE)
                                store_frame(g, l->type, reg, l->home);
                } else if (l->reg == REG_NONE) {
                        if (pass == 0)
                                store_frame(g, l->type, param_register(at), l->home);
                } else if (pass == (g->saved >> l->reg & 1 ? 1u : 2u)) {
                        move(g, l->type, l->reg, param_register(at));
                }
        }
}
