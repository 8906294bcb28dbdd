/* found.h - the artefact for a module, and what its finder knows about it.
 *
 * artefact_find - as broker_artefact().
 * artefact_is_whole - the checksum of @found was made and fits: noted, so that the next run need not. */
#pragma once

#include <sys/types.h>

#include "supervisor/broker/broker.h"
#include "supervisor/broker/stamp.h"

struct found {
        int fd;
        bool whole;       /* compiled just now, or noted as whole */
        int cache;        /* -EBADF: no cache */
        bool stampable;   /* @module is valid */
        pid_t storing;    /* child that writes the cache's entry; found_done() awaits it */
        struct identity module;
        struct module_digest digest; /* of the file that was given, a module or an artefact */
        bool compiled;    /* it is a module: what follows is valid */
        struct artefact_choice choice; /* what it was compiled for */
        struct artefact_key key;
};

_must_check_ int artefact_find(const struct run_options *o, int fd, struct found *ret,
                               struct error *err);
void artefact_is_whole(struct found *found);
/* The cache that @o says; @ret is untouched when that is none, or when it cannot be had and was not asked for by name. */
_must_check_ int artefact_cache(const struct run_options *o, int *ret, struct error *err);

/* Compile the module @file again, with o->tier, into the cache that @found came from, if any; @hot: for
 * TIER_MIXED. @ret_fd: the artefact, the caller's; NULL: it is enough that the cache has it.
 * -ESTALE: the file's bytes are not what they were. -ECANCELED: o->progress said so. */
_must_check_ int artefact_improve(const struct run_options *o, int file, const struct found *found,
                                  const uint32_t *hot, uint32_t nhot, int *ret_fd, struct error *err);

/* The artefact of a module with the state it begins with: both in the sealed file @fd. */
struct snapshot_parts {
        uint64_t module_bytes, snapshot_at, snapshot_bytes; /* .snapshot_at: a multiple of 8 */
        const char *done;
};

_must_check_ int artefact_of_snapshot(const struct run_options *o, int fd, const struct snapshot_parts *parts,
                                      int *ret_fd, struct error *err);

void found_done(struct found *f);
