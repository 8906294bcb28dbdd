/* test-heat.c - which functions of which module take the time, as a cell of many guests tells it. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/supervisor/one_cell.h"
#include "tests/unit/unit.h"

#define MODULES 3

static struct heat_message hot[MODULES];
static unsigned told[MODULES], ended;

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        ended++;
}

static void on_heat(void *context, const struct heat_message *m)
{
        ck_assert_uint_lt(m->module, MODULES);
        if (told[m->module])
                ck_assert_uint_ge(m->samples, 4 * hot[m->module].samples);
        hot[m->module] = *m;
        told[m->module]++;
}

static void setup(void)
{
        static const struct guest_events events = { .ended = on_ended, .heat = on_heat };

        memset(told, 0, sizeof(told));
        ended = 0;
        one_cell_begin();
        one_cell_open(&events, 1 << 20, 2);
}

static void spawn(uint64_t guest, uint32_t module)
{
        struct guest_spec s = one_cell_spec(guest, module);

        ck_assert_msg(cell_spawn(cell, &s, &err) == 0, "%s", err.text);
}

static bool serve_once(void)
{
        struct pollfd p = { .fd = cell_fd(cell), .events = cell_fd_events(cell) };

        (void)poll(&p, 1, 20);
        return cell_dispatch(cell, 0) == 0;
}

/* Until @module was told of @times, half a minute at most. */
static void serve_told(uint32_t module, unsigned times)
{
        time_t end = time(NULL) + 30;

        while (told[module] < times && time(NULL) < end && serve_once())
                ;
        ck_assert_uint_ge(told[module], times);
}

/* Function 0 is imported, 1 is cold, 2 is hot. */
static const char spinner[] =
        "(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func $y (result i32)))"
        " (func $cold (param i32) (result i32) (local.get 0))"
        " (func $hot (loop $l (br $l)))"
        " (func (export \"_start\") (drop (call $cold (i32.const 1))) (call $hot)))";
static const char brief[] =
        "(module (func (export \"_start\") (local i32) (loop $l"
        "  (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2000000))))))";
static const char quiet[] = "(module (func (export \"_start\") (nop)))";

START_TEST(a_guest_that_nobody_disturbs_is_seen)
{
        uint32_t module = one_cell_load(spinner, false);

        spawn(1, module);
        serve_told(module, 2);
        ck_assert_uint_eq(hot[module].n, 1);
        ck_assert_uint_eq(hot[module].functions[0], 2);
        ck_assert_uint_ge(hot[module].samples, 400);
        ck_assert_uint_eq(ended, 0);
}
END_TEST

/* Each takes a millisecond or two; together they are worth a compilation. */
START_TEST(many_brief_ones_add_up)
{
        uint32_t other = one_cell_load(quiet, false), module = one_cell_load(brief, false);
        time_t end = time(NULL) + 60;
        unsigned n = 0;

        while (!told[module] && time(NULL) < end) {
                for (unsigned i = 0; i < 20; i++)
                        spawn(++n, module), spawn(++n, other);
                while (ended < n && time(NULL) < end && serve_once())
                        ;
        }
        ck_assert_uint_eq(told[module], 1);
        ck_assert_uint_eq(hot[module].n, 1);
        ck_assert_uint_eq(hot[module].functions[0], 0);
        ck_assert_uint_eq(told[other], 0);
}
END_TEST

START_TEST(modules_are_told_apart)
{
        uint32_t a = one_cell_load(spinner, false), b = one_cell_load(brief, false), c = one_cell_load(spinner, false);

        spawn(1, a);
        spawn(2, c);
        spawn(3, b);
        serve_told(a, 1);
        serve_told(c, 1);
        ck_assert_uint_eq(hot[a].functions[0], 2);
        ck_assert_uint_eq(hot[c].functions[0], 2);
        ck_assert_uint_eq(told[b], 0);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("heat");

        tcase_set_timeout(tc, 120);
        tcase_add_checked_fixture(tc, setup, one_cell_end);
        tcase_add_test(tc, a_guest_that_nobody_disturbs_is_seen);
        tcase_add_test(tc, many_brief_ones_add_up);
        tcase_add_test(tc, modules_are_told_apart);
        return unit_main("heat", &tc, 1);
}
