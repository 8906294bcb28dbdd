/* round-trip - modules printed as text and read back must stay what they are; and the parser of events tells
 * the same of them byte for byte.
 *
 *   round-trip FILE...     scripts (.wast: every module in them that can be decoded) or modules (.wasm)
 *   round-trip --suite     the files of the official suite; exits 77 when it is not there
 *
 * A module that our own reader made must come back byte for byte, the name section aside. One that
 * somebody else encoded may come back shorter, and then stays as it is.
 * Prints one line for each failure and ends "N modules, N failed". */
#include "config.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/include/nacelle-parser.h"
#include "engine/text/print.h"
#include "engine/text/script.h"
#include "engine/text/text.h"
#include "tests/spec/file.h"

struct counts {
        unsigned long modules, failed;
};

/* Without the name section: the rest of the file is what must be kept. */
static void strip(const struct buffer *in, struct buffer *out)
{
        size_t i = 8;

        buffer_append(out, in->bytes, 8);
        while (i < in->size) {
                size_t at = i++, size = 0;

                for (unsigned shift = 0;; shift += 7) {
                        size |= (size_t)(in->bytes[i] & 0x7f) << shift;
                        if (!(in->bytes[i++] & 0x80))
                                break;
                }
                i += size;
                if (in->bytes[at] || size < 5 || memcmp(in->bytes + i - size, "\4name", 5))
                        buffer_append(out, in->bytes + at, i - at);
        }
}

/* bytes -> module -> text -> bytes; 1 when the bytes are no module */
static int turn(const uint8_t *bytes, size_t size, struct buffer *out, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = { 0 };
        _cleanup_(module_freep) struct module *m = NULL;
        int r;

        if (module_decode(bytes, size, &limits_default, UINT64_MAX, 0, &m, NULL) < 0)
                return 1;
        r = module_print(m, &text, err);
        if (r >= 0)
                r = text_module_to_binary((const char *)text.bytes, text.size, out, err);
        if (r < 0 && text.size && err->offset < text.size)
                text_caret(stdout, (const char *)text.bytes, text.size, err->offset);
        return r;
}

static bool same(const struct buffer *a, const struct buffer *b)
{
        _cleanup_(buffer_done) struct buffer left = { 0 }, right = { 0 };

        strip(a, &left);
        strip(b, &right);
        return left.size == right.size && !memcmp(left.bytes, right.bytes, left.size);
}

/* @must_be_same: the bytes are our reader's; @must_print: it is known to be well-formed */
static void check(const char *path, uint32_t line, const uint8_t *bytes, size_t size, bool must_be_same,
                  bool must_print, struct counts *counts)
{
        _cleanup_(buffer_done) struct buffer first = { 0 }, second = { 0 };
        struct buffer given = { .bytes = (uint8_t *)bytes, .size = size };
        struct error err = { 0 };
        const char *what = NULL;
        int r = turn(bytes, size, &first, &err);

        if (r > 0 || (r < 0 && !must_print))
                return;
        counts->modules++;
        if (r < 0)
                what = err.text;
        else if (must_be_same && !same(&given, &first))
                what = "came back as another module";
        else if (turn(first.bytes, first.size, &second, &err) != 0)
                what = err.code ? err.text : "came back undecodable";
        else if (first.size != second.size || memcmp(first.bytes, second.bytes, first.size))
                what = "changed again when it came back a second time";
        if (!what)
                return;
        counts->failed++;
        printf("%s:%u: %s\n", path, line, what);
}

/* The parser of events, fed with pieces of @piece bytes: 0 when the module is well-formed. */
static int parse(const uint8_t *bytes, size_t size, size_t piece, unsigned long *ret_events)
{
        struct nacelle_parser *p = nacelle_parser_new();
        struct nacelle_event e;
        int r = p ? 0 : -ENOMEM;

        *ret_events = 0;
        for (size_t i = 0, n; r >= 0; i += n) {
                const uint8_t *at = bytes + i;

                n = piece < size - i ? piece : size - i;
                while ((r = nacelle_parser_next(p, &at, bytes + i + n, i + n == size, &e)) > 0)
                        *ret_events += e.kind != NACELLE_BYTES || e.last;
                if (i + n == size)
                        break;
        }
        nacelle_parser_free(p);
        return r;
}

/* What all must agree on: however the bytes are cut; and what the script says is malformed. */
static void check_events(const char *path, const struct script_command *c, struct counts *counts)
{
        const struct script_module *m = &c->module;
        unsigned long whole, single;
        /* What stands in the wrong block is the validator's to see (nacelle-parser.h). */
        bool malformed = c->kind == SCRIPT_ASSERT_MALFORMED && m->form == SCRIPT_BINARY &&
                         strncmp(c->text, "misplaced", 9) != 0;
        int r = parse(m->bytes, m->size, m->size, &whole);
        const char *what = NULL;

        if (parse(m->bytes, m->size, 1, &single) != r || whole != single)
                what = "other events from single bytes";
        else if (r < 0 && c->kind == SCRIPT_MODULE)
                what = "not parsed";
        else if (r >= 0 && malformed)
                what = "parsed, although it is malformed";
        if (!what)
                return;
        counts->failed++;
        printf("%s:%u: %s\n", path, c->line, what);
}

static void run_script(const char *path, const struct buffer *text, struct counts *counts)
{
        _cleanup_(script_freep) struct script *s = NULL;
        struct script_command c;
        struct error err = { 0 };
        int r;

        if (script_open((const char *)text->bytes, text->size, &s, &err) < 0) {
                error_print(stdout, path, &err);
                counts->failed++;
                return;
        }
        while ((r = script_next(s, &c, NULL))) {
                if (r < 0 || !c.module.size || c.module.error.code)
                        continue;
                check_events(path, &c, counts);
                check(path, c.line, c.module.bytes, c.module.size, c.module.form != SCRIPT_BINARY,
                      c.kind == SCRIPT_MODULE, counts);
        }
}

static void run_path(const char *path, struct counts *counts)
{
        _cleanup_(buffer_done) struct buffer bytes = { 0 };
        struct error err = { 0 };
        size_t n = strlen(path);

        if (file_read(path, &bytes, &err) < 0) {
                error_print(stdout, path, &err);
                counts->failed++;
        } else if (n > 5 && !strcmp(path + n - 5, ".wasm")) {
                check(path, 0, bytes.bytes, bytes.size, false, true, counts);
        } else {
                run_script(path, &bytes, counts);
        }
}

int main(int argc, char **argv)
{
        static const char *const folders[] = {
                TESTSUITES "/core/custom/*.wast",
                TESTSUITES "/core/legacy/*.wast",
                TESTSUITES "/core/proposals/threads/*.wast",
                TESTSUITES "/core/proposals/custom-page-sizes/*.wast",
                TESTSUITES "/core/proposals/wide-arithmetic/*.wast",
        };
        struct counts counts = { 0 };
        glob_t found = { 0 };

        if (argc == 2 && !strcmp(argv[1], "--suite")) {
                int missing = glob(TESTSUITES "/core/*.wast", 0, NULL, &found);

                for (size_t i = 0; i < ELEMENTSOF(folders) && !missing; i++)
                        missing = glob(folders[i], GLOB_APPEND, NULL, &found);
                if (missing) {
                        printf("no test scripts at " TESTSUITES "/core (configure --with-testsuites)\n");
                        return 77;
                }
                for (size_t i = 0; i < found.gl_pathc; i++)
                        run_path(found.gl_pathv[i], &counts);
        } else {
                for (int i = 1; i < argc; i++)
                        run_path(argv[i], &counts);
        }
        globfree(&found);
        printf("%lu modules, %lu failed\n", counts.modules, counts.failed);
        return counts.failed || !counts.modules;
}
