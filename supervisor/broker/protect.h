/* protect.h - caches of compiled modules, kept from guests that hold a directory above one.
 *
 * Whoever can write a cache decides what the next run executes. So the entries of a cache that a writable grant holds
 * are not made, changed or removed for a guest, and what leads there, directories and links, is not moved, removed
 * or replaced. Objects are known by device and inode, whatever name a guest has for them.
 *
 * protection_init - for cache @cache (NULL: none but the default) and cache_default_path(), as far as one of the @n
 *   directories @grants, those that a guest may write in, holds them. A cache that is missing there is made: else a
 *   guest could make it. Before the caller is locked to its grants. -E2BIG: the way to a cache is too long.
 * protection_of - what may not be done with the object of @st. @p: NULL protects nothing. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "engine/base/error.h"

#define PROTECTED_MAX 128u /* objects: both caches, and each component of the two ways there */

enum protected {
        PROTECTED_NOT,
        PROTECTED_WAY,     /* it leads to a cache: stays where it is */
        PROTECTED_ENTRIES, /* it is one: so do its entries */
};

struct protection {
        struct protected_object {
                dev_t dev;
                ino_t ino;
                enum protected kind;
        } objects[PROTECTED_MAX];
        unsigned n; /* 0: no grant holds a cache */
};

_must_check_ int protection_init(struct protection *p, const char *cache, const int *grants, unsigned n,
                                 struct error *err);

static inline enum protected protection_of(const struct protection *p, const struct stat *st)
{
        for (unsigned i = 0; p && i < p->n; i++)
                if (p->objects[i].dev == st->st_dev && p->objects[i].ino == st->st_ino)
                        return p->objects[i].kind;
        return PROTECTED_NOT;
}
