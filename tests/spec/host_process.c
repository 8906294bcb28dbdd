#include <string.h>

#include "engine/artefact/artefact.h"
#include "engine/decode/decode.h"
#include "engine/instance/spectest.h"
#include "engine/run/arena.h"
#include "engine/run/fiber.h"
#include "tests/spec/hosts.h"
#include "tests/spec/remote.h"

#define ARENA_BYTES  ((size_t)1 << 30)
#define STORE_SLOTS  4096u
#define PAGE_BYTES   ((size_t)4096)

struct module_entry {
        uint8_t *file; /* the artefact's, page-aligned */
        struct artefact *artefact;
        struct loaded_module *loaded;
};

struct name_entry { /* a registered instance; the last one of a name counts */
        char *name;
        size_t size;
        struct instance *instance;
};

struct process_host {
        struct process_options options;
        struct store *store;
        struct spectest spectest;
        struct fiber *fiber;
        struct module_entry *modules;
        uint32_t nmodules;
        struct instance **instances;
        uint32_t ninstances;
        struct name_entry *names;
        uint32_t nnames;
};

static struct arena *arena; /* one per process */

/* One more element at the end of an array; zeroed. */
static void *array_add(void *array, uint32_t n, size_t size)
{
        void **list = array, *grown = realloc(*list, (n + 1) * size);

        if (!grown)
                return NULL;
        *list = grown;
        return memset((char *)grown + n * size, 0, size);
}

static int no_memory(struct error *err)
{
        return error_set(err, STAGE_RUN, -ENOMEM, ERROR_NOWHERE, "memory for the script's host");
}

int process_host_new(const struct process_options *o, struct process_host **ret, struct error *err)
{
        struct store_options store = { .slots = STORE_SLOTS };
        struct process_host *h;
        int r = 0;

        if (!arena) {
                r = run_init(err);
                if (r >= 0)
                        r = run_thread_init(err);
                if (r >= 0)
                        r = arena_new(ARENA_BYTES, &arena, err);
                if (r < 0)
                        return r;
        }
        h = calloc(1, sizeof(*h));
        if (!h)
                return no_memory(err);
        h->options = *o;
        store.collect_always = o->collect_always;
        r = store_new(&store, &h->store, err);
        if (r >= 0)
                r = spectest_make(h->store, &h->spectest, err);
        if (r >= 0)
                r = fiber_new(FIBER_STACK_BYTES, &h->fiber, err);
        if (r < 0) {
                process_host_free(h);
                return r;
        }
        *ret = h;
        return 0;
}

void process_host_free(struct process_host *h)
{
        if (!h)
                return;
        store_free(h->store);
        fiber_free(h->fiber);
        for (uint32_t i = 0; i < h->nmodules; i++) {
                artefact_free(h->modules[i].artefact);
                free(h->modules[i].file);
        }
        for (uint32_t i = 0; i < h->nnames; i++)
                free(h->names[i].name);
        free(h->modules);
        free(h->instances);
        free(h->names);
        free(h);
}

int process_artefact(const struct process_options *o, const uint8_t *bytes, size_t size,
                     struct buffer *out, struct error *err)
{
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        _cleanup_(compiled_module_freep) struct compiled_module *code = NULL;
        struct artefact_key key;
        int r;

        if (o->remote)
                return remote_artefact(o->remote, o->features, bytes, size, out, err);
        r = module_decode(bytes, size, &limits_default, o->features, 0, &m, err);
        if (r >= 0)
                r = module_validate(m, &limits_default, o->features, 1, &c, err);
        if (r >= 0)
                r = o->compile(c, &o->options, &code, err);
        if (r < 0)
                return r;
        artefact_key_compute(bytes, size, o->options.tier, o->options.cpu, &key);
        return artefact_write(c, code, &key, out, err);
}

static int load(void *host, const uint8_t *bytes, size_t size, uint32_t *ret_module,
                struct error *err)
{
        _cleanup_(buffer_done) struct buffer file = { 0 };
        struct process_host *h = host;
        struct module_entry *entry;
        void *code;
        int r = process_artefact(&h->options, bytes, size, &file, err);

        if (r < 0)
                return r;
        entry = array_add(&h->modules, h->nmodules, sizeof(*h->modules));
        if (!entry)
                return no_memory(err);
        h->nmodules++;
        entry->file = aligned_alloc(PAGE_BYTES, (file.size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1));
        if (!entry->file)
                return no_memory(err);
        memcpy(entry->file, file.bytes, file.size);
        r = artefact_read(entry->file, file.size, &entry->artefact, err);
        if (r >= 0)
                r = arena_add(arena, entry->file + entry->artefact->code.offset,
                              entry->artefact->code.size, &code, err);
        if (r >= 0)
                r = loaded_module_new(h->store, entry->artefact, code, -EBADF, &entry->loaded, err);
        if (r >= 0)
                *ret_module = h->nmodules - 1;
        return r;
}

/* What the registered instances offer under that name. */
static int find_import(struct process_host *h, const struct import *import, struct extern_value *ret)
{
        for (uint32_t i = h->nnames; i-- > 0;) {
                const struct name_entry *n = &h->names[i];

                if (n->size == import->module.size &&
                    !memcmp(n->name, import->module.bytes, n->size))
                        return instance_export(n->instance, import->name.bytes, import->name.size,
                                               ret);
        }
        if (name_is(&import->module, "spectest"))
                return spectest_find(&h->spectest, &import->name, ret);
        return -ENOENT;
}

struct job { /* what runs on the fiber */
        struct instance *instance;     /* start it, or: */
        const struct extern_value *function;
        const union value *args;
        union value *results;
        struct trap_info trap;
        int r;
};

static void job_entry(void *argument)
{
        struct job *j = argument;

        j->r = j->instance ? instance_start(j->instance, &j->trap)
                           : extern_call(j->function, j->args, j->results, &j->trap);
}

static void job_run(struct process_host *h, struct job *j)
{
        fiber_start(h->fiber, job_entry, j);
        while (fiber_resume(h->fiber))
                ;
}

static int stopped(const struct trap_info *trap, struct script_stop *stop, struct error *err)
{
        stop->trapped = true;
        snprintf(stop->text, sizeof(stop->text), "%s%s%.100s", trap_text(trap->trap),
                 trap->text[0] ? ": " : "", trap->text);
        return error_set(err, STAGE_RUN, -EFAULT, ERROR_NOWHERE, "%s", stop->text);
}

static int instantiate(void *host, uint32_t module, uint32_t *ret_instance, struct script_stop *stop,
                       struct error *err)
{
        struct process_host *h = host;
        const struct module *m = h->modules[module].artefact->module;
        _cleanup_free_ struct extern_value *imports = calloc(m->nimports + 1, sizeof(*imports));
        struct instance **entry = array_add(&h->instances, h->ninstances, sizeof(*entry));
        struct instance *instance;
        struct trap_info trap = { 0 };
        struct job job = { 0 };
        int r;

        if (!imports || !entry)
                return no_memory(err);
        for (uint32_t i = 0; i < m->nimports; i++) {
                const struct import *import = &m->imports[i];

                if (find_import(h, import, &imports[i]) < 0)
                        return error_set(err, STAGE_LINK, -EINVAL, ERROR_NOWHERE,
                                         "unknown import %.*s %.*s", (int)import->module.size,
                                         import->module.bytes, (int)import->name.size,
                                         import->name.bytes);
        }
        r = instance_create(h->store, h->modules[module].loaded, imports, h, &instance, &trap, err);
        if (r == -EFAULT)
                return stopped(&trap, stop, err);
        if (r < 0)
                return r;
        job.instance = instance;
        job_run(h, &job);
        if (job.r < 0)
                return stopped(&job.trap, stop, err);
        *entry = instance;
        *ret_instance = h->ninstances++;
        return 0;
}

static int enroll(void *host, const struct script_name *name, uint32_t instance, struct error *err)
{
        struct process_host *h = host;
        struct name_entry *entry = array_add(&h->names, h->nnames, sizeof(*entry));
        char *copy = malloc(name->size + 1);

        if (!entry || !copy) {
                free(copy);
                return no_memory(err);
        }
        memcpy(copy, name->bytes, name->size);
        *entry = (struct name_entry) { copy, name->size, h->instances[instance] };
        h->nnames++;
        return 0;
}

/* The scripts number the host's references from 0; 0 is null for us. */
static int value_from_script(struct instance *i, const struct script_value *v, valtype t,
                             union value *ret)
{
        static const uint8_t kinds[] = {
                [SCRIPT_I32] = VAL_I32, [SCRIPT_I64] = VAL_I64,   [SCRIPT_F32] = VAL_F32,
                [SCRIPT_F64] = VAL_F64, [SCRIPT_V128] = VAL_V128, [SCRIPT_REF_NULL] = VAL_REF,
                [SCRIPT_REF_EXTERN] = VAL_REF, [SCRIPT_REF_HOST] = VAL_REF,
        };

        if (v->kind >= ELEMENTSOF(kinds) || kinds[v->kind] != valtype_kind(t))
                return -EINVAL;
        *ret = (union value) { .bits = { v->bits[0], v->bits[1] } };
        if (v->kind != SCRIPT_REF_EXTERN && v->kind != SCRIPT_REF_HOST)
                return 0;
        ret->bits[0] = instance_reference_of(i, t, v->bits[0] + 1);
        return ret->bits[0] ? 0 : -EINVAL;
}

static void reference_to_script(const struct instance *i, uint64_t ref, valtype t,
                                struct script_value *ret)
{
        bool is_any = module_heap_top(instance_module(i), valtype_heap(t)) == TOP_ANY;
        uint64_t word = 0;

        switch (instance_reference(i, t, ref, &word)) {
        case HEAP_NONE:
                ret->kind = SCRIPT_REF_NULL;
                ret->heap = valtype_is_indexed(t) ? (is_any ? HEAP_ANY : HEAP_FUNC) : valtype_heap(t);
                break;
        case HEAP_EXTERN:
                ret->kind = is_any ? SCRIPT_REF_HOST : SCRIPT_REF_EXTERN;
                ret->bits[0] = word - 1;
                break;
        case HEAP_I31:
                ret->kind = SCRIPT_REF_I31;
                break;
        case HEAP_STRUCT:
                ret->kind = SCRIPT_REF_STRUCT;
                break;
        case HEAP_ARRAY:
                ret->kind = SCRIPT_REF_ARRAY;
                break;
        case HEAP_EXN:
                ret->kind = SCRIPT_REF_EXN;
                break;
        default:
                ret->kind = SCRIPT_REF_FUNC;
        }
}

static void value_to_script(const struct instance *i, const union value *v, valtype t,
                            struct script_value *ret)
{
        static const enum script_value_kind kinds[] = {
                [VAL_I32] = SCRIPT_I32, [VAL_I64] = SCRIPT_I64,   [VAL_F32] = SCRIPT_F32,
                [VAL_F64] = SCRIPT_F64, [VAL_V128] = SCRIPT_V128,
        };
        unsigned kind = valtype_kind(t);

        *ret = (struct script_value) { 0 };
        if (kind == VAL_REF) {
                reference_to_script(i, v->ref, t, ret);
                return;
        }
        ret->kind = kinds[kind];
        ret->bits[0] = kind == VAL_I32 || kind == VAL_F32 ? v->i32 : v->bits[0];
        ret->bits[1] = kind == VAL_V128 ? v->bits[1] : 0;
}

static int invoke(void *host, uint32_t instance, const struct script_name *name,
                  const struct script_value *args, uint32_t nargs, struct script_value *ret,
                  uint32_t *ret_n, struct script_stop *stop, struct error *err)
{
        _cleanup_free_ union value *values = NULL;
        struct process_host *h = host;
        struct extern_value f;
        struct job job = { .function = &f };
        const struct functype *type;

        if (instance_export(h->instances[instance], name->bytes, name->size, &f) < 0 ||
            f.kind != EXTERN_FUNC)
                return error_set(err, STAGE_RUN, -ENOENT, ERROR_NOWHERE, "no such function");
        type = extern_function_type(&f);
        if (!type || type->nparams != nargs || type->nresults > SCRIPT_RESULTS_MAX)
                return error_set(err, STAGE_RUN, -EINVAL, ERROR_NOWHERE, "wrong number of arguments");
        values = calloc(nargs + type->nresults + 1, sizeof(*values));
        if (!values)
                return no_memory(err);
        for (uint32_t i = 0; i < nargs; i++)
                if (value_from_script(f.instance, &args[i], type->params[i], &values[i]) < 0)
                        return error_set(err, STAGE_RUN, -EINVAL, ERROR_NOWHERE,
                                         "argument %u has another type", i);
        job.args = values;
        job.results = values + nargs;
        job_run(h, &job);
        if (job.r < 0)
                return stopped(&job.trap, stop, err);
        for (uint32_t i = 0; i < type->nresults; i++)
                value_to_script(f.instance, &job.results[i], type->results[i], &ret[i]);
        *ret_n = type->nresults;
        return 0;
}

static int get(void *host, uint32_t instance, const struct script_name *name,
               struct script_value *ret, struct error *err)
{
        struct process_host *h = host;
        struct extern_value g;
        union value value;
        valtype type;

        if (instance_export(h->instances[instance], name->bytes, name->size, &g) < 0 ||
            g.kind != EXTERN_GLOBAL || extern_global_get(&g, &type, &value) < 0)
                return error_set(err, STAGE_RUN, -ENOENT, ERROR_NOWHERE, "no such global");
        value_to_script(g.instance, &value, type, ret);
        return 0;
}

const struct script_host host_process = {
        .load = load,
        .instantiate = instantiate,
        .enroll = enroll,
        .invoke = invoke,
        .get = get,
};
