#include "tests/unit/compile/simd-reference.h"

#include <math.h>
#include <string.h>

#define A in->a
#define B in->b
#define C in->c
#define PAIR(field, n) (i < (n) ? A.field[i % (n)] : B.field[i % (n)])
#define LIB32(name) name##f
#define LIB64(name) name

static int64_t clamp(int64_t x, int64_t min, int64_t max)
{
        return x < min ? min : x > max ? max : x;
}

static unsigned count_bits(unsigned x)
{
        unsigned n = 0;

        for (; x; x &= x - 1)
                n++;
        return n;
}

/* 4.3.3.22: NaN if either is, and -0 is less than +0 */
static double float_min(double x, double y)
{
        if (isnan(x) || isnan(y))
                return (double)NAN;
        if (x == 0 && y == 0)
                return signbit(x) ? x : y;
        return x < y ? x : y;
}

static double float_max(double x, double y)
{
        if (isnan(x) || isnan(y))
                return (double)NAN;
        if (x == 0 && y == 0)
                return signbit(x) ? y : x;
        return x > y ? x : y;
}

static int64_t trunc_sat(double x, int64_t min, int64_t max)
{
        if (isnan(x))
                return 0;
        if (x <= (double)min)
                return min;
        return x >= (double)max ? max : (int64_t)x;
}

#define PEEK(name, type)                                        \
        static inline type peek_##name(const uint8_t *p, int k) \
        {                                                       \
                type v;                                         \
                                                                \
                memcpy(&v, p + k * (int)sizeof(v), sizeof(v));  \
                return v;                                       \
        }
PEEK(u8, uint8_t)
PEEK(u16, uint16_t)
PEEK(u32, uint32_t)
PEEK(u64, uint64_t)
PEEK(s8, int8_t)
PEEK(s16, int16_t)
PEEK(s32, int32_t)

#define REF(op, nan, n, field, expression)                                     \
        static void ref_##op(const struct ref_input *in, struct ref_output *out) \
        {                                                                      \
                for (int i = 0; i < n; i++)                                    \
                        out->v.field[i] = (expression);                        \
        }
#define REF_G(op, expression)                                                  \
        static void ref_##op(const struct ref_input *in, struct ref_output *out) \
        {                                                                      \
                out->g = (expression);                                         \
        }
#define REF_BODY(op, bytes, ...)                                               \
        static void ref_##op(const struct ref_input *in, struct ref_output *out) \
        {                                                                      \
                __VA_ARGS__;                                                   \
        }
#include "tests/unit/compile/simd-reference.def"

const struct reference references[_OP_MAX] = {
#define REF(op, nan, n, field, expression) [OP_##op] = { ref_##op, nan, 0 },
#define REF_G(op, expression)              [OP_##op] = { ref_##op, EXACT, 0 },
#define REF_BODY(op, bytes, ...)           [OP_##op] = { ref_##op, EXACT, bytes },
#include "tests/unit/compile/simd-reference.def"
};
