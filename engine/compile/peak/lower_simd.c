/* Vectors (section 4.3.4). The keyword says what to do: "i16x8.add_sat_s" is the shape i16x8 and
 * the operation add_sat_s, so one row an operation serves all shapes that have it. */
#include "engine/compile/peak/lower_simd.h"

#include <stdlib.h>
#include <string.h>

LLVMValueRef all_lanes(struct vector *v, LLVMTypeRef type, uint64_t value)
{
        LLVMValueRef lanes[16];
        unsigned n = LLVMGetVectorSize(type);

        (void)v;
        for (unsigned i = 0; i < n; i++)
                lanes[i] = LLVMConstInt(LLVMGetElementType(type), value, true);
        return LLVMConstVector(lanes, n);
}

LLVMValueRef pick_lanes(struct vector *v, LLVMValueRef a, LLVMValueRef b, unsigned n,
                               unsigned first, unsigned step)
{
        LLVMValueRef mask[16];

        for (unsigned i = 0; i < n; i++)
                mask[i] = const_i32(v->l, first + i * step);
        return LLVMBuildShuffleVector(v->l->b, a, b, LLVMConstVector(mask, n), "");
}

LLVMValueRef intrinsic1(struct vector *v, const char *name, LLVMValueRef a)
{
        LLVMTypeRef t = LLVMTypeOf(a);

        return call_intrinsic(v->l, name, &t, 1, &a, 1);
}

LLVMValueRef intrinsic2(struct vector *v, const char *name, LLVMValueRef a, LLVMValueRef b)
{
        LLVMTypeRef t = LLVMTypeOf(a);
        LLVMValueRef args[2] = { a, b };

        return call_intrinsic(v->l, name, &t, 1, args, 2);
}

#define BOTH(integer, real) ((integer) << 8 | (real))

static const struct vector_row {
        const char *suffix;
        vector_lower *lower;
        int extra;
} vector_rows[] = {
#define ROW(suffix, operation, extra) { suffix, vector_##operation, extra },
#include "engine/compile/peak/lower_simd.def"
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
