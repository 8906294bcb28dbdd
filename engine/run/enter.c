#include "engine/run/machine.h"

guest_way *guest_short_way(const struct functype *type)
{
        unsigned way = 0, list = (1u << type->nparams % 4) - 1;

        if (type->nparams > 3 || type->nresults > 1)
                return NULL;
        for (uint32_t i = 0; i < type->nparams; i++) {
                if (valtype_is_vector_register(type->params[i]))
                        return NULL;
                list += (type->params[i] == VAL_I32) << i;
        }
        if (type->nresults) {
                if (valtype_is_vector_register(type->results[0]))
                        return NULL;
                way = type->results[0] == VAL_I32 ? 1 : 2;
        }
        return guest_short_ways[way * GUEST_SHORT_LISTS + list];
}

static void result_store(union value *ret, valtype type, uint64_t low, uint64_t high)
{
        unsigned kind = valtype_kind(type);

        ret->bits[0] = kind == VAL_I32 || kind == VAL_F32 ? (uint32_t)low : low;
        ret->bits[1] = kind == VAL_V128 ? high : 0;
}

/* Every argument where its type travels. Returns how many are in vector registers. */
static unsigned arguments_load(const struct functype *type, const union value *args, uint64_t *integers,
                               union value *vectors, union value *spill)
{
        struct abi_walk w = { 0 };

        for (uint32_t i = 0; i < type->nparams; i++) {
                struct abi_location at = abi_next(&w, type->params[i]);
                uint64_t low = type->params[i] == VAL_I32 ? args[i].i32 : args[i].i64;

                switch (at.place) {
                case ABI_INTEGER:
                        integers[at.index] = low;
                        break;
                case ABI_VECTOR:
                        vectors[at.index] = args[i];
                        break;
                case ABI_SPILL:
                        spill[at.index] = args[i];
                        spill[at.index].bits[0] = low;
                        break;
                }
        }
        return w.vectors;
}

static bool result_is_vector(const struct functype *type)
{
        return type->nresults > 0 && valtype_is_vector_register(type->results[0]);
}

int guest_call(struct instance *instance, void *code, void *data, const struct functype *type,
               const union value *args, union value *results, struct trap_info *trap)
{
        void *base = instance_base(instance);
        union value *spill = *(union value **)((uint8_t *)base + ABI_HEAD(spill));
        union value vectors[ABI_VECTOR_ARGS];
        uint64_t integers[ABI_INTEGER_ARGS];
        bool any = arguments_load(type, args, integers, vectors, spill) > 0 || result_is_vector(type);
        struct guest_result r = guest_enter_any(integers, any ? vectors : NULL, data, base, code, trap);

        if (_unlikely_(r.trap))
                return -EFAULT;
        if (result_is_vector(type))
                result_store(&results[0], type->results[0], vectors[0].bits[0], vectors[0].bits[1]);
        else if (type->nresults)
                result_store(&results[0], type->results[0], r.value, 0);
        for (uint32_t i = 1; i < type->nresults; i++)
                result_store(&results[i], type->results[i], spill[i - 1].bits[0], spill[i - 1].bits[1]);
        return 0;
}

/* From enter.S: guest code returned with an exception. */
void guest_uncaught(struct trap_info *trap)
{
        if (trap)
                *trap = (struct trap_info) { .trap = TRAP_UNCAUGHT_EXCEPTION };
}
