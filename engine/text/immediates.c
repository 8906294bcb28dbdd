#include <string.h>

#include "engine/text/literal.h"
#include "engine/text/module_text.h"

/* The keyword and its place, for those immediates that depend on it. */
struct instruction {
        enum opcode op;
        size_t at;
};

void put_opcode(struct buffer *out, enum opcode op)
{
        uint32_t code = opcode_table[op].code;

        if (code <= 0xff) {
                buffer_u8(out, (uint8_t)code);
        } else {
                buffer_u8(out, (uint8_t)(code >> 12));
                buffer_uleb(out, code & 0xfff);
        }
}

uint32_t read_label(struct module_text *m)
{
        const struct symbol *symbol;
        const char *name;
        uint32_t depth;
        size_t size;

        if (!reader_is(&m->r, TOKEN_ID))
                return (uint32_t)reader_nat(&m->r, 32);
        name = id_name(m, &m->r.token, &size);
        symbol = m->r.failed ? NULL : symbols_find(&m->labels, name, size);
        if (!symbol || symbol->value == SYMBOL_NONE) {
                reader_fail(&m->r, m->r.token.at, "unknown label");
                return 0;
        }
        depth = m->nlabels - 1 - symbol->value;
        reader_next(&m->r);
        return depth;
}

static void read_v128(struct module_text *m, struct buffer *out)
{
        const struct vector_shape *shape = reader_shape(&m->r);
        struct token lanes[16];
        unsigned n = 0;

        if (!shape)
                return;
        for (; reader_is_number(&m->r) && n < shape->lanes; n++) {
                lanes[n] = m->r.token;
                reader_next(&m->r);
        }
        if (n < shape->lanes &&
            (reader_is(&m->r, TOKEN_RESERVED) || reader_is(&m->r, TOKEN_WORD)))
                reader_unexpected(&m->r);
        else if (n < shape->lanes || reader_is_number(&m->r))
                reader_fail(&m->r, m->r.token.at, "wrong number of lane literals");
        for (unsigned lane = 0; lane < n && !m->r.failed; lane++) {
                uint64_t value = shape->is_float ? token_float(&m->r, &lanes[lane], shape->bits)
                                                 : token_int(&m->r, &lanes[lane], shape->bits);

                for (unsigned i = 0; i < shape->bits; i += 8)
                        buffer_u8(out, (uint8_t)(value >> i));
        }
}

static void read_lanes16(struct module_text *m, struct buffer *out)
{
        unsigned n = 0;

        for (; n < 16 && reader_is(&m->r, TOKEN_NAT); n++)
                buffer_u8(out, (uint8_t)reader_nat(&m->r, 8));
        if (m->r.failed)
                return;
        if (n < 16 && reader_is_number(&m->r))
                reader_fail(&m->r, m->r.token.at, "i8 constant out of range");
        else if (n < 16 || reader_is_number(&m->r))
                reader_fail(&m->r, m->r.token.at, "invalid lane length");
}

/* A number behind the "=" of "offset=" or "align=". */
static uint64_t read_tail(struct module_text *m, size_t head)
{
        uint64_t value = 0;

        if (literal_int(reader_text(&m->r) + head, m->r.token.size - head, 64, &value) < 0)
                reader_fail(&m->r, m->r.token.at, "i64 constant out of range");
        else
                reader_next(&m->r);
        return value;
}

static void read_memarg(struct module_text *m, struct instruction in, struct buffer *out)
{
        uint64_t offset = 0, align = opcode_access_bytes(in.op);
        size_t at = m->r.token.at;
        uint32_t memory = 0;

        /* Before a lane, a single number is the lane. */
        if (opcode_table[in.op].immediate == IMM_MEMARG_LANE && reader_is(&m->r, TOKEN_NAT)) {
                const struct token *peek = reader_peek(&m->r);

                if (peek->kind == TOKEN_NAT ||
                    (peek->kind == TOKEN_WORD &&
                     (peek->word == WORD_OFFSET_IS || peek->word == WORD_ALIGN_IS)))
                        memory = read_index(m, SPACE_MEMORY);
        } else if (at_index(m)) {
                memory = read_index(m, SPACE_MEMORY);
        }
        if (reader_is_word(&m->r, WORD_OFFSET_IS))
                offset = read_tail(m, sizeof("offset=") - 1);
        if (reader_is_word(&m->r, WORD_ALIGN_IS)) {
                at = m->r.token.at;
                align = read_tail(m, sizeof("align=") - 1);
        }
        if (!align || (align & (align - 1))) {
                reader_fail(&m->r, at, "alignment must be a power of two");
                return;
        }
        buffer_uleb(out, (uint64_t)__builtin_ctzll(align) | (memory ? 0x40 : 0));
        if (memory)
                buffer_uleb(out, memory);
        buffer_uleb(out, offset);
}

/* An index that may be left out and is 0 then. */
static uint32_t read_optional(struct module_text *m, enum space_id space)
{
        return at_index(m) ? read_index(m, space) : 0;
}

/* "$memory? $segment" in the text, the segment first in the binary format. */
static void read_segment_use(struct module_text *m, enum space_id segment, enum space_id space,
                             struct buffer *out)
{
        const struct token *peek = reader_peek(&m->r);
        uint32_t index = 0;

        if (at_index(m) && (peek->kind == TOKEN_NAT || peek->kind == TOKEN_ID))
                index = read_index(m, space);
        buffer_uleb(out, read_index(m, segment));
        buffer_uleb(out, index);
}

/* Two indices, or none */
static void read_copy(struct module_text *m, enum space_id space, struct buffer *out)
{
        bool given = at_index(m);

        buffer_uleb(out, given ? read_index(m, space) : 0);
        buffer_uleb(out, given ? read_index(m, space) : 0);
}

static void read_call_indirect(struct module_text *m, struct buffer *out)
{
        uint32_t table = read_optional(m, SPACE_TABLE), nparams;

        buffer_uleb(out, read_type_use(m, false, &nparams));
        buffer_uleb(out, table);
}

static void read_labels(struct module_text *m, struct buffer *out)
{
        m->targets.n = 0;
        do
                valtypes_add(m, &m->targets, read_label(m));
        while (at_index(m));
        if (m->r.failed)
                return;
        buffer_uleb(out, m->targets.n - 1);
        for (uint32_t i = 0; i < m->targets.n; i++)
                buffer_uleb(out, m->targets.list[i]);
}

/* "(result t*)*" turns select into the instruction that names its type. */
static void read_select(struct module_text *m, struct buffer *out)
{
        if (!reader_is_open(&m->r, WORD_RESULT)) {
                put_opcode(out, OP_SELECT);
                return;
        }
        read_signature(m, false);
        put_opcode(out, OP_SELECT_T);
        buffer_uleb(out, m->results.n);
        for (uint32_t i = 0; i < m->results.n; i++)
                put_valtype(out, m->results.list[i]);
}

/* The second row of ref.test and ref.cast is the one whose reference may be null. */
static void read_cast(struct module_text *m, enum opcode op, struct buffer *out)
{
        valtype t = read_reftype(m);

        put_opcode(out, t & VAL_NULLABLE ? op + 1 : op);
        put_heaptype(out, valtype_heap(t));
}

static void read_br_cast(struct module_text *m, struct buffer *out)
{
        uint32_t label = read_label(m);
        valtype from = read_reftype(m), to = read_reftype(m);

        buffer_u8(out, (uint8_t)((from & VAL_NULLABLE ? 1 : 0) | (to & VAL_NULLABLE ? 2 : 0)));
        buffer_uleb(out, label);
        put_heaptype(out, valtype_heap(from));
        put_heaptype(out, valtype_heap(to));
}

/* A type and something of another index space, in this order. */
static void read_type_and(struct module_text *m, enum space_id space, struct buffer *out)
{
        buffer_uleb(out, read_index(m, SPACE_TYPE));
        buffer_uleb(out, read_index(m, space));
}

static void read_field_use(struct module_text *m, struct buffer *out)
{
        uint32_t type = read_index(m, SPACE_TYPE);

        buffer_uleb(out, type);
        buffer_uleb(out, read_field_index(m, type));
}

static void read_immediate(struct module_text *m, struct instruction in, struct buffer *out)
{
        switch (opcode_table[in.op].immediate) {
        case IMM_NONE:
                break;
        case IMM_ZERO:
                buffer_u8(out, 0);
                break;
        case IMM_LABEL:
                buffer_uleb(out, read_label(m));
                break;
        case IMM_LABELS:
                read_labels(m, out);
                break;
        case IMM_FUNC:
                buffer_uleb(out, read_index(m, SPACE_FUNC));
                break;
        case IMM_TAG:
                buffer_uleb(out, read_index(m, SPACE_TAG));
                break;
        case IMM_TYPE:
                buffer_uleb(out, read_index(m, SPACE_TYPE));
                break;
        case IMM_CALL_INDIRECT:
                read_call_indirect(m, out);
                break;
        case IMM_HEAPTYPE:
                put_heaptype(out, read_heaptype(m));
                break;
        case IMM_FIELD:
                read_field_use(m, out);
                break;
        case IMM_ARRAY_N:
                buffer_uleb(out, read_index(m, SPACE_TYPE));
                buffer_uleb(out, reader_nat(&m->r, 32));
                break;
        case IMM_ARRAY_DATA:
                m->uses_data_count = true;
                read_type_and(m, SPACE_DATA, out);
                break;
        case IMM_ARRAY_ELEM:
                read_type_and(m, SPACE_ELEM, out);
                break;
        case IMM_ARRAY_COPY:
                read_type_and(m, SPACE_TYPE, out);
                break;
        case IMM_BR_CAST:
                read_br_cast(m, out);
                break;
        case IMM_LOCAL:
                buffer_uleb(out, read_local(m));
                break;
        case IMM_GLOBAL:
                buffer_uleb(out, read_index(m, SPACE_GLOBAL));
                break;
        case IMM_TABLE:
                buffer_uleb(out, read_optional(m, SPACE_TABLE));
                break;
        case IMM_TABLE_INIT:
                read_segment_use(m, SPACE_ELEM, SPACE_TABLE, out);
                break;
        case IMM_TABLE_COPY:
                read_copy(m, SPACE_TABLE, out);
                break;
        case IMM_ELEM:
                buffer_uleb(out, read_index(m, SPACE_ELEM));
                break;
        case IMM_DATA:
                m->uses_data_count = true;
                buffer_uleb(out, read_index(m, SPACE_DATA));
                break;
        case IMM_MEMORY:
                buffer_uleb(out, read_optional(m, SPACE_MEMORY));
                break;
        case IMM_MEMORY_INIT:
                m->uses_data_count = true;
                read_segment_use(m, SPACE_DATA, SPACE_MEMORY, out);
                break;
        case IMM_MEMORY_COPY:
                read_copy(m, SPACE_MEMORY, out);
                break;
        case IMM_MEMARG:
                read_memarg(m, in, out);
                break;
        case IMM_MEMARG_LANE:
                read_memarg(m, in, out);
                buffer_u8(out, (uint8_t)reader_nat(&m->r, 8));
                break;
        case IMM_I32:
                buffer_sleb(out, (int32_t)reader_int(&m->r, 32));
                break;
        case IMM_I64:
                buffer_sleb(out, (int64_t)reader_int(&m->r, 64));
                break;
        case IMM_F32:
                buffer_u32(out, (uint32_t)reader_float(&m->r, 32));
                break;
        case IMM_F64:
                buffer_u64(out, reader_float(&m->r, 64));
                break;
        case IMM_V128:
                read_v128(m, out);
                break;
        case IMM_LANE:
                buffer_u8(out, (uint8_t)reader_nat(&m->r, 8));
                break;
        case IMM_LANES16:
                read_lanes16(m, out);
                break;
        default: /* IMM_BLOCK is read in code.c, IMM_TYPES by read_select() */
                reader_fail(&m->r, in.at, "unexpected token: an instruction without text form");
                break;
        }
}

void read_instruction(struct module_text *m, uint16_t word, size_t at, struct buffer *out)
{
        struct instruction in = { word_opcode(word), at };

        if (in.op == OP_SELECT) {
                read_select(m, out);
                return;
        }
        if (opcode_table[in.op].immediate == IMM_REF) {
                read_cast(m, in.op, out);
                return;
        }
        put_opcode(out, in.op);
        read_immediate(m, in, out);
}
