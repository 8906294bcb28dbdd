/* compare.h - conditions and comparisons of integers, as far as every machine does them alike. */
#pragma once

#include "engine/compile/fast/entries.h"

/* The machine's: @cc as 0 or 1 in @dst. */
static void set_condition(struct generator *g, unsigned cc, unsigned dst);
/* The machine's: flags of @a against @b, which may change places. Returns the condition to look at. */
static unsigned compare(struct generator *g, unsigned cc, unsigned type, struct entry *a, struct entry *b);

static unsigned condition_swapped(unsigned cc)
{
        static const uint8_t swapped[] = {
                [CC_E] = CC_E,  [CC_NE] = CC_NE, [CC_L] = CC_G,  [CC_G] = CC_L,  [CC_LE] = CC_GE,
                [CC_GE] = CC_LE, [CC_B] = CC_A,  [CC_A] = CC_B,  [CC_BE] = CC_AE, [CC_AE] = CC_BE,
        };

        return swapped[cc];
}

/* The comparison has been made: its result stays in the flags for the next instruction, or
 * becomes a value. */
static void push_condition(struct generator *g, unsigned cc)
{
        unsigned dst;

        if (next_takes_flags(g)) {
                push_flags(g, cc);
                return;
        }
        dst = reg_result(g, GPR_MASK, 0, NULL);
        set_condition(g, cc, dst);
        push_reg(g, T_I32, dst);
}

static void integer_compare(struct generator *g, unsigned cc, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);

        cc = compare(g, cc, type, &a, &b);
        entry_release(g, &a);
        entry_release(g, &b);
        push_condition(g, cc);
}

static void integer_eqz(struct generator *g, unsigned type)
{
        struct entry a = stack_pop(g), zero = { .kind = ENTRY_CONST, .type = (uint8_t)type };

        if (a.kind == ENTRY_FLAGS) {
                push_condition(g, a.reg ^ 1);
                return;
        }
        if (is_const(&a)) {
                push_constant(g, T_I32, a.constant == 0);
                return;
        }
        (void)compare(g, CC_E, type, &a, &zero);
        entry_release(g, &a);
        push_condition(g, CC_E);
}

/* An i32 is zero-extended wherever it is. */
static void integer_extend_u(struct generator *g)
{
        struct entry a = stack_pop(g);
        unsigned reg;

        if (is_const(&a)) {
                push_constant(g, T_I64, (uint32_t)a.constant);
                return;
        }
        if (a.kind == ENTRY_REG && is_temp(g, a.reg)) {
                push_reg(g, T_I64, a.reg);
                return;
        }
        reg = reg_result(g, GPR_MASK, 0, &a);
        entry_load(g, &a, reg);
        push_result(g, T_I64, reg, &a, NULL);
}
