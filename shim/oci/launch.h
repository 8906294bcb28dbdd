/* launch.h - what the container's process does with a plan (plan.h), before there is a cell.
 *
 * launch_read - the plan of @bundle, in @ret; the caller's to launch_done().
 * launch_is_sandbox - an annotation of the engine's says that it is the one that only holds the namespaces of a pod.
 * launch_root - the root of the container, with its mounts where the kernel lets us mount; else its directories are handed
 *   over one by one. All are found with our own rights: an engine keeps them where the container's user cannot go,
 *   and what he may do in them is asked when they are opened. Fills in l->run. *@ret: O_PATH, the caller's.
 * launch_file - the module beneath @root, opened with the rights of process.user, whose process this is not
 *   yet; checked to be WebAssembly. A descriptor, the caller's. */
#pragma once

#include "shim/oci/plan.h"

struct launch {
        struct oci_plan *plan;
        struct unit_run *run;
};

_must_check_ int launch_read(const char *bundle, struct launch *ret, struct error *err);
bool launch_is_sandbox(const struct launch *l);
_must_check_ int launch_root(struct launch *l, int *ret, struct error *err);
_must_check_ int launch_file(const struct launch *l, int root, struct error *err);
void launch_done(struct launch *l);
