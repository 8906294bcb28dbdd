/* compile.c - nacelle compile: a module to an artefact, kept in a file. */
#include "config.h"

#include <string.h>

#include "supervisor/cli/cli.h"

struct compile {
        struct run_options o; /* first: the shared set functions take it */
        const char *output;
        bool preinit;
        const char *start_up; /* NULL: the usual names */
        bool tier_given;
};

/* In one word or another, but once. */
static int set_tier(void *target, const char *value, struct error *err)
{
        struct compile *c = target;

        if (c->tier_given)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "--tier, --fast, --peak: one of them will do");
        c->tier_given = true;
        return cli_set_tier(&c->o, value, err);
}

static int set_fast(void *target, const char *value, struct error *err)
{
        (void)value;
        return set_tier(target, "fast", err);
}

static int set_peak(void *target, const char *value, struct error *err)
{
        (void)value;
        return set_tier(target, "peak", err);
}

static int set_preinit(void *target, const char *value, struct error *err)
{
        struct compile *c = target;

        if (value && !*value)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "an empty name");
        c->preinit = true;
        c->start_up = value;
        return 0;
}

static int set_output(void *target, const char *value, struct error *err)
{
        if (!*value)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "an empty path");
        ((struct compile *)target)->output = value;
        return 0;
}

static int set_target(void *target, const char *value, struct error *err)
{
        static const struct { const char *text; enum machine machine; } targets[] = {
                { "x86_64", MACHINE_X86_64 }, { "aarch64", MACHINE_AARCH64 },
        };

        for (size_t i = 0; i < ELEMENTSOF(targets); i++)
                if (strcmp(value, targets[i].text) == 0) {
                        ((struct compile *)target)->o.machine = targets[i].machine;
                        return 0;
                }
        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "\"%s\" is not x86_64 or aarch64", value);
}

static const struct option_row options[] = {
        { "output", 'o', "FILE", false, set_output, "where the artefact goes; required" },
        { "preinit", 0, "[=FUNCTION]", false, set_preinit,
          "call the module's start-up now, in a cell without keys, and let every instance begin behind it" },
        { "target", 0, "MACHINE", false, set_target, "machine to compile for: x86_64 or aarch64" },
        CLI_OPTION_CPU,
        { "tier", 0, "TIER", false, set_tier, CLI_TIER_TEXT },
        { "fast", 0, NULL, false, set_fast, "as --tier fast" },
        { "peak", 0, NULL, false, set_peak, "as --tier peak" },
        CLI_OPTION_DENSE,
        CLI_OPTION_DETERMINISTIC,
        CLI_OPTION_FEATURES,
        CLI_OPTION_JOBS,
        CLI_OPTION_CACHE,
        CLI_OPTION_NO_CACHE,
        { 0 },
};

static int compile(struct compile *c, const char *path, struct error *err)
{
        _cleanup_close_ int in = -EBADF, artefact = -EBADF;
        struct progress progress = { .text = "compiling" };
        int r;

        if (!c->output)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "where to? Give -o FILE (see nacelle compile --help)");
        r = cli_open(path, &in, err);
        if (r < 0)
                return r;
        c->o.progress = cli_progress;
        c->o.context = &progress;
        r = c->preinit ? broker_preinit(&c->o, in, c->start_up, &artefact, err)
                       : broker_artefact(&c->o, in, &artefact, err);
        cli_progress_done(&progress);
        return r < 0 ? r : cli_write_fd(c->output, artefact, err);
}

static int compile_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        struct compile c = { 0 };
        struct error err = { 0 };
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &c, argc, argv, operands, &n, &err) < 0 ||
            compile(&c, operands[0], &err) < 0)
                return cli_fail(&err);
        return 0;
}

const struct command compile_command = {
        .name = "compile",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .main = compile_main,
        .text = "compile a module ahead of time, to an artefact that run accepts",
        .options = options,
};
