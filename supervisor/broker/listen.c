/* listen.c - see listen.h. */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "supervisor/broker/listen.h"

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

union address {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
};

static int parse_port(const char *text, in_port_t *ret)
{
        char *end;
        unsigned long n;

        if (*text < '0' || *text > '9')
                return -EINVAL;
        n = strtoul(text, &end, 10);
        if (*end || n > 65535)
                return -EINVAL;
        *ret = htons((in_port_t)n);
        return 0;
}

static int parse(const char *text, union address *ret, socklen_t *ret_size)
{
        const char *colon, *start;
        char host[64];
        size_t n;

        if (strncmp(text, "tcp:", 4) != 0)
                return -EINVAL;
        start = text + 4;
        colon = strrchr(start, ':');
        if (!colon)
                return -EINVAL;
        n = (size_t)(colon - start);
        *ret = (union address) { 0 };
        if (n >= 2 && start[0] == '[' && start[n - 1] == ']') {
                start++;
                n -= 2;
                ret->v6.sin6_family = AF_INET6;
                *ret_size = sizeof(ret->v6);
        } else {
                ret->v4.sin_family = AF_INET;
                *ret_size = sizeof(ret->v4);
        }
        if (n >= sizeof(host))
                return -EINVAL;
        memcpy(host, start, n);
        host[n] = '\0';
        if (ret->any.sa_family == AF_INET6)
                return inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1
                               ? parse_port(colon + 1, &ret->v6.sin6_port)
                               : -EINVAL;
        return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1
                       ? parse_port(colon + 1, &ret->v4.sin_port)
                       : -EINVAL;
}

int listen_open(const char *text, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        union address address;
        socklen_t size = 0;

        if (parse(text, &address, &size) < 0)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "%s is not tcp:ADDRESS:PORT", text);
        fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int)) < 0 ||
            bind(fd, &address.any, size) < 0 || listen(fd, BACKLOG) < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", text);
        return TAKE_FD(fd);
}

void listen_limit(int fd)
{
        /* Connections inherit it, to no effect: nobody waits in recv() in a cell. */
        const struct timeval limit = { .tv_usec = 10000 };

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}
