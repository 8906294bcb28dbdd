/* nano.c - the life of one nanoprocess: states.def has the edges, this file what happens on them. */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "supervisor/broker/guests.h"
#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/denials.h"
#include "supervisor/daemon/connecting.h"
#include "supervisor/daemon/host.h"
#include "supervisor/daemon/linked.h"
#include "supervisor/daemon/on_demand.h"
#include "supervisor/daemon/path_server.h"

#define LINE_MAX_BYTES  2048u

static struct loop *loop_of(const struct nano *g)
{
        return g->service->daemon->loop;
}

static void set_timer(struct nano *g, uint64_t wait_ns)
{
        if (wait_ns && loop_timer_set(loop_of(g), &g->timer, loop_now(loop_of(g)) + wait_ns) < 0)
                journal_write(LOG_ERR, NULL, "out of memory: a timer is not set");
}

static void nano_log(struct nano *g, int priority, const char *event, const char *text)
{
        char id[24], cell[24], escaped[2048];
        const struct journal_fields fields = {
                .value = { [JOURNAL_UNIT] = g->service->unit->name, [JOURNAL_GUEST] = id,
                           [JOURNAL_CELL] = g->cell ? cell : NULL, [JOURNAL_EVENT] = event },
        };

        snprintf(id, sizeof(id), "%" PRIu64, g->id);
        snprintf(cell, sizeof(cell), "%d", (int)g->cell);
        journal_escape(text, strlen(text), escaped, sizeof(escaped));
        logs_add(&g->service->logs, realtime_us(), g->id, LOG_STREAM_EVENT, escaped);
        journal_write(priority, &fields, "%s", text);
        control_changed(g->service->daemon);
}

/* Nobody lives yet who could be told to end. */
static void give_up_connecting(struct nano *g)
{
        const struct nano_end end = { .end = RUN_TIMED_OUT, .status = 137, .text = "ended while it was connecting" };

        connecting_free(TAKE_PTR(g->connecting));
        nano_ended(g, &end, 0);
        connecting_go_on();
}

/* It may be that the whole cell stands still: then this is its end, and that of the others in it. */
static void end_now(struct nano *g)
{
        if (g->connecting) {
                give_up_connecting(g);
                return;
        }
        g->ending = true;
        set_timer(g, CELL_ANSWER_NS);
        host_end(g, true);
}

static void due(void *context)
{
        struct nano *g = context;

        if (g->ending) {
                nano_log(g, LOG_ERR, "timeout", "its cell does not answer: killed");
                host_end_cell(g);
                return;
        }
        switch (g->state) {
        case NANO_WAITING:
                nano_event(g, NANO_ON_DUE);
                break;
        case NANO_STARTING:
                nano_log(g, LOG_WARNING, "timeout", "TimeoutStartSec is over: killed");
                end_now(g);
                break;
        case NANO_RUNNING:
                nano_log(g, LOG_WARNING, "timeout", "RuntimeMaxSec is over: killed");
                end_now(g);
                break;
        case NANO_STOPPING:
                nano_log(g, LOG_WARNING, "timeout", "TimeoutStopSec is over: killed");
                end_now(g);
                break;
        default:
                break;
        }
}

/* A failure to start is an end like any other. */
static void start_failed(struct nano *g, const struct error *err)
{
        struct nano_end end = { .end = RUN_CELL_LOST, .status = error_status(err) };

        snprintf(end.text, sizeof(end.text), "%s", err->text);
        nano_ended(g, &end, 0);
}

void connecting_done(struct nano *g, int r, const struct error *err)
{
        struct error broken = { 0 };

        if (r >= 0) {
                r = host_spawn(g, &broken);
                err = &broken;
        }
        connections_drop(g);
        if (r < 0)
                start_failed(g, err);
}

static void enter_starting(struct nano *g)
{
        const struct unit_service *s = &g->service->unit->service;
        struct error err = { 0 };

        g->killed = false;
        g->started_ns = loop_now(loop_of(g));
        if (!g->service->on_demand &&
            !start_allowed(&g->starts, g->started_ns, s->start_interval_ns, s->start_burst)) {
                snprintf(g->service->reason, sizeof(g->service->reason),
                         "%" PRIu64 " starts within %.0f s", s->start_burst,
                         (double)s->start_interval_ns / 1e9);
                nano_log(g, LOG_ERR, "start-limit", g->service->reason);
                nano_event(g, NANO_ON_BROKEN);
                return;
        }
        g->id = ++g->service->daemon->next_guest;
        g->service->starts++;
        set_timer(g, s->start_timeout_ns);
        if ((connecting_wanted(g->service->unit) ? connecting_start(g, &err) : host_spawn(g, &err)) < 0)
                start_failed(g, &err);
}

static void enter(struct nano *g)
{
        const struct unit_service *s = &g->service->unit->service;

        loop_timer_clear(loop_of(g), &g->timer);
        g->ending = false;
        g->timer.due = due;
        g->timer.context = g;
        switch (g->state) {
        case NANO_STARTING:
                enter_starting(g);
                break;
        case NANO_RUNNING:
                set_timer(g, s->runtime_max_ns);
                break;
        case NANO_STOPPING:
                set_timer(g, s->stop_timeout_ns);
                if (g->connecting)
                        give_up_connecting(g);
                else
                        host_end(g, false);
                break;
        case NANO_WAITING:
                set_timer(g, backoff_ns(s->restart_ns, s->restart_most_ns, g->failures++));
                break;
        default:
                break;
        }
}

void nano_event(struct nano *g, enum nano_event event)
{
        struct service *s = g->service;
        int next = nano_after(g->state, event);

        if (next < 0) {
                char text[96];

                snprintf(text, sizeof(text), "no way from %s by %s", nano_state_text(g->state),
                         nano_event_text(event));
                nano_log(g, LOG_ERR, "mistake", text);
                return;
        }
        if (next == (int)g->state)
                return;
        s->count[g->state]--;
        s->count[next]++;
        g->state = (enum nano_state)next;
        g->since_us = realtime_us();
        enter(g);
        service_count(s);
}

void nano_started(struct nano *g, pid_t cell)
{
        g->cell = cell;
        nano_event(g, NANO_ON_STARTED);
}

static const char *end_event(const struct nano_end *end)
{
        static const char *const texts[] = {
                [RUN_RETURNED] = "ended",   [RUN_EXITED] = "ended",  [RUN_TRAPPED] = "trapped",
                [RUN_TIMED_OUT] = "killed", [RUN_CELL_LOST] = "lost",
        };

        return texts[end->end];
}

/* The trap itself; what follows it are the lines of its stack. */
static void report_trap(struct nano *g, const char *text)
{
        const struct denial d = { .layer = "trap", .service = g->service, .guest = g->id, .cell = g->cell, .count = 1 };

        logs_add(&g->service->logs, realtime_us(), g->id, LOG_STREAM_EVENT, text);
        denial_write(LOG_WARNING, &d, text);
        control_changed(g->service->daemon);
}

static void report(struct nano *g, const struct nano_end *end, bool clean)
{
        int priority = clean ? LOG_INFO : LOG_WARNING;
        char text[128];

        if (end->text[0]) {
                for (const char *line = end->text; *line;) {
                        size_t n = strcspn(line, "\n");
                        char one[1024];

                        snprintf(one, sizeof(one), "%.*s", (int)n, line);
                        if (end->trap && line == end->text)
                                report_trap(g, one);
                        else
                                nano_log(g, priority, end_event(end), one);
                        line += n + (line[n] == '\n');
                }
                return;
        }
        if (end->end == RUN_RETURNED)
                snprintf(text, sizeof(text), "returned");
        else
                snprintf(text, sizeof(text), "ended with status %d", end->status);
        nano_log(g, priority, end_event(end), text);
}

void nano_ended(struct nano *g, const struct nano_end *end, uint64_t cpu_ns)
{
        struct service *s = g->service;
        const struct unit_service *settings = &s->unit->service;
        bool asked = g->state == NANO_STOPPING, clean = end_clean(settings, end->end, end->status);
        uint64_t now = loop_now(loop_of(g));
        struct usage u = { 0 };

        if (g->host) {
                host_usage(g, &u);
                linked_ended(g);
        }
        s->past.cpu_ns += cpu_ns > u.cpu_ns ? cpu_ns : u.cpu_ns;
        s->past.host_calls += u.host_calls;
        s->past.denials += u.denials;
        for (unsigned i = 0; i < _LIMIT_MAX; i++)
                s->past.refused[i] += u.refused[i];
        g->host = NULL;
        g->status = end->status;
        closep(&g->connection);
        g->connection = -EBADF;
        if (!s->on_demand || (!clean && !asked))
                report(g, end, clean || asked);
        g->cell = 0;
        if (end->end == RUN_CELL_LOST)
                s->lost++;
        if (end->end == RUN_TRAPPED)
                s->traps++;
        if (clean || asked)
                s->ends_clean++;
        else
                s->ends_failed++;
        if (!clean && !asked)
                snprintf(s->reason, sizeof(s->reason), "%.*s", (int)strcspn(end->text, "\n"), end->text);
        if (!clean && !asked && !end->text[0])
                snprintf(s->reason, sizeof(s->reason), "exit status %d", end->status);
        /* A life that was long enough begins the back-off anew. */
        if (now - g->started_ns > settings->start_interval_ns)
                g->failures = 0;
        if (s->on_demand) {
                nano_event(g, NANO_ON_OVER);
                if (s->on_demand)
                        on_demand_next(s->on_demand, g);
        } else if (asked || s->state == UNIT_STOPPING || s->state == UNIT_QUARANTINED) {
                nano_event(g, NANO_ON_OVER);
        } else if (restart_wanted(settings, end->end, end->status)) {
                s->restarts++;
                g->restarts++;
                nano_event(g, NANO_ON_AGAIN);
        } else {
                nano_event(g, clean ? NANO_ON_OVER : NANO_ON_BROKEN);
        }
}

void nano_kill(struct nano *g)
{
        if (g->state == NANO_STARTING || g->state == NANO_RUNNING || g->state == NANO_STOPPING) {
                g->killed = true;
                end_now(g);
        }
}

void nano_usage(const struct nano *g, struct usage *ret)
{
        *ret = (struct usage) { 0 };
        if (g->host)
                host_usage(g, ret);
}

static void put_line(struct nano *g, enum log_stream stream, const char *bytes, size_t n)
{
        struct service *s = g->service;
        char text[LINE_MAX_BYTES * 4 + 1], id[24];
        const struct journal_fields fields = {
                .value = { [JOURNAL_UNIT] = s->unit->name, [JOURNAL_GUEST] = id,
                           [JOURNAL_STREAM] = log_stream_text(stream) },
        };

        snprintf(id, sizeof(id), "%" PRIu64, g->id);
        journal_escape(bytes, n, text, sizeof(text));
        logs_add(&s->logs, realtime_us(), g->id, stream, text);
        journal_write_raw(stream == LOG_STREAM_STDERR ? LOG_NOTICE : LOG_INFO, &fields, text);
}

void nano_output(struct nano *g, enum log_stream stream, const char *bytes, size_t n, uint64_t dropped)
{
        if (dropped) {
                char text[80];

                snprintf(text, sizeof(text), "%" PRIu64 " bytes of output dropped: LogRateMax", dropped);
                nano_log(g, LOG_WARNING, "dropped", text);
        }
        g->service->log_bytes += n;
        g->service->log_dropped += dropped;
        while (n) {
                const char *end = memchr(bytes, '\n', n);
                size_t line = end ? (size_t)(end - bytes) : n;
                size_t take = line < LINE_MAX_BYTES ? line : LINE_MAX_BYTES;

                put_line(g, stream, bytes, take);
                take += take == line && end;
                bytes += take;
                n -= take;
        }
        control_changed(g->service->daemon);
}

/* The cell's word, so it may be of none. The numbers are those that fill_lists() gave. */
static const char *key_of_handle(const struct unit *u, const struct unit_import *import, uint32_t handle)
{
        for (unsigned i = 0; import && i < import->nkeys; i++)
                if (path_server_serves(&import->keys[i].key) && handle-- == 0)
                        return import->keys[i].key.name;
        if (import)
                return NULL;
        for (unsigned i = 0; i < u->nkeys; i++)
                if (path_server_serves(&u->keys[i]) && handle-- == 0)
                        return u->keys[i].name;
        return NULL;
}

void nano_denied(struct nano *g, const char *limit, const struct guest_denial *d)
{
        const struct unit *u = g->service->unit;
        const struct unit_import *import = d->member && d->member <= u->nimports ? &u->imports[d->member - 1] : NULL;
        const struct denial denial = {
                .layer = limit ? "limit" : "hostcall", .op = limit, .object = d->what,
                .key = key_of_handle(u, import, d->handle), .import = import ? import->name : NULL,
                .service = g->service, .guest = g->id, .cell = g->cell, .count = d->count,
        };
        char text[1024];

        snprintf(text, sizeof(text), "denied by %s: %s%s%s (%" PRIu64 ")", limit ? limit : denial.layer,
                 import ? import->name : "", import ? ": " : "", d->what, d->count);
        denial_write(LOG_WARNING, &denial, text);
        logs_add(&g->service->logs, realtime_us(), g->id, LOG_STREAM_EVENT, text);
}
