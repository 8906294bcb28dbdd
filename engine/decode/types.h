/* types.h - the types of WebAssembly (core specification, section 2.3).
 *
 * A value type is one 32-bit word: the kind in the low four bits; for references the nullable bit
 * and the heap type above it. Heap types below HEAP_FIRST_ABSTRACT are type indices. */
#pragma once

#include <stdbool.h>
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
};

/* Abstract heap types: 0xffff00 | the byte of the binary format (section 5.3.4). */
#define HEAP_FIRST_ABSTRACT 0xffff00u
#define HEAP_FUNC           0xffff70u
#define HEAP_EXTERN         0xffff6fu
#define HEAP_EXN            0xffff69u
#define HEAP_NOEXN          0xffff74u /* below it: null alone */
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
        case 0x70:
                return VAL_FUNCREF;
        case 0x6f:
                return VAL_EXTERNREF;
        case 0x69:
                return VAL_EXNREF;
        case 0x74:
                return VAL_REF_NULL(HEAP_NOEXN);
        default:
                return VAL_BOTTOM;
        }
}

struct functype {
        uint32_t nparams, nresults;
        const valtype *params, *results;
};

bool functype_equal(const struct functype *a, const struct functype *b);

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
