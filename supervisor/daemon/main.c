/* main.c - nacelled: options, signals, the service manager; everything else happens from the loop. */
#include "config.h"

#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "engine/base/clock.h"
#include "policy/policy.h"
#include "supervisor/broker/cgroup.h"
#include "supervisor/control/client.h"
#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/host.h"
#include "supervisor/daemon/improve.h"
#include "supervisor/daemon/notify.h"
#include "supervisor/daemon/sockets.h"

#define READY_NS    UINT64_C(30000000000) /* longest wait for the first units */
#define STATUS_NS   UINT64_C(5000000000)
#define LAST_NS     UINT64_C(5000000000)  /* beyond the longest TimeoutStopSec */

static const struct option options[] = {
        { "units", required_argument, NULL, 'u' },   { "control", required_argument, NULL, 'c' },
        { "control-group", required_argument, NULL, 'g' }, { "cache", required_argument, NULL, 'C' },
        { "degraded", no_argument, NULL, 'd' },      { "no-start", no_argument, NULL, 'n' },
        { "system", no_argument, NULL, 's' },        { "check", no_argument, NULL, 'k' },
        { "help", no_argument, NULL, 'h' },          { "version", no_argument, NULL, 'V' },
        { 0 },
};

static const char usage[] =
        "Usage: nacelled [OPTION]...\n\n"
        "Runs units: WebAssembly programs in locked-down cells, as nacelle.unit(5) describes them.\n\n"
        "      --units DIR            read units from DIR alone; may be repeated, the first wins\n"
        "      --control PATH         the socket for nacelle ps, start, stop, ...\n"
        "      --control-group GROUP  its members may change things, too\n"
        "      --cache DIR            where compiled modules are kept\n"
        "      --degraded             run although the kernel lacks a layer\n"
        "      --no-start             start no unit before somebody asks\n"
        "      --system               be the system's, also as a user of its own\n"
        "      --check                read the units, say what is wrong with them, and exit\n"
        "  -h, --help                 this text\n"
        "      --version              the version\n";

static int fail(const struct error *err)
{
        error_print(stderr, "nacelled", err);
        return error_status(err);
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct daemon_options *o, bool *ret_check)
{
        struct error err = { 0 };
        struct group *group;
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                switch (c) {
                case 'u':
                        if (o->nunits == ELEMENTSOF(o->units)) {
                                error_set(&err, STAGE_NONE, -E2BIG, ERROR_NOWHERE, "--units: too many");
                                return fail(&err), STATUS_USAGE;
                        }
                        o->units[o->nunits++] = optarg;
                        break;
                case 'c':
                        o->control = optarg;
                        break;
                case 'g':
                        group = getgrnam(optarg);
                        if (!group) {
                                error_set(&err, STAGE_NONE, -ENOENT, ERROR_NOWHERE, "no group %s", optarg);
                                return fail(&err), STATUS_USAGE;
                        }
                        o->control_group = group->gr_gid;
                        break;
                case 'C':
                        o->cache = optarg;
                        break;
                case 'd':
                        o->degraded = true;
                        break;
                case 'n':
                        o->no_start = true;
                        break;
                case 's':
                        o->system = true;
                        break;
                case 'k':
                        *ret_check = true;
                        break;
                case 'h':
                        fputs(usage, stdout);
                        return fflush(stdout) == 0 ? 0 : STATUS_INTERNAL;
                case 'V':
                        puts("nacelled " PACKAGE_VERSION);
                        return fflush(stdout) == 0 ? 0 : STATUS_INTERNAL;
                default:
                        return STATUS_USAGE;
                }
        }
        if (optind < argc) {
                error_set(&err, STAGE_NONE, -EINVAL, ERROR_NOWHERE, "too many words, from %s", argv[optind]);
                return fail(&err), STATUS_USAGE;
        }
        return -1;
}

static int complete(struct daemon_options *o, struct error *err)
{
        static char path[128];

        o->user = geteuid() != 0 && !o->system;
        if (!o->nunits)
                o->nunits = unit_directories(o->user, o->units);
        if (o->control)
                return 0;
        if (control_path(o->user, path, sizeof(path)) < 0)
                return error_set(err, STAGE_NONE, -ENOENT, ERROR_NOWHERE,
                                 "there is no XDG_RUNTIME_DIR: say --control PATH");
        o->control = path;
        return 0;
}

static void show_status(struct daemon *d)
{
        unsigned active = 0, failed = 0, guests = 0;

        for (unsigned i = 0; i < d->nservices; i++) {
                active += d->services[i]->state == UNIT_ACTIVE;
                failed += d->services[i]->state == UNIT_FAILED || d->services[i]->state == UNIT_QUARANTINED;
                guests += d->services[i]->count[NANO_RUNNING];
        }
        notify("STATUS=%u of %u units active, %u failed; %u nanoprocesses in %u cells", active, d->nservices,
               failed, guests, host_cells(d));
}

/* Ready when none of the first units is on its way up any more, or when that takes too long. */
static void check_ready(struct daemon *d)
{
        if (d->ready || d->ending)
                return;
        for (unsigned i = 0; i < d->nservices && loop_now(d->loop) < d->end_by_ns; i++) {
                enum unit_state state = d->services[i]->state;

                if (state == UNIT_WAITING || state == UNIT_PREPARING || state == UNIT_STARTING)
                        return;
        }
        d->ready = true;
        notify("READY=1");
        show_status(d);
}

static void settle(void *context)
{
        set_settle(context);
        check_ready(context);
}

static void status_due(void *context)
{
        struct daemon *d = context;

        check_ready(d);
        show_status(d);
        loop_timer_set(d->loop, &d->status, loop_now(d->loop) + STATUS_NS);
}

static void watchdog_due(void *context)
{
        struct daemon *d = context;

        notify("WATCHDOG=1");
        loop_timer_set(d->loop, &d->watchdog, loop_now(d->loop) + notify_watchdog_ns() / 2);
}

static void end_due(void *context)
{
        struct daemon *d = context;

        journal_write(LOG_WARNING, NULL, "not all units have stopped in time: their cells are killed");
        loop_stop(d->loop, 0);
}

static void begin_end(struct daemon *d)
{
        uint64_t longest = 0;

        if (d->ending) { /* asked twice */
                loop_stop(d->loop, 0);
                return;
        }
        for (unsigned i = 0; i < d->nservices; i++)
                if (service_live(d->services[i]) && d->services[i]->unit->service.stop_timeout_ns > longest)
                        longest = d->services[i]->unit->service.stop_timeout_ns;
        notify("STOPPING=1\nSTATUS=Stopping");
        loop_timer_clear(d->loop, &d->status);
        d->status.due = end_due;
        loop_timer_set(d->loop, &d->status, loop_now(d->loop) + longest + LAST_NS);
        set_end(d);
}

static void on_signal(void *context, const struct signalfd_siginfo *info)
{
        struct daemon *d = context;
        struct reload_result result = { 0 };

        if (info->ssi_signo != SIGHUP) {
                begin_end(d);
                return;
        }
        notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, monotonic_ns() / 1000);
        set_load(d, &result);
        journal_write(LOG_INFO, NULL, "reloaded: %u new, %u changed, %u gone", result.added, result.changed,
                      result.removed);
        notify("READY=1");
}

static int start(struct daemon *d, struct error *err)
{
        struct reload_result result = { 0 };
        sigset_t signals;
        int r;

        r = loop_new(&d->loop, err);
        if (r < 0)
                return r;
        d->settle = (struct loop_timer) { .due = settle, .context = d };
        d->status = (struct loop_timer) { .due = status_due, .context = d };
        d->watchdog = (struct loop_timer) { .due = watchdog_due, .context = d };
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        signal(SIGPIPE, SIG_IGN);
        r = loop_signals(d->loop, &signals, on_signal, d, err);
        if (r >= 0)
                r = sockets_open(d, err);
        if (r >= 0)
                r = host_new(d, err);
        if (r >= 0)
                r = improve_new(d, err);
        if (r >= 0)
                r = control_open(d, err);
        if (r < 0)
                return r;
        d->end_by_ns = loop_now(d->loop) + READY_NS;
        set_load(d, &result);
        set_settle_soon(d);
        loop_timer_set(d->loop, &d->status, loop_now(d->loop) + STATUS_NS);
        if (notify_watchdog_ns())
                watchdog_due(d);
        return 0;
}

static void print_problem(void *context, const char *path, unsigned line, unsigned column, const char *text)
{
        fprintf(stderr, "%s:%u:%u: %s\n", path, line, column, text);
}

static int check(const struct daemon_options *o)
{
        const struct unit_problems problems = { print_problem, NULL };
        struct error err = { 0 };
        char **names = NULL;
        unsigned n = 0, bad = 0;

        if (unit_list(o->units, o->nunits, &names, &n, &err) < 0)
                return fail(&err);
        for (unsigned i = 0; i < n; i++) {
                struct unit *unit = NULL;

                bad += unit_load(o->units, o->nunits, names[i], &problems, &unit, &err) < 0;
                unit_free(unit);
                free(names[i]);
        }
        free(names);
        printf("%u units, %u with errors\n", n, bad);
        return bad ? STATUS_CONFIG : 0;
}

static void end(struct daemon *d)
{
        if (d->loop) {
                control_close(d);
                host_free(d); /* tells units of guests that it takes along */
                set_free(d);
                improve_free(d);
                sockets_free(d);
        }
        free(d->suspects.list);
        loop_free(d->loop);
}

int main(int argc, char **argv)
{
        struct daemon d = { .options.control_group = (gid_t)-1 };
        struct error err = { 0 };
        bool only_check = false;
        int r = parse(argc, argv, &d.options, &only_check);

        if (r >= 0)
                return r;
        r = complete(&d.options, &err);
        if (only_check)
                return check(&d.options);
        if (r < 0)
                return fail(&err);
        notify_open();
        journal_open();
        policy_raise_files();
        cgroups_open();
        if (cgroups_missing()[0])
                journal_write(LOG_NOTICE, NULL, "control groups for cells: %s", cgroups_missing());
        r = policy_supervisor(&err);
        if (r >= 0)
                r = start(&d, &err);
        if (r >= 0)
                r = loop_run(d.loop, &err);
        if (r < 0)
                journal_write(LOG_ERR, NULL, "%s", err.text);
        d.ending = true;
        end(&d);
        cgroups_close();
        return r < 0 ? error_status(&err) : r;
}
