#include "engine/validate/checker.h"

static int no_memory(struct checker *k)
{
        return checker_error(k, -ENOMEM, ERROR_NOWHERE, "out of memory");
}

static int list_escaping(struct checker *k, struct checked_module *c)
{
        uint32_t *list = pool_alloc(c->pool, k->nescaping, sizeof(*list));

        if (!list)
                return no_memory(k);
        for (uint32_t i = 0; i < k->m->nfunctions; i++)
                if (k->escaping[i])
                        list[c->nescaping++] = i;
        c->escaping = list;
        return 0;
}

static int check_module(struct checker *k, unsigned jobs, struct checked_module *c)
{
        const struct module *m = k->m;
        int r;

        r = check_sections(k);
        if (r < 0)
                return r;
        if (!m->skeleton) {
                c->facts = pool_alloc(c->pool, m->nfunctions - m->imported_functions,
                                      sizeof(*c->facts));
                if (!c->facts)
                        return no_memory(k);
                r = check_bodies(k, jobs, c);
                if (r < 0)
                        return r;
        }
        r = check_data_segments(k);
        if (r < 0)
                return r;
        c->features_used |= k->features_used;
        return list_escaping(k, c);
}

int module_validate(const struct module *m, const struct limits *limits, uint64_t features,
                    unsigned jobs, struct checked_module **ret, struct error *err)
{
        struct checker k = { .m = m, .limits = limits, .features = features, .err = err };
        _cleanup_(pool_freep) struct pool *pool = pool_new(0);
        _cleanup_free_ uint8_t *escaping = calloc((size_t)m->nfunctions + 1, 1);
        struct checked_module *c;
        int r;

        if (!pool || !escaping)
                return no_memory(&k);
        c = pool_alloc(pool, 1, sizeof(*c));
        if (!c)
                return no_memory(&k);
        c->module = m;
        c->pool = pool;
        c->features_used = m->features_used;
        k.escaping = escaping;
        checker_fill_rows(&k);
        r = check_module(&k, jobs, c);
        if (r < 0)
                return r;
        (void)TAKE_PTR(pool);
        *ret = c;
        return 0;
}

void checked_module_free(struct checked_module *c)
{
        if (c)
                pool_free(c->pool);
}
