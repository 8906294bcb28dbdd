/* module.h - a decoded module: the binary format turned into arrays, nothing checked yet but the
 * format itself (core specification, section 5.5; struct names follow section 2.5).
 *
 * The bytes of the file are borrowed and must outlive the module; names and function bodies point
 * into them. Everything else belongs to the module's pool. Index spaces hold the imports first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/decode/opcodes.h"
#include "engine/decode/types.h"

struct name {
        const char *bytes; /* UTF-8, not terminated */
        uint32_t size;
};

static inline bool name_equals(const struct name *a, const struct name *b)
{
        return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static inline bool name_is(const struct name *a, const char *text)
{
        return a->size == strlen(text) && memcmp(a->bytes, text, a->size) == 0;
}

struct slice { /* a part of the file */
        size_t offset, size;
};

/* A constant expression, decoded to a small stack program without its final "end". */
struct const_op {
        uint16_t op;       /* enum opcode */
        uint32_t index;    /* global.get, ref.func; heap type of ref.null; type of struct.new etc. */
        uint64_t value[2]; /* bits of the constant; [1] is the upper half of v128; [0]: operands of
                            * array.new_fixed */
};

struct const_expr {
        const struct const_op *ops;
        uint32_t nops;
        size_t offset;     /* in the file, for errors */
};

struct import {
        struct name module, name;
        enum extern_kind kind;
        uint32_t index;    /* in the index space of its kind */
        size_t offset;
};

struct export {
        struct name name;
        enum extern_kind kind;
        uint32_t index;
        size_t offset;
};

struct function {
        uint32_t type;      /* index */
        struct slice body;  /* locals and code up to and with the final "end"; empty for imports */
        size_t offset;      /* of the declaration, for errors */
};

struct table {
        struct tabletype type;
        struct const_expr init; /* nops == 0: null */
        size_t offset;
};

struct memory {
        struct memtype type;
        size_t offset;
};

struct tag {
        uint32_t type;              /* index of a function type without results */
        size_t offset;
};

struct global {
        struct globaltype type;
        struct const_expr init; /* nops == 0 for imports */
        size_t offset;
};

enum segment_mode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARATIVE };

struct element_segment {
        enum segment_mode mode;
        valtype type;
        uint32_t table;             /* active only */
        struct const_expr at;       /* active only */
        uint32_t n;
        const uint32_t *functions;  /* the short form; UINT32_MAX never occurs; or NULL */
        const struct const_expr *exprs; /* the long form, or NULL */
        size_t offset;
};

struct data_segment {
        enum segment_mode mode;
        uint32_t memory;            /* active only */
        struct const_expr at;       /* active only */
        struct slice bytes;
        size_t offset;
};

struct branch_hint {             /* custom section "metadata.code.branch_hint" */
        uint32_t offset;            /* of the instruction, from the beginning of the body */
        bool likely;                /* the condition is true, most of the time */
};

struct custom_section {
        struct name name;
        struct slice bytes;         /* after the name */
};

struct module {
        const uint8_t *bytes;       /* borrowed */
        size_t size;
        struct pool *pool;

        uint32_t ntypes, nimports, nfunctions, ntables, nmemories, nglobals, ntags, nexports;
        uint32_t nelements, ndatas, ncustoms;
        uint32_t imported_functions, imported_tables, imported_memories, imported_globals;
        uint32_t imported_tags;
        struct tag *tags;
        struct functype *types;     /* [ntypes]; of structures and arrays all zero */
        struct deftype *defs;       /* [ntypes] */
        uint32_t *canonical;        /* [ntypes]: the lowest index of an equal type */
        valtype (*cells)[2];        /* [ntypes]: (ref i) and (ref null i), see module_cell() */
        uint32_t unknown_type;      /* the first type that names one behind its group */
        size_t unknown_type_at;     /* where; 0: there is none */
        struct import *imports;
        struct function *functions;
        struct table *tables;
        struct memory *memories;
        struct global *globals;
        struct export *exports;
        struct element_segment *elements;
        struct data_segment *datas;
        struct custom_section *customs;

        bool has_start, has_data_count;
        bool skeleton;              /* decoded with DECODE_SKELETON: no function has a body */
        uint64_t features_used;     /* by what the sections declare: set of 1 << FEATURE_... */
        uint32_t start;             /* function index */
        uint32_t data_count;
        size_t start_offset;

        struct name module_name;    /* "name" custom section; a malformed one is ignored (7.4.1) */
        struct name *function_names; /* [nfunctions], size 0 where there is none; or NULL */

        /* Those of function f: hints[first_hint[f]] up to first_hint[f + 1], in ascending order of offset.
         * NULL without a section, or with one that is malformed: it is ignored, like the names. What lies
         * at an offset is not checked: a hint of anything but an if or a br_if has no meaning. */
        const struct branch_hint *hints;
        const uint32_t *first_hint;
        uint32_t hints_section;     /* index in .customs */
};

static inline const struct branch_hint *module_hints(const struct module *m, uint32_t f,
                                                     const struct branch_hint **ret_end)
{
        if (!m->hints)
                return *ret_end = NULL;
        *ret_end = m->hints + m->first_hint[f + 1];
        return m->hints + m->first_hint[f];
}

/* The hint of the instruction at @offset, NULL when it has none. @next goes over the hints in step with
 * the instructions. */
static inline const struct branch_hint *branch_hint_at(const struct branch_hint **next,
                                                       const struct branch_hint *end, uint32_t offset)
{
        while (*next < end && (*next)->offset < offset)
                ++*next;
        return *next < end && (*next)->offset == offset ? *next : NULL;
}

/* A lasting array of the one value type @t. */
static inline const valtype *module_cell(const struct module *m, valtype t)
{
        if (!valtype_is_indexed(t))
                return valtype_cell(t);
        return valtype_heap(t) < m->ntypes ? &m->cells[valtype_heap(t)][!!(t & VAL_NULLABLE)]
                                           : valtype_cell(VAL_BOTTOM);
}

/* The feature that @t belongs to; FEATURE_MVP for the numbers of 1.0. */
enum feature valtype_feature(valtype t);

/* Type @index is @above, or below it. Both are indices of types that @m has. */
bool module_type_below(const struct module *m, uint32_t index, uint32_t above);

/* The hierarchy of a heap type, which @m has when it is an index; HEAP_BOTTOM is not one. */
enum heap_top module_heap_top(const struct module *m, uint32_t heap);

/* The function type at @index; NULL when there is none, or it is a structure or an array. */
static inline const struct functype *module_functype(const struct module *m, uint32_t index)
{
        return index < m->ntypes && m->defs[index].kind == COMP_FUNC ? &m->types[index] : NULL;
}

/* Whether a value of type @t may stand where @want is asked for (section 3.3). Indices in both are
 * those of types that @m has. */
bool module_matches(const struct module *m, valtype t, valtype want);

static inline const struct functype *module_function_type(const struct module *m, uint32_t f)
{
        return &m->types[m->functions[f].type];
}
