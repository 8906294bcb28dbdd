#include <signal.h>
#include <string.h>

#include "engine/run/fiber.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

struct counter {
        struct fiber *fiber;
        unsigned id, steps, seen;
        double sum;
        bool ended;
};

static void count(void *argument)
{
        struct counter *c = argument;
        double sum = c->id; /* in callee-saved registers or on this stack across switches */

        for (unsigned i = 0; i < c->steps; i++) {
                ck_assert_ptr_eq(fiber_current(), c->fiber);
                c->seen++;
                sum += 0.5;
                fiber_suspend();
        }
        c->sum = sum;
}

START_TEST(thousands_interleave)
{
        enum { N = 3000 };
        struct counter *all = calloc(N, sizeof(*all));
        unsigned running = N, rounds = 0;

        for (unsigned i = 0; i < N; i++) {
                all[i] = (struct counter) { .id = i, .steps = 1 + i % 7 };
                ck_assert_int_eq(fiber_new(0, &all[i].fiber, NULL), 0);
                fiber_start(all[i].fiber, count, &all[i]);
        }
        for (; running; rounds++)
                for (unsigned i = 0; i < N; i++) {
                        if (all[i].ended)
                                continue;
                        all[i].ended = !fiber_resume(all[i].fiber);
                        ck_assert_ptr_null(fiber_current());
                        if (!all[i].ended)
                                continue;
                        running--;
                        ck_assert_uint_eq(all[i].seen, all[i].steps);
                        ck_assert(all[i].sum == i + all[i].steps * 0.5);
                }
        ck_assert_uint_eq(rounds, 8);
        for (unsigned i = 0; i < N; i++)
                fiber_free(all[i].fiber);
        free(all);
}
END_TEST

/* Uses most of the usual stack, and every page of it twice. */
static unsigned dig(unsigned depth)
{
        volatile uint8_t frame[4096];

        memset((void *)frame, (int)depth, sizeof(frame));
        if (depth == 0) {
                fiber_suspend();
                return 0;
        }
        return dig(depth - 1) + (frame[17] == (uint8_t)depth);
}

static void dig_entry(void *argument)
{
        unsigned *result = argument;

        *result = dig(200);
}

START_TEST(stacks_are_deep_and_apart)
{
        struct fiber *f[2];
        unsigned result[2] = { 0 };

        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(fiber_new(8 * FIBER_STACK_BYTES, &f[i], NULL), 0);
                fiber_start(f[i], dig_entry, &result[i]);
                ck_assert(fiber_resume(f[i]));
        }
        for (unsigned i = 0; i < 2; i++) {
                ck_assert(!fiber_resume(f[i]));
                ck_assert_uint_eq(result[i], 200);
                fiber_free(f[i]);
        }
}
END_TEST

static void resume_inner(void *argument)
{
        struct fiber *inner = argument, *self = fiber_current();

        while (fiber_resume(inner)) {
                ck_assert_ptr_eq(fiber_current(), self);
                fiber_suspend();
        }
        ck_assert_ptr_eq(fiber_current(), self);
}

static struct {
        uint8_t *low, *high;
} used;

/* All of the stack that can be written from here, with what must not be found again. */
static void fill_stack(void *argument)
{
        uint8_t *here = __builtin_frame_address(0);

        used.high = (uint8_t *)(((uintptr_t)here + 4095) & ~(uintptr_t)4095);
        used.low = used.high - FIBER_STACK_BYTES;
        for (volatile uint8_t *p = used.low; p < here - 4096; p += 64)
                *p = 0xa5;
        (void)argument;
}

static void find_nothing(void *argument)
{
        uint8_t *here = __builtin_frame_address(0);

        *(bool *)argument = here > used.low && here < used.high;
        for (const volatile uint8_t *p = used.low; p < here - 4096; p++)
                if (*p)
                        abort();
}

/* Whether or not the stack is the same again: nothing of the last one is on it. */
START_TEST(a_stack_that_is_used_again_is_empty)
{
        struct fiber *f;
        bool same = false;

        for (unsigned i = 0; i < 20; i++) {
                ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, NULL), 0);
                fiber_start(f, fill_stack, NULL);
                ck_assert(!fiber_resume(f));
                fiber_free(f);
                ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &f, NULL), 0);
                fiber_start(f, find_nothing, &same);
                ck_assert(!fiber_resume(f));
                ck_assert(same);
                fiber_free(f);
        }
}
END_TEST

START_TEST(a_fiber_resumes_another)
{
        struct counter c = { .steps = 3 };
        struct fiber *outer;
        unsigned n = 0;

        ck_assert_int_eq(fiber_new(0, &c.fiber, NULL), 0);
        ck_assert_int_eq(fiber_new(0, &outer, NULL), 0);
        fiber_start(c.fiber, count, &c);
        fiber_start(outer, resume_inner, c.fiber);
        while (fiber_resume(outer))
                n++;
        ck_assert_uint_eq(n, 3);
        ck_assert_uint_eq(c.seen, 3);

        /* An ended fiber starts anew on the same stack. */
        c = (struct counter) { .fiber = c.fiber, .steps = 1 };
        fiber_start(c.fiber, count, &c);
        ck_assert(fiber_resume(c.fiber));
        ck_assert(!fiber_resume(c.fiber));
        fiber_free(outer);
        fiber_free(c.fiber);
        fiber_free(NULL);
}
END_TEST

START_TEST(a_stack_too_large_is_refused)
{
        struct error err = { 0 };
        struct fiber *f = (void *)&err;

        ck_assert_int_eq(fiber_new(SIZE_MAX, &f, &err), -E2BIG);
        ck_assert_int_eq(err.code, -E2BIG);
        ck_assert_ptr_eq(f, &err);
        ck_assert_int_eq(fiber_new((size_t)1 << 60, &f, &err), -ENOMEM);
        ck_assert_ptr_eq(f, &err);
}
END_TEST

static void write_below(void *argument)
{
        volatile uint8_t here = 0;
        uintptr_t low = (uintptr_t)&here & ~(uintptr_t)4095;

        for (;; low -= 4096)
                *(volatile uint8_t *)low = here;
}

/* No handler is installed: the guard below the stack kills. */
START_TEST(the_guard_is_there)
{
        struct fiber *f;

        ck_assert_int_eq(fiber_new(0, &f, NULL), 0);
        fiber_start(f, write_below, NULL);
        fiber_resume(f);
}
END_TEST

START_TEST(an_ended_fiber_is_not_resumed)
{
        struct counter c = { 0 };

        ck_assert_int_eq(fiber_new(0, &c.fiber, NULL), 0);
        fiber_start(c.fiber, count, &c);
        ck_assert(!fiber_resume(c.fiber));
        fiber_resume(c.fiber);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("fiber");

        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, thousands_interleave);
        tcase_add_test(tc, stacks_are_deep_and_apart);
        tcase_add_test(tc, a_stack_that_is_used_again_is_empty);
        tcase_add_test(tc, a_fiber_resumes_another);
        tcase_add_test(tc, a_stack_too_large_is_refused);
        tcase_add_test_raise_signal(tc, the_guard_is_there, SIGSEGV);
        tcase_add_test_raise_signal(tc, an_ended_fiber_is_not_resumed, SIGABRT);
        return unit_main("fiber", &tc, 1);
}
