/* loop.c - epoll, one timerfd for a heap of timers, one signalfd. */
#include "config.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/daemon/loop.h"

#define BATCH 64

struct loop {
        int epoll, timer, signals;
        uint64_t now_ns, armed_ns;
        struct loop_timer **heap; /* [1..ntimers]: the earliest first */
        size_t ntimers, room;
        struct epoll_event batch[BATCH];
        int at, fetched;          /* of the batch */
        bool stopped;
        int status;
        struct loop_watch timer_watch, signal_watch;
        void (*on_signal)(void *context, const struct signalfd_siginfo *info);
        void *signal_context;
};

static uint64_t read_clock(void)
{
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put(struct loop *l, size_t place, struct loop_timer *t)
{
        l->heap[place] = t;
        t->place = place;
}

static void sift_up(struct loop *l, struct loop_timer *t, size_t place)
{
        for (; place > 1 && l->heap[place / 2]->at_ns > t->at_ns; place /= 2)
                put(l, place, l->heap[place / 2]);
        put(l, place, t);
}

static void sift_down(struct loop *l, struct loop_timer *t, size_t place)
{
        for (;;) {
                size_t child = place * 2;

                if (child > l->ntimers)
                        break;
                if (child < l->ntimers && l->heap[child + 1]->at_ns < l->heap[child]->at_ns)
                        child++;
                if (l->heap[child]->at_ns >= t->at_ns)
                        break;
                put(l, place, l->heap[child]);
                place = child;
        }
        put(l, place, t);
}

static void arm(struct loop *l)
{
        uint64_t at = l->ntimers ? l->heap[1]->at_ns : 0;
        struct itimerspec spec = { 0 };

        if (at == l->armed_ns)
                return;
        /* A zero would disarm it: what is due since the machine's start is due now. */
        spec.it_value.tv_sec = (time_t)(at / 1000000000u);
        spec.it_value.tv_nsec = (long)(at % 1000000000u);
        timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &spec, NULL);
        l->armed_ns = at;
}

int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns)
{
        loop_timer_clear(l, t);
        if (l->ntimers + 1 >= l->room) {
                size_t room = l->room ? l->room * 2 : 64;
                struct loop_timer **heap = reallocarray(l->heap, room, sizeof(*heap));

                if (!heap)
                        return -ENOMEM;
                l->heap = heap;
                l->room = room;
        }
        t->at_ns = at_ns ? at_ns : 1;
        l->ntimers++;
        sift_up(l, t, l->ntimers);
        return 0;
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
        struct loop_timer *last;
        size_t place = t->place;

        if (!place)
                return;
        t->place = 0;
        last = l->heap[l->ntimers--];
        if (last == t)
                return;
        if (place > 1 && l->heap[place / 2]->at_ns > last->at_ns)
                sift_up(l, last, place);
        else
                sift_down(l, last, place);
}

static void run_timers(void *context, uint32_t events)
{
        struct loop *l = context;
        uint64_t n;

        if (read(l->timer, &n, sizeof(n)) < 0)
                return;
        l->armed_ns = 0;
        /* Those that a handler sets anew for "now" wait for the next round: others get their turn. */
        for (uint64_t until = l->now_ns; l->ntimers && l->heap[1]->at_ns <= until && !l->stopped;) {
                struct loop_timer *t = l->heap[1];

                loop_timer_clear(l, t);
                l->now_ns = until + 1;
                t->due(t->context);
        }
}

static void run_signal(void *context, uint32_t events)
{
        struct loop *l = context;
        struct signalfd_siginfo info;

        if (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
                l->on_signal(l->signal_context, &info);
}

int loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events, struct error *err)
{
        struct epoll_event e = { .events = events, .data.ptr = w };

        if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "watching descriptor %d: %m",
                                 fd);
        w->fd = fd;
        return 0;
}

void loop_watch_change(struct loop *l, struct loop_watch *w, uint32_t events)
{
        struct epoll_event e = { .events = events, .data.ptr = w };

        if (w->fd >= 0)
                epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &e);
}

void loop_unwatch(struct loop *l, struct loop_watch *w)
{
        if (w->fd < 0)
                return;
        epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
        w->fd = -EBADF;
        for (int i = l->at; i < l->fetched; i++)
                if (l->batch[i].data.ptr == w)
                        l->batch[i].data.ptr = NULL;
}

int loop_signals(struct loop *l, const sigset_t *set,
                 void (*handler)(void *context, const struct signalfd_siginfo *info), void *context,
                 struct error *err)
{
        if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "blocking signals: %m");
        l->signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (l->signals < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "signalfd: %m");
        l->on_signal = handler;
        l->signal_context = context;
        l->signal_watch = (struct loop_watch) { -EBADF, run_signal, l };
        return loop_watch(l, &l->signal_watch, l->signals, EPOLLIN, err);
}

int loop_new(struct loop **ret, struct error *err)
{
        _cleanup_(loop_freep) struct loop *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "event loop");
        l->signals = l->timer = -EBADF;
        l->timer_watch = (struct loop_watch) { -EBADF, run_timers, l };
        l->signal_watch.fd = -EBADF;
        l->now_ns = read_clock();
        l->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (l->epoll >= 0)
                l->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (l->timer < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "epoll and timerfd: %m");
        r = loop_watch(l, &l->timer_watch, l->timer, EPOLLIN, err);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

void loop_free(struct loop *l)
{
        if (!l)
                return;
        closep(&l->epoll);
        closep(&l->timer);
        closep(&l->signals);
        free(l->heap);
        free(l);
}

uint64_t loop_now(const struct loop *l)
{
        return l->now_ns;
}

int loop_run(struct loop *l, struct error *err)
{
        l->stopped = false;
        while (!l->stopped) {
                arm(l);
                l->fetched = epoll_wait(l->epoll, l->batch, BATCH, -1);
                if (l->fetched < 0 && errno != EINTR)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "epoll: %m");
                l->now_ns = read_clock();
                for (l->at = 0; l->at < l->fetched && !l->stopped;) {
                        struct epoll_event e = l->batch[l->at++];
                        struct loop_watch *w = e.data.ptr;

                        if (w)
                                w->ready(w->context, e.events);
                }
                l->at = l->fetched = 0;
        }
        return l->status;
}

void loop_stop(struct loop *l, int status)
{
        l->stopped = true;
        l->status = status;
}
