/* store.h - private to engine/instance: what a store is made of.
 *
 * Everything small comes from the store's pool and lives until store_free(); linear memories,
 * instance areas and table arrays are mapped or allocated on their own and listed. Descriptors
 * that compiled code reads (memory_desc, table_desc) are copies of what the objects know: an object
 * that grows writes every copy (its users).
 *
 * Functions as values. A funcref is the address of the canonical table entry of a function, in the
 * funcs[] of the instance that owns it. A table that only its own instance can reach holds direct
 * entries (the code itself); a shared one holds canonical entries, whose thunk switches the
 * instance base. A table becomes shared when another instance imports it; its entries are rewritten
 * then, once. */
#pragma once

#include <string.h>

#include "engine/base/pool.h"
#include "engine/decode/canonical.h"
#include "engine/instance/instance.h"
#include "engine/run/enter.h"

struct mapping {
        uint8_t *start;
        size_t bytes;
};

struct user { /* a descriptor that follows an object */
        struct user *next;
        void *desc;
};

struct memory_object {
        struct memory_object *next;
        struct store *store;
        struct memtype type;
        uint8_t *base;
        uint64_t bytes, pages_max;
        uint64_t room, reserve;     /* after .base: how far it may grow; and the guard too */
        bool open;                  /* all of .room is accessible: code compares with .bytes */
        struct mapping map;         /* .start NULL: the mapping is an instance's slot */
        struct user *users;
};

struct table_object {
        struct table_object *next;
        struct store *store;
        struct tabletype type;
        void *base;                 /* struct table_entry[], or uint64_t[] of an externref table */
        uint64_t length, room, length_max;
        struct instance *private_to; /* NULL: shared */
        struct user *users;
};

struct global_object { /* of the host */
        struct globaltype type;
        union value value;
};

struct tag_object { /* its address is its identity */
        uint32_t type;              /* canonical id */
        uint32_t nvalues;
};

/* An exception: the values follow. Those that no exnref has been made of are used again; the
 * others stay until the store ends, since nobody counts who holds one. */
struct exception {
        const struct tag_object *tag;
        struct exception *next;     /* in the list of all */
        uint32_t room;              /* values */
        bool kept;
        struct store *store;        /* that counts it: who catches it may be of another */
        union value values[] __attribute__((aligned(16)));
};

_Static_assert(offsetof(struct exception, values) == ABI_EXCEPTION_VALUES, "part of the ABI");

#define EXCEPTIONS_MAX (UINT64_C(64) << 20) /* bytes of exceptions that are kept in a store */

struct canonical_type {             /* what the heap needs to know of a type, by canonical id */
        uint8_t kind;               /* enum comp_kind */
        bool is_final;
        uint8_t depth;              /* supertypes above it */
        uint32_t super;             /* canonical id, TYPE_NONE: none */
        uint32_t nfields;           /* of an array one, of a function none */
        const struct fieldtype *fields; /* in terms of the store; of the pool */
};

struct loaded_module {
        struct store *store;
        const struct artefact *a;
        const struct module *module;
        uint8_t *code;
        const uint32_t *offsets;    /* into the code, by function index without the imports */
        int fd;
        uint32_t *types;            /* canonical ids */
        uint32_t *escaping_of;      /* by function index: place in checked->escaping, UINT32_MAX */
};

struct function_ref { /* a function, resolved to its end */
        struct instance *owner;     /* NULL: of the host */
        uint32_t index;             /* in the owner */
        uint32_t type;              /* canonical id */
        void *code, *data;          /* as called from another instance */
        const struct functype *functype;
};

struct host_link { /* a host function as what imports it has it */
        struct host_link *next;
        const char *params, *results;
        struct run_host record;
        struct function_ref ref;
};

/* Types and host functions. Stores that are made from one template share a table, which does not
 * change any more then. */
struct type_table {
        struct pool *pool;
        struct canonical_type *all;     /* by canonical id; [0] is unused: TYPE_NONE */
        struct type_display *displays[ABI_DISPLAYS]; /* each by canonical id, or NULL */
        struct gc_type *objects;        /* by canonical id */
        uint32_t n, room;
        struct group_table groups;      /* freed by the store that .pool is of */
        struct host_link *hosts;
};

#define INSTANCE_CALLS 4

struct instance {
        struct instance_prefix prefix; /* must be first */
        struct instance *next;
        struct store *store;
        struct loaded_module *loaded;
        const struct module *module;
        void *host;
        struct mapping map;
        struct function_ref *imports;      /* [imported_functions] */
        struct memory_object **memories;   /* [nmemories] */
        struct table_object **tables;      /* [ntables] */
        struct tag_object **tags;          /* [ntags] */
        struct table_entry *funcs;         /* [nescaping], made when first asked for */
        struct run_cross *crosses;         /* [nescaping] */
        bool *data_dropped, *element_dropped;
        uint64_t **elements;               /* [nelements]: values of segments that hold no functions; NULL:
                                            * made when they are needed, or dropped */
        struct slot *slot;                 /* template.h; NULL: none */
        struct guest_call calls[INSTANCE_CALLS]; /* the latest from the host, by index; .enter NULL: none */
};

/* extern.c: in a store that has a heap from now on. */
void instance_calls_forget(struct instance *i);

/* Where a store in a slot lies. Its things come from two pools in the slot, which are gone when the
 * instance is made: what comes later is from the heap. */
struct place {
        uint8_t *base;          /* the instance base; NULL: an ordinary store */
        uint8_t *low;           /* everything of the store is at or above, and below .base */
        uint64_t room, guard;   /* behind .base */
        bool open;              /* as memory_object.open */
        bool copy_image;
};

struct store {
        struct pool *pool;
        struct pool *arrays;            /* of a store in a slot: what is written seldom */
        struct place place;
        bool arrays_written;            /* since the instance was made */
        struct store_options options;
        struct instance *instances;
        struct memory_object *memories;
        struct table_object *tables;
        struct exception *exceptions; /* that are kept */
        struct exception *thrown, *spare; /* not caught yet; to be used again */
        uint64_t exception_bytes;
        unsigned nmemories;
        uint64_t memory_bytes, table_elements; /* in use, held to the options */
        uint64_t memory_refused;        /* how often one did not grow for the limit */
        struct type_table *types;
        struct gc_heap *heap;           /* gc.h; NULL: nobody needs one */
        const union value *operands;    /* of a constant expression that is evaluated */
        uint32_t noperands;
        bool exhausted;                 /* one found no room for an object */
        struct fiber *runner;           /* the fiber of the innermost call from the host */
};

/* @bytes more of memories and tables: false when they pass the limit of the store. */
bool store_memory_take(struct store *s, uint64_t bytes);

/* types.c. The ids of all types of @m, whose groups are added where they are new, into @ids. -ENOMEM. */
_must_check_ int store_types_add(struct store *s, const struct module *m, uint32_t *ids);

/* Writes the displays to the heads of all instances. */
void types_show(const struct store *s);

/* A value type of a module in terms of the store: ids in place of its own indices. */
valtype store_valtype(const uint32_t *ids, valtype t);
/* Whether a value of type @t may stand where @want is asked for; both in terms of the store. */
bool store_matches(const struct store *s, valtype t, valtype want);
/* Type @id is @above or below it; TYPE_NONE is below nothing. */
bool store_type_below(const struct store *s, uint32_t id, uint32_t above);
/* The hierarchy of a heap type in terms of the store. */
enum heap_top store_heap_top(const struct store *s, uint32_t heap);

/* A host function as an import; false without memory. */
bool store_host_function(struct store *s, const struct host_function *h, struct function_ref *ret);

/* store.c. store_init() - @s is zeroed; types and pool are set by the caller.
 * An array that is freed on its own, or lies in the store's slot. */
void store_init(struct store *s, const struct store_options *o);
void *store_array(struct store *s, size_t n, size_t size); /* zeroed; NULL: no memory */
void store_array_free(struct store *s, void *array);

/* slot.c. Reserve @below bytes before and @reserve after an address; @below bytes and the first
 * @memory after it are accessible. Multiples of pages. Returns that address, NULL: no memory. */
uint8_t *slot_new(size_t below, uint64_t memory, uint64_t reserve, struct mapping *ret);
void slot_free(struct mapping *map);

/* memory.c, table.c, global.c: objects of a store, and their descriptors in instances. */
_must_check_ int memory_new(struct store *s, const struct memtype *type, uint8_t *base,
                            struct memory_object **ret, struct error *err);
_must_check_ int memory_use(struct memory_object *o, struct memory_desc *desc);
uint64_t memory_grow(struct memory_object *o, uint64_t pages);
/* Bytes at the start and address space; -E2BIG when the memory can never be made. */
_must_check_ int memory_measure(const struct memtype *type, uint64_t *ret_bytes,
                                uint64_t *ret_room, struct error *err);

_must_check_ int table_new(struct store *s, const struct tabletype *type, struct instance *owner,
                           struct table_object **ret, struct error *err);
_must_check_ int table_use(struct table_object *o, struct table_desc *desc, struct instance *user);
void table_store(struct table_object *o, uint64_t at, uint64_t ref); /* @at is in bounds */
uint64_t table_grow(struct table_object *o, uint64_t n, uint64_t ref);
void table_done(struct table_object *o);

/* The place of global @index's value, wherever it lives. */
union value *instance_global(const struct instance *i, uint32_t index);

/* Value of a constant expression in @i, whose globals below its place are initialised. Sets
 * store.exhausted when there is no room for an object. */
union value const_evaluate(struct instance *i, const struct const_expr *e);

/* function.c */
struct function_ref instance_function(struct instance *i, uint32_t index);
struct table_entry *instance_funcref(struct instance *i, uint32_t index); /* an escaping function */
struct table_entry entry_direct(struct instance *i, uint32_t index);

/* exception.c */
struct exception *exception_new(struct store *s, const struct tag_object *tag); /* NULL: too many */
bool exception_catch(struct store *s, const struct tag_object *tag, bool keep, struct exception *e);
void exceptions_done(struct store *s);

/* link.c: check @imports against the module and note them in @i, whose area is made. */
_must_check_ int instance_link(struct instance *i, const struct extern_value *imports,
                               struct error *err);

/* segment.c: copy elements or bytes of a segment; false when out of bounds (nothing was written). */
bool segment_copy_elements(struct instance *i, uint32_t segment, struct table_object *to,
                           uint64_t at, uint64_t from, uint64_t n);
bool segment_elements_inside(const struct instance *i, uint32_t segment, const struct table_object *to,
                             uint64_t at, uint64_t from, uint64_t n);
uint64_t segment_element(struct instance *i, uint32_t segment, uint64_t k); /* in bounds */
void segment_drop(struct instance *i, uint32_t segment);
bool segment_bytes_inside(const struct instance *i, uint32_t segment, const struct memory_object *to,
                          uint64_t at, uint64_t from, uint64_t n);
bool segment_copy_bytes(struct instance *i, uint32_t segment, struct memory_object *to, uint64_t at,
                        uint64_t from, uint64_t n);

/* instance.c */
void instance_done(struct instance *i);

/* The arrays of an instance. */
static inline struct instance_head *instance_head(const struct instance *i)
{
        return (struct instance_head *)i->prefix.base - 1;
}

static inline void *instance_array(const struct instance *i, int32_t displacement)
{
        return (uint8_t *)i->prefix.base + displacement;
}

/* Code of a function that @i defines, as its own code calls it. */
static inline void *instance_code(const struct instance *i, uint32_t index)
{
        return i->loaded->code + i->loaded->offsets[index - i->module->imported_functions];
}

static inline bool table_holds_functions(const struct table_object *o)
{
        return store_heap_top(o->store, valtype_heap(o->type.element)) == TOP_FUNC;
}
