/* sockets.c - see sockets.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#include "supervisor/broker/listen.h"
#include "supervisor/daemon/notify.h"
#include "supervisor/daemon/sockets.h"

#define BACKLOG 4096

struct handed {
        int fd;
        char name[256];
};

struct sockets {
        struct handed *handed;
        unsigned n;
};

static void take(void *context, int fd, const char *name)
{
        struct sockets *all = context;
        struct handed *handed = reallocarray(all->handed, all->n + 1, sizeof(*handed));
        int listening = 0;
        socklen_t size = sizeof(listening);

        if (!handed) {
                close(fd);
                return;
        }
        all->handed = handed;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening) {
                journal_write(LOG_WARNING, NULL, "descriptor %d (%s) is no listening socket: closed", fd, name);
                close(fd);
                return;
        }
        handed[all->n].fd = fd;
        snprintf(handed[all->n++].name, sizeof(handed->name), "%s", name);
}

int sockets_open(struct daemon *d, struct error *err)
{
        d->sockets = calloc(1, sizeof(*d->sockets));
        if (!d->sockets)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "sockets");
        notify_descriptors(take, d->sockets);
        return 0;
}

void sockets_free(struct daemon *d)
{
        if (!d->sockets)
                return;
        for (unsigned i = 0; i < d->sockets->n; i++)
                close(d->sockets->handed[i].fd);
        free(d->sockets->handed);
        free(d->sockets);
        d->sockets = NULL;
}

/* In the store it bears the unit's name and the key's. ':' separates names in LISTEN_FDNAMES. */
static void store_name(const struct service *s, const struct key *key, char *name, size_t size)
{
        snprintf(name, size, "%s/%s", s->unit->name, key->name);
        for (char *p = name; *p; p++)
                if (*p == ':')
                        *p = '_';
}

static int find(const struct sockets *all, const char *name)
{
        for (unsigned i = 0; i < all->n; i++)
                if (!strcmp(all->handed[i].name, name))
                        return fcntl(all->handed[i].fd, F_DUPFD_CLOEXEC, 3);
        return -ENOENT;
}

static int listen_unix(const char *path, struct error *err)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(err, STAGE_USAGE, -ENAMETOOLONG, ERROR_NOWHERE, "%s: too long", path);
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        /* What an earlier life left behind; anything but a socket is somebody else's. */
        if (fd >= 0 && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
            connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == ECONNREFUSED)
                unlink(path);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, BACKLOG) < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", path);
        return TAKE_FD(fd);
}

static int open_key(struct service *s, const struct key *key, struct error *err)
{
        const struct sockets *all = s->daemon->sockets;
        char name[256], text[128];
        int fd;

        if (key->handed) {
                fd = find(all, key->handed);
                return fd >= 0 ? fd
                               : error_set(err, STAGE_USAGE, -ENOENT, ERROR_NOWHERE,
                                           "key %s: no socket %s was handed over", key->name, key->handed);
        }
        store_name(s, key, name, sizeof(name));
        fd = find(all, name);
        if (fd >= 0)
                return fd;
        if (key->path) {
                fd = listen_unix(key->path, err);
        } else {
                snprintf(text, sizeof(text), strchr(key->host, ':') ? "tcp:[%s]:%u" : "tcp:%s:%u",
                         key->host, key->port);
                fd = listen_open(text, err);
        }
        /* Connections that come while the daemon is restarted, or has crashed, wait there. */
        if (fd >= 0)
                notify_store(fd, name);
        return fd;
}

int sockets_claim(struct service *s, struct error *err)
{
        const struct unit *u = s->unit;

        sockets_release(s);
        s->listen = calloc(u->nkeys ? u->nkeys : 1, sizeof(*s->listen));
        if (!s->listen)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "sockets");
        for (unsigned i = 0; i < u->nkeys; i++) {
                int fd;

                if (u->keys[i].kind != KEY_LISTEN)
                        continue;
                fd = open_key(s, &u->keys[i], err);
                if (fd < 0) {
                        sockets_release(s);
                        return fd;
                }
                listen_limit(fd);
                s->listen[s->nlisten++] = fd;
        }
        return 0;
}

/* Of the next life when the daemon itself ends: the manager keeps what is in its store. */
static void forget(struct service *s, const struct key *key)
{
        struct sockets *all = s->daemon->sockets;
        char name[256];

        if (key->handed || s->daemon->ending)
                return;
        store_name(s, key, name, sizeof(name));
        for (unsigned i = 0; i < all->n; i++)
                if (!strcmp(all->handed[i].name, name)) {
                        close(all->handed[i].fd);
                        all->handed[i] = all->handed[--all->n];
                        break;
                }
        notify_forget(name);
        if (key->path)
                unlink(key->path);
}

void sockets_release(struct service *s)
{
        for (unsigned i = 0, k = 0; k < s->nlisten; i++) {
                const struct key *key = &s->unit->keys[i];

                if (key->kind != KEY_LISTEN)
                        continue;
                close(s->listen[k++]);
                forget(s, key);
        }
        free(s->listen);
        s->listen = NULL;
        s->nlisten = 0;
}
