/* canonical.h - finds equal recursive groups of types (core specification 3.1.4, rolling up).
 *
 * A group is written as words: kinds, supertypes, fields, parameters, results. What it names of
 * itself is the distance from its first type, what it names of others is a number that equal types
 * share. So groups are equal when their words are, and a table of groups gives every type such a
 * number: in a module the lowest index of an equal type, in a store the canonical id.
 *
 * group_table_add - the number of the first type of the group @words; the others follow.
 * @fresh: that number if the group is new
 * @ret: else the one of its equal. *ret == @fresh: it is new, and has been added.
 * Returns 0, or -ENOMEM with the table and *ret untouched.
 *
 * The hash has a secret of the process in it: the types are a guest's, who would otherwise put
 * them all into one bucket. Time is linear in the words. */
#pragma once

#include "engine/base/cleanup.h"
#include "engine/decode/module.h"

struct type_words {
        uint32_t *list;
        size_t n, room;
};

struct type_group {
        size_t at, n;      /* its words */
        uint64_t hash;
        uint32_t first;    /* the number of its first type */
        uint32_t next;     /* in its bucket: index + 1 */
};

struct group_table {        /* zeroed: empty */
        struct type_words words;
        struct type_group *groups;
        uint32_t ngroups, groups_room;
        uint32_t *buckets; /* as many as .groups_room: index + 1 */
        uint64_t key;
};

/* The words of a group of @m: the types from @first on. @numbers: of all types before it. */
_must_check_ int type_words_of(const struct module *m, uint32_t first, const uint32_t *numbers,
                               struct type_words *ret);
/* The same of a function type that is a group of its own, whose indices are numbers already. */
_must_check_ int type_words_of_function(const struct functype *type, struct type_words *ret);

_must_check_ int group_table_add(struct group_table *t, const struct type_words *words, uint32_t fresh,
                                uint32_t *ret);

void type_words_done(struct type_words *w);
void group_table_done(struct group_table *t);
