/* uring.c - io_uring as a back end of ring.h: the kernel hands a completion back with the address of
 * its call. */
#include "config.h"

#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/ring/backend.h"

static const uint8_t ops[_RING_OP_MAX] = {
#define RING_OP(name, uring, reason, drill) [RING_##name] = IORING_OP_##uring,
#include "supervisor/ring/ring_ops.def"
};

struct uring {
        struct ring ring; /* first */
        struct io_uring uring;
};

static struct uring *of(struct ring *r)
{
        return (struct uring *)r;
}

static int ring_error(struct error *err, int r, const char *what)
{
        return error_set(err, STAGE_RING, r, ERROR_NOWHERE, "%s: %s", what, strerror(-r));
}

static struct io_uring_sqe *get_sqe(struct ring *r)
{
        struct io_uring_sqe *sqe = io_uring_get_sqe(&of(r)->uring);

        if (!sqe && io_uring_submit(&of(r)->uring) >= 0)
                sqe = io_uring_get_sqe(&of(r)->uring);
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

static void uring_submit(struct ring *r, struct call *call, const struct ring_op *op)
{
        struct io_uring_sqe *sqe = get_sqe(r);

        if (!sqe) {
                ring_complete(r, call, -EAGAIN);
                return;
        }
        fill(sqe, op);
        io_uring_sqe_set_data(sqe, call);
        r->in_flight++;
        call->plan.op = *op;
        call->plan.place = 0;
}

#define TRIES_MAX 255

/* The kernel cancels what it has no thread for, and starting one fails for no more than a signal that comes meanwhile
 * (in Linux 6.1 for each read of a pipe). Such an operation has not begun: it is asked for again, for some time. */
static bool again(struct ring *r, struct call *call, int32_t result)
{
        struct io_uring_sqe *sqe;

        if (_likely_(result != -ECANCELED) || call->state != CALL_IN_KERNEL || call->plan.place == TRIES_MAX)
                return false;
        sqe = get_sqe(r);
        if (!sqe)
                return false;
        fill(sqe, &call->plan.op);
        io_uring_sqe_set_data(sqe, call);
        r->in_flight++;
        call->plan.place++;
        return true;
}

static bool uring_cancel(struct ring *r, struct call *call)
{
        struct io_uring_sqe *sqe = get_sqe(r);

        if (!sqe)
                return false;
        fill(sqe, &(struct ring_op) { .code = RING_CANCEL, .address = call });
        io_uring_sqe_set_data(sqe, NULL); /* nobody waits for the cancellation's own outcome */
        r->in_flight++;
        return true;
}

static unsigned reap(struct ring *r)
{
        struct io_uring_cqe *cqe;
        unsigned head, n = 0;

        io_uring_for_each_cqe(&of(r)->uring, head, cqe) {
                struct call *call = io_uring_cqe_get_data(cqe);

                r->in_flight--;
                if (call && !again(r, call, cqe->res))
                        ring_complete(r, call, cqe->res);
                n++;
        }
        io_uring_cq_advance(&of(r)->uring, n);
        return n;
}

/* Whether the kernel has to be entered to see or to start something. */
static bool is_pending(const struct uring *u)
{
        const unsigned *flags = u->uring.sq.kflags;

        return io_uring_sq_ready(&u->uring) > 0 ||
               __atomic_load_n(flags, __ATOMIC_RELAXED) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static bool uring_has_news(const struct ring *r)
{
        const struct uring *u = (const struct uring *)r;

        return is_pending(u) || io_uring_cq_ready(&u->uring) > 0;
}

static int uring_poll(struct ring *r, uint64_t ns)
{
        struct uring *u = of(r);
        struct __kernel_timespec t = { (long long)(ns / 1000000000u), (long long)(ns % 1000000000u) };
        struct io_uring_cqe *cqe;
        int e;

        if (!ns && !is_pending(u))
                return (int)reap(r);
        /* Also without waiting: with DEFER_TASKRUN completions appear only inside of this call. */
        if (!ns)
                e = io_uring_submit_and_get_events(&u->uring);
        else if (ns == UINT64_MAX)
                e = io_uring_submit_and_wait(&u->uring, 1);
        else
                e = io_uring_submit_and_wait_timeout(&u->uring, &cqe, 1, &t, NULL);
        if (e < 0 && e != -EINTR && e != -EAGAIN && e != -EBUSY && e != -ETIME)
                return e;
        return (int)reap(r);
}

static int uring_enable(struct ring *r, struct error *err)
{
        int e = io_uring_register((unsigned)of(r)->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

        return e < 0 ? ring_error(err, e, "enabling the ring") : 0;
}

static int uring_restrict(struct ring *r, struct error *err)
{
        struct io_uring_restriction rows[_RING_OP_MAX] = { 0 };
        int e;

        for (unsigned i = 0; i < _RING_OP_MAX; i++) {
                rows[i].opcode = IORING_RESTRICTION_SQE_OP;
                rows[i].sqe_op = ops[i];
        }
        /* By number: liburing 2.3 forgets to export its function for it, and the one below. */
        e = io_uring_register((unsigned)of(r)->uring.ring_fd, IORING_REGISTER_RESTRICTIONS, rows,
                              _RING_OP_MAX);
        if (e == -EINVAL)
                return ring_error(err, -EOPNOTSUPP, "ring restrictions");
        if (e < 0)
                return ring_error(err, e, "ring restrictions");
        return uring_enable(r, err);
}

static int uring_move(struct ring *r, int fd, struct error *err)
{
        if (of(r)->uring.ring_fd == fd)
                return 0;
        if (dup3(of(r)->uring.ring_fd, fd, O_CLOEXEC) < 0)
                return ring_error(err, -errno, "moving the ring");
        close(of(r)->uring.ring_fd);
        of(r)->uring.ring_fd = of(r)->uring.enter_ring_fd = fd;
        return 0;
}

static void uring_free(struct ring *r)
{
        io_uring_queue_exit(&of(r)->uring);
        free(r);
}

static int uring_fd(const struct ring *r)
{
        return ((const struct uring *)r)->uring.ring_fd;
}

static const struct ring_backend uring_backend = {
        .kind = RING_URING, .submit = uring_submit, .cancel = uring_cancel, .poll = uring_poll, .has_news = uring_has_news,
        .restrict_ = uring_restrict, .enable = uring_enable, .move = uring_move, .free = uring_free,
        .fd = uring_fd,
};

int ring_new_uring(unsigned entries, struct ring **ret, struct error *err)
{
        /* Best first. With DEFER_TASKRUN completions are run when we ask, not by interrupting. */
        static const unsigned flags[] = {
                IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                        IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
                IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
                        IORING_SETUP_TASKRUN_FLAG,
                IORING_SETUP_R_DISABLED,
        };
        _cleanup_free_ struct uring *ring = calloc(1, sizeof(*ring));
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
        /* Without it liburing makes a wait that ends of an operation, which no table has. */
        if (!(ring->uring.features & IORING_FEAT_EXT_ARG)) {
                io_uring_queue_exit(&ring->uring);
                return error_set(err, STAGE_RING, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "the io_uring of this kernel cannot wait for a time");
        }
        ring_init(&ring->ring, &uring_backend);
        *ret = &TAKE_PTR(ring)->ring;
        return 0;
}
