#include "engine/instance/gc.h"

uint32_t instance_reference(const struct instance *i, valtype t, uint64_t ref, uint64_t *ret_word)
{
        struct store *s = i->store;
        uint64_t word = ref;

        if (!ref)
                return HEAP_NONE;
        switch (module_heap_top(i->module, valtype_heap(t))) {
        case TOP_FUNC:
                return HEAP_FUNC;
        case TOP_EXN:
                return HEAP_EXN;
        case TOP_EXTERN:
                break;
        case TOP_ANY:
                if (!gc_is_object(ref))
                        return HEAP_I31;
                word = store_extern_of_any(s, ref);
                if (word & GC_EXTERN_BIT)
                        return store_ref_is(s, ref, VAL_REF_TO(HEAP_ARRAY)) ? HEAP_ARRAY : HEAP_STRUCT;
                break;
        }
        *ret_word = word;
        return HEAP_EXTERN;
}

uint64_t instance_reference_of(struct instance *i, valtype t, uint64_t word)
{
        if (!word || (word & GC_EXTERN_BIT))
                return 0;
        switch (valtype_heap(t)) {
        case HEAP_EXTERN:
                return word;
        case HEAP_ANY:
                return i->store->heap ? store_any_of_extern(i->store, word) : 0;
        default:
                return 0;
        }
}
