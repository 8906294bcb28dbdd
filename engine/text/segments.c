#include "engine/text/module_text.h"

/* Bits of an element segment's flags in the binary format (5.5.12). */
#define ELEM_NOT_ACTIVE  1u /* passive, or declarative with ELEM_HAS_TABLE */
#define ELEM_HAS_TABLE   2u
#define ELEM_EXPRESSIONS 4u

struct items { /* the list of an element segment */
        struct buffer bytes;
        uint32_t n;
        bool expressions; /* else function indices */
        valtype type;
};

static void read_indices(struct module_text *m, struct items *items)
{
        for (; at_index(m); items->n++)
                buffer_uleb(&items->bytes, read_index(m, SPACE_FUNC));
}

/* The same as expressions, for elements of another type than (ref func). */
static void read_references(struct module_text *m, struct items *items)
{
        items->expressions = true;
        for (; at_index(m); items->n++) {
                put_opcode(&items->bytes, OP_REF_FUNC);
                buffer_uleb(&items->bytes, read_index(m, SPACE_FUNC));
                put_opcode(&items->bytes, OP_END);
        }
}

/* "(item expr)", or one folded instruction */
static void read_expressions(struct module_text *m, struct items *items)
{
        items->expressions = true;
        for (; reader_is(&m->r, TOKEN_OPEN); items->n++) {
                if (reader_accept_open(&m->r, WORD_ITEM)) {
                        read_expression(m, false, &items->bytes);
                        reader_expect_close(&m->r);
                } else {
                        read_expression(m, true, &items->bytes);
                }
        }
}

/* "(offset expr)", or one folded instruction */
static void read_offset(struct module_text *m, struct buffer *out)
{
        if (reader_accept_open(&m->r, WORD_OFFSET)) {
                read_expression(m, false, out);
                reader_expect_close(&m->r);
        } else {
                read_expression(m, true, out);
        }
}

static void put_items(struct buffer *out, const struct items *items)
{
        buffer_uleb(out, items->n);
        buffer_append(out, items->bytes.bytes, items->bytes.size);
        out->failed = out->failed || items->bytes.failed;
}

/* ref type and expressions, or "func" and indices; @legacy: "func" may be missing. */
static void read_items(struct module_text *m, bool legacy, struct items *items)
{
        if (reader_accept(&m->r, WORD_FUNC) || (legacy && !at_reftype(m))) {
                read_indices(m, items);
        } else if (at_reftype(m)) {
                items->type = read_valtype(m);
                read_expressions(m, items);
        } else {
                reader_unexpected(&m->r);
        }
}

void field_elem(struct module_text *m)
{
        struct section *section = &m->sections[SECTION_ELEMENT];
        _cleanup_(buffer_done) struct buffer offset = { 0 };
        struct items items = { 0 };
        unsigned flags = 0;
        uint32_t table = 0;
        bool uses_table;

        section->n++;
        m->spaces[SPACE_ELEM].next++;
        if (reader_is(&m->r, TOKEN_ID))
                reader_next(&m->r);
        uses_table = reader_accept_open(&m->r, WORD_TABLE);
        if (uses_table) {
                table = read_index(m, SPACE_TABLE);
                reader_expect_close(&m->r);
        } else if (reader_is(&m->r, TOKEN_NAT)) { /* the form of 1.0 */
                table = read_index(m, SPACE_TABLE);
        }
        if (reader_accept(&m->r, WORD_DECLARE))
                flags = ELEM_NOT_ACTIVE | ELEM_HAS_TABLE;
        else if (reader_is(&m->r, TOKEN_OPEN) && !reader_is_open(&m->r, WORD_REF))
                read_offset(m, &offset);
        else
                flags = ELEM_NOT_ACTIVE;
        read_items(m, !flags && !uses_table, &items);

        if (items.expressions)
                flags |= ELEM_EXPRESSIONS;
        /* Without a table index the type is implied as well. */
        if (!(flags & ELEM_NOT_ACTIVE) && (table || (items.expressions && items.type != VAL_FUNCREF)))
                flags |= ELEM_HAS_TABLE;
        buffer_u8(&section->bytes, (uint8_t)flags);
        if (!(flags & ELEM_NOT_ACTIVE) && (flags & ELEM_HAS_TABLE))
                buffer_uleb(&section->bytes, table);
        buffer_append(&section->bytes, offset.bytes, offset.size);
        section->bytes.failed = section->bytes.failed || offset.failed;
        if ((flags & (ELEM_NOT_ACTIVE | ELEM_HAS_TABLE)) && items.expressions)
                put_valtype(&section->bytes, items.type);
        else if (flags & (ELEM_NOT_ACTIVE | ELEM_HAS_TABLE))
                buffer_u8(&section->bytes, 0x00);
        put_items(&section->bytes, &items);
        buffer_done(&items.bytes);
}

static void put_zero(struct buffer *out, bool is_64)
{
        put_opcode(out, is_64 ? OP_I64_CONST : OP_I32_CONST);
        buffer_u8(out, 0);
        put_opcode(out, OP_END);
}

uint32_t table_inline_elem(struct module_text *m, uint32_t table, bool is_64, valtype type)
{
        struct section *section = &m->sections[SECTION_ELEMENT];
        struct items items = { .type = type };
        unsigned flags = 0;

        section->n++;
        m->spaces[SPACE_ELEM].next++;
        if (reader_is(&m->r, TOKEN_OPEN))
                read_expressions(m, &items);
        else if (type == VAL_FUNCREF)
                read_indices(m, &items);
        else
                read_references(m, &items);
        reader_expect_close(&m->r);
        if (!items.n && type != VAL_FUNCREF)
                items.expressions = true;
        if (items.expressions)
                flags |= ELEM_EXPRESSIONS;
        if (table || (items.expressions && type != VAL_FUNCREF))
                flags |= ELEM_HAS_TABLE;
        buffer_u8(&section->bytes, (uint8_t)flags);
        if (flags & ELEM_HAS_TABLE)
                buffer_uleb(&section->bytes, table);
        put_zero(&section->bytes, is_64);
        if (flags & ELEM_HAS_TABLE) {
                if (items.expressions)
                        put_valtype(&section->bytes, type);
                else
                        buffer_u8(&section->bytes, 0x00);
        }
        put_items(&section->bytes, &items);
        buffer_done(&items.bytes);
        return items.n;
}

/* Strings up to a ")", size first. Returns the size. */
static uint64_t read_strings(struct module_text *m, struct buffer *out)
{
        uint64_t size;

        m->scratch.size = 0;
        while (string_put(m, &m->scratch))
                ;
        size = m->scratch.size;
        buffer_uleb(out, size);
        buffer_append(out, m->scratch.bytes, size);
        out->failed = out->failed || m->scratch.failed;
        return size;
}

void field_data(struct module_text *m)
{
        struct section *section = &m->sections[SECTION_DATA];
        uint32_t memory = 0;

        section->n++;
        m->spaces[SPACE_DATA].next++;
        if (reader_is(&m->r, TOKEN_ID))
                reader_next(&m->r);
        if (reader_accept_open(&m->r, WORD_MEMORY)) {
                memory = read_index(m, SPACE_MEMORY);
                reader_expect_close(&m->r);
        } else if (reader_is(&m->r, TOKEN_NAT)) { /* the form of 1.0 */
                memory = read_index(m, SPACE_MEMORY);
        }
        if (reader_is(&m->r, TOKEN_OPEN)) {
                buffer_u8(&section->bytes, memory ? 2 : 0);
                if (memory)
                        buffer_uleb(&section->bytes, memory);
                read_offset(m, &section->bytes);
        } else {
                buffer_u8(&section->bytes, 1);
        }
        (void)read_strings(m, &section->bytes);
}

uint64_t memory_inline_data(struct module_text *m, uint32_t memory, bool is_64)
{
        struct section *section = &m->sections[SECTION_DATA];
        uint64_t size;

        section->n++;
        m->spaces[SPACE_DATA].next++;
        buffer_u8(&section->bytes, memory ? 2 : 0);
        if (memory)
                buffer_uleb(&section->bytes, memory);
        put_zero(&section->bytes, is_64);
        size = read_strings(m, &section->bytes);
        reader_expect_close(&m->r);
        return size;
}
