#include <string.h>

#include "supervisor/cli/options.h"
#include "supervisor/cli/values.h"
#include "tests/unit/unit.h"

#define UNTOUCHED 0xfeed

static const struct { const char *text; int r; uint64_t value; } size_cases[] = {
        { "1",                    0,       1 },
        { "64M",                  0,       64 << 20 },
        { "1G",                   0,       1 << 30 },
        { "8388607T",             0,       UINT64_C(8388607) << 40 },
        { "8388608T",             -EINVAL, 0 },
        { "18446744073709551616", -EINVAL, 0 },
        { "0",                    -EINVAL, 0 },
        { "0M",                   -EINVAL, 0 },
        { "",                     -EINVAL, 0 },
        { "M",                    -EINVAL, 0 },
        { "-1",                   -EINVAL, 0 },
        { "+1",                   -EINVAL, 0 },
        { " 1",                   -EINVAL, 0 },
        { "1 ",                   -EINVAL, 0 },
        { "1.5G",                 -EINVAL, 0 },
        { "64m",                  -EINVAL, 0 },
        { "64MB",                 -EINVAL, 0 },
        { "0x10",                 -EINVAL, 0 },
};

START_TEST(sizes)
{
        struct error err = { 0 };
        uint64_t value = UNTOUCHED;

        ck_assert_int_eq(parse_size(size_cases[_i].text, &value, &err), size_cases[_i].r);
        ck_assert_uint_eq(value, size_cases[_i].r ? UNTOUCHED : size_cases[_i].value);
        ck_assert_int_eq(err.code, size_cases[_i].r);
}
END_TEST

static const struct { const char *text; int r; uint64_t value; } duration_cases[] = {
        { "500ms", 0,       500 },
        { "10s",   0,       10000 },
        { "5min",  0,       300000 },
        { "2h",    0,       7200000 },
        { "10",    -EINVAL, 0 },
        { "0s",    -EINVAL, 0 },
        { "s",     -EINVAL, 0 },
        { "1m",    -EINVAL, 0 },
        { "1s1s",  -EINVAL, 0 },
        { "-1s",   -EINVAL, 0 },
        { "18446744073709551615h", -EINVAL, 0 },
        { "9223372036854ms", 0,    9223372036854 },
        { "9223372036855ms", -EINVAL, 0 }, /* more nanoseconds than a clock has */
        { "2562048h", -EINVAL, 0 },
};

START_TEST(durations)
{
        struct error err = { 0 };
        uint64_t value = UNTOUCHED;

        ck_assert_int_eq(parse_duration(duration_cases[_i].text, &value, &err), duration_cases[_i].r);
        ck_assert_uint_eq(value, duration_cases[_i].r ? UNTOUCHED : duration_cases[_i].value);
        ck_assert_int_eq(err.code, duration_cases[_i].r);
}
END_TEST

static const struct {
        const char *text;
        int r;
        const char *host, *guest;
        bool read_only;
} dir_cases[] = {
        { "a",       0,       "a",   NULL, false },
        { "a:ro",    0,       "a",   NULL, true },
        { "a:/b",    0,       "a",   "/b", false },
        { "a:/b:ro", 0,       "a",   "/b", true },
        { "a:ro:ro", 0,       "a",   "ro", true },
        { "/a/b:/",  0,       "/a/b", "/", false },
        { "ro",      0,       "ro",  NULL, false },
        { "",        -EINVAL, NULL,  NULL, false },
        { ":ro",     -EINVAL, NULL,  NULL, false },
        { ":b",      -EINVAL, NULL,  NULL, false },
        { "a:",      -EINVAL, NULL,  NULL, false },
        { "a::ro",   -EINVAL, NULL,  NULL, false },
        { "a:b:c",   -EINVAL, NULL,  NULL, false },
        { "a:b:rw",  -EINVAL, NULL,  NULL, false },
};

START_TEST(dirs)
{
        struct error err = { 0 };
        struct run_dir dir = { .host = "untouched" };
        _cleanup_free_ char *storage = NULL;

        ck_assert_int_eq(parse_dir(dir_cases[_i].text, &dir, &storage, &err), dir_cases[_i].r);
        if (dir_cases[_i].r) {
                ck_assert_str_eq(dir.host, "untouched");
                ck_assert_ptr_null(storage);
                return;
        }
        ck_assert_str_eq(dir.host, dir_cases[_i].host);
        ck_assert_pstr_eq(dir.guest, dir_cases[_i].guest);
        ck_assert_int_eq(dir.read_only, dir_cases[_i].read_only);
}
END_TEST

static const struct { const char *text; int r; } listen_cases[] = {
        { "tcp:127.0.0.1:8080",  0 },
        { "tcp:[::1]:65535",     0 },
        { "tcp:[::]:1",          0 },
        { "tcp:::1:80",          -EINVAL },
        { "tcp:127.0.0.1:0",     -EINVAL },
        { "tcp:127.0.0.1:65536", -EINVAL },
        { "tcp:127.0.0.1:",      -EINVAL },
        { "tcp:127.0.0.1",       -EINVAL },
        { "tcp::80",             -EINVAL },
        { "tcp:localhost:80",    -EINVAL },
        { "tcp:127.0.0.1:80x",   -EINVAL },
        { "tcp:[127.0.0.1]:80",  -EINVAL },
        { "udp:127.0.0.1:80",    -EINVAL },
        { "tcp:",                -EINVAL },
        { "tcp",                 -EINVAL },
        { "",                    -EINVAL },
        { "tcp:11111111111111111111111111111111111111111111111111111111111111111:1", -EINVAL },
};

START_TEST(listens)
{
        struct error err = { 0 };

        ck_assert_int_eq(parse_listen(listen_cases[_i].text, &err), listen_cases[_i].r);
        ck_assert_int_eq(err.code, listen_cases[_i].r);
}
END_TEST

START_TEST(environment)
{
        struct error err = { 0 };
        char *pair = NULL;

        setenv("NACELLE_TEST", "a=b", 1);
        unsetenv("NACELLE_UNSET");
        ck_assert_int_eq(parse_env("NACELLE_TEST", &pair, &err), 0);
        ck_assert_str_eq(pair, "NACELLE_TEST=a=b");
        free(pair);
        ck_assert_int_eq(parse_env("X=", &pair, &err), 0);
        ck_assert_str_eq(pair, "X=");
        free(pair);
        pair = NULL;
        ck_assert_int_eq(parse_env("NACELLE_UNSET", &pair, &err), -EINVAL);
        ck_assert_int_eq(parse_env("=x", &pair, &err), -EINVAL);
        ck_assert_int_eq(parse_env("", &pair, &err), -EINVAL);
        ck_assert_ptr_null(pair);
}
END_TEST

/* A command of our own. */
struct seen {
        char words[128]; /* every set() call, one behind the other */
};

static int set_word(void *target, const char *value, struct error *err)
{
        struct seen *seen = target;

        if (value && strcmp(value, "bad") == 0)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "is bad");
        strcat(seen->words, value ? value : "switch");
        strcat(seen->words, ";");
        return 0;
}

static const struct option_row rows[] = {
        { "one",   'o', "VALUE", false, set_word, "may come once" },
        { "many",  0,   "VALUE", true,  set_word, "may come often" },
        { "quiet", 'q', NULL,    false, set_word, "is a switch" },
        { 0 },
};

static const struct {
        const char *name;
        bool stops;
        const char *argv[8];
        int r;
        const char *words, *operands; /* what was set, and the operands joined */
        const char *error;            /* part of the text */
} parse_cases[] = {
        { "nothing but a file", false, { "f" }, 0, "", "f", NULL },
        { "long with a space", false, { "--one", "1", "f" }, 0, "1;", "f", NULL },
        { "long with equals", false, { "--one=1=2", "f" }, 0, "1=2;", "f", NULL },
        { "an empty value", false, { "--one=", "f" }, 0, ";", "f", NULL },
        { "short with a space", false, { "-o", "1", "f" }, 0, "1;", "f", NULL },
        { "short, glued", false, { "-o1", "f" }, 0, "1;", "f", NULL },
        { "behind the operand", false, { "f", "--one", "1" }, 0, "1;", "f", NULL },
        { "behind the operand, which ends them", true, { "f", "--one", "1" }, 0, "", "f,--one,1", NULL },
        { "two dashes", false, { "--", "--one" }, 0, "", "--one", NULL },
        { "two dashes twice", true, { "--", "f", "--" }, 0, "", "f,--", NULL },
        { "one dash is an operand", false, { "-" }, 0, "", "-", NULL },
        { "a value with dashes", false, { "--one", "--many", "f" }, 0, "--many;", "f", NULL },
        { "repeated", false, { "--many", "1", "--many=2", "f" }, 0, "1;2;", "f", NULL },
        { "switch", false, { "-q", "f" }, 0, "switch;", "f", NULL },
        { "repeated, once only", false, { "--one", "1", "-o2", "f" }, -EINVAL, NULL, NULL, "twice: -o2" },
        { "unknown", false, { "--two", "f" }, -EINVAL, NULL, NULL, "unknown option --two" },
        { "no abbreviation", false, { "--on", "1", "f" }, -EINVAL, NULL, NULL, "unknown option --on" },
        { "unknown letter", false, { "-x", "f" }, -EINVAL, NULL, NULL, "unknown option -x" },
        { "value to a switch", false, { "--quiet=1", "f" }, -EINVAL, NULL, NULL, "no value" },
        { "letters are not bundled", false, { "-qo", "f" }, -EINVAL, NULL, NULL, "no value" },
        { "value missing", false, { "f", "--one" }, -EINVAL, NULL, NULL, "missing after --one" },
        { "value refused", false, { "--one", "bad", "f" }, -EINVAL, NULL, NULL, "--one: is bad" },
        { "no operand", false, { "-q" }, -EINVAL, NULL, NULL, "usage: FILE" },
        { "too many operands", false, { "a", "b", "c", "d" }, -EINVAL, NULL, NULL, "from d" },
};

START_TEST(command_lines)
{
        const struct command command = {
                .name = "test", .operands = "FILE", .operands_min = 1, .operands_max = 3,
                .stops_at_operand = parse_cases[_i].stops, .text = "is a test", .options = rows,
        };
        struct seen seen = { 0 };
        struct error err = { 0 };
        char *argv[10] = { (char *)"test" }, joined[128] = "";
        const char *operands[10];
        unsigned n = UNTOUCHED;
        int argc = 1;

        while (argc < 9 && parse_cases[_i].argv[argc - 1]) {
                argv[argc] = (char *)parse_cases[_i].argv[argc - 1];
                argc++;
        }
        ck_assert_int_eq(options_parse(&command, &seen, argc, argv, operands, &n, &err),
                         parse_cases[_i].r);
        if (parse_cases[_i].r) {
                ck_assert_uint_eq(n, UNTOUCHED);
                ck_assert_ptr_nonnull(strstr(err.text, parse_cases[_i].error));
                return;
        }
        for (unsigned i = 0; i < n; i++) {
                strcat(joined, i ? "," : "");
                strcat(joined, operands[i]);
        }
        ck_assert_str_eq(seen.words, parse_cases[_i].words);
        ck_assert_str_eq(joined, parse_cases[_i].operands);
}
END_TEST

START_TEST(help_shows_every_row)
{
        const struct command command = {
                .name = "test", .operands = "FILE", .text = "is a test", .options = rows,
        };
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        options_help(f, &command);
        fclose(f);
        ck_assert_ptr_nonnull(strstr(text, "Usage: nacelle test [OPTION]... FILE\n"));
        for (const struct option_row *o = rows; o->name; o++) {
                ck_assert_ptr_nonnull(strstr(text, o->name));
                ck_assert_ptr_nonnull(strstr(text, o->text));
        }
        free(text);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("command line");

        tcase_add_loop_test(tc, sizes, 0, ELEMENTSOF(size_cases));
        tcase_add_loop_test(tc, durations, 0, ELEMENTSOF(duration_cases));
        tcase_add_loop_test(tc, dirs, 0, ELEMENTSOF(dir_cases));
        tcase_add_loop_test(tc, listens, 0, ELEMENTSOF(listen_cases));
        tcase_add_test(tc, environment);
        tcase_add_loop_test(tc, command_lines, 0, ELEMENTSOF(parse_cases));
        tcase_add_test(tc, help_shows_every_row);
        return unit_main("cli", &tc, 1);
}
