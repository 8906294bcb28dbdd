/* lower_simd.h - one vector instruction on its way to LLVM IR (lower_simd*.c only). */
#pragma once

#include "engine/compile/peak/lower.h"

struct vector {
        struct body *s;
        struct lowering *l;
        const struct instruction *in;
        LLVMTypeRef type, element; /* of the shape */
        unsigned lanes, bits;
        bool is_float;
        bool is_signed;            /* the keyword has _s */
        bool high;                 /* ... or _high_ */
        int extra;                 /* of the row */
};

/* The functions of lower_simd.def. */
typedef void vector_lower(struct vector *v);

#define ROW(suffix, operation, extra) vector_lower vector_##operation;
#include "engine/compile/peak/lower_simd.def"
#undef ROW

LLVMValueRef all_lanes(struct vector *v, LLVMTypeRef type, uint64_t value);
/* @n lanes of @a and @b, counted through both: @first, @first + @step... */
LLVMValueRef pick_lanes(struct vector *v, LLVMValueRef a, LLVMValueRef b, unsigned n, unsigned first,
                        unsigned step);
LLVMValueRef intrinsic1(struct vector *v, const char *name, LLVMValueRef a);
LLVMValueRef intrinsic2(struct vector *v, const char *name, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef splat_value(struct vector *v, LLVMValueRef x, LLVMTypeRef type);
LLVMValueRef lane_index(struct vector *v);             /* the immediate */
void push_condition(struct vector *v, LLVMValueRef c); /* i1 as i32 */

static inline LLVMTypeRef integers(struct vector *v, unsigned bits, unsigned lanes)
{
        return LLVMVectorType(LLVMIntTypeInContext(v->l->context, bits), lanes);
}

static inline LLVMValueRef as(struct vector *v, LLVMValueRef x, LLVMTypeRef type)
{
        return LLVMBuildBitCast(v->l->b, x, type, "");
}

static inline LLVMValueRef pop_as(struct vector *v, LLVMTypeRef type)
{
        return as(v, pop(v->s), type);
}

static inline void push_vector(struct vector *v, LLVMValueRef x)
{
        push(v->s, as(v, x, v->l->v128));
}

static inline LLVMValueRef widen(struct vector *v, LLVMValueRef x, LLVMTypeRef type)
{
        return v->is_signed ? LLVMBuildSExt(v->l->b, x, type, "") : LLVMBuildZExt(v->l->b, x, type, "");
}
