/* enter.h - what the container's process becomes, before it opens anything of the container's.
 *
 * enter_network - the network namespace of the bundle: an existing one, a new one with nothing but a loopback
 *   interface, or none. @sockets: the guest gets some of it.
 * enter_oom_score - process.oomScoreAdj, for all that it starts as well.
 * enter_user - process.user for good, with no more rights than the broker of a cell uses.
 * as_user_begin, as_user_end - its rights on files, for a moment: @u opens, and nobody else. One thread. */
#pragma once

#include "shim/oci/plan.h"

_must_check_ int enter_network(const struct oci_plan *plan, bool sockets, struct error *err);
_must_check_ int enter_oom_score(const struct oci_plan *plan, struct error *err);
_must_check_ int enter_user(const struct oci_user *u, struct error *err);
_must_check_ int as_user_begin(const struct oci_user *u, struct error *err);
_must_check_ int as_user_end(struct error *err);
