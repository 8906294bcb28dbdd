/* cgroup.h - control groups for cells, where this process was handed a subtree of its own (cgroup v2, Delegate= of
 * the service manager). Nothing outside of that subtree is ever touched.
 *
 *     OURS/supervisor      this process and its other helpers, with more weight than the cells have
 *     OURS/cells/cell-N    one cell each, with the limits of policy/cgroup.def
 *
 * cgroups_open - find out, once in a process' life, and move it into its leaf. What the kernel or whoever started us
 *   does not allow is no error: then there are no groups, and cgroups_missing() says why.
 * cgroups_close - undo it, as far as that goes: for a process that lives on or that nobody cleans up behind.
 * cgroups_missing - why there are no groups, or which controllers are not there; "" when all is well.
 * cgroups_tree - the directory of our subtree, for the Landlock rules of a broker; -EBADF without groups.
 * cell_group_new - a group, with limits for @threads. Without groups *@ret is CELL_GROUP_NONE, and that is no error.
 * cell_group_add, cell_group_take - before a guest comes, and after it ended: the limits follow (policy/cgroup.h).
 * cell_group_kill - kill all that is in it.
 * cell_group_oom - whether the kernel killed something in it for its memory.
 * cell_group_done - kill what is left in it, and remove it. */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"
#include "policy/cgroup.h"

struct cell_group {
        int dir;           /* of the group; -EBADF: none */
        unsigned number, threads;
        struct cgroup_sum sum;
        struct cgroup_limits limits;
};

#define CELL_GROUP_NONE ((struct cell_group) { .dir = -EBADF })

void cgroups_open(void);
void cgroups_close(void);
const char *cgroups_missing(void);
int cgroups_tree(void);

_must_check_ int cell_group_new(unsigned threads, struct cell_group *ret, struct error *err);
void cell_group_add(struct cell_group *g, const struct cgroup_use *use);
void cell_group_take(struct cell_group *g, const struct cgroup_use *use);
void cell_group_kill(struct cell_group *g);
bool cell_group_oom(const struct cell_group *g);
void cell_group_done(struct cell_group *g);
