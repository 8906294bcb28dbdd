/* sock.c - connections on handed-over sockets. */
#include <errno.h>
#include <sys/socket.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

struct accept_call {
        struct descriptor *listener;
        struct guest_span ret;
        uint16_t flags;
};

static enum wasi_errno accept_check(struct wasi *w, const struct guest *g, uint32_t fd,
                                    uint32_t flags, uint32_t ret_fd, struct accept_call *ret)
{
        enum wasi_errno e = guest_span(g, guest_ptr(ret_fd), 1, sizeof(uint32_t), &ret->ret);

        if (e)
                return e;
        if (flags & ~WASI_FD_NONBLOCK)
                return WASI_INVAL;
        ret->flags = flags;
        e = descriptor_get(w, fd, "L", RIGHT_SOCK_ACCEPT, &ret->listener);
        if (e)
                return e;
        if (!descriptor_room(w)) {
                e = WASI_MFILE;
        } else if (w->config.connections_max && w->connections >= w->config.connections_max) {
                wasi_refuse(w, REFUSED_CONNECTIONS, NULL);
                e = WASI_NFILE;
        }
        if (e)
                (void) descriptor_put(w, ret->listener);
        return e;
}

static enum wasi_errno accept_do(struct wasi *w, struct accept_call *c)
{
        struct ring_op op = {
                .code = RING_ACCEPT, .fd = c->listener->fd, .flags = SOCK_CLOEXEC,
        };
        struct descriptor *d = descriptor_new(w, KIND_CONNECTION);
        enum wasi_errno e = WASI_NOMEM;
        uint32_t number;
        int32_t r;

        if (d) {
                w->connections++;
                r = io_submit(w, c->listener, &op);
                d->fd = r;
                d->filetype = WASI_FILETYPE_SOCKET_STREAM;
                d->flags = c->flags;
                d->rights = c->listener->inheriting & wasi_rights_of(KIND_CONNECTION);
                e = wasi_errno_of(r);
        }
        if (!e)
                e = descriptor_add(w, d, &number);
        if (!e)
                guest_store_u32(&c->ret, number);
        else
                (void) descriptor_put(w, d);
        (void) descriptor_put(w, c->listener);
        return e;
}

uint32_t wasi_sock_accept(uint32_t fd, uint32_t flags, uint32_t ret_fd)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct accept_call c;
        enum wasi_errno e = accept_check(w, &g, fd, flags, ret_fd, &c);

        return e ? e : accept_do(w, &c);
}

struct message_call {
        struct descriptor *d;
        struct guest_iov iov;
        struct guest_span ret, ret_flags;
        uint32_t flags; /* MSG_... */
};

static enum wasi_errno recv_check(struct wasi *w, const struct guest *g, uint32_t fd, uint32_t iovs,
                                  uint32_t n, uint32_t flags, uint32_t ret_bytes,
                                  uint32_t ret_flags, struct message_call *ret)
{
        enum wasi_errno e = guest_span(g, guest_ptr(ret_bytes), 1, sizeof(uint32_t), &ret->ret);

        if (!e)
                e = guest_span(g, guest_ptr(ret_flags), 1, sizeof(uint16_t), &ret->ret_flags);
        if (!e && (flags & ~(WASI_RECV_PEEK | WASI_RECV_WAITALL)))
                e = WASI_INVAL;
        if (!e)
                e = guest_iov_load(g, guest_ptr(iovs), n, &ret->iov);
        ret->flags = (flags & WASI_RECV_PEEK ? MSG_PEEK : 0) |
                     (flags & WASI_RECV_WAITALL ? MSG_WAITALL : 0);
        return e ? e : descriptor_get(w, fd, "C", RIGHT_FD_READ, &ret->d);
}

static enum wasi_errno recv_do(struct wasi *w, struct message_call *c)
{
        /* No room for control messages: descriptors that a peer sends along are dropped by the
         * kernel and never enter the cell. */
        struct msghdr message;
        struct ring_op op = message_op(c->d, &c->iov, &message, false, true, c->flags);
        int32_t r = io_submit(w, c->d, &op);
        uint16_t flags = message.msg_flags & MSG_TRUNC ? WASI_RECV_DATA_TRUNCATED : 0;

        if (r >= 0) {
                guest_store_u32(&c->ret, r);
                guest_store(&c->ret_flags, 0, &flags, sizeof(flags));
        }
        (void) descriptor_put(w, c->d);
        return wasi_errno_of(r);
}

uint32_t wasi_sock_recv(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t flags, uint32_t ret_bytes,
                        uint32_t ret_flags)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct message_call c;
        enum wasi_errno e = recv_check(w, &g, fd, iovs, n, flags, ret_bytes, ret_flags, &c);

        return e ? e : recv_do(w, &c);
}

static enum wasi_errno send_check(struct wasi *w, const struct guest *g, uint32_t fd, uint32_t iovs,
                                  uint32_t n, uint32_t flags, uint32_t ret_bytes,
                                  struct message_call *ret)
{
        enum wasi_errno e = guest_span(g, guest_ptr(ret_bytes), 1, sizeof(uint32_t), &ret->ret);

        if (!e && flags != 0) /* none is defined */
                e = WASI_INVAL;
        if (!e)
                e = guest_iov_load(g, guest_ptr(iovs), n, &ret->iov);
        return e ? e : descriptor_get(w, fd, "C", RIGHT_FD_WRITE, &ret->d);
}

static enum wasi_errno send_do(struct wasi *w, struct message_call *c)
{
        struct msghdr message;
        struct ring_op op = message_op(c->d, &c->iov, &message, true, false, MSG_NOSIGNAL);
        int32_t r = io_submit(w, c->d, &op);

        if (r >= 0)
                guest_store_u32(&c->ret, r);
        (void) descriptor_put(w, c->d);
        return wasi_errno_of(r);
}

uint32_t wasi_sock_send(uint32_t fd, uint32_t iovs, uint32_t n, uint32_t flags, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct message_call c;
        enum wasi_errno e = send_check(w, &g, fd, iovs, n, flags, ret_bytes, &c);

        return e ? e : send_do(w, &c);
}

uint32_t wasi_sock_shutdown(uint32_t fd, uint32_t how)
{
        static const uint32_t hows[] = {
                [WASI_SHUT_RD] = SHUT_RD,
                [WASI_SHUT_WR] = SHUT_WR,
                [WASI_SHUT_RD | WASI_SHUT_WR] = SHUT_RDWR,
        };
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct descriptor *d;
        struct ring_op op = { .code = RING_SHUTDOWN };
        enum wasi_errno e = descriptor_get(w, fd, "C", RIGHT_SOCK_SHUTDOWN, &d);
        int32_t r;

        if (e)
                return e;
        if (how == 0 || how >= ELEMENTSOF(hows)) {
                (void) descriptor_put(w, d);
                return WASI_INVAL;
        }
        op.fd = d->fd;
        op.length = hows[how];
        r = ring_do(w->config.ring, &op);
        (void) descriptor_put(w, d);
        return wasi_errno_of(r);
}
