#include "engine/instance/gc.h"
#include "engine/run/enter.h"
#include "engine/run/stacks.h"

int instance_export(const struct instance *i, const char *name, size_t size,
                    struct extern_value *ret)
{
        for (uint32_t k = 0; i->module && k < i->module->nexports; k++) {
                const struct export *e = &i->module->exports[k];

                if (e->name.size == size && memcmp(e->name.bytes, name, size) == 0) {
                        *ret = (struct extern_value) { .kind = e->kind,
                                                       .instance = (struct instance *)i,
                                                       .index = e->index };
                        return 0;
                }
        }
        return -ENOENT;
}

const struct functype *extern_function_type(const struct extern_value *v)
{
        const struct module *m;

        if (v->kind != EXTERN_FUNC || !v->instance)
                return NULL;
        m = v->instance->module;
        return v->index < m->nfunctions ? module_function_type(m, v->index) : NULL;
}

/* Function @index of @i: the code itself, in the instance that owns it. */
static int call_owned(struct instance *i, uint32_t index, const union value *args, union value *results,
                      struct trap_info *trap)
{
        const struct functype *type = module_function_type(i->module, index);

        if (index < i->module->imported_functions) {
                const struct function_ref *f = &i->imports[index];

                if (!f->owner)
                        return guest_call(i, f->code, f->data, type, args, results, trap);
                i = f->owner;
                index = f->index;
        }
        return guest_call(i, instance_code(i, index), NULL, type, args, results, trap);
}

/* A collection looks into the stacks of one fiber and those that it was resumed from: the guests of a
 * store with a heap are all there. */
static __attribute__((noinline)) int call_any(const struct extern_value *f, const union value *args,
                                              union value *results, struct trap_info *trap)
{
        struct store *s = f->instance->store;
        struct fiber *outer = s->runner;
        int r;

        if (s->heap && outer && !stack_is_below(outer))
                return -EBUSY;
        s->runner = fiber_current();
        r = call_owned(f->instance, f->index, args, results, trap);
        s->runner = outer;
        return r;
}

int extern_call(const struct extern_value *f, const union value *args, union value *results,
                struct trap_info *trap)
{
        struct fiber *here = fiber_current();
        struct instance *i = f->instance;
        struct store *s;
        unsigned shape;
        int r;

        if (_unlikely_(f->kind != EXTERN_FUNC || !i || f->index >= i->module->nfunctions))
                return -EINVAL;
        s = i->store;
        shape = i->loaded->shapes[i->module->functions[f->index].type];
        if (_unlikely_(s->heap || s->runner || f->index < i->module->imported_functions ||
                       !(shape & GUEST_SHORT)))
                return call_any(f, args, results, trap);
        s->runner = here;
        r = guest_call_shaped(i, instance_code(i, f->index), shape, args, results, trap);
        s->runner = NULL;
        return r;
}

int instance_start(struct instance *i, struct trap_info *trap)
{
        struct extern_value start = { .kind = EXTERN_FUNC, .instance = i, .index = i->module->start };

        return i->module->has_start ? extern_call(&start, NULL, NULL, trap) : 0;
}

int extern_global_get(const struct extern_value *g, valtype *ret_type, union value *ret)
{
        if (g->kind != EXTERN_GLOBAL)
                return -EINVAL;
        if (g->instance) {
                if (g->index >= g->instance->module->nglobals)
                        return -EINVAL;
                *ret_type = g->instance->module->globals[g->index].type.type;
                *ret = *instance_global(g->instance, g->index);
                return 0;
        }
        if (!g->global)
                return -EINVAL;
        *ret_type = g->global->type.type;
        *ret = g->global->value;
        return 0;
}

void *instance_host(const struct instance *i)
{
        return i->host;
}

const struct module *instance_module(const struct instance *i)
{
        return i->module;
}

uint8_t *instance_memory(const struct instance *i, uint64_t *ret_bytes)
{
        const struct memory_object *o = i->module && i->module->nmemories ? i->memories[0] : NULL;

        *ret_bytes = o ? o->bytes : 0;
        return o ? o->base : NULL;
}

union value *host_spill(unsigned index)
{
        union value *spill;

#ifdef __x86_64__
        __asm__("movq %%gs:%c1, %0" : "=r"(spill) : "i"(ABI_HEAD(spill)));
#else
        spill = *(union value **)((uint8_t *)instance_base(instance_current()) + ABI_HEAD(spill));
#endif
        return spill + index;
}
