#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/broker/connect.h"

#define WAIT_MS 10000

static void freeaddrinfop(struct addrinfo **list)
{
        if (*list)
                freeaddrinfo(*list);
}

static int resolve(const struct key *key, struct addrinfo **ret, struct error *err)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        const struct network *net = key->nnetworks == 1 ? &key->networks[0] : NULL;
        char host[INET6_ADDRSTRLEN], port[8];
        int r;

        if (key->port != key->port_last || (!key->host && (!net || net->bits != (net->v6 ? 128 : 32))))
                return error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "%s: a connection that is made beforehand goes to one host and one port", key->name);
        if (!key->host && !inet_ntop(net->v6 ? AF_INET6 : AF_INET, net->address, host, sizeof(host)))
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%s: its address", key->name);
        snprintf(port, sizeof(port), "%u", key->port);
        r = getaddrinfo(key->host ? key->host : host, port, &hints, ret);
        if (r != 0)
                return error_set(err, STAGE_BROKER, -EHOSTUNREACH, ERROR_NOWHERE, "%s: %s: %s", key->name,
                                 key->host ? key->host : host, gai_strerror(r));
        return 0;
}

/* Bounded in time; the socket blocks no more afterwards than one that was accepted. */
static int connect_to(const struct addrinfo *a)
{
        _cleanup_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd wait = { .fd = fd, .events = POLLOUT };
        socklen_t size = sizeof(int);
        int e = 0;

        if (fd < 0)
                return -errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
                if (errno != EINPROGRESS)
                        return -errno;
                if (poll(&wait, 1, WAIT_MS) != 1)
                        return -ETIMEDOUT;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &size) < 0 || e)
                        return e ? -e : -errno;
        }
        if (fcntl(fd, F_SETFL, 0) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int connect_open(const struct key *key, struct error *err)
{
        _cleanup_(freeaddrinfop) struct addrinfo *list = NULL;
        char why[128] = "no address";
        int r, last = -EACCES;

        r = resolve(key, &list, err);
        if (r < 0)
                return r;
        for (const struct addrinfo *a = list; a; a = a->ai_next) {
                if (!key_allows_address(key, a->ai_addr, why, sizeof(why)))
                        continue;
                last = connect_to(a);
                if (last >= 0)
                        return last;
        }
        if (last == -EACCES)
                return error_set(err, STAGE_POLICY, last, ERROR_NOWHERE, "%s: %s", key->name, why);
        return error_set(err, STAGE_BROKER, last, ERROR_NOWHERE, "%s: connecting: %s", key->name, strerror(-last));
}
