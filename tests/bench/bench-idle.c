/* bench-idle.c - nanoprocesses that wait, in one cell with every wall: what each takes of memory and of the
 * kernel's mappings, and how long it took to make them.
 *
 * bench-idle [--dense] [--wake] [N]: by default 30,000. They sleep in poll_oneoff, an hour, and their cell should
 * not run at all meanwhile; with --wake a second, over and over, and what that costs is told. */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "engine/text/text.h"
#include "supervisor/broker/guests.h"

#define WATCHED_S 5u

static const char sleeper[] =
        "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\" (func $p (param i32 i32 i32 i32) (result i32)))"
        " (memory (export \"memory\") 1) (func (export \"_start\") (i32.store (i32.const 16) (i32.const 1))"
        "  (i64.store (i32.const 24) (i64.const %s)) (i64.store (i32.const 32) (i64.const 1000000))"
        "  (loop (drop (call $p (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200))) (br 0))))";
static const char hour[] = "3600000000000", second[] = "1000000000";

static unsigned started, ended;
static char why[400];

static void on_started(void *context, uint64_t guest, uint64_t ns)
{
        started++;
}

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        if (!ended++)
                snprintf(why, sizeof(why), "guest %" PRIu64 " ended: %s", guest, e->text);
}

static void on_lost(void *context, const char *text)
{
        snprintf(why, sizeof(why), "%s", text);
}

static _noreturn_ void fail(const char *what)
{
        fprintf(stderr, "bench-idle: %s\n", what);
        exit(EXIT_FAILURE);
}

struct usage {
        uint64_t rss, tables, mappings; /* KiB, KiB, a count */
};

/* Of all its threads: ticks of the clock in which they ran, and how often they went to sleep. */
struct work {
        uint64_t ns, sleeps;
};

static struct work work_of(int pid)
{
        struct work w = { 0 };
        char path[96], line[256];

        for (int tid = pid; tid < pid + 64; tid++) { /* started one after the other */
                uint64_t ns = 0, n;
                FILE *f;

                snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
                f = fopen(path, "re");
                if (!f)
                        continue;
                if (fscanf(f, "%" SCNu64, &ns) == 1)
                        w.ns += ns;
                fclose(f);
                snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
                f = fopen(path, "re");
                while (f && fgets(line, sizeof(line), f))
                        if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) == 1)
                                w.sleeps += n;
                if (f)
                        fclose(f);
        }
        return w;
}

static struct usage usage_of(int pid)
{
        struct usage u = { 0 };
        char path[64], line[512];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f)) {
                (void)sscanf(line, "VmRSS: %" SCNu64, &u.rss);
                (void)sscanf(line, "VmPTE: %" SCNu64, &u.tables);
        }
        if (f)
                fclose(f);
        snprintf(path, sizeof(path), "/proc/%d/maps", pid);
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                u.mappings++;
        if (f)
                fclose(f);
        return u;
}

static double now_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t load(struct guest_cell *cell, bool dense, const char *ns, struct error *err)
{
        char text[sizeof(sleeper) + sizeof(hour)];
        struct run_options o = { .no_cache = true, .dense = dense };
        _cleanup_(buffer_done) struct buffer b = { 0 };
        _cleanup_close_ int fd = memfd_create("module", MFD_CLOEXEC), artefact = -EBADF;
        uint32_t module = 0;

        snprintf(text, sizeof(text), sleeper, ns);
        if (fd < 0 || text_module_to_binary(text, strlen(text), &b, err) < 0 ||
            write(fd, b.bytes, b.size) != (ssize_t)b.size || broker_artefact(&o, fd, &artefact, err) < 0 ||
            cell_load(cell, artefact, &module, err) < 0)
                fail(err->text);
        return module;
}

static void serve(struct guest_cell *cell, int timeout_ms)
{
        struct pollfd p = { .fd = cell_fd(cell), .events = cell_fd_events(cell) };

        (void)poll(&p, 1, timeout_ms);
        if (cell_dispatch(cell, 0) < 0 || ended)
                fail(why);
}

static void print_work(struct guest_cell *cell, unsigned n, bool wake)
{
        struct work before, after;
        double start;

        if (wake)
                usleep(1500000); /* until those that were started together no longer are */
        before = work_of(cell_pid(cell));
        start = now_s();
        sleep(WATCHED_S);
        after = work_of(cell_pid(cell));
        printf("  processor   %6.2f ms a second, %.2f us a wait%s, %" PRIu64 " sleeps of threads in %.1f s\n",
               (double)(after.ns - before.ns) / 1e6 / (now_s() - start),
               wake ? (double)(after.ns - before.ns) / 1e3 / (now_s() - start) / n : 0.0, wake ? "" : " (none)",
               after.sleeps - before.sleeps, now_s() - start);
}

int main(int argc, char **argv)
{
        static const struct guest_events events = { .started = on_started, .ended = on_ended, .lost = on_lost };
        struct cell_settings s = { .arena_bytes = 1 << 20, .stdio = { -EBADF, -EBADF, 2 } };
        bool dense = argc > 1 && !strcmp(argv[1], "--dense");
        bool wake = argc > 1 + dense && !strcmp(argv[1 + dense], "--wake");
        unsigned n = argc > 1 + dense + wake ? (unsigned)strtoul(argv[1 + dense + wake], NULL, 10) : 30000;
        struct guest_cell *cell;
        struct usage before, after;
        struct error err = { 0 };
        uint32_t module;
        double start;

        broker_programs(".");
        if (!n || cell_open(&s, &events, NULL, &cell, &err) < 0)
                fail(n ? err.text : "how many?");
        module = load(cell, dense, wake ? second : hour, &err);
        before = usage_of(cell_pid(cell));
        start = now_s();
        for (unsigned k = 0; k < n; k++) {
                struct guest_spec spec = { .guest = k + 1, .module = module, .slot = UINT32_MAX, .path_fd = -EBADF,
                                           .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED },
                                           .limits.memory_max_bytes = dense ? 65536 : 1 << 20 };

                if (cell_spawn(cell, &spec, &err) < 0)
                        fail(err.text);
                while (k - started > 500)
                        serve(cell, 100);
        }
        while (started < n)
                serve(cell, 100);
        printf("%u idle nanoprocesses in one cell, %s slots, made in %.2f s (%.0f us each):\n", n,
               dense ? "dense" : "default", now_s() - start, (now_s() - start) * 1e6 / n);
        after = usage_of(cell_pid(cell));
        printf("  resident    %6.2f KiB each (%" PRIu64 " MiB), of it 4 KiB the guest's own page\n",
               (double)(after.rss - before.rss) / n, after.rss >> 10);
        printf("  page tables %6.2f KiB each\n", (double)(after.tables - before.tables) / n);
        printf("  mappings    %6.3f each (%" PRIu64 " in all)\n", (double)(after.mappings - before.mappings) / n,
               after.mappings);
        print_work(cell, n, wake);
        cell_close(cell);
        return 0;
}
