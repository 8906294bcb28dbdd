/* Memory streams: copy, add and a sum over arrays larger than the first cache. */
#include "kernel.h"

#define N 32768

static uint64_t a[N], b[N], c[N];

KERNEL(memstream)
{
        uint64_t sum = 0;

        for (uint32_t i = 0; i < N; i++)
                a[i] = i * UINT64_C(0x9e3779b97f4a7c15);
        for (uint32_t round = 0; round < n; round++) {
                for (uint32_t i = 0; i < N; i++)
                        b[i] = a[i];
                for (uint32_t i = 0; i < N; i++)
                        c[i] = a[i] + b[i] * 3;
                for (uint32_t i = 0; i < N; i++)
                        sum += c[i];
                a[round % N] = sum;
        }
        return sum;
}
