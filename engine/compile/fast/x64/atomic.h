/* atomic.h - atomic accesses: aligned or a trap, and sequentially consistent. On this machine every
 * load is that already when every store is an exchange.
 *
 * Four general temporaries are always there, and no more: what an access needs besides its address
 * and two registers stays in the frame until the address is known. */
#pragma once

#include "engine/compile/fast/x64/memory.h"

struct atomic_access {
        struct access x;
        unsigned width, type;
        unsigned prefix, flags;  /* of an instruction with an operand of that width */
        unsigned byte;           /* 0: the opcode's form for bytes, else 1 */
};

static void atomic_lock(struct generator *g)
{
        asm_u8(&g->a, 0xf0);
}

/* opcode [memory], reg */
static void atomic_op(struct generator *g, const struct atomic_access *t, unsigned map,
                      unsigned opcode, unsigned reg)
{
        asm_legacy(&g->a, t->prefix, map, opcode | t->byte, t->flags, reg, t->x.operand, 0);
}

static void atomic_aligned(struct generator *g, struct entry *address, uint64_t offset,
                           unsigned width)
{
        unsigned reg, odd = offset & (width - 1);

        if (width == 1)
                return;
        reg = entry_reg(g, address);
        if (odd) {
                unsigned sum = reg_alloc(g, GPR_MASK);

                op_rm(g, 0x8d, 0, sum, op_base((enum gpr)reg, (int32_t)odd), 0);
                reg_free(g, sum);
                reg = sum;
        }
        asm_legacy(&g->a, 0, MAP_1BYTE, 0xf6, ASM_BYTE, 0, op_reg(reg), 1); /* test */
        asm_u8(&g->a, width - 1);
        trap_cold(g, CC_NE, TRAP_UNALIGNED_ATOMIC);
}

static void atomic_begin(struct generator *g, struct atomic_access *t, struct entry *address,
                         const struct instruction *in)
{
        enum opcode op = (enum opcode)in->op;
        const struct opcode_info *info = &opcode_table[op];
        unsigned width = opcode_access_bytes(op);

        t->width = width;
        t->type = (info->pushes[0] ? info->pushes[0] : info->pops[1]) == 'i' ? T_I32 : T_I64;
        t->prefix = width == 2 ? 0x66 : 0;
        t->flags = width == 8 ? ASM_W : width == 1 ? ASM_BYTE : 0;
        t->byte = width > 1;
        atomic_aligned(g, address, in->offset, width);
        access_begin(g, &t->x, address, in->offset, width, in->index);
        map_add(g, asm_pc(&g->a), wasm_here(g));
}

/* What was read is in the low bits of @reg: the result, zero-extended. */
static void atomic_result(struct generator *g, const struct atomic_access *t, unsigned reg)
{
        if (t->width < 4)
                asm_legacy(&g->a, 0, MAP_0F, t->width == 1 ? 0xb6 : 0xb7, ASM_BYTE, reg, op_reg(reg), 0);
        else if (t->width < 8)
                op_rr(g, 0x8b, 0, reg, reg);
        push_reg(g, t->type, reg);
}

static void atomic_read(struct generator *g, const struct atomic_access *t, unsigned reg)
{
        if (t->width < 4)
                asm_legacy(&g->a, 0, MAP_0F, t->width == 1 ? 0xb6 : 0xb7, 0, reg, t->x.operand, 0);
        else
                op_rm(g, 0x8b, t->flags, reg, t->x.operand, 0);
}

static void atomic_load(struct generator *g, const struct instruction *in)
{
        struct entry address = stack_pop(g);
        struct atomic_access t;
        unsigned dst;

        atomic_begin(g, &t, &address, in);
        dst = reg_alloc(g, GPR_MASK);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        atomic_read(g, &t, dst);
        access_done(g, &t.x, 0);
        push_reg(g, t.type, dst);
}

/* Store, exchange, addition and subtraction: one instruction. */
static void atomic_exchange(struct generator *g, const struct instruction *in, enum atomic kind)
{
        struct entry value = stack_pop(g), address = stack_pop(g);
        struct atomic_access t;
        unsigned reg = entry_temp(g, &value);

        if (kind == ATOMIC_SUB)
                op_rm(g, 0xf7, type_w(value.type), 3, op_reg(reg), 0); /* neg */
        atomic_begin(g, &t, &address, in);
        if (kind == ATOMIC_STORE || kind == ATOMIC_XCHG) {
                atomic_op(g, &t, MAP_1BYTE, 0x86, reg);
        } else {
                atomic_lock(g);
                atomic_op(g, &t, MAP_0F, 0xc0, reg); /* xadd */
        }
        access_done(g, &t.x, BIT(reg));
        if (kind == ATOMIC_STORE)
                reg_free(g, reg);
        else
                atomic_result(g, &t, reg);
}

static void atomic_cmpxchg(struct generator *g, const struct atomic_access *t, unsigned reg)
{
        atomic_lock(g);
        atomic_op(g, t, MAP_0F, 0xb0, reg);
}

/* The bitwise ones, which give the old value: a loop around a comparison with rax. */
static void atomic_bitwise(struct generator *g, const struct instruction *in, enum alu op)
{
        struct entry value, address;
        struct atomic_access t;
        unsigned sum;
        uint32_t again;

        entry_spill(g, g->top - 1);
        value = stack_pop(g);
        address = stack_pop(g);
        reg_claim(g, RAX, &address, NULL);
        atomic_begin(g, &t, &address, in);
        sum = reg_alloc(g, GPR_MASK);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        atomic_read(g, &t, RAX);
        again = asm_pc(&g->a);
        entry_load(g, &value, sum);
        alu_register(g, op, type_w(t.type), sum, op_reg(RAX));
        atomic_cmpxchg(g, &t, sum);
        asm_u8(&g->a, 0x70 | CC_NE);
        asm_u8(&g->a, (uint8_t)(again - asm_pc(&g->a) - 1));
        reg_free(g, sum);
        access_done(g, &t.x, 0);
        atomic_result(g, &t, RAX);
}

/* The expected value counts as far as the access is wide. */
static void atomic_compare(struct generator *g, const struct instruction *in)
{
        struct entry replacement, expected, address;
        struct atomic_access t;
        unsigned reg;

        entry_spill(g, g->top - 2);
        entry_spill(g, g->top - 1);
        replacement = stack_pop(g);
        expected = stack_pop(g);
        address = stack_pop(g);
        reg_claim(g, RAX, &address, NULL);
        atomic_begin(g, &t, &address, in);
        reg = reg_alloc(g, GPR_MASK);
        entry_load(g, &replacement, reg);
        entry_load(g, &expected, RAX);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        atomic_cmpxchg(g, &t, reg);
        reg_free(g, reg);
        access_done(g, &t.x, 0);
        atomic_result(g, &t, RAX);
}

static void atomic_fence(struct generator *g)
{
        asm_u8(&g->a, 0x0f);
        asm_u8(&g->a, 0xae);
        asm_u8(&g->a, 0xf0); /* mfence */
}

static void atomic_instruction(struct generator *g, const struct instruction *in)
{
        enum atomic kind = opcode_atomic((enum opcode)in->op);

        switch (kind) {
        case ATOMIC_LOAD:
                atomic_load(g, in);
                break;
        case ATOMIC_STORE:
        case ATOMIC_ADD:
        case ATOMIC_SUB:
        case ATOMIC_XCHG:
                atomic_exchange(g, in, kind);
                break;
        case ATOMIC_AND:
                atomic_bitwise(g, in, ALU_AND);
                break;
        case ATOMIC_OR:
                atomic_bitwise(g, in, ALU_OR);
                break;
        case ATOMIC_XOR:
                atomic_bitwise(g, in, ALU_XOR);
                break;
        case ATOMIC_CMPXCHG:
                atomic_compare(g, in);
                break;
        case ATOMIC_NOT:
                atomic_fence(g);
                break;
        }
}
