/* improve_child.c - one step of the optimiser, in a process of its own; see improve.h.
 *
 * It is forked as prepare.c's child is, and holds nothing of the daemon's. Its compiler dies with it, and it
 * with the daemon. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/broker/found.h"
#include "supervisor/broker/tier.h"
#include "supervisor/daemon/improve.h"
#include "supervisor/proto/descriptors.h"
#include "supervisor/proto/proto.h"

#define TELL_EVERY_MS 200

enum { FD_DAEMON = 3, FD_CHILD_FREE = 4 };

struct telling {
        int cache, lock;
        int64_t last_ms;
};

static void tell(struct step_word *word, int fd)
{
        word->artefact = -EBADF;
        (void)descriptors_send(FD_DAEMON, word, sizeof(*word), &fd, fd >= 0, 0);
}

static int progress(void *context, uint64_t done, uint64_t all)
{
        struct telling *t = context;
        int64_t ms = (int64_t)(monotonic_ns() / 1000000);

        if (ms - t->last_ms >= TELL_EVERY_MS) {
                t->last_ms = ms;
                tell(&(struct step_word) { .kind = STEP_PROGRESS, .done = done, .all = all }, -EBADF);
        }
        return t->cache >= 0 && tier_cache_gone(t->cache, t->lock);
}

/* The cache, and to be the only one who works on it. Without one the daemon has the artefact all the same. */
static int take_cache(const struct run_options *o, struct telling *t, struct error *err)
{
        t->cache = t->lock = -EBADF;
        if (artefact_cache(o, &t->cache, err) < 0 || t->cache < 0)
                return 0;
        t->lock = tier_cache_lock(t->cache);
        if (t->lock == -EWOULDBLOCK)
                return -EBUSY;
        if (t->lock < 0)
                closep(&t->cache);
        return 0;
}

static int improve(const struct step_order *order, int *ret_fd, struct error *err)
{
        const struct artefact_choice *choice = order->choice;
        struct telling telling = { 0 };
        struct run_options o = {
                .tier = choice->tier, .cpu = choice->cpu, .dense = choice->dense, .jobs = 1, .background = true,
                .cache = order->options->cache, .degraded = order->degraded, .progress = progress,
                .context = &telling,
        };
        struct found found = { .fd = -EBADF, .compiled = true, .choice = *choice, .digest = *order->module };
        _cleanup_close_ int file = open(order->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int r;

        if (file < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", order->path);
        r = take_cache(&o, &telling, err);
        if (r < 0)
                return r;
        found.cache = telling.cache;
        found.stampable = stamp_identity(file, true, &found.module);
        r = artefact_improve(&o, file, &found, order->hot->functions, choice->tier == TIER_MIXED ? order->hot->n : 0,
                             ret_fd, err);
        if (r == -ECANCELED)
                error_set(err, STAGE_COMPILE, r, ERROR_NOWHERE, "the cache was removed");
        return r;
}

static _noreturn_ void child(const struct step_order *o, int sock, pid_t parent)
{
        struct error err = { 0 };
        struct step_word word = { 0 };
        sigset_t none;
        int fd = -EBADF;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || dup2(sock, FD_DAEMON) < 0)
                _exit(1);
        syscall(SYS_close_range, FD_CHILD_FREE, ~0u, 0);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        tier_step_back();
        word.code = improve(o, &fd, &err);
        word.kind = word.code >= 0 ? STEP_DONE : word.code == -EBUSY ? STEP_BUSY : STEP_FAILED;
        memcpy(word.text, err.text, sizeof(err.text));
        tell(&word, fd);
        _exit(0);
}

int step_start(const struct step_order *o, struct step *ret, struct error *err)
{
        struct step s = { .child = { 0, -EBADF }, .sock = -EBADF };
        _cleanup_close_ int theirs = -EBADF;
        pid_t self = getpid();
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
        s.sock = pair[0];
        theirs = pair[1];
        s.child.pid = fork();
        if (s.child.pid == 0)
                child(o, theirs, self);
        if (s.child.pid > 0)
                s.child.pidfd = (int)syscall(SYS_pidfd_open, s.child.pid, 0);
        if (s.child.pid < 0 || s.child.pidfd < 0) {
                r = error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "a process for the optimiser: %m");
                closep(&s.sock);
                if (s.child.pid > 0) {
                        (void)kill(s.child.pid, SIGKILL);
                        (void)waitpid(s.child.pid, NULL, 0);
                }
                return r;
        }
        *ret = s;
        return 0;
}

int step_read(struct step *s, struct step_word *ret)
{
        unsigned nfds = 0;
        int artefact = -EBADF;
        ssize_t n = descriptors_receive(s->sock, ret, sizeof(*ret), &artefact, 1, &nfds, MSG_DONTWAIT);

        if (n == -EAGAIN)
                return 0;
        ret->artefact = artefact;
        if (n != sizeof(*ret) || (ret->kind == STEP_DONE && ret->artefact < 0)) {
                closep(&ret->artefact);
                *ret = (struct step_word) { .kind = STEP_FAILED, .code = -EPIPE, .artefact = -EBADF,
                                            .text = "it ended without a word" };
        }
        ret->text[sizeof(ret->text) - 1] = '\0';
        return 1;
}

void step_end(struct step *s, struct process *ret_dying)
{
        process_kill(&s->child);
        closep(&s->sock);
        *ret_dying = s->child;
        *s = (struct step) { .child = { 0, -EBADF }, .sock = -EBADF };
}
