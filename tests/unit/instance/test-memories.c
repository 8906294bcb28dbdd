/* Memories beside the usual kind: how large they can be, how far they grow, and what lies beyond
 * 4 GiB. With code of the fast generator. */
#include <string.h>

#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

#define PAGES_16G UINT64_C(262144)

static const struct {
        const char *name;
        struct memtype type;
        uint64_t pages; /* to grow by */
        uint64_t old;   /* what memory.grow gives */
} grows[] = {
        { "32 bits to the last page", { { .min = 1 }, 16 }, 65535, 1 },
        { "32 bits and a page too many", { { .min = 1 }, 16 }, 65536, UINT64_MAX },
        { "64 bits without maximum, 4 GiB", { { .min = 2, .is_64 = true }, 16 }, 65534, 2 },
        { "64 bits without maximum, a page more", { { .min = 2, .is_64 = true }, 16 }, 65535, UINT64_MAX },
        { "64 bits as the maximum says",
          { { .min = 0, .max = 70000, .has_max = true, .is_64 = true }, 16 }, 70000, 0 },
        { "64 bits beyond the maximum",
          { { .min = 0, .max = 70000, .has_max = true, .is_64 = true }, 16 }, 70001, UINT64_MAX },
        { "64 bits beyond the limit",
          { { .min = 0, .max = UINT64_C(1) << 48, .has_max = true, .is_64 = true }, 16 },
          PAGES_16G + 1, UINT64_MAX },
        { "64 bits, pages that wrap",
          { { .min = 1, .max = UINT64_C(1) << 48, .has_max = true, .is_64 = true }, 16 },
          UINT64_MAX, UINT64_MAX },
        { "pages of bytes", { { .min = 1 }, 0 }, 4096, 1 },
        { "pages of bytes, as far as an i32 counts", { { .min = 1 }, 0 }, UINT32_MAX - 1, 1 },
        { "pages of bytes, one more", { { .min = 1 }, 0 }, UINT32_MAX, UINT64_MAX },
        { "pages of bytes, 64 bits", { { .min = 1, .is_64 = true }, 0 }, UINT32_MAX, 1 },
        { "pages of bytes, 64 bits, one more", { { .min = 1, .is_64 = true }, 0 },
          UINT64_C(1) << 32, UINT64_MAX },
};

START_TEST(memory_grows_within_its_room)
{
        struct memory_object *o = NULL;
        struct extern_value import = { .kind = EXTERN_MEMORY };
        struct instance *i;
        char wat[256];

        snprintf(wat, sizeof(wat), "(module (import \"h\" \"m\" (memory %s 0 %s%s))"
                 " (func (export \"f\") (param %s) (result %s) (memory.grow (local.get 0))))",
                 grows[_i].type.size.is_64 ? "i64" : "",
                 grows[_i].type.size.has_max ? "0x1000000000000" : "",
                 grows[_i].type.page_shift ? "" : "(pagesize 1)",
                 grows[_i].type.size.is_64 ? "i64" : "i32", grows[_i].type.size.is_64 ? "i64" : "i32");
        ck_assert_int_eq(store_new_memory(world.store, &grows[_i].type, &o, NULL), 0);
        import.memory = o;
        i = make(load_compiled(wat), &import);
        ck_assert_uint_eq(call_name(i, "f", grows[_i].pages, 0, 0, 0, 0),
                          grows[_i].type.size.is_64 ? grows[_i].old : (uint32_t)grows[_i].old);
}
END_TEST

static const struct { const char *name, *wat; } refused[] = {
        { "more than 16 GiB", "(module (memory i64 262145))" },
        { "as many pages as there can be", "(module (memory i64 0x1000000000000))" },
        { "as many bytes as there can be", "(module (memory i64 0xffffffffffffffff (pagesize 1)))" },
        { "a second memory", "(module (memory 1) (memory i64 262145))" },
};

START_TEST(memory_beyond_the_limit_is_refused)
{
        struct loaded_module *m = load_compiled(refused[_i].wat);
        struct instance *i = (void *)0x5a5a;
        struct error err = { 0 };

        ck_assert_int_eq(instance_create(world.store, m, NULL, NULL, &i, NULL, &err), -E2BIG);
        ck_assert_int_eq(err.stage, STAGE_INSTANTIATE);
        ck_assert_msg(strstr(err.text, "the limit is"), "%s", err.text);
        ck_assert_ptr_eq(i, (void *)0x5a5a);
}
END_TEST

START_TEST(host_memory_beyond_the_limit_is_refused)
{
        struct memtype type = { { .min = PAGES_16G + 1, .is_64 = true }, 16 };
        struct memory_object *o = (void *)0x5a5a;
        struct error err = { 0 };

        ck_assert_int_eq(store_new_memory(world.store, &type, &o, &err), -E2BIG);
        ck_assert_ptr_eq(o, (void *)0x5a5a);
}
END_TEST

/* Both ways to address: the instance's own memory, and one behind a descriptor. */
START_TEST(bytes_beyond_4_gib_are_reached)
{
        static const char wat[] =
                "(module (memory $a i64 65537 65540) (memory $b i64 65537 65540)"
                " (func (export \"f\") (param i64 i64) (result i64)"
                "  (i64.store $a (local.get 0) (local.get 1))"
                "  (i64.store $b offset=8 (local.get 0) (i64.const 5))"
                "  (memory.copy $b $a (local.get 0) (local.get 0) (i64.const 8))"
                "  (i64.add (i64.load $b (local.get 0)) (i64.load $b (i64.add (local.get 0) (i64.const 8)))))"
                " (func (export \"g\") (param i64) (result i64) (i64.load $a (local.get 0))))";
        struct instance *i;
        struct extern_value g;
        union value arg = { .i64 = (UINT64_C(65537) << 16) - 7 }, result;
        struct trap_info trap = { 0 };

        i = make(load_compiled(wat), NULL);
        ck_assert_uint_eq(call_name(i, "f", UINT64_C(1) << 32, 37, 0, 0, 0), 42);
        ck_assert_uint_eq(call_name(i, "g", UINT64_C(1) << 32, 0, 0, 0, 0), 37);
        ck_assert_uint_eq(call_name(i, "g", 0, 0, 0, 0, 0), 0);
        g = export_of(i, "g");
        ck_assert_int_eq(call(&g, &arg, &result, &trap), -EFAULT);
        ck_assert_int_eq(trap.trap, TRAP_MEMORY_BOUNDS);
}
END_TEST

/* Memories whose end is not a machine page's: own, own of 64 bits, second, and imported. */
static const struct { const char *name, *memories; bool is_64; } byte_cases[] = {
        { "own", "(memory $m 5 (pagesize 1))", false },
        { "64 bits", "(memory $m i64 5 (pagesize 1))", true },
        { "second", "(memory 1) (memory $m 5 (pagesize 1))", false },
        { "behind an import", "(import \"h\" \"m\" (memory 1)) (memory $m i64 5 (pagesize 1))", true },
};

START_TEST(last_byte_is_the_last)
{
        struct memtype type = { { .min = 1 }, 16 };
        struct extern_value import = { .kind = EXTERN_MEMORY }, f;
        union value args[2] = { { .i64 = 0 } }, result;
        struct trap_info trap = { 0 };
        struct instance *i;
        const char *a = byte_cases[_i].is_64 ? "i64" : "i32";
        char wat[1024];

        snprintf(wat, sizeof(wat),
                 "(module %s (data (memory $m) (%s.const 1) \"\\01\\02\\03\\04\")"
                 " (func (export \"load\") (param %s) (result i32) (i32.load16_u $m offset=1 (local.get 0)))"
                 " (func (export \"store\") (param %s) (i64.store32 $m (local.get 0) (i64.const 7)))"
                 " (func (export \"vector\") (param %s) (result i32) (i8x16.extract_lane_u 3"
                 "  (v128.load32_zero $m (local.get 0))))"
                 " (func (export \"const\") (result i32) (i32.load8_u $m (%s.const 5)))"
                 " (func (export \"grow\") (param %s) (result %s) (memory.grow $m (local.get 0))))",
                 byte_cases[_i].memories, a, a, a, a, a, a, a);
        ck_assert_int_eq(store_new_memory(world.store, &type, &import.memory, NULL), 0);
        i = make(load_compiled(wat), &import);
        ck_assert_uint_eq(call_name(i, "load", 2, 0, 0, 0, 0), 0x0403);
        ck_assert_uint_eq(call_name(i, "vector", 1, 0, 0, 0, 0), 4);
        for (unsigned k = 0; k < 4; k++) {
                static const struct { const char *name; uint64_t at; } beyond[] = {
                        { "load", 3 }, { "store", 2 }, { "vector", 2 }, { "const", 0 },
                };

                f = export_of(i, beyond[k].name);
                args[0].i64 = beyond[k].at;
                trap = (struct trap_info) { 0 };
                ck_assert_msg(call(&f, args, &result, &trap) == -EFAULT, "%s", beyond[k].name);
                ck_assert_int_eq(trap.trap, TRAP_MEMORY_BOUNDS);
        }
        ck_assert_uint_eq(call_name(i, "grow", 1, 0, 0, 0, 0), 5);
        ck_assert_uint_eq(call_name(i, "load", 3, 0, 0, 0, 0), 4);
        ck_assert_uint_eq(call_name(i, "const", 0, 0, 0, 0, 0), 0);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("memories");

        tcase_add_checked_fixture(tc, world_setup, world_teardown);
        tcase_add_loop_test(tc, memory_grows_within_its_room, 0, ELEMENTSOF(grows));
        tcase_add_loop_test(tc, memory_beyond_the_limit_is_refused, 0, ELEMENTSOF(refused));
        tcase_add_test(tc, host_memory_beyond_the_limit_is_refused);
        tcase_add_loop_test(tc, last_byte_is_the_last, 0, ELEMENTSOF(byte_cases));
        tcase_add_test(tc, bytes_beyond_4_gib_are_reached);
        return unit_main("memories", &tc, 1);
}
