/* wheel.h - deadlines of one thread: set and taken back in constant time, whatever their number.
 *
 * Time is cut into ticks of 1.024 us, and a tick's number into nine digits of six bits. A timer lies in the
 * slot of the highest digit in which its tick differs from the wheel's own: the far ones together with many
 * others, the near ones alone. When time comes to a slot, what is in it goes to finer ones, at most
 * eight times in its life. So slots in their order are in the order of time, and bits say which are used: the next
 * deadline is found without a search, and nobody has to wake up for a tick in which nothing is due.
 *
 * wheel_set - @t is due at @deadline_ns; never before, and a tick later at most. It must not be set. Deadlines
 *   beyond 2^64 - 1024 ns are that.
 * wheel_clear - no longer; also of one that is not set.
 * wheel_is_set - neither cleared nor handed out.
 * wheel_due - one that is due by @now_ns, earliest first and equals in the order of their setting; it is not set any
 *   more. NULL: no other.
 * wheel_next - when there may be one: exact for what was never cleared, too early at most once for each slot
 *   that something was cleared from. WHEEL_NEVER: empty. Also in a signal handler of its thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_LEVELS    9u
#define WHEEL_SLOTS     64u
#define WHEEL_TICK_BITS 10u /* of nanoseconds */
#define WHEEL_NEVER     UINT64_MAX

struct wheel_timer {
        uint64_t tick;
        struct wheel_timer *next, **back; /* back NULL: not set */
        uint32_t slot;
};

struct wheel_slot {
        struct wheel_timer *first, **end;
        uint64_t least; /* tick: none is earlier */
};

struct wheel {
        uint64_t base; /* tick that it has come to */
        uint64_t used[WHEEL_LEVELS];
        uint32_t levels; /* a bit for each that has something */
        uint32_t n;
        volatile uint64_t next_ns;
        struct wheel_slot slots[WHEEL_LEVELS * WHEEL_SLOTS];
};

void wheel_init(struct wheel *w);
void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ns, uint64_t now_ns);
void wheel_clear(struct wheel *w, struct wheel_timer *t);
struct wheel_timer *wheel_due(struct wheel *w, uint64_t now_ns);

static inline bool wheel_is_set(const struct wheel_timer *t)
{
        return t->back != 0;
}

static inline uint64_t wheel_next(const struct wheel *w)
{
        return w->next_ns;
}
