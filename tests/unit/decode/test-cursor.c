#include "engine/decode/cursor.h"
#include "tests/unit/decode/hex.h"

enum kind { U32, U64, S32, S33, S64 };

static const struct {
        const char *name, *hex;
        enum kind kind;
        int64_t value;
        const char *why;
} leb_cases[] = {
        { "zero",                       "00",                            U32, 0,          NULL },
        { "one byte",                   "7f",                            U32, 127,        NULL },
        { "two bytes",                  "80 01",                         U32, 128,        NULL },
        { "not the shortest",           "80 80 80 80 00",                U32, 0,          NULL },
        { "largest u32",                "ff ff ff ff 0f",                U32, UINT32_MAX, NULL },
        { "bit 32",                     "80 80 80 80 10",                U32, 0, "integer too large" },
        { "a bit that is not there",    "ff ff ff ff 4f",                U32, 0, "integer too large" },
        { "six bytes",                  "80 80 80 80 80 00",             U32, 0, "integer representation too long" },
        { "nothing",                    "",                              U32, 0, "unexpected end" },
        { "cut",                        "80 80",                         U32, 0, "unexpected end" },
        { "largest u64",                "ff*9 01",                       U64, -1, NULL },
        { "bit 64",                     "80*9 02",                       U64, 0, "integer too large" },
        { "eleven bytes",               "80*10 00",                      U64, 0, "integer representation too long" },
        { "minus one",                  "7f",                            S32, -1, NULL },
        { "sixty-three",                "3f",                            S32, 63, NULL },
        { "minus sixty-four",           "40",                            S32, -64, NULL },
        { "sixty-four",                 "c0 00",                         S32, 64, NULL },
        { "lowest s32",                 "80 80 80 80 78",                S32, INT32_MIN, NULL },
        { "highest s32",                "ff ff ff ff 07",                S32, INT32_MAX, NULL },
        { "minus one, long",            "ff ff ff ff 7f",                S32, -1, NULL },
        { "sign bits that differ",      "ff ff ff ff 0f",                S32, 0, "integer too large" },
        { "sign bits that differ more", "80 80 80 80 70",                S32, 0, "integer too large" },
        { "s32 of six bytes",           "ff ff ff ff ff 7f",             S32, 0, "integer representation too long" },
        { "s33: largest type index",    "ff ff ff ff 0f",                S33, UINT32_MAX, NULL },
        { "s33: lowest",                "80 80 80 80 70",                S33, -(INT64_C(1) << 32), NULL },
        { "s33: above",                 "80 80 80 80 10",                S33, 0, "integer too large" },
        { "lowest s64",                 "80*9 7f",                       S64, INT64_MIN, NULL },
        { "highest s64",                "ff*9 00",                       S64, INT64_MAX, NULL },
        { "s64: sign bits that differ", "80*9 7e",                       S64, 0, "integer too large" },
        { "s64: the other way",         "ff*9 01",                       S64, 0, "integer too large" },
        { "s64 of eleven bytes",        "ff*10 7f",                      S64, 0, "integer representation too long" },
};

static bool read_kind(struct cursor *c, enum kind kind, int64_t *ret)
{
        uint32_t u32;
        uint64_t u64;
        int32_t s32;
        bool ok = false;

        switch (kind) {
        case U32:
                if ((ok = read_u32(c, &u32)))
                        *ret = u32;
                break;
        case U64:
                if ((ok = read_u64(c, &u64)))
                        *ret = (int64_t)u64;
                break;
        case S32:
                if ((ok = read_s32(c, &s32)))
                        *ret = s32;
                break;
        case S33:
                ok = read_s33(c, ret);
                break;
        case S64:
                ok = read_s64(c, ret);
                break;
        }
        return ok;
}

START_TEST(leb_is_read_or_refused)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = hex_bytes("", leb_cases[_i].hex, &size);
        struct cursor c = { .at = bytes, .end = bytes + size, .file = bytes, .file_end = bytes + size };
        int64_t value = 4711;
        bool ok = read_kind(&c, leb_cases[_i].kind, &value);

        ck_assert_msg(ok == !leb_cases[_i].why, "%s", leb_cases[_i].name);
        if (ok) {
                ck_assert_int_eq(value, leb_cases[_i].value);
                ck_assert_ptr_eq(c.at, c.end);
        } else {
                ck_assert_int_eq(value, 4711);
                ck_assert_ptr_eq(c.at, bytes);
                ck_assert_int_eq(strncmp(c.why, leb_cases[_i].why, strlen(leb_cases[_i].why)), 0);
        }
}
END_TEST

static const struct { const char *name, *hex; bool valid; } utf8_cases[] = {
        { "empty",                 "",            true },
        { "zero byte",             "00",          true },
        { "ASCII",                 "41 7f",       true },
        { "two bytes",             "c2 80 df bf", true },
        { "three bytes",           "e0 a0 80 ef bf bf", true },
        { "four bytes",            "f0 90 80 80 f4 8f bf bf", true },
        { "before surrogates",     "ed 9f bf",    true },
        { "behind surrogates",     "ee 80 80",    true },
        { "lone continuation",     "80",          false },
        { "overlong of two",       "c0 80",       false },
        { "overlong of two, c1",   "c1 bf",       false },
        { "overlong of three",     "e0 9f bf",    false },
        { "overlong of four",      "f0 8f bf bf", false },
        { "first surrogate",       "ed a0 80",    false },
        { "last surrogate",        "ed bf bf",    false },
        { "above the last",        "f4 90 80 80", false },
        { "f5",                    "f5 80 80 80", false },
        { "ff",                    "ff",          false },
        { "two bytes cut",         "41 c2",       false },
        { "three bytes cut",       "e1 80",       false },
        { "four bytes cut",        "f1 80 80",    false },
        { "third byte wrong",      "e1 80 41",    false },
        { "fourth byte wrong",     "f1 80 80 c0", false },
};

START_TEST(utf8_is_told)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = hex_bytes("", utf8_cases[_i].hex, &size);

        ck_assert_msg(utf8_is_valid(bytes, size) == utf8_cases[_i].valid, "%s", utf8_cases[_i].name);
}
END_TEST

START_TEST(raw_bytes_stop_at_the_end)
{
        uint8_t bytes[4] = { 1, 2, 3, 4 }, out[8] = { 9 }, one = 9;
        struct cursor c = { .at = bytes, .end = bytes + 4, .file = bytes, .file_end = bytes + 4 };
        struct error err = { 0 };

        ck_assert(read_raw(&c, out, 3));
        ck_assert_uint_eq(out[2], 3);
        ck_assert(!read_raw(&c, out, 2));
        ck_assert_uint_eq(out[0], 1);
        ck_assert(read_u8(&c, &one));
        ck_assert(!read_u8(&c, &one));
        ck_assert_uint_eq(one, 4);
        ck_assert_int_eq(cursor_error(&c, &err), -EBADMSG);
        ck_assert_uint_eq(err.offset, 4);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("cursor");

        tcase_add_loop_test(tc, leb_is_read_or_refused, 0, ELEMENTSOF(leb_cases));
        tcase_add_loop_test(tc, utf8_is_told, 0, ELEMENTSOF(utf8_cases));
        tcase_add_test(tc, raw_bytes_stop_at_the_end);
        return unit_main("cursor", &tc, 1);
}
