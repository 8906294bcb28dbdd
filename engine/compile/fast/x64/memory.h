/* memory.h - addresses in linear memory, loads and stores.
 *
 * Memory 0 of the instance is %gs:offset(index). What keeps an access inside is in abi.h: the guard
 * behind the slot, or a comparison. */
#pragma once

#include "engine/compile/fast/x64/integer.h"

struct access { /* of an instruction */
        struct operand operand;
        struct entry address; /* what it holds is to be released */
        unsigned base;        /* temporary with the base of another memory, or REG_NONE */
};

static struct operand memory_bytes(const struct generator *g, uint32_t memory)
{
        return op_gs(GPR_NONE, memory_desc_at(g, memory) + (int32_t)offsetof(struct memory_desc, bytes));
}

static void access_moves(struct generator *g, struct access *x, unsigned reg)
{
        entry_release(g, &x->address);
        x->address = (struct entry) { .kind = ENTRY_REG, .type = T_I64, .reg = (uint8_t)reg };
}

/* MEMORY_CHECK_INDEX. The index, or where the guard begins when that is less, in a temporary. */
static void access_check_index(struct generator *g, struct access *x, uint32_t memory)
{
        unsigned index = entry_reg(g, &x->address), safe = reg_alloc(g, GPR_MASK);

        op_rm(g, 0x8b, ASM_W, safe,
              op_gs(GPR_NONE, memory_desc_at(g, memory) + (int32_t)offsetof(struct memory_desc, room)), 0);
        op_rr(g, 0x3b, ASM_W, index, safe);
        asm_legacy(&g->a, 0, MAP_0F, 0x40 | CC_B, ASM_W, safe, op_reg(index), 0);
        access_moves(g, x, safe);
}

/* MEMORY_CHECK_END. The end of the access, or 0, in a temporary. */
static void access_check_end(struct generator *g, struct access *x, uint64_t offset, unsigned width,
                             uint32_t memory)
{
        unsigned index = entry_reg(g, &x->address), end = reg_alloc(g, GPR_MASK);
        unsigned zero = reg_alloc(g, GPR_MASK);

        load_integer(g, end, abi_access_end(offset, width));
        op_rr(g, 0x03, ASM_W, end, index);
        if (g->m->memories[memory].type.size.is_64)
                trap_cold(g, CC_B, TRAP_MEMORY_BOUNDS);
        load_integer(g, zero, 0);
        op_rm(g, 0x3b, ASM_W, end, memory_bytes(g, memory), 0);
        trap_cold(g, CC_A, TRAP_MEMORY_BOUNDS);
        asm_legacy(&g->a, 0, MAP_0F, 0x40 | CC_A, ASM_W, end, op_reg(zero), 0);
        reg_free(g, zero);
        access_moves(g, x, end);
}

static bool access_is_own(const struct generator *g, uint32_t memory)
{
        return memory == 0 && g->shared->owns_memory;
}

/* Operand for @width bytes at popped @address + @offset. Release with access_done(). */
static void access_begin(struct generator *g, struct access *x, const struct entry *address,
                         uint64_t offset, unsigned width, uint32_t memory)
{
        enum memory_check check = abi_memory_check(&g->m->memories[memory].type, g->shared->dense,
                                                   offset, width);
        bool own = access_is_own(g, memory);
        struct operand *o = &x->operand;

        x->address = *address;
        x->base = REG_NONE;
        *o = op_gs(GPR_NONE, check == MEMORY_CHECK_END ? -(int32_t)width : (int32_t)offset);
        o->gs = own;
        if (is_const(address) && own && check != MEMORY_CHECK_END &&
            address->constant <= ABI_GUARD_BYTES - offset - width) {
                /* below the guard's size: the slot begins with the memory, then comes guard */
                o->disp = (int32_t)(address->constant + offset);
                if (g->base != REG_NONE) {
                        o->gs = false;
                        o->base = (uint8_t)g->base;
                }
                return;
        }
        if (address->kind == ENTRY_ADDRESS && own && check == MEMORY_CHECK_GUARD && offset == 0) {
                *o = address_operand(address);
                o->gs = o->addr32 = true;
                return;
        }
        if (check == MEMORY_CHECK_INDEX)
                access_check_index(g, x, memory);
        else if (check == MEMORY_CHECK_END)
                access_check_end(g, x, offset, width, memory);
        o->base = (uint8_t)entry_reg(g, &x->address);
        if (own && g->base == REG_NONE)
                return;
        o->index = o->base;
        o->gs = false;
        if (memory == 0) {
                o->base = (uint8_t)g->base;
        } else {
                x->base = reg_alloc(g, GPR_MASK);
                op_rm(g, 0x8b, ASM_W, x->base,
                      op_gs(GPR_NONE, memory_desc_at(g, memory)), 0);
                o->base = (uint8_t)x->base;
        }
}

static void access_done(struct generator *g, const struct access *x, reg_set but)
{
        entry_release_but(g, &x->address, but);
        if (x->base != REG_NONE && !(BIT(x->base) & but))
                reg_free(g, x->base);
}

/* Can the next instruction take a @type in memory as its second operand? */
static bool next_takes_memory(const struct generator *g, unsigned type)
{
        unsigned next = *g->c.at;

        switch (type) {
        case T_I32:
                return (next >= 0x6a && next <= 0x6c) || (next >= 0x71 && next <= 0x73) ||
                       (next >= 0x46 && next <= 0x4f);
        case T_I64:
                return (next >= 0x7c && next <= 0x7e) || (next >= 0x83 && next <= 0x85) ||
                       (next >= 0x51 && next <= 0x5a);
        case T_F32:
                return next >= 0x92 && next <= 0x95;
        default:
                return next >= 0xa0 && next <= 0xa3;
        }
}

struct load {
        uint8_t map, opcode, flags, width, type;
};

#define I32_LOAD_ROW     { MAP_1BYTE, 0x8b, 0, 4, T_I32 }
#define I64_LOAD_ROW     { MAP_1BYTE, 0x8b, ASM_W, 8, T_I64 }
#define F32_LOAD_ROW     { 0, 0x10, 0, 4, T_F32 }
#define F64_LOAD_ROW     { 0, 0x10, 0, 8, T_F64 }
#define I32_LOAD8_S_ROW  { MAP_0F, 0xbe, 0, 1, T_I32 }
#define I32_LOAD8_U_ROW  { MAP_0F, 0xb6, 0, 1, T_I32 }
#define I32_LOAD16_S_ROW { MAP_0F, 0xbf, 0, 2, T_I32 }
#define I32_LOAD16_U_ROW { MAP_0F, 0xb7, 0, 2, T_I32 }
#define I64_LOAD8_S_ROW  { MAP_0F, 0xbe, ASM_W, 1, T_I64 }
#define I64_LOAD8_U_ROW  { MAP_0F, 0xb6, 0, 1, T_I64 }
#define I64_LOAD16_S_ROW { MAP_0F, 0xbf, ASM_W, 2, T_I64 }
#define I64_LOAD16_U_ROW { MAP_0F, 0xb7, 0, 2, T_I64 }
#define I64_LOAD32_S_ROW { MAP_1BYTE, 0x63, ASM_W, 4, T_I64 }
#define I64_LOAD32_U_ROW { MAP_1BYTE, 0x8b, 0, 4, T_I64 }

static void memory_load(struct generator *g, const struct load *l, uint64_t offset, uint32_t memory)
{
        struct entry address = stack_pop(g);
        struct access x;
        unsigned dst;
        bool plain = l->opcode == 0x8b || l->opcode == 0x10;

        access_begin(g, &x, &address, offset, l->width, memory);
        if (plain && l->width == (l->type == T_I32 || l->type == T_F32 ? 4 : 8) &&
            next_takes_memory(g, l->type)) {
                g->folded = (struct folded) { .operand = x.operand, .wasm = wasm_here(g) };
                g->folded.regs = entry_reads(g, &x.address) & g->temps;
                if (x.base != REG_NONE)
                        g->folded.regs |= BIT(x.base);
                entry_push(g, ENTRY_MEMORY, l->type);
                return;
        }
        dst = type_is_vector(l->type) ? reg_result(g, VEC_MASK, 0, NULL)
                                      : reg_result(g, GPR_MASK, 0, &x.address);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        if (type_is_vector(l->type))
                op_sse2(g, float_prefix(l->type), l->opcode, 0, dst, x.operand);
        else
                asm_legacy(&g->a, 0, l->map, l->opcode, l->flags, dst, x.operand, 0);
        access_done(g, &x, BIT(dst));
        push_reg(g, l->type, dst);
}

/* mov of @width bytes from a register; floats go as floats. */
static void store_register(struct generator *g, unsigned type, unsigned width, unsigned reg,
                           struct operand o)
{
        if (type_is_vector(type))
                op_sse2(g, float_prefix(type), 0x11, 0, reg, o);
        else if (width == 1)
                asm_legacy(&g->a, 0, MAP_1BYTE, 0x88, ASM_BYTE, reg, o, 0);
        else
                asm_legacy(&g->a, width == 2 ? 0x66 : 0, MAP_1BYTE, 0x89, width == 8 ? ASM_W : 0,
                           reg, o, 0);
}

static void store_immediate(struct generator *g, unsigned width, uint64_t value, struct operand o)
{
        unsigned bytes = width == 8 ? 4 : width;

        asm_legacy(&g->a, width == 2 ? 0x66 : 0, MAP_1BYTE, width == 1 ? 0xc6 : 0xc7,
                   width == 8 ? ASM_W : 0, 0, o, bytes);
        memcpy(g->a.at, &value, 4);
        g->a.at += bytes;
}

static void memory_store(struct generator *g, unsigned type, unsigned width, uint64_t offset,
                         uint32_t memory)
{
        struct entry value = stack_pop(g), address = stack_pop(g);
        struct access x;

        if (is_const(&value) && type_is_vector(type) && type != T_V128 &&
            (type == T_F32 || fits_simm32(T_I64, value.constant)))
                value.type = type == T_F32 ? T_I32 : T_I64; /* its bits as an integer */
        if (is_const(&value) && !type_is_vector(value.type) &&
            (width < 8 || fits_simm32(T_I64, value.constant))) {
                access_begin(g, &x, &address, offset, width, memory);
                map_add(g, asm_pc(&g->a), wasm_here(g));
                store_immediate(g, width, value.constant, x.operand);
        } else {
                unsigned reg = entry_reg(g, &value);

                access_begin(g, &x, &address, offset, width, memory);
                map_add(g, asm_pc(&g->a), wasm_here(g));
                store_register(g, type, width, reg, x.operand);
                entry_release(g, &value);
        }
        access_done(g, &x, 0);
}

static void memory_size(struct generator *g, uint32_t memory)
{
        const struct memtype *type = &g->m->memories[memory].type;
        unsigned dst = reg_result(g, GPR_MASK, 0, NULL);

        op_rm(g, 0x8b, ASM_W, dst, memory_bytes(g, memory), 0);
        if (type->page_shift)
                shift_immediate(g, SHIFT_SHR, ASM_W, dst, type->page_shift);
        push_reg(g, type_of_address(&type->size), dst);
}
