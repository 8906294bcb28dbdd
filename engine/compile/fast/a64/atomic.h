/* atomic.h - atomic accesses: aligned or a trap, and sequentially consistent: load-acquire and
 * store-release, exclusive in a loop where something is read and written. */
#pragma once

#include "engine/compile/fast/a64/memory.h"

struct atomic_access {
        struct access x;
        unsigned type;
        uint32_t size; /* bits of the instruction */
        unsigned w;
};

enum {
        A64_LDAR = 0x08dffc00, A64_STLR = 0x089ffc00, A64_LDAXR = 0x085ffc00, A64_STLXR = 0x0800fc00,
        A64_DMB_ISH = (int)0xd5033bbf, A64_CLREX = (int)0xd5033f5f,
};

static void atomic_aligned(struct generator *g, struct entry *address, uint64_t offset, unsigned width)
{
        unsigned reg, odd = offset & (width - 1);
        uint32_t fields;

        if (width == 1)
                return;
        reg = entry_reg(g, address);
        if (odd) {
                asm_arithmetic(&g->a, A64_ADD_I, 0, SCRATCH_REG, reg, odd);
                reg = SCRATCH_REG;
        }
        (void)asm_logical_fields(width - 1, 0, &fields);
        asm_u32(&g->a, A64_ANDS_I | fields | reg << 5 | XZR); /* tst */
        trap_cold(g, CC_NE, TRAP_UNALIGNED_ATOMIC);
}

/* The address in ADDRESS_REG */
static void atomic_begin(struct generator *g, struct atomic_access *t, struct entry *address,
                         const struct instruction *in)
{
        enum opcode op = (enum opcode)in->op;
        const struct opcode_info *info = &opcode_table[op];
        unsigned width = opcode_access_bytes(op);

        t->type = (info->pushes[0] ? info->pushes[0] : info->pops[1]) == 'i' ? T_I32 : T_I64;
        t->size = (uint32_t)__builtin_ctz(width) << 30;
        t->w = type_w(t->type);
        atomic_aligned(g, address, in->offset, width);
        access_begin_as(g, &t->x, address, in->offset, width, in->index, true);
        map_add(g, asm_pc(&g->a), wasm_here(g));
}

/* ldar, ldaxr: zero-extended */
static void atomic_read(struct generator *g, const struct atomic_access *t, uint32_t op, unsigned reg)
{
        asm_u32(&g->a, op | t->size | ADDRESS_REG << 5 | reg);
}

static void atomic_load(struct generator *g, const struct instruction *in)
{
        struct entry address = stack_pop(g);
        struct atomic_access t;
        unsigned dst;

        atomic_begin(g, &t, &address, in);
        dst = reg_alloc(g, GPR_MASK);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        atomic_read(g, &t, A64_LDAR, dst);
        access_done(g, &t.x, 0);
        push_reg(g, t.type, dst);
}

static void atomic_store(struct generator *g, const struct instruction *in)
{
        struct entry value = stack_pop(g), address = stack_pop(g);
        struct atomic_access t;
        unsigned reg = entry_reg(g, &value);

        atomic_begin(g, &t, &address, in);
        asm_u32(&g->a, A64_STLR | t.size | ADDRESS_REG << 5 | reg);
        entry_release(g, &value);
        access_done(g, &t.x, 0);
}

/* Read, change, write until nobody came between. @op: what makes the new value, 0: the operand. */
static void atomic_modify(struct generator *g, const struct instruction *in, uint32_t op)
{
        struct entry value = stack_pop(g), address = stack_pop(g);
        struct atomic_access t;
        unsigned reg = entry_reg(g, &value), old = reg_alloc(g, GPR_MASK), sum = reg;
        uint32_t again;

        if (op)
                sum = reg_alloc(g, GPR_MASK);
        atomic_begin(g, &t, &address, in);
        again = asm_pc(&g->a);
        atomic_read(g, &t, A64_LDAXR, old);
        if (op)
                asm_w3(&g->a, op, t.w, sum, old, reg);
        asm_u32(&g->a, A64_STLXR | t.size | SCRATCH_REG << 16 | ADDRESS_REG << 5 | sum);
        test_register(g, 0, SCRATCH_REG);
        jump_patch(g, jump_short(g, CC_NE), again);
        if (op)
                reg_free(g, sum);
        entry_release(g, &value);
        access_done(g, &t.x, 0);
        push_reg(g, t.type, old);
}

/* The expected value counts as far as the access is wide. */
static void atomic_compare(struct generator *g, const struct instruction *in)
{
        struct entry replacement = stack_pop(g), expected = stack_pop(g), address = stack_pop(g);
        struct atomic_access t;
        unsigned new = entry_reg(g, &replacement), wanted = entry_reg(g, &expected);
        unsigned old = reg_alloc(g, GPR_MASK);
        uint32_t again, differs;

        atomic_begin(g, &t, &address, in);
        again = asm_pc(&g->a);
        atomic_read(g, &t, A64_LDAXR, old);
        asm_w3(&g->a, 0x6b200000 | t.size >> 30 << 13, ASM_W, XZR, old, wanted); /* extended */
        differs = jump_short(g, CC_NE);
        asm_u32(&g->a, A64_STLXR | t.size | SCRATCH_REG << 16 | ADDRESS_REG << 5 | new);
        test_register(g, 0, SCRATCH_REG);
        jump_patch(g, jump_short(g, CC_NE), again);
        jump_here(g, differs);
        asm_u32(&g->a, A64_CLREX);
        entry_release(g, &replacement);
        entry_release(g, &expected);
        access_done(g, &t.x, 0);
        push_reg(g, t.type, old);
}

static void atomic_instruction(struct generator *g, const struct instruction *in)
{
        switch (opcode_atomic((enum opcode)in->op)) {
        case ATOMIC_LOAD:
                atomic_load(g, in);
                break;
        case ATOMIC_STORE:
                atomic_store(g, in);
                break;
        case ATOMIC_ADD:
                atomic_modify(g, in, A64_ADD);
                break;
        case ATOMIC_SUB:
                atomic_modify(g, in, A64_SUB);
                break;
        case ATOMIC_AND:
                atomic_modify(g, in, A64_AND);
                break;
        case ATOMIC_OR:
                atomic_modify(g, in, A64_ORR);
                break;
        case ATOMIC_XOR:
                atomic_modify(g, in, A64_EOR);
                break;
        case ATOMIC_XCHG:
                atomic_modify(g, in, 0);
                break;
        case ATOMIC_CMPXCHG:
                atomic_compare(g, in);
                break;
        case ATOMIC_NOT:
                asm_u32(&g->a, A64_DMB_ISH);
                break;
        }
}
