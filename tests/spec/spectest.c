#include "tests/spec/spectest.h"

#include <string.h>

/* The scripts do not look at what is printed. */
static void print(void)
{
}

static const struct host_function functions[] = {
        { "spectest", "print", "", "", print },
        { "spectest", "print_i32", "i", "", print },
        { "spectest", "print_i64", "I", "", print },
        { "spectest", "print_f32", "f", "", print },
        { "spectest", "print_f64", "F", "", print },
        { "spectest", "print_i32_f32", "if", "", print },
        { "spectest", "print_f64_f64", "FF", "", print },
};

static const struct {
        const char *name;
        valtype type;
} globals[4] = {
        { "global_i32", VAL_I32 },
        { "global_i64", VAL_I64 },
        { "global_f32", VAL_F32 },
        { "global_f64", VAL_F64 },
};

int spectest_make(struct store *s, struct spectest *ret, struct error *err)
{
        static const struct tabletype table = {
                .element = VAL_FUNCREF,
                .size = { .min = 10, .max = 20, .has_max = true },
        };
        static const struct tabletype table64 = {
                .element = VAL_FUNCREF,
                .size = { .min = 10, .max = 20, .has_max = true, .is_64 = true },
        };
        static const struct memtype memory = {
                .size = { .min = 1, .max = 2, .has_max = true },
                .page_shift = 16,
        };
        static const struct memtype shared = {
                .size = { .min = 1, .max = 2, .has_max = true, .is_shared = true },
                .page_shift = 16,
        };
        static const union value values[4] = {
                { .i32 = 666 }, { .i64 = 666 }, { .f32 = 666.6f }, { .f64 = 666.6 },
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(globals) && r >= 0; i++) {
                struct globaltype type = { .type = globals[i].type };

                r = store_new_global(s, &type, values[i], &ret->globals[i], err);
        }
        if (r >= 0)
                r = store_new_table(s, &table, &ret->table, err);
        if (r >= 0)
                r = store_new_table(s, &table64, &ret->table64, err);
        if (r >= 0)
                r = store_new_memory(s, &memory, &ret->memory, err);
        if (r >= 0)
                r = store_new_memory(s, &shared, &ret->shared_memory, err);
        return r;
}

static bool is(const char *have, const char *name, size_t size)
{
        return strlen(have) == size && !memcmp(have, name, size);
}

int spectest_find(const struct spectest *t, const char *name, size_t size, struct extern_value *ret)
{
        for (size_t i = 0; i < ELEMENTSOF(functions); i++) {
                if (!is(functions[i].name, name, size))
                        continue;
                *ret = (struct extern_value) { .kind = EXTERN_FUNC, .host = &functions[i] };
                return 0;
        }
        for (size_t i = 0; i < ELEMENTSOF(globals); i++) {
                if (!is(globals[i].name, name, size))
                        continue;
                *ret = (struct extern_value) { .kind = EXTERN_GLOBAL, .global = t->globals[i] };
                return 0;
        }
        if (is("table", name, size))
                *ret = (struct extern_value) { .kind = EXTERN_TABLE, .table = t->table };
        else if (is("table64", name, size))
                *ret = (struct extern_value) { .kind = EXTERN_TABLE, .table = t->table64 };
        else if (is("memory", name, size))
                *ret = (struct extern_value) { .kind = EXTERN_MEMORY, .memory = t->memory };
        else if (is("shared_memory", name, size))
                *ret = (struct extern_value) { .kind = EXTERN_MEMORY, .memory = t->shared_memory };
        else
                return -ENOENT;
        return 0;
}
