/* Quicksort of integers, then binary searches. */
#include "kernel.h"

#define N 4096

static uint32_t a[N];

static NOINLINE void sort(uint32_t *low, uint32_t *high)
{
        while (low < high) {
                uint32_t pivot = low[(high - low) / 2], *i = low, *j = high;

                while (i <= j) {
                        while (*i < pivot)
                                i++;
                        while (*j > pivot)
                                j--;
                        if (i <= j) {
                                uint32_t t = *i;

                                *i++ = *j;
                                *j-- = t;
                        }
                }
                if (j - low < high - i) {
                        sort(low, j);
                        low = i;
                } else {
                        sort(i, high);
                        high = j;
                }
        }
}

KERNEL(sort_search)
{
        uint32_t random = 12345;
        uint64_t sum = 0;

        for (uint32_t round = 0; round < n; round++) {
                for (int i = 0; i < N; i++)
                        a[i] = next_random(&random);
                sort(a, a + N - 1);
                for (int i = 0; i < N; i++) {
                        uint32_t want = next_random(&random);
                        int low = 0, high = N;

                        while (low < high) {
                                int middle = (low + high) / 2;

                                if (a[middle] < want)
                                        low = middle + 1;
                                else
                                        high = middle;
                        }
                        sum += (uint64_t)low;
                }
        }
        return sum;
}
