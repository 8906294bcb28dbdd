/* wast.c - nacelle wast: runs test scripts of the official form, each in a cell of its own.
 *
 * The script is read in a locked child, which asks for what the script wants to be done; the modules in
 * it go the way of all modules. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "supervisor/cli/cli.h"
#include "supervisor/cli/script_child.h"
#include "supervisor/cli/script_host.h"

#define SKIPS_MAX 256u

struct wast {
        struct run_options o; /* first: the shared set functions take it */
        struct script_skip skips[SKIPS_MAX];
        unsigned nskips;
};

static int set_degraded(void *target, const char *value, struct error *err)
{
        ((struct wast *)target)->o.degraded = true;
        return 0;
}

/* FILE or FILE:FIRST-LAST; a row of tests/spec/skips.def on the command line. */
static int set_skip(void *target, const char *value, struct error *err)
{
        struct wast *w = target;
        const char *colon = strrchr(value, ':');
        struct script_skip skip = { .feature = "", .reason = "" };
        int end = 0;

        if (w->nskips == SKIPS_MAX)
                return error_set(err, STAGE_USAGE, -E2BIG, ERROR_NOWHERE, "more than %u", SKIPS_MAX);
        if (colon && (sscanf(colon, ":%" SCNu32 "-%" SCNu32 "%n", &skip.first, &skip.last, &end) != 2 ||
                      colon[end] || !skip.first || skip.last < skip.first))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "\"%s\" is not FILE or FILE:FIRST-LAST", value);
        skip.file = strndup(value, colon ? (size_t)(colon - value) : strlen(value));
        if (!skip.file)
                return error_set(err, STAGE_USAGE, -ENOMEM, ERROR_NOWHERE, "out of memory");
        w->skips[w->nskips++] = skip;
        return 0;
}

static void wast_done(struct wast *w)
{
        while (w->nskips)
                free((char *)w->skips[--w->nskips].file);
}

static const struct option_row options[] = {
        { "skip", 0, "FILE[:FIRST-LAST]", true, set_skip,
          "count what begins in these lines of a script as skipped" },
        { "degraded", 0, NULL, false, set_degraded, "run although this kernel lacks a layer" },
        CLI_OPTION_CPU,
        CLI_OPTION_TIER,
        CLI_OPTION_DENSE,
        CLI_OPTION_DETERMINISTIC,
        CLI_OPTION_FEATURES,
        CLI_OPTION_JOBS,
        { 0 },
};

static int run_script(const struct wast *w, const char *path, struct script_run *total,
                      struct error *err)
{
        _cleanup_(script_cell_freep) struct script_cell *cell = NULL;
        int r = script_cell_new(&w->o, &cell, err);

        if (r < 0)
                return error_prefix(err, "%s", path);
        total->file = path;
        return script_locked(path, &script_cell_host, cell, total, err);
}

static int wast_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_(wast_done) struct wast w = { .o.no_cache = true };
        struct script_run total = { .out = stdout };
        struct error err = { 0 };
        int status = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &w, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        total.skips = w.skips;
        total.nskips = w.nskips;
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
