/* lower_simd_v128.c - vector instructions on all bits, and those of memory. */
#include "engine/compile/peak/lower_simd.h"

void vector_bits_not(struct vector *v)
{
        push_vector(v, LLVMBuildNot(v->l->b, pop(v->s), ""));
}

void vector_bits_andnot(struct vector *v)
{
        LLVMValueRef b = LLVMBuildNot(v->l->b, pop(v->s), "");

        push_vector(v, LLVMBuildAnd(v->l->b, pop(v->s), b, ""));
}

void vector_bits_select(struct vector *v)
{
        LLVMValueRef c = pop(v->s), b = pop(v->s), a = pop(v->s);

        a = LLVMBuildAnd(v->l->b, a, c, "");
        b = LLVMBuildAnd(v->l->b, b, LLVMBuildNot(v->l->b, c, ""), "");
        push_vector(v, LLVMBuildOr(v->l->b, a, b, ""));
}

void vector_any_true(struct vector *v)
{
        LLVMTypeRef word = LLVMIntTypeInContext(v->l->context, 128);

        push_condition(v, LLVMBuildICmp(v->l->b, LLVMIntNE, pop_as(v, word), LLVMConstNull(word), ""));
}

void vector_constant(struct vector *v)
{
        LLVMValueRef lanes[2] = { const_i64(v->l, v->in->bits[0]), const_i64(v->l, v->in->bits[1]) };

        push(v->s, LLVMConstVector(lanes, 2));
}

static LLVMValueRef pop_pointer(struct vector *v)
{
        body_mark(v->s, v->in->at);
        return memory_pointer(v->s, v->in->index, pop(v->s), v->in->offset,
                              opcode_access_bytes((enum opcode)v->in->op));
}

/* A load whose value is dropped must trap all the same. */
static LLVMValueRef load_type(struct vector *v, LLVMTypeRef type)
{
        LLVMValueRef x = memory_load(v->s, type, pop_pointer(v));

        LLVMSetVolatile(x, *v->s->cursor.at == 0x1a);
        return x;
}

void vector_load_whole(struct vector *v)
{
        push(v->s, load_type(v, v->l->v128));
}

void vector_store_whole(struct vector *v)
{
        LLVMValueRef x = pop(v->s);

        memory_store(v->s, x, pop_pointer(v));
}

void vector_load_extend(struct vector *v) /* extra: bits of a lane in memory */
{
        unsigned bits = (unsigned)v->extra;
        LLVMValueRef x = load_type(v, integers(v, bits, 64 / bits));

        push_vector(v, widen(v, x, integers(v, 2 * bits, 64 / bits)));
}

void vector_load_splat(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;

        push_vector(v, splat_value(v, load_type(v, LLVMIntTypeInContext(v->l->context, bits)),
                                   integers(v, bits, 128 / bits)));
}

void vector_load_zero(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;
        LLVMTypeRef type = integers(v, bits, 128 / bits);
        LLVMValueRef x = load_type(v, LLVMIntTypeInContext(v->l->context, bits));

        push_vector(v, LLVMBuildInsertElement(v->l->b, LLVMConstNull(type), x, const_i32(v->l, 0), ""));
}

void vector_load_lane(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;
        LLVMValueRef a = pop_as(v, integers(v, bits, 128 / bits));
        LLVMValueRef x = load_type(v, LLVMIntTypeInContext(v->l->context, bits));

        v->s->lanes = true;
        push_vector(v, LLVMBuildInsertElement(v->l->b, a, x, lane_index(v), ""));
}

void vector_store_lane(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;
        LLVMValueRef a = pop_as(v, integers(v, bits, 128 / bits));

        memory_store(v->s, LLVMBuildExtractElement(v->l->b, a, lane_index(v), ""), pop_pointer(v));
}
