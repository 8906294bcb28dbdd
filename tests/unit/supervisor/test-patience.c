/* test-patience.c - a cell that does not answer, or died: who loads a module there is not held up, and its guests are
 * told of. */
#include "config.h"

#include <signal.h>
#include <string.h>

#include "supervisor/broker/guests_state.h"
#include "tests/unit/supervisor/one_cell.h"
#include "tests/unit/unit.h"

static unsigned ended, lost;
static enum guest_end last;
static char why[600];

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        ended++;
        last = e->end;
}

static void on_lost(void *context, const char *text)
{
        lost++;
        snprintf(why, sizeof(why), "%s", text);
}

static struct guest_spec spec;

/* A guest that spins, and is there. */
static void setup(void)
{
        static const struct guest_events events = { .ended = on_ended, .lost = on_lost };

        ended = lost = 0;
        one_cell_begin();
        one_cell_open(&events, 1 << 20, 1);
        spec = one_cell_spec(1, one_cell_load("(module (func (export \"_start\") (loop br 0)))", false));
        ck_assert_int_eq(cell_spawn(cell, &spec, &err), 0);
        ck_assert(!cell_pending(cell));
        cell->b->patience_ns = UINT64_C(300000000);
}

static void another_load_fails(const char *text)
{
        uint32_t module = 77;

        ck_assert_int_eq(one_cell_try("(module)", false, &module), -EPIPE);
        ck_assert_ptr_nonnull(strstr(err.text, text));
        ck_assert_uint_eq(module, 77);
        ck_assert(cell_pending(cell));
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_uint_eq(lost, 1);
        ck_assert_ptr_nonnull(strstr(why, text));
        ck_assert_uint_eq(ended, spec.guest);
        ck_assert_int_eq(last, GUEST_LOST);
}

START_TEST(one_that_does_not_answer)
{
        ck_assert_int_eq(kill(cell_pid(cell), SIGSTOP), 0);
        another_load_fails("ended: it did not answer");
}
END_TEST

START_TEST(one_that_does_not_read)
{
        ck_assert_int_eq(kill(cell_pid(cell), SIGSTOP), 0);
        do {
                spec.guest++;
                ck_assert_int_eq(cell_spawn(cell, &spec, &err), 0);
        } while (!cell->out);
        another_load_fails("ended: it did not answer");
}
END_TEST

START_TEST(one_that_died)
{
        ck_assert_int_eq(kill(cell_pid(cell), SIGKILL), 0);
        another_load_fails("lost: killed by signal 9");
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("patience");

        tcase_add_checked_fixture(tc, setup, one_cell_end);
        tcase_add_test(tc, one_that_does_not_answer);
        tcase_add_test(tc, one_that_does_not_read);
        tcase_add_test(tc, one_that_died);
        return unit_main("patience", &tc, 1);
}
