/* fuzz-differential - random programs through our generators and through node's WebAssembly: the
 * same results, traps and memories.
 *
 *   fuzz-differential [--gc yes | --new yes] [--seed N] [--count N] [--keep DIR] [--only ENGINE] [--lost-loads yes]
 *
 * Seeds N .. N + count - 1. A difference names the seed, the engine and the call, and leaves the module in
 * DIR (made when missing). NACELLE_FUZZ_SEED and NACELLE_FUZZ_COUNT do the same for make check.
 * Each module runs in a process of its own, so that a crash is a difference as well.
 *
 * --gc yes: programs of structures and arrays. Not every node has them, so the first engine is what
 * the others are compared with; some of these collect at every allocation.
 *
 * --new yes: programs with exceptions and 64-bit addresses, compared in the same way.
 *
 * --lost-loads yes: the optimising generator may drop or move a load whose value makes no difference yet,
 * and its trap with it: its modules are compared up to the first such trap. Then all else shows. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/compile/peak/peak.h"
#include "engine/decode/decode.h"
#include "engine/text/text.h"
#include "tests/fuzz/generate_gc.h"
#include "tests/fuzz/load.h"

#pragma weak peak_compile

#define BATCH          32
#define CALLS_OF_EACH  10
#define SECONDS_MAX    60
#define LINE_MAX_BYTES 1024

static const struct engine {
        const char *name;
        enum tier tier;
        uint64_t cpu;
        bool collects; /* at every allocation; only of programs with a heap */
} engines[] = {
        { "fast-v2",      TIER_FAST, CPU_X86_V2, false },
        { "fast-host",    TIER_FAST, 0,          false },
        { "fast-collect", TIER_FAST, 0,          true },
        { "peak-host",    TIER_PEAK, 0,          false },
        { "peak-collect", TIER_PEAK, 0,          true },
};

/* Reads a module whose one function is a tail call of itself. Node 18, Debian's, does not. */
static const char node_probe[] =
        "node -e 'new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, "
        "10, 6, 1, 4, 0, 18, 0, 11))' >/dev/null 2>&1";

static const char *directory, *only, *reference = "node";
static bool lost_loads, gc, new_features, no_node;

static const char *trap_class(enum trap trap)
{
        switch (trap) {
        case TRAP_UNREACHABLE:
                return "unreachable";
        case TRAP_DIVIDE_BY_ZERO:
                return "zero";
        case TRAP_INTEGER_OVERFLOW:
        case TRAP_INVALID_CONVERSION: /* one to V8 */
                return "range";
        case TRAP_MEMORY_BOUNDS:
                return "memory";
        case TRAP_TABLE_BOUNDS:
        case TRAP_UNDEFINED_ELEMENT:
                return "table";
        case TRAP_UNINITIALIZED:
        case TRAP_CALL_TYPE_MISMATCH:
                return "signature";
        case TRAP_STACK_EXHAUSTED:
                return "stack";
        default:
                return trap_text(trap);
        }
}

static _noreturn_ void give_up(const char *what, const struct error *err)
{
        if (err)
                error_print(stderr, what, err);
        else
                fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static FILE *open_file(uint64_t seed, const char *suffix, const char *mode)
{
        char path[512];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%" PRIu64 ".%s", directory, seed, suffix);
        f = fopen(path, mode);
        if (!f)
                give_up(path, NULL);
        return f;
}

static void generate(uint64_t seed, struct buffer *wasm, struct buffer *calls)
{
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct error err = { 0 };

        if (!gc) {
                (new_features ? generate_new_module : generate_module)(seed, CALLS_OF_EACH, wasm, calls);
                return;
        }
        generate_gc_module(seed, CALLS_OF_EACH, &text, calls);
        if (text_module_to_binary((const char *)text.bytes, text.size, wasm, &err) < 0)
                give_up("text", &err);
}

static void write_inputs(uint64_t seed)
{
        _cleanup_(buffer_done) struct buffer wasm = { 0 }, calls = { 0 };
        FILE *f = open_file(seed, "wasm", "wb");

        generate(seed, &wasm, &calls);
        fwrite(wasm.bytes, 1, wasm.size, f);
        fclose(f);
        f = open_file(seed, "calls", "wb");
        fwrite(calls.bytes, 1, calls.size, f);
        fclose(f);
}

/* In the child: the module, compiled by engine @e and instantiated */
static struct instance *load(size_t e, const struct buffer *wasm)
{
        const struct loading how = { .tier = engines[e].tier, .cpu = engines[e].cpu,
                                     .collects = engines[e].collects, .features = FEATURES_DEFAULT };
        struct instance *instance;
        struct error err = { 0 };

        if (load_init(16 << 20, &err) < 0 || load_module(&how, wasm, &instance, &err) < 0)
                give_up("module", &err);
        return instance;
}

static uint32_t memory_hash(const struct instance *i)
{
        uint64_t bytes;
        const uint8_t *p = instance_memory(i, &bytes);
        uint32_t h = 1, word;

        for (uint64_t at = 0; at < bytes; at += 4) {
                memcpy(&word, p + at, 4);
                h = (h ^ word) * 0x9e3779b1;
                h ^= h >> 15;
        }
        return h;
}

static void call_line(const struct instance *i, char *line, FILE *out)
{
        union value results[2 * SIGNATURE_MAX] = { 0 };
        const struct functype *type;
        struct trap_info trap = { 0 };
        struct call call;

        fprintf(out, "%s -> ", line);
        if (call_parse(i, line, &call) < 0)
                give_up(line, NULL);
        type = extern_function_type(&call.function);
        if (extern_call(&call.function, call.args, results, &trap) < 0) {
                fprintf(out, "trap %s", trap_class(trap.trap));
        } else {
                fputs("ok", out);
                for (uint32_t k = 0; k < type->nresults; k++)
                        fprintf(out, " %" PRIx64, type->results[k] == VAL_I32 ? results[k].i32 : results[k].i64);
        }
        fprintf(out, " m%" PRIx32 "\n", memory_hash(i));
}

struct job {
        const struct instance *instance;
        FILE *calls, *out;
};

static void run_calls(void *argument)
{
        struct job *j = argument;
        char line[LINE_MAX_BYTES];

        while (fgets(line, sizeof(line), j->calls)) {
                line[strcspn(line, "\n")] = 0;
                call_line(j->instance, line, j->out);
        }
        strcpy(line, "state");
        call_line(j->instance, line, j->out);
}

static void run_child(size_t e, uint64_t seed)
{
        _cleanup_(buffer_done) struct buffer wasm = { 0 }, calls = { 0 };
        struct job job = { .calls = open_file(seed, "calls", "rb"),
                           .out = open_file(seed, engines[e].name, "wb") };
        const struct rlimit limit = { SECONDS_MAX, SECONDS_MAX + 1 };
        struct error err = { 0 };
        struct fiber *fiber;

        generate(seed, &wasm, &calls);
        setvbuf(job.out, NULL, _IOLBF, 0); /* a crash shows the call before it */
        setrlimit(RLIMIT_CPU, &limit); /* and not of the clock: the machine may be busy */
        job.instance = load(e, &wasm);
        if (fiber_new(FIBER_STACK_BYTES, &fiber, &err) < 0)
                give_up("fiber", &err);
        fiber_start(fiber, run_calls, &job);
        while (fiber_resume(fiber))
                ;
        fclose(job.out);
        _exit(EXIT_SUCCESS);
}

/* Returns false when the engine's lines for @seed are not node's. */
static bool compare(size_t e, uint64_t seed, int status)
{
        FILE *want = open_file(seed, reference, "rb"), *got = open_file(seed, engines[e].name, "rb");
        char w[LINE_MAX_BYTES], g[LINE_MAX_BYTES];
        bool same = true;

        do {
                if (!fgets(w, sizeof(w), want))
                        w[0] = 0;
                if (!fgets(g, sizeof(g), got))
                        g[0] = 0;
                if (lost_loads && engines[e].tier == TIER_PEAK && strstr(w, "-> trap memory"))
                        break;
                same = strcmp(w, g) == 0;
        } while (same && w[0]);
        fclose(want);
        fclose(got);
        if (same && status == 0)
                return true;
        printf("seed %" PRIu64 ", %s: %s%s\n  %s: %s  here: %s", seed, engines[e].name,
               WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : status ? "stopped" : "differs",
               "", reference, w[0] ? w : "(end)\n", g[0] ? g : "(end)\n");
        printf("  kept: %s/%" PRIu64 ".wasm\n", directory, seed);
        return false;
}

static int run_engine(size_t e, uint64_t seed)
{
        int status = 0;
        pid_t child;

        fflush(NULL);
        child = fork();
        if (child == 0)
                run_child(e, seed);
        if (child < 0 || waitpid(child, &status, 0) < 0)
                give_up("fork", NULL);
        return status;
}

static void remove_files(uint64_t seed)
{
        static const char *const suffixes[] = { "wasm", "calls", "node" };
        char path[512];

        for (size_t i = 0; i < ELEMENTSOF(suffixes) + ELEMENTSOF(engines); i++) {
                const char *suffix = i < ELEMENTSOF(suffixes) ? suffixes[i]
                                                              : engines[i - ELEMENTSOF(suffixes)].name;

                snprintf(path, sizeof(path), "%s/%" PRIu64 ".%s", directory, seed, suffix);
                unlink(path);
        }
}

/* Returns the number of seeds with a difference. */
static unsigned run_batch(uint64_t first, unsigned count)
{
        char command[1024];
        unsigned bad = 0;

        for (uint64_t seed = first; seed < first + count; seed++)
                write_inputs(seed);
        snprintf(command, sizeof(command), "node '%s/tests/fuzz/run-in-node.mjs' '%s' %" PRIu64 " %u",
                 TOP_SRCDIR, directory, first, count);
        if (!no_node && system(command) != 0)
                give_up("node", NULL);
        for (uint64_t seed = first; seed < first + count; seed++) {
                bool good = true;

                if (no_node && run_engine(0, seed) != 0)
                        printf("seed %" PRIu64 ": %s stopped\n", seed, reference), good = false;
                for (size_t e = no_node; e < ELEMENTSOF(engines); e++) {
                        if ((engines[e].collects && !gc) || (engines[e].tier == TIER_PEAK && !peak_compile) ||
                            (only && strcmp(only, engines[e].name)))
                                continue;
                        good &= compare(e, seed, run_engine(e, seed));
                }
                if (good)
                        remove_files(seed);
                bad += !good;
        }
        return bad;
}

static uint64_t number(const char *text, uint64_t otherwise)
{
        return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

int main(int argc, char **argv)
{
        uint64_t seed = number(getenv("NACELLE_FUZZ_SEED"), 1), done = 0;
        uint64_t count = number(getenv("NACELLE_FUZZ_COUNT"), 96);
        char made[] = "/tmp/nacelle-fuzz-XXXXXX";
        unsigned bad = 0;

        for (int i = 1; i + 1 < argc; i += 2) {
                if (!strcmp(argv[i], "--seed"))
                        seed = number(argv[i + 1], 1);
                else if (!strcmp(argv[i], "--count"))
                        count = number(argv[i + 1], 1);
                else if (!strcmp(argv[i], "--keep"))
                        directory = argv[i + 1];
                else if (!strcmp(argv[i], "--only"))
                        only = argv[i + 1];
                else if (!strcmp(argv[i], "--gc"))
                        gc = true;
                else if (!strcmp(argv[i], "--new"))
                        new_features = true;
                else if (!strcmp(argv[i], "--lost-loads"))
                        lost_loads = true;
        }
        no_node = gc || new_features;
        if (no_node)
                reference = engines[0].name;
        else if (system(node_probe) != 0) {
                puts("skip: there is no node that knows tail calls to compare with");
                return 77;
        }
        if (directory)
                mkdir(directory, 0700);
        else if (!(directory = mkdtemp(made)))
                give_up("mkdtemp", NULL);
        for (; done < count; done += BATCH)
                bad += run_batch(seed + done, count - done < BATCH ? (unsigned)(count - done) : BATCH);
        printf("%" PRIu64 " programs from seed %" PRIu64 ": %u differ\n", count, seed, bad);
        if (!bad)
                rmdir(directory);
        return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
