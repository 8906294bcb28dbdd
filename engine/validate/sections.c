/* The rules of a module (3.5), in the order of the file. */
#include "engine/validate/checker.h"

#include <stdarg.h>

int checker_error(struct checker *k, int code, size_t offset, const char *format, ...)
{
        char text[sizeof(k->err->text)];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return error_set(k->err, STAGE_VALIDATE, code, offset, "%s", text);
}

int check_type(struct checker *k, valtype type, size_t offset)
{
        if (!valtype_is_indexed(type))
                return 0;
        if (valtype_heap(type) >= k->m->ntypes)
                return checker_error(k, -EBADMSG, offset, "unknown type %u", valtype_heap(type));
        k->features_used |= UINT64_C(1) << FEATURE_FUNCTION_REFERENCES;
        if (k->features >> FEATURE_FUNCTION_REFERENCES & 1)
                return 0;
        return checker_error(k, -EOPNOTSUPP, offset, "the feature %s is off: %s",
                             feature_table[FEATURE_FUNCTION_REFERENCES].text, valtype_text(type));
}

static int check_function_type(struct checker *k, uint32_t type, size_t offset)
{
        if (module_functype(k->m, type))
                return 0;
        return checker_error(k, -EBADMSG, offset, type < k->m->ntypes
                             ? "type mismatch: type %u is not a function type" : "unknown type %u",
                             type);
}

static int check_function(struct checker *k, uint32_t i)
{
        const struct function *f = &k->m->functions[i];

        return check_function_type(k, f->type, f->offset);
}

/* A table's size is held against limits.table_elements by who instantiates: a declaration costs
 * nothing. */
static int check_table(struct checker *k, uint32_t i)
{
        const struct table *t = &k->m->tables[i];
        const struct range *size = &t->type.size;
        int r = check_type(k, t->type.element, t->offset);

        if (r < 0)
                return r;
        if (!size->is_64 && (size->min > UINT32_MAX || (size->has_max && size->max > UINT32_MAX)))
                return checker_error(k, -EBADMSG, t->offset,
                                     "table size must be at most 2^32 - 1 elements");
        if (size->has_max && size->min > size->max)
                return checker_error(k, -EBADMSG, t->offset,
                                     "size minimum must not be greater than maximum");
        if (t->init.nops > 0)
                return check_const_expr(k, &t->init, t->type.element, k->m->imported_globals);
        if (i >= k->m->imported_tables && !valtype_has_default(t->type.element))
                return checker_error(k, -EBADMSG, t->offset, "type mismatch: a table of %s needs an "
                                     "initial value", valtype_text(t->type.element));
        return 0;
}

static int check_memory(struct checker *k, uint32_t i)
{
        const struct memory *memory = &k->m->memories[i];
        const struct range *size = &memory->type.size;
        unsigned shift = memory->type.page_shift;
        uint64_t most = (size->is_64 ? UINT64_MAX : UINT32_MAX) >> shift;
        uint64_t limit = k->limits->memory_pages << 16 >> shift;

        if (i > 0 && !(k->features >> FEATURE_MULTI_MEMORY & 1))
                return checker_error(k, -EOPNOTSUPP, memory->offset,
                                     "multiple memories: the feature %s is off",
                                     feature_table[FEATURE_MULTI_MEMORY].text);
        if (i > 0)
                k->features_used |= UINT64_C(1) << FEATURE_MULTI_MEMORY;
        if (shift != 0 && shift != 16)
                return checker_error(k, -EBADMSG, memory->offset,
                                     "invalid custom page size: 2^%u bytes", shift);
        if (shift) /* a size of 2^32 or 2^64 bytes has no number in bytes, but one in pages */
                most++;
        if (size->min > most || (size->has_max && size->max > most))
                return checker_error(k, -EBADMSG, memory->offset, "memory size must be at most "
                                     "%llu pages%s", (unsigned long long)most,
                                     size->is_64 || !shift ? "" : " (4GiB)");
        if (size->is_shared && !size->has_max)
                return checker_error(k, -EBADMSG, memory->offset,
                                     "shared memory must have maximum");
        if (size->has_max && size->min > size->max)
                return checker_error(k, -EBADMSG, memory->offset,
                                     "size minimum must not be greater than maximum");
        if (!size->is_64 && size->min > limit)
                return checker_error(k, -E2BIG, memory->offset, "a memory of %llu pages, the limit "
                                     "is %llu", (unsigned long long)size->min,
                                     (unsigned long long)limit);
        return 0;
}

static int check_global(struct checker *k, uint32_t i)
{
        const struct global *g = &k->m->globals[i];
        int r = check_type(k, g->type.type, g->offset);

        if (r < 0)
                return r;
        return check_const_expr(k, &g->init, g->type.type, i); /* globals before it (3.0) */
}

static int check_tag(struct checker *k, uint32_t i)
{
        const struct tag *tag = &k->m->tags[i];

        int r = check_function_type(k, tag->type, tag->offset);

        if (r < 0)
                return r;
        if (k->m->types[tag->type].nresults > 0)
                return checker_error(k, -EBADMSG, tag->offset, "non-empty tag result type");
        return 0;
}

static int check_import(struct checker *k, const struct import *import)
{
        switch (import->kind) {
        case EXTERN_FUNC:
                return check_function(k, import->index);
        case EXTERN_TABLE:
                return check_table(k, import->index);
        case EXTERN_MEMORY:
                return check_memory(k, import->index);
        case EXTERN_GLOBAL:
                return check_type(k, k->m->globals[import->index].type.type, import->offset);
        case EXTERN_TAG:
                return check_tag(k, import->index);
        default:
                return 0;
        }
}

static int check_export(struct checker *k, const struct export *export)
{
        static const char *const texts[] = { "function", "table", "memory", "global", "tag" };
        const struct module *m = k->m;
        const uint32_t counts[] = { m->nfunctions, m->ntables, m->nmemories, m->nglobals,
                                    m->ntags };

        if (export->index >= counts[export->kind])
                return checker_error(k, -EBADMSG, export->offset, "unknown %s %u",
                                     texts[export->kind], export->index);
        if (export->kind == EXTERN_FUNC) {
                k->nescaping += !k->escaping[export->index];
                k->escaping[export->index] = 1;
        }
        if (export->kind == EXTERN_GLOBAL && m->globals[export->index].type.is_mutable) {
                k->features_used |= UINT64_C(1) << FEATURE_MUTABLE_GLOBALS;
                if (!(k->features >> FEATURE_MUTABLE_GLOBALS & 1))
                        return checker_error(k, -EOPNOTSUPP, export->offset,
                                             "the feature %s is off: export of a mutable global",
                                             feature_table[FEATURE_MUTABLE_GLOBALS].text);
        }
        return 0;
}

static int check_start(struct checker *k)
{
        const struct module *m = k->m;
        const struct functype *type;

        if (m->start >= m->nfunctions)
                return checker_error(k, -EBADMSG, m->start_offset, "unknown function %u", m->start);
        type = module_function_type(m, m->start);
        if (type->nparams > 0 || type->nresults > 0)
                return checker_error(k, -EBADMSG, m->start_offset,
                                     "start function has parameters or results");
        return 0;
}

static int check_element(struct checker *k, const struct element_segment *segment)
{
        const struct module *m = k->m;
        int r = check_type(k, segment->type, segment->offset);

        if (r < 0)
                return r;
        if (segment->mode == SEGMENT_ACTIVE) {
                const struct table *table;

                if (segment->table >= m->ntables)
                        return checker_error(k, -EBADMSG, segment->offset, "unknown table %u",
                                             segment->table);
                table = &m->tables[segment->table];
                if (!type_matches(m, segment->type, table->type.element))
                        return checker_error(k, -EBADMSG, segment->offset,
                                             "type mismatch: a segment of %s for a table of %s",
                                             valtype_text(segment->type),
                                             valtype_text(table->type.element));
                r = check_const_expr(k, &segment->at, address_type(table->type.size.is_64),
                                     m->nglobals);
                if (r < 0)
                        return r;
        }
        for (uint32_t i = 0; i < segment->n && segment->functions; i++) {
                uint32_t f = segment->functions[i];

                if (f >= m->nfunctions)
                        return checker_error(k, -EBADMSG, segment->offset, "unknown function %u",
                                             f);
                k->nescaping += !k->escaping[f];
                k->escaping[f] = 1;
        }
        for (uint32_t i = 0; i < segment->n && segment->exprs; i++) {
                r = check_const_expr(k, &segment->exprs[i], segment->type, m->nglobals);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_data(struct checker *k, const struct data_segment *segment)
{
        const struct module *m = k->m;

        if (segment->mode != SEGMENT_ACTIVE)
                return 0;
        if (segment->memory >= m->nmemories)
                return checker_error(k, -EBADMSG, segment->offset, "unknown memory %u",
                                     segment->memory);
        return check_const_expr(k, &segment->at,
                                address_type(m->memories[segment->memory].type.size.is_64),
                                m->nglobals);
}

/* @check for the entries @from to @to of an index space. */
static int check_all(struct checker *k, int (*check)(struct checker *, uint32_t), uint32_t from,
                     uint32_t to)
{
        for (uint32_t i = from; i < to; i++) {
                int r = check(k, i);

                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_all_exports(struct checker *k)
{
        for (uint32_t i = 0; i < k->m->nexports; i++) {
                int r = check_export(k, &k->m->exports[i]);

                if (r < 0)
                        return r;
        }
        return check_exports(k);
}

int check_sections(struct checker *k)
{
        const struct module *m = k->m;
        int r = check_types(k);

        for (uint32_t i = 0; i < m->nimports && r == 0; i++)
                r = check_import(k, &m->imports[i]);
        if (r == 0)
                r = check_all(k, check_function, m->imported_functions, m->nfunctions);
        if (r == 0)
                r = check_all(k, check_table, m->imported_tables, m->ntables);
        if (r == 0)
                r = check_all(k, check_memory, m->imported_memories, m->nmemories);
        if (r == 0)
                r = check_all(k, check_tag, m->imported_tags, m->ntags);
        if (r == 0)
                r = check_all(k, check_global, m->imported_globals, m->nglobals);
        if (r == 0)
                r = check_all_exports(k);
        if (r == 0 && m->has_start)
                r = check_start(k);
        for (uint32_t i = 0; i < m->nelements && r == 0; i++)
                r = check_element(k, &m->elements[i]);
        return r;
}

int check_data_segments(struct checker *k)
{
        int r = 0;

        for (uint32_t i = 0; i < k->m->ndatas && r == 0; i++)
                r = check_data(k, &k->m->datas[i]);
        return r;
}
