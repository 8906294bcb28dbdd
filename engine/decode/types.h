/* types.h - the types of WebAssembly (core specification, section 2.3).
 *
 * A value type is one 32-bit word: the kind in the low four bits; for references the nullable bit
 * and the heap type above it. Heap types below HEAP_FIRST_ABSTRACT are type indices.
 *
 * A defined type is a function, a structure or an array, the last two with fields whose storage
 * types are value types or the packed VAL_I8 and VAL_I16. It may have one supertype, and belongs to
 * a recursive group, whose types may name each other. Types are equal when their groups are, word
 * for word (and they stand at the same place there): canonical.h finds equal groups, in a module
 * (module.canonical) and over the modules of a store (canonical ids).
 *
 * .depth counts the supertypes above a type. A type is below another whose depth is d when its d-th
 * ancestor, counted from the root, is that type: with the ancestors of every type in an array
 * (struct type_display of compile/abi.h), a cast is one comparison. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t valtype;

#define VAL_KIND_MASK  0x0fu
#define VAL_NULLABLE   0x10u
#define VAL_HEAP_SHIFT 8

enum {
        VAL_BOTTOM = 0, /* the type of a value in unreachable code: fits everywhere */
        VAL_I32 = 1,
        VAL_I64 = 2,
        VAL_F32 = 3,
        VAL_F64 = 4,
        VAL_V128 = 5,
        VAL_REF = 6,
        VAL_I8 = 7, /* storage of fields only */
        VAL_I16 = 8,
};

/* Abstract heap types: 0xffff00 | the byte of the binary format (section 5.3.4). */
#define HEAP_FIRST_ABSTRACT 0xffff00u
enum heap_type {
#define HEAP(name, byte, text, ref, top, above, feature) HEAP_##name = 0xffff00 | byte,
#include "engine/decode/heap_types.def"
};

#define HEAP_BOTTOM         0xfffffeu /* of a reference in unreachable code: below every other */
#define HEAP_UNKNOWN        0xfffeffu /* an index that 24 bits do not hold: no module has so many */

#define VAL_REF_TO(heap)    ((valtype)(VAL_REF | (uint32_t)(heap) << VAL_HEAP_SHIFT))

#define VAL_REF_NULL(heap)  ((valtype)(VAL_REF | VAL_NULLABLE | (uint32_t)(heap) << VAL_HEAP_SHIFT))
#define VAL_FUNCREF         VAL_REF_NULL(HEAP_FUNC)
#define VAL_EXNREF          VAL_REF_NULL(HEAP_EXN)
#define VAL_EXTERNREF       VAL_REF_NULL(HEAP_EXTERN)

static inline unsigned valtype_kind(valtype t)
{
        return t & VAL_KIND_MASK;
}

static inline uint32_t valtype_heap(valtype t)
{
        return t >> VAL_HEAP_SHIFT;
}

static inline bool valtype_is_ref(valtype t)
{
        return valtype_kind(t) == VAL_REF;
}

/* A reference to a type of the module. */
static inline bool valtype_is_indexed(valtype t)
{
        return valtype_is_ref(t) && valtype_heap(t) < HEAP_FIRST_ABSTRACT;
}

/* A reference to an exception, or to none. */
static inline bool valtype_is_exception(valtype t)
{
        return valtype_heap(t) == HEAP_EXN || valtype_heap(t) == HEAP_NOEXN;
}

/* The hierarchies of heap types: no value is in two. */
enum heap_top { TOP_ANY, TOP_FUNC, TOP_EXTERN, TOP_EXN };

/* Of an abstract heap type. */
enum heap_top heap_top_of(uint32_t heap);
bool heap_is_below(uint32_t heap, uint32_t above); /* both abstract; or equal */

/* Has a value to begin with: all but the references that are never null. */
static inline bool valtype_has_default(valtype t)
{
        return (t & (VAL_KIND_MASK | VAL_NULLABLE)) != VAL_REF;
}

/* f32, f64 and v128 travel in vector registers; i32, i64 and references in general ones. */
static inline bool valtype_is_vector_register(valtype t)
{
        unsigned k = valtype_kind(t);

        return k == VAL_F32 || k == VAL_F64 || k == VAL_V128;
}

/* As in the text format, such as "i32", "funcref", "(ref null 3)". What has no keyword lasts until
 * the thread's fourth next call. */
const char *valtype_text(valtype t);

/* A lasting array of the one value type @t, which is not indexed (module_cell() takes all). */
const valtype *valtype_cell(valtype t);

/* The value type that the byte stands for in the binary format (5.3.1 to 5.3.5), or VAL_BOTTOM. */
static inline valtype valtype_of_byte(uint8_t byte)
{
        switch (byte) {
        case 0x7f:
                return VAL_I32;
        case 0x7e:
                return VAL_I64;
        case 0x7d:
                return VAL_F32;
        case 0x7c:
                return VAL_F64;
        case 0x7b:
                return VAL_V128;
#define HEAP(name, byte, text, ref, top, above, feature) \
        case byte:                                       \
                return VAL_REF_NULL(HEAP_##name);
#include "engine/decode/heap_types.def"
        default:
                return VAL_BOTTOM;
        }
}

struct functype {
        uint32_t nparams, nresults;
        const valtype *params, *results;
};

enum comp_kind { COMP_FUNC, COMP_STRUCT, COMP_ARRAY };

/* The abstract heap type right above a defined type of that kind. */
static inline uint32_t heap_of_kind(uint8_t kind)
{
        return kind == COMP_FUNC ? HEAP_FUNC : kind == COMP_STRUCT ? HEAP_STRUCT : HEAP_ARRAY;
}

struct fieldtype {
        valtype storage;           /* a value type, VAL_I8 or VAL_I16 */
        bool is_mutable;
};

/* What a field of storage type @t is on the operand stack. */
static inline valtype storage_value(valtype t)
{
        return valtype_kind(t) >= VAL_I8 ? VAL_I32 : t;
}

#define TYPE_NO_SUPER UINT32_MAX

/* A defined type but for the parameters and results of a function type (module.types). */
struct deftype {
        uint8_t kind;              /* enum comp_kind */
        bool is_final;
        bool has_default;          /* all of its fields have: true of a function */
        uint8_t depth;             /* supertypes above it: 0 to 63 */
        uint32_t super;            /* index, less than its own; or TYPE_NO_SUPER */
        uint32_t group, ngroup;    /* its recursive group: the first index, and how many */
        uint32_t nfields;          /* of an array one, of a function none */
        const struct fieldtype *fields;
        size_t offset;             /* in the file, for errors */
};

/* "(i32 i64) -> (f32)" into @text, cut to @size. Returns @text. */
char *functype_text(const struct functype *type, char *text, unsigned size);

struct range { /* limits of a table or a memory, in elements or pages */
        uint64_t min, max;
        bool has_max;
        bool is_64;     /* addresses are i64 */
        bool is_shared;
};

struct tabletype {
        valtype element;
        struct range size;
};

struct memtype {
        struct range size;       /* in pages */
        uint8_t page_shift;      /* 16, or 0 with custom page sizes */
};

/* @pages of @t in bytes; UINT64_MAX when 64 bits do not hold them. */
static inline uint64_t memtype_bytes(const struct memtype *t, uint64_t pages)
{
        return pages > UINT64_MAX >> t->page_shift ? UINT64_MAX : pages << t->page_shift;
}

struct globaltype {
        valtype type;
        bool is_mutable;
};

enum extern_kind { /* section 5.5.5, the bytes of the binary format */
        EXTERN_FUNC = 0,
        EXTERN_TABLE = 1,
        EXTERN_MEMORY = 2,
        EXTERN_GLOBAL = 3,
        EXTERN_TAG = 4,
};
