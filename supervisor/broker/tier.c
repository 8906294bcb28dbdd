/* tier.c - see tier.h. */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/broker/spawn.h"
#include "supervisor/broker/tier.h"

enum { FD_HOT = 3, FD_FILE = 4, FD_CACHE = 5, FD_FREE = 6 };

/* Nothing of the command stays open: who waits for the end of its output must not wait for us. */
static bool keep_only(const int fds[3])
{
        int moved[3], nothing;

        for (int i = 0; i < 3; i++) {
                moved[i] = fcntl(fds[i], F_DUPFD, 64);
                if (moved[i] < 0)
                        return false;
        }
        nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (nothing < 0)
                return false;
        for (int i = 0; i < 3; i++)
                if (dup2(nothing, i) < 0 || dup2(moved[i], FD_HOT + i) < 0)
                        return false;
        return syscall(SYS_close_range, FD_FREE, ~0U, 0) == 0;
}

/* The lock of a cache's only helper; it goes with the process. */
static bool alone(void)
{
        int fd = openat(FD_CACHE, "optimiser.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static bool read_hot(struct heat_message *ret)
{
        return read(FD_HOT, ret, sizeof(*ret)) == sizeof(*ret);
}

static void step_back(void)
{
        struct sched_param none = { 0 };

        setsid();
        (void)setpriority(PRIO_PROCESS, 0, 19);
        (void)sched_setscheduler(0, SCHED_IDLE, &none);
}

static _noreturn_ void helper(const struct run_options *o, const struct found *found)
{
        struct run_options quiet = { .cpu = o->cpu, .jobs = 1, .degraded = o->degraded, .pin = o->pin };
        struct heat_message hot;
        struct found f = *found;

        f.cache = FD_CACHE;
        if (!read_hot(&hot))
                _exit(0);
        step_back();
        if (!alone())
                _exit(0);
        if (f.choice.tier == TIER_FAST) {
                quiet.tier = TIER_MIXED;
                /* When this fails the whole module may still succeed. */
                if (artefact_improve(&quiet, FD_FILE, &f, hot.functions, hot.n, NULL) < 0)
                        errno = 0;
        }
        quiet.tier = TIER_PEAK;
        _exit(artefact_improve(&quiet, FD_FILE, &f, NULL, 0, NULL) < 0);
}

void tier_up_wait(struct tier_up *t, const struct run_options *o, int file, const struct found *found)
{
        char path[4096];
        int pair[2];
        pid_t pid;

        if (!o->auto_tier || found->choice.tier == TIER_PEAK || !found->stampable || found->cache < 0 ||
            program_find("nacelle-compiler-peak", path, sizeof(path), NULL) < 0 ||
            pipe2(pair, O_CLOEXEC) < 0)
                return;
        pid = fork();
        if (pid == 0) {
                if (!keep_only((int[]) { pair[0], file, found->cache }))
                        _exit(1);
                helper(o, found);
        }
        close(pair[0]);
        if (pid < 0) {
                close(pair[1]);
                return;
        }
        *t = (struct tier_up) { .pid = pid, .pipe = pair[1] };
}

void tier_up_go(struct tier_up *t, const struct heat_message *hot)
{
        if (!t->pid)
                return;
        /* A helper that is not there any more is no loss. */
        if (write(t->pipe, hot, sizeof(*hot)) == sizeof(*hot))
                t->pid = 0;
        close(t->pipe);
        t->pipe = -EBADF;
        tier_up_done(t);
}

void tier_up_done(struct tier_up *t)
{
        if (!t->pid)
                return;
        /* It reads the end of the pipe and goes; the command does not wait to see it. */
        closep(&t->pipe);
        (void)waitpid(t->pid, NULL, WNOHANG);
        t->pid = 0;
}
