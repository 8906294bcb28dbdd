/* blake2b.h - the digest BLAKE2b-512 (RFC 7693), which signatures of minisign are made over. Nettle has
 * none. Plain C, no secrets: constant time is not asked for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BLAKE2B_BYTES 64

void blake2b(const void *bytes, size_t n, uint8_t ret[static BLAKE2B_BYTES]);
