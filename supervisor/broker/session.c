/* session.c - speaks with the cell: one command, its requests for paths, its answer, or its death. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/broker/audit.h"
#include "supervisor/broker/internal.h"
#include "supervisor/proto/descriptors.h"
#include "supervisor/proto/exits.h"

/* Next message into b->in. Returns 1; 0: the cell is gone; -ETIME; other negative errno. No
 * descriptor is taken from a cell: without room for them the kernel closes what came along. */
static int receive(struct broker *b, size_t *ret_size, int *ret_flags)
{
        struct iovec iov = { &b->in, sizeof(b->in) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        while (b->deadline_ns) {
                struct pollfd wait = { .fd = b->sock, .events = POLLIN };
                uint64_t now = monotonic_ns(), left;
                struct timespec t;
                int r;

                if (now >= b->deadline_ns)
                        return -ETIME;
                left = b->deadline_ns - now;
                t = (struct timespec) { (time_t)(left / 1000000000u), (long)(left % 1000000000u) };
                r = ppoll(&wait, 1, &t, NULL);
                if (r > 0)
                        break;
                if (r < 0 && errno != EINTR)
                        return -errno;
        }
        do
                n = recvmsg(b->sock, &msg, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno != ECONNRESET)
                return -errno;
        if (n <= 0)
                return 0;
        *ret_flags = msg.msg_flags;
        *ret_size = (size_t)n;
        return 1;
}

static int serve_path(struct broker *b, struct paths *paths, int sock, size_t size, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = path_request_check(paths, &b->in, size, &b->request, err);
        if (r < 0)
                return r;
        memset(&b->reply.head, 0, sizeof(b->reply.head));
        b->reply.head.message = MESSAGE_PATH_REPLY;
        b->reply.head.id = b->request.head.id;
        paths_do(paths, &b->request, &b->reply.head, b->reply.bytes, &fd);
        r = descriptors_send(sock, &b->reply, sizeof(b->reply.head) + b->reply.head.bytes, &fd, fd >= 0, MSG_DONTWAIT);
        /* A guest asks once at a time, so the socket has room. A cell that died is noticed by the next receive(). */
        return r == -EAGAIN ? error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "it does not take its answers") : 0;
}

int heat_check(const struct heat_message *m, struct error *err)
{
        if (m->n == 0 || m->n > HEAT_FUNCTIONS_MAX)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "heat of %u functions", m->n);
        for (uint32_t i = 1; i < m->n; i++)
                if (m->functions[i] <= m->functions[i - 1])
                        return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE,
                                         "heat out of order");
        return 0;
}

static int take_heat(struct broker *b, struct error *err)
{
        const struct heat_message *m = (const void *)&b->in;
        int r = heat_check(m, err);

        if (r >= 0)
                b->heat = *m;
        return r;
}

/* The cell has become another child of ours: that one is the cell now. */
static int take_move(struct broker *b, struct error *err)
{
        const struct moved_message *m = (const void *)&b->in;
        int r = b->moved ? -EPROTO : process_follow(&b->cell, m->pid);

        if (r < 0)
                return error_set(err, STAGE_PROTOCOL, r, ERROR_NOWHERE, "it moved where it cannot be followed");
        b->moved = true;
        return 0;
}

static bool is_of_guests(uint32_t message)
{
        return message == MESSAGE_STARTED || message == MESSAGE_ENDED || message == MESSAGE_LOG ||
               message == MESSAGE_DENIED || message == MESSAGE_HEAT || message == MESSAGE_UNLOADED;
}

static int check(struct broker *b, size_t size, int flags, unsigned phase, struct error *err)
{
        if (flags & MSG_TRUNC)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "a message that is too long");
        return message_check(&b->in, size, flags & MSG_CTRUNC ? 1 : 0, true, phase, err);
}

/* Without waiting: 1, or 0 and nothing. */
static int take_datagram(struct broker *b, int sock, size_t *ret_size, int *ret_flags)
{
        struct iovec iov = { &b->in, sizeof(b->in) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        do
                n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno == EAGAIN)
                return 0;
        if (n <= 0)
                return -EPIPE;
        *ret_flags = msg.msg_flags;
        *ret_size = (size_t)n;
        return 1;
}

int session_receive(struct broker *b, size_t *ret_size, struct error *err)
{
        int flags = 0, r = take_datagram(b, b->sock, ret_size, &flags);

        if (r <= 0)
                return r;
        r = check(b, *ret_size, flags, PHASE_OPEN, err);
        return r < 0 ? r : 1;
}

int session_serve_path(struct broker *b, struct paths *paths, int *sock, struct error *err)
{
        size_t size = 0;
        int flags = 0, r = take_datagram(b, *sock, &size, &flags);

        if (r == -EPIPE) /* the guest has ended, or the cell: that is told elsewhere */
                close(TAKE_FD(*sock));
        if (r <= 0)
                return 0;
        r = check(b, size, flags, PHASE_ASKED, err);
        if (r >= 0 && b->in.head.message != MESSAGE_PATH)
                r = error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "no request for a path");
        return r < 0 ? r : serve_path(b, paths, *sock, size, err);
}

/* Serve until the cell owes nothing. A message that no honest cell sends ends it. */
static int serve(struct broker *b, uint32_t id, struct answer *ret, struct error *err)
{
        *ret = (struct answer) { 0 };
        for (;;) {
                struct error broken = { 0 };
                size_t size = 0;
                int flags = 0;
                int r;

                r = receive(b, &size, &flags);
                if (r == -ETIME) {
                        ret->lost = ret->timed_out = true;
                        return 0;
                }
                if (r < 0)
                        return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "socket of the cell: %s",
                                         strerror(-r));
                if (r == 0) {
                        ret->lost = true;
                        return 0;
                }
                r = check(b, size, flags, b->phase, &broken);
                if (r >= 0 && b->keep && is_of_guests(b->in.head.message)) {
                        r = b->keep(b->keep_context, &b->in, size, &broken);
                        if (r >= 0)
                                continue;
                }
                if (r >= 0 && b->in.head.message == MESSAGE_PATH) {
                        r = serve_path(b, &b->paths, b->sock, size, &broken);
                        if (r >= 0)
                                continue;
                }
                if (r >= 0 && b->in.head.message == MESSAGE_HEAT && b->in.head.id == id) {
                        r = take_heat(b, &broken);
                        if (r >= 0)
                                continue;
                }
                if (r >= 0 && b->in.head.message == MESSAGE_MOVED) {
                        r = take_move(b, &broken);
                        if (r >= 0)
                                continue;
                }
                if (r >= 0 && b->in.head.id != id)
                        r = error_set(&broken, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE,
                                      "an answer to nothing that was asked");
                if (r < 0) {
                        char text[512];

                        session_bury(b, broken.text, text, sizeof(text));
                        return error_set(err, STAGE_PROTOCOL, r, ERROR_NOWHERE, "%s", text);
                }
                ret->size = size;
                return 0;
        }
}

int session_await_ready(struct broker *b, struct answer *ret, struct error *err)
{
        int r;

        b->phase = PHASE_STARTING;
        r = serve(b, 0, ret, err);
        b->phase = PHASE_OPEN;
        return r;
}

int session_ask(struct broker *b, void *command, size_t size, const int *fds, unsigned nfds,
                struct answer *ret, struct error *err)
{
        struct message_head *head = command;
        int r;

        if (b->sock < 0)
                return error_set(err, STAGE_CELL, -EPIPE, ERROR_NOWHERE, "the cell is gone");
        head->id = ++b->next_id;
        r = descriptors_send(b->sock, command, size, fds, nfds, 0);
        if (r == -EAGAIN) {
                *ret = (struct answer) { .lost = true, .timed_out = true };
                return 0;
        }
        if (r < 0 && r != -EPIPE && r != -ECONNRESET)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "sending to the cell: %s",
                                 strerror(-r));
        b->phase = PHASE_ASKED;
        r = serve(b, head->id, ret, err);
        b->phase = PHASE_OPEN;
        return r;
}

void session_bury(struct broker *b, const char *reason, char *text, size_t size)
{
        struct process_end end = { 0 };
        pid_t pid = b->cell.pid;
        char how[128], call[64];
        int r;

        if (b->buried[0]) {
                snprintf(text, size, "%s", b->buried);
                return;
        }
        /* It may live on with its socket closed: that is not a cell any more. */
        process_kill(&b->cell);
        cell_group_kill(&b->group);
        r = process_wait(&b->cell, &end);
        if (r == -ETIMEDOUT)
                snprintf(how, sizeof(how), "killed, but still in the kernel: a file does not answer");
        else if (r < 0)
                snprintf(how, sizeof(how), "its end was not seen");
        else if (end.signal == SIGSYS && audit_find(b->audit, pid, call, sizeof(call)) == 0)
                snprintf(how, sizeof(how), "killed by seccomp: it called %s", call);
        else if (end.signal == SIGSYS)
                snprintf(how, sizeof(how), "killed by seccomp for a system call outside of its table");
        else if (end.signal == SIGKILL && cell_group_oom(&b->group))
                snprintf(how, sizeof(how), "killed by the kernel: the memory of its control group was used up");
        else if (end.signal || !cell_exit_text(end.status, how, sizeof(how)))
                process_end_text(&end, how, sizeof(how));
        snprintf(b->buried, sizeof(b->buried), "cell %d %s: %s", (int)pid, reason ? "ended" : "lost",
                 reason ? reason : how);
        snprintf(text, size, "%s", b->buried);
        if (b->sock >= 0)
                close(TAKE_FD(b->sock));
}
