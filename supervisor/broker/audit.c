/* audit.c - reads seccomp's records (type 1326) in /dev/kmsg. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/broker/audit.h"

#define WAIT_MS  5
#define WAITS    4

int audit_open(void)
{
        int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0)
                lseek(fd, 0, SEEK_END);
        return fd >= 0 ? fd : -EBADF;
}

static int field(const char *line, const char *key, long *ret)
{
        const char *at = strstr(line, key);

        return at && sscanf(at + strlen(key), "%ld", ret) == 1 ? 0 : -ENOENT;
}

int audit_find(int fd, pid_t pid, char *text, size_t size)
{
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        char line[2048];

        if (fd < 0)
                return -ENOENT;
        for (int i = 0; i < WAITS;) {
                ssize_t n = read(fd, line, sizeof(line) - 1); /* one record a read */
                long of, number;

                if (n < 0 && errno == EPIPE)
                        continue; /* records were overwritten before we came: on to the next */
                if (n <= 0) {
                        poll(&wait, 1, WAIT_MS);
                        i++;
                        continue;
                }
                line[n] = '\0';
                if (strstr(line, "type=1326") && field(line, " pid=", &of) == 0 && of == pid &&
                    field(line, " syscall=", &number) == 0) {
                        policy_syscall_name((int)number, text, size);
                        return 0;
                }
        }
        return -ENOENT;
}
