/* Calls of a function of itself: Fibonacci and Ackermann. */
#include "kernel.h"

static NOINLINE uint32_t fib(uint32_t n)
{
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static NOINLINE uint32_t ackermann(uint32_t m, uint32_t n)
{
        if (m == 0)
                return n + 1;
        return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

KERNEL(recursion)
{
        uint64_t sum = 0;

        for (uint32_t i = 0; i < n; i++)
                sum = mix(sum, fib(18 + i % 2) + ackermann(2, 30 + i % 2));
        return sum;
}
