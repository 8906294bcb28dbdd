/* threads.h - the back end without io_uring: epoll for what has readiness, helpers for what has not.
 * Inside of this folder only; the parts are threads.c (the ring), helpers.c, ready.c.
 *
 * perform - do @op now: @wait, or not at all (-EAGAIN: it would wait; -EOPNOTSUPP: the file cannot say).
 *
 * helpers_start - RING_HELPERS threads that perform what is given to them. helpers_stop - all of them.
 * helpers_add - for one of them. helpers_take - take it back: true when none had begun.
 * helpers_done - the calls that are done since, with their results; a list through plan.next.
 *
 * ready_wait - let @call wait until its descriptor is ready. -EPERM: that file has no readiness.
 * ready_forget - it does not wait any more. ready_closed - the descriptor is about to be closed.
 * ready_each - after epoll_wait() told of @fd: the first that waits for it, for iteration by plan.next. */
#pragma once

#include <pthread.h>

#include "supervisor/ring/backend.h"

enum place { PLACE_NONE, PLACE_READY, PLACE_QUEUED, PLACE_RUNNING };

struct helpers {
        pthread_t threads[RING_HELPERS];
        unsigned n, started;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct call *queue, **queue_end; /* under the lock, as is what follows */
        struct call *done, **done_end;
        bool stop;
        int event;                       /* eventfd: something is done */
};

struct waited {                          /* one descriptor */
        struct call *first;
        bool known;                      /* to epoll, as far as we know */
};

struct ready {
        int epoll;
        struct waited *fds;
        unsigned n;
};

_must_check_ int32_t perform(const struct ring_op *op, bool wait);

_must_check_ int helpers_start(struct helpers *h, struct error *err);
void helpers_stop(struct helpers *h);
void helpers_add(struct helpers *h, struct call *call);
bool helpers_take(struct helpers *h, struct call *call);
struct call *helpers_done(struct helpers *h);

_must_check_ int ready_wait(struct ready *r, struct call *call);
void ready_forget(struct ready *r, struct call *call);
struct call *ready_closed(struct ready *r, int fd);
struct call *ready_each(struct ready *r, int fd);
_must_check_ int ready_arm(struct ready *r, int fd); /* again, after an event, for those that still wait */
