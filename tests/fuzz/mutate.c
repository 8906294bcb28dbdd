/* mutate [-n MUTATIONS] [-s SEED] [FILE.wasm...] - hostile inputs for what reads modules.
 *
 * Starts from the corpus, the files named, and the *.wasm files of the directory
 * NACELLE_FUZZ_MODULES (else examples/, where the build leaves its guests). Each input goes through the target whole, cut at every byte (a large one
 * at as many as the time allows), with MUTATIONS seeded changes over all inputs, and with each
 * allocation failing in turn. An input that crashes, takes too long or too much memory ends the
 * program with its seed; the same seed gives the same run. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/text/text.h"
#include "tests/fuzz/corpus.h"
#include "tests/fuzz/fuzz.h"

#define INPUTS_MAX      256
#define LARGE_BYTES     (256u << 10)
#define LARGE_PREFIXES  300             /* of a large input, and all that are short */
#define LARGE_MUTATIONS 30              /* of each large input */
#define CASE_SECONDS    20
/* What an input may cost: the fixed part is one thread's tables. The worst found is an export of
 * three bytes. */
#define MEMORY_FIXED    ((size_t)8 << 20)
#define MEMORY_PER_BYTE 96

struct input {
        char name[256];
        uint8_t *bytes;
        size_t size;
};

static const struct target {
        const char *name;
        int (*run)(const uint8_t *bytes, size_t size, uint32_t seed);
        /* From a module to what the target takes; NULL: the module itself. */
        void (*prepare)(const uint8_t *bytes, size_t size, struct buffer *out);
} targets[] = {
        { "module", target_module, NULL },
        { "artefact", target_artefact, prepare_artefact },
        { "print", target_print, NULL },
        { "text", target_text, prepare_text },
        { "script", target_script, prepare_script },
};

static struct input inputs[INPUTS_MAX];
static unsigned ninputs;
static char running[512]; /* for whoever ends the program */
static uint64_t cases, accepted;
static double slowest_s;
static double most_per_byte;

void fuzz_fail(const char *format, ...)
{
        va_list ap;

        fprintf(stderr, "FAIL %s: ", running);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        abort();
}

static _printf_(1, 2) void set_running(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        vsnprintf(running, sizeof(running), format, ap);
        va_end(ap);
}

static void on_alarm(int signo)
{
        static const char text[] = "FAIL, too slow: ";

        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)!write(STDERR_FILENO, running, strlen(running));
        (void)!write(STDERR_FILENO, "\n", 1);
        _exit(1);
}

static double now_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* xorshift64*: small, and the same everywhere. */
static uint64_t random_state;

static uint32_t random_u32(void)
{
        random_state ^= random_state >> 12;
        random_state ^= random_state << 25;
        random_state ^= random_state >> 27;
        return (uint32_t)(random_state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

static size_t random_below(size_t n)
{
        return n ? ((uint64_t)random_u32() << 32 | random_u32()) % n : 0;
}

/* One case: the bytes in a block of their size, so that a sanitizer sees a read past the end. */
static int run_case(const struct target *t, const uint8_t *bytes, size_t size, uint32_t seed)
{
        uint8_t *exact = malloc(size ? size : 1);
        size_t before, used;
        double start;
        int r;

        if (!exact)
                fuzz_fail("out of memory");
        memcpy(exact, bytes, size);
        before = heap_bytes();
        heap_mark();
        alarm(CASE_SECONDS);
        start = now_s();
        r = t->run(exact, size, seed);
        start = now_s() - start;
        alarm(0);
        used = heap_most() - before;
        if (heap_bytes() != before)
                fuzz_fail("%zu bytes are lost", heap_bytes() - before);
        if (used > MEMORY_FIXED + MEMORY_PER_BYTE * size)
                fuzz_fail("%zu bytes of memory for %zu of input", used, size);
        free(exact);
        if (start > slowest_s)
                slowest_s = start;
        if (used > MEMORY_FIXED / 8 && (double)used / (double)size > most_per_byte)
                most_per_byte = (double)used / (double)size;
        cases++;
        accepted += r == 0;
        return r;
}

static void run_prefixes(const struct target *t, const struct input *in)
{
        size_t step = in->size > LARGE_BYTES ? in->size / LARGE_PREFIXES : 1;

        for (size_t n = 0; n < in->size; n += n < 4096 ? 1 : step) {
                set_running("%s: first %zu bytes of %s", t->name, n, in->name);
                run_case(t, in->bytes, n, 0);
        }
}

/* Bytes where formats break: ends of ranges, continuation bits, opcodes, section ids. */
static const uint8_t odd_bytes[] = { 0x00, 0x01, 0x0b, 0x3f, 0x40, 0x7f, 0x80, 0x8f, 0xfc, 0xfd, 0xfe, 0xff };

static size_t remove_part(uint8_t *b, size_t size, size_t at, size_t n)
{
        n = n < size - at ? n : size - at;
        memmove(b + at, b + at + n, size - at - n);
        return size - n;
}

static size_t insert_part(uint8_t *b, size_t size, size_t at, const uint8_t *part, size_t n)
{
        memmove(b + at + n, b + at, size - at);
        memcpy(b + at, part, n);
        return size + n;
}

/* One change at a place that is near the beginning half of the time: counts and types are there. */
static size_t change(uint8_t *b, size_t size)
{
        size_t at = random_below(random_u32() & 1 ? size : size < 512 ? size : 512);
        uint8_t part[16];
        size_t n = 1 + random_below(sizeof(part));
        const struct input *other = &inputs[random_below(ninputs)];

        if (size == 0)
                return 0;
        switch (random_u32() % 9) {
        case 0:
                b[at] ^= (uint8_t)(1u << random_u32() % 8);
                return size;
        case 1:
                b[at] = odd_bytes[random_below(sizeof(odd_bytes))];
                return size;
        case 2:
                b[at] = (uint8_t)random_u32();
                return size;
        case 3:
                b[at] = (uint8_t)(b[at] + 1 - 2 * (random_u32() & 1));
                return size;
        case 4:
                return remove_part(b, size, at, n);
        case 5: /* the same bytes again */
                n = n < size - at ? n : size - at;
                memcpy(part, b + at, n);
                return insert_part(b, size, at, part, n);
        case 6: /* a number of five bytes, mostly too large */
                memset(part, 0xff, 4);
                part[4] = random_u32() & 1 ? 0x0f : 0x7f;
                memcpy(b + at, part, size - at < 5 ? size - at : 5);
                return size;
        case 7: /* something of another input */
                if (other->size < n)
                        return size;
                memcpy(part, other->bytes + random_below(other->size - n + 1), n);
                return insert_part(b, size, at, part, n);
        default:
                return at; /* cut */
        }
}

static void run_mutations(const struct target *t, const struct input *in, uint64_t n, uint64_t seed)
{
        uint8_t *work = malloc(in->size + 1024);

        if (!work)
                fuzz_fail("out of memory");
        for (uint64_t i = 0; i < n; i++) {
                uint32_t options, changes;
                size_t size = in->size;

                random_state = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) + 1;
                options = random_u32();
                changes = random_u32() & 1 ? 1 : 1 + random_u32() % 8;
                set_running("%s: mutation %llu of %s (-s %llu)", t->name,
                         (unsigned long long)i, in->name, (unsigned long long)seed);
                memcpy(work, in->bytes, in->size);
                for (uint32_t k = 0; k < changes && size > 0; k++)
                        size = change(work, size);
                run_case(t, work, size, options);
        }
        free(work);
}

/* Every allocation fails once, with one thread and with two. */
static uint64_t run_failures(const struct target *t, const struct input *in)
{
        uint64_t all = 0;

        for (uint32_t seed = 0; seed <= 16; seed += 16)
                for (uint64_t n = 1;; n++) {
                        size_t before = heap_bytes();
                        int r;

                        set_running("%s: allocation %llu fails in %s", t->name,
                                 (unsigned long long)n, in->name);
                        heap_fail_at(n);
                        r = t->run(in->bytes, in->size, seed);
                        if (heap_bytes() != before)
                                fuzz_fail("%zu bytes are lost", heap_bytes() - before);
                        if (!heap_has_failed())
                                break;
                        if (r != -ENOMEM)
                                fuzz_fail("result %d", r);
                        all++;
                }
        heap_fail_at(0);
        return all;
}

static void add_input(const char *name, uint8_t *bytes, size_t size)
{
        struct input *in = &inputs[ninputs];

        if (ninputs == INPUTS_MAX) {
                free(bytes);
                return;
        }
        snprintf(in->name, sizeof(in->name), "%s", name);
        in->bytes = bytes;
        in->size = size;
        ninputs++;
}

static void add_corpus(void)
{
        for (size_t i = 0; i < ELEMENTSOF(corpus); i++) {
                struct buffer b = { 0 };
                struct error err = { 0 };
                char name[32];
                uint8_t *bytes;
                size_t size;

                set_running("corpus %zu", i);
                if (text_module_to_binary(corpus[i], strlen(corpus[i]), &b, &err) < 0)
                        fuzz_fail("%s", err.text);
                bytes = buffer_steal(&b, &size);
                snprintf(name, sizeof(name), "corpus module %zu", i);
                add_input(name, bytes, size);
                if (target_module(bytes, size, 1) < 0) /* with all features */
                        fuzz_fail("the module is refused as it is");
        }
}

static bool add_file(const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        uint8_t *bytes;
        size_t done = 0;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return false;
        bytes = malloc((size_t)st.st_size + 1);
        if (!bytes)
                return false;
        while (done < (size_t)st.st_size) {
                ssize_t n = read(fd, bytes + done, (size_t)st.st_size - done);

                if (n <= 0)
                        break;
                done += (size_t)n;
        }
        add_input(path, bytes, done);
        return true;
}

static void add_directory(const char *path)
{
        struct dirent **entries;
        int n = scandir(path, &entries, NULL, alphasort);

        for (int i = 0; i < n; i++) {
                size_t length = strlen(entries[i]->d_name);
                char file[4096];

                snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
                if (length > 5 && strcmp(entries[i]->d_name + length - 5, ".wasm") == 0)
                        add_file(file);
                free(entries[i]);
        }
        if (n >= 0)
                free(entries);
}

static unsigned count_small(void)
{
        unsigned n = 0;

        for (unsigned i = 0; i < ninputs; i++)
                n += inputs[i].size <= LARGE_BYTES;
        return n ? n : 1;
}

static void run_input(const struct target *t, const struct input *in, uint64_t mutations,
                      uint64_t seed, uint64_t *failures)
{
        bool large = in->size > LARGE_BYTES;

        run_prefixes(t, in);
        run_mutations(t, in, large ? LARGE_MUTATIONS : mutations, seed);
        if (!large)
                *failures += run_failures(t, in);
}

static void run_target(const struct target *t, uint64_t mutations, uint64_t seed)
{
        uint64_t each = mutations / count_small() + 1, failures = 0;

        cases = accepted = 0;
        slowest_s = most_per_byte = 0;
        for (unsigned i = 0; i < ninputs; i++) {
                struct input in = inputs[i];
                struct buffer made = { 0 };

                if (t->prepare) {
                        set_running("%s: made of %s", t->name, in.name);
                        t->prepare(in.bytes, in.size, &made);
                        in.bytes = made.bytes;
                        in.size = made.size;
                }
                if (in.bytes)
                        run_input(t, &in, each, seed + i * mutations, &failures);
                buffer_done(&made);
        }
        printf("%s: %u inputs, %llu cases, %llu of them accepted, %llu failing allocations, "
               "slowest %.0f ms, at most %.0f bytes of memory a byte\n", t->name, ninputs,
               (unsigned long long)cases, (unsigned long long)accepted, (unsigned long long)failures,
               slowest_s * 1e3, most_per_byte);
}

int main(int argc, char **argv)
{
        const char *directory = getenv("NACELLE_FUZZ_MODULES");
        uint64_t mutations = 10000, seed = 1;
        int option;

        while ((option = getopt(argc, argv, "n:s:")) != -1) {
                if (option == 'n')
                        mutations = strtoull(optarg, NULL, 0);
                else if (option == 's')
                        seed = strtoull(optarg, NULL, 0);
                else
                        return 64;
        }
        signal(SIGALRM, on_alarm);
        add_corpus();
        for (int i = optind; i < argc; i++)
                if (!add_file(argv[i])) {
                        perror(argv[i]);
                        return 66;
                }
        add_directory(directory ? directory : "examples");
        for (size_t i = 0; i < ELEMENTSOF(targets); i++)
                run_target(&targets[i], mutations, seed);
        for (unsigned i = 0; i < ninputs; i++)
                free(inputs[i].bytes);
        return 0;
}
