/* wheel.c - see wheel.h. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "supervisor/ring/wheel.h"

#define DIGIT_BITS 6u
#define TICK_MAX   ((UINT64_C(1) << (WHEEL_LEVELS * DIGIT_BITS)) - 1)

_Static_assert(1u << DIGIT_BITS == WHEEL_SLOTS && WHEEL_LEVELS * DIGIT_BITS + WHEEL_TICK_BITS == 64,
               "digits cover the nanoseconds of 64 bits");

static unsigned lowest(uint64_t bits)
{
        return (unsigned)__builtin_ctzll(bits);
}

/* A change is done: what a signal handler sees is whole. */
static void look(struct wheel *w)
{
        unsigned level;

        if (!w->levels) {
                w->next_ns = WHEEL_NEVER;
                return;
        }
        level = lowest(w->levels);
        w->next_ns = w->slots[level * WHEEL_SLOTS + lowest(w->used[level])].least << WHEEL_TICK_BITS;
}

static void place(struct wheel *w, struct wheel_timer *t)
{
        uint64_t tick = t->tick > w->base ? t->tick : w->base, differs = tick ^ w->base;
        unsigned level = differs ? (63 - (unsigned)__builtin_clzll(differs)) / DIGIT_BITS : 0;
        unsigned digit = (unsigned)(tick >> level * DIGIT_BITS) % WHEEL_SLOTS;
        struct wheel_slot *s;

        t->slot = level * WHEEL_SLOTS + digit;
        s = &w->slots[t->slot];
        if (!s->first) {
                s->end = &s->first;
                s->least = t->tick;
                w->used[level] |= UINT64_C(1) << digit;
                w->levels |= 1u << level;
        } else if (t->tick < s->least) {
                s->least = t->tick;
        }
        t->next = NULL;
        t->back = s->end;
        *s->end = t;
        s->end = &t->next;
}

static void mark_empty(struct wheel *w, unsigned slot)
{
        unsigned level = slot / WHEEL_SLOTS;

        w->used[level] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
        if (!w->used[level])
                w->levels &= ~(1u << level);
}

static void take(struct wheel *w, struct wheel_timer *t)
{
        struct wheel_slot *s = &w->slots[t->slot];

        *t->back = t->next;
        if (t->next)
                t->next->back = t->back;
        else
                s->end = t->back;
        t->back = NULL;
        w->n--;
        if (!s->first)
                mark_empty(w, t->slot);
}

void wheel_init(struct wheel *w)
{
        memset(w, 0, sizeof(*w));
        w->next_ns = WHEEL_NEVER;
}

void wheel_set(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ns, uint64_t now_ns)
{
        uint64_t tick = (deadline_ns >> WHEEL_TICK_BITS) + (deadline_ns % (1u << WHEEL_TICK_BITS) != 0);

        t->tick = tick > TICK_MAX ? TICK_MAX : tick;
        /* Nobody has turned it while it was empty. */
        if (!w->n && now_ns >> WHEEL_TICK_BITS > w->base)
                w->base = now_ns >> WHEEL_TICK_BITS;
        place(w, t);
        w->n++;
        look(w);
}

void wheel_clear(struct wheel *w, struct wheel_timer *t)
{
        if (!t->back)
                return;
        take(w, t);
        look(w);
}

/* What lies in @slot goes to finer ones: the wheel has come to its first tick. */
static void spread(struct wheel *w, unsigned slot)
{
        struct wheel_timer *t = w->slots[slot].first, *next;

        w->slots[slot].first = NULL;
        mark_empty(w, slot);
        for (; t; t = next) {
                next = t->next;
                place(w, t);
        }
}

struct wheel_timer *wheel_due(struct wheel *w, uint64_t now_ns)
{
        uint64_t now = now_ns >> WHEEL_TICK_BITS;

        while (w->levels) {
                unsigned level = lowest(w->levels), digit = lowest(w->used[level]);
                unsigned slot = level * WHEEL_SLOTS + digit, shift = level * DIGIT_BITS;
                uint64_t above = w->base >> shift >> DIGIT_BITS << DIGIT_BITS << shift;
                uint64_t start = above | (uint64_t)digit << shift;

                if (start > now)
                        break;
                if (level == 0) {
                        struct wheel_timer *t = w->slots[slot].first;

                        take(w, t);
                        look(w);
                        return t;
                }
                w->base = start;
                spread(w, slot);
        }
        /* No slot begins between here and now: all stay where they are. */
        if (now > w->base)
                w->base = now;
        look(w);
        return NULL;
}
