/* What compiled code calls for structures and arrays: to make what does not fit the run at hand, and
 * for work on many elements. Bounds are checked before anything is written; the work goes on in
 * pieces, between which others have their turn. */
#include "engine/instance/builtins_gc.h"

#include "engine/instance/gc.h"

#define PIECE_ELEMENTS 8192u

static bool inside(uint64_t at, uint64_t n, uint64_t size)
{
        return n <= size && at <= size - n;
}

static uint32_t piece(uint32_t left)
{
        return left < PIECE_ELEMENTS ? left : PIECE_ELEMENTS;
}

struct array { /* at hand */
        uint8_t *at;     /* element 0 */
        uint32_t length;
        unsigned bytes;  /* of an element */
        valtype storage;
};

static struct array array_of(const struct instance *i, uint32_t type, uint64_t ref)
{
        const struct store *s = i->store;
        valtype storage = s->types->all[i->loaded->types[type]].fields[0].storage;
        uint8_t *object = gc_heap_base(s->heap) + (uint32_t)ref;
        uint32_t length;

        if (!ref)
                trap_raise(TRAP_NULL_ARRAY, NULL);
        memcpy(&length, object + GC_LENGTH_AT, sizeof(length));
        return (struct array) { object + GC_ARRAY_AT, length, object_bytes(s, storage), storage };
}

static void array_inside(const struct array *a, uint64_t at, uint64_t n)
{
        if (!inside(at, n, a->length))
                trap_raise(TRAP_ARRAY_BOUNDS, NULL);
}

static uint32_t made(uint32_t ref)
{
        if (!ref) {
                instance_current()->store->memory_refused++;
                trap_raise(TRAP_HEAP_EXHAUSTED, NULL);
        }
        return ref;
}

uint64_t builtin_struct_new(uint32_t type)
{
        return made(object_new(instance_current(), type));
}

/* The element is there already at @from; doubles what is filled. */
static void fill(const struct array *a, uint32_t to, uint32_t n, const union value *v)
{
        uint8_t *at = a->at + (uint64_t)to * a->bytes;
        uint32_t first = piece(n);

        if (!n)
                return;
        for (uint32_t k = 0; k < first; k++)
                memcpy(at + (uint64_t)k * a->bytes, v, a->bytes);
        for (uint32_t done = first, k; done < n; done += k) {
                k = piece(n - done);
                memcpy(at + (uint64_t)done * a->bytes, at, (size_t)k * a->bytes);
                fiber_breathe();
        }
}

uint64_t builtin_array_new(uint32_t type, uint32_t with_value, uint32_t n)
{
        struct instance *i = instance_current();
        uint32_t ref = made(object_new_array(i, type, n));
        struct array a;

        if (with_value) {
                a = array_of(i, type, ref);
                fill(&a, 0, n, host_spill(0));
        }
        return ref;
}

void builtin_array_fill(uint32_t type, uint64_t ref, uint32_t to, uint32_t n)
{
        struct array a = array_of(instance_current(), type, ref);

        array_inside(&a, to, n);
        fill(&a, to, n, host_spill(0));
}

void builtin_array_copy(uint32_t type, uint64_t to_ref, uint32_t to, uint64_t from_ref, uint32_t from,
                        uint32_t n)
{
        struct instance *i = instance_current();
        struct array d = array_of(i, type, to_ref), s = array_of(i, type, from_ref);
        bool backwards = to_ref == from_ref && to > from;

        array_inside(&d, to, n);
        array_inside(&s, from, n);
        for (uint32_t done = 0, k; done < n; done += k, fiber_breathe()) {
                uint32_t skip;

                k = piece(n - done);
                skip = backwards ? n - done - k : done;
                memmove(d.at + (uint64_t)(to + skip) * d.bytes, s.at + (uint64_t)(from + skip) * d.bytes,
                        (size_t)k * d.bytes);
        }
}

/* Bytes of a data segment; NULL when it has not so many there. */
static const uint8_t *data_inside(const struct instance *i, uint32_t segment, uint32_t from,
                                  uint64_t bytes)
{
        const struct data_segment *d = &i->module->datas[segment];
        uint64_t size = i->data_dropped[segment] ? 0 : d->bytes.size;

        if (!inside(from, bytes, size))
                trap_raise(TRAP_MEMORY_BOUNDS, NULL);
        return i->module->bytes + d->bytes.offset + from;
}

static void data_copy(const struct array *a, uint32_t to, const uint8_t *from, uint32_t n)
{
        for (uint32_t done = 0, k; done < n; done += k, fiber_breathe()) {
                k = piece(n - done);
                memcpy(a->at + (uint64_t)(to + done) * a->bytes, from + (uint64_t)done * a->bytes,
                       (size_t)k * a->bytes);
        }
}

uint64_t builtin_array_new_data(uint32_t type, uint32_t segment, uint32_t from, uint32_t n)
{
        struct instance *i = instance_current();
        const struct store *s = i->store;
        valtype storage = s->types->all[i->loaded->types[type]].fields[0].storage;
        const uint8_t *bytes = data_inside(i, segment, from, (uint64_t)n * object_bytes(s, storage));
        uint32_t ref = made(object_new_array(i, type, n));
        struct array a = array_of(i, type, ref);

        data_copy(&a, 0, bytes, n);
        return ref;
}

void builtin_array_init_data(uint32_t type, uint32_t segment, uint64_t ref, uint32_t to, uint32_t from,
                             uint32_t n)
{
        struct instance *i = instance_current();
        struct array a = array_of(i, type, ref);

        array_inside(&a, to, n);
        data_copy(&a, to, data_inside(i, segment, from, (uint64_t)n * a.bytes), n);
}

static void elements_inside(const struct instance *i, uint32_t segment, uint32_t from, uint32_t n)
{
        if (!inside(from, n, i->element_dropped[segment] ? 0 : i->module->elements[segment].n))
                trap_raise(TRAP_TABLE_BOUNDS, NULL);
}

static void elements_copy(struct instance *i, const struct array *a, uint32_t to, uint32_t segment,
                          uint32_t from, uint32_t n)
{
        for (uint32_t k = 0; k < n; k++) {
                union value v = { .ref = segment_element(i, segment, from + k) };

                object_put(i->store, a->at + (uint64_t)(to + k) * a->bytes, a->storage, &v);
                if (k % PIECE_ELEMENTS == PIECE_ELEMENTS - 1)
                        fiber_breathe();
        }
}

uint64_t builtin_array_new_elem(uint32_t type, uint32_t segment, uint32_t from, uint32_t n)
{
        struct instance *i = instance_current();
        struct array a;
        uint32_t ref;

        elements_inside(i, segment, from, n);
        ref = made(object_new_array(i, type, n));
        a = array_of(i, type, ref);
        elements_copy(i, &a, 0, segment, from, n);
        return ref;
}

void builtin_array_init_elem(uint32_t type, uint32_t segment, uint64_t ref, uint32_t to, uint32_t from,
                             uint32_t n)
{
        struct instance *i = instance_current();
        struct array a = array_of(i, type, ref);

        array_inside(&a, to, n);
        elements_inside(i, segment, from, n);
        elements_copy(i, &a, to, segment, from, n);
}

uint32_t builtin_ref_is(uint32_t want, uint64_t ref)
{
        const struct instance *i = instance_current();

        return store_ref_is(i->store, ref, store_valtype(i->loaded->types, want));
}

uint64_t builtin_any_convert_extern(uint64_t word)
{
        uint64_t ref = store_any_of_extern(instance_current()->store, word);

        if (word)
                (void)made((uint32_t)ref);
        return ref;
}

uint64_t builtin_extern_convert_any(uint64_t ref)
{
        return store_extern_of_any(instance_current()->store, ref);
}
