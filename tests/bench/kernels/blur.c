/* Box blur of an image of floats, by rows and columns. */
#include "kernel.h"

#define W 128
#define H 96

static float image[H][W], temporary[H][W];

KERNEL(blur)
{
        uint64_t sum = 0;

        for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                        image[y][x] = (float)((x * 7 + y * 13) % 256);
        for (uint32_t round = 0; round < n; round++) {
                for (int y = 0; y < H; y++)
                        for (int x = 1; x < W - 1; x++)
                                temporary[y][x] = (image[y][x - 1] + image[y][x] + image[y][x + 1]) *
                                                  (1.0f / 3);
                for (int y = 1; y < H - 1; y++)
                        for (int x = 1; x < W - 1; x++)
                                image[y][x] = (temporary[y - 1][x] + temporary[y][x] +
                                               temporary[y + 1][x]) * (1.0f / 3);
        }
        for (int y = 0; y < H; y++)
                sum = mix(sum, bits_of((double)image[y][y]));
        return sum;
}
