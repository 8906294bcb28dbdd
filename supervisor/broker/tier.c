/* tier.c - see tier.h. */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/broker/spawn.h"
#include "supervisor/broker/tier.h"

enum { FD_HOT = 3, FD_FILE = 4, FD_CACHE = 5, FD_FREE = 6 };

/* Nothing of the command stays open: who waits for the end of its output must not wait for us. */
static bool keep_only(const int fds[3])
{
        int moved[3], nothing;

        for (int i = 0; i < 3; i++) {
                moved[i] = fcntl(fds[i], F_DUPFD, FD_FREE);
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

int tier_cache_lock(int cache)
{
        int fd = openat(cache, "optimiser.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), r;

        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
                return fd;
        r = -errno;
        close(fd);
        return r;
}

static bool is_removed(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

bool tier_cache_gone(int cache, int lock)
{
        return is_removed(cache) || is_removed(lock);
}

bool tier_possible(void)
{
        char path[4096];

        return program_find("nacelle-compiler-peak", path, sizeof(path), NULL) >= 0;
}

void tier_step_back(void)
{
        struct sched_param none = { 0 };
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        (void)setpriority(PRIO_PROCESS, 0, 19);
        (void)sched_setscheduler(0, SCHED_IDLE, &none);
        if (fd >= 0) {
                (void)!write(fd, "1000", 4);
                close(fd);
        }
}

static bool read_hot(struct heat_message *ret)
{
        return read(FD_HOT, ret, sizeof(*ret)) == sizeof(*ret);
}

struct patience {
        int lock;
        time_t until; /* CLOCK_BOOTTIME */
};

static time_t now_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return t.tv_sec;
}

static int is_over(void *context, uint64_t done, uint64_t all)
{
        const struct patience *p = context;

        (void)done;
        (void)all;
        return tier_cache_gone(FD_CACHE, p->lock) || now_s() >= p->until;
}

static _noreturn_ void helper(const struct run_options *o, const struct found *found)
{
        struct patience patience = { 0 };
        struct run_options quiet = { .cpu = o->cpu, .jobs = 1, .degraded = o->degraded, .dense = o->dense,
                                     .deterministic = o->deterministic, .background = true,
                                     .progress = is_over, .context = &patience };
        struct heat_message hot;
        struct found f = *found;
        int r = 0;

        f.cache = FD_CACHE;
        if (!read_hot(&hot))
                _exit(0);
        setsid();
        tier_step_back();
        patience.lock = tier_cache_lock(FD_CACHE);
        if (patience.lock < 0)
                _exit(0);
        patience.until = now_s() + (time_t)TIER_TIME_S;
        if (f.choice.tier == TIER_FAST) {
                quiet.tier = TIER_MIXED;
                r = artefact_improve(&quiet, FD_FILE, &f, hot.functions, hot.n, NULL, NULL);
        }
        quiet.tier = TIER_PEAK;
        /* When that failed the whole module may still succeed. */
        if (r != -ECANCELED)
                r = artefact_improve(&quiet, FD_FILE, &f, NULL, 0, NULL, NULL);
        _exit(r < 0);
}

void tier_up_wait(struct tier_up *t, const struct run_options *o, int file, const struct found *found)
{
        int pair[2];
        pid_t pid;

        /* Who has become another meanwhile may not write into the cache, and what it leaves running is not the guest's. */
        if (!o->auto_tier || o->found || !found->compiled || found->choice.tier == TIER_PEAK || found->cache < 0 ||
            !tier_possible() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
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
        *t = (struct tier_up) { .pid = pid, .sock = pair[1] };
}

void tier_up_go(struct tier_up *t, const struct heat_message *hot)
{
        if (!t->pid)
                return;
        /* A helper that is not there any more is no loss: not even a signal. */
        if (send(t->sock, hot, sizeof(*hot), MSG_NOSIGNAL) == sizeof(*hot))
                t->pid = 0;
        close(t->sock);
        t->sock = -EBADF;
        tier_up_done(t);
}

void tier_up_done(struct tier_up *t)
{
        if (!t->pid)
                return;
        /* It reads the end of the socket and goes; the command does not wait to see it. */
        closep(&t->sock);
        (void)waitpid(t->pid, NULL, WNOHANG);
        t->pid = 0;
}
