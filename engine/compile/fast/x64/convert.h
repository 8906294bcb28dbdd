/* convert.h - floats to integers. The straight code is the machine's conversion and a test whether
 * it failed (the result is then the least number); what that means is found out of line. */
#pragma once

#include "engine/compile/fast/x64/float.h"

/* cvttss2si, cvttsd2si */
static void convert_truncating(struct generator *g, unsigned type, unsigned w, unsigned dst, unsigned src)
{
        if (has_avx(g))
                asm_vex(&g->a, float_prefix(type), MAP_0F, 0x2c, w, dst, 0, op_reg(src & 15), 0);
        else
                asm_legacy(&g->a, float_prefix(type), MAP_0F, 0x2c, w, dst, op_reg(src & 15), 0);
}

static void float_truncate(struct generator *g, unsigned type, unsigned from, bool is_signed,
                           bool saturates)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst = reg_result(g, GPR_MASK, 0, NULL);
        unsigned t = reg_alloc(g, VEC_MASK), wide;
        struct cold *cold;

        if (is_signed) {
                convert_truncating(g, from, type_w(type), dst, src);
                alu_immediate(g, ALU_CMP, type_w(type), op_reg(dst), 1);
                cold = cold_jump(g, CC_O, COLD_TRUNC_SIGNED);
        } else if (type == T_I32) {
                wide = reg_alloc(g, GPR_MASK);
                convert_truncating(g, from, ASM_W, wide, src);
                op_rr(g, 0x8b, 0, dst, wide);
                op_rr(g, 0x3b, ASM_W, dst, wide);
                reg_free(g, wide);
                cold = cold_jump(g, CC_NE, COLD_TRUNC_U32);
        } else {
                convert_truncating(g, from, ASM_W, dst, src);
                op_rr(g, 0x85, ASM_W, dst, dst);
                cold = cold_jump(g, CC_S, COLD_TRUNC_U64);
        }
        cold->reg = (uint8_t)dst;
        cold->source = (uint8_t)src;
        cold->temp = (uint8_t)t;
        cold->type = (uint8_t)from;
        cold->w = (uint8_t)type_w(type);
        cold->saturates = saturates;
        reg_free(g, t);
        entry_release(g, &a);
        push_reg(g, type, dst);
}

static void cold_resume(struct generator *g, const struct cold *c)
{
        asm_u8(&g->a, 0xe9);
        asm_u32(&g->a, c->resume - (asm_pc(&g->a) + 4));
}

static void cold_compare(struct generator *g, const struct cold *c, struct operand rm)
{
        op_sse2(g, packed_prefix(c->type), 0x2e, 0, c->source, rm);
}

/* NaN or too large: the trap that says so. */
static void truncate_trap(struct generator *g, const struct cold *c)
{
        uint32_t number;

        cold_compare(g, c, op_reg(c->source));
        number = jump_short(g, CC_NP);
        trap_here(g, TRAP_INVALID_CONVERSION, c->wasm);
        jump_here(g, number);
        trap_here(g, TRAP_INTEGER_OVERFLOW, c->wasm);
}

/* NaN and what is not positive give 0, the rest all ones. */
static void truncate_saturate_unsigned(struct generator *g, const struct cold *c)
{
        uint32_t low;

        load_integer(g, c->reg, 0);
        zero_vector(g, c->temp);
        cold_compare(g, c, op_reg(c->temp));
        low = jump_short(g, CC_BE);
        load_integer(g, c->reg, c->w ? UINT64_MAX : UINT32_MAX);
        jump_here(g, low);
        cold_resume(g, c);
}

/* The result is the least number: right for what rounds to it from below zero. */
static void cold_truncate_signed(struct generator *g, const struct cold *c)
{
        uint32_t number, low, high;
        bool exclusive = c->type == T_F64 && !c->w; /* fractions between -2^31 - 1 and -2^31 */
        uint64_t limit = c->type == T_F32 ? (c->w ? 0xdf000000u : 0xcf000000u)
                         : c->w           ? UINT64_C(0xc3e0000000000000)
                                          : UINT64_C(0xc1e0000000200000);

        zero_vector(g, c->temp);
        cold_compare(g, c, op_reg(c->temp));
        if (c->saturates) {
                number = jump_short(g, CC_NP);
                load_integer(g, c->reg, 0);
                cold_resume(g, c);
                jump_here(g, number);
                low = jump_short(g, CC_B);
                load_integer(g, c->reg, c->w ? INT64_MAX : INT32_MAX);
                jump_here(g, low);
                cold_resume(g, c);
                return;
        }
        high = jump_short(g, CC_AE); /* not below zero */
        cold_compare(g, c, constant_vector(g, limit, 0));
        low = jump_short(g, exclusive ? CC_BE : CC_B);
        cold_resume(g, c);
        jump_here(g, high);
        jump_here(g, low);
        truncate_trap(g, c);
}

static void cold_truncate_u64(struct generator *g, const struct cold *c)
{
        struct operand limit = constant_vector(g, c->type == T_F32 ? 0x5f000000u
                                                  : UINT64_C(0x43e0000000000000), 0);
        uint32_t failed;

        op_sse(g, float_prefix(c->type), 0x5c, c->temp, c->source, limit);
        convert_truncating(g, c->type, ASM_W, c->reg, c->temp);
        op_rr(g, 0x85, ASM_W, c->reg, c->reg);
        failed = jump_short(g, CC_S);
        asm_legacy(&g->a, 0, MAP_0F, 0xba, ASM_W, 7, op_reg(c->reg), 1); /* btc: add 2^63 */
        asm_u8(&g->a, 63);
        cold_resume(g, c);
        jump_here(g, failed);
        if (c->saturates)
                truncate_saturate_unsigned(g, c);
        else
                truncate_trap(g, c);
}

/* The function's type is another one, which may be below the one that is called. */
static void cold_call_type(struct generator *g, const struct cold *c)
{
        const struct deftype *wanted = &g->m->defs[c->wanted];
        uint32_t empty;

        if (!wanted->is_final) {
                int32_t displays = ABI_HEAD(displays) + 8 * (wanted->depth / ABI_DISPLAY);
                uint32_t other;

                op_rm(g, 0x8b, 0, c->temp, op_base(c->reg, offsetof(struct table_entry, type)), 0);
                shift_immediate(g, SHIFT_SHL, ASM_W, c->temp, ABI_DISPLAY_SHIFT);
                op_rm(g, 0x03, ASM_W, c->temp, op_gs(GPR_NONE, displays), 0);
                op_rm(g, 0x8b, 0, c->temp, op_base(c->temp, 4 * (wanted->depth % ABI_DISPLAY)), 0);
                op_rm(g, 0x3b, 0, c->temp,
                      op_gs(GPR_NONE, g->layout->types + 4 * (int32_t)c->wanted), 0);
                other = jump_short(g, CC_NE);
                cold_resume(g, c);
                jump_here(g, other);
        }
        alu_immediate(g, ALU_CMP, ASM_W, op_base(c->reg, offsetof(struct table_entry, code)), 0);
        empty = jump_short(g, CC_E);
        trap_here(g, TRAP_CALL_TYPE_MISMATCH, c->wasm);
        jump_here(g, empty);
        trap_here(g, TRAP_UNINITIALIZED, c->wasm);
}

static void cold_struct_new(struct generator *g, const struct cold *c); /* object.h */

static void cold_emit(struct generator *g, const struct cold *c)
{
        asm_room(&g->a);
        jump_patch(g, c->at, asm_pc(&g->a));
        switch ((enum cold_kind)c->kind) {
        case COLD_TRAP:
                trap_here(g, c->trap, c->wasm);
                break;
        case COLD_TRUNC_SIGNED:
                cold_truncate_signed(g, c);
                break;
        case COLD_TRUNC_U32:
                if (c->saturates)
                        truncate_saturate_unsigned(g, c);
                else
                        truncate_trap(g, c);
                break;
        case COLD_TRUNC_U64:
                cold_truncate_u64(g, c);
                break;
        case COLD_CALL_TYPE:
                cold_call_type(g, c);
                break;
        case COLD_STRUCT_NEW:
                cold_struct_new(g, c);
                break;
        }
}
