/* test-guests.c - many guests in one cell: their ends, their shares of the processor, and what stops them. */
#include "config.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/supervisor/one_cell.h"
#include "tests/unit/unit.h"

#define GUESTS_MAX 4096u
#define MS         UINT64_C(1000000)

struct seen {
        unsigned started, ended;
        enum guest_end end;
        uint32_t status;
        enum trap trap;
        enum guest_limit limit;
        uint64_t cpu_ns, value, log_bytes, dropped;
        unsigned denied[DENIED_LIMIT + 1];
        enum guest_limit denied_limit;
        char text[400];
};

static struct seen seen[GUESTS_MAX];
static unsigned lost, ended, started;
static const volatile struct guest_stats *stats;

static void on_started(void *context, uint64_t guest, uint64_t ns)
{
        ck_assert_uint_lt(guest, GUESTS_MAX);
        seen[guest].started++;
        started++;
}

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        struct seen *s = &seen[guest];

        ck_assert_uint_lt(guest, GUESTS_MAX);
        s->ended++;
        ended++;
        s->end = e->end;
        s->status = e->status;
        s->trap = e->trap;
        s->limit = e->limit;
        s->cpu_ns = e->cpu_ns;
        if (e->nvalues)
                s->value = e->values[0].value.i64;
        if (e->text[0])
                snprintf(s->text, sizeof(s->text), "%s", e->text);
}

static void on_log(void *context, uint64_t guest, unsigned stream, const char *bytes, size_t n, uint64_t dropped)
{
        struct seen *s = &seen[guest];
        size_t have = strlen(s->text), room = sizeof(s->text) - 1 - have;

        s->log_bytes += n;
        s->dropped += dropped;
        memcpy(s->text + have, bytes, n < room ? n : room);
        s->text[have + (n < room ? n : room)] = '\0';
}

static void on_lost(void *context, const char *why)
{
        lost++;
}

static void on_denied(void *context, uint64_t guest, const struct guest_denial *d)
{
        ck_assert_uint_le(d->layer, DENIED_LIMIT);
        seen[guest].denied[d->layer]++;
        seen[guest].denied_limit = d->limit;
}

static const struct guest_events events = { on_started, on_ended, on_log, on_denied, NULL, on_lost };

static void setup(void)
{
        memset(seen, 0, sizeof(seen));
        lost = ended = started = 0;
        stats = NULL;
        one_cell_begin();
}

static void open_cell(unsigned workers)
{
        one_cell_open(&events, 1 << 20, workers);
        ck_assert_str_eq(cell_missing(cell), "");
}

static void spawn(const struct guest_spec *s)
{
        ck_assert_msg(cell_spawn(cell, s, &err) == 0, "%s", err.text);
}

static uint64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Serve the cell for @ms, or until @n guests ended. */
static void serve(unsigned ms, unsigned n)
{
        uint64_t end = now() + ms * MS;

        while (now() < end && ended < n) {
                struct pollfd p = { .fd = cell_fd(cell), .events = cell_fd_events(cell) };

                (void)poll(&p, 1, 20);
                if (cell_dispatch(cell, 0) < 0)
                        return;
        }
}

/* Serve until the guests are there. */
static void serve_started(unsigned n)
{
        for (unsigned i = 0; i < 500 && started < n; i++)
                serve(20, UINT32_MAX);
        ck_assert_uint_eq(started, n);
}

static const char spinner[] = "(module (func (export \"_start\") (loop $l (br $l))))";
static const char adder[] = "(module (memory 1) (func (export \"add\") (param i64 i64) (result i64)"
                            " (i64.store (i32.const 8) (i64.add (local.get 0) (local.get 1)))"
                            " (i64.load (i32.const 8))) (func (export \"_start\"))"
                            " (func (export \"trap\") unreachable))";
static const char waiter[] =
        "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func $r (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1)"
        " (func (export \"read\") (result i32) (i32.store (i32.const 0) (i32.const 64))"
        "  (i32.store (i32.const 4) (i32.const 64))"
        "  (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))"
        " (func (export \"length\") (result i32) (i32.store (i32.const 0) (i32.const 64))"
        "  (i32.store (i32.const 4) (i32.const 64)) (i32.store (i32.const 16) (i32.const 99))"
        "  (drop (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16))) (i32.load (i32.const 16))))";

START_TEST(every_guest_ends_once)
{
        enum { N = 600 };
        const char *args[] = { "add", "20", "22" };
        uint32_t module;

        open_cell((unsigned[]) { 1, 2, PROTO_WORKERS_MAX }[_i]);
        module = one_cell_load(adder, false);
        for (uint64_t g = 1; g <= N; g++) {
                struct guest_spec s = one_cell_spec(g, module);

                if (g % 3 == 0) {
                        s.invoke = "add";
                        s.args = args;
                        s.nargs = 3;
                } else if (g % 3 == 1) {
                        s.invoke = "trap";
                }
                s.quiet = g % 2;
                spawn(&s);
        }
        ck_assert_uint_eq(cell_guests(cell), N);
        serve(20000, N);
        serve(50, UINT32_MAX);
        ck_assert_uint_eq(ended, N);
        ck_assert_uint_eq(cell_guests(cell), 0);
        for (unsigned g = 1; g <= N; g++) {
                ck_assert_uint_eq(seen[g].ended, 1);
                ck_assert_msg(seen[g].end == (g % 3 == 1 ? GUEST_TRAPPED : GUEST_RETURNED), "%u: end %d, %s", g,
                              (int)seen[g].end, seen[g].text);
                ck_assert_uint_eq(seen[g].started, !(g % 2));
                if (g % 3 == 0)
                        ck_assert_uint_eq(seen[g].value, 42);
                if (g % 3 == 1) {
                        ck_assert_int_eq(seen[g].trap, TRAP_UNREACHABLE);
                        ck_assert_ptr_nonnull(strstr(seen[g].text, "at trap (function"));
                }
        }
}
END_TEST

START_TEST(who_cannot_be_started_ends_as_well)
{
        uint32_t module, unknown;
        struct guest_spec s;

        open_cell(1);
        module = one_cell_load(adder, false);
        unknown = one_cell_load("(module (import \"a\" \"b\" (func)) (func (export \"_start\")))", false);
        s = one_cell_spec(1, module + 77);
        spawn(&s);
        s = one_cell_spec(2, module);
        s.invoke = "absent";
        spawn(&s);
        s = one_cell_spec(3, unknown);
        spawn(&s);
        s = one_cell_spec(4, module);
        s.limits.memory_max_bytes = 1;
        spawn(&s);
        s = one_cell_spec(5, one_cell_load("(module (memory 1) (table 10000 funcref) (func (export \"_start\")))", false));
        s.limits.memory_max_bytes = 100000;
        spawn(&s);
        serve(5000, 5);
        for (unsigned g = 1; g <= 5; g++)
                ck_assert_int_eq(seen[g].end, GUEST_FAILED);
        ck_assert_ptr_nonnull(strstr(seen[1].text, "no module"));
        ck_assert_ptr_nonnull(strstr(seen[2].text, "exports no function absent"));
        ck_assert_ptr_nonnull(strstr(seen[3].text, "unknown import a.b"));
        ck_assert_ptr_nonnull(strstr(seen[4].text, "limit of 1"));
        ck_assert_ptr_nonnull(strstr(seen[5].text, "memories and tables of 385536 bytes"));

        /* What the caller did wrong is told at once. */
        s = one_cell_spec(0, module);
        ck_assert_int_eq(cell_spawn(cell, &s, &err), -EINVAL);
        s = one_cell_spec(6, module);
        s.limits.cpu_weight = CPU_WEIGHT_MAX + 1;
        ck_assert_int_eq(cell_spawn(cell, &s, &err), -EINVAL);
        ck_assert_uint_eq(cell_guests(cell), 0);
}
END_TEST

/* Shares of one processor by weight. */
START_TEST(weights)
{
        uint32_t module;
        uint64_t all = 0, had[4];

        open_cell(1);
        module = one_cell_load(spinner, false);
        ck_assert_int_eq(cell_stats(cell, 4, &stats, &err), 0);
        for (unsigned g = 1; g <= 3; g++) {
                struct guest_spec s = one_cell_spec(g, module);

                s.limits.cpu_weight = 50u << g; /* 1 : 2 : 4 */
                s.slot = g;
                spawn(&s);
        }
        serve_started(3);
        serve(20, UINT32_MAX);
        for (unsigned g = 1; g <= 3; g++)
                had[g] = stats[g].cpu_ns;
        serve(1400, UINT32_MAX);
        for (unsigned g = 1; g <= 3; g++)
                had[g] = stats[g].cpu_ns - had[g];
        for (unsigned g = 1; g <= 3; g++)
                ck_assert_int_eq(cell_kill(cell, g, KILL_NOW), 0);
        serve(5000, 3);
        for (unsigned g = 1; g <= 3; g++) {
                ck_assert_int_eq(seen[g].end, GUEST_KILLED);
                all += had[g];
        }
        printf("weights 1:2:4 had %.3f %.3f %.3f of %.0f ms\n", (double)had[1] / (double)all,
               (double)had[2] / (double)all, (double)had[3] / (double)all, (double)all / 1e6);
        for (unsigned g = 1; g <= 3; g++) {
                double share = (double)had[g] / (double)all, want = (double)(1u << (g - 1)) / 7;

                ck_assert_double_gt(share, want * 0.9);
                ck_assert_double_lt(share, want * 1.1);
        }
}
END_TEST

START_TEST(quota)
{
        struct guest_spec s;
        uint64_t began, ran;
        double share, load1 = 0;

        open_cell(1);
        s = one_cell_spec(1, one_cell_load(spinner, false));
        s.limits.cpu_quota_ns = CPU_PERIOD_NS / 10;
        s.slot = 0;
        ck_assert_int_eq(cell_stats(cell, 1, &stats, &err), 0);
        spawn(&s);
        serve_started(1);
        began = now();
        ran = stats[0].cpu_ns;
        serve(2000, UINT32_MAX);
        share = (double)(stats[0].cpu_ns - ran) / (double)(now() - began);
        printf("a quota of 10 %% had %.2f %%, refused %llu times\n", share * 100,
               (unsigned long long)stats[0].refused[LIMIT_CPU_QUOTA]);
        /* More than it may have it never has; less only where others have the processors. */
        ck_assert_double_gt(share, getloadavg(&load1, 1) == 1 && load1 > 3 ? 0.03 : 0.09);
        ck_assert_double_lt(share, 0.11);
        for (unsigned i = 0; i < 40 && stats[0].refused[LIMIT_CPU_QUOTA] <= 10; i++)
                serve(500, UINT32_MAX); /* where others have the processors it takes longer to use up */
        ck_assert_uint_gt(stats[0].refused[LIMIT_CPU_QUOTA], 10);
        /* Also while it pauses. */
        began = now();
        ck_assert_int_eq(cell_kill(cell, 1, KILL_NOW), 0);
        serve(1000, 1);
        ck_assert_int_eq(seen[1].end, GUEST_KILLED);
        ck_assert_uint_lt(now() - began, 500 * MS);
}
END_TEST

START_TEST(cpu_time)
{
        struct guest_spec s;

        open_cell(1);
        s = one_cell_spec(1, one_cell_load(spinner, false));
        s.limits.cpu_max_ns = 50 * MS;
        spawn(&s);
        serve(5000, 1);
        ck_assert_int_eq(seen[1].end, GUEST_LIMITED);
        ck_assert_int_eq(seen[1].limit, LIMIT_CPU_TIME);
        ck_assert_uint_ge(seen[1].cpu_ns, 50 * MS);
        ck_assert_uint_lt(seen[1].cpu_ns, 70 * MS);
        ck_assert_ptr_nonnull(strstr(seen[1].text, "CPU time"));
}
END_TEST

/* Guests that never come back to the scheduler by themselves, each in another way. */
static const struct {
        const char *name, *wat;
} hogs[] = {
        { "loop", spinner },
        { "calls", "(module (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))"
                   " (func (export \"_start\") (local i32) (loop $l (local.set 0 (call $f (local.get 0))) (br $l))))" },
        { "start function", "(module (func $s (loop $l (br $l))) (start $s) (func (export \"_start\")))" },
        { "memory.fill", "(module (memory 1024) (func (export \"_start\") (loop $l"
                         " (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864)) (br $l))))" },
        { "memory.copy", "(module (memory 1024) (func (export \"_start\") (loop $l"
                         " (memory.copy (i32.const 16) (i32.const 0) (i32.const 67108000)) (br $l))))" },
        { "small fills", "(module (memory 1) (func (export \"_start\") (loop $l"
                         " (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l))))" },
        { "table.fill", "(module (table 1000000 funcref) (func (export \"_start\") (loop $l"
                        " (table.fill (i32.const 0) (ref.null func) (i32.const 1000000)) (br $l))))" },
        { "table.copy", "(module (table 1000000 funcref) (func (export \"_start\") (loop $l"
                        " (table.copy (i32.const 1) (i32.const 0) (i32.const 999999)) (br $l))))" },
        { "memory.grow", "(module (memory 1) (func (export \"_start\") (loop $l"
                         " (drop (memory.grow (i32.const 0))) (br $l))))" },
        { "random_get", "(module (import \"wasi_snapshot_preview1\" \"random_get\" (func $r (param i32 i32) (result i32)))"
                        " (memory (export \"memory\") 1024) (func (export \"_start\") (loop $l"
                        " (drop (call $r (i32.const 0) (i32.const 67108864))) (br $l))))" },
        { "clock_time_get", "(module (import \"wasi_snapshot_preview1\" \"clock_time_get\" (func $c (param i32 i64 i32) (result i32)))"
                            " (memory (export \"memory\") 1) (func (export \"_start\") (loop $l"
                            " (drop (call $c (i32.const 1) (i64.const 0) (i32.const 8))) (br $l))))" },
        { "sched_yield", "(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func $y (result i32)))"
                         " (memory (export \"memory\") 1) (func (export \"_start\") (loop $l"
                         " (drop (call $y)) (br $l))))" },
        { "files", "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func $r (param i32 i32 i32 i32) (result i32)))"
                   " (memory (export \"memory\") 2) (func (export \"_start\") (i32.store (i32.const 4) (i32.const 65536)) (loop $l"
                   " (drop (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16))) (br $l))))" },
};

/* Each beside a guest that does a little and must not wait for long, and then it is killed. */
START_TEST(hogs_leave_and_die)
{
        struct guest_spec s;
        uint64_t began, took, least = UINT64_MAX;
        uint32_t hog, little;

        open_cell(1);
        hog = one_cell_load(hogs[_i].wat, false);
        little = one_cell_load(adder, false);
        s = one_cell_spec(1, hog);
        s.quiet = true;
        s.stdio[0] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        spawn(&s);
        serve(100, UINT32_MAX);
        for (unsigned g = 2; g < 12; g++) {
                s = one_cell_spec(g, little);
                began = now();
                spawn(&s);
                serve(5000, g - 1);
                took = now() - began;
                ck_assert_int_eq(seen[g].end, GUEST_RETURNED);
                least = took < least ? took : least;
        }
        /* The machine may be busy with other things; one of ten was not held up by these. */
        ck_assert_msg(least < 200 * MS, "%s: a neighbour took %llu us", hogs[_i].name,
                      (unsigned long long)least / 1000);
        began = now();
        ck_assert_uint_eq(seen[1].ended, 0);
        ck_assert_int_eq(cell_kill(cell, 1, KILL_NOW), 0);
        serve(5000, 11);
        took = now() - began;
        ck_assert_uint_eq(seen[1].ended, 1);
        ck_assert_int_eq(seen[1].end, GUEST_KILLED);
        ck_assert_ptr_nonnull(strstr(seen[1].text, "killed"));
        ck_assert_msg(took < 500 * MS, "%s: died after %llu us", hogs[_i].name, (unsigned long long)took / 1000);
}
END_TEST

START_TEST(waiting_guests_are_killed)
{
        enum { N = 50 };
        uint32_t module;
        int pipes[N][2];

        open_cell(2);
        module = one_cell_load(waiter, false);
        for (unsigned g = 0; g < N; g++) {
                struct guest_spec s = one_cell_spec(g + 1, module);

                ck_assert_int_eq(pipe2(pipes[g], O_CLOEXEC), 0);
                s.stdio[0] = pipes[g][0];
                s.invoke = "read";
                spawn(&s);
        }
        serve_started(N);
        serve(50, UINT32_MAX);
        ck_assert_uint_eq(ended, 0);
        for (unsigned g = 0; g < N; g++) {
                ck_assert_int_eq(cell_kill(cell, g + 1, KILL_NOW), 0);
                ck_assert_int_eq(cell_kill(cell, g + 1, KILL_NOW), 0); /* twice does nothing more */
        }
        ck_assert_int_eq(cell_kill(cell, 777777, KILL_NOW), 0);
        serve(5000, N);
        for (unsigned g = 0; g < N; g++) {
                ck_assert_uint_eq(seen[g + 1].ended, 1);
                ck_assert_int_eq(seen[g + 1].end, GUEST_KILLED);
                /* Its descriptors are closed. */
                ck_assert_int_lt(write(pipes[g][1], "x", 1), 0);
                close(pipes[g][1]);
        }
}
END_TEST

/* The error of the event of a sleep, which lies where its subscription did. */
static const char sleeper[] =
        "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\" (func $p (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (func (export \"sleep\") (result i32)"
        "  (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 3600000000000))"
        "  (drop (call $p (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 200))) (i32.load16_u (i32.const 8))))";

/* Asked to stop: what it reads is at its end, or its sleep, and it returns by itself. */
START_TEST(stop_is_the_end_of_input)
{
        struct guest_spec s;
        int pipe[2];

        open_cell(1);
        s = one_cell_spec(1, one_cell_load(_i ? sleeper : waiter, false));
        ck_assert_int_eq(pipe2(pipe, O_CLOEXEC), 0);
        s.stdio[0] = pipe[0];
        s.invoke = _i ? "sleep" : "length";
        spawn(&s);
        serve_started(1);
        serve(50, UINT32_MAX);
        ck_assert_uint_eq(ended, 0);
        ck_assert_int_eq(cell_kill(cell, 1, KILL_STOP), 0);
        serve(5000, 1);
        ck_assert_int_eq(seen[1].end, GUEST_RETURNED);
        ck_assert_uint_eq(seen[1].value, _i ? 11 : 0); /* CANCELED */
        close(pipe[1]);
}
END_TEST

/* Guests that wait wake up, each for its own. */
START_TEST(guests_wait_for_their_own)
{
        enum { N = 200 };
        uint32_t module;
        int pipes[N][2];

        open_cell(1 + (unsigned)_i);
        module = one_cell_load(waiter, false);
        for (unsigned g = 0; g < N; g++) {
                struct guest_spec s = one_cell_spec(g + 1, module);

                ck_assert_int_eq(pipe2(pipes[g], O_CLOEXEC), 0);
                s.stdio[0] = pipes[g][0];
                s.invoke = "length";
                spawn(&s);
        }
        serve_started(N);
        for (unsigned g = 0; g < N; g++)
                ck_assert_int_eq(write(pipes[g][1], "0123456789abcdef0123456789abcdef", 1 + g % 32), 1 + g % 32);
        serve(5000, N);
        ck_assert_uint_eq(ended, N);
        for (unsigned g = 0; g < N; g++) {
                ck_assert_int_eq(seen[g + 1].end, GUEST_RETURNED);
                ck_assert_uint_eq(seen[g + 1].value, 1 + g % 32);
                close(pipes[g][1]);
        }
}
END_TEST

static const char talker[] =
        "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func $w (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (data (i32.const 64) \"one\\ntwo\\nthree\")"
        " (func $put (param i32 i32 i32) (i32.store (i32.const 0) (local.get 1))"
        "  (i32.store (i32.const 4) (local.get 2))"
        "  (if (call $w (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))"
        "  (if (i32.ne (i32.load (i32.const 16)) (local.get 2)) (then unreachable)))"
        " (func (export \"_start\") (call $put (i32.const 1) (i32.const 64) (i32.const 10))"
        "  (call $put (i32.const 1) (i32.const 74) (i32.const 3)))"
        " (func (export \"much\") (local i32) (loop $l (call $put (i32.const 2) (i32.const 64) (i32.const 4))"
        "  (local.set 0 (i32.add (local.get 0) (i32.const 1)))"
        "  (br_if $l (i32.lt_u (local.get 0) (i32.const 1000)))))"
        " (func (export \"long\") (memory.fill (i32.const 100) (i32.const 65) (i32.const 20000))"
        "  (call $put (i32.const 2) (i32.const 100) (i32.const 20000))))";

START_TEST(output_becomes_lines)
{
        struct guest_spec s;
        uint32_t module;

        open_cell(1);
        module = one_cell_load(talker, false);
        for (unsigned g = 1; g <= 4; g++) {
                s = one_cell_spec(g, module);
                s.slot = g;
                s.stdio[1] = s.stdio[2] = STREAM_LOG;
                s.invoke = g == 1 ? NULL : g == 4 ? "long" : "much";
                if (g == 3)
                        s.limits.log_bytes_per_s = 1000;
                if (g == 1)
                        ck_assert_int_eq(cell_stats(cell, 8, &stats, &err), 0);
                spawn(&s);
                serve(5000, g);
                ck_assert_int_eq(seen[g].end, GUEST_RETURNED);
        }
        ck_assert_uint_eq(seen[1].log_bytes, 13);
        ck_assert_str_eq(seen[1].text, "one\ntwo\nthree");
        ck_assert_uint_eq(seen[2].log_bytes + stats[2].log_dropped, 4000);
        ck_assert_uint_eq(seen[4].log_bytes, 20000);
        /* One second's worth at once, and what came in the few milliseconds of its run. */
        ck_assert_uint_ge(seen[3].log_bytes, 1000);
        ck_assert_uint_lt(seen[3].log_bytes, 1500);
        ck_assert_uint_eq(seen[3].log_bytes + stats[3].log_dropped, 4000);
        ck_assert_uint_gt(stats[3].refused[LIMIT_LOG], 0);
}
END_TEST

static const char asker[] =
        "(module (import \"wasi_snapshot_preview1\" \"random_get\" (func $random (param i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"poll_oneoff\" (func $poll (param i32 i32 i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"sock_accept\" (func $accept (param i32 i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 3) (table $t 1 funcref)"
        " (func (export \"table_grow\") (result i32) (table.grow $t (ref.null func) (i32.const 1000000)))"
        " (func (export \"memory_grow\") (result i32) (drop (memory.grow (i32.const 1000)))"
        "  (memory.grow (i32.const 1000)))"
        " (func (export \"random\") (result i32) (drop (call $random (i32.const 0) (i32.const 64)))"
        "  (call $random (i32.const 0) (i32.const 64)))"
        /* all-zero subscriptions are clocks that are due at once */
        " (func (export \"clocks\") (result i32) (call $poll (i32.const 4096) (i32.const 65536) (i32.const 3) (i32.const 0)))"
        " (func (export \"large_poll\") (result i32) (call $poll (i32.const 4096) (i32.const 131072) (i32.const 1000) (i32.const 0)))"
        " (func (export \"accepts\") (result i32) (drop (call $accept (i32.const 3) (i32.const 0) (i32.const 0)))"
        "  (call $accept (i32.const 3) (i32.const 0) (i32.const 0)))"
        " (func (export \"read_output\") (result i32) (call $read (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))";

/* errnos of WASI */
enum { E_DQUOT = 19, E_MFILE = 33, E_NFILE = 41, E_NOMEM = 48, E_NOTCAPABLE = 76 };

static const struct {
        const char *ask;
        uint32_t answer;      /* of the call that is one too many */
        bool capability;
        enum guest_limit limit;
        struct guest_limits limits;
} askers[] = {
        { "memory_grow", UINT32_MAX, false, LIMIT_MEMORY, { .memory_max_bytes = 200000 } },
        { "table_grow", UINT32_MAX, false, LIMIT_MEMORY, { .memory_max_bytes = 16000000 } },
        { "random", E_DQUOT, false, LIMIT_RANDOM, { .random_max_bytes = 100 } },
        { "clocks", E_DQUOT, false, LIMIT_TIMERS, { .timers_max = 2 } },
        { "large_poll", E_NOMEM, false, LIMIT_HOST_MEMORY, { .host_memory_max_bytes = 65536 } },
        { "accepts", E_NFILE, false, LIMIT_CONNECTIONS, { .connections_max = 1 } },
        { "accepts", E_MFILE, false, LIMIT_FILES, { .files_max = 5 } },
        { "read_output", E_NOTCAPABLE, true, 0, { 0 } },
};

static int listener(int *clients, unsigned n)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
        for (unsigned i = 0; i < n; i++) {
                clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&a, sizeof(a)), 0);
        }
        return fd;
}

/* With the limit the call is refused, counted and told of; without it is not. */
START_TEST(limits_are_held_and_counted)
{
        int clients[4], listeners[2] = { listener(clients, 2), listener(clients + 2, 2) };
        uint32_t module;

        open_cell(1);
        module = one_cell_load(asker, false);
        ck_assert_int_eq(cell_stats(cell, 4, &stats, &err), 0);
        for (unsigned g = 1; g <= 2; g++) {
                struct guest_spec s = one_cell_spec(g, module);

                s.slot = g;
                s.invoke = askers[_i].ask;
                s.stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
                s.stdio[1] = s.stdio[2] = STREAM_LOG;
                s.listen = &listeners[g - 1];
                s.nlisten = 1;
                if (g == 1)
                        s.limits = askers[_i].limits;
                spawn(&s);
                serve(5000, g);
                ck_assert_int_eq(seen[g].end, GUEST_RETURNED);
        }
        ck_assert_uint_eq((uint32_t)seen[1].value, askers[_i].answer);
        if (askers[_i].capability) {
                ck_assert_uint_eq(stats[1].denials, 1);
                ck_assert_uint_eq(seen[1].denied[DENIED_HOSTCALL], 1);
        } else {
                ck_assert_uint_ne((uint32_t)seen[2].value, askers[_i].answer);
                ck_assert_uint_ge(stats[1].refused[askers[_i].limit], 1);
                ck_assert_uint_eq(stats[2].refused[askers[_i].limit], 0);
                ck_assert_uint_ge(seen[1].denied[DENIED_LIMIT], 1);
                ck_assert_uint_eq(seen[2].denied[DENIED_LIMIT], 0);
                ck_assert_int_eq(seen[1].denied_limit, askers[_i].limit);
        }
        for (unsigned i = 0; i < 4; i++)
                close(clients[i]);
}
END_TEST

START_TEST(a_lost_cell_loses_each_guest_once)
{
        enum { N = 300 };
        uint32_t module;

        open_cell(2);
        module = one_cell_load(spinner, false);
        for (unsigned g = 1; g <= N; g++) {
                struct guest_spec s = one_cell_spec(g, module);

                spawn(&s);
        }
        serve(100, UINT32_MAX);
        kill(cell_pid(cell), SIGKILL);
        serve(5000, UINT32_MAX);
        ck_assert_uint_eq(lost, 1);
        ck_assert_uint_eq(ended, N);
        for (unsigned g = 1; g <= N; g++) {
                ck_assert_uint_eq(seen[g].ended, 1);
                ck_assert_int_eq(seen[g].end, GUEST_LOST);
        }
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_uint_eq(lost, 1);
        {
                struct guest_spec s = one_cell_spec(N + 1, module);

                ck_assert_int_eq(cell_spawn(cell, &s, &err), -EPIPE);
        }
}
END_TEST

/* Everything at once, in an order that nobody chose: each guest still ends once, and nothing is left. */
START_TEST(a_storm)
{
        enum { N = 1000, KINDS = 5 };
        static const char *const kinds[KINDS] = { spinner, adder, waiter, talker, NULL };
        uint32_t modules[KINDS];
        uint64_t state = 88172645463325252u + (uint64_t)_i;
        int pipe[2];

        open_cell(2);
        for (unsigned k = 0; k < KINDS; k++)
                modules[k] = one_cell_load(kinds[k] ? kinds[k] : hogs[3].wat, false);
        ck_assert_int_eq(pipe2(pipe, O_CLOEXEC), 0);
        for (unsigned g = 1; g <= N; g++) {
                struct guest_spec s;
                unsigned kind;

                state ^= state << 13, state ^= state >> 7, state ^= state << 17;
                kind = (unsigned)(state % KINDS);
                s = one_cell_spec(g, modules[kind]);
                s.stdio[0] = fcntl(pipe[0], F_DUPFD_CLOEXEC, 0);
                s.stdio[1] = STREAM_LOG;
                s.limits.cpu_weight = 1 + (unsigned)(state >> 32) % 1000;
                s.limits.cpu_quota_ns = state & 1024 ? 0 : 5 * MS;
                s.limits.cpu_max_ns = 20 * MS;
                if (kind == 2)
                        s.invoke = "read";
                spawn(&s);
                if (state & 2048) /* often one that is not there yet, or not any more */
                        ck_assert_int_eq(cell_kill(cell, 1 + (state >> 20) % g, KILL_NOW), 0);
                if (state & 4096)
                        ck_assert_int_eq(cell_kill(cell, 1 + (state >> 24) % g, KILL_STOP), 0);
                if (g % 16 == 0)
                        serve(1, UINT32_MAX);
        }
        for (unsigned g = 1; g <= N; g++)
                ck_assert_int_eq(cell_kill(cell, g, KILL_NOW), 0);
        serve(50000, N);
        ck_assert_uint_eq(ended, N);
        ck_assert_uint_eq(cell_guests(cell), 0);
        ck_assert_uint_eq(lost, 0);
        for (unsigned g = 1; g <= N; g++) {
                ck_assert_uint_eq(seen[g].ended, 1);
                ck_assert_int_ne(seen[g].end, GUEST_FAILED);
                ck_assert_int_ne(seen[g].end, GUEST_LOST);
        }
        close(pipe[0]);
        close(pipe[1]);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("guests"), *waits = tcase_create("waits"); /* tests/drills/needed runs "waits" alone */
        struct rlimit files;

        (void)getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
        signal(SIGPIPE, SIG_IGN);
        tcase_add_checked_fixture(tc, setup, one_cell_end);
        tcase_set_timeout(tc, 60);
        tcase_add_checked_fixture(waits, setup, one_cell_end);
        tcase_set_timeout(waits, 60);
        tcase_add_loop_test(tc, every_guest_ends_once, 0, 3);
        tcase_add_test(tc, who_cannot_be_started_ends_as_well);
        tcase_add_test(tc, weights);
        tcase_add_test(tc, quota);
        tcase_add_test(tc, cpu_time);
        tcase_add_loop_test(tc, hogs_leave_and_die, 0, ELEMENTSOF(hogs));
        tcase_add_test(waits, waiting_guests_are_killed);
        tcase_add_loop_test(tc, stop_is_the_end_of_input, 0, 2);
        tcase_add_loop_test(waits, guests_wait_for_their_own, 0, 2);
        tcase_add_loop_test(tc, limits_are_held_and_counted, 0, ELEMENTSOF(askers));
        tcase_add_test(tc, output_becomes_lines);
        tcase_add_loop_test(tc, a_storm, 0, 2);
        tcase_add_test(tc, a_lost_cell_loses_each_guest_once);
        return unit_main("guests", (TCase *[]) { tc, waits }, 2);
}
