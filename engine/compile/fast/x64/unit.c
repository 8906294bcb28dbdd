/* The single-pass generator for x86-64. */
#define FAST_MACHINE(file) <engine/compile/fast/x64/file>

#include "engine/compile/fast/function.h"

/* rel32, counted from its end */
static void call_patch(uint8_t *at, int64_t distance)
{
        uint32_t rel = (uint32_t)(distance - 4);

        memcpy(at, &rel, 4);
}

const struct fast_machine fast_x64 = {
        .machine = MACHINE_X86_64,
        .cpu = CPU_X86_V2,
        .code_max = UINT32_C(0x7fffffff),
        .padding = { 0xcc, 0xcc, 0xcc, 0xcc },
        .unit_new = unit_new,
        .unit_free = unit_free,
        .function = unit_function,
        .call_patch = call_patch,
};
