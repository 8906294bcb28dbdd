/* assign.h - the registers of aarch64 that locals may have: with calls in the function the ones that a
 * callee saves come first. Enough are left over for the temporaries of every instruction. */
#pragma once

#include "engine/compile/fast/locals.h"

#define CALLEE_GPRS  UINT64_C(0x07f80000) /* x19-x26 */
#define CALLER_GPRS  UINT64_C(0x00007c7e) /* x1-x6, x10-x14 */
#define TEMP_GPRS    UINT64_C(0x0000ffff)
#define CALLER_VECTORS (UINT64_C(0x03ff00f0) << REG_VECTOR) /* v4-v7, v16-v25 */
#define TEMP_VECTORS   (UINT64_C(0x3fff00ff) << REG_VECTOR) /* v8-v15 are the caller's in part */

static void locals_assign(struct generator *g)
{
        locals_arrive(g);
        g->pinned = 0;
        g->base = g->shared->owns_memory || !g->m->nmemories ? REG_NONE : X27;
        if (!g->sparse) {
                locals_assign_class(g, &g->facts->integer, CALLER_GPRS, CALLEE_GPRS);
                locals_assign_class(g, &g->facts->vector, CALLER_VECTORS, 0);
        }
        g->saved = g->pinned & CALLEE_GPRS;
        if (g->base != REG_NONE)
                g->saved |= BIT(g->base);
        g->kept = g->has_calls ? g->pinned & ~CALLEE_GPRS : 0;
        g->temps = (TEMP_GPRS | TEMP_VECTORS) & ~g->pinned;
        g->nsaved = reg_number(g->saved);
}
