/* locals.h - which locals live in registers, and where the others are in the frame.
 *
 * The validator has counted the uses, weighted by loop depth. Without calls in the function every
 * register is free for the taking. With calls the heaviest go to the registers that a callee
 * saves; others take a caller-saved one only when their uses pay for the way home and back
 * around each call. What registers there are, assign.h of the machine says. */
#pragma once

#include "engine/compile/fast/stack.h"

static bool locals_room(struct generator *g, uint32_t n)
{
        struct local *grown;

        if (n <= g->locals_room)
                return true;
        grown = realloc(g->locals, n * sizeof(*grown));
        if (!grown)
                return false;
        g->locals = grown;
        g->locals_room = n;
        return true;
}

/* Homes of one size, in order, which need no walk over all locals. */
static int32_t sparse_home(const struct generator *g, uint32_t local)
{
        /* no local is in a register then, only the memory's base */
        return -8 - (int32_t)((local + 1) * g->slot_bytes);
}

static inline void local_init(struct generator *g, uint32_t n, valtype type)
{
        g->locals[n] = (struct local) {
                .type = (uint8_t)valtype_kind(type), .reg = REG_NONE, .arrival = REG_NONE,
                .home = g->sparse ? sparse_home(g, n) : 0,
        };
}

static uint8_t run_type(const struct generator *g, uint32_t local)
{
        const struct local_run *runs = g->runs.items;
        uint32_t low = 0, high = g->runs.n;

        while (high - low > 1) {
                uint32_t middle = low + (high - low - 1) / 2;

                if (local < runs[middle].end)
                        high = middle + 1;
                else
                        low = middle + 1;
        }
        return runs[low].type;
}

/* Eight bytes can declare 50,000 locals: then only those that an instruction names are made. */
static void locals_find(struct generator *g)
{
        struct cursor c = g->c;
        struct instruction in = { 0 };

        while (c.at < c.end) {
                body_next_checked(&c, &in);
                if (in.op == OP_BR_TABLE)
                        for (uint32_t i = 0; i <= in.index; i++)
                                (void)body_label(&c);
                if ((in.op == OP_LOCAL_GET || in.op == OP_LOCAL_SET || in.op == OP_LOCAL_TEE) &&
                    in.index >= g->type->nparams)
                        local_init(g, in.index, run_type(g, in.index));
        }
}

/* Parameters, then the groups of the body; the cursor stands at the groups. */
static bool locals_read(struct generator *g)
{
        uint32_t groups = 0, n = 0, at = g->type->nparams;
        valtype type = VAL_BOTTOM;

        g->nlocals = g->facts->nlocals;
        g->sparse = g->nlocals > 256 && g->nlocals > 2 * (size_t)(g->c.end - g->c.at);
        g->runs.n = 0;
        if (!locals_room(g, g->nlocals))
                return false;
        for (uint32_t i = 0; i < at; i++)
                local_init(g, i, g->type->params[i]);
        (void)body_locals_begin(&g->c, false, &groups);
        while (groups--) {
                (void)body_local_group(&g->c, false, &n, &type);
                if (g->sparse) {
                        if (!array_room(g, &g->runs, sizeof(struct local_run), 1))
                                return false;
                        at += n;
                        ((struct local_run *)g->runs.items)[g->runs.n++] = (struct local_run) {
                                at, (uint8_t)valtype_kind(type),
                        };
                        continue;
                }
                for (; n; n--)
                        local_init(g, at++, type);
        }
        if (g->sparse)
                locals_find(g);
        return true;
}

static unsigned param_register(struct abi_location at)
{
        return at.place == ABI_INTEGER ? argument_gprs[at.index] : REG_VECTOR + at.index;
}

/* Where parameters come in. */
static void locals_arrive(struct generator *g)
{
        struct abi_walk walk = { 0 };

        for (uint32_t i = 0; i < g->type->nparams; i++) {
                struct abi_location at = abi_next(&walk, g->type->params[i]);

                if (at.place != ABI_SPILL)
                        g->locals[i].arrival = (uint8_t)param_register(at);
        }
}

static void local_pin(struct generator *g, uint32_t local, unsigned reg, reg_set *pool)
{
        g->locals[local].reg = (uint8_t)reg;
        g->reg_local[reg] = local;
        g->pinned |= BIT(reg);
        *pool &= ~BIT(reg);
}

/* The first @n of @hot to registers of @pool, a parameter where it arrives if that is free. */
static void locals_pin(struct generator *g, const struct hot_locals *hot, unsigned from, unsigned n,
                       reg_set pool)
{
        for (unsigned i = from; i < n; i++) {
                unsigned reg = g->locals[hot->index[i]].arrival;

                if (reg != REG_NONE && pool >> reg & 1)
                        local_pin(g, hot->index[i], reg, &pool);
        }
        for (unsigned i = from; i < n; i++)
                if (g->locals[hot->index[i]].reg == REG_NONE)
                        local_pin(g, hot->index[i], reg_first(pool), &pool);
}

/* How many of @hot, from @from, weigh more than @least and fit @pool. */
static unsigned locals_count(const struct hot_locals *hot, unsigned from, reg_set pool,
                             uint64_t least)
{
        unsigned n = from, room = reg_number(pool);

        while (n < hot->n && n - from < room && hot->weight[n] > least)
                n++;
        return n;
}

static void locals_assign_class(struct generator *g, const struct hot_locals *hot, reg_set caller,
                                reg_set callee)
{
        uint64_t keep = 2 * (uint64_t)g->facts->call_weight;
        unsigned n, all;

        if (!g->has_calls) {
                n = locals_count(hot, 0, caller, 0);
                all = locals_count(hot, n, callee, 2);
                locals_pin(g, hot, 0, n, caller);
                locals_pin(g, hot, n, all, callee);
                return;
        }
        n = locals_count(hot, 0, callee, 2);
        all = locals_count(hot, n, caller, keep);
        locals_pin(g, hot, 0, n, callee);
        locals_pin(g, hot, n, all, caller);
}

/* The function has loops, and its locals weigh @times more than its calls. */
static bool loops_matter(const struct generator *g, unsigned times)
{
        const struct hot_locals *hot = &g->facts->integer;

        return g->facts->has_loops && hot->n &&
               hot->weight[0] > times * (uint64_t)g->facts->call_weight;
}

/* Homes in the frame, below the saved registers; then the stack slots. */
static void locals_place(struct generator *g)
{
        uint64_t at = 8 * (uint64_t)g->nsaved;

        if (g->sparse)
                at = (uint64_t)-(int64_t)sparse_home(g, g->nlocals - 1);
        for (uint32_t i = 0; i < g->nlocals && !g->sparse; i++) {
                struct local *l = &g->locals[i];

                if (l->reg != REG_NONE && !(g->kept >> l->reg & 1))
                        continue;
                at += l->type == T_V128 ? 16 : 8;
                l->home = -(int32_t)at;
        }
        g->slots = -(int32_t)(at + g->slot_bytes);
}
