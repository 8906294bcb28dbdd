/* ring.c - io_uring behind ring.h.
 *
 * The kernel hands a completion back with the address of its call. A call that a fiber waits for
 * goes to the list of the ready when it is done; the scheduler takes fibers from there. */
#include "config.h"

#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/ring/ring.h"

enum call_event { EV_SUBMIT, EV_CANCEL, EV_COMPLETE, _CALL_EVENT_MAX };

static const enum call_state call_next[_CALL_STATE_MAX][_CALL_EVENT_MAX] = {
        [CALL_IDLE]       = { [EV_SUBMIT] = CALL_IN_KERNEL },
        [CALL_IN_KERNEL]  = { [EV_CANCEL] = CALL_CANCELLING, [EV_COMPLETE] = CALL_DONE },
        /* The kernel may still write to the caller's memory: only its completion ends it. */
        [CALL_CANCELLING] = { [EV_CANCEL] = CALL_CANCELLING, [EV_COMPLETE] = CALL_DONE },
        [CALL_DONE]       = { [EV_SUBMIT] = CALL_IN_KERNEL, [EV_CANCEL] = CALL_DONE },
};

static const uint8_t ops[_RING_OP_MAX] = {
#define RING_OP(name, uring, reason, drill) [RING_##name] = IORING_OP_##uring,
#include "supervisor/ring/ring_ops.def"
};

struct ring {
        struct io_uring uring;
        unsigned in_flight;
        bool others;
        struct call *ready, **ready_end;
};

static void advance(struct call *call, enum call_event event)
{
        enum call_state next = call_next[call->state][event];

        if (next == CALL_BUG)
                abort(); /* an edge that the table has not: our bug, and memory of the kernel's */
        call->state = next;
}

static int ring_error(struct error *err, int r, const char *what)
{
        return error_set(err, STAGE_RING, r, ERROR_NOWHERE, "%s: %s", what, strerror(-r));
}

int ring_new(unsigned entries, struct ring **ret, struct error *err)
{
        /* Best first. With DEFER_TASKRUN completions are run when we ask, not by interrupting. */
        static const unsigned flags[] = {
                IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                        IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
                IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
                        IORING_SETUP_TASKRUN_FLAG,
                IORING_SETUP_R_DISABLED,
        };
        _cleanup_free_ struct ring *ring = calloc(1, sizeof(*ring));
        int r = -EINVAL;

        if (!ring)
                return error_set(err, STAGE_RING, -ENOMEM, ERROR_NOWHERE, "ring");
        for (size_t i = 0; i < ELEMENTSOF(flags) && r == -EINVAL; i++)
                r = io_uring_queue_init(entries, &ring->uring, flags[i]);
        if (r == -ENOSYS || r == -EPERM)
                return error_set(err, STAGE_RING, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "this kernel offers no io_uring (%s): see kernel.io_uring_disabled",
                                 strerror(-r));
        if (r < 0)
                return ring_error(err, r, "making the ring");
        ring->ready_end = &ring->ready;
        *ret = TAKE_PTR(ring);
        return 0;
}

int ring_restrict(struct ring *r, struct error *err)
{
        struct io_uring_restriction rows[_RING_OP_MAX] = { 0 };
        int e;

        for (unsigned i = 0; i < _RING_OP_MAX; i++) {
                rows[i].opcode = IORING_RESTRICTION_SQE_OP;
                rows[i].sqe_op = ops[i];
        }
        /* By number: liburing 2.3 forgets to export its function for it, and the one below. */
        e = io_uring_register((unsigned)r->uring.ring_fd, IORING_REGISTER_RESTRICTIONS, rows,
                              _RING_OP_MAX);
        if (e == -EINVAL)
                return ring_error(err, -EOPNOTSUPP, "ring restrictions");
        if (e < 0)
                return ring_error(err, e, "ring restrictions");
        return ring_enable(r, err);
}

int ring_enable(struct ring *r, struct error *err)
{
        int e = io_uring_register((unsigned)r->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

        return e < 0 ? ring_error(err, e, "enabling the ring") : 0;
}

int ring_move(struct ring *r, int fd, struct error *err)
{
        if (r->uring.ring_fd == fd)
                return 0;
        if (dup3(r->uring.ring_fd, fd, O_CLOEXEC) < 0)
                return ring_error(err, -errno, "moving the ring");
        close(r->uring.ring_fd);
        r->uring.ring_fd = r->uring.enter_ring_fd = fd;
        return 0;
}

void ring_free(struct ring *r)
{
        if (!r)
                return;
        if (r->in_flight)
                abort(); /* the kernel would write into memory that is somebody else's by then */
        io_uring_queue_exit(&r->uring);
        free(r);
}

int ring_fd(const struct ring *r)
{
        return r->uring.ring_fd;
}

unsigned ring_in_flight(const struct ring *r)
{
        return r->in_flight;
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

/* A completion, or an outcome that never reached the kernel. */
static void complete(struct ring *r, struct call *call, int32_t result)
{
        advance(call, EV_COMPLETE);
        call->result = result;
        if (call->fiber)
                ready_add(r, call);
}

static struct io_uring_sqe *get_sqe(struct ring *r)
{
        struct io_uring_sqe *sqe = io_uring_get_sqe(&r->uring);

        if (!sqe && io_uring_submit(&r->uring) >= 0)
                sqe = io_uring_get_sqe(&r->uring);
        return sqe;
}

static void fill(struct io_uring_sqe *sqe, const struct ring_op *op)
{
        memset(sqe, 0, sizeof(*sqe));
        sqe->opcode = ops[op->code];
        sqe->fd = op->fd;
        switch (op->code) {
        case RING_READ:
        case RING_WRITE:
        case RING_READV:
        case RING_WRITEV:
                sqe->addr = (uintptr_t)op->address;
                sqe->len = op->length;
                sqe->off = op->offset;
                sqe->rw_flags = (int)op->flags;
                break;
        case RING_FALLOCATE:
                sqe->off = op->offset;
                sqe->addr = op->extra;
                sqe->len = op->flags; /* the mode */
                break;
        case RING_FADVISE:
                sqe->off = op->offset;
                sqe->len = op->extra > UINT32_MAX ? 0 : (uint32_t)op->extra; /* 0: to the end */
                sqe->fadvise_advice = op->flags;
                break;
        case RING_POLL_ADD:
                sqe->poll32_events = op->length;
                break;
        case RING_TIMEOUT:
                sqe->fd = -1;
                sqe->addr = (uintptr_t)op->address;
                sqe->len = 1;
                sqe->timeout_flags = op->flags;
                break;
        case RING_SHUTDOWN:
                sqe->len = op->length;
                break;
        case RING_FSYNC:
                sqe->fsync_flags = op->flags;
                break;
        case RING_CLOSE:
                break;
        case RING_ACCEPT:
                sqe->accept_flags = op->flags;
                sqe->ioprio = (uint16_t)op->extra;
                break;
        case RING_CANCEL:
                sqe->fd = -1;
                sqe->addr = (uintptr_t)op->address;
                break;
        default: /* RECV, SEND, RECVMSG, SENDMSG */
                sqe->addr = (uintptr_t)op->address;
                sqe->len = op->length;
                sqe->msg_flags = op->flags;
                break;
        }
        if (op->code == RING_SENDMSG || op->code == RING_RECVMSG)
                sqe->len = 1;
}

void ring_submit(struct ring *r, struct call *call, const struct ring_op *op)
{
        struct io_uring_sqe *sqe;

        advance(call, EV_SUBMIT);
        call->fiber = NULL;
        call->next = NULL;
        call->back = NULL;
        /* A close that is taken back would leave the descriptor open, and its number nobody's. */
        call->keep = op->code == RING_CLOSE;
        if ((unsigned)op->code >= _RING_OP_MAX) {
                complete(r, call, -EINVAL);
                return;
        }
        sqe = get_sqe(r);
        if (!sqe) {
                complete(r, call, -EAGAIN);
                return;
        }
        fill(sqe, op);
        io_uring_sqe_set_data(sqe, call);
        r->in_flight++;
}

void ring_cancel(struct ring *r, struct call *call)
{
        enum call_state before = call->state;
        struct io_uring_sqe *sqe;

        advance(call, EV_CANCEL);
        if (before != CALL_IN_KERNEL)
                return;
        sqe = get_sqe(r);
        if (!sqe) {
                call->state = before; /* the operation will end by itself; ask again */
                return;
        }
        fill(sqe, &(struct ring_op) { .code = RING_CANCEL, .address = call });
        io_uring_sqe_set_data(sqe, NULL); /* nobody waits for the cancellation's own outcome */
        r->in_flight++;
}

static unsigned reap(struct ring *r)
{
        struct io_uring_cqe *cqe;
        unsigned head, n = 0;

        io_uring_for_each_cqe(&r->uring, head, cqe) {
                struct call *call = io_uring_cqe_get_data(cqe);

                r->in_flight--;
                if (call)
                        complete(r, call, cqe->res);
                n++;
        }
        io_uring_cq_advance(&r->uring, n);
        return n;
}

/* Whether the kernel has to be entered to see or to start something. */
static bool is_pending(const struct ring *r)
{
        const unsigned *flags = r->uring.sq.kflags;

        return io_uring_sq_ready(&r->uring) > 0 ||
               __atomic_load_n(flags, __ATOMIC_RELAXED) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

int ring_poll(struct ring *r, bool wait)
{
        int e;

        if (r->in_flight == 0)
                return wait ? -EDEADLK : 0;
        if (!wait && !is_pending(r))
                return (int)reap(r);
        /* Also without waiting: with DEFER_TASKRUN completions appear only inside of this call. */
        e = wait ? io_uring_submit_and_wait(&r->uring, 1)
                 : io_uring_submit_and_get_events(&r->uring);
        if (e < 0 && e != -EINTR && e != -EAGAIN && e != -EBUSY && e != -ETIME)
                return e;
        return (int)reap(r);
}

int ring_wait(struct ring *r, uint64_t ns)
{
        struct __kernel_timespec t = { (long long)(ns / 1000000000u), (long long)(ns % 1000000000u) };
        struct io_uring_cqe *cqe;
        int e;

        if (ns == UINT64_MAX)
                return ring_poll(r, true);
        e = io_uring_submit_and_wait_timeout(&r->uring, &cqe, 1, &t, NULL);
        if (e < 0 && e != -EINTR && e != -EAGAIN && e != -EBUSY && e != -ETIME)
                return e;
        return (int)reap(r);
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
        complete(r, &turn, 0);
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
                if (_unlikely_(fiber_stopping()))
                        for (unsigned i = 0; i < n; i++)
                                if (!calls[i]->keep)
                                        ring_cancel(r, calls[i]);
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
