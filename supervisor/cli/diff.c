/* diff.c - nacelle diff: what a new version of a module asks for that the old one did not.
 *
 * Both files are read in locked children, which answer with lines; lines are all that is compared, so a
 * module that broke its reader can lie about itself, and do nothing else. */
#include "config.h"

#include <string.h>

#include "engine/artefact/artefact.h"
#include "engine/decode/decode.h"
#include "supervisor/cli/authority.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/locked.h"

#define LINES_MAX 100000

struct diff_options {
        bool json;
};

static int set_json(void *target, const char *value, struct error *err)
{
        ((struct diff_options *)target)->json = true;
        return 0;
}

static const struct option_row options[] = {
        { "json", 0, NULL, false, set_json, "answer in JSON" },
        { 0 },
};

static int list(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(artefact_freep) struct artefact *artefact = NULL;
        _cleanup_(module_freep) struct module *module = NULL;
        struct authority a;
        int r;

        if (size >= 4 && memcmp(bytes, "\177ELF", 4) == 0)
                r = artefact_read(bytes, size, &artefact, err);
        else
                r = module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &module, err);
        if (r < 0)
                return r;
        module_authority(artefact ? artefact->module : module, &a);
        authority_list(out, &a);
        return 0;
}

/* The lines of one module, sorted, each once. */
struct lines {
        struct buffer text;
        char **lines;
        size_t n;
};

static void lines_done(struct lines *l)
{
        buffer_done(&l->text);
        free(l->lines);
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "row N" with a row that there is, or "import M N". */
static bool is_line(const char *line)
{
        unsigned row;
        char rest;

        if (sscanf(line, "row %u%c", &row, &rest) == 1)
                return row < authority_rows();
        return strncmp(line, "import ", 7) == 0 && line[7];
}

static int lines_split(struct lines *l, const char *path, struct error *err)
{
        size_t kept = 0;
        char *at;

        buffer_u8(&l->text, 0);
        l->lines = calloc(LINES_MAX, sizeof(*l->lines));
        if (!buffer_ok(&l->text) || !l->lines)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        at = (char *)l->text.bytes;
        for (char *end; (end = strchr(at, '\n')); at = end + 1) {
                *end = '\0';
                if (l->n == LINES_MAX || !is_line(at))
                        return error_set(err, STAGE_BROKER, -EIO, ERROR_NOWHERE, "%s: its reader talks nonsense",
                                         path);
                l->lines[l->n++] = at;
        }
        qsort(l->lines, l->n, sizeof(*l->lines), by_text);
        for (size_t i = 0; i < l->n; i++)
                if (!kept || strcmp(l->lines[kept - 1], l->lines[i]) != 0)
                        l->lines[kept++] = l->lines[i];
        l->n = kept;
        return 0;
}

static int lines_read(const char *path, struct lines *ret, int *ret_status)
{
        struct error err = { 0 };

        if (locked_run(path, list, ret_status, &ret->text, &err) < 0) {
                *ret_status = cli_fail(&err);
        } else if (*ret_status) {
                locked_print(stderr, &ret->text);
        } else if (lines_split(ret, path, &err) < 0) {
                *ret_status = cli_fail(&err);
        }
        return *ret_status ? -EIO : 0;
}

static void print_text(const char *text, bool json)
{
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if (c < 0x20 || c == 0x7f) /* an honest reader has none */
                        putchar('?');
                else if (json && (c == '"' || c == '\\'))
                        printf("\\%c", c);
                else
                        putchar(c);
        }
}

static void print_line(const char *line, char sign, bool json)
{
        bool row = strncmp(line, "row ", 4) == 0;
        const char *text = row ? authority_text((unsigned)atoi(line + 4)) : line + 7;

        if (json)
                printf("{ \"%s\": \"", row ? "authority" : "import");
        else
                printf("%c %s", sign, row ? "" : "imports, unknown here: ");
        print_text(text, json);
        fputs(json ? "\" }" : "\n", stdout);
}

/* Lines of @a that are not in @b; returns how many. */
static size_t print_only(const struct lines *a, const struct lines *b, char sign, bool json)
{
        size_t n = 0;

        for (size_t i = 0; i < a->n; i++) {
                if (b->n && bsearch(&a->lines[i], b->lines, b->n, sizeof(*b->lines), by_text))
                        continue;
                if (json)
                        fputs(n ? ", " : "", stdout);
                print_line(a->lines[i], sign, json);
                n++;
        }
        return n;
}

static int compare(const struct lines *old, const struct lines *new, bool json)
{
        size_t added, removed;

        if (json)
                fputs("{ \"added\": [", stdout);
        added = print_only(new, old, '+', json);
        if (json)
                fputs("], \"removed\": [", stdout);
        removed = print_only(old, new, '-', json);
        if (json)
                printf("], \"grown\": %s }\n", added ? "true" : "false");
        else if (!added)
                printf("%s\n", removed ? "asks for less than before" : "asks for what it asked for before");
        return added ? 1 : 0;
}

static int diff_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_(lines_done) struct lines old = { .n = 0 }, new = { .n = 0 };
        struct diff_options o = { 0 };
        struct error err = { 0 };
        int status = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &o, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        if (lines_read(operands[0], &old, &status) < 0 || lines_read(operands[1], &new, &status) < 0)
                return status;
        return compare(&old, &new, o.json);
}

const struct command diff_command = {
        .name = "diff",
        .operands = "OLD NEW",
        .operands_min = 2,
        .operands_max = 2,
        .main = diff_main,
        .text = "tell what a new version of a module asks for beyond the old one; exit status 1 when it does",
        .options = options,
};
