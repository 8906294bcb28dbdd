/* poll.c - poll_oneoff: wait for the first of many events.
 *
 * Descriptors that no armed watch stands for are asked at once, all in one call. Only when nothing is
 * true is the ring used: each subscription of a descriptor that can make one wait uses a watch of
 * that descriptor, which stays armed when the poll ends without it; all clocks together become at most
 * one timer, for the one that is due first, which is taken back. Everything that is true at the end
 * is told. */
#include <errno.h>
#include <poll.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

#define POLL_MAX 4096u
#define NS_PER_S UINT64_C(1000000000)
/* An absolute time of the wall clock is looked at again at least this often, in case it was set. */
#define REALTIME_STEP_NS NS_PER_S
#define NEVER    UINT64_MAX

struct poll_item {
        uint64_t userdata;
        uint8_t type;
        bool ready;
        uint16_t error;
        uint16_t event_flags;
        uint64_t event_bytes;
        uint32_t clock;         /* clocks */
        uint64_t due;           /* on that clock, NEVER: not a clock that was accepted */
        struct descriptor *d;   /* held */
        struct watch *watch;    /* of @d, or @own when somebody else waits with that */
        struct watch own;
};

struct poll_set {
        struct poll_set *next;
        unsigned n, room;
        size_t bytes;
        struct call timer;
        struct call **calls;   /* [room + 1]: in flight; the timer is the last */
        struct pollfd *polls;  /* [room]: asked at once */
        struct poll_item **of; /* [room]: the items of those */
        struct poll_item items[];
};

struct poll_call {
        struct guest_span in, out, ret;
        unsigned n;
        struct poll_set *set;
};

void poll_drop_all(struct wasi *w)
{
        while (w->polls) {
                struct poll_set *s = w->polls;

                w->polls = s->next;
                free(s);
        }
        free(w->spare);
        w->spare = NULL;
}

static struct poll_set *poll_set_alloc(struct wasi *w, unsigned n)
{
        size_t items = sizeof(struct poll_set) + n * sizeof(struct poll_item);
        size_t calls = (n + 1) * sizeof(struct call *), of = n * sizeof(struct poll_item *);
        size_t bytes = items + calls + of + n * sizeof(struct pollfd);
        char *p = wasi_alloc(w, bytes);
        struct poll_set *s = (struct poll_set *)p;

        if (!p)
                return NULL;
        s->room = n;
        s->bytes = bytes;
        s->calls = (struct call **)(p + items);
        s->of = (struct poll_item **)(p + items + calls);
        s->polls = (struct pollfd *)(p + items + calls + of);
        return s;
}

static void poll_set_release(struct wasi *w, struct poll_set *s)
{
        if (s)
                wasi_release(w, s, s->bytes);
}

/* Known to the guest's state as long as it lives: a trap while the fiber sleeps drops only the frame. */
static struct poll_set *poll_set_new(struct wasi *w, unsigned n)
{
        struct poll_set *s = w->spare;

        /* A server polls over and over: its set is large, and about as large each time. */
        w->spare = NULL;
        if (!s || s->room < n) {
                poll_set_release(w, s);
                s = poll_set_alloc(w, n);
        }
        if (!s)
                return NULL;
        for (unsigned k = 0; k < n; k++)
                s->items[k] = (struct poll_item) { .due = NEVER };
        s->n = n;
        s->timer = (struct call) { .state = CALL_IDLE };
        s->next = w->polls;
        w->polls = s;
        return s;
}

static void poll_set_free(struct wasi *w, struct poll_set *s)
{
        struct poll_set **p = &w->polls;

        while (*p != s)
                p = &(*p)->next;
        *p = s->next;
        if (!w->spare)
                w->spare = TAKE_PTR(s);
        poll_set_release(w, s);
}

static void item_fail(struct poll_item *i, enum wasi_errno e)
{
        i->error = e;
        i->ready = true;
}

static void clock_check(struct wasi *w, const struct wasi_subscription *s, struct poll_item *i)
{
        uint64_t now;
        enum wasi_errno e = WASI_SUCCESS;

        i->clock = s->clock;
        i->due = NEVER;
        if (s->flags & ~WASI_SUBCLOCK_ABSOLUTE)
                e = WASI_INVAL;
        /* Time that one spends waiting does not pass on a CPU clock. */
        else if (s->clock == WASI_CLOCK_PROCESS_CPU || s->clock == WASI_CLOCK_THREAD_CPU)
                e = WASI_NOTSUP;
        else
                e = clock_now(w, s->clock, &now);
        if (e) {
                item_fail(i, e);
                return;
        }
        i->due = s->timeout;
        if (!(s->flags & WASI_SUBCLOCK_ABSOLUTE)) {
                /* A span of time is not moved by setting the wall clock. */
                i->clock = WASI_CLOCK_MONOTONIC;
                e = clock_now(w, i->clock, &now);
                if (__builtin_add_overflow(now, s->timeout, &i->due))
                        i->due = NEVER - 1;
        }
        if (i->due == NEVER)
                i->due--;
}

static void descriptor_check(struct wasi *w, const struct wasi_subscription *s,
                             struct poll_item *i)
{
        uint64_t right = s->type == WASI_EVENT_FD_READ ? RIGHT_FD_READ : RIGHT_FD_WRITE;
        enum wasi_errno e;

        i->due = NEVER;
        e = descriptor_get(w, s->fd, KINDS_ALL, RIGHT_POLL_FD_READWRITE, &i->d);
        if (!e && i->d->kind != KIND_LISTENER && !(i->d->rights & right)) {
                (void) descriptor_put(w, TAKE_PTR(i->d));
                e = WASI_NOTCAPABLE;
        }
        if (e)
                item_fail(i, e);
}

/* The guest may change its memory before they are looked at again, but not for more than it asked for. */
static bool too_many_clocks(const struct wasi *w, const struct guest_span *in, unsigned n)
{
        unsigned clocks = 0;

        for (unsigned k = 0; w->config.timers_max && k < n; k++) {
                struct wasi_subscription s;

                guest_load(in, (uint64_t)k * sizeof(s), &s, sizeof(s));
                clocks += s.type == WASI_EVENT_CLOCK;
        }
        return clocks > w->config.timers_max;
}

static enum wasi_errno poll_check(struct wasi *w, const struct guest *g, uint32_t in, uint32_t out,
                                  uint32_t n, uint32_t ret_n, struct poll_call *ret)
{
        enum wasi_errno e;

        if (n == 0 || n > POLL_MAX)
                return WASI_INVAL;
        e = guest_span(g, guest_ptr(ret_n), 1, sizeof(uint32_t), &ret->ret);
        if (!e)
                e = guest_span(g, guest_ptr(in), n, sizeof(struct wasi_subscription), &ret->in);
        if (!e)
                e = guest_span(g, guest_ptr(out), n, sizeof(struct wasi_event), &ret->out);
        if (e)
                return e;
        if (too_many_clocks(w, &ret->in, n)) {
                wasi_refuse(w, REFUSED_TIMERS, NULL);
                return WASI_DQUOT;
        }
        ret->set = poll_set_new(w, n);
        if (!ret->set)
                return WASI_NOMEM;

        for (unsigned k = 0; k < n; k++) {
                struct poll_item *i = &ret->set->items[k];
                struct wasi_subscription s;

                guest_load(&ret->in, (uint64_t)k * sizeof(s), &s, sizeof(s));
                i->userdata = s.userdata;
                i->type = s.type;
                if (s.type == WASI_EVENT_CLOCK) {
                        clock_check(w, &s, i);
                } else if (s.type == WASI_EVENT_FD_READ || s.type == WASI_EVENT_FD_WRITE) {
                        descriptor_check(w, &s, i);
                } else {
                        e = WASI_INVAL;
                        break;
                }
        }
        if (e) {
                for (unsigned k = 0; k < n; k++)
                        (void) descriptor_put(w, ret->set->items[k].d);
                poll_set_free(w, ret->set);
        }
        return e;
}

/* Regular files are always ready; what is left to read is known. */
static void file_ready(struct poll_item *i)
{
        struct stat st;
        off_t position;

        i->ready = true;
        i->event_bytes = 1;
        if (i->type != WASI_EVENT_FD_READ)
                return;
        position = lseek(i->d->fd, 0, SEEK_CUR);
        if (position < 0)
                i->error = wasi_errno_of(-errno);
        else if (fd_stat(i->d->fd, &st) < 0)
                i->error = WASI_IO;
        else
                i->event_bytes = st.st_size > position ? st.st_size - position : 0;
}

static unsigned direction(const struct poll_item *i)
{
        return i->type == WASI_EVENT_FD_READ ? WATCH_READ : WATCH_WRITE;
}

/* @r: of poll(), or an error of the watch. */
static void item_finish(struct poll_item *i, int32_t r)
{
        i->ready = true;
        if (r < 0) {
                i->error = wasi_errno_of(r);
                return;
        }
        if (r & POLLNVAL)
                i->error = WASI_BADF;
        if (r & (POLLHUP | POLLERR))
                i->event_flags |= WASI_EVENT_HANGUP;
        /* How much there is the kernel does not say without an ioctl: at least something. */
        i->event_bytes = r & (POLLIN | POLLOUT) ? 1 : 0;
}

static bool clocks_finish(struct wasi *w, struct poll_set *s)
{
        bool any = false;

        for (unsigned k = 0; k < s->n; k++) {
                struct poll_item *i = &s->items[k];
                uint64_t now;

                if (i->type != WASI_EVENT_CLOCK || i->due == NEVER || i->ready)
                        continue;
                if (clock_now(w, i->clock, &now) == WASI_SUCCESS && now >= i->due)
                        any = i->ready = true;
        }
        return any;
}

/* Nanoseconds until a clock may be due, NEVER without clocks. Clocks are seen in coarse steps, so
 * a timer may fire before the step that makes it true: then it is set again. */
static uint64_t next_timer(struct wasi *w, const struct poll_set *s)
{
        uint64_t best = NEVER;

        for (unsigned k = 0; k < s->n; k++) {
                const struct poll_item *i = &s->items[k];
                uint64_t now, wait;

                if (i->type != WASI_EVENT_CLOCK || i->due == NEVER || i->ready ||
                    clock_now(w, i->clock, &now))
                        continue;
                wait = i->due > now ? i->due - now : 0;
                if (i->clock == WASI_CLOCK_REALTIME && wait > REALTIME_STEP_NS)
                        wait = REALTIME_STEP_NS;
                if (wait < best)
                        best = wait;
        }
        return best;
}

static void poll_arm(struct wasi *w, struct poll_set *s)
{
        for (unsigned k = 0; k < s->n; k++) {
                struct poll_item *i = &s->items[k];

                if (!i->d || i->ready)
                        continue;
                if (!i->watch)
                        i->watch = &i->own;
                watch_arm(w, i->d, direction(i), i->watch);
        }
}

/* Who uses which watch. An item that finds its descriptor's in use has none, until it must wait. */
static void poll_claim(struct poll_set *s)
{
        for (unsigned k = 0; k < s->n; k++) {
                struct poll_item *i = &s->items[k];
                struct watch *watch = i->d ? &i->d->watches[direction(i)] : NULL;

                if (!watch || i->ready || watch->used)
                        continue;
                watch->used = true;
                i->watch = watch;
        }
}

/* Those that no armed watch stands for. A watch that is done and trusted is told from it. */
static void poll_ask(struct poll_set *s)
{
        unsigned n = 0;

        for (unsigned k = 0; k < s->n; k++) {
                struct poll_item *i = &s->items[k];

                if (!i->d || i->ready || (i->watch && watch_armed(i->d, direction(i), i->watch)))
                        continue;
                s->polls[n] = (struct pollfd) {
                        .fd = i->d->fd, .events = direction(i) == WATCH_READ ? POLLIN : POLLOUT,
                };
                s->of[n++] = i;
        }
        if (n == 0 || ring_now_ready(s->polls, n) <= 0)
                return; /* an error is told by the watches as well */
        for (unsigned k = 0; k < n; k++)
                if (s->polls[k].revents)
                        item_finish(s->of[k], s->polls[k].revents);
}

static bool watches_finish(struct poll_set *s)
{
        bool any = false;

        for (unsigned k = 0; k < s->n; k++) {
                struct poll_item *i = &s->items[k];

                if (!i->watch || i->ready || !watch_fired(i->d, direction(i), i->watch))
                        continue;
                item_finish(i, i->watch->call.result);
                any = true;
        }
        return any;
}

/* All that is in flight. */
static unsigned poll_gather(struct poll_set *s)
{
        unsigned n = 0;

        for (unsigned k = 0; k < s->n; k++)
                if (s->items[k].watch)
                        s->calls[n++] = &s->items[k].watch->call;
        if (s->timer.state != CALL_IDLE)
                s->calls[n++] = &s->timer;
        return n;
}

static bool any_ready(const struct poll_set *s)
{
        for (unsigned k = 0; k < s->n; k++)
                if (s->items[k].ready)
                        return true;
        return false;
}

/* A server that waits for its next request waits for ever: it is told to look. One that only sleeps has
 * nothing else to be told by than its clocks: once, for a guest that does not understand must not
 * find that time stands still. */
static bool ending_finish(struct wasi *w, struct poll_set *s)
{
        bool any = false, sleeps = w->untold;

        for (unsigned k = 0; w->ending && k < s->n; k++) {
                struct poll_item *i = &s->items[k];

                sleeps = sleeps && !i->d;
                if (!i->d || i->ready || !i->d->granted || direction(i) != WATCH_READ)
                        continue;
                i->ready = any = true;
                i->event_flags |= WASI_EVENT_HANGUP;
        }
        for (unsigned k = 0; sleeps && k < s->n; k++) {
                item_fail(&s->items[k], WASI_CANCELED);
                any = true;
        }
        w->untold = w->untold && !any;
        return any;
}

static void poll_wait(struct wasi *w, struct poll_set *s)
{
        struct ring *ring = w->config.ring;

        for (;;) {
                /* Both, for all that is true is told. */
                bool clock = clocks_finish(w, s), watch = watches_finish(s);
                uint64_t wait;

                if (clock || watch || ending_finish(w, s) || fiber_stopping())
                        return;
                poll_arm(w, s);
                wait = next_timer(w, s);
                if (wait != NEVER)
                        ring_sleep(ring, &s->timer, wait);
                (void) call_wait_any(ring, s->calls, poll_gather(s));
                if (s->timer.state == CALL_IN_KERNEL)
                        ring_cancel(ring, &s->timer);
                if (s->timer.state != CALL_IDLE)
                        (void) call_wait(ring, &s->timer);
                s->timer = (struct call) { .state = CALL_IDLE };
        }
}

static void poll_done(struct wasi *w, struct poll_set *s)
{
        for (unsigned k = 0; k < s->n; k++) {
                struct poll_item *i = &s->items[k];

                if (!i->watch)
                        continue;
                if (i->watch == &i->own)
                        watch_stop(w, &i->own);
                else
                        i->watch->used = false;
        }
        for (unsigned k = 0; k < s->n; k++)
                (void) descriptor_put(w, s->items[k].d);
        poll_set_free(w, s);
}

static void poll_answer(const struct poll_call *c)
{
        uint32_t n = 0;

        for (unsigned k = 0; k < c->n; k++) {
                const struct poll_item *i = &c->set->items[k];
                struct wasi_event event = {
                        .userdata = i->userdata, .error = i->error, .type = i->type,
                        .bytes = i->event_bytes, .flags = i->event_flags,
                };

                if (i->ready)
                        guest_store(&c->out, (uint64_t)n++ * sizeof(event), &event, sizeof(event));
        }
        guest_store_u32(&c->ret, n);
}

static enum wasi_errno poll_do(struct wasi *w, struct poll_call *c)
{
        struct poll_set *s = c->set;

        for (unsigned k = 0; k < s->n; k++)
                if (s->items[k].d && s->items[k].d->kind == KIND_FILE) {
                        file_ready(&s->items[k]);
                } else if (s->items[k].d && s->items[k].d->log) {
                        s->items[k].ready = true;
                        s->items[k].event_bytes = 1;
                }
        (void) clocks_finish(w, s);
        poll_claim(s);
        poll_ask(s);
        /* Even when something is ready, the watches are looked at, so that none of them starves, and
         * others have their turn; but nothing is waited for then. */
        ring_yield(w->config.ring);
        if (!watches_finish(s) && !any_ready(s))
                poll_wait(w, s);
        (void) clocks_finish(w, s);
        poll_answer(c);
        poll_done(w, s);
        return WASI_SUCCESS;
}

uint32_t wasi_poll_oneoff(uint32_t subscriptions, uint32_t events, uint32_t n, uint32_t ret_n)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct poll_call c = { .n = n };
        enum wasi_errno e = poll_check(w, &g, subscriptions, events, n, ret_n, &c);

        return e ? e : poll_do(w, &c);
}
