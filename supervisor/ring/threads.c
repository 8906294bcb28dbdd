/* threads.c - a ring without io_uring; see threads.h.
 *
 * What can be done at once is. What would wait goes to epoll when its file has readiness, to a
 * helper when it has none, and first to the one and then to the other when the file cannot be asked not to wait
 * (pipes and terminals of older kernels). */
#include "config.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/ring/threads.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

#define EVENTS_MAX 64
#define HIGH_FD    192

struct thread_ring {
        struct ring ring; /* first */
        struct ready ready;
        struct helpers helpers;
        bool coarse; /* no epoll_pwait2(): waits are whole milliseconds */
};

static struct thread_ring *of(struct ring *r)
{
        return (struct thread_ring *)r;
}

/* ---- starting --------------------------------------------------------------------------------- */

/* The descriptor goes: whoever waits for it would wait for a file that is not the guest's any more. */
static void forget_descriptor(struct thread_ring *t, int fd)
{
        struct call *call = ready_closed(&t->ready, fd), *next;

        for (; call; call = next) {
                next = call->plan.next;
                call->plan.place = PLACE_NONE;
                t->ring.in_flight--;
                ring_complete(&t->ring, call, -EBADF);
        }
}

/* Returns 0 when it was given to somebody, or its outcome (a byte count may be 0 as well: @ret_done). */
static int32_t start(struct thread_ring *t, struct call *call, bool *ret_done)
{
        const struct ring_op *op = &call->plan.op;
        int32_t r;

        *ret_done = false;
        if (op->code == RING_FSYNC || op->code == RING_FALLOCATE) {
                helpers_add(&t->helpers, call);
                return 0;
        }
        if (op->code == RING_CLOSE)
                forget_descriptor(t, op->fd);
        do
                r = perform(op, false);
        while (r == -EINTR);
        if (r != -EAGAIN && r != -EOPNOTSUPP) {
                *ret_done = true;
                return r;
        }
        r = ready_wait(&t->ready, call);
        if (r != -EPERM)
                return r;
        helpers_add(&t->helpers, call);
        return 0;
}

static void threads_submit(struct ring *r, struct call *call, const struct ring_op *op)
{
        bool done;
        int32_t result;

        memset(&call->plan, 0, sizeof(call->plan));
        call->plan.op = *op;
        result = start(of(r), call, &done);
        if (done || result < 0)
                ring_complete(r, call, result);
        else
                r->in_flight++;
}

static bool threads_cancel(struct ring *r, struct call *call)
{
        struct thread_ring *t = of(r);

        switch (call->plan.place) {
        case PLACE_READY:
                ready_forget(&t->ready, call);
                break;
        default:
                /* A helper that has begun is awaited. */
                if (!helpers_take(&t->helpers, call))
                        return true;
        }
        r->in_flight--;
        ring_complete(r, call, -ECANCELED);
        return true;
}

/* ---- finishing -------------------------------------------------------------------------------- */

static unsigned take_helped(struct thread_ring *t)
{
        struct call *call = helpers_done(&t->helpers), *next;
        unsigned n = 0;

        for (; call; call = next, n++) {
                next = call->plan.next;
                t->ring.in_flight--;
                ring_complete(&t->ring, call, call->result);
        }
        return n;
}

/* @call's descriptor is ready: true when @call is done. */
static bool try_again(struct thread_ring *t, struct call *call)
{
        int32_t r;

        do
                r = perform(&call->plan.op, call->plan.op.code == RING_ACCEPT);
        while (r == -EINTR);
        if (r == -EAGAIN)
                return false;
        ready_forget(&t->ready, call);
        if (r == -EOPNOTSUPP) {
                helpers_add(&t->helpers, call);
                return false;
        }
        t->ring.in_flight--;
        ring_complete(&t->ring, call, r);
        return true;
}

static unsigned take_ready(struct thread_ring *t, int fd)
{
        struct call *call = ready_each(&t->ready, fd), *next;
        unsigned n = 0;
        int r;

        for (; call; call = next) {
                next = call->plan.next;
                n += try_again(t, call);
        }
        if (!ready_each(&t->ready, fd) || (r = ready_arm(&t->ready, fd)) == 0)
                return n;
        while ((call = ready_each(&t->ready, fd))) {
                ready_forget(&t->ready, call);
                t->ring.in_flight--;
                ring_complete(&t->ring, call, r);
                n++;
        }
        return n;
}

static int wait_events(struct thread_ring *t, struct epoll_event *events, uint64_t ns)
{
        struct timespec limit = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
        uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);
        long n;

        if (!t->coarse) {
                n = syscall(SYS_epoll_pwait2, t->ready.epoll, events, (long)EVENTS_MAX,
                            ns == UINT64_MAX ? NULL : &limit, NULL, 0L);
                if (n >= 0 || errno != ENOSYS)
                        return n < 0 ? -errno : (int)n;
                t->coarse = true;
        }
        n = syscall(SYS_epoll_pwait, t->ready.epoll, events, (long)EVENTS_MAX, ms > INT32_MAX ? -1L : (long)ms,
                    NULL, 0L);
        return n < 0 ? -errno : (int)n;
}

static int take_events(struct thread_ring *t, uint64_t ns)
{
        struct epoll_event events[EVENTS_MAX];
        int found = wait_events(t, events, ns), n = 0;
        uint64_t count;

        if (found == -EINTR)
                return 0;
        for (int i = 0; i < found; i++)
                if (events[i].data.fd != t->helpers.event)
                        n += (int)take_ready(t, events[i].data.fd);
                else if (read(t->helpers.event, &count, sizeof(count)) > 0)
                        n += (int)take_helped(t);
        return found < 0 ? found : n;
}

static int threads_poll(struct ring *r, uint64_t ns)
{
        return r->in_flight || ns ? take_events(of(r), ns) : 0;
}

/* ---- making ----------------------------------------------------------------------------------- */

static int threads_enable(struct ring *r, struct error *err)
{
        return 0;
}

static int watch_helpers(struct thread_ring *t)
{
        struct epoll_event e = { .events = EPOLLIN, .data.fd = t->helpers.event };

        return epoll_ctl(t->ready.epoll, EPOLL_CTL_ADD, t->helpers.event, &e) < 0 ? -errno : 0;
}

static int failed(struct error *err, const char *what)
{
        return error_set(err, STAGE_RING, -errno, ERROR_NOWHERE, "%s: %m", what);
}

static int threads_move(struct ring *r, int fd, struct error *err)
{
        struct thread_ring *t = of(r);

        if (t->ready.epoll == fd)
                return 0;
        if (dup3(t->ready.epoll, fd, O_CLOEXEC) < 0)
                return failed(err, "moving the ring");
        close(t->ready.epoll);
        t->ready.epoll = fd;
        return 0;
}

static int threads_move_wake(struct ring *r, int fd, struct error *err)
{
        struct thread_ring *t = of(r);
        int old = t->helpers.event;

        if (old == fd)
                return 0;
        /* epoll knows a file by its number as well. */
        if (dup3(old, fd, O_CLOEXEC) < 0 || epoll_ctl(t->ready.epoll, EPOLL_CTL_DEL, old, NULL) < 0)
                return failed(err, "moving the ring");
        t->helpers.event = fd;
        close(old);
        return watch_helpers(t) < 0 ? failed(err, "moving the ring") : 0;
}

static void threads_free(struct ring *r)
{
        struct thread_ring *t = of(r);

        if (t->helpers.n)
                helpers_stop(&t->helpers);
        closep(&t->helpers.event);
        closep(&t->ready.epoll);
        free(t->ready.fds);
        free(t);
}

static int threads_fd(const struct ring *r)
{
        return ((const struct thread_ring *)r)->ready.epoll;
}

static const struct ring_backend threads_backend = {
        .kind = RING_THREADS, .submit = threads_submit, .cancel = threads_cancel, .poll = threads_poll,
        .restrict_ = threads_enable, .enable = threads_enable, .move = threads_move,
        .move_wake = threads_move_wake, .free = threads_free, .fd = threads_fd,
};

/* Out of the way of the numbers that the two are moved to, one after the other. */
static int raise_fd(int fd)
{
        int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

        if (high < 0)
                return fd;
        close(fd);
        return high;
}

int ring_new_threads(struct ring **ret, struct error *err)
{
        struct thread_ring *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return error_set(err, STAGE_RING, -ENOMEM, ERROR_NOWHERE, "ring");
        ring_init(&t->ring, &threads_backend);
        t->ready.epoll = raise_fd(epoll_create1(EPOLL_CLOEXEC));
        t->helpers.event = raise_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (t->ready.epoll < 0 || t->helpers.event < 0 || watch_helpers(t) < 0)
                r = failed(err, "epoll");
        else
                r = helpers_start(&t->helpers, err);
        if (r < 0) {
                threads_free(&t->ring);
                return r;
        }
        *ret = &t->ring;
        return 0;
}
