/* lower_simd_lanes.c - vector instructions that work lane by lane. */
#include "engine/compile/peak/lower_simd.h"

void vector_binary(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);

        push_vector(v, LLVMBuildBinOp(v->l->b, (LLVMOpcode)v->extra, a, b, ""));
}

void vector_arithmetic(struct vector *v) /* extra: the integer opcode << 8 | the float one */
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);
        LLVMOpcode op = (LLVMOpcode)(v->is_float ? v->extra & 0xff : v->extra >> 8);

        push_vector(v, LLVMBuildBinOp(v->l->b, op, a, b, ""));
}

void vector_compare(struct vector *v) /* extra: the integer predicate << 8 | the float one */
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type), r;

        if (v->is_float)
                r = LLVMBuildFCmp(v->l->b, (LLVMRealPredicate)(v->extra & 0xff), a, b, "");
        else
                r = LLVMBuildICmp(v->l->b, (LLVMIntPredicate)(v->extra >> 8), a, b, "");
        push_vector(v, LLVMBuildSExt(v->l->b, r, integers(v, v->bits, v->lanes), ""));
}

static const char *const intrinsics[] = {
        "llvm.sadd.sat", "llvm.uadd.sat", "llvm.ssub.sat", "llvm.usub.sat", "llvm.smin", "llvm.umin",
        "llvm.smax", "llvm.umax", "llvm.ctpop", "llvm.ceil", "llvm.floor", "llvm.trunc",
        "llvm.roundeven", "llvm.sqrt",
};

void vector_two_by_intrinsic(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);

        push_vector(v, intrinsic2(v, intrinsics[v->extra], a, b));
}

void vector_one_by_intrinsic(struct vector *v)
{
        push_vector(v, intrinsic1(v, intrinsics[v->extra], pop_as(v, v->type)));
}

void vector_min_max(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);

        push_vector(v, float_min_max(v->s, a, b, v->extra));
}

void vector_pseudo_min_max(struct vector *v) /* b < a ? b : a, and a < b ? b : a */
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type), c;

        c = v->extra ? LLVMBuildFCmp(v->l->b, LLVMRealOLT, a, b, "")
                     : LLVMBuildFCmp(v->l->b, LLVMRealOLT, b, a, "");
        push_vector(v, LLVMBuildSelect(v->l->b, c, b, a, ""));
}

void vector_negate(struct vector *v)
{
        LLVMValueRef a = pop_as(v, v->type);

        push_vector(v, v->is_float ? LLVMBuildFNeg(v->l->b, a, "") : LLVMBuildNeg(v->l->b, a, ""));
}

void vector_absolute(struct vector *v)
{
        LLVMValueRef args[2] = { pop_as(v, v->type), LLVMConstInt(v->l->i1, 0, false) };

        push_vector(v, v->is_float ? intrinsic1(v, "llvm.fabs", args[0])
                                   : call_intrinsic(v->l, "llvm.abs", &v->type, 1, args, 2));
}

void vector_average(struct vector *v)
{
        LLVMTypeRef wide = integers(v, 2 * v->bits, v->lanes);
        LLVMValueRef b = LLVMBuildZExt(v->l->b, pop_as(v, v->type), wide, "");
        LLVMValueRef a = LLVMBuildZExt(v->l->b, pop_as(v, v->type), wide, "");

        a = LLVMBuildAdd(v->l->b, LLVMBuildAdd(v->l->b, a, b, ""), all_lanes(v, wide, 1), "");
        a = LLVMBuildLShr(v->l->b, a, all_lanes(v, wide, 1), "");
        push_vector(v, LLVMBuildTrunc(v->l->b, a, v->type, ""));
}

LLVMValueRef splat_value(struct vector *v, LLVMValueRef x, LLVMTypeRef type)
{
        LLVMValueRef one = LLVMBuildInsertElement(v->l->b, LLVMGetPoison(type), x, const_i32(v->l, 0), "");

        return pick_lanes(v, one, LLVMGetPoison(type), LLVMGetVectorSize(type), 0, 0);
}

static LLVMValueRef lane_of_operand(struct vector *v, LLVMValueRef x)
{
        return LLVMTypeOf(x) == v->element ? x : LLVMBuildTrunc(v->l->b, x, v->element, "");
}

void vector_splat(struct vector *v)
{
        push_vector(v, splat_value(v, lane_of_operand(v, pop(v->s)), v->type));
}

void vector_shift(struct vector *v)
{
        LLVMValueRef count = LLVMBuildAnd(v->l->b, pop(v->s), const_i32(v->l, v->bits - 1), "");
        LLVMValueRef a = pop_as(v, v->type);

        if (v->bits > 32)
                count = LLVMBuildZExt(v->l->b, count, v->element, "");
        else if (v->bits < 32)
                count = LLVMBuildTrunc(v->l->b, count, v->element, "");
        push_vector(v, LLVMBuildBinOp(v->l->b, (LLVMOpcode)v->extra, a, splat_value(v, count, v->type), ""));
}

LLVMValueRef lane_index(struct vector *v)
{
        return const_i32(v->l, v->in->lane);
}

void vector_extract(struct vector *v)
{
        LLVMValueRef x = LLVMBuildExtractElement(v->l->b, pop_as(v, v->type), lane_index(v), "");

        if (v->bits < 32)
                x = widen(v, x, v->l->i32);
        push(v->s, x);
}

void vector_replace(struct vector *v)
{
        LLVMValueRef x = lane_of_operand(v, pop(v->s)), a = pop_as(v, v->type);

        v->s->lanes = true;
        push_vector(v, LLVMBuildInsertElement(v->l->b, a, x, lane_index(v), ""));
}

void push_condition(struct vector *v, LLVMValueRef c)
{
        push(v->s, LLVMBuildZExt(v->l->b, c, v->l->i32, ""));
}

void vector_all_true(struct vector *v)
{
        LLVMValueRef a = pop_as(v, v->type);
        LLVMTypeRef word = LLVMIntTypeInContext(v->l->context, v->lanes);

        a = LLVMBuildICmp(v->l->b, LLVMIntEQ, a, LLVMConstNull(v->type), "");
        push_condition(v, LLVMBuildICmp(v->l->b, LLVMIntEQ, as(v, a, word), LLVMConstNull(word), ""));
}

void vector_bitmask(struct vector *v)
{
        LLVMValueRef a = pop_as(v, v->type);

        a = LLVMBuildICmp(v->l->b, LLVMIntSLT, a, LLVMConstNull(v->type), "");
        a = as(v, a, LLVMIntTypeInContext(v->l->context, v->lanes));
        push(v->s, LLVMBuildZExt(v->l->b, a, v->l->i32, ""));
}
