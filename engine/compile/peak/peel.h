/* peel.h - the first turn of a small loop on its own (inside the peak generator only).
 *
 * peel_loops - where a loop is one small block, its first turn comes before it as well. Such loops often take a turn
 *   or two: whether there is a second is a branch of its own then, with a history of its own, and is
 *   guessed better. Loops that the vectoriser made or left over are not touched.
 * Run where values that leave a loop do so through phis (behind LLVM's pass lcssa). Time is linear in the code. */
#pragma once

#include "engine/compile/peak/lower.h"

void peel_loops(struct lowering *l);
