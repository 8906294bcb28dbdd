/* asm.h - x86-64 instructions into a buffer: the encoder under the fast generator.
 *
 * Intel SDM volume 2, chapter 2 (prefixes, ModRM, SIB, VEX). */
#pragma once

#include "engine/compile/fast/assembler.h"

#define ASM_MAX (UINT32_C(1) << 28) /* bytes of one function */

enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, GPR_NONE = 0xff };
enum xmm { XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10, XMM11, XMM12, XMM13,
           XMM14, XMM15, XMM_NONE = 0xff };

enum operand_kind { OPERAND_REGISTER, OPERAND_MEMORY, OPERAND_CONSTANT };

/* What a ModRM byte can name besides its register: a register (number in .base), memory, or a
 * constant of the function (number in .disp). */
struct operand {
        uint8_t kind;         /* enum operand_kind */
        uint8_t base;         /* register, or GPR_NONE */
        uint8_t index;        /* GPR_NONE: none; never RSP */
        uint8_t scale;        /* 0..3: 1, 2, 4, 8 */
        bool gs;              /* relative to the instance base */
        bool addr32;          /* base + index + disp is cut to 32 bits before that */
        int32_t disp;
};

static inline struct operand op_reg(unsigned r)
{
        return (struct operand) { .kind = OPERAND_REGISTER, .base = (uint8_t)r };
}

static inline struct operand op_base(enum gpr base, int32_t disp)
{
        return (struct operand) { .kind = OPERAND_MEMORY, .base = base, .index = GPR_NONE, .disp = disp };
}

/* %gs:disp, or %gs:disp(%base) */
static inline struct operand op_gs(enum gpr base, int32_t disp)
{
        return (struct operand) { .kind = OPERAND_MEMORY, .base = base, .index = GPR_NONE, .gs = true,
                                  .disp = disp };
}

void asm_finish(struct assembler *a);      /* lays the constants, 16-aligned, and patches */

static inline struct operand asm_constant(struct assembler *a, const uint8_t bytes[16])
{
        return (struct operand) { .kind = OPERAND_CONSTANT, .base = GPR_NONE, .index = GPR_NONE,
                                  .disp = (int32_t)asm_constant_number(a, bytes) };
}

static inline void asm_u8(struct assembler *a, unsigned v)
{
        *a->at++ = (uint8_t)v;
}

static inline void asm_u64(struct assembler *a, uint64_t v)
{
        memcpy(a->at, &v, 8);
        a->at += 8;
}

/* ModRM, SIB and displacement. @trailing: bytes of immediate that follow. */
static inline void asm_modrm(struct assembler *a, unsigned reg, struct operand rm, unsigned trailing)
{
        unsigned r = (reg & 7) << 3, b = rm.base & 7;

        if (rm.kind == OPERAND_REGISTER) {
                asm_u8(a, 0xc0 | r | b);
                return;
        }
        if (rm.kind == OPERAND_CONSTANT) {
                asm_u8(a, 0x05 | r);
                asm_fixup(a, (uint32_t)rm.disp, trailing);
                asm_u32(a, 0);
                return;
        }
        if (rm.base == GPR_NONE) { /* [disp32] or [index * scale + disp32]: SIB without base */
                asm_u8(a, 0x04 | r);
                asm_u8(a, rm.scale << 6 | (rm.index == GPR_NONE ? 4u : rm.index & 7u) << 3 | 5);
                asm_u32(a, (uint32_t)rm.disp);
                return;
        }
        unsigned mod = rm.disp == 0 && b != 5 ? 0x00 : rm.disp == (int8_t)rm.disp ? 0x40 : 0x80;

        if (rm.index != GPR_NONE || b == 4) {
                asm_u8(a, mod | r | 4);
                asm_u8(a, rm.scale << 6 | (rm.index == GPR_NONE ? 4u : rm.index & 7u) << 3 | b);
        } else {
                asm_u8(a, mod | r | b);
        }
        if (mod == 0x40)
                asm_u8(a, (uint8_t)rm.disp);
        else if (mod == 0x80)
                asm_u32(a, (uint32_t)rm.disp);
}

enum { MAP_1BYTE = 0, MAP_0F = 1, MAP_0F38 = 2, MAP_0F3A = 3 };

#define ASM_W     1u /* 64-bit operand size, REX.W */
#define ASM_BYTE  2u /* byte registers: force a REX prefix so that 4..7 mean spl bpl sil dil */

static inline unsigned operand_x(struct operand rm)
{
        return rm.kind == OPERAND_MEMORY && rm.index != GPR_NONE ? rm.index >> 3 : 0;
}

static inline unsigned operand_b(struct operand rm)
{
        return rm.kind != OPERAND_CONSTANT && rm.base != GPR_NONE ? rm.base >> 3 : 0;
}

/* An instruction in the legacy encoding. @prefix: 0, 0x66, 0xf2 or 0xf3. @trailing: bytes of
 * immediate that the caller appends. */
static inline void asm_legacy(struct assembler *a, unsigned prefix, unsigned map, unsigned opcode,
                              unsigned flags, unsigned reg, struct operand rm, unsigned trailing)
{
        unsigned rex = (flags & ASM_W) << 3 | (reg >> 3) << 2 | operand_x(rm) << 1 | operand_b(rm);

        if (rm.gs)
                asm_u8(a, 0x65);
        if (rm.addr32)
                asm_u8(a, 0x67);
        if (prefix)
                asm_u8(a, prefix);
        if (rex || (flags & ASM_BYTE))
                asm_u8(a, 0x40 | rex);
        if (map)
                asm_u8(a, 0x0f);
        if (map == MAP_0F38)
                asm_u8(a, 0x38);
        if (map == MAP_0F3A)
                asm_u8(a, 0x3a);
        asm_u8(a, opcode);
        asm_modrm(a, reg, rm, trailing);
}

/* The same in the VEX encoding, 128 bits. @vvvv: the second source register, 0 when there is none
 * (the field is stored inverted, so none reads as 1111). */
static inline void asm_vex(struct assembler *a, unsigned prefix, unsigned map, unsigned opcode,
                           unsigned flags, unsigned reg, unsigned vvvv, struct operand rm,
                           unsigned trailing)
{
        unsigned pp = prefix == 0x66 ? 1 : prefix == 0xf3 ? 2 : prefix == 0xf2 ? 3 : 0;
        unsigned x = operand_x(rm), b = operand_b(rm), w = flags & ASM_W;

        if (rm.gs)
                asm_u8(a, 0x65);
        if (rm.addr32)
                asm_u8(a, 0x67);
        if (map == MAP_0F && !x && !b && !w) {
                asm_u8(a, 0xc5);
                asm_u8(a, (~reg >> 3 & 1) << 7 | (~vvvv & 15) << 3 | pp);
        } else {
                asm_u8(a, 0xc4);
                asm_u8(a, (~reg >> 3 & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | map);
                asm_u8(a, w << 7 | (~vvvv & 15) << 3 | pp);
        }
        asm_u8(a, opcode);
        asm_modrm(a, reg, rm, trailing);
}
