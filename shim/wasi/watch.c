/* watch.c - readiness of descriptors, kept between polls; see state.h. */
#include <errno.h>
#include <poll.h>

#include "shim/wasi/state.h"

static bool is_stale(const struct descriptor *d, unsigned direction, const struct watch *watch)
{
        return watch->io != d->io[direction];
}

bool watch_fired(const struct descriptor *d, unsigned direction, const struct watch *watch)
{
        /* Taken back, by whoever wanted the guest to look up: it says nothing. */
        return watch->call.state == CALL_DONE && watch->call.result != -ECANCELED &&
               !is_stale(d, direction, watch);
}

bool watch_armed(const struct descriptor *d, unsigned direction, const struct watch *watch)
{
        return watch->call.state == CALL_IN_KERNEL || watch_fired(d, direction, watch);
}

void watch_arm(struct wasi *w, struct descriptor *d, unsigned direction, struct watch *watch)
{
        struct ring_op op = {
                .code = RING_POLL_ADD, .fd = d->fd,
                .length = direction == WATCH_READ ? POLLIN : POLLOUT,
        };

        /* One that is in flight and stale is left alone: should it fire, it is looked at then. */
        if (watch_armed(d, direction, watch))
                return;
        watch->io = d->io[direction];
        watch->call.state = CALL_IDLE;
        ring_submit(w->config.ring, &watch->call, &op);
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
