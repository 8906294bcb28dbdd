/* group.c - a guest of several nanoprocesses: one main module, and the dependencies that it imports functions
 * from. Each has a store, a WASI context, limits and descriptors of its own; they share the guest's
 * fiber, and its end.
 *
 * Members come before the SPAWN of their guest and wait for it here. All of them are made, and everything
 * that could be wrong with what they import is found, before the first instruction of any runs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "supervisor/cell/nano.h"

static const struct {
        const char *word, *functions;
        uint32_t needs;
} authorities[] = {
#define AUTHORITY(sentence, word, needs, functions) { word, functions, needs },
#include "supervisor/proto/authority.def"
};

static unsigned authority_of(const char *function)
{
        char word[64];

        snprintf(word, sizeof(word), " %s ", function);
        for (unsigned i = 0; i < ELEMENTSOF(authorities) - 1; i++)
                if (strstr(authorities[i].functions, word))
                        return i;
        return ELEMENTSOF(authorities) - 1; /* the row without power */
}

uint32_t host_function_needs(const struct host_function *f)
{
        return authorities[authority_of(f->name)].needs;
}

int group_wait(struct cell *c, struct guest *m)
{
        struct guest **end = &c->waiting;
        unsigned n = 0;

        while (*end) {
                if ((*end)->number != m->number)
                        return -EPROTO;
                end = &(*end)->group_next;
                n++;
        }
        if (n >= PROTO_MEMBERS_MAX)
                return -EPROTO;
        m->member = n + 1;
        *end = m;
        return 0;
}

/* What went wrong with a member is the group's failure, and names it. */
static int blame(struct guest *g, unsigned member, int r, const struct error *err)
{
        if (err != &g->err)
                g->err = *err;
        g->blamed = member;
        g->r = r;
        return r;
}

int group_take(struct cell *c, struct guest *g, uint32_t n)
{
        struct guest *m = c->waiting;
        uint32_t k = 0;

        c->waiting = NULL;
        g->members = n || m ? calloc(n + 1, sizeof(*g->members)) : NULL;
        for (struct guest *next; m; m = next) {
                next = m->group_next;
                if (!g->members || k == n || m->number != g->number) {
                        k = UINT32_MAX;
                        guest_free(m);
                        continue;
                }
                m->leader = g;
                m->worker = g->worker;
                m->stats->worker = g->worker->number;
                g->members[g->nmembers++] = m;
                if (m->r < 0 && g->r >= 0)
                        blame(g, m->member, m->r, &m->err);
                k++;
        }
        if (k != n)
                return -EPROTO;
        return 0;
}

#define CUT(name) (int)((name)->size < 60 ? (name)->size : 60), (name)->bytes

static const char *kind_text(enum extern_kind kind)
{
        static const char *const texts[] = {
                [EXTERN_FUNC] = "function", [EXTERN_TABLE] = "table", [EXTERN_MEMORY] = "memory",
                [EXTERN_GLOBAL] = "global", [EXTERN_TAG] = "tag",
        };

        return kind < ELEMENTSOF(texts) && texts[kind] ? texts[kind] : "thing";
}

/* A function of the host: given, when some key could serve it. */
static int find_host(const struct guest *m, uint32_t i, struct extern_value *ret, struct error *err)
{
        const struct cell_module *module = m->module;
        const struct host_function *f = module->host[i];
        uint32_t needs = module->needs[i];

        *ret = (struct extern_value) { .kind = EXTERN_FUNC, .host = f };
        if (!m->leader || !needs || needs & m->config.head->grants)
                return 0;
        if (m->flags & SPAWN_DENY) {
                ret->host = &wasi_denied[f - wasi_functions];
                return 0;
        }
        return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE,
                         "module asks for %s (%s); no key of [Import %.*s] grants it", f->name,
                         authorities[authority_of(f->name)].word, (int)m->name_bytes, m->name);
}

static struct guest *find_member(const struct guest *m, const struct name *name)
{
        const struct guest *g = m->leader ? m->leader : m;
        uint32_t before = m->leader ? m->member - 1 : g->nmembers;

        for (uint32_t k = 0; k < before; k++)
                if (m->sees >> k & 1 && g->members[k]->name_bytes == name->size &&
                    memcmp(g->members[k]->name, name->bytes, name->size) == 0)
                        return g->members[k];
        return NULL;
}

static bool holds_reference(const struct functype *t)
{
        for (uint32_t k = 0; k < t->nparams + t->nresults; k++)
                if (valtype_is_ref(k < t->nparams ? t->params[k] : t->results[k - t->nparams]))
                        return true;
        return false;
}

static bool same_types(const valtype *a, uint32_t na, const valtype *b, uint32_t nb)
{
        return na == nb && (na == 0 || memcmp(a, b, na * sizeof(*a)) == 0);
}

/* Said in the words of the unit file here; the engine refuses all of it as well. */
static int check_function(const char *who, const struct import *im, const struct functype *want,
                          const struct functype *have, struct error *err)
{
        char want_text[80], have_text[80];

        if (holds_reference(want) || holds_reference(have))
                return error_set(err, STAGE_LINK, -EINVAL, im->offset,
                                 "%s imports function \"%.*s\" with a reference: those do not cross between "
                                 "nanoprocesses", who, CUT(&im->name));
        if (same_types(want->params, want->nparams, have->params, have->nparams) &&
            same_types(want->results, want->nresults, have->results, have->nresults))
                return 0;
        return error_set(err, STAGE_LINK, -EINVAL, im->offset,
                         "%s imports function \"%.*s\" as %s; it is %s", who, CUT(&im->name),
                         functype_text(want, want_text, sizeof(want_text)),
                         functype_text(have, have_text, sizeof(have_text)));
}

static int find_exported(const struct guest *m, const struct guest *from, const struct import *im,
                         struct extern_value *ret, struct error *err)
{
        char who[80] = "the main module";

        if (m->leader)
                snprintf(who, sizeof(who), "[Import %.*s]", m->name_bytes < 60 ? (int)m->name_bytes : 60, m->name);
        if (im->kind != EXTERN_FUNC)
                return error_set(err, STAGE_LINK, -EINVAL, im->offset,
                                 "%s imports %s \"%.*s\" \"%.*s\": only functions cross between nanoprocesses", who,
                                 kind_text(im->kind), CUT(&im->module), CUT(&im->name));
        if (instance_export(from->instance, im->name.bytes, im->name.size, ret) < 0)
                return error_set(err, STAGE_LINK, -EINVAL, im->offset,
                                 "%s imports function \"%.*s\", which its module does not export", who, CUT(&im->name));
        if (ret->kind != EXTERN_FUNC)
                return error_set(err, STAGE_LINK, -EINVAL, im->offset,
                                 "%s imports function \"%.*s\", which is a %s", who, CUT(&im->name),
                                 kind_text(ret->kind));
        if (ret->index < instance_module(from->instance)->imported_functions)
                return error_set(err, STAGE_LINK, -EINVAL, im->offset,
                                 "%s imports function \"%.*s\", which its module only passes on", who, CUT(&im->name));
        return check_function(who, im, module_function_type(m->module->artefact->module, im->index),
                              extern_function_type(ret), err);
}

int group_find_import(struct guest *m, uint32_t i, struct extern_value *ret, struct error *err)
{
        const struct import *im = &m->module->artefact->module->imports[i];
        struct guest *from;
        int r;

        if (m->module->host[i])
                return find_host(m, i, ret, err);
        from = find_member(m, &im->module);
        if (!from)
                return unknown_import(im, err);
        r = find_exported(m, from, im, ret, err);
        return r < 0 ? blame(m->leader ? m->leader : m, from->member, r, err) : 0;
}

int group_obtain(struct guest *g)
{
        for (uint32_t k = 0; k < g->nmembers; k++) {
                struct guest *m = g->members[k];
                int r;

                m->trap = g->trap;
                r = guest_make_wasi(m);
                if (r >= 0)
                        r = instance_obtain(m, &m->err);
                m->trap = NULL;
                if (r < 0)
                        return blame(g, g->blamed ? g->blamed : m->member, r, &m->err);
        }
        return 0;
}

/* Its start function, and what a library of C exports to make itself ready. */
static int start(struct guest *m, struct trap_info *trap)
{
        static const char initialize[] = "_initialize";
        const struct functype *type;
        struct extern_value f;
        int r = instance_start(m->instance, trap);

        if (r < 0 || instance_export(m->instance, initialize, strlen(initialize), &f) < 0 ||
            f.kind != EXTERN_FUNC)
                return r;
        type = extern_function_type(&f);
        if (type->nparams || type->nresults)
                return error_set(&m->err, STAGE_LINK, -EINVAL, ERROR_NOWHERE,
                                 "its _initialize takes arguments, or returns something");
        return extern_call(&f, NULL, NULL, trap);
}

int group_start(struct guest *g)
{
        for (uint32_t k = 0; k < g->nmembers; k++) {
                struct guest *m = g->members[k];
                int r = start(m, g->trap);

                if (r < 0)
                        return r == -EFAULT ? r : blame(g, m->member, r, &m->err);
        }
        return 0;
}

void group_name_frame(const struct guest *g, const struct trap_frame *f, struct wire_frame *ret)
{
        char name[sizeof(ret->name)];

        frame_fill(f, f->instance ? 0 : UINT32_MAX, ret);
        for (uint32_t k = 0; k < g->nmembers; k++) {
                const struct guest *m = g->members[k];

                if (!f->instance || f->instance != m->instance)
                        continue;
                ret->instance = m->member;
                memcpy(name, ret->name, sizeof(name));
                snprintf(ret->name, sizeof(ret->name), "%.*s!%.*s",
                         m->name_bytes < 32 ? (int)m->name_bytes : 32, m->name,
                         (int)(sizeof(name) - 34), name);
        }
}
