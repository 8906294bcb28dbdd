/* print.h - a decoded module as text that reads back to the same module.
 *
 * module_print - append "(module ...)" to @out: one field a line, instructions flat and indented.
 * @m: borrowed; needs not be valid, but what its function bodies hold must be well-formed
 * @out: on failure unchanged
 * Function names of the name section are used where they are unique, its other names are left out. Other
 * custom sections become "(@custom ...)" at their places, branch hints annotations of their branches.
 * Time and memory are linear in the module. Never recurses.
 * Returns 0, -EBADMSG (a malformed body, with the offset in the file), -EOPNOTSUPP, -ENOMEM. */
#pragma once

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/decode/module.h"

_must_check_ int module_print(const struct module *m, struct buffer *out, struct error *err);
