/* literal.h - the value of a number of the text format (core specification, section 6.3.1).
 *
 * The bytes must be a number token (lex.h: number_kind()); underscores are ignored.
 *
 * literal_int - integer of @bits bits, 8 to 64: an unsigned number below 2^bits, or a negative one not
 *   below -2^(bits - 1). @ret: two's complement, the upper bits are zero.
 * literal_f32, literal_f64 - the bits of the nearest number, ties to even. "nan:0x..." sets the
 *   payload, which must fit and must not be zero.
 *
 * float_text - the shortest decimal number that literal_f32() or literal_f64() reads back to @bits, or
 *   "inf", "nan", "nan:0x...". @width: 32 or 64. Returns @text.
 *
 * Returns 0, -ERANGE (does not fit), -EINVAL (a float where an integer stands), -ENOMEM. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

_must_check_ int literal_int(const char *s, size_t size, unsigned bits, uint64_t *ret);
_must_check_ int literal_f32(const char *s, size_t size, uint32_t *ret);
_must_check_ int literal_f64(const char *s, size_t size, uint64_t *ret);

#define FLOAT_TEXT_MAX 40

char *float_text(uint64_t bits, unsigned width, char text[static FLOAT_TEXT_MAX]);
