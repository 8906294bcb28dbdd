/* rows.h - for each row of the tables of system calls: the call that it allows, and each argument of it
 * perturbed. Shared by the driver (rows.c), which expects, and the attacker, which calls. */
#pragma once

#include <sys/syscall.h>

#include "policy/policy.h"

#define ROW_VARIANTS 64

struct row_call {
        int number;
        unsigned long args[6];
};

/* Free arguments are 0, but where that would do something. */
static inline struct row_call row_allowed(const struct syscall_rule *rule)
{
        struct row_call c = { .number = rule->number };

        for (unsigned i = 0; i < SYSCALL_ARGS; i++)
                if (rule->args[i].test == ARG_EQUALS || rule->args[i].test == ARG_WITH)
                        c.args[rule->args[i].index] = rule->args[i].value;
        if (rule->number == SYS_clone)
                c.args[0] |= 0x20000000; /* CLONE_NEWPID: a thread cannot have one, so none is made */
        if (rule->number == SYS_poll)
                c.args[1] = 0x7fffffff; /* too many: it does not wait */
        if (rule->number == SYS_ppoll)
                c.args[2] = 1; /* no time that could be read */
        return c;
}

static inline const struct arg_rule *row_argument(const struct syscall_rule *rule, unsigned arg)
{
        for (unsigned i = 0; i < SYSCALL_ARGS; i++)
                if (rule->args[i].test != ARG_ANY && rule->args[i].index == arg)
                        return &rule->args[i];
        return NULL;
}

/* Variant @variant of argument @arg: false when there is none. */
static inline bool row_perturbed(const struct syscall_rule *rule, unsigned arg, unsigned variant,
                                 struct row_call *ret)
{
        static const unsigned long others[] = { 1, 1UL << 31, 1UL << 32, 1UL << 63, ~0UL };
        const struct arg_rule *a = row_argument(rule, arg);
        unsigned bit = 0;

        *ret = row_allowed(rule);
        if (!a) {
                ret->args[arg] = 0x7ff0;
                return variant == 0;
        }
        if (a->test == ARG_EQUALS) {
                if (variant >= sizeof(others) / sizeof(others[0]))
                        return false;
                ret->args[arg] ^= others[variant];
                return true;
        }
        for (; bit < 64; bit++)
                if (a->value >> bit & 1 && variant-- == 0)
                        break;
        if (bit == 64)
                return false;
        ret->args[arg] ^= 1UL << bit;
        return true;
}

/* Whether some row of the table lets it pass; else the errno of one that refuses, or death (-1). */
static inline int row_verdict(enum role role, const struct row_call *call)
{
        unsigned n;
        const struct syscall_rule *rules = policy_syscalls(role, &n);

        for (unsigned i = 0; i < n; i++) {
                bool fits = rules[i].number == call->number;

                for (unsigned k = 0; k < SYSCALL_ARGS && fits; k++) {
                        const struct arg_rule *a = &rules[i].args[k];
                        unsigned long value = call->args[a->index];

                        fits = a->test == ARG_ANY || (a->test == ARG_EQUALS && value == a->value) ||
                               (a->test == ARG_WITHOUT && !(value & a->value)) ||
                               (a->test == ARG_WITH && (value & a->value) == a->value);
                }
                if (fits)
                        return rules[i].deny;
        }
        return -1;
}
