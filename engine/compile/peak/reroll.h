/* reroll.h - loops that the source's compiler unrolled, rolled up again (inside the peak generator only).
 *
 * reroll_loops - where the one block of a loop is the same work a few times over, on elements that lie one behind
 * the other, keep it once and make the steps smaller. Compilers to wasm unroll by two or four, which hides
 * from the vectoriser that elements are neighbours: it takes vectors apart and puts them together again.
 * The order of the accesses to memory stays, so do traps; only the place in the module that a trap in
 * a later copy is put down to is that of the first copy.
 *
 * Run on SSA behind simplification. Time is linear in the code, but for loops that are candidates, whose size
 * has a limit. */
#pragma once

#include "engine/compile/peak/lower.h"

void reroll_loops(struct lowering *l);
