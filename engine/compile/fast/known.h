/* known.h - functions of a module that are known by their bodies.
 *
 * A multiplication of 64 by 64 bits to 128 reaches wasm as a call of __multi3 of the C compiler's
 * run-time library, which makes it from four of 32 bits. Names prove nothing, but a body of the very
 * same bytes under the same type does the same thing.
 *
 * known_multiply - index of the function (p: i32, a, a_high, b, b_high: i64) that stores the upper
 *   half of the product at p + 8, then the lower half at p; UINT32_MAX when there is none. */
#pragma once

#include "engine/decode/module.h"

uint32_t known_multiply(const struct module *m);
