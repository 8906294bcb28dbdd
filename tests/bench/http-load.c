/* http-load.c - requests to an HTTP server, each over a connection of its own: how many a second, and how
 * long they take.
 *
 * http-load [-c CONNECTIONS] [-t SECONDS] PORT: on 127.0.0.1. Prints
 *   requests/s  p50 us  p99 us  failures
 * One thread; as many requests in flight as there are connections. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";

struct connection {
        int fd;
        bool sent;
        char head[16];
        size_t got;
        uint64_t began;
};

static struct sockaddr_in address = { .sin_family = AF_INET };
static uint32_t *times_us;
static size_t ntimes, room;
static uint64_t failures;
static int epoll;

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void begin(struct connection *c)
{
        struct epoll_event e = { .events = EPOLLOUT | EPOLLIN | EPOLLET, .data.ptr = c };

        *c = (struct connection) { .began = now_ns() };
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
                          errno != EINPROGRESS) ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) < 0) {
                perror("http-load");
                exit(1);
        }
}

static void finish(struct connection *c)
{
        if (c->got < 12 || memcmp(c->head, "HTTP/1.1 200", 12) != 0) {
                failures++;
        } else if (ntimes < room) {
                times_us[ntimes++] = (uint32_t)((now_ns() - c->began) / 1000);
        }
        close(c->fd);
}

/* True when the connection is over. */
static bool step(struct connection *c, uint32_t events)
{
        char bytes[4096];
        ssize_t n;

        if (!c->sent && events & EPOLLOUT) {
                if (send(c->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
                        return true;
                c->sent = true;
        }
        while (c->sent && (n = recv(c->fd, bytes, sizeof(bytes), 0)) != 0) {
                if (n < 0)
                        return errno != EAGAIN;
                if (c->got < sizeof(c->head)) {
                        size_t part = sizeof(c->head) - c->got;

                        memcpy(c->head + c->got, bytes, (size_t)n < part ? (size_t)n : part);
                }
                c->got += (size_t)n;
        }
        return c->sent;
}

static int compare(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
        unsigned n = 16, seconds = 3;
        struct connection *all;
        struct epoll_event events[64];
        uint64_t start, end;

        for (int o; (o = getopt(argc, argv, "c:t:")) != -1;)
                if (o == 'c')
                        n = (unsigned)atoi(optarg);
                else if (o == 't')
                        seconds = (unsigned)atoi(optarg);
                else
                        return 2;
        if (optind + 1 != argc)
                return 2;
        address.sin_port = htons((uint16_t)atoi(argv[optind]));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        room = (size_t)seconds * 200000;
        times_us = calloc(room, sizeof(*times_us));
        all = calloc(n, sizeof(*all));
        epoll = epoll_create1(EPOLL_CLOEXEC);
        if (!times_us || !all || epoll < 0)
                return 1;
        start = now_ns();
        end = start + seconds * UINT64_C(1000000000);
        for (unsigned i = 0; i < n; i++)
                begin(&all[i]);
        while (now_ns() < end) {
                int k = epoll_wait(epoll, events, 64, 100);

                for (int i = 0; i < k; i++) {
                        struct connection *c = events[i].data.ptr;

                        if (!step(c, events[i].events))
                                continue;
                        finish(c);
                        begin(c);
                }
        }
        end = now_ns();
        qsort(times_us, ntimes, sizeof(*times_us), compare);
        printf("%.0f %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", (double)ntimes * 1e9 / (double)(end - start),
               ntimes ? times_us[ntimes / 2] : 0, ntimes ? times_us[ntimes / 100 * 99] : 0, failures);
        return 0;
}
