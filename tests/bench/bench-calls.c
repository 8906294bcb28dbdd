/* bench-calls.c - what it costs to cross the border: host to guest, guest to host, from instance to
 * instance, and to make and free an instance. Nanoseconds, the median of several rounds.
 *
 * The guest's code is written by hand after the conventions of abi.h, so that the figures are
 * those of the border and not of a code generator. With the path of Wasmtime's library in WASMTIME its calls stand
 * beside ours, in the same run. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/text/text.h"
#include "tests/bench/bench_wasmtime.h"
#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"

#define ROUNDS 15

static const char wat[] =
        "(module (type $t (func (param i64) (result i64)))"
        " (import \"h\" \"f\" (func $f (type $t)))"
        " (memory (export \"m\") 1) (table (export \"t\") 2 funcref) (elem (i32.const 0) $nop)"
        " (data (i32.const 0) \"some initial memory\")"
        " (func $nop (export \"nop\") (type $t) unreachable)"
        " (func (export \"calls\") (type $t) unreachable)"
        " (func (export \"direct\") (type $t) unreachable)"
        " (func (export \"indirect\") (type $t) unreachable)"
        " (func (export \"grow0\") (type $t) unreachable)"
        " (func (export \"none\")))";

/* push rbp; mov rsp,rbp; push rbx; push rbx; mov rdi,rbx; BODY; dec rbx; jne back; leave with rbx */
#define LOOP(size, ...) \
        FORGED(0x55, 0x48, 0x89, 0xe5, 0x53, 0x53, 0x48, 0x89, 0xfb, __VA_ARGS__, 0x48, 0xff, 0xcb, \
               0x75, (uint8_t)(-5 - (size)), 0x5b, 0x5b, 0x5d, 0xc3)

static uint64_t host_nop(uint64_t a)
{
        return a;
}

static const struct host_function function = { "h", "f", "I", "I", (void *)host_nop };

static double now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct bench {
        const char *name;
        void (*run)(struct bench *b, unsigned n);
        unsigned n;
        struct extern_value f;
        struct instance *other;
        void *code;
        const struct extern_value *imports;
        struct wasmtime_callee theirs;
        double rounds[ROUNDS];
};

static int by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static void must(int r)
{
        if (r != 0) {
                fprintf(stderr, "bench-calls: a call failed (%d)\n", r);
                exit(1);
        }
}

static void run_host_to_guest(struct bench *b, unsigned n)
{
        union value v = { .i64 = 1 }, w;

        for (unsigned i = 0; i < n; i++)
                must(extern_call(&b->f, &v, &w, NULL));
}

static void run_host_to_two(struct bench *b, unsigned n)
{
        struct extern_value other = b->f;
        union value v = { .i64 = 1 }, w;

        other.instance = b->other;
        for (unsigned i = 0; i < n; i += 2) {
                must(extern_call(&b->f, &v, &w, NULL));
                must(extern_call(&other, &v, &w, NULL));
        }
}

static void run_theirs(struct bench *b, unsigned n)
{
        wasmtime_calls(&b->theirs, 1, n);
}

static void run_inside_theirs(struct bench *b, unsigned n)
{
        wasmtime_calls(&b->theirs, n, 1);
}

static void run_inside(struct bench *b, unsigned n)
{
        union value v = { .i64 = n }, w;

        must(extern_call(&b->f, &v, &w, NULL));
}

static void run_instances(struct bench *b, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                union value v = { .i64 = 1 }, w;
                struct store *s;
                struct loaded_module *m;
                struct instance *made;
                struct extern_value f = b->f;

                must(store_new(&(struct store_options) { .slots = 1 }, &s, NULL));
                must(loaded_module_new(s, world.artefacts[0], b->code, -EBADF, &m, NULL));
                must(instance_create(s, m, b->imports, NULL, &made, NULL, NULL));
                f.instance = made;
                must(extern_call(&f, &v, &w, NULL));
                store_free(s);
        }
}

static void suspend_entry(void *argument)
{
        for (;;)
                fiber_suspend();
}

static void run_switches(struct bench *b, unsigned n)
{
        struct fiber *f;

        must(fiber_new(0, &f, NULL));
        fiber_start(f, suspend_entry, NULL);
        for (unsigned i = 0; i < n; i++)
                fiber_resume(f);
        fiber_free(f);
}

static void run_fibers(struct bench *b, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                struct fiber *f;

                must(fiber_new(FIBER_STACK_BYTES, &f, NULL));
                fiber_start(f, suspend_entry, NULL);
                fiber_resume(f);
                fiber_free(f);
        }
}

static const char their_wat[] =
        "(module (import \"h\" \"wait\" (func $f))"
        " (func (export \"nop\") (param i64) (result i64) (local.get 0))"
        " (func (export \"calls\") (param i64) (result i64)"
        "  (loop $l (call $f)"
        "   (br_if $l (i64.ne (i64.const 0) (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))"
        "  (local.get 0)))";

/* The same of Wasmtime; those that are not asked for have no name. */
static void benches_of_wasmtime(struct bench ret[static 2])
{
        static const struct bench all[2] = {
                { .name = "host -> guest, Wasmtime", .run = run_theirs },
                { .name = "guest -> host, Wasmtime", .run = run_inside_theirs },
        };
        static const char *const exports[2] = { "nop", "calls" };
        const char *library = getenv("WASMTIME");
        _cleanup_(buffer_done) struct buffer wasm = { 0 };
        struct wasmtime_subject s;

        memset(ret, 0, sizeof(all));
        if (!library)
                return;
        must(text_module_to_binary(their_wat, strlen(their_wat), &wasm, NULL));
        if (!wasmtime_subject_make(&s, library, wasm.bytes, wasm.size))
                return;
        for (unsigned k = 0; k < 2; k++) {
                ret[k] = all[k];
                if (!wasmtime_callee_make(&s, exports[k], &ret[k].theirs))
                        ret[k].name = NULL;
        }
}

static void bench_entry(void *argument)
{
        struct bench *b = argument;

        b->n = b->n ? b->n : 200000;
        b->run(b, b->n / 10 + 2); /* warm */
        for (unsigned k = 0; k < ROUNDS; k++) {
                double start = now_ns();

                b->run(b, b->n);
                b->rounds[k] = (now_ns() - start) / b->n;
        }
        qsort(b->rounds, ROUNDS, sizeof(b->rounds[0]), by_value);
        printf("%-44s %10.1f ns   (best %.1f)\n", b->name, b->rounds[ROUNDS / 2], b->rounds[0]);
}

int main(void)
{
        struct layout l = layout_of(wat);
        const struct forged_code code[] = {
                FORGED(0x48, 0x89, 0xf8, 0xc3), /* mov rdi,rax; ret */
                LOOP(17, 0x65, 0x4c, 0x8b, 0x14, 0x25, D32(l.imports + 8), 0x65, 0xff, 0x14, 0x25,
                     D32(l.imports)),
                LOOP(5, 0xe8, D32(-78)), /* nop is at 0, this one at 64 */
                LOOP(41, 0x31, 0xc9,                                          /* xor ecx,ecx */
                     0x65, 0x48, 0x3b, 0x0c, 0x25, D32(l.tables + 8), 0x73, 0x1a, /* cmp gs:length */
                     0x65, 0x48, 0x03, 0x0c, 0x25, D32(l.tables),             /* add gs:base,rcx */
                     0x65, 0x8b, 0x04, 0x25, D32(l.types), 0x39, 0x41, 0x10,  /* type; cmp 16(rcx) */
                     0x75, 0x06,
                     0x4c, 0x8b, 0x51, 0x08, 0xff, 0x11),                     /* r10; call *(rcx) */
                LOOP(13, 0x31, 0xff, 0x31, 0xf6, 0x90, 0x65, 0xff, 0x14, 0x25,
                     D32(ABI_BUILTIN(BUILTIN_memory_grow))),
                FORGED(0xc3),
        };
        struct extern_value import = { .kind = EXTERN_FUNC, .host = &function }, t;
        struct instance *a, *b, *c, *d;
        struct loaded_module *m, *m2;
        struct store *ours, *theirs;
        struct fiber *f;

        world_setup();
        m = load(wat, code, ELEMENTSOF(code), -EBADF);
        a = make(m, &import);
        b = make(m, &import);
        t = export_of(b, "nop");
        c = make(m, &t); /* imports a function of another instance */

        /* And this one of another store, as nanoprocesses of one group do. */
        must(store_new(&(struct store_options) { .slots = 1 }, &theirs, NULL));
        ours = world.store;
        world.store = theirs;
        must(loaded_module_new(theirs, world.artefacts[0], world.code[0], -EBADF, &m2, NULL));
        d = make(m2, &import);
        world.store = ours;
        t = export_of(d, "nop");
        d = make(m, &t);

        const struct extern_value nop = export_of(a, "nop");
        struct bench benches[] = {
                { .name = "host -> guest", .run = run_host_to_guest, .f = nop },
                { .name = "host -> guest, no argument, no result", .run = run_host_to_guest,
                  .f = export_of(a, "none") },
                { .name = "host -> guest, two instances in turn", .run = run_host_to_two, .f = nop,
                  .other = b },
                { .name = "guest -> host", .run = run_inside, .f = export_of(a, "calls") },
                { .name = "guest -> guest, direct", .run = run_inside, .f = export_of(a, "direct") },
                { .name = "guest -> guest, indirect", .run = run_inside,
                  .f = export_of(a, "indirect") },
                { .name = "guest -> builtin (memory.grow 0)", .run = run_inside,
                  .f = export_of(a, "grow0") },
                { .name = "guest -> another instance", .run = run_inside,
                  .f = export_of(c, "calls") },
                { .name = "guest -> another nanoprocess", .run = run_inside,
                  .f = export_of(d, "calls") },
                { .name = "fiber: resume and suspend", .run = run_switches },
                { .name = "fiber: make, enter, free", .run = run_fibers, .n = 2000 },
                { .name = "store, instance, call, free", .run = run_instances, .n = 2000, .f = nop,
                  .code = world.code[0], .imports = &import },
                { 0 }, { 0 },
        };

        benches_of_wasmtime(&benches[ELEMENTSOF(benches) - 2]);
        for (unsigned k = 0; k < ELEMENTSOF(benches) && benches[k].name; k++) {
                must(fiber_new(FIBER_STACK_BYTES, &f, NULL));
                fiber_start(f, bench_entry, &benches[k]);
                fiber_resume(f);
                fiber_free(f);
        }
        store_free(theirs);
        world_teardown();
        return 0;
}
