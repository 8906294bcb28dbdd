/* features.c - see features.h. By system calls: the command that asks needs no library for it. */
#include "config.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/ring/features.h"

#define OPERATIONS 256u

enum probe { PROBE_SETUP, PROBE_FEATURE, PROBE_WITNESS, PROBE_BUFFERS, PROBE_FILES, PROBE_RESTRICT };

static const struct {
        const char *name, *why;
        bool used;
        enum probe probe;
        uint32_t argument;
} table[_RING_FEATURE_MAX] = {
#define RING_FEATURE(id, name, used, probe, argument, why) { name, why, used, PROBE_##probe, argument },
#include "supervisor/ring/ring_features.def"
};

static int setup(uint32_t flags, uint32_t *ret_features)
{
        struct io_uring_params p = { .flags = flags };
        long fd = syscall(SYS_io_uring_setup, 4L, &p);

        if (fd < 0)
                return -errno;
        *ret_features = p.features;
        return (int)fd;
}

static int ring_register(int fd, unsigned what, void *with, unsigned n)
{
        return syscall(SYS_io_uring_register, (long)fd, (long)what, with, (long)n) < 0 ? -errno : 0;
}

static int knows_operation(int fd, uint32_t op)
{
        size_t size = sizeof(struct io_uring_probe) + OPERATIONS * sizeof(struct io_uring_probe_op);
        _cleanup_free_ struct io_uring_probe *p = calloc(1, size);
        int r = p ? ring_register(fd, IORING_REGISTER_PROBE, p, OPERATIONS) : -ENOMEM;

        if (r < 0)
                return r;
        return op <= p->last_op && p->ops[op].flags & IO_URING_OP_SUPPORTED ? 0 : -EOPNOTSUPP;
}

static int give_buffers(int fd)
{
        size_t bytes = 4096;
        void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct io_uring_buf_reg reg = { .ring_addr = (uintptr_t)p, .ring_entries = 8 };
        int r;

        if (p == MAP_FAILED)
                return -errno;
        r = ring_register(fd, IORING_REGISTER_PBUF_RING, &reg, 1);
        if (r == 0)
                (void)ring_register(fd, IORING_UNREGISTER_PBUF_RING, &reg, 1);
        munmap(p, bytes);
        return r;
}

static int try(enum probe probe, uint32_t argument, uint32_t *features)
{
        uint32_t flags = probe == PROBE_SETUP ? argument : probe == PROBE_RESTRICT ? IORING_SETUP_R_DISABLED : 0;
        struct io_uring_restriction nop = { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP };
        _cleanup_close_ int fd = setup(flags, features);
        int none = -1;

        if (fd < 0)
                return fd;
        switch (probe) {
        case PROBE_FEATURE:
                return *features & argument ? 0 : -EOPNOTSUPP;
        case PROBE_WITNESS:
                return knows_operation(fd, argument);
        case PROBE_BUFFERS:
                return give_buffers(fd);
        case PROBE_FILES:
                return ring_register(fd, IORING_REGISTER_FILES, &none, 1);
        case PROBE_RESTRICT:
                return ring_register(fd, IORING_REGISTER_RESTRICTIONS, &nop, 1);
        default:
                return 0;
        }
}

int ring_features(struct ring_feature ret[_RING_FEATURE_MAX])
{
        uint32_t features = 0;
        int r = try(PROBE_SETUP, 0, &features);

        if (r < 0)
                return r;
        for (unsigned k = 0; k < _RING_FEATURE_MAX; k++) {
                r = try(table[k].probe, table[k].argument, &features);
                ret[k] = (struct ring_feature) { .name = table[k].name, .why = table[k].why, .used = table[k].used,
                                                 .refused = -r };
        }
        return 0;
}
