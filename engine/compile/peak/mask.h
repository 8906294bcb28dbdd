/* mask.h - choices among many places, safe from wrong guesses of the processor.
 *
 * mask_switches - behind all passes: what a table of code is read at is in it, or one behind, by data alone. */
#pragma once

#include "engine/compile/peak/lower.h"

void mask_switches(struct lowering *l);
