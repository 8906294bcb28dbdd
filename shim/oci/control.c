/* control.c - nacelle-oci start, kill, delete. */
#include "config.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "shim/oci/cgroup.h"
#include "shim/oci/create.h"
#include "shim/oci/state.h"

#define DEATH_MS 10000

static int not_so(const struct oci_state *s, const char *what, struct error *err)
{
        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "cannot %s a container that is %s: %.100s", what,
                         oci_status_text(oci_state_status(s)), s->id);
}

int container_start(const struct globals *g, const char *id, struct error *err)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
        _cleanup_close_ int fifo = -EBADF;
        struct stat st;
        int r = oci_id_check(id, err);

        if (r >= 0)
                r = oci_state_open(g->root, id, true, &s, err);
        if (r < 0)
                return r;
        if (oci_state_status(&s) != OCI_CREATED)
                return not_so(&s, "start", err);
        fifo = openat(s.dir, OCI_STATE_FIFO, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (fifo < 0 || fstat(fifo, &st) < 0 || !S_ISFIFO(st.st_mode) || write(fifo, "s", 1) != 1)
                return not_so(&s, "start", err); /* it has died this moment */
        return unlinkat(s.dir, OCI_STATE_FIFO, 0) < 0
                       ? error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "state of %.100s: %m", id)
                       : 0;
}

static int start_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                      struct error *err)
{
        (void)values;
        (void)n;
        return container_start(g, operands[0], err);
}

static const struct oci_option no_options[] = { { 0 } };

const struct oci_command start_command = {
        .name = "start", .operands = "ID", .operands_min = 1, .operands_max = 1, .main = start_main,
        .text = "let a created container run", .options = no_options,
};

/* "15", "TERM", "SIGTERM", "RTMIN+3". Negative: no signal. */
static int signal_of(const char *text)
{
        const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
        char *end = (char *)(uintptr_t)name;
        long n;

        if (isdigit((unsigned char)text[0])) {
                n = strtol(text, &end, 10);
                return *end || n < 1 || n > SIGRTMAX ? -EINVAL : (int)n;
        }
        if (strncasecmp(name, "RTMIN", 5) == 0 && (name[5] == '+' || !name[5])) {
                n = name[5] && isdigit((unsigned char)name[6]) ? strtol(name + 6, &end, 10) : 0;
                return (name[5] && *end) || SIGRTMIN + n > SIGRTMAX ? -EINVAL : SIGRTMIN + (int)n;
        }
        for (int s = 1; s < SIGRTMIN; s++) {
                const char *known = sigabbrev_np(s);

                if (known && strcasecmp(known, name) == 0)
                        return s;
        }
        return -EINVAL;
}

/* A process that is stopped would leave its cell running: the cell is another process. */
static bool stops(int signal)
{
        return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

struct kill_options { bool all; };

static int kill_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                     struct error *err)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
        _cleanup_close_ int pidfd = -EBADF;
        int signal = n > 1 ? signal_of(operands[1]) : SIGTERM, r = oci_id_check(operands[0], err);

        (void)values;
        if (r >= 0 && signal < 0)
                r = error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "no such signal: %.80s", operands[1]);
        if (r >= 0 && stops(signal))
                r = error_set(err, STAGE_USAGE, -EOPNOTSUPP, ERROR_NOWHERE,
                              "signal %s: a container cannot be stopped and go on", sigabbrev_np(signal));
        if (r >= 0)
                r = oci_state_open(g->root, operands[0], false, &s, err);
        if (r < 0)
                return r;
        pidfd = oci_process_open(&s.process);
        r = pidfd < 0 ? pidfd : oci_process_signal(pidfd, signal);
        if (r == -ESRCH) /* engines look for these words */
                return error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "container not running: %.100s", s.id);
        return r < 0 ? error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "signal to %.100s: %s", s.id, strerror(-r)) : 0;
}

const struct oci_command kill_command = {
        .name = "kill", .operands = "ID [SIGNAL]", .operands_min = 1, .operands_max = 2, .main = kill_main,
        .values_bytes = sizeof(struct kill_options),
        .text = "send a signal to the container's process (default: TERM)",
        .options = (const struct oci_option[]) {
                { "all", 'a', OPTION_SWITCH, offsetof(struct kill_options, all),
                  "taken, and without meaning: the cell goes with its process", NULL },
                { 0 },
        },
};

static int end(const struct oci_state *s, struct error *err)
{
        _cleanup_close_ int pidfd = oci_process_open(&s->process);
        int r;

        if (pidfd < 0)
                return 0;
        r = oci_process_signal(pidfd, SIGKILL);
        if (r == -ESRCH)
                return 0;
        if (r >= 0)
                r = oci_process_await(pidfd, DEATH_MS);
        return r < 0 ? error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "ending %.100s: %s", s->id, strerror(-r)) : 0;
}

/* A directory that a killed `create` left, if nobody is at work in it. */
static int delete_leftover(const struct globals *g, const char *id, struct error *err)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
        int root = oci_root_open(g->root, false, NULL), r;

        if (root < 0)
                return 0;
        r = faccessat(root, id, F_OK, AT_SYMLINK_NOFOLLOW);
        close(root);
        if (r < 0)
                return 0;
        r = oci_state_new(g->root, id, &s, err);
        return r < 0 ? r : oci_cgroups_remove(&s, err);
}

int container_delete(const struct globals *g, const char *id, bool force, struct error *err)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
        struct error none = { 0 };
        int r = oci_id_check(id, err);

        if (r < 0)
                return r;
        r = oci_state_open(g->root, id, true, &s, &none);
        /* Whoever makes it, or just died of that, has it locked: then it will be there, or gone. */
        for (int ms = 0; r == -ENOENT && force; ms++) {
                r = delete_leftover(g, id, err);
                if (r != -EEXIST || ms == DEATH_MS)
                        return r;
                *err = none = (struct error) { 0 };
                nanosleep(&(struct timespec) { 0, 1000000 }, NULL);
                r = oci_state_open(g->root, id, true, &s, &none);
        }
        if (r < 0) {
                (void)error_set(err, none.stage, r, none.offset, "%s", none.text);
                return r;
        }
        /* One that nobody started has nothing to lose: other runtimes delete it, and engines count on that. */
        if (!force && oci_state_status(&s) == OCI_RUNNING)
                return not_so(&s, "delete", err);
        r = end(&s, err);
        if (r >= 0)
                r = oci_cgroups_remove(&s, err);
        return r < 0 ? r : oci_state_remove(&s, err);
}

struct delete_options { bool force; };

static int delete_main(const struct globals *g, const void *values, const char *const *operands, unsigned n,
                       struct error *err)
{
        (void)n;
        return container_delete(g, operands[0], ((const struct delete_options *)values)->force, err);
}

const struct oci_command delete_command = {
        .name = "delete", .operands = "ID", .operands_min = 1, .operands_max = 1, .main = delete_main,
        .values_bytes = sizeof(struct delete_options),
        .text = "remove a container that has ended, or was not started",
        .options = (const struct oci_option[]) {
                { "force", 'f', OPTION_SWITCH, offsetof(struct delete_options, force),
                  "kill it first when it runs; one that is not there is no error", NULL },
                { 0 },
        },
};
