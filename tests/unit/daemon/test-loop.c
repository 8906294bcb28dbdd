/* test-loop.c - descriptors, timers and signals of the event loop. */
#include "config.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/daemon/loop.h"
#include "tests/unit/unit.h"

#define TIMERS 500

struct world {
        struct loop *loop;
        unsigned order[TIMERS], n;
        struct loop_timer timers[TIMERS];
        struct loop_watch a, b;
        unsigned ready;
};

static struct world *world;

static void due(void *context)
{
        unsigned i = (unsigned)((struct loop_timer *)context - world->timers);

        world->order[world->n++] = i;
        if (world->n == TIMERS / 2)
                loop_stop(world->loop, 7);
}

START_TEST(timers_come_in_their_order_and_cleared_ones_never)
{
        struct world w = { 0 };
        struct error err = { 0 };
        uint64_t now;

        world = &w;
        ck_assert_int_eq(loop_new(&w.loop, &err), 0);
        now = loop_now(w.loop);
        for (unsigned i = 0; i < TIMERS; i++) {
                unsigned at = i * 271 % TIMERS;

                w.timers[at] = (struct loop_timer) { .due = due, .context = &w.timers[at] };
                ck_assert_int_eq(loop_timer_set(w.loop, &w.timers[at], now + 1000 + at), 0);
        }
        for (unsigned i = 0; i < TIMERS; i += 2)
                loop_timer_clear(w.loop, &w.timers[i]);
        loop_timer_clear(w.loop, &w.timers[0]);
        ck_assert_int_eq(loop_run(w.loop, &err), 7);
        for (unsigned i = 0; i < w.n; i++)
                ck_assert_uint_eq(w.order[i], 2 * i + 1);
        loop_free(w.loop);
}
END_TEST

static void ready(void *context, uint32_t events)
{
        world->ready++;
        /* Both are ready: the one that comes first takes both away. */
        loop_unwatch(world->loop, &world->a);
        loop_unwatch(world->loop, &world->b);
        loop_timer_set(world->loop, &world->timers[0], loop_now(world->loop));
}

static void stop(void *context)
{
        loop_stop(world->loop, 0);
}

START_TEST(a_watch_that_is_gone_gets_no_event)
{
        struct world w = { .timers[0] = { .due = stop }, .a = { -EBADF, ready, NULL },
                           .b = { -EBADF, ready, NULL } };
        struct error err = { 0 };
        int x[2], y[2];

        world = &w;
        ck_assert_int_eq(loop_new(&w.loop, &err), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, x), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, y), 0);
        ck_assert_int_eq(write(x[1], "x", 1), 1);
        ck_assert_int_eq(write(y[1], "x", 1), 1);
        ck_assert_int_eq(loop_watch(w.loop, &w.a, x[0], EPOLLIN, &err), 0);
        ck_assert_int_eq(loop_watch(w.loop, &w.b, y[0], EPOLLIN, &err), 0);
        ck_assert_int_eq(loop_run(w.loop, &err), 0);
        ck_assert_uint_eq(w.ready, 1);
        for (int i = 0; i < 2; i++) {
                close(x[i]);
                close(y[i]);
        }
        loop_free(w.loop);
}
END_TEST

static unsigned again;

static void set_again(void *context)
{
        again++;
        loop_timer_set(world->loop, &world->timers[1], loop_now(world->loop));
}

START_TEST(a_timer_for_now_does_not_starve_descriptors)
{
        struct world w = { .timers = { { .due = stop }, { .due = set_again } }, .a = { -EBADF, ready, NULL },
                           .b = { -EBADF, ready, NULL } };
        struct error err = { 0 };
        int x[2];

        world = &w;
        again = 0;
        ck_assert_int_eq(loop_new(&w.loop, &err), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, x), 0);
        loop_timer_set(w.loop, &w.timers[1], loop_now(w.loop));
        ck_assert_int_eq(write(x[1], "x", 1), 1);
        ck_assert_int_eq(loop_watch(w.loop, &w.a, x[0], EPOLLIN, &err), 0);
        ck_assert_int_eq(loop_run(w.loop, &err), 0);
        ck_assert_uint_ge(again, 1);
        ck_assert_uint_eq(w.ready, 1);
        close(x[0]);
        close(x[1]);
        loop_free(w.loop);
}
END_TEST

static void on_signal(void *context, const struct signalfd_siginfo *info)
{
        *(uint32_t *)context = info->ssi_signo;
        loop_stop(world->loop, 0);
}

START_TEST(signals_come_as_events)
{
        struct world w = { 0 };
        struct error err = { 0 };
        uint32_t got = 0;
        sigset_t set;

        world = &w;
        ck_assert_int_eq(loop_new(&w.loop, &err), 0);
        sigemptyset(&set);
        sigaddset(&set, SIGHUP);
        ck_assert_int_eq(loop_signals(w.loop, &set, on_signal, &got, &err), 0);
        raise(SIGHUP);
        ck_assert_int_eq(loop_run(w.loop, &err), 0);
        ck_assert_uint_eq(got, SIGHUP);
        loop_free(w.loop);
}
END_TEST

START_TEST(a_bad_descriptor_is_an_error)
{
        struct loop_watch watch = { -EBADF, ready, NULL };
        struct error err = { 0 };
        struct world w = { 0 };

        ck_assert_int_eq(loop_new(&w.loop, &err), 0);
        ck_assert_int_eq(loop_watch(w.loop, &watch, 9999, EPOLLIN, &err), -EBADF);
        ck_assert_int_eq(err.code, -EBADF);
        ck_assert_int_eq(watch.fd, -EBADF);
        loop_free(w.loop);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("loop");

        tcase_add_test(tc, timers_come_in_their_order_and_cleared_ones_never);
        tcase_add_test(tc, a_watch_that_is_gone_gets_no_event);
        tcase_add_test(tc, a_timer_for_now_does_not_starve_descriptors);
        tcase_add_test(tc, signals_come_as_events);
        tcase_add_test(tc, a_bad_descriptor_is_an_error);
        return unit_main("loop", &tc, 1);
}
