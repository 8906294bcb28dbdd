/* rows.c - every row of the system call and ring tables, generated from them: the allowed call passes, and
 * with each argument perturbed it does what the table says. Cells are real and locked; for compiler and
 * reader a child locks itself with the same functions. */
#include "config.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/broker/broker.h"
#include "tests/drills/rows.h"

#define OPS_TRIED       (IORING_OP_LAST + 16)
#define REGISTERS_TRIED 48

static unsigned passed, failed;

static void check(bool good, const char *what, const char *got)
{
        if (good)
                passed++;
        else
                failed++;
        if (!good)
                printf("FAIL %s: %s\n", what, got);
}

/* One attack in a cell of its own: what the broker says about it. */
static void attack(const char *name, uint32_t off, struct error *ret)
{
        _cleanup_(broker_stopp) struct broker *b = NULL;
        char argument[96];
        struct run_options o = {
                .closed_stdio = true, .degraded = off != 0, .no_cache = true,
                .cell_program = BUILD_DIR "/nacelle-drill-cell", .cell_argument = argument,
        };

        *ret = (struct error) { 0 };
        snprintf(argument, sizeof(argument), "%s:%x", name, off);
        if (broker_start(&o, 4096, &b, ret) < 0) {
                error_prefix(ret, "the cell did not start");
                return;
        }
        if (broker_configure(b, ret) == 0)
                error_set(ret, STAGE_CELL, -ENOTRECOVERABLE, ERROR_NOWHERE, "answered as if nothing had been");
}

static bool was_killed(const struct error *err, const char *call)
{
        const char *said = strstr(err->text, "it called ");

        return strstr(err->text, "killed by seccomp") && (!said || strcmp(said + 10, call) == 0);
}

/* Whether it came back to tell, or died of something else than a wall. */
static bool passed_filter(const struct error *err)
{
        return !strstr(err->text, "seccomp") && !strstr(err->text, "did not start") &&
               err->code != -ENOTRECOVERABLE;
}

static void cell_call(const struct syscall_rule *rule, unsigned row, int arg, unsigned variant,
                      const struct row_call *call)
{
        int verdict = row_verdict(ROLE_CELL, call);
        char name[64], what[96];
        struct error err;

        snprintf(name, sizeof(name), "call %u %d %u", row, arg, variant);
        snprintf(what, sizeof(what), "cell: %s, row %u, argument %d, variant %u", rule->name, row, arg, variant);
        attack(name, 0, &err);
        if (verdict < 0)
                check(was_killed(&err, rule->name), what, err.text);
        else if (verdict > 0)
                check(strcmp(err.text, "refused") == 0 && err.code == -verdict, what, err.text);
        else /* "through", an errno of the kernel's, or the end that exit and rt_sigreturn are */
                check(passed_filter(&err) || strcmp(err.text, "through") == 0, what, err.text);
}

static void child_call(enum role role, const struct row_call *call)
{
        struct lockdown l = { 0 };
        long r;

        if (policy_credentials(&l, false, 0, NULL) < 0 || policy_memory(&l, NULL) < 0 ||
            policy_landlock(&l, NULL) < 0 || policy_seccomp(&l, role, NULL) < 0)
                _exit(255);
        r = syscall(call->number, call->args[0], call->args[1], call->args[2], call->args[3], call->args[4],
                    call->args[5]);
        _exit(r < 0 && errno < 250 ? errno : 0);
}

static void other_call(enum role role, const struct syscall_rule *rule, unsigned row, int arg, unsigned variant,
                       const struct row_call *call)
{
        int verdict = row_verdict(role, call), status = 0;
        char what[96], got[64];
        pid_t pid = fork();

        if (pid == 0)
                child_call(role, call);
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                exit(99);
        snprintf(what, sizeof(what), "role %u: %s, row %u, argument %d, variant %u", role, rule->name, row, arg,
                 variant);
        snprintf(got, sizeof(got), "status %x", status);
        if (verdict < 0)
                check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, what, got);
        else if (verdict > 0)
                check(WIFEXITED(status) && WEXITSTATUS(status) == verdict, what, got);
        else
                check(!(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) &&
                              !(WIFEXITED(status) && WEXITSTATUS(status) == 255), what, got);
}

static void call(enum role role, const struct syscall_rule *rule, unsigned row, int arg, unsigned variant,
                 const struct row_call *c)
{
        if (role == ROLE_CELL)
                cell_call(rule, row, arg, variant, c);
        else
                other_call(role, rule, row, arg, variant, c);
}

static void system_calls(enum role role)
{
        unsigned n, before = passed + failed;
        const struct syscall_rule *rules = policy_syscalls(role, &n);
        struct row_call c;

        for (unsigned row = 0; row < n; row++) {
                c = row_allowed(&rules[row]);
                call(role, &rules[row], row, -1, 0, &c);
                for (unsigned arg = 0; arg < 6; arg++)
                        for (unsigned v = 0; v < ROW_VARIANTS && row_perturbed(&rules[row], arg, v, &c); v++)
                                call(role, &rules[row], row, (int)arg, v, &c);
        }
        printf("role %u: %u rows, %u calls\n", role, n, passed + failed - before);
}

static bool in_table(unsigned op)
{
        static const unsigned ops[] = {
#define RING_OP(name, suffix, reason, drill) IORING_OP_##suffix,
#include "supervisor/ring/ring_ops.def"
        };

        for (size_t i = 0; i < ELEMENTSOF(ops); i++)
                if (ops[i] == op)
                        return true;
        return false;
}

static void ring_op(unsigned op, unsigned flags)
{
        bool allowed = in_table(op) && !flags;
        char name[64], what[64];
        struct error err;

        snprintf(name, sizeof(name), "op %u %u", op, flags);
        snprintf(what, sizeof(what), "ring: operation %u, flags %x", op, flags);
        attack(name, 0, &err);
        if (allowed)
                check(passed_filter(&err) && err.code != -EACCES, what, err.text);
        else /* EINVAL, EOPNOTSUPP: the kernel knows no such operation, or no such flag with it */
                check(strcmp(err.text, "refused") == 0 &&
                              (err.code == -EACCES || (err.code == -EINVAL && (op >= IORING_OP_LAST || flags)) ||
                               (err.code == -EOPNOTSUPP && flags)), what, err.text);
}

static void ring(void)
{
        unsigned before = passed + failed;

        for (unsigned op = 0; op < OPS_TRIED; op++) {
                ring_op(op, 0);
                for (unsigned bit = 0; in_table(op) && bit < 8; bit++)
                        ring_op(op, 1u << bit);
        }
        for (unsigned i = 0; i < REGISTERS_TRIED; i++) {
                char name[64], what[64];
                struct error err;

                snprintf(name, sizeof(name), "register %u", i);
                snprintf(what, sizeof(what), "ring: register %u", i);
                attack(name, 0, &err);
                check(was_killed(&err, "io_uring_register"), what, err.text);
                attack(name, LAYER_BIT(LAYER_SECCOMP), &err);
                /* Without seccomp the ring's own table stands; EINVAL: unknown to this kernel. */
                check(strcmp(err.text, "refused") == 0 && (err.code == -EACCES || err.code == -EINVAL), what,
                      err.text);
        }
        printf("ring: %u operations and registrations\n", passed + failed - before);
}

int main(void)
{
        broker_programs(BUILD_DIR);
        for (unsigned role = 0; role < _ROLE_MAX; role++)
                system_calls(role);
        ring();
        printf("%u passed, %u failed, 0 skipped\n", passed, failed);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
