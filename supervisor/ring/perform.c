/* perform.c - the operations of a ring as plain system calls; see threads.h. Each has a row in
 * policy/syscalls.c. */
#include "config.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "supervisor/ring/threads.h"

#define RW_NOWAIT 0x08 /* rwf_t of linux/fs.h, for C libraries that are older */

static int32_t result(long r)
{
        return r < 0 ? -errno : (int32_t)r;
}

static int32_t move_bytes(const struct ring_op *op, bool wait)
{
        bool reads = op->code == RING_READ || op->code == RING_READV;
        bool vector = op->code == RING_READV || op->code == RING_WRITEV;
        struct iovec one = { op->address, op->length };

        /* At the end, or onto the disk: that may wait, and no filter knows these flags beside the one that does not. */
        if (!wait && op->flags)
                return -EOPNOTSUPP;
        return result(syscall(reads ? SYS_preadv2 : SYS_pwritev2, op->fd, vector ? op->address : &one,
                              vector ? (long)op->length : 1L, (long)op->offset, 0L,
                              (long)op->flags | (wait ? 0 : RW_NOWAIT)));
}

/* Sockets never wait here: who calls has seen that they are ready, and if they are not, waits again. The two
 * short calls take no other flag: the table of system calls compares them. */
static int32_t message(const struct ring_op *op)
{
        bool sends = op->code == RING_SEND || op->code == RING_SENDMSG;
        int usual = sends ? MSG_DONTWAIT | MSG_NOSIGNAL : MSG_DONTWAIT, flags = (int)op->flags | usual;
        struct iovec one = { op->address, op->length };
        struct msghdr bytes = { .msg_iov = &one, .msg_iovlen = 1 }, *m = &bytes;

        if (op->code == RING_RECVMSG || op->code == RING_SENDMSG)
                m = op->address;
        else if (flags == usual)
                return result(sends ? sendto(op->fd, op->address, op->length, flags, NULL, 0)
                                    : recvfrom(op->fd, op->address, op->length, flags, NULL, NULL));
        return result(sends ? sendmsg(op->fd, m, flags) : recvmsg(op->fd, m, flags));
}

static int32_t poll_now(const struct ring_op *op)
{
        struct pollfd p = { .fd = op->fd, .events = (short)op->length };
        int r = poll(&p, 1, 0);

        if (r < 0)
                return -errno;
        if (p.revents & POLLNVAL)
                return -EBADF;
        return r == 0 ? -EAGAIN : p.revents;
}

int32_t perform(const struct ring_op *op, bool wait)
{
        switch (op->code) {
        case RING_READ:
        case RING_READV:
        case RING_WRITE:
        case RING_WRITEV:
                return move_bytes(op, wait);
        case RING_RECV:
        case RING_SEND:
        case RING_RECVMSG:
        case RING_SENDMSG:
                return message(op);
        case RING_ACCEPT:
                /* The socket may be a blocking one: only after readiness, and it has a time limit (listen.c). */
                return wait ? result(accept4(op->fd, NULL, NULL, (int)op->flags)) : -EAGAIN;
        case RING_POLL_ADD:
                return poll_now(op);
        case RING_FSYNC:
                if (!wait)
                        return -EOPNOTSUPP;
                return result(op->flags & IORING_FSYNC_DATASYNC ? fdatasync(op->fd) : fsync(op->fd));
        case RING_FALLOCATE:
                if (!wait)
                        return -EOPNOTSUPP;
                return result(fallocate(op->fd, (int)op->flags, (off_t)op->offset, (off_t)op->extra));
        case RING_FADVISE:
                return -posix_fadvise(op->fd, (off_t)op->offset, (off_t)op->extra, (int)op->flags);
        case RING_SHUTDOWN:
                return result(shutdown(op->fd, (int)op->length));
        case RING_CLOSE:
                return result(close(op->fd));
        default:
                return -EINVAL;
        }
}
