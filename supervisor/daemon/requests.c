/* requests.c - the methods of io.nacelle.Supervisor: each is a function that gets checked parameters. */
#include "config.h"

#include <string.h>
#include <syslog.h>

#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/host.h"

#define PART_MAX     200u   /* units, guests or lines in one answer of several */
#define LINES_MAX    1000u
#define FIRST_MAX    1000u  /* in the only answer */
#define TEXT_PART    32768u

static struct json_object *with(const char *key, struct json_object *value)
{
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, key, value);
        return o;
}

static void refuse_unit(struct control_call *call, const char *name, const struct error *err)
{
        struct json_object *o = with("unit", json_object_new_string(name));

        if (!err || err->code == -ENOENT) {
                call_refuse(call, "NoSuchUnit", o);
        } else {
                json_object_object_add(o, "reason", json_object_new_string(err->text));
                call_refuse(call, "NotPossible", o);
        }
}

static void free_state(struct control_call *call)
{
        free(call->state);
}

/* ---- lists, in parts as the peer reads them. Between two parts units may come and go: a place in the
 * list is a name, and one more number for guests. */
struct walk {
        char after[UNIT_NAME_MAX + 1];
        char only[UNIT_NAME_MAX + 1];
        unsigned guest;     /* of the unit `after`: the next to show */
        bool guests, inside;
};

static bool shows(const struct nano *g)
{
        return !g->service->unit->on_demand || (g->state != NANO_DOWN && g->state != NANO_FAILED);
}

/* The first unit behind the walk's place, or the one it stands in the middle of. */
static struct service *walk_unit(struct daemon *d, const struct walk *w)
{
        for (unsigned i = 0; i < d->nservices; i++) {
                int order = strcmp(d->services[i]->unit->name, w->after);

                if (w->only[0] && strcmp(d->services[i]->unit->name, w->only) != 0)
                        continue;
                if (order > 0 || (order == 0 && w->inside))
                        return d->services[i];
        }
        return NULL;
}

/* Up to @most rows; false when it was the last part. */
static bool walk_part(struct daemon *d, struct walk *w, unsigned most, struct json_object *list)
{
        struct service *s = walk_unit(d, w);

        for (unsigned n = 0; s && n < most; s = walk_unit(d, w)) {
                if (strcmp(w->after, s->unit->name) != 0)
                        w->guest = 0;
                snprintf(w->after, sizeof(w->after), "%s", s->unit->name);
                w->inside = false;
                if (!w->guests) {
                        json_object_array_add(list, view_unit(s));
                        n++;
                        continue;
                }
                for (; w->guest < s->nguests && n < most; w->guest++)
                        if (shows(&s->guests[w->guest])) {
                                json_object_array_add(list, view_guest(&s->guests[w->guest]));
                                n++;
                        }
                w->inside = w->guest < s->nguests;
        }
        return s;
}

static void next_part(struct control_call *call)
{
        struct walk *w = call->state;
        struct json_object *list = json_object_new_array();
        const char *key = w->guests ? "guests" : "units";

        if (walk_part(call->context, w, PART_MAX, list))
                call_part(call, with(key, list));
        else
                call_reply(call, with(key, list));
}

static void list(struct control_call *call, struct json_object *parameters, bool guests)
{
        const char *only = parameter_string(parameters, "unit");
        struct walk *w = calloc(1, sizeof(*w));
        struct json_object *first;

        if (!w || (only && !set_find(call->context, only))) {
                free(w);
                refuse_unit(call, only ? only : "", NULL);
                return;
        }
        w->guests = guests;
        snprintf(w->only, sizeof(w->only), "%s", only ? only : "");
        call->state = w;
        call->done = free_state;
        if (call->more) {
                call->next = next_part;
                return;
        }
        first = json_object_new_array();
        walk_part(call->context, w, FIRST_MAX, first);
        call_reply(call, with(guests ? "guests" : "units", first));
}

static void list_units(struct control_call *call, struct json_object *parameters)
{
        list(call, parameters, false);
}

static void list_guests(struct control_call *call, struct json_object *parameters)
{
        list(call, parameters, true);
}

/* ---- logs */
struct follow {
        char only[UNIT_NAME_MAX + 1];
        uint64_t after;
        bool follow;
};

/* The line with the lowest number above @after. */
static const struct log_line *next_line(struct daemon *d, const struct follow *f, struct service **ret)
{
        const struct log_line *best = NULL;

        for (unsigned i = 0; i < d->nservices; i++) {
                const struct log_line *line;

                if (f->only[0] && strcmp(d->services[i]->unit->name, f->only) != 0)
                        continue;
                line = logs_after(&d->services[i]->logs, f->after);
                if (line && (!best || line->number < best->number)) {
                        best = line;
                        *ret = d->services[i];
                }
        }
        return best;
}

static struct json_object *take_lines(struct daemon *d, struct follow *f, unsigned most)
{
        struct json_object *list = json_object_new_array();
        const struct log_line *line;
        struct service *s = NULL;

        for (unsigned n = 0; n < most && (line = next_line(d, f, &s)); n++) {
                json_object_array_add(list, view_line(s, line));
                f->after = line->number;
        }
        return list;
}

static void next_lines(struct control_call *call)
{
        struct follow *f = call->state;
        struct json_object *lines = take_lines(call->context, f, PART_MAX), *o;
        size_t n = json_object_array_length(lines);

        if (f->follow && n == 0) {
                json_object_put(lines);
                return;
        }
        o = with("lines", lines);
        if (!f->follow && n < PART_MAX)
                call_reply(call, o);
        else
                call_part(call, o);
}

/* Where to begin, so that at most @lines lines are shown before the end. */
static uint64_t begin_of(struct daemon *d, const char *only, unsigned lines)
{
        uint64_t low = 0, high = logs_last();

        /* How many lines have a number above n falls as n rises. */
        while (low < high) {
                uint64_t middle = low + (high - low) / 2, n = 0;

                for (unsigned i = 0; i < d->nservices && n <= lines; i++)
                        if (!only || !strcmp(d->services[i]->unit->name, only))
                                n += logs_count_after(&d->services[i]->logs, middle);
                if (n > lines)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void logs(struct control_call *call, struct json_object *parameters)
{
        const char *only = parameter_string(parameters, "unit");
        int64_t lines = parameter_int(parameters, "lines", 100);
        struct follow *f;

        if (only && !set_find(call->context, only)) {
                refuse_unit(call, only, NULL);
                return;
        }
        if (lines < 0 || lines > LINES_MAX)
                lines = LINES_MAX;
        f = calloc(1, sizeof(*f));
        if (!f) {
                call_refuse(call, "NotPossible", NULL);
                return;
        }
        f->after = begin_of(call->context, only, (unsigned)lines);
        f->follow = parameter_bool(parameters, "follow");
        snprintf(f->only, sizeof(f->only), "%s", only ? only : "");
        call->state = f;
        call->done = free_state;
        if (call->more)
                call->next = next_lines;
        else
                call_reply(call, with("lines", take_lines(call->context, f, LINES_MAX)));
}

/* ---- changes */
static void change(struct control_call *call, struct json_object *parameters, bool up,
                   void (*act)(struct service *s))
{
        const char *name = parameter_string(parameters, "unit");
        struct daemon *d = call->context;
        struct service *s = NULL;
        struct error err = { 0 };

        if (d->ending) {
                call_refuse(call, "NotPossible", with("reason", json_object_new_string("nacelled is stopping")));
                return;
        }
        if (set_find_or_load(d, name, &s, &err) < 0) {
                refuse_unit(call, name, &err);
                return;
        }
        act(s);
        if (parameter_bool(parameters, "wait"))
                service_wait(s, call, up);
        else
                call_reply(call, with("state", json_object_new_string(unit_state_text(s->state))));
}

static void start(struct control_call *call, struct json_object *parameters)
{
        change(call, parameters, true, service_start);
}

static void stop(struct control_call *call, struct json_object *parameters)
{
        change(call, parameters, false, service_stop);
}

static void restart(struct control_call *call, struct json_object *parameters)
{
        change(call, parameters, true, service_restart);
}

static void kill_guests(struct control_call *call, struct json_object *parameters)
{
        const char *name = parameter_string(parameters, "unit");
        int64_t id = parameter_int(parameters, "guest", 0);
        struct service *s = set_find(call->context, name);
        unsigned killed = 0;

        if (!s) {
                refuse_unit(call, name, NULL);
                return;
        }
        for (unsigned i = 0; i < s->nguests; i++) {
                struct nano *g = &s->guests[i];

                if (!g->host || (id && g->id != (uint64_t)id))
                        continue;
                nano_kill(g);
                killed++;
        }
        if (id && !killed) {
                struct json_object *o = with("unit", json_object_new_string(name));

                json_object_object_add(o, "guest", json_object_new_int64(id));
                call_refuse(call, "NoSuchGuest", o);
                return;
        }
        call_reply(call, with("killed", json_object_new_int((int)killed)));
}

static void reload(struct control_call *call, struct json_object *parameters)
{
        struct reload_result result = { .errors = json_object_new_array() };
        struct json_object *o = json_object_new_object();

        set_load(call->context, &result);
        json_object_object_add(o, "added", json_object_new_int((int)result.added));
        json_object_object_add(o, "changed", json_object_new_int((int)result.changed));
        json_object_object_add(o, "removed", json_object_new_int((int)result.removed));
        json_object_object_add(o, "errors", result.errors);
        call_reply(call, o);
}

/* ---- views */
static void describe(struct control_call *call, struct json_object *parameters)
{
        const char *name = parameter_string(parameters, "unit");
        struct service *s = set_find(call->context, name);
        struct follow f = { .follow = false };
        struct json_object *o, *guests = json_object_new_array();
        char settings[1024];
        size_t at = 0;

        if (!s) {
                json_object_put(guests);
                refuse_unit(call, name, NULL);
                return;
        }
        o = with("unit", view_unit(s));
        for (unsigned i = 0, n = 0; i < s->nguests && n < PART_MAX; i++)
                if (shows(&s->guests[i])) {
                        json_object_array_add(guests, view_guest(&s->guests[i]));
                        n++;
                }
        json_object_object_add(o, "guests", guests);
        f.after = begin_of(call->context, name, 10);
        snprintf(f.only, sizeof(f.only), "%s", name);
        json_object_object_add(o, "lines", take_lines(call->context, &f, 10));
        settings[0] = '\0';
        for (unsigned i = 0; i < s->unit->nfiles && at < sizeof(settings); i++)
                at += (size_t)snprintf(settings + at, sizeof(settings) - at, "%s%s", i ? "\n" : "",
                                       s->unit->files[i]);
        json_object_object_add(o, "settings", json_object_new_string(settings));
        call_reply(call, o);
}

struct text_parts {
        struct buffer text;
        size_t at;
};

static void free_text(struct control_call *call)
{
        struct text_parts *t = call->state;

        buffer_done(&t->text);
        free(t);
}

static void next_text(struct control_call *call)
{
        struct text_parts *t = call->state;
        size_t n = t->text.size - t->at, part = n < TEXT_PART ? n : TEXT_PART;
        struct json_object *o;

        /* All of it is ASCII but for labels, in which units' names are letters, digits and a few marks. */
        o = with("text", json_object_new_string_len((const char *)t->text.bytes + t->at, (int)part));
        t->at += part;
        if (part < n)
                call_part(call, o);
        else
                call_reply(call, o);
}

static void metrics(struct control_call *call, struct json_object *parameters)
{
        struct text_parts *t = calloc(1, sizeof(*t));

        if (t)
                view_metrics(call->context, &t->text);
        if (!t || !buffer_ok(&t->text)) {
                free(t);
                call_refuse(call, "NotPossible", NULL);
                return;
        }
        call->state = t;
        call->done = free_text;
        if (call->more)
                call->next = next_text;
        else
                call_reply(call, with("text", json_object_new_string_len((const char *)t->text.bytes,
                                                                         (int)t->text.size)));
}

static void posture(struct control_call *call, struct json_object *parameters)
{
        call_reply(call, with("cells", host_view(call->context)));
}

const control_handler control_handlers[_CONTROL_METHOD_MAX] = {
        [CONTROL_ListUnits] = list_units, [CONTROL_ListGuests] = list_guests,
        [CONTROL_Describe] = describe,    [CONTROL_Start] = start,
        [CONTROL_Stop] = stop,            [CONTROL_Restart] = restart,
        [CONTROL_Kill] = kill_guests,     [CONTROL_Logs] = logs,
        [CONTROL_Metrics] = metrics,      [CONTROL_Posture] = posture,
        [CONTROL_Reload] = reload,
};
