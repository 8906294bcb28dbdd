/* test-unload.c - code that leaves a cell and the room that it had, and the list of such rooms. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/broker/code_arena.h"
#include "tests/unit/supervisor/one_cell.h"
#include "tests/unit/unit.h"

#define PAGE       4096u
#define ROOM_PAGES 8u

static unsigned ended, lost;
static enum guest_end last;
static uint64_t value;

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        ended++;
        last = e->end;
        if (e->nvalues)
                value = e->values[0].value.i64;
}

static void on_lost(void *context, const char *why)
{
        lost++;
}

static void setup(void)
{
        static const struct guest_events events = { .ended = on_ended, .lost = on_lost };

        ended = lost = 0;
        one_cell_begin();
        one_cell_open(&events, ROOM_PAGES * PAGE, 2);
}

static void serve_once(void)
{
        struct pollfd p = { .fd = cell_fd(cell), .events = cell_fd_events(cell) };

        (void)poll(&p, 1, 20);
        ck_assert_int_eq(cell_dispatch(cell, 0), 0);
}

static void serve_ended(unsigned n)
{
        time_t end = time(NULL) + 60;

        while (ended < n && time(NULL) < end)
                serve_once();
        ck_assert_uint_eq(ended, n);
}

/* As soon as there is room: the cell gives it back a little later than it is asked. */
static uint32_t load(const char *wat)
{
        time_t end = time(NULL) + 60;
        uint32_t number = UINT32_MAX;
        int r;

        while ((r = one_cell_try(wat, false, &number)) == -ENOSPC && time(NULL) < end)
                serve_once();
        ck_assert_msg(r == 0, "%s", err.text);
        return number;
}

static void spawn(uint64_t guest, uint32_t module)
{
        struct guest_spec s = { .guest = guest, .module = module, .slot = UINT32_MAX, .path_fd = -EBADF,
                                .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED }, .invoke = "f" };

        ck_assert_msg(cell_spawn(cell, &s, &err) == 0, "%s", err.text);
}

static const char *returning(unsigned n)
{
        static char text[200];

        snprintf(text, sizeof(text), "(module (memory 1) (func (export \"f\") (result i64) (i64.const %u)))", n);
        return text;
}

/* Forty modules in the room of eight, each run on both workers. */
START_TEST(room_is_used_again)
{
        for (unsigned i = 1; i <= 5 * ROOM_PAGES; i++) {
                uint32_t module = load(returning(i));

                for (unsigned k = 0; k < 4; k++)
                        spawn(ended + 1 + k, module);
                serve_ended(ended + 4 - ended % 4);
                ck_assert_uint_eq(last, GUEST_RETURNED);
                ck_assert_uint_eq(value, i);
                ck_assert_int_eq(cell_unload(cell, module), 0);
                ck_assert_int_eq(cell_unload(cell, module), -EINVAL);
        }
        ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(without_it_there_is_an_end)
{
        uint32_t module = 4711;

        for (unsigned i = 0; i < ROOM_PAGES; i++)
                ck_assert_int_eq(one_cell_try(returning(i), false, &module), 0);
        ck_assert_int_eq(one_cell_try(returning(99), false, &module), -ENOSPC);
        ck_assert_int_eq(cell_unload(cell, 77), -EINVAL);
        ck_assert_int_eq(cell_unload(cell, 3), 0);
        module = load(returning(99));
        spawn(1, module);
        serve_ended(1);
        ck_assert_uint_eq(value, 99);
}
END_TEST

/* A guest that is left keeps its code, whatever the broker says; no other begins on it. */
START_TEST(a_guest_that_is_left_keeps_it)
{
        uint32_t module = load("(module (func (export \"f\") (loop $l (br $l))))"), other;

        spawn(1, module);
        for (unsigned i = 1; i < ROOM_PAGES; i++)
                other = load(returning(i));
        ck_assert_int_eq(cell_unload(cell, module), 0);
        spawn(2, module);
        serve_ended(1);
        ck_assert_uint_eq(last, GUEST_FAILED);
        for (unsigned i = 0; i < 10; i++)
                serve_once();
        ck_assert_int_eq(one_cell_try(returning(99), false, &other), -ENOSPC);
        ck_assert_int_eq(cell_kill(cell, 1, KILL_NOW), 0);
        serve_ended(2);
        ck_assert_uint_eq(last, GUEST_KILLED);
        other = load(returning(99));
        spawn(3, other);
        serve_ended(3);
        ck_assert_uint_eq(value, 99);
}
END_TEST

static uint64_t publish(struct code_arena *a, unsigned pages, int want)
{
        static const uint8_t code[16 * PAGE];
        uint64_t at = UINT64_MAX;

        ck_assert_int_eq(code_arena_publish(a, code, pages * PAGE - 100, &at, &err), want);
        return at / PAGE;
}

START_TEST(gaps_grow_together)
{
        struct code_arena a = { .fd = -EBADF };
        static const unsigned orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 0, 2, 1, 3 }, { 1, 3, 0, 2 }, { 2, 0, 3, 1 } };

        ck_assert_int_eq(code_arena_new(8 * PAGE, -EBADF, 0, 0, true, &a, &err), 0);
        for (unsigned i = 0; i < ELEMENTSOF(orders); i++) {
                for (unsigned k = 0; k < 4; k++)
                        ck_assert_uint_eq(publish(&a, 2, 0), 2 * k);
                publish(&a, 1, -ENOSPC);
                for (unsigned k = 0; k < 4; k++)
                        code_arena_retract(&a, orders[i][k] * 2 * PAGE, 2 * PAGE - 100);
                ck_assert_uint_eq(a.used, 0);
                ck_assert_uint_eq(a.ngaps, 0);
        }
        for (unsigned k = 0; k < 4; k++)
                publish(&a, 2, 0);
        code_arena_retract(&a, 2 * PAGE, 2 * PAGE - 100);
        publish(&a, 3, -ENOSPC);
        ck_assert_uint_eq(publish(&a, 1, 0), 2);
        ck_assert_uint_eq(publish(&a, 1, 0), 3);
        publish(&a, 1, -ENOSPC);
        code_arena_done(&a);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("unload"), *arena = tcase_create("arena");

        tcase_set_timeout(tc, 120);
        tcase_add_checked_fixture(tc, setup, one_cell_end);
        tcase_add_test(tc, room_is_used_again);
        tcase_add_test(tc, without_it_there_is_an_end);
        tcase_add_test(tc, a_guest_that_is_left_keeps_it);
        tcase_add_test(arena, gaps_grow_together);
        return unit_main("unload", (TCase *[]) { tc, arena }, 2);
}
