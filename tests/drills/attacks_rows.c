/* attacks_rows.c - attacks that are rows of a table: "call ROW ARGUMENT VARIANT", "op NUMBER FLAG",
 * "register NUMBER". The argument -1 is the call as it is allowed. */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/drills/attack.h"
#include "tests/drills/rows.h"

static long call_row(unsigned row, int arg, unsigned variant)
{
        unsigned n;
        const struct syscall_rule *rules = policy_syscalls(ROLE_CELL, &n);
        struct row_call c;

        if (row >= n)
                return -ENOTRECOVERABLE;
        if (arg < 0)
                c = row_allowed(&rules[row]);
        else if (!row_perturbed(&rules[row], (unsigned)arg, variant, &c))
                return -ENOTRECOVERABLE;
        return result(syscall(c.number, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5]));
}

long attack_row(struct cell *c, const char *name)
{
        unsigned row, variant;
        int arg;

        if (sscanf(name, "call %u %d %u", &row, &arg, &variant) == 3)
                return call_row(row, arg, variant);
        if (sscanf(name, "op %u %u", &row, &variant) == 2)
                return attack_sqe(c, row, -1, 0, 0, 0, variant, 0);
        if (sscanf(name, "register %u", &row) == 1)
                return result(syscall(SYS_io_uring_register, FD_RING, row, NULL, 0));
        return -ENOTRECOVERABLE;
}
