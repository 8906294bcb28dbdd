/* instances.c - where a guest's instance comes from, and where it goes back to.
 *
 * A cell of one guest makes it as it is. Others keep a template of each module and worker, from which
 * instances are copied into slots that are used again. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/instance/template.h"
#include "supervisor/cell/nano.h"

#define SLOTS_ALL    31000u  /* of 4 GiB, in all workers: what 47 bits and 65,530 mappings hold */
#define SLOTS_LEAST  64u
#define DENSE_ALL    200000u /* of a kind, in all workers */
#define DENSE_STACK  (512u << 10)
#define DENSE_LEAST  (UINT64_C(64) << 10)
#define DENSE_MOST   (DENSE_LEAST << (DENSE_KINDS - 1))
#define DENSE_USUAL  (UINT64_C(16) << 20) /* for a guest without a limit */
#define KEEP_BYTES   (256u << 10) /* of what a guest wrote, for the next one in its slot */
#define WHOLE_BYTES  (128u << 10) /* as much is written back without asking the kernel what was */
#define WARM_MAX     1024u   /* a worker's slots that keep the pages of their last guest */

static int find_imports(struct guest *g, struct extern_value **ret, struct error *err)
{
        const struct module *m = g->module->artefact->module;
        _cleanup_free_ struct extern_value *imports = calloc(m->nimports + 1, sizeof(*imports));

        if (!imports)
                return error_set(err, STAGE_LINK, -ENOMEM, ERROR_NOWHERE, "imports");
        for (uint32_t i = 0; i < m->nimports; i++) {
                int r = group_find_import(g, i, &imports[i], err);

                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(imports);
        return 0;
}

static int make_alone(struct guest *g, const struct extern_value *imports, struct error *err)
{
        struct store_options o = { .slots = CELL_MEMORIES_MAX, .sleep = guest_sleep,
                                   .memory_max_bytes = g->limits->memory_max_bytes };
        struct loaded_module *loaded;
        int r;

        r = store_new(&o, &g->store, err);
        if (r >= 0)
                r = module_load_into(g->module, g->store, &loaded, err);
        if (r >= 0)
                r = instance_create(g->store, loaded, imports, g->wasi, &g->instance, g->trap, err);
        if (r >= 0 && !g->leader)
                r = fiber_new(g->config.head->stack_bytes ? g->config.head->stack_bytes : CELL_STACK_BYTES,
                              &g->fiber, err);
        return r;
}

/* Dense slots come in kinds, by their room: the least that holds what the guest may have. */
static unsigned dense_kind(const struct guest *g)
{
        uint64_t room = g->limits->memory_max_bytes ? g->limits->memory_max_bytes : DENSE_USUAL;
        unsigned kind = 0;

        while (kind < DENSE_KINDS - 1 && DENSE_LEAST << kind < room)
                kind++;
        return kind;
}

/* As many as there is address space for, @o->count at most: a limit of the process leaves less than usual, or
 * a sanitizer that needs some itself. */
static int slots_new_most(struct slots_options *o, struct slots **ret, struct error *err)
{
        int r;

        while ((r = slots_new(o, ret, err)) == -ENOMEM && o->count > SLOTS_LEAST)
                o->count -= o->count / 8;
        return r;
}

/* Of all workers: tried before any of them takes its part, so that the last finds as much as the first. */
static unsigned default_slots(unsigned nworkers)
{
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        static unsigned found;
        struct slots_options o = { .count = SLOTS_ALL, .pagemap = -EBADF };
        struct slots *all;

        if (nworkers == 1)
                return SLOTS_ALL;
        pthread_mutex_lock(&lock);
        if (!found) {
                found = SLOTS_LEAST * nworkers;
                if (slots_new_most(&o, &all, NULL) == 0) {
                        found = o.count;
                        slots_free(all);
                }
        }
        pthread_mutex_unlock(&lock);
        return found;
}

static int find_slots(struct guest *g, struct slots **ret, struct error *err)
{
        struct worker *w = g->worker;
        struct slots_options o = { .keep_bytes = w->cell->pagemap < 0 ? KEEP_BYTES : WHOLE_BYTES,
                                   .dirty_bytes = KEEP_BYTES, .warm_max = WARM_MAX,
                                   .pagemap = w->cell->pagemap };
        struct slots **slots = &w->slots;
        int r = 0;

        if (g->module->artefact->dense) {
                unsigned kind = dense_kind(g);

                slots = &w->dense[kind];
                o.memory_bytes = DENSE_LEAST << kind;
                o.stack_bytes = DENSE_STACK;
        }
        if (!*slots) {
                o.count = (o.memory_bytes ? DENSE_ALL : default_slots(w->cell->nworkers)) / w->cell->nworkers;
                r = slots_new_most(&o, slots, err);
        }
        *ret = *slots;
        return r;
}

static int make_template(struct guest *g, const struct extern_value *imports, struct template **ret,
                         struct error *err)
{
        struct store_options o = { .slots = CELL_MEMORIES_MAX, .sleep = guest_sleep };
        const struct cell_module *m = g->module;
        struct slots *slots = NULL;
        int r = find_slots(g, &slots, err);

        if (r >= 0)
                r = template_new(slots, &o, m->artefact, m->code, m->fd, imports, ret, g->trap, err);
        return r;
}

static int take_copy(struct guest *g, const struct extern_value *imports, struct error *err)
{
        struct template **t = &g->worker->templates[g->module_number];
        int r = 0;

        if (!*t) {
                g->worker->kinds[g->module_number] = (uint8_t)dense_kind(g);
                r = make_template(g, imports, t, err);
        }
        if (r >= 0)
                r = template_take(*t, g->wasi, g->limits->memory_max_bytes, &g->instance, g->trap, err);
        if (r < 0)
                return r;
        g->from_template = true;
        g->fiber = instance_fiber(g->instance);
        return 0;
}

/* A guest that may have more memory than the slots of its module hold, or than any dense slot: in a
 * place of its own, where dense code runs as well. */
static bool is_too_large(const struct guest *g)
{
        const struct worker *w = g->worker;

        if (!g->module->artefact->dense)
                return false;
        return g->limits->memory_max_bytes > DENSE_MOST ||
               (w->templates[g->module_number] && dense_kind(g) > w->kinds[g->module_number]);
}

int instance_obtain(struct guest *g, struct error *err)
{
        _cleanup_free_ struct extern_value *imports = NULL;
        /* What is linked to others is nobody's copy. */
        bool alone = g->worker->cell->alone || g->leader || g->nmembers || is_too_large(g);
        int r = 0;

        if (alone || !g->worker->templates[g->module_number])
                r = find_imports(g, &imports, err);
        if (r < 0)
                return r;
        return alone ? make_alone(g, imports, err) : take_copy(g, imports, err);
}

void instance_give_back(struct guest *g)
{
        if (g->from_template) {
                template_give(g->instance);
        } else {
                fiber_free(g->fiber);
                store_free(g->store);
        }
        g->instance = NULL;
        g->fiber = NULL;
        g->store = NULL;
}
