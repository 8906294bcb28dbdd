#include <string.h>

#include "engine/decode/decode.h"
#include "engine/text/text.h"
#include "supervisor/cli/describe.h"
#include "tests/unit/unit.h"

static const char *const functions[] = {
#define FUNCTION(name, params, results) #name,
#include "shim/wasi/wasi.def"
};

START_TEST(every_function_has_a_row)
{
        int row = authority_of(functions[_i], strlen(functions[_i]));

        ck_assert_msg(row >= 0, "%s is in no row of authority.def", functions[_i]);
}
END_TEST

START_TEST(no_row_has_another)
{
        static const char *const rows[] = {
#define AUTHORITY(sentence, word, needs, names) names,
#include "supervisor/proto/authority.def"
        };
        size_t words = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                for (const char *p = rows[i]; p[1]; p++)
                        words += p[0] == ' ' && p[1] != ' ';
        ck_assert_uint_eq(words, ELEMENTSOF(functions));
        ck_assert_int_eq(authority_of("fd_rea", 6), -ENOENT);
        ck_assert_int_eq(authority_of("fd_read fd_pread", 16), -ENOENT);
        ck_assert_int_eq(authority_of("", 0), -ENOENT);
}
END_TEST

static const struct {
        const char *name, *text;
        const char *there[6];  /* lines, or parts of one, that must be there */
        const char *absent[4];
} cases[] = {
        { "nothing", "(module)",
          { "Imports: 0\n", "Exports: 0\n", "Memory: none\n", "  nothing: it can only compute\n" },
          { "reads" } },
        { "files and the clock",
          "(module (import \"wasi_snapshot_preview1\" \"path_open\" (func (param i32)))"
          " (import \"wasi_snapshot_preview1\" \"clock_time_get\" (func))"
          " (import \"wasi_snapshot_preview1\" \"clock_res_get\" (func))"
          " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))"
          " (memory (export \"memory\") 2 10))",
          { "Imports: 4\n", "  wasi_snapshot_preview1 path_open: function (i32) -> ()\n",
            "  opens files below directories that it is given\n", "  reads the clock\n",
            "  memory: memory, 2 to 10 pages\n", "Memory: 128 KiB at the start, 640 KiB at most\n" },
          { "connections", "nothing", "unknown" } },
        { "one sentence for two functions",
          "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func))"
          " (import \"wasi_snapshot_preview1\" \"fd_pread\" (func)))",
          { "  reads from files and streams that it is given\n" },
          { "given\n  reads from files and streams that it is given\n" } },
        { "an unknown module",
          "(module (import \"env\" \"fd_read\" (func)) (import \"wasi_snapshot_preview1\" \"fork\" (func)))",
          { "run refuses it: env fd_read\n", "run refuses it: wasi_snapshot_preview1 fork\n" },
          { "reads from" } },
        { "names that a terminal would obey",
          "(module (func (export \"a\\1b[31m b\\07\\c2\\9b\\0a\\c3\\a9\")))",
          { "  a\\1b[31m\\20b\\07\\c2\\9b\\0a\xc3\xa9: function () -> ()\n" },
          { "\x1b", "\x07", "\xc2\x9b" } },
        { "tables and globals",
          "(module (table (export \"t\") 1 funcref) (global (export \"g\") (mut i64) (i64.const 0)))",
          { "  t: table of funcref, 1 elements or more\n", "  g: global mutable i64\n" },
          { NULL } },
};

START_TEST(descriptions)
{
        _cleanup_(buffer_done) struct buffer binary = { 0 };
        _cleanup_(module_freep) struct module *m = NULL;
        struct error err = { 0 };
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        ck_assert_int_eq(text_module_to_binary(cases[_i].text, strlen(cases[_i].text), &binary, &err), 0);
        ck_assert_int_eq(module_decode(binary.bytes, binary.size, &limits_default, FEATURES_DEFAULT, 0,
                                       &m, &err), 0);
        describe_module(f, m);
        fclose(f);
        for (size_t i = 0; i < ELEMENTSOF(cases[_i].there) && cases[_i].there[i]; i++)
                ck_assert_msg(strstr(text, cases[_i].there[i]), "not there: %s\nin: %s",
                              cases[_i].there[i], text);
        for (size_t i = 0; i < ELEMENTSOF(cases[_i].absent) && cases[_i].absent[i]; i++)
                ck_assert_msg(!strstr(text, cases[_i].absent[i]), "there: %s\nin: %s",
                              cases[_i].absent[i], text);
        free(text);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("describe");

        tcase_add_loop_test(tc, every_function_has_a_row, 0, ELEMENTSOF(functions));
        tcase_add_test(tc, no_row_has_another);
        tcase_add_loop_test(tc, descriptions, 0, ELEMENTSOF(cases));
        return unit_main("describe", &tc, 1);
}
