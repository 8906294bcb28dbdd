/* main.c - nacelle: finds the subcommand and gives it its words. */
#include "config.h"

#include <string.h>

#include "supervisor/cli/cli.h"

static const struct command *const commands[] = {
        &run_command, &compile_command, &validate_command, &inspect_command, &diff_command, &posture_command,
        &policy_command, &explain_command, &drill_command,
        &wat_command, &wast_command, &ps_command, &top_command, &logs_command, &status_command,
        &start_command, &stop_command, &restart_command, &kill_command, &reload_command,
        &metrics_command, &version_command,
};

static void help(FILE *stream)
{
        fputs("Usage: nacelle COMMAND [OPTION]... [ARGUMENT]...\n\n"
              "Runs WebAssembly programs in locked-down cells.\n\n",
              stream);
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->text);
        fputs("\nnacelle COMMAND --help tells a command's options; nacelle-COMMAND(1) tells the rest.\n",
              stream);
}

/* Whoever reads a file that was cut for want of room must not be told that all is well. */
static int finish(int status)
{
        if (fflush(stdout) != 0)
                fprintf(stderr, "nacelle: standard output: %s\n", strerror(errno));
        else if (ferror(stdout))
                fprintf(stderr, "nacelle: standard output: not all of it could be written\n");
        else
                return status;
        return STATUS_INTERNAL;
}

int main(int argc, char **argv)
{
        const char *name = argc > 1 ? argv[1] : "";

        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
                help(stdout);
                return finish(0);
        }
        if (strcmp(name, "--version") == 0)
                name = "version";
        for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                if (strcmp(name, commands[i]->name) != 0)
                        continue;
                if (options_ask_help(commands[i], argc - 1, argv + 1)) {
                        options_help(stdout, commands[i]);
                        return finish(0);
                }
                return finish(commands[i]->main(commands[i], argc - 1, argv + 1));
        }
        if (argc > 1) {
                struct error err = { 0 };

                error_set(&err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                          "unknown command %s (see nacelle --help)", name);
                return cli_fail(&err);
        }
        help(stderr);
        return STATUS_USAGE;
}
