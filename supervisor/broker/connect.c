/* connect.c - the broker's side of connections that keys open; connector.c is the child's. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/broker/audit.h"
#include "supervisor/broker/connect.h"
#include "supervisor/broker/connector.h"
#include "supervisor/proto/descriptors.h"

int connect_start(const struct key *const *keys, unsigned n, struct connecting_child *ret, struct error *err)
{
        pid_t self = getpid();
        int pair[2];

        if (n > CONNECT_KEYS_MAX)
                return error_set(err, STAGE_POLICY, -E2BIG, ERROR_NOWHERE, "%u connections; %u are the most", n,
                                 CONNECT_KEYS_MAX);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
        *ret = (struct connecting_child) { { 0, -EBADF }, pair[0], audit_open(), keys, n };
        fflush(NULL);
        ret->child.pid = fork();
        if (ret->child.pid == 0)
                connector_run(keys, n, pair[1], self);
        close(pair[1]);
        if (ret->child.pid > 0)
                ret->child.pidfd = (int)syscall(SYS_pidfd_open, ret->child.pid, 0);
        if (ret->child.pidfd < 0) {
                error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "a child that connects: %m");
                if (ret->child.pid < 0)
                        ret->child.pid = 0;
                connect_end(ret);
                return err->code;
        }
        return 0;
}

void connect_end(struct connecting_child *c)
{
        if (c->child.pid > 0)
                process_done(&c->child);
        c->child.pid = 0;
        closep(&c->sock);
        closep(&c->audit);
        c->sock = c->audit = -EBADF;
}

/* It ends by itself when it has said what it has to say, or before, by a wall. */
static int without_a_word(const struct connecting_child *c, pid_t pid, const struct process_end *end, struct error *err)
{
        char call[64];

        if (end->signal != SIGSYS)
                return error_set(err, STAGE_BROKER, -EPIPE, ERROR_NOWHERE, "whoever connects ended without a word");
        if (audit_find(c->audit, pid, call, sizeof(call)) < 0)
                snprintf(call, sizeof(call), "a system call outside of its table");
        return error_set(err, STAGE_BROKER, -EPIPE, ERROR_NOWHERE,
                         "whoever connects was killed by seccomp: it called %s", call);
}

static int option(int fd, int name)
{
        socklen_t size = sizeof(int);
        int value;

        return getsockopt(fd, SOL_SOCKET, name, &value, &size) < 0 ? -errno : value;
}

int connect_check(const struct key *key, int fd, struct error *err)
{
        struct sockaddr_storage peer = { 0 };
        socklen_t size = sizeof(peer);
        char why[128];

        if (option(fd, SO_TYPE) != SOCK_STREAM || option(fd, SO_PROTOCOL) != IPPROTO_TCP ||
            getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
                return error_set(err, STAGE_BROKER, -ENOTCONN, ERROR_NOWHERE,
                                 "%s: what was handed over is no connection", key->name);
        if (!key_allows_address(key, (const struct sockaddr *)&peer, why, sizeof(why)))
                return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE, "%s: %s", key->name, why);
        return 0;
}

static int check_all(const struct connecting_child *c, const int *fds, unsigned *ret_at, struct error *err)
{
        int r = 0;

        for (*ret_at = 0; *ret_at < c->n; ++*ret_at) {
                r = connect_check(c->keys[*ret_at], fds[*ret_at], err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int connect_read(struct connecting_child *c, int *fds, unsigned *ret_at, struct error *err)
{
        struct connected word = { 0 };
        struct process_end end = { 0 };
        pid_t pid = c->child.pid;
        unsigned n = 0;
        ssize_t size = descriptors_receive(c->sock, &word, sizeof(word), fds, c->n, &n, MSG_DONTWAIT);
        int r;

        if (size == -EAGAIN)
                return -EAGAIN;
        /* From here on nobody else has what it handed over, and could connect it to another place. */
        process_kill(&c->child);
        (void)process_wait(&c->child, &end);
        c->child.pid = 0;
        word.text[sizeof(word.text) - 1] = '\0';
        *ret_at = word.at < c->n ? word.at : 0;
        if (size != sizeof(word) || word.code > 0 || (!word.code && n != c->n))
                r = without_a_word(c, pid, &end, err);
        else if (word.code < 0)
                r = error_set(err, word.stage < _STAGE_MAX ? word.stage : STAGE_BROKER, word.code, ERROR_NOWHERE,
                              "%s", word.text);
        else
                r = check_all(c, fds, ret_at, err);
        for (unsigned i = 0; i < n && r < 0; i++)
                close(fds[i]);
        return r;
}

int connect_open(const struct key *key, struct error *err)
{
        struct connecting_child c;
        struct pollfd wait;
        unsigned at;
        int fd = -EBADF, r;

        r = connect_start(&key, 1, &c, err);
        if (r < 0)
                return r;
        wait = (struct pollfd) { .fd = c.sock, .events = POLLIN };
        do {
                r = poll(&wait, 1, -1);
                r = r < 0 ? (errno == EINTR ? -EAGAIN : -errno) : connect_read(&c, &fd, &at, err);
        } while (r == -EAGAIN);
        connect_end(&c);
        return r < 0 ? r : fd;
}
