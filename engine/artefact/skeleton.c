#include <string.h>

#include "engine/artefact/format.h"

enum { /* section ids of the binary format (5.5.2) that are not copied as they are */
        ID_CUSTOM = 0,
        ID_CODE = 10,
        ID_DATA = 11,
};

static uint64_t read_uleb(const uint8_t **p)
{
        uint64_t value = 0;

        for (unsigned shift = 0;; shift += 7) {
                uint8_t byte = *(*p)++;

                value |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return value;
        }
}

static void append_section(struct buffer *out, uint8_t id, const struct buffer *body)
{
        buffer_u8(out, id);
        buffer_uleb(out, body->size);
        buffer_append(out, body->bytes, body->size);
        if (!buffer_ok(body))
                out->failed = true;
}

static void append_name(struct buffer *out, struct name name)
{
        buffer_uleb(out, name.size);
        buffer_append(out, name.bytes, name.size);
}

/* The offset of a data segment: constants, globals and the arithmetic of extended-const. */
static void append_const_expr(struct buffer *out, const struct const_expr *e)
{
        for (uint32_t i = 0; i < e->nops; i++) {
                const struct const_op *op = &e->ops[i];

                buffer_u8(out, (uint8_t)opcode_table[op->op].code);
                if (op->op == OP_I32_CONST)
                        buffer_sleb(out, (int32_t)op->value[0]);
                else if (op->op == OP_I64_CONST)
                        buffer_sleb(out, (int64_t)op->value[0]);
                else if (op->op == OP_GLOBAL_GET)
                        buffer_uleb(out, op->index);
        }
        buffer_u8(out, (uint8_t)opcode_table[OP_END].code);
}

static void append_data(const struct module *m, const struct image *image, struct buffer *out)
{
        _cleanup_(buffer_done) struct buffer body = { 0 };

        buffer_uleb(&body, m->ndatas);
        for (uint32_t i = 0; i < m->ndatas; i++) {
                const struct data_segment *d = &m->datas[i];
                size_t size = image_holds(image, m, i) ? 0 : d->bytes.size;

                if (d->mode != SEGMENT_ACTIVE) {
                        buffer_u8(&body, 1);
                } else if (d->memory) {
                        buffer_u8(&body, 2);
                        buffer_uleb(&body, d->memory);
                } else {
                        buffer_u8(&body, 0);
                }
                if (d->mode == SEGMENT_ACTIVE)
                        append_const_expr(&body, &d->at);
                buffer_uleb(&body, size);
                buffer_append(&body, m->bytes + d->bytes.offset, size);
        }
        append_section(out, ID_DATA, &body);
}

/* Module and function names (appendix, section 7.4.1): what messages use. */
static void append_names(const struct module *m, struct buffer *out)
{
        _cleanup_(buffer_done) struct buffer body = { 0 }, map = { 0 }, name = { 0 };
        uint32_t n = 0;

        append_name(&body, (struct name) { "name", 4 });
        if (m->module_name.size) {
                append_name(&name, m->module_name);
                append_section(&body, 0, &name);
        }
        for (uint32_t i = 0; m->function_names && i < m->nfunctions; i++)
                n += m->function_names[i].size != 0;
        if (n) {
                buffer_uleb(&map, n);
                for (uint32_t i = 0; i < m->nfunctions; i++)
                        if (m->function_names[i].size) {
                                buffer_uleb(&map, i);
                                append_name(&map, m->function_names[i]);
                        }
                append_section(&body, 1, &map);
        }
        if (m->module_name.size || n)
                append_section(out, ID_CUSTOM, &body);
}

void skeleton_encode(const struct module *m, const struct image *image, struct buffer *out)
{
        const uint8_t *p = m->bytes + 8, *end = m->bytes + m->size;

        buffer_append(out, m->bytes, 8); /* magic and version */
        while (p < end) {
                const uint8_t *section = p;
                uint8_t id = *p++;
                uint64_t size = read_uleb(&p);

                p += size;
                if (id == ID_DATA)
                        append_data(m, image, out);
                else if (id != ID_CUSTOM && id != ID_CODE)
                        buffer_append(out, section, (size_t)(p - section));
        }
        append_names(m, out);
}
