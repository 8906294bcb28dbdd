/* Defined types (3.2.8 to 3.2.12): what a type is below exists, may have subtypes, and is matched
 * by it. The decoder has seen to it that indices are those of types in the group or before it. */
#include "engine/validate/checker.h"

static bool same_type(const struct module *m, valtype a, valtype b)
{
        return type_matches(m, a, b) && type_matches(m, b, a);
}

static bool field_matches(const struct module *m, const struct fieldtype *f,
                          const struct fieldtype *want)
{
        if (f->is_mutable != want->is_mutable)
                return false;
        /* What can be written through both is of one type. */
        return f->is_mutable ? same_type(m, f->storage, want->storage)
                             : type_matches(m, f->storage, want->storage);
}

static bool function_matches(const struct module *m, const struct functype *f,
                             const struct functype *want)
{
        return f->nparams == want->nparams && f->nresults == want->nresults &&
               types_match(m, want->params, f->params, f->nparams) &&
               types_match(m, f->results, want->results, f->nresults);
}

static bool composite_matches(const struct module *m, uint32_t type, uint32_t want)
{
        const struct deftype *a = &m->defs[type], *b = &m->defs[want];

        if (a->kind != b->kind || a->nfields < b->nfields)
                return false;
        if (a->kind == COMP_FUNC)
                return function_matches(m, &m->types[type], &m->types[want]);
        for (uint32_t i = 0; i < b->nfields; i++)
                if (!field_matches(m, &a->fields[i], &b->fields[i]))
                        return false;
        return true;
}

int check_types(struct checker *k)
{
        const struct module *m = k->m;

        if (m->unknown_type_at)
                return checker_error(k, -EBADMSG, m->unknown_type_at, "unknown type %u",
                                     m->unknown_type);
        for (uint32_t i = 0; i < m->ntypes; i++) {
                const struct deftype *def = &m->defs[i];

                if (def->super == TYPE_NO_SUPER)
                        continue;
                if (m->defs[def->super].is_final)
                        return checker_error(k, -EBADMSG, def->offset, "sub type %u of type %u, "
                                             "which is final", i, def->super);
                if (!composite_matches(m, i, def->super))
                        return checker_error(k, -EBADMSG, def->offset,
                                             "sub type %u does not match super type %u", i,
                                             def->super);
        }
        return 0;
}
