/* unit.h - a unit file, read and checked: what a nanoprocess is, holds, and may use.
 *
 * INI with the names of systemd where it has one; nacelle.unit(5) is the manual, settings.def the
 * table. Whatever is not understood is an error with FILE:LINE:COLUMN, never ignored.
 *
 * unit_parse - @n texts (the unit file, then its drop-ins) become one unit. @name: "thumbs",
 *   or "thumbs@blue" of a template, where %i in values is "blue", %n the whole name and %% a per cent sign.
 * unit_read - the file @path and the drop-ins @path.d/(name).conf in order of their names.
 * unit_load - @name by the first of @directories that has @name.nacelle, or NAME@.nacelle for NAME@INSTANCE;
 *   drop-ins of all of them, where one of an earlier directory hides its namesakes.
 * unit_directories - where units are when nobody says it, the first first: the system's, or those of the ordinary user
 *   who runs this (@user). Returns how many; the strings last until the next call.
 * unit_list - names of all units in @directories (templates without an instance left out), sorted.
 *
 * @problems: NULL, or told about each error; reading goes on, so that one run shows them all. The
 *   first is in @err, too. Returns 0 and a unit, the caller's to unit_free(); -EINVAL: errors in
 *   the text; -ENOENT: no such unit; other negative errno: the file. Then @ret is untouched. */
#pragma once

#include "policy/key.h"

#define UNIT_NAME_MAX   128
#define UNIT_BYTES_MAX  (UINT64_C(1) << 20) /* of one file */
#define UNIT_KEYS_MAX   64
#define UNIT_FILES_MAX  64
#define UNIT_IMPORTS_MAX 64
#define UNIT_DIRECTORIES_MAX 3
#define UNIT_SUFFIX     ".nacelle"

enum unit_tier { UNIT_TIER_AUTO, UNIT_TIER_FAST, UNIT_TIER_PEAK };
enum unit_isolation { ISOLATION_SHARED, ISOLATION_GROUP, ISOLATION_CELL };
enum unit_unkeyed { UNKEYED_REFUSE, UNKEYED_DENY };
enum unit_type { TYPE_SIMPLE, TYPE_ONESHOT };
enum unit_start { START_AUTO, START_MANUAL };
enum unit_restart { RESTART_NO, RESTART_ON_SUCCESS, RESTART_ON_FAILURE, RESTART_ON_ABNORMAL, RESTART_ALWAYS };

struct words {
        const char *const *words;
        unsigned n;
};

struct digest {
        bool given;
        uint8_t sha256[32];
};

struct unit_limits { /* 0: not given, no limit beyond the host's */
        uint64_t memory_max, host_memory_max;          /* bytes */
        uint64_t cpu_weight;                           /* 1 to 10000 */
        uint64_t cpu_quota;                            /* per cent of one processor */
        uint64_t cpu_time_max_ns;
        uint64_t files_max, connections_max, timers_max;
        uint64_t log_rate_max;                         /* bytes a second */
};

struct unit_service {
        unsigned type, start, restart;                 /* enum unit_type, unit_start, unit_restart */
        uint64_t restart_ns, restart_most_ns;
        uint64_t start_burst, start_interval_ns;
        uint64_t start_timeout_ns, stop_timeout_ns;
        uint64_t runtime_max_ns;                       /* 0: for ever */
        uint8_t success[32];                           /* bit set of exit statuses besides 0 */
};

struct unit_import {
        const char *name;                              /* under which its functions are imported */
        const char *where;                             /* "FILE:LINE" of its section */
        const char *module, *module_key;
        struct digest digest;
        unsigned unkeyed;                              /* enum unit_unkeyed */
        uint64_t memory_max, host_memory_max, files_max;
        uint64_t sees;                                 /* bit k: it may import from imports[k], an earlier one */
        struct words requests;                         /* as written */
        const struct narrowed_key *keys;
        unsigned nkeys;
};

struct unit {
        struct pool *pool;                             /* everything below lies there */
        const char *name, *instance;                   /* instance: NULL without @ */
        const char *const *files;                      /* that were read */
        unsigned nfiles;

        const char *description;
        struct words after, requires;

        const char *module, *module_key, *invoke;
        struct digest digest;
        struct words arguments;                        /* without the program's name */
        struct words environment;                      /* NAME=VALUE */
        unsigned tier, isolation;                      /* enum unit_tier, unit_isolation */
        const char *group;
        bool on_demand, degraded;
        uint64_t instances;                            /* 0 when on_demand */
        uint64_t instances_max, queue_max, queue_timeout_ns;

        const struct key *keys;                        /* those of sections in their order, then the implied */
        unsigned nkeys;
        struct unit_limits limits;
        struct unit_service service;
        const struct unit_import *imports;             /* each behind those that it imports from */
        unsigned nimports;
};

struct unit_text {
        const char *path; /* for messages */
        const char *bytes;
        size_t size;
};

struct unit_problems {
        void (*report)(void *context, const char *path, unsigned line, unsigned column, const char *text);
        void *context;
};

_must_check_ int unit_parse(const char *name, const struct unit_text *texts, unsigned n,
                            const struct unit_problems *problems, struct unit **ret, struct error *err);
_must_check_ int unit_read(const char *path, const struct unit_problems *problems, struct unit **ret,
                           struct error *err);
unsigned unit_directories(bool user, const char *ret[static UNIT_DIRECTORIES_MAX]);
_must_check_ int unit_load(const char *const *directories, unsigned n, const char *name,
                           const struct unit_problems *problems, struct unit **ret, struct error *err);
_must_check_ int unit_list(const char *const *directories, unsigned n, char ***ret_names,
                           unsigned *ret_n, struct error *err);
void unit_free(struct unit *u); /* takes NULL */

/* The standard stream @stream (0, 1, 2) of the unit, and its clock and random: the key of that kind. */
const struct key *unit_key(const struct unit *u, enum key_kind kind, uint64_t stream);

/* 64 hexadecimal digits, "sha256:" before them or not. */
bool digest_read(const char *text, struct digest *ret);

/* Whether @name may name a unit: letters, digits, "-_.:", one "@" with something around it. */
bool unit_name_valid(const char *name);

static inline void unit_freep(struct unit **u)
{
        unit_free(*u);
}
