/* connecting.c - see connecting.h. */
#include "config.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "supervisor/broker/connect.h"
#include "supervisor/daemon/connecting.h"
#include "supervisor/proto/proto.h"

_Static_assert(PROTO_LISTEN_MAX <= CONNECT_KEYS_MAX, "a child makes them all");

#define CHILDREN_MAX 16u

struct connecting {
        struct connecting *next; /* that waits for its turn */
        struct nano *guest;
        struct loop_watch watch;
        struct connecting_child child; /* without a process: its turn has not come */
        const struct key *keys[CONNECT_KEYS_MAX];
        const struct unit_import *imports[CONNECT_KEYS_MAX]; /* whose key it is; NULL: the unit's own */
        unsigned n;
};

static unsigned children;
static struct connecting *waiting, **waiting_end = &waiting;

/* The keys in their order, as many as there is room for; returns how many there are. */
static unsigned collect(const struct unit *u, struct connecting *c)
{
        unsigned n = 0;

        for (unsigned i = 0; i <= u->nimports; i++) {
                const struct unit_import *import = i ? &u->imports[i - 1] : NULL;

                for (unsigned k = 0; k < (import ? import->nkeys : u->nkeys); k++) {
                        const struct key *key = import ? &import->keys[k].key : &u->keys[k];

                        if (key->kind != KEY_CONNECT)
                                continue;
                        if (c && n < CONNECT_KEYS_MAX) {
                                c->keys[n] = key;
                                c->imports[n] = import;
                        }
                        n++;
                }
        }
        return n;
}

bool connecting_wanted(const struct unit *u)
{
        return collect(u, NULL) > 0;
}

static void on_result(void *context, uint32_t events);

static int begin(struct connecting *c, struct error *err)
{
        int r = connect_start(c->keys, c->n, &c->child, err);

        if (r < 0)
                return r;
        children++;
        c->watch = (struct loop_watch) { -EBADF, on_result, c };
        return loop_watch(c->guest->service->daemon->loop, &c->watch, c->child.sock, EPOLLIN, err);
}

static void leave_queue(struct connecting *c)
{
        for (struct connecting **at = &waiting; *at; at = &(*at)->next)
                if (*at == c) {
                        *at = c->next;
                        if (!c->next)
                                waiting_end = at;
                        return;
                }
}

void connecting_free(struct connecting *c)
{
        if (!c)
                return;
        leave_queue(c);
        if (c->watch.ready) {
                loop_unwatch(c->guest->service->daemon->loop, &c->watch);
                children--;
        }
        connect_end(&c->child);
        free(c);
}

void connecting_go_on(void)
{
        while (waiting && children < CHILDREN_MAX) {
                struct connecting *c = waiting;
                struct nano *g = c->guest;
                struct error err = { 0 };

                leave_queue(c);
                if (begin(c, &err) < 0) {
                        connecting_free(TAKE_PTR(g->connecting));
                        connecting_done(g, err.code, &err);
                }
        }
}

int connecting_start(struct nano *g, struct error *err)
{
        struct connecting *c = calloc(1, sizeof(*c));

        if (!c)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "connections: out of memory");
        c->guest = g;
        c->child = (struct connecting_child) { .child = { 0, -EBADF }, .sock = -EBADF, .audit = -EBADF };
        c->n = collect(g->service->unit, c);
        if (c->n > PROTO_LISTEN_MAX) {
                error_set(err, STAGE_POLICY, -E2BIG, ERROR_NOWHERE, "%u connections; %u are the most", c->n,
                          PROTO_LISTEN_MAX);
                free(c);
                return err->code;
        }
        g->connecting = c;
        if (children < CHILDREN_MAX) {
                int r = begin(c, err);

                if (r < 0)
                        connecting_free(TAKE_PTR(g->connecting));
                return r;
        }
        *waiting_end = c;
        waiting_end = &c->next;
        return 0;
}

static int take(struct connecting *c, int *fds, struct error *err)
{
        const struct unit_import *import;
        unsigned at = 0;
        int r = connect_read(&c->child, fds, &at, err);

        import = c->imports[at];
        if (r < 0 && r != -EAGAIN && import)
                r = error_prefix(err, "%s: %s", import->where, import->name);
        return r;
}

static void on_result(void *context, uint32_t events)
{
        struct connecting *c = context;
        struct nano *g = c->guest;
        struct error err = { 0 };
        int fds[CONNECT_KEYS_MAX], r;
        unsigned n = c->n;

        r = take(c, fds, &err);
        if (r == -EAGAIN)
                return;
        connecting_free(TAKE_PTR(g->connecting));
        if (r >= 0) {
                g->connections = calloc(n, sizeof(*g->connections));
                if (g->connections) {
                        memcpy(g->connections, fds, n * sizeof(*fds));
                        g->nconnections = n;
                } else {
                        r = error_set(&err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "connections: out of memory");
                        for (unsigned i = 0; i < n; i++)
                                close(fds[i]);
                }
        }
        connecting_done(g, r, &err);
        connecting_go_on();
}

void connections_drop(struct nano *g)
{
        for (unsigned i = 0; i < g->nconnections; i++)
                if (g->connections[i] >= 0)
                        close(g->connections[i]);
        free(TAKE_PTR(g->connections));
        g->nconnections = 0;
}
