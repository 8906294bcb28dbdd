/* Calls through a table of function pointers. */
#include "kernel.h"

typedef uint32_t step(uint32_t);

static NOINLINE uint32_t step_a(uint32_t x) { return x * 3 + 1; }
static NOINLINE uint32_t step_b(uint32_t x) { return x ^ x >> 7; }
static NOINLINE uint32_t step_c(uint32_t x) { return x + 0x9e3779b9u; }
static NOINLINE uint32_t step_d(uint32_t x) { return x << 3 | x >> 29; }

static step *volatile const steps[4] = { step_a, step_b, step_c, step_d };

KERNEL(indirect)
{
        uint32_t x = 1;

        for (uint32_t i = 0; i < n * 5000; i++)
                x = steps[i & 3](x);
        return x;
}
