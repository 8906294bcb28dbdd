/* spec.h - what a nanoprocess of a unit is given, as the specification of a guest (broker/guests.h).
 *
 * spec_lists - arguments, environment and directories of @u into @spec, which borrows them from @l, zeroed. -ENOMEM.
 * spec_descriptors - paths, streams, sockets to accept from (into @listen), connections (from *@at of g->connections
 *   on, which moves). On failure spec_close() closes what is there.
 * spec_limits - the unit's, also those that its imports @m share.
 * lists_done - takes one that is zeroed. */
#pragma once

#include "supervisor/broker/guests.h"
#include "supervisor/broker/member.h"
#include "supervisor/daemon/daemon.h"

struct lists { /* what a spec borrows */
        const char **args, **env;
        struct guest_dir *dirs;
        char **made;     /* strings of ours among env */
        unsigned nmade;
};

void lists_done(struct lists *l);
_must_check_ int spec_lists(const struct unit *u, struct lists *l, struct guest_spec *spec);
_must_check_ int spec_descriptors(struct nano *g, struct guest_spec *spec, int *listen, unsigned *at, struct error *err);
void spec_close(const struct guest_spec *spec);
void spec_limits(const struct service *s, struct guest_spec *spec, struct members *m);
