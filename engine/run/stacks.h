/* stacks.h - the stacks that the running guest's frames are on: for the collector, which looks for
 * references there.
 *
 * stacks_scan - @scan is called for the used part of the running fiber's stack, with what the
 *   registers held that a C function preserves, and of the fibers that it was resumed from.
 * stack_is_below - @f is the running fiber or one of those. */
#pragma once

#include "engine/run/fiber.h"

typedef void stack_scan(void *context, const void *low, const void *high);

void stacks_scan(stack_scan *scan, void *context);
bool stack_is_below(const struct fiber *f);
