/* simd.h - the vector instructions, each as machine code over registers that the caller chose.
 *
 * simd_rule - what the instruction needs: the caller's register allocator reads it.
 * simd_emit - append the code. Uses AVX forms when a->cpu has CPU_X86_AVX, SSE4.2 ones otherwise.
 *   Adds what it used to a->cpu_used. Only dst, g of a result, and the temporaries change, and the
 *   flags; the scalar of a SIMD_EXTRACT_F has undefined upper lanes. */
#pragma once

#include "engine/compile/fast/x64/asm.h"
#include "engine/decode/opcodes.h"

enum simd_shape {
        SIMD_NOT,       /* not an instruction of this table (v128.const, loads of v128, stores) */
        SIMD_UNARY,     /* v -> v:       dst, a */
        SIMD_BINARY,    /* v v -> v:     dst, a, b (b may be memory or constant when .b_memory) */
        SIMD_TERNARY,   /* v v v -> v:   dst, a, b, c */
        SIMD_SHIFT,     /* v i -> v:     dst, a, and g (count in a register) or count (constant) */
        SIMD_TEST,      /* v -> i:       g is the result, a */
        SIMD_SPLAT_G,   /* i, I -> v:    dst, g */
        SIMD_SPLAT_F,   /* f, F -> v:    dst, a (the scalar in its low lane) */
        SIMD_EXTRACT_G, /* v -> i, I:    g is the result, a, lane */
        SIMD_EXTRACT_F, /* v -> f, F:    dst, a, lane */
        SIMD_REPLACE_G, /* v i -> v:     dst, a, g, lane */
        SIMD_REPLACE_F, /* v f -> v:     dst, a, b, lane */
        SIMD_SHUFFLE,   /* v v -> v:     dst, a, b, lanes */
        SIMD_LOAD,      /* a -> v:       dst, memory (load_extend, splat, zero); one faulting access */
        SIMD_LOAD_LANE, /* a v -> v:     dst, a, memory, lane */
        SIMD_STORE_LANE /* a v ->        a, memory, lane */
};

struct simd_rule {
        uint8_t shape;        /* enum simd_shape */
        uint8_t ntemps;       /* vector temporaries, distinct from all operands */
        uint8_t ngtemps;      /* general temporaries, distinct from all operands */
        bool dst_is_not_b;    /* dst must differ from b and c (dst may always be a) */
        bool b_memory;        /* operand b may be memory (16-byte aligned not guaranteed) under AVX */
};

struct simd_operands {
        enum xmm dst, a, c;
        struct operand b;      /* usually op_reg() */
        enum xmm temps[3];
        enum gpr g;            /* input or result, see the shape */
        enum gpr gtemps[2];
        struct operand memory; /* of loads and stores */
        uint8_t lane;
        bool has_count;        /* SIMD_SHIFT: the count is .count (already taken modulo the lane) */
        uint8_t count;
        const uint8_t *lanes;  /* SIMD_SHUFFLE: 16 */
        uint32_t fault_pc;     /* out: asm_pc() of the instruction that accesses .memory, or b in memory */
};

struct simd_rule simd_rule(enum opcode op, uint64_t cpu);
void simd_emit(struct assembler *a, enum opcode op, struct simd_operands *o);
