/* object.h - the instructions for structures and arrays: fields, elements, new objects, casts. */
#pragma once

#include "engine/compile/fast/cast.h"

static void load_head(struct generator *g, unsigned reg, int32_t field)
{
        load_register(g, T_I64, reg, op_gs(GPR_NONE, field));
}

/* An object at @base + @ref + @disp */
static struct operand object_at(unsigned base, unsigned ref, int32_t disp)
{
        return (struct operand) { (uint8_t)base, (uint8_t)ref, disp };
}

/* A field or an element of @bytes into @reg; integers are extended to 32 bits. */
static void load_storage(struct generator *g, unsigned type, unsigned bytes, bool sign, unsigned reg,
                         struct operand o)
{
        static const uint32_t ops[2][2] = { { A64_LDRB, A64_LDRSB_W }, { A64_LDRH, A64_LDRSH_W } };

        if (type_is_vector(type))
                load_register(g, type, reg, o);
        else if (bytes < 4)
                asm_memory(&g->a, ops[bytes / 2][sign], reg, o);
        else
                load_register(g, bytes == 8 ? T_I64 : T_I32, reg, o);
}

static void store_storage(struct generator *g, unsigned bytes, struct entry *value, struct operand o)
{
        if (is_const(value) && value->type != T_V128 && value->constant == 0)
                store_register(g, T_I64, bytes, XZR, o);
        else
                store_register(g, value->type, bytes, entry_reg(g, value), o);
}

/* Element @index of the array @ref (both popped) as an operand: registers in @ret[2], to be freed. */
static struct operand element_operand(struct generator *g, struct entry *ref, struct entry *index,
                                      unsigned bytes, unsigned ret[2])
{
        unsigned array, at, reg = entry_reg(g, ref);

        test_register(g, ASM_W, reg);
        trap_cold(g, CC_E, TRAP_NULL_ARRAY);
        array = reg_alloc(g, GPR_MASK);
        load_head(g, array, ABI_HEAD(heap));
        asm_w3(&g->a, A64_ADD, ASM_W, array, array, reg);
        entry_release(g, ref);
        at = entry_temp(g, index);
        load_register(g, T_I32, ADDRESS_REG, op_base(array, GC_LENGTH_AT));
        asm_w3(&g->a, A64_SUBS, 0, XZR, at, ADDRESS_REG);
        trap_cold(g, CC_AE, TRAP_ARRAY_BOUNDS);
        asm_w3(&g->a, A64_CSEL | CC_B << 12, 0, at, at, XZR);
        asm_w3(&g->a, A64_ADD | (uint32_t)__builtin_ctz(bytes) << 10, ASM_W, array, array, at);
        ret[0] = array;
        ret[1] = at;
        return op_base(array, GC_ARRAY_AT);
}

/* A structure of @bytes, all its fields zero: the reference in *@ref, the heap's base in *@heap, both
 * temporaries. Where the run at hand has no room for it, code behind the function calls the builtin,
 * with all that a call would destroy put on the stack. The first word is written before the run is
 * moved on: whoever ends the guest between the two finds a heap that can be walked. */
static void structure_new(struct generator *g, uint32_t type, uint32_t bytes, unsigned *ref,
                          unsigned *heap)
{
        unsigned r = reg_alloc(g, GPR_MASK), t = reg_alloc(g, GPR_MASK);
        unsigned bump = reg_alloc(g, GPR_MASK), word = reg_alloc(g, GPR_MASK);
        struct cold *cold;
        uint32_t k;

        bytes = (bytes + GC_GRANULE - 1) & ~(GC_GRANULE - 1);
        load_head(g, ADDRESS_REG, ABI_HEAD(cursor));
        load_register(g, T_I32, r, op_base(ADDRESS_REG, offsetof(struct gc_cursor, bump)));
        load_register(g, T_I32, word, op_base(ADDRESS_REG, offsetof(struct gc_cursor, limit)));
        asm_arithmetic(&g->a, A64_ADD_I, 0, bump, r, bytes);
        asm_w3(&g->a, A64_SUBS, 0, XZR, bump, word);
        reg_free(g, word);
        reg_free(g, bump);
        cold = cold_jump(g, CC_A, COLD_STRUCT_NEW);
        cold->wanted = type;
        cold->reg = (uint8_t)r;
        cold->temp = (uint8_t)t;
        cold->held = (g->used & g->temps & ~BIT(r) & ~BIT(t)) | g->kept;
        k = g->cold.n - 1;
        load_register(g, T_I32, word, type_word(g, type));
        load_head(g, t, ABI_HEAD(heap));
        store_register(g, T_I32, 4, word, object_at(t, r, 0));
        store_register(g, T_I32, 4, bump, op_base(ADDRESS_REG, offsetof(struct gc_cursor, bump)));
        if (!g->failed)
                ((struct cold *)g->cold.items)[k].resume = asm_pc(&g->a);
        *ref = r;
        *heap = t;
}

static void cold_struct_new(struct generator *g, const struct cold *c)
{
        uint32_t bytes = 16 * reg_number(c->held), at = 0;

        if (bytes)
                asm_arithmetic(&g->a, A64_SUB_I, ASM_W, SP, SP, bytes);
        for (reg_set left = c->held; left; left &= left - 1, at += 16)
                store_register(g, reg_first(left) < REG_VECTOR ? T_I64 : T_V128, 8, reg_first(left),
                               op_base(SP, at));
        load_integer(g, argument_gprs[0], c->wanted);
        call_builtin_code(g, BUILTIN_struct_new);
        map_add(g, asm_pc(&g->a), c->wasm);
        move(g, T_I64, c->reg, RESULT_GPR);
        load_head(g, c->temp, ABI_HEAD(heap));
        at = 0;
        for (reg_set left = c->held; left; left &= left - 1, at += 16)
                load_register(g, reg_first(left) < REG_VECTOR ? T_I64 : T_V128, reg_first(left),
                              op_base(SP, at));
        if (bytes)
                asm_arithmetic(&g->a, A64_ADD_I, ASM_W, SP, SP, bytes);
        jump_back(g, CC_ALWAYS, c->resume);
}

/* ---- casts ---------------------------------------------------------------------------------- */

/* Flags of @reg and the lowest @n bits */
static void test_low_bits(struct generator *g, unsigned reg, unsigned n)
{
        uint32_t fields;

        (void)asm_logical_fields((UINT64_C(1) << n) - 1, 0, &fields);
        asm_u32(&g->a, A64_ANDS_I | fields | reg << 5 | XZR);
}

/* Flags: NE for an i31 */
static void test_i31(struct generator *g, unsigned ref)
{
        test_low_bits(g, ref, 1);
}

static void compare_kind(struct generator *g, unsigned ref, unsigned t, enum gc_kind kind)
{
        load_head(g, t, ABI_HEAD(heap));
        asm_memory(&g->a, A64_LDRB, t, object_at(t, ref, GC_KIND_SHIFT / 8));
        compare_constant(g, 0, t, kind);
}

/* The first word of what @t points to, or a function's type, is in @t: fails unless @type or below. */
static void cast_defined(struct generator *g, unsigned t, uint32_t type, const struct cast *c)
{
        const struct deftype *d = &g->m->defs[type];

        if (d->is_final) {
                load_register(g, T_I32, ADDRESS_REG, type_word(g, type));
                asm_w3(&g->a, A64_SUBS, 0, XZR, t, ADDRESS_REG);
                cast_fails(g, c, CC_NE);
                return;
        }
        load_head(g, ADDRESS_REG, ABI_HEAD(displays) + 8 * (int32_t)(d->depth / ABI_DISPLAY));
        /* ubfiz: the id without the kind above it, times the size of a display */
        asm_u32(&g->a, A64_UBFM | 1u << 31 | 1u << 22 | (64 - ABI_DISPLAY_SHIFT) << 16 |
                               (GC_KIND_SHIFT - 1) << 10 | t << 5 | t);
        asm_w3(&g->a, A64_ADD, ASM_W, t, ADDRESS_REG, t);
        load_register(g, T_I32, t, op_base(t, 4 * (int32_t)(d->depth % ABI_DISPLAY)));
        load_register(g, T_I32, ADDRESS_REG, type_word(g, type));
        asm_w3(&g->a, A64_EOR, 0, t, t, ADDRESS_REG);
        test_low_bits(g, t, GC_KIND_SHIFT);
        cast_fails(g, c, CC_NE);
}

static void cast_function(struct generator *g, unsigned ref, unsigned t, uint32_t type,
                          const struct cast *c)
{
        load_register(g, T_I32, t, op_base(ref, offsetof(struct table_entry, type)));
        cast_defined(g, t, type, c);
}

/* reg * 2 + 1, in 32 bits */
static void i31_make(struct generator *g, unsigned dst, unsigned reg)
{
        shift_immediate(g, SHIFT_SHL, 0, dst, reg, 1);
        (void)alu_immediate(g, ALU_OR, 0, dst, dst, 1);
}

static void i31_value(struct generator *g, unsigned reg, bool sign)
{
        shift_immediate(g, sign ? SHIFT_SAR : SHIFT_SHR, 0, reg, reg, 1);
}
