/* spectest.h - the module "spectest" that official scripts import from (interpreter/README.md of the
 * specification): functions that print, constants, two tables, two memories. The prints print nothing: a cell
 * has no business to, and the scripts do not look.
 *
 * spectest_make - make its items in @s, which frees them. Refusals are the store's; @ret is untouched then.
 * spectest_find - the item of that name, as an import. Returns 0 or -ENOENT. */
#pragma once

#include "engine/instance/instance.h"

struct spectest {
        struct global_object *globals[4];
        struct table_object *table, *table64;
        struct memory_object *memory, *shared_memory;
};

_must_check_ int spectest_make(struct store *s, struct spectest *ret, struct error *err);
_must_check_ int spectest_find(const struct spectest *t, const struct name *name, struct extern_value *ret);
