/* version.c - nacelle version: the version, and what an artefact of this build is bound to. */
#include "config.h"

#include "supervisor/cli/cli.h"

static const struct option_row options[] = { { 0 } };

static int version_main(const struct command *self, int argc, char **argv)
{
        const char *operands[1];
        char cpu[256];
        struct error err = { 0 };
        unsigned n;

        if (argc > 1 && options_parse(self, NULL, argc > 2 ? 2 : argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        printf("nacelle %s\nartefact ABI %u\ncompiles for %s\n", PACKAGE_VERSION, ABI_VERSION,
               cpu_features_text(cpu_features_host(), cpu, sizeof(cpu)));
        return 0;
}

const struct command version_command = {
        .name = "version",
        .operands = "",
        .main = version_main,
        .text = "print the version",
        .options = options,
};
