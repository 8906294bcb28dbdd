/* connecting.c - see connecting.h. */
#include "config.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/broker/connect.h"
#include "supervisor/broker/spawn.h"
#include "supervisor/daemon/connecting.h"
#include "supervisor/proto/descriptors.h"
#include "supervisor/proto/proto.h"

#define CHILDREN_MAX 16u

struct connecting {
        struct connecting *next; /* that waits for its turn */
        struct nano *guest;
        struct loop_watch watch;
        struct process child;    /* pid 0: its turn has not come */
        int sock;
};

static unsigned children;
static struct connecting *waiting, **waiting_end = &waiting;

struct connected { /* the child's word; descriptors with it */
        int32_t code;
        uint32_t stage;
        char text[256];
};

static unsigned count(const struct unit *u)
{
        unsigned n = 0;

        for (unsigned i = 0; i < u->nkeys; i++)
                n += u->keys[i].kind == KEY_CONNECT;
        for (unsigned i = 0; i < u->nimports; i++)
                for (unsigned k = 0; k < u->imports[i].nkeys; k++)
                        n += u->imports[i].keys[k].key.kind == KEY_CONNECT;
        return n;
}

bool connecting_wanted(const struct unit *u)
{
        return count(u) > 0;
}

static int connect_one(const struct key *key, int *fds, unsigned *n, struct error *err)
{
        int fd = key->kind == KEY_CONNECT ? connect_open(key, err) : 0;

        if (fd < 0 || key->kind != KEY_CONNECT)
                return fd;
        fds[(*n)++] = fd;
        return 0;
}

static int connect_all(const struct unit *u, int *fds, unsigned *n, struct error *err)
{
        int r = 0;

        for (unsigned i = 0; i < u->nkeys && r >= 0; i++)
                r = connect_one(&u->keys[i], fds, n, err);
        for (unsigned i = 0; i < u->nimports && r >= 0; i++)
                for (unsigned k = 0; k < u->imports[i].nkeys && r >= 0; k++) {
                        r = connect_one(&u->imports[i].keys[k].key, fds, n, err);
                        if (r < 0)
                                r = error_prefix(err, "%s: %s", u->imports[i].where, u->imports[i].name);
                }
        return r;
}

static void send_result(int sock, int r, const int *fds, unsigned n, const struct error *err)
{
        struct connected c = { .code = r < 0 ? r : 0, .stage = err->stage };

        snprintf(c.text, sizeof(c.text), "%s", r < 0 ? err->text : "");
        (void)descriptors_send(sock, &c, sizeof(c), fds, r >= 0 ? n : 0, 0);
}

/* Without the daemon's rights and files: the answers that it reads may be anybody's. */
_noreturn_ static void child(const struct unit *u, int sock, pid_t parent)
{
        struct lockdown l = { 0 };
        struct error err = { 0 };
        int fds[PROTO_LISTEN_MAX], r;
        sigset_t none;
        unsigned n = 0;

        if (dup2(sock, 3) < 0)
                _exit(1);
        syscall(SYS_close_range, 4, ~0u, 0);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        r = policy_credentials(&l, false, parent, &err);
        if (r >= 0)
                r = connect_all(u, fds, &n, &err);
        send_result(3, r, fds, n, &err);
        _exit(0);
}

static void on_result(void *context, uint32_t events);

static int begin(struct connecting *c, struct error *err)
{
        pid_t self = getpid();
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
        c->sock = pair[0];
        c->child.pid = fork();
        if (c->child.pid == 0)
                child(c->guest->service->unit, pair[1], self);
        close(pair[1]);
        r = c->child.pid < 0 ? -errno : 0;
        if (r < 0) {
                c->child.pid = 0;
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "a child that connects: %s", strerror(-r));
        }
        children++;
        c->child.pidfd = (int)syscall(SYS_pidfd_open, c->child.pid, 0);
        if (c->child.pidfd < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "pidfd: %m");
        c->watch = (struct loop_watch) { -EBADF, on_result, c };
        return loop_watch(c->guest->service->daemon->loop, &c->watch, c->sock, EPOLLIN, err);
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
        if (c->watch.ready)
                loop_unwatch(c->guest->service->daemon->loop, &c->watch);
        if (c->child.pid > 0) {
                process_done(&c->child);
                children--;
        }
        closep(&c->sock);
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
        unsigned n = count(g->service->unit);
        struct connecting *c;

        if (n > PROTO_LISTEN_MAX)
                return error_set(err, STAGE_POLICY, -E2BIG, ERROR_NOWHERE, "%u connections; %u are the most", n,
                                 PROTO_LISTEN_MAX);
        c = calloc(1, sizeof(*c));
        if (!c)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "connections: out of memory");
        *c = (struct connecting) { .guest = g, .child = { 0, -EBADF }, .sock = -EBADF };
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

static int receive(int sock, struct connected *ret, int *fds, unsigned *ret_n)
{
        ssize_t n = descriptors_receive(sock, ret, sizeof(*ret), fds, PROTO_LISTEN_MAX, ret_n, MSG_DONTWAIT);

        ret->text[sizeof(ret->text) - 1] = '\0';
        return n < 0 ? (int)n : n == (ssize_t)sizeof(*ret) ? 0 : -EPIPE;
}

static void on_result(void *context, uint32_t events)
{
        struct connecting *c = context;
        struct nano *g = c->guest;
        struct connected word = { 0 };
        struct error err = { 0 };
        int fds[PROTO_LISTEN_MAX], r;
        unsigned n = 0;

        r = receive(c->sock, &word, fds, &n);
        if (r == -EAGAIN)
                return;
        connecting_free(TAKE_PTR(g->connecting));
        g->connections = calloc(n + 1, sizeof(*g->connections));
        for (unsigned i = 0; i < n; i++) {
                if (g->connections)
                        g->connections[i] = fds[i];
                else
                        close(fds[i]);
        }
        g->nconnections = g->connections ? n : 0;
        if (!g->connections)
                r = error_set(&err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "connections: out of memory");
        else if (r < 0 || word.code > 0 || (!word.code && n != count(g->service->unit)))
                r = error_set(&err, STAGE_BROKER, -EPIPE, ERROR_NOWHERE, "whoever connects ended without a word");
        else if (word.code < 0)
                r = error_set(&err, word.stage < _STAGE_MAX ? word.stage : STAGE_BROKER, word.code, ERROR_NOWHERE, "%s",
                              word.text);
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
