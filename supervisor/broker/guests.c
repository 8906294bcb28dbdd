/* guests.c - what a cell says of its guests, as calls of whoever runs them; see guests.h.
 *
 * The cell is hostile: what it says of a guest that it does not have, or says twice, ends it. */
#include "config.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/broker/guests_state.h"

#define KEPT_MAX (4u << 20) /* bytes of events that are kept while a command is answered */

static struct live **chain_of(const struct guest_cell *c, uint64_t guest)
{
        return &c->chains[(guest * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (c->nchains - 1)];
}

static int live_room(struct guest_cell *c)
{
        unsigned old = c->nchains;
        struct live **chains = c->chains;

        if (c->nlive < old)
                return 0;
        c->nchains = old ? old * 2 : 16;
        c->chains = calloc(c->nchains, sizeof(struct live *));
        if (!c->chains) {
                c->chains = chains;
                c->nchains = old;
                return old ? 0 : -ENOMEM; /* longer chains do as well */
        }
        for (unsigned i = 0; i < old; i++)
                for (struct live *l = chains[i], *next; l; l = next) {
                        next = l->next;
                        l->next = *chain_of(c, l->guest);
                        *chain_of(c, l->guest) = l;
                }
        free(chains);
        return 0;
}

static struct live **live_find(const struct guest_cell *c, uint64_t guest)
{
        struct live **p;

        if (!c->nchains)
                return NULL;
        for (p = chain_of(c, guest); *p && (*p)->guest != guest;)
                p = &(*p)->next;
        return *p ? p : NULL;
}

int live_add(struct guest_cell *c, uint64_t guest, unsigned nmembers, const struct cgroup_use *use)
{
        struct live *l;

        if (live_find(c, guest))
                return -EEXIST;
        l = live_room(c) < 0 ? NULL : calloc(1, sizeof(*l) + (nmembers + 1) * sizeof(l->denied[0]));
        if (!l)
                return -ENOMEM;
        l->next = *chain_of(c, guest);
        l->guest = guest;
        l->nmembers = nmembers;
        l->use = *use;
        cell_group_add(&c->b->group, use);
        *chain_of(c, guest) = l;
        c->nlive++;
        return 0;
}

bool live_remove(struct guest_cell *c, uint64_t guest)
{
        struct live **p = live_find(c, guest), *l = p ? *p : NULL;

        if (!l)
                return false;
        *p = l->next;
        cell_group_take(&c->b->group, &l->use);
        free(l);
        c->nlive--;
        return true;
}

static void tell_lost(struct guest_cell *c, int code, const char *why)
{
        struct guest_ended end = { .end = GUEST_LOST, .code = code, .text = why };

        for (unsigned i = 0; i < c->nchains; i++)
                while (c->chains[i]) {
                        uint64_t guest = c->chains[i]->guest;

                        (void)live_remove(c, guest);
                        if (c->events.ended)
                                c->events.ended(c->context, guest, &end);
                }
}

/* What it said before it died has been heard; then everybody is told, once. */
static int die(struct guest_cell *c, const char *reason)
{
        char text[512];

        if (c->dead)
                return -EPIPE;
        c->dead = true;
        session_bury(c->b, reason, text, sizeof(text));
        guests_drop(c);
        guests_forget_config(c);
        tell_lost(c, reason ? -EPROTO : -EPIPE, text);
        if (c->events.lost)
                c->events.lost(c->context, text);
        return -EPIPE;
}

void cell_give_up(struct guest_cell *c)
{
        (void)die(c, NULL);
}

static int broken(struct error *err, const char *what, uint64_t guest)
{
        return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "%s guest %llu", what,
                         (unsigned long long)guest);
}

static int on_started(struct guest_cell *c, const struct started_message *m, struct error *err)
{
        if (!live_find(c, m->guest))
                return broken(err, "a start of", m->guest);
        if (c->events.started)
                c->events.started(c->context, m->guest, m->instantiate_ns);
        return 0;
}

static int on_ended(struct guest_cell *c, const struct ended_message *m, struct error *err)
{
        const struct wire_frame *frames = (const void *)(m + 1);
        const struct wire_value *wires = (const void *)(frames + m->nframes);
        struct run_value values[RUN_RESULTS_MAX];
        char text[RUN_TEXT_BYTES];
        struct guest_ended end = {
                .end = (enum guest_end)m->end, .status = m->status, .offset = m->offset, .cpu_ns = m->cpu_ns,
                .memory_peak = m->memory_peak, .text = text, .values = values,
        };

        if (m->end < GUEST_FAILED || m->end >= GUEST_LOST)
                return broken(err, "an unknown end of", m->guest);
        if (!live_remove(c, m->guest))
                return broken(err, "the end of", m->guest);
        text[0] = '\0';
        end.trap = m->trap < _TRAP_MAX ? (enum trap)m->trap : TRAP_NONE;
        end.limit = m->limit < _LIMIT_MAX ? (enum guest_limit)m->limit : 0;
        if (m->end == GUEST_FAILED) {
                end.member = m->member <= PROTO_MEMBERS_MAX ? m->member : 0;
                end.code = m->code < 0 && m->code > -4096 ? m->code : -EIO;
                end.stage = m->stage > STAGE_NONE && m->stage < _STAGE_MAX ? (enum stage)m->stage : STAGE_CELL;
                text_escape(m->text, sizeof(m->text), text, sizeof(text));
        } else if (m->end != GUEST_RETURNED && m->end != GUEST_EXITED) {
                outcome_text(m->end == GUEST_TRAPPED ? end.trap : TRAP_NONE, m->text, sizeof(m->text), frames,
                             m->nframes, m->nframes_all, text, sizeof(text));
        }
        end.nvalues = m->end != GUEST_RETURNED ? 0 : m->nvalues < RUN_RESULTS_MAX ? m->nvalues : RUN_RESULTS_MAX;
        for (unsigned i = 0; i < end.nvalues; i++) {
                values[i].type = wires[i].type;
                memcpy(values[i].value.bits, wires[i].bits, sizeof(wires[i].bits));
        }
        if (c->events.ended)
                c->events.ended(c->context, m->guest, &end);
        return 0;
}

static int on_log(struct guest_cell *c, const struct log_message *m, struct error *err)
{
        if (!live_find(c, m->guest) || m->stream < 1 || m->stream > 2)
                return broken(err, "output of", m->guest);
        if (c->events.log)
                c->events.log(c->context, m->guest, m->stream, (const char *)(m + 1), m->bytes, m->dropped);
        return 0;
}

static int on_denied(struct guest_cell *c, const struct denied_message *m, struct error *err)
{
        char what[4 * sizeof(m->what) + 1];
        const struct guest_denial denial = { .layer = m->layer, .limit = (enum guest_limit)m->limit, .what = what,
                                             .handle = m->handle, .count = m->count, .member = m->member };
        struct live **l = live_find(c, m->guest);
        uint8_t *last, power;

        if (!l || m->layer < DENIED_HOSTCALL || m->layer > DENIED_LIMIT || m->limit >= _LIMIT_MAX ||
            m->member > (*l)->nmembers)
                return broken(err, "a refusal of", m->guest);
        /* So a guest costs at most 64 records for each limit, whatever its cell says. */
        last = &(*l)->denied[m->member][m->layer == DENIED_LIMIT ? m->limit : _LIMIT_MAX];
        power = m->count ? (uint8_t)(64 - __builtin_clzll(m->count)) : 0;
        if (power <= *last || m->count & (m->count - 1))
                return broken(err, "too many refusals of", m->guest);
        *last = power;
        text_escape(m->what, sizeof(m->what), what, sizeof(what));
        if (c->events.denied)
                c->events.denied(c->context, m->guest, &denial);
        return 0;
}

static int on_heat(struct guest_cell *c, const struct heat_message *m, struct error *err)
{
        int r = heat_check(m, err);

        if (r >= 0 && c->events.heat)
                c->events.heat(c->context, m);
        return r;
}

static int tell(struct guest_cell *c, const void *message, struct error *err)
{
        switch (((const struct message_head *)message)->message) {
        case MESSAGE_STARTED:
                return on_started(c, message, err);
        case MESSAGE_ENDED:
                return on_ended(c, message, err);
        case MESSAGE_LOG:
                return on_log(c, message, err);
        case MESSAGE_DENIED:
                return on_denied(c, message, err);
        case MESSAGE_HEAT:
                return on_heat(c, message, err);
        case MESSAGE_UNLOADED:
                return broker_unloaded(c->b, ((const struct unloaded_message *)message)->module, err);
        default:
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE,
                                 "an answer to nothing that was asked");
        }
}

/* Called while session_ask() waits: no callback now. */
static int keep(void *context, const void *message, size_t size, struct error *err)
{
        struct guest_cell *c = context;
        struct kept *k = c->kept_bytes + size > KEPT_MAX ? NULL : malloc(sizeof(*k) + size);

        if (!k)
                return error_set(err, STAGE_PROTOCOL, -ENOBUFS, ERROR_NOWHERE, "too many events at once");
        k->next = NULL;
        k->size = size;
        memcpy(k->bytes, message, size);
        *c->kept_end = k;
        c->kept_end = &k->next;
        c->kept_bytes += size;
        return 0;
}

static int take_kept(struct guest_cell *c, struct error *err)
{
        struct kept *k = c->kept;
        int r;

        c->kept = k->next;
        if (!c->kept)
                c->kept_end = &c->kept;
        c->kept_bytes -= k->size;
        r = tell(c, k->bytes, err);
        free(k);
        return r;
}

/* 1: one was taken; 0: none is there. */
static int take_one(struct guest_cell *c, struct error *err)
{
        size_t size = 0;
        int r;

        if (c->kept)
                r = take_kept(c, err);
        else {
                r = session_receive(c->b, &size, err);
                if (r <= 0)
                        return r;
                r = tell(c, &c->b->in, err);
        }
        return r < 0 ? r : 1;
}

int cell_dispatch(struct guest_cell *c, unsigned most)
{
        if (c->dead)
                return -EPIPE;
        (void)guests_flush(c); /* a broken socket is seen by the read below */
        for (unsigned n = 0; most == 0 || n < most; n++) {
                struct error err = { 0 };
                int r = take_one(c, &err);

                if (r == 0)
                        break;
                if (r < 0)
                        return die(c, r == -EPIPE ? NULL : err.text);
        }
        return 0;
}

int cell_load(struct guest_cell *c, int artefact_fd, uint32_t *ret_module, struct error *err)
{
        char text[512];
        int r;

        if (cell_is_gone(c))
                return error_set(err, STAGE_CELL, -EPIPE, ERROR_NOWHERE, "the cell is gone");
        c->b->deadline_ns = monotonic_ns() + c->b->patience_ns;
        r = guests_drain(c);
        if (r >= 0)
                r = broker_load(c->b, artefact_fd, ret_module, err);
        else {
                session_bury(c->b, r == -ETIME ? "it did not answer" : NULL, text, sizeof(text));
                r = error_set(err, STAGE_CELL, -EPIPE, ERROR_NOWHERE, "%s", text);
        }
        c->b->deadline_ns = 0;
        return r;
}

int cell_unload(struct guest_cell *c, uint32_t module)
{
        struct unload_message m = { .head.message = MESSAGE_UNLOAD, .module = module };
        int r;

        if (c->dead || !broker_unload_begin(c->b, module))
                return -EINVAL;
        r = guests_send(c, &m, sizeof(m), NULL, 0);
        return r == -EPIPE ? 0 : r;
}

int cell_of_broker(struct broker *b, const struct guest_events *events, void *context,
                   struct guest_cell **ret, struct error *err)
{
        struct guest_cell *c = calloc(1, sizeof(*c));

        if (!c)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "cell");
        c->b = b;
        c->events = *events;
        c->context = context;
        c->out_end = &c->out;
        c->kept_end = &c->kept;
        b->keep = keep;
        b->keep_context = c;
        *ret = c;
        return 0;
}

static unsigned processors(void)
{
        cpu_set_t set;
        int n = sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);

        return n < 1 ? 1 : n > (int)PROTO_WORKERS_MAX ? PROTO_WORKERS_MAX : (unsigned)n;
}

int cell_open(const struct cell_settings *s, const struct guest_events *events, void *context,
              struct guest_cell **ret, struct error *err)
{
        struct run_options o = { .degraded = s->degraded, .cell_program = s->program,
                                 .cell_argument = s->argument };
        _cleanup_(broker_stopp) struct broker *b = NULL;
        int r;

        r = broker_new(&o, &b, err);
        if (r < 0)
                return r;
        b->alone = s->alone;
        b->workers = s->alone ? 1 : s->workers ? s->workers : processors();
        b->has_stdio = true;
        memcpy(b->stdio, s->stdio, sizeof(b->stdio));
        r = code_arena_new(s->arena_bytes, -EBADF, 0, 0, true, &b->arena, err);
        if (r >= 0)
                r = cell_start(b, err);
        if (r >= 0)
                r = cell_of_broker(b, events, context, ret, err);
        if (r < 0)
                return r;
        b = NULL;
        (*ret)->owns = true;
        return 0;
}

void cell_close(struct guest_cell *c)
{
        if (!c)
                return;
        c->dead = true;
        guests_drop(c);
        guests_forget_config(c);
        tell_lost(c, -EPIPE, "the cell was closed");
        while (c->kept) {
                struct kept *k = c->kept;

                c->kept = k->next;
                free(k);
        }
        if (c->stats)
                munmap(c->stats, (size_t)c->nstats * sizeof(*c->stats));
        free(c->chains);
        c->b->keep = NULL;
        if (c->owns)
                broker_stop(c->b);
        free(c);
}

int cell_fd(const struct guest_cell *c)
{
        return c->b->sock;
}

short cell_fd_events(const struct guest_cell *c)
{
        return (short)(POLLIN | (c->out ? POLLOUT : 0));
}

bool cell_is_gone(const struct guest_cell *c)
{
        return c->dead || c->b->sock < 0;
}

bool cell_pending(const struct guest_cell *c)
{
        return c->kept != NULL || (!c->dead && cell_is_gone(c));
}

unsigned cell_guests(const struct guest_cell *c)
{
        return c->nlive;
}

int cell_pid(const struct guest_cell *c)
{
        return c->b->cell.pid;
}

const char *cell_missing(const struct guest_cell *c)
{
        return c->b->missing_text;
}
