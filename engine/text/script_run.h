/* script_run.h - running a test script against a host.
 *
 * The host is a table of functions, so that the same script can run in this process or in a
 * locked-down cell. Modules and instances are numbers that the host hands out; bytes are lent for the
 * call alone.
 *
 * script_run - run all of @text and add to the counts of @run.
 *   One line for each failing assertion goes to run->out: "FILE:LINE: what, expected, got". A failing
 *   module, register or action that is no assertion counts as a failure as well; only assertions count
 *   when they pass or are skipped.
 * Returns 0 or -ENOMEM. */
#pragma once

#include <stdio.h>

#include "engine/text/script.h"

#define SCRIPT_RESULTS_MAX 1024u

struct script_stop { /* why a call or an instantiation ended without results */
        bool trapped;    /* else the host says why in the error */
        char text[160];  /* of the trap */
};

struct script_host {
        /* Bytes to a module that can be instantiated any number of times. An error's stage tells
         * STAGE_DECODE and STAGE_VALIDATE apart from what comes later. */
        int (*load)(void *host, const uint8_t *bytes, size_t size, uint32_t *ret_module,
                    struct error *err);
        /* Link against what is registered, make an instance, run its start function. NULL: this host
         * only loads; whatever needs an instance is skipped. */
        int (*instantiate)(void *host, uint32_t module, uint32_t *ret_instance,
                           struct script_stop *stop, struct error *err);
        int (*enroll)(void *host, const struct script_name *name, uint32_t instance,
                      struct error *err);
        /* @ret: room for SCRIPT_RESULTS_MAX values. References come back as SCRIPT_REF_NULL,
         * SCRIPT_REF_EXTERN with the host's number, or SCRIPT_REF_FUNC. */
        int (*invoke)(void *host, uint32_t instance, const struct script_name *name,
                      const struct script_value *args, uint32_t nargs, struct script_value *ret,
                      uint32_t *ret_n, struct script_stop *stop, struct error *err);
        int (*get)(void *host, uint32_t instance, const struct script_name *name,
                   struct script_value *ret, struct error *err);
};

struct script_skip { /* commands that begin in these lines are not run */
        const char *file;      /* last part of the path, or more: "threads/imports.wast" */
        uint32_t first, last;  /* lines; 0, 0: the whole file */
        const char *feature;   /* that is absent */
        const char *reason;
};

struct script_run {
        const struct script_host *table;
        void *host;
        const char *file;              /* for the lines that are printed */
        FILE *out;
        const struct script_skip *skips;
        size_t nskips;
        /* Called with each module's number in the file (from 1), line and bytes; may be NULL. */
        void (*seen)(void *context, uint32_t number, uint32_t line, const uint8_t *bytes, size_t size);
        void *context;
        uint64_t passed, failed, skipped;
};

_must_check_ int script_run(struct script_run *run, const char *text, size_t size,
                            struct error *err);

/* Does @got fit the pattern @want? */
bool script_value_matches(const struct script_value *want, const struct script_value *got);
