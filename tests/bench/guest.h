/* guest.h - a module in this process, for measurements: bytes to a function that can be called.
 *
 * guest_load - read, check, compile and instantiate the module at @path. Ends the program with a
 *   message when something fails: this is a tool.
 * guest_from - the same of bytes in memory, which must stay until guest_free().
 * guest_function - an export of it.
 * guest_run - call it on a fiber; returns bits of the first result. */
#pragma once

#include "engine/compile/compile.h"
#include "engine/instance/instance.h"

struct guest {
        struct buffer file;
        struct module *module;
        struct checked_module *checked;
        struct compiled_module *compiled;
        struct artefact *artefact;
        struct instance *instance;
};

struct guest *guest_from(const struct buffer *bytes, const char *name,
                         const struct compile_options *options);
void guest_free(struct guest *g); /* with everything that was loaded before it */
struct guest *guest_load(const char *path, const struct compile_options *options);
struct extern_value guest_function(const struct guest *g, const char *name);
int guest_run(const struct extern_value *f, const union value *args, union value *results,
              struct trap_info *trap);
void guest_read(const char *path, struct buffer *ret);
