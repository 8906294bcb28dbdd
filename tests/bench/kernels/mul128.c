/* 64 x 64 -> 128 bit multiplication: modular exponentiation by Montgomery's method. */
#include "kernel.h"

typedef unsigned __int128 u128;

static const uint64_t modulus = UINT64_C(0xffffffffffffffc5);

static uint64_t inverse; /* -modulus^-1 modulo 2^64 */

static uint64_t reduce(u128 x)
{
        uint64_t q = (uint64_t)x * inverse;
        u128 product = (u128)q * modulus;
        uint64_t high = (uint64_t)(x >> 64) + (uint64_t)(product >> 64) + ((uint64_t)x != 0);

        return high >= modulus || high < (uint64_t)(product >> 64) ? high - modulus : high;
}

KERNEL(mul128)
{
        uint64_t x = 3, sum = 0;

        inverse = 1;
        for (int i = 0; i < 6; i++)
                inverse *= 2 - modulus * inverse;
        inverse = -inverse;
        for (uint32_t i = 0; i < n * 4000; i++) {
                x = reduce((u128)x * (x + i));
                sum += x;
        }
        return sum;
}
