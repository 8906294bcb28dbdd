/* finish.h - the last look at a module before code generation (inside the peak generator only).
 *
 * finish_module - say what code generation cannot see, or would do to the code's loss.
 * For x86-64: of other machines nothing is known here, and nothing is changed. What the module computes
 * stays the same. Time is linear in the code. */
#pragma once

#include "engine/compile/peak/lower.h"

void finish_module(struct lowering *l);
