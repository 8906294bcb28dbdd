/* assign.h - the registers of x86-64 that locals and the memory's base may have. */
#pragma once

#include "engine/compile/fast/locals.h"

/* Memory 0 through gs costs no register, but a cycle of each load (the segment's base is added on
 * its own), and what was stored that way is not forwarded as fast. A function with loops takes a
 * register for the base when it has one to spare. */
static void base_assign(struct generator *g, uint32_t caller, uint32_t callee)
{
        uint32_t spare;

        g->base = g->shared->owns_memory ? REG_NONE : R15;
        if (g->base != REG_NONE || !g->m->nmemories || g->sparse || !loops_matter(g, 2))
                return;
        spare = caller & ~g->pinned;
        if (g->has_calls || (spare & (spare - 1)) == 0)
                spare = callee & ~g->pinned;
        if (spare)
                g->base = reg_last(spare);
}

static void locals_assign(struct generator *g)
{
        const uint32_t callee_saved = BIT(RBX) | BIT(R12) | BIT(R13) | BIT(R14) | BIT(R15);
        const uint32_t arguments = BIT(RDI) | BIT(RSI) | BIT(R8) | BIT(R9);
        uint32_t callee = callee_saved & ~(g->shared->owns_memory ? 0 : BIT(R15));

        locals_arrive(g);
        g->pinned = 0;
        if (!g->sparse) {
                locals_assign_class(g, &g->facts->integer,
                                    arguments | (g->has_calls ? 0 : BIT(R10)), callee);
                locals_assign_class(g, &g->facts->vector, UINT32_C(0x7ff0) << REG_VECTOR, 0);
        }
        base_assign(g, arguments, callee);
        g->saved = (g->pinned | (g->base == REG_NONE ? 0 : BIT(g->base))) & callee_saved;
        g->kept = g->has_calls ? g->pinned & ~callee_saved : 0;
        g->temps = (GPR_MASK & ~callee_saved & ~BIT(RSP) & ~BIT(RBP)) | VEC_MASK;
        g->temps &= ~g->pinned;
        if (g->base != REG_NONE)
                g->temps &= ~BIT(g->base);
        g->nsaved = reg_number(g->saved);
}
