/* bench-cell.c - many guests in one cell: what a neighbour that never waits costs the others, what
 * being interruptible costs, and how a cell's death is met.
 *
 * bench-cell echo [--guests=N] [--seconds=S]  round trips to echo guests, without and with a spinning one
 * bench-cell share [--seconds=S]              what weights and a quota give to guests that spin on one thread
 * bench-cell preempt                          kernels in cells that preempt and that do not, in turns
 * bench-cell lost [--guests=N]                kill -9 of a full cell: until everybody was told, and until all are back
 * bench-cell spawn [--guests=N]               guests that return at once: how many a second */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/text/text.h"
#include "supervisor/broker/guests.h"

static const char echo_wat[] =
        "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func $r (param i32 i32 i32 i32) (result i32)))"
        " (import \"wasi_snapshot_preview1\" \"fd_write\" (func $w (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (func (export \"_start\") (i32.store (i32.const 0) (i32.const 64))"
        "  (loop $l (i32.store (i32.const 4) (i32.const 64))"
        "   (if (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then return))"
        "   (if (i32.eqz (i32.load (i32.const 16))) (then return))"
        "   (i32.store (i32.const 4) (i32.load (i32.const 16)))"
        "   (if (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (then return)) (br $l))))";
static const char spin_wat[] = "(module (func (export \"_start\") (loop $l (br $l))))";
static const char nothing_wat[] = "(module (memory 1) (func (export \"_start\")))";
static const char kernels_wat[] =
        "(module (memory 256)"
        " (func (export \"integers\") (local i64 i64) (local.set 1 (i64.const 400000000)) (loop $l"
        "  (local.set 0 (i64.rotl (i64.add (i64.mul (local.get 0) (i64.const 6364136223846793005)) (local.get 1)) (i64.const 9)))"
        "  (br_if $l (i64.ne (local.tee 1 (i64.sub (local.get 1) (i64.const 1))) (i64.const 0)))) (i64.store (i32.const 0) (local.get 0)))"
        " (func (export \"memory\") (local i32 i32 i64) (local.set 1 (i32.const 600)) (loop $o (local.set 0 (i32.const 0)) (loop $l"
        "  (local.set 2 (i64.add (local.get 2) (i64.load (local.get 0)))) (i64.store offset=8 (local.get 0) (local.get 2))"
        "  (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 16))) (i32.const 16000000))))"
        "  (br_if $o (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))))"
        " (func (export \"vectors\") (local v128 i32) (local.set 1 (i32.const 150000000)) (loop $l"
        "  (local.set 0 (f32x4.add (f32x4.mul (local.get 0) (v128.const f32x4 0.5 0.25 0.75 0.125)) (v128.const f32x4 1 2 3 4)))"
        "  (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))) (v128.store (i32.const 0) (local.get 0))))";

static struct error err;
static unsigned started, ended, lost;
static uint64_t last_cpu_ns;
static char cache[] = "/tmp/nacelle-bench-cell-XXXXXX";

static _noreturn_ void fail(const char *what)
{
        fprintf(stderr, "bench-cell: %s: %s\n", what, err.code ? err.text : strerror(errno));
        exit(EXIT_FAILURE);
}

static uint64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void on_started(void *context, uint64_t guest, uint64_t ns)
{
        (void)context, (void)guest, (void)ns;
        started++;
}

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        (void)context, (void)guest;
        ended++;
        last_cpu_ns = e->cpu_ns;
        if (e->end == GUEST_FAILED || e->end == GUEST_TRAPPED) {
                fprintf(stderr, "bench-cell: a guest: %s\n", e->text);
                exit(EXIT_FAILURE);
        }
}

static void on_lost(void *context, const char *why)
{
        (void)context, (void)why;
        lost++;
}

static const struct guest_events events = { .started = on_started, .ended = on_ended, .lost = on_lost };

static struct guest_cell *open_cell(unsigned workers, bool alone)
{
        struct cell_settings s = { .arena_bytes = 4 << 20, .workers = workers, .alone = alone,
                                   .stdio = { -EBADF, -EBADF, -EBADF } };
        struct guest_cell *c;

        if (cell_open(&s, &events, NULL, &c, &err) < 0)
                fail("cell");
        return c;
}

static uint32_t load(struct guest_cell *c, const char *wat)
{
        struct run_options o = { .cache = cache };
        _cleanup_(buffer_done) struct buffer b = { 0 };
        int fd = memfd_create("module", MFD_CLOEXEC), artefact;
        uint32_t module;

        if (text_module_to_binary(wat, strlen(wat), &b, &err) < 0 || write(fd, b.bytes, b.size) != (ssize_t)b.size ||
            broker_artefact(&o, fd, &artefact, &err) < 0 || cell_load(c, artefact, &module, &err) < 0)
                fail("module");
        close(fd);
        close(artefact);
        return module;
}

static struct guest_spec spec(uint64_t guest, uint32_t module)
{
        return (struct guest_spec) { .guest = guest, .module = module, .slot = UINT32_MAX, .path_fd = -EBADF,
                                     .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED } };
}

static void spawn(struct guest_cell *c, const struct guest_spec *s)
{
        if (cell_spawn(c, s, &err) < 0)
                fail("spawn");
}

static void serve(struct guest_cell *c, const unsigned *count, unsigned until)
{
        while (*count < until) {
                struct pollfd p = { .fd = cell_fd(c), .events = cell_fd_events(c) };

                (void)poll(&p, 1, 1000);
                if (cell_dispatch(c, 0) < 0)
                        return;
        }
}

static void pin(unsigned cpu)
{
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
}

static int by_value(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

struct figures {
        double p50, p99, worst; /* us */
        size_t n;
};

/* One at a time, each to another guest: what a request meets. */
static struct figures round_trips(const int *socks, unsigned n, double seconds)
{
        enum { MOST = 2000000 };
        uint64_t *all = calloc(MOST, sizeof(*all)), end = now() + (uint64_t)(seconds * 1e9), state = 1;
        struct figures f = { 0 };

        while (now() < end && f.n < MOST) {
                uint64_t began = now();
                char byte = 'x';
                unsigned k;

                state = state * 6364136223846793005u + 1442695040888963407u;
                k = (unsigned)((state >> 33) % n);
                if (write(socks[k], &byte, 1) != 1 || read(socks[k], &byte, 1) != 1)
                        fail("echo");
                all[f.n++] = now() - began;
        }
        qsort(all, f.n, sizeof(*all), by_value);
        f.p50 = (double)all[f.n / 2] / 1e3;
        f.p99 = (double)all[f.n * 99 / 100] / 1e3;
        f.worst = (double)all[f.n - 1] / 1e3;
        free(all);
        return f;
}

static void bench_echo(unsigned n, double seconds)
{
        const volatile struct guest_stats *stats;
        struct figures quiet, busy;
        struct guest_cell *c;
        struct guest_spec s;
        uint32_t echo, spin;
        int *socks = calloc(n, sizeof(int));

        /* The cell on one processor, who asks on another. */
        pin(0);
        c = open_cell(1, false);
        pin(1);
        echo = load(c, echo_wat);
        spin = load(c, spin_wat);
        for (unsigned i = 0; i < n; i++) {
                int pair[2];

                if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                        fail("socketpair");
                socks[i] = pair[0];
                s = spec(i + 1, echo);
                s.stdio[0] = pair[1];
                s.stdio[1] = fcntl(pair[1], F_DUPFD_CLOEXEC, 0);
                spawn(c, &s);
                if (i % 64 == 0)
                        (void)cell_dispatch(c, 0);
        }
        serve(c, &started, n);
        (void)round_trips(socks, n, 0.2);
        quiet = round_trips(socks, n, seconds);
        s = spec(n + 1, spin);
        s.slot = 0;
        if (cell_stats(c, 1, &stats, &err) < 0)
                fail("statistics");
        spawn(c, &s);
        serve(c, &started, n + 1);
        busy = round_trips(socks, n, seconds);
        printf("%u echo guests, one thread; round trip in us      p50      p99    worst   requests\n", n);
        printf("  alone                                        %8.1f %8.1f %8.1f %10zu\n", quiet.p50, quiet.p99,
               quiet.worst, quiet.n);
        printf("  beside a guest that spins                    %8.1f %8.1f %8.1f %10zu\n", busy.p50, busy.p99,
               busy.worst, busy.n);
        printf("  more                                         %8.1f %8.1f    (a slice is 1000)\n",
               busy.p50 - quiet.p50, busy.p99 - quiet.p99);
        printf("  the guest that spins: %.0f ms of processor time, interrupted %llu times\n", (double)stats[0].cpu_ns / 1e6,
               (unsigned long long)stats[0].preemptions);
        cell_close(c);
        free(socks);
}

/* What each of @n guests that spin with these limits gets of one thread, in percent of @seconds. */
static void shares(const struct guest_limits *limits, unsigned n, double seconds, double *ret)
{
        struct guest_cell *c = open_cell(1, false);
        const volatile struct guest_stats *stats;
        uint32_t spin = load(c, spin_wat);
        uint64_t began, ran[8];

        if (cell_stats(c, n, &stats, &err) < 0)
                fail("statistics");
        started = 0;
        for (unsigned i = 0; i < n; i++) {
                struct guest_spec s = spec(i + 1, spin);

                s.slot = i;
                s.limits = limits[i];
                spawn(c, &s);
        }
        serve(c, &started, n);
        began = now();
        for (unsigned i = 0; i < n; i++)
                ran[i] = stats[i].cpu_ns;
        while ((double)(now() - began) < seconds * 1e9)
                (void)poll(NULL, 0, 10);
        for (unsigned i = 0; i < n; i++)
                ret[i] = 100 * (double)(stats[i].cpu_ns - ran[i]) / (double)(now() - began);
        cell_close(c);
}

static void bench_share(double seconds)
{
        static const struct guest_limits weights[] = { { .cpu_weight = 100 }, { .cpu_weight = 200 }, { .cpu_weight = 400 } };
        static const struct guest_limits quota[] = { { .cpu_quota_ns = CPU_PERIOD_NS / 10 }, { 0 } };
        double had[3];

        printf("guests that spin on one thread for %.1f s, percent of it\n", seconds);
        shares(weights, 3, seconds, had);
        printf("  weights 100, 200, 400                        %8.1f %8.1f %8.1f    (14.3, 28.6, 57.1)\n", had[0], had[1],
               had[2]);
        shares(quota, 1, seconds, had);
        printf("  a quota of 10 %%, alone                       %8.2f\n", had[0]);
        shares(quota, 2, seconds, had);
        printf("  a quota of 10 %%, beside one without          %8.2f\n", had[0]);
}

static uint64_t run_kernel(bool alone, const char *name)
{
        struct guest_cell *c = open_cell(1, alone);
        struct guest_spec s;
        uint64_t ns;
        int pipes[2];

        started = ended = 0;
        if (!alone) { /* somebody who could want the thread, and never does */
                s = spec(1, load(c, echo_wat));
                if (pipe2(pipes, O_CLOEXEC) < 0)
                        fail("pipe");
                s.stdio[0] = pipes[0];
                spawn(c, &s);
                serve(c, &started, 1);
        }
        s = spec(2, load(c, kernels_wat));
        s.invoke = name;
        spawn(c, &s);
        serve(c, &ended, 1);
        ns = last_cpu_ns;
        cell_close(c);
        if (!alone)
                close(pipes[1]);
        return ns;
}

static void bench_preempt(void)
{
        static const char *const names[] = { "integers", "memory", "vectors" };

        printf("CPU time in ms, best of 9 in turns     not preempted  preempted    ratio\n");
        for (unsigned k = 0; k < ELEMENTSOF(names); k++) {
                uint64_t best[2] = { UINT64_MAX, UINT64_MAX };

                for (unsigned i = 0; i < 18; i++) {
                        uint64_t ns = run_kernel(i % 2 == 0, names[k]);

                        if (ns < best[i % 2])
                                best[i % 2] = ns;
                }
                printf("  %-36s %13.1f %10.1f %8.4f\n", names[k], (double)best[0] / 1e6, (double)best[1] / 1e6,
                       (double)best[1] / (double)best[0]);
        }
}

static struct guest_cell *full_cell(unsigned n)
{
        struct guest_cell *c = open_cell(0, false);
        uint32_t echo = load(c, echo_wat);
        static int pair[2];

        if (!pair[1] && pipe2(pair, O_CLOEXEC) < 0)
                fail("pipe");
        started = 0;
        for (unsigned i = 0; i < n; i++) {
                struct guest_spec s = spec(i + 1, echo);

                s.stdio[0] = fcntl(pair[0], F_DUPFD_CLOEXEC, 0); /* nobody ever writes: it waits */
                spawn(c, &s);
                if (i % 64 == 0)
                        (void)cell_dispatch(c, 0);
        }
        serve(c, &started, n);
        return c;
}

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* Descriptors that tell when a thread of @pid has ended; two at most. The last thread takes the process's memory down, and
 * closes its descriptors after that; another has ended before. Of the first thread the kernel tells with the last. */
static unsigned threads_of(int pid, struct pollfd ret[2])
{
        char path[40];
        const struct dirent *e;
        unsigned n = 0;
        DIR *d;

        snprintf(path, sizeof(path), "/proc/%d/task", pid);
        d = opendir(path);
        while (d && n < 2 && (e = readdir(d)))
                if (e->d_name[0] != '.') {
                        int fd = (int)syscall(SYS_pidfd_open, atoi(e->d_name), PIDFD_THREAD);

                        if (fd >= 0)
                                ret[n++] = (struct pollfd) { .fd = fd, .events = POLLIN };
                }
        if (d)
                closedir(d);
        return n;
}

static void bench_lost(unsigned n)
{
        struct guest_cell *c;
        uint64_t t0 = now(), t1, t2, t3, thread = 0, seen;
        struct pollfd threads[2], socket;
        unsigned nthreads;

        c = full_cell(n);
        nthreads = threads_of(cell_pid(c), threads);
        socket = (struct pollfd) { .fd = cell_fd(c), .events = POLLIN };
        t1 = now();
        ended = lost = 0;
        kill(cell_pid(c), SIGKILL);
        if (nthreads == 2 && poll(threads, 2, 10000) > 0)
                thread = now();
        while (poll(&socket, 1, 10000) > 0 && !(socket.revents & POLLHUP))
                (void)cell_dispatch(c, 1);
        seen = now();
        serve(c, &lost, 1);
        t2 = now();
        if (ended != n || lost != 1)
                fail("not everybody was told of, or more than once");
        cell_close(c);
        c = full_cell(n);
        t3 = now();
        printf("%u guests that wait, in one cell of %s\n", n, "as many threads as processors");
        printf("  all started, from nothing            %8.1f ms\n", (double)(t1 - t0) / 1e6);
        if (thread)
                printf("  killed; its first thread ended after %8.1f ms\n", (double)(thread - t1) / 1e6);
        printf("  killed; its socket ended after       %8.1f ms\n", (double)(seen - t1) / 1e6);
        printf("  killed; each told of once, after     %8.1f ms\n", (double)(t2 - t1) / 1e6);
        printf("  a new cell with all of them, after   %8.1f ms\n", (double)(t3 - t2) / 1e6);
        cell_close(c);
}

static void bench_spawn(unsigned n)
{
        struct guest_cell *c = open_cell(0, false);
        uint32_t module = load(c, nothing_wat);
        uint64_t began, took;

        for (unsigned round = 0; round < 2; round++) { /* the first makes the slots */
                ended = 0;
                began = now();
                for (unsigned i = 0; i < n; i++) {
                        struct guest_spec s = spec((uint64_t)round * n + i + 1, module);

                        s.quiet = true;
                        spawn(c, &s);
                        if (i % 16 == 0)
                                (void)cell_dispatch(c, 0);
                }
                serve(c, &ended, n);
        }
        took = now() - began;
        printf("%u guests from SPAWN to ENDED: %.2f us each\n", n, (double)took / 1e3 / n);
        cell_close(c);
}

int main(int argc, char **argv)
{
        static const struct option options[] = { { "guests", required_argument, NULL, 'g' },
                                                 { "seconds", required_argument, NULL, 's' }, { 0 } };
        const char *what = argc > 1 ? argv[1] : "";
        struct rlimit files = { 1 << 18, 1 << 18 };
        unsigned guests = 0;
        double seconds = 3;
        char command[80];
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'g')
                        guests = (unsigned)strtoul(optarg, NULL, 10);
                else if (c == 's')
                        seconds = strtod(optarg, NULL);
                else
                        return EXIT_FAILURE;
        }
        if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
                (void)getrlimit(RLIMIT_NOFILE, &files);
                files.rlim_cur = files.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &files);
        }
        signal(SIGPIPE, SIG_IGN);
        broker_programs(BUILD_DIR);
        if (!mkdtemp(cache))
                fail(cache);
        if (strcmp(what, "echo") == 0)
                bench_echo(guests ? guests : 1000, seconds);
        else if (strcmp(what, "share") == 0)
                bench_share(seconds);
        else if (strcmp(what, "preempt") == 0)
                bench_preempt();
        else if (strcmp(what, "lost") == 0)
                bench_lost(guests ? guests : 10000);
        else if (strcmp(what, "spawn") == 0)
                bench_spawn(guests ? guests : 20000);
        else
                fprintf(stderr, "usage: bench-cell echo|share|preempt|lost|spawn [--guests=N] [--seconds=S]\n");
        snprintf(command, sizeof(command), "rm -rf %s", cache);
        return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
