#include "engine/instance/store.h"

static uint32_t own_type(const struct instance *i, uint32_t index)
{
        return i->loaded->types[i->module->functions[index].type];
}

struct table_entry entry_direct(struct instance *i, uint32_t index)
{
        return (struct table_entry) { .code = instance_code(i, index), .type = own_type(i, index),
                                      .function = index, .owner = i };
}

static unsigned spill_entries(const struct functype *type)
{
        struct abi_walk w = { 0 };

        for (uint32_t i = 0; i < type->nparams; i++)
                abi_next(&w, type->params[i]);
        return w.spills;
}

struct table_entry *instance_funcref(struct instance *i, uint32_t index)
{
        uint32_t k = i->loaded->escaping_of[index];
        struct table_entry *e;

        if (k == UINT32_MAX)
                abort(); /* the check of the module listed every function that can be referenced */
        e = &i->funcs[k];
        if (e->type != TYPE_NONE)
                return e;
        i->store->arrays_written = true;
        if (index < i->module->imported_functions) {
                const struct function_ref *f = &i->imports[index];

                if (f->owner) {
                        *e = *instance_funcref(f->owner, f->index);
                        return e;
                }
                *e = (struct table_entry) { .code = f->code, .data = f->data, .type = f->type,
                                            .function = index, .owner = i };
                return e;
        }
        const struct functype *type = module_function_type(i->module, index);
        struct run_cross *c = &i->crosses[k];

        *c = (struct run_cross) { .base = i->prefix.base, .code = instance_code(i, index),
                                  .args = spill_entries(type),
                                  .results = type->nresults > 1 ? type->nresults - 1 : 0 };
        *e = (struct table_entry) { .code = (void *)(uintptr_t)run_cross_thunk, .data = c,
                                    .type = own_type(i, index), .function = index, .owner = i };
        return e;
}

struct function_ref instance_function(struct instance *i, uint32_t index)
{
        const struct table_entry *e;

        if (index < i->module->imported_functions)
                return i->imports[index];
        e = instance_funcref(i, index);
        return (struct function_ref) { .owner = i, .index = index, .type = e->type, .code = e->code,
                                       .data = e->data,
                                       .functype = module_function_type(i->module, index) };
}
