#include "engine/text/script_run.h"

/* Core specification 4.3.3: the payload of a canonical NaN is its highest bit alone; an arithmetic
 * NaN has at least that bit. The sign does not matter. */
static bool nan_matches(uint8_t nan, uint64_t bits, unsigned width)
{
        unsigned mantissa = width == 32 ? 23 : 52;
        uint64_t sign = UINT64_C(1) << (width - 1), quiet = UINT64_C(1) << (mantissa - 1);
        uint64_t infinity = sign - (UINT64_C(1) << mantissa);

        if (nan == SCRIPT_NAN_CANONICAL)
                return (bits & ~sign) == (infinity | quiet);
        return (bits & (infinity | quiet)) == (infinity | quiet);
}

static uint64_t lane_bits(const uint64_t bits[2], unsigned lane, unsigned width)
{
        uint64_t value = bits[lane * width / 64] >> lane * width % 64;

        return width == 64 ? value : value & ((UINT64_C(1) << width) - 1);
}

static bool lanes_match(const struct script_value *want, const struct script_value *got)
{
        for (unsigned lane = 0; lane < want->lanes; lane++) {
                uint64_t bits = lane_bits(got->bits, lane, want->lane_bits);
                uint8_t nan = want->lanes_are_float ? want->nan[lane] : SCRIPT_NO_NAN;

                if (nan ? !nan_matches(nan, bits, want->lane_bits)
                        : bits != lane_bits(want->bits, lane, want->lane_bits))
                        return false;
        }
        return true;
}

/* A pattern of references that takes several kinds. */
static bool is_wider(enum script_value_kind want, enum script_value_kind got)
{
        bool eq = got == SCRIPT_REF_I31 || got == SCRIPT_REF_STRUCT || got == SCRIPT_REF_ARRAY;

        return (want == SCRIPT_REF_EQ && eq) ||
               (want == SCRIPT_REF_ANY && (eq || got == SCRIPT_REF_HOST));
}

bool script_value_matches(const struct script_value *want, const struct script_value *got)
{
        if (want->kind == SCRIPT_EITHER) {
                for (uint32_t i = 0; i < want->nalternatives; i++)
                        if (want->alternatives[i].kind != SCRIPT_EITHER &&
                            script_value_matches(&want->alternatives[i], got))
                                return true;
                return false;
        }
        if (want->kind != got->kind)
                return is_wider(want->kind, got->kind);
        switch (want->kind) {
        case SCRIPT_I32:
                return (uint32_t)want->bits[0] == (uint32_t)got->bits[0];
        case SCRIPT_I64:
                return want->bits[0] == got->bits[0];
        case SCRIPT_F32:
                return want->nan[0] ? nan_matches(want->nan[0], (uint32_t)got->bits[0], 32)
                                    : (uint32_t)want->bits[0] == (uint32_t)got->bits[0];
        case SCRIPT_F64:
                return want->nan[0] ? nan_matches(want->nan[0], got->bits[0], 64)
                                    : want->bits[0] == got->bits[0];
        case SCRIPT_V128:
                return lanes_match(want, got);
        case SCRIPT_REF_NULL:
                /* Null is one value of a hierarchy, whatever the type that it was seen through. */
                return want->any || got->any || want->heap == got->heap ||
                       (want->heap >= HEAP_FIRST_ABSTRACT && got->heap >= HEAP_FIRST_ABSTRACT &&
                        heap_top_of(want->heap) == heap_top_of(got->heap));
        default:
                return want->any || want->bits[0] == got->bits[0];
        }
}
