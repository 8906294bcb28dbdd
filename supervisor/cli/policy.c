/* policy.c - nacelle policy: unit files, checked without running anything, and the settings there are. */
#include "config.h"

#include <string.h>

#include "policy/draft.h"
#include "policy/number.h"
#include "policy/unit.h"
#include "supervisor/cli/cli.h"

static const struct option_row options[] = { { 0 } };

static void print_problem(void *context, const char *path, unsigned line, unsigned column, const char *text)
{
        ++*(unsigned *)context;
        fprintf(stderr, "%s:%u:%u: %s\n", path, line, column, text);
}

static int check(const char *path)
{
        _cleanup_(unit_freep) struct unit *u = NULL;
        unsigned n = 0, asked = 0;
        const struct unit_problems problems = { print_problem, &n };
        struct error err = { 0 };
        int r = unit_read(path, &problems, &u, &err);

        if (r < 0 && n) {
                fprintf(stderr, "%s: %u %s\n", path, n, n == 1 ? "error" : "errors");
                return STATUS_CONFIG;
        }
        if (r < 0)
                return cli_fail(&err);
        for (unsigned i = 0; i < u->nkeys; i++)
                asked += !u->keys[i].implied;
        printf("%s: good: %u %s, %u %s\n", path, asked, asked == 1 ? "key" : "keys", u->nimports,
               u->nimports == 1 ? "import" : "imports");
        return 0;
}

static void print_settings(void)
{
        char initial[64], range[96];
        int section = -1;

        for (unsigned i = 0; i < nsettings; i++) {
                const struct setting *s = &settings[i];
                int words = (int)strcspn(s->text, " ");

                if ((int)s->section != section)
                        printf("%s[%s%s]\n", section < 0 ? "" : "\n", section_text(s->section),
                               s->section == SECTION_KEY || s->section == SECTION_IMPORT ? " NAME" : "");
                section = (int)s->section;
                setting_range_text(s, range, sizeof(range));
                setting_initial_text(s, initial, sizeof(initial));
                printf("  %s=\n", s->name);
                if (s->type == SETTING_CHOICE)
                        printf("      %.*s\n      %s", words, s->text, s->text + words + 1);
                else
                        printf("      %s\n      %s", setting_type_text(s->type), s->text);
                printf("%s%s%s%s\n", range[0] ? "; " : "", range, initial[0] ? "; by default " : "", initial);
        }
}

static int policy_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        struct error err = { 0 };
        int status = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, NULL, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        if (strcmp(operands[0], "settings") == 0 && n == 1) {
                print_settings();
                return 0;
        }
        if (strcmp(operands[0], "check") != 0 || n < 2) {
                error_set(&err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "expected: nacelle policy %s", self->operands);
                return cli_fail(&err);
        }
        for (unsigned i = 1; i < n; i++) {
                int r = check(operands[i]);

                status = status ? status : r;
        }
        return status;
}

const struct command policy_command = {
        .name = "policy",
        .operands = "check FILE... | settings",
        .operands_min = 1,
        .operands_max = UINT32_MAX,
        .main = policy_main,
        .text = "check unit files, with the place of every mistake, or list all settings",
        .options = options,
};
