/* entries.h - what the instructions of every machine do with entries that they have popped. */
#pragma once

#include "engine/compile/fast/stack.h"

static inline void swap_entries(struct entry *a, struct entry *b)
{
        struct entry t = *a;

        *a = *b;
        *b = t;
}

static inline bool is_const(const struct entry *e)
{
        return e->kind == ENTRY_CONST;
}

static inline void push_result(struct generator *g, unsigned type, unsigned reg,
                               const struct entry *a, const struct entry *b)
{
        entry_release_but(g, a, BIT(reg));
        if (b)
                entry_release_but(g, b, BIT(reg));
        push_reg(g, type, reg);
}

/* The consumer of a condition comes next: leave the result in the flags. */
static inline bool next_takes_flags(const struct generator *g)
{
        unsigned next = *g->c.at;

        return next == 0x0d || next == 0x04 || next == 0x1b || next == 0x45;
}

/* The instruction before has set the zero flag by what it left in @reg. */
static inline void flags_are(struct generator *g, unsigned reg, unsigned w)
{
        g->flags_pc = asm_pc(&g->a);
        g->flags_reg = (uint8_t)reg;
        g->flags_w = (uint8_t)w;
}

static void push_flags(struct generator *g, unsigned cc)
{
        entry_push(g, ENTRY_FLAGS, T_I32)->reg = (uint8_t)cc;
}

static inline bool is_power(uint64_t x)
{
        return x && !(x & (x - 1));
}

static int32_t memory_desc_at(const struct generator *g, uint32_t memory)
{
        return g->layout->memories + 32 * (int32_t)memory;
}

static inline unsigned type_of_address(const struct range *size)
{
        return size->is_64 ? T_I64 : T_I32;
}
