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
static int call_any(const struct guest_call *c, const union value *args, union value *results,
                    struct trap_info *trap)
{
        struct instance *i = *(struct instance **)((uint8_t *)c->base + ABI_HEAD(self));
        struct store *s = i->store;
        struct fiber *outer = s->runner;
        int r;

        if (s->heap && outer && !stack_is_below(outer))
                return -EBUSY;
        s->runner = fiber_current();
        r = call_owned(i, c->index, args, results, trap);
        s->runner = outer;
        return r;
}

/* The first call of a function, or another one had its place. */
static __attribute__((noinline)) int call_anew(const struct extern_value *f, const union value *args,
                                               union value *results, struct trap_info *trap)
{
        struct instance *i = f->instance;
        struct guest_call *c = &i->calls[f->index % INSTANCE_CALLS];
        guest_way *short_way = NULL;

        if (f->index >= i->module->nfunctions)
                return -EINVAL;
        *c = (struct guest_call) { .enter = call_any, .slow = call_any, .base = i->prefix.base,
                                   .runner = &i->store->runner, .index = f->index };
        if (f->index >= i->module->imported_functions && !i->store->heap) {
                short_way = guest_short_way(module_function_type(i->module, f->index));
                c->code = instance_code(i, f->index);
        }
        if (short_way)
                c->enter = short_way;
        return c->enter(c, args, results, trap);
}

void instance_calls_forget(struct instance *i)
{
        for (unsigned k = 0; k < INSTANCE_CALLS; k++)
                i->calls[k].enter = NULL;
}

int extern_call(const struct extern_value *f, const union value *args, union value *results,
                struct trap_info *trap)
{
        struct guest_call *c;

        if (_unlikely_(f->kind != EXTERN_FUNC || !f->instance))
                return -EINVAL;
        c = &f->instance->calls[f->index % INSTANCE_CALLS];
        if (_unlikely_(c->index != f->index || !c->enter))
                return call_anew(f, args, results, trap);
        return c->enter(c, args, results, trap);
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
