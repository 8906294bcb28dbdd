/* ChaCha20 key stream (RFC 8439): sixteen words, rotations. */
#include "kernel.h"

static uint32_t rotl(uint32_t x, int c)
{
        return x << c | x >> (32 - c);
}

#define QUARTER(a, b, c, d)                             \
        (x[a] += x[b], x[d] = rotl(x[d] ^ x[a], 16),    \
         x[c] += x[d], x[b] = rotl(x[b] ^ x[c], 12),    \
         x[a] += x[b], x[d] = rotl(x[d] ^ x[a], 8),     \
         x[c] += x[d], x[b] = rotl(x[b] ^ x[c], 7))

KERNEL(chacha20)
{
        uint32_t s[16], x[16];
        uint64_t sum = 0;

        for (uint32_t i = 0; i < 16; i++)
                s[i] = i * 0x9e3779b9u;
        for (uint32_t round = 0; round < n * 256; round++) {
                for (int i = 0; i < 16; i++)
                        x[i] = s[i];
                for (int i = 0; i < 10; i++) {
                        QUARTER(0, 4, 8, 12);
                        QUARTER(1, 5, 9, 13);
                        QUARTER(2, 6, 10, 14);
                        QUARTER(3, 7, 11, 15);
                        QUARTER(0, 5, 10, 15);
                        QUARTER(1, 6, 11, 12);
                        QUARTER(2, 7, 8, 13);
                        QUARTER(3, 4, 9, 14);
                }
                for (int i = 0; i < 16; i++)
                        sum = mix(sum, x[i] + s[i]);
                s[12]++;
        }
        return sum;
}
