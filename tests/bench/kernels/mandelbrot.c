/* Points in the Mandelbrot set: a dependent chain of multiplications. */
#include "kernel.h"

KERNEL(mandelbrot)
{
        const int size = 64;
        uint64_t inside = 0;

        for (uint32_t round = 0; round < n; round++)
                for (int y = 0; y < size; y++)
                        for (int x = 0; x < size; x++) {
                                double cr = 2.0 * x / size - 1.5, ci = 2.0 * y / size - 1.0;
                                double zr = 0, zi = 0, zr2 = 0, zi2 = 0;
                                int i = 0;

                                while (i < 200 && zr2 + zi2 < 4.0) {
                                        zi = 2 * zr * zi + ci;
                                        zr = zr2 - zi2 + cr;
                                        zr2 = zr * zr;
                                        zi2 = zi * zi;
                                        i++;
                                }
                                inside += (uint64_t)i;
                        }
        return inside;
}
