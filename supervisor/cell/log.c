/* log.c - output of guests that goes to the broker's log: whole lines where that is possible, held to a
 * rate, and never waited for. What is lost is counted, and the count goes with the next message. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/cell/nano.h"

#define LINE_MAX_BYTES 4096u /* longer ones go in pieces */

struct guest_log {
        struct log_message head;
        char bytes[LINE_MAX_BYTES];
};

static void lose(struct guest *g, unsigned stream, uint64_t bytes)
{
        if (!bytes)
                return;
        g->log_dropped[stream - 1] += bytes;
        g->stats->log_dropped += bytes;
        guest_refused(g, LIMIT_LOG);
}

static void send_first(struct guest *g, unsigned stream, struct guest_log *l, uint32_t bytes)
{
        uint32_t left = l->head.bytes - bytes;
        int r;

        l->head.head = (struct message_head) { MESSAGE_LOG, 0 };
        l->head.guest = g->number;
        l->head.stream = stream;
        l->head.dropped = g->log_dropped[stream - 1];
        l->head.bytes = bytes;
        r = channel_try(l, sizeof(l->head) + bytes);
        if (r >= 0) {
                g->log_dropped[stream - 1] = 0;
                g->stats->log_bytes += bytes;
        } else if (r == -EAGAIN) {
                lose(g, stream, bytes);
        } else {
                _exit(0); /* the broker is gone */
        }
        memmove(l->bytes, l->bytes + bytes, left);
        l->head.bytes = left;
}

static void flush(struct guest *g, unsigned stream, bool all)
{
        struct guest_log *l = g->logs[stream - 1];
        const char *newline;

        if (!l)
                return;
        newline = memrchr(l->bytes, '\n', l->head.bytes);
        if (newline)
                send_first(g, stream, l, (uint32_t)(newline + 1 - l->bytes));
        if (l->head.bytes == LINE_MAX_BYTES || (all && l->head.bytes))
                send_first(g, stream, l, l->head.bytes);
        if (l->head.bytes == 0) {
                g->logs[stream - 1] = NULL;
                free(l);
        }
}

/* How much of @bytes the rate lets through: a second's worth may be saved up. */
static uint64_t admit(struct guest *g, uint64_t bytes)
{
        uint64_t rate = g->limits->log_bytes_per_s, now, passed;

        if (!rate)
                return bytes;
        now = monotonic_ns();
        passed = g->log_ns ? now - g->log_ns : UINT64_C(1000000000);
        g->log_ns = now;
        if (passed >= UINT64_C(1000000000))
                g->log_room = rate;
        else
                g->log_room += (uint64_t)((unsigned __int128)rate * passed / UINT64_C(1000000000));
        if (g->log_room > rate)
                g->log_room = rate;
        if (bytes > g->log_room)
                bytes = g->log_room;
        g->log_room -= bytes;
        return bytes;
}

static void take(struct guest *g, unsigned stream, const char *from, uint64_t bytes)
{
        while (bytes) {
                struct guest_log *l = g->logs[stream - 1];
                uint64_t n;

                if (!l) {
                        l = malloc(sizeof(*l));
                        if (!l) {
                                lose(g, stream, bytes);
                                return;
                        }
                        l->head.bytes = 0;
                        g->logs[stream - 1] = l;
                }
                n = LINE_MAX_BYTES - l->head.bytes < bytes ? LINE_MAX_BYTES - l->head.bytes : bytes;
                memcpy(l->bytes + l->head.bytes, from, n);
                l->head.bytes += (uint32_t)n;
                from += n;
                bytes -= n;
                flush(g, stream, false);
                fiber_breathe();
        }
}

int32_t guest_log(void *context, unsigned stream, const struct iovec *v, unsigned n)
{
        struct guest *g = context;
        uint64_t all = 0, admitted;

        for (unsigned i = 0; i < n; i++)
                all += v[i].iov_len;
        admitted = admit(g, all);
        lose(g, stream, all - admitted);
        for (unsigned i = 0; i < n && admitted; i++) {
                uint64_t bytes = v[i].iov_len < admitted ? v[i].iov_len : admitted;

                take(g, stream, v[i].iov_base, bytes);
                admitted -= bytes;
        }
        return (int32_t)all; /* the guest is not told: it could do nothing about it */
}

void guest_log_end(struct guest *g)
{
        flush(g, 1, true);
        flush(g, 2, true);
}

void guest_log_free(struct guest *g)
{
        free(g->logs[0]);
        free(g->logs[1]);
}
