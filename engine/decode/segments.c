/* Elements, data count, code, data (5.5.11 to 5.5.16). */
#include "engine/decode/decoder.h"

static int read_functions(struct decoder *d, struct element_segment *segment)
{
        uint32_t *functions;
        int r = decoder_count(d, "elements", d->limits->elements, 1, &segment->n);

        if (r < 0)
                return r;
        functions = pool_alloc(d->pool, segment->n, sizeof(*functions));
        if (!functions)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < segment->n; i++)
                if (!read_u32(&d->c, &functions[i]))
                        return decoder_fail(d);
        segment->functions = functions;
        return 0;
}

static int read_exprs(struct decoder *d, struct element_segment *segment)
{
        struct const_expr *exprs;
        int r = decoder_count(d, "elements", d->limits->elements, 1, &segment->n);

        if (r < 0)
                return r;
        exprs = pool_alloc(d->pool, segment->n, sizeof(*exprs));
        if (!exprs)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < segment->n; i++) {
                r = decoder_const_expr(d, &exprs[i]);
                if (r < 0)
                        return r;
        }
        segment->exprs = exprs;
        return 0;
}

/* The element kind of the short form, 0x00, or the reference type of the long one. */
static int read_element_type(struct decoder *d, bool is_long, valtype *ret)
{
        size_t offset = cursor_offset(&d->c);
        uint8_t byte;
        int r;

        if (is_long) {
                r = decoder_reftype(d, ret);
                if (r == 0)
                        r = decoder_need(d, FEATURE_REFERENCE_TYPES, offset);
                return r < 0 ? r : decoder_need_type(d, *ret, offset);
        }
        if (!read_u8(&d->c, &byte))
                return decoder_fail(d);
        if (byte != 0)
                return decoder_error(d, -EBADMSG, offset, "malformed element kind 0x%02x", byte);
        return 0;
}

/* Bit 0: passive or declarative; bit 1: explicit table, or declarative; bit 2: expressions. */
static int decode_element(struct decoder *d, struct element_segment *segment)
{
        uint32_t flags;
        int r;

        segment->offset = cursor_offset(&d->c);
        if (!read_u32(&d->c, &flags))
                return decoder_fail(d);
        segment->type = flags & 4 ? VAL_FUNCREF : VAL_REF_TO(HEAP_FUNC);
        if (flags > 7)
                return decoder_error(d, -EBADMSG, segment->offset,
                                     "malformed elements segment kind %u", flags);
        if (flags != 0) {
                r = decoder_need(d, FEATURE_BULK_MEMORY, segment->offset);
                if (r < 0)
                        return r;
        }
        segment->mode = !(flags & 1) ? SEGMENT_ACTIVE
                        : flags & 2  ? SEGMENT_DECLARATIVE
                                     : SEGMENT_PASSIVE;
        if (segment->mode == SEGMENT_ACTIVE) {
                if ((flags & 2) && !read_u32(&d->c, &segment->table))
                        return decoder_fail(d);
                r = decoder_const_expr(d, &segment->at);
                if (r < 0)
                        return r;
        }
        if (flags & 3) {
                r = read_element_type(d, flags & 4, &segment->type);
                if (r < 0)
                        return r;
        }
        return flags & 4 ? read_exprs(d, segment) : read_functions(d, segment);
}

int decode_elements(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "element segments", d->limits->element_segments, 3, &n);

        if (r < 0)
                return r;
        m->elements = pool_alloc(d->pool, n, sizeof(*m->elements));
        if (!m->elements)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                r = decode_element(d, &m->elements[i]);
                if (r < 0)
                        return r;
                m->nelements++;
        }
        return 0;
}

int decode_data_count(struct decoder *d)
{
        int r;

        d->data_count_offset = cursor_offset(&d->c);
        r = decoder_count(d, "data segments", d->limits->data_segments, 0, &d->m->data_count);
        if (r < 0)
                return r;
        d->m->has_data_count = true;
        return decoder_need(d, FEATURE_BULK_MEMORY, d->data_count_offset);
}

/* A length that is followed by as many bytes. */
static int read_part(struct decoder *d, const char *what, uint64_t limit, struct slice *ret)
{
        size_t offset = cursor_offset(&d->c);
        uint32_t size;

        if (!read_u32(&d->c, &size))
                return decoder_fail(d);
        if (size > cursor_left(&d->c))
                return decoder_error(d, -EBADMSG, offset, "%s: %s of %u bytes in %zu",
                                     text_unexpected_end, what, size, cursor_left(&d->c));
        if (size > limit)
                return decoder_error(d, -E2BIG, offset, "%s of %u bytes, the limit is %llu", what,
                                     size, (unsigned long long)limit);
        *ret = (struct slice) { cursor_offset(&d->c), size };
        d->c.at += size;
        return 0;
}

/* Whether there are as many bodies as functions is asked when all sections are known: a section
 * that is out of order comes first. */
int decode_codes(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t declared = m->nfunctions - m->imported_functions;
        int r;

        d->code_offset = cursor_offset(&d->c);
        r = decoder_count(d, "bodies", d->limits->functions, 2, &d->ncodes);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < d->ncodes; i++) {
                struct slice body;

                r = read_part(d, "a body", d->limits->body_bytes, &body);
                if (r < 0)
                        return r;
                if (i < declared)
                        m->functions[m->imported_functions + i].body = body;
        }
        return 0;
}

static int decode_data(struct decoder *d, struct data_segment *segment)
{
        uint32_t flags;
        int r;

        segment->offset = cursor_offset(&d->c);
        if (!read_u32(&d->c, &flags))
                return decoder_fail(d);
        if (flags > 2)
                return decoder_error(d, -EBADMSG, segment->offset,
                                     "malformed data segment kind %u", flags);
        if (flags != 0) {
                r = decoder_need(d, FEATURE_BULK_MEMORY, segment->offset);
                if (r < 0)
                        return r;
        }
        segment->mode = flags == 1 ? SEGMENT_PASSIVE : SEGMENT_ACTIVE;
        if (segment->mode == SEGMENT_ACTIVE) {
                if (flags == 2 && !read_u32(&d->c, &segment->memory))
                        return decoder_fail(d);
                r = decoder_const_expr(d, &segment->at);
                if (r < 0)
                        return r;
        }
        return read_part(d, "a data segment", UINT32_MAX, &segment->bytes);
}

int decode_datas(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "data segments", d->limits->data_segments, 2, &n);

        if (r < 0)
                return r;
        m->datas = pool_alloc(d->pool, n, sizeof(*m->datas));
        if (!m->datas)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                r = decode_data(d, &m->datas[i]);
                if (r < 0)
                        return r;
                m->ndatas++;
        }
        return 0;
}
