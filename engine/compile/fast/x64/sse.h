/* sse.h - the vector instructions of x86-64 by name, and three ways to emit one.
 *
 * A name is prefix << 16 | map << 8 | opcode, and flags. The emitters choose the form: VEX with three
 * operands when AVX may be used, else the two-operand SSE form behind the move that it needs.
 *
 * sse_op2 - dst = op(rm);  sse_op3 - dst = op(x, rm)
 * sse_shift - dst = x shifted by a constant
 * In SSE form sse_op3 needs dst != rm, unless dst == x or the instruction commutes; memory must then
 * be 16-aligned where the instruction reads all 16 bytes (constants of the function are). */
#pragma once

#include <assert.h>

#include "engine/compile/compile.h"
#include "engine/compile/fast/x64/asm.h"

#define SSE_COMMUTES (1u << 24)
#define SSE_W        (1u << 25) /* REX.W or VEX.W */
#define SSE_NONE     0u

#define SSE_0F(opcode)    (MAP_0F << 8 | (opcode))
#define SSE_66(opcode)    (0x66u << 16 | MAP_0F << 8 | (opcode))
#define SSE_F2(opcode)    (0xf2u << 16 | MAP_0F << 8 | (opcode))
#define SSE_F3(opcode)    (0xf3u << 16 | MAP_0F << 8 | (opcode))
#define SSE_6638(opcode)  (0x66u << 16 | MAP_0F38 << 8 | (opcode))
#define SSE_663A(opcode)  (0x66u << 16 | MAP_0F3A << 8 | (opcode))

enum sse {
#define SSE(name, code) SSE_##name = (code),
#include "engine/compile/fast/x64/sse.def"
};

/* Immediates of cmpps and cmppd; of roundps and roundpd (bit 3: no inexact exception) */
enum { CMP_EQ = 0, CMP_LT = 1, CMP_LE = 2, CMP_UNORD = 3, CMP_NEQ = 4, CMP_NLT = 5 };
enum { ROUND_NEAREST = 8, ROUND_FLOOR = 9, ROUND_CEIL = 10, ROUND_TRUNC = 11 };

static inline bool sse_avx(const struct assembler *a)
{
        return a->cpu & CPU_X86_AVX;
}

static inline bool sse_avx2(const struct assembler *a)
{
        return a->cpu & CPU_X86_AVX2;
}

static inline void sse_vex(struct assembler *a, unsigned op, unsigned reg, unsigned x,
                           struct operand rm, unsigned trailing)
{
        asm_vex(a, op >> 16 & 0xff, op >> 8 & 0xff, op & 0xff, op & SSE_W ? ASM_W : 0, reg, x, rm,
                trailing);
}

static inline void sse_legacy(struct assembler *a, unsigned op, unsigned reg, struct operand rm,
                              unsigned trailing)
{
        asm_legacy(a, op >> 16 & 0xff, op >> 8 & 0xff, op & 0xff, op & SSE_W ? ASM_W : 0, reg, rm,
                   trailing);
}

/* reg is the ModRM register: the destination, or the source of a store. @trailing as in asm.h. */
static inline void sse_op2_trailing(struct assembler *a, unsigned op, unsigned reg,
                                    struct operand rm, unsigned trailing)
{
        if (sse_avx(a))
                sse_vex(a, op, reg, 0, rm, trailing);
        else
                sse_legacy(a, op, reg, rm, trailing);
}

static inline void sse_op2(struct assembler *a, unsigned op, unsigned reg, struct operand rm)
{
        sse_op2_trailing(a, op, reg, rm, 0);
}

static inline void sse_op2i(struct assembler *a, unsigned op, unsigned reg, struct operand rm,
                            unsigned imm)
{
        sse_op2_trailing(a, op, reg, rm, 1);
        asm_u8(a, imm);
}

static inline void sse_move(struct assembler *a, unsigned dst, unsigned src)
{
        if (dst != src)
                sse_op2(a, SSE_MOVAPS, dst, op_reg(src));
}

static inline void sse_op3_trailing(struct assembler *a, unsigned op, unsigned dst, unsigned x,
                                    struct operand rm, unsigned trailing)
{
        if (sse_avx(a)) {
                sse_vex(a, op, dst, x, rm, trailing);
                return;
        }
        if (dst != x && rm.kind == OPERAND_REGISTER && rm.base == dst) {
                assert(op & SSE_COMMUTES);
                rm.base = (uint8_t)x;
        } else {
                sse_move(a, dst, x);
        }
        sse_legacy(a, op, dst, rm, trailing);
}

static inline void sse_op3(struct assembler *a, unsigned op, unsigned dst, unsigned x,
                           struct operand rm)
{
        sse_op3_trailing(a, op, dst, x, rm, 0);
}

static inline void sse_op3i(struct assembler *a, unsigned op, unsigned dst, unsigned x,
                            struct operand rm, unsigned imm)
{
        sse_op3_trailing(a, op, dst, x, rm, 1);
        asm_u8(a, imm);
}

/* Shifts by a constant have a digit in the place of the register. */
enum { SHIFT_RIGHT = 2, SHIFT_RIGHT_SIGNED = 4, SHIFT_LEFT = 6 };

/* @op: SSE_SHIFT_W, _D or _Q; @digit: one of the above */
static inline void sse_shift(struct assembler *a, unsigned op, unsigned digit, unsigned dst,
                             unsigned x, unsigned count)
{
        if (sse_avx(a)) {
                sse_vex(a, op, digit, dst, op_reg(x), 1);
        } else {
                sse_move(a, dst, x);
                sse_legacy(a, op, digit, op_reg(dst), 1);
        }
        asm_u8(a, count);
}

/* Constants of the function: a 16-byte vector of one lane repeated */
static inline struct operand sse_const64(struct assembler *a, uint64_t low, uint64_t high)
{
        uint8_t bytes[16];

        memcpy(bytes, &low, 8);
        memcpy(bytes + 8, &high, 8);
        return asm_constant(a, bytes);
}

static inline struct operand sse_splat64(struct assembler *a, uint64_t lane)
{
        return sse_const64(a, lane, lane);
}

static inline struct operand sse_splat32(struct assembler *a, uint32_t lane)
{
        return sse_splat64(a, lane * UINT64_C(0x100000001));
}

static inline struct operand sse_splat16(struct assembler *a, uint16_t lane)
{
        return sse_splat64(a, lane * UINT64_C(0x1000100010001));
}

static inline struct operand sse_splat8(struct assembler *a, uint8_t lane)
{
        return sse_splat64(a, lane * UINT64_C(0x101010101010101));
}
