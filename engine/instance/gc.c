#include "engine/instance/gc.h"

#include "engine/compile/objects.h"
#include "engine/run/stacks.h"

#define ROOTS_SLICE 8192u

/* ---- types ---------------------------------------------------------------------------------- */

unsigned object_bytes(const struct store *s, valtype t)
{
        return storage_bytes(t, valtype_is_ref(t) ? store_heap_top(s, valtype_heap(t)) : TOP_ANY);
}

/* Is a value of @t something that a collection must look at? */
static bool is_traced(const struct store *s, valtype t, bool *ret_extern)
{
        enum heap_top top;

        if (!valtype_is_ref(t))
                return false;
        top = store_heap_top(s, valtype_heap(t));
        *ret_extern = top == TOP_EXTERN;
        return top == TOP_ANY || top == TOP_EXTERN;
}

bool types_object_room(struct type_table *t, uint32_t room)
{
        struct gc_type *objects = pool_alloc(t->pool, room, sizeof(*objects));

        if (!objects)
                return false;
        if (t->n)
                memcpy(objects, t->objects, t->n * sizeof(*objects));
        t->objects = objects;
        return true;
}

bool types_object_fill(struct store *s, uint32_t id)
{
        struct type_table *t = s->types;
        const struct canonical_type *type = &t->all[id];
        struct gc_field *fields = pool_alloc(t->pool, type->nfields, sizeof(*fields));
        uint32_t end = GC_STRUCT_AT, n = 0;

        if (!fields)
                return false;
        t->objects[id] = (struct gc_type) { .fields = fields };
        if (type->kind == COMP_FUNC)
                return true;
        for (uint32_t k = 0; k < type->nfields; k++) {
                valtype storage = type->fields[k].storage;
                unsigned bytes = object_bytes(s, storage);
                bool is_extern;

                t->objects[id].bytes = bytes;
                fields[n].offset = type->kind == COMP_STRUCT ? object_next(&end, bytes) : 0;
                if (!is_traced(s, storage, &is_extern))
                        continue;
                fields[n++].is_extern = is_extern;
        }
        if (type->kind == COMP_STRUCT)
                t->objects[id].bytes = end;
        t->objects[id].kind = type->kind == COMP_STRUCT ? GC_STRUCT : GC_ARRAY;
        t->objects[id].nfields = n;
        return true;
}

/* ---- roots ---------------------------------------------------------------------------------- */

static void root_value(struct store *s, valtype t, uint64_t word)
{
        bool is_extern;

        if (!is_traced(s, t, &is_extern))
                return;
        if (is_extern)
                gc_root_extern(s->heap, word);
        else
                gc_root(s->heap, (uint32_t)word);
}

static void root_values(struct store *s, valtype t, const uint64_t *words, uint64_t n)
{
        for (uint64_t k = 0; k < n; k++) {
                root_value(s, t, words[k]);
                if (k % ROOTS_SLICE == ROOTS_SLICE - 1)
                        gc_heap_yield(s->heap);
        }
}

static void roots_of_instance(struct store *s, struct instance *i)
{
        const struct module *m = i->module;
        const struct layout *l = &i->loaded->a->layout;
        const union value *spill = instance_array(i, l->spill);

        for (uint32_t k = 0; k < m->nglobals; k++) {
                const union value *v = instance_global(i, k);

                if (v)
                        root_value(s, store_valtype(i->loaded->types, m->globals[k].type.type), v->ref);
        }
        for (uint32_t k = 0; i->elements && k < m->nelements; k++)
                if (i->elements[k])
                        root_values(s, store_valtype(i->loaded->types, m->elements[k].type),
                                    i->elements[k], m->elements[k].n);
        gc_root_words(s->heap, spill, spill + l->spill_entries);
}

static void root_exceptions(struct store *s, const struct exception *e)
{
        for (; e; e = e->next)
                gc_root_words(s->heap, e->values, e->values + e->room);
}

static void root_stack(void *context, const void *low, const void *high)
{
        gc_root_words(context, low, high);
}

static void roots(void *context, struct gc_heap *h)
{
        struct store *s = context;

        stacks_scan(root_stack, h);
        for (struct instance *i = s->instances; i; i = i->next)
                roots_of_instance(s, i);
        for (struct table_object *o = s->tables; o; o = o->next)
                if (!table_holds_functions(o))
                        root_values(s, o->type.element, o->base, o->length);
        root_exceptions(s, s->exceptions);
        root_exceptions(s, s->thrown);
        if (s->operands)
                gc_root_words(h, s->operands, s->operands + s->noperands);
}

static void breathe(void *context)
{
        (void)context;
        if (fiber_current())
                fiber_breathe();
}

/* ---- the heap of a store -------------------------------------------------------------------- */

static bool uses_heap(const struct loaded_module *l)
{
        const struct module *m = l->module;

        if ((m->features_used | l->a->checked->features_used) >> FEATURE_GC & 1)
                return true;
        for (uint32_t k = 0; k < m->ntypes; k++)
                if (m->defs[k].kind != COMP_FUNC)
                        return true;
        return false;
}

void store_heap_show(const struct store *s)
{
        static struct gc_cursor none; /* leaves no room, so the builtin is called */

        for (struct instance *i = s->instances; i; i = i->next) {
                struct instance_head *h = i->prefix.base ? instance_head(i) : NULL;

                if (!h)
                        continue;
                h->heap = s->heap ? gc_heap_base(s->heap) : NULL;
                h->cursor = s->heap ? gc_heap_cursor(s->heap) : &none;
        }
}

int store_heap_need(struct store *s, const struct loaded_module *l, struct error *err)
{
        struct gc_options o = {
                .bytes_max = s->options.memory_max_bytes,
                .bytes_used = &s->memory_bytes,
                .bytes_used_max = s->options.memory_max_bytes,
                .stress = s->options.collect_always,
                .roots = roots,
                .yield = breathe,
                .context = s,
        };
        int r;

        if (s->heap || !uses_heap(l))
                return 0;
        r = gc_heap_new(&o, &s->heap, err);
        if (r < 0)
                return r;
        gc_heap_set_types(s->heap, s->types->objects, s->types->n);
        store_heap_show(s);
        for (struct instance *i = s->instances; i; i = i->next)
                instance_calls_forget(i);
        return 0;
}

/* ---- objects -------------------------------------------------------------------------------- */

uint32_t object_new(struct instance *i, uint32_t type)
{
        return gc_new_struct(i->store->heap, i->loaded->types[type]);
}

uint32_t object_new_array(struct instance *i, uint32_t type, uint32_t n)
{
        return gc_new_array(i->store->heap, i->loaded->types[type], n);
}

void object_put(const struct store *s, uint8_t *at, valtype t, const union value *v)
{
        memcpy(at, v, object_bytes(s, t));
}

uint64_t store_any_of_extern(struct store *s, uint64_t word)
{
        if (!word)
                return 0;
        return word & GC_EXTERN_BIT ? (uint32_t)word : gc_new_extern(s->heap, word);
}

uint64_t store_extern_of_any(struct store *s, uint64_t ref)
{
        const uint8_t *object = gc_heap_base(s->heap) + (uint32_t)ref;
        uint32_t kind;
        uint64_t word;

        if (!ref)
                return 0;
        if (gc_is_object(ref)) {
                memcpy(&kind, object, sizeof(kind));
                memcpy(&word, object + GC_ARRAY_AT, sizeof(word));
                if (kind >> GC_KIND_SHIFT == GC_EXTERN)
                        return word;
        }
        return GC_EXTERN_BIT | (uint32_t)ref;
}

static bool object_is(const struct store *s, uint32_t word, uint32_t heap)
{
        uint32_t kind = word >> GC_KIND_SHIFT;

        if (heap < HEAP_FIRST_ABSTRACT)
                return kind != GC_EXTERN && store_type_below(s, word & GC_ID_MASK, heap);
        switch (heap) {
        case HEAP_ANY:
                return true;
        case HEAP_EQ:
                return kind != GC_EXTERN;
        case HEAP_STRUCT:
                return kind == GC_STRUCT;
        case HEAP_ARRAY:
                return kind == GC_ARRAY;
        default:
                return false;
        }
}

bool store_ref_is(const struct store *s, uint64_t ref, valtype want)
{
        uint32_t heap = valtype_heap(want), word;

        if (!ref)
                return want & VAL_NULLABLE;
        switch (store_heap_top(s, heap)) {
        case TOP_FUNC:
                return heap == HEAP_FUNC ||
                       (heap < HEAP_FIRST_ABSTRACT &&
                        store_type_below(s, ((const struct table_entry *)ref)->type, heap));
        case TOP_EXTERN:
                return heap == HEAP_EXTERN;
        case TOP_EXN:
                return heap == HEAP_EXN;
        case TOP_ANY:
                break;
        }
        if (!gc_is_object(ref))
                return heap == HEAP_ANY || heap == HEAP_EQ || heap == HEAP_I31;
        memcpy(&word, gc_heap_base(s->heap) + (uint32_t)ref, sizeof(word));
        return object_is(s, word, heap);
}

/* ---- constant expressions ------------------------------------------------------------------- */

static uint32_t const_struct(struct instance *i, const struct const_op *op, const union value *fields)
{
        const struct store *s = i->store;
        uint32_t ref = object_new(i, op->index), end = GC_STRUCT_AT;
        const struct canonical_type *type = &s->types->all[i->loaded->types[op->index]];

        for (uint32_t k = 0; ref && op->op == OP_STRUCT_NEW && k < type->nfields; k++) {
                valtype t = type->fields[k].storage;

                object_put(s, gc_heap_base(s->heap) + ref + object_next(&end, object_bytes(s, t)), t,
                           &fields[k]);
        }
        return ref;
}

static uint32_t const_array(struct instance *i, const struct const_op *op, const union value *values,
                            uint32_t n, bool same)
{
        const struct store *s = i->store;
        uint32_t ref = object_new_array(i, op->index, n);
        valtype t = s->types->all[i->loaded->types[op->index]].fields[0].storage;
        unsigned bytes = object_bytes(s, t);

        for (uint32_t k = 0; ref && values && k < n; k++)
                object_put(s, gc_heap_base(s->heap) + ref + GC_ARRAY_AT + (uint64_t)k * bytes, t,
                           &values[same ? 0 : k]);
        return ref;
}

union value const_object(struct instance *i, const struct const_op *op, const union value *stack,
                         uint32_t *n)
{
        struct store *s = i->store;
        const struct deftype *d = op->index < i->module->ntypes ? &i->module->defs[op->index] : NULL;
        uint32_t takes = op->op == OP_STRUCT_NEW           ? d->nfields
                         : op->op == OP_STRUCT_NEW_DEFAULT ? 0
                         : op->op == OP_ARRAY_NEW_FIXED    ? (uint32_t)op->value[0]
                         : op->op == OP_ARRAY_NEW          ? 2
                                                           : 1;
        const union value *v = stack + *n - takes;
        union value r = { .bits = { 0, 0 } };

        if (takes > *n)
                abort(); /* validation lets no such expression pass */
        s->operands = stack;
        s->noperands = *n;
        switch (op->op) {
        case OP_REF_I31:
                r.ref = (uint32_t)(v->i32 << 1 | 1);
                break;
        case OP_STRUCT_NEW:
        case OP_STRUCT_NEW_DEFAULT:
                r.ref = const_struct(i, op, v);
                break;
        case OP_ARRAY_NEW:
                r.ref = const_array(i, op, v, v[1].i32, true);
                break;
        case OP_ARRAY_NEW_DEFAULT:
                r.ref = const_array(i, op, NULL, v->i32, true);
                break;
        case OP_ARRAY_NEW_FIXED:
                r.ref = const_array(i, op, v, takes, false);
                break;
        case OP_ANY_CONVERT_EXTERN:
                r.ref = store_any_of_extern(s, v->ref);
                break;
        case OP_EXTERN_CONVERT_ANY:
                r.ref = store_extern_of_any(s, v->ref);
                break;
        default:
                abort();
        }
        s->operands = NULL;
        s->noperands = 0;
        s->exhausted |= !r.ref && (op->op == OP_ANY_CONVERT_EXTERN || op->op == OP_EXTERN_CONVERT_ANY
                                           ? v->ref != 0
                                           : true);
        *n -= takes;
        return r;
}

bool elements_evaluate(struct instance *i)
{
        const struct module *m = i->module;

        for (uint32_t k = 0; k < m->nelements; k++) {
                const struct element_segment *e = &m->elements[k];

                if (!e->exprs || e->mode == SEGMENT_DECLARATIVE ||
                    module_heap_top(m, valtype_heap(e->type)) == TOP_FUNC)
                        continue;
                i->elements[k] = store_array(i->store, e->n, sizeof(uint64_t));
                if (!i->elements[k])
                        return false;
                for (uint32_t n = 0; n < e->n; n++)
                        i->elements[k][n] = const_evaluate(i, &e->exprs[n]).ref;
        }
        return true;
}
