/* plan_limits.c - linux.resources and process.rlimits as numbers. */
#include "config.h"

#include <string.h>

#include "shim/oci/plan_build.h"

#define MEMORY_LEAST 65536 /* settings.def: MemoryMax */
#define NO_LIMIT UINT64_MAX /* RLIM_INFINITY */

/* -1 and 0 are no limit. */
static uint64_t positive(struct json_object *o, const char *path)
{
        int64_t n = json_object_get_int64(member_at(o, path));

        return n > 0 ? (uint64_t)n : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
        return !a || (b && b < a) ? b : a;
}

static void take_rlimit(struct oci_limits *l, const char *type, uint64_t soft)
{
        if (soft == NO_LIMIT)
                return;
        if (strcmp(type, "RLIMIT_NOFILE") == 0)
                l->files = soft;
        else if (strcmp(type, "RLIMIT_CPU") == 0)
                l->cpu_s = soft;
        else if (strcmp(type, "RLIMIT_AS") == 0 || strcmp(type, "RLIMIT_DATA") == 0)
                l->memory_bytes = smaller(l->memory_bytes, soft);
}

static int build_resources(struct build *b, struct json_object *resources)
{
        struct json_object *cpus = member_at(resources, "cpu.cpus"), *mems = member_at(resources, "cpu.mems");
        struct oci_resources *r = &b->plan->resources;
        int result = 0;

        r->memory_bytes = positive(resources, "memory.limit");
        r->swap_bytes = positive(resources, "memory.swap");
        r->cpu_shares = positive(resources, "cpu.shares");
        r->cpu_quota_us = positive(resources, "cpu.quota");
        r->cpu_period_us = positive(resources, "cpu.period");
        r->pids = positive(resources, "pids.limit");
        if (cpus && json_object_get_string_len(cpus))
                result = build_text(b, cpus, &r->cpus);
        if (result >= 0 && mems && json_object_get_string_len(mems))
                result = build_text(b, mems, &r->mems);
        if (result >= 0 && r->memory_bytes && r->memory_bytes < MEMORY_LEAST)
                return oci_json_error(b->json, b->err, -EINVAL, "linux.resources.memory.limit",
                                      "is less than a page of WebAssembly");
        if (result >= 0 && r->swap_bytes && r->swap_bytes < r->memory_bytes)
                return oci_json_error(b->json, b->err, -EINVAL, "linux.resources.memory.swap", "is less than limit");
        return result;
}

int build_limits(struct build *b)
{
        struct json_object *rlimits = member_at(b->json->root, "process.rlimits");

        for (size_t i = 0; rlimits && i < json_object_array_length(rlimits); i++) {
                struct json_object *limit = json_object_array_get_idx(rlimits, i);

                take_rlimit(&b->plan->limits, text_member(limit, "type"), json_object_get_uint64(member(limit, "soft")));
        }
        return build_resources(b, member_at(b->json->root, "linux.resources"));
}
