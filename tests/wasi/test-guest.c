/* test-guest.c - the guest's memory, and the form of paths. */
#include <string.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

#define BYTES 1000u

static uint8_t memory[BYTES];
static const struct guest g = { .base = memory, .bytes = BYTES };

static const struct {
        const char *name;
        uint32_t address;
        uint64_t n;
        uint32_t size;
        enum wasi_errno e;
} spans[] = {
        { "all of it",                        0,          BYTES,            1,  WASI_SUCCESS },
        { "one byte more",                    0,          BYTES + 1,        1,  WASI_FAULT },
        { "the last byte",                    BYTES - 1,  1,                1,  WASI_SUCCESS },
        { "one behind the last",              BYTES,      1,                1,  WASI_FAULT },
        { "nothing, at the end",              BYTES,      0,                8,  WASI_SUCCESS },
        { "nothing, behind the end",          BYTES + 1,  0,                8,  WASI_FAULT },
        { "a word over the end",              BYTES - 3,  1,                4,  WASI_FAULT },
        { "the last word",                    BYTES - 4,  1,                4,  WASI_SUCCESS },
        { "address and size wrap 32 bits",    UINT32_MAX, 2,                1,  WASI_FAULT },
        { "the highest address",              UINT32_MAX, 0,                1,  WASI_FAULT },
        { "count times size wraps 32 bits",   0,          UINT32_C(1) << 29, 8, WASI_FAULT },
        { "count times size wraps 64 bits",   0,          UINT64_MAX / 2,   48, WASI_FAULT },
};

START_TEST(span_is_checked)
{
        struct guest_span s = { .host = (uint8_t *)1, .bytes = 7 };

        assert_errno(guest_span(&g, guest_ptr(spans[_i].address), spans[_i].n, spans[_i].size, &s),
                     spans[_i].e);
        if (spans[_i].e) {
                ck_assert_ptr_eq(s.host, (uint8_t *)1);
                ck_assert_uint_eq(s.bytes, 7);
        } else {
                ck_assert_ptr_eq(s.host, memory + spans[_i].address);
                ck_assert_uint_eq(s.bytes, spans[_i].n * spans[_i].size);
        }
}
END_TEST

START_TEST(without_a_memory_nothing_is_valid)
{
        const struct guest none = { 0 };
        struct guest_span s;

        assert_errno(guest_span(&none, guest_ptr(0), 1, 1, &s), WASI_FAULT);
        assert_ok(guest_span(&none, guest_ptr(0), 0, 1, &s));
}
END_TEST

START_TEST(iovecs_are_copied_and_empty_ones_dropped)
{
        static struct guest_iov iov;
        struct wasi_iovec v[] = { { 100, 10 }, { BYTES, 0 }, { 0, 5 }, { 990, 10 } };

        memcpy(memory, v, sizeof(v));
        assert_ok(guest_iov_load(&g, guest_ptr(0), ELEMENTSOF(v), &iov));
        ck_assert_uint_eq(iov.n, 3);
        ck_assert_uint_eq(iov.bytes, 25);
        ck_assert_ptr_eq(iov.v[1].iov_base, memory);
        ck_assert_uint_eq(iov.v[2].iov_len, 10);
}
END_TEST

static const struct {
        const char *name;
        struct wasi_iovec v;
        uint32_t at, n;
        enum wasi_errno e;
} iovs[] = {
        { "data over the end",        { BYTES - 1, 2 },           0,          1,    WASI_FAULT },
        { "data that wraps",          { UINT32_MAX, UINT32_MAX }, 0,          1,    WASI_FAULT },
        { "empty, but outside",       { BYTES + 1, 0 },           0,          1,    WASI_FAULT },
        { "array over the end",       { 0, 0 },                   BYTES - 7,  1,    WASI_FAULT },
        { "array outside",            { 0, 0 },                   UINT32_MAX, 1,    WASI_FAULT },
        { "too many",                 { 0, 0 },                   0,          1025, WASI_INVAL },
        { "more than memory has",     { 0, 0 },                   0,          1024, WASI_FAULT },
        { "a count of all ones",      { 0, 0 },                   0,    UINT32_MAX, WASI_INVAL },
        { "none",                     { 0, 0 },                   BYTES,      0,    WASI_SUCCESS },
};

START_TEST(iovec_is_checked)
{
        static struct guest_iov iov;

        memcpy(memory, &iovs[_i].v, sizeof(iovs[_i].v));
        assert_errno(guest_iov_load(&g, guest_ptr(iovs[_i].at), iovs[_i].n, &iov), iovs[_i].e);
}
END_TEST

START_TEST(sum_of_iovecs_is_cut)
{
        /* A memory of 4 GiB that nobody touches: only the numbers matter here. */
        const struct guest large = { .base = memory, .bytes = UINT64_C(1) << 32 };
        static struct guest_iov iov;
        struct wasi_iovec v[4];

        for (unsigned i = 0; i < ELEMENTSOF(v); i++)
                v[i] = (struct wasi_iovec) { 0, 0xffffffff };
        memcpy(memory, v, sizeof(v));
        assert_ok(guest_iov_load(&large, guest_ptr(0), ELEMENTSOF(v), &iov));
        ck_assert_uint_eq(iov.n, 1);
        ck_assert_uint_eq(iov.bytes, GUEST_IO_MAX);
        ck_assert_uint_eq(iov.v[0].iov_len, GUEST_IO_MAX);
}
END_TEST

TCase *guest_case(void)
{
        TCase *tc = tcase_create("guest memory");

        tcase_add_loop_test(tc, span_is_checked, 0, ELEMENTSOF(spans));
        tcase_add_test(tc, without_a_memory_nothing_is_valid);
        tcase_add_test(tc, iovecs_are_copied_and_empty_ones_dropped);
        tcase_add_loop_test(tc, iovec_is_checked, 0, ELEMENTSOF(iovs));
        tcase_add_test(tc, sum_of_iovecs_is_cut);
        return tc;
}

static const struct {
        const char *path;
        uint32_t bytes;
        enum wasi_errno e; /* of its form */
} forms[] = {
        { "a",                 1, WASI_SUCCESS },
        { "",                  0, WASI_NOENT },
        { "a\0b",              3, WASI_INVAL },
        { "a\0",               2, WASI_INVAL },
        { "\0",                1, WASI_INVAL },
        { "\xc3\xa9",          2, WASI_SUCCESS },
        { "\xe2\x82\xac",      3, WASI_SUCCESS },
        { "\xf0\x9f\x98\x80",  4, WASI_SUCCESS },
        { "\xf4\x8f\xbf\xbf",  4, WASI_SUCCESS }, /* U+10FFFF */
        { "\xef\xbf\xbf",      3, WASI_SUCCESS },
        { "\x7f",              1, WASI_SUCCESS },
        { "\x80",              1, WASI_ILSEQ },   /* a continuation alone */
        { "\xc0\xaf",          2, WASI_ILSEQ },   /* overlong '/' */
        { "\xc1\xbf",          2, WASI_ILSEQ },
        { "\xe0\x9f\xbf",      3, WASI_ILSEQ },   /* overlong */
        { "\xe0\xa0\x80",      3, WASI_SUCCESS },
        { "\xed\xa0\x80",      3, WASI_ILSEQ },   /* a surrogate */
        { "\xed\x9f\xbf",      3, WASI_SUCCESS },
        { "\xf0\x8f\xbf\xbf",  4, WASI_ILSEQ },   /* overlong */
        { "\xf4\x90\x80\x80",  4, WASI_ILSEQ },   /* above U+10FFFF */
        { "\xf5\x80\x80\x80",  4, WASI_ILSEQ },
        { "\xff",              1, WASI_ILSEQ },
        { "\xc3",              1, WASI_ILSEQ },   /* cut */
        { "\xe2\x82",          2, WASI_ILSEQ },
        { "\xf0\x9f\x98",      3, WASI_ILSEQ },
        { "\xe2\x82\x41",      3, WASI_ILSEQ },
        { "\xc3\x28",          2, WASI_ILSEQ },
};

START_TEST(form_is_checked)
{
        static struct path_text path;

        memcpy(memory, forms[_i].path, forms[_i].bytes);
        assert_errno(path_prepare(&g, 0, forms[_i].bytes, &path), forms[_i].e);
        if (forms[_i].e == WASI_SUCCESS) {
                ck_assert_uint_eq(path.bytes, forms[_i].bytes);
                ck_assert_str_eq(path.text, forms[_i].path);
        }
}
END_TEST

START_TEST(length_is_checked)
{
        static uint8_t large[8192];
        const struct guest big = { .base = large, .bytes = sizeof(large) };
        static struct path_text path;

        memset(large, 'x', sizeof(large));
        assert_ok(path_prepare(&big, 0, PATH_BYTES_MAX, &path));
        ck_assert_uint_eq(strlen(path.text), PATH_BYTES_MAX);
        assert_errno(path_prepare(&big, 0, PATH_BYTES_MAX + 1, &path), WASI_NAMETOOLONG);
        assert_errno(path_prepare(&big, 0, UINT32_MAX, &path), WASI_FAULT);
        assert_errno(path_prepare(&big, sizeof(large) - 1, 2, &path), WASI_FAULT);
        assert_errno(path_prepare(&big, UINT32_MAX, 1, &path), WASI_FAULT);
}
END_TEST

static const struct {
        const char *path;
        bool inside;
} walks[] = {
        { "a", true },           { "a/b/c", true },        { ".", true },
        { "./a", true },         { "a/..", true },         { "a/../b", true },
        { "a/./../b/", true },   { "..a", true },          { "a..", true },
        { "...", true },         { "a//..//b", true },     { "a/b/../..", true },
        { "./.././", false },    { "..", false },          { "../", false },
        { "../a", false },       { "a/../..", false },     { "a/../../a", false },
        { "a//../..", false },   { "./..", false },        { "a/b/../../../a/b/c/d", false },
        { "/", false },          { "/a", false },          { "//a", false },
        { "/..", false },        { "a/./../..", false },
};

START_TEST(climbing_is_refused)
{
        struct path_text path = { .bytes = strlen(walks[_i].path) };

        strcpy(path.text, walks[_i].path);
        assert_errno(path_contained(&path), walks[_i].inside ? WASI_SUCCESS : WASI_NOTCAPABLE);
}
END_TEST

TCase *path_case(void)
{
        TCase *tc = tcase_create("form of paths");

        tcase_add_loop_test(tc, form_is_checked, 0, ELEMENTSOF(forms));
        tcase_add_test(tc, length_is_checked);
        tcase_add_loop_test(tc, climbing_is_refused, 0, ELEMENTSOF(walks));
        return tc;
}
