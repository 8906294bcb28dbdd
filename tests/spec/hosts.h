/* hosts.h - where test scripts run.
 *
 * host_check - only decodes and validates. Its context is the set of features (uint64_t).
 *
 * host_process - everything, in this process: compile, artefact out and in, instance, fiber. Its context
 *   is made anew for each script, so that nothing of one script is left for the next.
 * process_host_new - @compile: the code generator */
#pragma once

#include "engine/base/buffer.h"
#include "engine/compile/compile.h"
#include "engine/text/script_run.h"

extern const struct script_host host_check;

struct process_host;
struct remote;

struct process_options {
        int (*compile)(const struct checked_module *c, const struct compile_options *o,
                       struct compiled_module **ret, struct error *err);
        struct compile_options options;
        uint64_t features;
        bool collect_always;
        const struct remote *remote; /* who makes the code; NULL: this process */
};

extern const struct script_host host_process;
_must_check_ int process_host_new(const struct process_options *o, struct process_host **ret,
                                  struct error *err);
/* Module bytes to the artefact's. */
_must_check_ int process_artefact(const struct process_options *o, const uint8_t *bytes, size_t size,
                                  struct buffer *out, struct error *err);
void process_host_free(struct process_host *h); /* takes NULL */

static inline void process_host_freep(struct process_host **h)
{
        process_host_free(*h);
}
