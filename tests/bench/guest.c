#include "tests/bench/guest.h"

#include <stdlib.h>
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/run/arena.h"
#include "tests/on_fiber.h"

#define ARENA_BYTES (UINT64_C(256) << 20)

static struct arena *arena;
static struct store *store;

static void fail(const char *what, const struct error *err)
{
        error_print(stderr, what, err);
        exit(EXIT_FAILURE);
}

void guest_read(const char *path, struct buffer *ret)
{
        FILE *f = fopen(path, "rb");
        uint8_t *p;
        size_t n;

        if (!f) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        while ((p = buffer_reserve(ret, 1 << 16)) && (n = fread(p, 1, 1 << 16, f)) > 0)
                ret->size += n;
        fclose(f);
}

static void process_begin(void)
{
        struct error err = { 0 };

        if (store)
                return;
        if (run_init(&err) < 0 || run_thread_init(&err) < 0 ||
            arena_new(ARENA_BYTES, &arena, &err) < 0 ||
            store_new(&(struct store_options) { .slots = 64 }, &store, &err) < 0)
                fail("start", &err);
}

struct guest *guest_from(const struct buffer *bytes, const char *name,
                         const struct compile_options *options)
{
        struct guest *g = calloc(1, sizeof(*g));
        struct loaded_module *loaded;
        struct trap_info trap = { 0 };
        struct error err = { 0 };
        struct artefact_key key = { 0 };
        void *code;

        process_begin();
        if (!g)
                abort();
        if (module_decode(bytes->bytes, bytes->size, &limits_default, FEATURES_DEFAULT, 0,
                          &g->module, &err) < 0 ||
            module_validate(g->module, &limits_default, FEATURES_DEFAULT, 1, &g->checked, &err) < 0 ||
            module_compile(g->checked, options, &g->compiled, &err) < 0 ||
            artefact_write(g->checked, g->compiled, &key, &g->file, &err) < 0 ||
            artefact_read(g->file.bytes, g->file.size, &g->artefact, &err) < 0 ||
            arena_add(arena, g->artefact->bytes + g->artefact->code.offset, g->artefact->code.size,
                      &code, &err) < 0 ||
            loaded_module_new(store, g->artefact, code, -EBADF, &loaded, &err) < 0 ||
            instance_create(store, loaded, NULL, NULL, &g->instance, &trap, &err) < 0)
                fail(name, &err);
        return g;
}

struct guest *guest_load(const char *path, const struct compile_options *options)
{
        struct buffer *bytes = calloc(1, sizeof(*bytes));

        if (!bytes)
                abort();
        guest_read(path, bytes);
        return guest_from(bytes, path, options);
}

void guest_free(struct guest *g)
{
        store_free(store);
        arena_free(arena);
        store = NULL;
        arena = NULL;
        artefact_free(g->artefact);
        compiled_module_free(g->compiled);
        checked_module_free(g->checked);
        module_free(g->module);
        buffer_done(&g->file);
        free(g);
}

struct extern_value guest_function(const struct guest *g, const char *name)
{
        struct extern_value v = { 0 };

        if (instance_export(g->instance, name, strlen(name), &v) < 0) {
                fprintf(stderr, "no export %s\n", name);
                exit(EXIT_FAILURE);
        }
        return v;
}

int guest_run(const struct extern_value *f, const union value *args, union value *results,
              struct trap_info *trap)
{
        struct error err = { 0 };
        struct fiber *fiber;
        int r;

        if (fiber_new(FIBER_STACK_BYTES, &fiber, &err) < 0)
                fail("fiber", &err);
        r = call_on_fiber(fiber, f, args, results, trap);
        fiber_free(fiber);
        return r;
}
