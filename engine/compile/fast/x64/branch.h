/* branch.h - conditional jumps and jump tables. */
#pragma once

#include "engine/compile/fast/label.h"

static void jump_condition(struct generator *g, unsigned cc, uint32_t label)
{
        uint32_t parity;

        if (cc < CC_FLOAT_EQ) {
                jump_label(g, cc, label);
        } else if (cc == CC_FLOAT_NE) {
                jump_label(g, CC_P, label);
                jump_label(g, CC_NE, label);
        } else {
                parity = jump_short(g, CC_P);
                jump_label(g, CC_E, label);
                jump_here(g, parity);
        }
}

/* A few targets: compare with each. */
static void table_compare(struct generator *g, unsigned index, uint32_t first, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                if (i == 0)
                        op_rr(g, 0x85, 0, index, index);
                else
                        alu_immediate(g, ALU_CMP, 0, op_reg(index), (int32_t)i);
                jump_condition(g, CC_E, ((uint32_t *)g->targets.items)[first + i]);
        }
        jump_always(g, ((uint32_t *)g->targets.items)[first + n]);
}

/* What is beyond the table takes its last place, without a branch that could be guessed. */
static void table_jump(struct generator *g, unsigned index, uint32_t first, uint32_t n)
{
        struct table_use *use;
        unsigned base = reg_alloc(g, GPR_MASK);

        load_integer(g, base, n);
        op_rr(g, 0x3b, 0, index, base);
        asm_legacy(&g->a, 0, MAP_0F, 0x40 | CC_AE, 0, index, op_reg(base), 0);
        asm_u8(&g->a, 0x48 | base >> 3 << 2);
        asm_u8(&g->a, 0x8d);
        asm_u8(&g->a, 0x05 | (base & 7) << 3); /* lea base, [rip + table] */
        asm_u32(&g->a, 0);
        if (!array_room(g, &g->tables, sizeof(*use), 1))
                return;
        use = (struct table_use *)g->tables.items + g->tables.n++;
        *use = (struct table_use) { asm_pc(&g->a) - 4, first, n + 1 };
        op_rm(g, 0x63, ASM_W, index,
              (struct operand) { .kind = OPERAND_MEMORY, .base = (uint8_t)base,
                                 .index = (uint8_t)index, .scale = 2 }, 0);
        op_rr(g, 0x03, ASM_W, index, base);
        op_rr(g, 0xff, 0, 4, index);
        reg_free(g, base);
}

/* Jump tables, 4-aligned: targets relative to the table. */
static void tables_emit(struct generator *g)
{
        for (uint32_t i = 0; i < g->tables.n && !g->failed; i++) {
                const struct table_use *t = (struct table_use *)g->tables.items + i;
                uint32_t base;

                asm_grow(&g->a, 8 + 4 * (size_t)t->n);
                if (g->a.failed)
                        return;
                while (asm_pc(&g->a) % 4)
                        asm_u8(&g->a, 0xcc);
                base = asm_pc(&g->a);
                jump_patch(g, t->at, base);
                for (uint32_t k = 0; k < t->n; k++) {
                        uint32_t label = ((uint32_t *)g->targets.items)[t->first + k];

                        asm_u32(&g->a, label_at(g, label)->pc - base);
                }
        }
}
