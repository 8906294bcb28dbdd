/* inspect.c - nacelle inspect: what a module or an artefact is, and what it asks for. Its bytes are
 * hostile: see locked.h for who reads them. */
#include "config.h"

#include <string.h>

#include "engine/artefact/artefact.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/describe.h"
#include "supervisor/cli/locked.h"

struct inspect_options {
        bool json;
};

static bool json; /* for the child, which is a copy of us */

static int set_json(void *target, const char *value, struct error *err)
{
        ((struct inspect_options *)target)->json = true;
        return 0;
}

static const struct option_row options[] = {
        { "json", 0, NULL, false, set_json, "answer in JSON" },
        { 0 },
};

static int describe_artefact(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(artefact_freep) struct artefact *artefact = NULL;
        char cpu[256], key[65];
        int r = artefact_read(bytes, size, &artefact, err);

        if (r < 0)
                return r;
        if (json) {
                fprintf(out, "{ \"kind\": \"artefact\",\n  \"bytes\": %zu,\n  \"key\": \"%s\",\n  \"cpu\": \"%s\",\n  ",
                        size, artefact_key_text(&artefact->key, key),
                        cpu_features_text(artefact->cpu, cpu, sizeof(cpu)));
                describe_json(out, artefact->module);
                fputs("}\n", out);
                return 0;
        }
        fprintf(out, "Artefact: %zu bytes, of which %zu are code\nKey: %s\nNeeds: %s\n", size,
                artefact->code.size, artefact_key_text(&artefact->key, key),
                cpu_features_text(artefact->cpu, cpu, sizeof(cpu)));
        describe_module(out, artefact->module);
        return 0;
}

static int describe(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(module_freep) struct module *module = NULL;
        _cleanup_(checked_module_freep) struct checked_module *checked = NULL;
        int r;

        if (size >= 4 && memcmp(bytes, "\177ELF", 4) == 0)
                return describe_artefact(out, bytes, size, err);
        r = module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &module, err);
        if (r < 0)
                return r;
        r = module_validate(module, &limits_default, FEATURES_DEFAULT, 1, &checked, err);
        if (r < 0)
                return r;
        if (json) {
                fprintf(out, "{ \"kind\": \"module\",\n  \"bytes\": %zu,\n  ", size);
                describe_json(out, module);
                fputs("}\n", out);
                return 0;
        }
        fprintf(out, "Module: %zu bytes, valid\n", size);
        describe_module(out, module);
        return 0;
}

static int inspect_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_(buffer_done) struct buffer text = { 0 };
        struct inspect_options o = { 0 };
        struct error err = { 0 };
        int status = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &o, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        json = o.json;
        if (locked_run(operands[0], describe, &status, &text, &err) < 0)
                return cli_fail(&err);
        locked_print(status ? stderr : stdout, &text);
        return status;
}

const struct command inspect_command = {
        .name = "inspect",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .main = inspect_main,
        .text = "tell what a module imports and exports, and what it asks for",
        .options = options,
};
