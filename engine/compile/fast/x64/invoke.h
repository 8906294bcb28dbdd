/* invoke.h - the instructions of calls. */
#pragma once

#include "engine/compile/fast/control.h"

/* call or jmp to a function whose place is not known yet; returns where the code names it. */
static uint32_t call_ahead(struct generator *g, bool jump)
{
        asm_u8(&g->a, jump ? 0xe9 : 0xe8);
        asm_u32(&g->a, 0);
        return asm_pc(&g->a) - 4;
}

/* Through the struct import_desc at @import of the instance */
static void call_import(struct generator *g, int32_t import, bool jump)
{
        op_rm(g, 0x8b, ASM_W, R10,
              op_gs(GPR_NONE, import + (int32_t)offsetof(struct import_desc, data)), 0);
        op_rm(g, 0xff, 0, jump ? 4 : 2, op_gs(GPR_NONE, import), 0);
}

static void call_builtin_code(struct generator *g, enum builtin b)
{
        op_rm(g, 0xff, 0, 2, op_gs(GPR_NONE, ABI_BUILTIN(b)), 0);
}

/* Flags: NE when an exception is on its way. */
static void test_thrown(struct generator *g)
{
        alu_immediate(g, ALU_CMP, ASM_W, op_gs(GPR_NONE, ABI_HEAD(thrown)), 0);
}

/* A call of the known multiplication whose operands' upper halves are 0: one mul, and the stores
 * in the order of the function. */
static bool call_multiply(struct generator *g)
{
        const struct entry *top = &g->stack[g->top - 1];
        struct entry a, b, p;
        struct access x;
        struct operand rm;

        if (!is_const(&top[0]) || top[0].constant || !is_const(&top[-2]) || top[-2].constant)
                return false;
        if (abi_memory_check(&g->m->memories[0].type, g->shared->dense, 8, 8) != MEMORY_CHECK_GUARD)
                return false; /* each store has a check of its own */
        (void)stack_pop(g);
        b = stack_pop(g);
        (void)stack_pop(g);
        a = stack_pop(g);
        if (is_const(&b))
                (void)entry_reg(g, &b);
        entry_into(g, &a, RAX, &b, NULL);
        reg_claim(g, RDX, &b, NULL);
        rm = entry_operand(g, &b);
        op_rm(g, 0xf7, ASM_W, 4, rm, 0);
        entry_release(g, &b);
        p = stack_pop(g);
        (void)entry_reg(g, &p);
        for (unsigned i = 0; i < 2; i++) {
                unsigned half = g->shared->multiply_low_first ? i : 1 - i;

                access_begin(g, &x, &p, 8 * half, 8, 0);
                map_add(g, asm_pc(&g->a), wasm_here(g));
                store_register(g, T_I64, 8, half ? RDX : RAX, x.operand);
        }
        access_done(g, &x, 0);
        reg_free(g, RAX);
        reg_free(g, RDX);
        return true;
}

/* The table's entry for the popped index, its type checked, in r11. */
static void indirect_entry(struct generator *g, uint32_t type, uint32_t table)
{
        struct entry e = stack_pop(g);
        int32_t desc = g->layout->tables + 32 * (int32_t)table;
        unsigned id;
        struct cold *cold;

        entry_into(g, &e, R11, NULL, NULL);
        id = reg_alloc(g, GPR_MASK);
        load_integer(g, id, 0);
        op_rm(g, 0x3b, ASM_W, R11,
              op_gs(GPR_NONE, desc + (int32_t)offsetof(struct table_desc, length)), 0);
        trap_cold(g, CC_AE, TRAP_UNDEFINED_ELEMENT);
        /* 0 where the processor guessed that it is inside, and it is not */
        asm_legacy(&g->a, 0, MAP_0F, 0x40 | CC_AE, ASM_W, R11, op_reg(id), 0);
        shift_immediate(g, SHIFT_SHL, ASM_W, R11, 5);
        op_rm(g, 0x03, ASM_W, R11, op_gs(GPR_NONE, desc), 0);
        op_rm(g, 0x8b, 0, id, op_gs(GPR_NONE, g->layout->types + 4 * (int32_t)type), 0);
        op_rm(g, 0x3b, 0, id, op_base(R11, offsetof(struct table_entry, type)), 0);
        cold = cold_jump(g, CC_NE, COLD_CALL_TYPE);
        cold->reg = R11;
        cold->temp = (uint8_t)id;
        cold->wanted = type;
        reg_free(g, id);
}

static void indirect_target(struct generator *g, bool jump)
{
        op_rm(g, 0x8b, ASM_W, R10, op_base(R11, offsetof(struct table_entry, data)), 0);
        op_rm(g, 0xff, 0, jump ? 4 : 2, op_base(R11, offsetof(struct table_entry, code)), 0);
}
