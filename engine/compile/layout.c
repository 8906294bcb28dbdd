#include "engine/base/error.h"
#include "engine/compile/abi.h"

struct array { /* from the head downwards */
        int32_t *field;
        uint64_t n, size;
};

int layout_compute(const struct module *m, struct layout *ret, struct error *err)
{
        struct layout l = { 0 };
        uint64_t at = sizeof(struct instance_head);

        for (uint32_t i = 0; i < m->ntypes; i++) {
                unsigned n = abi_spill_entries(&m->types[i]);

                if (n < 1 && m->defs[i].kind == COMP_ARRAY)
                        n = 1; /* the value of array.fill */
                if (n > l.spill_entries)
                        l.spill_entries = n;
        }
        /* What code uses most lies nearest, although every displacement takes four bytes. */
        const struct array arrays[] = {
                { &l.memories, m->nmemories, sizeof(struct memory_desc) },
                { &l.globals, m->nglobals, ABI_GLOBAL_BYTES },
                { &l.spill, l.spill_entries, ABI_SPILL_BYTES },
                { &l.tables, m->ntables, sizeof(struct table_desc) },
                { &l.imports, m->imported_functions, sizeof(struct import_desc) },
                { &l.types, m->ntypes, sizeof(uint32_t) },
        };

        for (unsigned i = 0; i < ELEMENTSOF(arrays); i++) {
                at += (arrays[i].n * arrays[i].size + 15) & ~UINT64_C(15);
                if (at > ABI_INSTANCE_MAX)
                        return error_set(err, STAGE_COMPILE, -E2BIG, ERROR_NOWHERE,
                                         "the instance would need more than %u bytes beside its "
                                         "memory", (unsigned)ABI_INSTANCE_MAX);
                *arrays[i].field = -(int32_t)at;
        }
        l.bytes = (uint32_t)at;
        *ret = l;
        return 0;
}
