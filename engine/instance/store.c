#include "engine/instance/store.h"
#include "engine/run/enter.h"

#define SLOTS_DEFAULT 64

static bool find_memory(const struct instance *i, uintptr_t address, uint64_t *ret_offset)
{
        for (const struct memory_object *o = i->store->memories; o; o = o->next) {
                uintptr_t base = (uintptr_t)o->base;

                if (address >= base && address - base < o->reserve) {
                        *ret_offset = address - base;
                        return true;
                }
        }
        return false;
}

static bool locate(struct instance *i, uintptr_t pc, bool call, struct trap_frame *ret)
{
        const struct loaded_module *l = i->loaded;
        uint64_t at;
        uint32_t k;

        if (!l || pc < (uintptr_t)l->code || pc - (uintptr_t)l->code >= l->a->code.size)
                return false;
        at = pc - (uintptr_t)l->code;
        /* A call may be the last instruction of a function: its return address is the next one's. */
        k = artefact_function_at(l->a, call && at ? at - 1 : at);
        if (k == UINT32_MAX)
                return false;
        *ret = (struct trap_frame) { .instance = i, .function = l->module->imported_functions + k,
                                     .offset = ERROR_NOWHERE };
        if (!artefact_map_pc(l->a, k, (uint32_t)(at - l->a->offsets[k]), call, &ret->offset))
                ret->offset = ERROR_NOWHERE;
        return true;
}

void store_init(struct store *s, const struct store_options *o)
{
        static const struct run_hooks hooks = { find_memory, locate };

        s->options = *o;
        if (!s->options.slots)
                s->options.slots = SLOTS_DEFAULT;
        if (!s->options.table_max_elements)
                s->options.table_max_elements = limits_default.table_elements;
        run_set_hooks(&hooks);
}

int store_new(const struct store_options *o, struct store **ret, struct error *err)
{
        struct store *s = calloc(1, sizeof(*s));

        if (s)
                s->pool = pool_new(0);
        if (s && s->pool)
                s->types = pool_alloc(s->pool, 1, sizeof(*s->types));
        if (!s || !s->types) {
                if (s)
                        pool_free(s->pool);
                free(s);
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                                 "no memory for a store");
        }
        s->types->pool = s->pool;
        store_init(s, o);
        *ret = s;
        return 0;
}

bool store_memory_take(struct store *s, uint64_t bytes)
{
        uint64_t limit = s->options.memory_max_bytes;

        if (limit && (s->memory_bytes > limit || bytes > limit - s->memory_bytes)) {
                s->memory_refused++;
                return false;
        }
        s->memory_bytes += bytes;
        return true;
}

void instance_usage(const struct instance *i, struct instance_usage *ret)
{
        *ret = (struct instance_usage) { .memory_bytes = i->store->memory_bytes,
                                         .memory_refused = i->store->memory_refused };
}

void *store_array(struct store *s, size_t n, size_t size)
{
        return s->arrays ? pool_alloc(s->arrays, n, size) : calloc(n + !n, size);
}

void store_array_free(struct store *s, void *array)
{
        if (!s->place.base || (uint8_t *)array < s->place.low || (uint8_t *)array >= s->place.base)
                free(array);
}

void store_free(struct store *s)
{
        if (!s)
                return;
        for (struct memory_object *o = s->memories; o; o = o->next)
                slot_free(&o->map);
        for (struct table_object *o = s->tables; o; o = o->next)
                table_done(o);
        for (struct instance *i = s->instances; i; i = i->next)
                instance_done(i);
        exceptions_done(s);
        gc_heap_free(s->heap);
        if (s->types->pool == s->pool)
                group_table_done(&s->types->groups);
        pool_free(s->pool);
        free(s);
}

int store_new_memory(struct store *s, const struct memtype *type, struct memory_object **ret,
                     struct error *err)
{
        return memory_new(s, type, NULL, ret, err);
}

int store_new_table(struct store *s, const struct tabletype *type, struct table_object **ret,
                    struct error *err)
{
        return table_new(s, type, NULL, ret, err);
}

int store_new_global(struct store *s, const struct globaltype *type, union value value,
                     struct global_object **ret, struct error *err)
{
        struct global_object *g = pool_alloc(s->pool, 1, sizeof(*g));

        if (!g)
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                                 "no memory for a global");
        *g = (struct global_object) { .type = *type, .value = value };
        *ret = g;
        return 0;
}

int loaded_module_new(struct store *s, const struct artefact *a, void *code, int fd,
                      struct loaded_module **ret, struct error *err)
{
        struct loaded_module *l = pool_alloc(s->pool, 1, sizeof(*l));
        const struct module *m = a->module;

        if ((uintptr_t)code % 4096 != 0)
                return error_set(err, STAGE_INSTANTIATE, -EINVAL, ERROR_NOWHERE,
                                 "code at an address that is not a page's");
        if (!l)
                goto no_memory;
        *l = (struct loaded_module) { .store = s, .a = a, .module = m, .code = code,
                                     .offsets = a->offsets, .fd = fd };
        l->types = pool_alloc(s->pool, m->ntypes, sizeof(*l->types));
        l->escaping_of = pool_alloc(s->pool, m->nfunctions, sizeof(*l->escaping_of));
        if (!l->types || !l->escaping_of)
                goto no_memory;
        if (store_types_add(s, m, l->types) < 0)
                goto no_memory;
        memset(l->escaping_of, 0xff, m->nfunctions * sizeof(*l->escaping_of));
        for (uint32_t k = 0; k < a->checked->nescaping; k++)
                l->escaping_of[a->checked->escaping[k]] = k;
        *ret = l;
        return 0;

no_memory:
        return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE, "no memory for a module");
}
