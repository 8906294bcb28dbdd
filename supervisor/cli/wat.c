/* wat.c - nacelle wat: a module in the text format to the binary format. The text is read as
 * locked.h says, and the result is checked there. */
#include "config.h"

#include "engine/decode/decode.h"
#include "engine/text/text.h"
#include "engine/validate/validate.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/locked.h"

struct wat {
        const char *output;
};

static int set_output(void *target, const char *value, struct error *err)
{
        if (!*value)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "an empty path");
        ((struct wat *)target)->output = value;
        return 0;
}

static const struct option_row options[] = {
        { "output", 'o', "FILE", false, set_output, "where the module goes; required" },
        { 0 },
};

static int translate(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(buffer_done) struct buffer binary = { 0 };
        _cleanup_(module_freep) struct module *module = NULL;
        _cleanup_(checked_module_freep) struct checked_module *checked = NULL;
        int r = text_module_to_binary((const char *)bytes, size, &binary, err);

        if (r < 0) {
                text_caret(out, (const char *)bytes, size, err->offset);
                return r;
        }
        /* Offsets would be those of the binary, which nobody has seen. What is off by default can be
         * written down all the same: who runs it decides. */
        r = module_decode(binary.bytes, binary.size, &limits_default, UINT64_MAX, 0, &module, err);
        if (r >= 0)
                r = module_validate(module, &limits_default, UINT64_MAX, 1, &checked, err);
        if (r < 0)
                return r;
        fwrite(binary.bytes, 1, binary.size, out);
        return 0;
}

static int wat_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_(buffer_done) struct buffer result = { 0 };
        struct wat wat = { 0 };
        struct error err = { 0 };
        int status = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &wat, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        if (!wat.output) {
                error_set(&err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                          "where to? Give -o FILE (see nacelle wat --help)");
                return cli_fail(&err);
        }
        if (locked_run(operands[0], translate, &status, &result, &err) < 0)
                return cli_fail(&err);
        if (status) {
                locked_print(stderr, &result);
                return status;
        }
        if (cli_write(wat.output, &result, &err) < 0)
                return cli_fail(&err);
        return 0;
}

const struct command wat_command = {
        .name = "wat",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .main = wat_main,
        .text = "translate a module from the text format to the binary format",
        .options = options,
};
