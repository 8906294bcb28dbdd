/* bench-pool.c - what a nanoprocess costs: to make, call and end one (beside Wasmtime's pooling
 * allocator and a process, in turns in the same run), and to have many of them idle.
 *
 * bench-pool [--wasmtime=LIBRARY]   the cycle; LIBRARY: the one in the Python package wasmtime
 * bench-pool --idle=N [--dense]     N nanoprocesses that wait in a host call; what they take
 * bench-pool --reset                 the cycle with 128 KiB to 16 MiB of memory, with and without the kernel's word on dirty
 *                                    pages (PAGEMAP_SCAN), as a cell would do it
 * bench-pool --churn=N [--dense]    N are made and ended; memory, descriptors, mappings on the way */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/decode/decode.h"
#include "engine/instance/template.h"
#include "engine/run/arena.h"
#include "engine/text/text.h"
#include "tests/bench/bench_wasmtime.h"

#define ROUNDS 101 /* short ones: the best of them met nobody else */

static const char small_wat[] =
        "(module (import \"h\" \"wait\" (func $wait)) (memory (export \"m\") 1) (global $g (mut i32) (i32.const 1))"
        " (table 4 funcref) (elem (i32.const 0) $run) (data (i32.const 8) \"some initial memory\")"
        " (func $run (export \"run\") (param i32) (result i32)"
        "  (i32.store (i32.const 1024) (local.get 0)) (global.set $g (local.get 0))"
        "  (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 1024))))"
        " (func (export \"idle\") (i32.store (i32.const 1024) (i32.const 1)) (call $wait))"
        " (func (export \"grow\") (param i32) (result i32) (memory.grow (i32.const 1))))";

/* What a program from C looks like: 1 MiB, data in two places, five pages written. */
static const char middle_wat[] =
        "(module (import \"h\" \"wait\" (func $wait)) (memory (export \"m\") 17) (global $g (mut i32) (i32.const 1))"
        " (table 40 funcref) (elem (i32.const 0) $run) (data (i32.const 1024) \"some initial memory\")"
        " (data (i32.const 66000) \"more of it\")"
        " (func $run (export \"run\") (param i32) (result i32)"
        "  (i32.store (i32.const 1024) (local.get 0)) (i32.store (i32.const 65532) (local.get 0))"
        "  (i32.store (i32.const 66000) (local.get 0)) (i32.store (i32.const 200000) (local.get 0))"
        "  (i32.store (i32.const 900000) (local.get 0)) (global.set $g (local.get 0))"
        "  (i32.add (i32.load (i32.const 8)) (i32.load (i32.const 1024))))"
        " (func (export \"idle\") (call $wait)))";

struct subject {
        struct buffer wasm, file;
        struct artefact *artefact;
        struct slots *slots;
        struct template *template;
        const char *export;
};

static struct arena *arena;
static int pagemap = -EBADF;

static _noreturn_ void fail(const char *what, const struct error *err)
{
        fprintf(stderr, "bench-pool: %s: %s\n", what, err ? err->text : strerror(errno));
        exit(EXIT_FAILURE);
}

static double now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void host_wait(void)
{
        fiber_suspend();
}

static const struct host_function wait_function = { "h", "wait", "", "", (void *)host_wait };

static void subject_make(struct subject *s, const char *wat, const struct slots_options *o)
{
        const struct compile_options options = { .tier = TIER_FAST, .jobs = 1, .cpu = cpu_features_host(),
                                                 .dense = o->memory_bytes != 0 };
        const struct extern_value import = { .kind = EXTERN_FUNC, .host = &wait_function };
        struct checked_module *checked;
        struct compiled_module *compiled;
        struct artefact_key key = { 0 };
        struct module *m;
        struct error err = { 0 };
        void *code;

        if (text_module_to_binary(wat, strlen(wat), &s->wasm, &err) < 0 ||
            module_decode(s->wasm.bytes, s->wasm.size, &limits_default, FEATURES_DEFAULT, 0, &m, &err) < 0 ||
            module_validate(m, &limits_default, FEATURES_DEFAULT, 1, &checked, &err) < 0 ||
            module_compile(checked, &options, &compiled, &err) < 0 ||
            artefact_write(checked, compiled, &key, &s->file, &err) < 0 ||
            artefact_read(s->file.bytes, s->file.size, &s->artefact, &err) < 0 ||
            arena_add(arena, s->artefact->bytes + s->artefact->code.offset, s->artefact->code.size, &code,
                      &err) < 0 ||
            slots_new(o, &s->slots, &err) < 0 ||
            template_new(s->slots, &(struct store_options) { .slots = 1 }, s->artefact, code, -EBADF,
                         &import, &s->template, NULL, &err) < 0)
                fail("making the module", &err);
        compiled_module_free(compiled);
        checked_module_free(checked);
        module_free(m);
}

static void subject_free(struct subject *s)
{
        template_free(s->template);
        slots_free(s->slots);
        artefact_free(s->artefact);
        buffer_done(&s->file);
        buffer_done(&s->wasm);
}

struct call {
        struct extern_value f;
        union value argument, result;
        int r;
};

static void call_entry(void *argument)
{
        struct call *c = argument;

        c->r = extern_call(&c->f, &c->argument, &c->result, NULL);
}

static void cycle(struct subject *s, uint32_t k)
{
        struct call c = { .argument.i32 = k };
        struct error err = { 0 };
        struct instance *i;

        if (template_take(s->template, NULL, 0, &i, NULL, &err) < 0)
                fail("making a nanoprocess", &err);
        if (instance_export(i, s->export, strlen(s->export), &c.f) < 0)
                abort();
        fiber_start(instance_fiber(i), call_entry, &c);
        if (fiber_resume(instance_fiber(i)) || c.r != 0)
                abort();
        template_give(i);
}

static void run_cycles(void *context, unsigned n)
{
        for (unsigned k = 0; k < n; k++)
                cycle(context, k);
}

static void run_processes(void *context, unsigned n)
{
        static char *const argv[] = { (char *)"true", NULL };

        for (unsigned k = 0; k < n; k++) {
                pid_t pid;
                int status;

                if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, NULL) != 0 ||
                    waitpid(pid, &status, 0) != pid)
                        fail("starting /bin/true", NULL);
        }
}

struct contender {
        const char *name;
        void (*run)(void *context, unsigned n);
        void *context;
        unsigned n;
        double best;
};

static void compete(struct contender *c, unsigned n)
{
        for (unsigned k = 0; k < n; k++)
                c[k].run(c[k].context, c[k].n / 4 + 1);
        for (unsigned round = 0; round < ROUNDS; round++)
                for (unsigned k = 0; k < n; k++) {
                        double start = now_ns(), ns;

                        c[k].run(c[k].context, c[k].n);
                        ns = (now_ns() - start) / c[k].n;
                        if (round == 0 || ns < c[k].best)
                                c[k].best = ns;
                }
        for (unsigned k = 0; k < n; k++)
                printf("  %-52s %10.0f ns\n", c[k].name, c[k].best);
}

static void bench_cycles(const char *library)
{
        const struct slots_options plain = { .count = 16, .pagemap = pagemap },
                                   blind = { .count = 16, .pagemap = -EBADF },
                                   dense = { .count = 16, .memory_bytes = 2u << 20, .pagemap = pagemap };
        struct subject small = { .export = "run" }, small_dense = small, middle = small,
                       middle_dense = small, middle_blind = small, grows = { .export = "grow" },
                       grows_dense = grows;
        struct wasmtime_subject w_small = { 0 }, w_middle = { 0 };
        struct contender all[12];
        unsigned n = 0;

        subject_make(&small, small_wat, &plain);
        subject_make(&small_dense, small_wat, &dense);
        subject_make(&middle, middle_wat, &plain);
        subject_make(&middle_dense, middle_wat, &dense);
        subject_make(&middle_blind, middle_wat, &blind);
        subject_make(&grows, small_wat, &plain);
        subject_make(&grows_dense, small_wat, &dense);
        all[n++] = (struct contender) { "small module", run_cycles, &small, 500, 0 };
        all[n++] = (struct contender) { "small module, dense slot", run_cycles, &small_dense, 500, 0 };
        if (library && wasmtime_subject_make(&w_small, library, small.wasm.bytes, small.wasm.size))
                all[n++] = (struct contender) { "small module, Wasmtime's pool", wasmtime_cycles, &w_small,
                                                100, 0 };
        all[n++] = (struct contender) { "1 MiB, five pages written", run_cycles, &middle, 100, 0 };
        all[n++] = (struct contender) { "1 MiB, dense slot", run_cycles, &middle_dense, 100, 0 };
        all[n++] = (struct contender) { "1 MiB, no word on dirty pages", run_cycles, &middle_blind, 100, 0 };
        if (library && wasmtime_subject_make(&w_middle, library, middle.wasm.bytes, middle.wasm.size))
                all[n++] = (struct contender) { "1 MiB, Wasmtime's pool", wasmtime_cycles, &w_middle, 100, 0 };
        all[n++] = (struct contender) { "small module that grows its memory", run_cycles, &grows, 100, 0 };
        all[n++] = (struct contender) { "the same in a dense slot", run_cycles, &grows_dense, 100, 0 };
        all[n++] = (struct contender) { "fork and exec of /bin/true", run_processes, NULL, 3, 0 };
        puts("Make a nanoprocess, call it, end it and reset its slot; one thread, the best of several rounds:");
        compete(all, n);
        if (!library)
                puts("  (Wasmtime: not asked for, see --wasmtime)");
        subject_free(&small);
        subject_free(&small_dense);
        subject_free(&middle);
        subject_free(&middle_dense);
        subject_free(&middle_blind);
        subject_free(&grows);
        subject_free(&grows_dense);
}

/* Writes a word each @step bytes of @pages pages of 64 KiB. */
static const char spread_wat[] =
        "(module (import \"h\" \"wait\" (func $wait)) (memory (export \"m\") %u) (data (i32.const 1024) \"some\")"
        " (func (export \"run\") (param i32) (result i32) (local $p i32) (loop $l"
        "  (i32.store (local.get $p) (local.get 0)) (local.set $p (i32.add (local.get $p) (i32.const %u)))"
        "  (br_if $l (i32.lt_u (local.get $p) (i32.const %u)))) (local.get $p))"
        " (func (export \"idle\") (call $wait)))";

static void bench_reset(void)
{
        static const unsigned kib[] = { 128, 256, 1024, 4096, 16384 }, dirty[] = { 4, 32 };
        struct slots_options o[2] = { { .count = 16, .keep_bytes = 128u << 10, .dirty_bytes = 256u << 10, .pagemap = pagemap },
                                      { .count = 16, .keep_bytes = 256u << 10, .pagemap = -EBADF } };
        struct subject subjects[20];
        struct contender all[20];
        char text[600], names[20][64];
        unsigned n = 0;

        for (unsigned m = 0; m < 5; m++)
                for (unsigned d = 0; d < 2; d++)
                        for (unsigned way = 0; way < 2; way++, n++) {
                                unsigned bytes = kib[m] << 10;

                                snprintf(text, sizeof(text), spread_wat, bytes >> 16, bytes / dirty[d], bytes);
                                snprintf(names[n], sizeof(names[n]), "%5u KiB, %2u pages written, %s", kib[m], dirty[d],
                                         way ? "no word on them" : "PAGEMAP_SCAN");
                                subjects[n] = (struct subject) { .export = "run" };
                                subject_make(&subjects[n], text, &o[way]);
                                all[n] = (struct contender) { names[n], run_cycles, &subjects[n], 50, 0 };
                        }
        puts("Make, call, end and reset, 256 KiB kept, pages spread over the memory; the best of several rounds:");
        compete(all, n);
        for (unsigned k = 0; k < n; k++)
                subject_free(&subjects[k]);
}

struct usage {
        uint64_t rss, tables; /* KiB */
        unsigned mappings, fds;
};

static struct usage usage_now(void)
{
        struct usage u = { 0 };
        char line[256];
        FILE *f = fopen("/proc/self/status", "re");
        DIR *d;

        while (f && fgets(line, sizeof(line), f)) {
                (void)sscanf(line, "VmRSS: %" SCNu64, &u.rss);
                (void)sscanf(line, "VmPTE: %" SCNu64, &u.tables);
        }
        if (f)
                fclose(f);
        f = fopen("/proc/self/maps", "re");
        for (int c; f && (c = fgetc(f)) != EOF;)
                u.mappings += c == '\n';
        if (f)
                fclose(f);
        d = opendir("/proc/self/fd");
        while (d && readdir(d))
                u.fds++;
        if (d)
                closedir(d);
        return u;
}

static void bench_idle(unsigned count, bool dense)
{
        /* A stack of the smallest size, and room for one page of memory. */
        const struct slots_options o = { .count = count, .memory_bytes = dense ? 65536 : 0,
                                         .stack_bytes = 1, .instance_bytes = dense ? 16384 : 0,
                                         .pagemap = pagemap };
        struct call *calls = calloc(count, sizeof(*calls));
        struct instance **all = calloc(count, sizeof(*all));
        struct slots_figures figures;
        struct subject s = { .export = "idle" };
        struct usage before, after;
        struct error err = { 0 };
        double start, ns;

        if (!calls || !all)
                fail("the list", NULL);
        memset(calls, 0, count * sizeof(*calls)); /* in place before it is measured */
        memset(all, 0xff, count * sizeof(*all));
        subject_make(&s, small_wat, &o);
        if (slots_measure(&o, &figures, &err) < 0)
                fail("slots", &err);
        before = usage_now();
        start = now_ns();
        for (unsigned k = 0; k < count; k++) {
                if (template_take(s.template, NULL, 0, &all[k], NULL, &err) < 0)
                        fail("making a nanoprocess", &err);
                if (instance_export(all[k], s.export, strlen(s.export), &calls[k].f) < 0)
                        abort();
                fiber_start(instance_fiber(all[k]), call_entry, &calls[k]);
                if (!fiber_resume(instance_fiber(all[k])))
                        abort();
        }
        ns = now_ns() - start;
        after = usage_now();
        printf("%u idle nanoprocesses in %s slots of %" PRIu64 " KiB of address space, each with one page of "
               "memory written:\n", count, dense ? "dense" : "default", figures.slot_bytes >> 10);
        printf("  resident  %6.2f KiB each (%" PRIu64 " MiB), of it 4 KiB the guest's page\n",
               (double)(after.rss - before.rss) / count, (after.rss - before.rss) >> 10);
        printf("  page tables %4.2f KiB each\n", (double)(after.tables - before.tables) / count);
        printf("  mappings  %6.3f each (%u in all)\n", (double)(after.mappings - before.mappings) / count,
               after.mappings);
        printf("  made in   %6.2f us each, cold\n", ns / count / 1000);
        for (unsigned k = 0; k < count; k++) {
                if (fiber_resume(instance_fiber(all[k])) || calls[k].r != 0)
                        abort();
                template_give(all[k]);
        }
        subject_free(&s);
        free(calls);
        free(all);
}

/* Two modules that take the slots from each other now and then, so that binding is met as well. */
static void bench_churn(unsigned count, bool dense)
{
        const struct slots_options o = { .count = 64, .memory_bytes = dense ? 2u << 20 : 0,
                                         .pagemap = pagemap };
        struct subject s[2] = { { .export = "run" }, { .export = "grow" } };
        double start;

        subject_make(&s[0], middle_wat, &o);
        subject_make(&s[1], small_wat, &o);
        printf("%u nanoprocesses made and ended, %s slots:\n  %12s %10s %10s %6s %10s\n", count,
               dense ? "dense" : "default", "so far", "RSS KiB", "mappings", "fds", "us each");
        start = now_ns();
        for (unsigned k = 0; k <= count; k++) {
                cycle(&s[k % 3 == 0], k);
                if (k % (count / 10 ? count / 10 : 1) == 0) {
                        struct usage u = usage_now();

                        printf("  %12u %10" PRIu64 " %10u %6u %10.2f\n", k, u.rss, u.mappings, u.fds,
                               k ? (now_ns() - start) / k / 1000 : 0.0);
                }
        }
        subject_free(&s[0]);
        subject_free(&s[1]);
}

static void usage(void)
{
        fputs("bench-pool [--wasmtime=LIBRARY] | --idle=N [--dense] | --reset | --churn=N [--dense]\n", stderr);
        exit(2);
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "wasmtime", required_argument, NULL, 'w' }, { "idle", required_argument, NULL, 'i' },
                { "churn", required_argument, NULL, 'c' },    { "dense", no_argument, NULL, 'd' },
                { "blind", no_argument, NULL, 'b' },          { "reset", no_argument, NULL, 'r' },
                { 0 },
        };
        const char *library = NULL;
        unsigned idle = 0, churn = 0;
        struct error err = { 0 };
        bool dense = false, blind = false, reset = false;

        for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
                switch (c) {
                case 'w':
                        library = optarg;
                        break;
                case 'i':
                        idle = (unsigned)strtoul(optarg, NULL, 10);
                        break;
                case 'c':
                        churn = (unsigned)strtoul(optarg, NULL, 10);
                        break;
                case 'd':
                        dense = true;
                        break;
                case 'b':
                        blind = true;
                        break;
                case 'r':
                        reset = true;
                        break;
                default:
                        usage();
                }
        if (run_init(&err) < 0 || run_thread_init(&err) < 0 || arena_new(1 << 20, &arena, &err) < 0)
                fail("starting", &err);
        if (!blind)
                pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        if (idle)
                bench_idle(idle, dense);
        else if (churn)
                bench_churn(churn, dense);
        else if (reset)
                bench_reset();
        else
                bench_cycles(library);
        arena_free(arena);
        return 0;
}
