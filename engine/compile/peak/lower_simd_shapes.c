/* lower_simd_shapes.c - vector instructions between shapes: lanes wider, narrower, moved, of another type. */
#include "engine/compile/peak/lower_simd.h"

void vector_narrow(struct vector *v) /* two vectors of wider lanes, saturated */
{
        LLVMTypeRef wide = integers(v, 2 * v->bits, v->lanes / 2), twice;
        LLVMValueRef b = pop_as(v, wide), a = pop_as(v, wide), x;
        int64_t high = v->is_signed ? (INT64_C(1) << (v->bits - 1)) - 1 : (INT64_C(1) << v->bits) - 1;
        int64_t low = v->is_signed ? -high - 1 : 0;

        twice = integers(v, 2 * v->bits, v->lanes);
        x = pick_lanes(v, a, b, v->lanes, 0, 1);
        x = intrinsic2(v, "llvm.smin", x, all_lanes(v, twice, (uint64_t)high));
        x = intrinsic2(v, "llvm.smax", x, all_lanes(v, twice, (uint64_t)low));
        push_vector(v, LLVMBuildTrunc(v->l->b, x, v->type, ""));
}

/* Half of a vector with lanes half as wide, widened to the shape. */
static LLVMValueRef pop_half(struct vector *v)
{
        LLVMTypeRef narrow_type = integers(v, v->bits / 2, v->lanes * 2);
        LLVMValueRef a = pop_as(v, narrow_type);

        a = pick_lanes(v, a, LLVMGetPoison(narrow_type), v->lanes, v->high ? v->lanes : 0, 1);
        return widen(v, a, v->type);
}

void vector_extend_half(struct vector *v)
{
        push_vector(v, pop_half(v));
}

void vector_multiply_halves(struct vector *v)
{
        LLVMValueRef b = pop_half(v), a = pop_half(v);

        push_vector(v, LLVMBuildMul(v->l->b, a, b, ""));
}

void vector_add_pairs(struct vector *v)
{
        LLVMTypeRef narrow_type = integers(v, v->bits / 2, v->lanes * 2);
        LLVMValueRef a = pop_as(v, narrow_type), none = LLVMGetPoison(narrow_type);
        LLVMValueRef even = widen(v, pick_lanes(v, a, none, v->lanes, 0, 2), v->type);
        LLVMValueRef odd = widen(v, pick_lanes(v, a, none, v->lanes, 1, 2), v->type);

        push_vector(v, LLVMBuildAdd(v->l->b, even, odd, ""));
}

void vector_dot(struct vector *v)
{
        LLVMTypeRef half = integers(v, 16, 8), wide = integers(v, 32, 8);
        LLVMValueRef b = LLVMBuildSExt(v->l->b, pop_as(v, half), wide, "");
        LLVMValueRef a = LLVMBuildSExt(v->l->b, pop_as(v, half), wide, "");

        a = LLVMBuildMul(v->l->b, a, b, "");
        push_vector(v, LLVMBuildAdd(v->l->b, pick_lanes(v, a, LLVMGetPoison(wide), 4, 0, 2),
                                    pick_lanes(v, a, LLVMGetPoison(wide), 4, 1, 2), ""));
}

/* Relaxed: products of signed bytes, the sums of pairs saturated, in lanes of 16 bits. */
static LLVMValueRef pop_dot8(struct vector *v)
{
        LLVMTypeRef bytes = integers(v, 8, 16), half = integers(v, 16, 16);
        LLVMValueRef b = LLVMBuildSExt(v->l->b, pop_as(v, bytes), half, "");
        LLVMValueRef a = LLVMBuildSExt(v->l->b, pop_as(v, bytes), half, "");
        LLVMValueRef none = LLVMGetPoison(half);

        a = LLVMBuildMul(v->l->b, a, b, "");
        b = pick_lanes(v, a, none, 8, 1, 2);
        a = pick_lanes(v, a, none, 8, 0, 2);
        return intrinsic2(v, "llvm.sadd.sat", a, b);
}

void vector_dot8(struct vector *v)
{
        push_vector(v, pop_dot8(v));
}

void vector_dot8_add(struct vector *v)
{
        LLVMValueRef c = pop_as(v, v->type), a = pop_dot8(v), none = LLVMGetPoison(LLVMTypeOf(a));
        LLVMValueRef even = LLVMBuildSExt(v->l->b, pick_lanes(v, a, none, 4, 0, 2), v->type, "");
        LLVMValueRef odd = LLVMBuildSExt(v->l->b, pick_lanes(v, a, none, 4, 1, 2), v->type, "");

        a = LLVMBuildAdd(v->l->b, even, odd, "");
        push_vector(v, LLVMBuildAdd(v->l->b, a, c, ""));
}

/* Relaxed: two roundings on every processor; nothing may contract them. */
void vector_multiply_then(struct vector *v) /* extra: LLVMFAdd, or LLVMFSub: c - a * b */
{
        LLVMValueRef c = pop_as(v, v->type), b = pop_as(v, v->type), a = pop_as(v, v->type);

        a = LLVMBuildFMul(v->l->b, a, b, "");
        push_vector(v, LLVMBuildBinOp(v->l->b, (LLVMOpcode)v->extra, c, a, ""));
}

void vector_q15_multiply(struct vector *v)
{
        LLVMTypeRef wide = integers(v, 32, 8);
        LLVMValueRef b = LLVMBuildSExt(v->l->b, pop_as(v, v->type), wide, "");
        LLVMValueRef a = LLVMBuildSExt(v->l->b, pop_as(v, v->type), wide, "");

        a = LLVMBuildAdd(v->l->b, LLVMBuildMul(v->l->b, a, b, ""), all_lanes(v, wide, 0x4000), "");
        a = LLVMBuildAShr(v->l->b, a, all_lanes(v, wide, 15), "");
        a = intrinsic2(v, "llvm.smin", a, all_lanes(v, wide, 0x7fff));
        push_vector(v, LLVMBuildTrunc(v->l->b, a, v->type, ""));
}

void vector_from_integers(struct vector *v) /* f32x4.convert_i32x4, f64x2.convert_low_i32x4 */
{
        LLVMTypeRef from = integers(v, 32, 4);
        LLVMValueRef a = pop_as(v, from);

        if (v->lanes == 2)
                a = pick_lanes(v, a, LLVMGetPoison(from), 2, 0, 1);
        push_vector(v, v->is_signed ? LLVMBuildSIToFP(v->l->b, a, v->type, "")
                                    : LLVMBuildUIToFP(v->l->b, a, v->type, ""));
}

void vector_to_integers(struct vector *v) /* i32x4.trunc_sat_...; extra: from f64x2, upper half zero */
{
        LLVMTypeRef from = LLVMVectorType(v->extra ? v->l->f64 : v->l->f32, v->extra ? 2 : 4);
        LLVMTypeRef types[2] = { integers(v, 32, v->extra ? 2 : 4), from };
        LLVMValueRef a = pop_as(v, from);

        a = call_intrinsic(v->l, v->is_signed ? "llvm.fptosi.sat" : "llvm.fptoui.sat", types, 2, &a, 1);
        if (v->extra)
                a = pick_lanes(v, a, LLVMConstNull(types[0]), 4, 0, 1);
        push_vector(v, a);
}

void vector_demote(struct vector *v)
{
        LLVMTypeRef from = LLVMVectorType(v->l->f64, 2), half = LLVMVectorType(v->l->f32, 2);
        LLVMValueRef a = LLVMBuildFPTrunc(v->l->b, pop_as(v, from), half, "");

        push_vector(v, pick_lanes(v, a, LLVMConstNull(half), 4, 0, 1));
}

void vector_promote(struct vector *v)
{
        LLVMTypeRef from = LLVMVectorType(v->l->f32, 4);
        LLVMValueRef a = pick_lanes(v, pop_as(v, from), LLVMGetPoison(from), 2, 0, 1);

        push_vector(v, LLVMBuildFPExt(v->l->b, a, v->type, ""));
}

void vector_shuffle(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type), mask[16];

        for (unsigned i = 0; i < 16; i++)
                mask[i] = const_i32(v->l, v->in->bytes[i]);
        push_vector(v, LLVMBuildShuffleVector(v->l->b, a, b, LLVMConstVector(mask, 16), ""));
}

/* An index of 16 or more gives 0: adding 0x70 with saturation sets its bit 7, which is what the
 * machine's byte shuffle looks at. */
void vector_swizzle(struct vector *v)
{
        LLVMValueRef index = pop_as(v, v->type), args[2] = { pop_as(v, v->type) };

        if (v->l->machine == MACHINE_AARCH64) { /* this one gives 0 itself */
                args[1] = index;
                push_vector(v, call_intrinsic(v->l, "llvm.aarch64.neon.tbl1", &v->type, 1, args, 2));
                return;
        }
        args[1] = intrinsic2(v, "llvm.uadd.sat", index, all_lanes(v, v->type, 0x70));
        push_vector(v, call_intrinsic(v->l, "llvm.x86.ssse3.pshuf.b.128", NULL, 0, args, 2));
}
