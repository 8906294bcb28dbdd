/* test-states.c - the tables of a unit's and a nanoprocess's life, restart verdicts, back-off. */
#include "config.h"

#include <string.h>

#include "supervisor/daemon/backoff.h"
#include "supervisor/daemon/states.h"
#include "tests/unit/unit.h"

START_TEST(every_unit_state_can_be_stopped)
{
        for (int s = 0; s < _UNIT_STATE_MAX; s++) {
                int next = unit_after(s, ON_STOP);

                ck_assert_msg(next >= 0, "%s", unit_state_text(s));
                ck_assert(next == UNIT_INACTIVE || next == UNIT_STOPPING || next == UNIT_QUARANTINED);
        }
}
END_TEST

START_TEST(every_unit_state_takes_start_and_quarantine)
{
        for (int s = 0; s < _UNIT_STATE_MAX; s++) {
                ck_assert_msg(unit_after(s, ON_START) >= 0, "%s", unit_state_text(s));
                ck_assert_int_eq(unit_after(s, ON_QUARANTINE), UNIT_QUARANTINED);
        }
}
END_TEST

START_TEST(guests_that_end_leave_no_unit_state_behind)
{
        static const enum unit_state with_guests[] = { UNIT_STARTING, UNIT_ACTIVE, UNIT_STOPPING,
                                                       UNIT_QUARANTINED };

        for (size_t i = 0; i < ELEMENTSOF(with_guests); i++) {
                ck_assert_int_ge(unit_after(with_guests[i], ON_ALL_DOWN), 0);
                ck_assert_int_ge(unit_after(with_guests[i], ON_ALL_FAILED), 0);
        }
        ck_assert_int_eq(unit_after(UNIT_STOPPING, ON_ALL_FAILED), UNIT_INACTIVE);
        ck_assert_int_eq(unit_after(UNIT_ACTIVE, ON_ALL_FAILED), UNIT_FAILED);
}
END_TEST

START_TEST(what_is_not_in_the_table_is_no_edge)
{
        ck_assert_int_lt(unit_after(UNIT_INACTIVE, ON_UP), 0);
        ck_assert_int_lt(unit_after(UNIT_INACTIVE, ON_PREPARED), 0);
        ck_assert_int_lt(unit_after(UNIT_FAILED, ON_ALL_DOWN), 0);
        ck_assert_int_lt(nano_after(NANO_DOWN, NANO_ON_OVER), 0);
        ck_assert_int_lt(nano_after(NANO_WAITING, NANO_ON_STARTED), 0);
}
END_TEST

START_TEST(a_living_nanoprocess_can_end_in_every_way)
{
        static const enum nano_state live[] = { NANO_STARTING, NANO_RUNNING, NANO_STOPPING };

        for (size_t i = 0; i < ELEMENTSOF(live); i++) {
                ck_assert_int_eq(nano_after(live[i], NANO_ON_OVER), NANO_DOWN);
                ck_assert_int_ge(nano_after(live[i], NANO_ON_AGAIN), 0);
                ck_assert_int_ge(nano_after(live[i], NANO_ON_BROKEN), 0);
                ck_assert_int_eq(nano_after(live[i], NANO_ON_STOP), NANO_STOPPING);
        }
        /* One that was asked to stop is not started again. */
        ck_assert_int_eq(nano_after(NANO_STOPPING, NANO_ON_AGAIN), NANO_DOWN);
}
END_TEST

static const struct {
        const char *name;
        unsigned restart;
        enum run_end end;
        int status;
        bool clean, again;
} ends[] = {
        { "no, failed",              RESTART_NO,          RUN_TRAPPED,   134, false, false },
        { "no, clean",               RESTART_NO,          RUN_RETURNED,  0,   true,  false },
        { "on-success, clean",       RESTART_ON_SUCCESS,  RUN_EXITED,    0,   true,  true },
        { "on-success, failed",      RESTART_ON_SUCCESS,  RUN_EXITED,    1,   false, false },
        { "on-failure, clean",       RESTART_ON_FAILURE,  RUN_RETURNED,  0,   true,  false },
        { "on-failure, status",      RESTART_ON_FAILURE,  RUN_EXITED,    1,   false, true },
        { "on-failure, a good one",  RESTART_ON_FAILURE,  RUN_EXITED,    42,  true,  false },
        { "on-failure, trap",        RESTART_ON_FAILURE,  RUN_TRAPPED,   134, false, true },
        { "on-failure, lost",        RESTART_ON_FAILURE,  RUN_CELL_LOST, 70,  false, true },
        { "on-abnormal, status",     RESTART_ON_ABNORMAL, RUN_EXITED,    1,   false, false },
        { "on-abnormal, trap",       RESTART_ON_ABNORMAL, RUN_TRAPPED,   134, false, true },
        { "on-abnormal, killed",     RESTART_ON_ABNORMAL, RUN_TIMED_OUT, 137, false, true },
        { "always, clean",           RESTART_ALWAYS,      RUN_EXITED,    0,   true,  true },
        { "always, failed",          RESTART_ALWAYS,      RUN_EXITED,    3,   false, true },
        { "a status out of range",   RESTART_ON_FAILURE,  RUN_EXITED,    300, false, true },
};

START_TEST(restart_follows_the_setting)
{
        struct unit_service s = { .restart = ends[_i].restart, .success[42 / 8] = 1 << (42 % 8) };

        ck_assert_msg(end_clean(&s, ends[_i].end, ends[_i].status) == ends[_i].clean, "%s", ends[_i].name);
        ck_assert_msg(restart_wanted(&s, ends[_i].end, ends[_i].status) == ends[_i].again, "%s", ends[_i].name);
}
END_TEST

START_TEST(backoff_doubles_up_to_the_most)
{
        static const uint64_t waits[] = { 100, 200, 400, 800, 1000, 1000 };

        for (unsigned i = 0; i < ELEMENTSOF(waits); i++)
                ck_assert_uint_eq(backoff_ns(100, 1000, i), waits[i]);
        ck_assert_uint_eq(backoff_ns(100, 50, 0), 50);
        ck_assert_uint_eq(backoff_ns(UINT64_MAX / 2 + 1, UINT64_MAX, 4000000), UINT64_MAX);
}
END_TEST

START_TEST(starts_are_limited_within_an_interval)
{
        struct start_limit l = { 0 };

        for (int i = 0; i < 3; i++)
                ck_assert(start_allowed(&l, 1000 + (uint64_t)i, 100, 3));
        ck_assert(!start_allowed(&l, 1050, 100, 3));
        ck_assert(!start_allowed(&l, 1099, 100, 3));
        ck_assert(start_allowed(&l, 1100, 100, 3));
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("states");

        tcase_add_test(tc, every_unit_state_can_be_stopped);
        tcase_add_test(tc, every_unit_state_takes_start_and_quarantine);
        tcase_add_test(tc, guests_that_end_leave_no_unit_state_behind);
        tcase_add_test(tc, what_is_not_in_the_table_is_no_edge);
        tcase_add_test(tc, a_living_nanoprocess_can_end_in_every_way);
        tcase_add_loop_test(tc, restart_follows_the_setting, 0, ELEMENTSOF(ends));
        tcase_add_test(tc, backoff_doubles_up_to_the_most);
        tcase_add_test(tc, starts_are_limited_within_an_interval);
        return unit_main("states", &tc, 1);
}
