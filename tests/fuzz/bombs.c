/* bombs [TIER] [NAME...] - small modules that ask for much: each is refused at a byte with a limit, or
 * compiled within the processor time and the memory that its row states.
 *
 * TIER is fast (default) or peak. Every module is made in the binary format, and decoded, validated and
 * compiled by one thread in a process of its own, which is measured from outside. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "engine/compile/compile.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"

#define SECONDS_KILL 600u

/* Of one function () -> (), and what bodies may use: memory 0, a table, a tag, a function to call. */
static const char head[] = "\0asm\1\0\0\0"
                           "\1\4\1\x60\0\0"              /* type 0: () -> () */
                           "\3\3\2\0\0"                  /* functions 0 and 1 */
                           "\4\4\1\x70\0\1"              /* table of 1 */
                           "\5\3\1\0\1"                  /* memory of 1 */
                           "\xd\3\1\0\0";                /* tag 0: no values */

static void put(struct buffer *b, const char *bytes, size_t n, size_t times)
{
        for (size_t i = 0; i < times; i++)
                buffer_append(b, bytes, n);
}

#define PUT(b, bytes, times) put(b, bytes, sizeof(bytes) - 1, times)

/* @body: locals and code up to and with the end */
static void module_of(struct buffer *out, const struct buffer *body)
{
        struct buffer section = { 0 };

        buffer_append(out, head, sizeof(head) - 1);
        PUT(&section, "\2\2\0\xb", 1);
        buffer_uleb(&section, body->size);
        buffer_append(&section, body->bytes, body->size);
        buffer_u8(out, 10);
        buffer_uleb(out, section.size);
        buffer_append(out, section.bytes, section.size);
        buffer_done(&section);
}

static void nested(struct buffer *b, const char *open, size_t n, const char *middle, size_t nmiddle, size_t times)
{
        buffer_u8(b, 0);
        put(b, open, n, times);
        buffer_append(b, middle, nmiddle);
        PUT(b, "\xb", times + 1);
}

static void million_blocks(struct buffer *b) { nested(b, "\2\x40", 2, "", 0, 1000000); }
static void deep_blocks(struct buffer *b)    { nested(b, "\2\x40", 2, "", 0, 99999); }
static void deep_loops(struct buffer *b)     { nested(b, "\3\x40", 2, "", 0, 99999); }
static void deep_ifs(struct buffer *b)       { nested(b, "\x41\1\4\x40", 4, "", 0, 99999); }
static void deep_tries(struct buffer *b)     { nested(b, "\x1f\x40\1\2\0", 5, "\x8\0", 2, 20000); }

static void br_outwards(struct buffer *b) /* each of many branches leaves all blocks */
{
        buffer_u8(b, 0);
        PUT(b, "\2\x40", 10000);
        for (unsigned i = 0; i < 10000; i++) {
                PUT(b, "\x41\0\xd", 1);
                buffer_uleb(b, i);
        }
        PUT(b, "\xb", 10001);
}

static void many_loops(struct buffer *b) /* one behind the other */
{
        buffer_u8(b, 0);
        PUT(b, "\3\x40\x41\0\xd\0\xb", 1000000);
        PUT(b, "\xb", 1);
}

static void sums(struct buffer *b) /* 7 MB of one expression */
{
        PUT(b, "\1\1\x7f", 1);
        PUT(b, "\x20\0", 1);
        PUT(b, "\x20\0\x6a", 2500000);
        PUT(b, "\x1a\xb", 1);
}

static void less_sums(struct buffer *b) /* as large as the optimiser gets one */
{
        PUT(b, "\1\1\x7f", 1);
        PUT(b, "\x20\0", 1);
        PUT(b, "\x20\0\x6a", 43000);
        PUT(b, "\x1a\xb", 1);
}

static void stores(struct buffer *b) /* 7 MB of stores */
{
        buffer_u8(b, 0);
        PUT(b, "\x41\0\x41\1\x36\2\0", 1080000);
        PUT(b, "\xb", 1);
}

static void calls(struct buffer *b)
{
        buffer_u8(b, 0);
        PUT(b, "\x10\0", 3800000);
        PUT(b, "\xb", 1);
}

static void less_calls(struct buffer *b)
{
        buffer_u8(b, 0);
        PUT(b, "\x10\0", 60000);
        PUT(b, "\xb", 1);
}

static void divisions(struct buffer *b) /* each with two traps of its own */
{
        PUT(b, "\1\1\x7f", 1);
        PUT(b, "\x20\0\x20\0\x6d\x21\0", 18000);
        PUT(b, "\xb", 1);
}

static void operands(struct buffer *b) /* a stack of 999,999 */
{
        buffer_u8(b, 0);
        PUT(b, "\x41\1", 999999);
        PUT(b, "\x1a", 999999);
        PUT(b, "\xb", 1);
}

static void many_locals(struct buffer *b) /* 50,000, all used */
{
        buffer_uleb(b, 1);
        buffer_uleb(b, 50000);
        buffer_u8(b, 0x7e);
        for (unsigned i = 1; i < 50000; i++) {
                buffer_u8(b, 0x20);
                buffer_uleb(b, i - 1);
                PUT(b, "\x42\1\x7c\x21", 1);
                buffer_uleb(b, i);
        }
        PUT(b, "\xb", 1);
}

static void locals_and_branches(struct buffer *b) /* each block changes another one of 10,000 */
{
        buffer_uleb(b, 1);
        buffer_uleb(b, 10000);
        buffer_u8(b, 0x7f);
        for (unsigned i = 0; i < 10000; i++) {
                PUT(b, "\2\x40\x20\0\xd\0\x41\1\x21", 1);
                buffer_uleb(b, i);
                PUT(b, "\xb", 1);
        }
        PUT(b, "\xb", 1);
}

static void too_many_locals(struct buffer *b)
{
        PUT(b, "\1\xff\xff\xff\xff\xf\x7f\xb", 1);
}

static void table(struct buffer *b, uint32_t n)
{
        buffer_u8(b, 0);
        PUT(b, "\2\x40\2\x40\x41\0\xe", 1);
        buffer_uleb(b, n);
        for (uint32_t i = 0; i <= n; i++)
                buffer_u8(b, i & 1);
        PUT(b, "\xb\xb\xb", 1);
}

static void huge_table(struct buffer *b)     { table(b, 1000000); }
static void too_huge_table(struct buffer *b) { table(b, 1000001); }

static void table_outwards(struct buffer *b) /* a table that names 2,000 blocks, 100 times */
{
        buffer_u8(b, 0);
        PUT(b, "\2\x40", 2000);
        for (unsigned k = 0; k < 100; k++) {
                PUT(b, "\2\x40\x41\0\xe", 1);
                buffer_uleb(b, 2000);
                for (unsigned i = 0; i <= 2000; i++)
                        buffer_uleb(b, i);
                PUT(b, "\xb", 1);
        }
        PUT(b, "\xb", 2001);
}

static void throws(struct buffer *b) /* many calls and throws to one handler */
{
        buffer_u8(b, 0);
        PUT(b, "\2\x40\x1f\x40\1\2\0", 1);
        PUT(b, "\x10\0", 60000);
        PUT(b, "\xb\xb\xb", 1);
}

static void dead_code(struct buffer *b)
{
        buffer_u8(b, 0);
        PUT(b, "\0", 1);
        PUT(b, "\2\x40\x41\1\xd\0\xb", 1000000);
        PUT(b, "\xb", 1);
}

/* seconds of the processor, and MiB over what an empty module takes */
static const struct bomb {
        const char *name;
        void (*make)(struct buffer *body);
        int expect; /* 0: compiled */
        double fast_s, peak_s;
        unsigned fast_mib, peak_mib;
} bombs[] = {
        { "1,000,000 nested blocks", million_blocks, -E2BIG, 1, 1, 64, 64 },
        { "99,999 nested blocks", deep_blocks, 0, 1, 5, 64, 256 },
        { "99,999 nested loops", deep_loops, 0, 1, 10, 64, 400 },
        { "99,999 nested ifs", deep_ifs, 0, 1, 10, 64, 400 },
        { "20,000 nested try_tables", deep_tries, 0, 1, 60, 64, 512 },
        { "10,000 branches out of 10,000 blocks", br_outwards, 0, 1, 5, 64, 128 },
        { "1,000,000 loops", many_loops, 0, 2, 2, 128, 128 },
        { "one sum of 7 MB", sums, 0, 2, 2, 64, 64 },
        { "one sum of 129 KB", less_sums, 0, 1, 10, 64, 512 },
        { "7 MB of stores", stores, 0, 2, 2, 128, 128 },
        { "3,800,000 calls", calls, 0, 2, 2, 400, 400 },
        { "60,000 calls", less_calls, 0, 2, 60, 128, 1500 },
        { "18,000 divisions", divisions, 0, 1, 60, 64, 512 },
        { "999,999 operands", operands, 0, 2, 2, 128, 128 },
        { "50,000 locals", many_locals, 0, 1, 30, 64, 512 },
        { "10,000 locals over 10,000 blocks", locals_and_branches, 0, 1, 1, 64, 64 },
        { "4,294,967,295 locals", too_many_locals, -E2BIG, 1, 1, 64, 64 },
        { "a table of 1,000,001 labels", huge_table, 0, 1, 30, 128, 512 },
        { "a table of one more", too_huge_table, -E2BIG, 1, 1, 64, 64 },
        { "100 tables of 2,000 blocks each", table_outwards, 0, 1, 30, 128, 512 },
        { "60,000 calls that may throw", throws, 0, 2, 60, 128, 1500 },
        { "7 MB that nobody reaches", dead_code, 0, 1, 1, 64, 64 },
};

/* Counts of 2^32 - 1, each with a byte or two behind it. */
static const struct {
        const char *name;
        uint8_t section;
        const char *bytes;
        size_t n;
} counts[] = {
        { "types", 1, "\xff\xff\xff\xff\xf\x60", 6 },
        { "types of a group", 1, "\1\x4e\xff\xff\xff\xff\xf\x60", 8 },
        { "parameters", 1, "\1\x60\xff\xff\xff\xff\xf\x7f", 8 },
        { "results", 1, "\1\x60\0\xff\xff\xff\xff\xf\x7f", 9 },
        { "imports", 2, "\xff\xff\xff\xff\xf\0", 6 },
        { "bytes of a name", 2, "\1\xff\xff\xff\xff\xf\0", 7 },
        { "functions", 3, "\xff\xff\xff\xff\xf\0", 6 },
        { "tables", 4, "\xff\xff\xff\xff\xf\x70", 6 },
        { "memories", 5, "\xff\xff\xff\xff\xf\0", 6 },
        { "globals", 6, "\xff\xff\xff\xff\xf\x7f", 6 },
        { "exports", 7, "\xff\xff\xff\xff\xf\0", 6 },
        { "element segments", 9, "\xff\xff\xff\xff\xf\0", 6 },
        { "elements", 9, "\1\1\0\xff\xff\xff\xff\xf\0", 9 },
        { "bodies", 10, "\xff\xff\xff\xff\xf\0", 6 },
        { "bytes of a body", 10, "\1\xff\xff\xff\xff\xf\0", 7 },
        { "data segments", 11, "\xff\xff\xff\xff\xf\0", 6 },
        { "bytes of data", 11, "\1\1\xff\xff\xff\xff\xf\0", 8 },
        { "tags", 13, "\xff\xff\xff\xff\xf\0", 6 },
};

static int compile(const struct buffer *bytes, enum tier tier, struct error *err)
{
        struct compile_options o = { .tier = tier, .jobs = 1, .cpu = cpu_features_host() };
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        struct compiled_module *code = NULL;
        int r = module_decode(bytes->bytes, bytes->size, &limits_default, UINT64_MAX, 0, &m, err);

        if (r >= 0)
                r = module_validate(m, &limits_default, UINT64_MAX, 1, &c, err);
        if (r >= 0)
                r = module_compile(c, &o, &code, err);
        compiled_module_free(code);
        return r;
}

struct measured {
        int r;
        uint64_t offset;
        char text[256];
        double seconds;
        long kib;
};

static int measure(void (*make)(struct buffer *), enum tier tier, struct measured *ret)
{
        struct buffer body = { 0 }, bytes = { 0 };
        struct rusage before, after;
        int fds[2], status;
        pid_t pid;

        if (pipe(fds) < 0)
                return -errno;
        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                struct error err = { 0 };

                alarm(SECONDS_KILL);
                make(&body);
                module_of(&bytes, &body);
                buffer_done(&body);
                getrusage(RUSAGE_SELF, &before);
                ret->r = compile(&bytes, tier, &err);
                getrusage(RUSAGE_SELF, &after);
                ret->offset = err.offset;
                snprintf(ret->text, sizeof(ret->text), "%s", err.text);
                ret->seconds = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                               (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e-6 +
                               (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                               (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec) * 1e-6;
                ret->kib = after.ru_maxrss - before.ru_maxrss;
                _exit(write(fds[1], ret, sizeof(*ret)) != sizeof(*ret));
        }
        close(fds[1]);
        if (read(fds[0], ret, sizeof(*ret)) != sizeof(*ret))
                ret->r = -EPIPE;
        close(fds[0]);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (WIFSIGNALED(status))
                snprintf(ret->text, sizeof(ret->text), "%s", strsignal(WTERMSIG(status)));
        return 0;
}

/* A sanitizer costs both. */
#ifdef NACELLE_SANITIZERS
#define TIMES 30
#else
#define TIMES 1
#endif

static bool run_bomb(const struct bomb *b, enum tier tier)
{
        double most_s = (tier == TIER_PEAK ? b->peak_s : b->fast_s) * TIMES;
        long most_mib = (long)(tier == TIER_PEAK ? b->peak_mib : b->fast_mib) * TIMES;
        struct measured m = { 0 };
        bool good;

        if (measure(b->make, tier, &m) < 0)
                m.r = -ECHILD;
        good = m.r == b->expect && m.seconds <= most_s && m.kib >> 10 <= most_mib &&
               (!m.r || m.offset != ERROR_NOWHERE);
        printf("%s %s: %.2f of %g s, %ld of %ld MiB%s%s\n", good ? "pass" : "FAIL", b->name, m.seconds, most_s,
               m.kib >> 10, most_mib, m.r ? ", " : "", m.r ? m.text : "");
        return good;
}

static bool run_count(size_t i)
{
        struct buffer bytes = { 0 };
        struct error err = { 0 };
        int r;
        bool good;

        PUT(&bytes, "\0asm\1\0\0\0", 1);
        buffer_u8(&bytes, counts[i].section);
        buffer_uleb(&bytes, counts[i].n);
        buffer_append(&bytes, counts[i].bytes, counts[i].n);
        r = compile(&bytes, TIER_FAST, &err);
        good = (r == -E2BIG || r == -EBADMSG) && err.offset >= 8 && err.offset < bytes.size;
        printf("%s 4,294,967,295 %s: %s (at byte %llu)\n", good ? "pass" : "FAIL", counts[i].name, err.text,
               (unsigned long long)err.offset);
        buffer_done(&bytes);
        return good;
}

int main(int argc, char **argv)
{
        enum tier tier = argc > 1 && !strcmp(argv[1], "peak") ? TIER_PEAK : TIER_FAST;
        unsigned passed = 0, failed = 0;

        setvbuf(stdout, NULL, _IOLBF, 0);
#ifndef HAVE_LLVM
        if (tier == TIER_PEAK) {
                puts("skip bombs for the optimising generator: this build has none");
                return 77;
        }
#endif
        for (size_t i = 0; i < ELEMENTSOF(bombs); i++) {
                bool named = argc <= 2;

                for (int k = 2; k < argc; k++)
                        named |= strstr(bombs[i].name, argv[k]) != NULL;
                if (named)
                        *(run_bomb(&bombs[i], tier) ? &passed : &failed) += 1;
        }
        for (size_t i = 0; i < ELEMENTSOF(counts) && argc <= 2 && tier == TIER_FAST; i++)
                *(run_count(i) ? &passed : &failed) += 1;
        printf("%u passed, %u failed, 0 skipped\n", passed, failed);
        return failed || !passed;
}
