/* test-clocks.c - clocks, randomness, yielding. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

static uint64_t now(uint32_t clock)
{
        assert_ok(wasi_clock_time_get(clock, 0, AT_RET));
        return get_u64(AT_RET);
}

START_TEST(clocks_run)
{
        uint64_t a = now(WASI_CLOCK_MONOTONIC), b = now(WASI_CLOCK_MONOTONIC);
        uint64_t real = now(WASI_CLOCK_REALTIME);

        ck_assert_uint_ge(b, a);
        ck_assert_int_le(llabs((long long)(real / 1000000000) - time(NULL)), 2);
        for (uint32_t clock = 0; clock < 2; clock++) {
                assert_ok(wasi_clock_res_get(clock, AT_RET));
                ck_assert_uint_ge(get_u64(AT_RET), 1);
        }
}
END_TEST

START_TEST(other_clocks_are_refused)
{
        /* The CPU clocks as well: they would count what neighbours use. */
        static const uint32_t clocks[] = { 2, 3, 4, 7, UINT32_MAX };

        put_bytes(AT_RET, "keepkeep", 8);
        for (unsigned i = 0; i < ELEMENTSOF(clocks); i++) {
                assert_errno(wasi_clock_time_get(clocks[i], 0, AT_RET), WASI_INVAL);
                assert_errno(wasi_clock_res_get(clocks[i], AT_RET), WASI_INVAL);
        }
        ck_assert_mem_eq(guest.memory + AT_RET, "keepkeep", 8);
        assert_errno(wasi_clock_time_get(0, 0, GUEST_BYTES - 7), WASI_FAULT);
        assert_errno(wasi_clock_res_get(0, GUEST_BYTES - 7), WASI_FAULT);
}
END_TEST

static uint64_t used(void *context)
{
        return 123456789;
}

START_TEST(clocks_are_coarse_when_asked)
{
        struct double_options o = { .no_stdio = true, .clock_resolution_ns = 1000000,
                                    .cpu_time_ns = used, .stdio = { -EBADF, -EBADF, -EBADF } };

        double_start(&o);
        for (uint32_t clock = 0; clock < 4; clock++) {
                ck_assert_uint_eq(now(clock) % 1000000, 0);
                assert_ok(wasi_clock_res_get(clock, AT_RET));
                ck_assert_uint_eq(get_u64(AT_RET), 1000000);
        }
        ck_assert_uint_eq(now(WASI_CLOCK_PROCESS_CPU), 123000000);
        ck_assert_uint_eq(now(WASI_CLOCK_THREAD_CPU), 123000000);
        double_stop();
}
END_TEST

START_TEST(random_fills_exactly)
{
        static const uint32_t sizes[] = { 0, 1, 7, 256, 257, 1000, 60000 };
        unsigned zeros = 0;

        memset(guest.memory + AT_OUT - 1, 0, 65536);
        assert_ok(wasi_random_get(AT_OUT, sizes[_i]));
        ck_assert_uint_eq(guest.memory[AT_OUT - 1], 0);
        ck_assert_uint_eq(guest.memory[AT_OUT + sizes[_i]], 0);
        for (uint32_t i = 0; i < sizes[_i]; i++)
                zeros += guest.memory[AT_OUT + i] == 0;
        if (sizes[_i] >= 256)
                ck_assert_uint_lt(zeros, sizes[_i] / 32); /* 1 in 256 is expected */
}
END_TEST

START_TEST(random_in_pieces)
{
        struct double_options o = { .no_stdio = true, .random_max_bytes = 1000,
                                    .stdio = { -EBADF, -EBADF, -EBADF } };
        unsigned zeros = 0;

        double_start(&o);
        memset(guest.memory + AT_OUT, 0, 60000);
        assert_ok(wasi_random_get(AT_OUT, 59999));
        for (uint32_t i = 59000; i < 59999; i++)
                zeros += guest.memory[AT_OUT + i] == 0;
        ck_assert_uint_lt(zeros, 32);
        ck_assert_uint_eq(guest.memory[AT_OUT + 59999], 0);
        double_stop();
}
END_TEST

START_TEST(random_refuses)
{
        assert_errno(wasi_random_get(GUEST_BYTES - 1, 2), WASI_FAULT);
        assert_errno(wasi_random_get(0, UINT32_MAX), WASI_FAULT);
        assert_errno(wasi_random_get(UINT32_MAX, UINT32_MAX), WASI_FAULT);
        assert_ok(wasi_random_get(GUEST_BYTES, 0));
}
END_TEST

START_TEST(yielding)
{
        for (unsigned i = 0; i < 10; i++)
                assert_ok(wasi_sched_yield());
}
END_TEST

TCase *clocks_case(void)
{
        TCase *tc = tcase_create("clocks");

        tcase_add_checked_fixture(tc, double_setup, double_teardown);
        tcase_add_test(tc, clocks_run);
        tcase_add_test(tc, other_clocks_are_refused);
        tcase_add_loop_test(tc, random_fills_exactly, 0, 7);
        tcase_add_test(tc, random_refuses);
        tcase_add_test(tc, yielding);
        return tc;
}

TCase *coarse_case(void)
{
        TCase *tc = tcase_create("coarse clocks");

        tcase_add_test(tc, clocks_are_coarse_when_asked);
        tcase_add_test(tc, random_in_pieces);
        return tc;
}
