/* control_socket.c - the connections of the control socket: accepted, bounded in number, watched. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#include "supervisor/daemon/daemon.h"

#define TRUSTED_MAX  64u /* connections of those who may change things */
#define OTHERS_MAX   16u /* of all others together: they cannot lock the former out */

struct client {
        struct control_socket *socket;
        struct connection *connection;
        struct loop_watch watch;
        bool trusted;
        struct client *next;
};

struct control_socket {
        struct daemon *daemon;
        struct loop_watch watch;
        int fd, lock;
        char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
        struct client *clients;
        unsigned ntrusted, nothers;
        struct loop_timer flush, pause;
};

static void client_free(struct client *c)
{
        struct control_socket *socket = c->socket;

        for (struct client **at = &socket->clients; *at; at = &(*at)->next)
                if (*at == c) {
                        *at = c->next;
                        break;
                }
        if (c->trusted)
                socket->ntrusted--;
        else
                socket->nothers--;
        loop_unwatch(socket->daemon->loop, &c->watch);
        connection_free(c->connection);
        free(c);
}

static void client_ready(void *context, uint32_t events)
{
        struct client *c = context;

        if (connection_ready(c->connection, events) < 0)
                client_free(c);
        else
                loop_watch_change(c->socket->daemon->loop, &c->watch, connection_events(c->connection));
}

static void client_add(struct control_socket *socket, int fd)
{
        struct client *c = calloc(1, sizeof(*c));
        struct control_peer peer;
        struct error err = { 0 };

        if (!c || peer_read(fd, socket->daemon->options.control_group, &peer, &err) < 0)
                goto refuse;
        if ((peer.may_change ? socket->ntrusted : socket->nothers) >=
            (peer.may_change ? TRUSTED_MAX : OTHERS_MAX))
                goto refuse;
        *c = (struct client) { .socket = socket, .watch = { -EBADF, client_ready, c },
                               .trusted = peer.may_change };
        c->connection = connection_new(fd, &peer, control_handlers, socket->daemon);
        if (!c->connection)
                goto refuse;
        c->next = socket->clients;
        socket->clients = c;
        if (c->trusted)
                socket->ntrusted++;
        else
                socket->nothers++;
        if (loop_watch(socket->daemon->loop, &c->watch, fd, EPOLLIN, &err) < 0)
                client_free(c);
        return;

refuse:
        free(c);
        close(fd);
}

static void on_connection(void *context, uint32_t events)
{
        struct control_socket *socket = context;
        int fd = accept4(socket->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
                client_add(socket, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                /* The connection stays in the queue, and epoll would tell of it without end. */
                loop_watch_change(socket->daemon->loop, &socket->watch, 0);
                loop_timer_set(socket->daemon->loop, &socket->pause,
                               loop_now(socket->daemon->loop) + ACCEPT_PAUSE_NS);
        }
}

static void go_on(void *context)
{
        struct control_socket *socket = context;

        loop_watch_change(socket->daemon->loop, &socket->watch, EPOLLIN);
}

static void flush_all(void *context)
{
        struct control_socket *socket = context;
        struct client *next;

        for (struct client *c = socket->clients; c; c = next) {
                next = c->next;
                client_ready(c, 0);
        }
}

void control_changed(struct daemon *d)
{
        struct control_socket *socket = d->control;

        if (socket && socket->clients && !socket->flush.place)
                loop_timer_set(d->loop, &socket->flush, loop_now(d->loop));
}

static int make_directory(const char *path, struct error *err)
{
        char directory[sizeof(((struct control_socket *)0)->path)];
        char *slash;

        snprintf(directory, sizeof(directory), "%s", path);
        slash = strrchr(directory, '/');
        if (!slash || slash == directory)
                return 0;
        *slash = '\0';
        if (mkdir(directory, 0755) < 0 && errno != EEXIST)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", directory);
        return 0;
}

/* One daemon a socket: whoever holds the lock beside it may replace what a dead one left. */
static int take_lock(struct control_socket *socket, struct error *err)
{
        char path[sizeof(socket->path) + 8];

        snprintf(path, sizeof(path), "%s.lock", socket->path);
        socket->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (socket->lock < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", path);
        if (flock(socket->lock, LOCK_EX | LOCK_NB) < 0)
                return error_set(err, STAGE_USAGE, -EBUSY, ERROR_NOWHERE, "another nacelled listens at %s",
                                 socket->path);
        return 0;
}

int control_open(struct daemon *d, struct error *err)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct control_socket *socket_ = calloc(1, sizeof(*socket_));
        const char *path = d->options.control;
        mode_t mask;
        int r;

        if (!socket_)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "control socket");
        *socket_ = (struct control_socket) { .daemon = d, .watch = { -EBADF, on_connection, socket_ },
                                             .fd = -EBADF, .lock = -EBADF,
                                             .flush = { .due = flush_all, .context = socket_ },
                                             .pause = { .due = go_on, .context = socket_ } };
        d->control = socket_;
        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(err, STAGE_USAGE, -ENAMETOOLONG, ERROR_NOWHERE, "%s: too long for a socket",
                                 path);
        r = make_directory(path, err);
        if (r < 0)
                return r;
        strcpy(address.sun_path, path);
        strcpy(socket_->path, path);
        r = take_lock(socket_, err);
        if (r < 0) {
                socket_->path[0] = '\0';
                return r;
        }
        unlink(path);
        socket_->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        /* Whoever connects may look; SO_PEERCRED decides about the rest. An ordinary user's is his alone. */
        mask = umask(d->options.user ? 0177 : 0111);
        r = socket_->fd < 0 || bind(socket_->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(socket_->fd, 32) < 0 ? -errno : 0;
        umask(mask);
        if (r < 0)
                return error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "%s: %s", path, strerror(-r));
        return loop_watch(d->loop, &socket_->watch, socket_->fd, EPOLLIN, err);
}

void control_close(struct daemon *d)
{
        struct control_socket *socket = TAKE_PTR(d->control);

        if (!socket)
                return;
        while (socket->clients) {
                connection_flush(socket->clients->connection);
                client_free(socket->clients);
        }
        loop_unwatch(d->loop, &socket->watch);
        loop_timer_clear(d->loop, &socket->flush);
        loop_timer_clear(d->loop, &socket->pause);
        if (socket->fd >= 0)
                unlink(socket->path);
        closep(&socket->fd);
        closep(&socket->lock);
        free(socket);
}
