#include "tests/unit/instance/world.h"

#include <string.h>

#include "engine/run/arena.h"
#include "tests/on_fiber.h"

struct world world;
static struct arena *arena;

void world_store(const struct store_options *o)
{
        store_free(world.store);
        HOLD(store_new(o, &world.store, NULL) == 0, "");
}

void world_setup(void)
{
        HOLD(run_init(NULL) == 0, "");
        HOLD(run_thread_init(NULL) == 0, "");
        HOLD(arena_new(1 << 20, &arena, NULL) == 0, "");
        world_store(&(struct store_options) { 0 });
}

void world_teardown(void)
{
        store_free(world.store);
        for (unsigned k = 0; k < world.n; k++) {
                artefact_free(world.artefacts[k]);
                forge_done(&world.forged[k]);
        }
        arena_free(arena);
        memset(&world, 0, sizeof(world));
}

struct layout layout_of(const char *wat)
{
        struct forged f;
        struct layout l;

        forge(&f, wat, NULL, 0);
        l = f.compiled.layout;
        forge_done(&f);
        return l;
}

struct loaded_module *load_forged(int fd)
{
        struct forged *f = &world.forged[world.n];
        struct artefact **a = &world.artefacts[world.n++];
        struct loaded_module *m;
        struct error err = { 0 };
        void *at;

        HOLD(artefact_read(f->file.bytes, f->file.size, a, &err) == 0, err.text);
        HOLD(arena_add(arena, (*a)->bytes + (*a)->code.offset, (*a)->code.size, &at, &err) == 0,
             err.text);
        if (fd >= 0)
                HOLD(pwrite(fd, f->file.bytes, f->file.size, 0) == (ssize_t)f->file.size, "");
        world.code[world.n - 1] = at;
        HOLD(loaded_module_new(world.store, *a, at, fd, &m, &err) == 0, err.text);
        return m;
}

struct loaded_module *load(const char *wat, const struct forged_code *code, uint32_t n, int fd)
{
        HOLD(world.n < ELEMENTSOF(world.forged), wat);
        forge(&world.forged[world.n], wat, code, n);
        return load_forged(fd);
}

struct instance *make(struct loaded_module *m, const struct extern_value *imports)
{
        struct instance *i = NULL;
        struct error err = { 0 };
        int r = instance_create(world.store, m, imports, &world, &i, NULL, &err);

        HOLD(r == 0, err.text);
        return i;
}

struct extern_value export_of(const struct instance *i, const char *name)
{
        struct extern_value v;

        HOLD(instance_export(i, name, strlen(name), &v) == 0, "");
        return v;
}

int call(const struct extern_value *f, const union value *args, union value *results,
         struct trap_info *trap)
{
        struct fiber *fiber;
        int r;

        HOLD(fiber_new(0, &fiber, NULL) == 0, "");
        r = call_on_fiber(fiber, f, args, results, trap);
        fiber_free(fiber);
        return r;
}

uint64_t call_name(const struct instance *i, const char *name, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e)
{
        struct extern_value f = export_of(i, name);
        union value args[5] = { { .i64 = a }, { .i64 = b }, { .i64 = c }, { .i64 = d }, { .i64 = e } };
        union value result = { .bits = { 0, 0 } };
        struct trap_info trap = { 0 };

        HOLD(call(&f, args, &result, &trap) == 0, name);
        return result.bits[0];
}
