#include "engine/text/print.h"

#include <inttypes.h>
#include <string.h>

#include "engine/text/module_text.h"
#include "engine/text/print_text.h"

/* The first function of a name has it; when there are more, none has. */
static int collect_names(struct printer *p)
{
        const struct name *names = p->m->function_names;

        if (!names)
                return 0;
        for (uint32_t i = 0; i < p->m->nfunctions; i++) {
                uint32_t before = p->names.n;
                struct symbol *symbol;

                if (!names[i].size)
                        continue;
                symbol = symbols_put(&p->names, names[i].bytes, names[i].size);
                if (!symbol)
                        return error_set(p->err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE, "memory for names");
                symbol->value = p->names.n > before ? i : SYMBOL_NONE;
        }
        p->named = true;
        return 0;
}

static void print_range(struct printer *p, const struct range *r)
{
        if (r->is_64)
                print(p, " i64");
        printf_to(p, " %" PRIu64, r->min);
        if (r->has_max)
                printf_to(p, " %" PRIu64, r->max);
        if (r->is_shared)
                print(p, " shared");
}

static void print_table_type(struct printer *p, const struct tabletype *t)
{
        print_range(p, &t->size);
        print(p, " ");
        print_type(p, t->element);
}

static void print_memory_type(struct printer *p, const struct memtype *t)
{
        print_range(p, &t->size);
        if (t->page_shift != 16)
                printf_to(p, " (pagesize %" PRIu64 ")", UINT64_C(1) << t->page_shift);
}

static void print_global_type(struct printer *p, const struct globaltype *t)
{
        print(p, t->is_mutable ? " (mut " : " ");
        print_type(p, t->type);
        if (t->is_mutable)
                print(p, ")");
}

static void print_field_type(struct printer *p, const struct fieldtype *f)
{
        print(p, f->is_mutable ? "(mut " : "");
        print_type(p, f->storage);
        print(p, f->is_mutable ? ")" : "");
}

static void print_composite(struct printer *p, uint32_t type)
{
        const struct deftype *def = &p->m->defs[type];

        if (def->kind == COMP_FUNC) {
                print(p, "(func");
                print_signature(p, &p->m->types[type]);
        } else {
                print(p, def->kind == COMP_STRUCT ? "(struct" : "(array ");
        }
        if (def->kind == COMP_ARRAY)
                print_field_type(p, def->fields);
        for (uint32_t i = 0; def->kind == COMP_STRUCT && i < def->nfields; i++) {
                print(p, " (field ");
                print_field_type(p, &def->fields[i]);
                print(p, ")");
        }
        print(p, ")");
}

static void print_sub(struct printer *p, uint32_t type)
{
        const struct deftype *def = &p->m->defs[type];
        bool plain = def->is_final && def->super == TYPE_NO_SUPER;

        if (!plain)
                print(p, def->is_final ? "(sub final " : "(sub ");
        if (def->super != TYPE_NO_SUPER)
                printf_to(p, "%u ", def->super);
        print_composite(p, type);
        print(p, plain ? "" : ")");
}

static void print_types(struct printer *p)
{
        for (uint32_t i = 0; i < p->m->ntypes; i++) {
                const struct deftype *def = &p->m->defs[i];
                bool in_group = def->ngroup > 1;

                if (in_group && i == def->group)
                        print(p, "\n  (rec");
                printf_to(p, in_group ? "\n    (type (;%u;) " : "\n  (type (;%u;) ", i);
                print_sub(p, i);
                print(p, ")");
                if (in_group && i + 1 == def->group + def->ngroup)
                        print(p, ")");
        }
}

/* "func $name (;3;)" */
static void print_function_head(struct printer *p, uint32_t index)
{
        uint32_t type = p->m->functions[index].type;

        print(p, "(func ");
        if (print_function_name(p, index))
                print(p, " ");
        printf_to(p, "(;%u;) (type %u)", index, type);
        if (type < p->m->ntypes)
                print_signature(p, &p->m->types[type]);
}

static void print_imports(struct printer *p)
{
        const struct module *m = p->m;

        for (uint32_t i = 0; i < m->nimports; i++) {
                const struct import *import = &m->imports[i];

                print(p, "\n  (import ");
                print_string(p, import->module.bytes, import->module.size);
                print(p, " ");
                print_string(p, import->name.bytes, import->name.size);
                print(p, " ");
                switch (import->kind) {
                case EXTERN_FUNC:
                        print_function_head(p, import->index);
                        break;
                case EXTERN_TABLE:
                        printf_to(p, "(table (;%u;)", import->index);
                        print_table_type(p, &m->tables[import->index].type);
                        break;
                case EXTERN_MEMORY:
                        printf_to(p, "(memory (;%u;)", import->index);
                        print_memory_type(p, &m->memories[import->index].type);
                        break;
                case EXTERN_GLOBAL:
                        printf_to(p, "(global (;%u;)", import->index);
                        print_global_type(p, &m->globals[import->index].type);
                        break;
                case EXTERN_TAG:
                        printf_to(p, "(tag (;%u;) (type %u)", import->index,
                                  m->tags[import->index].type);
                        break;
                }
                print(p, "))");
        }
}

static int print_functions(struct printer *p)
{
        const struct module *m = p->m;
        int r = 0;

        for (uint32_t i = m->imported_functions; i < m->nfunctions && r >= 0; i++) {
                print(p, "\n  ");
                print_function_head(p, i);
                r = print_body(p, i);
                print(p, ")");
        }
        return r;
}

static int print_tables(struct printer *p)
{
        const struct module *m = p->m;
        int r = 0;

        for (uint32_t i = m->imported_tables; i < m->ntables && r >= 0; i++) {
                printf_to(p, "\n  (table (;%u;)", i);
                print_table_type(p, &m->tables[i].type);
                r = print_const_expr(p, &m->tables[i].init);
                print(p, ")");
        }
        return r;
}

static void print_memories(struct printer *p)
{
        const struct module *m = p->m;

        for (uint32_t i = m->imported_memories; i < m->nmemories; i++) {
                printf_to(p, "\n  (memory (;%u;)", i);
                print_memory_type(p, &m->memories[i].type);
                print(p, ")");
        }
}

static void print_tags(struct printer *p)
{
        const struct module *m = p->m;

        for (uint32_t i = m->imported_tags; i < m->ntags; i++)
                printf_to(p, "\n  (tag (;%u;) (type %u))", i, m->tags[i].type);
}

static int print_globals(struct printer *p)
{
        const struct module *m = p->m;
        int r = 0;

        for (uint32_t i = m->imported_globals; i < m->nglobals && r >= 0; i++) {
                printf_to(p, "\n  (global (;%u;)", i);
                print_global_type(p, &m->globals[i].type);
                r = print_const_expr(p, &m->globals[i].init);
                print(p, ")");
        }
        return r;
}

static void print_exports(struct printer *p)
{
        static const char *const kinds[] = { "func", "table", "memory", "global", "tag" };
        const struct module *m = p->m;

        for (uint32_t i = 0; i < m->nexports; i++) {
                const struct export *e = &m->exports[i];

                print(p, "\n  (export ");
                print_string(p, e->name.bytes, e->name.size);
                printf_to(p, " (%s ", kinds[e->kind]);
                if (e->kind == EXTERN_FUNC)
                        print_function_index(p, e->index);
                else
                        printf_to(p, "%u", e->index);
                print(p, "))");
        }
        if (m->has_start) {
                print(p, "\n  (start ");
                print_function_index(p, m->start);
                print(p, ")");
        }
}

static int print_offset(struct printer *p, const struct const_expr *at)
{
        int r;

        print(p, " (offset");
        r = print_const_expr(p, at);
        print(p, ")");
        return r;
}

static int print_element_segment(struct printer *p, const struct element_segment *e)
{
        int r = 0;

        if (e->mode == SEGMENT_ACTIVE && e->table)
                printf_to(p, " (table %u)", e->table);
        if (e->mode == SEGMENT_ACTIVE)
                r = print_offset(p, &e->at);
        else if (e->mode == SEGMENT_DECLARATIVE)
                print(p, " declare");
        if (!e->exprs) {
                print(p, " func");
                for (uint32_t i = 0; i < e->n; i++) {
                        print(p, " ");
                        print_function_index(p, e->functions[i]);
                }
                return r;
        }
        print(p, " ");
        print_type(p, e->type);
        for (uint32_t i = 0; i < e->n && r >= 0; i++) {
                print(p, " (item");
                r = print_const_expr(p, &e->exprs[i]);
                print(p, ")");
        }
        return r;
}

static int print_segments(struct printer *p)
{
        const struct module *m = p->m;
        int r = 0;

        for (uint32_t i = 0; i < m->nelements && r >= 0; i++) {
                printf_to(p, "\n  (elem (;%u;)", i);
                r = print_element_segment(p, &m->elements[i]);
                print(p, ")");
        }
        for (uint32_t i = 0; i < m->ndatas && r >= 0; i++) {
                const struct data_segment *d = &m->datas[i];

                printf_to(p, "\n  (data (;%u;)", i);
                if (d->mode == SEGMENT_ACTIVE && d->memory)
                        printf_to(p, " (memory %u)", d->memory);
                if (d->mode == SEGMENT_ACTIVE)
                        r = print_offset(p, &d->at);
                print(p, " ");
                print_string(p, m->bytes + d->bytes.offset, d->bytes.size);
                print(p, ")");
        }
        return r;
}

/* The section before each custom section is found by walking over the file. */
static void print_customs(struct printer *p)
{
        const struct module *m = p->m;
        uint8_t before = 0;
        size_t i = 8;

        for (uint32_t k = 0; k < m->ncustoms; k++) {
                const struct custom_section *c = &m->customs[k];
                size_t end = c->bytes.offset + c->bytes.size;

                while (i < end) { /* the decoder has seen that these are sections */
                        uint8_t id = m->bytes[i++];
                        size_t size = 0;

                        for (unsigned shift = 0; i < end; shift += 7) {
                                size |= (size_t)(m->bytes[i] & 0x7f) << shift;
                                if (!(m->bytes[i++] & 0x80))
                                        break;
                        }
                        i += size;
                        before = id ? id : before;
                }
                /* The names that are kept are in the text already, and so are hints. */
                if (name_is(&c->name, "name") || (p->hinted && k == m->hints_section))
                        continue;
                print(p, "\n  (@custom ");
                print_string(p, c->name.bytes, c->name.size);
                if (before)
                        printf_to(p, " (after %s) ", section_word(before));
                else
                        print(p, " (before first) ");
                print_string(p, m->bytes + c->bytes.offset, c->bytes.size);
                print(p, ")");
        }
}

static int print_fields(struct printer *p)
{
        int r;

        print(p, "(module");
        print_types(p);
        print_imports(p);
        r = print_functions(p);
        if (r >= 0)
                r = print_tables(p);
        print_memories(p);
        print_tags(p);
        if (r >= 0)
                r = print_globals(p);
        print_exports(p);
        if (r >= 0)
                r = print_segments(p);
        print_customs(p);
        print(p, ")\n");
        return r;
}

int module_print(const struct module *m, struct buffer *out, struct error *err)
{
        struct printer p = { .m = m, .out = out, .err = err };
        size_t before = out->size;
        int r = collect_names(&p);

        p.hinted = print_hints_fit(m);
        if (r >= 0)
                r = print_fields(&p);
        if (r >= 0 && !buffer_ok(out))
                r = error_set(err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE, "memory for the text");
        if (r < 0)
                out->size = before;
        symbols_done(&p.names);
        return r;
}
