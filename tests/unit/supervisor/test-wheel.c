/* test-wheel.c - timers come out in the order of their deadlines, none early, none late, none twice. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/cleanup.h"
#include "supervisor/ring/wheel.h"
#include "tests/unit/unit.h"

#define TICK (UINT64_C(1) << WHEEL_TICK_BITS)
#define MS   UINT64_C(1000000)

static struct wheel wheel;

static void setup(void)
{
        wheel_init(&wheel);
}

static uint64_t state;

static uint64_t any(uint64_t below)
{
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return state % below;
}

static const struct {
        const char *name;
        uint64_t now, deadline;
} rows[] = {
        { "at once",               5 * TICK,           5 * TICK },
        { "in the past",           UINT64_C(1) << 40,  0 },
        { "inside of a tick",      5 * TICK,           5 * TICK + 1 },
        { "the next tick",         5 * TICK,           6 * TICK },
        { "a whole first turn",    0,                  63 * TICK },
        { "behind the first turn", 0,                  64 * TICK },
        { "over a wrap",           63 * TICK,          64 * TICK },
        { "over every wrap",       (UINT64_C(1) << 46) - TICK, UINT64_C(1) << 46 },
        { "a second",              123456789,          1123456789 },
        { "a year",                123456789,          UINT64_C(31536000000000000) },
        { "the last digit",        0,                  UINT64_C(1) << 63 },
};

/* Not due just before, due a tick after; and whoever waits for wheel_next() each time gets there soon. */
START_TEST(one_timer)
{
        struct wheel_timer t = { 0 };
        uint64_t deadline = rows[_i].deadline, now = rows[_i].now;
        unsigned waits = 0;

        wheel_set(&wheel, &t, deadline, now);
        ck_assert(wheel_is_set(&t));
        ck_assert_uint_eq(wheel.n, 1);
        if (deadline > now)
                ck_assert_ptr_null(wheel_due(&wheel, deadline - 1));
        while (wheel_is_set(&t)) {
                struct wheel_timer *due;

                ck_assert_uint_le(++waits, 2);
                if (wheel_next(&wheel) > now)
                        now = wheel_next(&wheel);
                ck_assert_uint_lt(now, (deadline > rows[_i].now ? deadline : rows[_i].now) + TICK);
                due = wheel_due(&wheel, now);
                ck_assert(!due || due == &t);
        }
        ck_assert_uint_ge(now, deadline);
        ck_assert_uint_eq(wheel.n, 0);
        ck_assert_uint_eq(wheel_next(&wheel), WHEEL_NEVER);
        ck_assert_ptr_null(wheel_due(&wheel, UINT64_MAX));
}
END_TEST

START_TEST(the_far_future)
{
        struct wheel_timer t[2] = { 0 };

        wheel_set(&wheel, &t[0], UINT64_MAX, 1);
        wheel_set(&wheel, &t[1], UINT64_MAX - 5 * TICK, 1);
        ck_assert_ptr_null(wheel_due(&wheel, UINT64_MAX / 2));
        ck_assert_uint_lt(wheel_next(&wheel), WHEEL_NEVER);
        ck_assert_ptr_eq(wheel_due(&wheel, UINT64_MAX), &t[1]);
        ck_assert_ptr_eq(wheel_due(&wheel, UINT64_MAX), &t[0]);
        ck_assert_ptr_null(wheel_due(&wheel, UINT64_MAX));
}
END_TEST

START_TEST(equals_in_the_order_of_their_setting)
{
        struct wheel_timer t[100] = { 0 };

        for (unsigned k = 0; k < ELEMENTSOF(t); k++)
                wheel_set(&wheel, &t[k], 777 * MS, k * MS);
        ck_assert_uint_eq(wheel.n, ELEMENTSOF(t));
        for (unsigned k = 0; k < ELEMENTSOF(t); k++)
                ck_assert_ptr_eq(wheel_due(&wheel, 778 * MS), &t[k]);
}
END_TEST

START_TEST(cleared_ones_never_come)
{
        struct wheel_timer t[64] = { 0 };

        wheel_clear(&wheel, &t[0]); /* was never set */
        for (unsigned round = 0; round < 2; round++) {
                for (unsigned k = 0; k < ELEMENTSOF(t); k++)
                        wheel_set(&wheel, &t[k], (1 + k) * 10 * MS, 0);
                for (unsigned k = 0; k < ELEMENTSOF(t); k++)
                        if (k % 4 != 3) {
                                wheel_clear(&wheel, &t[k]);
                                wheel_clear(&wheel, &t[k]);
                                ck_assert(!wheel_is_set(&t[k]));
                        }
                for (unsigned k = 3; k < ELEMENTSOF(t); k += 4)
                        ck_assert_ptr_eq(wheel_due(&wheel, 1000 * MS), &t[k]);
                ck_assert_ptr_null(wheel_due(&wheel, 1000 * MS));
                ck_assert_uint_eq(wheel_next(&wheel), WHEEL_NEVER);
        }
}
END_TEST

/* A deadline that is pushed on and on, as by a server with idle connections, wakes nobody. */
START_TEST(pushed_on_and_on)
{
        struct wheel_timer t[50] = { 0 };
        unsigned wakes = 0;
        uint64_t now = 12345 * MS;

        for (unsigned k = 0; k < ELEMENTSOF(t); k++)
                wheel_set(&wheel, &t[k], now + 10000 * MS, now);
        for (unsigned turn = 0; turn < 100000; turn++, now += MS) {
                struct wheel_timer *one = &t[any(ELEMENTSOF(t))];

                if (wheel_next(&wheel) <= now) {
                        wakes++;
                        ck_assert_ptr_null(wheel_due(&wheel, now));
                }
                wheel_clear(&wheel, one);
                wheel_set(&wheel, one, now + 10000 * MS, now);
        }
        ck_assert_uint_le(wakes, 1000); /* of 100 s: a slot of a quarter of a second once or twice, and what it holds */
}
END_TEST

/* 100,000, near and far, set at different times, some cleared, against what the deadlines say. */
#define MANY 100000u

struct mine {
        struct wheel_timer timer;
        uint64_t deadline;
        bool set;
};

static void drain(struct mine *all, uint64_t now, uint64_t *last, unsigned *n)
{
        struct wheel_timer *t;

        while ((t = wheel_due(&wheel, now))) {
                struct mine *m = (struct mine *)t;

                ck_assert(m->set);
                m->set = false;
                ck_assert_uint_le(m->deadline, now);
                ck_assert_uint_ge(m->deadline / TICK + 1, *last / TICK);
                *last = m->deadline;
                --*n;
        }
        *last = 0;
}

START_TEST(a_hundred_thousand)
{
        static const uint64_t reach[] = { TICK, 100 * TICK, MS, 100 * MS, 10000 * MS, 86400000 * MS };
        struct mine *all = calloc(MANY, sizeof(*all));
        uint64_t now = (UINT64_C(1) << 41) - 50 * MS, last = 0;
        unsigned n = 0;

        ck_assert_ptr_nonnull(all);
        for (unsigned k = 0; k < MANY; k++) {
                all[k].deadline = now + any(reach[k % ELEMENTSOF(reach)]);
                wheel_set(&wheel, &all[k].timer, all[k].deadline, now);
                all[k].set = true;
                n++;
                if (k % 7 == 0) {
                        struct mine *m = &all[any(k + 1)];

                        n -= m->set;
                        m->set = false;
                        wheel_clear(&wheel, &m->timer);
                }
                if (k % 10 == 0) {
                        now += any(3000);
                        drain(all, now, &last, &n);
                }
                ck_assert_uint_eq(wheel.n, n);
        }
        for (unsigned k = 0; k < MANY; k++)
                if (all[k].set)
                        ck_assert_uint_gt(all[k].deadline + TICK, now);
        while (wheel_next(&wheel) != WHEEL_NEVER) {
                ck_assert_uint_ge(wheel_next(&wheel) + TICK, now);
                now = wheel_next(&wheel) > now ? wheel_next(&wheel) : now;
                drain(all, now, &last, &n);
        }
        ck_assert_uint_eq(n, 0);
        ck_assert_uint_eq(wheel.n, 0);
        for (unsigned level = 0; level < WHEEL_LEVELS; level++)
                ck_assert_uint_eq(wheel.used[level], 0);
        free(all);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("wheel");

        state = 88172645463325252u;
        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, one_timer, 0, ELEMENTSOF(rows));
        tcase_add_test(tc, the_far_future);
        tcase_add_test(tc, equals_in_the_order_of_their_setting);
        tcase_add_test(tc, cleared_ones_never_come);
        tcase_add_test(tc, pushed_on_and_on);
        tcase_add_test(tc, a_hundred_thousand);
        return unit_main("wheel", &tc, 1);
}
