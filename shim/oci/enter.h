/* enter.h - what the container's process becomes, before it opens anything of the container's.
 *
 * enter_network - the network namespace of the bundle: an existing one, a new one with nothing but a loopback
 *   interface, or none.
 * enter_user - process.user for good, with no more rights than the broker of a cell uses.
 * as_user_begin, as_user_end - its rights on files, for a moment: @u opens, and nobody else. One thread. */
#pragma once

#include "shim/oci/launch.h"

_must_check_ int enter_network(const struct launch *l, struct error *err);
_must_check_ int enter_user(const struct launch_user *u, struct error *err);
_must_check_ int as_user_begin(const struct launch_user *u, struct error *err);
_must_check_ int as_user_end(struct error *err);
