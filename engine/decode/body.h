/* body.h - reads a function body, one instruction at a time: shared by the validator, the code
 * generators and the printer.
 *
 * A body is local groups (body_locals_begin, body_local_group), then instructions up to and with
 * the "end" that closes the function. What an instruction's immediates mean is in the fields:
 *
 *   IMM_BLOCK          .index: type index, or BLOCK_NO_TYPE; then .type: result, VAL_BOTTOM: none
 *   IMM_LABEL, FUNC, TYPE, TAG, LOCAL, GLOBAL, TABLE, ELEM, DATA, MEMORY    .index
 *   IMM_LABELS         .index: labels before the default one. The cursor stands at the first: read
 *                      .index + 1 of them with body_label() before the next instruction
 *   IMM_TRY_TABLE      as IMM_BLOCK; .index2: how many clauses, .catches: the first one, for
 *                      body_catch()
 *   IMM_CALL_INDIRECT  .index: type, .index2: table
 *   IMM_HEAPTYPE       .type: the nullable reference type
 *   IMM_REF, REF_NULL  .type: the reference type
 *   IMM_FIELD          .index: structure type, .index2: field
 *   IMM_ARRAY_N        .index: array type, .index2: how many operands
 *   IMM_ARRAY_DATA     .index: array type, .index2: data segment
 *   IMM_ARRAY_ELEM     .index: array type, .index2: element segment
 *   IMM_ARRAY_COPY     .index: type of the destination, .index2: of the source
 *   IMM_BR_CAST        .index: label, .type: of the operand, .wanted: what it is cast to
 *   IMM_TYPES          .index: how many, .type: the last one (VAL_BOTTOM when none)
 *   IMM_TABLE_INIT     .index: element segment, .index2: table
 *   IMM_TABLE_COPY     .index: destination, .index2: source
 *   IMM_MEMORY_INIT    .index: data segment, .index2: memory
 *   IMM_MEMORY_COPY    .index: destination, .index2: source
 *   IMM_MEMARG         .index: memory, .align: exponent, .offset
 *   IMM_MEMARG_LANE    the same and .lane
 *   IMM_I32, I64, F32, F64   .bits[0], an i32 or f32 zero-extended
 *   IMM_V128, LANES16  .bits[0], .bits[1]; also as .bytes
 *   IMM_LANE           .lane
 *   IMM_ZERO           nothing
 *
 * Fields that an instruction does not have are left as they were. body_next() checks everything
 * that the binary format demands; body_next_checked() is for bodies that module_validate() has
 * accepted (their bytes unchanged) and looks at no bounds. */
#pragma once

#include "engine/decode/cursor.h"

#define BLOCK_NO_TYPE UINT32_MAX

struct instruction {
        uint16_t op;           /* enum opcode */
        uint8_t align, lane;
        uint32_t index, index2;
        valtype type;
        const uint8_t *at;     /* first byte */
        union {
                valtype wanted;
                uint64_t offset;
                const uint8_t *catches;
                uint64_t bits[2];
                uint8_t bytes[16];
        };
};

/* Out of line: what the texts of rare failures are made of. */
_cold_ const char *opcode_why(const uint8_t *at, const uint8_t *end);
_cold_ bool opcode_is_known(uint8_t byte);  /* of a proposal not supported */
_cold_ bool type_is_known(uint8_t byte);                     /* the same of a type */

static _always_inline_ bool body_type_fail(struct cursor *c, const uint8_t *where, const char *why)
{
        if (type_is_known(*where))
                return cursor_unsupported(c, where, text_type_unsupported);
        return cursor_fail(c, where, *where & 0x80 ? "integer representation too long" : why);
}

static _always_inline_ bool body_opcode_fail(struct cursor *c, const uint8_t *where)
{
        if (opcode_is_known(*where))
                return cursor_unsupported(c, where, opcode_why(where, c->end));
        return cursor_fail(c, where, opcode_why(where, c->end));
}

/* LEB128 of a body that has been checked. */
static _always_inline_ uint64_t body_leb_u(const uint8_t **at)
{
        const uint8_t *p = *at;
        uint64_t value = *p & 0x7f;

        for (unsigned shift = 7; *p++ & 0x80; shift += 7)
                value |= (uint64_t)(*p & 0x7f) << shift;
        *at = p;
        return value;
}

static _always_inline_ int64_t body_leb_s(const uint8_t **at)
{
        const uint8_t *p = *at;
        uint64_t value = *p & 0x7f;
        unsigned shift = 7;

        for (; *p++ & 0x80; shift += 7)
                value |= (uint64_t)(*p & 0x7f) << shift;
        *at = p;
        return shift < 64 ? (int64_t)(value << (64 - shift)) >> (64 - shift) : (int64_t)value;
}

static _always_inline_ bool body_u32(struct cursor *c, bool check, uint32_t *ret)
{
        if (check)
                return read_u32(c, ret);
        *ret = (uint32_t)body_leb_u(&c->at);
        return true;
}

static _always_inline_ bool body_u8(struct cursor *c, bool check, uint8_t *ret)
{
        if (check)
                return read_u8(c, ret);
        *ret = *c->at++;
        return true;
}

/* Out of line: the reference types of more than one byte, behind their first one @byte; the heap
 * type. Of what is neither, @why says what is malformed. */
bool body_reference(struct cursor *c, bool check, uint8_t byte, const char *why, valtype *ret);
bool body_heap(struct cursor *c, bool check, uint32_t *ret);

static _always_inline_ bool body_valtype(struct cursor *c, bool check, valtype *ret)
{
        uint8_t byte;
        valtype t;

        if (!body_u8(c, check, &byte))
                return false;
        t = valtype_of_byte(byte);
        if (_unlikely_(t == VAL_BOTTOM))
                return body_reference(c, check, byte, "malformed value type", ret);
        *ret = t;
        return true;
}

/* Section 5.4.1: empty, a value type, or a type index as a positive signed number of 33 bits. */
static _always_inline_ bool body_blocktype(struct cursor *c, bool check, struct instruction *in)
{
        int64_t index;
        uint8_t byte;

        if (check && _unlikely_(c->at >= c->end))
                return cursor_fail(c, c->at, text_unexpected_end);
        byte = *c->at;
        if (_likely_((byte & 0xc0) == 0x40)) {
                in->index = BLOCK_NO_TYPE;
                if (byte == 0x40) {
                        in->type = VAL_BOTTOM;
                        c->at++;
                        return true;
                }
                return body_valtype(c, check, &in->type);
        }
        if (check) {
                if (!read_s33(c, &index))
                        return false;
                if (_unlikely_(index < 0))
                        return cursor_fail(c, c->at - 1, "malformed block type");
        } else {
                index = body_leb_s(&c->at);
        }
        in->index = (uint32_t)index;
        in->type = VAL_BOTTOM;
        return true;
}

/* Section 5.4.6: bit 6 of the flags says that a memory index follows. */
static _always_inline_ bool body_memarg(struct cursor *c, bool check, struct instruction *in)
{
        const uint8_t *at = c->at;
        uint32_t flags;

        if (!body_u32(c, check, &flags))
                return false;
        if (check && _unlikely_(flags >= 0x80))
                return cursor_fail(c, at, "malformed memop flags");
        in->align = flags & 0x3f;
        in->index = 0;
        if (_unlikely_(flags & 0x40) && !body_u32(c, check, &in->index))
                return false;
        if (check)
                return read_u64(c, &in->offset);
        in->offset = body_leb_u(&c->at);
        return true;
}

static _always_inline_ bool body_raw(struct cursor *c, bool check, struct instruction *in, size_t n)
{
        if (check)
                return read_raw(c, in->bytes, n);
        memcpy(in->bytes, c->at, n);
        c->at += n;
        return true;
}

static _always_inline_ bool body_types(struct cursor *c, bool check, struct instruction *in)
{
        if (!body_u32(c, check, &in->index))
                return false;
        in->type = VAL_BOTTOM;
        for (uint32_t i = 0; i < in->index; i++)
                if (!body_valtype(c, check, &in->type))
                        return false;
        return true;
}

static _always_inline_ bool body_heaptype(struct cursor *c, bool check, struct instruction *in)
{
        uint32_t heap;

        if (!body_heap(c, check, &heap))
                return false;
        in->type = VAL_REF_NULL(heap);
        return true;
}

/* Section 5.4.1: one clause of a try_table. */
enum catch_kind { CATCH = 0, CATCH_REF = 1, CATCH_ALL = 2, CATCH_ALL_REF = 3 };

struct catch_clause {
        uint8_t kind;      /* enum catch_kind */
        uint32_t tag;      /* of CATCH and CATCH_REF */
        uint32_t label;    /* as seen from outside the try_table */
};

bool body_catch(struct cursor *c, bool check, struct catch_clause *ret);
/* Bit 0 and 1 of the flags: the operand, and what it is cast to, may be null (5.4.1). */
bool body_br_cast(struct cursor *c, bool check, struct instruction *in);
bool body_catches(struct cursor *c, bool check, struct instruction *in);

/* The immediates of one instruction; folds to one arm where @kind is a constant. */
static _always_inline_ bool body_immediate(struct cursor *c, bool check, enum immediate kind,
                                           struct instruction *in)
{
        int64_t number;

        switch (kind) {
        case IMM_NONE:
                return true;
        case IMM_BLOCK:
                return body_blocktype(c, check, in);
        case IMM_LABEL:
        case IMM_LABELS:
        case IMM_FUNC:
        case IMM_TAG:
        case IMM_TYPE:
        case IMM_LOCAL:
        case IMM_GLOBAL:
        case IMM_TABLE:
        case IMM_ELEM:
        case IMM_DATA:
        case IMM_MEMORY:
                return body_u32(c, check, &in->index);
        case IMM_TRY_TABLE:
                return body_blocktype(c, check, in) && body_catches(c, check, in);
        case IMM_CALL_INDIRECT:
        case IMM_FIELD:
        case IMM_ARRAY_N:
        case IMM_ARRAY_DATA:
        case IMM_ARRAY_ELEM:
        case IMM_ARRAY_COPY:
        case IMM_TABLE_INIT:
        case IMM_TABLE_COPY:
        case IMM_MEMORY_INIT:
        case IMM_MEMORY_COPY:
                return body_u32(c, check, &in->index) && body_u32(c, check, &in->index2);
        case IMM_HEAPTYPE:
        case IMM_REF_NULL:
                return body_heaptype(c, check, in);
        case IMM_REF:
                if (!body_heaptype(c, check, in))
                        return false;
                in->type &= ~VAL_NULLABLE;
                return true;
        case IMM_BR_CAST:
                return body_br_cast(c, check, in);
        case IMM_TYPES:
                return body_types(c, check, in);
        case IMM_MEMARG:
                return body_memarg(c, check, in);
        case IMM_MEMARG_LANE:
                return body_memarg(c, check, in) && body_u8(c, check, &in->lane);
        case IMM_I32:
        case IMM_I64:
                if (!check)
                        number = body_leb_s(&c->at);
                else if (!read_leb_signed(c, kind == IMM_I32 ? 32 : 64, &number))
                        return false;
                in->bits[0] = kind == IMM_I32 ? (uint32_t)number : (uint64_t)number;
                return true;
        case IMM_F32:
                in->bits[0] = 0;
                return body_raw(c, check, in, 4);
        case IMM_F64:
                return body_raw(c, check, in, 8);
        case IMM_V128:
        case IMM_LANES16:
                return body_raw(c, check, in, 16);
        case IMM_LANE:
                return body_u8(c, check, &in->lane);
        case IMM_ZERO:
                if (!body_u8(c, check, &in->lane))
                        return false;
                return !check || in->lane == 0 || cursor_fail(c, c->at - 1, "zero byte expected");
        }
        __builtin_unreachable();
}

/* Opcode alone; the immediates follow. */
static _always_inline_ bool body_opcode(struct cursor *c, bool check, struct instruction *in)
{
        const uint8_t *at = c->at;
        uint32_t number = 0;

        if (check && _unlikely_(at >= c->end))
                return cursor_fail(c, at, text_unexpected_end);
        in->at = at;
        in->op = opcode_of_byte[*at];
        c->at++;
        if (_likely_(in->op != OP_INVALID))
                return true;
        if (opcode_is_prefix(*at)) {
                if (!body_u32(c, check, &number))
                        return false;
                in->op = opcode_find(*at, number);
                if (!check || _likely_(in->op != OP_INVALID))
                        return true;
        }
        return body_opcode_fail(c, at);
}

static _always_inline_ bool body_next(struct cursor *c, struct instruction *in)
{
        return body_opcode(c, true, in) &&
               body_immediate(c, true, (enum immediate)opcode_table[in->op].immediate, in);
}

static _always_inline_ void body_next_checked(struct cursor *c, struct instruction *in)
{
        (void)body_opcode(c, false, in);
        (void)body_immediate(c, false, (enum immediate)opcode_table[in->op].immediate, in);
}

/* The next label of a br_table, of a checked body. */
static _always_inline_ uint32_t body_label(struct cursor *c)
{
        return (uint32_t)body_leb_u(&c->at);
}

/* Local groups: read @ret_groups, then so many groups of @ret_n locals of one type. */
static _always_inline_ bool body_locals_begin(struct cursor *c, bool check, uint32_t *ret_groups)
{
        return body_u32(c, check, ret_groups);
}

static _always_inline_ bool body_local_group(struct cursor *c, bool check, uint32_t *ret_n,
                                             valtype *ret_type)
{
        return body_u32(c, check, ret_n) && body_valtype(c, check, ret_type);
}

/* The type of a block: parameters and results. */
static inline struct functype body_block_type(const struct module *m, const struct instruction *in)
{
        if (in->index != BLOCK_NO_TYPE)
                return m->types[in->index];
        return (struct functype) {
                .nresults = in->type != VAL_BOTTOM,
                .results = module_cell(m, in->type),
        };
}
