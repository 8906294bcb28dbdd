/* hierarchy.h - the hierarchies of control groups that are mounted here.
 *
 * hierarchies_find - from /proc/self/mountinfo: cgroup2, and those of version 1 that have a controller. None is no error.
 * hierarchy_has - whether a limit of @controller can be set in it.
 * hierarchy_hand_on - cgroup v2: what the group @dir has, its children get. */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"

#define HIERARCHIES_MAX 16

struct hierarchy {
        char *mount;
        char *controllers; /* between commas, one before and one behind */
        bool unified;
};

struct hierarchies {
        struct hierarchy all[HIERARCHIES_MAX];
        unsigned n;
};

_must_check_ int hierarchies_find(struct hierarchies *ret, struct error *err);
bool hierarchy_has(const struct hierarchy *h, const char *controller);
void hierarchy_hand_on(const char *dir);
void hierarchies_done(struct hierarchies *h);
