/* snapshot.c - see snapshot.h: the sections of the module, in their order. */
#include "engine/artefact/snapshot_parts.h"

#include <string.h>

#define RESUME "wizer.resume"

static uint64_t read_uleb(const uint8_t **p)
{
        uint64_t value = 0;

        for (unsigned shift = 0; shift < 64; shift += 7) {
                uint8_t byte = *(*p)++;

                value |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        break;
        }
        return value;
}

static void find_sections(struct writer *w)
{
        const uint8_t *start = w->m->bytes, *p = start + 8, *end = start + w->m->size;

        while (p < end) {
                uint8_t id = *p++;
                uint64_t size = read_uleb(&p);

                if (id != ID_CUSTOM && id < ID_MAX)
                        w->sections[id] = (struct slice) { (size_t)(p - start), size };
                p += size;
        }
}

static void copy_section(struct writer *w, uint8_t id)
{
        const struct slice *s = &w->sections[id];

        if (!s->offset)
                return;
        buffer_u8(w->out, id);
        buffer_uleb(w->out, s->size);
        buffer_append(w->out, w->m->bytes + s->offset, s->size);
}

static void append_range(struct buffer *b, const struct range *r, uint64_t min, uint8_t more)
{
        buffer_u8(b, (uint8_t)(r->has_max | r->is_shared << 1 | r->is_64 << 2 | more));
        buffer_uleb(b, min);
        if (r->has_max)
                buffer_uleb(b, r->max);
}

static int write_tables(struct writer *w)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };

        buffer_uleb(&b, w->m->ntables);
        for (uint32_t k = 0; k < w->m->ntables; k++) {
                const struct tabletype *t = &w->m->tables[k].type;

                /* Segments fill it after the fact; a value to begin with could only be one of theirs. */
                if (!valtype_has_default(t->element))
                        return error_set(w->err, STAGE_ARTEFACT, -EOPNOTSUPP, w->m->tables[k].offset,
                                         "its state cannot be kept: a table of references that are never null");
                append_valtype(&b, t->element);
                append_range(&b, &t->size, w->lengths[k], 0);
        }
        if (w->m->ntables)
                append_section(w, ID_TABLE, &b);
        return 0;
}

static void write_memories(struct writer *w)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };

        buffer_uleb(&b, w->m->nmemories);
        for (uint32_t k = 0; k < w->m->nmemories; k++) {
                const struct memtype *t = &w->m->memories[k].type;

                append_range(&b, &t->size, w->pages[k], t->page_shift != 16 ? 8 : 0);
                if (t->page_shift != 16)
                        buffer_uleb(&b, t->page_shift);
        }
        if (w->m->nmemories)
                append_section(w, ID_MEMORY, &b);
}

static void append_constant(struct buffer *b, valtype t, const uint8_t *value)
{
        uint64_t bits[2];

        memcpy(bits, value, sizeof(bits));
        switch (valtype_kind(t)) {
        case VAL_I32:
                buffer_u8(b, 0x41);
                buffer_sleb(b, (int32_t)bits[0]);
                break;
        case VAL_I64:
                buffer_u8(b, 0x42);
                buffer_sleb(b, (int64_t)bits[0]);
                break;
        case VAL_F32:
                buffer_u8(b, 0x43);
                buffer_append(b, value, 4);
                break;
        case VAL_F64:
                buffer_u8(b, 0x44);
                buffer_append(b, value, 8);
                break;
        case VAL_V128:
                buffer_u8(b, 0xfd);
                buffer_uleb(b, 12);
                buffer_append(b, value, 16);
                break;
        default:
                append_ref(b, t, bits[0]);
        }
        buffer_u8(b, 0x0b); /* end */
}

static int write_globals(struct writer *w)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };

        buffer_uleb(&b, w->m->nglobals);
        for (uint32_t k = 0; k < w->m->nglobals; k++) {
                const struct globaltype *t = &w->m->globals[k].type;
                uint64_t number;

                memcpy(&number, w->globals + 16 * (size_t)k, 8);
                if (valtype_is_ref(t->type) && number > w->m->nfunctions)
                        return snapshot_broken(w, "a global that refers to no function");
                append_valtype(&b, t->type);
                buffer_u8(&b, t->is_mutable);
                append_constant(&b, t->type, w->globals + 16 * (size_t)k);
        }
        if (w->m->nglobals)
                append_section(w, ID_GLOBAL, &b);
        return 0;
}

static void write_exports(struct writer *w)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        const struct export *e = w->m->exports;
        bool resumes = false;
        uint32_t n = 0;

        for (uint32_t k = 0; k < w->m->nexports; k++)
                resumes |= name_is(&e[k].name, RESUME);
        for (unsigned pass = 0; pass < 2; pass++) {
                if (pass)
                        buffer_uleb(&b, n);
                for (uint32_t k = 0; k < w->m->nexports; k++) {
                        struct name name = e[k].name;

                        if (name_equals(&name, &w->done) ||
                            (resumes && name_is(&name, "_start")))
                                continue;
                        if (name_is(&name, RESUME))
                                name = (struct name) { "_start", 6 };
                        n += !pass;
                        if (!pass)
                                continue;
                        buffer_uleb(&b, name.size);
                        buffer_append(&b, name.bytes, name.size);
                        buffer_u8(&b, (uint8_t)e[k].kind);
                        buffer_uleb(&b, e[k].index);
                }
        }
        append_section(w, ID_EXPORT, &b);
}

/* The names of functions, for messages; other custom sections speak of what has changed. */
static void copy_names(struct writer *w)
{
        for (uint32_t k = 0; k < w->m->ncustoms; k++) {
                const struct custom_section *c = &w->m->customs[k];
                _cleanup_(buffer_done) struct buffer b = { 0 };

                if (!name_is(&c->name, "name"))
                        continue;
                buffer_uleb(&b, 4);
                buffer_append(&b, "name", 4);
                buffer_append(&b, w->m->bytes + c->bytes.offset, c->bytes.size);
                append_section(w, ID_CUSTOM, &b);
        }
}

static int write_all(struct writer *w, struct runs *data, struct runs *elements, int64_t *ret_code_moved)
{
        _cleanup_(buffer_done) struct buffer b = { 0 }, count = { 0 };
        size_t start = w->out->size;
        int r;

        buffer_append(w->out, w->m->bytes, 8);
        copy_section(w, ID_TYPE);
        copy_section(w, ID_IMPORT);
        copy_section(w, ID_FUNCTION);
        r = write_tables(w);
        if (r < 0)
                return r;
        write_memories(w);
        copy_section(w, ID_TAG);
        r = write_globals(w);
        if (r < 0)
                return r;
        write_exports(w);
        snapshot_elements(w, elements);
        snapshot_data(w, data, &b);
        if (w->m->has_data_count) {
                buffer_uleb(&count, w->m->ndatas + data->n);
                append_section(w, ID_DATA_COUNT, &count);
        }
        copy_section(w, ID_CODE);
        *ret_code_moved = (int64_t)(w->out->size - start - w->sections[ID_CODE].size) -
                          (int64_t)w->sections[ID_CODE].offset;
        if (w->m->ndatas + data->n)
                append_section(w, ID_DATA, &b);
        copy_names(w);
        return 0;
}

static int write_module(struct writer *w, int64_t *ret_code_moved)
{
        struct runs data = { 0 }, elements = { 0 };
        int r = -ENOMEM;

        if (snapshot_runs(w, &elements, &data))
                r = write_all(w, &data, &elements, ret_code_moved);
        free(data.all);
        free(elements.all);
        if (r == -ENOMEM || (r == 0 && !buffer_ok(w->out)))
                return error_set(w->err, STAGE_ARTEFACT, -ENOMEM, ERROR_NOWHERE, "no memory for the module");
        return r;
}

int snapshot_module(const struct module *m, const uint8_t *snapshot, size_t size, struct name done,
                    struct buffer *out, int64_t *ret_code_moved, struct error *err)
{
        struct writer w = { .m = m, .at = snapshot, .end = snapshot + size, .done = done, .out = out,
                            .err = err };
        int r = 0;

        for (uint32_t k = 0; k < m->nimports; k++)
                if (m->imports[k].kind != EXTERN_FUNC)
                        return snapshot_broken(&w, "of a module that imports more than functions");
        if ((uintptr_t)snapshot % 8 != 0)
                return snapshot_broken(&w, "at an address that is not aligned");
        w.tables = calloc((size_t)m->ntables + 1, sizeof(*w.tables));
        w.lengths = calloc((size_t)m->ntables + 1, sizeof(*w.lengths));
        w.memories = calloc((size_t)m->nmemories + 1, sizeof(*w.memories));
        w.pages = calloc((size_t)m->nmemories + 1, sizeof(*w.pages));
        w.bytes = calloc((size_t)m->nmemories + 1, sizeof(*w.bytes));
        if (!w.tables || !w.lengths || !w.memories || !w.pages || !w.bytes)
                r = error_set(err, STAGE_ARTEFACT, -ENOMEM, ERROR_NOWHERE, "no memory for a snapshot");
        if (r == 0)
                r = snapshot_read(&w);
        if (r == 0) {
                find_sections(&w);
                r = write_module(&w, ret_code_moved);
        }
        free(w.tables);
        free(w.lengths);
        free(w.memories);
        free(w.pages);
        free(w.bytes);
        return r;
}
