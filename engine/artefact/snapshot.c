#include "engine/artefact/snapshot.h"

#include <string.h>

#define GAP_FIRST   64u  /* zeros that do not end a run of memory; more when there would be too many runs */
#define RUNS_MAX    50000u
#define RESUME      "wizer.resume"

enum { /* section ids of the binary format (5.5.2), in their order in a file */
        ID_CUSTOM = 0, ID_TYPE = 1, ID_IMPORT = 2, ID_FUNCTION = 3, ID_TABLE = 4, ID_MEMORY = 5, ID_TAG = 13,
        ID_GLOBAL = 6, ID_EXPORT = 7, ID_ELEMENT = 9, ID_DATA_COUNT = 12, ID_CODE = 10, ID_DATA = 11,
        ID_MAX = 14,
};

struct run { /* of bytes of a memory, or of elements of a table */
        uint64_t from, to;
        uint32_t of;
};

struct runs {
        struct run *all;
        size_t n, room;
};

struct writer {
        const struct module *m;
        const uint8_t *at, *end;    /* of what is left of the snapshot */
        const uint8_t *globals, *dropped;
        const uint32_t **tables;
        uint64_t *lengths;
        const uint8_t **memories;
        uint64_t *pages, *bytes;
        struct name done;
        struct slice sections[ID_MAX]; /* of the file: the content */
        struct buffer *out;
        struct error *err;
};

static int broken(struct writer *w, const char *what)
{
        return error_set(w->err, STAGE_ARTEFACT, -EBADMSG, ERROR_NOWHERE, "snapshot: %s", what);
}

/* @n elements of @size bytes, and the padding; NULL when they are not there. */
static const uint8_t *take(struct writer *w, uint64_t n, uint64_t size)
{
        const uint8_t *p = w->at;
        uint64_t bytes;

        if (__builtin_mul_overflow(n, size, &bytes) || bytes > (uint64_t)(w->end - w->at))
                return NULL;
        bytes = (bytes + 7) & ~UINT64_C(7);
        if (bytes > (uint64_t)(w->end - w->at))
                return NULL;
        w->at += bytes;
        return p;
}

static bool take_u64(struct writer *w, uint64_t *ret)
{
        const uint8_t *p = take(w, 1, 8);

        if (p)
                memcpy(ret, p, 8);
        return p != NULL;
}

static bool take_table(struct writer *w, uint32_t k)
{
        const struct range *size = &w->m->tables[k].type.size;

        if (!take_u64(w, &w->lengths[k]) || w->lengths[k] < size->min ||
            (size->has_max && w->lengths[k] > size->max))
                return false;
        w->tables[k] = (const uint32_t *)(const void *)take(w, w->lengths[k], 4);
        for (uint64_t i = 0; w->tables[k] && i < w->lengths[k]; i++)
                if (w->tables[k][i] > w->m->nfunctions)
                        return false;
        return w->tables[k] != NULL;
}

static bool take_memory(struct writer *w, uint32_t k)
{
        const struct memtype *t = &w->m->memories[k].type;

        if (!take_u64(w, &w->pages[k]) || !take_u64(w, &w->bytes[k]) || w->pages[k] < t->size.min ||
            (t->size.has_max && w->pages[k] > t->size.max) ||
            w->bytes[k] > memtype_bytes(t, w->pages[k]))
                return false;
        w->memories[k] = take(w, w->bytes[k], 1);
        return w->memories[k] != NULL;
}

static int read_snapshot(struct writer *w)
{
        const struct module *m = w->m;
        struct snapshot_head head;
        const uint8_t *p = take(w, 1, sizeof(head));

        if (!p)
                return broken(w, "cut short");
        memcpy(&head, p, sizeof(head));
        if (head.magic != SNAPSHOT_MAGIC || head.nglobals != m->nglobals || head.ntables != m->ntables ||
            head.nmemories != m->nmemories || head.ndatas != m->ndatas || head.nelements != m->nelements)
                return broken(w, "of another module");
        w->globals = take(w, m->nglobals, 16);
        if (!w->globals)
                return broken(w, "cut short");
        for (uint32_t k = 0; k < m->ntables; k++)
                if (!take_table(w, k))
                        return broken(w, "a table that the module cannot have");
        w->dropped = take(w, (uint64_t)m->ndatas + m->nelements, 1);
        if (!w->dropped)
                return broken(w, "cut short");
        for (uint32_t k = 0; k < m->nmemories; k++)
                if (!take_memory(w, k))
                        return broken(w, "a memory that the module cannot have");
        return w->at == w->end ? 0 : broken(w, "longer than it says");
}

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

static void append_section(struct writer *w, uint8_t id, const struct buffer *body)
{
        buffer_u8(w->out, id);
        buffer_uleb(w->out, body->size);
        buffer_append(w->out, body->bytes, body->size);
        w->out->failed |= body->failed;
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

static void append_heap_type(struct buffer *b, uint32_t heap)
{
        if (heap < HEAP_FIRST_ABSTRACT)
                buffer_sleb(b, heap);
        else
                buffer_u8(b, (uint8_t)heap);
}

static void append_valtype(struct buffer *b, valtype t)
{
        static const uint8_t bytes[] = { [VAL_I32] = 0x7f, [VAL_I64] = 0x7e, [VAL_F32] = 0x7d,
                                         [VAL_F64] = 0x7c, [VAL_V128] = 0x7b };

        if (!valtype_is_ref(t)) {
                buffer_u8(b, bytes[valtype_kind(t)]);
        } else if (t & VAL_NULLABLE && valtype_heap(t) >= HEAP_FIRST_ABSTRACT) {
                buffer_u8(b, (uint8_t)valtype_heap(t));
        } else {
                buffer_u8(b, t & VAL_NULLABLE ? 0x63 : 0x64);
                append_heap_type(b, valtype_heap(t));
        }
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

static void append_ref(struct buffer *b, valtype t, uint64_t number)
{
        if (number) {
                buffer_u8(b, 0xd2); /* ref.func */
                buffer_uleb(b, number - 1);
        } else {
                buffer_u8(b, 0xd0); /* ref.null */
                append_heap_type(b, valtype_heap(t));
        }
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
                        return broken(w, "a global that refers to no function");
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

static bool add_run(struct runs *r, struct run run)
{
        if (r->n == r->room) {
                size_t room = r->room ? 2 * r->room : 64;
                struct run *all = realloc(r->all, room * sizeof(*all));

                if (!all)
                        return false;
                r->all = all;
                r->room = room;
        }
        r->all[r->n++] = run;
        return true;
}

/* Parts of the memories that are not zero. */
static bool memory_runs(struct writer *w, uint64_t gap, struct runs *ret)
{
        static const uint8_t none[8];

        ret->n = 0;
        for (uint32_t k = 0; k < w->m->nmemories; k++) {
                const uint8_t *p = w->memories[k];
                uint64_t from = 0, last = 0, n = w->bytes[k];
                bool open = false;

                for (uint64_t i = 0; i < n; i++) {
                        if (!p[i]) /* whole words, where most of it is */
                                while (i + 9 <= n && memcmp(p + i + 1, none, 8) == 0)
                                        i += 8;
                        if (!p[i])
                                continue;
                        if (open && i - last > gap) {
                                if (!add_run(ret, (struct run) { from, last + 1, k }))
                                        return false;
                                open = false;
                        }
                        if (!open)
                                from = i;
                        open = true;
                        last = i;
                }
                if (open && !add_run(ret, (struct run) { from, last + 1, k }))
                        return false;
        }
        return true;
}

static void append_place(struct buffer *b, bool is_64, uint64_t at)
{
        buffer_u8(b, is_64 ? 0x42 : 0x41);
        buffer_sleb(b, is_64 ? (int64_t)at : (int32_t)at);
        buffer_u8(b, 0x0b);
}

static void append_data(struct writer *w, struct buffer *b, const struct run *r)
{
        buffer_u8(b, r->of ? 2 : 0);
        if (r->of)
                buffer_uleb(b, r->of);
        append_place(b, w->m->memories[r->of].type.size.is_64, r->from);
        buffer_uleb(b, r->to - r->from);
        buffer_append(b, w->memories[r->of] + r->from, r->to - r->from);
}

/* Segments keep their indices: what code may still use as it is, the others empty. */
static void write_data(struct writer *w, const struct runs *runs, struct buffer *ret)
{
        const struct module *m = w->m;

        buffer_uleb(ret, m->ndatas + runs->n);
        for (uint32_t k = 0; k < m->ndatas; k++) {
                const struct data_segment *d = &m->datas[k];
                size_t size = d->mode == SEGMENT_ACTIVE || w->dropped[k] ? 0 : d->bytes.size;

                buffer_u8(ret, 1); /* passive */
                buffer_uleb(ret, size);
                buffer_append(ret, m->bytes + d->bytes.offset, size);
        }
        for (size_t k = 0; k < runs->n; k++)
                append_data(w, ret, &runs->all[k]);
}

/* Element segment @k as it is in the file. */
static void copy_element(struct writer *w, struct buffer *b, uint32_t k)
{
        const struct module *m = w->m;
        const struct slice *s = &w->sections[ID_ELEMENT];
        size_t end = k + 1 < m->nelements ? m->elements[k + 1].offset : s->offset + s->size;

        buffer_append(b, m->bytes + m->elements[k].offset, end - m->elements[k].offset);
}

/* Nothing can be copied from it any more, but what it named stays declared. */
static void empty_element(struct buffer *b, const struct element_segment *e)
{
        uint32_t n = 0;

        if (e->functions) {
                buffer_u8(b, 3);
                buffer_u8(b, 0); /* functions */
                buffer_uleb(b, e->n);
                for (uint32_t i = 0; i < e->n; i++)
                        buffer_uleb(b, e->functions[i]);
                return;
        }
        buffer_u8(b, 7);
        append_valtype(b, e->type);
        for (unsigned pass = 0; pass < 2; pass++) {
                if (pass)
                        buffer_uleb(b, n);
                for (uint32_t i = 0; i < e->n; i++) {
                        const struct const_op *op = e->exprs[i].ops;

                        if (e->exprs[i].nops != 1 || op->op != OP_REF_FUNC)
                                continue;
                        n += !pass;
                        if (pass) {
                                append_ref(b, e->type, (uint64_t)op->index + 1);
                                buffer_u8(b, 0x0b);
                        }
                }
        }
}

static void append_element(struct writer *w, struct buffer *b, const struct run *r)
{
        const struct tabletype *t = &w->m->tables[r->of].type;
        const uint32_t *numbers = w->tables[r->of];
        bool plain = t->element == VAL_FUNCREF;

        buffer_u8(b, plain ? 2 : 6);
        buffer_uleb(b, r->of);
        append_place(b, t->size.is_64, r->from);
        if (plain)
                buffer_u8(b, 0);
        else
                append_valtype(b, t->element);
        buffer_uleb(b, r->to - r->from);
        for (uint64_t i = r->from; i < r->to; i++) {
                if (plain) {
                        buffer_uleb(b, numbers[i] - 1);
                        continue;
                }
                append_ref(b, t->element, numbers[i]);
                buffer_u8(b, 0x0b);
        }
}

static bool table_runs(struct writer *w, struct runs *ret)
{
        for (uint32_t k = 0; k < w->m->ntables; k++) {
                const uint32_t *numbers = w->tables[k];
                uint64_t n = w->lengths[k];

                for (uint64_t i = 0, from; i < n; i++) {
                        if (!numbers[i])
                                continue;
                        for (from = i; i < n && numbers[i];)
                                i++;
                        if (!add_run(ret, (struct run) { from, i, k }))
                                return false;
                }
        }
        return true;
}

static void write_elements(struct writer *w, const struct runs *runs)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        const struct module *m = w->m;

        buffer_uleb(&b, m->nelements + runs->n);
        for (uint32_t k = 0; k < m->nelements; k++) {
                const struct element_segment *e = &m->elements[k];

                if (e->mode == SEGMENT_PASSIVE && !w->dropped[m->ndatas + k])
                        copy_element(w, &b, k);
                else
                        empty_element(&b, e);
        }
        for (size_t k = 0; k < runs->n; k++)
                append_element(w, &b, &runs->all[k]);
        if (m->nelements + runs->n)
                append_section(w, ID_ELEMENT, &b);
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
        write_elements(w, elements);
        write_data(w, data, &b);
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
        uint64_t gap = GAP_FIRST;
        int r = -ENOMEM;
        bool ok = table_runs(w, &elements) && memory_runs(w, gap, &data);

        while (ok && data.n > RUNS_MAX)
                ok = memory_runs(w, gap *= 4, &data);
        if (ok)
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
                        return broken(&w, "of a module that imports more than functions");
        if ((uintptr_t)snapshot % 8 != 0)
                return broken(&w, "at an address that is not aligned");
        w.tables = calloc((size_t)m->ntables + 1, sizeof(*w.tables));
        w.lengths = calloc((size_t)m->ntables + 1, sizeof(*w.lengths));
        w.memories = calloc((size_t)m->nmemories + 1, sizeof(*w.memories));
        w.pages = calloc((size_t)m->nmemories + 1, sizeof(*w.pages));
        w.bytes = calloc((size_t)m->nmemories + 1, sizeof(*w.bytes));
        if (!w.tables || !w.lengths || !w.memories || !w.pages || !w.bytes)
                r = error_set(err, STAGE_ARTEFACT, -ENOMEM, ERROR_NOWHERE, "no memory for a snapshot");
        if (r == 0)
                r = read_snapshot(&w);
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
