/* Loops over elements of the memory, of the kinds that an optimising compiler makes vector loops of: maps, sums,
 * copies and fills, whose ends may lie outside of the memory. They take no fuel, for they are short. */
#include "tests/fuzz/generate_body.h"

/* An element as it is loaded, computed with and stored. Floats are made of integers and become such again: no NaN
 * is seen. */
static const struct element {
        unsigned shift;
        enum opcode load, store, to, from; /* OP_NOP: is what it is */
        enum opcode operations[6];
} elements[] = {
        { 0, OP_I32_LOAD8_U, OP_I32_STORE8, OP_NOP, OP_NOP,
          { OP_I32_ADD, OP_I32_SUB, OP_I32_XOR, OP_I32_MUL, OP_I32_SHR_U, OP_I32_AND } },
        { 1, OP_I32_LOAD16_S, OP_I32_STORE16, OP_NOP, OP_NOP,
          { OP_I32_ADD, OP_I32_SHR_S, OP_I32_OR, OP_I32_MUL, OP_I32_LT_S, OP_I32_GT_U } },
        { 2, OP_I32_LOAD, OP_I32_STORE, OP_NOP, OP_NOP,
          { OP_I32_ADD, OP_I32_SUB, OP_I32_ROTL, OP_I32_MUL, OP_I32_SHL, OP_I32_LE_U } },
        { 3, OP_I64_LOAD, OP_I64_STORE, OP_NOP, OP_NOP,
          { OP_I64_ADD, OP_I64_SUB, OP_I64_ROTR, OP_I64_MUL, OP_I64_XOR, OP_I64_SHR_S } },
        { 2, OP_I32_LOAD, OP_I32_STORE, OP_F32_CONVERT_I32_S, OP_I32_TRUNC_SAT_F32_S,
          { OP_F32_ADD, OP_F32_SUB, OP_F32_MUL, OP_F32_MIN, OP_F32_MAX, OP_F32_COPYSIGN } },
        { 3, OP_I64_LOAD, OP_I64_STORE, OP_F64_CONVERT_I64_S, OP_I64_TRUNC_SAT_F64_U,
          { OP_F64_ADD, OP_F64_SUB, OP_F64_MUL, OP_F64_MIN, OP_F64_MAX, OP_F64_MUL } },
};

struct loop {
        struct body *c;
        const struct element *e;
        unsigned index;  /* local: the number of the element */
        unsigned stride; /* in elements */
};

static void put_index(const struct loop *l)
{
        struct body *c = l->c;

        put_indexed(c, OP_LOCAL_GET, l->index);
        if (l->stride > 1) {
                put_i32(c, l->stride);
                put_op(c, OP_I32_MUL);
        }
        if (l->e->shift) {
                put_i32(c, l->e->shift);
                put_op(c, OP_I32_SHL);
        }
}

static void put_where(const struct loop *l)
{
        struct gen *g = l->c->g;

        buffer_uleb(l->c->out, random_below(g, l->e->shift + 1));
        buffer_uleb(l->c->out, random_chance(g, 90) ? 64 * random_below(g, 40) + random_below(g, 3)
                                                    : 65536 - random_below(g, 300)); /* it ends there */
}

static void put_load(const struct loop *l)
{
        put_index(l);
        put_op(l->c, l->e->load);
        put_where(l);
        if (l->e->to != OP_NOP)
                put_op(l->c, l->e->to);
}

static void put_value(const struct loop *l)
{
        struct gen *g = l->c->g;

        put_load(l);
        for (unsigned n = random_below(g, 4); n > 0; n--) {
                enum opcode operation = l->e->operations[random_below(g, 6)];

                if (random_chance(g, 50))
                        put_load(l);
                else
                        put_const(g, l->c->out, opcode_table[operation].pops[1]);
                put_op(l->c, operation);
                if (opcode_table[operation].pushes[0] != opcode_table[operation].pops[0])
                        break; /* a comparison */
        }
        if (l->e->from != OP_NOP)
                put_op(l->c, l->e->from);
}

static void put_statement(const struct loop *l)
{
        struct body *c = l->c;
        bool wide = opcode_table[l->e->load].pushes[0] == 'I';

        if (random_chance(c->g, 30)) { /* a sum */
                put_value(l);
                if (!wide)
                        put_op(c, OP_I64_EXTEND_I32_U);
                put_indexed(c, OP_LOCAL_GET, c->scratch[4]);
                put_op(c, OP_I64_ADD);
                put_indexed(c, OP_LOCAL_SET, c->scratch[4]);
                return;
        }
        put_index(l);
        if (random_chance(c->g, 15))
                put_const(c->g, c->out, wide ? 'I' : 'i');
        else
                put_value(l);
        put_op(c, l->e->store);
        put_where(l);
}

void put_loop_over_elements(struct body *c)
{
        struct loop l = { .c = c, .e = &elements[random_below(c->g, ELEMENTSOF(elements))],
                          .index = c->scratch[3], .stride = random_chance(c->g, 80) ? 1 : 1 + random_below(c->g, 4) };
        unsigned end = 1 + random_below(c->g, 70);

        clean_top(c);
        put_i32(c, 0);
        put_indexed(c, OP_LOCAL_SET, l.index);
        put_op(c, OP_I64_CONST);
        buffer_sleb(c->out, 0);
        put_indexed(c, OP_LOCAL_SET, c->scratch[4]);
        put_op(c, OP_LOOP);
        buffer_u8(c->out, 0x40);
        for (unsigned n = 1 + random_below(c->g, 2); n > 0; n--)
                put_statement(&l);
        put_indexed(c, OP_LOCAL_GET, l.index);
        put_i32(c, 1);
        put_op(c, OP_I32_ADD);
        put_indexed(c, OP_LOCAL_TEE, l.index);
        put_i32(c, end);
        put_op(c, OP_I32_LT_U);
        put_indexed(c, OP_BR_IF, 0);
        put_op(c, OP_END);
        put_indexed(c, OP_LOCAL_GET, c->scratch[4]);
        push(c, 'I');
}
