/* backend.h - what stands behind ring.h: io_uring (uring.c), or epoll and a few threads (threads.c).
 * Inside of this folder only.
 *
 * submit - start @op for @call, which is in the back end's hands now; count it in ring->in_flight, or end it
 *   at once with ring_complete(). The memory that @op names stays until then; @op itself does not.
 * cancel - @call is CALL_CANCELLING: see to it that it is completed soon. False: not possible now.
 * poll - submit what waits for it, complete what is done; with @ns wait that long at most for something to be
 *   (UINT64_MAX: for ever), or until a signal. Returns how many calls were completed, or negative errno.
 * has_news - as in ring.h.
 * restrict_, enable, move, move_wake, free, fd - as in ring.h. */
#pragma once

#include "supervisor/ring/ring.h"

struct ring_backend {
        enum ring_kind kind;
        void (*submit)(struct ring *r, struct call *call, const struct ring_op *op);
        bool (*cancel)(struct ring *r, struct call *call);
        int (*poll)(struct ring *r, uint64_t ns);
        bool (*has_news)(const struct ring *r); /* NULL: it cannot tell without a system call */
        int (*restrict_)(struct ring *r, struct error *err);
        int (*enable)(struct ring *r, struct error *err);
        int (*move)(struct ring *r, int fd, struct error *err);
        int (*move_wake)(struct ring *r, int fd, struct error *err); /* NULL: nothing to move */
        void (*free)(struct ring *r);
        int (*fd)(const struct ring *r);
};

struct ring {
        const struct ring_backend *backend;
        unsigned in_flight, sleeping; /* calls of the back end, and ring_sleep() */
        bool others;
        struct wheel wheel;
        struct call *ready, **ready_end;
};

void ring_init(struct ring *r, const struct ring_backend *backend);
/* A completion, or an outcome that never reached the back end. in_flight is the caller's. */
void ring_complete(struct ring *r, struct call *call, int32_t result);

_must_check_ int ring_new_uring(unsigned entries, struct ring **ret, struct error *err);
_must_check_ int ring_new_threads(struct ring **ret, struct error *err);
