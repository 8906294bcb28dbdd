#include <string.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "engine/base/pool.h"
#include "tests/unit/unit.h"

static const struct { const char *name; int64_t value; uint8_t bytes[10]; size_t n; } sleb_cases[] = {
        { "zero",            0,         { 0x00 },             1 },
        { "minus one",       -1,        { 0x7f },             1 },
        { "sign bit set",    64,        { 0xc0, 0x00 },       2 },
        { "lowest in one",   -64,       { 0x40 },             1 },
        { "lowest",          INT64_MIN, { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f }, 10 },
};

START_TEST(sleb_is_shortest)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };

        buffer_sleb(&b, sleb_cases[_i].value);
        ck_assert(buffer_ok(&b));
        ck_assert_uint_eq(b.size, sleb_cases[_i].n);
        ck_assert_mem_eq(b.bytes, sleb_cases[_i].bytes, b.size);
}
END_TEST

START_TEST(buffer_refuses_overflow)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };

        buffer_u8(&b, 1);
        ck_assert_ptr_null(buffer_reserve(&b, SIZE_MAX - 1));
        ck_assert(!buffer_ok(&b));
        buffer_u8(&b, 2);
        ck_assert_uint_eq(b.size, 1);
}
END_TEST

START_TEST(pool_holds_its_limit)
{
        _cleanup_(pool_freep) struct pool *pool = pool_new(4096);
        uint8_t *p;

        ck_assert_ptr_null(pool_alloc(pool, SIZE_MAX / 2, 4));
        ck_assert_ptr_null(pool_alloc(pool, 4097, 1));
        p = pool_alloc(pool, 4000, 1);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < 4000; i++)
                ck_assert_uint_eq(p[i], 0);
        ck_assert_ptr_null(pool_alloc(pool, 200, 1));
        ck_assert_uint_eq(pool_used(pool), 4000);
}
END_TEST

START_TEST(prefix_keeps_the_text)
{
        struct error err = { 0 };
        char *text = NULL;
        size_t size = 0;
        FILE *f;

        ck_assert_int_eq(error_set(&err, STAGE_DECODE, -EBADMSG, 7, "name is not UTF-8"), -EBADMSG);
        ck_assert_int_eq(error_prefix(&err, "import %u\n", 3), -EBADMSG);
        f = open_memstream(&text, &size);
        error_print(f, "nacelle", &err);
        fclose(f);
        ck_assert_str_eq(text, "nacelle: decode: import 3\\x0a: name is not UTF-8 (at byte 7)\n");
        free(text);

        for (int i = 0; i < 100; i++)
                error_prefix(&err, "%0100d", i);
        ck_assert_uint_lt(strlen(err.text), sizeof(err.text));
        ck_assert_ptr_nonnull(strstr(err.text, "name is not UTF-8"));
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("base");

        tcase_add_loop_test(tc, sleb_is_shortest, 0, ELEMENTSOF(sleb_cases));
        tcase_add_test(tc, buffer_refuses_overflow);
        tcase_add_test(tc, pool_holds_its_limit);
        tcase_add_test(tc, prefix_keeps_the_text);
        return unit_main("base", &tc, 1);
}
