/* compiler.h - one compiler process, from the order to the artefact; private to the broker.
 *
 * compiler_run - of the module in the sealed file @in. @ret_out: the artefact, sealed, the caller's; -EBADF when
 *   job->mode is a mere check. The compiler's own limits end one that computes too long; patience ends here
 *   for one that says nothing; options->progress, asked every second at least, ends one that nobody wants any more
 *   (-ECANCELED). */
#pragma once

#include "engine/artefact/key.h"
#include "supervisor/broker/broker.h"

struct job {
        const struct run_options *options;
        uint32_t mode;
        uint64_t bytes;
        uint64_t cpu;
        struct module_digest digest;
        struct artefact_key key;
        const uint32_t *hot;
        uint32_t nhot;
        const char *done;       /* of a snapshot; NULL: there is none */
        uint64_t snapshot_at, snapshot_bytes;
        int pinned;      /* the copy of the module whose digest or signature was checked; or -EBADF */
};

_must_check_ int compiler_run(const struct job *job, int in, int *ret_out, struct error *err);
