/* member.h - what a unit imports from, as members of its guest's group: the same for a run and for the daemon.
 *
 * members_new - of @u (borrowed, as long as @ret): names, limits, what each may import, what its keys open, its
 *   directories in the order of its keys (handle i is the i-th of them), its environment. Descriptors, streams
 *   and modules are the caller's to fill in: all streams are closed. Takes -ENOMEM.
 * members_free - takes one that is zeroed.
 * member_stream - the key for standard stream @stream that import @i was handed, or NULL.
 * member_tree_open - the directory of @key, or that of the file *@ret_only: beneath the directory that the
 *   unit's own key names, whatever links lie in the way. Returns a descriptor.
 * member_pin - of its module, as unit_pin(). */
#pragma once

#include "policy/unit.h"
#include "supervisor/broker/guests.h"
#include "supervisor/broker/pin.h"

struct members {
        struct guest_spec *specs;
        unsigned n;
        char **made;         /* strings among the following */
        unsigned nmade;
        const char **env;
        struct guest_dir *dirs;
};

_must_check_ int members_new(const struct unit *u, struct members *ret, struct error *err);
void members_free(struct members *m);
const struct key *member_stream(const struct unit_import *i, unsigned stream);
_must_check_ int member_tree_open(const struct narrowed_key *key, const char **ret_only, struct error *err);
_must_check_ int member_pin(const struct unit *u, const struct unit_import *i, struct module_pin *ret,
                            bool *ret_pinned, struct error *err);

static inline bool key_is_tree(const struct key *key)
{
        return key->kind == KEY_DIRECTORY || key->kind == KEY_FILE;
}
