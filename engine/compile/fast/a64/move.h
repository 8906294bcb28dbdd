/* move.h - values between registers, frame and constants. None of the moves here changes the flags.
 *
 * The frame is addressed from the stack pointer upwards: a place that the shared parts call -n lies
 * n bytes up, so that distances are known before the frame's size is. */
#pragma once

#include "engine/compile/fast/cold.h"

static inline unsigned vector_of(unsigned reg)
{
        return reg & 31;
}

static inline unsigned float_w(unsigned type)
{
        return type == T_F64;
}

/* Bits of the type in a scalar float instruction */
static inline uint32_t float_bits(unsigned type)
{
        return (uint32_t)float_w(type) << 22;
}

enum {
        A64_FMOV = 0x1e204000, A64_MOV_V = 0x4ea01c00,
        A64_FMOV_SW = 0x1e270000, A64_FMOV_WS = 0x1e260000, /* to and from general registers */
        A64_FMOV_I = 0x1e201000, A64_MOVI_0 = 0x2f00e400 | 1 << 30,
};

static inline void move(struct generator *g, unsigned type, unsigned dst, unsigned src)
{
        struct assembler *a = &g->a;

        if (dst == src)
                return;
        if (type == T_V128)
                asm_3(a, A64_MOV_V, vector_of(dst), vector_of(src), vector_of(src));
        else if (type_is_vector(type))
                asm_2(a, A64_FMOV | float_bits(type), vector_of(dst), vector_of(src));
        else
                asm_w3(a, A64_ORR, type_w(type), dst, XZR, src);
}

/* A value of @type from memory, as it is laid down in slots, globals and records. */
static void load_register(struct generator *g, unsigned type, unsigned reg, struct operand o)
{
        uint32_t op = type == T_I32    ? A64_LDR_W
                      : type == T_F32  ? A64_LDR_S
                      : type == T_F64  ? A64_LDR_D
                      : type == T_V128 ? A64_LDR_Q
                                       : A64_LDR_X;

        asm_memory(&g->a, op, reg & 31, o);
}

/* @width bytes of a register; floats go as floats. */
static void store_register(struct generator *g, unsigned type, unsigned width, unsigned reg,
                           struct operand o)
{
        uint32_t op = type == T_F32    ? A64_STR_S
                      : type == T_F64  ? A64_STR_D
                      : type == T_V128 ? A64_STR_Q
                      : width == 1     ? A64_STRB
                      : width == 2     ? A64_STRH
                      : width == 4     ? A64_STR_W
                                       : A64_STR_X;

        asm_memory(&g->a, op, reg & 31, o);
}

static inline struct operand frame_operand(unsigned type, int32_t at)
{
        return op_base(SP, -(int64_t)at - (type == T_V128 ? 16 : 8));
}

static inline void load_frame(struct generator *g, unsigned type, unsigned dst, int32_t at)
{
        load_register(g, type, dst, frame_operand(type, at));
}

static inline void store_frame(struct generator *g, unsigned type, unsigned src, int32_t at)
{
        store_register(g, type, type == T_I32 ? 4 : 8, src, frame_operand(type, at));
}

/* A constant to the frame without a register. False: there is no such instruction for it. */
static inline bool store_frame_constant(struct generator *g, unsigned type, uint64_t value, int32_t at)
{
        if (type_is_vector(type) || value)
                return false;
        store_frame(g, type, XZR, at);
        return true;
}

static inline void load_integer(struct generator *g, unsigned dst, uint64_t value)
{
        asm_move_constant(&g->a, dst, value);
}

/* The lower half alone */
static inline void extend_u32(struct generator *g, unsigned reg)
{
        asm_w3(&g->a, A64_ORR, 0, reg, XZR, reg);
}

/* Flags of a comparison with 0 */
static inline void test_register(struct generator *g, unsigned w, unsigned reg)
{
        asm_arithmetic(&g->a, A64_SUBS_I, w, XZR, reg, 0);
}

static inline void zero_vector(struct generator *g, unsigned reg)
{
        asm_u32(&g->a, A64_MOVI_0 | vector_of(reg));
}

/* A float of eight bits, as fmov takes it: sign, three bits of exponent, four of fraction. */
static bool float_immediate(unsigned type, uint64_t bits, uint32_t *ret)
{
        unsigned fraction = type == T_F32 ? 23 : 52, width = type == T_F32 ? 8 : 11;
        uint64_t exponent = bits >> fraction & ((1u << width) - 1);
        uint64_t high = exponent >> 2, middle = (1u << (width - 3)) - 1;

        if (bits & ((UINT64_C(1) << (fraction - 4)) - 1))
                return false;
        if (high != middle && high != middle + 1)
                return false;
        *ret = (uint32_t)(bits >> (fraction + width) << 7 | (high == middle) << 6 | (exponent & 3) << 4 |
                          (bits >> (fraction - 4) & 15));
        return true;
}

/* Two words into a vector register */
static void load_vector_words(struct generator *g, unsigned v, uint64_t low, uint64_t high)
{
        asm_move_constant(&g->a, SCRATCH_REG, low);
        asm_u32(&g->a, 0x9e670000 | SCRATCH_REG << 5 | v); /* fmov d, x */
        if (!high)
                return;
        if (high != low)
                asm_move_constant(&g->a, SCRATCH_REG, high);
        asm_u32(&g->a, 0x4e181c00 | SCRATCH_REG << 5 | v); /* ins v.d[1], x */
}

/* A constant of 16 bytes into vector register @v (0..31) */
static void load_vector(struct generator *g, unsigned v, const uint8_t bytes[16])
{
        struct assembler *a = &g->a;
        uint64_t word[2];

        memcpy(word, bytes, 16);
        if (!word[0] && !word[1]) {
                asm_u32(a, A64_MOVI_0 | v);
        } else if (word[0] == UINT64_MAX && word[1] == UINT64_MAX) {
                asm_u32(a, 0x6f07e7e0 | v); /* movi v.2d, #-1 */
        } else if (a->far) {
                load_vector_words(g, v, word[0], word[1]);
        } else {
                asm_fixup(a, asm_constant_number(a, bytes), 0);
                asm_u32(a, 0x9c000000 | v); /* ldr q, literal */
        }
}

static void load_constant(struct generator *g, unsigned dst, const struct entry *e)
{
        struct assembler *a = &g->a;
        unsigned v = vector_of(dst);
        uint32_t field;

        if (!type_is_vector(e->type)) {
                load_integer(g, dst, e->constant);
        } else if (e->type == T_V128) {
                load_vector(g, v, a->constants[e->constant]);
        } else if (e->constant == 0) {
                zero_vector(g, dst);
        } else if (float_immediate(e->type, e->constant, &field)) {
                asm_u32(a, A64_FMOV_I | float_bits(e->type) | field << 13 | v);
        } else {
                asm_move_constant(a, SCRATCH_REG, e->constant);
                asm_2(a, A64_FMOV_SW | float_w(e->type) << 31 | float_bits(e->type), v, SCRATCH_REG);
        }
}

/* base + (index << scale) + disp */
static void load_address(struct generator *g, unsigned dst, const struct entry *e)
{
        unsigned w = type_w(e->type), from = e->reg;
        uint64_t disp = (uint64_t)(int64_t)e->disp;

        if (e->index != REG_NONE) {
                asm_w3(&g->a, A64_ADD | (uint32_t)e->scale << 10, w, dst,
                       from == REG_NONE ? XZR : from, e->index);
                from = dst;
        }
        if (!disp) {
                move(g, e->type, dst, from);
        } else if (asm_arithmetic_fits(disp)) {
                asm_arithmetic(&g->a, A64_ADD_I, w, dst, from, disp);
        } else if (asm_arithmetic_fits(-disp)) {
                asm_arithmetic(&g->a, A64_SUB_I, w, dst, from, -disp);
        } else {
                asm_move_constant(&g->a, SCRATCH_REG, w ? disp : (uint32_t)disp);
                asm_w3(&g->a, A64_ADD, w, dst, from, SCRATCH_REG);
        }
}

static void jump_patch(struct generator *g, uint32_t at, uint32_t target)
{
        if (_likely_(!g->a.failed))
                asm_reach(&g->a, at, (int64_t)target - at);
}

/* A jump to a place that is not known yet; returns where the code names it. */
static uint32_t jump_ahead(struct generator *g, unsigned cc)
{
        if (cc == CC_ALWAYS) {
                asm_u32(&g->a, A64_B);
        } else if (g->a.far) {
                asm_u32(&g->a, A64_B_COND | 2 << 5 | (cc ^ 1)); /* over the next */
                asm_u32(&g->a, A64_B);
        } else {
                asm_u32(&g->a, A64_B_COND | cc);
        }
        return asm_pc(&g->a) - 4;
}

static void jump_back(struct generator *g, unsigned cc, uint32_t target)
{
        jump_patch(g, jump_ahead(g, cc), target);
}

/* Short forward jumps inside of one instruction. */
static inline uint32_t jump_short(struct generator *g, unsigned cc)
{
        asm_u32(&g->a, A64_B_COND | cc);
        return asm_pc(&g->a) - 4;
}

static inline void jump_here(struct generator *g, uint32_t from)
{
        jump_patch(g, from, asm_pc(&g->a));
}

static inline uint32_t trap_word(enum trap trap)
{
        return A64_BRK | (ABI_BRK_TRAP | (uint32_t)trap) << 5;
}

static void trap_here(struct generator *g, enum trap trap, uint32_t wasm)
{
        map_add(g, asm_pc(&g->a), wasm);
        asm_u32(&g->a, trap_word(trap));
}

/* Loops begin where the processor fetches from. */
static void align_loop(struct generator *g)
{
        while (asm_pc(&g->a) % 16)
                asm_u32(&g->a, WORD_NOP);
}

static void align_code(struct generator *g)
{
        while (asm_pc(&g->a) % 16)
                asm_u32(&g->a, trap_word(TRAP_UNREACHABLE));
}

static inline uint64_t machine_cpu_used(const struct generator *g)
{
        return g->a.cpu_used;
}

/* A function that short jumps do not reach across is made once more, with long ones. */
static bool machine_again(struct generator *g)
{
        g->a.far = g->a.out_of_reach && !g->a.far && !g->a.failed;
        return g->a.far;
}
