/* float.h - f32 and f64: SSE scalars, with exact WebAssembly semantics (core, section 4.3.3). */
#pragma once

#include "engine/compile/fast/x64/integer.h"

#define SIGN32 UINT64_C(0x80000000)
#define SIGN64 UINT64_C(0x8000000000000000)

static inline uint64_t sign_of(unsigned type)
{
        return type == T_F32 ? SIGN32 : SIGN64;
}

static inline unsigned packed_prefix(unsigned type)
{
        return type == T_F32 ? 0 : 0x66;
}

enum float_op { FLOAT_ADD = 0x58, FLOAT_MUL = 0x59, FLOAT_SUB = 0x5c, FLOAT_DIV = 0x5e };

static void float_binary(struct generator *g, enum float_op opcode, unsigned type)
{
        bool commutes = opcode == FLOAT_ADD || opcode == FLOAT_MUL;
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned dst, first;
        struct operand rm;

        /* NaN payloads may be any of the operands': swapping is allowed */
        if (commutes && b.kind == ENTRY_REG && a.kind != ENTRY_REG)
                swap_entries(&a, &b);
        if (has_avx(g)) {
                first = entry_reg(g, &a);
                rm = entry_operand(g, &b);
                dst = reg_result(g, VEC_MASK, 0, &a);
        } else {
                rm = entry_operand(g, &b);
                dst = reg_result(g, VEC_MASK, entry_reads(g, &b) & VEC_MASK, &a);
                entry_load(g, &a, dst);
                first = dst;
        }
        entry_operand_here(g, &b);
        op_sse(g, float_prefix(type), opcode, dst, first, rm);
        push_result(g, type, dst, &a, &b);
}

/* minss returns its second operand for NaN and for two zeros: those take the other way. */
static void float_min_max(struct generator *g, unsigned type, bool max)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned second = entry_reg(g, &b), dst;
        uint32_t differ, number, done, done2;

        dst = reg_result(g, VEC_MASK, BIT(second), &a);
        entry_load(g, &a, dst);
        op_sse2(g, packed_prefix(type), 0x2e, 0, dst, op_reg(second));
        differ = jump_short(g, CC_NE);
        number = jump_short(g, CC_NP);
        op_sse(g, float_prefix(type), 0x58, dst, dst, op_reg(second)); /* a quiet NaN */
        done = jump_short_always(g);
        jump_here(g, number);
        op_sse(g, packed_prefix(type), max ? 0x54 : 0x56, dst, dst, op_reg(second));
        done2 = jump_short_always(g);
        jump_here(g, differ);
        op_sse(g, float_prefix(type), max ? 0x5f : 0x5d, dst, dst, op_reg(second));
        jump_here(g, done);
        jump_here(g, done2);
        push_result(g, type, dst, &a, &b);
}

static void float_sqrt(struct generator *g, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, VEC_MASK, 0, &a);

        op_sse(g, float_prefix(type), 0x51, dst, has_avx(g) ? src : dst, op_reg(src));
        push_result(g, type, dst, &a, NULL);
}

/* roundss, roundsd. @mode: 0 to nearest, 1 down, 2 up, 3 to zero; 8 raises no exception */
static void float_round(struct generator *g, unsigned type, unsigned mode)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, VEC_MASK, 0, &a);
        unsigned opcode = type == T_F32 ? 0x0a : 0x0b;

        if (has_avx(g))
                asm_vex(&g->a, 0x66, MAP_0F3A, opcode, 0, dst & 15, src & 15, op_reg(src & 15), 1);
        else
                asm_legacy(&g->a, 0x66, MAP_0F3A, opcode, 0, dst & 15, op_reg(src & 15), 1);
        asm_u8(&g->a, 8 | mode);
        push_result(g, type, dst, &a, NULL);
}

/* abs and neg: and, xor with a mask over the vector */
static void float_sign(struct generator *g, unsigned type, bool neg)
{
        struct entry a = stack_pop(g);
        uint64_t mask = type == T_F32 ? SIGN32 << 32 | SIGN32 : SIGN64;
        unsigned src = entry_reg(g, &a), dst = reg_result(g, VEC_MASK, 0, &a);

        mask = neg ? mask : ~mask;
        op_sse(g, packed_prefix(type), neg ? 0x57 : 0x54, dst, src,
               constant_vector(g, mask, mask));
        push_result(g, type, dst, &a, NULL);
}

static void float_copysign(struct generator *g, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);
        uint64_t mask = type == T_F32 ? SIGN32 << 32 | SIGN32 : SIGN64;
        unsigned first = entry_reg(g, &a), second = entry_reg(g, &b);
        unsigned t = reg_alloc(g, VEC_MASK), dst;

        op_sse(g, packed_prefix(type), 0x54, t, second, constant_vector(g, mask, mask));
        dst = reg_result(g, VEC_MASK, 0, &a);
        op_sse(g, packed_prefix(type), 0x54, dst, first, constant_vector(g, ~mask, ~mask));
        op_sse(g, packed_prefix(type), 0x56, dst, dst, op_reg(t));
        reg_free(g, t);
        push_result(g, type, dst, &a, &b);
}

static void float_compare(struct generator *g, unsigned op, unsigned type)
{
        /* eq ne lt gt le ge: less is greater with the operands swapped, so that NaN fails */
        static const uint8_t conditions[] = { CC_FLOAT_EQ, CC_FLOAT_NE, CC_A, CC_A, CC_AE, CC_AE };
        struct entry b = stack_pop(g), a = stack_pop(g);
        unsigned first;
        struct operand rm;

        if (op == 2 || op == 4)
                swap_entries(&a, &b);
        first = entry_reg(g, &a);
        rm = entry_operand(g, &b);
        op_sse2(g, packed_prefix(type), 0x2e, 0, first, rm);
        entry_release(g, &a);
        entry_release(g, &b);
        push_condition(g, conditions[op]);
}

/* cvtsi2ss, cvtsi2sd of a signed integer of @w */
static void convert_signed(struct generator *g, unsigned type, unsigned w, unsigned dst,
                           struct operand rm)
{
        zero_vector(g, dst);
        if (has_avx(g))
                asm_vex(&g->a, float_prefix(type), MAP_0F, 0x2a, w, dst & 15, dst & 15, rm, 0);
        else
                asm_legacy(&g->a, float_prefix(type), MAP_0F, 0x2a, w, dst & 15, rm, 0);
}

static void float_convert(struct generator *g, unsigned type, unsigned from, bool is_signed)
{
        struct entry a = stack_pop(g);
        struct operand rm;
        unsigned dst;

        if (from == T_I64 && !is_signed) {
                /* Above 2^63: halve, keep the lowest bit so that rounding sees it, double. */
                unsigned src = entry_temp(g, &a), t = reg_alloc(g, GPR_MASK);
                uint32_t negative, done;

                dst = reg_result(g, VEC_MASK, 0, NULL);
                op_rr(g, 0x85, ASM_W, src, src);
                negative = jump_short(g, CC_S);
                convert_signed(g, type, ASM_W, dst, op_reg(src));
                done = jump_short_always(g);
                jump_here(g, negative);
                op_rr(g, 0x8b, ASM_W, t, src);
                shift_immediate(g, SHIFT_SHR, ASM_W, src, 1);
                alu_immediate(g, ALU_AND, 0, op_reg(t), 1);
                op_rr(g, 0x0b, ASM_W, src, t);
                convert_signed(g, type, ASM_W, dst, op_reg(src));
                op_sse(g, float_prefix(type), 0x58, dst, dst, op_reg(dst));
                jump_here(g, done);
                reg_free(g, t);
                entry_release(g, &a);
                push_reg(g, type, dst);
                return;
        }
        if (is_signed && (a.kind == ENTRY_SLOT || a.kind == ENTRY_LOCAL))
                rm = entry_operand(g, &a);
        else
                rm = op_reg(entry_reg(g, &a));
        dst = reg_result(g, VEC_MASK, 0, NULL);
        convert_signed(g, type, from == T_I64 || !is_signed ? ASM_W : 0, dst, rm);
        entry_release(g, &a);
        push_reg(g, type, dst);
}

static void float_resize(struct generator *g, unsigned type)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, VEC_MASK, 0, &a);

        op_sse(g, type == T_F64 ? 0xf3 : 0xf2, 0x5a, dst, has_avx(g) ? src : dst, op_reg(src));
        push_result(g, type, dst, &a, NULL);
}

/* movd, movq between the classes */
static void vector_from_general(struct generator *g, unsigned w, unsigned dst, unsigned src)
{
        op_sse2(g, 0x66, 0x6e, w, dst, op_reg(src));
}

static void general_from_vector(struct generator *g, unsigned w, unsigned dst, unsigned src)
{
        op_sse2(g, 0x66, 0x7e, w, src, op_reg(dst));
}

static void reinterpret(struct generator *g, unsigned type, unsigned from)
{
        struct entry *top = &g->stack[g->top - 1], a;
        unsigned src, dst;

        if (top->kind == ENTRY_SLOT || top->kind == ENTRY_CONST) {
                top->type = (uint8_t)type;
                return;
        }
        a = stack_pop(g);
        src = entry_reg(g, &a);
        dst = reg_result(g, type_regs(type), 0, NULL);
        if (type_is_vector(type))
                vector_from_general(g, type_w(from), dst, src);
        else
                general_from_vector(g, type_w(type), dst, src);
        entry_release(g, &a);
        push_reg(g, type, dst);
}
