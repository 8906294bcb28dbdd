#include "engine/artefact/snapshot.h"
#include "engine/instance/store.h"

static int refuse(struct error *err, const char *what)
{
        return error_set(err, STAGE_INSTANTIATE, -EOPNOTSUPP, ERROR_NOWHERE,
                         "its state cannot be kept: %s", what);
}

/* A function of the module as its index + 1. */
static bool function_number(const struct instance *i, const struct table_entry *e, uint64_t *ret)
{
        if (e && e->type != TYPE_NONE && e->owner != i)
                return false;
        *ret = e && e->type != TYPE_NONE ? (uint64_t)e->function + 1 : 0;
        return true;
}

static int take_globals(const struct instance *i, struct buffer *out, struct error *err)
{
        const struct module *m = i->module;

        for (uint32_t k = m->imported_globals; k < m->nglobals; k++) {
                union value v = *instance_global(i, k);
                valtype t = m->globals[k].type.type;

                if (valtype_is_ref(t)) {
                        bool function = store_heap_top(i->store, store_valtype(i->loaded->types, t) >>
                                                                 VAL_HEAP_SHIFT) == TOP_FUNC;

                        if (function && !function_number(i, (const void *)(uintptr_t)v.ref, &v.bits[0]))
                                return refuse(err, "a global refers to a function of another instance");
                        if (!function && v.ref)
                                return refuse(err, "a global refers to what is not in the module");
                        v.bits[1] = 0;
                }
                buffer_u64(out, v.bits[0]);
                buffer_u64(out, v.bits[1]);
        }
        return 0;
}

static int take_table(const struct instance *i, const struct table_object *o, struct buffer *out,
                      struct error *err)
{
        bool functions = table_holds_functions(o);

        buffer_u64(out, o->length);
        for (uint64_t k = 0; k < o->length; k++) {
                uint64_t number = 0;

                if (functions && !function_number(i, (const struct table_entry *)o->base + k, &number))
                        return refuse(err, "a table refers to a function of another instance");
                if (!functions && ((const uint64_t *)o->base)[k])
                        return refuse(err, "a table refers to what is not in the module");
                buffer_u32(out, (uint32_t)number);
        }
        buffer_align(out, 8);
        return 0;
}

static int take_memory(const struct memory_object *o, struct buffer *out, struct error *err)
{
        uint64_t bytes = o->bytes & ~UINT64_C(7);

        if (o->bytes > SNAPSHOT_BYTES_MAX)
                return refuse(err, "a memory of more than 1 GiB");
        while (bytes && *(const uint64_t *)(o->base + bytes - 8) == 0)
                bytes -= 8;
        if (o->bytes & 7)
                bytes = o->bytes; /* a page of one byte: not worth more */
        buffer_u64(out, o->bytes >> o->type.page_shift);
        buffer_u64(out, bytes);
        buffer_append(out, o->base, bytes);
        buffer_align(out, 8);
        return 0;
}

int instance_snapshot(const struct instance *i, struct buffer *out, struct error *err)
{
        const struct module *m = i->module;
        const struct snapshot_head head = {
                .magic = SNAPSHOT_MAGIC, .nglobals = m->nglobals - m->imported_globals,
                .ntables = m->ntables - m->imported_tables,
                .nmemories = m->nmemories - m->imported_memories, .ndatas = m->ndatas,
                .nelements = m->nelements,
        };
        int r;

        for (uint32_t k = 0; k < m->nimports; k++)
                if (m->imports[k].kind != EXTERN_FUNC)
                        return refuse(err, "the module imports a memory, a table, a global or a tag");
        buffer_append(out, &head, sizeof(head));
        r = take_globals(i, out, err);
        for (uint32_t k = 0; k < m->ntables && r == 0; k++)
                r = take_table(i, i->tables[k], out, err);
        for (uint32_t k = 0; k < m->ndatas; k++)
                buffer_u8(out, i->data_dropped[k]);
        for (uint32_t k = 0; k < m->nelements; k++)
                buffer_u8(out, i->element_dropped[k]);
        buffer_align(out, 8);
        for (uint32_t k = 0; k < m->nmemories && r == 0; k++)
                r = take_memory(i->memories[k], out, err);
        if (r == 0 && !buffer_ok(out))
                return error_set(err, STAGE_INSTANTIATE, -ENOMEM, ERROR_NOWHERE, "no memory for a snapshot");
        return r;
}
