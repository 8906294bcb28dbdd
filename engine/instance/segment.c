#include "engine/instance/store.h"

static bool inside(uint64_t at, uint64_t n, uint64_t size)
{
        return n <= size && at <= size - n;
}

uint64_t segment_element(struct instance *i, uint32_t segment, uint64_t k)
{
        const struct element_segment *e = &i->module->elements[segment];

        if (i->elements[segment])
                return i->elements[segment][k];
        if (e->functions)
                return (uintptr_t)instance_funcref(i, e->functions[k]);
        return const_evaluate(i, &e->exprs[k]).ref;
}

bool segment_elements_inside(const struct instance *i, uint32_t segment, const struct table_object *to,
                             uint64_t at, uint64_t from, uint64_t n)
{
        uint64_t size = i->element_dropped[segment] ? 0 : i->module->elements[segment].n;

        return inside(from, n, size) && inside(at, n, to->length);
}

void segment_drop(struct instance *i, uint32_t segment)
{
        if (i->elements[segment])
                store_array_free(i->store, i->elements[segment]);
        i->elements[segment] = NULL;
        i->element_dropped[segment] = true;
}

bool segment_bytes_inside(const struct instance *i, uint32_t segment, const struct memory_object *to,
                          uint64_t at, uint64_t from, uint64_t n)
{
        uint64_t size = i->data_dropped[segment] ? 0 : i->module->datas[segment].bytes.size;

        return inside(from, n, size) && inside(at, n, to->bytes);
}

bool segment_copy_elements(struct instance *i, uint32_t segment, struct table_object *to,
                           uint64_t at, uint64_t from, uint64_t n)
{
        const struct element_segment *e = &i->module->elements[segment];
        /* The usual case, a private table of the module's own functions, makes no reference. */
        bool direct = e->functions && to->private_to == i;

        if (!segment_elements_inside(i, segment, to, at, from, n))
                return false;
        to->store->arrays_written = true;
        for (uint64_t k = 0; k < n; k++) {
                if (direct && e->functions[from + k] >= i->module->imported_functions)
                        ((struct table_entry *)to->base)[at + k] =
                                entry_direct(i, e->functions[from + k]);
                else
                        table_store(to, at + k, segment_element(i, segment, from + k));
        }
        return true;
}

bool segment_copy_bytes(struct instance *i, uint32_t segment, struct memory_object *to, uint64_t at,
                        uint64_t from, uint64_t n)
{
        const struct data_segment *d = &i->module->datas[segment];

        if (!segment_bytes_inside(i, segment, to, at, from, n))
                return false;
        if (n)
                memcpy(to->base + at, i->module->bytes + d->bytes.offset + from, n);
        return true;
}
