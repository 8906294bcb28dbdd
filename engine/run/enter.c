#include "engine/run/machine.h"

static uint64_t integer_of(valtype type, const union value *v)
{
        return type == VAL_I32 ? v->i32 : v->i64;
}

/* Arguments from number @i on, whatever they are. */
static void arguments_load(struct guest_entry *e, const struct functype *type,
                           const union value *args, uint32_t i)
{
        union value *spill = *(union value **)((uint8_t *)e->base + ABI_HEAD(spill));
        struct abi_walk w = { .integers = i };

        for (; i < type->nparams; i++) {
                struct abi_location at = abi_next(&w, type->params[i]);

                switch (at.place) {
                case ABI_INTEGER:
                        e->integers[at.index] = integer_of(type->params[i], &args[i]);
                        break;
                case ABI_VECTOR:
                        e->vectors[at.index] = args[i];
                        break;
                case ABI_SPILL:
                        spill[at.index] = args[i];
                        if (type->params[i] == VAL_I32)
                                spill[at.index].i64 = args[i].i32;
                        break;
                }
        }
        e->nvectors = w.vectors;
}

/* Bits that the type does not have are cleared: nothing of the guest's registers leaks. Word by
 * word: a union that is put together from words and copied whole waits for the store buffer. */
static void result_store(union value *ret, valtype type, uint64_t low, uint64_t high)
{
        unsigned kind = valtype_kind(type);

        ret->bits[0] = kind == VAL_I32 || kind == VAL_F32 ? (uint32_t)low : low;
        ret->bits[1] = kind == VAL_V128 ? high : 0;
}

static void results_store(const struct guest_entry *e, const struct functype *type,
                          union value *results)
{
        const union value *spill;

        if (valtype_is_vector_register(type->results[0]))
                result_store(&results[0], type->results[0], e->vectors[0].bits[0],
                             e->vectors[0].bits[1]);
        else
                result_store(&results[0], type->results[0], e->integers[0], 0);
        if (_likely_(type->nresults == 1))
                return;
        spill = *(union value **)((uint8_t *)e->base + ABI_HEAD(spill));
        for (uint32_t i = 1; i < type->nresults; i++)
                result_store(&results[i], type->results[i], spill[i - 1].bits[0],
                             spill[i - 1].bits[1]);
}

static void **thrown_of(void *base)
{
        return (void **)((uint8_t *)base + ABI_HEAD(thrown));
}

/* The integers that come first go straight to their registers: most functions have no others. */
int guest_call(struct instance *instance, void *code, void *data, const struct functype *type,
               const union value *args, union value *results, struct trap_info *trap)
{
        struct guest_entry e;
        uint32_t n = type->nparams, i;

        e.base = instance_base(instance);
        e.code = code;
        e.data = data;
        e.trap = trap;
        e.nvectors = 0;
        for (i = 0; i < n && i < ABI_INTEGER_ARGS; i++) {
                if (valtype_is_vector_register(type->params[i]))
                        break;
                e.integers[i] = integer_of(type->params[i], &args[i]);
        }
        if (_unlikely_(i < n))
                arguments_load(&e, type, args, i);
        if (_unlikely_(guest_enter(&e) != 0))
                return -EFAULT;
        if (_unlikely_(*thrown_of(e.base) != NULL)) {
                *thrown_of(e.base) = NULL;
                if (trap)
                        *trap = (struct trap_info) { .trap = TRAP_UNCAUGHT_EXCEPTION };
                return -EFAULT;
        }
        if (type->nresults)
                results_store(&e, type, results);
        return 0;
}
