#include "config.h"

#include <string.h>

#include "engine/instance/spectest.h"

static void print(void)
{
}

static const struct host_function functions[] = {
        { "spectest", "print",         "",   "", print },
        { "spectest", "print_i32",     "i",  "", print },
        { "spectest", "print_i64",     "I",  "", print },
        { "spectest", "print_f32",     "f",  "", print },
        { "spectest", "print_f64",     "F",  "", print },
        { "spectest", "print_i32_f32", "if", "", print },
        { "spectest", "print_f64_f64", "FF", "", print },
};

static const struct {
        const char *name;
        valtype type;
        union value value;
} globals[] = {
        { "global_i32", VAL_I32, { .i32 = 666 } },
        { "global_i64", VAL_I64, { .i64 = 666 } },
        { "global_f32", VAL_F32, { .f32 = 666.6f } },
        { "global_f64", VAL_F64, { .f64 = 666.6 } },
};

int spectest_make(struct store *s, struct spectest *ret, struct error *err)
{
        struct memtype memory = { .size = { .min = 1, .max = 2, .has_max = true }, .page_shift = 16 };
        struct tabletype table = { .element = VAL_FUNCREF,
                                   .size = { .min = 10, .max = 20, .has_max = true } };
        struct spectest made;
        int r;

        r = store_new_memory(s, &memory, &made.memory, err);
        memory.size.is_shared = true;
        if (r >= 0)
                r = store_new_memory(s, &memory, &made.shared_memory, err);
        if (r >= 0)
                r = store_new_table(s, &table, &made.table, err);
        table.size.is_64 = true;
        if (r >= 0)
                r = store_new_table(s, &table, &made.table64, err);
        for (size_t i = 0; i < ELEMENTSOF(globals) && r >= 0; i++)
                r = store_new_global(s, &(struct globaltype) { globals[i].type, false },
                                     globals[i].value, &made.globals[i], err);
        if (r >= 0)
                *ret = made;
        return r;
}

int spectest_find(const struct spectest *t, const struct name *name, struct extern_value *ret)
{
        for (size_t i = 0; i < ELEMENTSOF(functions); i++)
                if (name_is(name, functions[i].name)) {
                        *ret = (struct extern_value) { .kind = EXTERN_FUNC, .host = &functions[i] };
                        return 0;
                }
        for (size_t i = 0; i < ELEMENTSOF(globals); i++)
                if (name_is(name, globals[i].name)) {
                        *ret = (struct extern_value) { .kind = EXTERN_GLOBAL, .global = t->globals[i] };
                        return 0;
                }
        if (name_is(name, "memory"))
                *ret = (struct extern_value) { .kind = EXTERN_MEMORY, .memory = t->memory };
        else if (name_is(name, "shared_memory"))
                *ret = (struct extern_value) { .kind = EXTERN_MEMORY, .memory = t->shared_memory };
        else if (name_is(name, "table"))
                *ret = (struct extern_value) { .kind = EXTERN_TABLE, .table = t->table };
        else if (name_is(name, "table64"))
                *ret = (struct extern_value) { .kind = EXTERN_TABLE, .table = t->table64 };
        else
                return -ENOENT;
        return 0;
}
