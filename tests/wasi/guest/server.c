/* server.c - an echo server for many connections at once, with poll(), on descriptor 3.
 *
 *     server COUNT      ends when that many connections have come and gone */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER 3
#define MAX      1100

static struct pollfd fds[MAX];
static unsigned n = 1;

static void accept_all(void)
{
        for (;;) {
                int fd = n < MAX ? accept(LISTENER, NULL, NULL) : -1;

                if (fd < 0)
                        return;
                fcntl(fd, F_SETFL, O_NONBLOCK);
                fds[n++] = (struct pollfd) { .fd = fd, .events = POLLIN };
        }
}

/* False when the peer has said all. */
static int echo(int fd)
{
        char bytes[16384];
        ssize_t got;

        while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
                for (ssize_t done = 0; done < got;) {
                        ssize_t sent = send(fd, bytes + done, got - done, 0);

                        if (sent < 0 && errno == EAGAIN) {
                                struct pollfd one = { .fd = fd, .events = POLLOUT };

                                poll(&one, 1, -1);
                        } else if (sent < 0) {
                                return 0;
                        } else {
                                done += sent;
                        }
                }
        return got < 0 && errno == EAGAIN;
}

int main(int argc, char **argv)
{
        unsigned count = argc > 1 ? atoi(argv[1]) : 1, served = 0, most = 0;

        fcntl(LISTENER, F_SETFL, O_NONBLOCK);
        fds[0] = (struct pollfd) { .fd = LISTENER, .events = POLLIN };
        while (served < count) {
                if (poll(fds, n, -1) < 0)
                        return 2;
                if (fds[0].revents)
                        accept_all();
                if (n - 1 > most)
                        most = n - 1;
                for (unsigned i = 1; i < n; i++) {
                        if (!fds[i].revents || echo(fds[i].fd))
                                continue;
                        shutdown(fds[i].fd, SHUT_WR);
                        close(fds[i].fd);
                        fds[i--] = fds[--n];
                        served++;
                }
        }
        printf("served %u, at most %u at once\n", served, most);
        return 0;
}
