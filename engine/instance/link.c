#include "engine/instance/store.h"

static int refuse(struct error *err, const struct import *im, const char *what, const char *why)
{
        return error_set(err, STAGE_LINK, -EINVAL, im->offset, "%s: \"%.*s\" \"%.*s\"%s%s", what,
                         (int)(im->module.size < 60 ? im->module.size : 60), im->module.bytes,
                         (int)(im->name.size < 60 ? im->name.size : 60), im->name.bytes,
                         why[0] ? ": " : "", why);
}

static int incompatible(struct error *err, const struct import *im, const char *why)
{
        return refuse(err, im, "incompatible import type", why);
}

static const char text_width[] = "addresses of another width";

static int no_memory(struct error *err)
{
        return error_set(err, STAGE_LINK, -ENOMEM, ERROR_NOWHERE, "no memory for an import");
}

/* Section 4.5.3 (limits): what is there holds at least what is asked for, and cannot grow past it. */
static bool range_fits(uint64_t size, const struct range *have, const struct range *want)
{
        if (size < want->min)
                return false;
        return !want->has_max || (have->has_max && have->max <= want->max);
}

/* What @v stands for; false when it stands for nothing. */
static bool is_known(const struct extern_value *v)
{
        if (v->instance)
                return true;
        switch (v->kind) {
        case EXTERN_FUNC:
                return v->host != NULL;
        case EXTERN_TABLE:
                return v->table != NULL;
        case EXTERN_MEMORY:
                return v->memory != NULL;
        case EXTERN_GLOBAL:
                return v->global != NULL;
        default:
                return false;
        }
}

static bool holds_reference(const struct functype *t)
{
        for (uint32_t k = 0; k < t->nparams; k++)
                if (valtype_is_ref(t->params[k]))
                        return true;
        for (uint32_t k = 0; k < t->nresults; k++)
                if (valtype_is_ref(t->results[k]))
                        return true;
        return false;
}

static bool same_types(const valtype *a, uint32_t na, const valtype *b, uint32_t nb)
{
        return na == nb && (na == 0 || memcmp(a, b, na * sizeof(*a)) == 0);
}

static bool same_shape(const struct functype *a, const struct functype *b)
{
        return same_types(a->params, a->nparams, b->params, b->nparams) &&
               same_types(a->results, a->nresults, b->results, b->nresults);
}

/* A function of another store, which has numbers of its own for types: shapes are compared, and whatever
 * the module makes of it (a reference, say) has the type that it was imported with, as a host's would. */
static int link_across(struct instance *i, const struct extern_value *v, const struct import *im,
                       struct function_ref *ret, struct error *err)
{
        const struct functype *want = module_function_type(i->module, im->index), *have;
        char text[80];

        if (v->index < v->instance->module->imported_functions)
                return incompatible(err, im, "a function that the other module only passes on");
        have = module_function_type(v->instance->module, v->index);
        if (holds_reference(have) || holds_reference(want))
                return incompatible(err, im, "references do not cross between nanoprocesses");
        if (!same_shape(have, want))
                return incompatible(err, im, functype_text(have, text, sizeof(text)));
        *ret = instance_function(v->instance, v->index);
        ret->owner = NULL;
        ret->type = i->loaded->types[i->module->functions[im->index].type];
        ret->functype = want;
        return 0;
}

static int link_function(struct instance *i, const struct extern_value *v, const struct import *im,
                         struct error *err)
{
        struct import_desc *desc = (struct import_desc *)instance_array(i, i->loaded->a->layout.imports);
        uint32_t want = i->loaded->types[i->module->functions[im->index].type];
        struct function_ref f;
        int r;

        if (v->instance && v->instance->store != i->store) {
                r = link_across(i, v, im, &f, err);
                if (r < 0)
                        return r;
        } else if (v->instance)
                f = instance_function(v->instance, v->index);
        else if (!store_host_function(i->store, v->host, &f))
                return no_memory(err);
        if (!store_type_below(i->store, f.type, want)) {
                char have[80];

                return incompatible(err, im, functype_text(f.functype, have, sizeof(have)));
        }
        i->imports[im->index] = f;
        desc[im->index] = (struct import_desc) { .code = f.code, .data = f.data };
        return 0;
}

static int link_table(struct instance *i, const struct extern_value *v, const struct import *im,
                      struct error *err)
{
        const struct tabletype *want = &i->module->tables[im->index].type;
        struct table_object *o = v->instance ? v->instance->tables[v->index] : v->table;

        if (o->type.element != store_valtype(i->loaded->types, want->element))
                return incompatible(err, im, "a table of other elements");
        if (o->type.size.is_64 != want->size.is_64)
                return incompatible(err, im, text_width);
        if (!range_fits(o->length, &o->type.size, &want->size))
                return incompatible(err, im, "a table of another size");
        i->tables[im->index] = o;
        return 0;
}

static int link_memory(struct instance *i, const struct extern_value *v, const struct import *im,
                       struct error *err)
{
        const struct memtype *want = &i->module->memories[im->index].type;
        struct memory_object *o = v->instance ? v->instance->memories[v->index] : v->memory;

        if (o->type.page_shift != want->page_shift ||
            o->type.size.is_shared != want->size.is_shared)
                return incompatible(err, im, "a memory of another kind");
        if (o->type.size.is_64 != want->size.is_64)
                return incompatible(err, im, text_width);
        if (!range_fits(o->bytes >> o->type.page_shift, &o->type.size, &want->size))
                return incompatible(err, im, "a memory of another size");
        i->memories[im->index] = o;
        return 0;
}

static int link_global(struct instance *i, const struct extern_value *v, const struct import *im,
                       struct error *err)
{
        const struct globaltype *want = &i->module->globals[im->index].type;
        const struct globaltype *have = v->instance ? &v->instance->module->globals[v->index].type
                                                    : &v->global->type;
        union value *value = v->instance ? instance_global(v->instance, v->index)
                                         : &v->global->value;
        union value *place = (union value *)instance_array(i, i->loaded->a->layout.globals) + im->index;

        valtype wanted = store_valtype(i->loaded->types, want->type);
        valtype type = v->instance ? store_valtype(v->instance->loaded->types, have->type)
                                   : have->type;

        /* What can be written through both is of one type. */
        if (have->is_mutable != want->is_mutable ||
            (want->is_mutable ? type != wanted : !store_matches(i->store, type, wanted)))
                return incompatible(err, im, "a global of another type");
        if (want->is_mutable)
                *place = (union value) { .ref = (uintptr_t)value };
        else
                *place = *value;
        return 0;
}

static int link_tag(struct instance *i, const struct extern_value *v, const struct import *im,
                    struct error *err)
{
        struct tag_object *o = v->instance->tags[v->index];

        if (o->type != i->loaded->types[i->module->tags[im->index].type])
                return incompatible(err, im, "a tag of another type");
        i->tags[im->index] = o;
        return 0;
}

int instance_link(struct instance *i, const struct extern_value *imports, struct error *err)
{
        int r = 0;

        for (uint32_t k = 0; k < i->module->nimports && r == 0; k++) {
                const struct import *im = &i->module->imports[k];
                const struct extern_value *v = &imports[k];

                if (!is_known(v))
                        return refuse(err, im, "unknown import", "");
                if (v->kind != im->kind)
                        return incompatible(err, im, "another kind of thing");
                if (v->instance && v->instance->store != i->store && v->kind != EXTERN_FUNC)
                        return incompatible(err, im, "only functions cross between nanoprocesses");
                switch (im->kind) {
                case EXTERN_FUNC:
                        r = link_function(i, v, im, err);
                        break;
                case EXTERN_TABLE:
                        r = link_table(i, v, im, err);
                        break;
                case EXTERN_MEMORY:
                        r = link_memory(i, v, im, err);
                        break;
                case EXTERN_GLOBAL:
                        r = link_global(i, v, im, err);
                        break;
                case EXTERN_TAG:
                        r = link_tag(i, v, im, err);
                        break;
                default:
                        r = incompatible(err, im, "a kind that cannot be imported");
                }
        }
        return r;
}
