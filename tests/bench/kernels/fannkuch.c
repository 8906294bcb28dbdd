/* Permutations and flips: small integer arrays. */
#include "kernel.h"

#define N 8

KERNEL(fannkuch)
{
        uint64_t sum = 0;

        for (uint32_t round = 0; round < n; round++) {
                int perm[N], first[N], count[N], r = N, flips_max = 0, checksum = 0, number = 0;

                for (int i = 0; i < N; i++)
                        first[i] = i;
                for (;;) {
                        int flips = 0, k;

                        for (; r != 1; r--)
                                count[r - 1] = r;
                        for (int i = 0; i < N; i++)
                                perm[i] = first[i];
                        while ((k = perm[0]) != 0) {
                                for (int i = 0, j = k; i < j; i++, j--) {
                                        int x = perm[i];

                                        perm[i] = perm[j];
                                        perm[j] = x;
                                }
                                flips++;
                        }
                        flips_max = flips > flips_max ? flips : flips_max;
                        checksum += number % 2 ? -flips : flips;
                        for (; r < N; r++) {
                                int x = first[0];

                                for (int i = 0; i < r; i++)
                                        first[i] = first[i + 1];
                                first[r] = x;
                                if (--count[r] > 0)
                                        break;
                        }
                        if (r == N)
                                break;
                        number++;
                }
                sum = mix(sum, (uint64_t)(checksum * 100 + flips_max));
        }
        return sum;
}
