/* usage.c - what a guest uses, and what it is refused: its statistics, its share of the processor, and what the broker
 * is told of. */
#include "config.h"

#include <string.h>

#include "supervisor/cell/nano.h"

/* The first of a kind is told of, then every 2^n-th: a guest that asks again and again is no news. */
static void tell_denied(struct guest *g, uint32_t layer, enum guest_limit limit, uint64_t count,
                        const char *what, uint32_t handle)
{
        struct denied_message m = { .head = { MESSAGE_DENIED, 0 }, .guest = g->number, .layer = layer,
                                    .limit = limit, .count = count, .handle = handle, .member = g->member };

        if (count & (count - 1))
                return;
        if (what)
                strncpy(m.what, what, sizeof(m.what) - 1);
        (void)channel_try(&m, sizeof(m)); /* a broker that does not keep up has the statistics */
}

void guest_refused(struct guest *g, enum guest_limit limit)
{
        g->stats->refused[limit]++;
        if (limit != LIMIT_CPU_QUOTA && limit != LIMIT_LOG) /* which are how it is meant to run */
                tell_denied(g, DENIED_LIMIT, limit, g->stats->refused[limit], NULL, WASI_NO_GRANT);
}

void guest_wasi_refused(void *context, enum wasi_refusal what, const char *object, uint32_t handle)
{
        static const enum guest_limit limits[] = {
                [REFUSED_FILES] = LIMIT_FILES, [REFUSED_HOST_MEMORY] = LIMIT_HOST_MEMORY,
                [REFUSED_CONNECTIONS] = LIMIT_CONNECTIONS, [REFUSED_TIMERS] = LIMIT_TIMERS,
                [REFUSED_RANDOM] = LIMIT_RANDOM,
        };
        struct guest *g = context;

        if (what == REFUSED_CAPABILITY)
                tell_denied(g, DENIED_HOSTCALL, 0, ++g->stats->denials, object, handle);
        else
                guest_refused(g, limits[what]);
}

static void measure_one(struct guest *g)
{
        struct guest_stats *s = g->stats;
        struct instance_usage engine;
        struct wasi_usage shim;

        instance_usage(g->instance, &engine);
        wasi_usage(g->wasi, &shim);
        s->memory_bytes = s->memory_peak = engine.memory_bytes; /* they never shrink */
        if (engine.memory_refused > s->refused[LIMIT_MEMORY]) {
                uint64_t power = UINT64_C(1) << (63 - __builtin_clzll(engine.memory_refused));

                if (s->refused[LIMIT_MEMORY] < power)
                        tell_denied(g, DENIED_LIMIT, LIMIT_MEMORY, power, NULL, WASI_NO_GRANT);
                s->refused[LIMIT_MEMORY] = engine.memory_refused;
        }
        s->host_memory_bytes = shim.memory;
        s->host_memory_peak = shim.memory_peak;
        s->random_bytes = shim.random_bytes;
        s->files = shim.files;
        s->connections = shim.connections;
}

void guest_measure(struct guest *g)
{
        measure_one(g);
        for (uint32_t k = 0; k < g->nmembers; k++)
                measure_one(g->members[k]);
        g->stats->host_calls = fiber_host_calls(g->fiber);
}

void guest_charge(struct guest *g, uint64_t ns, uint64_t now)
{
        const struct guest_limits *l = g->limits;
        uint64_t weight = l->cpu_weight ? l->cpu_weight : CPU_WEIGHT_USUAL, periods;

        g->cpu_ns += ns;
        g->virtual_ns += ns * CPU_WEIGHT_USUAL / weight;
        g->stats->cpu_ns = g->cpu_ns;
        if (!g->cannot_stop)
                guest_measure(g);
        if (l->cpu_quota_ns) {
                if (!g->period_ns)
                        g->period_ns = now - ns;
                /* What was used beyond the quota is paid for in the periods that follow. */
                periods = (now - g->period_ns) / CPU_PERIOD_NS;
                g->period_ns += periods * CPU_PERIOD_NS;
                g->period_used_ns -= periods > g->period_used_ns / l->cpu_quota_ns
                                             ? g->period_used_ns
                                             : periods * l->cpu_quota_ns;
                g->period_used_ns += ns;
                g->throttled_ns = g->period_used_ns < l->cpu_quota_ns
                                          ? 0
                                          : g->period_ns + g->period_used_ns / l->cpu_quota_ns * CPU_PERIOD_NS;
        }
        if (l->cpu_max_ns && g->cpu_ns >= l->cpu_max_ns && !g->limited && !g->cannot_stop) {
                g->limited = true;
                g->limit = LIMIT_CPU_TIME;
                guest_refused(g, LIMIT_CPU_TIME);
                guest_stop(g, "its CPU time is used up");
        }
}
