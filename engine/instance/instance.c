#include <sys/mman.h>

#include "engine/instance/gc.h"

#define PAGE ((size_t)4096)

#define BUILTIN(name, params, result) extern const char builtin_thunk_##name[];
#include "engine/compile/builtins.def"

static const void *const builtin_thunks[_BUILTIN_MAX] = {
#define BUILTIN(name, params, result) [BUILTIN_##name] = builtin_thunk_##name,
#include "engine/compile/builtins.def"
};

static int no_memory(struct error *err)
{
        return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                         "no memory for an instance");
}

static void head_init(struct instance *i, union value *spill)
{
        struct instance_head *h = instance_head(i);

        for (unsigned b = 0; b < _BUILTIN_MAX; b++)
                h->builtins[b] = (void *)(uintptr_t)builtin_thunks[b];
        h->spill = spill;
        h->self = i;
        h->catches = i->loaded->a->catches;
        memcpy(h->displays, i->store->types->displays, sizeof(h->displays));
}

/* The area below the base, and behind it memory 0 when the module defines it. */
static int area_new(struct instance *i, struct error *err)
{
        const struct module *m = i->module;
        const struct layout *l = &i->loaded->a->layout;
        size_t below = (l->bytes + PAGE - 1) & ~(PAGE - 1);
        uint64_t memory = 0, room = 0;

        if (m->nmemories && !m->imported_memories && !i->store->place.base) {
                int r = memory_measure(&m->memories[0].type, &memory, &room, err);

                if (r < 0)
                        return r;
                room += ABI_GUARD_BYTES;
        }
        i->prefix.base = i->store->place.base;
        if (!i->prefix.base)
                i->prefix.base = slot_new(below, memory, room, &i->map);
        if (!i->prefix.base)
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE,
                                 "no memory or address space for an instance");
        head_init(i, instance_array(i, l->spill));
        for (uint32_t k = 0; k < m->ntypes; k++)
                ((uint32_t *)instance_array(i, l->types))[k] =
                        GC_WORD(i->store->types->objects[i->loaded->types[k]].kind, i->loaded->types[k]);
        return 0;
}

static struct instance *instance_alloc(struct store *s, struct loaded_module *l, void *host)
{
        const struct module *m = l->module;
        struct instance *i = pool_alloc(s->pool, 1, sizeof(*i));
        uint32_t nescaping = l->a->checked->nescaping;

        if (!i)
                return NULL;
        *i = (struct instance) { .store = s, .loaded = l, .module = m, .host = host };
        i->imports = pool_alloc(s->arrays ? s->arrays : s->pool, m->imported_functions,
                                sizeof(*i->imports));
        i->memories = pool_alloc(s->pool, m->nmemories, sizeof(*i->memories));
        i->tables = pool_alloc(s->pool, m->ntables, sizeof(*i->tables));
        i->tags = pool_alloc(s->pool, m->ntags, sizeof(*i->tags));
        i->data_dropped = pool_alloc(s->pool, m->ndatas, sizeof(bool));
        i->element_dropped = pool_alloc(s->pool, m->nelements, sizeof(bool));
        i->elements = pool_alloc(s->pool, m->nelements, sizeof(*i->elements));
        i->funcs = store_array(s, nescaping, sizeof(*i->funcs));
        i->crosses = store_array(s, nescaping, sizeof(*i->crosses));
        if (!i->imports || !i->memories || !i->tables || !i->tags || !i->data_dropped || !i->element_dropped ||
            !i->elements ||
            !i->funcs || !i->crosses) {
                instance_done(i);
                return NULL;
        }
        return i;
}

void instance_done(struct instance *i)
{
        for (uint32_t k = 0; i->elements && k < i->module->nelements; k++)
                if (i->elements[k])
                        store_array_free(i->store, i->elements[k]);
        i->elements = NULL;
        store_array_free(i->store, i->funcs);
        store_array_free(i->store, i->crosses);
        slot_free(&i->map);
        i->funcs = NULL;
        i->crosses = NULL;
}

/* Memories and tables that the module defines; then every descriptor. */
static int objects_new(struct instance *i, struct error *err)
{
        const struct module *m = i->module;
        const struct layout *l = &i->loaded->a->layout;
        struct memory_desc *memories = instance_array(i, l->memories);
        struct table_desc *tables = instance_array(i, l->tables);
        int r = 0;

        for (uint32_t k = m->imported_memories; k < m->nmemories && r == 0; k++)
                r = memory_new(i->store, &m->memories[k].type, k == 0 ? i->prefix.base : NULL,
                               &i->memories[k], err);
        for (uint32_t k = m->imported_tables; k < m->ntables && r == 0; k++) {
                struct tabletype type = m->tables[k].type;

                type.element = store_valtype(i->loaded->types, type.element);
                r = table_new(i->store, &type, i, &i->tables[k], err);
        }
        for (uint32_t k = m->imported_tags; k < m->ntags && r == 0; k++) {
                i->tags[k] = pool_alloc(i->store->pool, 1, sizeof(*i->tags[k]));
                if (!i->tags[k])
                        return no_memory(err);
                *i->tags[k] = (struct tag_object) { i->loaded->types[m->tags[k].type],
                                                    m->types[m->tags[k].type].nparams };
        }
        if (r < 0)
                return r;
        for (uint32_t k = 0; k < m->nmemories && r == 0; k++)
                r = memory_use(i->memories[k], &memories[k]);
        for (uint32_t k = 0; k < m->ntables && r == 0; k++)
                r = table_use(i->tables[k], &tables[k], i);
        return r < 0 ? no_memory(err) : 0;
}

static void globals_init(struct instance *i)
{
        const struct module *m = i->module;
        union value *globals = instance_array(i, i->loaded->a->layout.globals);

        for (uint32_t k = m->imported_globals; k < m->nglobals; k++)
                globals[k] = const_evaluate(i, &m->globals[k].init);
        for (uint32_t k = m->imported_tables; k < m->ntables; k++) {
                uint64_t ref = m->tables[k].init.nops ? const_evaluate(i, &m->tables[k].init).ref : 0;

                for (uint64_t at = 0; ref && at < i->tables[k]->length; at++)
                        table_store(i->tables[k], at, ref);
        }
}

/* The image, mapped over the first pages of memory 0: pages that the guest does not write stay the
 * file's, shared by all instances. */
static int image_map(struct instance *i, struct error *err)
{
        const struct artefact *a = i->loaded->a;
        uint8_t *at = (uint8_t *)i->prefix.base + a->image_at;

        if (!a->image.size)
                return 0;
        if (i->loaded->fd < 0 || i->store->place.copy_image) {
                memcpy(at, a->bytes + a->image.offset, a->image.size);
                return 0;
        }
        if (mmap(at, a->image.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, i->loaded->fd,
                 (off_t)a->image.offset) == MAP_FAILED)
                return error_set(err, STAGE_INSTANTIATE, -errno, ERROR_NOWHERE,
                                 "mapping %zu bytes of initial memory", a->image.size);
        return 0;
}

/* Where an active segment goes. */
static uint64_t segment_at(struct instance *i, const struct const_expr *at, const struct range *size)
{
        union value v = const_evaluate(i, at);

        return size->is_64 ? v.i64 : v.i32;
}

static bool elements_init(struct instance *i)
{
        const struct module *m = i->module;

        for (uint32_t k = 0; k < m->nelements; k++) {
                const struct element_segment *e = &m->elements[k];

                if (e->mode == SEGMENT_ACTIVE &&
                    !segment_copy_elements(i, k, i->tables[e->table],
                                           segment_at(i, &e->at, &m->tables[e->table].type.size), 0,
                                           e->n))
                        return false;
                if (e->mode != SEGMENT_PASSIVE)
                        segment_drop(i, k);
        }
        return true;
}

static bool datas_init(struct instance *i)
{
        const struct module *m = i->module;

        for (uint32_t k = 0; k < m->ndatas; k++) {
                const struct data_segment *d = &m->datas[k];

                if (d->mode != SEGMENT_ACTIVE)
                        continue;
                if (!segment_copy_bytes(i, k, i->memories[d->memory],
                                        segment_at(i, &d->at, &m->memories[d->memory].type.size), 0,
                                        d->bytes.size))
                        return false;
                i->data_dropped[k] = true;
        }
        return true;
}

static int trapped(struct trap_info *trap, enum trap what)
{
        if (trap)
                *trap = (struct trap_info) { .trap = what };
        return -EFAULT;
}

int instance_create(struct store *s, struct loaded_module *m, const struct extern_value *imports,
                    void *host, struct instance **ret, struct trap_info *trap, struct error *err)
{
        struct instance *i = instance_alloc(s, m, host);
        int r;

        if (!i)
                return no_memory(err);
        r = area_new(i, err);
        if (r == 0)
                r = instance_link(i, imports, err);
        if (r < 0) {
                instance_done(i);
                return r;
        }
        /* From here on others may come to know the instance: it stays, whatever happens. */
        i->next = s->instances;
        s->instances = i;
        types_show(s); /* those of host functions may have moved them */
        store_heap_show(s);
        r = objects_new(i, err);
        if (r == 0)
                r = store_heap_need(s, m, err);
        if (r < 0)
                return r;
        globals_init(i);
        if (!elements_evaluate(i))
                return no_memory(err);
        if (s->exhausted)
                return trapped(trap, TRAP_HEAP_EXHAUSTED);
        if (!elements_init(i))
                return trapped(trap, TRAP_TABLE_BOUNDS);
        r = image_map(i, err);
        if (r < 0)
                return r;
        if (!datas_init(i))
                return trapped(trap, TRAP_MEMORY_BOUNDS);
        *ret = i;
        return 0;
}
