/* simd-vectors.h - operands worth trying: the edges of every lane type, and seeded random ones.
 *
 * vectors_edge - the @i-th of vectors_edges() fixed vectors
 * vectors_random - the next random one; the same sequence for the same seed */
#pragma once

#include "tests/unit/compile/simd-reference.h"

unsigned vectors_edges(void);
union vec vectors_edge(unsigned i);
uint64_t vectors_bits(uint64_t *seed);
union vec vectors_random(uint64_t *seed);
