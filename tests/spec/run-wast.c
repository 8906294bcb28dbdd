/* run-wast - run official test scripts.
 *
 *   run-wast [OPTION]... SCRIPT.wast...
 *
 * Prints one line for each failing assertion and ends "N passed, N failed, N skipped".
 * --check        only decode and validate; what needs an instance is skipped
 * --no-skips     run what skips.def leaves out as well
 * --files        one line of counts for each file
 * --tier T       code generator: fast (default) or peak
 * --cpu LEVEL    what its code may use: host (default), x86-64-v2, ...
 * --dump-module  write the N-th module of the script (lines of failures name it) to FILE */
#include "config.h"

#include <stdio.h>
#include <string.h>

#ifdef HAVE_LLVM
#include "engine/compile/peak/peak.h"
#endif
#include "tests/spec/file.h"
#include "tests/spec/hosts.h"

static const struct script_skip skips[] = {
#define SKIP(file, first, last, feature, reason) { file, first, last, feature, reason },
#include "tests/spec/skips.def"
};

struct options {
        bool check, no_skips, files;
        struct process_options process;
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

static int run_file(const char *path, struct options *o, struct script_run *total)
{
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(process_host_freep) struct process_host *process = NULL;
        struct script_run run = { .file = path, .out = stdout, .table = &host_check };
        struct error err = { 0 };
        int r = file_read(path, &text, &err);

        if (!o->no_skips) {
                run.skips = skips;
                run.nskips = ELEMENTSOF(skips);
        }
        if (o->dump_path) {
                run.seen = seen;
                run.context = o;
        }
        if (r >= 0 && !o->check) {
                r = process_host_new(&o->process, &process, &err);
                run.table = &host_process;
                run.host = process;
        }
        if (r >= 0)
                r = script_run(&run, (const char *)text.bytes, text.size, &err);
        if (r < 0) {
                error_print(stderr, path, &err);
                return r;
        }
        if (o->files)
                printf("%s: %lu passed, %lu failed, %lu skipped\n", path, run.passed, run.failed,
                       run.skipped);
        total->passed += run.passed;
        total->failed += run.failed;
        total->skipped += run.skipped;
        return 0;
}

static int usage(void)
{
        fprintf(stderr, "usage: run-wast [--check] [--no-skips] [--files] [--tier fast|peak] "
                        "[--cpu LEVEL] [--dump-module N FILE] SCRIPT.wast...\n");
        return 2;
}

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
#endif
        return -EINVAL;
}

int main(int argc, char **argv)
{
        struct script_run total = { 0 };
        struct options o = { 0 };
        int i = 1, r = 0;

        o.process.options = (struct compile_options) { .jobs = 1, .cpu = cpu_features_host() };
        if (set_tier(&o, "fast") < 0)
                return usage();
        for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
                if (!strcmp(argv[i], "--check")) {
                        o.check = true;
                } else if (!strcmp(argv[i], "--no-skips")) {
                        o.no_skips = true;
                } else if (!strcmp(argv[i], "--files")) {
                        o.files = true;
                } else if (!strcmp(argv[i], "--tier") && i + 1 < argc) {
                        if (set_tier(&o, argv[++i]) < 0)
                                return usage();
                } else if (!strcmp(argv[i], "--cpu") && i + 1 < argc) {
                        if (cpu_features_parse(argv[++i], &o.process.options.cpu) < 0)
                                return usage();
                } else if (!strcmp(argv[i], "--dump-module") && i + 2 < argc) {
                        o.dump_number = (uint32_t)strtoul(argv[i + 1], NULL, 10);
                        o.dump_path = argv[i + 2];
                        i += 2;
                } else {
                        return usage();
                }
        }
        if (i >= argc)
                return usage();
        for (; i < argc; i++)
                if (run_file(argv[i], &o, &total) < 0)
                        r = 1;
        if (o.dump_path && !o.dumped)
                fprintf(stderr, "run-wast: no module %u\n", o.dump_number);
        printf("%lu passed, %lu failed, %lu skipped\n", total.passed, total.failed, total.skipped);
        return r || total.failed;
}
