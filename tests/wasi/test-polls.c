/* test-polls.c - poll_oneoff. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

#define MS UINT64_C(1000000)

static int in[2], out[2];
static unsigned subscribed;
static struct wasi_event events[16];
static uint32_t n_events;

static void setup(void)
{
        struct double_options o = { .stdio = { -EBADF, -EBADF, -EBADF } };

        ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
        o.stdio[0] = in[0];
        o.stdio[1] = out[1];
        double_start(&o);
        subscribed = 0;
}

static void put_subscription(const struct wasi_subscription *s)
{
        put_bytes(AT_DATA + sizeof(*s) * subscribed++, s, sizeof(*s));
}

static void on_clock(uint64_t userdata, uint32_t clock, uint64_t timeout, uint16_t flags)
{
        put_subscription(&(struct wasi_subscription) {
                .userdata = userdata, .type = WASI_EVENT_CLOCK, .clock = clock, .timeout = timeout,
                .flags = flags });
}

static void on_fd(uint64_t userdata, uint8_t type, uint32_t fd)
{
        put_subscription(&(struct wasi_subscription) { .userdata = userdata, .type = type, .fd = fd });
}

static uint32_t poll_all(void)
{
        uint32_t e;

        put_u32(AT_RET, 0xdeadbeef);
        e = wasi_poll_oneoff(AT_DATA, AT_OUT, subscribed, AT_RET);
        if (e) {
                ck_assert_uint_eq(get_u32(AT_RET), 0xdeadbeef);
                return e;
        }
        n_events = get_u32(AT_RET);
        ck_assert_uint_ge(n_events, 1);
        ck_assert_uint_le(n_events, subscribed);
        memcpy(events, guest.memory + AT_OUT,
               sizeof(events[0]) * (n_events < 16 ? n_events : 16));
        return 0;
}

static uint64_t now(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

static const struct {
        const char *name;
        uint32_t clock;
        uint64_t timeout;
        uint16_t flags;
        bool from_now; /* absolute: added to the clock's time */
        uint64_t least_ms;
} timers[] = {
        { "relative",              WASI_CLOCK_MONOTONIC, 20 * MS, 0, false, 20 },
        { "relative, wall clock",  WASI_CLOCK_REALTIME,  20 * MS, 0, false, 20 },
        { "zero",                  WASI_CLOCK_MONOTONIC, 0,       0, false, 0 },
        { "absolute",              WASI_CLOCK_MONOTONIC, 20 * MS, 1, true,  20 },
        { "absolute, wall clock",  WASI_CLOCK_REALTIME,  20 * MS, 1, true,  20 },
        { "absolute, past",        WASI_CLOCK_MONOTONIC, 1,       1, false, 0 },
        { "absolute, long past",   WASI_CLOCK_REALTIME,  0,       1, false, 0 },
};

START_TEST(timers_fire_when_they_should)
{
        clockid_t clock = timers[_i].clock == WASI_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        uint64_t begin = now(CLOCK_MONOTONIC), took;

        on_clock(77, timers[_i].clock, timers[_i].timeout + (timers[_i].from_now ? now(clock) : 0),
                 timers[_i].flags);
        assert_ok(poll_all());
        took = now(CLOCK_MONOTONIC) - begin;
        ck_assert_uint_eq(n_events, 1);
        ck_assert_uint_eq(events[0].userdata, 77);
        ck_assert_uint_eq(events[0].type, WASI_EVENT_CLOCK);
        assert_ok(events[0].error);
        ck_assert_uint_ge(took + MS, timers[_i].least_ms * MS);
        ck_assert_uint_lt(took, 5000 * MS);
}
END_TEST

START_TEST(the_first_timer_wins)
{
        on_clock(1, WASI_CLOCK_MONOTONIC, 3600 * 1000 * MS, 0);
        on_clock(2, WASI_CLOCK_REALTIME, 10 * MS, 0);
        on_clock(3, WASI_CLOCK_MONOTONIC, UINT64_MAX, 0); /* "for ever" must not wrap */
        on_clock(4, WASI_CLOCK_MONOTONIC, UINT64_MAX, 1);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 1);
        ck_assert_uint_eq(events[0].userdata, 2);
}
END_TEST

START_TEST(coarse_clocks_still_fire)
{
        struct double_options o = { .no_stdio = true, .clock_resolution_ns = 50 * MS,
                                    .stdio = { -EBADF, -EBADF, -EBADF } };
        uint64_t begin = now(CLOCK_MONOTONIC), took;

        double_start(&o);
        subscribed = 0;
        on_clock(1, WASI_CLOCK_MONOTONIC, 10 * MS, 0);
        assert_ok(poll_all());
        took = now(CLOCK_MONOTONIC) - begin;
        ck_assert_uint_lt(took, 1000 * MS);
        double_stop();
}
END_TEST

static void *feed(void *unused)
{
        usleep(20000);
        ck_assert_int_eq(write(in[1], "abc", 3), 3);
        return NULL;
}

START_TEST(a_pipe_becomes_readable)
{
        pthread_t t;

        on_fd(5, WASI_EVENT_FD_READ, 0);
        on_clock(6, WASI_CLOCK_MONOTONIC, 10000 * MS, 0);
        ck_assert_int_eq(pthread_create(&t, NULL, feed, NULL), 0);
        assert_ok(poll_all());
        pthread_join(t, NULL);
        ck_assert_uint_eq(n_events, 1);
        ck_assert_uint_eq(events[0].userdata, 5);
        ck_assert_uint_eq(events[0].type, WASI_EVENT_FD_READ);
        ck_assert_uint_ge(events[0].bytes, 1);
        ck_assert_uint_eq(events[0].flags, 0);
}
END_TEST

START_TEST(a_timer_beats_a_silent_pipe)
{
        on_fd(5, WASI_EVENT_FD_READ, 0);
        on_clock(6, WASI_CLOCK_MONOTONIC, 10 * MS, 0);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 1);
        ck_assert_uint_eq(events[0].userdata, 6);
}
END_TEST

START_TEST(everything_that_is_ready_is_told)
{
        uint32_t file;

        make_file("f", "12345");
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHTS_RW, 0, 0, &file));
        ck_assert_int_eq(write(in[1], "x", 1), 1);
        on_fd(1, WASI_EVENT_FD_READ, 0);
        on_fd(2, WASI_EVENT_FD_WRITE, 1);
        on_fd(3, WASI_EVENT_FD_READ, file);
        on_fd(4, WASI_EVENT_FD_WRITE, file);
        on_clock(5, WASI_CLOCK_MONOTONIC, 0, 0);
        on_clock(6, WASI_CLOCK_MONOTONIC, 3600 * 1000 * MS, 0);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 5);
        for (unsigned i = 0; i < 5; i++) {
                ck_assert_uint_eq(events[i].userdata, i + 1);
                assert_ok(events[i].error);
        }
        ck_assert_uint_eq(events[2].bytes, 5);
}
END_TEST

START_TEST(hang_up_is_told)
{
        close(in[1]);
        on_fd(1, WASI_EVENT_FD_READ, 0);
        assert_ok(poll_all());
        ck_assert_uint_eq(events[0].flags, WASI_EVENT_HANGUP);
        close(out[0]);
        subscribed = 0;
        on_fd(1, WASI_EVENT_FD_WRITE, 1);
        assert_ok(poll_all());
        ck_assert_uint_eq(events[0].flags, WASI_EVENT_HANGUP);
}
END_TEST

START_TEST(a_full_pipe_is_not_writable)
{
        static char junk[4096];

        fcntl(out[1], F_SETFL, O_NONBLOCK);
        while (write(out[1], junk, sizeof(junk)) > 0)
                ;
        on_fd(1, WASI_EVENT_FD_WRITE, 1);
        on_clock(2, WASI_CLOCK_MONOTONIC, 5 * MS, 0);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 1);
        ck_assert_uint_eq(events[0].userdata, 2);
}
END_TEST

START_TEST(mistakes_are_events)
{
        on_fd(1, WASI_EVENT_FD_READ, 99);
        on_fd(2, WASI_EVENT_FD_READ, FD_DIR);
        on_fd(3, WASI_EVENT_FD_WRITE, 0);  /* no right to write it */
        on_clock(4, 9, 1, 0);
        on_clock(5, WASI_CLOCK_PROCESS_CPU, 1, 0);
        on_clock(6, WASI_CLOCK_MONOTONIC, 1, 2);
        on_clock(7, WASI_CLOCK_MONOTONIC, 3600 * 1000 * MS, 0);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 6);
        assert_errno(events[0].error, WASI_BADF);
        assert_errno(events[1].error, WASI_NOTCAPABLE);
        assert_errno(events[2].error, WASI_NOTCAPABLE);
        assert_errno(events[3].error, WASI_INVAL);
        assert_errno(events[4].error, WASI_NOTSUP);
        assert_errno(events[5].error, WASI_INVAL);
}
END_TEST

START_TEST(poll_refuses)
{
        assert_errno(poll_all(), WASI_INVAL); /* no subscriptions */
        put_subscription(&(struct wasi_subscription) { .type = 3 });
        assert_errno(poll_all(), WASI_INVAL);
        subscribed = 0;
        on_fd(1, WASI_EVENT_FD_READ, 0);
        put_subscription(&(struct wasi_subscription) { .type = 255 });
        assert_errno(poll_all(), WASI_INVAL);
        assert_errno(wasi_poll_oneoff(AT_DATA, AT_OUT, 100000, AT_RET), WASI_INVAL);
        assert_errno(wasi_poll_oneoff(AT_DATA, AT_OUT, UINT32_MAX, AT_RET), WASI_INVAL);
        assert_errno(wasi_poll_oneoff(GUEST_BYTES - 47, AT_OUT, 1, AT_RET), WASI_FAULT);
        assert_errno(wasi_poll_oneoff(AT_DATA, GUEST_BYTES - 31, 1, AT_RET), WASI_FAULT);
        assert_errno(wasi_poll_oneoff(AT_DATA, AT_OUT, 1, NOWHERE), WASI_FAULT);
}
END_TEST

START_TEST(in_and_out_may_be_the_same_place)
{
        /* The subscriptions were all read before the first event is written. */
        on_clock(1, WASI_CLOCK_MONOTONIC, 0, 0);
        on_clock(2, WASI_CLOCK_MONOTONIC, 0, 0);
        on_fd(3, WASI_EVENT_FD_WRITE, 1);
        assert_ok(wasi_poll_oneoff(AT_DATA, AT_DATA, 3, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 3);
        memcpy(events, guest.memory + AT_DATA, 3 * sizeof(events[0]));
        for (unsigned i = 0; i < 3; i++)
                ck_assert_uint_eq(events[i].userdata, i + 1);
}
END_TEST

START_TEST(many_subscriptions)
{
        for (unsigned i = 0; i < 900; i++)
                on_fd(i, WASI_EVENT_FD_READ, 0);
        on_clock(900, WASI_CLOCK_MONOTONIC, 10 * MS, 0);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 1);
        ck_assert_uint_eq(events[0].userdata, 900);
        ck_assert_int_eq(write(in[1], "x", 1), 1);
        assert_ok(poll_all());
        ck_assert_uint_ge(n_events, 1);
}
END_TEST

/* The watches of descriptors stay armed between polls: what they said must still be true. */
START_TEST(readiness_that_was_used_up_is_not_told_again)
{
        char text[8];
        uint32_t n;

        on_fd(1, WASI_EVENT_FD_READ, 0);
        on_clock(2, WASI_CLOCK_MONOTONIC, 5 * MS, 0);
        assert_ok(poll_all()); /* arms the watch; the timer ends it */
        ck_assert_uint_eq(events[0].userdata, 2);
        ck_assert_int_eq(write(in[1], "x", 1), 1);
        assert_ok(do_read(0, text, 8, &n)); /* the watch has fired meanwhile */
        ck_assert_uint_eq(n, 1);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 1);
        ck_assert_uint_eq(events[0].userdata, 2);
        ck_assert_int_eq(write(in[1], "yz", 2), 2);
        assert_ok(poll_all());
        ck_assert_uint_eq(events[0].userdata, 1);
        assert_ok(do_read(0, text, 1, &n));
        assert_ok(poll_all()); /* one byte is left */
        ck_assert_uint_eq(events[0].userdata, 1);
        assert_ok(poll_all()); /* and still, when nobody read it */
        ck_assert_uint_eq(events[0].userdata, 1);
        assert_ok(do_read(0, text, 8, &n));
        ck_assert_uint_eq(n, 1);
        assert_ok(poll_all());
        ck_assert_uint_eq(events[0].userdata, 2);
}
END_TEST

START_TEST(an_armed_watch_does_not_keep_a_file_open)
{
        char text[2];

        fcntl(out[0], F_SETFL, O_NONBLOCK);
        on_fd(1, WASI_EVENT_FD_READ, 0);
        on_clock(2, WASI_CLOCK_MONOTONIC, MS, 0);
        assert_ok(poll_all());
        assert_ok(wasi_fd_close(0));
        signal(SIGPIPE, SIG_IGN);
        ck_assert_int_eq(write(in[1], "x", 1), -1);
        ck_assert_int_eq(errno, EPIPE);
        subscribed = 0;
        on_fd(1, WASI_EVENT_FD_WRITE, 1);
        assert_ok(poll_all());
        assert_ok(wasi_fd_close(1));
        ck_assert_int_eq(read(out[0], text, 2), 0);
}
END_TEST

START_TEST(an_armed_watch_moves_with_renumber)
{
        uint32_t file;

        make_file("f", "");
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHT_FD_READ, 0, 0, &file));
        on_fd(1, WASI_EVENT_FD_READ, 0);
        on_clock(2, WASI_CLOCK_MONOTONIC, MS, 0);
        assert_ok(poll_all());
        assert_ok(wasi_fd_renumber(0, file));
        subscribed = 0;
        on_fd(3, WASI_EVENT_FD_READ, 0);
        on_fd(4, WASI_EVENT_FD_READ, file);
        ck_assert_int_eq(write(in[1], "x", 1), 1);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 2);
        assert_errno(events[0].error, WASI_BADF);
        assert_ok(events[1].error);
        ck_assert_uint_eq(events[1].userdata, 4);
}
END_TEST

static uint32_t slept;

static void sleeps(void *unused)
{
        slept = poll_all();
}

/* On a fiber: until it waits, and then with the end told. */
static void is_told_while_it_sleeps(void)
{
        struct error err = { 0 };
        struct fiber *f;

        slept = WASI_NOSYS;
        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, &err), 0);
        fiber_start(f, sleeps, NULL);
        ck_assert(fiber_resume(f));
        ck_assert_int_eq(ring_poll(guest.ring, false), 0);
        ck_assert_ptr_null(ring_next_ready(guest.ring));
        wasi_end(guest.wasi);
        fiber_nudge(f);
        while (fiber_resume(f)) {
                ck_assert_int_ge(ring_poll(guest.ring, true), 0);
                ck_assert_ptr_eq(ring_next_ready(guest.ring), f);
        }
        fiber_free(f);
        assert_ok(slept);
}

START_TEST(the_end_wakes_a_sleeper_once)
{
        uint64_t begin = now(CLOCK_MONOTONIC);

        on_clock(1, WASI_CLOCK_MONOTONIC, 3600 * 1000 * MS, 0);
        on_clock(2, WASI_CLOCK_REALTIME, UINT64_MAX, 1);
        is_told_while_it_sleeps();
        ck_assert_uint_eq(n_events, 2);
        for (unsigned k = 0; k < 2; k++) {
                ck_assert_uint_eq(events[k].userdata, k + 1);
                ck_assert_uint_eq(events[k].type, WASI_EVENT_CLOCK);
                assert_errno(events[k].error, WASI_CANCELED);
        }
        ck_assert_uint_lt(now(CLOCK_MONOTONIC) - begin, 60 * 1000 * MS);
        subscribed = 0; /* whoever goes on all the same has its time */
        begin = now(CLOCK_MONOTONIC);
        on_clock(3, WASI_CLOCK_MONOTONIC, 20 * MS, 0);
        assert_ok(poll_all());
        assert_ok(events[0].error);
        ck_assert_uint_ge(now(CLOCK_MONOTONIC) - begin, 20 * MS);
}
END_TEST

START_TEST(the_end_waits_for_the_next_sleep)
{
        wasi_end(guest.wasi); /* it runs at that moment */
        on_clock(1, WASI_CLOCK_MONOTONIC, 3600 * 1000 * MS, 0);
        assert_ok(poll_all());
        ck_assert_uint_eq(n_events, 1);
        assert_errno(events[0].error, WASI_CANCELED);
}
END_TEST

/* Told by its input, in a poll or in a read: clocks run as ever. */
START_TEST(the_end_is_told_by_input_where_there_is)
{
        char text[8];
        uint32_t n;

        on_fd(1, WASI_EVENT_FD_READ, 0);
        on_clock(2, WASI_CLOCK_MONOTONIC, 3600 * 1000 * MS, 0);
        if (_i == 0) {
                is_told_while_it_sleeps();
                ck_assert_uint_eq(n_events, 1);
                ck_assert_uint_eq(events[0].userdata, 1);
                assert_ok(events[0].error);
                ck_assert_uint_eq(events[0].flags, WASI_EVENT_HANGUP);
        } else {
                wasi_end(guest.wasi);
                assert_ok(do_read(0, text, 8, &n));
                ck_assert_uint_eq(n, 0);
        }
        subscribed = 0;
        on_clock(3, WASI_CLOCK_MONOTONIC, MS, 0);
        assert_ok(poll_all());
        assert_ok(events[0].error);
}
END_TEST

TCase *polls_case(void)
{
        TCase *tc = tcase_create("poll");

        tcase_add_checked_fixture(tc, setup, double_stop);
        tcase_add_loop_test(tc, timers_fire_when_they_should, 0, ELEMENTSOF(timers));
        tcase_add_test(tc, the_first_timer_wins);
        tcase_add_test(tc, a_pipe_becomes_readable);
        tcase_add_test(tc, a_timer_beats_a_silent_pipe);
        tcase_add_test(tc, everything_that_is_ready_is_told);
        tcase_add_test(tc, hang_up_is_told);
        tcase_add_test(tc, a_full_pipe_is_not_writable);
        tcase_add_test(tc, mistakes_are_events);
        tcase_add_test(tc, poll_refuses);
        tcase_add_test(tc, in_and_out_may_be_the_same_place);
        tcase_add_test(tc, many_subscriptions);
        tcase_add_test(tc, readiness_that_was_used_up_is_not_told_again);
        tcase_add_test(tc, an_armed_watch_does_not_keep_a_file_open);
        tcase_add_test(tc, an_armed_watch_moves_with_renumber);
        tcase_add_test(tc, the_end_wakes_a_sleeper_once);
        tcase_add_test(tc, the_end_waits_for_the_next_sleep);
        tcase_add_loop_test(tc, the_end_is_told_by_input_where_there_is, 0, 2);
        return tc;
}

TCase *coarse_polls_case(void)
{
        TCase *tc = tcase_create("poll, coarse clocks");

        tcase_add_test(tc, coarse_clocks_still_fire);
        return tc;
}
