/* spawn.c - see spawn.h. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/broker/broker.h"
#include "supervisor/broker/clone.h"
#include "supervisor/broker/spawn.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define FOLLOW_MS 5000

static const char *programs_directory;

void broker_programs(const char *directory)
{
        programs_directory = directory;
}

static int try_program(const char *dir, const char *name, char *path, size_t size)
{
        int n = snprintf(path, size, "%s/%s", dir, name);

        return n > 0 && (size_t)n < size && access(path, X_OK) == 0 ? 0 : -ENOENT;
}

int program_find(const char *name, char *path, size_t size, struct error *err)
{
        char self[4096];
        ssize_t n;

        if (programs_directory && try_program(programs_directory, name, path, size) == 0)
                return 0;
        n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (n > 0) {
                char *slash;

                self[n] = '\0';
                slash = strrchr(self, '/');
                if (slash) {
                        *slash = '\0';
                        if (try_program(self, name, path, size) == 0)
                                return 0;
                }
        }
        if (try_program(LIBEXECDIR, name, path, size) == 0)
                return 0;
        return error_set(err, STAGE_BROKER, -ENOENT, ERROR_NOWHERE,
                         "%s is neither beside this program nor in %s", name, LIBEXECDIR);
}

/* In the child, which shares our memory until execve(): nothing here may touch it. The returned
 * errno is all that comes back. */
static int child(const char *path, char *const *argv, const int *fds, unsigned nfds, int cgroup)
{
        static char *const empty[] = { NULL };
        int high[SPAWN_FDS_MAX];
        sigset_t none;

        if (cgroup >= 0) {
                int procs = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);

                if (procs < 0 || write(procs, "0", 1) != 1)
                        return errno;
        }
        /* First all out of the way, then down to their places: no source is overwritten. */
        for (unsigned i = 0; i < nfds; i++) {
                int fd = fds[i] >= 0 ? fds[i] : open("/dev/null", O_RDWR | O_CLOEXEC);

                high[i] = fcntl(fd, F_DUPFD_CLOEXEC, SPAWN_FDS_MAX);
                if (high[i] < 0)
                        return errno;
        }
        for (unsigned i = 0; i < nfds; i++)
                if (dup2(high[i], (int)i) < 0)
                        return errno;
        if (syscall(SYS_close_range, nfds, ~0u, 0) < 0)
                for (int fd = (int)nfds; fd < 1024; fd++)
                        fcntl(fd, F_SETFD, FD_CLOEXEC);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(path, argv, empty);
        return errno;
}

/* Born in its group it need not be moved there, for which the kernel stops all others that fork; a filter that
 * cannot look into clone3()'s arguments refuses it, and then it moves by itself. Whether it may be the first of its
 * namespace is the kernel's to say: *@first becomes the answer. */
static int start(const char *path, char *const *argv, const int *fds, unsigned nfds, int cgroup, bool *first,
                 struct process *ret, struct error *err)
{
        volatile bool alone = *first;
        volatile int failure = 0, move = cgroup;
        volatile long pid = -ENOSYS;
        int pidfd;

        *first = false;
        if (nfds > SPAWN_FDS_MAX)
                return error_set(err, STAGE_BROKER, -E2BIG, ERROR_NOWHERE, "too many descriptors");
        while (pid < 0 && (alone || cgroup >= 0)) {
                const struct clone_raw_args args = {
                        .flags = CLONE_VM | CLONE_VFORK | (alone ? CLONE_NEWPID : 0) |
                                 (cgroup >= 0 ? CLONE_ARGS_INTO_CGROUP : 0),
                        .exit_signal = SIGCHLD, .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
                };

                /* What the child writes here, we read: nothing but what is the same for both. */
                pid = clone_raw(&args, sizeof(args));
                if (pid >= 0) {
                        move = -EBADF;
                        *first = alone;
                } else if (alone) {
                        alone = false;
                } else {
                        break;
                }
        }
        if (pid < 0)
                pid = vfork();
        if (pid < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "starting %s: %m", path);
        if (pid == 0) {
                failure = child(path, argv, fds, nfds, move);
                _exit(127);
        }
        if (failure) {
                waitpid((pid_t)pid, NULL, 0);
                return error_set(err, STAGE_BROKER, -failure, ERROR_NOWHERE, "starting %s: %s", path,
                                 strerror(failure));
        }
        /* We have not reaped it, so the number is still its own. */
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0) {
                int r = -errno;

                kill((pid_t)pid, SIGKILL);
                waitpid((pid_t)pid, NULL, 0);
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "pidfd: %s", strerror(-r));
        }
        *ret = (struct process) { (pid_t)pid, pidfd };
        return 0;
}

int process_start(const char *path, char *const *argv, const int *fds, unsigned nfds, int cgroup,
                  struct process *ret, struct error *err)
{
        bool first = false;

        return start(path, argv, fds, nfds, cgroup, &first, ret, err);
}

int process_start_first(const char *path, char *const *argv, const int *fds, unsigned nfds, int cgroup,
                        bool *ret_first, struct process *ret, struct error *err)
{
        bool first = true;
        int r = start(path, argv, fds, nfds, cgroup, &first, ret, err);

        if (r >= 0)
                *ret_first = first;
        return r;
}

int process_follow(struct process *p, pid_t pid)
{
        struct pollfd end = { .fd = p->pidfd, .events = POLLIN };
        struct process_end how;
        siginfo_t info;
        int fd, r;

        /* A child that nobody has waited for: its number is its own. */
        if (pid <= 0 || pid == p->pid || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
                return -ESRCH;
        do
                r = poll(&end, 1, FOLLOW_MS);
        while (r < 0 && errno == EINTR);
        if (r != 1)
                return -ETIME;
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
                return -errno;
        (void)process_wait(p, &how);
        *p = (struct process) { pid, fd };
        return 0;
}

void process_kill(const struct process *p)
{
        if (p->pid > 0)
                syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
}

/* Who was killed and did not go in time; the oldest is forgotten, and whoever adopts it takes it. */
static struct process lingering[32];

static void reap_lingering(void)
{
        for (size_t i = 0; i < ELEMENTSOF(lingering); i++) {
                siginfo_t info = { 0 };

                if (!lingering[i].pid)
                        continue;
                if (waitid((idtype_t)P_PIDFD, (id_t)lingering[i].pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid) {
                        close(lingering[i].pidfd);
                        lingering[i].pid = 0;
                }
        }
}

static int let_linger(struct process *p)
{
        static unsigned next;
        struct process *at = &lingering[next++ % ELEMENTSOF(lingering)];

        if (at->pid)
                close(at->pidfd);
        *at = *p;
        *p = (struct process) { 0, -EBADF };
        return -ETIMEDOUT;
}

int process_wait(struct process *p, struct process_end *ret)
{
        siginfo_t info = { 0 };
        struct pollfd dead = { .fd = p->pidfd, .events = POLLIN };
        int r;

        if (p->pid <= 0)
                return -ECHILD;
        reap_lingering();
        do
                r = poll(&dead, 1, PROCESS_PATIENCE_MS);
        while (r < 0 && errno == EINTR);
        if (r == 0)
                return let_linger(p);
        do
                r = waitid((idtype_t)P_PIDFD, (id_t)p->pidfd, &info, WEXITED);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return -errno;
        close(p->pidfd);
        *p = (struct process) { 0, -EBADF };
        *ret = (struct process_end) {
                .signal = info.si_code == CLD_EXITED ? 0 : info.si_status,
                .status = info.si_code == CLD_EXITED ? info.si_status : 0,
        };
        return 0;
}

void process_done(struct process *p)
{
        struct process_end end;

        process_kill(p);
        process_wait(p, &end);
}

char *process_end_text(const struct process_end *end, char *text, size_t size)
{
        if (end->signal)
                snprintf(text, size, "killed by signal %d (%s)", end->signal, strsignal(end->signal));
        else
                snprintf(text, size, "exited with status %d", end->status);
        return text;
}
