/* hosted.c - see hosted.h. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "supervisor/broker/spawn.h"
#include "supervisor/broker/unit_run.h"
#include "supervisor/daemon/blame.h"
#include "supervisor/daemon/denials.h"
#include "supervisor/daemon/hosted.h"
#include "supervisor/daemon/improve.h"

#define ARENA_BYTES  (UINT64_C(512) << 20)
#define IDLE_NS      UINT64_C(10000000000)
#define DISPATCH_MAX 256u /* messages of one cell before the others get their turn */
#define SLOT_BITS    20   /* of a guest's number as the cell knows it; above: ours */

uint64_t hosted_id(const struct nano *g)
{
        return g->id << SLOT_BITS | g->slot;
}

static struct nano *find(struct hosted *h, uint64_t id)
{
        uint32_t slot = id & ((1u << SLOT_BITS) - 1);
        struct nano *g = slot < HOSTED_SLOTS ? h->guests[slot] : NULL;

        return g && g->host == h && g->id == id >> SLOT_BITS ? g : NULL;
}

void hosted_watch_again(struct hosted *h)
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

void hosted_move_out(struct hosted *h, struct life *l)
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
        hosted_move_out(h, &life);
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

void hosted_free(struct hosted *h)
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
                hosted_watch_again(h);
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

int hosted_open(struct daemon *d, const char *group, bool degraded, struct hosted **ret,
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
        h->guests = calloc(HOSTED_SLOTS, sizeof(*h->guests));
        h->free_slots = calloc(HOSTED_SLOTS, sizeof(*h->free_slots));
        if (!h->guests || !h->free_slots)
                goto fail;
        r = cell_open(&settings, &events, h, &h->cell, err);
        if (r < 0)
                goto fail_said;
        r = cell_stats(h->cell, HOSTED_SLOTS, &h->stats, err);
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
