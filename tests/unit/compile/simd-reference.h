/* simd-reference.h - what each vector instruction means, as plain C over lanes.
 *
 * Written from section 4.4 (numerics, vector instructions) of the core specification, one lane at
 * a time and without any intrinsic, so that it shares no error with the generator. */
#pragma once

#include <stdint.h>

#include "engine/decode/opcodes.h"

union vec {
        uint8_t u8[16];
        uint16_t u16[8];
        uint32_t u32[4];
        uint64_t u64[2];
        int8_t s8[16];
        int16_t s16[8];
        int32_t s32[4];
        int64_t s64[2];
        float f32[4];
        double f64[2];
};

struct ref_input {
        union vec a, b, c;
        uint64_t g;             /* the i32 or i64 operand */
        unsigned lane;
        uint8_t lanes[16];
        uint8_t memory[8];      /* what a load finds */
};

struct ref_output {
        union vec v;
        uint64_t g;
        uint8_t memory[8];      /* what a store leaves */
};

enum ref_nan { EXACT, NAN32, NAN64 }; /* lanes in which any NaN of the right class will do */

struct reference {
        void (*run)(const struct ref_input *in, struct ref_output *out);
        enum ref_nan nan;
        unsigned bytes;         /* of the memory access */
};

extern const struct reference references[_OP_MAX];
