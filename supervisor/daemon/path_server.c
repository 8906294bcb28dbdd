/* path_server.c - see path_server.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "policy/policy.h"
#include "supervisor/broker/member.h"
#include "supervisor/broker/paths.h"
#include "supervisor/broker/spawn.h"
#include "supervisor/daemon/path_server.h"
#include "supervisor/proto/descriptors.h"
#include "supervisor/proto/proto.h"

#define BATCH 32

struct path_server {
        struct process child;
        int sock;
};

struct served {
        int sock;
        struct paths paths;
};

struct grant {
        int fd;
        uint32_t verbs;
        const char *only; /* of a file key: its name in the directory */
};

struct grants {
        struct grant list[UNIT_KEYS_MAX];
        unsigned n;
};

struct server {
        const struct unit *unit;
        const char *cache;
        struct protection protection;
        int control, epoll;
        struct grants *grants; /* of the unit, then of each of its imports */
        struct checked_request request;
        union message_buffer in;
        struct {
                struct path_reply head;
                uint8_t bytes[PATH_REPLY_MAX];
        } reply;
};

static void drop(struct served *g)
{
        close(g->sock); /* which takes it out of the epoll set: nobody else has it */
        paths_done(&g->paths);
        free(g);
}

/* One request. A guest asks once at a time: where there is no room for the answer, the cell does not read, and has
 * lost this socket. */
static int serve(struct server *s, struct served *g)
{
        _cleanup_close_ int fd = -EBADF;
        struct iovec iov = { &s->in, sizeof(s->in) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        struct error err = { 0 };
        ssize_t n = recvmsg(g->sock, &msg, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0 || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return -EPIPE;
        if (path_request_check(&g->paths, &s->in, (size_t)n, &s->request, &err) < 0)
                return -EPROTO;
        memset(&s->reply.head, 0, sizeof(s->reply.head));
        s->reply.head.message = MESSAGE_PATH_REPLY;
        s->reply.head.id = s->request.head.id;
        paths_do(&g->paths, &s->request, &s->reply.head, s->reply.bytes, &fd);
        return descriptors_send(g->sock, &s->reply, sizeof(s->reply.head) + s->reply.head.bytes, &fd, fd >= 0,
                                MSG_DONTWAIT);
}

static int grant(const struct grants *grants, const struct protection *protection, struct paths *paths)
{
        struct error err = { 0 };

        paths_init(paths);
        paths_protect(paths, protection);
        for (unsigned i = 0; i < grants->n; i++) {
                const struct grant *g = &grants->list[i];
                int fd = fcntl(g->fd, F_DUPFD_CLOEXEC, 0);

                if (fd < 0 || paths_grant_verbs(paths, fd, g->verbs, g->only, &err) < 0) {
                        closep(&fd);
                        return -EMFILE;
                }
        }
        return 0;
}

/* A new guest from the daemon. Returns 0 at the daemon's end. */
static int take_guest(struct server *s)
{
        _cleanup_close_ int sock = -EBADF;
        uint8_t member = 0;
        unsigned nfds = 0;
        ssize_t n = descriptors_receive(s->control, &member, 1, &sock, 1, &nfds, 0);
        struct served *g;
        struct epoll_event e = { .events = EPOLLIN };

        if (n <= 0)
                return n == -EPROTO;
        if (!nfds || member > s->unit->nimports)
                return 1;
        g = calloc(1, sizeof(*g));
        if (!g)
                return 1;
        g->sock = TAKE_FD(sock);
        e.data.ptr = g;
        if (grant(&s->grants[member], &s->protection, &g->paths) < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, g->sock, &e) < 0)
                drop(g); /* the guest sees its socket end: every path is refused */
        return 1;
}

static int epoll_start(struct server *s, struct error *err)
{
        struct epoll_event e = { .events = EPOLLIN };

        s->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->control, &e) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "path server: %m");
        return 0;
}

_noreturn_ static void run(struct server *s)
{
        struct epoll_event batch[BATCH];

        for (;;) {
                int n = epoll_wait(s->epoll, batch, BATCH, -1);

                for (int i = 0; i < n; i++) {
                        struct served *g = batch[i].data.ptr;

                        if (!g) {
                                if (!take_guest(s))
                                        _exit(0);
                        } else if (serve(s, g) < 0) {
                                drop(g);
                        }
                }
        }
}

/* Beneath the trees of the unit's own keys, which is what Landlock will hold this process to. */
static int open_import(const struct unit_import *import, struct grants *ret, struct error *err)
{
        for (unsigned k = 0; k < import->nkeys && ret->n < UNIT_KEYS_MAX; k++) {
                const struct narrowed_key *key = &import->keys[k];
                struct grant *grant = &ret->list[ret->n];

                if (!path_server_serves(&key->key))
                        continue;
                *grant = (struct grant) { .verbs = key->key.verbs };
                grant->fd = member_tree_open(key, &grant->only, err);
                if (grant->fd < 0)
                        return error_prefix(err, "%s: %s", import->where, import->name);
                ret->n++;
        }
        return 0;
}

static int open_grants(struct server *s, struct error *err)
{
        struct grants *own = &s->grants[0];

        for (unsigned i = 0; i < s->unit->nkeys; i++) {
                const struct key *key = &s->unit->keys[i];
                struct grant *grant = &own->list[own->n];
                const char *slash;
                char parent[4096];

                if (!path_server_serves(key))
                        continue;
                *grant = (struct grant) { .fd = -EBADF, .verbs = key->verbs };
                snprintf(parent, sizeof(parent), "%s", key->path);
                slash = strrchr(key->path, '/');
                if (key->kind == KEY_FILE) {
                        grant->only = slash + 1;
                        parent[slash + 1 - key->path] = '\0';
                }
                grant->fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (grant->fd < 0)
                        return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "key %s: %s: %s",
                                         key->name, parent, strerror(errno));
                own->n++;
        }
        for (unsigned i = 0; i < s->unit->nimports; i++) {
                int r = open_import(&s->unit->imports[i], &s->grants[1 + i], err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* What imports are handed is beneath the unit's own. */
static int protect_caches(struct server *s, struct error *err)
{
        int writable[UNIT_KEYS_MAX];
        unsigned n = 0;

        for (unsigned i = 0; i < s->grants->n; i++)
                if (s->grants->list[i].verbs != VERB_READ && !s->grants->list[i].only)
                        writable[n++] = s->grants->list[i].fd;
        return protection_init(&s->protection, s->cache, writable, n, err);
}

static int lock_trees(struct lockdown *l, const struct grants *grants, struct error *err)
{
        struct policy_tree trees[UNIT_KEYS_MAX];
        int r;

        for (unsigned i = 0; i < grants->n; i++) {
                const struct grant *grant = &grants->list[i];

                trees[i] = (struct policy_tree) { .fd = grant->fd, .verbs = grant->verbs };
                if (!grant->only)
                        continue;
                trees[i].file = true;
                trees[i].fd = openat(grant->fd, grant->only, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                if (trees[i].fd < 0)
                        return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %s", grant->only,
                                         strerror(errno));
        }
        r = policy_landlock_trees(l, trees, grants->n, true, err);
        for (unsigned i = 0; i < grants->n; i++)
                if (trees[i].file)
                        close(trees[i].fd);
        return r;
}

/* In the order of layers.def. What this kernel has not, the unit's cells complain about. */
static int lock(struct server *s, pid_t parent, struct error *err)
{
        struct lockdown l = { 0 };
        int r;

#ifdef NACELLE_SANITIZERS
        l.skip = LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_MDWE);
#endif
        r = policy_limits(&l, ROLE_PATHS, 0, err);
        if (r >= 0)
                r = policy_path_server(&l, parent, err);
        if (r >= 0)
                r = policy_memory(&l, err);
        if (r >= 0)
                r = lock_trees(&l, s->grants, err);
        return r < 0 ? r : policy_seccomp(&l, ROLE_PATHS, err);
}

_noreturn_ static void child(struct server *s, pid_t parent)
{
        struct error err = { 0 };
        struct paths test;
        int32_t answer = 0;
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || dup2(s->control, FD_BROKER) < 0)
                _exit(1);
        s->control = FD_BROKER;
        syscall(SYS_close_range, FD_BROKER + 1, ~0u, 0);
        s->grants = calloc(1 + s->unit->nimports, sizeof(*s->grants));
        r = s->grants ? open_grants(s, &err) : error_set(&err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "grants");
        if (r >= 0)
                r = protect_caches(s, &err);
        if (r >= 0)
                r = epoll_start(s, &err);
        if (r >= 0)
                r = lock(s, parent, &err);
        for (unsigned i = 0; i <= s->unit->nimports && r >= 0; i++) {
                if (grant(&s->grants[i], &s->protection, &test) < 0)
                        r = error_set(&err, STAGE_POLICY, -EACCES, ERROR_NOWHERE,
                                      "a directory whose files are windows to the kernel");
                else
                        paths_done(&test);
        }
        answer = r < 0 ? r : 0;
        if (send(s->control, &answer, sizeof(answer), MSG_NOSIGNAL) < 0 ||
            send(s->control, err.text, sizeof(err.text), MSG_NOSIGNAL) < 0 || r < 0)
                _exit(1);
        run(s);
}

bool path_server_serves(const struct key *key)
{
        return key->kind == KEY_DIRECTORY || key->kind == KEY_FILE;
}

int path_server_start(const struct unit *u, const char *cache, struct path_server **ret, struct error *err)
{
        struct server *server = calloc(1, sizeof(*server));
        struct path_server *p = calloc(1, sizeof(*p));
        struct timeval limit = { 10, 0 };
        pid_t self = getpid();
        char text[256] = "";
        int32_t answer = -EPIPE;
        int pair[2], r;

        if (!server || !p || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
                free(server);
                free(p);
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "path server: %m");
        }
        *p = (struct path_server) { { 0, -EBADF }, pair[0] };
        server->unit = u;
        server->cache = cache;
        server->control = pair[1];
        p->child.pid = fork();
        if (p->child.pid == 0)
                child(server, self);
        close(pair[1]);
        free(server);
        r = p->child.pid < 0 ? -errno : 0;
        if (r == 0)
                p->child.pidfd = (int)syscall(SYS_pidfd_open, p->child.pid, 0);
        /* It opens directories, which a dead network file system may hold up: not for ever. */
        setsockopt(p->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        if (r == 0 && (recv(p->sock, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer) ||
                       recv(p->sock, text, sizeof(text) - 1, 0) < 0))
                answer = -EPIPE;
        if (r == 0)
                r = answer;
        if (r < 0) {
                error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "%s", text[0] ? text : "its path server died");
                path_server_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

int path_server_guest(struct path_server *p, unsigned member, int *ret_fd, struct error *err)
{
        int pair[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
        r = descriptors_send(p->sock, &(const uint8_t) { (uint8_t)member }, 1, &pair[1], 1, 0);
        close(pair[1]);
        if (r < 0) {
                close(pair[0]);
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "path server: %s", strerror(-r));
        }
        *ret_fd = pair[0];
        return 0;
}

void path_server_free(struct path_server *p)
{
        if (!p)
                return;
        if (p->child.pid > 0)
                process_done(&p->child);
        closep(&p->sock);
        free(p);
}
