/* container.c - see container.h. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/policy.h"
#include "shim/oci/console.h"
#include "shim/oci/container.h"
#include "shim/oci/enter.h"
#include "shim/oci/scope.h"

enum { FD_FIFO = 3, FD_CREATOR = 4, FD_ROOT = 5, FD_REST = 6 };

static void say(int creator, const struct error *err)
{
        struct container_word w = { .code = err->code, .stage = err->stage, .offset = err->offset };

        memcpy(w.text, err->text, sizeof(w.text));
        (void)send(creator, &w, sizeof(w), MSG_NOSIGNAL);
}

/* What `create` was started with is not the container's: handlers, masks, descriptors, a directory, a session. */
static int become_a_process(const struct container *c, struct error *err)
{
        sigset_t none;
        int high[FD_REST], from[FD_REST] = { [FD_FIFO] = c->fifo, [FD_CREATOR] = c->creator,
                                             [FD_ROOT] = c->launch->plan->rootfs_fd };

        for (int s = 1; s < NSIG; s++)
                if (s != SIGKILL && s != SIGSTOP)
                        signal(s, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != c->parent)
                _exit(1);
        /* Out of the way first: one may have another's number. */
        for (int i = FD_FIFO; i < FD_REST; i++)
                high[i] = fcntl(from[i], F_DUPFD, 64);
        for (int i = FD_FIFO; i < FD_REST; i++)
                if (high[i] < 0 || dup3(high[i], i, O_CLOEXEC) < 0)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "descriptors: %m");
        c->launch->plan->rootfs_fd = FD_ROOT;
        syscall(SYS_close_range, FD_REST, ~0U, 0);
        setsid();
        umask(c->launch->plan->user.umask);
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
        return chdir("/") < 0 ? error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "/: %m") : 0;
}

static int enter(void *context, struct error *err)
{
        const struct container *c = context;
        const struct run_options *o = &c->launch->run->options;
        int r = c->scope ? scope_enter(c->launch->plan, err) : oci_cgroups_enter(c->cgroups, err);

        if (r >= 0)
                r = enter_oom_score(c->launch->plan, err);
        if (r >= 0)
                r = enter_network(c->launch->plan, o->nlisten || o->nconnect, err);
        if (r >= 0)
                r = enter_user(&c->launch->plan->user, err);
        if (r < 0)
                return r;
        /* A change of user has cleared it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != c->parent)
                return error_set(err, STAGE_BROKER, -ESRCH, ERROR_NOWHERE, "its creator has died");
        return 0;
}

/* One byte, or the end of who should send it. */
static bool await_byte(int fd)
{
        char byte;
        ssize_t n;

        do
                n = read(fd, &byte, 1);
        while (n < 0 && errno == EINTR);
        return n == 1;
}

static int await_start(void *context, struct error *err)
{
        struct container *c = context;
        const struct error ready = { 0 };

        say(FD_CREATOR, &ready);
        /* Nothing of the container is to be seen before its state is written. */
        if (!await_byte(FD_CREATOR))
                return error_set(err, STAGE_BROKER, -ECANCELED, ERROR_NOWHERE, "its creator has died");
        prctl(PR_SET_PDEATHSIG, 0);
        /* Only now may the creator go: it waits for this end. */
        c->creator = -EBADF;
        close(FD_CREATOR);
        if (!await_byte(FD_FIFO))
                return error_set(err, STAGE_BROKER, -EIO, ERROR_NOWHERE, "waiting for the start");
        close(FD_FIFO);
        return 0;
}

/* Whoever reads a container's log has lines: a backtrace becomes one. */
static void complain(const char *text)
{
        char line[RUN_TEXT_BYTES];
        size_t n = 0;

        for (; *text && n + 2 < sizeof(line); text++) {
                if (*text == '\n' && !text[strspn(text, "\n ")])
                        break;
                if (*text == '\n') {
                        text += strspn(text, "\n ") - 1;
                        line[n++] = ',';
                        line[n++] = ' ';
                } else {
                        line[n++] = *text;
                }
        }
        line[n] = '\0';
        fprintf(stderr, "nacelle-oci: %s\n", line);
}

/* The first container of a Kubernetes pod holds its namespaces, and what program it names only waits: so do we. */
static int hold(struct container *c, struct error *err)
{
        struct oci_user *user = &c->launch->plan->user;
        int r;

        if (geteuid() == 0 && user->uid == 0)
                *user = (struct oci_user) { .uid = POLICY_NOBODY, .gid = POLICY_NOBODY };
        r = enter(c, err);
        if (r >= 0)
                r = await_start(c, err);
        if (r < 0)
                return r;
        for (;;)
                pause();
}

static int run(struct container *c, struct error *err)
{
        _cleanup_free_ struct run_outcome *outcome = calloc(1, sizeof(*outcome));
        _cleanup_close_ int file = -EBADF, root = -EBADF;
        struct run_options o;
        int r;

        if (!outcome)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        r = launch_root(c->launch, &root, err);
        if (r < 0)
                return r;
        file = launch_file(c->launch, root, err);
        if (file < 0)
                return file;
        o = c->launch->run->options;
        o.file = file;
        o.found = enter;
        o.ready = await_start;
        o.context = c;
        o.refresh = c->refresh;
        r = broker_run(&o, c->launch->plan->args.words[0], outcome, err);
        if (r < 0)
                return r;
        if (outcome->text[0])
                complain(outcome->text);
        return outcome->status;
}

void container_main(struct container *c)
{
        struct error err = { 0 };
        int r;

        r = become_a_process(c, &err);
        if (r >= 0 && c->launch->plan->terminal)
                r = console_open(c->console, c->launch->plan, &err);
        if (r >= 0)
                r = launch_is_sandbox(c->launch) ? hold(c, &err) : run(c, &err);
        if (r >= 0)
                exit(r);
        if (err.code >= 0) /* 0 would be "ready" */
                error_set(&err, STAGE_BROKER, -EIO, ERROR_NOWHERE, "it failed without a reason");
        if (c->creator >= 0)
                say(FD_CREATOR, &err);
        else /* with control characters escaped: it may quote a hostile process */
                error_print(stderr, "nacelle-oci", &err);
        exit(error_status(&err));
}
