/* inspect.c - nacelle inspect: what a module or an artefact is, and what it asks for. Its bytes are
 * hostile: see locked.h for who reads them. */
#include "config.h"

#include <string.h>

#include "engine/artefact/artefact.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "supervisor/broker/pin.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/describe.h"
#include "supervisor/cli/locked.h"

struct inspect_options {
        bool json;
        const char *key;
};

/* For the child, which is a copy of us. */
static bool json;
static struct module_pin pin; /* without a key: no signature is asked for */
static struct pin_texts pin_texts;

static int set_json(void *target, const char *value, struct error *err)
{
        ((struct inspect_options *)target)->json = true;
        return 0;
}

static int set_verify(void *target, const char *value, struct error *err)
{
        ((struct inspect_options *)target)->key = value;
        return 0;
}

static const struct option_row options[] = {
        { "verify", 0, "KEY", false, set_verify, "check FILE.minisig by this public key first, and tell what was signed" },
        { "json", 0, NULL, false, set_json, "answer in JSON" },
        { 0 },
};

/* The bytes that are described are those that are signed. A comment may be of any bytes: what is not ASCII is not shown. */
static int check_signature(const uint8_t *bytes, size_t size, struct signature_words *words, struct error *err)
{
        int r;

        pin.words = words;
        r = pin_check_signature(&pin, &pin_texts, bytes, size, err);
        for (char *c = words->comment; r >= 0 && *c; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        return r;
}

static void describe_signature(FILE *out, const struct signature_words *words)
{
        const struct name comment = { words->comment, (uint32_t)strlen(words->comment) };

        if (!json) {
                fprintf(out, "Signed: with key %s, over %s\nTrusted comment: %s\n", words->key,
                        words->hashed ? "BLAKE2b of the file" : "the file itself, in the older way", words->comment);
                return;
        }
        fprintf(out, "\"signature\": { \"key\": \"%s\", \"hashed\": %s, \"comment\": ", words->key,
                words->hashed ? "true" : "false");
        describe_quoted(out, &comment);
        fputs(" },\n  ", out);
}

static int describe_artefact(FILE *out, const uint8_t *bytes, size_t size, const struct signature_words *words,
                             struct error *err)
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
                if (pin.key)
                        describe_signature(out, words);
                describe_json(out, artefact->module);
                fputs("}\n", out);
                return 0;
        }
        fprintf(out, "Artefact: %zu bytes, of which %zu are code\nKey: %s\nNeeds: %s\n", size,
                artefact->code.size, artefact_key_text(&artefact->key, key),
                cpu_features_text(artefact->cpu, cpu, sizeof(cpu)));
        if (pin.key)
                describe_signature(out, words);
        describe_module(out, artefact->module);
        return 0;
}

static int describe(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        struct signature_words words = { 0 };
        _cleanup_(module_freep) struct module *module = NULL;
        _cleanup_(checked_module_freep) struct checked_module *checked = NULL;
        int r = pin.key ? check_signature(bytes, size, &words, err) : 0;

        if (r < 0)
                return r;
        if (size >= 4 && memcmp(bytes, "\177ELF", 4) == 0)
                return describe_artefact(out, bytes, size, &words, err);
        r = module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &module, err);
        if (r < 0)
                return r;
        r = module_validate(module, &limits_default, FEATURES_DEFAULT, 1, &checked, err);
        if (r < 0)
                return r;
        if (json) {
                fprintf(out, "{ \"kind\": \"module\",\n  \"bytes\": %zu,\n  ", size);
                if (pin.key)
                        describe_signature(out, &words);
                describe_json(out, module);
                fputs("}\n", out);
                return 0;
        }
        fprintf(out, "Module: %zu bytes, valid\n", size);
        if (pin.key)
                describe_signature(out, &words);
        describe_module(out, module);
        return 0;
}

static int read_pin(const char *module, const char *key, struct error *err)
{
        static char signature[4096];
        int r = signature_ready(err);

        if (r < 0)
                return r;
        if ((size_t)snprintf(signature, sizeof(signature), "%s.minisig", module) >= sizeof(signature))
                return error_set(err, STAGE_USAGE, -ENAMETOOLONG, ERROR_NOWHERE, "%.80s...", module);
        pin = (struct module_pin) { .key = key, .signature = signature };
        return pin_read(&pin, &pin_texts, err);
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
        if (o.key && read_pin(operands[0], o.key, &err) < 0)
                return cli_fail(&err);
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
