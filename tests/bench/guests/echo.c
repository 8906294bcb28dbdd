/* echo.c - an echo server on the listening socket that is descriptor 3. One thread, poll, up to 2,000
 * connections; ends when the last of them has gone. The same source is the guest and its native twin. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER        3
#define CONNECTIONS_MAX 2000
#define BUFFER_BYTES    16384

static struct pollfd polls[1 + CONNECTIONS_MAX]; /* the first is the listener */
static unsigned n = 1;

static void accept_all(void)
{
        while (n < 1 + CONNECTIONS_MAX) {
                int fd = accept4(LISTENER, NULL, NULL, SOCK_NONBLOCK);

                if (fd < 0)
                        return;
                polls[n++] = (struct pollfd) { .fd = fd, .events = POLLIN };
        }
}

/* Messages are far smaller than a socket's buffer, and a client waits for the echo before it sends
 * the next: a send that is cut short is an error here. */
static int echo(int fd)
{
        static char buffer[BUFFER_BYTES];
        ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

        if (got < 0)
                return errno == EAGAIN ? 0 : -1;
        if (got == 0)
                return -1;
        return send(fd, buffer, (size_t)got, 0) == got ? 0 : -1;
}

int main(void)
{
        if (fcntl(LISTENER, F_SETFL, O_NONBLOCK) < 0) {
                perror("the listening socket");
                return 1;
        }
        polls[0] = (struct pollfd) { .fd = LISTENER, .events = POLLIN };
        do {
                unsigned was = n;

                if (poll(polls, n, -1) < 0) {
                        perror("poll");
                        return 1;
                }
                for (unsigned i = was; i-- > 1;) /* downwards: the last one takes a free place */
                        if (polls[i].revents && echo(polls[i].fd) < 0) {
                                close(polls[i].fd);
                                polls[i] = polls[--n];
                        }
                if (polls[0].revents)
                        accept_all();
        } while (n > 1);
        return 0;
}
