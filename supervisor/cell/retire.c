/* retire.c - a module that nobody will run any more: its templates, and then all of it, are given back.
 *
 * The broker says so when the last of its guests has ended. Each worker frees what it has for the module, a few slots at
 * a time, for others wait meanwhile; the last one to do so frees the module and tells the broker, which may put
 * other code in its place then. No handler of a signal can be at work with it: those of a worker are over
 * when it is here, and the module's pages are nobody's before the first comes here. */
#include "config.h"

#include <stdlib.h>

#include "engine/instance/template.h"
#include "supervisor/cell/nano.h"

#define SLOTS_AT_ONCE 8

struct retiring { /* a module, at one worker */
        struct retiring *next;
        uint32_t number;
        bool left; /* this worker has nothing of it any more */
        bool last; /* the others neither: the broker is to be told */
};

int cell_retire(struct cell *c, uint32_t number)
{
        struct cell_module *m = cell_module(c, number);
        struct retiring *all[PROTO_WORKERS_MAX];

        /* What commands have loaded stays; so does what there is no memory to give back. */
        if (!m || m->loaded || m->leaving)
                return -EINVAL;
        for (unsigned i = 0; i < c->nworkers; i++) {
                all[i] = malloc(sizeof(*all[i]));
                if (!all[i]) {
                        while (i)
                                free(all[--i]);
                        return -ENOMEM;
                }
                *all[i] = (struct retiring) { .number = number };
        }
        heat_forget(m);
        __atomic_store_n(&m->leaving, c->nworkers, __ATOMIC_SEQ_CST);
        for (unsigned i = 0; i < c->nworkers; i++)
                worker_post_retiring(&c->workers[i], all[i]);
        return 0;
}

struct retiring *retiring_next(const struct retiring *r)
{
        return r->next;
}

void retiring_push(struct retiring **list, struct retiring *r)
{
        r->next = *list;
        *list = r;
}

/* Its last guests may have said that they ended, and not be gone. */
static bool leave(struct worker *w, struct retiring *r, bool *ret_more)
{
        struct cell_module *m = w->cell->modules[r->number];
        struct template *t = w->templates[r->number];

        if (__atomic_load_n(&m->users, __ATOMIC_SEQ_CST) || (t && template_busy(t)))
                return false;
        if (t && !template_shrink(t, SLOTS_AT_ONCE)) {
                *ret_more = true;
                return false;
        }
        template_free(t);
        w->templates[r->number] = NULL;
        r->left = true;
        r->last = __atomic_sub_fetch(&m->leaving, 1, __ATOMIC_SEQ_CST) == 0;
        return true;
}

static bool tell(struct worker *w, const struct retiring *r)
{
        struct unloaded_message told = { .head.message = MESSAGE_UNLOADED, .module = r->number };
        struct cell_module *m = w->cell->modules[r->number];

        if (m) {
                w->cell->modules[r->number] = NULL;
                cell_module_free(m);
        }
        return channel_try(&told, sizeof(told)) != -EAGAIN; /* then again, when the broker has read more */
}

bool retiring_serve(struct worker *w)
{
        struct retiring **at = &w->retiring;
        bool more = false;

        while (*at) {
                struct retiring *r = *at;

                if ((!r->left && !leave(w, r, &more)) || (r->last && !tell(w, r))) {
                        at = &r->next;
                        continue;
                }
                *at = r->next;
                free(r);
        }
        return more;
}
