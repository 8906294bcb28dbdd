/* The types of a store: every one that a module or a host function brings, once. */
#include "engine/instance/gc.h"

#define IDS_MAX HEAP_FIRST_ABSTRACT /* a heap type holds an id */

void types_show(const struct store *s)
{
        for (struct instance *i = s->instances; i; i = i->next)
                if (i->prefix.base)
                        memcpy(instance_head(i)->displays, s->types->displays,
                               sizeof(s->types->displays));
}

/* Displays with room for so many types. Those behind the first are mostly zero: what no type uses is
 * not written, and so costs no memory. */
static bool display_make_room(struct type_table *t, unsigned k, uint32_t room)
{
        struct type_display *d = pool_alloc(t->pool, room, sizeof(*d));

        for (uint32_t id = 1; d && t->displays[k] && id < t->n; id++)
                if (t->all[id].depth >= k * ABI_DISPLAY)
                        d[id] = t->displays[k][id];
        if (d)
                t->displays[k] = d;
        return d != NULL;
}

/* Places for @n more types, the deepest at @depth; what is outgrown stays in the pool, which doubling
 * bounds. */
static bool make_room(struct store *s, uint32_t n, unsigned depth)
{
        struct type_table *t = s->types;
        uint32_t first = t->n ? t->n : 1; /* 0 is TYPE_NONE */
        uint64_t room = t->room ? t->room : 32;
        struct canonical_type *all = t->all;
        bool ok = true;

        if (n >= IDS_MAX - first)
                return false;
        while (room < (uint64_t)first + n)
                room *= 2;
        if (room > t->room) {
                all = pool_alloc(t->pool, room, sizeof(*all));
                if (!all)
                        return false;
                if (t->n)
                        memcpy(all, t->all, t->n * sizeof(*all));
                ok = types_object_room(t, (uint32_t)room);
        }
        for (unsigned k = 0; k < ABI_DISPLAYS && ok; k++)
                if (t->displays[k] ? room > t->room : depth >= k * ABI_DISPLAY)
                        ok = display_make_room(t, k, (uint32_t)room);
        if (s->heap)
                gc_heap_set_types(s->heap, t->objects, t->n);
        types_show(s); /* also when only some have moved */
        if (!ok)
                return false;
        t->all = all;
        t->room = (uint32_t)room;
        t->n = first;
        return true;
}

static void displays_fill(struct type_table *t, uint32_t id)
{
        const struct canonical_type *type = &t->all[id];

        for (unsigned k = 0; k <= type->depth / ABI_DISPLAY; k++) {
                struct type_display *d = &t->displays[k][id];

                if (type->super)
                        *d = t->displays[k][type->super];
                if (type->depth / ABI_DISPLAY == k)
                        d->id[type->depth % ABI_DISPLAY] = id;
        }
}

/* Id of @type, a final one without supertypes; TYPE_NONE without memory. Indices in it are ids. */
static uint32_t store_type_id(struct store *s, const struct functype *type)
{
        _cleanup_(type_words_done) struct type_words words = { 0 };
        struct type_table *t = s->types;
        uint32_t id;

        if (!make_room(s, 1, 0) || type_words_of_function(type, &words) < 0 ||
            group_table_add(&t->groups, &words, t->n, &id) < 0)
                return TYPE_NONE;
        if (id == t->n) {
                t->all[id] = (struct canonical_type) { .kind = COMP_FUNC, .is_final = true };
                t->objects[id] = (struct gc_type) { .kind = GC_FREE };
                displays_fill(t, id);
                t->n++;
        }
        return id;
}

valtype store_valtype(const uint32_t *ids, valtype t)
{
        if (!valtype_is_indexed(t))
                return t;
        return (t & ((1u << VAL_HEAP_SHIFT) - 1)) | ids[valtype_heap(t)] << VAL_HEAP_SHIFT;
}

/* A type that is new, whose group has its ids. */
static void type_fill(struct type_table *t, const struct deftype *def, const uint32_t *ids, uint32_t id,
                      struct fieldtype *fields)
{
        for (uint32_t i = 0; i < def->nfields; i++)
                fields[i] = (struct fieldtype) { store_valtype(ids, def->fields[i].storage),
                                                 def->fields[i].is_mutable };
        t->all[id] = (struct canonical_type) {
                .kind = def->kind,
                .is_final = def->is_final,
                .depth = def->depth,
                .super = def->super == TYPE_NO_SUPER ? TYPE_NONE : ids[def->super],
                .nfields = def->nfields,
                .fields = fields,
        };
        displays_fill(t, id);
}

static int group_add(struct store *s, const struct module *m, uint32_t first, uint32_t *ids,
                     struct type_words *words)
{
        struct type_table *t = s->types;
        uint32_t n = m->defs[first].ngroup, id;
        struct fieldtype *fields;
        unsigned depth = 0;
        size_t nfields = 0;

        for (uint32_t k = first; k < first + n; k++) {
                nfields += m->defs[k].nfields;
                depth = m->defs[k].depth > depth ? m->defs[k].depth : depth;
        }
        fields = pool_alloc(t->pool, nfields, sizeof(*fields));
        if (!fields || !make_room(s, n, depth) || type_words_of(m, first, ids, words) < 0 ||
            group_table_add(&t->groups, words, t->n, &id) < 0)
                return -ENOMEM;
        for (uint32_t k = 0; k < n; k++)
                ids[first + k] = id + k;
        if (id < t->n)
                return 0;
        t->n += n;
        for (uint32_t k = 0; k < n; k++) {
                type_fill(t, &m->defs[first + k], ids, id + k, fields);
                fields += m->defs[first + k].nfields;
        }
        for (uint32_t k = 0; k < n; k++)
                if (!types_object_fill(s, id + k))
                        return -ENOMEM;
        return 0;
}

int store_types_add(struct store *s, const struct module *m, uint32_t *ids)
{
        _cleanup_(type_words_done) struct type_words words = { 0 };
        int r = 0;

        for (uint32_t i = 0; i < m->ntypes && r == 0; i += m->defs[i].ngroup) {
                uint32_t first = m->canonical[i];

                if (first == i) {
                        r = group_add(s, m, i, ids, &words);
                        continue;
                }
                for (uint32_t k = 0; k < m->defs[i].ngroup; k++)
                        ids[i + k] = ids[first + k];
        }
        return r;
}

bool store_type_below(const struct store *s, uint32_t id, uint32_t above)
{
        const struct canonical_type *all = s->types->all;

        while (id != above && all[id].depth > all[above].depth)
                id = all[id].super;
        return id == above && id != TYPE_NONE;
}

enum heap_top store_heap_top(const struct store *s, uint32_t heap)
{
        if (heap < HEAP_FIRST_ABSTRACT)
                return s->types->all[heap].kind == COMP_FUNC ? TOP_FUNC : TOP_ANY;
        return heap_top_of(heap);
}

static bool heap_matches(const struct store *s, uint32_t heap, uint32_t want)
{
        if (heap < HEAP_FIRST_ABSTRACT)
                return want < HEAP_FIRST_ABSTRACT
                               ? store_type_below(s, heap, want)
                               : heap_is_below(heap_of_kind(s->types->all[heap].kind), want);
        if (want < HEAP_FIRST_ABSTRACT)
                return heap == (s->types->all[want].kind == COMP_FUNC ? HEAP_NOFUNC : HEAP_NONE);
        return heap_is_below(heap, want);
}

bool store_matches(const struct store *s, valtype t, valtype want)
{
        if (t == want)
                return true;
        if (!valtype_is_ref(t) || !valtype_is_ref(want) || (t & ~want & VAL_NULLABLE))
                return false;
        return heap_matches(s, valtype_heap(t), valtype_heap(want));
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
