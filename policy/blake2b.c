#include "config.h"

#include <endian.h>
#include <string.h>

#include "policy/blake2b.h"

#define BLOCK_BYTES 128
#define ROUNDS      12

/* The first 64 bits of the fractions of the square roots of the first eight primes. */
static const uint64_t start[8] = {
        UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b),
        UINT64_C(0xa54ff53a5f1d36f1), UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
        UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
};

static const uint8_t order[10][16] = { /* of the words of a block, by round */
        { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
        { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
        { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
        { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
        { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
        { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
        { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
        { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
        { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
        { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static uint64_t rotated(uint64_t x, unsigned n)
{
        return x >> n | x << (64 - n);
}

static void mix(uint64_t v[static 16], unsigned a, unsigned b, unsigned c, unsigned d, uint64_t x,
                uint64_t y)
{
        v[a] += v[b] + x;
        v[d] = rotated(v[d] ^ v[a], 32);
        v[c] += v[d];
        v[b] = rotated(v[b] ^ v[c], 24);
        v[a] += v[b] + y;
        v[d] = rotated(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = rotated(v[b] ^ v[c], 63);
}

/* @done: bytes up to the end of this block. A message of 2^64 bytes does not come. */
static void compress(uint64_t h[static 8], const uint8_t *block, uint64_t done, int last)
{
        uint64_t m[16], v[16];

        memcpy(m, block, sizeof(m));
        for (unsigned i = 0; i < 16; i++)
                m[i] = le64toh(m[i]);
        for (unsigned i = 0; i < 8; i++) {
                v[i] = h[i];
                v[i + 8] = start[i];
        }
        v[12] ^= done;
        if (last)
                v[14] = ~v[14];
        for (unsigned r = 0; r < ROUNDS; r++) {
                const uint8_t *s = order[r % 10];

                for (unsigned i = 0; i < 4; i++)
                        mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
                for (unsigned i = 0; i < 4; i++)
                        mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                            m[s[9 + 2 * i]]);
        }
        for (unsigned i = 0; i < 8; i++)
                h[i] ^= v[i] ^ v[i + 8];
}

void blake2b(const void *bytes, size_t n, uint8_t ret[static BLAKE2B_BYTES])
{
        const uint8_t *at = bytes;
        uint8_t rest[BLOCK_BYTES] = { 0 };
        uint64_t h[8], done = 0;

        memcpy(h, start, sizeof(h));
        h[0] ^= 0x01010000 ^ BLAKE2B_BYTES; /* no key, one leaf, 64 bytes of digest */
        for (; n > BLOCK_BYTES; n -= BLOCK_BYTES, at += BLOCK_BYTES)
                compress(h, at, done += BLOCK_BYTES, 0);
        if (n)
                memcpy(rest, at, n);
        compress(h, rest, done + n, 1);
        for (unsigned i = 0; i < 8; i++)
                h[i] = htole64(h[i]);
        memcpy(ret, h, BLAKE2B_BYTES);
}
