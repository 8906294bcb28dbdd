/* wat.c - nacelle wat: a module in the text format to the binary format, or the other way round. The
 * file is read as locked.h says; what is translated to the binary format is checked there. */
#include "config.h"

#include <string.h>

#include "engine/decode/decode.h"
#include "engine/text/print.h"
#include "engine/text/text.h"
#include "engine/validate/validate.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/locked.h"

struct wat {
        const char *output;
        bool check;
};

static int set_output(void *target, const char *value, struct error *err)
{
        if (!*value)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "an empty path");
        ((struct wat *)target)->output = value;
        return 0;
}

static int set_check(void *target, const char *value, struct error *err)
{
        ((struct wat *)target)->check = true;
        return 0;
}

static const struct option_row options[] = {
        { "output", 'o', "FILE", false, set_output,
          "where the result goes; text goes to standard output without it" },
        { "check", 0, NULL, false, set_check, "write nothing, only say whether each file is right" },
        { 0 },
};

/* What the child's answer begins with. */
enum { IS_TEXT = 't', IS_BINARY = 'b' };

static bool is_binary(const uint8_t *bytes, size_t size)
{
        return size >= 4 && !memcmp(bytes, "\0asm", 4);
}

/* What is off by default can be written down and read all the same: who runs it decides. */
static int check_binary(const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(module_freep) struct module *module = NULL;
        _cleanup_(checked_module_freep) struct checked_module *checked = NULL;
        int r = module_decode(bytes, size, &limits_default, UINT64_MAX, 0, &module, err);

        return r < 0 ? r : module_validate(module, &limits_default, UINT64_MAX, 1, &checked, err);
}

static int read_text(FILE *out, const uint8_t *bytes, size_t size, struct buffer *binary,
                     struct error *err)
{
        _cleanup_(buffer_done) struct buffer origins = { 0 };
        const char *text = (const char *)bytes;
        size_t at;
        int r = text_module_to_binary_traced(text, size, binary, &origins, err);

        if (r >= 0) {
                r = check_binary(binary->bytes, binary->size, err);
                if (r < 0 && err->offset != ERROR_NOWHERE)
                        err->offset = text_origin_find(&origins, err->offset, &at) ? at : ERROR_NOWHERE;
                if (r < 0 && err->offset != ERROR_NOWHERE)
                        text_place(text, size, err);
        }
        if (r < 0 && err->offset != ERROR_NOWHERE)
                text_caret(out, text, size, err->offset);
        return r;
}

static int print(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(module_freep) struct module *module = NULL;
        _cleanup_(buffer_done) struct buffer text = { 0 };
        int r = module_decode(bytes, size, &limits_default, UINT64_MAX, 0, &module, err);

        if (r >= 0)
                r = module_print(module, &text, err);
        if (r < 0)
                return r;
        fputc(IS_TEXT, out);
        fwrite(text.bytes, 1, text.size, out);
        return 0;
}

static int translate(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(buffer_done) struct buffer binary = { 0 };
        int r;

        if (is_binary(bytes, size))
                return print(out, bytes, size, err);
        r = read_text(out, bytes, size, &binary, err);
        if (r < 0)
                return r;
        fputc(IS_BINARY, out);
        fwrite(binary.bytes, 1, binary.size, out);
        return 0;
}

static int check(FILE *out, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(buffer_done) struct buffer binary = { 0 };

        return is_binary(bytes, size) ? check_binary(bytes, size, err)
                                      : read_text(out, bytes, size, &binary, err);
}

/* All files are looked at; the status is that of the first one that fails. */
static int check_files(const char **paths, unsigned n)
{
        int first = 0;

        for (unsigned i = 0; i < n; i++) {
                _cleanup_(buffer_done) struct buffer said = { 0 };
                struct error err = { 0 };
                int status = 0;

                if (locked_run(paths[i], check, &status, &said, &err) < 0) {
                        status = cli_fail(&err);
                } else if (status) {
                        fprintf(stderr, "%s: ", paths[i]);
                        locked_print(stderr, &said);
                }
                first = first ? first : status;
        }
        return first;
}

static int wat_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_(buffer_done) struct buffer result = { 0 };
        struct wat wat = { 0 };
        struct error err = { 0 };
        struct buffer body;
        int status = 0, r = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &wat, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        if (wat.check && !wat.output)
                return check_files(operands, n);
        if (wat.check || n > 1)
                r = error_set(&err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                              wat.check ? "--check writes nothing: no -o with it"
                                        : "too many words: one FILE, or --check");
        if (r >= 0)
                r = locked_run(operands[0], translate, &status, &result, &err);
        if (r < 0)
                return cli_fail(&err);
        if (status) {
                locked_print(stderr, &result);
                return status;
        }
        body = (struct buffer) { .bytes = result.bytes + 1, .size = result.size ? result.size - 1 : 0 };
        if (wat.output) {
                r = cli_write(wat.output, &body, &err);
        } else if (result.size && result.bytes[0] == IS_TEXT) {
                locked_print(stdout, &body);
                return 0;
        } else {
                r = error_set(&err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                              "where to? Give -o FILE (see nacelle wat --help)");
        }
        return r < 0 ? cli_fail(&err) : 0;
}

const struct command wat_command = {
        .name = "wat",
        .operands = "FILE...",
        .operands_min = 1,
        .operands_max = UINT32_MAX,
        .main = wat_main,
        .text = "translate a module from the text format to the binary format, or back",
        .options = options,
};
