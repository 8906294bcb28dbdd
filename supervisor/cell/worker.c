/* worker.c - the threads of a cell: who runs next, for how long, and the sleep when nobody can.
 *
 * Each has a ring with its timers, a clock that ticks and a queue of its own; the first one serves the broker
 * besides. Time is shared by weight: whoever has used the least, divided by its weight, goes next. A guest that
 * slept begins a slice behind the others at most, so that it goes before those who never sleep, but cannot save
 * up. */
#include "config.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/cell/nano.h"

#define RING_ENTRIES   256
#define POLL_EVERY_NS  UINT64_C(250000) /* while guests run */
#define IDLE_TICKS_MAX 2
#define CALM_TICKS_MAX 8
#define COARSE_NS      UINT64_C(4000000)

static _Thread_local struct worker *self __attribute__((tls_model("initial-exec")));

struct worker *worker_self(void)
{
        return self;
}

static uint64_t cpu_clock_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void set_ticks(struct worker *w, enum ticking how)
{
        if (w->ticking == how)
                return;
        if (w->ticking == TICKS_FINE)
                preempt_stop(w->timer);
        else if (w->ticking == TICKS_COARSE)
                preempt_stop(w->coarse);
        if (how == TICKS_FINE)
                preempt_start(w->timer, SLICE_NS);
        else if (how == TICKS_COARSE)
                preempt_start(w->coarse, COARSE_NS);
        w->ticking = how;
}

/* A turn that nobody ends may last for ever: who looks at the statistics sees it grow. Not more than what
 * the turn's end will charge, or the figure would go back. */
static void show_running(struct worker *w, uint64_t now)
{
        uint64_t used = cpu_clock_ns() - w->cpu_seen, ns = now - w->now;

        used = used > w->busy_since ? used - w->busy_since : 0;
        w->running->stats->cpu_ns = w->running->cpu_ns + (used < ns ? used : ns);
}

/* In the signal handler. True: the guest that runs is to leave the thread. A guest that nobody has
 * disturbed for a while is looked at less often: a fine tick costs 1 to 18 us of its time. */
static bool tick(uintptr_t pc)
{
        struct worker *w = self;
        uint64_t now, due;

        if (!w)
                return false;
        if (!w->running) {
                if (++w->idle_ticks > IDLE_TICKS_MAX)
                        set_ticks(w, TICKS_NONE);
                return false;
        }
        w->idle_ticks = 0;
        heat_sample(pc, w->ticking == TICKS_COARSE ? COARSE_NS / 1000000 : SLICE_NS / 1000000);
        if (w->ready.n || w->news || ring_has_news(w->ring)) {
                w->calm_ticks = 0;
                set_ticks(w, TICKS_FINE);
                return true;
        }
        now = monotonic_ns();
        due = ring_next_timer(w->ring);
        show_running(w, now);
        if (now >= w->run_until || now >= due || heat_due())
                return true;
        if (w->run_until - now < 2 * COARSE_NS || due - now < 2 * COARSE_NS)
                set_ticks(w, TICKS_FINE);
        else if (++w->calm_ticks > CALM_TICKS_MAX)
                set_ticks(w, TICKS_COARSE);
        return false;
}

static void wake(struct worker *w)
{
        uint64_t one = 1;

        if (w->wake >= 0 && write(w->wake, &one, sizeof(one)) < 0)
                _exit(CELL_EXIT_WAKE);
}

void worker_post(struct guest *g, unsigned what)
{
        struct worker *w = g->worker;

        pthread_mutex_lock(&w->lock);
        if (!g->posted) {
                g->post_next = NULL;
                *w->post_end = g;
                w->post_end = &g->post_next;
        }
        g->posted |= what;
        w->news = true;
        pthread_mutex_unlock(&w->lock);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (w->asleep)
                wake(w);
}

void worker_nudge(struct worker *w)
{
        pthread_mutex_lock(&w->lock);
        w->news = true;
        pthread_mutex_unlock(&w->lock);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (w->asleep)
                wake(w);
}

void worker_post_retiring(struct worker *w, struct retiring *r)
{
        pthread_mutex_lock(&w->lock);
        retiring_push(&w->retire_post, r);
        pthread_mutex_unlock(&w->lock);
        worker_nudge(w);
}

static struct guest *take_post(struct worker *w, unsigned *ret_what)
{
        struct guest *g;

        pthread_mutex_lock(&w->lock);
        g = w->post;
        if (g) {
                w->post = g->post_next;
                if (!w->post)
                        w->post_end = &w->post;
                *ret_what = g->posted;
                g->posted = 0;
        }
        w->news = w->post != NULL || w->retire_post != NULL;
        pthread_mutex_unlock(&w->lock);
        return g;
}

struct worker *worker_least(struct cell *c)
{
        struct worker *best = &c->workers[0];

        for (unsigned i = 1; i < c->nworkers; i++)
                if (__atomic_load_n(&c->workers[i].guests, __ATOMIC_RELAXED) <
                    __atomic_load_n(&best->guests, __ATOMIC_RELAXED))
                        best = &c->workers[i];
        return best;
}

static void pause_over(struct ring_timer *t);

static void make_ready(struct worker *w, struct guest *g)
{
        uint64_t least = w->floor > SLICE_NS ? w->floor - SLICE_NS : 0;

        if (g->throttled_ns > w->now && !g->killed && !g->limited) {
                g->state = NANO_THROTTLED;
                g->stats->state = GUEST_STATE_THROTTLED;
                guest_refused(g, LIMIT_CPU_QUOTA);
                g->ready_ns = w->now;
                g->pause.fire = pause_over;
                ring_timer_set(w->ring, &g->pause, g->throttled_ns);
                return;
        }
        if (g->virtual_ns < least)
                g->virtual_ns = least;
        g->state = NANO_READY;
        g->ready_ns = w->now;
        queue_put(&w->ready, g->virtual_ns, g);
}

/* In a ring_poll(), which may be one of a guest that yields: its turn began at .now. */
static void pause_over(struct ring_timer *t)
{
        struct guest *g = (struct guest *)((char *)t - offsetof(struct guest, pause));
        struct worker *w = g->worker;
        uint64_t now = monotonic_ns();

        g->stats->throttled_ns += now - g->ready_ns;
        g->throttled_ns = 0;
        make_ready(w, g);
        g->ready_ns = now;
        ring_set_others(w->ring, true);
}

void guest_stop(struct guest *g, const char *why)
{
        struct worker *w = g->worker;

        if (g->cannot_stop || g->state == NANO_ENDED)
                return;
        fiber_stop(g->fiber, why);
        if (g->state == NANO_THROTTLED)
                ring_timer_clear(w->ring, &g->pause);
        /* One that waits goes on, and takes back what it waits for. */
        if (g->state == NANO_THROTTLED || g->state == NANO_WAITING)
                make_ready(w, g);
}

void guest_nudge(struct guest *g)
{
        fiber_nudge(g->fiber);
        make_ready(g->worker, g);
}

static void take_retiring(struct worker *w)
{
        pthread_mutex_lock(&w->lock);
        while (w->retire_post) {
                struct retiring *r = w->retire_post;

                w->retire_post = retiring_next(r);
                retiring_push(&w->retiring, r);
        }
        pthread_mutex_unlock(&w->lock);
}

static void serve_post(struct worker *w)
{
        struct guest *g;
        unsigned what = 0;

        if (w->retire_post)
                take_retiring(w);

        while ((g = take_post(w, &what))) {
                if (what & POST_BEGIN) {
                        if (queue_room(&w->ready, w->guests + 1) < 0)
                                _exit(CELL_EXIT_MEMORY); /* a few bytes a guest: there is nothing left to save */
                        if (guest_begin(g) < 0) {
                                guest_done(g);
                                continue;
                        }
                        g->virtual_ns = w->floor;
                        make_ready(w, g);
                }
                if (what & POST_KILL) {
                        g->killed = true;
                        guest_stop(g, "killed");
                } else if (what & POST_STOP && g->wasi) {
                        guest_ask_to_end(g);
                }
        }
}

/* How long the thread really ran for @ns of the clock: others of the machine may have had it meanwhile. A
 * short turn is not worth the system call. */
static uint64_t cpu_of(struct worker *w, uint64_t ns)
{
        uint64_t now, used;

        if (ns < SLICE_NS / 8) {
                w->busy_since += ns;
                return ns;
        }
        now = cpu_clock_ns();
        used = now - w->cpu_seen;
        used = used > w->busy_since ? used - w->busy_since : 0;
        w->cpu_seen = now;
        w->busy_since = 0;
        return used < ns ? used : ns;
}

static uint64_t until(const struct guest *g, uint64_t now)
{
        const struct guest_limits *l = g->limits;
        uint64_t end = FOR_EVER;

        if (l->cpu_quota_ns)
                end = now + (l->cpu_quota_ns > g->period_used_ns ? l->cpu_quota_ns - g->period_used_ns : 0);
        if (l->cpu_max_ns) {
                uint64_t left = l->cpu_max_ns > g->cpu_ns ? l->cpu_max_ns - g->cpu_ns : 0;

                if (now + left < end)
                        end = now + left;
        }
        return end;
}

static void turn(struct worker *w, struct guest *g)
{
        uint64_t began = w->now;
        bool more;

        if (g->state == NANO_THROTTLED)
                g->stats->throttled_ns += began - g->ready_ns;
        else
                g->stats->queue_ns += began - g->ready_ns;
        if (g->virtual_ns > w->floor)
                w->floor = g->virtual_ns;
        g->state = NANO_RUNNING;
        g->stats->state = GUEST_STATE_RUNNING;
        g->stats->switches++;
        w->run_until = until(g, began);
        ring_set_others(w->ring, w->ready.n > 0);
        w->running = g;
        if (w->ticking == TICKS_NONE && !w->cell->alone) {
                w->calm_ticks = 0;
                set_ticks(w, TICKS_FINE);
        }
        more = fiber_resume(g->fiber);
        w->running = NULL;
        w->now = monotonic_ns();
        guest_charge(g, cpu_of(w, w->now - began), w->now);
        if (!more) {
                guest_done(g);
                return;
        }
        g->hogs = fiber_interrupted(g->fiber);
        if (g->hogs) {
                g->stats->preemptions++;
                make_ready(w, g);
        } else {
                g->state = NANO_WAITING;
                g->stats->state = GUEST_STATE_WAITING;
                if (g->limited || g->killed)
                        make_ready(w, g);
        }
}

static void take_ready(struct worker *w)
{
        struct fiber *f;

        while ((f = ring_next_ready(w->ring))) {
                struct guest *g = fiber_argument(f);

                if (f == w->cell->control) {
                        if (!fiber_resume(f))
                                _exit(0);
                } else if (g->state == NANO_WAITING) {
                        make_ready(w, g);
                }
        }
}

/* A worker without a ring serves nobody: the cell ends, and its status says which error it was. */
static void reap(struct worker *w, bool wait)
{
        int r = ring_poll(w->ring, wait);

        if (r < 0)
                _exit(CELL_EXIT_RING - r);
}

static void poll_ring(struct worker *w)
{
        reap(w, false);
        w->polled_ns = w->now = monotonic_ns();
}

/* The post may come while this thread falls asleep: who posts looks at .asleep after .news is set. */
static void sleep_a_while(struct worker *w)
{
        if (w->wake >= 0 && w->wake_call.state != CALL_IN_KERNEL) {
                struct ring_op op = { .code = RING_READ, .fd = w->wake, .address = &w->wake_count,
                                      .length = sizeof(w->wake_count), .offset = UINT64_MAX };

                w->wake_call.state = CALL_IDLE;
                ring_submit(w->ring, &w->wake_call, &op);
                /* Without io_uring the rest of a waking that came late is read at once: then nothing would wake it. */
                if (w->wake_call.state != CALL_IN_KERNEL)
                        return;
        }
        w->asleep = true;
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!w->news)
                reap(w, true);
        w->asleep = false;
        w->now = w->polled_ns = monotonic_ns();
}

void worker_main(struct worker *w)
{
        w->now = monotonic_ns();
        for (;;) {
                struct guest *g;
                bool more;

                if (w->news)
                        serve_post(w);
                if (heat_due() && !w->cell->alone)
                        heat_tell(w->cell);
                more = w->retiring && retiring_serve(w);
                take_ready(w);
                /* Somebody who may keep the thread for a slice comes after what others want from the kernel. */
                if (w->ready.n && w->ready.entries[0].guest->hogs && ring_has_news(w->ring)) {
                        poll_ring(w);
                        take_ready(w);
                }
                g = queue_take(&w->ready);
                if (!g && !w->news && !more)
                        sleep_a_while(w);
                if (!g)
                        continue;
                turn(w, g);
                if (w->now - w->polled_ns > POLL_EVERY_NS)
                        poll_ring(w);
        }
}

_Static_assert(PROTO_HELPERS == RING_HELPERS, "");

static int make_ring(struct worker *w, struct error *err)
{
        struct lockdown *l = &w->cell->lockdown;
        unsigned n = w->cell->nworkers;
        int r;

        r = ring_new(RING_ENTRIES, &w->ring, err);
        if (r >= 0)
                r = ring_move(w->ring, FD_RING + (int)w->number, err);
        /* Behind the rings and what wakes the workers. */
        if (r >= 0)
                r = ring_move_wake(w->ring, FD_RING + (int)((n > 1 ? 2 * n : 1) + w->number), err);
        if (r < 0)
                return r;
        if (ring_kind(w->ring) == RING_THREADS)
                return 0;
        if (l->skip & LAYER_BIT(LAYER_RING))
                return ring_enable(w->ring, err);
        r = ring_restrict(w->ring, err);
        if (r != -EOPNOTSUPP)
                return r;
        __atomic_fetch_or(&l->missing, LAYER_BIT(LAYER_RING), __ATOMIC_RELAXED);
        return ring_enable(w->ring, err);
}

int workers_new(struct cell *c, unsigned n, struct error *err)
{
        c->workers = calloc(n, sizeof(*c->workers));
        if (!c->workers)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "workers");
        for (unsigned i = 0; i < n; i++) {
                struct worker *w = &c->workers[i];

                w->cell = c;
                w->number = i;
                w->wake = -EBADF;
                w->post_end = &w->post;
                pthread_mutex_init(&w->lock, NULL);
                if (n == 1) /* whoever posts is this thread */
                        continue;
                /* Behind the rings: the broker knows which numbers are open. */
                w->wake = eventfd(0, EFD_CLOEXEC);
                if (w->wake >= 0 && dup3(w->wake, FD_RING + (int)(n + i), O_CLOEXEC) >= 0) {
                        close(w->wake);
                        w->wake = FD_RING + (int)(n + i);
                        continue;
                }
                return error_set(err, STAGE_CELL, -errno, ERROR_NOWHERE, "event descriptor: %m");
        }
        c->nworkers = n;
        return 0;
}

/* What belongs to the thread that does it: the ring is its creator's, the timer signals it. */
static int init_here(struct worker *w, struct error *err)
{
        int r;

        self = w;
        r = run_thread_init(err);
        if (r >= 0)
                r = make_ring(w, err);
        if (r >= 0 && !w->cell->alone)
                r = preempt_thread_init(&w->timer, &w->coarse, err);
        return r;
}

struct starting {
        struct worker *worker;
        pthread_barrier_t *barrier;
        struct error *err;
        int r;
};

static void *thread_main(void *argument)
{
        struct starting *s = argument;
        struct worker *w = s->worker;
        int r = s->r = init_here(w, s->err);

        pthread_barrier_wait(s->barrier);
        if (r >= 0)
                worker_main(w);
        return NULL;
}

static int start_one(struct worker *w, struct error *err)
{
        pthread_barrier_t barrier;
        struct starting s = { .worker = w, .barrier = &barrier, .err = err };
        int r;

        pthread_barrier_init(&barrier, NULL, 2);
        r = pthread_create(&w->thread, NULL, thread_main, &s);
        if (r != 0)
                return error_set(err, STAGE_CELL, -r, ERROR_NOWHERE, "making a thread");
        pthread_barrier_wait(&barrier);
        pthread_barrier_destroy(&barrier); /* waits until the other has left it, too */
        return s.r;
}

int workers_start(struct cell *c, struct error *err)
{
        int r = c->alone ? 0 : preempt_init(tick, err);

        if (r >= 0)
                r = init_here(&c->workers[0], err);
        for (unsigned i = 1; i < c->nworkers && r >= 0; i++)
                r = start_one(&c->workers[i], err);
        return r;
}
