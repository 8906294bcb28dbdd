/* Functions between two stores: what crosses, what is refused, and that each keeps what is its own. */
#include <string.h>

#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

static struct store *theirs;

static void setup(void)
{
        world_setup();
        ck_assert_int_eq(store_new(&(struct store_options) { .memory_max_bytes = 131072 }, &theirs, NULL), 0);
}

static void teardown(void)
{
        store_free(theirs);
        theirs = NULL;
        world_teardown();
}

/* In the other store. */
static struct instance *make_theirs(const char *wat)
{
        struct store *ours = world.store;
        struct instance *i;

        world.store = theirs;
        i = make(load_compiled(wat), NULL);
        world.store = ours;
        return i;
}

static const char library[] =
        "(module (tag $t (param i32)) (global $g (export \"global\") (mut i32) (i32.const 0))"
        " (table (export \"table\") 1 funcref) (memory (export \"memory\") 1)"
        " (type $shape (func (param i32 i64 f32 f64) (result f64)))"
        " (func (export \"sum\") (type $shape) (f64.add (f64.add (f64.convert_i32_s (local.get 0))"
        " (f64.convert_i64_s (local.get 1))) (f64.add (f64.promote_f32 (local.get 2)) (local.get 3))))"
        " (func (export \"two\") (param i32) (result i32 i32) (local.get 0) (i32.const 7))"
        " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
        " (func (export \"store\") (param i32) (i32.store (i32.const 16) (local.get 0)))"
        " (func (export \"load\") (result i32) (i32.load (i32.const 16)))"
        " (func (export \"trap\") (unreachable))"
        " (func (export \"throw\") (throw $t (i32.const 1)))"
        " (func (export \"refs\") (param externref)))";

static const struct {
        const char *name, *import, *wat; /* the function f behind the import */
        uint64_t args[2], result;
} calls[] = {
        { "values of each kind", "sum", "(import \"l\" \"sum\" (func $l (param i32 i64 f32 f64) (result f64)))"
          " (func (export \"f\") (param i32 i32) (result i32) (i32.trunc_f64_s"
          " (call $l (local.get 0) (i64.const 20) (f32.const 300) (f64.const 4000))))", { 1, 0 }, 4321 },
        { "several results", "two", "(import \"l\" \"two\" (func $l (param i32) (result i32 i32)))"
          " (func (export \"f\") (param i32 i32) (result i32) (i32.mul (call $l (local.get 0))))", { 6, 0 }, 42 },
        { "a type that is number 9 here", "two",
          "(type (func)) (type (func (param f32))) (type (func (param f64))) (type (func (param i64)))"
          " (import \"l\" \"two\" (func $l (param i32) (result i32 i32)))"
          " (func (export \"f\") (param i32 i32) (result i32) (i32.sub (call $l (local.get 0))))", { 9, 0 }, 2 },
        { "from a table, by the type of the import", "two",
          "(type (func)) (type $t (func (param i32) (result i32 i32)))"
          " (import \"l\" \"two\" (func $l (type $t))) (table funcref (elem $l))"
          " (func (export \"f\") (param i32 i32) (result i32)"
          " (i32.mul (call_indirect (type $t) (local.get 0) (local.get 1))))", { 6, 0 }, 42 },
        { "by a reference", "two",
          "(type (func)) (type $t (func (param i32) (result i32 i32)))"
          " (import \"l\" \"two\" (func $l (type $t))) (elem declare func $l)"
          " (func (export \"f\") (param i32 i32) (result i32)"
          " (i32.mul (call_ref $t (local.get 0) (ref.func $l))))", { 6, 0 }, 42 },
        { "an exception that is caught", "throw",
          "(import \"l\" \"throw\" (func $l)) (tag $t (param i32)) (func (export \"f\") (param i32 i32) (result i32)"
          " (block $a (block $h (result i32) (try_table (catch $t $h) (catch_all $a) (call $l)) (unreachable))"
          " (return)) (i32.const 5))", { 0, 0 }, 5 },
        { "many exceptions that are kept for a while", "throw",
          "(import \"l\" \"throw\" (func $l)) (tag) (func (export \"f\") (param i32 i32) (result i32)"
          " (loop $n (block $h (result exnref) (try_table (catch_all_ref $h) (call $l)) (unreachable)) (drop)"
          " (br_if $n (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 3))", { 1000, 0 }, 3 },
};

START_TEST(functions_cross)
{
        struct instance *l = make_theirs(library);
        struct extern_value import = export_of(l, calls[_i].import);
        struct instance *i = make(load_compiled(calls[_i].wat), &import);

        for (unsigned n = 0; n < 3; n++)
                ck_assert_uint_eq(call_name(i, "f", calls[_i].args[0], calls[_i].args[1], 0, 0, 0),
                                  calls[_i].result);
}
END_TEST

static const struct {
        const char *name, *import, *wat, *says;
} refusals[] = {
        { "memory", "memory", "(import \"l\" \"memory\" (memory 1))", "\"l\" \"memory\": only functions cross" },
        { "table", "table", "(import \"l\" \"table\" (table 1 funcref))", "\"l\" \"table\": only functions cross" },
        { "global", "global", "(import \"l\" \"global\" (global (mut i32)))", "\"l\" \"global\": only functions cross" },
        { "a reference", "refs", "(import \"l\" \"refs\" (func (param externref)))", "references do not cross" },
        { "another parameter", "two", "(import \"l\" \"two\" (func (param i64) (result i32 i32)))", "\"l\" \"two\"" },
        { "another result", "two", "(import \"l\" \"two\" (func (param i32) (result i32)))", "\"l\" \"two\"" },
        { "a reference where there is none", "two", "(import \"l\" \"two\" (func (param funcref) (result i32 i32)))",
          "references do not cross" },
};

START_TEST(the_rest_is_refused)
{
        struct instance *l = make_theirs(library), *none = (struct instance *)&refusals;
        struct extern_value import = export_of(l, refusals[_i].import);
        struct instance *i = none;
        struct error err = { 0 };

        ck_assert_int_eq(instance_create(world.store, load_compiled(refusals[_i].wat), &import, NULL, &i, NULL, &err),
                         -EINVAL);
        ck_assert_msg(strstr(err.text, refusals[_i].says) != NULL, "%s", err.text);
        ck_assert_ptr_eq(i, none);
}
END_TEST

START_TEST(what_is_passed_on_is_refused)
{
        struct instance *l = make_theirs(library), *i = NULL;
        struct extern_value import = export_of(l, "load");
        struct store *ours = world.store;
        struct error err = { 0 };
        struct instance *middle;

        world.store = theirs;
        middle = make(load_compiled("(import \"l\" \"load\" (func (result i32))) (export \"load\" (func 0))"), &import);
        world.store = ours;
        import = export_of(middle, "load");
        ck_assert_int_eq(instance_create(world.store, load_compiled("(import \"l\" \"load\" (func (result i32)))"),
                                         &import, NULL, &i, NULL, &err), -EINVAL);
        ck_assert_msg(strstr(err.text, "only passes on") != NULL, "%s", err.text);
}
END_TEST

/* Memories and their limits are each store's own. */
START_TEST(memory_stays_apart)
{
        struct instance *l = make_theirs("(module (memory 1) (func (export \"grow\") (param i32) (result i32)"
                                         " (memory.grow (local.get 0))) (func (export \"store\") (param i32)"
                                         " (i32.store (i32.const 16) (local.get 0)))"
                                         " (func (export \"load\") (result i32) (i32.load (i32.const 16))))");
        struct extern_value imports[] = { export_of(l, "grow"), export_of(l, "store"), export_of(l, "load") };
        struct instance *i = make(load_compiled(
                "(import \"l\" \"grow\" (func $grow (param i32) (result i32)))"
                " (import \"l\" \"store\" (func $store (param i32))) (import \"l\" \"load\" (func $load (result i32)))"
                " (memory 1) (func (export \"theirs\") (param i32) (result i32) (call $grow (local.get 0)))"
                " (func (export \"ours\") (param i32) (result i32) (memory.grow (local.get 0)))"
                " (func (export \"f\") (result i32) (call $store (i32.const 77))"
                " (i32.add (i32.load (i32.const 16)) (call $load)))"), imports);
        struct instance_usage ours, other;

        ck_assert_uint_eq(call_name(i, "f", 0, 0, 0, 0, 0), 77);
        ck_assert_uint_eq(call_name(i, "theirs", 1, 0, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(i, "theirs", 1, 0, 0, 0, 0) & UINT32_MAX, UINT32_MAX);
        ck_assert_uint_eq(call_name(i, "ours", 9, 0, 0, 0, 0), 1);
        instance_usage(i, &ours);
        instance_usage(l, &other);
        ck_assert_uint_eq(ours.memory_bytes, 10 * 65536);
        ck_assert_uint_eq(ours.memory_refused, 0);
        ck_assert_uint_eq(other.memory_bytes, 2 * 65536);
        ck_assert_uint_eq(other.memory_refused, 1);
}
END_TEST

START_TEST(a_trap_ends_both)
{
        struct instance *l = make_theirs(library);
        struct extern_value import = export_of(l, "trap");
        struct instance *i = make(load_compiled("(import \"l\" \"trap\" (func $t)) (func (export \"f\") (call $t))"),
                                  &import);
        struct extern_value f = export_of(i, "f");
        struct trap_info trap = { 0 };

        ck_assert_int_eq(call(&f, NULL, NULL, &trap), -EFAULT);
        ck_assert_int_eq(trap.trap, TRAP_UNREACHABLE);
        ck_assert_uint_eq(trap.nframes, 2);
        ck_assert_ptr_eq(trap.frames[0].instance, l);
        ck_assert_ptr_eq(trap.frames[1].instance, i);
}
END_TEST

START_TEST(an_exception_that_nobody_catches)
{
        struct instance *l = make_theirs(library);
        struct extern_value import = export_of(l, "throw");
        struct instance *i = make(load_compiled("(import \"l\" \"throw\" (func $t)) (func (export \"f\") (call $t))"),
                                  &import);
        struct extern_value f = export_of(i, "f");
        struct trap_info trap = { 0 };

        ck_assert_int_eq(call(&f, NULL, NULL, &trap), -EFAULT);
        ck_assert_int_eq(trap.trap, TRAP_UNCAUGHT_EXCEPTION);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("across");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, functions_cross, 0, ELEMENTSOF(calls));
        tcase_add_loop_test(tc, the_rest_is_refused, 0, ELEMENTSOF(refusals));
        tcase_add_test(tc, what_is_passed_on_is_refused);
        tcase_add_test(tc, memory_stays_apart);
        tcase_add_test(tc, a_trap_ends_both);
        tcase_add_test(tc, an_exception_that_nobody_catches);
        return unit_main("across", &tc, 1);
}
