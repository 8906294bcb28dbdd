/* validate.c - nacelle validate: is the module well-formed and valid? Asked in a compiler process. */
#include "config.h"

#include "supervisor/cli/cli.h"

static const struct option_row options[] = { CLI_OPTION_FEATURES, CLI_OPTION_JOBS, { 0 } };

static int validate(const struct run_options *o, const char *path, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        int r = cli_open(path, &fd, err);

        if (r < 0)
                return r;
        r = broker_check(o, fd, err);
        return r < 0 ? error_prefix(err, "%s", path) : 0;
}

static int validate_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        struct run_options o = { 0 };
        unsigned n;
        int status = 0;
        struct error err = { 0 };

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &o, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        /* All files are looked at; the status is that of the first one that fails. */
        for (unsigned i = 0; i < n; i++) {
                err = (struct error) { 0 };
                if (validate(&o, operands[i], &err) < 0) {
                        int s = cli_fail(&err);

                        status = status ? status : s;
                }
        }
        return status;
}

const struct command validate_command = {
        .name = "validate",
        .operands = "FILE...",
        .operands_min = 1,
        .operands_max = UINT32_MAX,
        .main = validate_main,
        .text = "check that a module is well-formed and valid; says where it is not",
        .options = options,
};
