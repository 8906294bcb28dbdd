/* compare-generators - random programs through both generators, side by side: after each call the same results,
 * trap, memories, globals, tables and segments.
 *
 *   compare-generators [--calls N] [--seed N] [--each N] [--kind NAME]
 *
 * Modules are made from the seeds N on, of all kinds in turn (or of one), until so many calls of their exports were
 * made on each generator; each function is called --each times. The optimising generator has its real list
 * of passes and the processor of the machine. A difference names kind, seed and call, and ends that module.
 * The last lines count by kind: modules, calls, calls that trapped, results compared, differences.
 *
 * Modules run in processes of their own, some in each, so that a crash is a difference like any other. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/text/text.h"
#include "tests/fuzz/generate_gc.h"
#include "tests/fuzz/load.h"

#define BATCH       16
#define ARENA_BYTES ((size_t)64 << 20)
#define SECONDS_MAX 600

static void generate_gc(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls)
{
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct error err = { 0 };

        generate_gc_module(seed, times, &text, calls);
        if (text_module_to_binary((const char *)text.bytes, text.size, wasm, &err) < 0)
                error_print(stderr, "text", &err);
}

static const struct kind {
        const char *name;
        void (*generate)(uint64_t seed, unsigned times, struct buffer *wasm, struct buffer *calls);
        bool heap;  /* its state is what the export "state" finds, for objects have no numbers */
        bool loops; /* of vectors: what of the memory they have written before a trap is not compared */
} kinds[] = {
        { "core",       generate_module,       false, false },
        { "exceptions", generate_new_module,   false, false },
        { "gc",         generate_gc,           true,  false },
        { "all",        generate_all_module,   false, false },
        { "loops",      generate_loops_module, false, true },
};

struct totals {
        uint64_t modules, calls, traps, results, settled, differences;
};

static struct shared { /* with the children */
        struct totals totals[ELEMENTSOF(kinds)];
        size_t kind; /* of the module at hand, or of the next one */
        uint64_t seed, next;
        char call[512];
} *shared;

static unsigned each = 20;
static size_t only = ELEMENTSOF(kinds);

struct pair {
        const struct kind *kind;
        uint64_t seed;
        struct totals *totals;
        struct instance *instances[2]; /* fast, peak */
        struct buffer calls, states[2];
};

static bool differ(struct pair *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool differ(struct pair *p, const char *format, ...)
{
        va_list ap;

        p->totals->differences++;
        printf("FAIL %s, seed %" PRIu64 ", %s: ", p->kind->name, p->seed, shared->call);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        putchar('\n');
        return false;
}

/* docs/performance.md: a trap may come before stores of the turns before it, or after some of later ones. A
 * guest ends there; here the next calls want one memory. */
static void settle_memories(struct pair *p)
{
        uint64_t bytes[2];
        uint8_t *fast = instance_memory(p->instances[0], &bytes[0]);
        uint8_t *peak = instance_memory(p->instances[1], &bytes[1]);

        if (bytes[0] == bytes[1] && memcmp(fast, peak, bytes[0])) {
                p->totals->settled++;
                memcpy(peak, fast, bytes[0]);
        }
}

/* Calls @line on both. Returns false when they differ. */
static bool call_both(struct pair *p, const char *line, bool counted)
{
        union value results[2][2 * SIGNATURE_MAX] = { 0 };
        struct trap_info traps[2] = { 0 };
        const struct functype *type = NULL;
        int r[2];

        for (unsigned e = 0; e < 2; e++) {
                char copy[sizeof(shared->call)];
                struct call call;

                snprintf(copy, sizeof(copy), "%s", line);
                if (call_parse(p->instances[e], copy, &call) < 0)
                        return differ(p, "is not exported");
                type = extern_function_type(&call.function);
                r[e] = extern_call(&call.function, call.args, results[e], &traps[e]);
        }
        p->totals->calls += counted;
        if (r[0] != r[1] || (r[0] < 0 && traps[0].trap != traps[1].trap))
                return differ(p, "fast %s (byte %" PRIx64 "), peak %s (byte %" PRIx64 ")",
                              r[0] < 0 ? trap_text(traps[0].trap) : "returns", traps[0].frames[0].offset,
                              r[1] < 0 ? trap_text(traps[1].trap) : "returns", traps[1].frames[0].offset);
        if (r[0] < 0) {
                p->totals->traps += counted;
                if (p->kind->loops)
                        settle_memories(p);
                return true;
        }
        for (uint32_t k = 0; k < type->nresults; k++) {
                bool narrow = type->results[k] == VAL_I32;
                uint64_t fast = narrow ? results[0][k].i32 : results[0][k].i64;
                uint64_t peak = narrow ? results[1][k].i32 : results[1][k].i64;

                if (fast != peak)
                        return differ(p, "result %" PRIu32 " fast %" PRIx64 ", peak %" PRIx64, k, fast, peak);
        }
        p->totals->results += counted ? type->nresults : 0;
        return true;
}

static bool same_state(struct pair *p)
{
        struct error err = { 0 };
        size_t at = 0;

        if (p->kind->heap)
                return call_both(p, "state", false);
        for (unsigned e = 0; e < 2; e++) {
                p->states[e].size = 0;
                if (instance_snapshot(p->instances[e], &p->states[e], &err) < 0)
                        return differ(p, "%s", err.text);
        }
        if (p->states[0].size != p->states[1].size)
                return differ(p, "states of %zu and %zu bytes", p->states[0].size, p->states[1].size);
        if (!memcmp(p->states[0].bytes, p->states[1].bytes, p->states[0].size))
                return true;
        while (p->states[0].bytes[at] == p->states[1].bytes[at])
                at++;
        return differ(p, "another state, from byte %zu of %zu on", at, p->states[0].size);
}

static void run_calls(void *argument)
{
        struct pair *p = argument;
        char *rest = (char *)p->calls.bytes, *line;

        while ((line = strsep(&rest, "\n")) && *line) {
                snprintf(shared->call, sizeof(shared->call), "%s", line);
                if (!call_both(p, line, true) || !same_state(p))
                        return; /* from here on all would differ */
        }
}

static void run_module(size_t k, uint64_t seed)
{
        const uint64_t features = UINT64_MAX;
        /* Some programs with a heap collect at every allocation, on one of both: slow, so they make few calls. */
        const bool collects = kinds[k].heap && seed % 16 < 2;
        const struct loading how[2] = {
                { .tier = TIER_FAST, .features = features, .collects = collects && seed % 2 },
                { .tier = TIER_PEAK, .features = features, .collects = collects && seed % 2 == 0 },
        };
        struct pair p = { .kind = &kinds[k], .seed = seed, .totals = &shared->totals[k] };
        struct buffer wasm = { 0 };
        struct fiber *fiber;
        struct error err = { 0 };

        strcpy(shared->call, "its compilation");
        kinds[k].generate(seed, collects ? 1 + each / 16 : each, &wasm, &p.calls);
        buffer_u8(&p.calls, 0);
        for (unsigned e = 0; e < 2; e++)
                if (load_module(&how[e], &wasm, &p.instances[e], &err) < 0) {
                        if (err.code != -E2BIG) /* a limit: it was made too large */
                                differ(&p, "%s: %s", e ? "peak" : "fast", err.text);
                        return;
                }
        p.totals->modules++;
        if (fiber_new(FIBER_STACK_BYTES, &fiber, &err) < 0) {
                error_print(stderr, "fiber", &err);
                _exit(EXIT_FAILURE);
        }
        fiber_start(fiber, run_calls, &p);
        while (fiber_resume(fiber))
                ;
        fiber_free(fiber);
        for (unsigned e = 0; e < 2; e++)
                buffer_done(&p.states[e]);
        buffer_done(&p.calls);
        buffer_done(&wasm);
}

static void run_child(void)
{
        const struct rlimit limit = { SECONDS_MAX, SECONDS_MAX + 1 };
        struct error err = { 0 };

        setrlimit(RLIMIT_CPU, &limit);
        if (load_init(ARENA_BYTES, &err) < 0) {
                error_print(stderr, "arena", &err);
                _exit(EXIT_FAILURE);
        }
        for (unsigned n = 0; n < BATCH; n++) {
                shared->kind = only < ELEMENTSOF(kinds) ? only : shared->next % ELEMENTSOF(kinds);
                shared->seed = shared->next++;
                run_module(shared->kind, shared->seed);
        }
        fflush(stdout);
        _exit(EXIT_SUCCESS);
}

/* Some modules in a child. Returns false when there could be none. */
static bool run_batch(void)
{
        int status;
        pid_t child;

        fflush(NULL);
        child = fork();
        if (child == 0)
                run_child();
        if (child < 0 || waitpid(child, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status)))
                return false;
        if (WIFSIGNALED(status)) {
                printf("FAIL %s, seed %" PRIu64 ", %s: %s\n", kinds[shared->kind].name, shared->seed, shared->call,
                       strsignal(WTERMSIG(status)));
                shared->totals[shared->kind].differences++;
        }
        return true;
}

static struct totals sum(void)
{
        struct totals all = { 0 };

        for (size_t k = 0; k < ELEMENTSOF(kinds); k++) {
                const struct totals *t = &shared->totals[k];

                all.modules += t->modules;
                all.calls += t->calls;
                all.traps += t->traps;
                all.results += t->results;
                all.settled += t->settled;
                all.differences += t->differences;
        }
        return all;
}

static void print(const char *name, struct totals t)
{
        printf("%-12s %8" PRIu64 " modules %10" PRIu64 " calls %9" PRIu64 " trapped %10" PRIu64 " results %4"
               PRIu64 " differences", name, t.modules, t.calls, t.traps, t.results, t.differences);
        if (t.settled)
                printf(", %" PRIu64 " traps amid the stores of a vector", t.settled);
        putchar('\n');
}

static size_t kind_of(const char *name)
{
        size_t k = 0;

        while (k < ELEMENTSOF(kinds) && strcmp(name, kinds[k].name))
                k++;
        return k;
}

int main(int argc, char **argv)
{
        uint64_t calls = 1000000, first = 1;

        for (int i = 1; i + 1 < argc; i += 2) {
                if (!strcmp(argv[i], "--calls"))
                        calls = strtoull(argv[i + 1], NULL, 0);
                else if (!strcmp(argv[i], "--seed"))
                        first = strtoull(argv[i + 1], NULL, 0);
                else if (!strcmp(argv[i], "--each"))
                        each = (unsigned)strtoul(argv[i + 1], NULL, 0);
                else if (!strcmp(argv[i], "--kind"))
                        only = kind_of(argv[i + 1]);
        }
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return EXIT_FAILURE;
        shared->next = first;
        while (sum().calls < calls)
                if (!run_batch()) {
                        fprintf(stderr, "compare-generators: no child\n");
                        return EXIT_FAILURE;
                }
        for (size_t k = 0; k < ELEMENTSOF(kinds); k++)
                if (shared->totals[k].modules)
                        print(kinds[k].name, shared->totals[k]);
        print("total", sum());
        printf("seeds %" PRIu64 " to %" PRIu64 ": %s\n", first, shared->next - 1,
               sum().differences ? "they differ" : "no difference");
        return sum().differences ? EXIT_FAILURE : EXIT_SUCCESS;
}
