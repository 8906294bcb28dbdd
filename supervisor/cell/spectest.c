/* spectest.c - the module "spectest" that the official test scripts import (its interface is described
 * in the reference interpreter's README). The prints print nothing: a cell has no business to. */
#include "config.h"

#include <string.h>

#include "supervisor/cell/cell.h"

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

static int make(struct cell *c, struct error *err)
{
        struct memtype memory = { .size = { .min = 1, .max = 2, .has_max = true }, .page_shift = 16 };
        struct tabletype table = { .element = VAL_FUNCREF,
                                   .size = { .min = 10, .max = 20, .has_max = true } };
        struct spectest *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "spectest");
        r = store_new_memory(c->store, &memory, &s->memory, err);
        memory.size.is_shared = true;
        if (r >= 0)
                r = store_new_memory(c->store, &memory, &s->shared_memory, err);
        if (r >= 0)
                r = store_new_table(c->store, &table, &s->table, err);
        table.size.is_64 = true;
        if (r >= 0)
                r = store_new_table(c->store, &table, &s->table64, err);
        for (size_t i = 0; i < ELEMENTSOF(globals) && r >= 0; i++)
                r = store_new_global(c->store, &(struct globaltype) { globals[i].type, false },
                                     globals[i].value, &s->globals[i], err);
        if (r < 0) {
                free(s);
                return r;
        }
        c->spectest = s;
        return 0;
}

static bool is(const struct name *name, const char *text)
{
        return name->size == strlen(text) && memcmp(name->bytes, text, name->size) == 0;
}

int spectest_find(struct cell *c, const struct name *name, enum extern_kind kind,
                  struct extern_value *ret, struct error *err)
{
        int r;

        if (!c->spectest) {
                r = make(c, err);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTSOF(functions); i++)
                if (is(name, functions[i].name)) {
                        *ret = (struct extern_value) { .kind = EXTERN_FUNC, .host = &functions[i] };
                        return 0;
                }
        for (size_t i = 0; i < ELEMENTSOF(globals); i++)
                if (is(name, globals[i].name)) {
                        *ret = (struct extern_value) { .kind = EXTERN_GLOBAL,
                                                       .global = c->spectest->globals[i] };
                        return 0;
                }
        if (is(name, "memory"))
                *ret = (struct extern_value) { .kind = EXTERN_MEMORY, .memory = c->spectest->memory };
        else if (is(name, "shared_memory"))
                *ret = (struct extern_value) { .kind = EXTERN_MEMORY,
                                               .memory = c->spectest->shared_memory };
        else if (is(name, "table"))
                *ret = (struct extern_value) { .kind = EXTERN_TABLE, .table = c->spectest->table };
        else if (is(name, "table64"))
                *ret = (struct extern_value) { .kind = EXTERN_TABLE, .table = c->spectest->table64 };
        else
                return -ENOENT;
        return 0;
}
