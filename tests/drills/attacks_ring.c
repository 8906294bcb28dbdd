/* attacks_ring.c - the ring, used past ring.h: the attacker has all of its memory, so this file is the
 * ring with the attacks inside. */
#include "supervisor/ring/uring.c"

#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/syscall.h>

#include "tests/drills/attack.h"

#define UNKNOWN_OPS 16 /* tried beyond the last that the headers know */

long attack_sqe(struct cell *c, unsigned opcode, int fd, unsigned long address, unsigned length,
                unsigned long offset, unsigned flags, unsigned op_flags)
{
        struct call call = { .state = CALL_IN_KERNEL };
        struct io_uring_sqe *sqe = get_sqe(c->ring);

        memset(sqe, 0, sizeof(*sqe));
        sqe->opcode = (uint8_t)opcode;
        sqe->fd = fd;
        sqe->addr = address;
        sqe->len = length;
        sqe->off = offset;
        sqe->flags = (uint8_t)flags;
        sqe->rw_flags = (int)op_flags;
        io_uring_sqe_set_data(sqe, &call);
        c->ring->in_flight++;
        return call_wait(c->ring, &call);
}

static bool is_in_table(unsigned opcode)
{
        for (unsigned i = 0; i < _RING_OP_MAX; i++)
                if (ops[i] == opcode)
                        return true;
        return false;
}

/* Every operation that the table has not, and numbers that no kernel knows yet. */
static long ring_all_ops(struct cell *c)
{
        for (unsigned op = 0; op < 64 + UNKNOWN_OPS; op++) {
                long r;

                if (is_in_table(op))
                        continue;
                r = attack_sqe(c, op, -1, 0, 0, 0, 0, 0);
                if (r != -EACCES && r != -EINVAL)
                        return r < 0 ? -ENOTRECOVERABLE : (long)op;
        }
        return -EACCES;
}

static long ring_openat2(struct cell *c)
{
        static struct open_how how = { .flags = O_RDONLY };

        return attack_sqe(c, IORING_OP_OPENAT2, AT_FDCWD, (unsigned long)"/etc/passwd", sizeof(how),
                          (unsigned long)&how, 0, 0);
}

static long ring_socket(struct cell *c)
{
        return attack_sqe(c, IORING_OP_SOCKET, AF_INET, 0, 0, SOCK_STREAM, 0, 0);
}

static long ring_sqe_flags(struct cell *c)
{
        static char byte;

        return attack_sqe(c, IORING_OP_READ, 0, (unsigned long)&byte, 1, 0, IOSQE_ASYNC, 0);
}

static long ring_new_ring(struct cell *c)
{
        struct io_uring_params p = { 0 };

        return result(syscall(SYS_io_uring_setup, 4, &p));
}

static long ring_register(struct cell *c)
{
        int fd = FD_BROKER;

        return result(syscall(SYS_io_uring_register, FD_RING, IORING_REGISTER_FILES, &fd, 1));
}

static long ring_personality(struct cell *c)
{
        return result(syscall(SYS_io_uring_register, FD_RING, IORING_REGISTER_PERSONALITY, NULL, 0));
}

static long ring_other_fd(struct cell *c)
{
        return result(syscall(SYS_io_uring_enter, FD_BROKER, 0, 0, 0, NULL, 8));
}

const struct attack attacks_ring[] = {
        { "ring_all_ops", ring_all_ops },     { "ring_openat2", ring_openat2 },
        { "ring_socket", ring_socket },       { "ring_sqe_flags", ring_sqe_flags },
        { "ring_new", ring_new_ring },        { "ring_register", ring_register },
        { "ring_other_fd", ring_other_fd },   { "ring_personality", ring_personality },
        { 0 },
};
