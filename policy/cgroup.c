/* cgroup.c - see cgroup.h. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "policy/cgroup.h"

/* What a cell needs by itself: its program, tables of 32,768 slots, modules that are loaded; and what each thread
 * and each guest cost the host beyond what is counted as theirs: buffers of sockets, the kernel's own records. */
#define CELL_BYTES   (UINT64_C(128) << 20)
#define THREAD_BYTES (UINT64_C(16) << 20)
#define GUEST_BYTES  (UINT64_C(256) << 10)
#define HOST_BYTES   (UINT64_C(64) << 20)  /* for a guest without HostMemoryMax */
#define STEP_BYTES   (UINT64_C(64) << 20) /* so that not every guest that comes writes a file */

/* A ring's work that would block is done by threads that the kernel makes. */
#define RING_THREADS 64u
#define MORE_THREADS 8u

#define CPU_MORE_US (CGROUP_PERIOD_US / 2) /* starting guests, answering the broker */

static const struct cgroup_row rows[] = {
#define CGROUP(name, controller, file, from, stops, drill) { controller, file, from, stops, drill },
#include "policy/cgroup.def"
};

const struct cgroup_row *cgroup_row(enum cgroup_limit limit)
{
        return &rows[limit];
}

/* Touched a byte a page here and there, memory has tables of the kernel for it: a page for each 2 MiB. */
static uint64_t memory_of(const struct cgroup_use *use)
{
        uint64_t host = use->host_memory_bytes ? use->host_memory_bytes : HOST_BYTES;
        uint64_t more = use->stack_bytes + GUEST_BYTES + use->memory_bytes / 64, bytes;

        if (!use->memory_bytes || __builtin_add_overflow(use->memory_bytes, host, &bytes) ||
            __builtin_add_overflow(bytes, more, &bytes))
                return 0;
        return bytes;
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
        uint64_t sum;

        return __builtin_add_overflow(a, b, &sum) ? CGROUP_UNLIMITED : sum;
}

void cgroup_sum_add(struct cgroup_sum *sum, const struct cgroup_use *use)
{
        uint64_t bytes = memory_of(use);

        sum->guests++;
        sum->memory_unlimited += !bytes;
        sum->memory_bytes = sum_of(sum->memory_bytes, bytes);
        sum->cpu_unlimited += !use->cpu_us;
        sum->cpu_us += use->cpu_us;
}

void cgroup_sum_take(struct cgroup_sum *sum, const struct cgroup_use *use)
{
        uint64_t bytes = memory_of(use);

        sum->guests--;
        sum->memory_unlimited -= !bytes;
        /* A sum that once was too large stays so: it is only an upper bound. */
        if (sum->memory_bytes != CGROUP_UNLIMITED)
                sum->memory_bytes -= bytes;
        sum->cpu_unlimited -= !use->cpu_us;
        sum->cpu_us -= use->cpu_us;
}

static uint64_t derive_MEMORY(const struct cgroup_sum *sum, unsigned threads)
{
        uint64_t bytes = sum_of(CELL_BYTES + threads * THREAD_BYTES, sum->memory_bytes);

        if (sum->memory_unlimited || bytes > UINT64_MAX - STEP_BYTES)
                return CGROUP_UNLIMITED;
        return (bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
}

static uint64_t derive_PIDS(const struct cgroup_sum *sum, unsigned threads)
{
        return UINT64_C(1) * threads * (1 + RING_THREADS) + MORE_THREADS;
}

static uint64_t derive_CPU(const struct cgroup_sum *sum, unsigned threads)
{
        if (!sum->guests)
                return 0; /* nobody has asked for any yet: no limit so far */
        if (sum->cpu_unlimited)
                return CGROUP_UNLIMITED;
        return sum->cpu_us + CPU_MORE_US;
}

bool cgroup_derive(const struct cgroup_sum *sum, unsigned threads, struct cgroup_limits *limits)
{
        static uint64_t (*const derive[])(const struct cgroup_sum *, unsigned) = {
#define CGROUP(name, controller, file, from, stops, drill) derive_##name,
#include "policy/cgroup.def"
        };
        bool rose = false;

        for (size_t i = 0; i < ELEMENTSOF(derive); i++) {
                uint64_t value = derive[i](sum, threads);

                if (value <= limits->value[i])
                        continue;
                limits->value[i] = value;
                rose = true;
        }
        return rose;
}

char *cgroup_value(enum cgroup_limit limit, uint64_t value, char *text, size_t size)
{
        const char *period = limit == CGROUP_CPU ? " 100000" : "";

        if (value == CGROUP_UNLIMITED)
                snprintf(text, size, "max%s", period);
        else
                snprintf(text, size, "%" PRIu64 "%s", value, period);
        return text;
}
