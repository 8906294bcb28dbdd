/* move.c - moving the bytes of one call: at once where nothing has to be waited for, else through the ring.
 *
 * A call may ask for gigabytes, and what the kernel has in memory it copies without looking up. So it is done in
 * pieces, and between two of them other guests of the thread have their turn, and a guest that is to end does. The
 * outcome is that of one call which was cut short by the end of the file, an error or a full disk; only
 * somebody else who writes to the same file meanwhile may come in between. Where data must be on the disk when
 * the call returns, it stays in one: the kernel does that in a thread of its own. */
#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim/wasi/state.h"

#define IO_POSITION UINT64_MAX
#define PIECE_BYTES (UINT32_C(1) << 20)
#define IO_APPEND   0x10 /* rwf_t of linux/fs.h, for kernels whose headers are older */

static bool op_writes(const struct ring_op *op)
{
        return op->code == RING_WRITE || op->code == RING_WRITEV || op->code == RING_SENDMSG ||
               op->code == RING_SEND;
}

#define NOW_NS UINT64_C(20000000)

/* Of a file that cannot say whether it would wait: what is ready is done, on a thread of the kernel (each pipe, before
 * Linux 6.4), and taken back when somebody else was faster. The call races only with itself: what it reports in
 * the end is what happened. */
static int32_t io_now(struct wasi *w, const struct ring_op *op)
{
        struct ring *ring = w->config.ring;
        struct call call = { .state = CALL_IDLE }, timer = { .state = CALL_IDLE };
        struct call *const calls[] = { &call, &timer };
        struct pollfd ready = { .fd = op->fd, .events = op_writes(op) ? POLLOUT : POLLIN };
        int32_t r;

        if (ring_now_ready(&ready, 1) == 0)
                return -EAGAIN;
        ring_submit(ring, &call, op);
        ring_sleep(ring, &timer, NOW_NS);
        (void) call_wait_any(ring, calls, 2);
        if (call.state != CALL_DONE)
                ring_cancel(ring, &call);
        r = call_wait(ring, &call);
        if (timer.state != CALL_DONE)
                ring_cancel(ring, &timer);
        (void) call_wait(ring, &timer);
        return r == -ECANCELED || r == -EINTR ? -EAGAIN : r;
}

/* Sockets can be asked not to wait, which spares the timer. */
static int32_t message_now(struct wasi *w, const struct ring_op *op)
{
        struct ring_op now = *op;

        now.flags |= MSG_DONTWAIT;
        return ring_do(w->config.ring, &now);
}

static bool is_message(const struct ring_op *op)
{
        return op->code == RING_SENDMSG || op->code == RING_RECVMSG || op->code == RING_SEND ||
               op->code == RING_RECV;
}

static int32_t io_wait_ready(struct wasi *w, const struct ring_op *op)
{
        struct ring_op poll = {
                .code = RING_POLL_ADD, .fd = op->fd, .length = op_writes(op) ? POLLOUT : POLLIN,
        };

        return ring_do(w->config.ring, &poll);
}

/* Without the ring, when nothing has to be waited for; else as ring_now(), without -EOPNOTSUPP. */
static int32_t io_at_once(struct descriptor *d, const struct ring_op *op)
{
        bool *cannot_tell = &d->cannot_tell[op_writes(op) ? WATCH_WRITE : WATCH_READ];
        int32_t r;

        if (*cannot_tell)
                return -ENOSYS;
        r = ring_now(op, false);
        if (r != -EOPNOTSUPP)
                return r;
        *cannot_tell = true;
        return -ENOSYS;
}

static bool is_vector(const struct ring_op *op)
{
        return op->code == RING_READV || op->code == RING_WRITEV;
}

static uint64_t op_bytes(const struct ring_op *op)
{
        const struct iovec *v = op->address;
        uint64_t bytes = 0;

        if (!is_vector(op))
                return op->length;
        for (uint32_t i = 0; i < op->length; i++)
                bytes += v[i].iov_len;
        return bytes;
}

/* Let @op go on behind its first @bytes, which are less than all. */
static void op_advance(struct ring_op *op, uint64_t bytes)
{
        if (op->offset != IO_POSITION)
                op->offset += bytes;
        if (!is_vector(op)) {
                op->address = (uint8_t *)op->address + bytes;
                op->length -= (uint32_t)bytes;
                return;
        }
        for (struct iovec *v = op->address;; v++) {
                if (bytes < v->iov_len) {
                        v->iov_base = (uint8_t *)v->iov_base + bytes;
                        v->iov_len -= bytes;
                        op->address = v;
                        return;
                }
                bytes -= v->iov_len;
                op->length--;
        }
}

/* The beginning of @op, as an operation of its own. */
static struct ring_op op_piece(const struct ring_op *op)
{
        const struct iovec *v = op->address;
        struct ring_op piece = *op;
        uint64_t bytes = 0;

        if (op->code == RING_SENDMSG || op->code == RING_RECVMSG || op->flags & MSG_WAITALL)
                return piece; /* a socket's buffer is the bound */
        if (!is_vector(op)) {
                piece.length = op->length < PIECE_BYTES ? op->length : PIECE_BYTES;
                return piece;
        }
        for (piece.length = 0; piece.length < op->length; piece.length++) {
                bytes += v[piece.length].iov_len;
                if (bytes > PIECE_BYTES)
                        break;
        }
        if (op->length > 0 && piece.length == 0) {
                piece.code = op->code == RING_READV ? RING_READ : RING_WRITE;
                piece.address = v[0].iov_base;
                piece.length = PIECE_BYTES;
        }
        return piece;
}

static void breathe(struct wasi *w)
{
        ring_yield(w->config.ring);
        fiber_breathe();
}

/* Through the ring. io_uring leaves the position where it was when an error cuts a write short: the next one
 * would write to the same place, and be cut short again. */
static int32_t file_do(struct wasi *w, const struct ring_op *op)
{
        bool moves = op_writes(op) && op->offset == IO_POSITION;
        off_t before = moves ? lseek(op->fd, 0, SEEK_CUR) : -1;
        int32_t r = ring_do(w->config.ring, op);

        if (before < 0 || r <= 0 || (uint64_t)r == op_bytes(op))
                return r;
        if (op->flags & IO_APPEND)
                (void) lseek(op->fd, 0, SEEK_END);
        else
                (void) lseek(op->fd, before + r, SEEK_SET);
        return r;
}

/* A file that is partly in memory gives that part at once: the rest is waited for all the same, for
 * programs take a short read for the end of the file. */
static int32_t io_shared(struct wasi *w, struct descriptor *d, const struct ring_op *asked)
{
        struct ring_op op = *asked;
        uint64_t left = op_bytes(&op);
        int32_t done = 0;

        for (;;) {
                struct ring_op piece = op.flags & ~(uint32_t)IO_APPEND ? op : op_piece(&op);
                int32_t r = io_at_once(d, &piece);

                if (r == -EAGAIN || r == -ENOSYS)
                        r = file_do(w, &piece);
                if (r == -EINTR)
                        continue;
                if (r <= 0)
                        return done ? done : r;
                done += r;
                left -= (uint64_t)r;
                if (left == 0)
                        return done;
                op_advance(&op, (uint64_t)r);
                breathe(w);
        }
}

static int32_t io_file(struct wasi *w, struct descriptor *d, const struct ring_op *op)
{
        int32_t r = -ENOSYS;

        if (w->config.alone) {
                do
                        r = ring_now(op, true);
                while (r == -EINTR);
        }
        return r == -ENOSYS || r == -EAGAIN ? io_shared(w, d, op) : r;
}

static int32_t stream_piece(struct wasi *w, struct descriptor *d, const struct ring_op *op)
{
        int32_t r = io_at_once(d, op);

        if (r != -ENOSYS && (r != -EAGAIN || d->flags & WASI_FD_NONBLOCK))
                return r;
        if (d->flags & WASI_FD_NONBLOCK)
                return is_message(op) ? message_now(w, op) : io_now(w, op);
        for (;;) {
                r = ring_do(w->config.ring, op);
                if (r == -EINTR)
                        continue;
                /* Somebody outside made the file non-blocking: the guest did not. */
                if (r != -EAGAIN)
                        return r;
                r = io_wait_ready(w, op);
                if (r < 0 && r != -EINTR)
                        return r;
        }
}

/* What is read from a stream may always be less than was asked for. What is written may not, unless it would wait. */
static int32_t io_stream(struct wasi *w, struct descriptor *d, const struct ring_op *asked)
{
        struct ring_op op = *asked;
        int32_t done = 0;

        for (;;) {
                struct ring_op piece = w->config.alone ? op : op_piece(&op);
                uint64_t bytes = op_bytes(&piece);
                int32_t r = stream_piece(w, d, &piece);

                if (r < 0)
                        return done ? done : r;
                done += r;
                if (!op_writes(&op) || (uint64_t)r < bytes || bytes == op_bytes(&op))
                        return done;
                op_advance(&op, bytes);
                breathe(w);
        }
}

int32_t io_submit(struct wasi *w, struct descriptor *d, const struct ring_op *op)
{
        unsigned direction = op_writes(op) ? WATCH_WRITE : WATCH_READ;
        int32_t r;

        /* Whatever a watch said before this, or says while it is under way, may be over. */
        d->io[direction]++;
        if (_unlikely_(w->ending && d->granted && direction == WATCH_READ)) {
                w->untold = false;
                return d->kind == KIND_LISTENER ? -ECANCELED : 0;
        }
        r = d->kind == KIND_FILE ? io_file(w, d, op) : io_stream(w, d, op);
        d->io[direction]++;
        /* It was woken for this. */
        if (r == -ECANCELED && w->ending && d->granted && direction == WATCH_READ) {
                w->untold = false;
                r = d->kind == KIND_LISTENER ? r : 0;
        }
        return r;
}

struct ring_op message_op(const struct descriptor *d, struct guest_iov *iov,
                          struct msghdr *message, bool sends, bool tells, uint32_t flags)
{
        *message = (struct msghdr) { .msg_iov = iov->v, .msg_iovlen = iov->n };
        /* One piece needs no header, unless it is to be told that a datagram was cut: a socket that came as
         * stdio may hold some. */
        if (iov->n == 1 && !(tells && d->granted))
                return (struct ring_op) {
                        .code = sends ? RING_SEND : RING_RECV, .fd = d->fd,
                        .address = iov->v[0].iov_base, .length = iov->v[0].iov_len, .flags = flags,
                };
        return (struct ring_op) {
                .code = sends ? RING_SENDMSG : RING_RECVMSG, .fd = d->fd, .address = message,
                .length = 1, .flags = flags,
        };
}
