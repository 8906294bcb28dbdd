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

static int link_function(struct instance *i, const struct extern_value *v, const struct import *im,
                         struct error *err)
{
        struct import_desc *desc = (struct import_desc *)instance_array(i, i->loaded->a->layout.imports);
        uint32_t want = i->loaded->types[i->module->functions[im->index].type];
        struct function_ref f;

        if (v->instance)
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
