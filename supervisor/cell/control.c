/* control.c - the broker's messages: commands, one at a time, each answered once; and what concerns
 * guests, which is handed to their workers. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/cell/nano.h"

/* Handlers return what the answer's sending returned: negative ends the cell, for the broker is gone, or
 * is not one that can be served. */
typedef int handler(struct cell *c, const void *message, struct received *with);

static int on_configure(struct cell *c, const void *message, struct received *with)
{
        struct error err = { 0 };
        int r = guest_configure(c, message, with, &err);

        return r < 0 ? reply_error(c, &err) : reply_done(c, 0, NULL, 0);
}

static int on_load(struct cell *c, const void *message, struct received *with)
{
        struct error err = { 0 };
        uint32_t number = 0;
        int r = cell_load(c, message, with->nfds ? with->fds[0] : -EBADF, &number, &err);

        if (r < 0)
                return reply_error(c, &err);
        with->nfds = 0; /* kept for memory images */
        return reply_done(c, number, NULL, 0);
}

static int on_instantiate(struct cell *c, const void *message, struct received *with)
{
        const struct instantiate_message *m = message;
        struct trap_info trap = { 0 };
        struct error err = { 0 };
        uint32_t number = 0;
        int r = 0;

        if (m->offers & OFFER_WASI)
                r = guest_wasi(c, &err);
        if (r >= 0)
                r = cell_instantiate(c, m->module, m->offers, c->wasi, &number, &trap, &err);
        return guest_instantiate_reply(c, r, number, &trap, &err);
}

static int on_register(struct cell *c, const void *message, struct received *with)
{
        struct error err = { 0 };
        int r = cell_register(c, message, &err);

        return r < 0 ? reply_error(c, &err) : reply_done(c, 0, NULL, 0);
}

static int find_export(struct cell *c, const struct call_message *m, enum extern_kind kind,
                       struct extern_value *ret, struct error *err)
{
        const char *name = (const char *)(m + 1);
        struct instance *instance;
        int r;

        r = cell_find_instance(c, m->instance, &instance, err);
        if (r < 0)
                return r;
        if (instance_export(instance, name, m->name_bytes, ret) < 0 || ret->kind != kind)
                return error_set(err, STAGE_LINK, -ENOENT, ERROR_NOWHERE, "no export %.*s",
                                 m->name_bytes < 80 ? (int)m->name_bytes : 80, name);
        return 0;
}

/* A reference from outside is null or the host's own: a funcref is an address, and none of its. The
 * host's are externref, or any when they are to be converted. False: another type. */
static bool take_reference(struct instance *i, const struct wire_value *v, valtype want,
                           union value *ret)
{
        uint32_t heap = valtype_heap(want), given = valtype_heap(v->type);

        if (!valtype_is_ref(v->type) || given < HEAP_FIRST_ABSTRACT)
                return false;
        if (!v->bits[0])
                return valtype_has_default(want) &&
                       heap_top_of(given) == module_heap_top(instance_module(i), heap);
        if (given != heap)
                return false;
        ret->ref = instance_reference_of(i, want, v->bits[0]);
        return ret->ref != 0;
}

static bool take_argument(struct instance *i, const struct wire_value *v, valtype want,
                          union value *ret)
{
        *ret = (union value) { .bits = { 0, 0 } };
        if (valtype_is_ref(want))
                return take_reference(i, v, want, ret);
        memcpy(ret->bits, v->bits, sizeof(ret->bits));
        return v->type == want;
}

static int take_args(const struct call_message *m, const struct extern_value *f,
                     const struct functype *type, union value *args, struct error *err)
{
        const struct wire_value *values =
                (const void *)((const uint8_t *)m + call_values_at(m->name_bytes));

        if (m->nvalues != type->nparams)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "%u arguments for a function that takes %u", m->nvalues,
                                 type->nparams);
        for (uint32_t i = 0; i < m->nvalues; i++)
                if (!take_argument(f->instance, &values[i], type->params[i], &args[i]))
                        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                         "argument %u has another type", i + 1);
        return 0;
}

static int on_call(struct cell *c, const void *message, struct received *with)
{
        const struct call_message *m = message;
        _cleanup_free_ union value *args = NULL;
        struct extern_value f;
        struct error err = { 0 };
        int r;

        r = find_export(c, m, EXTERN_FUNC, &f, &err);
        if (r < 0)
                return reply_error(c, &err);
        args = calloc(m->nvalues + 1, sizeof(*args));
        if (args)
                r = take_args(m, &f, extern_function_type(&f), args, &err);
        else
                r = error_set(&err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "arguments");
        return r < 0 ? reply_error(c, &err) : guest_call_reply(c, &f, args);
}

static int on_global(struct cell *c, const void *message, struct received *with)
{
        struct wire_value value = { 0 };
        struct extern_value g;
        struct error err = { 0 };
        union value v;
        valtype type;
        int r;

        r = find_export(c, message, EXTERN_GLOBAL, &g, &err);
        if (r < 0)
                return reply_error(c, &err);
        r = extern_global_get(&g, &type, &v);
        if (r < 0) {
                error_set(&err, STAGE_LINK, r, ERROR_NOWHERE, "reading the global");
                return reply_error(c, &err);
        }
        value = wire_of(g.instance, type, &v);
        return reply_done(c, 0, &value, 1);
}

static int on_stats(struct cell *c, const void *message, struct received *with)
{
        const struct stats_message *m = message;
        uint64_t bytes = (uint64_t)m->slots * sizeof(*c->stats);
        struct stat st;
        void *p;

        if (c->stats || with->nfds != 1 || m->slots == 0 || fstat(with->fds[0], &st) < 0 ||
            (uint64_t)st.st_size < bytes)
                return -EPROTO;
        p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, with->fds[0], 0);
        if (p == MAP_FAILED)
                return -ENOMEM;
        c->stats = p;
        c->nstats = m->slots;
        return 0;
}

static int on_member(struct cell *c, const void *message, struct received *with)
{
        struct guest *m = guest_new(c, message, with);
        int r = m ? group_wait(c, m) : -ENOMEM;

        if (r < 0 && m)
                guest_free(m);
        return r;
}

static int on_spawn(struct cell *c, const void *message, struct received *with)
{
        struct guest *g = guest_new(c, message, with);
        int r;

        if (!g)
                return -ENOMEM;
        r = group_take(c, g, ((const struct spawn_message *)message)->nmembers);
        if (r < 0)
                return r;
        r = table_add(g);
        if (r < 0 && g->r >= 0)
                g->r = error_set(&g->err, STAGE_PROTOCOL, r, ERROR_NOWHERE, "the guest's number");
        worker_post(g, POST_BEGIN);
        return 0;
}

static int on_kill(struct cell *c, const void *message, struct received *with)
{
        const struct kill_message *m = message;

        (void)table_find_and_post(m->guest, m->how == KILL_STOP ? POST_STOP : POST_KILL);
        return 0;
}

static int on_unload(struct cell *c, const void *message, struct received *with)
{
        const struct unload_message *m = message;

        (void)with;
        (void)cell_retire(c, m->module);
        return 0;
}

static int on_snapshot(struct cell *c, const void *message, struct received *with)
{
        struct error err = { 0 };
        int r = preinit_snapshot(c, message, with->nfds ? with->fds[0] : -EBADF, &err);

        return r < 0 ? reply_error(c, &err) : reply_done(c, 0, NULL, 0);
}

static handler *const handlers[_MESSAGE_MAX] = {
        [MESSAGE_CONFIGURE] = on_configure, [MESSAGE_LOAD] = on_load,
        [MESSAGE_INSTANTIATE] = on_instantiate, [MESSAGE_REGISTER] = on_register,
        [MESSAGE_CALL] = on_call, [MESSAGE_GLOBAL] = on_global,
        [MESSAGE_SNAPSHOT] = on_snapshot, [MESSAGE_UNLOAD] = on_unload,
        [MESSAGE_STATS] = on_stats, [MESSAGE_SPAWN] = on_spawn, [MESSAGE_MEMBER] = on_member, [MESSAGE_KILL] = on_kill,
};

static int serve(struct cell *c, struct received *r)
{
        struct error err = { 0 };

        if (message_check(&c->in, r->size, r->nfds, false, PHASE_OPEN, &err) < 0)
                return -EPROTO;
        if (c->dumpable) { /* the broker has seen what it wanted to see */
                if (policy_not_dumpable(&c->lockdown, &err) < 0)
                        return -EPERM;
                c->dumpable = false;
        }
        c->id = c->in.head.id;
        return handlers[c->in.head.message](c, &c->in, r);
}

void control_main(void *argument)
{
        struct cell *c = argument;

        for (;;) {
                struct received r = { 0 };
                int e = channel_receive(c, &r);

                if (e >= 0)
                        e = serve(c, &r);
                for (unsigned i = 0; i < r.nfds; i++)
                        close(r.fds[i]);
                if (e < 0)
                        return;
        }
}
