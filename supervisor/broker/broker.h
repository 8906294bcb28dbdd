/* broker.h - one guest's supervisor: compiles, keeps the cache, starts the cell, checks its posture,
 * serves its requests for paths, and reports its end. `nacelle run` is this and a command line.
 *
 * The broker holds the user's rights. It never parses wasm and never runs guest code; what comes
 * from the compiler or from the cell is hostile. One thread.
 *
 * broker_run - the whole way: module file or artefact -> running guest -> its end.
 *   Returns 0 with @ret filled for everything that a guest did, a trap or a lost cell included;
 *   negative errno with @err when no guest ran (error_status() gives the exit status).
 *
 * broker_artefact - artefact for the module or artefact @fd: found in the cache, or compiled in a
 *   process of its own and stored. @ret_fd: a read-only descriptor, the caller's.
 * broker_preinit - the artefact of a module that begins where @fd's is after its export @function was called
 *   in a cell, without any key, within options.timeout_ms: @function NULL: the first of wizer.initialize and _initialize that there is.
 *   -EOPNOTSUPP: the state that it came to cannot be kept, or it asked for what would be the same in
 *   every instance, such as random bytes.
 * broker_check - decode and validate @fd in such a process, and nothing else.
 *
 * The parts of broker_run for those who need several modules in one cell (the test scripts):
 * broker_start - start and lock a cell, read its posture back. @arena_bytes: room for code.
 * broker_load - publish an artefact's code and hand it to the cell. @ret_module: its number.
 * broker_instantiate - imports are found by the names given to broker_register(), in WASI when
 *   options.wasi, and in the test scripts' "spectest" when options.spectest. The start function
 *   runs. @ret_instance is valid when it returns 0 and @outcome->end is RUN_RETURNED.
 * broker_register - let later modules import instance @instance under @name.
 * broker_call - call export @name.  broker_global - value of exported global @name.
 *   Both: -ENOENT when there is no such export; -EINVAL when the arguments do not fit its type.
 * broker_configure - arguments, environment, grants of the guest (run does it; scripts need not).
 * broker_stop - end the cell, free everything; takes NULL. Unread messages are dropped.
 * After RUN_CELL_LOST or RUN_TIMED_OUT every further call returns -EPIPE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/compile/compile.h"
#include "engine/run/run.h"

struct broker;
struct key;          /* policy/key.h */
struct unit;         /* policy/unit.h */
struct module_pin;   /* pin.h */
struct guest_limits; /* proto/guest_config.h */

struct run_dir {
        const char *host;  /* path on the host: a directory */
        const char *guest; /* what the guest sees; NULL: the same text */
        bool read_only;
        uint32_t verbs;    /* set of VERB_... (policy/key.h); 0: by read_only */
        bool file;         /* one file: it is in @guest, a directory, under its own name */
        int at;            /* the directory, or that of the file, found before (O_PATH), when not 0: then @host names
                            * it for people alone. Borrowed */
};

struct run_options { /* start zeroed; strings and arrays are borrowed */
        const struct run_dir *dirs;
        unsigned ndirs;
        const char *const *args; /* [0] is the program's name as the guest sees it */
        unsigned nargs;
        const char *const *env;  /* "K=V" */
        unsigned nenv;
        const char *const *listen; /* "tcp:ADDRESS:PORT", IPv6 in brackets */
        unsigned nlisten;
        const struct key *const *connect; /* connections that are made for it, behind the listening sockets */
        unsigned nconnect;
        const struct unit *imports; /* whose imports are members of the guest's group; NULL: there are none */
        uint64_t memory_max_bytes; /* all linear memories; 0: no limit but the module's own */
        uint64_t timeout_ms;       /* from the start of the guest; 0: none, of a start-up 5 minutes */
        const struct module_pin *pin; /* what the module's bytes must be; NULL: anything */
        const struct guest_limits *limits; /* beyond memory_max_bytes; NULL: none */
        uint64_t clock_resolution_ns; /* coarsest step of the guest's clocks; 0: the kernel's */
        uint32_t closed_streams;   /* bit k: stream k (0, 1, 2) is not the guest's */
        const char *invoke;        /* export to call with args[1..] as its arguments; NULL: _start */
        bool degraded;             /* run although the kernel lacks a layer */

        enum tier tier;
        bool auto_tier;            /* the best code that the cache has, better code for later runs made
                                    * in the background; tier is then TIER_FAST */
        uint64_t cpu;              /* set of CPU_...; 0: this machine's */
        bool deterministic;        /* NaNs are canonical (engine/compile/nans.def) */
        enum machine machine;      /* that the code is for; 0: this one. To compile, not to run */
        bool dense;                /* code for dense slots (engine/instance/slots.h) */
        uint64_t features_changed; /* set of 1 << FEATURE_...: those that are not as by default; then
                                    * the cache is left alone, whose entries are of the default */
        unsigned jobs;             /* compiler threads; 0: as many as processors */
        const char *cache;         /* directory; NULL: cache_default_path() */
        bool no_cache;
        bool refresh;              /* compile and store although the cache has an entry */
        bool background;           /* nobody waits for this compilation: less memory than for others */
        /* At each step of a compilation, and every second; non-zero: stop. */
        int (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_all);
        void *context;

        /* Of broker_run, for who prepares a run long before it begins, such as a container's process: */
        int file;                  /* the module, or artefact, open already, when not 0: then the path names it
                                    * for people alone. Borrowed */
        /* The artefact is there, nothing of the guest's is open: the last that is done as who we were. */
        int (*found)(void *context, struct error *err);
        /* Cell and broker are locked, the module is in the cell: the guest starts when this comes back with 0. No
         * file can be opened any more. */
        int (*ready)(void *context, struct error *err);

        bool wasi, spectest;       /* host modules on offer; broker_run sets wasi */
        bool preinit;              /* set by broker_preinit() */
        bool foreground;           /* a job of a shell, which a signal from its terminal stops: the cell as well */
        bool closed_stdio;         /* do not hand on descriptors 0, 1, 2 */

        /* For the drills, in test builds of the programs: replaces the cell, and what it is told. */
        const char *cell_program, *cell_argument;
};

enum run_end {
        RUN_RETURNED,  /* _start or the export came back */
        RUN_EXITED,    /* proc_exit */
        RUN_TRAPPED,
        RUN_TIMED_OUT, /* the cell was killed */
        RUN_CELL_LOST, /* it died: text says of what */
};

struct run_value {
        valtype type;
        union value value; /* references: 0 is null */
};

#define RUN_RESULTS_MAX 64
#define RUN_TEXT_BYTES  8192

struct run_outcome {
        enum run_end end;
        int status;      /* exit status for the command: the guest's own, 134, 124, 70 */
        enum trap trap;  /* RUN_TRAPPED */
        unsigned nresults;
        struct run_value results[RUN_RESULTS_MAX];
        char text[RUN_TEXT_BYTES];    /* for people, one or more lines, escaped; "" when all is well */
        char denied[1024]; /* with imports: a line for each kind of refusal; escaped */
        uint64_t escapes;  /* requests for paths that the kernel stopped at the edge of a grant */
        char missing[512]; /* with degraded: the layers that were absent, comma-separated; or "" */
};

enum { /* exit statuses of the command */
        STATUS_USAGE    = 64,
        STATUS_BAD_DATA = 65, /* the module */
        STATUS_NO_INPUT = 66,
        STATUS_INTERNAL = 70,
        STATUS_CONFIG   = 78, /* policy or kernel do not fit */
        STATUS_TIMEOUT  = 124,
        STATUS_TRAP     = 134,
};

int error_status(const struct error *err);

/* Where nacelle-cell and nacelle-compiler are looked for before the program's own directory and the
 * installed one; for tests. @directory is borrowed. Never from the environment. */
void broker_programs(const char *directory);

_must_check_ int broker_run(const struct run_options *o, const char *path, struct run_outcome *ret,
                            struct error *err);

_must_check_ int broker_artefact(const struct run_options *o, int fd, int *ret_fd,
                                 struct error *err);
_must_check_ int broker_preinit(const struct run_options *o, int fd, const char *function, int *ret_fd,
                                struct error *err);
_must_check_ int broker_check(const struct run_options *o, int fd, struct error *err);

_must_check_ int broker_start(const struct run_options *o, size_t arena_bytes, struct broker **ret,
                              struct error *err);
void broker_stop(struct broker *b);
const char *broker_missing(const struct broker *b); /* layers absent, "" when whole */
int broker_pid(const struct broker *b);             /* of the cell */

_must_check_ int broker_load(struct broker *b, int artefact_fd, uint32_t *ret_module,
                             struct error *err);
_must_check_ int broker_configure(struct broker *b, struct error *err);
_must_check_ int broker_instantiate(struct broker *b, uint32_t module, uint32_t *ret_instance,
                                    struct run_outcome *outcome, struct error *err);
_must_check_ int broker_register(struct broker *b, uint32_t instance, const char *name,
                                 size_t name_bytes, struct error *err);
_must_check_ int broker_call(struct broker *b, uint32_t instance, const char *name,
                             size_t name_bytes, const struct run_value *args, unsigned nargs,
                             struct run_outcome *outcome, struct error *err);
_must_check_ int broker_global(struct broker *b, uint32_t instance, const char *name,
                               size_t name_bytes, struct run_value *ret, struct error *err);

static inline void broker_stopp(struct broker **b)
{
        broker_stop(*b);
}
