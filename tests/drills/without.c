/* without.c - runs a command on a kernel that seems to lack system calls: without CALL[=INDEX:VALUE] ERRNO
 * ... -- COMMAND. CALL is a name or a number; with =INDEX:VALUE only calls with that argument fail.
 * Drills O12 to O14. */
#include "config.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int error_number(const char *name)
{
        static const struct {
                const char *name;
                int number;
        } rows[] = { { "ENOSYS", ENOSYS }, { "EPERM", EPERM }, { "EINVAL", EINVAL },
                     { "EOPNOTSUPP", EOPNOTSUPP }, { "ENOMEM", ENOMEM } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
                if (strcmp(rows[i].name, name) == 0)
                        return rows[i].number;
        exit(99);
}

int main(int argc, char **argv)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        int i;

        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        for (i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
                char *equals = strchr(argv[i], '='), *colon = equals ? strchr(equals, ':') : NULL;
                struct scmp_arg_cmp arg = { 0 };
                int number;

                if (colon)
                        arg = SCMP_CMP((unsigned)atoi(equals + 1), SCMP_CMP_EQ,
                                       strtoul(colon + 1, NULL, 0), 0);
                if (equals)
                        *equals = '\0';
                number = seccomp_syscall_resolve_name(argv[i]);
                if (number == __NR_SCMP_ERROR)
                        number = atoi(argv[i]);
                if (seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)error_number(argv[i + 1])),
                                           number, colon != NULL, &arg) < 0)
                        return 99;
        }
        if (i >= argc - 1 || seccomp_load(filter) < 0)
                return 99;
        execvp(argv[i + 1], argv + i + 1);
        return 127;
}
