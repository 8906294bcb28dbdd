/* deny.c - the functions of preview 1 for a nanoprocess that holds no key which could serve them: each call
 * is told of, by its name, and refused. */
#include "shim/wasi/host.h"
#include "shim/wasi/state.h"

static uint32_t deny(const char *name)
{
        wasi_refuse(instance_host(instance_current()), REFUSED_CAPABILITY, name);
        return WASI_NOTCAPABLE;
}

/* Whatever the arguments are, they are not looked at. */
#define FUNCTION(name, params, results) \
        static uint32_t deny_##name(void) { return deny(#name); }
#include "shim/wasi/wasi.def"

const struct host_function wasi_denied[] = {
#define FUNCTION(name, params, results) \
        { "wasi_snapshot_preview1", #name, params, results, (void *)deny_##name },
#include "shim/wasi/wasi.def"
};

_Static_assert(ELEMENTSOF(wasi_denied) == 46, "a row for each of wasi_functions");
