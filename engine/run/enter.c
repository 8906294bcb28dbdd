#include "engine/run/machine.h"

/* Argument registers and spill entries from @args. */
static void arguments_load(struct guest_entry *e, const struct functype *type,
                           const union value *args)
{
        union value *spill = *(union value **)((uint8_t *)e->base + ABI_HEAD(spill));
        struct abi_walk w = { 0 };

        for (uint32_t i = 0; i < type->nparams; i++) {
                struct abi_location at = abi_next(&w, type->params[i]);
                bool narrow = type->params[i] == VAL_I32;

                switch (at.place) {
                case ABI_INTEGER:
                        e->integers[at.index] = narrow ? args[i].i32 : args[i].i64;
                        break;
                case ABI_VECTOR:
                        e->vectors[at.index] = args[i];
                        break;
                case ABI_SPILL:
                        spill[at.index] = args[i];
                        if (narrow)
                                spill[at.index].i64 = args[i].i32;
                        break;
                }
        }
        e->nvectors = w.vectors;
}

/* Bits that the type does not have are cleared: nothing of the guest's registers leaks. */
static union value value_of(valtype type, union value v)
{
        switch (valtype_kind(type)) {
        case VAL_I32:
        case VAL_F32:
                return (union value) { .bits = { (uint32_t)v.bits[0], 0 } };
        case VAL_V128:
                return v;
        default:
                return (union value) { .bits = { v.bits[0], 0 } };
        }
}

static void results_store(const struct guest_entry *e, const struct functype *type,
                          union value *results)
{
        const union value *spill = *(union value **)((uint8_t *)e->base + ABI_HEAD(spill));

        if (!type->nresults)
                return;
        if (valtype_is_vector_register(type->results[0]))
                results[0] = value_of(type->results[0], e->vectors[0]);
        else
                results[0] = value_of(type->results[0],
                                      (union value) { .bits = { e->integers[0], 0 } });
        for (uint32_t i = 1; i < type->nresults; i++)
                results[i] = value_of(type->results[i], spill[i - 1]);
}

int guest_call(struct instance *instance, void *code, void *data, const struct functype *type,
               const union value *args, union value *results, struct trap_info *trap)
{
        struct guest_entry e;

        if (_unlikely_(!fiber_current()))
                abort();
        e.base = instance_base(instance);
        e.code = code;
        e.data = data;
        e.trap = trap;
        arguments_load(&e, type, args);
        if (_unlikely_(guest_enter(&e) != 0))
                return -EFAULT;
        results_store(&e, type, results);
        return 0;
}
