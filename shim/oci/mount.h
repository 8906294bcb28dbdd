/* mount.h - the root of a container with its mounts, as the one tree that its guest sees: in a mount namespace of the
 * container's process alone, which takes all of them with it.
 *
 * mounts_possible - the kernel lets this process mount: it is root, of the host or of a user namespace.
 * mounts_make - a new mount namespace with the root of @plan and its mounts in it, in their order. Mount points that are
 *   missing are made; links on the way are followed within the root. *@ret_root: O_PATH, the caller's. */
#pragma once

#include "shim/oci/plan.h"

bool mounts_possible(void);
_must_check_ int mounts_make(const struct oci_plan *plan, int *ret_root, struct error *err);
