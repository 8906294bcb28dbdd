/* The type section (5.3.9 to 5.3.12, 5.5.4). */
#include "engine/decode/decoder.h"

enum { /* the forms of 5.3.12 */
        FORM_REC = 0x4e,
        FORM_SUB_FINAL = 0x4f,
        FORM_SUB = 0x50,
        FORM_ARRAY = 0x5e,
        FORM_STRUCT = 0x5f,
        FORM_FUNC = 0x60,
};

/* A type that one of the group names: those of the group and before it exist. The first one that
 * does not is refused by validation, as what is malformed comes first. */
static void note_index(struct decoder *d, uint32_t index, uint32_t end, size_t offset)
{
        if (index < end || d->m->unknown_type_at)
                return;
        d->m->unknown_type = index;
        d->m->unknown_type_at = offset;
}

static int need_type(struct decoder *d, valtype type, uint32_t end, size_t offset)
{
        if (valtype_is_indexed(type))
                note_index(d, valtype_heap(type), end, offset);
        return decoder_need_type(d, type, offset);
}

/* The value types of a function in a group that ends at @end. */
static int read_types(struct decoder *d, uint32_t end, const char *what, uint64_t limit,
                      uint32_t *ret_n, const valtype **ret)
{
        valtype *types = NULL, type = VAL_BOTTOM;
        uint32_t n;
        int r = decoder_count(d, what, limit, 1, &n);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < n; i++) {
                size_t offset = cursor_offset(&d->c);

                if (!body_valtype(&d->c, true, &type))
                        return decoder_fail(d);
                r = need_type(d, type, end, offset);
                if (r < 0)
                        return r;
                /* One type alone is mostly a cell that all share. */
                if (i == 0 && (n > 1 || valtype_is_indexed(type))) {
                        types = pool_alloc(d->pool, n, sizeof(*types));
                        if (!types)
                                return decoder_no_memory(d);
                }
                if (types)
                        types[i] = type;
        }
        *ret = n == 1 && !types ? valtype_cell(type) : types;
        *ret_n = n;
        return 0;
}

static int read_function(struct decoder *d, uint32_t end, struct functype *type, size_t offset)
{
        int r = read_types(d, end, "parameters", d->limits->parameters, &type->nparams,
                           &type->params);

        if (r < 0)
                return r;
        r = read_types(d, end, "results", d->limits->results, &type->nresults, &type->results);
        if (r < 0)
                return r;
        return type->nresults > 1 ? decoder_need(d, FEATURE_MULTI_VALUE, offset) : 0;
}

static int read_field(struct decoder *d, uint32_t end, struct fieldtype *field)
{
        size_t offset = cursor_offset(&d->c);
        uint8_t mutable;

        if (cursor_left(&d->c) > 0 && (*d->c.at == 0x78 || *d->c.at == 0x77))
                field->storage = *d->c.at++ == 0x78 ? VAL_I8 : VAL_I16;
        else if (!body_valtype(&d->c, true, &field->storage))
                return decoder_fail(d);
        if (!read_u8(&d->c, &mutable))
                return decoder_fail(d);
        if (mutable > 1)
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c) - 1,
                                     "malformed mutability 0x%02x", mutable);
        field->is_mutable = mutable;
        return valtype_kind(field->storage) > VAL_REF ? 0
                                                      : need_type(d, field->storage, end, offset);
}

static int read_fields(struct decoder *d, uint32_t end, struct deftype *def)
{
        struct fieldtype *fields;
        int r;

        def->nfields = 1;
        if (def->kind == COMP_STRUCT) {
                r = decoder_count(d, "fields", d->limits->fields, 2, &def->nfields);
                if (r < 0)
                        return r;
        }
        fields = pool_alloc(d->pool, def->nfields, sizeof(*fields));
        if (!fields)
                return decoder_no_memory(d);
        def->fields = fields;
        for (uint32_t i = 0; i < def->nfields; i++) {
                r = read_field(d, end, &fields[i]);
                if (r < 0)
                        return r;
                def->has_default &= valtype_has_default(fields[i].storage);
        }
        return 0;
}

static int read_composite(struct decoder *d, uint32_t self, uint32_t end, uint8_t form)
{
        struct deftype *def = &d->m->defs[self];
        size_t offset = cursor_offset(&d->c) - 1;
        int r;

        switch (form) {
        case FORM_FUNC:
                def->kind = COMP_FUNC;
                return read_function(d, end, &d->m->types[self], offset);
        case FORM_STRUCT:
        case FORM_ARRAY:
                r = decoder_need(d, FEATURE_GC, offset);
                if (r < 0)
                        return r;
                def->kind = form == FORM_STRUCT ? COMP_STRUCT : COMP_ARRAY;
                return read_fields(d, end, def);
        default:
                return decoder_error(d, -EBADMSG, offset, form & 0x80
                                     ? "integer representation too long"
                                     : "malformed definition type 0x%02x", form);
        }
}

/* The vector of supertypes, of which core 3.0 allows one. */
static int read_supertype(struct decoder *d, uint32_t self, struct deftype *def)
{
        size_t offset = cursor_offset(&d->c);
        uint32_t n, super;
        int r = decoder_count(d, "supertypes", d->limits->types, 1, &n);

        if (r < 0)
                return r;
        if (n > 1)
                return decoder_error(d, -EBADMSG, offset, "sub type with %u supertypes", n);
        if (n == 0)
                return 0;
        if (!read_u32(&d->c, &super))
                return decoder_fail(d);
        if (super >= self) { /* those of the group that come later, too */
                note_index(d, super, 0, offset);
                return 0;
        }
        def->super = super;
        def->depth = d->m->defs[super].depth + 1;
        if (def->depth > d->limits->subtyping_depth)
                return decoder_error(d, -E2BIG, offset, "%u supertypes above a type, the limit is "
                                     "%llu", def->depth,
                                     (unsigned long long)d->limits->subtyping_depth);
        return 0;
}

static int read_sub(struct decoder *d, uint32_t self, uint32_t first, uint32_t end)
{
        struct deftype *def = &d->m->defs[self];
        uint8_t form;
        int r;

        *def = (struct deftype) { .is_final = true, .has_default = true, .super = TYPE_NO_SUPER, .group = first,
                                  .ngroup = end - first, .offset = cursor_offset(&d->c) };
        d->m->types[self] = (struct functype) { 0 };
        if (!read_u8(&d->c, &form))
                return decoder_fail(d);
        if (form == FORM_SUB || form == FORM_SUB_FINAL) {
                r = decoder_need(d, FEATURE_GC, def->offset);
                if (r < 0)
                        return r;
                def->is_final = form == FORM_SUB_FINAL;
                r = read_supertype(d, self, def);
                if (r < 0)
                        return r;
                if (!read_u8(&d->c, &form))
                        return decoder_fail(d);
        }
        return read_composite(d, self, end, form);
}

static bool reserve(struct decoder *d, uint32_t more)
{
        struct module *m = d->m;
        uint32_t room = d->type_room;

        if (m->types && (uint64_t)m->ntypes + more <= room)
                return true;
        more = more < room ? room : more; /* doubled */
        return SPACE_RESERVE(d, m->types, m->ntypes, more, type_room) &&
               (d->type_room = room, SPACE_RESERVE(d, m->defs, m->ntypes, more, type_room));
}

static int read_group(struct decoder *d)
{
        struct module *m = d->m;
        size_t offset = cursor_offset(&d->c);
        uint32_t n = 1, first = m->ntypes;
        int r;

        if (cursor_left(&d->c) > 0 && *d->c.at == FORM_REC) {
                d->c.at++;
                r = decoder_need(d, FEATURE_GC, offset);
                if (r < 0)
                        return r;
                r = decoder_count(d, "types", d->limits->types - first, 2, &n);
                if (r < 0)
                        return r;
        } else if (first >= d->limits->types) {
                return decoder_error(d, -E2BIG, offset, "more than %llu types",
                                     (unsigned long long)d->limits->types);
        }
        if (!reserve(d, n))
                return decoder_no_memory(d);
        for (uint32_t i = first; i < first + n; i++) {
                r = read_sub(d, i, first, first + n);
                if (r < 0)
                        return r;
        }
        m->ntypes = first + n;
        return 0;
}

int decode_types(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "types", d->limits->types, 2, &n);

        if (r < 0)
                return r;
        if (!reserve(d, n))
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                r = read_group(d);
                if (r < 0)
                        return r;
        }
        m->cells = pool_alloc(d->pool, m->ntypes, sizeof(*m->cells));
        if (!m->cells)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < m->ntypes; i++) {
                m->cells[i][0] = VAL_REF_TO(i);
                m->cells[i][1] = VAL_REF_NULL(i);
        }
        return decoder_canonical_types(d);
}
