/* cgroup.h - the control groups of a container: linux.cgroupsPath, in the hierarchies that the host has.
 *
 * With cgroup v2 one group; with v1 one in each hierarchy of a controller that a limit asks for, and in that of
 * pids; with both, the limits go to v1, where the controllers are. Groups that were there are entered, and left.
 *
 * A limit that no hierarchy can keep, and the guest's own limits do not either, is refused by the name of its field.
 *
 * oci_cgroups_make - make them, set the limits, and write to @s which ones they are, first.
 * oci_cgroups_enter - the calling process goes into them.
 * oci_cgroups_remove - kill what is in the groups that @s names, and remove them. */
#pragma once

#include "shim/oci/plan.h"
#include "shim/oci/state.h"

#define OCI_CGROUPS_MAX 16

struct oci_cgroups {
        char *paths[OCI_CGROUPS_MAX]; /* directories */
        unsigned n;
};

_must_check_ int oci_cgroups_make(const struct oci_plan *plan, const struct oci_state *s, struct oci_cgroups *ret,
                                  struct error *err);
_must_check_ int oci_cgroups_enter(const struct oci_cgroups *groups, struct error *err);
_must_check_ int oci_cgroups_remove(const struct oci_state *s, struct error *err);
void oci_cgroups_done(struct oci_cgroups *groups);
