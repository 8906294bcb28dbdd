#include "engine/compile/objects.h"

#include <errno.h>

int object_layouts_new(const struct module *m, struct object_layouts *ret)
{
        struct object_layouts o = { 0 };
        size_t n = 0;

        for (uint32_t t = 0; t < m->ntypes; t++)
                n += m->defs[t].nfields;
        o.first = calloc((size_t)m->ntypes + 1, sizeof(*o.first));
        o.bytes = calloc((size_t)m->ntypes + 1, sizeof(*o.bytes));
        o.places = calloc(n + 1, sizeof(*o.places));
        if (!o.first || !o.bytes || !o.places) {
                object_layouts_done(&o);
                return -ENOMEM;
        }
        n = 0;
        for (uint32_t t = 0; t < m->ntypes; t++) {
                const struct deftype *d = &m->defs[t];
                uint32_t end = GC_STRUCT_AT;

                o.first[t] = (uint32_t)n;
                for (uint32_t k = 0; k < d->nfields; k++) {
                        unsigned bytes = module_storage_bytes(m, d->fields[k].storage);

                        o.places[n++] = d->kind == COMP_STRUCT ? object_next(&end, bytes) : GC_ARRAY_AT;
                        o.bytes[t] = bytes;
                }
                if (d->kind == COMP_STRUCT)
                        o.bytes[t] = end;
        }
        *ret = o;
        return 0;
}

void object_layouts_done(struct object_layouts *o)
{
        free(o->first);
        free(o->places);
        free(o->bytes);
        *o = (struct object_layouts) { 0 };
}
