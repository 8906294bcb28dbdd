/* io.c - the functions that read, write and set positions; how bytes are moved is in move.c. */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

/* rwf_t of linux/fs.h, for kernels whose headers are older */
#define IO_DSYNC  0x02
#define IO_SYNC   0x04
#define IO_APPEND 0x10

#define IO_POSITION UINT64_MAX

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
