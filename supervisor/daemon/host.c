/* host.c - cells, each for one group of units that may share it: opened when somebody needs one, closed
 * when nobody has been in it for a while. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "supervisor/broker/guests.h"
#include "supervisor/broker/spawn.h"
#include "supervisor/broker/unit_run.h"
#include "supervisor/daemon/blame.h"
#include "supervisor/daemon/cell_modules.h"
#include "supervisor/daemon/denials.h"
#include "supervisor/daemon/host.h"
#include "supervisor/daemon/improve.h"
#include "supervisor/daemon/linked.h"
#include "supervisor/daemon/on_demand.h"
#include "supervisor/daemon/path_server.h"
#include "supervisor/daemon/spec.h"

#define SLOTS        32768u
#define ARENA_BYTES  (UINT64_C(512) << 20)
#define IDLE_NS      UINT64_C(10000000000)
#define DISPATCH_MAX 256u /* messages of one cell before the others get their turn */
#define GRAVE_NS     UINT64_C(2000000000) /* for a cell that was killed to be gone */
#define SLOT_BITS    20   /* of a guest's number as the cell knows it; above: ours */

struct hosted { /* a cell */
        struct daemon *daemon;
        struct guest_cell *cell;
        char group[256];
        pid_t pid;
        uint64_t since_us;
        struct loop_watch watch;
        struct loop_timer idle, grave;
        struct loop_timer soon;  /* what a load has kept is told from the loop, too */
        const volatile struct guest_stats *stats;
        struct nano **guests;    /* by slot */
        uint32_t *free_slots, nfree, unused;
        struct cell_modules modules;
        bool full;               /* no room for more code */
        bool dead;
};

#define SWEEP_NS UINT64_C(2000000000) /* a unit that is started anew finds its code again */

struct host {
        struct loop_timer sweep;
        struct hosted **cells;
        unsigned n;
        int null;                /* /dev/null */
};

static uint64_t wire_id(const struct nano *g)
{
        return g->id << SLOT_BITS | g->slot;
}

static struct nano *find(struct hosted *h, uint64_t id)
{
        uint32_t slot = id & ((1u << SLOT_BITS) - 1);
        struct nano *g = slot < SLOTS ? h->guests[slot] : NULL;

        return g && g->host == h && g->id == id >> SLOT_BITS ? g : NULL;
}

static void watch_again(struct hosted *h)
{
        short events = cell_fd_events(h->cell);

        loop_watch_change(h->daemon->loop, &h->watch,
                          (events & POLLIN ? EPOLLIN : 0u) | (events & POLLOUT ? EPOLLOUT : 0u));
}

static void on_started(void *context, uint64_t id, uint64_t instantiate_ns)
{
        struct hosted *h = context;
        struct nano *g = find(h, id);
        uint64_t bound = 1000;
        unsigned i = 0;

        if (!g)
                return;
        while (i < INSTANTIATE_BUCKETS && instantiate_ns > bound) {
                bound *= 4;
                i++;
        }
        g->service->instantiate_buckets[i]++;
        g->service->instantiate_ns += instantiate_ns;
        nano_started(g, h->pid);
}

static enum run_end end_of(const struct guest_ended *e)
{
        switch (e->end) {
        case GUEST_RETURNED:
                return RUN_RETURNED;
        case GUEST_EXITED:
                return RUN_EXITED;
        case GUEST_KILLED:
                return RUN_TIMED_OUT;
        case GUEST_LOST:
                return RUN_CELL_LOST;
        default:
                return RUN_TRAPPED;
        }
}

static int status_of(const struct guest_ended *e)
{
        struct error err = { .code = e->code, .stage = e->stage };

        switch (e->end) {
        case GUEST_RETURNED:
                return 0;
        case GUEST_EXITED:
                return (int)(e->status & 0xff);
        case GUEST_FAILED:
                return error_status(&err);
        case GUEST_KILLED:
                return 137;
        case GUEST_LOST:
                return STATUS_INTERNAL;
        default:
                return STATUS_TRAP;
        }
}

static void free_slot(struct hosted *h, uint32_t slot)
{
        h->guests[slot] = NULL;
        h->free_slots[h->nfree++] = slot;
}

/* What a nanoprocess has in its cell. */
struct life {
        uint32_t slot, module;
        struct nano_member *members;
        unsigned nmembers;
};

/* Gives it back; the members are freed. */
static void move_out(struct hosted *h, struct life *l)
{
        modules_leave(&h->modules, h->cell, l->module);
        for (unsigned i = 0; i < l->nmembers; i++) {
                modules_leave(&h->modules, h->cell, l->members[i].module);
                free_slot(h, l->members[i].slot);
        }
        free(l->members);
        free_slot(h, l->slot);
}

/* What the cell says of an import, behind the line of its section. */
static void name_import(const struct nano *g, unsigned member, struct nano_end *end)
{
        const struct unit *u = g->service->unit;
        char text[sizeof(end->text)];

        if (!member || member > u->nimports)
                return;
        memcpy(text, end->text, sizeof(text));
        snprintf(end->text, sizeof(end->text), "%s: %s: %.*s", u->imports[member - 1].where,
                 u->imports[member - 1].name, (int)sizeof(text) - 512, text);
}

static void on_ended(void *context, uint64_t id, const struct guest_ended *e)
{
        struct hosted *h = context;
        struct life life;
        struct nano *g = find(h, id);
        struct nano_end end = { .end = end_of(e), .status = status_of(e),
                                 .trap = e->end == GUEST_TRAPPED };

        if (!g)
                return;
        snprintf(end.text, sizeof(end.text), "%s", e->text ? e->text : "");
        if (!end.text[0] && e->end == GUEST_KILLED)
                snprintf(end.text, sizeof(end.text), "killed");
        if (e->end == GUEST_LOST)
                blame_note(&h->daemon->suspects, h, g->service);
        if (e->end == GUEST_FAILED)
                name_import(g, e->member, &end);
        life = (struct life) { g->slot, g->module, g->members, g->nmembers };
        nano_ended(g, &end, e->cpu_ns); /* it may live again when this returns */
        if (g->members == life.members) {
                g->members = NULL;
                g->nmembers = 0;
        }
        move_out(h, &life);
        if (cell_guests(h->cell) == 0)
                loop_timer_set(h->daemon->loop, &h->idle, loop_now(h->daemon->loop) + IDLE_NS);
}

static void on_log(void *context, uint64_t id, unsigned stream, const char *bytes, size_t n,
                   uint64_t dropped)
{
        struct nano *g = find(context, id);

        if (g)
                nano_output(g, stream == 2 ? LOG_STREAM_STDERR : LOG_STREAM_STDOUT, bytes, n, dropped);
}

static void on_denied(void *context, uint64_t id, const struct guest_denial *d)
{
        static const char *const limits[] = {
#define LIMIT(name, setting, effect) [LIMIT_##name] = setting,
#include "supervisor/proto/limits.def"
        };
        struct nano *g = find(context, id);

        if (g)
                nano_denied(g, d->layer == DENIED_LIMIT ? limits[d->limit] : NULL, d);
}

static void on_heat(void *context, const struct heat_message *hot)
{
        struct hosted *h = context;

        improve_heat(h->daemon, modules_work(&h->modules, hot->module), hot);
}

static void on_lost(void *context, const char *why)
{
        struct hosted *h = context;
        const struct suspects *held = &h->daemon->suspects;
        const char *call = strstr(why, "it called ");
        /* The broker's words (session_bury): who breaks the protocol is "ended", who dies is "lost". */
        enum lost_by by = strstr(why, " ended: ") ? LOST_BROKER : strstr(why, "seccomp") ? LOST_SECCOMP
                                                                                         : LOST_OTHERWISE;
        const struct denial denial = {
                .layer = by == LOST_BROKER ? "broker" : "seccomp",
                .op = by == LOST_SECCOMP && call ? call + strlen("it called ") : NULL,
                .service = held->n == 1 ? held->list[0] : NULL,
                .cell = h->pid,
        };
        char pid[24], text[768], escaped[2048];
        const struct journal_fields fields = { .value = { [JOURNAL_CELL] = pid, [JOURNAL_EVENT] = "lost" } };

        h->daemon->cells_lost[by]++;
        snprintf(pid, sizeof(pid), "%d", (int)h->pid);
        snprintf(text, sizeof(text), "%s (it held %s)", why, h->group[0] ? h->group : "all");
        journal_escape(text, strlen(text), escaped, sizeof(escaped));
        if (by == LOST_OTHERWISE)
                journal_write_raw(LOG_ERR, &fields, escaped);
        else
                denial_write(LOG_ERR, &denial, escaped);
        blame_judge(&h->daemon->suspects, h->daemon);
}

static void hosted_free(struct hosted *h)
{
        struct host *host = h->daemon->host;

        for (unsigned i = 0; i < host->n; i++)
                if (host->cells[i] == h) {
                        host->cells[i] = host->cells[--host->n];
                        break;
                }
        loop_unwatch(h->daemon->loop, &h->watch);
        cell_close(h->cell);
        loop_timer_clear(h->daemon->loop, &h->idle); /* the end of its guests has set it */
        loop_timer_clear(h->daemon->loop, &h->grave);
        loop_timer_clear(h->daemon->loop, &h->soon);
        modules_done(&h->modules);
        free(h->guests);
        free(h->free_slots);
        free(h);
}

static void on_ready(void *context, uint32_t events)
{
        struct hosted *h = context;

        if (cell_dispatch(h->cell, DISPATCH_MAX) < 0)
                hosted_free(h);
        else
                watch_again(h);
}

static void on_soon(void *context)
{
        on_ready(context, 0);
}

/* It was killed, and its socket is still open: the kernel does not let it go. */
static void on_grave(void *context)
{
        struct hosted *h = context;

        cell_give_up(h->cell);
        hosted_free(h);
}

static void on_idle(void *context)
{
        struct hosted *h = context;

        if (cell_guests(h->cell) == 0)
                hosted_free(h);
}

static void group_of(const struct service *s, char *group, size_t size)
{
        const struct unit *u = s->unit;
        size_t n = 0;

        group[0] = '\0';
        if (u->isolation == ISOLATION_CELL)
                n = (size_t)snprintf(group, size, "unit %s", u->name);
        else if (u->isolation == ISOLATION_GROUP)
                n = (size_t)snprintf(group, size, "group %s", u->group ? u->group : "");
        if (u->degraded && !s->daemon->options.degraded)
                n += (size_t)snprintf(group + n, size - n, "%sdegraded", n ? " " : "");
        if (s->suspect_path)
                snprintf(group + n, size - n, "%ssuspects %" PRIx64, n ? " " : "", s->suspect_path);
}

static int open_cell(struct daemon *d, const char *group, bool degraded, struct hosted **ret,
                     struct error *err)
{
        static const struct guest_events events = {
                .started = on_started, .ended = on_ended, .log = on_log, .denied = on_denied, .heat = on_heat,
                .lost = on_lost,
        };
        const struct cell_settings settings = {
                .arena_bytes = ARENA_BYTES, .degraded = degraded, .stdio = { -EBADF, -EBADF, HELPER_STDERR },
        };
        struct host *host = d->host;
        struct hosted **cells = reallocarray(host->cells, host->n + 1, sizeof(*cells));
        struct hosted *h = calloc(1, sizeof(*h));
        int r = -ENOMEM;

        if (cells)
                host->cells = cells;
        if (!cells || !h)
                goto fail;
        *h = (struct hosted) { .daemon = d, .since_us = realtime_us(), .watch = { -EBADF, on_ready, h },
                               .idle = { .due = on_idle, .context = h },
                               .grave = { .due = on_grave, .context = h },
                               .soon = { .due = on_soon, .context = h } };
        snprintf(h->group, sizeof(h->group), "%s", group);
        h->guests = calloc(SLOTS, sizeof(*h->guests));
        h->free_slots = calloc(SLOTS, sizeof(*h->free_slots));
        if (!h->guests || !h->free_slots)
                goto fail;
        r = cell_open(&settings, &events, h, &h->cell, err);
        if (r < 0)
                goto fail_said;
        r = cell_stats(h->cell, SLOTS, &h->stats, err);
        if (r >= 0)
                r = loop_watch(d->loop, &h->watch, cell_fd(h->cell), EPOLLIN, err);
        if (r < 0)
                goto fail_said;
        h->pid = cell_pid(h->cell);
        host->cells[host->n++] = h;
        journal_write(LOG_INFO, NULL, "cell %d started for %s", (int)h->pid, group[0] ? group : "all");
        *ret = h;
        return 0;

fail:
        error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "a cell: out of memory");
fail_said:
        if (h) {
                cell_close(h->cell);
                free(h->guests);
                free(h->free_slots);
                free(h);
        }
        return r;
}

/* One with @slots of the statistics. */
static int find_cell(struct service *s, unsigned slots, struct hosted **ret, struct error *err)
{
        struct daemon *d = s->daemon;
        char group[sizeof((*ret)->group)];

        group_of(s, group, sizeof(group));
        for (unsigned i = 0; i < d->host->n; i++) {
                struct hosted *h = d->host->cells[i];

                if (!h->dead && !h->full && !strcmp(h->group, group) && h->nfree + (SLOTS - h->unused) >= slots) {
                        *ret = h;
                        return 0;
                }
        }
        return open_cell(d, group, s->unit->degraded || d->options.degraded, ret, err);
}

static uint32_t take_slot(struct hosted *h)
{
        return h->nfree ? h->free_slots[--h->nfree] : h->unused++;
}

/* Into the cell: its module, and those that it imports from. -ENOSPC: there is no room for them. */
static int load(struct nano *g, struct hosted *h, struct error *err)
{
        struct service *s = g->service;
        int r = modules_use(&h->modules, h->cell, s, &g->module, &g->tier, err);

        for (unsigned i = 0; i < g->nmembers && r >= 0; i++)
                r = modules_use_artefact(&h->modules, h->cell, s->import_artefacts[i], &g->members[i].module, err);
        if (cell_pending(h->cell))
                loop_timer_set(h->daemon->loop, &h->soon, loop_now(h->daemon->loop));
        if (cell_is_gone(h->cell)) { /* its socket is closed: the number may be another's by the time it is freed */
                h->dead = true;
                loop_unwatch(h->daemon->loop, &h->watch);
        }
        return r;
}

static int find_home(struct nano *g, struct hosted **ret, struct error *err)
{
        unsigned slots = 1 + g->nmembers;
        int r = find_cell(g->service, slots, ret, err);

        if (r >= 0)
                r = load(g, *ret, err);
        if (((r == -ENOSPC || r == -E2BIG) && (*ret)->modules.n) || (r < 0 && (*ret)->dead)) { /* full, or dead: another one */
                (*ret)->full = true;
                r = find_cell(g->service, slots, ret, err);
                if (r >= 0)
                        r = load(g, *ret, err);
        }
        return r;
}

static void move_in(struct nano *g, struct hosted *h)
{
        g->slot = take_slot(h);
        h->guests[g->slot] = g;
        g->host = h;
        modules_enter(&h->modules, g->module);
        for (unsigned i = 0; i < g->nmembers; i++) {
                g->members[i].slot = take_slot(h);
                modules_enter(&h->modules, g->members[i].module);
        }
        loop_timer_clear(h->daemon->loop, &h->idle);
}

static int spawn(struct nano *g, struct hosted *h, struct guest_spec *spec, struct members *m, struct error *err)
{
        int r;

        move_in(g, h);
        spec->guest = wire_id(g);
        spec->slot = g->slot;
        spec->unit = g->service->number;
        spec->invoke = g->service->unit->invoke;
        spec->module = g->module;
        for (unsigned i = 0; i < m->n; i++) {
                m->specs[i].slot = g->members[i].slot;
                m->specs[i].module = g->members[i].module;
        }
        spec->members = m->specs;
        spec->nmembers = m->n;
        spec->sees = UINT64_MAX;
        r = cell_spawn(h->cell, spec, err);
        if (r < 0) {
                move_out(h, &(struct life) { g->slot, g->module, TAKE_PTR(g->members), g->nmembers });
                g->nmembers = 0;
                g->host = NULL;
        }
        watch_again(h);
        return r;
}

static int prepare_spawn(struct nano *g, struct error *err)
{
        struct service *s = g->service;
        struct guest_spec spec = { .path_fd = -EBADF, .stdio = { STREAM_CELL, STREAM_CELL, STREAM_CELL } };
        _cleanup_(lists_done) struct lists lists = { 0 };
        _cleanup_(linked_freep) struct members members = { 0 };
        int listen[PROTO_LISTEN_MAX + UNIT_KEYS_MAX];
        struct hosted *h = NULL;
        unsigned at = 0;
        int r = 0;

        g->nmembers = s->nimport_artefacts;
        g->members = calloc(g->nmembers + 1, sizeof(*g->members));
        if (!g->members || spec_lists(s->unit, &lists, &spec) < 0)
                r = error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        if (r >= 0)
                r = members_new(s->unit, &members, err);
        if (r >= 0)
                r = find_home(g, &h, err);
        if (r < 0)
                return r;
        spec_limits(s, &spec, &members);
        r = spec_descriptors(g, &spec, listen, &at, err);
        if (r >= 0)
                r = linked_fill(g, &members, &at, err);
        if (r < 0) {
                spec_close(&spec);
                return r;
        }
        return spawn(g, h, &spec, &members, err);
}

int host_spawn(struct nano *g, struct error *err)
{
        int r;

        g->members = NULL; /* of an earlier life, whose end has them */
        r = prepare_spawn(g, err);
        if (r < 0) {
                free(TAKE_PTR(g->members));
                g->nmembers = 0;
        }
        return r;
}

void host_end(struct nano *g, bool now)
{
        if (!g->host)
                return;
        (void)cell_kill(g->host->cell, wire_id(g), now ? KILL_NOW : KILL_STOP);
        watch_again(g->host);
}

void host_end_cell(struct nano *g)
{
        struct hosted *h = g->host;

        if (!h)
                return;
        (void)kill(cell_pid(h->cell), SIGKILL);
        h->dead = true; /* no further guest goes there */
        loop_timer_set(h->daemon->loop, &h->grave, loop_now(h->daemon->loop) + GRAVE_NS);
}

void host_forget(struct service *s)
{
        path_server_free(TAKE_PTR(s->paths));
        on_demand_free(TAKE_PTR(s->on_demand));
}

static void add_usage(const struct nano *g, uint32_t slot, struct usage *to)
{
        const volatile struct guest_stats *stats = &g->host->stats[slot];

        if (stats->guest != wire_id(g))
                return;
        to->cpu_ns += stats->cpu_ns;
        to->memory += stats->memory_bytes;
        to->memory_peak += stats->memory_peak;
        to->host_calls += stats->host_calls;
        to->denials += stats->denials;
        for (unsigned i = 0; i < _LIMIT_MAX; i++)
                to->refused[i] += stats->refused[i];
}

void host_member_usage(const struct nano *g, unsigned i, struct usage *ret)
{
        *ret = (struct usage) { 0 };
        if (g->host && i < g->nmembers)
                add_usage(g, g->members[i].slot, ret);
}

void host_usage(const struct nano *g, struct usage *ret)
{
        *ret = (struct usage) { 0 };
        add_usage(g, g->slot, ret);
        for (unsigned i = 0; i < g->nmembers; i++)
                add_usage(g, g->members[i].slot, ret);
}

unsigned host_guests_of(const struct unit *u)
{
        return (unsigned)(u->on_demand ? u->instances_max : u->instances);
}

unsigned host_cells(const struct daemon *d)
{
        return d->host->n;
}

struct json_object *host_view(struct daemon *d)
{
        struct json_object *list = json_object_new_array();

        for (unsigned i = 0; i < d->host->n; i++) {
                struct hosted *h = d->host->cells[i];
                struct json_object *o = json_object_new_object();

                json_object_object_add(o, "pid", json_object_new_int64(h->pid));
                json_object_object_add(o, "group", json_object_new_string(h->group));
                json_object_object_add(o, "guests", json_object_new_int64(cell_guests(h->cell)));
                json_object_object_add(o, "modules", json_object_new_int64(h->modules.n));
                json_object_object_add(o, "missing", json_object_new_string(cell_missing(h->cell)));
                json_object_object_add(o, "since", json_object_new_int64((int64_t)h->since_us));
                json_object_array_add(list, o);
        }
        return list;
}

static void on_sweep(void *context)
{
        struct daemon *d = context;

        for (unsigned i = 0; i < d->host->n; i++) {
                struct hosted *h = d->host->cells[i];

                modules_sweep(&h->modules, h->cell, d);
                watch_again(h);
        }
}

void host_sweep_soon(struct daemon *d)
{
        if (d->host && !d->host->sweep.place)
                loop_timer_set(d->loop, &d->host->sweep, loop_now(d->loop) + SWEEP_NS);
}

int host_new(struct daemon *d, struct error *err)
{
        d->host = calloc(1, sizeof(*d->host));
        if (!d->host)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "cells");
        d->host->sweep = (struct loop_timer) { .due = on_sweep, .context = d };
        return 0;
}

void host_free(struct daemon *d)
{
        if (!d->host)
                return;
        while (d->host->n)
                hosted_free(d->host->cells[0]);
        loop_timer_clear(d->loop, &d->host->sweep);
        free(d->host->cells);
        free(d->host);
        d->host = NULL;
}
