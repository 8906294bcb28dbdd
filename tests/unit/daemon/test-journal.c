/* test-journal.c - what a guest writes cannot be taken for something else; the lines that are kept. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/daemon/journal.h"
#include "supervisor/daemon/logs.h"
#include "tests/unit/unit.h"

static const struct {
        const char *name, *bytes, *text;
} escapes[] = {
        { "plain",                    "hello, world",         "hello, world" },
        { "a terminal's escape",      "\x1b[31mred",          "\\x1b[31mred" },
        { "a line's end",             "a\nb\rc",              "a\\x0ab\\x0dc" },
        { "a tabulator",              "a\tb",                 "a b" },
        { "a backslash",              "a\\x1bb",              "a\\x5cx1bb" },
        { "delete",                   "\x7f",                 "\\x7f" },
        { "letters of others",        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "half a letter",            "\xc3",                 "\\xc3" },
        { "a letter in too many bytes", "\xc0\xaf",           "\\xc0\\xaf" },
        { "a surrogate",              "\xed\xa0\x80",         "\\xed\\xa0\\x80" },
        { "beyond Unicode",           "\xf4\x90\x80\x80",     "\\xf4\\x90\\x80\\x80" },
        { "C1 control",               "\xc2\x9b" "31m",       "\\xc2\\x9b31m" },
        { "writing turned around",    "a\xe2\x80\xae" "b",    "a\\xe2\\x80\\xae" "b" },
        { "line separator",           "\xe2\x80\xa8",         "\\xe2\\x80\\xa8" },
        { "nothing",                  "",                     "" },
};

START_TEST(output_is_escaped)
{
        char text[256];
        size_t n = journal_escape(escapes[_i].bytes, strlen(escapes[_i].bytes), text, sizeof(text));

        ck_assert_msg(!strcmp(text, escapes[_i].text), "%s: %s", escapes[_i].name, text);
        ck_assert_uint_eq(n, strlen(text));
}
END_TEST

START_TEST(a_text_is_cut_between_letters)
{
        char text[8];

        journal_escape("aaaa\x1b\x1b", 6, text, sizeof(text));
        ck_assert_str_eq(text, "aaaa");
        journal_escape("a\0b", 3, text, sizeof(text));
        ck_assert_str_eq(text, "a\\x00");
}
END_TEST

START_TEST(lines_are_kept_within_bounds)
{
        struct logs l = { 0 };
        uint64_t before = logs_last();
        char line[64];

        for (unsigned i = 0; i < 5000; i++) {
                snprintf(line, sizeof(line), "line %u", i);
                logs_add(&l, i, 1, LOG_STREAM_STDOUT, line);
        }
        ck_assert_uint_le(l.n, LOGS_LINES_MAX);
        ck_assert_uint_le(l.bytes, LOGS_BYTES_MAX);
        ck_assert_uint_eq(logs_last(), before + 5000);
        ck_assert_str_eq(logs_after(&l, before + 4999)->text, "line 4999");
        ck_assert_ptr_null(logs_after(&l, before + 5000));
        ck_assert_uint_eq(logs_count_after(&l, before + 4990), 10);
        /* The first that is kept stands for those that are gone. */
        ck_assert_uint_eq(logs_after(&l, 0)->number, before + 5000 - l.n + 1);
        logs_done(&l);
        ck_assert_ptr_null(logs_after(&l, 0));
}
END_TEST

START_TEST(long_lines_push_out_more)
{
        struct logs l = { 0 };
        char line[8193];

        memset(line, 'x', sizeof(line) - 1);
        line[sizeof(line) - 1] = '\0';
        for (unsigned i = 0; i < 100; i++)
                logs_add(&l, i, 1, LOG_STREAM_STDERR, line);
        ck_assert_uint_le(l.bytes, LOGS_BYTES_MAX);
        ck_assert_uint_ge(l.n, 10);
        logs_done(&l);
}
END_TEST

static const struct {
        const char *event, *layer, *id;
} ids[] = {
        { "denied", "seccomp",  "c7a32784441d4de8ac4f267d2f24bbe7" },
        { "denied", "hostcall", "932f0129a52443aca3e6a95e87153c21" },
        { "denied", NULL,       NULL },
        { "denied", "weather",  NULL },
        { "lost",   NULL,       "c7519cf4134547d0b3da46bdf5b774e5" },
        { "lost",   "seccomp",  "c7519cf4134547d0b3da46bdf5b774e5" },
        { "weather", NULL,      NULL },
        { NULL,     "seccomp",  NULL },
};

START_TEST(records_have_the_number_of_their_kind)
{
        ck_assert_pstr_eq(journal_id(ids[_i].event, ids[_i].layer), ids[_i].id);
}
END_TEST

/* Each state of a unit that is written is an event of the table. */
START_TEST(states_have_numbers)
{
        static const char *const written[] = { "inactive", "active", "stopping", "failed", "quarantined" };

        for (size_t i = 0; i < ELEMENTSOF(written); i++)
                ck_assert_ptr_nonnull(journal_id(written[i], NULL));
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("journal");

        tcase_add_loop_test(tc, output_is_escaped, 0, ELEMENTSOF(escapes));
        tcase_add_loop_test(tc, records_have_the_number_of_their_kind, 0, ELEMENTSOF(ids));
        tcase_add_test(tc, states_have_numbers);
        tcase_add_test(tc, a_text_is_cut_between_letters);
        tcase_add_test(tc, lines_are_kept_within_bounds);
        tcase_add_test(tc, long_lines_push_out_more);
        return unit_main("journal", &tc, 1);
}
