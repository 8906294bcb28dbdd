/* asm.h - aarch64 instructions into a buffer: the encoder under the fast generator.
 *
 * Arm ARM (DDI 0487), chapter C4. An instruction is named by its fixed bits; the helpers put the
 * registers in.
 *
 * Conditional jumps and constants reach 1 MiB. A function that turns out to be larger is generated
 * once more with .far set: then both take a way that reaches everywhere. */
#pragma once

#include "engine/compile/fast/assembler.h"

#define ASM_MAX (UINT32_C(1) << 27) /* bytes of one function: what a jump reaches */

enum gpr { X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, X17, X18, X19,
           X20, X21, X22, X23, X24, X25, X26, X27, X28, X29, X30, XZR, SP = XZR, GPR_NONE = 0xff };

#define ADDRESS_REG X16 /* of one access */
#define SCRATCH_REG X17 /* constants of one instruction */
#define BASE_REG    X28 /* the instance's base */

/* Memory: base + index (64 bits wide, or none) + disp. With both an index and a distance, or with a
 * distance that the instruction cannot hold, SCRATCH_REG takes the sum. */
struct operand {
        uint8_t base;
        uint8_t index; /* or GPR_NONE */
        int64_t disp;  /* with an index: not negative, less than 16 MiB */
};

static inline struct operand op_base(unsigned base, int64_t disp)
{
        return (struct operand) { (uint8_t)base, GPR_NONE, disp };
}

/* In the instance: @disp from its base */
static inline struct operand op_gs(unsigned none, int32_t disp)
{
        return op_base(BASE_REG, disp);
}

static inline uint32_t asm_read(const struct assembler *a, uint32_t at)
{
        uint32_t word;

        memcpy(&word, a->start + at, 4);
        return word;
}

static inline void asm_write(struct assembler *a, uint32_t at, uint32_t word)
{
        memcpy(a->start + at, &word, 4);
}

enum { WORD_NOP = 0xd503201f };

/* A distance into the 19 bits of a conditional jump or a literal load, or the 26 of a jump. */
static void asm_reach(struct assembler *a, uint32_t at, int64_t distance)
{
        uint32_t word = asm_read(a, at);

        if ((word & 0x7c000000) == 0x14000000) { /* b, bl */
                asm_write(a, at, (word & 0xfc000000) | ((uint32_t)(distance >> 2) & 0x03ffffff));
                return;
        }
        if (distance < -(1 << 20) || distance >= 1 << 20)
                a->out_of_reach = true;
        asm_write(a, at, (word & 0xff00001f) | ((uint32_t)(distance >> 2) & 0x7ffff) << 5);
}

/* Lays the constants, 16-aligned, and patches what names them. */
static void asm_finish(struct assembler *a)
{
        uint32_t base;

        if (!a->nconstants || a->failed)
                return;
        asm_grow(a, 16 + (size_t)a->nconstants * 16);
        if (a->failed)
                return;
        while (asm_pc(a) % 16)
                asm_u32(a, WORD_NOP);
        base = asm_pc(a);
        memcpy(a->at, a->constants, (size_t)a->nconstants * 16);
        a->at += (size_t)a->nconstants * 16;
        for (uint32_t i = 0; i < a->nfixups; i++)
                asm_reach(a, a->fixups[i].at,
                          (int64_t)base + a->fixups[i].constant * 16 - a->fixups[i].at);
}

#define ASM_W 1u /* 64 bits */

/* op rd, rn, rm */
static inline void asm_3(struct assembler *a, uint32_t op, unsigned rd, unsigned rn, unsigned rm)
{
        asm_u32(a, op | rm << 16 | rn << 5 | rd);
}

/* op rd, rn */
static inline void asm_2(struct assembler *a, uint32_t op, unsigned rd, unsigned rn)
{
        asm_u32(a, op | rn << 5 | rd);
}

/* The same with the width bit of general registers */
static inline void asm_w3(struct assembler *a, uint32_t op, unsigned w, unsigned rd, unsigned rn,
                          unsigned rm)
{
        asm_3(a, op | w << 31, rd, rn, rm);
}

static inline void asm_w2(struct assembler *a, uint32_t op, unsigned w, unsigned rd, unsigned rn)
{
        asm_2(a, op | w << 31, rd, rn);
}

/* Three registers, general */
enum {
        A64_ADD = 0x0b000000, A64_SUB = 0x4b000000, A64_ADDS = 0x2b000000, A64_SUBS = 0x6b000000,
        A64_AND = 0x0a000000, A64_ORR = 0x2a000000, A64_EOR = 0x4a000000, A64_ANDS = 0x6a000000,
        A64_ADC = 0x1a000000, A64_ADCS = 0x3a000000, A64_SBC = 0x5a000000,
        A64_UDIV = 0x1ac00800, A64_SDIV = 0x1ac00c00,
        A64_LSLV = 0x1ac02000, A64_LSRV = 0x1ac02400, A64_ASRV = 0x1ac02800, A64_RORV = 0x1ac02c00,
        A64_MUL = 0x1b007c00,   /* madd with xzr */
        A64_MSUB = 0x1b008000,  /* ra in bits 10..14 */
        A64_SMULH = (int)0x9b407c00, A64_UMULH = (int)0x9bc07c00, A64_UMULL = (int)0x9ba07c00,
        A64_CSEL = 0x1a800000, A64_CSINC = 0x1a800400, A64_CSINV = 0x5a800000, /* cond in bits 12..15 */
        /* two registers */
        A64_RBIT = 0x5ac00000, A64_CLZ = 0x5ac01000,
        /* bit fields: immr, imms */
        A64_SBFM = 0x13000000, A64_UBFM = 0x53000000, A64_EXTR = 0x13800000,
        /* immediates */
        A64_ADD_I = 0x11000000, A64_SUB_I = 0x51000000, A64_SUBS_I = 0x71000000,
        A64_ADDS_I = 0x31000000,
        A64_AND_I = 0x12000000, A64_ORR_I = 0x32000000, A64_EOR_I = 0x52000000,
        A64_ANDS_I = 0x72000000,
        A64_MOVN = 0x12800000, A64_MOVZ = 0x52800000, A64_MOVK = 0x72800000,
        A64_CCMP = 0x7a400000, A64_CCMP_I = 0x7a400800,
};

/* Jumps */
enum {
        A64_B = 0x14000000, A64_BL = (int)0x94000000, A64_B_COND = 0x54000000,
        A64_BR = (int)0xd61f0000, A64_BLR = (int)0xd63f0000, A64_RET = (int)0xd65f03c0,
        A64_ADR = 0x10000000, A64_BRK = (int)0xd4200000,
};

/* Memory: the unsigned scaled form; asm_memory() makes the others of it. */
enum {
        A64_STRB = 0x39000000, A64_LDRB = 0x39400000, A64_LDRSB_X = 0x39800000, A64_LDRSB_W = 0x39c00000,
        A64_STRH = 0x79000000, A64_LDRH = 0x79400000, A64_LDRSH_X = 0x79800000, A64_LDRSH_W = 0x79c00000,
        A64_STR_W = (int)0xb9000000, A64_LDR_W = (int)0xb9400000, A64_LDRSW = (int)0xb9800000,
        A64_STR_X = (int)0xf9000000, A64_LDR_X = (int)0xf9400000,
        A64_STR_S = (int)0xbd000000, A64_LDR_S = (int)0xbd400000,
        A64_STR_D = (int)0xfd000000, A64_LDR_D = (int)0xfd400000,
        A64_STR_Q = 0x3d800000, A64_LDR_Q = 0x3dc00000,
        A64_LDR_B = 0x3d400000, A64_LDR_H = 0x7d400000,
};

/* log2 of the bytes that @op accesses */
static inline unsigned asm_memory_scale(uint32_t op)
{
        return (op & 0x04800000) == 0x04800000 ? 4 : op >> 30;
}

static void asm_move_constant(struct assembler *a, unsigned reg, uint64_t value);

static inline void asm_arithmetic(struct assembler *a, uint32_t op, unsigned w, unsigned rd, unsigned rn,
                                  uint64_t value);

static bool asm_memory_fits(unsigned scale, int64_t disp)
{
        return (disp >= -256 && disp < 256) ||
               (disp >= 0 && (disp & ((1 << scale) - 1)) == 0 && disp >> scale < 4096);
}

/* The sum of base and index, and as much of the distance as the instruction does not hold. */
static struct operand asm_sum(struct assembler *a, unsigned scale, struct operand o)
{
        asm_3(a, A64_ADD | ASM_W << 31, SCRATCH_REG, o.base, o.index);
        if (!asm_memory_fits(scale, o.disp)) {
                asm_arithmetic(a, A64_ADD_I, ASM_W, SCRATCH_REG, SCRATCH_REG, (uint64_t)o.disp & 0xfff000);
                o.disp &= 0xfff;
        }
        if (!asm_memory_fits(scale, o.disp)) {
                asm_arithmetic(a, A64_ADD_I, ASM_W, SCRATCH_REG, SCRATCH_REG, (uint64_t)o.disp);
                o.disp = 0;
        }
        return op_base(SCRATCH_REG, o.disp);
}

/* @op register @reg (0..31), memory @o */
static void asm_memory(struct assembler *a, uint32_t op, unsigned reg, struct operand o)
{
        unsigned scale = asm_memory_scale(op), index;
        uint32_t plain = op & ~UINT32_C(0x01000000);

        if (o.index != GPR_NONE && o.disp)
                o = asm_sum(a, scale, o);
        index = o.index;
        if (index == GPR_NONE) {
                if (o.disp >= 0 && (o.disp & ((1 << scale) - 1)) == 0 && o.disp >> scale < 4096) {
                        asm_u32(a, op | (uint32_t)(o.disp >> scale) << 10 | o.base << 5 | reg);
                        return;
                }
                if (o.disp >= -256 && o.disp < 256) {
                        asm_u32(a, plain | ((uint32_t)o.disp & 0x1ff) << 12 | o.base << 5 | reg);
                        return;
                }
                asm_move_constant(a, SCRATCH_REG, (uint64_t)o.disp);
                index = SCRATCH_REG;
        }
        asm_u32(a, plain | 0x00206800 | index << 16 | o.base << 5 | reg);
}

static inline void asm_move_wide(struct assembler *a, uint32_t op, unsigned w, unsigned reg,
                                 unsigned half, uint64_t value)
{
        asm_u32(a, op | w << 31 | half << 21 | (uint32_t)(value >> 16 * half & 0xffff) << 5 | reg);
}

/* The fields N, immr, imms of a logical instruction for @value, which repeats every power of two of
 * bits a run of ones, turned. False: it is no such value. */
static bool asm_logical_fields(uint64_t value, unsigned w, uint32_t *ret)
{
        unsigned size = w ? 64 : 32, ones, turn;
        uint64_t mask, x;

        if (!w)
                value = (uint32_t)value | value << 32;
        if (value == 0 || value == UINT64_MAX)
                return false;
        while (size > 2) {
                unsigned half = size / 2;

                mask = (UINT64_C(1) << half) - 1;
                if ((value & mask) != (value >> half & mask))
                        break;
                size = half;
        }
        mask = size == 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
        x = value & mask;
        ones = (unsigned)__builtin_popcountll(x);
        if (x & 1) { /* the run may wrap: it ends at the last zero's other side */
                uint64_t zeros = ~x & mask;

                turn = ones - (unsigned)__builtin_ctzll(zeros);
        } else {
                turn = size - (unsigned)__builtin_ctzll(x);
        }
        turn %= size;
        {
                uint64_t run = ones == 64 ? UINT64_MAX : (UINT64_C(1) << ones) - 1;
                uint64_t turned = turn ? (run >> turn | run << (size - turn)) & mask : run;

                if (turned != x)
                        return false;
        }
        *ret = (uint32_t)(size == 64) << 22 | turn << 16 |
               (((size == 64 ? 0 : ~(2 * size - 1)) & 0x3f) | (ones - 1)) << 10;
        return true;
}

static void asm_move_constant(struct assembler *a, unsigned reg, uint64_t value)
{
        unsigned w = value >> 32 ? ASM_W : 0, halves = w ? 4 : 2, zeros = 0, ones = 0, skip;
        uint32_t fields;
        bool first = true;

        for (unsigned i = 0; i < halves; i++) {
                unsigned half = value >> 16 * i & 0xffff;

                zeros += half == 0;
                ones += half == 0xffff;
        }
        if (zeros < halves - 1 && ones < halves - 1 && asm_logical_fields(value, w, &fields)) {
                asm_u32(a, A64_ORR_I | w << 31 | fields | XZR << 5 | reg);
                return;
        }
        skip = ones > zeros ? 0xffff : 0;
        for (unsigned i = 0; i < halves; i++) {
                if ((value >> 16 * i & 0xffff) == skip && !(first && i == halves - 1))
                        continue;
                if (!first)
                        asm_move_wide(a, A64_MOVK, w, reg, i, value);
                else if (skip)
                        asm_move_wide(a, A64_MOVN, w, reg, i, ~value);
                else
                        asm_move_wide(a, A64_MOVZ, w, reg, i, value);
                first = false;
        }
}

/* A constant of 12 bits, or one of 24 with the lower 12 clear */
static bool asm_arithmetic_fits(uint64_t value)
{
        return value < 4096 || (value < (1 << 24) && !(value & 0xfff));
}

/* @op: one of the immediate forms; @value must fit. */
static inline void asm_arithmetic(struct assembler *a, uint32_t op, unsigned w, unsigned rd, unsigned rn,
                                  uint64_t value)
{
        uint32_t field = value < 4096 ? (uint32_t)value << 10 : 1 << 22 | (uint32_t)(value >> 12) << 10;

        asm_u32(a, op | w << 31 | field | rn << 5 | rd);
}
