/* idioms.h - recognises function bodies whose meaning is known, see idioms.def.
 *
 * idiom_find - what defined function @function of @m is. Costs nothing for functions of another
 * type or length. *@ret_low_first: the order of its two stores, which a trap between them shows. */
#pragma once

#include <stdbool.h>

#include "engine/decode/module.h"

enum idiom { IDIOM_NONE, IDIOM_MUL128 };

enum idiom idiom_find(const struct module *m, uint32_t function, bool *ret_low_first);
