/* service.c - the life of one unit: states.def has the edges, this file what happens on them. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/blame.h"
#include "supervisor/daemon/connecting.h"
#include "supervisor/daemon/host.h"
#include "supervisor/daemon/improve.h"
#include "supervisor/daemon/on_demand.h"
#include "supervisor/daemon/sockets.h"

uint64_t realtime_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000;
}

void service_log(struct service *s, int priority, const char *event, const char *format, ...)
{
        const struct journal_fields fields = { .value = { [JOURNAL_UNIT] = s->unit->name,
                                                          [JOURNAL_EVENT] = event } };
        char raw[RUN_TEXT_BYTES], text[2048];
        va_list args;

        va_start(args, format);
        vsnprintf(raw, sizeof(raw), format, args);
        va_end(args);
        journal_escape(raw, strlen(raw), text, sizeof(text));
        logs_add(&s->logs, realtime_us(), 0, LOG_STREAM_EVENT, text);
        journal_write(priority, &fields, "%s", raw);
        control_changed(s->daemon);
}

bool service_live(const struct service *s)
{
        return s->state != UNIT_INACTIVE && s->state != UNIT_FAILED && s->state != UNIT_QUARANTINED;
}

bool service_up(const struct service *s)
{
        return s->state == UNIT_ACTIVE || s->done;
}

static void answer(struct service *s, struct waiter *w)
{
        struct json_object *o = json_object_new_object();
        bool good = w->up ? service_up(s) : !service_live(s);

        if (!good) {
                json_object_object_add(o, "unit", json_object_new_string(s->unit->name));
                json_object_object_add(o, "reason", json_object_new_string(s->reason));
        }
        json_object_object_add(o, "state", json_object_new_string(unit_state_text(s->state)));
        if (good)
                call_reply(w->call, o);
        else
                call_refuse(w->call, "UnitFailed", o);
}

/* Whoever waits for the unit to come up, or down, is told when it did, or will not. */
static void tell_waiters(struct service *s)
{
        struct waiter *next;

        if (service_live(s) && s->state != UNIT_ACTIVE)
                return;
        for (struct waiter *w = s->waiters; w; w = next) {
                next = w->next;
                if (s->again || (!w->up && service_live(s)))
                        continue;
                answer(s, w); /* frees w */
                control_changed(s->daemon);
        }
}

static void waiter_done(struct control_call *call)
{
        struct waiter *w = call->state;

        for (struct waiter **at = &w->service->waiters; *at; at = &(*at)->next)
                if (*at == w) {
                        *at = w->next;
                        break;
                }
        free(w);
}

void service_wait(struct service *s, struct control_call *call, bool up)
{
        struct waiter *w = calloc(1, sizeof(*w));

        if (!w) {
                call_refuse(call, "NotPossible", NULL);
                return;
        }
        *w = (struct waiter) { .next = s->waiters, .call = call, .service = s, .up = up };
        s->waiters = w;
        call->state = w;
        call->done = waiter_done;
        tell_waiters(s);
}

static void enter_preparing(struct service *s)
{
        struct error err = { 0 };

        s->done = false;
        if (prepare_start(s, &err) < 0)
                service_event(s, ON_NOT_PREPARED, "%s", err.text);
}

static void enter_starting(struct service *s)
{
        struct error err = { 0 };

        blame_expire(s);
        if (s->unit->on_demand) {
                if (on_demand_start(s, &err) < 0)
                        service_event(s, ON_NOT_PREPARED, "%s", err.text);
                else
                        service_event(s, ON_UP, "%s", "");
                return;
        }
        s->busy = true;
        for (unsigned i = 0; i < s->nguests; i++)
                if (s->guests[i].state == NANO_DOWN || s->guests[i].state == NANO_FAILED)
                        nano_event(&s->guests[i], NANO_ON_START);
        s->busy = false;
        service_count(s);
}

static void enter_stopping(struct service *s)
{
        on_demand_free(TAKE_PTR(s->on_demand));
        s->busy = true;
        for (unsigned i = 0; i < s->nguests; i++)
                if (s->guests[i].state != NANO_DOWN)
                        nano_event(&s->guests[i], NANO_ON_STOP);
        s->busy = false;
        service_count(s);
}

static void enter_quarantined(struct service *s)
{
        prepare_free(TAKE_PTR(s->prepare));
        enter_stopping(s);
        for (unsigned i = 0; i < s->nguests; i++)
                nano_kill(&s->guests[i]);
}

static int set_guests(struct service *s, unsigned n)
{
        struct nano *guests = calloc(n ? n : 1, sizeof(*guests));

        if (!guests)
                return -ENOMEM;
        free(s->guests);
        s->guests = guests;
        s->nguests = n;
        memset(s->count, 0, sizeof(s->count));
        s->count[NANO_DOWN] = n;
        for (unsigned i = 0; i < n; i++)
                guests[i] = (struct nano) { .service = s, .status = -1, .since_us = realtime_us(),
                                            .connection = -EBADF };
        return 0;
}

/* What a reload has read is in force from here on. */
static void take_next_unit(struct service *s)
{
        if (!s->next_unit || set_guests(s, host_guests_of(s->next_unit)) < 0)
                return;
        unit_free(s->unit);
        s->unit = TAKE_PTR(s->next_unit);
        s->digest = s->next_digest;
}

static void enter_down(struct service *s)
{
        prepare_free(TAKE_PTR(s->prepare));
        improve_leave(s);
        host_forget(s);
        sockets_release(s);
        closep(&s->artefact);
        s->artefact = -EBADF;
        for (unsigned i = 0; i < s->nimport_artefacts; i++)
                close(s->import_artefacts[i]);
        free(s->import_artefacts);
        s->import_artefacts = NULL;
        s->nimport_artefacts = 0;
        free(TAKE_PTR(s->past_imports));
        host_sweep_soon(s->daemon);
        s->stopping = false;
}

/* From the loop, when nobody holds one of its guests. */
void service_renew(struct service *s)
{
        if (!service_live(s) && s->count[NANO_DOWN] + s->count[NANO_FAILED] == s->nguests)
                take_next_unit(s);
}

void service_event(struct service *s, enum unit_event event, const char *format, ...)
{
        int next = unit_after(s->state, event);
        enum unit_state was = s->state;
        char reason[REASON_MAX];
        va_list args;

        if (next < 0) {
                journal_write(LOG_ERR, &(struct journal_fields) { { [JOURNAL_UNIT] = s->unit->name } },
                              "no way from %s by %s", unit_state_text(s->state),
                              unit_event_text(event));
                return;
        }
        if (next == (int)was)
                return;
        va_start(args, format);
        vsnprintf(reason, sizeof(reason), format, args);
        va_end(args);
        s->state = (enum unit_state)next;
        s->since_us = realtime_us();
        snprintf(s->reason, sizeof(s->reason), "%s", reason);
        if (s->state != UNIT_WAITING && s->state != UNIT_PREPARING && s->state != UNIT_STARTING)
                service_log(s, next == UNIT_FAILED || next == UNIT_QUARANTINED ? LOG_ERR : LOG_INFO,
                            unit_state_text(s->state), "%s%s%s", unit_state_text(s->state),
                            reason[0] ? ": " : "", reason);
        set_settle_soon(s->daemon);
        switch (s->state) {
        case UNIT_PREPARING:
                enter_preparing(s);
                break;
        case UNIT_STARTING:
                enter_starting(s);
                break;
        case UNIT_STOPPING:
                enter_stopping(s);
                break;
        case UNIT_QUARANTINED:
                enter_quarantined(s);
                break;
        case UNIT_INACTIVE:
        case UNIT_FAILED:
                s->done = was != UNIT_STOPPING && event == ON_ALL_DOWN &&
                          s->unit->service.type == TYPE_ONESHOT;
                enter_down(s);
                break;
        default:
                break;
        }
        tell_waiters(s);
}

void service_count(struct service *s)
{
        unsigned down = s->count[NANO_DOWN] + s->count[NANO_FAILED];

        if (s->busy || s->on_demand || s->state < UNIT_STARTING || s->state == UNIT_FAILED)
                return;
        if (down == s->nguests && s->nguests) {
                if (s->state == UNIT_QUARANTINED)
                        enter_down(s);
                else if (s->count[NANO_FAILED])
                        service_event(s, ON_ALL_FAILED, "%s", s->reason);
                else
                        service_event(s, ON_ALL_DOWN, "%s", "");
        } else if (s->state == UNIT_STARTING && s->unit->service.type != TYPE_ONESHOT &&
                   s->count[NANO_STARTING] + s->count[NANO_WAITING] == 0 && s->count[NANO_RUNNING]) {
                service_event(s, ON_UP, "%s", "");
        }
}

void service_start(struct service *s)
{
        s->wanted = true;
        s->gone = false;
        s->stopping = false;
        if (s->state == UNIT_STOPPING) {
                s->again = true;
                return;
        }
        if (!service_live(s)) {
                service_renew(s);
                s->kills = 0;
                s->done = false;
                for (unsigned i = 0; i < s->nguests; i++)
                        s->guests[i].starts.n = s->guests[i].failures = 0;
        }
        service_event(s, ON_START, "%s", "");
}

/* The stop itself waits in set_settle() for those units that need this one. */
void service_stop(struct service *s)
{
        s->wanted = s->again = false;
        if (service_live(s))
                s->stopping = true;
        else
                service_event(s, ON_STOP, "%s", "");
        set_settle_soon(s->daemon);
}

void service_restart(struct service *s)
{
        if (!service_live(s)) {
                service_start(s);
                return;
        }
        service_stop(s);
        s->wanted = s->again = true;
}

int service_code(const struct service *s, enum tier *ret_tier)
{
        *ret_tier = s->better >= 0 ? s->better_tier : s->choice.tier;
        return s->better >= 0 ? s->better : s->artefact;
}

void service_usage(const struct service *s, struct usage *ret)
{
        *ret = s->past;
        ret->memory = 0;
        for (unsigned i = 0; i < s->nguests; i++) {
                struct usage u;

                if (!s->guests[i].host)
                        continue;
                nano_usage(&s->guests[i], &u);
                ret->cpu_ns += u.cpu_ns;
                ret->memory += u.memory;
                ret->host_calls += u.host_calls;
                ret->denials += u.denials;
                for (unsigned k = 0; k < _LIMIT_MAX; k++)
                        ret->refused[k] += u.refused[k];
        }
}

int service_new(struct daemon *d, struct unit *unit, uint64_t digest, struct service **ret,
                struct error *err)
{
        struct service *s = calloc(1, sizeof(*s));

        if (!s || set_guests(s, host_guests_of(unit)) < 0) {
                free(s);
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "unit %s", unit->name);
        }
        s->daemon = d;
        s->number = ++d->next_service;
        s->unit = unit;
        s->digest = digest;
        s->artefact = s->better = -EBADF;
        s->since_us = realtime_us();
        *ret = s;
        return 0;
}

void service_free(struct service *s)
{
        if (!s)
                return;
        while (s->waiters)
                call_refuse(s->waiters->call, "NoSuchUnit", NULL);
        for (unsigned i = 0; i < s->nguests; i++) {
                connecting_free(TAKE_PTR(s->guests[i].connecting));
                loop_timer_clear(s->daemon->loop, &s->guests[i].timer);
        }
        enter_down(s);
        blame_forget(&s->daemon->suspects, s);
        logs_done(&s->logs);
        unit_free(s->unit);
        unit_free(s->next_unit);
        free(s->guests);
        free(s);
}
