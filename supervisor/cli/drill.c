/* drill.c - nacelle drill: attacks against the walls of this host, by the program that tests them. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "supervisor/broker/spawn.h"
#include "supervisor/cli/cli.h"

static const struct option_row options[] = { { 0 } };

static int drill_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_free_ char **words = calloc((size_t)argc + 2, sizeof(*words));
        char path[4096];
        struct error err = { 0 };
        unsigned n;

        if (!operands || !words)
                return STATUS_INTERNAL;
        if (options_parse(self, NULL, argc, argv, operands, &n, &err) < 0 ||
            program_find("nacelle-drill", path, sizeof(path), &err) < 0)
                return cli_fail(&err);
        words[0] = path;
        memcpy(words + 1, operands, n * sizeof(*words));
        execv(path, words);
        error_set(&err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s: %m", path);
        return cli_fail(&err);
}

const struct command drill_command = {
        .name = "drill",
        .operands = "[ID|ATTACK]...",
        .operands_max = UINT32_MAX,
        .main = drill_main,
        .text = "attack the walls of this host with native code in a locked cell, and tell what stopped it",
        .options = options,
};
