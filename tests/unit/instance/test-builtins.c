#include <string.h>

#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

/* Every builtin behind an export of its name, for memory 0 and tables 0 and 1 of a provider. */
static const char wat[] =
        "(module"
        " (memory (export \"m\") 1 3)"
        " (table (export \"funcs\") 10 20 funcref)"
        " (table (export \"words\") 5 externref)"
        " (elem $e func $f $g $f)"
        " (data $d \"0123456789\")"
        " (func $f (result i32) unreachable) (func $g (result i32) unreachable)"
        " (func (export \"memory_grow\") (param i32 i64) (result i64) unreachable)"
        " (func (export \"memory_fill\") (param i32 i64 i32 i64) unreachable)"
        " (func (export \"memory_copy\") (param i32 i32 i64 i64 i64) unreachable)"
        " (func (export \"memory_init\") (param i32 i32 i64 i64 i64) unreachable)"
        " (func (export \"data_drop\") (param i32) unreachable)"
        " (func (export \"table_get\") (param i32 i64) (result i64) unreachable)"
        " (func (export \"table_set\") (param i32 i64 i64) unreachable)"
        " (func (export \"table_grow\") (param i32 i64 i64) (result i64) unreachable)"
        " (func (export \"table_fill\") (param i32 i64 i64 i64) unreachable)"
        " (func (export \"table_copy\") (param i32 i32 i64 i64 i64) unreachable)"
        " (func (export \"table_init\") (param i32 i32 i64 i64 i64) unreachable)"
        " (func (export \"elem_drop\") (param i32) unreachable)"
        " (func (export \"ref_func\") (param i32) (result i64) unreachable)"
        " (func (export \"run\") (param i32) (result i32) unreachable))";

static struct instance *guest;
static uint8_t *memory;

static void setup(void)
{
        struct layout l = layout_of(wat);
        const struct forged_code code[] = {
                RETURN_CONST(1),          RETURN_CONST(2),          CALL_BUILTIN(memory_grow),
                CALL_BUILTIN(memory_fill), CALL_BUILTIN(memory_copy), CALL_BUILTIN(memory_init),
                CALL_BUILTIN(data_drop),  CALL_BUILTIN(table_get),  CALL_BUILTIN(table_set),
                CALL_BUILTIN(table_grow), CALL_BUILTIN(table_fill), CALL_BUILTIN(table_copy),
                CALL_BUILTIN(table_init), CALL_BUILTIN(elem_drop),  CALL_BUILTIN(ref_func),
                CALL_TABLE(l, 0),
        };
        uint64_t bytes;

        world_setup();
        guest = make(load(wat, code, ELEMENTSOF(code), -EBADF), NULL);
        memory = instance_memory(guest, &bytes);
}

static enum trap try_name(const char *name, const uint64_t a[static 5])
{
        struct extern_value f = export_of(guest, name);
        union value args[5], result;
        struct trap_info trap = { 0 };

        for (unsigned k = 0; k < 5; k++)
                args[k].i64 = a[k];
        return call(&f, args, &result, &trap) < 0 ? trap.trap : TRAP_NONE;
}

#define P64 UINT64_C(65536)

static const struct {
        const char *name;
        uint64_t args[5];
        enum trap trap;
} bounds[] = {
        { "memory_fill", { 0, P64, 1, 0 }, TRAP_NONE },
        { "memory_fill", { 0, P64 + 1, 1, 0 }, TRAP_MEMORY_BOUNDS },
        { "memory_fill", { 0, P64 - 1, 1, 2 }, TRAP_MEMORY_BOUNDS },
        { "memory_fill", { 0, 0, 1, P64 + 1 }, TRAP_MEMORY_BOUNDS },
        { "memory_fill", { 0, 1, 1, UINT64_MAX }, TRAP_MEMORY_BOUNDS },
        { "memory_fill", { 0, UINT32_MAX, 1, UINT32_MAX }, TRAP_MEMORY_BOUNDS },
        { "memory_copy", { 0, 0, P64, P64, 0 }, TRAP_NONE },
        { "memory_copy", { 0, 0, 0, P64 - 1, 2 }, TRAP_MEMORY_BOUNDS },
        { "memory_copy", { 0, 0, P64 - 1, 0, 2 }, TRAP_MEMORY_BOUNDS },
        { "memory_copy", { 0, 0, 2, 1, UINT64_MAX }, TRAP_MEMORY_BOUNDS },
        { "memory_copy", { 0, 0, UINT64_MAX, 0, 2 }, TRAP_MEMORY_BOUNDS },
        { "memory_init", { 0, 0, 0, 10, 0 }, TRAP_NONE },
        { "memory_init", { 0, 0, 0, 11, 0 }, TRAP_MEMORY_BOUNDS },
        { "memory_init", { 0, 0, 0, 5, 6 }, TRAP_MEMORY_BOUNDS },
        { "memory_init", { 0, 0, P64 - 1, 0, 2 }, TRAP_MEMORY_BOUNDS },
        { "memory_init", { 0, 0, 0, 2, UINT64_MAX }, TRAP_MEMORY_BOUNDS },
        { "table_get", { 0, 9 }, TRAP_NONE },
        { "table_get", { 0, 10 }, TRAP_TABLE_BOUNDS },
        { "table_get", { 1, UINT64_MAX }, TRAP_TABLE_BOUNDS },
        { "table_set", { 1, 5, 0 }, TRAP_TABLE_BOUNDS },
        { "table_set", { 0, UINT32_MAX, 0 }, TRAP_TABLE_BOUNDS },
        { "table_fill", { 0, 10, 0, 0 }, TRAP_NONE },
        { "table_fill", { 0, 9, 0, 2 }, TRAP_TABLE_BOUNDS },
        { "table_fill", { 0, 2, 0, UINT64_MAX }, TRAP_TABLE_BOUNDS },
        { "table_copy", { 0, 0, 10, 10, 0 }, TRAP_NONE },
        { "table_copy", { 0, 0, 11, 0, 0 }, TRAP_TABLE_BOUNDS },
        { "table_copy", { 1, 1, 0, 4, 2 }, TRAP_TABLE_BOUNDS },
        { "table_copy", { 1, 1, 4, 0, UINT64_MAX - 3 }, TRAP_TABLE_BOUNDS },
        { "table_init", { 0, 0, 0, 3, 0 }, TRAP_NONE },
        { "table_init", { 0, 0, 0, 2, 2 }, TRAP_TABLE_BOUNDS },
        { "table_init", { 0, 0, 9, 0, 2 }, TRAP_TABLE_BOUNDS },
        { "table_init", { 0, 0, 1, 1, UINT64_MAX }, TRAP_TABLE_BOUNDS },
};

START_TEST(bounds_are_checked_before_a_byte_is_written)
{
        uint8_t *before = malloc(P64);

        for (unsigned k = 0; k < P64; k++)
                memory[k] = (uint8_t)(k * 7);
        memcpy(before, memory, P64);
        ck_assert_uint_eq(try_name(bounds[_i].name, bounds[_i].args), bounds[_i].trap);
        ck_assert_mem_eq(memory, before, P64);
        for (unsigned k = 0; k < 10; k++)
                ck_assert_uint_eq(call_name(guest, "table_get", 0, k, 0, 0, 0), 0);
        free(before);
}
END_TEST

START_TEST(memory_builtins_work)
{
        call_name(guest, "memory_fill", 0, 100, 0x1ab, 10, 0);
        for (unsigned k = 99; k < 111; k++)
                ck_assert_uint_eq(memory[k], k == 99 || k == 110 ? 0 : 0xab);
        call_name(guest, "memory_init", 0, 0, 200, 3, 5);
        ck_assert_mem_eq(memory + 199, "\0" "34567", 7);
        call_name(guest, "memory_copy", 0, 0, 202, 200, 5);
        ck_assert_mem_eq(memory + 200, "3434567", 8);
        call_name(guest, "data_drop", 0, 0, 0, 0, 0);
        ck_assert_uint_eq(try_name("memory_init", (uint64_t[5]) { 0, 0, 0, 0, 1 }), TRAP_MEMORY_BOUNDS);
        ck_assert_uint_eq(try_name("memory_init", (uint64_t[5]) { 0, 0, 0, 0, 0 }), TRAP_NONE);

        ck_assert_uint_eq(call_name(guest, "memory_grow", 0, UINT64_MAX, 0, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(call_name(guest, "memory_grow", 0, 3, 0, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(call_name(guest, "memory_grow", 0, 0, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(guest, "memory_grow", 0, 2, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(guest, "memory_grow", 0, 1, 0, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(memory[3 * P64 - 1], 0);
        ck_assert_uint_eq(try_name("memory_fill", (uint64_t[5]) { 0, 3 * P64 - 1, 5, 1 }), TRAP_NONE);
        ck_assert_uint_eq(memory[3 * P64 - 1], 5);
}
END_TEST

START_TEST(table_builtins_work)
{
        uint64_t f, g;

        call_name(guest, "table_init", 0, 0, 2, 0, 3);
        f = call_name(guest, "table_get", 0, 2, 0, 0, 0);
        g = call_name(guest, "table_get", 0, 3, 0, 0, 0);
        ck_assert_uint_ne(f, 0);
        ck_assert_uint_ne(g, f);
        ck_assert_uint_eq(call_name(guest, "table_get", 0, 4, 0, 0, 0), f);
        ck_assert_uint_eq(call_name(guest, "ref_func", 1, 0, 0, 0, 0), g);
        ck_assert_uint_eq(call_name(guest, "run", 2, 0, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(guest, "run", 3, 0, 0, 0, 0), 2);
        call_name(guest, "table_set", 0, 9, g, 0, 0);
        ck_assert_uint_eq(call_name(guest, "run", 9, 0, 0, 0, 0), 2);
        call_name(guest, "table_fill", 0, 6, f, 3, 0);
        ck_assert_uint_eq(call_name(guest, "run", 8, 0, 0, 0, 0), 1);
        call_name(guest, "table_copy", 0, 0, 7, 8, 2); /* f g */
        ck_assert_uint_eq(call_name(guest, "run", 7, 0, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(guest, "run", 8, 0, 0, 0, 0), 2);
        ck_assert_uint_eq(call_name(guest, "table_grow", 0, f, 11, 0, 0), UINT64_MAX);
        ck_assert_uint_eq(call_name(guest, "table_grow", 0, f, 10, 0, 0), 10);
        ck_assert_uint_eq(call_name(guest, "run", 19, 0, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(guest, "run", 8, 0, 0, 0, 0), 2);
        call_name(guest, "table_set", 0, 19, 0, 0, 0);
        ck_assert_uint_eq(call_name(guest, "table_get", 0, 19, 0, 0, 0), 0);
        call_name(guest, "elem_drop", 0, 0, 0, 0, 0);
        ck_assert_uint_eq(try_name("table_init", (uint64_t[5]) { 0, 0, 0, 0, 1 }), TRAP_TABLE_BOUNDS);

        call_name(guest, "table_set", 1, 1, 0x1234567890, 0, 0);
        call_name(guest, "table_fill", 1, 2, 42, 2, 0);
        call_name(guest, "table_copy", 1, 1, 0, 1, 2);
        ck_assert_uint_eq(call_name(guest, "table_get", 1, 0, 0, 0, 0), 0x1234567890);
        ck_assert_uint_eq(call_name(guest, "table_get", 1, 1, 0, 0, 0), 42);
        ck_assert_uint_eq(call_name(guest, "table_grow", 1, 77, 1000, 0, 0), 5);
        ck_assert_uint_eq(call_name(guest, "table_get", 1, 1004, 0, 0, 0), 77);
        ck_assert_uint_eq(call_name(guest, "table_get", 1, 4, 0, 0, 0), 0);
}
END_TEST

/* A second instance puts its function into the table that the first calls through, and the other
 * way round; both have a memory that says whose code ran. */
static const char other_wat[] =
        "(module (import \"a\" \"funcs\" (table $t 10 funcref)) (memory 1)"
        " (data (i32.const 0) \"\\37\")"
        " (table $own 4 funcref)"
        " (func $f (result i32) unreachable)"
        " (elem (i32.const 5) func $f)"
        " (func (export \"run\") (param i32) (result i32) unreachable)"
        " (func (export \"run_own\") (param i32) (result i32) unreachable)"
        " (func (export \"table_copy\") (param i32 i32 i64 i64 i64) unreachable)"
        " (func (export \"table_grow\") (param i32 i64 i64) (result i64) unreachable)"
        " (func (export \"table_get\") (param i32 i64) (result i64) unreachable))";

START_TEST(shared_tables_switch)
{
        struct layout l = layout_of(other_wat);
        const struct forged_code code[] = {
                LOAD_CONST(0), CALL_TABLE(l, 0), CALL_TABLE(l, 1), CALL_BUILTIN(table_copy),
                CALL_BUILTIN(table_grow), CALL_BUILTIN(table_get),
        };
        struct loaded_module *m = load(other_wat, code, ELEMENTSOF(code), -EBADF);
        struct extern_value table = export_of(guest, "funcs");
        struct instance *other, *third;
        uint64_t ref;

        call_name(guest, "table_init", 0, 0, 2, 0, 2); /* direct entries, before anybody shares */
        ref = call_name(guest, "table_get", 0, 3, 0, 0, 0);
        other = make(m, &table);
        ck_assert_uint_eq(call_name(guest, "table_get", 0, 3, 0, 0, 0), ref);
        ck_assert_uint_eq(call_name(other, "table_get", 0, 3, 0, 0, 0), ref);
        for (unsigned round = 0; round < 3; round++) {
                ck_assert_uint_eq(call_name(guest, "run", 3, 0, 0, 0, 0), 2);
                ck_assert_uint_eq(call_name(other, "run", 3, 0, 0, 0, 0), 2);
                ck_assert_uint_eq(call_name(guest, "run", 5, 0, 0, 0, 0), 0x37);
                ck_assert_uint_eq(call_name(other, "run", 5, 0, 0, 0, 0), 0x37);
        }

        /* Into the private table and back: direct and canonical forms of two instances. */
        call_name(other, "table_copy", 1, 0, 0, 2, 4);
        ck_assert_uint_eq(call_name(other, "run_own", 1, 0, 0, 0, 0), 2);
        ck_assert_uint_eq(call_name(other, "run_own", 3, 0, 0, 0, 0), 0x37);
        call_name(other, "table_copy", 0, 1, 6, 0, 4);
        ck_assert_uint_eq(call_name(guest, "run", 7, 0, 0, 0, 0), 2);
        ck_assert_uint_eq(call_name(guest, "run", 9, 0, 0, 0, 0), 0x37);
        ck_assert_uint_eq(call_name(other, "table_get", 0, 8, 0, 0, 0), 0);

        /* Growth is seen by all. */
        ck_assert_uint_eq(call_name(other, "table_grow", 0, ref, 10, 0, 0), 10);
        ck_assert_uint_eq(call_name(guest, "run", 19, 0, 0, 0, 0), 2);
        third = make(m, &table);
        ck_assert_uint_eq(call_name(third, "run", 19, 0, 0, 0, 0), 2);
        ck_assert_uint_eq(call_name(guest, "run", 5, 0, 0, 0, 0), 0x37);
}
END_TEST

static const char memory_wat[] =
        "(module (import \"a\" \"m\" (memory 1 3))"
        " (func (export \"grow\") (param i32 i64) (result i64) unreachable)"
        " (func (export \"size\") (result i64) unreachable)"
        " (func (export \"base\") (result i64) unreachable))";

START_TEST(shared_memories_grow_together)
{
        struct layout l = layout_of(memory_wat), own = layout_of(wat);
        const struct forged_code code[] = {
                CALL_BUILTIN(memory_grow),
                FORGED(0x65, 0x48, 0x8b, 0x04, 0x25, D32(l.memories + 8), 0xc3),
                FORGED(0x65, 0x48, 0x8b, 0x04, 0x25, D32(l.memories), 0xc3),
        };
        struct loaded_module *m = load(memory_wat, code, ELEMENTSOF(code), -EBADF);
        struct extern_value v = export_of(guest, "m");
        struct instance *a = make(m, &v), *b = make(m, &v);
        struct memory_object *mine;
        struct memtype type = { { .min = 1, .max = 2, .has_max = true }, 16 };
        const struct memory_desc *desc = (void *)((uint8_t *)instance_base(guest) + own.memories);

        ck_assert_uint_eq(call_name(a, "base", 0, 0, 0, 0, 0), (uintptr_t)memory);
        ck_assert_uint_eq(call_name(a, "grow", 0, 1, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(a, "size", 0, 0, 0, 0, 0), 2 * P64);
        ck_assert_uint_eq(call_name(b, "size", 0, 0, 0, 0, 0), 2 * P64);
        ck_assert_uint_eq(desc->bytes, 2 * P64);
        ck_assert_uint_eq(call_name(guest, "memory_grow", 0, 1, 0, 0, 0), 2);
        ck_assert_uint_eq(call_name(b, "size", 0, 0, 0, 0, 0), 3 * P64);

        ck_assert_int_eq(store_new_memory(world.store, &type, &mine, NULL), 0);
        v = (struct extern_value) { .kind = EXTERN_MEMORY, .memory = mine };
        a = make(m, &v);
        ck_assert_uint_eq(call_name(a, "grow", 0, 1, 0, 0, 0), 1);
        ck_assert_uint_eq(call_name(a, "grow", 0, 1, 0, 0, 0), UINT64_MAX);
}
END_TEST

/* The host's own table, and a host function as an element of it. */
static uint32_t host_seven(void)
{
        return 7;
}

START_TEST(host_items_are_shared)
{
        static const char user[] =
                "(module (import \"h\" \"t\" (table 3 funcref)) (import \"h\" \"f\" (func $f (result i32)))"
                " (memory 1) (elem (i32.const 1) func $f)"
                " (func (export \"run\") (param i32) (result i32) unreachable)"
                " (func (export \"table_get\") (param i32 i64) (result i64) unreachable)"
                " (func (export \"table_set\") (param i32 i64 i64) unreachable))";
        static const struct host_function seven = { "h", "f", "", "i", (void *)host_seven };
        struct layout l = layout_of(user);
        const struct forged_code code[] = { CALL_TABLE(l, 0), CALL_BUILTIN(table_get),
                                            CALL_BUILTIN(table_set) };
        struct tabletype type = { VAL_FUNCREF, { .min = 3 } };
        struct table_object *table;
        struct extern_value imports[2] = { { .kind = EXTERN_TABLE },
                                           { .kind = EXTERN_FUNC, .host = &seven } };
        struct loaded_module *m = load(user, code, ELEMENTSOF(code), -EBADF);
        struct instance *a, *b;
        uint64_t ref;

        ck_assert_int_eq(store_new_table(world.store, &type, &table, NULL), 0);
        imports[0].table = table;
        a = make(m, imports);
        b = make(m, imports);
        ck_assert_uint_eq(call_name(a, "run", 1, 0, 0, 0, 0), 7);
        ck_assert_uint_eq(call_name(b, "run", 1, 0, 0, 0, 0), 7);
        ref = call_name(a, "table_get", 0, 1, 0, 0, 0);
        call_name(b, "table_set", 0, 2, ref, 0, 0);
        ck_assert_uint_eq(call_name(a, "run", 2, 0, 0, 0, 0), 7);
        ck_assert_uint_eq(call_name(a, "table_get", 0, 0, 0, 0, 0), 0);
}
END_TEST

/* A load far behind a memory hits the store's reservation; its address and place are told. */
START_TEST(a_load_out_of_bounds_is_told)
{
        static const char faulty[] = "(module $faulty (memory 1) (func $deep (export \"f\") unreachable)"
                                     " (func (export \"g\") unreachable))";
        const struct forged_code code[] = {
                /* push rbp; mov rsp,rbp; mov $0x12345678,eax; mov gs:16(rax),ecx (at 9) */
                { .bytes = { 0x55, 0x48, 0x89, 0xe5, 0xb8, D32(0x12345678), 0x65, 0x8b, 0x48, 0x10 },
                  .size = 13, .map = { 9, 2 }, .map_size = 2 },
                /* push rbp; mov rsp,rbp; call f; pop rbp; ret */
                { .bytes = { 0x55, 0x48, 0x89, 0xe5, 0xe8, D32(-25), 0x5d, 0xc3 }, .size = 11,
                  .map = { 9, 6 }, .map_size = 2 },
        };
        struct instance *i = make(load(faulty, code, 2, -EBADF), NULL);
        struct extern_value g = export_of(i, "g");
        const struct module *m = world.forged[1].module;
        struct trap_info trap = { 0 };

        ck_assert_int_eq(call(&g, NULL, NULL, &trap), -EFAULT);
        ck_assert_uint_eq(trap.trap, TRAP_MEMORY_BOUNDS);
        ck_assert_uint_eq(trap.address, 0x12345688);
        ck_assert_uint_eq(trap.nframes, 2);
        ck_assert_uint_eq(trap.nframes_all, 2);
        ck_assert_ptr_eq(trap.frames[0].instance, i);
        ck_assert_uint_eq(trap.frames[0].function, 0);
        ck_assert_uint_eq(trap.frames[0].offset, m->functions[0].body.offset + 1);
        ck_assert_uint_eq(trap.frames[1].function, 1);
        ck_assert_uint_eq(trap.frames[1].offset, m->functions[1].body.offset + 3);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("builtins");

        tcase_add_checked_fixture(tc, setup, world_teardown);
        tcase_add_loop_test(tc, bounds_are_checked_before_a_byte_is_written, 0, ELEMENTSOF(bounds));
        tcase_add_test(tc, memory_builtins_work);
        tcase_add_test(tc, table_builtins_work);
        tcase_add_test(tc, shared_tables_switch);
        tcase_add_test(tc, shared_memories_grow_together);
        tcase_add_test(tc, host_items_are_shared);
        tcase_add_test(tc, a_load_out_of_bounds_is_told);
        return unit_main("builtins", &tc, 1);
}
