/* wast.c - nacelle wast: runs test scripts of the official form, each in a cell of its own.
 *
 * The script itself is read here, with the user's rights: it is the user's own test. The modules in
 * it go the way of all modules. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "supervisor/cli/cli.h"
#include "supervisor/cli/script_host.h"

struct wast {
        struct run_options o; /* first: the shared set functions take it */
};

static int set_degraded(void *target, const char *value, struct error *err)
{
        ((struct wast *)target)->o.degraded = true;
        return 0;
}

static const struct option_row options[] = {
        { "degraded", 0, NULL, false, set_degraded, "run although this kernel lacks a layer" },
        CLI_OPTION_CPU,
        CLI_OPTION_TIER,
        CLI_OPTION_FEATURES,
        CLI_OPTION_JOBS,
        { 0 },
};

static int read_script(const char *path, struct buffer *ret, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        int r = cli_open(path, &fd, err);

        while (r >= 0) {
                uint8_t *place = buffer_reserve(ret, 65536);
                ssize_t n = place ? read(fd, place, 65536) : -1;

                if (!place)
                        return error_set(err, STAGE_TEXT, -ENOMEM, ERROR_NOWHERE, "out of memory");
                if (n < 0)
                        return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", path);
                if (n == 0)
                        return 0;
                ret->size += (size_t)n;
        }
        return r;
}

static int run_script(const struct wast *w, const char *path, struct script_run *total,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(script_cell_freep) struct script_cell *cell = NULL;
        struct script_run run = { .table = &script_cell_host, .file = path, .out = stdout };
        int r = read_script(path, &text, err);

        if (r >= 0)
                r = script_cell_new(&w->o, &cell, err);
        if (r < 0)
                return r;
        run.host = cell;
        r = script_run(&run, (const char *)text.bytes, text.size, err);
        total->passed += run.passed;
        total->failed += run.failed;
        total->skipped += run.skipped;
        return r < 0 ? error_prefix(err, "%s", path) : 0;
}

static int wast_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        struct wast w = { .o.no_cache = true };
        struct script_run total = { 0 };
        struct error err = { 0 };
        int status = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &w, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        for (unsigned i = 0; i < n; i++) {
                err = (struct error) { 0 };
                if (run_script(&w, operands[i], &total, &err) < 0) {
                        int s = cli_fail(&err);

                        status = status ? status : s;
                }
        }
        printf("%lu passed, %lu failed, %lu skipped\n", total.passed, total.failed, total.skipped);
        return status ? status : total.failed ? 1 : 0;
}

const struct command wast_command = {
        .name = "wast",
        .operands = "SCRIPT...",
        .operands_min = 1,
        .operands_max = UINT32_MAX,
        .main = wast_main,
        .text = "run test scripts of the core specification, each in a cell of its own",
        .options = options,
};
