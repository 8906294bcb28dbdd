/* watch.c - readiness of descriptors, kept between polls; see state.h. */
#include <poll.h>

#include "shim/wasi/state.h"

static bool is_stale(const struct descriptor *d, unsigned direction, const struct watch *watch)
{
        return watch->io != d->io[direction];
}

void watch_arm(struct wasi *w, struct descriptor *d, unsigned direction, struct watch *watch)
{
        struct ring_op op = {
                .code = RING_POLL_ADD, .fd = d->fd,
                .length = direction == WATCH_READ ? POLLIN : POLLOUT,
        };
        bool done = watch->call.state == CALL_DONE;

        /* One that is in flight and stale is left alone: should it fire, it is looked at then. */
        if (watch->call.state == CALL_IN_KERNEL || (done && !is_stale(d, direction, watch)))
                return;
        watch->io = d->io[direction];
        watch->call.state = CALL_IDLE;
        ring_submit(w->config.ring, &watch->call, &op);
}

bool watch_fired(struct wasi *w, struct descriptor *d, unsigned direction, struct watch *watch)
{
        if (watch->call.state != CALL_DONE)
                return false;
        if (!is_stale(d, direction, watch))
                return true;
        watch_arm(w, d, direction, watch);
        return false;
}

void watch_stop(struct wasi *w, struct watch *watch)
{
        if (watch->call.state == CALL_BUG || watch->call.state == CALL_IDLE)
                return; /* never armed */
        if (watch->call.state == CALL_IN_KERNEL)
                ring_cancel(w->config.ring, &watch->call);
        (void) call_wait(w->config.ring, &watch->call);
        watch->call.state = CALL_IDLE;
}
