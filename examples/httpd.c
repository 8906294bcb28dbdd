/* httpd.c - an HTTP/1.1 server on a socket that it was handed.
 *
 *     nacelle run --listen tcp:127.0.0.1:8080 --dir site:/:ro httpd.wasm
 *
 * It cannot open a socket of its own: it finds the listening one among its descriptors, behind the
 * directories. One thread serves many connections by poll, keeps them alive, and answers pipelined
 * requests in order. GET and HEAD: "/" is a greeting, other paths are files below the directory, if
 * it has one. A client that is slow with its request or its reading holds up nobody. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

#define CONNECTIONS_MAX 256
#define REQUEST_MAX     8192
#define FILE_MAX        (16u << 20)

struct connection {
        int fd;
        char request[REQUEST_MAX]; /* bytes that were read and not yet answered */
        size_t got;
        char *answer;              /* bytes to be written, or NULL */
        size_t size, sent;
        bool last;                 /* close when the answer is out */
};

static struct connection *connections[CONNECTIONS_MAX];
static unsigned nconnections;
static unsigned long nrequests;

/* The first descriptor that is a stream socket. */
static int find_listener(void)
{
        for (int fd = 3; fd < 64; fd++) {
                __wasi_fdstat_t stat;

                if (__wasi_fd_fdstat_get(fd, &stat) == 0 &&
                    stat.fs_filetype == __WASI_FILETYPE_SOCKET_STREAM)
                        return fd;
        }
        return -1;
}

static void drop(unsigned i)
{
        struct connection *c = connections[i];

        close(c->fd);
        free(c->answer);
        free(c);
        connections[i] = connections[--nconnections];
}

static void answer(struct connection *c, const char *status, const char *body, size_t n, bool head)
{
        char *text = malloc(n + 256);
        int header;

        if (!text) {
                c->last = true;
                return;
        }
        header = snprintf(text, 256,
                          "HTTP/1.1 %s\r\nServer: nacelle-example\r\nContent-Type: text/plain\r\n"
                          "Content-Length: %zu\r\nConnection: %s\r\n\r\n",
                          status, n, c->last ? "close" : "keep-alive");
        if (!head && n)
                memcpy(text + header, body, n);
        free(c->answer);
        c->answer = text;
        c->size = (size_t)header + (head ? 0 : n);
        c->sent = 0;
}

static void answer_text(struct connection *c, const char *status, const char *text)
{
        answer(c, status, text, strlen(text), false);
}

static void answer_file(struct connection *c, const char *path, bool head)
{
        static const char none[] = "There is no such file here.\n";
        struct stat st;
        char *bytes = NULL;
        ssize_t n = -1;
        int fd = open(path, O_RDONLY);

        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= (off_t)FILE_MAX) {
                bytes = malloc((size_t)st.st_size + 1);
                if (bytes)
                        n = read(fd, bytes, (size_t)st.st_size);
        }
        if (fd >= 0)
                close(fd);
        if (n >= 0)
                answer(c, "200 OK", bytes, (size_t)n, head);
        else
                answer(c, "404 Not Found", none, strlen(none), head);
        free(bytes);
}

/* Value of header @name within the request, or NULL; it ends at the next CR. */
static const char *header_value(const char *request, const char *name)
{
        size_t n = strlen(name);

        for (const char *line = strstr(request, "\r\n"); line; line = strstr(line, "\r\n")) {
                line += 2;
                if (strncasecmp(line, name, n) == 0 && line[n] == ':')
                        return line + n + 1 + strspn(line + n + 1, " \t");
        }
        return NULL;
}

/* Answers the request at the front of the buffer when it is there whole. */
static void serve(struct connection *c)
{
        char method[8], path[1024], version[16], text[128];
        const char *value;
        char *end;
        size_t used;
        bool head;

        c->request[c->got] = 0;
        end = strstr(c->request, "\r\n\r\n");
        if (!end) {
                if (c->got == REQUEST_MAX - 1) {
                        c->last = true;
                        answer_text(c, "431 Request Header Fields Too Large", "Too long.\n");
                        c->got = 0;
                }
                return;
        }
        end[2] = 0;
        used = (size_t)(end + 4 - c->request);
        nrequests++;
        value = header_value(c->request, "connection");
        c->last = value && strncasecmp(value, "close", 5) == 0;
        if (sscanf(c->request, "%7s %1023s %15s", method, path, version) != 3 ||
            strncmp(version, "HTTP/1.", 7) != 0 || path[0] != '/') {
                c->last = true;
                answer_text(c, "400 Bad Request", "This is not HTTP/1.1.\n");
        } else if (header_value(c->request, "content-length") ||
                   header_value(c->request, "transfer-encoding")) {
                /* A body that nobody reads would be taken for the next request. */
                c->last = true;
                answer_text(c, "413 Content Too Large", "Bodies are not taken.\n");
        } else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
                answer_text(c, "405 Method Not Allowed", "GET and HEAD only.\n");
        } else {
                head = method[0] == 'H';
                if (strcmp(version, "HTTP/1.0") == 0)
                        c->last = true;
                path[strcspn(path, "?")] = 0;
                if (strcmp(path, "/") == 0) {
                        snprintf(text, sizeof(text), "Hello from inside a cell, request %lu.\n", nrequests);
                        answer(c, "200 OK", text, strlen(text), head);
                } else {
                        answer_file(c, path, head);
                }
        }
        memmove(c->request, c->request + used, c->got - used);
        c->got -= used;
}

/* Writes what can be written; false when the connection is over. */
static bool send_some(struct connection *c)
{
        while (c->answer) {
                ssize_t n = send(c->fd, c->answer + c->sent, c->size - c->sent, 0);

                if (n < 0)
                        return errno == EAGAIN;
                c->sent += (size_t)n;
                if (c->sent < c->size)
                        continue;
                free(c->answer);
                c->answer = NULL;
                if (c->last) {
                        shutdown(c->fd, SHUT_WR);
                        return false;
                }
                serve(c);
        }
        return !c->last;
}

static bool receive_some(struct connection *c)
{
        ssize_t n = recv(c->fd, c->request + c->got, REQUEST_MAX - 1 - c->got, 0);

        if (n <= 0)
                return n < 0 && errno == EAGAIN;
        c->got += (size_t)n;
        serve(c);
        return send_some(c);
}

static void accept_all(int listener)
{
        while (nconnections < CONNECTIONS_MAX) {
                struct connection *c;
                int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

                if (fd < 0)
                        return;
                c = calloc(1, sizeof(*c));
                if (!c) {
                        close(fd);
                        return;
                }
                c->fd = fd;
                connections[nconnections++] = c;
        }
}

int main(void)
{
        static struct pollfd polls[CONNECTIONS_MAX + 1];
        int listener = find_listener();

        if (listener < 0) {
                fputs("httpd: no listening socket: run me with --listen tcp:ADDRESS:PORT\n", stderr);
                return 1;
        }
        if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0) {
                perror("httpd: the listening socket");
                return 1;
        }
        for (;;) {
                unsigned n = nconnections;

                for (unsigned i = 0; i < n; i++)
                        polls[i] = (struct pollfd) {
                                .fd = connections[i]->fd,
                                .events = connections[i]->answer ? POLLOUT : POLLIN,
                        };
                /* With no room left, newcomers wait in the backlog. */
                polls[n] = (struct pollfd) { .fd = listener, .events = POLLIN };
                if (poll(polls, n + (n < CONNECTIONS_MAX), -1) < 0) {
                        perror("httpd: poll");
                        return 1;
                }
                for (unsigned i = n; i-- > 0;) { /* downwards: drop() moves the last one here */
                        struct connection *c = connections[i];

                        if (polls[i].revents && !(c->answer ? send_some(c) : receive_some(c)))
                                drop(i);
                }
                if (n < CONNECTIONS_MAX && polls[n].revents)
                        accept_all(listener);
        }
}
