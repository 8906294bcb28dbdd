/* ready.c - who waits for which descriptor; see threads.h.
 *
 * A descriptor is known to epoll from its first wait until it is closed, and armed for one event at a time:
 * one system call a wait, none when the event has come. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "supervisor/ring/threads.h"

static uint32_t wants(const struct ring_op *op)
{
        switch (op->code) {
        case RING_POLL_ADD:
                return op->length; /* the bits of poll(2) and of epoll are the same */
        case RING_WRITE:
        case RING_WRITEV:
        case RING_SEND:
        case RING_SENDMSG:
                return EPOLLOUT;
        default:
                return EPOLLIN;
        }
}

static int room_for(struct ready *r, unsigned fd)
{
        unsigned n = r->n ? r->n : 16;
        struct waited *fds;

        if (fd < r->n)
                return 0;
        while (n <= fd)
                n *= 2;
        fds = reallocarray(r->fds, n, sizeof(*fds));
        if (!fds)
                return -ENOMEM;
        memset(fds + r->n, 0, (n - r->n) * sizeof(*fds));
        for (unsigned i = 0; i < r->n; i++)
                if (fds[i].first)
                        fds[i].first->plan.back = &fds[i].first;
        r->fds = fds;
        r->n = n;
        return 0;
}

int ready_arm(struct ready *r, int fd)
{
        struct waited *w = &r->fds[fd];
        struct epoll_event e = { .events = EPOLLONESHOT, .data.fd = fd };
        int op = w->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

        for (const struct call *c = w->first; c; c = c->plan.next)
                e.events |= wants(&c->plan.op);
        if (epoll_ctl(r->epoll, op, fd, &e) < 0) {
                /* Another file may have got the number, and an older one may have kept it. */
                op = errno == ENOENT ? EPOLL_CTL_ADD : errno == EEXIST ? EPOLL_CTL_MOD : -1;
                if (op < 0 || epoll_ctl(r->epoll, op, fd, &e) < 0)
                        return -errno;
        }
        w->known = true;
        return 0;
}

int ready_wait(struct ready *r, struct call *call)
{
        int fd = call->plan.op.fd, e;
        struct waited *w;

        if (fd < 0)
                return -EBADF;
        e = room_for(r, (unsigned)fd);
        if (e < 0)
                return e;
        w = &r->fds[fd];
        call->plan.next = w->first;
        call->plan.back = &w->first;
        if (w->first)
                w->first->plan.back = &call->plan.next;
        w->first = call;
        call->plan.place = PLACE_READY;
        e = ready_arm(r, fd);
        if (e < 0)
                ready_forget(r, call);
        return e;
}

void ready_forget(struct ready *r, struct call *call)
{
        *call->plan.back = call->plan.next;
        if (call->plan.next)
                call->plan.next->plan.back = call->plan.back;
        call->plan.next = NULL;
        call->plan.back = NULL;
        call->plan.place = PLACE_NONE;
}

struct call *ready_closed(struct ready *r, int fd)
{
        struct call *first;

        if (fd < 0 || (unsigned)fd >= r->n)
                return NULL;
        if (r->fds[fd].known)
                (void)epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL);
        r->fds[fd].known = false;
        first = r->fds[fd].first;
        r->fds[fd].first = NULL;
        return first;
}

struct call *ready_each(struct ready *r, int fd)
{
        return fd >= 0 && (unsigned)fd < r->n ? r->fds[fd].first : NULL;
}
