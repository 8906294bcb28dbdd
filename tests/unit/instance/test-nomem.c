/* Each allocation between a store and a finished instance fails once: an error, and nothing lost. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

static const char wat[] =
        "(module (type (func (param i64) (result i64))) (import \"h\" \"f\" (func $f (type 0)))"
        " (memory 1) (table $t 100 funcref) (table 3 externref) (global funcref (ref.func $g))"
        " (func $g (type 0) unreachable) (func $h (export \"h\") (type 0) unreachable)"
        " (elem (i32.const 3) $g $f $h) (data (i32.const 0) \"x\") (data \"passive\")"
        " (export \"t\" (table $t)) (export \"f\" (func $f)))";

static uint64_t host_f(uint64_t a)
{
        return a;
}

static const struct host_function host = { "h", "f", "I", "I", (void *)host_f };

/* All of it, and a second instance that shares the first one's table. */
static int build(struct store **store, struct error *err)
{
        struct extern_value import = { .kind = EXTERN_FUNC, .host = &host };
        struct loaded_module *m;
        struct instance *i;
        int r = store_new(&(struct store_options) { 0 }, store, err);

        if (r == 0)
                r = loaded_module_new(*store, world.artefacts[0], world.code[0], -EBADF, &m, err);
        if (r == 0)
                r = instance_create(*store, m, &import, NULL, &i, NULL, err);
        if (r == 0)
                r = instance_export(i, "t", 1, &import);
        if (r == 0)
                r = loaded_module_new(*store, world.artefacts[1], world.code[1], -EBADF, &m, err);
        if (r == 0)
                r = instance_create(*store, m, &import, NULL, &i, NULL, err);
        return r;
}

START_TEST(every_allocation_may_fail)
{
        static const char user[] = "(module (import \"a\" \"t\" (table 1 funcref)))";
        size_t before, after;
        uint64_t n;

        load(wat, NULL, 0, -EBADF);
        load(user, NULL, 0, -EBADF);
        for (n = 1; n < 1000; n++) {
                struct store *store = NULL;
                struct error err = { 0 };
                bool failed;
                int r;

                before = heap_bytes();
                heap_fail_at(n);
                r = build(&store, &err);
                failed = heap_has_failed();
                heap_fail_at(0);
                store_free(store);
                after = heap_bytes(); /* before an assertion allocates */
                ck_assert_uint_eq(after, before);
                if (!failed) {
                        ck_assert_int_eq(r, 0);
                        break;
                }
                ck_assert_int_eq(r, -ENOMEM);
                ck_assert_int_eq(err.code, -ENOMEM);
                ck_assert(err.text[0] != '\0');
        }
        ck_assert_uint_gt(n, 8);
        ck_assert_uint_lt(n, 1000);
}
END_TEST

START_TEST(a_fiber_may_fail)
{
        struct error err = { 0 };
        struct fiber *f = NULL;

        heap_fail_at(1);
        ck_assert_int_eq(fiber_new(0, &f, &err), -ENOMEM);
        heap_fail_at(0);
        ck_assert_int_eq(err.code, -ENOMEM);
        ck_assert_ptr_null(f);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("nomem");

        tcase_add_checked_fixture(tc, world_setup, world_teardown);
        tcase_add_test(tc, every_allocation_may_fail);
        tcase_add_test(tc, a_fiber_may_fail);
        return unit_main("nomem", &tc, 1);
}
