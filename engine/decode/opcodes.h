/* opcodes.h - the instruction table, see opcodes.def.
 *
 * The enumerators are dense (table row numbers), so that a table indexed by enum opcode has no
 * holes; opcode_find() maps the code of the binary format to the row. */
#pragma once

#include <stdint.h>

enum feature {
#define FEATURE(name, text, dflt, what) FEATURE_##name,
#include "engine/decode/features.def"
        _FEATURE_MAX,
};

struct feature_info {
        const char *text; /* name of the proposal */
        const char *what;
};

extern const struct feature_info feature_table[_FEATURE_MAX];

enum opcode {
#define OP(name, code, text, immediate, pops, pushes, feature) OP_##name,
#include "engine/decode/opcodes.def"
        _OP_MAX,
        OP_INVALID = 0xffff,
};

enum immediate {
        IMM_NONE,
        IMM_BLOCK,         /* block type */
        IMM_LABEL,         /* label index */
        IMM_LABELS,        /* vector of label indices, default label */
        IMM_FUNC,          /* function index */
        IMM_TRY_TABLE,     /* block type, vector of catch clauses */
        IMM_TAG,
        IMM_TYPE,          /* type index */
        IMM_CALL_INDIRECT, /* type index, table index */
        IMM_HEAPTYPE,      /* heap type */
        IMM_REF,           /* heap type of a reference that is not null */
        IMM_REF_NULL,      /* heap type of a reference that may be null */
        IMM_FIELD,         /* structure type, field */
        IMM_ARRAY_N,       /* array type, how many operands */
        IMM_ARRAY_DATA,    /* array type, data segment */
        IMM_ARRAY_ELEM,    /* array type, element segment */
        IMM_ARRAY_COPY,    /* destination array type, source array type */
        IMM_BR_CAST,       /* flags, label, heap types of the operand and of the wanted reference */
        IMM_TYPES,         /* vector of value types */
        IMM_LOCAL,
        IMM_GLOBAL,
        IMM_TABLE,
        IMM_TABLE_INIT,    /* element segment, table */
        IMM_TABLE_COPY,    /* destination table, source table */
        IMM_ELEM,
        IMM_DATA,
        IMM_MEMORY,
        IMM_MEMORY_INIT,   /* data segment, memory */
        IMM_MEMORY_COPY,   /* destination memory, source memory */
        IMM_MEMARG,        /* alignment exponent (bit 6: memory index follows), offset */
        IMM_MEMARG_LANE,   /* the same, then a lane byte */
        IMM_I32,
        IMM_I64,
        IMM_F32,
        IMM_F64,
        IMM_V128,
        IMM_LANE,
        IMM_LANES16,
        IMM_ZERO,          /* a byte that must be 0 */
};

struct opcode_info {
        uint32_t code;          /* the byte, or prefix << 12 | number */
        uint8_t immediate;      /* enum immediate */
        uint8_t feature;        /* enum feature */
        const char *text;       /* keyword of the text format */
        const char *pops, *pushes;
};

extern const struct opcode_info opcode_table[_OP_MAX];
extern const uint16_t opcode_of_byte[256]; /* OP_INVALID where the byte is none or a prefix */

static inline int opcode_is_prefix(uint8_t byte)
{
        return byte >= 0xfb && byte <= 0xfe;
}

/* Row for (@prefix, @number); OP_INVALID where there is none. @prefix: 0xfb to 0xfe. */
uint16_t opcode_find(uint8_t prefix, uint32_t number);

/* Width of the access in bytes for IMM_MEMARG and IMM_MEMARG_LANE rows (the natural alignment);
 * 0 for all others. */
unsigned opcode_access_bytes(enum opcode op);

enum atomic {
        ATOMIC_LOAD,
        ATOMIC_STORE,
        ATOMIC_ADD,
        ATOMIC_SUB,
        ATOMIC_AND,
        ATOMIC_OR,
        ATOMIC_XOR,
        ATOMIC_XCHG,
        ATOMIC_CMPXCHG,
        ATOMIC_NOT, /* not an atomic access of these kinds */
};

/* What kind of access @op is; its width is opcode_access_bytes(). */
static inline enum atomic opcode_atomic(enum opcode op)
{
        if (op < OP_I32_ATOMIC_LOAD || op > OP_I64_ATOMIC_RMW32_CMPXCHG_U)
                return ATOMIC_NOT;
        return (enum atomic)((op - OP_I32_ATOMIC_LOAD) / 7);
}
