#include "tests/fuzz/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/run/arena.h"

static struct arena *arena;

int load_init(size_t code_bytes, struct error *err)
{
        int r = run_init(err);

        if (r >= 0)
                r = run_thread_init(err);
        if (r >= 0)
                r = arena_new(code_bytes, &arena, err);
        return r;
}

static int compile(const struct loading *l, const struct buffer *wasm, struct artefact **ret, struct error *err)
{
        struct compile_options o = { .tier = l->tier, .jobs = 1, .cpu = l->cpu ? l->cpu : cpu_features_host() };
        _cleanup_(module_freep) struct module *module = NULL;
        _cleanup_(checked_module_freep) struct checked_module *checked = NULL;
        _cleanup_(compiled_module_freep) struct compiled_module *compiled = NULL;
        struct artefact_key key = { 0 };
        struct buffer file = { 0 };
        int r = module_decode(wasm->bytes, wasm->size, &limits_default, l->features, 0, &module, err);

        if (r >= 0)
                r = module_validate(module, &limits_default, l->features, 1, &checked, err);
        if (r >= 0)
                r = module_compile(checked, &o, &compiled, err);
        if (r >= 0)
                r = artefact_write(checked, compiled, &key, &file, err);
        if (r >= 0)
                r = artefact_read(file.bytes, file.size, ret, err);
        return r;
}

int load_module(const struct loading *l, const struct buffer *wasm, struct instance **ret, struct error *err)
{
        struct store_options options = { .slots = 4, .collect_always = l->collects };
        struct loaded_module *loaded;
        struct artefact *artefact;
        struct trap_info trap = { 0 };
        struct store *store;
        void *code;
        int r = compile(l, wasm, &artefact, err);

        if (r >= 0)
                r = store_new(&options, &store, err);
        if (r >= 0)
                r = arena_add(arena, artefact->bytes + artefact->code.offset, artefact->code.size, &code, err);
        if (r >= 0)
                r = loaded_module_new(store, artefact, code, -EBADF, &loaded, err);
        if (r >= 0)
                r = instance_create(store, loaded, NULL, NULL, ret, &trap, err);
        return r;
}

int call_parse(const struct instance *i, char *line, struct call *ret)
{
        char *rest = line, *word = strsep(&rest, " ");

        *ret = (struct call) { .export = word };
        for (unsigned n = 0; n < ELEMENTSOF(ret->args) && (word = strsep(&rest, " ")); n++)
                ret->args[n].i64 = strtoull(word + 1, NULL, 16);
        return instance_export(i, ret->export, strlen(ret->export), &ret->function) < 0 ? -EINVAL : 0;
}
