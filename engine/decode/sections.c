/* Imports, functions, tables, memories, globals, exports, start (5.5.5 to 5.5.10). */
#include "engine/decode/decoder.h"

void *space_reserve(struct decoder *d, void *array, uint32_t n, uint32_t more, uint32_t *room,
                    size_t size)
{
        uint64_t want = (uint64_t)n + more, half_more = (uint64_t)*room * 2;
        void *larger;

        if (array && want <= *room)
                return array;
        if (more == 1 && want < half_more)
                want = half_more;
        larger = pool_alloc(d->pool, want, size);
        if (!larger)
                return NULL;
        if (n > 0)
                memcpy(larger, array, n * size);
        *room = (uint32_t)want;
        return larger;
}

/* Section 5.3.14, the flags: has a maximum (1), shared (2), 64-bit addresses (4), and of memories
 * alone, whose pages then are @ret_page_shift: a page size at the end (8). */
static int read_range(struct decoder *d, struct range *ret, uint8_t *ret_page_shift)
{
        size_t offset = cursor_offset(&d->c);
        uint32_t shift;
        uint8_t flags;
        int r;

        if (!read_u8(&d->c, &flags))
                return decoder_fail(d);
        if (flags > (ret_page_shift ? 15 : 7) || (flags & 2 && !ret_page_shift))
                return decoder_error(d, -EBADMSG, offset, "malformed limits flags 0x%02x", flags);
        if (flags & 2) {
                r = decoder_need(d, FEATURE_THREADS, offset);
                if (r < 0)
                        return r;
        }
        if (flags & 4) {
                r = decoder_need(d, FEATURE_MEMORY64, offset);
                if (r < 0)
                        return r;
        }
        if (flags & 8) { /* in the standard there is no such flag */
                if (!(d->features >> FEATURE_CUSTOM_PAGE_SIZES & 1))
                        return decoder_error(d, -EBADMSG, offset, "malformed limits flags 0x%02x: the "
                                             "feature %s is off", flags,
                                             feature_table[FEATURE_CUSTOM_PAGE_SIZES].text);
                d->m->features_used |= UINT64_C(1) << FEATURE_CUSTOM_PAGE_SIZES;
        }
        *ret = (struct range) { .has_max = flags & 1, .is_64 = flags & 4,
                                .is_shared = flags & 2 };
        if (!read_u64(&d->c, &ret->min) || (ret->has_max && !read_u64(&d->c, &ret->max)))
                return decoder_fail(d);
        if (!(flags & 8))
                return 0;
        offset = cursor_offset(&d->c);
        if (!read_u32(&d->c, &shift))
                return decoder_fail(d);
        if (shift > 63)
                return decoder_error(d, -EBADMSG, offset, "invalid custom page size: 2^%u bytes", shift);
        *ret_page_shift = (uint8_t)shift;
        return 0;
}

static int read_tabletype(struct decoder *d, struct tabletype *ret)
{
        size_t offset = cursor_offset(&d->c);
        int r = decoder_reftype(d, &ret->element);

        if (r < 0)
                return r;
        if (ret->element != VAL_FUNCREF) {
                r = decoder_need_type(d, ret->element, offset);
                if (r < 0)
                        return r;
        }
        return read_range(d, &ret->size, NULL);
}

static int read_memtype(struct decoder *d, struct memtype *ret)
{
        ret->page_shift = 16;
        return read_range(d, &ret->size, &ret->page_shift);
}

static int read_globaltype(struct decoder *d, struct globaltype *ret)
{
        size_t offset = cursor_offset(&d->c);
        uint8_t mutable;

        if (!body_valtype(&d->c, true, &ret->type) || !read_u8(&d->c, &mutable))
                return decoder_fail(d);
        if (mutable > 1)
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c) - 1,
                                     "malformed mutability 0x%02x", mutable);
        ret->is_mutable = mutable;
        return decoder_need_type(d, ret->type, offset);
}

static int import_function(struct decoder *d, struct import *import)
{
        struct module *m = d->m;

        if (!SPACE_RESERVE(d, m->functions, m->nfunctions, 1, function_room))
                return decoder_no_memory(d);
        m->functions[m->nfunctions].offset = import->offset;
        if (!read_u32(&d->c, &m->functions[m->nfunctions].type))
                return decoder_fail(d);
        import->index = m->nfunctions++;
        m->imported_functions++;
        return 0;
}

static int import_table(struct decoder *d, struct import *import)
{
        struct module *m = d->m;

        if (!SPACE_RESERVE(d, m->tables, m->ntables, 1, table_room))
                return decoder_no_memory(d);
        m->tables[m->ntables].offset = import->offset;
        import->index = m->ntables++;
        m->imported_tables++;
        return read_tabletype(d, &m->tables[import->index].type);
}

static int import_memory(struct decoder *d, struct import *import)
{
        struct module *m = d->m;

        if (!SPACE_RESERVE(d, m->memories, m->nmemories, 1, memory_room))
                return decoder_no_memory(d);
        m->memories[m->nmemories].offset = import->offset;
        import->index = m->nmemories++;
        m->imported_memories++;
        return read_memtype(d, &m->memories[import->index].type);
}

static int import_global(struct decoder *d, struct import *import)
{
        struct module *m = d->m;
        int r;

        if (!SPACE_RESERVE(d, m->globals, m->nglobals, 1, global_room))
                return decoder_no_memory(d);
        m->globals[m->nglobals].offset = import->offset;
        import->index = m->nglobals++;
        m->imported_globals++;
        r = read_globaltype(d, &m->globals[import->index].type);
        if (r < 0 || !m->globals[import->index].type.is_mutable)
                return r;
        return decoder_need(d, FEATURE_MUTABLE_GLOBALS, import->offset);
}

/* Section 5.5.17: the attribute, 0: an exception, and the type. */
static int decode_tag(struct decoder *d, struct tag *tag)
{
        uint8_t attribute;
        int r = decoder_need(d, FEATURE_EXCEPTIONS, tag->offset);

        if (r < 0)
                return r;
        if (!read_u8(&d->c, &attribute))
                return decoder_fail(d);
        if (attribute != 0)
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c) - 1,
                                     "malformed tag attribute 0x%02x", attribute);
        if (!read_u32(&d->c, &tag->type))
                return decoder_fail(d);
        return 0;
}

static int import_tag(struct decoder *d, struct import *import)
{
        struct module *m = d->m;

        if (!SPACE_RESERVE(d, m->tags, m->ntags, 1, tag_room))
                return decoder_no_memory(d);
        m->tags[m->ntags].offset = import->offset;
        import->index = m->ntags++;
        m->imported_tags++;
        return decode_tag(d, &m->tags[import->index]);
}

int decode_tags(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "tags", d->limits->tags - m->ntags, 2, &n);

        if (r < 0)
                return r;
        if (!SPACE_RESERVE(d, m->tags, m->ntags, n, tag_room))
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                m->tags[m->ntags].offset = cursor_offset(&d->c);
                r = decode_tag(d, &m->tags[m->ntags]);
                if (r < 0)
                        return r;
                m->ntags++;
        }
        return 0;
}

static int decode_import(struct decoder *d, struct import *import)
{
        uint8_t kind;
        int r;

        import->offset = cursor_offset(&d->c);
        r = decoder_name(d, &import->module);
        if (r < 0)
                return r;
        r = decoder_name(d, &import->name);
        if (r < 0)
                return r;
        if (!read_u8(&d->c, &kind))
                return decoder_fail(d);
        import->kind = kind;
        switch (kind) {
        case EXTERN_FUNC:
                return import_function(d, import);
        case EXTERN_TABLE:
                return import_table(d, import);
        case EXTERN_MEMORY:
                return import_memory(d, import);
        case EXTERN_GLOBAL:
                return import_global(d, import);
        case EXTERN_TAG:
                return import_tag(d, import);
        default:
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c) - 1,
                                     "malformed import kind 0x%02x", kind);
        }
}

/* Not by limits alone: what imports take of an index space is bounded there as well. */
static int check_spaces(struct decoder *d, size_t offset)
{
        const struct module *m = d->m;
        const struct { const char *what; uint32_t n; uint64_t limit; } rows[] = {
                { "functions", m->nfunctions, d->limits->functions },
                { "tables",    m->ntables,    d->limits->tables },
                { "memories",  m->nmemories,  d->limits->memories },
                { "globals",   m->nglobals,   d->limits->globals },
                { "tags",      m->ntags,      d->limits->tags },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].n > rows[i].limit)
                        return decoder_error(d, -E2BIG, offset, "%u %s with the imported ones, "
                                             "the limit is %llu", rows[i].n, rows[i].what,
                                             (unsigned long long)rows[i].limit);
        return 0;
}

int decode_imports(struct decoder *d)
{
        size_t offset = cursor_offset(&d->c);
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "imports", d->limits->imports, 1, &n);

        if (r < 0)
                return r;
        m->imports = pool_alloc(d->pool, n, sizeof(*m->imports));
        if (!m->imports)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                r = decode_import(d, &m->imports[i]);
                if (r < 0)
                        return r;
                m->nimports++;
        }
        return check_spaces(d, offset);
}

int decode_functions(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r;

        d->function_offset = cursor_offset(&d->c);
        r = decoder_count(d, "functions", d->limits->functions - m->nfunctions, 1, &n);
        if (r < 0)
                return r;
        if (!SPACE_RESERVE(d, m->functions, m->nfunctions, n, function_room))
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                struct function *f = &m->functions[m->nfunctions];

                f->offset = cursor_offset(&d->c);
                if (!read_u32(&d->c, &f->type))
                        return decoder_fail(d);
                m->nfunctions++;
        }
        return 0;
}

static int decode_table(struct decoder *d, struct table *table)
{
        uint8_t byte;
        int r;

        table->offset = cursor_offset(&d->c);
        /* Section 5.5.7: 0x40 0x00 announces a table with an initial value of its own. */
        if (cursor_left(&d->c) == 0 || *d->c.at != 0x40)
                return read_tabletype(d, &table->type);
        d->c.at++;
        if (!read_u8(&d->c, &byte))
                return decoder_fail(d);
        if (byte != 0)
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c) - 1, "malformed table");
        r = decoder_need(d, FEATURE_FUNCTION_REFERENCES, table->offset);
        if (r < 0)
                return r;
        r = read_tabletype(d, &table->type);
        if (r < 0)
                return r;
        r = decoder_const_expr(d, &table->init);
        if (r < 0)
                return r;
        /* No instruction at all would pass for "no expression". */
        if (table->init.nops == 0)
                return decoder_error(d, -EBADMSG, table->init.offset,
                                     "type mismatch: an empty constant expression");
        return 0;
}

int decode_tables(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "tables", d->limits->tables - m->ntables, 1, &n);

        if (r < 0)
                return r;
        if (!SPACE_RESERVE(d, m->tables, m->ntables, n, table_room))
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                r = decode_table(d, &m->tables[m->ntables]);
                if (r < 0)
                        return r;
                m->ntables++;
        }
        return 0;
}

int decode_memories(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "memories", d->limits->memories - m->nmemories, 1, &n);

        if (r < 0)
                return r;
        if (!SPACE_RESERVE(d, m->memories, m->nmemories, n, memory_room))
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                struct memory *memory = &m->memories[m->nmemories];

                memory->offset = cursor_offset(&d->c);
                r = read_memtype(d, &memory->type);
                if (r < 0)
                        return r;
                m->nmemories++;
        }
        return 0;
}

int decode_globals(struct decoder *d)
{
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "globals", d->limits->globals - m->nglobals, 3, &n);

        if (r < 0)
                return r;
        if (!SPACE_RESERVE(d, m->globals, m->nglobals, n, global_room))
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                struct global *global = &m->globals[m->nglobals];

                global->offset = cursor_offset(&d->c);
                r = read_globaltype(d, &global->type);
                if (r < 0)
                        return r;
                r = decoder_const_expr(d, &global->init);
                if (r < 0)
                        return r;
                m->nglobals++;
        }
        return 0;
}

static int decode_export(struct decoder *d, struct export *export)
{
        uint8_t kind;
        int r;

        export->offset = cursor_offset(&d->c);
        r = decoder_name(d, &export->name);
        if (r < 0)
                return r;
        if (!read_u8(&d->c, &kind))
                return decoder_fail(d);
        if (kind > EXTERN_TAG)
                return decoder_error(d, -EBADMSG, cursor_offset(&d->c) - 1,
                                     "malformed export kind 0x%02x", kind);
        export->kind = kind;
        if (!read_u32(&d->c, &export->index))
                return decoder_fail(d);
        return 0;
}

int decode_exports(struct decoder *d)
{
        size_t offset = cursor_offset(&d->c);
        struct module *m = d->m;
        uint32_t n;
        int r = decoder_count(d, "exports", d->limits->exports, 0, &n);

        if (r < 0)
                return r;
        /* An export begins with its name, so this is a name's length that is out of bounds. */
        if ((uint64_t)n * 3 > cursor_left(&d->c))
                return decoder_error(d, -EBADMSG, offset, "length out of bounds: %u exports in %zu "
                                     "bytes", n, cursor_left(&d->c));
        m->exports = pool_alloc(d->pool, n, sizeof(*m->exports));
        if (!m->exports)
                return decoder_no_memory(d);
        for (uint32_t i = 0; i < n; i++) {
                r = decode_export(d, &m->exports[i]);
                if (r < 0)
                        return r;
                m->nexports++;
        }
        return 0;
}

int decode_start(struct decoder *d)
{
        d->m->start_offset = cursor_offset(&d->c);
        if (!read_u32(&d->c, &d->m->start))
                return decoder_fail(d);
        d->m->has_start = true;
        return 0;
}
