/* found.h - the artefact for a module, and what its finder knows about it.
 *
 * artefact_find - as broker_artefact().
 * artefact_is_whole - the checksum of @found was made and fits: noted, so that the next run need not. */
#pragma once

#include "supervisor/broker/broker.h"
#include "supervisor/broker/stamp.h"

struct found {
        int fd;
        bool whole;       /* compiled just now, or noted as whole */
        int cache;        /* -EBADF: no cache */
        bool stampable;   /* @module is valid, and fd is the cache's entry */
        struct identity module;
        enum tier tier;
        uint64_t cpu;
        struct key key;
};

_must_check_ int artefact_find(const struct run_options *o, int fd, struct found *ret,
                               struct error *err);
void artefact_is_whole(struct found *found);

static inline void found_done(struct found *f)
{
        closep(&f->fd);
        closep(&f->cache);
}
