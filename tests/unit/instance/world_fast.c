#include "tests/unit/instance/world.h"

#ifndef WORLD_TIER
#define WORLD_TIER TIER_FAST
#endif

struct loaded_module *load_compiled(const char *wat)
{
        return load_compiled_for(wat, false, -EBADF);
}

struct loaded_module *load_compiled_for(const char *wat, bool dense, int fd)
{
        struct compile_options options = { .tier = WORLD_TIER, .jobs = 1, .cpu = cpu_features_host(),
                                           .dense = dense };
        struct compiled_module *compiled;
        struct forged *f = &world.forged[world.n];
        struct error err = { 0 };

        HOLD(world.n < ELEMENTSOF(world.forged), wat);
        forge_module(f, wat);
        HOLD(module_compile(f->checked, &options, &compiled, &err) == 0, err.text);
        f->compiled = *compiled;
        free(compiled); /* its arrays are the forged module's now */
        forge_file(f);
        return load_forged(fd);
}
