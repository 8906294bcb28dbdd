/* io.c - reading, writing, positions. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

/* rwf_t of linux/fs.h, for kernels whose headers are older */
#define IO_DSYNC  0x02
#define IO_SYNC   0x04
#define IO_APPEND 0x10

#define IO_POSITION UINT64_MAX

/* Whatever the kernel can do at once; else the call is taken back. The call races only with itself:
 * what it reports in the end is what happened. */
static int32_t io_now(struct wasi *w, const struct ring_op *op)
{
        struct ring *ring = w->config.ring;
        struct call call = { .state = CALL_IDLE }, timer = { .state = CALL_IDLE };
        struct call *const calls[] = { &call, &timer };
        int32_t r;

        ring_submit(ring, &call, op);
        ring_sleep(ring, &timer, 0);
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

static bool op_writes(const struct ring_op *op)
{
        return op->code == RING_WRITE || op->code == RING_WRITEV || op->code == RING_SENDMSG ||
               op->code == RING_SEND;
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

static uint64_t op_bytes(const struct ring_op *op)
{
        const struct iovec *v = op->address;
        uint64_t bytes = 0;

        if (op->code != RING_READV && op->code != RING_WRITEV)
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
        if (op->code != RING_READV && op->code != RING_WRITEV) {
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

/* A file that is partly in memory gives that part at once: the rest is waited for all the same, for
 * programs take a short read for the end of the file. */
static int32_t io_shared(struct wasi *w, struct descriptor *d, const struct ring_op *asked)
{
        struct ring_op op = *asked;
        uint64_t left = op_bytes(&op);
        int32_t done = 0;

        for (;;) {
                int32_t r = io_at_once(d, &op);

                if (r == -EAGAIN || r == -ENOSYS)
                        r = ring_do(w->config.ring, &op);
                if (r == -EINTR)
                        continue;
                if (r <= 0)
                        return done ? done : r;
                done += r;
                left -= (uint64_t)r;
                if (left == 0)
                        return done;
                op_advance(&op, (uint64_t)r);
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

static int32_t io_stream(struct wasi *w, struct descriptor *d, const struct ring_op *op)
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

struct io_call {
        struct descriptor *d;
        struct guest_iov iov;
        struct guest_span ret;
        uint64_t offset;
};

static enum wasi_errno io_check(struct wasi *w, const struct guest *g, uint32_t fd, uint64_t rights,
                                uint32_t iovs, uint32_t n, uint64_t offset, uint32_t ret_bytes,
                                struct io_call *ret)
{
        enum wasi_errno e = guest_span(g, guest_ptr(ret_bytes), 1, sizeof(uint32_t), &ret->ret);

        if (!e)
                e = guest_iov_load(g, guest_ptr(iovs), n, &ret->iov);
        ret->offset = offset;
        return e ? e : descriptor_get(w, fd, KINDS_IO, rights, &ret->d);
}

static uint32_t write_flags(const struct descriptor *d)
{
        uint32_t flags = 0;

        if (d->kind != KIND_FILE)
                return 0;
        if (d->flags & WASI_FD_APPEND)
                flags |= IO_APPEND;
        if (d->flags & WASI_FD_SYNC)
                flags |= IO_SYNC | IO_DSYNC;
        if (d->flags & WASI_FD_DSYNC)
                flags |= IO_DSYNC;
        return flags;
}

static enum wasi_errno io_do(struct wasi *w, struct io_call *c, bool writes)
{
        struct msghdr message;
        struct ring_op op = {
                .code = writes ? RING_WRITEV : RING_READV,
                .fd = c->d->fd,
                .address = c->iov.v,
                .length = c->iov.n,
                .offset = c->offset,
                .flags = writes ? write_flags(c->d) : 0,
        };
        int32_t r;

        if (c->d->log && writes) {
                r = w->config.log_write(w->config.context, c->d->log, c->iov.v, c->iov.n);
                guest_store_u32(&c->ret, r);
                (void) descriptor_put(w, c->d);
                return WASI_SUCCESS;
        }
        if (c->d->kind == KIND_CONNECTION) {
                /* A peer that hung up is an error here, not a signal for the whole cell. */
                op = message_op(c->d, &c->iov, &message, writes, false, writes ? MSG_NOSIGNAL : 0);
        } else if (c->iov.n == 1) {
                op.code = writes ? RING_WRITE : RING_READ;
                op.address = c->iov.v[0].iov_base;
                op.length = c->iov.v[0].iov_len;
        }
        r = io_submit(w, c->d, &op);
        if (r >= 0)
                guest_store_u32(&c->ret, r);
        (void) descriptor_put(w, c->d);
        return wasi_errno_of(r);
}

uint32_t wasi_fd_read(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct io_call c;
        enum wasi_errno e = io_check(w, &g, fd, RIGHT_FD_READ, iovs, n, IO_POSITION, ret_bytes, &c);

        return e ? e : io_do(w, &c, false);
}

uint32_t wasi_fd_write(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct io_call c;
        enum wasi_errno e = io_check(w, &g, fd, RIGHT_FD_WRITE, iovs, n, IO_POSITION, ret_bytes, &c);

        return e ? e : io_do(w, &c, true);
}

/* The all-ones offset means "the position" further down: it is no offset of a file. */
static enum wasi_errno offset_check(uint64_t offset)
{
        return offset > INT64_MAX ? WASI_INVAL : WASI_SUCCESS;
}

uint32_t wasi_fd_pread(uint32_t fd, uint32_t iovs, uint32_t n, uint64_t offset, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct io_call c;
        enum wasi_errno e = offset_check(offset);

        if (!e)
                e = io_check(w, &g, fd, RIGHT_FD_READ | RIGHT_FD_SEEK, iovs, n, offset, ret_bytes, &c);
        return e ? e : io_do(w, &c, false);
}

uint32_t wasi_fd_pwrite(uint32_t fd, uint32_t iovs, uint32_t n, uint64_t offset, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct io_call c;
        enum wasi_errno e = offset_check(offset);

        if (!e)
                e = io_check(w, &g, fd, RIGHT_FD_WRITE | RIGHT_FD_SEEK, iovs, n, offset, ret_bytes, &c);
        return e ? e : io_do(w, &c, true);
}

struct seek_call {
        struct descriptor *d;
        struct guest_span ret;
        int64_t offset;
        int whence;
};

static enum wasi_errno seek_check(struct wasi *w, const struct guest *g, uint32_t fd,
                                  uint64_t offset, uint32_t whence, uint32_t ret_position,
                                  struct seek_call *ret)
{
        static const int whences[_WASI_WHENCE_MAX] = {
                [WASI_WHENCE_SET] = SEEK_SET,
                [WASI_WHENCE_CUR] = SEEK_CUR,
                [WASI_WHENCE_END] = SEEK_END,
        };
        uint64_t rights = RIGHT_FD_SEEK;
        enum wasi_errno e;

        if (whence >= _WASI_WHENCE_MAX)
                return WASI_INVAL;
        ret->offset = (int64_t)offset;
        ret->whence = whences[whence];
        e = guest_span(g, guest_ptr(ret_position), 1, sizeof(uint64_t), &ret->ret);
        if (e)
                return e;
        /* The right to seek implies the right to tell. */
        if (whence == WASI_WHENCE_CUR && offset == 0 &&
            descriptor_get(w, fd, KINDS_IO, RIGHT_FD_TELL, &ret->d) == WASI_SUCCESS)
                return WASI_SUCCESS;
        return descriptor_get(w, fd, KINDS_IO, rights, &ret->d);
}

static enum wasi_errno seek_do(struct wasi *w, struct seek_call *c)
{
        off_t position = lseek(c->d->fd, c->offset, c->whence);
        enum wasi_errno e = position < 0 ? wasi_errno_of(-errno) : WASI_SUCCESS;

        if (!e)
                guest_store_u64(&c->ret, position);
        (void) descriptor_put(w, c->d);
        return e;
}

uint32_t wasi_fd_seek(uint32_t fd, uint64_t offset, uint32_t whence, uint32_t ret_position)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct seek_call c;
        enum wasi_errno e = seek_check(w, &g, fd, offset, whence, ret_position, &c);

        return e ? e : seek_do(w, &c);
}

uint32_t wasi_fd_tell(uint32_t fd, uint32_t ret_position)
{
        return wasi_fd_seek(fd, 0, WASI_WHENCE_CUR, ret_position);
}

static enum wasi_errno sync_do(struct wasi *w, uint32_t fd, uint64_t rights, uint32_t flags)
{
        struct descriptor *d;
        struct path_reply reply;
        enum wasi_errno e = descriptor_get(w, fd, flags ? KINDS_IO : KINDS_IO "D", rights, &d);

        if (e)
                return e;
        if (d->kind == KIND_DIRECTORY) {
                struct path_request r = { .op = PATH_SYNC_DIR, .dir = d->handle };

                e = broker_call(w, &r, NULL, NULL, &reply, NULL, 0, NULL);
        } else {
                struct ring_op op = { .code = RING_FSYNC, .fd = d->fd, .flags = flags };

                e = wasi_errno_of(ring_do(w->config.ring, &op));
        }
        (void) descriptor_put(w, d);
        return e;
}

#define SYNC_DATA 1u /* IORING_FSYNC_DATASYNC */

uint32_t wasi_fd_sync(uint32_t fd)
{
        struct guest g;

        return sync_do(wasi_current(&g), fd, RIGHT_FD_SYNC, 0);
}

uint32_t wasi_fd_datasync(uint32_t fd)
{
        struct guest g;

        return sync_do(wasi_current(&g), fd, RIGHT_FD_DATASYNC, SYNC_DATA);
}

struct range_call {
        struct descriptor *d;
        uint64_t offset, bytes;
        uint32_t advice;
};

static enum wasi_errno range_check(struct wasi *w, uint32_t fd, uint64_t right, uint64_t offset,
                                   uint64_t bytes, struct range_call *ret)
{
        uint64_t end;

        if (__builtin_add_overflow(offset, bytes, &end) || end > INT64_MAX)
                return WASI_INVAL;
        ret->offset = offset;
        ret->bytes = bytes;
        return descriptor_get(w, fd, KINDS_IO, right, &ret->d);
}

static enum wasi_errno range_do(struct wasi *w, struct range_call *c, const struct ring_op *op)
{
        int32_t r = ring_do(w->config.ring, op);

        (void) descriptor_put(w, c->d);
        return wasi_errno_of(r);
}

uint32_t wasi_fd_advise(uint32_t fd, uint64_t offset, uint64_t bytes, uint32_t advice)
{
        static const uint32_t advices[] = { /* the order of WASI's */
                POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE,
        };
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct range_call c;
        enum wasi_errno e;

        if (advice >= ELEMENTSOF(advices))
                return WASI_INVAL;
        e = range_check(w, fd, RIGHT_FD_ADVISE, offset, bytes, &c);
        return e ? e : range_do(w, &c, &(struct ring_op) {
                .code = RING_FADVISE, .fd = c.d->fd, .offset = c.offset, .extra = c.bytes,
                .flags = advices[advice],
        });
}

uint32_t wasi_fd_allocate(uint32_t fd, uint64_t offset, uint64_t bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct range_call c;
        enum wasi_errno e;

        if (bytes == 0)
                return WASI_INVAL;
        e = range_check(w, fd, RIGHT_FD_ALLOCATE, offset, bytes, &c);
        return e ? e : range_do(w, &c, &(struct ring_op) {
                .code = RING_FALLOCATE, .fd = c.d->fd, .offset = c.offset, .extra = c.bytes,
        });
}
