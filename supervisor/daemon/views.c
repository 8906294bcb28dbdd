/* views.c - what the daemon shows of itself: JSON for the control socket, OpenMetrics. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "supervisor/control/openmetrics.h"
#include "supervisor/daemon/daemon.h"
#include "supervisor/daemon/host.h"
#include "supervisor/daemon/linked.h"
#include "supervisor/daemon/improve.h"
#include "supervisor/daemon/on_demand.h"

static void put_text(struct json_object *o, const char *key, const char *text)
{
        json_object_object_add(o, key, json_object_new_string(text ? text : ""));
}

static void put_number(struct json_object *o, const char *key, uint64_t n)
{
        json_object_object_add(o, key, json_object_new_int64(n > INT64_MAX ? INT64_MAX : (int64_t)n));
}

/* Which code: that of an artefact which the unit names is its maker's. */
static const char *code_text(const struct service *s, enum tier tier)
{
        return !s->compiled ? "given" : tier == TIER_PEAK ? "peak" : tier == TIER_MIXED ? "mixed" : "fast";
}

static unsigned guests_on(const struct service *s, enum tier tier)
{
        unsigned n = 0;

        for (unsigned i = 0; i < s->nguests; i++)
                n += s->guests[i].host && s->compiled && s->guests[i].tier == tier;
        return n;
}

static void put_code(struct json_object *o, const struct service *s)
{
        struct improve_view v;
        enum tier tier;

        improve_view(s, &v);
        put_text(o, "code", service_code(s, &tier) < 0 ? "" : code_text(s, tier));
        put_number(o, "fast", guests_on(s, TIER_FAST));
        put_number(o, "mixed", guests_on(s, TIER_MIXED));
        put_number(o, "peak", guests_on(s, TIER_PEAK));
        put_text(o, "optimiser", v.text);
        put_number(o, "optimised_percent", v.percent);
}

static unsigned live_guests(const struct service *s)
{
        return s->nguests - s->count[NANO_DOWN] - s->count[NANO_FAILED];
}

struct json_object *view_unit(const struct service *s)
{
        struct json_object *o = json_object_new_object();
        struct usage u;

        service_usage(s, &u);
        put_text(o, "name", s->unit->name);
        put_text(o, "description", s->unit->description);
        put_text(o, "state", unit_state_text(s->state));
        put_text(o, "reason", s->reason);
        put_number(o, "guests", s->unit->on_demand ? live_guests(s) : s->nguests);
        put_number(o, "running", s->count[NANO_RUNNING]);
        put_number(o, "restarts", s->restarts);
        put_number(o, "cpu_ns", u.cpu_ns);
        put_number(o, "memory", u.memory);
        put_number(o, "since", s->since_us);
        put_code(o, s);
        if (s->nimport_artefacts)
                json_object_object_add(o, "imports", linked_view_unit(s));
        return o;
}

struct json_object *view_guest(const struct nano *g)
{
        struct json_object *o = json_object_new_object();
        struct usage u;

        nano_usage(g, &u);
        put_number(o, "guest", g->id);
        put_text(o, "unit", g->service->unit->name);
        put_text(o, "state", nano_state_text(g->state));
        put_number(o, "cell", (uint64_t)g->cell);
        put_text(o, "code", g->host ? code_text(g->service, g->tier) : "");
        put_number(o, "cpu_ns", u.cpu_ns);
        put_number(o, "memory", u.memory);
        put_number(o, "memory_peak", u.memory_peak);
        put_number(o, "host_calls", u.host_calls);
        put_number(o, "denials", u.denials);
        put_number(o, "restarts", g->restarts);
        if (g->nmembers)
                json_object_object_add(o, "imports", linked_view(g));
        json_object_object_add(o, "status", g->status < 0 ? NULL : json_object_new_int(g->status));
        put_number(o, "since", g->since_us);
        return o;
}

struct json_object *view_line(const struct service *s, const struct log_line *line)
{
        struct json_object *o = json_object_new_object();

        put_number(o, "number", line->number);
        put_number(o, "time", line->time_us);
        put_text(o, "unit", s->unit->name);
        json_object_object_add(o, "guest", line->guest ? json_object_new_int64((int64_t)line->guest) : NULL);
        put_text(o, "stream", log_stream_text(line->stream));
        put_text(o, "text", line->text);
        return o;
}

enum figure {
        FIGURE_CPU, FIGURE_MEMORY, FIGURE_GUESTS, FIGURE_QUEUE, FIGURE_STARTS, FIGURE_RESTARTS, FIGURE_CLEAN,
        FIGURE_FAILED, FIGURE_LOST, FIGURE_FAULTS, FIGURE_CALLS, FIGURE_LOGGED, FIGURE_DROPPED, _FIGURE_MAX,
};

/* Families with one sample for each unit. */
static const struct {
        enum metric_type type;
        const char *name, *unit, *help;
} figures[_FIGURE_MAX] = {
        [FIGURE_CPU] = { METRIC_COUNTER, "nacelle_cpu_seconds", "seconds", "Processor time of the nanoprocesses" },
        [FIGURE_MEMORY] = { METRIC_GAUGE, "nacelle_memory_bytes", "bytes", "Linear memory held now" },
        [FIGURE_GUESTS] = { METRIC_GAUGE, "nacelle_nanoprocesses", "", "Nanoprocesses that run" },
        [FIGURE_QUEUE] = { METRIC_GAUGE, "nacelle_queue_connections", "connections",
                           "Connections that wait for a nanoprocess" },
        [FIGURE_STARTS] = { METRIC_COUNTER, "nacelle_starts", "", "Nanoprocesses started" },
        [FIGURE_RESTARTS] = { METRIC_COUNTER, "nacelle_restarts", "", "Starts that followed an end, by Restart=" },
        [FIGURE_CLEAN] = { METRIC_COUNTER, "nacelle_ends", "", "Nanoprocesses that ended well, or were stopped" },
        [FIGURE_FAILED] = { METRIC_COUNTER, "nacelle_failures", "", "Nanoprocesses that trapped, failed or were lost" },
        [FIGURE_LOST] = { METRIC_COUNTER, "nacelle_losses", "", "Nanoprocesses lost with their cell" },
        [FIGURE_FAULTS] = { METRIC_COUNTER, "nacelle_faults", "", "Nanoprocesses that trapped, or could not start" },
        [FIGURE_CALLS] = { METRIC_COUNTER, "nacelle_host_calls", "", "Host calls" },
        [FIGURE_LOGGED] = { METRIC_COUNTER, "nacelle_log_bytes", "bytes", "Output that was logged" },
        [FIGURE_DROPPED] = { METRIC_COUNTER, "nacelle_log_dropped_bytes", "bytes", "Output beyond LogRateMax" },
};

static double figure_of(const struct service *s, const struct usage *u, enum figure f)
{
        switch (f) {
        case FIGURE_CPU:
                return (double)u->cpu_ns / 1e9;
        case FIGURE_MEMORY:
                return (double)u->memory;
        case FIGURE_GUESTS:
                return s->count[NANO_RUNNING];
        case FIGURE_QUEUE:
                return s->on_demand ? on_demand_queue(s->on_demand) : 0;
        case FIGURE_STARTS:
                return (double)s->starts;
        case FIGURE_RESTARTS:
                return (double)s->restarts;
        case FIGURE_CLEAN:
                return (double)s->ends_clean;
        case FIGURE_FAILED:
                return (double)s->ends_failed;
        case FIGURE_LOST:
                return (double)s->lost;
        case FIGURE_CALLS:
                return (double)u->host_calls;
        case FIGURE_FAULTS:
                return (double)s->traps;
        case FIGURE_LOGGED:
                return (double)s->log_bytes;
        default:
                return (double)s->log_dropped;
        }
}

static void put_states(const struct daemon *d, struct metrics *m)
{
        metrics_family(m, "nacelle_unit_state", METRIC_STATESET, "", "The state that the unit is in");
        for (unsigned i = 0; i < d->nservices; i++)
                for (unsigned k = 0; k < _UNIT_STATE_MAX; k++) {
                        const char *labels[] = { "unit", d->services[i]->unit->name, "nacelle_unit_state",
                                                 unit_state_text(k), NULL };

                        metrics_sample(m, labels, d->services[i]->state == k);
                }
}

/* By the layer that refused: the host calls (no key), limits, and, of cells, the kernel's filter. */
static void put_denials(const struct daemon *d, const struct usage *usage, struct metrics *m)
{
        metrics_family(m, "nacelle_denials", METRIC_COUNTER, "", "Refusals, by the layer that refused");
        for (unsigned i = 0; i < d->nservices; i++) {
                const char *unit = d->services[i]->unit->name;
                uint64_t limits = 0;

                for (unsigned k = 0; k < _LIMIT_MAX; k++)
                        limits += usage[i].refused[k];
                metrics_sample(m, (const char *[]) { "unit", unit, "layer", "host-call", NULL },
                               (double)usage[i].denials);
                metrics_sample(m, (const char *[]) { "unit", unit, "layer", "limit", NULL }, (double)limits);
        }
        metrics_family(m, "nacelle_cell_losses", METRIC_COUNTER, "", "Cells that died, by the layer that killed them");
        metrics_sample(m, (const char *[]) { "layer", "seccomp", NULL }, (double)d->cells_lost[LOST_SECCOMP]);
        metrics_sample(m, (const char *[]) { "layer", "broker", NULL }, (double)d->cells_lost[LOST_BROKER]);
        metrics_sample(m, (const char *[]) { "layer", "none", NULL }, (double)d->cells_lost[LOST_OTHERWISE]);
}

static void put_refusals(const struct daemon *d, const struct usage *usage, struct metrics *m)
{
        static const char *const settings[] = {
#define LIMIT(name, setting, effect) [LIMIT_##name] = setting,
#include "supervisor/proto/limits.def"
        };

        metrics_family(m, "nacelle_limit_refusals", METRIC_COUNTER, "", "Refusals by a limit, by its setting");
        for (unsigned i = 0; i < d->nservices; i++)
                for (unsigned k = 0; k < _LIMIT_MAX; k++) {
                        const char *labels[] = { "unit", d->services[i]->unit->name, "limit", settings[k], NULL };

                        metrics_sample(m, labels, (double)usage[i].refused[k]);
                }
}

static void put_improvements(const struct daemon *d, struct metrics *m)
{
        static const enum tier tiers[] = { TIER_FAST, TIER_MIXED, TIER_PEAK };

        metrics_family(m, "nacelle_code_nanoprocesses", METRIC_GAUGE, "", "Nanoprocesses, by the code that they run");
        for (unsigned i = 0; i < d->nservices; i++)
                for (unsigned k = 0; k < ELEMENTSOF(tiers) && d->services[i]->compiled; k++) {
                        const struct service *s = d->services[i];
                        const char *labels[] = { "unit", s->unit->name, "code", code_text(s, tiers[k]), NULL };

                        metrics_sample(m, labels, guests_on(s, tiers[k]));
                }
        metrics_family(m, "nacelle_optimised_ratio", METRIC_GAUGE, "ratio",
                       "How far the optimiser is with the step that it works on");
        for (unsigned i = 0; i < d->nservices; i++) {
                const char *labels[] = { "unit", d->services[i]->unit->name, NULL };
                struct improve_view v;

                improve_view(d->services[i], &v);
                metrics_sample(m, labels, v.percent / 100.0);
        }
        metrics_family(m, "nacelle_optimisations", METRIC_COUNTER, "", "Steps of the optimiser, by their end");
        metrics_sample(m, (const char *[]) { "result", "made", NULL }, (double)improve_count(d, true));
        metrics_sample(m, (const char *[]) { "result", "failed", NULL }, (double)improve_count(d, false));
}

static void put_instantiations(const struct daemon *d, struct metrics *m)
{
        double bounds[INSTANTIATE_BUCKETS], bound = 1e-6;

        for (unsigned i = 0; i < INSTANTIATE_BUCKETS; i++, bound *= 4)
                bounds[i] = bound;
        metrics_family(m, "nacelle_instantiation_seconds", METRIC_HISTOGRAM, "seconds",
                       "From a free slot to the call of the entry");
        for (unsigned i = 0; i < d->nservices; i++) {
                const char *labels[] = { "unit", d->services[i]->unit->name, NULL };

                metrics_histogram(m, labels, bounds, INSTANTIATE_BUCKETS, d->services[i]->instantiate_buckets,
                                  (double)d->services[i]->instantiate_ns / 1e9);
        }
}

static void put_imports(const struct daemon *d, struct metrics *m)
{
        static const struct {
                enum metric_type type;
                const char *name, *unit, *help;
        } families[] = {
                { METRIC_GAUGE, "nacelle_import_memory_bytes", "bytes", "Memory of what a unit's modules import from" },
                { METRIC_COUNTER, "nacelle_import_denials", "", "What it was refused, by keys or limits" },
        };

        for (unsigned f = 0; f < ELEMENTSOF(families); f++) {
                metrics_family(m, families[f].name, families[f].type, families[f].unit, families[f].help);
                for (unsigned i = 0; i < d->nservices; i++)
                        for (unsigned k = 0; k < d->services[i]->nimport_artefacts; k++) {
                                const struct unit *u = d->services[i]->unit;
                                const char *labels[] = { "unit", u->name, "import", u->imports[k].name, NULL };
                                struct usage usage;

                                linked_usage(d->services[i], k, &usage);
                                metrics_sample(m, labels, f == 0 ? (double)usage.memory
                                                                 : (double)linked_refusals(&usage));
                        }
        }
}

void view_metrics(struct daemon *d, struct buffer *out)
{
        _cleanup_free_ struct usage *usage = calloc(d->nservices ? d->nservices : 1, sizeof(*usage));
        struct metrics m = { 0 };
        const char *version[] = { "version", PACKAGE_VERSION, NULL };

        if (!usage) {
                out->failed = true;
                return;
        }
        for (unsigned i = 0; i < d->nservices; i++)
                service_usage(d->services[i], &usage[i]);
        metrics_family(&m, "nacelle_build", METRIC_INFO, "", "The daemon that tells this");
        metrics_sample(&m, version, 1);
        metrics_family(&m, "nacelle_cells", METRIC_GAUGE, "", "Processes that hold nanoprocesses");
        metrics_sample(&m, NULL, host_cells(d));
        metrics_family(&m, "nacelle_journal_lost_records", METRIC_COUNTER, "", "Records that nobody read in time");
        metrics_sample(&m, NULL, (double)journal_lost());
        put_states(d, &m);
        for (unsigned f = 0; f < _FIGURE_MAX; f++) {
                metrics_family(&m, figures[f].name, figures[f].type, figures[f].unit, figures[f].help);
                for (unsigned i = 0; i < d->nservices; i++) {
                        const char *labels[] = { "unit", d->services[i]->unit->name, NULL };

                        metrics_sample(&m, labels, figure_of(d->services[i], &usage[i], f));
                }
        }
        put_denials(d, usage, &m);
        put_refusals(d, usage, &m);
        put_instantiations(d, &m);
        put_improvements(d, &m);
        put_imports(d, &m);
        metrics_end(&m);
        *out = m.text;
}
