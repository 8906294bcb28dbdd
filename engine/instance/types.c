#include "engine/instance/store.h"

#define HEAP_SELF 0xfffefeu /* a type's own index within it: no id is so large */

static uint32_t hash_of(const struct functype *t)
{
        uint32_t h = 2166136261u ^ t->nparams * 31;

        for (uint32_t i = 0; i < t->nparams; i++)
                h = (h ^ t->params[i]) * 16777619u;
        for (uint32_t i = 0; i < t->nresults; i++)
                h = (h ^ ~t->results[i]) * 16777619u;
        return h >> 8 ^ h >> 16;
}

static bool copy_types(struct store *s, struct functype *ret, const struct functype *t)
{
        valtype *all = pool_alloc(s->types->pool, (size_t)t->nparams + t->nresults, sizeof(*all));

        if (!all)
                return false;
        if (t->nparams)
                memcpy(all, t->params, t->nparams * sizeof(*all));
        if (t->nresults)
                memcpy(all + t->nparams, t->results, t->nresults * sizeof(*all));
        *ret = (struct functype) { t->nparams, t->nresults, all, all + t->nparams };
        return true;
}

static bool make_room(struct type_table *t)
{
        uint32_t room = t->room ? 2 * t->room : 64;
        struct canonical_type *all;

        if (t->n < t->room)
                return true;
        all = pool_alloc(t->pool, room, sizeof(*all));
        if (!all)
                return false;
        if (t->n)
                memcpy(all, t->all, t->n * sizeof(*all));
        t->all = all;
        t->room = room;
        if (!t->n)
                t->n = 1; /* TYPE_NONE */
        return true;
}

uint32_t store_type_id(struct store *s, const struct functype *type)
{
        struct type_table *t = s->types;
        uint32_t *chain = &t->chains[hash_of(type) % ELEMENTSOF(t->chains)];
        struct functype copy;
        uint32_t id;

        for (id = *chain; id; id = t->all[id].next)
                if (functype_equal(&t->all[id].type, type))
                        return id;
        if (t->n >= HEAP_SELF || !make_room(t) || !copy_types(s, &copy, type))
                return TYPE_NONE;
        id = t->n++;
        t->all[id] = (struct canonical_type) { .type = copy, .next = *chain };
        *chain = id;
        return id;
}

valtype store_valtype(const uint32_t *ids, valtype t)
{
        if (!valtype_is_indexed(t))
                return t;
        return (t & ((1u << VAL_HEAP_SHIFT) - 1)) | ids[valtype_heap(t)] << VAL_HEAP_SHIFT;
}

bool store_matches(valtype t, valtype want)
{
        if (t == want)
                return true;
        if (!valtype_is_ref(t) || !valtype_is_ref(want) || (t & ~want & VAL_NULLABLE))
                return false;
        return valtype_heap(t) == valtype_heap(want) ||
               (valtype_is_indexed(t) && valtype_heap(want) == HEAP_FUNC);
}

static void translate(const uint32_t *ids, uint32_t self, valtype *to, const valtype *from, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                if (valtype_is_indexed(from[i]) && valtype_heap(from[i]) == self)
                        to[i] = (from[i] & VAL_NULLABLE) | VAL_REF_TO(HEAP_SELF);
                else
                        to[i] = store_valtype(ids, from[i]);
}

uint32_t store_type_add(struct store *s, const struct module *m, const uint32_t *ids, uint32_t k)
{
        const struct functype *t = &m->types[k];
        _cleanup_free_ valtype *words = NULL;

        if (m->canonical[k] != k)
                return ids[m->canonical[k]];
        words = calloc((size_t)t->nparams + t->nresults + 1, sizeof(*words));
        if (!words)
                return TYPE_NONE;
        translate(ids, k, words, t->params, t->nparams);
        translate(ids, k, words + t->nparams, t->results, t->nresults);
        return store_type_id(s, &(struct functype) { t->nparams, t->nresults, words,
                                                     words + t->nparams });
}

static valtype letter_type(char letter)
{
        switch (letter) {
        case 'i':
                return VAL_I32;
        case 'I':
                return VAL_I64;
        case 'f':
                return VAL_F32;
        case 'F':
                return VAL_F64;
        case 'v':
                return VAL_V128;
        case 'r':
                return VAL_FUNCREF;
        case 'R':
                return VAL_EXTERNREF;
        default:
                abort(); /* a host function is declared in our own source */
        }
}

static const struct functype *host_type(struct store *s, const struct host_function *h)
{
        struct functype *t = pool_alloc(s->types->pool, 1, sizeof(*t));
        size_t n = strlen(h->params), m = strlen(h->results);
        valtype *all = pool_alloc(s->types->pool, n + m, sizeof(*all));

        if (!t || !all)
                return NULL;
        for (size_t i = 0; i < n; i++)
                all[i] = letter_type(h->params[i]);
        for (size_t i = 0; i < m; i++)
                all[n + i] = letter_type(h->results[i]);
        *t = (struct functype) { (uint32_t)n, (uint32_t)m, all, all + n };
        return t;
}

bool store_host_function(struct store *s, const struct host_function *h, struct function_ref *ret)
{
        struct host_link *l;

        for (l = s->types->hosts; l; l = l->next)
                if (l->record.code == h->code && l->params == h->params && l->results == h->results) {
                        *ret = l->ref;
                        return true;
                }
        l = pool_alloc(s->types->pool, 1, sizeof(*l));
        if (!l)
                return false;
        *l = (struct host_link) { .next = s->types->hosts, .params = h->params,
                                  .results = h->results, .record.code = h->code };
        l->ref = (struct function_ref) { .data = &l->record, .functype = host_type(s, h),
                                         .code = (void *)(uintptr_t)run_host_thunk };
        if (l->ref.functype)
                l->ref.type = store_type_id(s, l->ref.functype);
        if (l->ref.type == TYPE_NONE)
                return false;
        s->types->hosts = l;
        *ret = l->ref;
        return true;
}
