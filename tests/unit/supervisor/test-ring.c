/* test-ring.c - calls, fibers that wait for them, and what a restricted ring refuses. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/ring/features.h"
#include "supervisor/ring/ring.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

#ifndef RING_KIND /* test-ring-threads is this file with the other back end */
#define RING_KIND RING_URING
#endif

static struct ring *ring;
static int pipes[3][2];

static void setup(void)
{
        struct error err = { 0 };

        ck_assert_int_eq(ring_new_kind(RING_KIND, 8, &ring, &err), 0);
        ck_assert_int_eq(ring_kind(ring), RING_KIND);
        ck_assert_int_eq(ring_restrict(ring, &err), 0);
        for (size_t i = 0; i < ELEMENTSOF(pipes); i++)
                ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC), 0);
}

static void teardown(void)
{
        while (ring_in_flight(ring) && ring_poll(ring, true) >= 0)
                ;
        ring_free(ring);
        for (size_t i = 0; i < ELEMENTSOF(pipes); i++) {
                close(pipes[i][0]);
                close(pipes[i][1]);
        }
}

static struct ring_op read_op(int pipe, void *to, uint32_t n)
{
        return (struct ring_op) { .code = RING_READ, .fd = pipes[pipe][0], .address = to, .length = n,
                                  .offset = UINT64_MAX };
}

/* Before Linux 6.4 a thread of the kernel reads each pipe, when it comes to it. */
static bool pipes_take_a_thread(const char *name)
{
        char byte;
        struct ring_op r = read_op(0, &byte, 1);

        if (ring_now(&r, false) != -EOPNOTSUPP)
                return false;
        printf("skip %s: pipes cannot say that a read would wait (Linux 6.4)\n", name);
        return true;
}

START_TEST(a_call_without_a_fiber)
{
        char byte = 0;
        struct ring_op w = { .code = RING_WRITE, .fd = pipes[0][1], .address = "x", .length = 1,
                             .offset = UINT64_MAX };
        struct ring_op r = read_op(0, &byte, 1);

        ck_assert_int_eq(ring_do(ring, &w), 1);
        ck_assert_int_eq(ring_do(ring, &r), 1);
        ck_assert_int_eq(byte, 'x');
        ck_assert_uint_eq(ring_in_flight(ring), 0);
}
END_TEST

START_TEST(an_unknown_operation)
{
        struct ring_op op = { .code = _RING_OP_MAX };

        ck_assert_int_eq(ring_do(ring, &op), -EINVAL);
        ck_assert_uint_eq(ring_in_flight(ring), 0);
}
END_TEST

START_TEST(nothing_to_wait_for)
{
        ck_assert_int_eq(ring_poll(ring, true), -EDEADLK);
        ck_assert_int_eq(ring_poll(ring, false), 0);
        ck_assert_ptr_null(ring_next_ready(ring));
}
END_TEST

/* More operations than the ring has places: they go to the kernel in several turns. */
START_TEST(more_than_the_ring_holds)
{
        struct call calls[40] = { 0 };
        char bytes[40] = { 0 };
        struct ring_op op = { .code = RING_WRITE, .fd = pipes[0][1], .address = "y", .length = 1,
                              .offset = UINT64_MAX };

        for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
                calls[i].state = CALL_IDLE;
                ring_submit(ring, &calls[i], &op);
        }
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                ck_assert_int_eq(call_wait(ring, &calls[i]), 1);
        ck_assert_int_eq(read(pipes[0][0], bytes, sizeof(bytes)), sizeof(bytes));
}
END_TEST

START_TEST(a_cancelled_call_ends)
{
        struct call call = { .state = CALL_IDLE };
        char byte;
        struct ring_op op = read_op(0, &byte, 1);

        ring_submit(ring, &call, &op);
        ck_assert_int_eq(ring_poll(ring, false), 0);
        ring_cancel(ring, &call);
        ck_assert_int_eq(call.state, RING_KIND == RING_URING ? CALL_CANCELLING : CALL_DONE);
        ring_cancel(ring, &call); /* once more is nothing more */
        ck_assert_int_eq(call_wait(ring, &call), -ECANCELED);
        ring_cancel(ring, &call); /* too late is no harm */
        ck_assert_int_eq(call.state, CALL_DONE);
}
END_TEST

START_TEST(a_timeout)
{
        struct call call = { .state = CALL_IDLE };

        ring_sleep(ring, &call, 1000000);
        ck_assert_uint_eq(ring_in_flight(ring), 1);
        ck_assert_int_eq(call_wait(ring, &call), -ETIME);
        ck_assert_uint_eq(ring_in_flight(ring), 0);
        ring_sleep(ring, &call, 0); /* done by a poll that does not wait */
        ck_assert_int_eq(call.state, CALL_IN_KERNEL);
        while (call.state == CALL_IN_KERNEL)
                ck_assert_int_ge(ring_poll(ring, false), 0);
        ck_assert_int_eq(call.result, -ETIME);
        ring_sleep(ring, &call, UINT64_MAX); /* taken back at once */
        ring_cancel(ring, &call);
        ck_assert_int_eq(call.state, CALL_DONE);
        ck_assert_int_eq(call.result, -ECANCELED);
        ck_assert_uint_eq(ring_in_flight(ring), 0);
}
END_TEST

START_TEST(other_operations)
{
        char path[] = "/tmp/nacelle-ring-XXXXXX";
        int fd = mkstemp(path), pair[2];
        struct iovec two[2] = { { "ab", 2 }, { "cde", 3 } };
        struct msghdr msg = { .msg_iov = two, .msg_iovlen = 2 };
        char in[8] = { 0 };
        struct {
                struct ring_op op;
                int32_t result;
        } rows[] = {
                { { .code = RING_WRITEV, .fd = fd, .address = two, .length = 2, .offset = 0 }, 5 },
                { { .code = RING_FALLOCATE, .fd = fd, .offset = 0, .extra = 4096 }, 0 },
                { { .code = RING_FADVISE, .fd = fd, .offset = 0, .extra = 4096, .flags = 0 }, 0 },
                { { .code = RING_FSYNC, .fd = fd }, 0 },
                { { .code = RING_READ, .fd = fd, .address = in, .length = 5, .offset = 0 }, 5 },
                { { .code = RING_POLL_ADD, .fd = fd, .length = POLLIN }, POLLIN },
                { { .code = RING_SENDMSG, .fd = -1, .address = &msg }, 5 },
                { { .code = RING_RECV, .fd = -2, .address = in, .length = 8 }, 5 },
                { { .code = RING_SHUTDOWN, .fd = -1, .length = SHUT_WR }, 0 },
                { { .code = RING_RECV, .fd = -2, .address = in, .length = 8 }, 0 },
                { { .code = RING_CLOSE, .fd = fd }, 0 },
                { { .code = RING_CLOSE, .fd = fd }, -EBADF },
        };

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (rows[i].op.fd == -1)
                        rows[i].op.fd = pair[0];
                else if (rows[i].op.fd == -2)
                        rows[i].op.fd = pair[1];
                ck_assert_msg(ring_do(ring, &rows[i].op) == rows[i].result, "row %zu", i);
        }
        ck_assert_mem_eq(in, "abcde", 5);
        unlink(path);
}
END_TEST

static unsigned turns, which;

static void waits_for_any(void *argument)
{
        struct call a = { .state = CALL_IDLE }, b = { .state = CALL_IDLE };
        struct call *both[] = { &a, &b };
        char x, y;
        struct ring_op first = read_op(0, &x, 1), second = read_op(1, &y, 1);

        ring_submit(ring, &a, &first);
        ring_submit(ring, &b, &second);
        which = call_wait_any(ring, both, 2);
        turns++;
        call_wait(ring, both[!which]);
        turns++;
}

/* Both completions arrive in one turn: the fiber is made ready once for each wait, never twice. */
START_TEST(any_of_two_wakes_once)
{
        struct error err = { 0 };
        struct fiber *f, *ready;

        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, &err), 0);
        fiber_start(f, waits_for_any, NULL);
        ck_assert(fiber_resume(f));
        ck_assert_int_eq(ring_poll(ring, false), 0);
        ck_assert_ptr_null(ring_next_ready(ring));

        ck_assert_int_eq(write(pipes[0][1], "1", 1), 1);
        ck_assert_int_eq(write(pipes[1][1], "2", 1), 1);
        while (ring_in_flight(ring))
                ck_assert_int_ge(ring_poll(ring, true), 0);
        ready = ring_next_ready(ring);
        ck_assert_ptr_eq(ready, f);
        ck_assert(!fiber_resume(f));
        ck_assert_uint_eq(turns, 2);
        ck_assert_ptr_null(ring_next_ready(ring));
        fiber_free(f);
}
END_TEST

static char seen[4];
static unsigned nseen;

static void reads_one(void *argument)
{
        struct ring_op op = read_op((int)(intptr_t)argument, &seen[nseen], 1);
        char *place = &seen[nseen++];

        op.address = place;
        ck_assert_int_eq(ring_do(ring, &op), 1);
}

/* Three fibers submit, and one system call carries all three. */
START_TEST(fibers_share_a_turn)
{
        struct error err = { 0 };
        struct fiber *f[3];

        if (pipes_take_a_thread("three reads of one turn"))
                return;
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f[i], &err), 0);
                fiber_start(f[i], reads_one, (void *)(intptr_t)i);
                ck_assert(fiber_resume(f[i]));
        }
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(write(pipes[i][1], &"abc"[i], 1), 1);
        ck_assert_uint_eq(ring_in_flight(ring), 3);
        ck_assert_int_eq(ring_poll(ring, true), 3);
        for (int i = 0; i < 3; i++)
                ck_assert(!fiber_resume(ring_next_ready(ring)));
        ck_assert_ptr_null(ring_next_ready(ring));
        ck_assert_mem_eq(seen, "abc", 3);
        for (int i = 0; i < 3; i++)
                fiber_free(f[i]);
}
END_TEST

START_TEST(a_call_in_flight_is_not_submitted_again)
{
        struct call call = { .state = CALL_IDLE };
        char byte;
        struct ring_op op = read_op(0, &byte, 1);

        ring_submit(ring, &call, &op);
        ring_submit(ring, &call, &op); /* aborts: the kernel owns the call's memory */
}
END_TEST

/* A file has no readiness: without io_uring it is a helper that waits for it. */
static void a_call_with_a_helper(void)
{
        char path[] = "/tmp/nacelle-ring-XXXXXX", bytes[4] = { 0 };
        int fd = mkstemp(path);
        struct ring_op op = { .code = RING_FALLOCATE, .fd = fd, .extra = 8192 };

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ring_do(ring, &op), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_END), 8192);
        op = (struct ring_op) { .code = RING_WRITE, .fd = fd, .address = "abcd", .length = 4, .offset = 8190 };
        ck_assert_int_eq(ring_do(ring, &op), 4);
        op = (struct ring_op) { .code = RING_FSYNC, .fd = fd };
        ck_assert_int_eq(ring_do(ring, &op), 0);
        op = (struct ring_op) { .code = RING_READ, .fd = fd, .address = bytes, .length = 4, .offset = 8190 };
        ck_assert_int_eq(ring_do(ring, &op), 4);
        ck_assert_mem_eq(bytes, "abcd", 4);
        op.code = RING_FALLOCATE; /* of what is not a file */
        op.fd = pipes[0][0];
        ck_assert_int_lt(ring_do(ring, &op), 0);
        op = (struct ring_op) { .code = RING_CLOSE, .fd = fd };
        ck_assert_int_eq(ring_do(ring, &op), 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
        ck_assert_uint_eq(ring_in_flight(ring), 0);
        unlink(path);
}

START_TEST(files_and_helpers)
{
        a_call_with_a_helper();
}
END_TEST

/* Both wait for one descriptor, in both directions; the one that is done does not disturb the other. */
START_TEST(two_calls_wait_for_one_descriptor)
{
        struct call in = { .state = CALL_IDLE }, out = { .state = CALL_IDLE };
        char fill[65536] = { 0 }, byte;
        struct ring_op receive = { .code = RING_RECV, .address = &byte, .length = 1 };
        struct ring_op send = { .code = RING_SEND, .address = "z", .length = 1, .flags = MSG_NOSIGNAL };
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        receive.fd = send.fd = pair[0];
        while (ring_now(&(struct ring_op) { .code = RING_SEND, .fd = pair[0], .address = fill,
                                            .length = sizeof(fill), .flags = MSG_NOSIGNAL }, false) > 0)
                ;
        ring_submit(ring, &in, &receive);
        ring_submit(ring, &out, &send);
        ck_assert_int_eq(ring_poll(ring, false), 0);
        ck_assert_int_eq(write(pair[1], "q", 1), 1);
        ck_assert_int_eq(call_wait(ring, &in), 1);
        ck_assert_int_eq(byte, 'q');
        ck_assert_int_eq(ring_poll(ring, false), 0);
        ck_assert_int_eq(out.state, CALL_IN_KERNEL);
        while (recv(pair[1], fill, sizeof(fill), MSG_DONTWAIT) > 0)
                ;
        ck_assert_int_eq(call_wait(ring, &out), 1);
        ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
        ck_assert_int_eq(byte, 'z');
        close(pair[0]);
        close(pair[1]);
}
END_TEST

/* Deadlines come in their order, also when some are taken back in between. */
START_TEST(many_timeouts)
{
        struct call calls[40] = { 0 };
        unsigned done = 0, cancelled = 0;

        for (unsigned i = 0; i < ELEMENTSOF(calls); i++) {
                calls[i].state = CALL_IDLE;
                ring_sleep(ring, &calls[i], 1000000 + (i * 7919 % 40) * 500000);
        }
        ck_assert_int_eq(ring_poll(ring, false), 0);
        for (unsigned i = 0; i < ELEMENTSOF(calls); i += 3, cancelled++)
                ring_cancel(ring, &calls[i]);
        while (ring_in_flight(ring))
                ck_assert_int_ge(ring_poll(ring, true), 0);
        for (unsigned i = 0; i < ELEMENTSOF(calls); i++) {
                ck_assert_int_eq(calls[i].state, CALL_DONE);
                ck_assert_int_eq(calls[i].result, i % 3 ? -ETIME : -ECANCELED);
                done += calls[i].result == -ETIME;
        }
        ck_assert_uint_eq(done + cancelled, ELEMENTSOF(calls));
}
END_TEST

struct counted {
        struct ring_timer timer;
        unsigned fired;
        struct counted *other;
};

static void count(struct ring_timer *t)
{
        struct counted *c = (struct counted *)t;

        c->fired++;
        if (c->other) /* as of now: in the next poll, not in this one */
                ring_timer_set(ring, &c->other->timer, 0);
}

/* Without a call in flight the ring is waited for as well; and a timer that sets itself comes once a poll. */
START_TEST(timers_of_others)
{
        struct counted a = { .timer.fire = count }, b = { .timer.fire = count };
        struct timespec t;
        uint64_t now;

        clock_gettime(CLOCK_MONOTONIC, &t);
        now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
        ck_assert_uint_eq(ring_next_timer(ring), UINT64_MAX);
        ring_timer_set(ring, &a.timer, now + 2000000);
        ring_timer_set(ring, &b.timer, UINT64_MAX);
        ck_assert_uint_ge(ring_next_timer(ring), now + 2000000);
        ck_assert_uint_lt(ring_next_timer(ring), now + 2002000);
        ck_assert_int_eq(ring_poll(ring, false), 0);
        ck_assert(!ring_has_news(ring));
        ck_assert_int_eq(ring_poll(ring, true), 1);
        ck_assert_uint_eq(a.fired, 1);
        ring_timer_clear(ring, &b.timer);
        ring_timer_clear(ring, &b.timer);
        ck_assert_int_eq(ring_poll(ring, true), -EDEADLK);
        a.other = &a;
        ring_timer_set(ring, &a.timer, 0);
        ck_assert(ring_has_news(ring));
        ck_assert_int_eq(ring_poll(ring, false), 1);
        ck_assert_int_eq(ring_poll(ring, true), 1);
        ck_assert_uint_eq(a.fired, 3);
        a.other = NULL;
        ck_assert_int_eq(ring_poll(ring, false), 1);
        ck_assert_int_eq(ring_poll(ring, true), -EDEADLK);
        ck_assert_uint_eq(b.fired, 0);
}
END_TEST

/* Where there are rings, those of cells are made of what the table says is used. */
START_TEST(features_are_tried)
{
        struct ring_feature f[_RING_FEATURE_MAX];

        ck_assert_int_eq(ring_features(f), 0);
        for (unsigned k = 0; k < _RING_FEATURE_MAX; k++) {
                ck_assert_uint_gt(strlen(f[k].name), 0);
                ck_assert_uint_gt(strlen(f[k].why), 0);
                ck_assert_int_ge(f[k].refused, 0);
        }
        ck_assert_int_eq(f[RING_FEATURE_TIMED_WAIT].refused, 0); /* or this ring would not be */
        ck_assert(f[RING_FEATURE_TIMED_WAIT].used);
        ck_assert(f[RING_FEATURE_RESTRICT].used);
        ck_assert(!f[RING_FEATURE_SQPOLL].used);
}
END_TEST

START_TEST(the_ring_moves)
{
        struct error err = { 0 };

        ck_assert_int_eq(ring_move(ring, 200, &err), 0);
        ck_assert_int_eq(ring_fd(ring), 200);
        ck_assert_int_ge(fcntl(200, F_GETFD), 0);
        ck_assert_int_eq(ring_move(ring, 200, &err), 0);
        ck_assert_int_eq(ring_move_wake(ring, 201, &err), 0);
        ck_assert_int_eq(fcntl(201, F_GETFD) >= 0, RING_KIND == RING_THREADS);
        a_call_with_a_helper();
}
END_TEST

static void yields_once(void *argument)
{
        ring_yield(ring);
        *(bool *)argument = true;
}

START_TEST(a_yield_is_behind_those_that_can_go_on)
{
        struct error err = { 0 };
        struct fiber *reader, *f;
        bool went_on = false;

        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, &err), 0);
        fiber_start(f, yields_once, &went_on);
        ck_assert(!fiber_resume(f)); /* nobody else: it went on at once */
        ck_assert(went_on);
        fiber_free(f);

        if (pipes_take_a_thread("what a yield lets go on"))
                return;
        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &reader, &err), 0);
        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, &err), 0);
        fiber_start(reader, reads_one, (void *)(intptr_t)0);
        ck_assert(fiber_resume(reader));
        ck_assert_int_eq(write(pipes[0][1], "a", 1), 1);
        went_on = false;
        fiber_start(f, yields_once, &went_on);
        ck_assert(fiber_resume(f));
        ck_assert(!went_on);
        ck_assert_ptr_eq(ring_next_ready(ring), reader);
        ck_assert(!fiber_resume(reader));
        ck_assert_ptr_eq(ring_next_ready(ring), f);
        ck_assert(!fiber_resume(f));
        ck_assert(went_on);
        ck_assert_ptr_null(ring_next_ready(ring));
        fiber_free(reader);
        fiber_free(f);
}
END_TEST

/* What would wait is refused without a trace; what the calls cannot be asked is the ring's. */
START_TEST(what_need_not_wait)
{
        char bytes[4] = { 0 };
        struct ring_op r = read_op(0, bytes, 4);
        struct ring_op w = { .code = RING_WRITE, .fd = pipes[0][1], .address = "ab", .length = 2,
                             .offset = UINT64_MAX };
        struct ring_op sync = w, peek = { .code = RING_RECV, .address = bytes, .flags = MSG_PEEK };
        struct ring_op send = { .code = RING_SEND, .address = "abcd", .length = 4 };
        struct ring_op receive = { .code = RING_RECV, .address = bytes, .length = 4 };
        struct pollfd polls[2] = { { .fd = pipes[0][0], .events = POLLIN },
                                   { .fd = pipes[0][1], .events = POLLOUT } };
        bool cannot_tell;
        int pair[2];

        sync.flags = 2; /* RWF_DSYNC */
        ck_assert_int_eq(ring_now(&sync, false), -ENOSYS);
        ck_assert_int_eq(ring_now(&sync, true), -ENOSYS);
        cannot_tell = pipes_take_a_thread("a read that would wait");
        if (!cannot_tell)
                ck_assert_int_eq(ring_now(&r, false), -EAGAIN);
        ck_assert_int_eq(ring_now_ready(polls, 2), 1);
        ck_assert_int_eq(polls[0].revents, 0);
        ck_assert_int_eq(polls[1].revents, POLLOUT);
        ck_assert_int_eq(ring_now(&w, cannot_tell), 2);
        ck_assert_int_eq(ring_now_ready(polls, 2), 2);
        ck_assert_int_eq(polls[0].revents, POLLIN);
        ck_assert_int_eq(ring_now(&r, cannot_tell), 2);
        ck_assert_mem_eq(bytes, "ab\0", 3);

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        peek.fd = receive.fd = pair[0];
        send.fd = pair[1];
        ck_assert_int_eq(ring_now(&receive, false), -EAGAIN);
        ck_assert_int_eq(ring_now(&send, false), -ENOSYS); /* would raise a signal */
        send.flags = MSG_NOSIGNAL;
        ck_assert_int_eq(ring_now(&send, false), 4);
        ck_assert_int_eq(ring_now(&peek, false), -ENOSYS);
        ck_assert_int_eq(ring_now(&receive, false), 4);
        close(pair[0]);
        ck_assert_int_eq(ring_now(&send, false), -EPIPE);
        close(pair[1]);
        ck_assert_uint_eq(ring_in_flight(ring), 0);
}
END_TEST

static struct rlimit processes;

static void allow_threads(int number)
{
        (void)number;
        processes.rlim_cur = processes.rlim_max;
        (void)setrlimit(RLIMIT_NPROC, &processes);
}

/* The kernel does what may wait for a disk on a thread, and cancels it when it can start none: here for a moment. */
START_TEST(a_thread_that_cannot_be_started)
{
        struct itimerval soon = { .it_value = { .tv_usec = 1000 } };
        struct call call = { .state = CALL_IDLE };
        char path[] = "/tmp/nacelle-ring-XXXXXX";
        int file = mkostemp(path, O_CLOEXEC);
        struct ring_op grow = { .code = RING_FALLOCATE, .fd = file, .extra = 4096 };

        ck_assert_int_ge(file, 0);
        unlink(path);
        ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &processes), 0);
        ck_assert(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0); /* root's processes are not counted */
        ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &(struct rlimit) { 0, processes.rlim_max }), 0);
        signal(SIGALRM, allow_threads);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
        ring_submit(ring, &call, &grow);
        ck_assert_int_eq(call_wait(ring, &call), 0);
        ck_assert_int_eq(processes.rlim_cur == processes.rlim_max, true); /* not before */
        ck_assert_int_eq(lseek(file, 0, SEEK_END), 4096);
        close(file);
}
END_TEST

START_TEST(nothing_is_registered_later)
{
        struct error err = { 0 };

        ck_assert_int_lt(ring_restrict(ring, &err), 0);
        ck_assert_int_eq(err.stage, STAGE_RING);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("ring");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, a_call_without_a_fiber);
        tcase_add_test(tc, an_unknown_operation);
        tcase_add_test(tc, nothing_to_wait_for);
        tcase_add_test(tc, more_than_the_ring_holds);
        tcase_add_test(tc, a_cancelled_call_ends);
        tcase_add_test(tc, a_timeout);
        tcase_add_test(tc, other_operations);
        tcase_add_test(tc, any_of_two_wakes_once);
        tcase_add_test(tc, fibers_share_a_turn);
        tcase_add_test_raise_signal(tc, a_call_in_flight_is_not_submitted_again, SIGABRT);
        tcase_add_test(tc, files_and_helpers);
        tcase_add_test(tc, two_calls_wait_for_one_descriptor);
        tcase_add_test(tc, many_timeouts);
        tcase_add_test(tc, timers_of_others);
        if (RING_KIND == RING_URING)
                tcase_add_test(tc, features_are_tried);
        tcase_add_test(tc, the_ring_moves);
        tcase_add_test(tc, a_yield_is_behind_those_that_can_go_on);
        tcase_add_test(tc, what_need_not_wait);
        if (RING_KIND == RING_URING)
                tcase_add_test(tc, nothing_is_registered_later);
        if (RING_KIND == RING_URING)
                tcase_add_test(tc, a_thread_that_cannot_be_started);
        return unit_main(RING_KIND == RING_URING ? "ring" : "ring-threads", &tc, 1);
}
