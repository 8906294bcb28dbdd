/* Vectors (section 4.3.4). The keyword says what to do: "i16x8.add_sat_s" is the shape i16x8 and
 * the operation add_sat_s, so one row an operation serves all shapes that have it. */
#include "engine/compile/peak/lower.h"

#include <stdlib.h>
#include <string.h>

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

typedef void vector_lower(struct vector *v);


static LLVMTypeRef integers(struct vector *v, unsigned bits, unsigned lanes)
{
        return LLVMVectorType(LLVMIntTypeInContext(v->l->context, bits), lanes);
}

static LLVMValueRef as(struct vector *v, LLVMValueRef x, LLVMTypeRef type)
{
        return LLVMBuildBitCast(v->l->b, x, type, "");
}

static LLVMValueRef pop_as(struct vector *v, LLVMTypeRef type)
{
        return as(v, pop(v->s), type);
}

static void push_vector(struct vector *v, LLVMValueRef x)
{
        push(v->s, as(v, x, v->l->v128));
}

static LLVMValueRef all_lanes(struct vector *v, LLVMTypeRef type, uint64_t value)
{
        LLVMValueRef lanes[16];
        unsigned n = LLVMGetVectorSize(type);

        (void)v;
        for (unsigned i = 0; i < n; i++)
                lanes[i] = LLVMConstInt(LLVMGetElementType(type), value, true);
        return LLVMConstVector(lanes, n);
}

static LLVMValueRef pick_lanes(struct vector *v, LLVMValueRef a, LLVMValueRef b, unsigned n,
                               unsigned first, unsigned step)
{
        LLVMValueRef mask[16];

        for (unsigned i = 0; i < n; i++)
                mask[i] = const_i32(v->l, first + i * step);
        return LLVMBuildShuffleVector(v->l->b, a, b, LLVMConstVector(mask, n), "");
}

static LLVMValueRef widen(struct vector *v, LLVMValueRef x, LLVMTypeRef type)
{
        return v->is_signed ? LLVMBuildSExt(v->l->b, x, type, "") : LLVMBuildZExt(v->l->b, x, type, "");
}

static LLVMValueRef intrinsic1(struct vector *v, const char *name, LLVMValueRef a)
{
        LLVMTypeRef t = LLVMTypeOf(a);

        return call_intrinsic(v->l, name, &t, 1, &a, 1);
}

static LLVMValueRef intrinsic2(struct vector *v, const char *name, LLVMValueRef a, LLVMValueRef b)
{
        LLVMTypeRef t = LLVMTypeOf(a);
        LLVMValueRef args[2] = { a, b };

        return call_intrinsic(v->l, name, &t, 1, args, 2);
}

/* ---- lane by lane ---------------------------------------------------------------------------- */

static void binary(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);

        push_vector(v, LLVMBuildBinOp(v->l->b, (LLVMOpcode)v->extra, a, b, ""));
}

static void arithmetic(struct vector *v) /* extra: the integer opcode << 8 | the float one */
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);
        LLVMOpcode op = (LLVMOpcode)(v->is_float ? v->extra & 0xff : v->extra >> 8);

        push_vector(v, LLVMBuildBinOp(v->l->b, op, a, b, ""));
}

static void compare(struct vector *v) /* extra: the integer predicate << 8 | the float one */
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

static void two_by_intrinsic(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);

        push_vector(v, intrinsic2(v, intrinsics[v->extra], a, b));
}

static void one_by_intrinsic(struct vector *v)
{
        push_vector(v, intrinsic1(v, intrinsics[v->extra], pop_as(v, v->type)));
}

static void min_max(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type);

        push_vector(v, float_min_max(v->s, a, b, v->extra));
}

static void pseudo_min_max(struct vector *v) /* b < a ? b : a, and a < b ? b : a */
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type), c;

        c = v->extra ? LLVMBuildFCmp(v->l->b, LLVMRealOLT, a, b, "")
                     : LLVMBuildFCmp(v->l->b, LLVMRealOLT, b, a, "");
        push_vector(v, LLVMBuildSelect(v->l->b, c, b, a, ""));
}

static void negate(struct vector *v)
{
        LLVMValueRef a = pop_as(v, v->type);

        push_vector(v, v->is_float ? LLVMBuildFNeg(v->l->b, a, "") : LLVMBuildNeg(v->l->b, a, ""));
}

static void absolute(struct vector *v)
{
        LLVMValueRef args[2] = { pop_as(v, v->type), LLVMConstInt(v->l->i1, 0, false) };

        push_vector(v, v->is_float ? intrinsic1(v, "llvm.fabs", args[0])
                                   : call_intrinsic(v->l, "llvm.abs", &v->type, 1, args, 2));
}

static void average(struct vector *v)
{
        LLVMTypeRef wide = integers(v, 2 * v->bits, v->lanes);
        LLVMValueRef b = LLVMBuildZExt(v->l->b, pop_as(v, v->type), wide, "");
        LLVMValueRef a = LLVMBuildZExt(v->l->b, pop_as(v, v->type), wide, "");

        a = LLVMBuildAdd(v->l->b, LLVMBuildAdd(v->l->b, a, b, ""), all_lanes(v, wide, 1), "");
        a = LLVMBuildLShr(v->l->b, a, all_lanes(v, wide, 1), "");
        push_vector(v, LLVMBuildTrunc(v->l->b, a, v->type, ""));
}

static LLVMValueRef splat_value(struct vector *v, LLVMValueRef x, LLVMTypeRef type)
{
        LLVMValueRef one = LLVMBuildInsertElement(v->l->b, LLVMGetPoison(type), x, const_i32(v->l, 0), "");

        return pick_lanes(v, one, LLVMGetPoison(type), LLVMGetVectorSize(type), 0, 0);
}

static LLVMValueRef lane_of_operand(struct vector *v, LLVMValueRef x)
{
        return LLVMTypeOf(x) == v->element ? x : LLVMBuildTrunc(v->l->b, x, v->element, "");
}

static void splat(struct vector *v)
{
        push_vector(v, splat_value(v, lane_of_operand(v, pop(v->s)), v->type));
}

static void shift(struct vector *v)
{
        LLVMValueRef count = LLVMBuildAnd(v->l->b, pop(v->s), const_i32(v->l, v->bits - 1), "");
        LLVMValueRef a = pop_as(v, v->type);

        if (v->bits > 32)
                count = LLVMBuildZExt(v->l->b, count, v->element, "");
        else if (v->bits < 32)
                count = LLVMBuildTrunc(v->l->b, count, v->element, "");
        push_vector(v, LLVMBuildBinOp(v->l->b, (LLVMOpcode)v->extra, a, splat_value(v, count, v->type), ""));
}

static LLVMValueRef lane_index(struct vector *v)
{
        return const_i32(v->l, v->in->lane);
}

static void extract(struct vector *v)
{
        LLVMValueRef x = LLVMBuildExtractElement(v->l->b, pop_as(v, v->type), lane_index(v), "");

        if (v->bits < 32)
                x = widen(v, x, v->l->i32);
        push(v->s, x);
}

static void replace(struct vector *v)
{
        LLVMValueRef x = lane_of_operand(v, pop(v->s)), a = pop_as(v, v->type);

        push_vector(v, LLVMBuildInsertElement(v->l->b, a, x, lane_index(v), ""));
}

static void push_condition(struct vector *v, LLVMValueRef c)
{
        push(v->s, LLVMBuildZExt(v->l->b, c, v->l->i32, ""));
}

static void all_true(struct vector *v)
{
        LLVMValueRef a = pop_as(v, v->type);
        LLVMTypeRef word = LLVMIntTypeInContext(v->l->context, v->lanes);

        a = LLVMBuildICmp(v->l->b, LLVMIntEQ, a, LLVMConstNull(v->type), "");
        push_condition(v, LLVMBuildICmp(v->l->b, LLVMIntEQ, as(v, a, word), LLVMConstNull(word), ""));
}

static void bitmask(struct vector *v)
{
        LLVMValueRef a = pop_as(v, v->type);

        a = LLVMBuildICmp(v->l->b, LLVMIntSLT, a, LLVMConstNull(v->type), "");
        a = as(v, a, LLVMIntTypeInContext(v->l->context, v->lanes));
        push(v->s, LLVMBuildZExt(v->l->b, a, v->l->i32, ""));
}

/* ---- between shapes -------------------------------------------------------------------------- */

static void narrow(struct vector *v) /* two vectors of wider lanes, saturated */
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

static void extend_half(struct vector *v)
{
        push_vector(v, pop_half(v));
}

static void multiply_halves(struct vector *v)
{
        LLVMValueRef b = pop_half(v), a = pop_half(v);

        push_vector(v, LLVMBuildMul(v->l->b, a, b, ""));
}

static void add_pairs(struct vector *v)
{
        LLVMTypeRef narrow_type = integers(v, v->bits / 2, v->lanes * 2);
        LLVMValueRef a = pop_as(v, narrow_type), none = LLVMGetPoison(narrow_type);
        LLVMValueRef even = widen(v, pick_lanes(v, a, none, v->lanes, 0, 2), v->type);
        LLVMValueRef odd = widen(v, pick_lanes(v, a, none, v->lanes, 1, 2), v->type);

        push_vector(v, LLVMBuildAdd(v->l->b, even, odd, ""));
}

static void dot(struct vector *v)
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

static void dot8(struct vector *v)
{
        push_vector(v, pop_dot8(v));
}

static void dot8_add(struct vector *v)
{
        LLVMValueRef c = pop_as(v, v->type), a = pop_dot8(v), none = LLVMGetPoison(LLVMTypeOf(a));
        LLVMValueRef even = LLVMBuildSExt(v->l->b, pick_lanes(v, a, none, 4, 0, 2), v->type, "");
        LLVMValueRef odd = LLVMBuildSExt(v->l->b, pick_lanes(v, a, none, 4, 1, 2), v->type, "");

        a = LLVMBuildAdd(v->l->b, even, odd, "");
        push_vector(v, LLVMBuildAdd(v->l->b, a, c, ""));
}

/* Relaxed: two roundings on every processor; nothing may contract them. */
static void multiply_then(struct vector *v) /* extra: LLVMFAdd, or LLVMFSub: c - a * b */
{
        LLVMValueRef c = pop_as(v, v->type), b = pop_as(v, v->type), a = pop_as(v, v->type);

        a = LLVMBuildFMul(v->l->b, a, b, "");
        push_vector(v, LLVMBuildBinOp(v->l->b, (LLVMOpcode)v->extra, c, a, ""));
}

static void q15_multiply(struct vector *v)
{
        LLVMTypeRef wide = integers(v, 32, 8);
        LLVMValueRef b = LLVMBuildSExt(v->l->b, pop_as(v, v->type), wide, "");
        LLVMValueRef a = LLVMBuildSExt(v->l->b, pop_as(v, v->type), wide, "");

        a = LLVMBuildAdd(v->l->b, LLVMBuildMul(v->l->b, a, b, ""), all_lanes(v, wide, 0x4000), "");
        a = LLVMBuildAShr(v->l->b, a, all_lanes(v, wide, 15), "");
        a = intrinsic2(v, "llvm.smin", a, all_lanes(v, wide, 0x7fff));
        push_vector(v, LLVMBuildTrunc(v->l->b, a, v->type, ""));
}

static void from_integers(struct vector *v) /* f32x4.convert_i32x4, f64x2.convert_low_i32x4 */
{
        LLVMTypeRef from = integers(v, 32, 4);
        LLVMValueRef a = pop_as(v, from);

        if (v->lanes == 2)
                a = pick_lanes(v, a, LLVMGetPoison(from), 2, 0, 1);
        push_vector(v, v->is_signed ? LLVMBuildSIToFP(v->l->b, a, v->type, "")
                                    : LLVMBuildUIToFP(v->l->b, a, v->type, ""));
}

static void to_integers(struct vector *v) /* i32x4.trunc_sat_...; extra: from f64x2, upper half zero */
{
        LLVMTypeRef from = LLVMVectorType(v->extra ? v->l->f64 : v->l->f32, v->extra ? 2 : 4);
        LLVMTypeRef types[2] = { integers(v, 32, v->extra ? 2 : 4), from };
        LLVMValueRef a = pop_as(v, from);

        a = call_intrinsic(v->l, v->is_signed ? "llvm.fptosi.sat" : "llvm.fptoui.sat", types, 2, &a, 1);
        if (v->extra)
                a = pick_lanes(v, a, LLVMConstNull(types[0]), 4, 0, 1);
        push_vector(v, a);
}

static void demote(struct vector *v)
{
        LLVMTypeRef from = LLVMVectorType(v->l->f64, 2), half = LLVMVectorType(v->l->f32, 2);
        LLVMValueRef a = LLVMBuildFPTrunc(v->l->b, pop_as(v, from), half, "");

        push_vector(v, pick_lanes(v, a, LLVMConstNull(half), 4, 0, 1));
}

static void promote(struct vector *v)
{
        LLVMTypeRef from = LLVMVectorType(v->l->f32, 4);
        LLVMValueRef a = pick_lanes(v, pop_as(v, from), LLVMGetPoison(from), 2, 0, 1);

        push_vector(v, LLVMBuildFPExt(v->l->b, a, v->type, ""));
}

static void shuffle(struct vector *v)
{
        LLVMValueRef b = pop_as(v, v->type), a = pop_as(v, v->type), mask[16];

        for (unsigned i = 0; i < 16; i++)
                mask[i] = const_i32(v->l, v->in->bytes[i]);
        push_vector(v, LLVMBuildShuffleVector(v->l->b, a, b, LLVMConstVector(mask, 16), ""));
}

/* An index of 16 or more gives 0: adding 0x70 with saturation sets its bit 7, which is what the
 * machine's byte shuffle looks at. */
static void swizzle(struct vector *v)
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

/* ---- v128 ------------------------------------------------------------------------------------ */

static void bits_not(struct vector *v)
{
        push_vector(v, LLVMBuildNot(v->l->b, pop(v->s), ""));
}

static void bits_andnot(struct vector *v)
{
        LLVMValueRef b = LLVMBuildNot(v->l->b, pop(v->s), "");

        push_vector(v, LLVMBuildAnd(v->l->b, pop(v->s), b, ""));
}

static void bits_select(struct vector *v)
{
        LLVMValueRef c = pop(v->s), b = pop(v->s), a = pop(v->s);

        a = LLVMBuildAnd(v->l->b, a, c, "");
        b = LLVMBuildAnd(v->l->b, b, LLVMBuildNot(v->l->b, c, ""), "");
        push_vector(v, LLVMBuildOr(v->l->b, a, b, ""));
}

static void any_true(struct vector *v)
{
        LLVMTypeRef word = LLVMIntTypeInContext(v->l->context, 128);

        push_condition(v, LLVMBuildICmp(v->l->b, LLVMIntNE, pop_as(v, word), LLVMConstNull(word), ""));
}

static void constant(struct vector *v)
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

static void load_whole(struct vector *v)
{
        push(v->s, load_type(v, v->l->v128));
}

static void store_whole(struct vector *v)
{
        LLVMValueRef x = pop(v->s);

        memory_store(v->s, x, pop_pointer(v));
}

static void load_extend(struct vector *v) /* extra: bits of a lane in memory */
{
        unsigned bits = (unsigned)v->extra;
        LLVMValueRef x = load_type(v, integers(v, bits, 64 / bits));

        push_vector(v, widen(v, x, integers(v, 2 * bits, 64 / bits)));
}

static void load_splat(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;

        push_vector(v, splat_value(v, load_type(v, LLVMIntTypeInContext(v->l->context, bits)),
                                   integers(v, bits, 128 / bits)));
}

static void load_zero(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;
        LLVMTypeRef type = integers(v, bits, 128 / bits);
        LLVMValueRef x = load_type(v, LLVMIntTypeInContext(v->l->context, bits));

        push_vector(v, LLVMBuildInsertElement(v->l->b, LLVMConstNull(type), x, const_i32(v->l, 0), ""));
}

static void load_lane(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;
        LLVMValueRef a = pop_as(v, integers(v, bits, 128 / bits));
        LLVMValueRef x = load_type(v, LLVMIntTypeInContext(v->l->context, bits));

        push_vector(v, LLVMBuildInsertElement(v->l->b, a, x, lane_index(v), ""));
}

static void store_lane(struct vector *v)
{
        unsigned bits = (unsigned)v->extra;
        LLVMValueRef a = pop_as(v, integers(v, bits, 128 / bits));

        memory_store(v->s, LLVMBuildExtractElement(v->l->b, a, lane_index(v), ""), pop_pointer(v));
}

#define BOTH(integer, real) ((integer) << 8 | (real))

static const struct vector_row {
        const char *suffix; /* of the keyword; a '*' ends a prefix */
        vector_lower *lower;
        int extra;
} vector_rows[] = {
        { "eq", compare, BOTH(LLVMIntEQ, LLVMRealOEQ) },
        { "ne", compare, BOTH(LLVMIntNE, LLVMRealUNE) },
        { "lt", compare, LLVMRealOLT },
        { "gt", compare, LLVMRealOGT },
        { "le", compare, LLVMRealOLE },
        { "ge", compare, LLVMRealOGE },
        { "lt_s", compare, BOTH(LLVMIntSLT, 0) },
        { "lt_u", compare, BOTH(LLVMIntULT, 0) },
        { "gt_s", compare, BOTH(LLVMIntSGT, 0) },
        { "gt_u", compare, BOTH(LLVMIntUGT, 0) },
        { "le_s", compare, BOTH(LLVMIntSLE, 0) },
        { "le_u", compare, BOTH(LLVMIntULE, 0) },
        { "ge_s", compare, BOTH(LLVMIntSGE, 0) },
        { "ge_u", compare, BOTH(LLVMIntUGE, 0) },
        { "add", arithmetic, BOTH(LLVMAdd, LLVMFAdd) },
        { "sub", arithmetic, BOTH(LLVMSub, LLVMFSub) },
        { "mul", arithmetic, BOTH(LLVMMul, LLVMFMul) },
        { "div", arithmetic, LLVMFDiv },
        { "add_sat_s", two_by_intrinsic, 0 },
        { "add_sat_u", two_by_intrinsic, 1 },
        { "sub_sat_s", two_by_intrinsic, 2 },
        { "sub_sat_u", two_by_intrinsic, 3 },
        { "min_s", two_by_intrinsic, 4 },
        { "min_u", two_by_intrinsic, 5 },
        { "max_s", two_by_intrinsic, 6 },
        { "max_u", two_by_intrinsic, 7 },
        { "popcnt", one_by_intrinsic, 8 },
        { "ceil", one_by_intrinsic, 9 },
        { "floor", one_by_intrinsic, 10 },
        { "trunc", one_by_intrinsic, 11 },
        { "nearest", one_by_intrinsic, 12 },
        { "sqrt", one_by_intrinsic, 13 },
        { "min", min_max, 0 },
        { "max", min_max, 1 },
        { "pmin", pseudo_min_max, 0 },
        { "pmax", pseudo_min_max, 1 },
        { "neg", negate, 0 },
        { "abs", absolute, 0 },
        { "avgr_u", average, 0 },
        { "shl", shift, LLVMShl },
        { "shr_s", shift, LLVMAShr },
        { "shr_u", shift, LLVMLShr },
        { "splat", splat, 0 },
        { "extract_lane*", extract, 0 },
        { "replace_lane", replace, 0 },
        { "all_true", all_true, 0 },
        { "bitmask", bitmask, 0 },
        { "narrow_*", narrow, 0 },
        { "extend_*", extend_half, 0 },
        { "extmul_*", multiply_halves, 0 },
        { "extadd_*", add_pairs, 0 },
        { "dot_i16x8_s", dot, 0 },
        { "q15mulr_sat_s", q15_multiply, 0 },
        { "convert_*", from_integers, 0 },
        { "trunc_sat_f32x4*", to_integers, 0 },
        { "trunc_sat_f64x2*", to_integers, 1 },
        { "demote_f64x2_zero", demote, 0 },
        { "promote_low_f32x4", promote, 0 },
        { "shuffle", shuffle, 0 },
        { "swizzle", swizzle, 0 },
        /* relaxed: docs/relaxed-simd.md */
        { "relaxed_swizzle", swizzle, 0 },
        { "relaxed_trunc_f32x4*", to_integers, 0 },
        { "relaxed_trunc_f64x2*", to_integers, 1 },
        { "relaxed_madd", multiply_then, LLVMFAdd },
        { "relaxed_nmadd", multiply_then, LLVMFSub },
        { "relaxed_laneselect", bits_select, 0 },
        { "relaxed_min", min_max, 0 },
        { "relaxed_max", min_max, 1 },
        { "relaxed_q15mulr_s", q15_multiply, 0 },
        { "relaxed_dot_i8x16_i7x16_s", dot8, 0 },
        { "relaxed_dot_i8x16_i7x16_add_s", dot8_add, 0 },
        /* v128 */
        { "const", constant, 0 },
        { "not", bits_not, 0 },
        { "and", binary, LLVMAnd },
        { "or", binary, LLVMOr },
        { "xor", binary, LLVMXor },
        { "andnot", bits_andnot, 0 },
        { "bitselect", bits_select, 0 },
        { "any_true", any_true, 0 },
        { "load", load_whole, 0 },
        { "store", store_whole, 0 },
        { "load8x8*", load_extend, 8 },
        { "load16x4*", load_extend, 16 },
        { "load32x2*", load_extend, 32 },
        { "load8_splat", load_splat, 8 },
        { "load16_splat", load_splat, 16 },
        { "load32_splat", load_splat, 32 },
        { "load64_splat", load_splat, 64 },
        { "load32_zero", load_zero, 32 },
        { "load64_zero", load_zero, 64 },
        { "load8_lane", load_lane, 8 },
        { "load16_lane", load_lane, 16 },
        { "load32_lane", load_lane, 32 },
        { "load64_lane", load_lane, 64 },
        { "store8_lane", store_lane, 8 },
        { "store16_lane", store_lane, 16 },
        { "store32_lane", store_lane, 32 },
        { "store64_lane", store_lane, 64 },
};

static bool row_matches(const char *row, const char *suffix)
{
        size_t n = strlen(row);

        if (row[n - 1] == '*')
                return strncmp(row, suffix, n - 1) == 0;
        return strcmp(row, suffix) == 0;
}

static void read_shape(struct vector *v, const char *text, const char *dot_at)
{
        v->is_float = text[0] == 'f';
        v->bits = (unsigned)strtoul(text + 1, NULL, 10);
        if (text[0] == 'v')
                v->bits = 64;
        v->lanes = 128 / v->bits;
        v->element = !v->is_float     ? LLVMIntTypeInContext(v->l->context, v->bits)
                     : v->bits == 32 ? v->l->f32
                                      : v->l->f64;
        v->type = LLVMVectorType(v->element, v->lanes);
        v->high = strstr(dot_at, "_high_") != NULL;
        v->is_signed = strstr(dot_at, "_s") != NULL && !strstr(dot_at, "_splat");
        if (strstr(dot_at, "sat_u") || strstr(dot_at, "sat_f32x4_u") || strstr(dot_at, "sat_f64x2_u"))
                v->is_signed = false;
}

bool lower_simd(struct body *s, const struct instruction *in)
{
        const char *text = opcode_table[in->op].text, *suffix = strchr(text, '.');
        struct vector v = { .s = s, .l = s->l, .in = in };

        if ((opcode_table[in->op].feature != FEATURE_SIMD &&
             opcode_table[in->op].feature != FEATURE_RELAXED_SIMD) || !suffix)
                return false;
        read_shape(&v, text, suffix);
        for (size_t i = 0; i < ELEMENTSOF(vector_rows); i++)
                if (row_matches(vector_rows[i].suffix, suffix + 1)) {
                        v.extra = vector_rows[i].extra;
                        vector_rows[i].lower(&v);
                        return true;
                }
        return false;
}
