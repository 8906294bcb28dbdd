/* run-wast - run official test scripts.
 *
 *   run-wast [--check] [--no-skips] [--dump-module N FILE] SCRIPT.wast...
 *
 * Prints one line for each failing assertion and ends "N passed, N failed, N skipped".
 * --check        only decode and validate; what needs an instance is skipped
 * --no-skips     run what skips.def leaves out as well
 * --files        one line of counts for each file
 * --dump-module  write the N-th module of the script (lines of failures name it) to FILE */
#include <stdio.h>
#include <string.h>

#include "tests/spec/file.h"
#include "tests/spec/hosts.h"

static const struct script_skip skips[] = {
#define SKIP(file, first, last, feature, reason) { file, first, last, feature, reason },
#include "tests/spec/skips.def"
};

struct options {
        bool check, no_skips, files;
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
        fprintf(stderr, "usage: run-wast [--check] [--no-skips] [--files] [--dump-module N FILE] "
                        "SCRIPT.wast...\n");
        return 2;
}

int main(int argc, char **argv)
{
        struct script_run total = { 0 };
        struct options o = { 0 };
        int i = 1, r = 0;

        for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
                if (!strcmp(argv[i], "--check")) {
                        o.check = true;
                } else if (!strcmp(argv[i], "--no-skips")) {
                        o.no_skips = true;
                } else if (!strcmp(argv[i], "--files")) {
                        o.files = true;
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
