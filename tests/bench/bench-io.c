/* bench-io - files and sockets: a guest in a locked-down cell next to the same program compiled for this
 * machine.
 *
 *   bench-io [--copy MIB] [--connections N] [--seconds N] [--rounds N] [--directory DIR] BUILD
 *
 * BUILD is the build directory: it has nacelle, and the guests and twins in tests/bench/guests. Copies a
 * file of MIB (1024) with a buffer of 256 KiB and with one of 4 KiB, then echoes messages of 64 bytes over N connections (1,000), each waiting for its
 * answer. Rounds alternate between the two, the best one counts. The processor's time is shown beside: on
 * a busy machine it says more. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/cleanup.h"

#define MESSAGE_BYTES 64
#define PATH_BYTES    512
#define LISTENER      3

static struct {
        unsigned copy_mib, connections, seconds, rounds;
        const char *directory, *build;
} options = { 1024, 1000, 3, 3, "/tmp", NULL };

static _noreturn_ void fail(const char *what)
{
        fprintf(stderr, "bench-io: %s: %s\n", what, errno ? strerror(errno) : "failed");
        exit(EXIT_FAILURE);
}

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *in_build(const char *name)
{
        char *path;

        if (asprintf(&path, "%s/%s", options.build, name) < 0)
                fail("memory");
        return path;
}

/* A child with @listener as its descriptor 3, when there is one. */
static pid_t start(char *const *argv, int listener)
{
        pid_t child = fork();

        if (child < 0)
                fail("fork");
        if (child == 0) {
                if (listener == LISTENER)
                        fcntl(listener, F_SETFD, 0); /* it stays open across exec */
                else if (listener >= 0)
                        dup2(listener, LISTENER);
                execv(argv[0], argv);
                fail(argv[0]);
        }
        return child;
}

/* Returns the processor's time, in seconds, of the child and those that it waited for. */
static double wait_for(pid_t child, const char *what)
{
        struct rusage usage;
        int status;

        errno = 0;
        if (wait4(child, &status, 0, &usage) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                fail(what);
        return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Files */

static void make_source(const char *path)
{
        static uint8_t block[1 << 20];
        uint64_t x = 1;
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd < 0)
                fail(path);
        for (unsigned m = 0; m < options.copy_mib; m++) {
                for (size_t i = 0; i < sizeof(block); i += 4096) {
                        x = x * 6364136223846793005 + 1;
                        memcpy(block + i, &x, sizeof(x));
                }
                if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
                        fail(path);
        }
        close(fd);
}

static void same_files(const char *one, const char *other)
{
        pid_t child = start((char *[]) { (char *)"/usr/bin/cmp", (char *)one, (char *)other, NULL }, -1);

        wait_for(child, "the copy is not the same");
}

/* Seconds for one copy. */
static double copy_once(bool guest, const char *from, const char *to, unsigned buffer_kib, double *cpu)
{
        char buffer[16];
        _cleanup_free_ char *nacelle = in_build("nacelle"), *wasm = in_build("tests/bench/guests/copy.wasm"),
                       *twin = in_build("tests/bench/guests/native-copy"), *directory = NULL;
        double begin;
        pid_t child;

        if (asprintf(&directory, "%s:/d", options.directory) < 0)
                fail("memory");
        snprintf(buffer, sizeof(buffer), "%u", buffer_kib << 10);
        unlink(to);
        sync(); /* what the round before left to be written is not this one's */
        begin = now();
        if (guest)
                child = start((char *[]) { nacelle, (char *)"run", (char *)"--dir", directory, wasm,
                                           (char *)"/d/from", (char *)"/d/to", buffer, NULL }, -1);
        else
                child = start((char *[]) { twin, (char *)from, (char *)to, buffer, NULL }, -1);
        *cpu = wait_for(child, "copy");
        return now() - begin;
}

static void bench_copy(unsigned buffer_kib)
{
        char from[PATH_BYTES], to[PATH_BYTES];
        double best[2] = { 1e9, 1e9 }, best_cpu[2] = { 1e9, 1e9 };

        snprintf(from, sizeof(from), "%s/from", options.directory);
        snprintf(to, sizeof(to), "%s/to", options.directory);
        make_source(from);
        for (unsigned r = 0; r < options.rounds; r++)
                for (int guest = 0; guest < 2; guest++) {
                        double cpu, t = copy_once(guest, from, to, buffer_kib, &cpu);

                        if (t < best[guest])
                                best[guest] = t;
                        if (cpu < best_cpu[guest])
                                best_cpu[guest] = cpu;
                        if (r == 0)
                                same_files(from, to);
                }
        unlink(from);
        unlink(to);
        printf("copy of %u MiB by %u KiB: native %.0f MiB/s, guest %.0f MiB/s, ratio %.2f; processor: native %.2f s, "
               "guest %.2f s, ratio %.2f\n", options.copy_mib, buffer_kib, options.copy_mib / best[0],
               options.copy_mib / best[1], best[0] / best[1], best_cpu[0], best_cpu[1],
               best_cpu[0] / best_cpu[1]);
}

/* Sockets */

struct connection {
        int fd;
        unsigned got; /* bytes of the echo */
};

static void send_message(struct connection *c)
{
        static const char message[MESSAGE_BYTES] = "a message that comes back as it is";

        c->got = 0;
        if (send(c->fd, message, sizeof(message), MSG_NOSIGNAL) != MESSAGE_BYTES)
                fail("send");
}

static int bind_loopback(struct sockaddr_in *ret)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(*ret);

        *ret = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        if (fd < 0 || bind(fd, (struct sockaddr *)ret, size) < 0 ||
            getsockname(fd, (struct sockaddr *)ret, &size) < 0)
                fail("socket");
        return fd;
}

static void connect_one(struct connection *c, const struct sockaddr_in *to)
{
        for (unsigned tries = 0;; tries++) {
                c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                if (c->fd < 0)
                        fail("socket");
                if (connect(c->fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
                        return;
                if (tries == 500) /* the server is given five seconds to come up */
                        fail("connect");
                close(c->fd);
                usleep(10000);
        }
}

/* Messages a second over all connections. */
static double echo_load(const struct sockaddr_in *to, double *ret_messages)
{
        struct connection *connections = calloc(options.connections, sizeof(*connections));
        struct epoll_event events[256];
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        uint64_t messages = 0;
        double begin;

        if (!connections || epoll < 0)
                fail("epoll");
        for (unsigned i = 0; i < options.connections; i++) {
                struct epoll_event e = { .events = EPOLLIN, .data.ptr = &connections[i] };

                connect_one(&connections[i], to);
                if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &e) < 0)
                        fail("epoll");
        }
        begin = now();
        for (unsigned i = 0; i < options.connections; i++)
                send_message(&connections[i]);
        while (now() - begin < options.seconds) {
                int n = epoll_wait(epoll, events, ELEMENTSOF(events), 1000);

                if (n <= 0)
                        fail("nothing came back");
                for (int i = 0; i < n; i++) {
                        struct connection *c = events[i].data.ptr;
                        char buffer[MESSAGE_BYTES];
                        ssize_t got = recv(c->fd, buffer, sizeof(buffer) - c->got, 0);

                        if (got <= 0)
                                fail("a connection was lost");
                        c->got += (unsigned)got;
                        if (c->got < MESSAGE_BYTES)
                                continue;
                        messages++;
                        send_message(c);
                }
        }
        begin = now() - begin;
        for (unsigned i = 0; i < options.connections; i++)
                close(connections[i].fd);
        close(epoll);
        free(connections);
        *ret_messages = (double)messages;
        return (double)messages / begin;
}

static double echo_once(bool guest, double *ret_us)
{
        _cleanup_free_ char *nacelle = in_build("nacelle"), *wasm = in_build("tests/bench/guests/echo.wasm"),
                       *twin = in_build("tests/bench/guests/native-echo");
        struct sockaddr_in address;
        char listen_text[64];
        int listener = bind_loopback(&address);
        double rate, messages;
        pid_t child;

        if (guest) {
                /* The port was free a moment ago, and nacelle binds it itself. */
                close(listener);
                snprintf(listen_text, sizeof(listen_text), "tcp:127.0.0.1:%u", ntohs(address.sin_port));
                child = start((char *[]) { nacelle, (char *)"run", (char *)"--listen", listen_text, wasm,
                                           NULL }, -1);
        } else {
                if (listen(listener, 1024) < 0)
                        fail("listen");
                child = start((char *[]) { twin, NULL }, listener);
                close(listener);
        }
        rate = echo_load(&address, &messages);
        *ret_us = wait_for(child, "echo") * 1e6 / messages;
        return rate;
}

static void bench_echo(void)
{
        struct rlimit files;
        double best[2] = { 0, 0 }, best_us[2] = { 1e9, 1e9 };

        if (getrlimit(RLIMIT_NOFILE, &files) < 0)
                fail("descriptors");
        if (files.rlim_cur < options.connections + 64) {
                files.rlim_cur = options.connections + 64;
                if (setrlimit(RLIMIT_NOFILE, &files) < 0)
                        fail("descriptors");
        }
        for (unsigned r = 0; r < options.rounds; r++)
                for (int guest = 0; guest < 2; guest++) {
                        double us, rate = echo_once(guest, &us);

                        if (rate > best[guest])
                                best[guest] = rate;
                        if (us < best_us[guest])
                                best_us[guest] = us;
                }
        printf("echo over %u connections: native %.0f/s, guest %.0f/s, ratio %.2f; processor: native %.1f us, "
               "guest %.1f us a message, ratio %.2f\n", options.connections, best[0], best[1],
               best[1] / best[0], best_us[0], best_us[1], best_us[0] / best_us[1]);
}

int main(int argc, char **argv)
{
        static const struct { const char *name; unsigned *value; } numbers[] = {
                { "--copy", &options.copy_mib },       { "--connections", &options.connections },
                { "--seconds", &options.seconds },     { "--rounds", &options.rounds },
        };
        int i = 1;

        for (; i + 1 < argc; i += 2) {
                for (size_t k = 0; k < ELEMENTSOF(numbers); k++)
                        if (!strcmp(argv[i], numbers[k].name))
                                *numbers[k].value = (unsigned)strtoul(argv[i + 1], NULL, 0);
                if (!strcmp(argv[i], "--directory"))
                        options.directory = argv[i + 1];
        }
        if (i != argc - 1) {
                fprintf(stderr, "usage: bench-io [OPTION VALUE]... BUILD\n");
                return EXIT_FAILURE;
        }
        options.build = argv[i];
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (options.copy_mib) {
                bench_copy(256);
                bench_copy(4);
        }
        if (options.connections)
                bench_echo();
        return EXIT_SUCCESS;
}
