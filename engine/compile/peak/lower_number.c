/* Integers and floats (section 4.3), one instruction at a time. */
#include "engine/compile/peak/lower.h"

#include <string.h>

static void push_bool(struct body *s, LLVMValueRef v)
{
        push(s, LLVMBuildZExt(s->l->b, v, s->l->i32, ""));
}

static const LLVMIntPredicate integer_compares[10] = {
        LLVMIntEQ, LLVMIntNE, LLVMIntSLT, LLVMIntULT, LLVMIntSGT, LLVMIntUGT, LLVMIntSLE, LLVMIntULE,
        LLVMIntSGE, LLVMIntUGE,
};

static const LLVMRealPredicate float_compares[6] = {
        LLVMRealOEQ, LLVMRealUNE, LLVMRealOLT, LLVMRealOGT, LLVMRealOLE, LLVMRealOGE,
};

static bool lower_compare(struct body *s, unsigned op)
{
        struct lowering *l = s->l;
        LLVMValueRef a, b;

        if (op == OP_I32_EQZ || op == OP_I64_EQZ) {
                a = pop(s);
                push_bool(s, LLVMBuildICmp(l->b, LLVMIntEQ, a, LLVMConstNull(LLVMTypeOf(a)), ""));
                return true;
        }
        if (op < OP_I32_EQ || op > OP_F64_GE)
                return false;
        b = pop(s);
        a = pop(s);
        if (op <= OP_I32_GE_U)
                a = LLVMBuildICmp(l->b, integer_compares[op - OP_I32_EQ], a, b, "");
        else if (op <= OP_I64_GE_U)
                a = LLVMBuildICmp(l->b, integer_compares[op - OP_I64_EQ], a, b, "");
        else if (op <= OP_F32_GE)
                a = LLVMBuildFCmp(l->b, float_compares[op - OP_F32_EQ], a, b, "");
        else
                a = LLVMBuildFCmp(l->b, float_compares[op - OP_F64_EQ], a, b, "");
        push_bool(s, a);
        return true;
}

/* Division traps where C would be undefined (section 4.3.2); the remainder of the overflowing
 * pair is 0. */
static LLVMValueRef divide(struct body *s, unsigned which, LLVMValueRef a, LLVMValueRef b)
{
        struct lowering *l = s->l;
        LLVMTypeRef t = LLVMTypeOf(a);
        LLVMValueRef zero = LLVMConstNull(t), minus_one = LLVMConstAllOnes(t), lowest, both;

        body_mark(s, s->cursor.at - 1);
        trap_if(s, LLVMBuildICmp(l->b, LLVMIntEQ, b, zero, ""), TRAP_DIVIDE_BY_ZERO);
        switch (which) {
        case 0: /* div_s */
                lowest = LLVMConstInt(t, t == l->i32 ? UINT64_C(1) << 31 : UINT64_C(1) << 63, false);
                both = LLVMBuildAnd(l->b, LLVMBuildICmp(l->b, LLVMIntEQ, a, lowest, ""),
                                    LLVMBuildICmp(l->b, LLVMIntEQ, b, minus_one, ""), "");
                trap_if(s, both, TRAP_INTEGER_OVERFLOW);
                return LLVMBuildSDiv(l->b, a, b, "");
        case 1:
                return LLVMBuildUDiv(l->b, a, b, "");
        case 2: /* rem_s: x rem -1 is 0, and so is x rem 1 */
                both = LLVMBuildICmp(l->b, LLVMIntEQ, b, minus_one, "");
                b = LLVMBuildSelect(l->b, both, LLVMConstInt(t, 1, false), b, "");
                return LLVMBuildSRem(l->b, a, b, "");
        default:
                return LLVMBuildURem(l->b, a, b, "");
        }
}

static LLVMValueRef rotate(struct lowering *l, LLVMValueRef a, LLVMValueRef b, bool left)
{
        LLVMTypeRef t = LLVMTypeOf(a);
        LLVMValueRef args[3] = { a, a, b };

        return call_intrinsic(l, left ? "llvm.fshl" : "llvm.fshr", &t, 1, args, 3);
}

static LLVMValueRef integer_binary(struct body *s, unsigned which, LLVMValueRef a, LLVMValueRef b)
{
        struct lowering *l = s->l;
        LLVMTypeRef t = LLVMTypeOf(a);
        LLVMValueRef count = NULL;

        if (which >= 10 && which <= 12)
                count = LLVMBuildAnd(l->b, b, LLVMConstInt(t, t == l->i32 ? 31 : 63, false), "");
        switch (which) {
        case 0:
                return LLVMBuildAdd(l->b, a, b, "");
        case 1:
                return LLVMBuildSub(l->b, a, b, "");
        case 2:
                return LLVMBuildMul(l->b, a, b, "");
        case 3:
        case 4:
        case 5:
        case 6:
                return divide(s, which - 3, a, b);
        case 7:
                return LLVMBuildAnd(l->b, a, b, "");
        case 8:
                return LLVMBuildOr(l->b, a, b, "");
        case 9:
                return LLVMBuildXor(l->b, a, b, "");
        case 10:
                return LLVMBuildShl(l->b, a, count, "");
        case 11:
                return LLVMBuildAShr(l->b, a, count, "");
        case 12:
                return LLVMBuildLShr(l->b, a, count, "");
        default:
                return rotate(l, a, b, which == 13);
        }
}

static bool lower_integer(struct body *s, unsigned op)
{
        struct lowering *l = s->l;
        LLVMValueRef args[2], b;
        LLVMTypeRef t;
        unsigned first = op >= OP_I64_CLZ ? OP_I64_CLZ : OP_I32_CLZ, which = op - first;

        if (op < OP_I32_CLZ || op > OP_I64_ROTR)
                return false;
        if (which < 3) {
                args[0] = pop(s);
                args[1] = LLVMConstInt(l->i1, 0, false);
                t = LLVMTypeOf(args[0]);
                push(s, call_intrinsic(l, which == 0   ? "llvm.ctlz"
                                          : which == 1 ? "llvm.cttz"
                                                       : "llvm.ctpop",
                                       &t, 1, args, which == 2 ? 1 : 2));
                return true;
        }
        b = pop(s);
        args[0] = pop(s);
        push(s, integer_binary(s, which - 3, args[0], b));
        return true;
}

/* fmin and fmax of section 4.3.3: a NaN operand gives a quiet NaN, and -0 is less than +0. */
LLVMValueRef float_min_max(struct body *s, LLVMValueRef a, LLVMValueRef b, bool max)
{
        struct lowering *l = s->l;
        LLVMTypeRef t = LLVMTypeOf(a), bits;
        LLVMValueRef equal, pick, less, unordered, ia, ib, both;
        bool is_vector = LLVMGetTypeKind(t) == LLVMVectorTypeKind;
        LLVMTypeRef element = is_vector ? LLVMGetElementType(t) : t;

        bits = element == l->f32 ? l->i32 : l->i64;
        if (is_vector)
                bits = LLVMVectorType(bits, LLVMGetVectorSize(t));
        ia = LLVMBuildBitCast(l->b, a, bits, "");
        ib = LLVMBuildBitCast(l->b, b, bits, "");
        both = max ? LLVMBuildAnd(l->b, ia, ib, "") : LLVMBuildOr(l->b, ia, ib, "");
        both = LLVMBuildBitCast(l->b, both, t, "");
        less = LLVMBuildFCmp(l->b, max ? LLVMRealOGT : LLVMRealOLT, a, b, "");
        pick = LLVMBuildSelect(l->b, less, a, b, "");
        equal = LLVMBuildFCmp(l->b, LLVMRealOEQ, a, b, "");
        pick = LLVMBuildSelect(l->b, equal, both, pick, "");
        unordered = LLVMBuildFCmp(l->b, LLVMRealUNO, a, b, "");
        return LLVMBuildSelect(l->b, unordered, LLVMBuildFAdd(l->b, a, b, ""), pick, "");
}

static const char *const float_unary[7] = {
        "llvm.fabs", NULL, "llvm.ceil", "llvm.floor", "llvm.trunc", "llvm.roundeven", "llvm.sqrt",
};

static bool lower_float(struct body *s, unsigned op)
{
        struct lowering *l = s->l;
        unsigned which = op - (op >= OP_F64_ABS ? OP_F64_ABS : OP_F32_ABS);
        LLVMValueRef args[2];
        LLVMTypeRef t;

        if (op < OP_F32_ABS || op > OP_F64_COPYSIGN)
                return false;
        if (which < 7) {
                args[0] = pop(s);
                t = LLVMTypeOf(args[0]);
                push(s, which == 1 ? LLVMBuildFNeg(l->b, args[0], "")
                                   : call_intrinsic(l, float_unary[which], &t, 1, args, 1));
                return true;
        }
        args[1] = quiet_operand(l, pop(s));
        args[0] = quiet_operand(l, pop(s));
        t = LLVMTypeOf(args[0]);
        switch (which - 7) {
        case 0:
                push(s, LLVMBuildFAdd(l->b, args[0], args[1], ""));
                return true;
        case 1:
                push(s, LLVMBuildFSub(l->b, args[0], args[1], ""));
                return true;
        case 2:
                push(s, LLVMBuildFMul(l->b, args[0], args[1], ""));
                return true;
        case 3:
                push(s, LLVMBuildFDiv(l->b, args[0], args[1], ""));
                return true;
        case 4:
        case 5:
                push(s, float_min_max(s, args[0], args[1], which == 12));
                return true;
        default:
                push(s, call_intrinsic(l, "llvm.copysign", &t, 1, args, 2));
                return true;
        }
}

/* The open interval in which truncation succeeds: low < x < high. */
static const struct { double low, high; } trunc_bounds[2][2][2] = { /* [i64][unsigned][from f64] */
        { { { -2147483904.0, 2147483648.0 }, { -2147483649.0, 2147483648.0 } },
          { { -1.0, 4294967296.0 }, { -1.0, 4294967296.0 } } },
        { { { -9223373136366403584.0, 9223372036854775808.0 },
            { -9223372036854777856.0, 9223372036854775808.0 } },
          { { -1.0, 18446744073709551616.0 }, { -1.0, 18446744073709551616.0 } } },
};

static void truncate_float(struct body *s, bool to_64, bool is_unsigned, bool saturate)
{
        struct lowering *l = s->l;
        LLVMValueRef x = pop(s), inside;
        LLVMTypeRef t = LLVMTypeOf(x), to = to_64 ? l->i64 : l->i32, both[2] = { to, t };
        bool from_64 = t == l->f64;

        if (saturate) {
                push(s, call_intrinsic(l, is_unsigned ? "llvm.fptoui.sat" : "llvm.fptosi.sat", both, 2,
                                       &x, 1));
                return;
        }
        body_mark(s, s->cursor.at - 1);
        trap_if(s, LLVMBuildFCmp(l->b, LLVMRealUNO, x, x, ""), TRAP_INVALID_CONVERSION);
        inside = LLVMBuildAnd(
                l->b,
                LLVMBuildFCmp(l->b, LLVMRealOGT, x,
                              LLVMConstReal(t, trunc_bounds[to_64][is_unsigned][from_64].low), ""),
                LLVMBuildFCmp(l->b, LLVMRealOLT, x,
                              LLVMConstReal(t, trunc_bounds[to_64][is_unsigned][from_64].high), ""),
                "");
        trap_if(s, LLVMBuildNot(l->b, inside, ""), TRAP_INTEGER_OVERFLOW);
        push(s, is_unsigned ? LLVMBuildFPToUI(l->b, x, to, "") : LLVMBuildFPToSI(l->b, x, to, ""));
}

/* promote(demote(x)) and demote(promote(x)) must quiet a NaN: keep LLVM from seeing both. */
static LLVMValueRef cut_conversion(struct lowering *l, LLVMValueRef v)
{
        LLVMTypeRef t = LLVMTypeOf(v);

        if (!LLVMIsAInstruction(v) || (LLVMGetInstructionOpcode(v) != LLVMFPExt &&
                                       LLVMGetInstructionOpcode(v) != LLVMFPTrunc))
                return v;
        return call_intrinsic(l, "llvm.arithmetic.fence", &t, 1, &v, 1);
}

static void extend(struct body *s, unsigned bits)
{
        struct lowering *l = s->l;
        LLVMValueRef v = pop(s);
        LLVMTypeRef narrow = LLVMIntTypeInContext(l->context, bits);

        push(s, LLVMBuildSExt(l->b, LLVMBuildTrunc(l->b, v, narrow, ""), LLVMTypeOf(v), ""));
}

static bool lower_trunc(struct body *s, unsigned op)
{
        if (op >= OP_I32_TRUNC_F32_S && op <= OP_I32_TRUNC_F64_U)
                truncate_float(s, false, (op - OP_I32_TRUNC_F32_S) & 1, false);
        else if (op >= OP_I64_TRUNC_F32_S && op <= OP_I64_TRUNC_F64_U)
                truncate_float(s, true, (op - OP_I64_TRUNC_F32_S) & 1, false);
        else if (op >= OP_I32_TRUNC_SAT_F32_S && op <= OP_I32_TRUNC_SAT_F64_U)
                truncate_float(s, false, (op - OP_I32_TRUNC_SAT_F32_S) & 1, true);
        else if (op >= OP_I64_TRUNC_SAT_F32_S && op <= OP_I64_TRUNC_SAT_F64_U)
                truncate_float(s, true, (op - OP_I64_TRUNC_SAT_F32_S) & 1, true);
        else
                return false;
        return true;
}

static bool lower_convert(struct body *s, unsigned op)
{
        struct lowering *l = s->l;

        switch (op) {
        case OP_I32_WRAP_I64:
                push(s, LLVMBuildTrunc(l->b, pop(s), l->i32, ""));
                return true;
        case OP_I64_EXTEND_I32_S:
                push(s, LLVMBuildSExt(l->b, pop(s), l->i64, ""));
                return true;
        case OP_I64_EXTEND_I32_U:
                push(s, LLVMBuildZExt(l->b, pop(s), l->i64, ""));
                return true;
        case OP_F32_CONVERT_I32_S:
        case OP_F32_CONVERT_I64_S:
                push(s, LLVMBuildSIToFP(l->b, pop(s), l->f32, ""));
                return true;
        case OP_F32_CONVERT_I32_U:
        case OP_F32_CONVERT_I64_U:
                push(s, LLVMBuildUIToFP(l->b, pop(s), l->f32, ""));
                return true;
        case OP_F64_CONVERT_I32_S:
        case OP_F64_CONVERT_I64_S:
                push(s, LLVMBuildSIToFP(l->b, pop(s), l->f64, ""));
                return true;
        case OP_F64_CONVERT_I32_U:
        case OP_F64_CONVERT_I64_U:
                push(s, LLVMBuildUIToFP(l->b, pop(s), l->f64, ""));
                return true;
        case OP_F32_DEMOTE_F64:
                push(s, LLVMBuildFPTrunc(l->b, cut_conversion(l, pop(s)), l->f32, ""));
                return true;
        case OP_F64_PROMOTE_F32:
                push(s, LLVMBuildFPExt(l->b, cut_conversion(l, pop(s)), l->f64, ""));
                return true;
        case OP_I32_REINTERPRET_F32:
                push(s, LLVMBuildBitCast(l->b, pop(s), l->i32, ""));
                return true;
        case OP_I64_REINTERPRET_F64:
                push(s, LLVMBuildBitCast(l->b, pop(s), l->i64, ""));
                return true;
        case OP_F32_REINTERPRET_I32:
                push(s, LLVMBuildBitCast(l->b, pop(s), l->f32, ""));
                return true;
        case OP_F64_REINTERPRET_I64:
                push(s, LLVMBuildBitCast(l->b, pop(s), l->f64, ""));
                return true;
        case OP_I32_EXTEND8_S:
        case OP_I64_EXTEND8_S:
                extend(s, 8);
                return true;
        case OP_I32_EXTEND16_S:
        case OP_I64_EXTEND16_S:
                extend(s, 16);
                return true;
        case OP_I64_EXTEND32_S:
                extend(s, 32);
                return true;
        default:
                return lower_trunc(s, op);
        }
}

static bool lower_constant(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;

        switch (in->op) {
        case OP_I32_CONST:
                push(s, const_i32(l, (uint32_t)in->bits[0]));
                return true;
        case OP_I64_CONST:
                push(s, const_i64(l, in->bits[0]));
                return true;
        case OP_F32_CONST: /* through the bits: a NaN keeps its payload */
                push(s, LLVMConstBitCast(const_i32(l, (uint32_t)in->bits[0]), l->f32));
                return true;
        case OP_F64_CONST:
                push(s, LLVMConstBitCast(const_i64(l, in->bits[0]), l->f64));
                return true;
        default:
                return false;
        }
}

/* The upper and the lower half on top of the stack as one number. */
static LLVMValueRef pop_128(struct body *s)
{
        struct lowering *l = s->l;
        LLVMTypeRef wide = LLVMIntTypeInContext(l->context, 128);
        LLVMValueRef high = LLVMBuildZExt(l->b, pop(s), wide, ""), low = LLVMBuildZExt(l->b, pop(s), wide, "");

        return LLVMBuildOr(l->b, LLVMBuildShl(l->b, high, LLVMConstInt(wide, 64, false), ""), low, "");
}

static void push_128(struct body *s, LLVMValueRef v)
{
        struct lowering *l = s->l;
        LLVMValueRef high = LLVMBuildLShr(l->b, v, LLVMConstInt(LLVMTypeOf(v), 64, false), "");

        push(s, LLVMBuildTrunc(l->b, v, l->i64, ""));
        push(s, LLVMBuildTrunc(l->b, high, l->i64, ""));
}

static bool lower_wide(struct body *s, unsigned op)
{
        struct lowering *l = s->l;
        LLVMTypeRef wide = LLVMIntTypeInContext(l->context, 128);
        LLVMValueRef a, b;

        switch (op) {
        case OP_I64_ADD128:
        case OP_I64_SUB128:
                b = pop_128(s);
                a = pop_128(s);
                push_128(s, op == OP_I64_ADD128 ? LLVMBuildAdd(l->b, a, b, "") : LLVMBuildSub(l->b, a, b, ""));
                return true;
        case OP_I64_MUL_WIDE_S:
        case OP_I64_MUL_WIDE_U:
                b = LLVMBuildIntCast2(l->b, pop(s), wide, op == OP_I64_MUL_WIDE_S, "");
                a = LLVMBuildIntCast2(l->b, pop(s), wide, op == OP_I64_MUL_WIDE_S, "");
                push_128(s, LLVMBuildMul(l->b, a, b, ""));
                return true;
        default:
                return false;
        }
}

bool lower_number(struct body *s, const struct instruction *in)
{
        return lower_constant(s, in) || lower_compare(s, in->op) || lower_integer(s, in->op) ||
               lower_float(s, in->op) || lower_convert(s, in->op) || lower_wide(s, in->op);
}
