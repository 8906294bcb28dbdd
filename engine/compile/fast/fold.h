/* fold.h - operations on two constants, whatever the machine's numbers for them are: behind its enum alu. */
#pragma once

#include "engine/compile/fast/entries.h"

static uint64_t fold_binary(enum alu op, unsigned type, uint64_t a, uint64_t b)
{
        uint64_t r = op == ALU_ADD   ? a + b
                     : op == ALU_SUB ? a - b
                     : op == ALU_AND ? a & b
                     : op == ALU_OR  ? a | b
                                     : a ^ b;

        return type == T_I32 ? (uint32_t)r : r;
}
