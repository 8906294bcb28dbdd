/* scope.h - with --systemd-cgroup: the container's group is a scope of the service manager, which it makes and takes away
 * again when nothing is in it any more.
 *
 * scope_check - linux.cgroupsPath is "SLICE:PREFIX:NAME", and no limit is asked for that a scope does not have.
 * scope_enter - ask for PREFIX-NAME.scope in SLICE with the limits of @plan, and this process in it. libsystemd is loaded for
 *   that, and not before: most commands do without. */
#pragma once

#include "shim/oci/plan.h"

_must_check_ int scope_check(const struct oci_plan *plan, struct error *err);
_must_check_ int scope_enter(const struct oci_plan *plan, struct error *err);
