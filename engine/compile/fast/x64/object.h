/* object.h - the instructions for structures and arrays: fields, elements, new objects, casts. At most
 * four temporaries are in use at a time, since more are not always there. */
#pragma once

#include "engine/compile/fast/cast.h"

static void load_head(struct generator *g, unsigned reg, int32_t field)
{
        op_rm(g, 0x8b, ASM_W, reg, op_gs(GPR_NONE, field), 0);
}

/* @bytes of an object at @base + @ref + @disp */
static struct operand object_at(unsigned base, unsigned ref, int32_t disp)
{
        return (struct operand) { .kind = OPERAND_MEMORY, .base = (uint8_t)base,
                                  .index = (uint8_t)ref, .disp = disp };
}

/* A field or an element of @bytes into @reg; integers are extended to 32 bits. */
static void load_storage(struct generator *g, unsigned type, unsigned bytes, bool sign, unsigned reg,
                         struct operand o)
{
        if (type_is_vector(type))
                load_register(g, type, reg, o);
        else if (bytes < 4)
                op_rm_0f(g, (bytes == 1 ? 0xb6 : 0xb7) | (sign ? 8 : 0), 0, reg, o);
        else
                op_rm(g, 0x8b, bytes == 8 ? ASM_W : 0, reg, o, 0);
}

static void store_storage(struct generator *g, unsigned bytes, struct entry *value, struct operand o)
{
        if (is_const(value) && !type_is_vector(value->type) &&
            (bytes < 8 || fits_simm32(T_I64, value->constant)))
                store_immediate(g, bytes, value->constant, o);
        else
                store_register(g, value->type, bytes, entry_reg(g, value), o);
}

/* Element @index of the array @ref (both popped) as an operand: registers in @ret[2], to be freed. */
static struct operand element_operand(struct generator *g, struct entry *ref, struct entry *index,
                                      unsigned bytes, unsigned ret[2])
{
        unsigned array, at, zero, reg = entry_reg(g, ref);

        test_register(g, ASM_W, reg);
        trap_cold(g, CC_E, TRAP_NULL_ARRAY);
        array = reg_alloc(g, GPR_MASK);
        load_head(g, array, ABI_HEAD(heap));
        op_rr(g, 0x03, ASM_W, array, reg);
        entry_release(g, ref);
        at = entry_temp(g, index);
        zero = reg_alloc(g, GPR_MASK);
        load_integer(g, zero, 0);
        op_rm(g, 0x3b, 0, at, op_base(array, GC_LENGTH_AT), 0);
        trap_cold(g, CC_AE, TRAP_ARRAY_BOUNDS);
        conditional_move(g, CC_AE, 0, at, op_reg(zero));
        reg_free(g, zero);
        if (bytes == 16)
                shift_immediate(g, SHIFT_SHL, ASM_W, at, 4);
        ret[0] = array;
        ret[1] = at;
        return (struct operand) { .kind = OPERAND_MEMORY, .base = (uint8_t)array,
                                  .index = (uint8_t)at, .disp = GC_ARRAY_AT,
                                  .scale = (uint8_t)(bytes == 16 ? 0 : __builtin_ctz(bytes)) };
}

/* A structure of @bytes, all its fields zero: the reference in *@ref, the heap's base in *@heap, both
 * temporaries. Where the run at hand has no room for it, code behind the function calls the builtin,
 * with all that a call would destroy put on the stack. The first word is written before the run is
 * moved on: whoever ends the guest between the two finds a heap that can be walked. */
static void structure_new(struct generator *g, uint32_t type, uint32_t bytes, unsigned *ref,
                          unsigned *heap)
{
        unsigned r = reg_alloc(g, GPR_MASK), cursor = reg_alloc(g, GPR_MASK);
        unsigned t = reg_alloc(g, GPR_MASK), word = reg_alloc(g, GPR_MASK);
        struct cold *cold;
        uint32_t k;

        bytes = (bytes + GC_GRANULE - 1) & ~(GC_GRANULE - 1);
        load_head(g, cursor, ABI_HEAD(cursor));
        op_rm(g, 0x8b, 0, r, op_base(cursor, offsetof(struct gc_cursor, bump)), 0);
        op_rm(g, 0x8d, 0, word, op_base(r, (int32_t)bytes), 0);
        op_rm(g, 0x3b, 0, word, op_base(cursor, offsetof(struct gc_cursor, limit)), 0);
        reg_free(g, word);
        reg_free(g, cursor);
        cold = cold_jump(g, CC_A, COLD_STRUCT_NEW);
        cold->wanted = type;
        cold->reg = (uint8_t)r;
        cold->temp = (uint8_t)t;
        cold->held = (g->used & g->temps & ~BIT(r) & ~BIT(t)) | g->kept;
        k = g->cold.n - 1;
        op_rm(g, 0x8b, 0, word, type_word(g, type), 0);
        load_head(g, t, ABI_HEAD(heap));
        op_rm(g, 0x89, 0, word, object_at(t, r, 0), 0);
        alu_immediate(g, ALU_ADD, 0, op_base(cursor, offsetof(struct gc_cursor, bump)), (int32_t)bytes);
        if (!g->failed)
                ((struct cold *)g->cold.items)[k].resume = asm_pc(&g->a);
        *ref = r;
        *heap = t;
}

static void cold_struct_new(struct generator *g, const struct cold *c)
{
        int32_t bytes = 16 * (int32_t)((reg_number(c->held) + 1) & ~1u), at = 0;

        if (bytes)
                alu_immediate(g, ALU_SUB, ASM_W, op_reg(RSP), bytes);
        for (reg_set left = c->held; left; left &= left - 1, at += 16)
                store_register(g, reg_first(left) < REG_VECTOR ? T_I64 : T_V128, 8, reg_first(left),
                               op_base(RSP, at));
        load_integer(g, argument_gprs[0], c->wanted);
        call_builtin_code(g, BUILTIN_struct_new);
        map_add(g, asm_pc(&g->a), c->wasm);
        move(g, T_I64, c->reg, RAX);
        load_head(g, c->temp, ABI_HEAD(heap));
        at = 0;
        for (reg_set left = c->held; left; left &= left - 1, at += 16)
                load_register(g, reg_first(left) < REG_VECTOR ? T_I64 : T_V128, reg_first(left),
                              op_base(RSP, at));
        if (bytes)
                alu_immediate(g, ALU_ADD, ASM_W, op_reg(RSP), bytes);
        jump_back(g, CC_ALWAYS, c->resume);
}

/* ---- casts ---------------------------------------------------------------------------------- */

/* Flags: NE for an i31 */
static void test_i31(struct generator *g, unsigned ref)
{
        asm_legacy(&g->a, 0, MAP_1BYTE, 0xf6, ASM_BYTE, 0, op_reg(ref), 1);
        asm_u8(&g->a, 1);
}

static void compare_kind(struct generator *g, unsigned ref, unsigned t, enum gc_kind kind)
{
        load_head(g, t, ABI_HEAD(heap));
        asm_legacy(&g->a, 0, MAP_1BYTE, 0x80, 0, 7, object_at(t, ref, GC_KIND_SHIFT / 8), 1);
        asm_u8(&g->a, kind);
}

/* The first word of what @t points to, or a function's type, is in @t: fails unless @type or below. */
static void cast_defined(struct generator *g, unsigned t, uint32_t type, const struct cast *c)
{
        const struct deftype *d = &g->m->defs[type];

        if (d->is_final) {
                op_rm(g, 0x3b, 0, t, type_word(g, type), 0);
                cast_fails(g, c, CC_NE);
                return;
        }
        /* the id without the kind above it, times the size of a display */
        shift_immediate(g, SHIFT_SHL, 0, t, 32 - GC_KIND_SHIFT);
        shift_immediate(g, SHIFT_SHR, 0, t, 32 - GC_KIND_SHIFT - ABI_DISPLAY_SHIFT);
        op_rm(g, 0x03, ASM_W, t,
              op_gs(GPR_NONE, ABI_HEAD(displays) + 8 * (int32_t)(d->depth / ABI_DISPLAY)), 0);
        op_rm(g, 0x8b, 0, t, op_base(t, 4 * (int32_t)(d->depth % ABI_DISPLAY)), 0);
        op_rm(g, 0x33, 0, t, type_word(g, type), 0);
        shift_immediate(g, SHIFT_SHL, 0, t, 32 - GC_KIND_SHIFT);
        cast_fails(g, c, CC_NE);
}

static void cast_function(struct generator *g, unsigned ref, unsigned t, uint32_t type,
                          const struct cast *c)
{
        op_rm(g, 0x8b, 0, t, op_base(ref, offsetof(struct table_entry, type)), 0);
        cast_defined(g, t, type, c);
}

static void i31_make(struct generator *g, unsigned dst, unsigned reg)
{
        op_rm(g, 0x8d, 0, dst, (struct operand) { .kind = OPERAND_MEMORY, .base = (uint8_t)reg,
                                                  .index = (uint8_t)reg, .disp = 1 }, 0);
}

static void i31_value(struct generator *g, unsigned reg, bool sign)
{
        shift_immediate(g, sign ? SHIFT_SAR : SHIFT_SHR, 0, reg, 1);
}
