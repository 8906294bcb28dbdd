/* leave_out.c - a cell or compiler whose walls let one thing less through than the tables say: which, is in the name of
 * the directory that it is started from, as in ".../cell-17/nacelle-cell". tests/drills/needed has the rest. */
#include "config.h"

#include <liburing.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "policy/policy.h"

/* @format: the end of this program's path, with the row. */
static int row_of(const char *format)
{
        const char *path = (const char *)getauxval(AT_EXECFN), *at = path ? strrchr(path, '/') : NULL;
        int row, end = 0;

        while (at && at > path && *--at != '/')
                ;
        return at && sscanf(at, format, &row, &end) == 1 && end && !at[end] ? row : -1;
}

/* Of a ring's row there is one for each ring. */
static bool is_it(const struct syscall_rule *rule, int number, unsigned n, const struct scmp_arg_cmp *args)
{
        if (rule->number != number)
                return false;
        for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
                const struct arg_rule *a = &rule->args[i];
                bool ring = a->test == ARG_EQUALS && a->index == 0 && a->value == FD_RING;

                if ((a->test != ARG_ANY) != (i < n))
                        return false;
                if (i < n && (args[i].arg != a->index ||
                              (!ring && args[i].datum_a != a->value) ||
                              (a->test == ARG_WITH && args[i].datum_b != a->value) ||
                              (a->test == ARG_WITHOUT && args[i].datum_b != 0)))
                        return false;
        }
        return true;
}

int __real_seccomp_rule_add_array(scmp_filter_ctx filter, uint32_t action, int number, unsigned n, const struct scmp_arg_cmp *args);
int __wrap_seccomp_rule_add_array(scmp_filter_ctx filter, uint32_t action, int number, unsigned n, const struct scmp_arg_cmp *args);
int __wrap_seccomp_rule_add_array(scmp_filter_ctx filter, uint32_t action, int number, unsigned n, const struct scmp_arg_cmp *args)
{
        static const struct {
                const char *path;
                enum role role;
        } tables[] = { { "/cell-%d/nacelle-cell%n", ROLE_CELL }, { "/threads-%d/nacelle-cell%n", ROLE_CELL_THREADS },
                      { "/compiler-%d/nacelle-compiler%n", ROLE_COMPILER } };

        for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
                unsigned nrules;
                const struct syscall_rule *rules = policy_syscalls(tables[i].role, &nrules);
                int row = row_of(tables[i].path);

                if (row >= 0 && row < (int)nrules && is_it(&rules[row], number, n, args))
                        return 0;
        }
        return __real_seccomp_rule_add_array(filter, action, number, n, args);
}

/* The filter's priorities are of calls that are in it. */
int __real_seccomp_syscall_priority(scmp_filter_ctx filter, int number, uint8_t priority);
int __wrap_seccomp_syscall_priority(scmp_filter_ctx filter, int number, uint8_t priority);
int __wrap_seccomp_syscall_priority(scmp_filter_ctx filter, int number, uint8_t priority)
{
        (void)__real_seccomp_syscall_priority(filter, number, priority);
        return 0;
}

int __real_io_uring_register(unsigned fd, unsigned opcode, const void *argument, unsigned n);
int __wrap_io_uring_register(unsigned fd, unsigned opcode, const void *argument, unsigned n);
int __wrap_io_uring_register(unsigned fd, unsigned opcode, const void *argument, unsigned n)
{
        struct io_uring_restriction rows[64];
        int row = opcode == IORING_REGISTER_RESTRICTIONS && n > 1 && n <= 64 ? row_of("/ring-%d/nacelle-cell%n") : -1;

        if (row < 0 || row >= (int)n)
                return __real_io_uring_register(fd, opcode, argument, n);
        memcpy(rows, argument, n * sizeof(*rows));
        rows[row] = rows[row ? 0 : 1];
        return __real_io_uring_register(fd, opcode, rows, n);
}
