/* keep.h - loads of linear memory that must not vanish.
 *
 * keep_loads - run on SSA, before the other passes. LLVM deletes a load whose value is unused, and
 *   moves one whose value is used only elsewhere to that place; either way a trap is lost. So a
 *   load of a memory is made volatile unless its own block uses the value, through whatever
 *   arithmetic, in a store, a call, a branch, a return or the next turn of its loop. The plain ones
 *   can still be merged, hoisted and vectorised.
 * Returns 0 or -ENOMEM. */
#pragma once

#include "engine/compile/peak/lower.h"

_must_check_ int keep_loads(struct lowering *l);
