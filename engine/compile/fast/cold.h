/* cold.h - jumps to what happens rarely, and lies behind the function. */
#pragma once

#include "engine/compile/fast/generator.h"

/* The machine's: a jump on @cc to a place that is not known yet. Returns where to patch it. */
static uint32_t jump_ahead(struct generator *g, unsigned cc);

/* Conditional jump to code behind the function. */
static struct cold *cold_jump(struct generator *g, unsigned cc, unsigned kind)
{
        struct cold *cold;
        uint32_t at = jump_ahead(g, cc);

        if (!array_room(g, &g->cold, sizeof(struct cold), 1))
                return &g->cold_lost;
        cold = (struct cold *)g->cold.items + g->cold.n++;
        *cold = (struct cold) { .at = at, .resume = asm_pc(&g->a),
                                .wasm = wasm_here(g), .kind = (uint8_t)kind };
        return cold;
}

static void trap_cold(struct generator *g, unsigned cc, enum trap trap)
{
        cold_jump(g, cc, COLD_TRAP)->trap = (uint8_t)trap;
}
