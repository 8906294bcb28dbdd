/* keep.h - loads of linear memory that must not vanish.
 *
 * keep_loads - run on SSA, before the other passes. LLVM deletes a load whose value is unused, and
 *   moves one whose value is used only elsewhere to that place; either way a trap is lost. So a
 *   load of a memory is made volatile unless its own block uses the value, through whatever
 *   arithmetic, in a store, a call, a branch, a return or the next turn of its loop. The plain ones
 *   can still be merged, hoisted and vectorised.
 * Returns 0 or -ENOMEM.
 *
 * keep_hold, keep_settle - a value that a block uses may cancel out of its arithmetic (x - x, x & 0), which shows
 *   only when that is simplified. Before simplification every plain load gets a use that simplification
 *   respects; behind it these are taken away, and loads that nothing else uses become volatile. The passes
 *   for loops come later and see plain loads alone.
 *
 * keep_widths - behind all passes, loads and stores of memories and stores of globals become volatile. Code generation
 *   would make an access as narrow as its uses need (a byte of x & 255), or leave out a lane that it finds to be
 *   zero; what is left may lie inside of the memory though the access did not. And it would move a store over a load
 *   that traps. */
#pragma once

#include "engine/compile/peak/lower.h"

_must_check_ int keep_loads(struct lowering *l);
void keep_hold(struct lowering *l);
_must_check_ int keep_settle(struct lowering *l);
void keep_widths(struct lowering *l);
