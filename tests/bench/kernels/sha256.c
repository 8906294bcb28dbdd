/* SHA-256 (FIPS 180-4) of a buffer; the constants are derived, not listed. */
#include "kernel.h"

static uint32_t k[64], state[8];
static uint8_t data[4096];

static uint32_t rotr(uint32_t x, int c)
{
        return x >> c | x << (32 - c);
}

/* First 32 bits of the fraction of the cube root of each of the first 64 primes, by bisection. */
static void make_constants(void)
{
        int found = 0;

        for (uint32_t p = 2; found < 64; p++) {
                int prime = 1;

                for (uint32_t d = 2; d * d <= p; d++)
                        if (p % d == 0)
                                prime = 0;
                if (!prime)
                        continue;
                double low = 1, high = 8;

                for (int i = 0; i < 60; i++) {
                        double middle = (low + high) / 2;

                        if (middle * middle * middle < p)
                                low = middle;
                        else
                                high = middle;
                }
                k[found++] = (uint32_t)(int64_t)((low - (double)(int64_t)low) * 4294967296.0);
        }
}

static NOINLINE void block(const uint8_t *p)
{
        uint32_t w[64], s[8];

        for (int i = 0; i < 16; i++)
                w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
                       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
        for (int i = 16; i < 64; i++)
                w[i] = w[i - 16] + w[i - 7] +
                       (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) +
                       (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
        for (int i = 0; i < 8; i++)
                s[i] = state[i];
        for (int i = 0; i < 64; i++) {
                uint32_t t1 = s[7] + (rotr(s[4], 6) ^ rotr(s[4], 11) ^ rotr(s[4], 25)) +
                              ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
                uint32_t t2 = (rotr(s[0], 2) ^ rotr(s[0], 13) ^ rotr(s[0], 22)) +
                              ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

                s[7] = s[6];
                s[6] = s[5];
                s[5] = s[4];
                s[4] = s[3] + t1;
                s[3] = s[2];
                s[2] = s[1];
                s[1] = s[0];
                s[0] = t1 + t2;
        }
        for (int i = 0; i < 8; i++)
                state[i] += s[i];
}

KERNEL(sha256)
{
        uint64_t sum = 0;

        make_constants();
        for (int i = 0; i < 8; i++)
                state[i] = k[i] ^ 0x5a5a5a5au;
        for (int i = 0; i < (int)sizeof(data); i++)
                data[i] = (uint8_t)(i * 31);
        for (uint32_t round = 0; round < n * 4; round++)
                for (size_t at = 0; at < sizeof(data); at += 64)
                        block(data + at);
        for (int i = 0; i < 8; i++)
                sum = mix(sum, state[i]);
        return sum;
}
