/* invoke.h - the instructions of calls. */
#pragma once

#include "engine/compile/fast/control.h"

/* bl or b to a function whose place is not known yet; returns where the code names it. */
static uint32_t call_ahead(struct generator *g, bool jump)
{
        asm_u32(&g->a, jump ? A64_B : A64_BL);
        return asm_pc(&g->a) - 4;
}

static void call_register(struct generator *g, unsigned reg, bool jump)
{
        asm_2(&g->a, jump ? A64_BR : A64_BLR, 0, reg);
}

/* Through the struct import_desc at @import of the instance */
static void call_import(struct generator *g, int32_t import, bool jump)
{
        load_register(g, T_I64, DATA_REG,
                      op_gs(GPR_NONE, import + (int32_t)offsetof(struct import_desc, data)));
        load_register(g, T_I64, ADDRESS_REG, op_gs(GPR_NONE, import));
        call_register(g, ADDRESS_REG, jump);
}

static void call_builtin_code(struct generator *g, enum builtin b)
{
        load_register(g, T_I64, ADDRESS_REG, op_gs(GPR_NONE, ABI_BUILTIN(b)));
        call_register(g, ADDRESS_REG, false);
}

/* Flags: NE when an exception is on its way. */
static void test_thrown(struct generator *g)
{
        load_register(g, T_I64, ADDRESS_REG, op_gs(GPR_NONE, ABI_HEAD(thrown)));
        test_register(g, ASM_W, ADDRESS_REG);
}

/* A call of the known multiplication whose operands' upper halves are 0: two instructions, and the
 * stores in the order of the function. */
static bool call_multiply(struct generator *g)
{
        const struct entry *top = &g->stack[g->top - 1];
        struct entry a, b, p;
        struct access x;
        unsigned half[2], first, second;

        if (!is_const(&top[0]) || top[0].constant || !is_const(&top[-2]) || top[-2].constant)
                return false;
        if (abi_memory_check(&g->m->memories[0].type, g->shared->dense, 8, 8) != MEMORY_CHECK_GUARD)
                return false; /* each store has a check of its own */
        (void)stack_pop(g);
        b = stack_pop(g);
        (void)stack_pop(g);
        a = stack_pop(g);
        first = entry_reg(g, &a);
        second = entry_reg(g, &b);
        half[0] = reg_alloc(g, GPR_MASK);
        half[1] = reg_alloc(g, GPR_MASK);
        asm_w3(&g->a, A64_MUL, ASM_W, half[0], first, second);
        asm_3(&g->a, A64_UMULH, half[1], first, second);
        entry_release(g, &a);
        entry_release(g, &b);
        p = stack_pop(g);
        (void)entry_reg(g, &p);
        for (unsigned i = 0; i < 2; i++) {
                unsigned n = g->shared->multiply_low_first ? i : 1 - i;

                access_begin(g, &x, &p, 8 * n, 8, 0);
                map_add(g, asm_pc(&g->a), wasm_here(g));
                store_register(g, T_I64, 8, half[n], x.operand);
        }
        access_done(g, &x, 0);
        reg_free(g, half[0]);
        reg_free(g, half[1]);
        return true;
}

/* The table's entry for the popped index, its type checked, in CALL_REG. */
static void indirect_entry(struct generator *g, uint32_t type, uint32_t table)
{
        struct entry e = stack_pop(g);
        int32_t desc = g->layout->tables + 32 * (int32_t)table;
        struct cold *cold;

        entry_into(g, &e, CALL_REG, NULL, NULL);
        load_register(g, T_I64, ADDRESS_REG,
                      op_gs(GPR_NONE, desc + (int32_t)offsetof(struct table_desc, length)));
        asm_w3(&g->a, A64_SUBS, ASM_W, XZR, CALL_REG, ADDRESS_REG);
        trap_cold(g, CC_AE, TRAP_UNDEFINED_ELEMENT);
        /* 0 where the processor guessed that it is inside, and it is not */
        asm_w3(&g->a, A64_CSEL | CC_B << 12, ASM_W, CALL_REG, CALL_REG, XZR);
        load_register(g, T_I64, ADDRESS_REG, op_gs(GPR_NONE, desc));
        asm_w3(&g->a, A64_ADD | 5 << 10, ASM_W, CALL_REG, ADDRESS_REG, CALL_REG);
        load_register(g, T_I32, ADDRESS_REG, op_gs(GPR_NONE, g->layout->types + 4 * (int32_t)type));
        load_register(g, T_I32, SCRATCH_REG, op_base(CALL_REG, offsetof(struct table_entry, type)));
        asm_w3(&g->a, A64_SUBS, 0, XZR, ADDRESS_REG, SCRATCH_REG);
        cold = cold_jump(g, CC_NE, COLD_CALL_TYPE);
        cold->reg = CALL_REG;
        cold->wanted = type;
}

static void indirect_target(struct generator *g, bool jump)
{
        load_register(g, T_I64, DATA_REG, op_base(CALL_REG, offsetof(struct table_entry, data)));
        load_register(g, T_I64, ADDRESS_REG, op_base(CALL_REG, offsetof(struct table_entry, code)));
        call_register(g, ADDRESS_REG, jump);
}
