/* budget.h - how much somebody may hold at once, and how much it holds.
 *
 * budget_take - @bytes more. False when that passes the limit: nothing is taken, and the refusal counted.
 * budget_give - @bytes that were taken are given back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct budget {
        uint64_t max; /* 0: no limit */
        uint64_t used, peak, refused;
};

static inline bool budget_take(struct budget *b, uint64_t bytes)
{
        if (b->max && (b->used > b->max || bytes > b->max - b->used)) {
                b->refused++;
                return false;
        }
        b->used += bytes;
        if (b->used > b->peak)
                b->peak = b->used;
        return true;
}

static inline void budget_give(struct budget *b, uint64_t bytes)
{
        b->used -= bytes;
}
