/* move.h - values between registers, frame and constants, and the encodings that most use. None of
 * the moves here changes the flags. */
#pragma once

#include "engine/compile/fast/cold.h"

#define FRAME RBP
#define LOOP_ALIGNMENT 16u

static inline unsigned xmm_of(unsigned reg)
{
        return reg & 15;
}

static inline bool has_avx(const struct generator *g)
{
        return g->a.cpu & CPU_X86_AVX;
}

/* reg <- opcode(reg, rm), one-byte opcodes. */
static inline void op_rr(struct generator *g, unsigned opcode, unsigned w, unsigned reg, unsigned rm)
{
        uint8_t *p = g->a.at;
        unsigned rex = w << 3 | reg >> 3 << 2 | rm >> 3;

        *p = (uint8_t)(0x40 | rex);
        p += rex != 0;
        p[0] = (uint8_t)opcode;
        p[1] = (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7));
        g->a.at = p + 2;
}

static void op_rm(struct generator *g, unsigned opcode, unsigned w, unsigned reg, struct operand rm,
                  unsigned trailing)
{
        asm_legacy(&g->a, 0, MAP_1BYTE, opcode, w, reg, rm, trailing);
}

static void op_rm_0f(struct generator *g, unsigned opcode, unsigned flags, unsigned reg,
                     struct operand rm)
{
        asm_legacy(&g->a, 0, MAP_0F, opcode, flags, reg, rm, 0);
}

/* reg, [rbp + disp]: what most frame accesses are. */
static inline void op_frame(struct generator *g, unsigned opcode, unsigned w, unsigned reg,
                            int32_t disp)
{
        uint8_t *p = g->a.at;
        unsigned rex = w << 3 | reg >> 3 << 2;

        *p = (uint8_t)(0x40 | rex);
        p += rex != 0;
        p[0] = (uint8_t)opcode;
        if (disp == (int8_t)disp) {
                p[1] = (uint8_t)(0x45 | (reg & 7) << 3);
                p[2] = (uint8_t)disp;
                g->a.at = p + 3;
        } else {
                p[1] = (uint8_t)(0x85 | (reg & 7) << 3);
                memcpy(p + 2, &disp, 4);
                g->a.at = p + 6;
        }
}

/* A scalar or vector instruction of SSE, with the AVX form where it may be used. Without AVX the
 * destination is copied from @first, so @rm must not be the destination unless it is @first. */
static void op_sse(struct generator *g, unsigned prefix, unsigned opcode, unsigned reg,
                   unsigned first, struct operand rm)
{
        reg = xmm_of(reg);
        first = xmm_of(first);
        if (rm.kind == OPERAND_REGISTER)
                rm.base &= 15;
        if (has_avx(g)) {
                asm_vex(&g->a, prefix, MAP_0F, opcode, 0, reg, first, rm, 0);
                return;
        }
        if (reg != first)
                asm_legacy(&g->a, 0, MAP_0F, 0x28, 0, reg, op_reg(first), 0);
        asm_legacy(&g->a, prefix, MAP_0F, opcode, 0, reg, rm, 0);
}

/* The same without a first source: moves, compares, roots with @w for general registers. */
static void op_sse2(struct generator *g, unsigned prefix, unsigned opcode, unsigned w, unsigned reg,
                    struct operand rm)
{
        reg &= 15;
        if (rm.kind == OPERAND_REGISTER)
                rm.base &= 15;
        if (has_avx(g))
                asm_vex(&g->a, prefix, MAP_0F, opcode, w, reg, 0, rm, 0);
        else
                asm_legacy(&g->a, prefix, MAP_0F, opcode, w, reg, rm, 0);
}

/* The lower half of an instruction whose destination keeps its upper part: breaks the dependency. */
static inline void zero_vector(struct generator *g, unsigned reg)
{
        op_sse(g, 0, 0x57, reg, reg, op_reg(xmm_of(reg)));
}

static inline unsigned float_prefix(unsigned type)
{
        return type == T_F32 ? 0xf3 : type == T_F64 ? 0xf2 : 0;
}

static inline void move(struct generator *g, unsigned type, unsigned dst, unsigned src)
{
        if (dst == src)
                return;
        if (type_is_vector(type))
                op_sse2(g, 0, 0x28, 0, dst, op_reg(src));
        else
                op_rr(g, 0x8b, type_w(type), dst, src);
}

static inline void load_frame(struct generator *g, unsigned type, unsigned dst, int32_t at)
{
        if (type_is_vector(type))
                op_sse2(g, float_prefix(type), 0x10, 0, dst, op_base(FRAME, at));
        else
                op_frame(g, 0x8b, type_w(type), dst, at);
}

static inline void store_frame(struct generator *g, unsigned type, unsigned src, int32_t at)
{
        if (type_is_vector(type))
                op_sse2(g, float_prefix(type), 0x11, 0, src, op_base(FRAME, at));
        else
                op_frame(g, 0x89, type_w(type), src, at);
}

/* A value of @type from memory, as it is laid down in slots, globals and records. */
static void load_register(struct generator *g, unsigned type, unsigned reg, struct operand o)
{
        if (type_is_vector(type))
                op_sse2(g, float_prefix(type), 0x10, 0, reg, o);
        else
                op_rm(g, 0x8b, type_w(type), reg, o, 0);
}

/* The lower half alone */
static inline void extend_u32(struct generator *g, unsigned reg)
{
        op_rr(g, 0x8b, 0, reg, reg);
}

/* Flags of a comparison with 0 */
static inline void test_register(struct generator *g, unsigned w, unsigned reg)
{
        op_rr(g, 0x85, w, reg, reg);
}

static void load_integer(struct generator *g, unsigned dst, uint64_t value)
{
        if (value <= UINT32_MAX) {
                if (dst >= 8)
                        asm_u8(&g->a, 0x41);
                asm_u8(&g->a, 0xb8 | (dst & 7));
                asm_u32(&g->a, (uint32_t)value);
        } else if ((uint64_t)(int32_t)value == value) {
                asm_u8(&g->a, 0x48 | dst >> 3);
                asm_u8(&g->a, 0xc7);
                asm_u8(&g->a, 0xc0 | (dst & 7));
                asm_u32(&g->a, (uint32_t)value);
        } else {
                asm_u8(&g->a, 0x48 | dst >> 3);
                asm_u8(&g->a, 0xb8 | (dst & 7));
                asm_u64(&g->a, value);
        }
}

/* A constant to the frame without a register. False: there is no such instruction for it. */
static bool store_frame_constant(struct generator *g, unsigned type, uint64_t value, int32_t at)
{
        if (type_is_vector(type) || (type != T_I32 && (uint64_t)(int32_t)value != value))
                return false;
        op_rm(g, 0xc7, type_w(type), 0, op_base(FRAME, at), 4);
        asm_u32(&g->a, (uint32_t)value);
        return true;
}

/* The constant of @e as an operand in the constants of the function: floats and vectors. */
static struct operand constant_operand(struct generator *g, const struct entry *e)
{
        uint8_t bytes[16] = { 0 };

        if (e->type == T_V128)
                return (struct operand) { .kind = OPERAND_CONSTANT, .base = GPR_NONE,
                                          .index = GPR_NONE, .disp = (int32_t)e->constant };
        memcpy(bytes, &e->constant, 8);
        return asm_constant(&g->a, bytes);
}

static struct operand constant_vector(struct generator *g, uint64_t low, uint64_t high)
{
        uint8_t bytes[16];

        memcpy(bytes, &low, 8);
        memcpy(bytes + 8, &high, 8);
        return asm_constant(&g->a, bytes);
}

static void load_constant(struct generator *g, unsigned dst, const struct entry *e)
{
        if (!type_is_vector(e->type))
                load_integer(g, dst, e->constant);
        else if (e->type == T_V128)
                op_sse2(g, 0, 0x28, 0, dst, constant_operand(g, e));
        else if (e->constant == 0)
                zero_vector(g, dst);
        else
                op_sse2(g, float_prefix(e->type), 0x10, 0, dst, constant_operand(g, e));
}

static struct operand address_operand(const struct entry *e)
{
        return (struct operand) {
                .kind = OPERAND_MEMORY, .base = e->reg, .index = e->index, .scale = e->scale,
                .disp = e->disp,
        };
}

static void load_address(struct generator *g, unsigned dst, const struct entry *e)
{
        struct operand o = address_operand(e);

        /* index * 2 alone would take four bytes of displacement, index + index takes none */
        if (o.base == GPR_NONE && o.scale == 1) {
                o.base = o.index;
                o.scale = 0;
        }
        if (o.index == GPR_NONE && o.disp == 0)
                move(g, e->type, dst, o.base);
        else
                op_rm(g, 0x8d, type_w(e->type), dst, o, 0);
}

static void jump_patch(struct generator *g, uint32_t at, uint32_t target)
{
        uint32_t rel = target - (at + 4);

        if (_likely_(!g->a.failed))
                memcpy(g->a.start + at, &rel, 4);
}

/* jmp or jcc to a place that is not known yet; returns where the code names it. */
static uint32_t jump_ahead(struct generator *g, unsigned cc)
{
        if (cc != CC_ALWAYS)
                asm_u8(&g->a, 0x0f);
        asm_u8(&g->a, cc == CC_ALWAYS ? 0xe9 : 0x80 | cc);
        asm_u32(&g->a, 0);
        return asm_pc(&g->a) - 4;
}

static void jump_back(struct generator *g, unsigned cc, uint32_t target)
{
        int64_t rel = (int64_t)target - (asm_pc(&g->a) + 2);

        if (rel < -128) {
                jump_patch(g, jump_ahead(g, cc), target);
                return;
        }
        asm_u8(&g->a, cc == CC_ALWAYS ? 0xeb : 0x70 | cc);
        asm_u8(&g->a, (uint8_t)rel);
}

/* Short forward jumps inside of one instruction. */
static inline uint32_t jump_short(struct generator *g, unsigned cc)
{
        asm_u8(&g->a, 0x70 | cc);
        asm_u8(&g->a, 0);
        return asm_pc(&g->a);
}

static inline uint32_t jump_short_always(struct generator *g)
{
        asm_u8(&g->a, 0xeb);
        asm_u8(&g->a, 0);
        return asm_pc(&g->a);
}

static inline void jump_here(struct generator *g, uint32_t from)
{
        if (_likely_(!g->a.failed))
                g->a.start[from - 1] = (uint8_t)(asm_pc(&g->a) - from);
}

static void trap_here(struct generator *g, enum trap trap, uint32_t wasm)
{
        map_add(g, asm_pc(&g->a), wasm);
        asm_u8(&g->a, 0x67);
        asm_u8(&g->a, 0x0f);
        asm_u8(&g->a, 0xb9);
        asm_u8(&g->a, 0x40);
        asm_u8(&g->a, trap);
}

/* Loops begin where the processor fetches from. */
static void align_loop(struct generator *g)
{
        static const uint8_t nops[][9] = {
                { 0x90 },
                { 0x66, 0x90 },
                { 0x0f, 0x1f, 0x00 },
                { 0x0f, 0x1f, 0x40, 0x00 },
                { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
                { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
                { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
                { 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
                { 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
        };
        unsigned n = -asm_pc(&g->a) % LOOP_ALIGNMENT;

        while (n) {
                unsigned k = n > 9 ? 9 : n;

                memcpy(g->a.at, nops[k - 1], 9);
                g->a.at += k;
                n -= k;
        }
}

static void align_code(struct generator *g)
{
        while (asm_pc(&g->a) % 16)
                asm_u8(&g->a, 0xcc);
}

static inline uint64_t machine_cpu_used(const struct generator *g)
{
        return g->a.cpu_used | (has_avx(g) ? CPU_X86_AVX : 0);
}

/* Jumps reach everywhere. */
static inline bool machine_again(const struct generator *g)
{
        return false;
}
