/* timers.c - deadlines in a heap: the earliest is at the root; see threads.h. */
#include "config.h"

#include <stdlib.h>

#include "supervisor/ring/threads.h"

static void put(struct timers *t, uint32_t at, struct call *call)
{
        t->heap[at] = call;
        call->plan.timer = at + 1;
}

static void rise(struct timers *t, uint32_t at, struct call *call)
{
        while (at > 0 && t->heap[(at - 1) / 2]->plan.deadline_ns > call->plan.deadline_ns) {
                put(t, at, t->heap[(at - 1) / 2]);
                at = (at - 1) / 2;
        }
        put(t, at, call);
}

static void sink(struct timers *t, uint32_t at, struct call *call)
{
        for (;;) {
                uint32_t child = 2 * at + 1;

                if (child + 1 < t->n &&
                    t->heap[child + 1]->plan.deadline_ns < t->heap[child]->plan.deadline_ns)
                        child++;
                if (child >= t->n || t->heap[child]->plan.deadline_ns >= call->plan.deadline_ns)
                        break;
                put(t, at, t->heap[child]);
                at = child;
        }
        put(t, at, call);
}

int timers_add(struct timers *t, struct call *call)
{
        if (t->n == t->max) {
                uint32_t max = t->max ? t->max * 2 : 16;
                struct call **heap = reallocarray(t->heap, max, sizeof(*heap));

                if (!heap)
                        return -ENOMEM;
                t->heap = heap;
                t->max = max;
        }
        call->plan.place = PLACE_TIMER;
        rise(t, t->n++, call);
        return 0;
}

void timers_remove(struct timers *t, struct call *call)
{
        uint32_t at = call->plan.timer - 1;
        struct call *last = t->heap[--t->n];

        call->plan.timer = 0;
        call->plan.place = PLACE_NONE;
        if (at == t->n)
                return;
        if (at > 0 && t->heap[(at - 1) / 2]->plan.deadline_ns > last->plan.deadline_ns)
                rise(t, at, last);
        else
                sink(t, at, last);
}

uint64_t timers_next(const struct timers *t)
{
        return t->n ? t->heap[0]->plan.deadline_ns : UINT64_MAX;
}

struct call *timers_due(struct timers *t, uint64_t now)
{
        struct call *call = t->n ? t->heap[0] : NULL;

        if (!call || call->plan.deadline_ns > now)
                return NULL;
        timers_remove(t, call);
        return call;
}
