/* assembler.h - a buffer of one function's code, and the constants behind it: what the encoders of all machines
 * (x64/asm.h, a64/asm.h) write to.
 *
 * Nothing is checked per instruction: the caller calls asm_room() before each wasm instruction, which leaves
 * ASM_ROOM bytes. Constants of 16 bytes are collected, equal ones once; the machine's asm_finish() lays them behind the
 * code and patches the references to them.
 *
 * asm_init - @code_max: bytes of one function at the most.
 * asm_reset - for the next function; keeps the memory.
 * asm_grow - @room bytes behind what there is. Without memory, or beyond the limit, the function is given up.
 * asm_constant_number - a place for @bytes among the constants.
 * asm_fixup - what is written next refers to constant @constant. @trailing: bytes of the instruction behind the
 *   reference, where the machine counts them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/cleanup.h"

#define ASM_ROOM 1024 /* bytes that the code of one wasm instruction may take, frames aside */

struct asm_fixup {
        uint32_t at;
        uint32_t constant;
        uint8_t trailing;
};

struct assembler {
        uint8_t *start, *at, *end;
        size_t code_max;
        uint64_t cpu;                 /* CPU_... that may be used */
        uint64_t cpu_used;            /* that was used */
        uint8_t (*constants)[16];
        uint32_t nconstants, constants_room;
        struct asm_fixup *fixups;
        uint32_t nfixups, fixups_room;
        bool failed;                  /* out of memory or room: the function is given up */
        bool too_large;               /* it is room */
        bool far;                     /* the function is larger than short references reach */
        bool out_of_reach;            /* a short reference did not reach: again with .far */
};

void asm_init(struct assembler *a, uint64_t cpu, size_t code_max);
void asm_done(struct assembler *a);
void asm_reset(struct assembler *a);
void asm_grow(struct assembler *a, size_t room);
uint32_t asm_constant_number(struct assembler *a, const uint8_t bytes[16]);
void asm_fixup(struct assembler *a, uint32_t constant, unsigned trailing);

static inline void asm_room(struct assembler *a)
{
        if (_unlikely_((size_t)(a->end - a->at) < ASM_ROOM))
                asm_grow(a, ASM_ROOM);
}

static inline uint32_t asm_pc(const struct assembler *a)
{
        return (uint32_t)(a->at - a->start);
}

static inline void asm_u32(struct assembler *a, uint32_t v)
{
        memcpy(a->at, &v, 4);
        a->at += 4;
}
