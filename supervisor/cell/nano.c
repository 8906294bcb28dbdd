/* nano.c - a guest from SPAWN to ENDED. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/cell/nano.h"

static int take_descriptors(struct guest *g, const struct spawn_message *m, struct received *with)
{
        unsigned at = 0, want = 1 + m->nlisten;
        int *fds = with->fds;
        int config;

        want += m->flags & SPAWN_PATHS ? 1 : 0;
        want += (unsigned)__builtin_popcount(m->stdio);
        if (with->nfds != want)
                return error_set(&g->err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "descriptors are missing");
        g->listen = calloc(m->nlisten + 1, sizeof(*g->listen));
        if (!g->listen)
                return error_set(&g->err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "guest");
        config = fds[at++];
        if (m->flags & SPAWN_PATHS)
                g->path_fd = fds[at++];
        for (int i = 0; i < 3; i++)
                if (m->stdio & UINT32_C(1) << i)
                        g->stdio[i] = fds[at++];
        memcpy(g->listen, fds + at, m->nlisten * sizeof(*g->listen));
        g->nlisten = m->nlisten;
        with->nfds = 0; /* ours */
        return config_map(config, m->config_bytes, &g->config, &g->config_bytes, &g->err);
}

static int take_message(struct guest *g, struct cell *c, const struct spawn_message *m,
                        struct received *with)
{
        int r;

        r = take_descriptors(g, m, with);
        if (r < 0)
                return r;
        g->config_size = m->config_bytes;
        g->limits = &g->config.head->limits;
        g->module = cell_module(c, m->module);
        if (g->module && g->module->leaving)
                g->module = NULL;
        if (g->module)
                __atomic_fetch_add(&g->module->users, 1, __ATOMIC_SEQ_CST);
        else
                return error_set(&g->err, STAGE_CELL, -EINVAL, ERROR_NOWHERE, "no module %u", m->module);
        if (m->name_bytes) {
                g->name = malloc(m->name_bytes);
                if (!g->name)
                        return error_set(&g->err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "guest");
                memcpy(g->name, m + 1, m->name_bytes);
        }
        for (int i = 0; i < 3; i++) { /* what did not come along is the cell's own */
                uint32_t bit = UINT32_C(1) << i;

                if ((g->config.head->closed_stdio | g->config.head->log_stdio) & bit)
                        g->stdio[i] = -EBADF;
                else if (!(m->stdio & bit))
                        g->stdio[i] = i;
        }
        return config_dirs(&g->config, &g->dirs, &g->err);
}

struct guest *guest_new(struct cell *c, const struct spawn_message *m, struct received *with)
{
        struct guest *g = calloc(1, sizeof(*g));

        if (!g)
                return NULL;
        g->number = m->guest;
        g->module_number = m->module;
        g->unit = m->unit;
        g->flags = m->flags;
        g->slot = m->slot;
        g->name_bytes = m->name_bytes;
        g->path_fd = g->stdio[0] = g->stdio[1] = g->stdio[2] = -EBADF;
        g->sees = m->sees;
        if (m->head.message == MESSAGE_SPAWN)
                g->worker = worker_least(c);
        g->started_ns = monotonic_ns();
        if (m->slot < c->nstats) {
                g->stats = &c->stats[m->slot];
        } else {
                g->stats = calloc(1, sizeof(*g->stats));
                g->own_stats = true;
        }
        if (!g->stats) {
                free(g);
                return NULL;
        }
        memset(g->stats, 0, sizeof(*g->stats));
        g->stats->guest = g->number;
        g->stats->state = GUEST_STATE_STARTING;
        if (g->worker) {
                g->stats->worker = g->worker->number;
                __atomic_fetch_add(&g->worker->guests, 1, __ATOMIC_RELAXED);
        }
        g->r = take_message(g, c, m, with);
        return g;
}

/* CPU time with the turn that it has now. */
static uint64_t cpu_time(const struct guest *g)
{
        const struct worker *w = g->worker;

        return g->cpu_ns + (w->running == g ? monotonic_ns() - w->now : 0);
}

static uint64_t cpu_time_of(void *context)
{
        const struct guest *g = context;

        return cpu_time(g->leader ? g->leader : g);
}

int guest_make_wasi(struct guest *g)
{
        const struct config_head *head = g->config.head;
        struct wasi_config config = {
                .ring = g->worker->ring,
                .alone = g->flags & SPAWN_ALONE && g->worker->cell->alone,
                .path_call = guest_path_call, .context = g,
                .nargs = head->nargs, .nenv = head->nenv, .ndirs = head->ndirs,
                .nlisten = g->nlisten,
                .nconnected = head->nconnected < g->nlisten ? head->nconnected : g->nlisten,
                .args = g->config.strings, .env = g->config.strings + head->nargs,
                .dirs = g->dirs, .listen = g->listen,
                .files_max = head->limits.files_max,
                .clock_resolution_ns = head->clock_resolution_ns,
                .cpu_time_ns = cpu_time_of,
                .host_memory_max = head->limits.host_memory_max_bytes,
                .connections_max = head->limits.connections_max, .timers_max = head->limits.timers_max,
                .random_all_max = head->limits.random_max_bytes, .refused = guest_wasi_refused,
                .log_stdio = head->log_stdio, .log_write = guest_log,
        };
        int r;

        memcpy(config.stdio, g->stdio, sizeof(config.stdio));
        r = wasi_new(&config, &g->wasi, &g->err);
        g->wasi_owns = r >= 0;
        return r;
}

static int call(struct guest *g, const struct extern_value *f, const union value *args)
{
        g->type = extern_function_type(f);
        g->results = calloc(g->type->nresults + 1, sizeof(*g->results));
        if (!g->results)
                return error_set(&g->err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "results");
        return extern_call(f, args, g->results, g->trap);
}

static int tell_started(struct guest *g)
{
        struct started_message m = { .head = { MESSAGE_STARTED, 0 }, .guest = g->number,
                                     .instantiate_ns = monotonic_ns() - g->started_ns };

        return g->flags & SPAWN_QUIET ? 0 : channel_send(g->worker->cell, &m, sizeof(m));
}

static int run_entry(struct guest *g)
{
        const struct config_head *head = g->config.head;
        _cleanup_free_ union value *args = NULL;
        struct extern_value f;
        int r;

        r = entry_find(g->instance, g->name ? g->name : "_start", g->name ? g->name_bytes : strlen("_start"),
                       g->name != NULL, head->nargs ? g->config.strings + 1 : NULL,
                       head->nargs ? head->nargs - 1 : 0, &f, &args, &g->err);
        if (r >= 0 && tell_started(g) < 0)
                _exit(0); /* the broker is gone */
        return r < 0 ? r : call(g, &f, args);
}

/* A dependency that exits ends the group: nobody can go on in the middle of its function. */
static bool exited(const struct guest *g, uint32_t *ret_status)
{
        bool yes = g->wasi && wasi_exited(g->wasi, ret_status);

        for (uint32_t k = 0; k < g->nmembers && !yes; k++)
                yes = g->members[k]->wasi && wasi_exited(g->members[k]->wasi, ret_status);
        return yes;
}

static enum guest_end end_of(struct guest *g, uint32_t *ret_status)
{
        if (g->r >= 0)
                return GUEST_RETURNED;
        if (g->r != -EFAULT)
                return GUEST_FAILED;
        if (exited(g, ret_status))
                return GUEST_EXITED;
        if (g->limited)
                return GUEST_LIMITED;
        return g->killed ? GUEST_KILLED : GUEST_TRAPPED;
}

/* ENDED. */
static int report(struct guest *g)
{
        uint32_t nvalues = g->r >= 0 && g->results ? g->type->nresults : 0;
        uint32_t nframes = g->r == -EFAULT ? g->trap->nframes : 0;
        size_t size = sizeof(struct ended_message) + nframes * sizeof(struct wire_frame) +
                      nvalues * sizeof(struct wire_value);
        _cleanup_free_ struct ended_message *m = calloc(1, size);
        struct wire_frame *frames;
        struct wire_value *values;

        if (!m)
                _exit(CELL_EXIT_MEMORY);
        *m = (struct ended_message) { .head.message = MESSAGE_ENDED, .guest = g->number, .nframes = nframes,
                                      .nvalues = nvalues, .cpu_ns = cpu_time(g),
                                      .memory_peak = g->stats->memory_peak };
        for (uint32_t i = 0; i < g->nmembers; i++)
                m->memory_peak += g->members[i]->stats->memory_peak;
        frames = (void *)(m + 1);
        values = (void *)(frames + nframes);
        m->end = end_of(g, &m->status);
        m->limit = g->limit;
        if (m->end == GUEST_FAILED) {
                m->code = g->err.code < 0 ? g->err.code : g->r;
                m->stage = g->err.stage ? g->err.stage : STAGE_RUN;
                m->offset = g->err.offset;
                m->member = g->blamed;
                memcpy(m->text, g->err.text, sizeof(g->err.text));
        } else if (g->r == -EFAULT) {
                m->trap = g->trap->trap;
                m->nframes_all = g->trap->nframes_all;
                memcpy(m->text, g->trap->text, sizeof(g->trap->text));
        }
        for (uint32_t i = 0; i < nframes; i++)
                group_name_frame(g, &g->trap->frames[i], &frames[i]);
        for (uint32_t i = 0; i < nvalues; i++)
                values[i] = wire_of(g->instance, g->type->results[i], &g->results[i]);
        if (g->worker->cell->alone && heat_report(g->worker->cell) < 0)
                return -EPIPE;
        return channel_send(g->worker->cell, m, size);
}

/* On the guest's fiber. A trap comes back here: what C code between held is found through g. */
static void guest_main(void *argument)
{
        struct guest *g = argument;
        struct trap_info trap = { 0 };

        g->trap = &trap;
        g->r = group_start(g);
        if (g->r >= 0)
                g->r = instance_start(g->instance, &trap);
        if (g->r >= 0)
                g->r = run_entry(g);
        g->cannot_stop = true;
        fiber_stop(g->fiber, NULL);
        guest_measure(g);
        for (uint32_t k = 0; k < g->nmembers; k++) {
                wasi_close_all(g->members[k]->wasi);
                guest_log_end(g->members[k]);
        }
        wasi_close_all(g->wasi);
        guest_log_end(g);
        if (report(g) < 0)
                _exit(0);
        g->trap = NULL;
}

int guest_begin(struct guest *g)
{
        struct trap_info trap = { 0 };

        g->trap = &trap;
        if (g->r >= 0)
                g->r = guest_make_wasi(g);
        if (g->r >= 0)
                g->r = group_obtain(g);
        if (g->r >= 0)
                g->r = instance_obtain(g, &g->err);
        if (g->r < 0) {
                if (report(g) < 0)
                        _exit(0);
                return g->r;
        }
        g->trap = NULL;
        guest_measure(g);
        fiber_start(g->fiber, guest_main, g);
        fiber_set_preemptible(g->fiber, !g->worker->cell->alone);
        return 0;
}

static void close_descriptors(struct guest *g)
{
        for (int i = 0; i < 3; i++)
                if (g->stdio[i] > STDERR_FILENO)
                        close(g->stdio[i]);
        for (uint32_t i = 0; i < g->nlisten; i++)
                close(g->listen[i]);
}

/* Those who wait for that to give the module up look again. */
static void leave_module(struct guest *g)
{
        struct cell_module *m = g->module;
        const struct cell *c = g->worker ? g->worker->cell : NULL; /* none: a member whose group was not begun */

        if (!m || __atomic_sub_fetch(&m->users, 1, __ATOMIC_SEQ_CST) || !__atomic_load_n(&m->leaving, __ATOMIC_SEQ_CST))
                return;
        for (unsigned i = 0; c && i < c->nworkers; i++)
                worker_nudge(&c->workers[i]);
}

static void leave_post(struct guest *g)
{
        struct worker *w = g->worker;

        pthread_mutex_lock(&w->lock);
        if (g->posted) {
                struct guest **p = &w->post;

                while (*p != g)
                        p = &(*p)->post_next;
                *p = g->post_next;
                if (!*p)
                        w->post_end = p;
        }
        pthread_mutex_unlock(&w->lock);
}

void guest_free(struct guest *g)
{
        wasi_free(g->wasi);
        if (g->instance || g->store || g->fiber)
                instance_give_back(g);
        leave_module(g);
        if (!g->wasi_owns)
                close_descriptors(g);
        if (g->path_fd >= 0)
                close(g->path_fd);
        free(g->config_bytes);
        free(g->config.strings);
        guest_log_free(g);
        free(g->results);
        free(g->name);
        free(g->dirs);
        free(g->listen);
        free(g->members);
        g->stats->state = GUEST_STATE_ENDED;
        if (g->own_stats)
                free(g->stats);
        free(g);
}

void guest_done(struct guest *g)
{
        g->state = NANO_ENDED;
        table_remove(g);
        leave_post(g);
        __atomic_fetch_sub(&g->worker->guests, 1, __ATOMIC_RELAXED);
        while (g->nmembers)
                guest_free(g->members[--g->nmembers]);
        guest_free(g);
}

void guest_ask_to_end(struct guest *g)
{
        for (uint32_t k = 0; k < g->nmembers; k++)
                wasi_end(g->members[k]->wasi);
        wasi_end(g->wasi);
        if (g->state == NANO_WAITING)
                guest_nudge(g);
}
