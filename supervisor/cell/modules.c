/* modules.c - modules and instances by number, and where imports are found. */
#include "config.h"

#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/instance/spectest.h"
#include "supervisor/cell/nano.h"

static int grow(void *array, uint32_t n, size_t size, struct error *err)
{
        void **p = array;
        void *more;

        if (n & (n - 1)) /* room for the next power of two is there */
                return 0;
        if (n >= CELL_MODULES_MAX)
                return error_set(err, STAGE_CELL, -E2BIG, ERROR_NOWHERE, "more than %u", n);
        more = realloc(*p, (n ? (size_t)n * 2 : 1) * size);
        if (!more)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "table of %u", n);
        *p = more;
        return 0;
}

/* A guest waits for a notification: other fibers of the cell go on. */
void guest_sleep(void *context, uint64_t ns)
{
        struct call call = { .state = CALL_IDLE };

        (void)context;
        ring_sleep(worker_self()->ring, &call, ns);
        (void)call_wait(worker_self()->ring, &call);
}

/* Makes it when it is not there. */
static int cell_store(struct cell *c, struct error *err)
{
        struct store_options o = { .slots = CELL_MEMORIES_MAX, .sleep = guest_sleep };

        if (c->store)
                return 0;
        if (c->config.head)
                o.memory_max_bytes = c->config.head->limits.memory_max_bytes;
        return store_new(&o, &c->store, err);
}

static int load(struct cell *c, const struct load_message *m, int fd, struct cell_module *module,
                struct error *err)
{
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != m->bytes || m->bytes == 0)
                return error_set(err, STAGE_CELL, -EINVAL, ERROR_NOWHERE, "artefact's file");
        module->size = m->bytes;
        module->bytes = mmap(NULL, module->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (module->bytes == MAP_FAILED) {
                module->bytes = NULL;
                return error_set(err, STAGE_CELL, -errno, ERROR_NOWHERE, "mapping the artefact: %m");
        }
        r = artefact_view(module->bytes, module->size, &module->artefact, err);
        if (r < 0)
                return r;
        if (m->code_at & 4095 || m->code_at > c->arena_bytes ||
            module->artefact->code.size > c->arena_bytes - m->code_at)
                return error_set(err, STAGE_CELL, -EINVAL, ERROR_NOWHERE, "code outside of the arena");
        /* The broker wrote the code; this process's cores may still hold what was there before. */
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
        module->code = c->arena + m->code_at;
        return 0;
}

static const struct host_function *wasi_function(const struct import *import)
{
        if (!name_is(&import->module, "wasi_snapshot_preview1") || import->kind != EXTERN_FUNC)
                return NULL;
        for (unsigned i = 0; i < wasi_functions_n; i++)
                if (name_is(&import->name, wasi_functions[i].name))
                        return &wasi_functions[i];
        return NULL;
}

/* Once a module, not once a guest. */
static int find_host(struct cell_module *module, struct error *err)
{
        const struct module *m = module->artefact->module;

        module->host = calloc(m->nimports + 1, sizeof(*module->host));
        module->needs = calloc(m->nimports + 1, sizeof(*module->needs));
        if (!module->host || !module->needs)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "imports");
        for (uint32_t i = 0; i < m->nimports; i++) {
                module->host[i] = wasi_function(&m->imports[i]);
                module->needs[i] = module->host[i] ? host_function_needs(module->host[i]) : 0;
        }
        return 0;
}

void cell_module_free(struct cell_module *m)
{
        artefact_free(m->artefact);
        if (m->bytes)
                munmap(m->bytes, m->size);
        closep(&m->fd);
        free(m->host);
        free(m->needs);
        free(m->heat);
        free(m);
}

int cell_load(struct cell *c, const struct load_message *m, int fd, uint32_t *ret, struct error *err)
{
        struct cell_module *module;
        int r;

        if (c->nmodules >= CELL_MODULES_MAX)
                return error_set(err, STAGE_CELL, -E2BIG, ERROR_NOWHERE, "more than %u modules",
                                 CELL_MODULES_MAX);
        module = calloc(1, sizeof(*module));
        if (!module)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "module");
        module->fd = -EBADF; /* the caller's, as long as it can fail */
        r = load(c, m, fd, module, err);
        if (r >= 0)
                r = find_host(module, err);
        if (r < 0) {
                cell_module_free(module);
                return r;
        }
        module->fd = fd;
        *ret = c->nmodules;
        c->modules[c->nmodules] = module;
        heat_watch(module, c->nmodules);
        __atomic_store_n(&c->nmodules, c->nmodules + 1, __ATOMIC_RELEASE);
        return 0;
}

struct cell_module *cell_module(struct cell *c, uint32_t number)
{
        return number < __atomic_load_n(&c->nmodules, __ATOMIC_ACQUIRE) ? c->modules[number] : NULL;
}

int module_load_into(const struct cell_module *m, struct store *s, struct loaded_module **ret,
                     struct error *err)
{
        return loaded_module_new(s, m->artefact, m->code, m->fd, ret, err);
}

int unknown_import(const struct import *import, struct error *err)
{
        return error_set(err, STAGE_LINK, -EINVAL, import->offset, "unknown import %.*s.%.*s",
                         (int)(import->module.size < 80 ? import->module.size : 80),
                         import->module.bytes,
                         (int)(import->name.size < 80 ? import->name.size : 80), import->name.bytes);
}

static int find_registered(const struct cell *c, const struct import *import,
                           struct extern_value *ret)
{
        /* The latest registration of a name counts. */
        for (uint32_t i = c->nregistered; i-- > 0;) {
                const struct registered *r = &c->registered[i];

                if (r->name_bytes == import->module.size &&
                    memcmp(r->name, import->module.bytes, r->name_bytes) == 0)
                        return instance_export(c->instances[r->instance], import->name.bytes,
                                               import->name.size, ret);
        }
        return -ENOENT;
}

static int find_spectest(struct cell *c, const struct name *name, struct extern_value *ret,
                         struct error *err)
{
        if (!c->spectest) {
                _cleanup_free_ struct spectest *s = calloc(1, sizeof(*s));
                int r;

                if (!s)
                        return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "spectest");
                r = spectest_make(c->store, s, err);
                if (r < 0)
                        return r;
                c->spectest = TAKE_PTR(s);
        }
        return spectest_find(c->spectest, name, ret);
}

static int find_import(struct cell *c, const struct import *import,
                       const struct host_function *host, uint32_t offers, struct extern_value *ret,
                       struct error *err)
{
        int r;

        if (offers & OFFER_PREINIT && preinit_find(import, ret) == 0)
                return 0;
        if (offers & OFFER_WASI && host) {
                *ret = (struct extern_value) { .kind = EXTERN_FUNC, .host = host };
                return 0;
        }
        r = find_registered(c, import, ret);
        if (r == -ENOENT && offers & OFFER_SPECTEST && name_is(&import->module, "spectest"))
                r = find_spectest(c, &import->name, ret, err);
        return r == -ENOENT ? unknown_import(import, err) : r;
}

int cell_instantiate(struct cell *c, uint32_t number, uint32_t offers, void *host, uint32_t *ret,
                     struct trap_info *trap, struct error *err)
{
        _cleanup_free_ struct extern_value *imports = NULL;
        struct cell_module *module = cell_module(c, number);
        const struct module *m;
        struct instance *instance;
        int r;

        if (!module)
                return error_set(err, STAGE_CELL, -EINVAL, ERROR_NOWHERE, "no module %u", number);
        r = cell_store(c, err);
        if (r >= 0 && !module->loaded)
                r = module_load_into(module, c->store, &module->loaded, err);
        if (r < 0)
                return r;
        m = module->artefact->module;
        imports = calloc(m->nimports + 1, sizeof(*imports));
        if (!imports)
                return error_set(err, STAGE_LINK, -ENOMEM, ERROR_NOWHERE, "imports");
        for (uint32_t i = 0; i < m->nimports; i++) {
                r = find_import(c, &m->imports[i], module->host[i], offers, &imports[i], err);
                if (r < 0)
                        return r;
        }
        r = grow(&c->instances, c->ninstances, sizeof(*c->instances), err);
        if (r < 0)
                return r;
        r = instance_create(c->store, module->loaded, imports, host, &instance, trap, err);
        if (r < 0)
                return r;
        c->instances[c->ninstances] = instance;
        *ret = c->ninstances++;
        return instance_start(instance, trap);
}

int cell_find_instance(const struct cell *c, uint32_t number, struct instance **ret,
                       struct error *err)
{
        if (number >= c->ninstances)
                return error_set(err, STAGE_CELL, -EINVAL, ERROR_NOWHERE, "no instance %u", number);
        *ret = c->instances[number];
        return 0;
}

uint32_t cell_instance_number(const struct cell *c, const struct instance *i)
{
        uint32_t n = 0;

        while (n < c->ninstances && c->instances[n] != i)
                n++;
        return n < c->ninstances ? n : UINT32_MAX;
}

int cell_register(struct cell *c, const struct register_message *m, struct error *err)
{
        struct instance *instance;
        char *name;
        int r;

        r = cell_find_instance(c, m->instance, &instance, err);
        if (r >= 0)
                r = grow(&c->registered, c->nregistered, sizeof(*c->registered), err);
        if (r < 0)
                return r;
        name = malloc(m->name_bytes + 1);
        if (!name)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "name");
        memcpy(name, m + 1, m->name_bytes);
        c->registered[c->nregistered++] = (struct registered) { name, m->name_bytes, m->instance };
        return 0;
}
