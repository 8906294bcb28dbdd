/* ring.c - calls and the fibers that wait for them; the work is done by a back end (backend.h).
 *
 * A call that a fiber waits for goes to the list of the ready when it is done; the scheduler
 * takes fibers from there. */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "supervisor/ring/backend.h"

enum call_event { EV_SUBMIT, EV_CANCEL, EV_COMPLETE, _CALL_EVENT_MAX };

static const enum call_state call_next[_CALL_STATE_MAX][_CALL_EVENT_MAX] = {
        [CALL_IDLE]       = { [EV_SUBMIT] = CALL_IN_KERNEL },
        [CALL_IN_KERNEL]  = { [EV_CANCEL] = CALL_CANCELLING, [EV_COMPLETE] = CALL_DONE },
        /* The kernel may still write to the caller's memory: only its completion ends it. */
        [CALL_CANCELLING] = { [EV_CANCEL] = CALL_CANCELLING, [EV_COMPLETE] = CALL_DONE },
        [CALL_DONE]       = { [EV_SUBMIT] = CALL_IN_KERNEL, [EV_CANCEL] = CALL_DONE },
};

static void advance(struct call *call, enum call_event event)
{
        enum call_state next = call_next[call->state][event];

        if (next == CALL_BUG)
                abort(); /* an edge that the table has not: our bug, and memory of the kernel's */
        call->state = next;
}

void ring_init(struct ring *r, const struct ring_backend *backend)
{
        *r = (struct ring) { .backend = backend, .ready_end = &r->ready };
        wheel_init(&r->wheel);
}

int ring_new_kind(enum ring_kind kind, unsigned entries, struct ring **ret, struct error *err)
{
        return kind == RING_URING ? ring_new_uring(entries, ret, err) : ring_new_threads(ret, err);
}

int ring_new(unsigned entries, struct ring **ret, struct error *err)
{
        int r = ring_new_uring(entries, ret, err);

        return r == -EOPNOTSUPP ? ring_new_threads(ret, err) : r;
}

enum ring_kind ring_kind(const struct ring *r)
{
        return r->backend->kind;
}

int ring_restrict(struct ring *r, struct error *err)
{
        return r->backend->restrict_(r, err);
}

int ring_enable(struct ring *r, struct error *err)
{
        return r->backend->enable(r, err);
}

int ring_move(struct ring *r, int fd, struct error *err)
{
        return r->backend->move(r, fd, err);
}

int ring_move_wake(struct ring *r, int fd, struct error *err)
{
        return r->backend->move_wake ? r->backend->move_wake(r, fd, err) : 0;
}

void ring_free(struct ring *r)
{
        if (!r)
                return;
        if (ring_in_flight(r))
                abort(); /* somebody would write into memory that is somebody else's by then */
        r->backend->free(r);
}

int ring_fd(const struct ring *r)
{
        return r->backend->fd(r);
}

unsigned ring_in_flight(const struct ring *r)
{
        return r->in_flight + r->sleeping;
}

static void ready_add(struct ring *r, struct call *call)
{
        call->next = NULL;
        call->back = r->ready_end;
        *r->ready_end = call;
        r->ready_end = &call->next;
}

static void ready_remove(struct ring *r, struct call *call)
{
        if (!call->back)
                return;
        *call->back = call->next;
        if (call->next)
                call->next->back = call->back;
        else
                r->ready_end = call->back;
        call->next = NULL;
        call->back = NULL;
}

/* A completion, or an outcome that never reached the back end. */
void ring_complete(struct ring *r, struct call *call, int32_t result)
{
        advance(call, EV_COMPLETE);
        call->result = result;
        if (call->fiber)
                ready_add(r, call);
}

static void begin(struct call *call)
{
        advance(call, EV_SUBMIT);
        call->fiber = NULL;
        call->next = NULL;
        call->back = NULL;
        call->sleeps = false;
}

void ring_submit(struct ring *r, struct call *call, const struct ring_op *op)
{
        begin(call);
        /* A close that is taken back would leave the descriptor open, and its number nobody's. */
        call->keep = op->code == RING_CLOSE;
        if ((unsigned)op->code >= _RING_OP_MAX)
                ring_complete(r, call, -EINVAL);
        else
                r->backend->submit(r, call, op);
}

void ring_cancel(struct ring *r, struct call *call)
{
        enum call_state before = call->state;

        advance(call, EV_CANCEL);
        if (before == CALL_IN_KERNEL && call->sleeps) {
                wheel_clear(&r->wheel, &call->sleep.timer.wheel);
                r->sleeping--;
                ring_complete(r, call, -ECANCELED);
                return;
        }
        if (before == CALL_IN_KERNEL && !r->backend->cancel(r, call) && call->state == CALL_CANCELLING)
                call->state = before; /* the operation will end by itself; ask again */
}

static void wake_sleeper(struct ring_timer *t)
{
        struct call *call = (struct call *)((char *)t - offsetof(struct call, sleep.timer));

        call->sleep.ring->sleeping--;
        ring_complete(call->sleep.ring, call, -ETIME);
}

void ring_sleep(struct ring *r, struct call *call, uint64_t ns)
{
        uint64_t now = monotonic_ns(), deadline;

        begin(call);
        call->keep = false;
        call->sleeps = true;
        call->sleep.ring = r;
        call->sleep.timer = (struct ring_timer) { .fire = wake_sleeper };
        if (__builtin_add_overflow(now, ns, &deadline))
                deadline = UINT64_MAX;
        wheel_set(&r->wheel, &call->sleep.timer.wheel, deadline, now);
        r->sleeping++;
}

void ring_timer_set(struct ring *r, struct ring_timer *t, uint64_t deadline_ns)
{
        wheel_set(&r->wheel, &t->wheel, deadline_ns, monotonic_ns());
}

void ring_timer_clear(struct ring *r, struct ring_timer *t)
{
        wheel_clear(&r->wheel, &t->wheel);
}

uint64_t ring_next_timer(const struct ring *r)
{
        return wheel_next(&r->wheel);
}

/* How many fired. One that is set by another is looked at next time: it cannot hold this up for ever. */
static unsigned fire_timers(struct ring *r, uint64_t now)
{
        struct wheel_timer *t;
        unsigned n = 0;

        for (unsigned most = r->wheel.n; n < most && (t = wheel_due(&r->wheel, now)); n++) {
                struct ring_timer *timer = (struct ring_timer *)((char *)t - offsetof(struct ring_timer, wheel));

                timer->fire(timer);
        }
        return n;
}

int ring_poll(struct ring *r, bool wait)
{
        int n = 0;

        if (r->in_flight == 0 && r->wheel.n == 0)
                return wait ? -EDEADLK : 0;
        /* A signal, or an event that was nobody's: to wait means until there is something. */
        do {
                uint64_t now = r->wheel.n ? monotonic_ns() : 0, next = wheel_next(&r->wheel), ns = 0;
                int e;

                if (wait)
                        ns = next == WHEEL_NEVER ? UINT64_MAX : next > now ? next - now : 0;
                /* First what the kernel has: of a call and of a timer that give it no time both are done. */
                e = r->backend->poll(r, ns);
                if (e < 0)
                        return e;
                n += e;
                if (r->wheel.n)
                        n += (int)fire_timers(r, ns ? monotonic_ns() : now);
        } while (wait && n == 0);
        return n;
}

bool ring_has_news(const struct ring *r)
{
        if (wheel_next(&r->wheel) != WHEEL_NEVER && monotonic_ns() >= wheel_next(&r->wheel))
                return true;
        return r->in_flight && (!r->backend->has_news || r->backend->has_news(r));
}

void ring_set_others(struct ring *r, bool others)
{
        r->others = others;
}

struct fiber *ring_next_ready(struct ring *r)
{
        struct call *call = r->ready;
        struct fiber *fiber;

        if (!call)
                return NULL;
        ready_remove(r, call);
        fiber = call->fiber;
        call->fiber = NULL;
        return fiber;
}

void ring_yield(struct ring *r)
{
        struct call turn = { .state = CALL_IN_KERNEL };

        (void) ring_poll(r, false);
        if ((!r->ready && !r->others) || !fiber_current())
                return;
        /* Behind those that are ready already. */
        turn.fiber = fiber_current();
        ring_complete(r, &turn, 0);
        fiber_suspend();
}

static unsigned first_done(struct call *const *calls, unsigned n)
{
        unsigned i = 0;

        while (i < n && calls[i]->state != CALL_DONE)
                i++;
        return i;
}

unsigned call_wait_any(struct ring *r, struct call *const *calls, unsigned n)
{
        struct fiber *fiber = fiber_current();
        unsigned done;

        while ((done = first_done(calls, n)) == n) {
                if (_unlikely_(fiber_stopping() || fiber_nudged())) {
                        for (unsigned i = 0; i < n; i++)
                                if (!calls[i]->keep)
                                        ring_cancel(r, calls[i]);
                        if (first_done(calls, n) < n)
                                continue;
                }
                if (!fiber) {
                        if (ring_poll(r, true) < 0)
                                abort(); /* nothing in flight can ever finish these calls */
                        continue;
                }
                for (unsigned i = 0; i < n; i++)
                        calls[i]->fiber = fiber;
                fiber_suspend();
                /* Others of ours may be ready too: they must not wake the fiber a second time. */
                for (unsigned i = 0; i < n; i++) {
                        ready_remove(r, calls[i]);
                        calls[i]->fiber = NULL;
                }
        }
        return done;
}

int32_t call_wait(struct ring *r, struct call *call)
{
        call_wait_any(r, &call, 1);
        return call->result;
}
