/* create.c - nacelle-oci create: the container's process is forked, and when it is ready its state is written. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "shim/oci/console.h"
#include "shim/oci/container.h"
#include "shim/oci/create.h"
#include "shim/oci/log.h"
#include "shim/oci/scope.h"
#include "shim/oci/state.h"
#include "supervisor/broker/broker.h"

struct making { /* what goes again when it fails */
        struct oci_state state;
        struct oci_cgroups groups;
        struct launch launch;
        int fifo, sock;
        bool scope;
        pid_t pid;
};

static int fail(struct error *err, const char *what)
{
        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s: %m", what);
}

static void end_process(struct making *m)
{
        closep(&m->sock);
        m->sock = -EBADF;
        if (m->pid <= 0)
                return;
        kill(m->pid, SIGKILL);
        while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        m->pid = 0;
}

static void making_done(struct making *m)
{
        struct error none = { 0 };

        end_process(m);
        if (m->state.fresh && oci_cgroups_remove(&m->state, &none) < 0)
                oci_log("warning", "%s", none.text);
        oci_state_done(&m->state);
        oci_cgroups_done(&m->groups);
        launch_done(&m->launch);
        closep(&m->fifo);
}

/* Both ends in one descriptor, so that it is there as long as the process is. */
static int make_fifo(struct making *m, struct error *err)
{
        (void)unlinkat(m->state.dir, OCI_STATE_FIFO, 0);
        if (mkfifoat(m->state.dir, OCI_STATE_FIFO, 0600) < 0)
                return fail(err, "fifo");
        m->fifo = openat(m->state.dir, OCI_STATE_FIFO, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        return m->fifo < 0 ? fail(err, "fifo") : 0;
}

static int fork_process(struct making *m, const char *console, bool refresh, struct error *err)
{
        struct container c = { .launch = &m->launch, .console = console, .cgroups = &m->groups, .fifo = m->fifo,
                               .scope = m->scope, .parent = getpid(), .refresh = refresh };
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return fail(err, "socket pair");
        fflush(NULL);
        m->pid = fork();
        if (m->pid == 0) {
                c.creator = pair[1];
                container_main(&c);
        }
        close(pair[1]);
        m->sock = pair[0];
        return m->pid < 0 ? fail(err, "the container's process") : 0;
}

static int how_it_ended(struct making *m, struct error *err)
{
        int status = 0;
        pid_t r = waitpid(m->pid, &status, 0);

        m->pid = 0;
        return error_set(err, STAGE_BROKER, -ECHILD, ERROR_NOWHERE,
                         r > 0 && WIFSIGNALED(status) ? "the container's process was killed by signal %d before it was ready"
                                                      : "the container's process ended before it was ready",
                         r > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static int await_ready(struct making *m, struct error *err)
{
        struct container_word w;
        ssize_t n;

        do
                n = recv(m->sock, &w, sizeof(w), 0);
        while (n < 0 && errno == EINTR);
        if (n != (ssize_t)sizeof(w))
                return how_it_ended(m, err);
        if (w.code == 0)
                return 0;
        w.text[sizeof(w.text) - 1] = '\0';
        return error_set(err, w.stage < _STAGE_MAX ? (enum stage)w.stage : STAGE_BROKER, w.code < 0 ? w.code : -EIO,
                         w.offset, "%s", w.text);
}

/* A cache entry that bit rot costs a compilation, not the container. */
static int make_process(struct making *m, const char *console, struct error *err)
{
        struct error first = { 0 };
        int r = fork_process(m, console, false, &first);

        if (r >= 0)
                r = await_ready(m, &first);
        if (r < 0 && first.stage == STAGE_ARTEFACT) {
                end_process(m);
                first = (struct error) { 0 };
                r = fork_process(m, console, true, &first);
                if (r >= 0)
                        r = await_ready(m, &first);
        }
        if (r < 0 && err)
                *err = first;
        return r;
}

static int write_pid_file(const char *path, pid_t pid, struct error *err)
{
        _cleanup_free_ char *beside = NULL;
        _cleanup_close_ int fd = -EBADF;
        char text[16];
        int n = snprintf(text, sizeof(text), "%d", (int)pid);

        if (!path)
                return 0;
        if (asprintf(&beside, "%s.%d.new", path, (int)getpid()) < 0) {
                beside = NULL;
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        }
        fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text, (size_t)n) != n || rename(beside, path) < 0) {
                int r = error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "--pid-file %.150s: %m", path);

                if (fd >= 0)
                        (void)unlink(beside);
                return r;
        }
        return 0;
}

static char *time_text(void)
{
        struct timespec now;
        struct tm tm;
        char text[40], *whole = NULL;

        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &tm);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        return asprintf(&whole, "%s.%09ldZ", text, now.tv_nsec) < 0 ? NULL : whole;
}

static int write_state(struct making *m, const char *bundle, struct error *err)
{
        struct oci_state *s = &m->state;
        int r = oci_process_of(m->pid, &s->process);

        if (r < 0)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "the container's process is gone");
        s->bundle = strdup(bundle);
        s->created = time_text();
        s->annotations = m->launch.plan->annotations ? strdup(m->launch.plan->annotations) : NULL;
        if (!s->bundle || !s->created || (m->launch.plan->annotations && !s->annotations))
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        return oci_state_write(s, err);
}

/* It is to live without us from here on; our death would be its own until it has closed the socket. If it dies
 * just now, that is a stopped container. */
static void let_go(struct making *m)
{
        char none;

        (void)send(m->sock, "g", 1, MSG_NOSIGNAL);
        while (recv(m->sock, &none, 1, 0) < 0 && errno == EINTR)
                ;
}

static int make_groups(struct making *m, const struct globals *g, struct error *err)
{
        struct oci_plan *plan = m->launch.plan;

        if (g->cgroup_manager && strcmp(g->cgroup_manager, "disabled") == 0)
                plan->cgroups_path = NULL;
        else if (g->systemd_cgroup && plan->cgroups_path)
                m->scope = true;
        return m->scope ? scope_check(plan, err) : oci_cgroups_make(plan, &m->state, &m->groups, err);
}

static int make(struct making *m, const struct globals *g, const struct create_options *o, const char *bundle,
                const char *id, struct error *err)
{
        int r = oci_state_new(g->root, id, &m->state, err);

        if (r >= 0)
                r = oci_cgroups_remove(&m->state, err); /* of a create that was killed */
        if (r >= 0)
                r = launch_read(bundle, &m->launch, err);
        if (r >= 0)
                r = console_check(o->console, m->launch.plan->terminal, err);
        if (r >= 0)
                r = make_groups(m, g, err);
        if (r >= 0)
                r = make_fifo(m, err);
        if (r >= 0)
                r = make_process(m, o->console, err);
        if (r >= 0)
                r = write_pid_file(o->pid_file, m->pid, err);
        if (r >= 0)
                r = write_state(m, bundle, err);
        if (r < 0)
                return r;
        let_go(m);
        return 0;
}

int container_create(const struct globals *g, const struct create_options *o, const char *id, pid_t *ret_pid,
                     struct error *err)
{
        _cleanup_(making_done) struct making m = { .state = OCI_STATE_NONE, .fifo = -EBADF, .sock = -EBADF };
        _cleanup_free_ char *bundle = realpath(o->bundle ? o->bundle : ".", NULL);
        int r = oci_id_check(id, err);

        if (r < 0)
                return r;
        if (!bundle)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "--bundle %.150s: %m", o->bundle);
        r = make(&m, g, o, bundle, id, err);
        if (r < 0)
                return r;
        *ret_pid = m.pid;
        m.pid = 0;
        return 0;
}

#define OPTION(field) offsetof(struct create_options, field)
#define CREATE_OPTIONS                                                                                                 \
        { "bundle", 'b', OPTION_TEXT, OPTION(bundle), "directory of config.json (default: this one)", NULL },          \
        { "pid-file", 0, OPTION_TEXT, OPTION(pid_file), "write the number of the container's process there", NULL },   \
        { "console-socket", 0, OPTION_TEXT, OPTION(console), "where the master of the terminal is sent", NULL },       \
        { "preserve-fds", 0, OPTION_COUNT, OPTION(preserve_fds), "0: no descriptors are handed on",                    \
          "a guest has no way to use descriptors but the standard streams and what it is granted" },                   \
        { "no-pivot", 0, OPTION_SWITCH, OPTION(no_pivot), "taken, and without meaning: no root is changed", NULL },     \
        { "no-new-keyring", 0, OPTION_SWITCH, OPTION(no_new_keyring), "taken, and without meaning: a guest has no keyring", \
          NULL }

static int create_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                       struct error *err)
{
        pid_t pid;

        (void)n;
        return container_create(g, values, operands[0], &pid, err);
}

const struct oci_command create_command = {
        .name = "create", .operands = "ID", .operands_min = 1, .operands_max = 1, .main = create_main,
        .values_bytes = sizeof(struct create_options),
        .text = "make a container: its process waits for start",
        .options = (const struct oci_option[]) { CREATE_OPTIONS, { 0 } },
};

/* What ends a shell's job ends the container; what it would ignore it still ignores. */
static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

static int await_end(pid_t pid)
{
        sigset_t set;
        int status, got;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(forwarded); i++)
                sigaddset(&set, forwarded[i]);
        sigaddset(&set, SIGCHLD);
        for (;;) {
                pid_t r = waitpid(pid, &status, WNOHANG);

                if (r < 0)
                        return STATUS_INTERNAL;
                if (r == pid)
                        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
                if (sigwait(&set, &got) == 0 && got != SIGCHLD)
                        kill(pid, got);
        }
}

static int run_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                    struct error *err)
{
        const struct create_options *o = values;
        sigset_t set;
        pid_t pid;
        int r, status;

        (void)n;
        r = container_create(g, o, operands[0], &pid, err);
        if (r < 0)
                return r;
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        r = container_start(g, operands[0], err);
        if (r < 0 || o->detach)
                return r;
        status = await_end(pid);
        r = o->keep ? 0 : container_delete(g, operands[0], true, err);
        return r < 0 ? r : status;
}

const struct oci_command run_command = {
        .name = "run", .operands = "ID", .operands_min = 1, .operands_max = 1, .main = run_main,
        .values_bytes = sizeof(struct create_options),
        .text = "create, start, and await the end, with the container's exit status",
        .options = (const struct oci_option[]) {
                CREATE_OPTIONS,
                { "detach", 'd', OPTION_SWITCH, OPTION(detach), "do not await the end", NULL },
                { "keep", 0, OPTION_SWITCH, OPTION(keep), "leave the state when it has ended", NULL },
                { 0 },
        },
};
