#include "tests/bench/bench_wasmtime.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct w_func {
        uint64_t store;
        void *place;
};

struct w_extern {
        uint8_t kind; /* 0: function */
        union {
                struct w_func func;
                uint64_t room[4];
        } of;
};

struct w_instance {
        uint64_t store;
        size_t place;
};

union w_raw {
        int32_t i32;
        uint64_t i64;
        uint64_t v128[2];
};

typedef void *w_callback(void *env, void *caller, union w_raw *values, size_t n);

/* name, result, parameters */
#define FUNCTIONS \
        F(wasm_config_new, void *, (void)) \
        F(wasm_engine_new_with_config, void *, (void *)) \
        F(wasm_functype_delete, void, (void *)) \
        F(wasm_functype_new, void *, (void *, void *)) \
        F(wasm_valtype_vec_new_empty, void, (void *)) \
        F(wasmtime_pooling_allocation_config_new, void *, (void)) \
        F(wasmtime_pooling_allocation_config_total_core_instances_set, void, (void *, uint32_t)) \
        F(wasmtime_pooling_allocation_config_total_memories_set, void, (void *, uint32_t)) \
        F(wasmtime_pooling_allocation_config_total_tables_set, void, (void *, uint32_t)) \
        F(wasmtime_pooling_allocation_config_max_memory_size_set, void, (void *, size_t)) \
        F(wasmtime_pooling_allocation_config_linear_memory_keep_resident_set, void, (void *, size_t)) \
        F(wasmtime_pooling_allocation_config_table_keep_resident_set, void, (void *, size_t)) \
        F(wasmtime_pooling_allocation_strategy_set, void, (void *, const void *)) \
        F(wasmtime_module_new, void *, (void *, const uint8_t *, size_t, void **)) \
        F(wasmtime_linker_new, void *, (void *)) \
        F(wasmtime_linker_define_func_unchecked, void *, (void *, const char *, size_t, const char *, \
                                                          size_t, void *, w_callback *, void *, void *)) \
        F(wasmtime_linker_instantiate_pre, void *, (void *, void *, void **)) \
        F(wasmtime_store_new, void *, (void *, void *, void *)) \
        F(wasmtime_store_context, void *, (void *)) \
        F(wasmtime_store_delete, void, (void *)) \
        F(wasmtime_instance_pre_instantiate, void *, (void *, void *, struct w_instance *, void **)) \
        F(wasmtime_instance_export_get, _Bool, (void *, const struct w_instance *, const char *, size_t, \
                                                struct w_extern *)) \
        F(wasmtime_func_call_unchecked, void *, (void *, const struct w_func *, union w_raw *, size_t, \
                                                 void **))

#define F(name, result, params) static result(*name) params;
FUNCTIONS
#undef F

static void *nothing(void *env, void *caller, union w_raw *values, size_t n)
{
        return NULL;
}

static bool find_all(const char *library)
{
        static void *handle;

        if (handle)
                return true;
        handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
                fprintf(stderr, "Wasmtime: %s\n", dlerror());
                return false;
        }
#define F(name, result, params) \
        name = (result(*) params)dlsym(handle, #name); \
        if (!name) { \
                fprintf(stderr, "%s has no %s\n", library, #name); \
                return false; \
        }
        FUNCTIONS
#undef F
        return true;
}

/* Two thousand slots of 4 MiB at most, as many bytes kept as ours keep. */
static void *make_engine(void)
{
        void *config = wasm_config_new(), *pool = wasmtime_pooling_allocation_config_new();

        wasmtime_pooling_allocation_config_total_core_instances_set(pool, 100);
        wasmtime_pooling_allocation_config_total_memories_set(pool, 100);
        wasmtime_pooling_allocation_config_total_tables_set(pool, 100);
        wasmtime_pooling_allocation_config_max_memory_size_set(pool, 4u << 20);
        wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, 64u << 10);
        wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 64u << 10);
        wasmtime_pooling_allocation_strategy_set(config, pool);
        return wasm_engine_new_with_config(config);
}

bool wasmtime_subject_make(struct wasmtime_subject *s, const char *library, const uint8_t *wasm,
                           size_t size)
{
        struct {
                size_t n;
                void *all;
        } params, results;
        void *linker, *type;

        if (!find_all(library))
                return false;
        wasm_valtype_vec_new_empty(&params);
        wasm_valtype_vec_new_empty(&results);
        type = wasm_functype_new(&params, &results);
        s->engine = make_engine();
        linker = s->engine ? wasmtime_linker_new(s->engine) : NULL;
        if (!linker || wasmtime_module_new(s->engine, wasm, size, &s->module) ||
            wasmtime_linker_define_func_unchecked(linker, "h", 1, "wait", 4, type, nothing, NULL, NULL) ||
            wasmtime_linker_instantiate_pre(linker, s->module, &s->pre)) {
                fprintf(stderr, "Wasmtime refuses the module\n");
                return false;
        }
        wasm_functype_delete(type);
        return true;
}

void wasmtime_cycles(void *context, unsigned n)
{
        struct wasmtime_subject *s = context;

        for (unsigned k = 0; k < n; k++) {
                void *store = wasmtime_store_new(s->engine, NULL, NULL);
                void *c = wasmtime_store_context(store), *trap = NULL;
                struct w_instance i;
                struct w_extern run;
                union w_raw v = { .i32 = (int32_t)k };

                if (wasmtime_instance_pre_instantiate(s->pre, c, &i, &trap) || trap ||
                    !wasmtime_instance_export_get(c, &i, "run", 3, &run) || run.kind != 0 ||
                    wasmtime_func_call_unchecked(c, &run.of.func, &v, 1, &trap) || trap) {
                        fprintf(stderr, "Wasmtime: the cycle failed\n");
                        exit(EXIT_FAILURE);
                }
                wasmtime_store_delete(store);
        }
}

bool wasmtime_callee_make(const struct wasmtime_subject *s, const char *name, struct wasmtime_callee *ret)
{
        struct w_instance i;
        struct w_extern f;
        void *trap = NULL;

        ret->store = wasmtime_store_new(s->engine, NULL, NULL);
        ret->context = wasmtime_store_context(ret->store);
        if (wasmtime_instance_pre_instantiate(s->pre, ret->context, &i, &trap) || trap ||
            !wasmtime_instance_export_get(ret->context, &i, name, strlen(name), &f) || f.kind != 0) {
                fprintf(stderr, "Wasmtime: no function %s\n", name);
                wasmtime_store_delete(ret->store);
                return false;
        }
        memcpy(ret->function, &f.of.func, sizeof(ret->function));
        return true;
}

void wasmtime_calls(const struct wasmtime_callee *c, uint64_t argument, unsigned n)
{
        const struct w_func *f = (const struct w_func *)(const void *)c->function;

        for (unsigned k = 0; k < n; k++) {
                union w_raw v = { .i64 = argument };
                void *trap = NULL;

                if (wasmtime_func_call_unchecked(c->context, f, &v, 1, &trap) || trap) {
                        fprintf(stderr, "Wasmtime: a call failed\n");
                        exit(EXIT_FAILURE);
                }
        }
}
