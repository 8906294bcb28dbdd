/* cgroup.h - the limits of a cell's control group, derived from what its guests may use. Nothing here changes
 * a file; supervisor/broker/cgroup.h does.
 *
 * cgroup_sum_add, cgroup_sum_take - a guest comes, or has ended: @use is what its limits allow it.
 * cgroup_derive - the limits for a cell of @threads threads that holds @sum; never lower than *@limits, which they
 *   replace. Returns whether one of them rose. Start with CGROUP_LIMITS_NONE: 0 is nothing derived yet, and not
 *   to be written.
 * cgroup_own - the directory of this process' own group, when it was handed over to it and holds nobody else; else
 *   -EPERM, -EBUSY or -ENOENT, and @why says it.
 * cgroup_value - a limit as its file wants it: "67108864", "max", "60000 100000". Returns @text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

enum cgroup_limit {
#define CGROUP(name, controller, file, from, stops, drill) CGROUP_##name,
#include "policy/cgroup.def"
        _CGROUP_MAX,
};

#define CGROUP_UNLIMITED UINT64_MAX
#define CGROUP_PERIOD_US 100000u

struct cgroup_use { /* of one guest; 0: no limit */
        uint64_t memory_bytes;
        uint64_t host_memory_bytes;
        uint64_t stack_bytes;
        uint64_t cpu_us; /* of each CGROUP_PERIOD_US */
};

struct cgroup_sum { /* start zeroed */
        uint64_t guests, memory_bytes, cpu_us;
        uint64_t memory_unlimited, cpu_unlimited; /* guests without such a limit */
};

struct cgroup_limits {
        uint64_t value[_CGROUP_MAX];
};

#define CGROUP_LIMITS_NONE ((struct cgroup_limits) { { 0 } })

void cgroup_sum_add(struct cgroup_sum *sum, const struct cgroup_use *use);
void cgroup_sum_take(struct cgroup_sum *sum, const struct cgroup_use *use);
bool cgroup_derive(const struct cgroup_sum *sum, unsigned threads, struct cgroup_limits *limits);
_must_check_ int cgroup_own(char *why, size_t size);
char *cgroup_value(enum cgroup_limit limit, uint64_t value, char *text, size_t size);

struct cgroup_row {
        const char *controller, *file, *from, *stops, *drill;
};

const struct cgroup_row *cgroup_row(enum cgroup_limit limit);
