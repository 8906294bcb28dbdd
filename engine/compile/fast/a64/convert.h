/* convert.h - floats to integers. The machine's conversion saturates and gives 0 for what is no
 * number, which is what the saturating instructions want. The others look first whether the number,
 * cut off, lies between the limits; why it does not is found out of line. */
#pragma once

#include "engine/compile/fast/a64/float.h"

static void compare_bits(struct generator *g, unsigned type, unsigned reg, uint64_t limit)
{
        struct entry e = { .kind = ENTRY_CONST, .type = (uint8_t)type, .constant = limit };

        load_constant(g, REG_VECTOR + SCRATCH_VECTOR, &e);
        asm_u32(&g->a, 0x1e202000 | float_bits(type) | SCRATCH_VECTOR << 16 | vector_of(reg) << 5);
}

/* The bits of 2 to the power of @n */
static uint64_t power_bits(unsigned type, unsigned n)
{
        return type == T_F32 ? (uint64_t)(127 + n) << 23 : (uint64_t)(1023 + n) << 52;
}

static void truncate_check(struct generator *g, unsigned type, unsigned from, bool is_signed,
                           unsigned src)
{
        unsigned bits = type == T_I32 ? 32 : 64;
        uint64_t sign = from == T_F32 ? UINT64_C(1) << 31 : UINT64_C(1) << 63, low;
        unsigned low_cc;

        compare_bits(g, from, src, power_bits(from, is_signed ? bits - 1 : bits));
        (void)cold_jump(g, CC_PL, COLD_TRUNC); /* not less: too large, or no number */
        if (!is_signed) {
                low = sign | power_bits(from, 0); /* -1 */
                low_cc = CC_BE;
        } else if (from == T_F64 && bits == 32) {
                low = UINT64_C(0xc1e0000000200000); /* -2^31 - 1 */
                low_cc = CC_BE;
        } else {
                low = sign | power_bits(from, bits - 1);
                low_cc = CC_MI;
        }
        compare_bits(g, from, src, low);
        trap_cold(g, low_cc, TRAP_INTEGER_OVERFLOW);
}

static void float_truncate(struct generator *g, unsigned type, unsigned from, bool is_signed,
                           bool saturates)
{
        struct entry a = stack_pop(g);
        unsigned src = entry_reg(g, &a), dst;

        if (!saturates)
                truncate_check(g, type, from, is_signed, src);
        dst = reg_result(g, GPR_MASK, 0, NULL);
        asm_w2(&g->a, (is_signed ? 0x1e380000 : 0x1e390000) | float_bits(from), type_w(type), dst,
               vector_of(src));
        entry_release(g, &a);
        push_reg(g, type, dst);
}

/* The function's type is another one, which may be below the one that is called. */
static void cold_call_type(struct generator *g, const struct cold *c)
{
        const struct deftype *wanted = &g->m->defs[c->wanted];
        uint32_t other, empty;

        if (!wanted->is_final) {
                load_register(g, T_I64, ADDRESS_REG,
                              op_gs(GPR_NONE, ABI_HEAD(displays) + 8 * (wanted->depth / ABI_DISPLAY)));
                load_register(g, T_I32, SCRATCH_REG, op_base(c->reg, offsetof(struct table_entry, type)));
                asm_w3(&g->a, A64_ADD | ABI_DISPLAY_SHIFT << 10, ASM_W, ADDRESS_REG, ADDRESS_REG, SCRATCH_REG);
                load_register(g, T_I32, ADDRESS_REG, op_base(ADDRESS_REG, 4 * (wanted->depth % ABI_DISPLAY)));
                load_register(g, T_I32, SCRATCH_REG,
                              op_gs(GPR_NONE, g->layout->types + 4 * (int32_t)c->wanted));
                asm_w3(&g->a, A64_SUBS, 0, XZR, ADDRESS_REG, SCRATCH_REG);
                other = jump_short(g, CC_NE);
                jump_back(g, CC_ALWAYS, c->resume);
                jump_here(g, other);
        }
        load_register(g, T_I64, SCRATCH_REG, op_base(c->reg, offsetof(struct table_entry, code)));
        test_register(g, ASM_W, SCRATCH_REG);
        empty = jump_short(g, CC_E);
        trap_here(g, TRAP_CALL_TYPE_MISMATCH, c->wasm);
        jump_here(g, empty);
        trap_here(g, TRAP_UNINITIALIZED, c->wasm);
}

static void cold_struct_new(struct generator *g, const struct cold *c); /* object.h */

static void cold_emit(struct generator *g, const struct cold *c)
{
        uint32_t over;

        asm_room(&g->a);
        jump_patch(g, c->at, asm_pc(&g->a));
        switch ((enum cold_kind)c->kind) {
        case COLD_TRAP:
                trap_here(g, c->trap, c->wasm);
                break;
        case COLD_TRUNC: /* the flags are those of the comparison: V when it is no number */
                over = jump_short(g, CC_VC);
                trap_here(g, TRAP_INVALID_CONVERSION, c->wasm);
                jump_here(g, over);
                trap_here(g, TRAP_INTEGER_OVERFLOW, c->wasm);
                break;
        case COLD_CALL_TYPE:
                cold_call_type(g, c);
                break;
        case COLD_STRUCT_NEW:
                cold_struct_new(g, c);
                break;
        }
}
