/* run-wast - run official test scripts.
 *
 *   run-wast [OPTION]... SCRIPT.wast...
 *
 * Prints one line for each failing assertion and ends "N passed, N failed, N skipped".
 * --check        only decode and validate; what needs an instance is skipped
 * --no-skips     run what skips.def leaves out as well
 * --feature F    with this proposal on as well, by its name in features.def
 * --files        one line of counts for each file
 * --tier T       code generator: fast (default) or peak
 * --deterministic  NaNs are canonical
 * --dense        code that checks every access itself
 * --collect      the heap is collected at every allocation
 * --cpu LEVEL    what its code may use: host (default), x86-64-v2, ...
 * --jobs N       scripts at once, each in a process of its own unless there is only one; default 2
 * --suite[=DIR]  instead of scripts: all root files of the suite, or those of the folder DIR of it;
 *                exits 77 when it is not there
 * --compiler A B have the code made by who serves on the FIFOs A and B, see remote.h; one script
 * --serve M      make code for machine M (x86_64, aarch64) instead, see remote.h; with --tier, --cpu
 * --dump-module  write the N-th module of the script (lines of failures name it) to FILE */
#include "config.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#ifdef HAVE_LLVM
#include "engine/compile/peak/peak.h"
#endif
#include "engine/decode/decode.h"
#include "tests/spec/file.h"
#include "tests/spec/hosts.h"
#include "tests/spec/remote.h"

static const struct script_skip skips[] = {
#define SKIP(file, first, last, feature, reason) { file, first, last, feature, reason },
#include "tests/spec/skips.def"
};

#define JOBS_MAX    64u
#define SECONDS_MAX 300u /* a script */

struct options {
        bool check, no_skips, files;
        uint64_t features; /* more than the default */
        const char *suite; /* folder, NULL: the files are named */
        struct process_options process;
        unsigned jobs;
        const char *compiler[2]; /* FIFOs to and from the one who makes the code */
        bool serves;
        uint32_t dump_number;
        const char *dump_path;
        bool dumped;
};

static void seen(void *context, uint32_t number, uint32_t line, const uint8_t *bytes, size_t size)
{
        struct options *o = context;
        struct error err = { 0 };

        if (number != o->dump_number)
                return;
        o->dumped = true;
        if (file_write(o->dump_path, bytes, size, &err) < 0)
                error_print(stderr, "run-wast", &err);
        else
                fprintf(stderr, "module %u of line %u: %zu bytes\n", number, line, size);
}

/* A script of a proposal is for those who have it on: .../proposals/NAME/..., and .../legacy/... */
static uint64_t features_for(const char *path, uint64_t more)
{
        uint64_t features = FEATURES_DEFAULT | more;
        char part[64];

        for (unsigned i = 0; i < _FEATURE_MAX; i++) {
                snprintf(part, sizeof(part), "/proposals/%s/", feature_table[i].text);
                if (strstr(path, part) || (i == FEATURE_LEGACY_EXCEPTIONS && strstr(path, "/legacy/")))
                        features |= UINT64_C(1) << i;
        }
        return features;
}

static int run_file(const char *path, struct options *o, struct script_run *run)
{
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(process_host_freep) struct process_host *process = NULL;
        struct remote remote;
        struct error err = { 0 };
        int r = file_read(path, &text, &err);

        o->process.features = features_for(path, o->features);
        *run = (struct script_run) { .file = path, .out = stdout, .table = &host_check,
                                     .host = &o->process.features };
        if (!o->no_skips) {
                run->skips = skips;
                run->nskips = ELEMENTSOF(skips);
        }
        if (o->dump_path) {
                run->seen = seen;
                run->context = o;
        }
        if (r >= 0 && o->compiler[0]) {
                r = remote_open(o->compiler[0], o->compiler[1], &remote, &err);
                o->process.remote = &remote;
        }
        if (r >= 0 && !o->check) {
                r = process_host_new(&o->process, &process, &err);
                run->table = &host_process;
                run->host = process;
        }
        if (r >= 0)
                r = script_run(run, (const char *)text.bytes, text.size, &err);
        if (r < 0) {
                error_print(stderr, path, &err);
                run->failed++;
        }
        return r;
}

struct child { /* a script that runs in a process of its own */
        const char *path;
        pid_t pid;
        int fd; /* its counts come back here */
};

/* A crash or an endless loop in one script must not hide the others. */
static int child_start(const char *path, struct options *o, struct child *ret)
{
        struct script_run run;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        fflush(NULL);
        *ret = (struct child) { path, fork(), fds[0] };
        if (ret->pid < 0) {
                close(fds[0]);
                close(fds[1]);
                return -errno;
        }
        if (!ret->pid) {
                alarm(SECONDS_MAX);
                (void)run_file(path, o, &run);
                exit(write(fds[1], &run, sizeof(run)) != sizeof(run));
        }
        close(fds[1]);
        return 0;
}

static void child_end(const struct child *c, const struct options *o, struct script_run *total)
{
        struct script_run run = { .failed = 1 };
        ssize_t n = read(c->fd, &run, sizeof(run));
        int status = 0;

        close(c->fd);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (WIFSIGNALED(status))
                printf("%s: the script's process died: %s\n", c->path, strsignal(WTERMSIG(status)));
        else if (n != sizeof(run))
                printf("%s: the script's process gave no counts\n", c->path);
        if (o->files)
                printf("%s: %lu passed, %lu failed, %lu skipped\n", c->path, run.passed, run.failed,
                       run.skipped);
        total->passed += run.passed;
        total->failed += run.failed;
        total->skipped += run.skipped;
}

static int run_files(char **paths, int n, struct options *o, struct script_run *total)
{
        struct child running[JOBS_MAX];
        unsigned first = 0, count = 0;
        int r;

        if (n == 1) { /* in this process, for debuggers */
                r = run_file(paths[0], o, total);
                return r;
        }
        for (int i = 0; i < n || count; ) {
                if (i < n && count < o->jobs) {
                        r = child_start(paths[i++], o, &running[(first + count) % JOBS_MAX]);
                        if (r < 0)
                                return r;
                        count++;
                        continue;
                }
                child_end(&running[first], o, total);
                first = (first + 1) % JOBS_MAX;
                count--;
        }
        return 0;
}

/* What stands behind the number of skipped assertions: each absent feature once. */
static void print_absent_features(void)
{
        for (size_t i = 0; i < ELEMENTSOF(skips); i++) {
                size_t first = 0;

                while (strcmp(skips[first].feature, skips[i].feature) != 0)
                        first++;
                if (first == i)
                        printf("skip assertions that need %s: a feature of WebAssembly 3.0\n",
                               skips[i].feature);
        }
}

static int usage(void)
{
        fprintf(stderr, "usage: run-wast [--check] [--no-skips] [--files] [--feature F] [--tier fast|peak|mixed] "
                        "[--dense] [--deterministic] [--cpu LEVEL] [--compiler FIFO FIFO] [--jobs N] [--dump-module N FILE] {SCRIPT.wast... | --suite[=DIR] | --serve MACHINE}\n");
        return 2;
}

#ifdef HAVE_LLVM
/* Every other function optimised: calls of every kind cross between the generators. */
static int compile_mixed(const struct checked_module *c, const struct compile_options *o,
                         struct compiled_module **ret, struct error *err)
{
        struct compile_options mixed = *o;
        uint32_t imported = c->module->imported_functions, n = 0;
        _cleanup_free_ uint32_t *hot = calloc(c->module->nfunctions + 1, sizeof(*hot));

        if (!hot)
                return error_set(err, STAGE_COMPILE, -ENOMEM, ERROR_NOWHERE, "a list of functions");
        for (uint32_t f = imported + c->module->nfunctions % 2; f < c->module->nfunctions; f += 2)
                hot[n++] = f;
        mixed.hot = hot;
        mixed.nhot = n;
        return module_compile(c, &mixed, ret, err);
}
#endif

static int set_tier(struct options *o, const char *text)
{
        if (!strcmp(text, "fast")) {
                o->process.compile = module_compile;
                o->process.options.tier = TIER_FAST;
                return 0;
        }
#ifdef HAVE_LLVM
        if (!strcmp(text, "peak")) {
                o->process.compile = peak_compile;
                o->process.options.tier = TIER_PEAK;
                return 0;
        }
        if (!strcmp(text, "mixed")) {
                o->process.compile = compile_mixed;
                o->process.options.tier = TIER_MIXED;
                return 0;
        }
#endif
        return -EINVAL;
}

static int add_feature(struct options *o, const char *text)
{
        for (unsigned i = 0; i < _FEATURE_MAX; i++) {
                if (!strcmp(feature_table[i].text, text)) {
                        o->features |= UINT64_C(1) << i;
                        return 0;
                }
        }
        return -EINVAL;
}

static int set_machine(struct options *o, const char *text)
{
        if (!strcmp(text, "x86_64"))
                o->process.options.machine = MACHINE_X86_64;
        else if (!strcmp(text, "aarch64"))
                o->process.options.machine = MACHINE_AARCH64;
        else
                return -EINVAL;
        return 0;
}

static int parse_options(int argc, char **argv, struct options *o)
{
        int i = 1;

        for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
                if (!strcmp(argv[i], "--check")) {
                        o->check = true;
                } else if (!strcmp(argv[i], "--no-skips")) {
                        o->no_skips = true;
                } else if (!strcmp(argv[i], "--feature") && i + 1 < argc) {
                        if (add_feature(o, argv[++i]) < 0)
                                return -EINVAL;
                } else if (!strcmp(argv[i], "--files")) {
                        o->files = true;
                } else if (!strcmp(argv[i], "--suite")) {
                        o->suite = "";
                } else if (!strncmp(argv[i], "--suite=", 8)) {
                        o->suite = argv[i] + 8;
                } else if (!strcmp(argv[i], "--deterministic")) {
                        o->process.options.deterministic = true;
                } else if (!strcmp(argv[i], "--collect")) {
                        o->process.collect_always = true;
                } else if (!strcmp(argv[i], "--dense")) {
                        o->process.options.dense = true;
                } else if (!strcmp(argv[i], "--tier") && i + 1 < argc) {
                        if (set_tier(o, argv[++i]) < 0)
                                return -EINVAL;
                } else if (!strcmp(argv[i], "--cpu") && i + 1 < argc) {
                        if (cpu_features_parse(argv[++i], &o->process.options.cpu) < 0)
                                return -EINVAL;
                } else if (!strcmp(argv[i], "--compiler") && i + 2 < argc) {
                        o->compiler[0] = argv[++i];
                        o->compiler[1] = argv[++i];
                } else if (!strcmp(argv[i], "--serve") && i + 1 < argc) {
                        o->serves = true;
                        if (set_machine(o, argv[++i]) < 0)
                                return -EINVAL;
                } else if (!strcmp(argv[i], "--jobs") && i + 1 < argc) {
                        o->jobs = (unsigned)strtoul(argv[++i], NULL, 10);
                } else if (!strcmp(argv[i], "--dump-module") && i + 2 < argc) {
                        o->dump_number = (uint32_t)strtoul(argv[i + 1], NULL, 10);
                        o->dump_path = argv[i + 2];
                        i += 2;
                } else {
                        return -EINVAL;
                }
        }
        if (!o->jobs || o->jobs > JOBS_MAX || (i < argc) + !!o->suite + o->serves != 1)
                return -EINVAL;
        return i;
}

int main(int argc, char **argv)
{
        struct options o = { .jobs = 2 };
        struct script_run total = { 0 };
        glob_t found = { 0 };
        int i, r;

        setvbuf(stdout, NULL, _IOLBF, 0);
        o.process.options = (struct compile_options) { .jobs = 1, .cpu = cpu_features_host() };
        (void)set_tier(&o, "fast");
        i = parse_options(argc, argv, &o);
        if (i < 0)
                return usage();
        if (o.serves)
                return remote_serve(&o.process);
        if (o.suite) {
                char pattern[4096];

                snprintf(pattern, sizeof(pattern), TESTSUITES "/core/%s%s*.wast", o.suite,
                         *o.suite ? "/" : "");
                if (glob(pattern, 0, NULL, &found) != 0) {
                        printf("no test scripts at " TESTSUITES "/core (configure --with-testsuites)\n");
                        return 77;
                }
                r = run_files(found.gl_pathv, (int)found.gl_pathc, &o, &total);
        } else {
                r = run_files(argv + i, argc - i, &o, &total);
        }
        globfree(&found);
        if (o.dump_path && !o.dumped)
                fprintf(stderr, "run-wast: no module %u\n", o.dump_number);
        if (total.skipped && !o.no_skips && !o.check)
                print_absent_features();
        printf("%lu passed, %lu failed, %lu skipped\n", total.passed, total.failed, total.skipped);
        return r < 0 || total.failed || !total.passed;
}
