/* process.c - see process.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "shim/oci/process.h"

/* The state and the 22nd field of /proc/PID/stat, behind the name, which may hold blanks and parentheses. */
static int read_stat(pid_t pid, char *ret_state, uint64_t *ret_start)
{
        char path[48], text[1024];
        const char *at;
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -ESRCH;
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
        if (n <= 0)
                return -ESRCH;
        text[n] = '\0';
        at = strrchr(text, ')');
        if (!at || at[1] != ' ' || !at[2])
                return -ESRCH;
        at += 2;
        *ret_state = *at;
        for (int field = 3; field < 22; field++) {
                at = strchr(at, ' ');
                if (!at)
                        return -ESRCH;
                at++;
        }
        return sscanf(at, "%" SCNu64, ret_start) == 1 ? 0 : -ESRCH;
}

int oci_process_of(pid_t pid, struct oci_process *ret)
{
        char state;
        uint64_t start;
        int r = read_stat(pid, &state, &start);

        if (r < 0)
                return r;
        *ret = (struct oci_process) { pid, start };
        return 0;
}

int oci_process_open(const struct oci_process *p)
{
        int fd = p->pid > 0 ? (int)syscall(SYS_pidfd_open, p->pid, 0) : -1;
        uint64_t start;
        char state;

        if (fd < 0)
                return -ESRCH;
        /* Looked at behind the descriptor: what has the number now is what the descriptor is of, or it has ended. */
        if (read_stat(p->pid, &state, &start) == 0 && start == p->start && state != 'Z' && state != 'X')
                return fd;
        close(fd);
        return -ESRCH;
}

int oci_process_signal(int pidfd, int signal)
{
        return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int oci_process_await(int pidfd, int ms)
{
        struct pollfd end = { .fd = pidfd, .events = POLLIN };
        int r;

        do
                r = poll(&end, 1, ms);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}
