#include "engine/decode/decoder.h"

#include <stdarg.h>

/* In the order of the file (section 5.5.17); the tag section is known, and refused. */
static const struct section_row {
        enum section_id id;
        int (*decode)(struct decoder *d);
} section_rows[] = {
        { SECTION_TYPE,       decode_types },
        { SECTION_IMPORT,     decode_imports },
        { SECTION_FUNCTION,   decode_functions },
        { SECTION_TABLE,      decode_tables },
        { SECTION_MEMORY,     decode_memories },
        { SECTION_TAG,        decode_tags },
        { SECTION_GLOBAL,     decode_globals },
        { SECTION_EXPORT,     decode_exports },
        { SECTION_START,      decode_start },
        { SECTION_ELEMENT,    decode_elements },
        { SECTION_DATA_COUNT, decode_data_count },
        { SECTION_CODE,       decode_codes },
        { SECTION_DATA,       decode_datas },
};

int decoder_fail(struct decoder *d)
{
        return cursor_error(&d->c, d->err);
}

int decoder_error(struct decoder *d, int code, size_t offset, const char *format, ...)
{
        char text[sizeof(d->err->text)];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return error_set(d->err, STAGE_DECODE, code, offset, "%s", text);
}

int decoder_no_memory(struct decoder *d)
{
        return error_set(d->err, STAGE_DECODE, -ENOMEM, ERROR_NOWHERE, "out of memory");
}

int decoder_need(struct decoder *d, enum feature feature, size_t offset)
{
        if (!(d->features >> feature & 1))
                return decoder_error(d, -EOPNOTSUPP, offset, "the feature %s is off (%s)",
                                     feature_table[feature].text, feature_table[feature].what);
        d->m->features_used |= UINT64_C(1) << feature;
        return 0;
}

int decoder_need_type(struct decoder *d, valtype type, size_t offset)
{
        enum feature feature = valtype_feature(type);

        return feature == FEATURE_MVP ? 0 : decoder_need(d, feature, offset);
}

int decoder_count(struct decoder *d, const char *what, uint64_t limit, unsigned element_bytes,
                  uint32_t *ret)
{
        size_t offset = cursor_offset(&d->c);
        uint32_t n;

        if (!read_u32(&d->c, &n))
                return decoder_fail(d);
        if (n > limit)
                return decoder_error(d, -E2BIG, offset, "%u %s, the limit is %llu", n, what,
                                     (unsigned long long)limit);
        if ((uint64_t)n * element_bytes > cursor_left(&d->c))
                return decoder_error(d, -EBADMSG, offset, "%s: %u %s in %zu bytes",
                                     text_unexpected_end, n, what, cursor_left(&d->c));
        *ret = n;
        return 0;
}

int decoder_name(struct decoder *d, struct name *ret)
{
        const uint8_t *at = d->c.at;
        uint32_t size;

        if (!read_u32(&d->c, &size))
                return decoder_fail(d);
        if (size > cursor_left(&d->c))
                return decoder_error(d, -EBADMSG, (size_t)(at - d->c.file),
                                     "length out of bounds: a name of %u bytes in %zu", size,
                                     cursor_left(&d->c));
        if (size > d->limits->name_bytes)
                return decoder_error(d, -E2BIG, (size_t)(at - d->c.file),
                                     "a name of %u bytes, the limit is %llu", size,
                                     (unsigned long long)d->limits->name_bytes);
        if (!utf8_is_valid(d->c.at, size))
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c), "malformed UTF-8 encoding");
        *ret = (struct name) { (const char *)d->c.at, size };
        d->c.at += size;
        return 0;
}

int decoder_reftype(struct decoder *d, valtype *ret)
{
        uint8_t byte;
        valtype type;

        if (!read_u8(&d->c, &byte))
                return decoder_fail(d);
        type = valtype_of_byte(byte);
        if (!valtype_is_ref(type) &&
            !body_reference(&d->c, true, byte, "malformed reference type", &type))
                return decoder_fail(d);
        *ret = type;
        return 0;
}

static int decode_custom(struct decoder *d)
{
        struct custom_section *custom = &d->m->customs[d->m->ncustoms];
        int r = decoder_name(d, &custom->name);

        if (r < 0)
                return r;
        custom->bytes = (struct slice) { cursor_offset(&d->c), cursor_left(&d->c) };
        d->c.at = d->c.end;
        d->m->ncustoms++;
        return 0;
}

/* How many custom sections there are at most: headers alone, whatever is wrong stops the count. */
static uint32_t count_customs(struct cursor c)
{
        uint32_t n = 0, size;
        uint8_t id;

        while (read_u8(&c, &id) && read_u32(&c, &size) && size <= cursor_left(&c)) {
                c.at += size;
                n += id == SECTION_CUSTOM;
        }
        return n + 1; /* the one that stopped the count may be one as well */
}

static int decode_header(struct decoder *d, struct cursor *file)
{
        static const uint8_t magic[4] = { 0, 'a', 's', 'm' }, version[4] = { 1, 0, 0, 0 };
        uint8_t bytes[4];

        if (!read_raw(file, bytes, 4))
                return decoder_error(d, -EBADMSG, 0, "unexpected end: no header of 8 bytes");
        if (memcmp(bytes, magic, 4) != 0)
                return decoder_error(d, -EBADMSG, 0, "magic header not detected");
        if (!read_raw(file, bytes, 4))
                return decoder_error(d, -EBADMSG, 4, "unexpected end: no header of 8 bytes");
        if (memcmp(bytes, version, 4) != 0)
                return decoder_error(d, -EBADMSG, 4, "unknown binary version %u.%u%s",
                                     bytes[0] | bytes[1] << 8, bytes[2] | bytes[3] << 8,
                                     bytes[2] | bytes[3] ? ": a component, and no module" : "");
        return 0;
}

static int decode_section(struct decoder *d, size_t offset, uint8_t id, unsigned *next)
{
        unsigned row = 0;
        int r;

        if (id == SECTION_CUSTOM)
                return decode_custom(d);
        while (row < ELEMENTSOF(section_rows) && section_rows[row].id != id)
                row++;
        if (row < *next)
                return decoder_error(d, -EBADMSG, offset, "unexpected content after last section: "
                                     "section %u is out of order or appears twice", id);
        *next = row + 1;
        if (!section_rows[row].decode)
                return decoder_error(d, -EOPNOTSUPP, offset,
                                     "the tag section: exception-handling is not supported");
        r = section_rows[row].decode(d);
        if (r < 0)
                return r;
        if (cursor_left(&d->c) > 0)
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c),
                                     "section size mismatch: %zu bytes behind the content of "
                                     "section %u", cursor_left(&d->c), id);
        return 0;
}

static bool body_is_well_formed(struct cursor *c)
{
        struct instruction in = { 0 };
        uint32_t n, label;
        valtype type;

        if (!body_locals_begin(c, true, &n))
                return false;
        for (uint32_t i = 0; i < n; i++)
                if (!body_local_group(c, true, &label, &type))
                        return false;
        while (c->at < c->end) {
                if (!body_next(c, &in))
                        return false;
                for (uint64_t i = 0; in.op == OP_BR_TABLE && i <= in.index; i++)
                        if (!read_u32(c, &label))
                                return false;
        }
        return true;
}

/* After a failure behind the code: bodies are read by validation, but the first error of the file
 * may be in one of them. */
static int earlier_failure(struct decoder *d, int r)
{
        const struct module *m = d->m;

        if (r != -EBADMSG || !d->code_offset)
                return r;
        for (uint32_t i = m->imported_functions; i < m->nfunctions; i++) {
                struct cursor c = cursor_over(m, m->functions[i].body);

                if (m->functions[i].body.size > 0 && !body_is_well_formed(&c) && c.code == 0)
                        return cursor_error(&c, d->err);
        }
        return r;
}

static int decode_sections(struct decoder *d, struct cursor *file)
{
        unsigned next = 0;
        int r;

        while (file->at < file->end) {
                size_t offset = cursor_offset(file);
                uint32_t size;
                uint8_t id = *file->at++;

                if (id > SECTION_TAG)
                        return decoder_error(d, -EBADMSG, offset, "malformed section id %u", id);
                if (!read_u32(file, &size))
                        return cursor_error(file, d->err);
                if (size > cursor_left(file))
                        return decoder_error(d, -EBADMSG, offset + 1, "length out of bounds: "
                                             "section %u of %u bytes, the file has %zu more",
                                             id, size, cursor_left(file));
                d->c = *file;
                d->c.end = d->c.at + size;
                file->at += size;
                r = decode_section(d, offset, id, &next);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What can be told only when all sections are known. */
static int check_counts(struct decoder *d)
{
        const struct module *m = d->m;
        uint32_t declared = m->nfunctions - m->imported_functions;

        if (d->flags & DECODE_SKELETON) {
                if (d->code_offset)
                        return decoder_error(d, -EBADMSG, d->code_offset,
                                             "a skeleton has no code section");
        } else if (declared != d->ncodes) {
                size_t offset = d->code_offset ? d->code_offset : d->function_offset;

                return decoder_error(d, -EBADMSG, offset,
                                     "function and code section have inconsistent lengths: "
                                     "%u functions, %u bodies", declared, d->ncodes);
        }
        if (m->has_data_count && m->data_count != m->ndatas)
                return decoder_error(d, -EBADMSG, d->data_count_offset,
                                     "data count and data section have inconsistent lengths: "
                                     "%u announced, %u present", m->data_count, m->ndatas);
        return 0;
}

static int decode_file(struct decoder *d)
{
        struct cursor file = cursor_over(d->m, (struct slice) { 0, d->m->size });
        int r = decode_header(d, &file);

        if (r < 0)
                return r;
        d->m->customs = pool_alloc(d->pool, count_customs(file), sizeof(*d->m->customs));
        if (!d->m->customs)
                return decoder_no_memory(d);
        r = decode_sections(d, &file);
        if (r < 0)
                return earlier_failure(d, r);
        r = check_counts(d);
        if (r < 0)
                return r;
        r = decode_names(d);
        return r < 0 ? r : decode_hints(d);
}

int module_decode(const uint8_t *bytes, size_t size, const struct limits *limits, uint64_t features,
                  unsigned flags, struct module **ret, struct error *err)
{
        struct decoder d = { .limits = limits, .features = features, .flags = flags, .err = err };
        _cleanup_(pool_freep) struct pool *pool = NULL;
        int r;

        if (size > limits->module_bytes)
                return error_set(err, STAGE_DECODE, -E2BIG, ERROR_NOWHERE,
                                 "a module of %zu bytes, the limit is %llu", size,
                                 (unsigned long long)limits->module_bytes);
        d.pool = pool = pool_new(0);
        if (!pool)
                return decoder_no_memory(&d);
        d.m = pool_alloc(pool, 1, sizeof(*d.m));
        if (!d.m)
                return decoder_no_memory(&d);
        d.m->bytes = bytes;
        d.m->size = size;
        d.m->skeleton = flags & DECODE_SKELETON;
        r = decode_file(&d);
        free(d.ops);
        if (r < 0)
                return r;
        d.m->pool = TAKE_PTR(pool);
        *ret = d.m;
        return 0;
}

void module_free(struct module *m)
{
        if (m)
                pool_free(m->pool);
}
