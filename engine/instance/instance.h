/* instance.h - loaded modules and their instances.
 *
 * A store owns the slots (address space for memories), the table of canonical types, and everything
 * that is instantiated in it: one store is one nanoprocess's world of references. Between two that end
 * together functions cross, of types without references, and nothing else does.
 *
 * loaded_module_new - take @a (borrowed, must outlive) whose .text is already mapped executable at
 *   @code (a->code.size bytes, page-aligned, inside run_arena()). @fd: the artefact's file, from
 *   which the memory image is mapped copy-on-write; -EBADF: copied from the bytes instead.
 * instance_create - the instantiation of section 4.7.2: match imports, make memories, tables and
 *   globals, run the active segments, but not the start function (instance_start runs that, on a
 *   fiber).
 *   @imports: one per import of the module, in order; kinds and types are checked here:
 *   -EINVAL with "incompatible import type" or "unknown import" and the import's names
 * instance_start - call the start function if there is one; as guest_call().
 * A trap in an active segment is -EFAULT with @trap filled; the store keeps what was written
 * before, as the specification says. */
#pragma once

#include "engine/artefact/artefact.h"
#include "engine/run/run.h"

struct store;
struct loaded_module;
struct memory_object;
struct table_object;
struct global_object;

struct store_options {
        uint64_t memory_max_bytes;  /* all linear memories of the store and its heap together; 0: no limit */
        uint64_t table_max_elements; /* all tables together; 0: limits.def */
        unsigned slots;             /* memories at once, e.g. 1 for a single guest; 0: 64 */
        /* memory.atomic.wait: let time pass for the guest of this fiber, which may be suspended
         * meanwhile. NULL: the thread sleeps. */
        void (*sleep)(void *context, uint64_t ns);
        void *sleep_context;
        bool collect_always;        /* the heap is collected at every allocation: for tests */
};

/* A function of the host. @code follows the C convention with the arguments of abi.h: i32 as
 * uint32_t, i64 and references as uint64_t, f32, f64; arguments beyond the registers are read with
 * host_spill(). It runs on the guest's stack with at least FIBER_HOST_BYTES below. */
struct host_function {
        const char *module, *name;
        const char *params, *results; /* letters of opcodes.def: i I f F v, R = externref, r = funcref */
        void *code;
};

struct extern_value { /* what an import is given, what an export is */
        enum extern_kind kind;
        struct instance *instance;    /* function or other item of an instance: its index space, */
        uint32_t index;               /* and the index; or instance == NULL and: */
        const struct host_function *host;
        struct memory_object *memory;
        struct table_object *table;
        struct global_object *global;
};

_must_check_ int store_new(const struct store_options *o, struct store **ret, struct error *err);
void store_free(struct store *s); /* takes NULL; frees instances, memories, tables, modules in it */

/* The host's own items, e.g. for the test scripts' "spectest" module. */
_must_check_ int store_new_memory(struct store *s, const struct memtype *type,
                                  struct memory_object **ret, struct error *err);
_must_check_ int store_new_table(struct store *s, const struct tabletype *type,
                                 struct table_object **ret, struct error *err);
_must_check_ int store_new_global(struct store *s, const struct globaltype *type,
                                  union value value, struct global_object **ret, struct error *err);

_must_check_ int loaded_module_new(struct store *s, const struct artefact *a, void *code, int fd,
                                   struct loaded_module **ret, struct error *err);
_must_check_ int instance_create(struct store *s, struct loaded_module *m,
                                 const struct extern_value *imports, void *host,
                                 struct instance **ret, struct trap_info *trap, struct error *err);
_must_check_ int instance_start(struct instance *i, struct trap_info *trap);

/* Export by name. Returns 0 or -ENOENT. */
int instance_export(const struct instance *i, const char *name, size_t size,
                    struct extern_value *ret);
const struct functype *extern_function_type(const struct extern_value *v); /* NULL: no instance's */

/* Call a function that an instance exports (or imports and exports again). As guest_call(), and
 * -EINVAL for an extern_value that is no function of an instance, -EBUSY when a guest of a store that
 * has a heap is on another fiber. */
_must_check_ int extern_call(const struct extern_value *f, const union value *args,
                             union value *results, struct trap_info *trap);
int extern_global_get(const struct extern_value *g, valtype *ret_type, union value *ret);

/* References as the host sees them.
 * instance_reference - what @ref is, a value of type @t of @i's module: HEAP_FUNC, HEAP_EXN, HEAP_I31,
 *   HEAP_STRUCT, HEAP_ARRAY, or HEAP_EXTERN, with the host's word in *ret_word (of what the guest made
 *   external, a word with bit 63); HEAP_NONE: null
 * instance_reference_of - a word of the host, neither 0 nor with bit 63, as a value of type @t; 0 when
 *   that is no type of such values, or without memory. One of type any is an object: unless a guest
 *   keeps it, it is gone after the next collection. */
uint32_t instance_reference(const struct instance *i, valtype t, uint64_t ref, uint64_t *ret_word);
uint64_t instance_reference_of(struct instance *i, valtype t, uint64_t word);

/* The state of @i as bytes (artefact/snapshot.h), appended to @out. -EOPNOTSUPP: it refers to what is not in its
 * module, named; -ENOMEM. */
struct buffer;
_must_check_ int instance_snapshot(const struct instance *i, struct buffer *out, struct error *err);

void *instance_host(const struct instance *i);
const struct module *instance_module(const struct instance *i);

/* What the store of @i uses of its limits. */
struct instance_usage {
        uint64_t memory_bytes, memory_refused;
};
void instance_usage(const struct instance *i, struct instance_usage *ret);

/* Memory 0 as the host sees it. The guest may change it at any time when it runs; sizes only grow.
 * NULL / 0 when the instance has none. */
uint8_t *instance_memory(const struct instance *i, uint64_t *ret_bytes);

/* Spill entry @index of the running instance: arguments beyond the registers (abi.h). */
union value *host_spill(unsigned index);
