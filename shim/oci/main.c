/* main.c - nacelle-oci: the options before the command, the command, and where its error is written. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/oci/log.h"
#include "shim/oci/oci.h"

#define OPTION(field) offsetof(struct globals, field)

static const struct oci_option global_options[] = {
        { "root", 0, OPTION_TEXT, OPTION(root), "directory of the states (default: /run/nacelle-oci)", NULL },
        { "log", 0, OPTION_TEXT, OPTION(log), "append errors to this file", NULL },
        { "log-format", 0, OPTION_TEXT, OPTION(log_format), "text or json", NULL },
        { "debug", 0, OPTION_SWITCH, OPTION(debug), "write each command to the file, too", NULL },
        { "systemd-cgroup", 0, OPTION_SWITCH, OPTION(systemd_cgroup), "systemd makes the control group: a scope", NULL },
        { "cgroup-manager", 0, OPTION_TEXT, OPTION(cgroup_manager), "cgroupfs (the default), systemd or disabled", NULL },
        { "rootless", 0, OPTION_TEXT, OPTION(rootless), "taken; who runs the command says it: true, false or auto", NULL },
        { "criu", 0, OPTION_TEXT, OPTION(criu), "taken, and without meaning: there are no checkpoints", NULL },
        { 0 },
};

static const struct oci_command *const commands[] = {
        &create_command, &start_command, &run_command, &state_command, &kill_command, &delete_command,
        &list_command, &features_command, &spec_command,
};

static const struct {
        const char *name, *why;
} refused[] = {
#define REFUSED(name, why) { #name, why },
#include "shim/oci/refused.def"
};

static bool one_of(const char *text, const char *const *words)
{
        for (; *words; words++)
                if (strcmp(text, *words) == 0)
                        return true;
        return false;
}

static int globals_check(struct globals *g, struct error *err)
{
        static const char *const formats[] = { "text", "json", NULL }, *const managers[] = { "cgroupfs", "systemd", "disabled", NULL },
                          *const rootless[] = { "true", "false", "auto", NULL };
        static char in_runtime_dir[4096];
        const char *run = getenv("XDG_RUNTIME_DIR");

        if (g->log_format && !one_of(g->log_format, formats))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "--log-format %.80s: text or json", g->log_format);
        if (g->cgroup_manager && !one_of(g->cgroup_manager, managers))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "--cgroup-manager %.80s: cgroupfs, systemd or disabled", g->cgroup_manager);
        if (g->rootless && !one_of(g->rootless, rootless))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "--rootless %.80s: true, false or auto",
                                 g->rootless);
        if (g->cgroup_manager && strcmp(g->cgroup_manager, "systemd") == 0)
                g->systemd_cgroup = true;
        if (g->root)
                return 0;
        g->root = "/run/nacelle-oci";
        if (geteuid() != 0 && run && run[0] == '/' &&
            snprintf(in_runtime_dir, sizeof(in_runtime_dir), "%s/nacelle-oci", run) < (int)sizeof(in_runtime_dir))
                g->root = in_runtime_dir;
        return 0;
}

static void help_options(const struct oci_option *table)
{
        for (const struct oci_option *o = table; o->name; o++) {
                char left[40];

                snprintf(left, sizeof(left), "--%s%s", o->name, o->type == OPTION_SWITCH ? "" : " VALUE");
                printf("  %c%c %-24s %s\n", o->letter ? '-' : ' ', o->letter ? o->letter : ' ', left, o->text);
        }
}

static int help(const struct oci_command *c)
{
        if (c) {
                printf("Usage: nacelle-oci [OPTION]... %s%s%s\n\n%s\n\n", c->name, c->operands[0] ? " " : "", c->operands,
                       c->text);
                help_options(c->options);
        } else {
                printf("Usage: nacelle-oci [OPTION]... COMMAND [OPTION]... [ID]...\n\n"
                       "A runtime for containers that are WebAssembly programs.\n\n");
                for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                        printf("  %-10s %s\n", commands[i]->name, commands[i]->text);
                printf("\n");
                help_options(global_options);
        }
        return fflush(stdout) == 0 ? 0 : 1;
}

static int version(void)
{
        printf("nacelle-oci version %s\nspec: %s\n", PACKAGE_VERSION, OCI_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
}

static const struct oci_command *find(const char *name, struct error *err)
{
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (strcmp(commands[i]->name, name) == 0)
                        return commands[i];
        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                if (strcmp(refused[i].name, name) == 0) {
                        error_set(err, STAGE_USAGE, -EOPNOTSUPP, ERROR_NOWHERE, "command %s: %s", name, refused[i].why);
                        return NULL;
                }
        error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "there is no command %.80s", name);
        return NULL;
}

/* @argv[0] is the command's name. Its exit status, or negative. */
static int run_command_of(const struct globals *g, int argc, char **argv, struct error *err)
{
        const struct oci_command *c = find(argv[0], err);
        _cleanup_free_ const char **operands = calloc((size_t)argc, sizeof(*operands));
        _cleanup_free_ void *values = NULL;
        unsigned n;
        int r;

        if (!c)
                return err->code;
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
                return help(c);
        values = calloc(1, c->values_bytes + 1);
        if (!operands || !values)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        r = oci_options_parse(c->options, values, argc - 1, argv + 1, true, operands, &n, NULL, err);
        if (r < 0)
                return error_prefix(err, "%s", c->name);
        if (n < c->operands_min || n > c->operands_max)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "usage: nacelle-oci %s %s", c->name, c->operands);
        return c->main(g, values, operands, n, err);
}

static int go(int argc, char **argv, struct error *err)
{
        struct globals g = { 0 };
        unsigned none;
        int used = 0, r;

        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0))
                return help(NULL);
        if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0))
                return version();
        /* Where the log goes is known even when an option behind it is wrong. */
        r = oci_options_parse(global_options, &g, argc - 1, argv + 1, false, NULL, &none, &used, err);
        if (g.log && oci_log_open(g.log, g.log_format && strcmp(g.log_format, "json") == 0, err) < 0)
                return err->code;
        if (r >= 0)
                r = globals_check(&g, err);
        if (r < 0)
                return r;
        if (used + 1 >= argc)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "a command is missing (see nacelle-oci --help)");
        if (g.debug)
                oci_log("debug", "nacelle-oci %s", argv[used + 1]);
        return run_command_of(&g, argc - 1 - used, argv + 1 + used, err);
}

int main(int argc, char **argv)
{
        struct error err = { 0 };
        int r = go(argc, argv, &err);

        if (r >= 0)
                return r;
        oci_log("error", "%s", err.text);
        if (err.stage == STAGE_USAGE)
                err.stage = STAGE_NONE;
        error_print(stderr, "nacelle-oci", &err);
        return 1;
}
