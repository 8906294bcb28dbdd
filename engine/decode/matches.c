/* Which types fit where (core specification 3.3). */
#include "engine/decode/module.h"

bool module_type_below(const struct module *m, uint32_t index, uint32_t above)
{
        while (m->defs[index].depth > m->defs[above].depth)
                index = m->defs[index].super;
        return m->canonical[index] == m->canonical[above];
}

enum heap_top module_heap_top(const struct module *m, uint32_t heap)
{
        if (heap < HEAP_FIRST_ABSTRACT)
                return m->defs[heap].kind == COMP_FUNC ? TOP_FUNC : TOP_ANY;
        return heap_top_of(heap);
}

static bool heap_matches(const struct module *m, uint32_t heap, uint32_t want)
{
        if (heap == want || heap == HEAP_BOTTOM)
                return true;
        if (heap < HEAP_FIRST_ABSTRACT)
                return want < HEAP_FIRST_ABSTRACT ? module_type_below(m, heap, want)
                                                  : heap_is_below(heap_of_kind(m->defs[heap].kind),
                                                                  want);
        if (want < HEAP_FIRST_ABSTRACT) /* of null alone */
                return heap == (m->defs[want].kind == COMP_FUNC ? HEAP_NOFUNC : HEAP_NONE);
        return heap_is_below(heap, want);
}

bool module_matches(const struct module *m, valtype t, valtype want)
{
        if (t == want || t == VAL_BOTTOM || want == VAL_BOTTOM)
                return true;
        if (!valtype_is_ref(t) || !valtype_is_ref(want) || (t & ~want & VAL_NULLABLE))
                return false;
        return heap_matches(m, valtype_heap(t), valtype_heap(want));
}

enum feature valtype_feature(valtype t)
{
        static const uint8_t rows[32] = {
#define HEAP(name, byte, text, ref, top, above, feature) [(byte) & 31] = FEATURE_##feature,
#include "engine/decode/heap_types.def"
        };
        enum feature feature = FEATURE_FUNCTION_REFERENCES;

        if (t == VAL_V128)
                return FEATURE_SIMD;
        if (!valtype_is_ref(t))
                return FEATURE_MVP;
        if (!valtype_is_indexed(t) && valtype_heap(t) != HEAP_BOTTOM)
                feature = (enum feature)rows[valtype_heap(t) & 31];
        return feature == FEATURE_REFERENCE_TYPES && !valtype_has_default(t)
                       ? FEATURE_FUNCTION_REFERENCES
                       : feature;
}
