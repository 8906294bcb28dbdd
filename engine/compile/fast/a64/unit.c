/* The single-pass generator for aarch64. */
#define FAST_MACHINE(file) <engine/compile/fast/a64/file>

#include "engine/compile/fast/function.h"

static void call_patch(uint8_t *at, int64_t distance)
{
        uint32_t word;

        memcpy(&word, at, 4);
        word |= (uint32_t)(distance >> 2) & 0x03ffffff;
        memcpy(at, &word, 4);
}

const struct fast_machine fast_a64 = {
        .machine = MACHINE_AARCH64,
        .code_max = UINT32_C(0x07ffffff), /* what a branch reaches */
        .padding = { 0x20, 0xa0, 0x2a, 0xd4 }, /* brk: unreachable */
        .unit_new = unit_new,
        .unit_free = unit_free,
        .function = unit_function,
        .call_patch = call_patch,
};
