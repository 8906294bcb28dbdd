/* Calls through a table of function pointers.
 *
 * One call site in every build, whose target changes every 16 calls: what is measured is the call and
 * the checks before it. With a target that changes every time, and a loop that one compiler unrolls
 * and another does not, it would be the processor's predictor of indirect branches. */
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

#pragma clang loop unroll(disable)
        for (uint32_t i = 0; i < n * 5000; i++)
                x = steps[i >> 4 & 3](x);
        return x;
}
