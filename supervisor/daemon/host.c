/* host.c - which cell a nanoprocess comes to live in: each is for one group of units that may share it, opened when
 * somebody needs one, closed when nobody has been in it for a while (hosted.c). */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "supervisor/daemon/host.h"
#include "supervisor/daemon/hosted.h"
#include "supervisor/daemon/linked.h"
#include "supervisor/daemon/on_demand.h"
#include "supervisor/daemon/path_server.h"
#include "supervisor/daemon/spec.h"

#define GRAVE_NS UINT64_C(2000000000) /* for a cell that was killed to be gone */
#define SWEEP_NS UINT64_C(2000000000) /* a unit that is started anew finds its code again */

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

/* One with @slots of the statistics. */
static int find_cell(struct service *s, unsigned slots, struct hosted **ret, struct error *err)
{
        struct daemon *d = s->daemon;
        char group[sizeof((*ret)->group)];

        group_of(s, group, sizeof(group));
        for (unsigned i = 0; i < d->host->n; i++) {
                struct hosted *h = d->host->cells[i];

                if (!h->dead && !h->full && !strcmp(h->group, group) && h->nfree + (HOSTED_SLOTS - h->unused) >= slots) {
                        *ret = h;
                        return 0;
                }
        }
        return hosted_open(d, group, s->unit->degraded || d->options.degraded, ret, err);
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
        spec->guest = hosted_id(g);
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
                hosted_move_out(h, &(struct life) { g->slot, g->module, TAKE_PTR(g->members), g->nmembers });
                g->nmembers = 0;
                g->host = NULL;
        }
        hosted_watch_again(h);
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
        (void)cell_kill(g->host->cell, hosted_id(g), now ? KILL_NOW : KILL_STOP);
        hosted_watch_again(g->host);
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

        if (stats->guest != hosted_id(g))
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
                hosted_watch_again(h);
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
