/* A small LZ77 compressor with a hash table, and its inverse. */
#include "kernel.h"

#define N 16384

static uint8_t in[N], packed[2 * N], out[N];
static int32_t table[4096];

static uint32_t load32(const uint8_t *p)
{
        return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static NOINLINE uint32_t compress(void)
{
        uint32_t w = 0, i = 0;

        for (int k = 0; k < 4096; k++)
                table[k] = -1;
        while (i < N) {
                uint32_t length = 0;
                int32_t at = -1;

                if (i + 4 <= N) {
                        uint32_t h = load32(in + i) * 2654435761u >> 20;

                        at = table[h];
                        table[h] = (int32_t)i;
                        if (at >= 0 && i - (uint32_t)at < 65536)
                                while (length < 255 && i + length < N && in[at + (int32_t)length] == in[i + length])
                                        length++;
                }
                if (length >= 4) {
                        packed[w++] = (uint8_t)length;
                        packed[w++] = (uint8_t)(i - (uint32_t)at);
                        packed[w++] = (uint8_t)((i - (uint32_t)at) >> 8);
                        i += length;
                } else {
                        packed[w++] = 0;
                        packed[w++] = in[i++];
                }
        }
        return w;
}

static NOINLINE void expand(uint32_t size)
{
        uint32_t w = 0;

        for (uint32_t r = 0; r < size;) {
                uint32_t length = packed[r++];

                if (!length) {
                        out[w++] = packed[r++];
                        continue;
                }
                uint32_t back = packed[r] | (uint32_t)packed[r + 1] << 8;

                r += 2;
                for (uint32_t k = 0; k < length; k++, w++)
                        out[w] = out[w - back];
        }
}

KERNEL(lz)
{
        uint32_t random = 7;
        uint64_t sum = 0;

        for (int i = 0; i < N; i++)
                in[i] = (uint8_t)(i > 64 && next_random(&random) % 8 ? in[i - 1 - (int)(random % 64)]
                                                                     : "the quick brown fox "[i % 20]);
        for (uint32_t round = 0; round < n; round++) {
                uint32_t size = compress();

                expand(size);
                for (int i = 0; i < N; i++)
                        sum += in[i] == out[i];
                sum = mix(sum, size);
                in[round % N]++;
        }
        return sum;
}
