/* Sieve of Eratosthenes: byte stores with a stride. */
#include "kernel.h"

#define N 65536

static uint8_t composite[N];

KERNEL(sieve)
{
        uint64_t primes = 0;

        for (uint32_t round = 0; round < n; round++) {
                for (int i = 0; i < N; i++)
                        composite[i] = 0;
                for (uint32_t p = 2; p * p < N; p++)
                        if (!composite[p])
                                for (uint32_t i = p * p; i < N; i += p)
                                        composite[i] = 1;
                for (int i = 2; i < N; i++)
                        primes += !composite[i];
        }
        return primes;
}
