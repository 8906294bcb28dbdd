#include <errno.h>
#include <string.h>

#include "engine/text/lex.h"
#include "engine/text/literal.h"
#include "engine/text/strings.h"
#include "tests/unit/unit.h"

static const struct { const char *text; unsigned bits; int r; uint64_t value; } int_cases[] = {
        { "0", 32, 0, 0 },
        { "1_000", 32, 0, 1000 },
        { "0xFFff_ffFF", 32, 0, UINT32_MAX },
        { "4294967295", 32, 0, UINT32_MAX },
        { "+4294967295", 32, 0, UINT32_MAX },
        { "4294967296", 32, -ERANGE, 0 },
        { "-2147483648", 32, 0, 0x80000000u },
        { "-2147483649", 32, -ERANGE, 0 },
        { "-0x80", 8, 0, 0x80 },
        { "-0x81", 8, -ERANGE, 0 },
        { "255", 8, 0, 0xff },
        { "256", 8, -ERANGE, 0 },
        { "18446744073709551615", 64, 0, UINT64_MAX },
        { "18446744073709551616", 64, -ERANGE, 0 },
        { "0x1_0000_0000_0000_0000", 64, -ERANGE, 0 },
        { "-9223372036854775808", 64, 0, UINT64_C(1) << 63 },
        { "-9223372036854775809", 64, -ERANGE, 0 },
        { "1.0", 32, -EINVAL, 0 },
        { "1e3", 32, -EINVAL, 0 },
        { "inf", 32, -EINVAL, 0 },
};

START_TEST(integers_fit_or_are_refused)
{
        uint64_t value = 0;

        ck_assert_int_eq(literal_int(int_cases[_i].text, strlen(int_cases[_i].text),
                                     int_cases[_i].bits, &value), int_cases[_i].r);
        ck_assert_uint_eq(value, int_cases[_i].value);
}
END_TEST

static const struct { const char *text; int r; uint32_t bits; } f32_cases[] = {
        { "0", 0, 0 },
        { "-0", 0, 0x80000000u },
        { "1", 0, 0x3f800000u },
        { "0x1.8p1", 0, 0x40400000u },
        { "1_0.5_0e0_1", 0, 0x42d20000u },           /* 105 */
        { "0x1.000001p0", 0, 0x3f800000u },          /* halfway: to even, down */
        { "0x1.000003p0", 0, 0x3f800002u },          /* halfway: to even, up */
        { "0x1.00000100000000000000000001p0", 0, 0x3f800001u }, /* a little above halfway */
        { "0x1.000002fffffffffffffffffp0", 0, 0x3f800001u },    /* a little below */
        { "16777217", 0, 0x4b800000u },              /* 2^24 + 1: to even */
        { "16777219", 0, 0x4b800002u },
        { "1.00000005960464477539062500000000000000000000", 0, 0x3f800000u },
        { "1.00000005960464477539062500000000000000000001", 0, 0x3f800001u },
        { "0x1p-149", 0, 1 },                        /* the smallest */
        { "0x1p-150", 0, 0 },                        /* half of it: to even */
        { "0x1.0001p-150", 0, 1 },
        { "0x0.fffffffp-126", 0, 0x00800000u },      /* rounds up to a normal number */
        { "0x1.fffffep127", 0, 0x7f7fffffu },        /* the largest */
        { "0x1.fffffefffffffp127", 0, 0x7f7fffffu },
        { "0x1.ffffffp127", -ERANGE, 0 },            /* halfway to infinity */
        { "1e39", -ERANGE, 0 },
        { "-1e39", -ERANGE, 0 },
        { "inf", 0, 0x7f800000u },
        { "-inf", 0, 0xff800000u },
        { "nan", 0, 0x7fc00000u },
        { "-nan", 0, 0xffc00000u },
        { "+nan:0x1", 0, 0x7f800001u },
        { "nan:0x7f_ffff", 0, 0x7fffffffu },
        { "nan:0x800000", -ERANGE, 0 },
        { "nan:0x0", -ERANGE, 0 },
};

START_TEST(singles_are_exact)
{
        uint32_t bits = 0;

        ck_assert_int_eq(literal_f32(f32_cases[_i].text, strlen(f32_cases[_i].text), &bits),
                         f32_cases[_i].r);
        ck_assert_uint_eq(bits, f32_cases[_i].bits);
}
END_TEST

static const struct { const char *text; int r; uint64_t bits; } f64_cases[] = {
        { "0x1.00000000000008p0", 0, UINT64_C(0x3ff0000000000000) },  /* halfway: to even, down */
        { "0x1.00000000000018p0", 0, UINT64_C(0x3ff0000000000002) },  /* halfway: to even, up */
        { "0x1.000000000000080000000000000000000001p0", 0, UINT64_C(0x3ff0000000000001) },
        { "9007199254740993", 0, UINT64_C(0x4340000000000000) },      /* 2^53 + 1 */
        { "9007199254740995", 0, UINT64_C(0x4340000000000002) },
        { "2.2250738585072011e-308", 0, UINT64_C(0x000fffffffffffff) },
        { "4.9e-324", 0, 1 },
        { "0x1p-1075", 0, 0 },
        { "0x1.8p-1075", 0, 1 },
        { "0x1.fffffffffffff7ffffp1023", 0, UINT64_C(0x7fefffffffffffff) },
        { "0x1.fffffffffffff8p1023", -ERANGE, 0 },
        { "1e309", -ERANGE, 0 },
        { "nan:0x4_0000_0000_0000", 0, UINT64_C(0x7ff4000000000000) },
        { "nan:0x10_0000_0000_0000", -ERANGE, 0 },
        { "-nan:0xf_ffff_ffff_ffff", 0, UINT64_MAX },
};

START_TEST(doubles_are_exact)
{
        uint64_t bits = 0;

        ck_assert_int_eq(literal_f64(f64_cases[_i].text, strlen(f64_cases[_i].text), &bits),
                         f64_cases[_i].r);
        ck_assert_uint_eq(bits, f64_cases[_i].bits);
}
END_TEST

START_TEST(long_literals_are_read)
{
        char text[4096] = "0.";
        uint64_t bits = 0;

        memset(text + 2, '0', 3000);
        strcpy(text + 3002, "25e3001");
        ck_assert_int_eq(literal_f64(text, strlen(text), &bits), 0);
        ck_assert_uint_eq(bits, UINT64_C(0x4004000000000000)); /* 2.5 */
}
END_TEST

static const struct { const char *text; enum token_kind kind; } kind_cases[] = {
        { "0", TOKEN_NAT },            { "0x0", TOKEN_NAT },       { "1_2", TOKEN_NAT },
        { "+1", TOKEN_INT },           { "-0xa", TOKEN_INT },      { "1.", TOKEN_FLOAT },
        { "1.5e-7", TOKEN_FLOAT },     { "0x1.p5", TOKEN_FLOAT },  { "1E5", TOKEN_FLOAT },
        { "inf", TOKEN_FLOAT },        { "-nan:0x1", TOKEN_FLOAT }, { "", TOKEN_RESERVED },
        { "_1", TOKEN_RESERVED },      { "1_", TOKEN_RESERVED },   { "1__0", TOKEN_RESERVED },
        { "0x", TOKEN_RESERVED },      { "0X1", TOKEN_RESERVED },  { "1e", TOKEN_RESERVED },
        { "1e+", TOKEN_RESERVED },     { "0x1p", TOKEN_RESERVED }, { ".5", TOKEN_RESERVED },
        { "1._5", TOKEN_RESERVED },    { "nan:1", TOKEN_RESERVED }, { "nan:0x", TOKEN_RESERVED },
        { "+", TOKEN_RESERVED },       { "0xg", TOKEN_RESERVED },  { "1e0x1", TOKEN_RESERVED },
        { "nan:canonical", TOKEN_RESERVED },
};

START_TEST(numbers_are_told_apart)
{
        ck_assert_int_eq(number_kind(kind_cases[_i].text, strlen(kind_cases[_i].text)),
                         kind_cases[_i].kind);
}
END_TEST

static const struct { const char *text; const char *bytes; size_t n; } string_cases[] = {
        { "\"\"", "", 0 },
        { "\"a\\n\\t\\r\\\\\\'\\\"b\"", "a\n\t\r\\'\"b", 8 },
        { "\"\\00\\fF\"", "\0\xff", 2 },
        { "\"\\u{0}\\u{7f}\\u{80}\\u{7_ff}\\u{800}\"", "\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80", 9 },
        { "\"\\u{ffff}\\u{10000}\\u{10ffff}\"", "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 11 },
};

START_TEST(strings_stand_for_bytes)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };

        string_append(string_cases[_i].text, strlen(string_cases[_i].text), &b);
        ck_assert_uint_eq(b.size, string_cases[_i].n);
        if (b.size)
                ck_assert_mem_eq(b.bytes, string_cases[_i].bytes, b.size);
}
END_TEST

static const char *const bad_escapes[] = {
        "\\", "\\x", "\\0", "\\0g", "\\u", "\\u{", "\\u{}", "\\u{g}", "\\u{d800}", "\\u{dfff}",
        "\\u{110000}", "\\u{_1}", "\\u{1_}", "\\u{1__1}", "\\u{fffffffff}",
};

START_TEST(bad_escapes_are_none)
{
        struct escape e = { .n = 42 };

        ck_assert_uint_eq(string_escape(bad_escapes[_i], strlen(bad_escapes[_i]), &e), 0);
        ck_assert_uint_eq(e.n, 42);
}
END_TEST

static const struct { const char *bytes; size_t n, bad; } utf8_cases[] = {
        { "plain ASCII, more than a word long", 34, 34 },
        { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, 9 },
        { "123456\xc3\xa9", 8, 8 },
        { "1234567\xc3", 8, 7 },
        { "\x80", 1, 0 },
        { "a\xc0\x80", 3, 1 },             /* overlong */
        { "\xe0\x9f\xbf", 3, 0 },
        { "\xf0\x8f\xbf\xbf", 4, 0 },
        { "\xed\xa0\x80", 3, 0 },          /* surrogate */
        { "\xf4\x90\x80\x80", 4, 0 },      /* above U+10FFFF */
        { "\xe2\x82", 2, 0 },
};

START_TEST(utf8_is_checked)
{
        ck_assert_uint_eq(utf8_check(utf8_cases[_i].bytes, utf8_cases[_i].n), utf8_cases[_i].bad);
}
END_TEST

static const struct { const char *text; bool valid; } utf8_strings[] = {
        { "\"\\c3\\a9\"", true },
        { "\"\xc3\xa9\\n\"", true },
        { "\"\\u{1F600}\\n\"", true },
        { "\"\\c3\"", false },
        { "\"\\ff\"", false },
        { "\"\\80\"", false },
        { "\"\\c3n\"", false },
        { "\"\\e2\\82\\ac\\e2\\82\"", false },
};

START_TEST(strings_are_utf8_or_not)
{
        ck_assert_int_eq(string_is_utf8(utf8_strings[_i].text, strlen(utf8_strings[_i].text)),
                         utf8_strings[_i].valid);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("literal");

        tcase_add_loop_test(tc, integers_fit_or_are_refused, 0, ELEMENTSOF(int_cases));
        tcase_add_loop_test(tc, singles_are_exact, 0, ELEMENTSOF(f32_cases));
        tcase_add_loop_test(tc, doubles_are_exact, 0, ELEMENTSOF(f64_cases));
        tcase_add_test(tc, long_literals_are_read);
        tcase_add_loop_test(tc, numbers_are_told_apart, 0, ELEMENTSOF(kind_cases));
        tcase_add_loop_test(tc, strings_stand_for_bytes, 0, ELEMENTSOF(string_cases));
        tcase_add_loop_test(tc, bad_escapes_are_none, 0, ELEMENTSOF(bad_escapes));
        tcase_add_loop_test(tc, strings_are_utf8_or_not, 0, ELEMENTSOF(utf8_strings));
        tcase_add_loop_test(tc, utf8_is_checked, 0, ELEMENTSOF(utf8_cases));
        return unit_main("literal", &tc, 1);
}
