/* variable.h - select, what locals and globals take and give, and the sizes of tables. */
#pragma once

#include FAST_MACHINE(select.h)

static void operand_select(struct generator *g)
{
        struct entry c = stack_pop(g), b = stack_pop(g), a = stack_pop(g);
        unsigned cc = condition_flags(g, &c);

        if (type_is_vector(a.type))
                select_vector(g, cc, a, b);
        else
                select_general(g, cc, a, b);
}

/* Popped @value into the local. */
static void local_assign(struct generator *g, uint32_t n, struct entry *value)
{
        const struct local *l = &g->locals[n];

        if (value->kind == ENTRY_REG && value->reg == l->reg)
                return; /* computed there */
        if (value->kind == ENTRY_LOCAL && value->local == n)
                return;
        local_detach(g, n);
        if (l->reg != REG_NONE) {
                if (value->kind == ENTRY_FLAGS)
                        abort();
                entry_load(g, value, l->reg);
        } else if (!is_const(value) || !store_frame_constant(g, l->type, value->constant, l->home)) {
                store_frame(g, l->type, entry_reg(g, value), l->home);
        }
        entry_release(g, value);
}

static void local_set(struct generator *g, uint32_t n)
{
        struct entry value = stack_pop(g);

        local_assign(g, n, &value);
}

static void local_tee(struct generator *g, uint32_t n)
{
        struct entry value = stack_pop(g);

        /* a value in a temporary stays there for the next use, the frame has a copy */
        if (g->locals[n].reg == REG_NONE && value.kind == ENTRY_REG) {
                local_detach(g, n);
                store_frame(g, g->locals[n].type, value.reg, g->locals[n].home);
                push_reg(g, value.type, value.reg);
                return;
        }
        local_assign(g, n, &value);
        push_local(g, n);
}

static void reference_is_null(struct generator *g)
{
        integer_eqz(g, T_I64);
}

/* Where a global is; an imported mutable one is behind a pointer, loaded to a temporary. */
static struct operand global_operand(struct generator *g, uint32_t n, unsigned *ret_temp)
{
        int32_t at = g->layout->globals + (int32_t)(n * ABI_GLOBAL_BYTES);
        unsigned reg;

        *ret_temp = REG_NONE;
        if (n >= g->m->imported_globals || !g->m->globals[n].type.is_mutable)
                return op_gs(GPR_NONE, at);
        reg = *ret_temp = reg_alloc(g, GPR_MASK);
        load_register(g, T_I64, reg, op_gs(GPR_NONE, at));
        return op_base((enum gpr)reg, 0);
}

static void global_get(struct generator *g, uint32_t n)
{
        unsigned type = valtype_kind(g->m->globals[n].type.type), temp, dst;
        struct operand o = global_operand(g, n, &temp);

        dst = reg_result(g, type_regs(type), 0, NULL);
        load_register(g, type, dst, o);
        if (temp != REG_NONE)
                reg_free(g, temp);
        push_reg(g, type, dst);
}

static void global_set(struct generator *g, uint32_t n)
{
        unsigned type = valtype_kind(g->m->globals[n].type.type), temp, reg;
        struct entry value = stack_pop(g);
        struct operand o;

        reg = entry_reg(g, &value);
        o = global_operand(g, n, &temp);
        store_register(g, type, type == T_I32 ? 4 : 8, reg, o);
        entry_release(g, &value);
        if (temp != REG_NONE)
                reg_free(g, temp);
}

static void table_size(struct generator *g, uint32_t table)
{
        int32_t at = g->layout->tables + 32 * (int32_t)table +
                     (int32_t)offsetof(struct table_desc, length);
        unsigned dst = reg_result(g, GPR_MASK, 0, NULL);

        load_register(g, T_I64, dst, op_gs(GPR_NONE, at));
        push_reg(g, type_of_address(&g->m->tables[table].type.size), dst);
}
