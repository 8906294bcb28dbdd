/* guest_config.h - what a guest is given: written by the broker into a sealed memfd, read by the cell.
 *
 * The head (the limits with it), then struct config_dir records, then the strings, each terminated: arguments,
 * environment, guest paths of the directories, in that order. */
#pragma once

#include <stdint.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"

#define CONFIG_MAGIC UINT32_C(0x6e436647)

#define CPU_PERIOD_NS    UINT64_C(100000000) /* of cpu_quota_ns */
#define CPU_WEIGHT_USUAL 100u
#define CPU_WEIGHT_MAX   10000u

/* What a guest may use. 0 is no limit, but where something else is said. */
struct guest_limits {
        uint64_t memory_max_bytes;      /* all linear memories */
        uint64_t host_memory_max_bytes; /* what the host keeps for it: tables, buffers, descriptors */
        uint64_t cpu_quota_ns;          /* of each CPU_PERIOD_NS, on one processor */
        uint64_t cpu_max_ns;            /* altogether: then it is ended */
        uint64_t log_bytes_per_s;       /* beyond: dropped and counted */
        uint64_t random_max_bytes;      /* in its life */
        uint32_t cpu_weight;            /* 1 .. CPU_WEIGHT_MAX; 0: CPU_WEIGHT_USUAL */
        uint32_t files_max;             /* open descriptors; 0: 1024 */
        uint32_t connections_max;       /* accepted and open at once */
        uint32_t timers_max;            /* clocks in one poll_oneoff */
};

/* What keys open, as far as a module's imports can tell (authority.def). */
enum {
        GRANT_ENVIRONMENT = 1 << 0, GRANT_CLOCK = 1 << 1, GRANT_RANDOM = 1 << 2,
        GRANT_READ = 1 << 3,    /* files, or a stream */
        GRANT_WRITE = 1 << 4,
        GRANT_FILES = 1 << 5,   /* some directory, whatever may be done there */
        GRANT_CREATE = 1 << 6, GRANT_REMOVE = 1 << 7, GRANT_CHANGE = 1 << 8,
        GRANT_LISTEN = 1 << 9,  /* connections to accept */
        GRANT_SOCKETS = 1 << 10, /* connections, accepted or made */
};

struct config_head {
        uint32_t magic;
        uint32_t nargs, nenv, ndirs;
        uint64_t clock_resolution_ns;
        uint32_t closed_stdio; /* bit k: stream k is not the guest's */
        uint32_t log_stdio;    /* bit k: what it writes to stream k becomes LOG messages */
        uint32_t stack_bytes;  /* 0: the usual */
        uint32_t nconnected;   /* the last of the listening sockets are connections already */
        uint32_t grants;       /* of a member of a group: set of GRANT_... */
        uint64_t string_bytes;
        struct guest_limits limits;
};

struct config_dir {
        uint32_t handle; /* path.h */
        uint32_t read_only;
};

/* The strings of a configuration, found and counted: pointers into its bytes. */
struct config_view {
        const struct config_head *head;
        const struct config_dir *dirs;
        const char **strings; /* [nargs + nenv + ndirs], the caller's to free */
};

/* guest_config_read - check @size bytes at @bytes (borrowed by the view). -EBADMSG, -E2BIG, -ENOMEM. */
_must_check_ int config_read(const uint8_t *bytes, size_t size, struct config_view *ret,
                             struct error *err);
