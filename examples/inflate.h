/* inflate.h - DEFLATE (RFC 1951) from memory to memory, for the unzip example.
 *
 * inflate - decompress @n bytes at @in into at most @room bytes at @out.
 * Returns the number of bytes written, or -1 when the input is malformed or does not fit. */
#pragma once

#include <stddef.h>
#include <stdint.h>

long inflate(const uint8_t *in, size_t n, uint8_t *out, size_t room);
