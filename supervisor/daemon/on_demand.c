/* on_demand.c - see on_demand.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>

#include "supervisor/daemon/on_demand.h"

#define ACCEPTS_MAX 64 /* in one go, before others get their turn */

struct waiting {
        int fd;
        uint64_t until_ns;
};

struct on_demand {
        struct service *service;
        struct loop_watch *watches;
        unsigned nwatches;
        bool accepting;
        struct waiting *queue;    /* a ring of room entries */
        unsigned room, first, n;
        uint32_t *idle, nidle;    /* nanoprocesses that are down */
        struct loop_timer timer;  /* the first one's time is over */
        struct loop_timer pause, more;
        uint64_t expired;
};

static void set_accepting(struct on_demand *o, bool accepting)
{
        if (o->accepting == accepting)
                return;
        o->accepting = accepting;
        for (unsigned i = 0; i < o->nwatches; i++)
                loop_watch_change(o->service->daemon->loop, &o->watches[i], accepting ? EPOLLIN : 0);
}

static struct waiting pop(struct on_demand *o)
{
        struct waiting w = o->queue[o->first];

        o->first = (o->first + 1) % o->room;
        o->n--;
        return w;
}

static void arm(struct on_demand *o)
{
        struct loop *loop = o->service->daemon->loop;

        if (!o->n)
                loop_timer_clear(loop, &o->timer);
        else if (!o->timer.place)
                loop_timer_set(loop, &o->timer, o->queue[o->first].until_ns);
}

static void begin(struct on_demand *o, int fd)
{
        struct nano *g = &o->service->guests[o->idle[--o->nidle]];

        g->connection = fd;
        nano_event(g, NANO_ON_START);
}

static void too_late(void *context)
{
        struct on_demand *o = context;
        uint64_t now = loop_now(o->service->daemon->loop);

        while (o->n && o->queue[o->first].until_ns <= now) {
                close(pop(o).fd);
                o->expired++;
        }
        arm(o);
        set_accepting(o, true);
}

static void go_on(void *context)
{
        set_accepting(context, true);
}

static void take(struct on_demand *o, int fd)
{
        uint64_t now = loop_now(o->service->daemon->loop);

        if (o->nidle && !o->n) {
                begin(o, fd);
                return;
        }
        o->queue[(o->first + o->n++) % o->room] =
                (struct waiting) { fd, now + o->service->unit->queue_timeout_ns };
        arm(o);
}

static void on_connection(void *context, uint32_t events)
{
        struct on_demand *o = context;
        struct loop *loop = o->service->daemon->loop;

        for (unsigned i = 0; i < o->nwatches; i++)
                for (int k = 0; k < ACCEPTS_MAX; k++) {
                        int fd;

                        if (!o->nidle && o->n == o->room) {
                                set_accepting(o, false);
                                return;
                        }
                        fd = accept4(o->watches[i].fd, NULL, NULL, SOCK_CLOEXEC);
                        if (fd >= 0) {
                                take(o, fd);
                        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                                set_accepting(o, false);
                                loop_timer_set(loop, &o->pause, loop_now(loop) + ACCEPT_PAUSE_NS);
                                return;
                        } else if (errno != ECONNABORTED && errno != EINTR) {
                                break;
                        }
                }
}

void on_demand_next(struct on_demand *o, struct nano *g)
{
        struct loop *loop = o->service->daemon->loop;

        o->idle[o->nidle++] = (uint32_t)(g - o->service->guests);
        /* From the loop: a start that fails at once would call us again, for each that waits. */
        if (!o->more.place)
                loop_timer_set(loop, &o->more, loop_now(loop));
}

static void begin_more(void *context)
{
        struct on_demand *o = context;

        for (unsigned k = o->nidle; k && o->n && o->nidle; k--)
                begin(o, pop(o).fd);
        arm(o);
        set_accepting(o, true);
}

unsigned on_demand_queue(const struct on_demand *o)
{
        return o->n;
}

int on_demand_start(struct service *s, struct error *err)
{
        struct on_demand *o = calloc(1, sizeof(*o));
        int r = 0;

        if (!o)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "queue");
        s->on_demand = o;
        *o = (struct on_demand) { .service = s, .accepting = true, .room = (unsigned)s->unit->queue_max,
                                  .timer = { .due = too_late, .context = o },
                                  .pause = { .due = go_on, .context = o },
                                  .more = { .due = begin_more, .context = o } };
        o->queue = calloc(o->room, sizeof(*o->queue));
        o->idle = calloc(s->nguests, sizeof(*o->idle));
        o->watches = calloc(s->nlisten ? s->nlisten : 1, sizeof(*o->watches));
        if (!o->queue || !o->idle || !o->watches)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "queue");
        if (!s->nlisten)
                return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE,
                                 "Instances=on-demand without a key that listens");
        for (unsigned i = s->nguests; i--;)
                if (s->guests[i].state == NANO_DOWN || s->guests[i].state == NANO_FAILED)
                        o->idle[o->nidle++] = i;
        for (unsigned i = 0; i < s->nlisten && r >= 0; i++) {
                struct loop_watch *w = &o->watches[o->nwatches++];

                *w = (struct loop_watch) { -EBADF, on_connection, o };
                if (fcntl(s->listen[i], F_SETFL, fcntl(s->listen[i], F_GETFL) | O_NONBLOCK) < 0)
                        r = error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket: %m");
                else
                        r = loop_watch(s->daemon->loop, w, s->listen[i], EPOLLIN, err);
        }
        return r;
}

void on_demand_free(struct on_demand *o)
{
        struct loop *loop;

        if (!o)
                return;
        loop = o->service->daemon->loop;
        for (unsigned i = 0; i < o->nwatches; i++)
                loop_unwatch(loop, &o->watches[i]);
        loop_timer_clear(loop, &o->timer);
        loop_timer_clear(loop, &o->pause);
        loop_timer_clear(loop, &o->more);
        while (o->n)
                close(pop(o).fd);
        free(o->watches);
        free(o->queue);
        free(o->idle);
        free(o);
}
