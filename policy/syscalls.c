/* syscalls.c - what a cell, the compiler and the daemon's helpers may ask of the kernel. Anything else kills them.
 *
 * A row is one system call, the values its arguments must have, why it is there, and the drill that
 * shows the limit. Rows of one call are alternatives. Filters see numbers only, so nothing here
 * takes a path; the comment beside a row says what that rules out. */
#include "config.h"

#include <seccomp.h>
#include <sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <fcntl.h>
#include <unistd.h>

#include "policy/policy.h"

#define ARG_IS(i, v)    { .index = (i), .test = ARG_EQUALS, .value = (v) }
#define ARG_LACKS(i, v) { .index = (i), .test = ARG_WITHOUT, .value = (v) }
#define ARG_HAS(i, v)   { .index = (i), .test = ARG_WITH, .value = (v) }

#define ALLOW(call, why, id) { .name = #call, .number = SYS_##call, .reason = why, .drill = id }
#define ALLOW_IF(call, a, why, id) \
        { .name = #call, .number = SYS_##call, .args = { a }, .reason = why, .drill = id }
#define ALLOW_IF2(call, a, b, why, id) \
        { .name = #call, .number = SYS_##call, .args = { a, b }, .reason = why, .drill = id }
#define REFUSE(call, error, why, id) \
        { .name = #call, .number = SYS_##call, .deny = (error), .reason = why, .drill = id }

#define HOT_ROWS 11 /* at the head of a table */

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

/* clang-format off */
static const struct syscall_rule cell_rules[] = {
        /* With io_uring alone, see CELL_RING_ROWS. */
        ALLOW_IF(io_uring_enter, ARG_IS(0, FD_RING),        "submit and reap guest I/O, on this ring only", "H07"),
        ALLOW(read,                                         "fd_read of a file by a guest that is alone",   "H02"),
        ALLOW(write,                                        "fd_write of one; no more than the ring may",   "H02"),
        ALLOW_IF2(recvfrom, ARG_IS(3, MSG_DONTWAIT), ARG_IS(4, 0), "fd_read, sock_recv that need not wait", "H15"),
        ALLOW_IF2(sendto, ARG_IS(3, MSG_DONTWAIT | MSG_NOSIGNAL), ARG_IS(4, 0), "fd_write, sock_send; no address", "H15"),
        ALLOW_IF(preadv2,  ARG_IS(5, RWF_NOWAIT),           "fd_read, fd_pread of what is in memory",       "H02"),
        ALLOW_IF(preadv2,  ARG_IS(5, 0),                    "the same of a file by a guest that is alone",  "H02"),
        ALLOW_IF(pwritev2, ARG_IS(5, RWF_NOWAIT),           "fd_write, fd_pwrite that need not wait",       "H02"),
        ALLOW_IF(pwritev2, ARG_IS(5, 0),                    "the same to a file by a guest that is alone",  "H02"),
        ALLOW_IF(pwritev2, ARG_IS(5, RWF_APPEND),           "the same at the end",                          "H02"),
        ALLOW_IF(poll, ARG_IS(2, 0),                        "poll_oneoff: what is ready now; never waits",  "H02"),
        ALLOW(futex,                                        "locks of the C library",                       "H06"),
        ALLOW_IF(mmap,     ARG_LACKS(2, PROT_EXEC),         "memories and stacks, never code",              "H12"),
        ALLOW_IF(mprotect, ARG_LACKS(2, PROT_EXEC),         "memory.grow, never code",                      "H11"),
        ALLOW(munmap,                                       "memory of a guest that ended",                 "H13"),
        ALLOW(madvise,                                      "guards, and pages given back",                 "H13"),
        ALLOW_IF2(ioctl, ARG_IS(0, FD_PAGEMAP), ARG_IS(1, POLICY_PAGEMAP_SCAN), "which pages a guest wrote", "H20"),
        ALLOW(brk,                                          "heap",                                         "H11"),
        ALLOW(close,                                        "fd_close of what is not in the ring",          "H25"),
        ALLOW(fstat,                                        "fd_filestat_get; has no path",                 "H24"),
        ALLOW(lseek,                                        "fd_seek, fd_tell",                             "H24"),
        ALLOW(ftruncate,                                    "fd_filestat_set_size; not the sealed arena",   "H13"),
        ALLOW_IF(fcntl, ARG_IS(1, F_GETFL),                 "fd_fdstat_get",                                "H20"),
        ALLOW_IF(utimensat, ARG_IS(1, 0),                   "fd_filestat_set_times: a descriptor, no path", "H24"),
        ALLOW(clock_gettime,                                "clocks that are not in the vdso",              "H21"),
        ALLOW(clock_getres,                                 "the same",                                     "H21"),
        ALLOW(getrandom,                                    "random_get",                                   "H21"),
        ALLOW_IF(rt_sigaction, ARG_IS(0, SIGSEGV),          "a fault of our own takes the default way",     "H28"),
        ALLOW_IF(rt_sigaction, ARG_IS(0, SIGBUS),           "the same",                                     "H28"),
        ALLOW_IF(rt_sigaction, ARG_IS(0, SIGILL),           "the same",                                     "H28"),
        ALLOW_IF(rt_sigaction, ARG_IS(0, SIGFPE),           "the same",                                     "H28"),
        ALLOW(rt_sigreturn,                                 "the way back from a trap",                     "H28"),
        ALLOW(timer_settime,                                "the tick that takes the thread from a guest",  "H17"),
        ALLOW(membarrier,                                   "new code in the arena is seen",                "H13"),
        ALLOW_IF2(prctl, ARG_IS(0, PR_SET_DUMPABLE), ARG_IS(1, 0), "after the broker read the posture",     "H21"),
        ALLOW(restart_syscall,                              "a wait that a stop signal cut",                "H10"),
        ALLOW(exit_group,                                   "the end",                                      "H06"),
        /* Without io_uring alone, see CELL_THREAD_ROWS: what ring_ops.def has, as system calls. */
        ALLOW_IF(epoll_pwait2, ARG_IS(0, FD_RING),          "wait for readiness, on this one only",         "H07"),
        ALLOW_IF(epoll_pwait, ARG_IS(0, FD_RING),           "the same before Linux 5.11",                   "H07"),
        ALLOW_IF(epoll_ctl, ARG_IS(0, FD_RING),             "of which descriptors; no path",                "H07"),
        ALLOW_IF(pwritev2, ARG_IS(5, RWF_DSYNC),            "a helper writes a file with FD_DSYNC",         "H02"),
        ALLOW_IF(pwritev2, ARG_IS(5, RWF_DSYNC | RWF_APPEND), "the same at the end",                        "H02"),
        ALLOW_IF(pwritev2, ARG_IS(5, RWF_SYNC | RWF_DSYNC), "with FD_SYNC",                                 "H02"),
        ALLOW_IF(pwritev2, ARG_IS(5, RWF_SYNC | RWF_DSYNC | RWF_APPEND), "the same at the end",             "H02"),
        ALLOW_IF(recvmsg, ARG_HAS(2, MSG_DONTWAIT),         "answers of the broker; sock_recv with flags",  "H18"),
        ALLOW_IF(sendmsg, ARG_HAS(2, MSG_DONTWAIT | MSG_NOSIGNAL), "requests to the broker",                "H18"),
        ALLOW_IF2(accept4, ARG_IS(1, 0), ARG_IS(3, SOCK_CLOEXEC), "a connection on a handed-over socket",   "H15"),
        ALLOW(shutdown,                                     "sock_shutdown",                                "H15"),
        ALLOW(fsync,                                        "fd_sync",                                      "H02"),
        ALLOW(fdatasync,                                    "fd_datasync",                                  "H02"),
        ALLOW_IF(fallocate, ARG_IS(1, 0),                   "fd_allocate; punches no hole",                 "H02"),
        ALLOW(fadvise64,                                    "fd_advise",                                    "H02"),
};

static const struct syscall_rule compiler_rules[] = {
        ALLOW(futex,                                        "threads",                                      "I05"),
        ALLOW_IF(mmap,     ARG_LACKS(2, PROT_EXEC),         "memory; code is only bytes here",              "I05"),
        ALLOW_IF(mprotect, ARG_LACKS(2, PROT_EXEC),         "stacks of threads",                            "I05"),
        ALLOW(munmap,                                       "memory",                                       "I05"),
        ALLOW(mremap,                                       "buffers that grow",                            "I05"),
        ALLOW(madvise,                                      "memory",                                       "I05"),
        ALLOW(brk,                                          "heap",                                         "I05"),
        ALLOW(write,                                        "artefact and status, to what is open",         "I05"),
        ALLOW_IF(clone, ARG_HAS(0, THREAD_FLAGS),           "threads, never processes",                     "I05"),
        REFUSE(clone3, ENOSYS,                              "its flags are in memory: clone is used",       "I05"),
        REFUSE(openat, EACCES,                              "malloc asks for overcommit_memory: no answer",  "I05"),
        ALLOW(set_robust_list,                              "start of a thread",                            "I05"),
        ALLOW(rseq,                                         "start of a thread",                            "I05"),
        ALLOW(rt_sigprocmask,                               "start of a thread",                            "I05"),
        ALLOW(rt_sigaction,                                 "the C library, at its first thread",           "I05"),
        ALLOW(sysinfo,                                      "the C library, to sort",                       "I05"),
        ALLOW(sched_yield,                                  "threads",                                      "I05"),
        ALLOW(clock_gettime,                                "clocks that are not in the vdso",              "I05"),
        ALLOW(getrandom,                                    "seeds of hash tables",                         "I05"),
        ALLOW(restart_syscall,                              "a wait that a stop signal cut",                "I05"),
        ALLOW(exit,                                         "the end of a thread",                          "I05"),
        ALLOW(exit_group,                                   "the end",                                      "I05"),
        /* Of a reader alone, see READER_ROWS. */
        ALLOW(read,                                         "answers to what a script wants to be done",    "I05"),
};

static const struct syscall_rule connector_rules[] = {
#include "policy/connector_calls.def"
};

static const struct syscall_rule path_rules[] = {
#include "policy/path_calls.def"
};
/* clang-format on */

#define CELL_RING_ROWS   1  /* at the head of the cell's table */
#define CELL_THREAD_ROWS 15 /* at its end */
#define READER_ROWS 1 /* at the end of the compiler's table: what only a reader may call as well */

const struct syscall_rule *policy_syscalls(enum role role, unsigned *ret_n)
{
        static const struct {
                const struct syscall_rule *rules;
                unsigned n;
        } tables[_ROLE_MAX] = {
                [ROLE_CELL] = { cell_rules, ELEMENTSOF(cell_rules) - CELL_THREAD_ROWS },
                [ROLE_CELL_THREADS] = { cell_rules + CELL_RING_ROWS, ELEMENTSOF(cell_rules) - CELL_RING_ROWS },
                [ROLE_COMPILER] = { compiler_rules, ELEMENTSOF(compiler_rules) - READER_ROWS },
                [ROLE_READER] = { compiler_rules, ELEMENTSOF(compiler_rules) },
                [ROLE_CONNECTOR] = { connector_rules, ELEMENTSOF(connector_rules) },
                [ROLE_PATHS] = { path_rules, ELEMENTSOF(path_rules) },
        };

        *ret_n = tables[role].n;
        return tables[role].rules;
}

char *policy_syscall_name(int number, char *text, size_t size)
{
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

        if (name)
                snprintf(text, size, "%s", name);
        else
                snprintf(text, size, "system call %d", number);
        free(name);
        return text;
}

static struct scmp_arg_cmp compare(const struct arg_rule *a)
{
        switch (a->test) {
        case ARG_WITHOUT:
                return SCMP_CMP(a->index, SCMP_CMP_MASKED_EQ, a->value, 0);
        case ARG_WITH:
                return SCMP_CMP(a->index, SCMP_CMP_MASKED_EQ, a->value, a->value);
        default:
                return SCMP_CMP(a->index, SCMP_CMP_EQ, a->value, 0);
        }
}

static int add_rule(scmp_filter_ctx filter, const struct syscall_rule *rule)
{
        struct scmp_arg_cmp args[ELEMENTSOF(rule->args)];
        uint32_t action = rule->deny ? SCMP_ACT_ERRNO((uint32_t)rule->deny) : SCMP_ACT_ALLOW;
        unsigned n = 0;

        while (n < ELEMENTSOF(rule->args) && rule->args[n].test != ARG_ANY) {
                args[n] = compare(&rule->args[n]);
                n++;
        }
        return seccomp_rule_add_array(filter, action, rule->number, n, args);
}

/* The row names the first ring; a cell of several threads has one for each. */
static int add_rings(scmp_filter_ctx filter, const struct syscall_rule *rule, unsigned rings)
{
        struct syscall_rule other = *rule;
        int r = 0;

        for (unsigned i = 1; i < rings && r >= 0; i++) {
                other.args[0].value = FD_RING + i;
                r = add_rule(filter, &other);
        }
        return r;
}

static bool is_of_ring(const struct syscall_rule *rule)
{
        return rule->args[0].test == ARG_EQUALS && rule->args[0].index == 0 && rule->args[0].value == FD_RING;
}

static int build(scmp_filter_ctx filter, enum role role, unsigned rings)
{
        unsigned n;
        const struct syscall_rule *rules = policy_syscalls(role, &n);
        int r;

        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        if (r < 0)
                return r;
        r = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
        if (r < 0)
                return r;
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < n; i++) {
                r = add_rule(filter, &rules[i]);
                if (r >= 0 && is_of_ring(&rules[i]))
                        r = add_rings(filter, &rules[i], rings);
                if (r < 0)
                        return r;
        }
        /* The filter compares in the order of the table: the hot calls lead. */
        for (unsigned i = n < HOT_ROWS ? n : HOT_ROWS; i-- > 0;) {
                r = seccomp_syscall_priority(filter, rules[i].number, (uint8_t)(UINT8_MAX - i));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Without filters, or with some that are too old to end the whole process (before Linux 4.14). */
static bool kernel_can_kill(void)
{
        uint32_t action = SCMP_ACT_KILL_PROCESS;

        return syscall(SYS_seccomp, 2 /* SECCOMP_GET_ACTION_AVAIL */, 0, &action) == 0;
}

int policy_seccomp(struct lockdown *l, enum role role, struct error *err)
{
        scmp_filter_ctx filter;
        int r;

        if (l->skip & LAYER_BIT(LAYER_SECCOMP))
                return 0;
        if (!kernel_can_kill()) {
                l->missing |= LAYER_BIT(LAYER_SECCOMP);
                return 0;
        }

        filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!filter)
                return error_set(err, STAGE_POLICY, -ENOMEM, ERROR_NOWHERE, "seccomp filter");
        r = build(filter, role, l->rings);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        if (r < 0)
                return error_set(err, STAGE_POLICY, r, ERROR_NOWHERE, "loading the seccomp filter");
        return 0;
}
