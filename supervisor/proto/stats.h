/* stats.h - what a cell shows of its guests: an array of these in memory shared with the broker.
 *
 * The cell writes, without locks; the broker reads whenever it wants to, each word once, and believes
 * none of it: a cell is hostile. All that decides anything (a guest's end) comes as a message.
 * A slot belongs to the guest that SPAWN named it for; .guest says whose figures these are. */
#pragma once

#include <stdint.h>

enum guest_limit {
#define LIMIT(name, setting, effect) LIMIT_##name,
#include "supervisor/proto/limits.def"
        _LIMIT_MAX,
};

enum guest_state { GUEST_STATE_NONE, GUEST_STATE_STARTING, GUEST_STATE_RUNNING, GUEST_STATE_WAITING,
                   GUEST_STATE_THROTTLED, GUEST_STATE_ENDED };

struct guest_stats {
        uint64_t guest;            /* 0: nobody's */
        uint32_t state;            /* enum guest_state */
        uint32_t worker;
        uint64_t cpu_ns;           /* used, guest code and host calls */
        uint64_t queue_ns;         /* ready, and somebody else ran */
        uint64_t throttled_ns;     /* kept from running by the quota */
        uint64_t switches, preemptions;
        uint64_t memory_bytes, memory_peak;           /* linear */
        uint64_t host_memory_bytes, host_memory_peak; /* kept for it */
        uint64_t host_calls;
        uint64_t log_bytes, log_dropped;
        uint64_t random_bytes;
        uint32_t files, connections;
        uint64_t denials;
        uint64_t refused[16];      /* by enum guest_limit */
        uint64_t reserved[31];
};

_Static_assert(sizeof(struct guest_stats) == 512, "slots lie on cache lines of their own");
_Static_assert(_LIMIT_MAX <= 16, "a limit without a counter");
