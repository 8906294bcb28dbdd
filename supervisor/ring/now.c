/* now.c - what can be done at once, by a plain system call; see ring.h.
 *
 * A call through the ring costs its way through the scheduler as well, and a write to a file system
 * that cannot promise not to wait goes to another thread. Each call here has a row in
 * policy/syscalls.c, and its flags are compared there: other flags end the cell. */
#include "config.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "supervisor/ring/ring.h"

/* rwf_t of linux/fs.h, for C libraries that are older */
#define NOW_NOWAIT 0x08
#define NOW_APPEND 0x10

static int32_t now_files(const struct ring_op *op, long number, bool may_wait)
{
        struct iovec one = { op->address, op->length };
        bool vector = op->code == RING_READV || op->code == RING_WRITEV;
        long flags = may_wait ? (long)op->flags : NOW_NOWAIT;
        long r;

        if (op->flags & ~(may_wait && number == SYS_pwritev2 ? NOW_APPEND : 0u))
                return -ENOSYS;
        r = syscall(number, op->fd, vector ? op->address : &one, vector ? (long)op->length : 1L,
                    (long)op->offset, 0L, flags);
        if (r >= 0)
                return (int32_t)r;
        return errno == ENOSYS || errno == EINVAL ? -ENOSYS : -errno;
}

/* One piece at the file's position: the plainest calls are the fastest, for the kernel need not look
 * at their arguments (it remembers that the filter lets them pass). */
static bool is_plain(const struct ring_op *op)
{
        return (op->code == RING_READ || op->code == RING_WRITE) && op->offset == UINT64_MAX && !op->flags;
}

static int32_t now_plain(const struct ring_op *op)
{
        ssize_t r = op->code == RING_READ ? read(op->fd, op->address, op->length)
                                          : write(op->fd, op->address, op->length);

        return r < 0 ? -errno : (int32_t)r;
}

int32_t ring_now(const struct ring_op *op, bool may_wait)
{
        long r;

        if (may_wait && is_plain(op))
                return now_plain(op);
        switch (op->code) {
        case RING_READ:
        case RING_READV:
                return now_files(op, SYS_preadv2, may_wait);
        case RING_WRITE:
        case RING_WRITEV:
                return now_files(op, SYS_pwritev2, may_wait);
        case RING_RECV:
                if (op->flags)
                        return -ENOSYS;
                r = syscall(SYS_recvfrom, op->fd, op->address, (long)op->length, (long)MSG_DONTWAIT,
                            NULL, NULL);
                break;
        case RING_SEND:
                if (op->flags != MSG_NOSIGNAL)
                        return -ENOSYS;
                r = syscall(SYS_sendto, op->fd, op->address, (long)op->length,
                            (long)(MSG_DONTWAIT | MSG_NOSIGNAL), NULL, 0L);
                break;
        default:
                return -ENOSYS;
        }
        return r < 0 ? -errno : (int32_t)r;
}

int ring_now_ready(struct pollfd *polls, unsigned n)
{
        int r = poll(polls, n, 0);

        return r < 0 ? -errno : r;
}
