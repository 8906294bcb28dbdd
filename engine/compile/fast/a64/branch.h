/* branch.h - conditional jumps and jump tables. */
#pragma once

#include "engine/compile/fast/label.h"

static void jump_condition(struct generator *g, unsigned cc, uint32_t label)
{
        jump_label(g, cc, label);
}

/* A few targets: compare with each. */
static void table_compare(struct generator *g, unsigned index, uint32_t first, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                compare_constant(g, 0, index, i);
                jump_condition(g, CC_E, ((uint32_t *)g->targets.items)[first + i]);
        }
        jump_always(g, ((uint32_t *)g->targets.items)[first + n]);
}

/* The table lies behind the jump, where its address is one instruction; tables_emit() fills it. What is beyond it
 * takes its last place, without a branch that could be guessed. */
static void table_jump(struct generator *g, unsigned index, uint32_t first, uint32_t n)
{
        struct table_use *use;

        load_integer(g, SCRATCH_REG, n);
        asm_w3(&g->a, A64_SUBS, 0, XZR, index, SCRATCH_REG);
        asm_w3(&g->a, A64_CSEL | CC_B << 12, 0, SCRATCH_REG, index, SCRATCH_REG);
        asm_u32(&g->a, A64_ADR | (16 >> 2) << 5 | ADDRESS_REG);
        asm_u32(&g->a, 0xb8a05800 | SCRATCH_REG << 16 | ADDRESS_REG << 5 | SCRATCH_REG); /* ldrsw, uxtw #2 */
        asm_w3(&g->a, A64_ADD, ASM_W, ADDRESS_REG, ADDRESS_REG, SCRATCH_REG);
        asm_2(&g->a, A64_BR, 0, ADDRESS_REG);
        if (!array_room(g, &g->tables, sizeof(*use), 1))
                return;
        use = (struct table_use *)g->tables.items + g->tables.n++;
        *use = (struct table_use) { asm_pc(&g->a), first, n + 1 };
        asm_grow(&g->a, ASM_ROOM + 4 * ((size_t)n + 1));
        if (!g->a.failed)
                g->a.at += 4 * ((size_t)n + 1);
}

/* Jump tables: targets relative to the table. */
static void tables_emit(struct generator *g)
{
        for (uint32_t i = 0; i < g->tables.n && !g->failed && !g->a.failed; i++) {
                const struct table_use *t = (struct table_use *)g->tables.items + i;

                for (uint32_t k = 0; k < t->n; k++) {
                        uint32_t label = ((uint32_t *)g->targets.items)[t->first + k];

                        asm_write(&g->a, t->at + 4 * k, label_at(g, label)->pc - t->at);
                }
        }
}
