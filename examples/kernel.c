/* kernel.c - a CPU kernel: integers (SHA-256), floats (matrix product) and branches (queens).
 *
 *     nacelle run kernel.wasm [ROUNDS]
 *
 * The output depends on ROUNDS alone and is the same natively, bit for bit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t sha_k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned n)
{
        return x >> n | x << (32 - n);
}

static void sha_block(uint32_t h[8], const uint8_t block[64])
{
        uint32_t w[64], s[8];

        for (int i = 0; i < 16; i++)
                w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
        for (int i = 16; i < 64; i++) {
                uint32_t a = w[i - 15], b = w[i - 2];

                w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
                       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
        }
        memcpy(s, h, sizeof(s));
        for (int i = 0; i < 64; i++) {
                uint32_t e = s[4], a = s[0];
                uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                              ((e & s[5]) ^ (~e & s[6])) + sha_k[i] + w[i];
                uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                              ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

                memmove(s + 1, s, 7 * sizeof(*s));
                s[4] += t1;
                s[0] = t1 + t2;
        }
        for (int i = 0; i < 8; i++)
                h[i] += s[i];
}

/* The state of SHA-256 after @blocks blocks that count upwards. */
static uint32_t hash_counter(unsigned blocks)
{
        uint32_t h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
        uint8_t block[64];

        for (unsigned i = 0; i < blocks; i++) {
                memset(block, (int)(i & 0xff), sizeof(block));
                memcpy(block, &i, sizeof(i));
                sha_block(h, block);
        }
        return h[0];
}

#define ORDER 96

static double multiply(unsigned rounds)
{
        static double a[ORDER][ORDER], b[ORDER][ORDER], c[ORDER][ORDER];
        double trace = 0;

        for (int i = 0; i < ORDER; i++)
                for (int j = 0; j < ORDER; j++) {
                        a[i][j] = (i * 7 + j * 3) % 11 - 5;
                        b[i][j] = (i * 5 + j * 13) % 17 - 8;
                }
        for (unsigned r = 0; r < rounds; r++) {
                for (int i = 0; i < ORDER; i++)
                        for (int j = 0; j < ORDER; j++) {
                                double sum = 0;

                                for (int k = 0; k < ORDER; k++)
                                        sum += a[i][k] * b[k][j];
                                c[i][j] = sum;
                        }
                a[r % ORDER][0] += c[0][r % ORDER] > 0 ? 1 : -1;
        }
        for (int i = 0; i < ORDER; i++)
                trace += c[i][i];
        return trace;
}

/* Ways to place the remaining queens: bit sets of columns and diagonals under attack. */
static unsigned queens(unsigned all, unsigned columns, unsigned left, unsigned right)
{
        unsigned n = 0;

        if (columns == all)
                return 1;
        for (unsigned free = all & ~(columns | left | right); free; free &= free - 1) {
                unsigned bit = free & -free;

                n += queens(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
        }
        return n;
}

int main(int argc, char **argv)
{
        unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10;

        if (rounds == 0 || rounds > 100000) {
                fputs("usage: kernel [ROUNDS], 1 to 100000\n", stderr);
                return 2;
        }
        printf("sha256 %08x\n", (unsigned)hash_counter(rounds * 4000));
        printf("matrix %.0f\n", multiply(rounds));
        for (unsigned n = 6; n <= 10; n++)
                printf("queens(%u) %u\n", n, queens((1u << n) - 1, 0, 0, 0));
        return 0;
}
