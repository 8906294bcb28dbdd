/* vector.h - the operand stack around the vector instructions of simd.h. */
#pragma once

#include "engine/compile/fast/variable.h"
#include "engine/compile/fast/x64/simd.h"

static void vector_constant(struct generator *g, const struct instruction *in)
{
        struct operand rm = asm_constant(&g->a, in->bytes);

        push_constant(g, T_V128, (uint32_t)rm.disp);
}

static void vector_load(struct generator *g, const struct instruction *in)
{
        struct entry address = stack_pop(g);
        struct access x;
        unsigned dst;

        access_begin(g, &x, &address, in->offset, 16, in->index);
        dst = reg_result(g, VEC_MASK, 0, NULL);
        map_add(g, asm_pc(&g->a), wasm_here(g));
        op_sse2(g, 0, 0x10, 0, dst, x.operand);
        access_done(g, &x, 0);
        push_reg(g, T_V128, dst);
}

/* Popped entry as an xmm that simd.h reads. */
static enum xmm vector_source(struct generator *g, struct entry *e)
{
        return (enum xmm)xmm_of(entry_reg(g, e));
}

struct vector_temps {
        unsigned n, ng;
        unsigned vectors[3], gprs[2];
};

static void vector_temps_take(struct generator *g, const struct simd_rule *rule,
                              struct simd_operands *o, struct vector_temps *t)
{
        t->n = rule->ntemps;
        t->ng = rule->ngtemps;
        for (unsigned i = 0; i < t->n; i++) {
                t->vectors[i] = reg_alloc(g, VEC_MASK);
                o->temps[i] = (enum xmm)xmm_of(t->vectors[i]);
        }
        for (unsigned i = 0; i < t->ng; i++) {
                t->gprs[i] = reg_alloc(g, GPR_MASK);
                o->gtemps[i] = (enum gpr)t->gprs[i];
        }
}

static void vector_temps_free(struct generator *g, const struct vector_temps *t)
{
        for (unsigned i = 0; i < t->n; i++)
                reg_free(g, t->vectors[i]);
        for (unsigned i = 0; i < t->ng; i++)
                reg_free(g, t->gprs[i]);
}

/* The result register of a vector instruction that reads @first and, after its first write, also
 * what is in @busy. */
static unsigned vector_result(struct generator *g, uint32_t busy, const struct entry *first,
                              struct simd_operands *o)
{
        unsigned dst = reg_result(g, VEC_MASK, busy, first);

        o->dst = (enum xmm)xmm_of(dst);
        return dst;
}

static void vector_memory(struct generator *g, const struct instruction *in,
                          const struct simd_rule *rule)
{
        struct simd_operands o = { .lane = in->lane };
        struct entry value = { .kind = ENTRY_CONST }, address;
        struct vector_temps temps;
        struct access x;
        unsigned dst = REG_NONE;

        if (rule->shape != SIMD_LOAD)
                value = stack_pop(g);
        address = stack_pop(g);
        if (rule->shape != SIMD_LOAD)
                o.a = vector_source(g, &value);
        access_begin(g, &x, &address, in->offset, opcode_access_bytes((enum opcode)in->op),
                     in->index);
        vector_temps_take(g, rule, &o, &temps);
        if (rule->shape != SIMD_STORE_LANE)
                dst = vector_result(g, 0, &value, &o);
        o.memory = x.operand;
        simd_emit(&g->a, (enum opcode)in->op, &o);
        map_add(g, o.fault_pc, wasm_here(g));
        access_done(g, &x, 0);
        vector_temps_free(g, &temps);
        if (rule->shape == SIMD_STORE_LANE)
                entry_release(g, &value);
        else if (rule->shape == SIMD_LOAD)
                push_reg(g, T_V128, dst);
        else
                push_result(g, T_V128, dst, &value, NULL);
}

/* Second operands that may stay where they are. */
static struct operand vector_second(struct generator *g, const struct simd_rule *rule,
                                    struct entry *e)
{
        struct operand rm;

        if (rule->b_memory && (in_memory(g, e) || is_const(e))) {
                rm = entry_operand(g, e);
                if (rm.kind == OPERAND_REGISTER)
                        rm.base &= 15;
                return rm;
        }
        return op_reg(vector_source(g, e));
}

static void vector_to_vector(struct generator *g, const struct instruction *in,
                             const struct simd_rule *rule)
{
        struct simd_operands o = { .lane = in->lane, .lanes = in->bytes };
        struct entry a, b = { .kind = ENTRY_CONST }, c = { .kind = ENTRY_CONST };
        struct vector_temps temps;
        uint32_t busy = 0;
        unsigned dst;

        if (rule->shape == SIMD_TERNARY)
                c = stack_pop(g);
        if (rule->shape == SIMD_TERNARY || rule->shape == SIMD_BINARY ||
            rule->shape == SIMD_SHUFFLE || rule->shape == SIMD_REPLACE_F)
                b = stack_pop(g);
        a = stack_pop(g);
        if (rule->shape == SIMD_TERNARY)
                o.c = vector_source(g, &c);
        if (b.type)
                o.b = vector_second(g, rule, &b);
        o.a = vector_source(g, &a);
        if (b.type)
                busy = (entry_reads(g, &b) | entry_reads(g, &c)) & VEC_MASK;
        vector_temps_take(g, rule, &o, &temps);
        dst = vector_result(g, rule->dst_is_not_b ? busy : 0, &a, &o);
        simd_emit(&g->a, (enum opcode)in->op, &o);
        vector_temps_free(g, &temps);
        if (c.type)
                entry_release_but(g, &c, BIT(dst));
        push_result(g, rule->shape == SIMD_EXTRACT_F
                               ? (in->op == OP_F32X4_EXTRACT_LANE ? T_F32 : T_F64)
                               : T_V128,
                    dst, &a, b.type ? &b : NULL);
}

static unsigned lane_bits(enum opcode op)
{
        switch (op) {
        case OP_I8X16_SHL:
        case OP_I8X16_SHR_S:
        case OP_I8X16_SHR_U:
                return 8;
        case OP_I16X8_SHL:
        case OP_I16X8_SHR_S:
        case OP_I16X8_SHR_U:
                return 16;
        case OP_I64X2_SHL:
        case OP_I64X2_SHR_S:
        case OP_I64X2_SHR_U:
                return 64;
        default:
                return 32;
        }
}

/* Vector and general register in, vector out. */
static void vector_with_general(struct generator *g, const struct instruction *in,
                                const struct simd_rule *rule)
{
        struct simd_operands o = { .lane = in->lane };
        struct entry n = stack_pop(g), a = { .kind = ENTRY_CONST };
        struct vector_temps temps;
        unsigned dst;

        if (rule->shape != SIMD_SPLAT_G) {
                a = stack_pop(g);
                o.a = vector_source(g, &a);
        }
        if (rule->shape == SIMD_SHIFT && is_const(&n)) {
                o.has_count = true;
                o.count = (uint8_t)(n.constant % lane_bits((enum opcode)in->op));
        } else {
                o.g = (enum gpr)entry_reg(g, &n);
        }
        vector_temps_take(g, rule, &o, &temps);
        dst = vector_result(g, 0, &a, &o);
        simd_emit(&g->a, (enum opcode)in->op, &o);
        vector_temps_free(g, &temps);
        entry_release(g, &n);
        push_result(g, T_V128, dst, &a, NULL);
}

/* Vector in, general register out. */
static void vector_to_general(struct generator *g, const struct instruction *in,
                              const struct simd_rule *rule)
{
        struct simd_operands o = { .lane = in->lane };
        struct entry a = stack_pop(g);
        struct vector_temps temps;
        unsigned dst;

        o.a = vector_source(g, &a);
        vector_temps_take(g, rule, &o, &temps);
        dst = reg_result(g, GPR_MASK, 0, NULL);
        o.g = (enum gpr)dst;
        simd_emit(&g->a, (enum opcode)in->op, &o);
        vector_temps_free(g, &temps);
        entry_release(g, &a);
        push_reg(g, in->op == OP_I64X2_EXTRACT_LANE ? T_I64 : T_I32, dst);
}

static void vector_instruction(struct generator *g, const struct instruction *in)
{
        struct simd_rule rule;

        switch (in->op) {
        case OP_V128_CONST:
                vector_constant(g, in);
                return;
        case OP_V128_LOAD:
                vector_load(g, in);
                return;
        case OP_V128_STORE:
                memory_store(g, T_V128, 16, in->offset, in->index);
                return;
        }
        rule = simd_rule((enum opcode)in->op, g->a.cpu);
        switch ((enum simd_shape)rule.shape) {
        case SIMD_LOAD:
        case SIMD_LOAD_LANE:
        case SIMD_STORE_LANE:
                vector_memory(g, in, &rule);
                break;
        case SIMD_SHIFT:
        case SIMD_SPLAT_G:
        case SIMD_REPLACE_G:
                vector_with_general(g, in, &rule);
                break;
        case SIMD_TEST:
        case SIMD_EXTRACT_G:
                vector_to_general(g, in, &rule);
                break;
        case SIMD_NOT:
                abort();
        default:
                vector_to_vector(g, in, &rule);
                break;
        }
}
