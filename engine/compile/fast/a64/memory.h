/* memory.h - addresses in linear memory, loads and stores.
 *
 * Memory 0 of the instance begins at x28. What keeps an access inside is in abi.h: the guard
 * behind the slot, or a comparison. */
#pragma once

#include "engine/compile/fast/a64/integer.h"

struct access { /* of an instruction */
        struct operand operand;
        struct entry address; /* what it holds is to be released */
        unsigned base;        /* temporary with the base of another memory, or REG_NONE */
};

static struct operand memory_field(const struct generator *g, uint32_t memory, size_t field)
{
        return op_gs(GPR_NONE, memory_desc_at(g, memory) + (int32_t)field);
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

        load_register(g, T_I64, safe, memory_field(g, memory, offsetof(struct memory_desc, room)));
        asm_w3(&g->a, A64_SUBS, ASM_W, XZR, index, safe);
        asm_w3(&g->a, A64_CSEL | CC_B << 12, ASM_W, safe, index, safe);
        access_moves(g, x, safe);
}

/* MEMORY_CHECK_END. The end of the access, or 0, in a temporary. */
static void access_check_end(struct generator *g, struct access *x, uint64_t offset, unsigned width,
                             uint32_t memory)
{
        unsigned index = entry_reg(g, &x->address), end = reg_alloc(g, GPR_MASK);

        load_integer(g, end, abi_access_end(offset, width));
        if (g->m->memories[memory].type.size.is_64) {
                asm_w3(&g->a, A64_ADDS, ASM_W, end, end, index);
                trap_cold(g, CC_AE, TRAP_MEMORY_BOUNDS); /* carry */
        } else {
                asm_w3(&g->a, A64_ADD, ASM_W, end, end, index);
        }
        load_register(g, T_I64, ADDRESS_REG, memory_field(g, memory, offsetof(struct memory_desc, bytes)));
        asm_w3(&g->a, A64_SUBS, ASM_W, XZR, end, ADDRESS_REG);
        trap_cold(g, CC_A, TRAP_MEMORY_BOUNDS);
        asm_w3(&g->a, A64_CSEL | CC_BE << 12, ASM_W, end, end, XZR);
        access_moves(g, x, end);
}

static bool access_is_own(const struct generator *g, uint32_t memory)
{
        return memory == 0 && g->shared->owns_memory;
}

/* Where memory @memory begins. */
static unsigned access_base(struct generator *g, struct access *x, uint32_t memory)
{
        if (memory == 0)
                return access_is_own(g, 0) ? BASE_REG : g->base;
        x->base = reg_alloc(g, GPR_MASK);
        load_register(g, T_I64, x->base, memory_field(g, memory, offsetof(struct memory_desc, base)));
        return x->base;
}

/* Can every access of up to @width bytes, with an index as well, hold @disp in the instruction? */
static bool access_holds(int64_t disp, unsigned width)
{
        return (disp >= -256 && disp < 256) || (disp >= 0 && disp % width == 0 && disp / width < 4096);
}

/* Operand for @width bytes at popped @address + @offset. Release with access_done(). @plain: the
 * instruction takes a base register alone. */
static void access_begin_as(struct generator *g, struct access *x, const struct entry *address,
                            uint64_t offset, unsigned width, uint32_t memory, bool plain)
{
        enum memory_check check = abi_memory_check(&g->m->memories[memory].type, g->shared->dense, offset,
                                                   width);
        bool own = access_is_own(g, memory);
        int64_t disp;
        unsigned index, base;

        x->address = *address;
        x->base = REG_NONE;
        if (is_const(address) && own && check != MEMORY_CHECK_END && !plain &&
            address->constant <= ABI_GUARD_BYTES - offset - width) {
                /* below the guard's size: the slot begins with the memory, then comes guard */
                x->operand = op_base(BASE_REG, (int64_t)(address->constant + offset));
                return;
        }
        if (check == MEMORY_CHECK_INDEX)
                access_check_index(g, x, memory);
        else if (check == MEMORY_CHECK_END)
                access_check_end(g, x, offset, width, memory);
        index = entry_reg(g, &x->address);
        base = access_base(g, x, memory);
        disp = check == MEMORY_CHECK_END ? -(int64_t)width : (int64_t)offset;
        if (!disp && !plain) {
                x->operand = (struct operand) { (uint8_t)base, (uint8_t)index, 0 };
                return;
        }
        asm_w3(&g->a, A64_ADD, ASM_W, ADDRESS_REG, base, index);
        if (!access_holds(disp, width) || (plain && disp)) {
                if (!alu_immediate(g, ALU_ADD, ASM_W, ADDRESS_REG, ADDRESS_REG, (uint64_t)disp)) {
                        load_integer(g, SCRATCH_REG, (uint64_t)disp);
                        asm_w3(&g->a, A64_ADD, ASM_W, ADDRESS_REG, ADDRESS_REG, SCRATCH_REG);
                }
                disp = 0;
        }
        x->operand = op_base(ADDRESS_REG, disp);
}

static void access_begin(struct generator *g, struct access *x, const struct entry *address,
                         uint64_t offset, unsigned width, uint32_t memory)
{
        access_begin_as(g, x, address, offset, width, memory, false);
}

static void access_done(struct generator *g, const struct access *x, reg_set but)
{
        entry_release_but(g, &x->address, but);
        if (x->base != REG_NONE && !(BIT(x->base) & but))
                reg_free(g, x->base);
}

struct load {
        uint32_t op;
        uint8_t width, type;
};

#define I32_LOAD_ROW     { A64_LDR_W, 4, T_I32 }
#define I64_LOAD_ROW     { A64_LDR_X, 8, T_I64 }
#define F32_LOAD_ROW     { A64_LDR_S, 4, T_F32 }
#define F64_LOAD_ROW     { A64_LDR_D, 8, T_F64 }
#define I32_LOAD8_S_ROW  { A64_LDRSB_W, 1, T_I32 }
#define I32_LOAD8_U_ROW  { A64_LDRB, 1, T_I32 }
#define I32_LOAD16_S_ROW { A64_LDRSH_W, 2, T_I32 }
#define I32_LOAD16_U_ROW { A64_LDRH, 2, T_I32 }
#define I64_LOAD8_S_ROW  { A64_LDRSB_X, 1, T_I64 }
#define I64_LOAD8_U_ROW  { A64_LDRB, 1, T_I64 }
#define I64_LOAD16_S_ROW { A64_LDRSH_X, 2, T_I64 }
#define I64_LOAD16_U_ROW { A64_LDRH, 2, T_I64 }
#define I64_LOAD32_S_ROW { A64_LDRSW, 4, T_I64 }
#define I64_LOAD32_U_ROW { A64_LDR_W, 4, T_I64 }

static void memory_load(struct generator *g, const struct load *l, uint64_t offset, uint32_t memory)
{
        struct entry address = stack_pop(g);
        struct access x;
        unsigned dst;

        access_begin(g, &x, &address, offset, l->width, memory);
        dst = type_is_vector(l->type) ? reg_result(g, VEC_MASK, 0, NULL)
                                      : reg_result(g, GPR_MASK, 0, &x.address);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        asm_memory(&g->a, l->op, dst & 31, x.operand);
        access_done(g, &x, BIT(dst));
        push_reg(g, l->type, dst);
}

static void memory_store(struct generator *g, unsigned type, unsigned width, uint64_t offset,
                         uint32_t memory)
{
        struct entry value = stack_pop(g), address = stack_pop(g);
        struct access x;
        unsigned reg;

        if (is_const(&value) && value.constant == 0 && type != T_V128) {
                type = T_I64; /* its bits, from the register that is always zero */
                reg = XZR;
        } else {
                reg = entry_reg(g, &value);
        }
        access_begin(g, &x, &address, offset, width, memory);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        store_register(g, type, width, reg, x.operand);
        entry_release(g, &value);
        access_done(g, &x, 0);
}

static void memory_size(struct generator *g, uint32_t memory)
{
        const struct memtype *type = &g->m->memories[memory].type;
        unsigned dst = reg_result(g, GPR_MASK, 0, NULL);

        load_register(g, T_I64, dst, memory_field(g, memory, offsetof(struct memory_desc, bytes)));
        if (type->page_shift)
                shift_immediate(g, SHIFT_SHR, ASM_W, dst, dst, type->page_shift);
        push_reg(g, type_of_address(&type->size), dst);
}
