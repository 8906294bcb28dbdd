/* From the text to a result or a trap, with the code of the fast generator: what the hand-made code
 * of the other tests cannot show. A trap's offset must name the instruction that trapped. */
#include <string.h>

#include "tests/unit/instance/world.h"
#include "tests/unit/sanitizer.h"
#include "tests/unit/unit.h"

static const struct {
        const char *name, *wat;
        union value args[3];
        enum trap trap;
        uint64_t result;  /* or the opcode at the offset of the innermost frame */
        uint32_t nframes; /* at least; the frames above the innermost are at calls */
} cases[] = {
        { "sum", "(func (export \"f\") (param i32 i32) (result i32)"
                 " (i32.add (local.get 0) (local.get 1)))", { { .i32 = 3 }, { .i32 = 4 } }, 0, 7, 0 },
        { "unreachable", "(func (export \"f\") (nop) (unreachable))", { { 0 } }, TRAP_UNREACHABLE, 0x00, 1 },
        { "divide", "(func (export \"f\") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))",
          { { .i32 = 0 } }, TRAP_DIVIDE_BY_ZERO, 0x6d, 1 },
        { "overflow", "(func (export \"f\") (param i64) (result i64)"
                      " (i64.div_s (i64.const 0x8000000000000000) (local.get 0)))",
          { { .i64 = UINT64_MAX } }, TRAP_INTEGER_OVERFLOW, 0x7f, 1 },
        { "convert", "(func (export \"f\") (param f64) (result i32) (i32.trunc_f64_u (local.get 0)))",
          { { .i64 = UINT64_C(0x7ff8000000000000) } }, TRAP_INVALID_CONVERSION, 0xab, 1 },
        { "load", "(memory 1) (func (export \"f\") (param i32) (result i32) (i32.load (local.get 0)))",
          { { .i32 = 65533 } }, TRAP_MEMORY_BOUNDS, 0x28, 1 },
        { "load far", "(memory 1) (func (export \"f\") (param i32) (result i64)"
                      " (i64.load offset=0xffffffff (local.get 0)))",
          { { .i32 = UINT32_MAX } }, TRAP_MEMORY_BOUNDS, 0x29, 1 },
        { "store", "(memory 1) (func (export \"f\") (param i32) (f64.store (local.get 0) (f64.const 1)))",
          { { .i32 = 65529 } }, TRAP_MEMORY_BOUNDS, 0x39, 1 },
        { "imported memory", "(import \"h\" \"m\" (memory 1)) (func (export \"f\") (param i32) (result i32)"
                             " (i32.load8_u (local.get 0)))",
          { { .i32 = 65536 } }, TRAP_MEMORY_BOUNDS, 0x2d, 1 },
        { "64-bit load", "(memory i64 1) (func (export \"f\") (param i64) (result i32) (i32.load (local.get 0)))",
          { { .i64 = 65533 } }, TRAP_MEMORY_BOUNDS, 0x28, 1 },
        { "64-bit load behind the end", "(memory i64 1) (func (export \"f\") (param i64) (result i32)"
                                        " (i32.load offset=8 (local.get 0)))",
          { { .i64 = 65536 } }, TRAP_MEMORY_BOUNDS, 0x28, 1 },
        { "64-bit load far", "(memory i64 1) (func (export \"f\") (param i64) (result i64)"
                             " (i64.load offset=0xffffffffffffffff (local.get 0)))",
          { { .i64 = 1 } }, TRAP_MEMORY_BOUNDS, 0x29, 1 },
        { "64-bit load that wraps", "(memory i64 1) (func (export \"f\") (param i64) (result i64)"
                                    " (i64.load offset=0x8000000000000000 (local.get 0)))",
          { { .i64 = UINT64_C(1) << 63 } }, TRAP_MEMORY_BOUNDS, 0x29, 1 },
        { "64-bit store", "(memory i64 1) (func (export \"f\") (param i64) (f64.store (local.get 0) (f64.const 1)))",
          { { .i64 = UINT64_MAX } }, TRAP_MEMORY_BOUNDS, 0x39, 1 },
        { "64-bit store of a second memory",
          "(memory 1) (memory $b i64 1) (func (export \"f\") (param i64) (i64.store $b (local.get 0) (i64.const 1)))",
          { { .i64 = 65529 } }, TRAP_MEMORY_BOUNDS, 0x37, 1 },
        { "64-bit constant address", "(memory i64 1) (func (export \"f\") (result i32)"
                                     " (i32.load offset=4 (i64.const -4)))",
          { { 0 } }, TRAP_MEMORY_BOUNDS, 0x28, 1 },
        { "64-bit memory", "(memory i64 1) (data (i64.const 65532) \"\\78\\56\\34\\12\")"
                           " (func (export \"f\") (param i64) (result i32) (i32.load offset=16 (local.get 0)))",
          { { .i64 = 65516 } }, 0, 0x12345678, 0 },
        { "64-bit fill", "(memory i64 1) (func (export \"f\") (param i64)"
                         " (memory.fill (i64.const 1) (i32.const 1) (local.get 0)))",
          { { .i64 = UINT64_MAX } }, TRAP_MEMORY_BOUNDS, 0xfc, 1 },
        { "64-bit size", "(memory i64 3 5) (func (export \"f\") (result i64)"
                         " (i64.add (memory.grow (i64.const 0x100000000)) (memory.size)))", { { 0 } }, 0, 2, 0 },
        { "64-bit grow", "(memory i64 3 5) (func (export \"f\") (result i64)"
                         " (i64.add (memory.grow (i64.const 2)) (memory.size)))", { { 0 } }, 0, 8, 0 },
        { "64-bit table", "(table i64 2 funcref) (func (export \"f\") (param i64) (call_indirect (local.get 0)))",
          { { .i64 = UINT64_C(1) << 32 } }, TRAP_UNDEFINED_ELEMENT, 0x11, 1 },
        { "64-bit table.grow", "(table i64 2 funcref) (func (export \"f\") (result i64)"
                               " (table.grow (ref.null func) (i64.const 0x100000000)))",
          { { 0 } }, 0, UINT64_MAX, 0 },
        { "no element", "(table 2 funcref) (func (export \"f\") (param i32) (call_indirect (local.get 0)))",
          { { .i32 = 2 } }, TRAP_UNDEFINED_ELEMENT, 0x11, 1 },
        { "empty element", "(table 2 funcref) (func (export \"f\") (param i32) (call_indirect (local.get 0)))",
          { { .i32 = 1 } }, TRAP_UNINITIALIZED, 0x11, 1 },
        { "another type", "(table funcref (elem $g)) (func $g (param i32))"
                          " (func (export \"f\") (param i32) (call_indirect (local.get 0)))",
          { { .i32 = 0 } }, TRAP_CALL_TYPE_MISMATCH, 0x11, 1 },
        { "uncaught exception", "(tag $t) (func $g (throw $t)) (func (export \"f\") (call $g))", { { 0 } }, TRAP_UNCAUGHT_EXCEPTION, 0, 0 },
        { "null exception", "(func (export \"f\") (throw_ref (ref.null exn)))", { { 0 } }, TRAP_NULL_EXCEPTION, 0x0a, 1 },
        { "exceptions in a loop", "(tag $t (param i64 f64)) (func $g (param i64) (throw $t (local.get 0) (f64.const 2)))"
          " (func (export \"f\") (param i32) (result i64) (local $s i64) (loop $l (block $h (result i64 f64)"
          " (try_table (catch $t $h) (call $g (i64.extend_i32_u (local.get 0)))) (unreachable))"
          " (i64.trunc_f64_s) (i64.add) (local.get $s) (i64.add) (local.set $s)"
          " (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get $s))",
          { { .i32 = 1000000 } }, 0, UINT64_C(500002500000), 0 },
        { "too many exceptions", "(tag $t) (func (export \"f\") (loop $l (block $h (result exnref)"
          " (try_table (catch_all_ref $h) (throw $t)) (unreachable)) (drop) (br $l)))",
          { { 0 } }, TRAP_EXCEPTIONS, 0x08, 1 },
        { "call of a reference", "(type $t (func (param i32) (result i32))) (func $g (type $t) (i32.add (local.get 0) (i32.const 5)))"
                                 " (elem declare func $g) (func (export \"f\") (param i32) (result i32)"
                                 " (call_ref $t (local.get 0) (ref.func $g)))", { { .i32 = 2 } }, 0, 7, 0 },
        { "call of null", "(type $t (func)) (func (export \"f\") (param i32) (call_ref $t (ref.null $t)))",
          { { 0 } }, TRAP_NULL_FUNCTION, 0x14, 1 },
        { "tail call of null", "(type $t (func)) (func (export \"f\") (return_call_ref $t (ref.null $t)))",
          { { 0 } }, TRAP_NULL_FUNCTION, 0x15, 1 },
        { "a null that must not be", "(func (export \"f\") (drop (ref.as_non_null (ref.null func))))",
          { { 0 } }, TRAP_NULL_REFERENCE, 0xd4, 1 },
        { "tail calls of references without end",
          "(type $t (func (param i32) (result i32))) (elem declare func $g)"
          " (func $g (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 9))))"
          " (return_call_ref $t (i32.sub (local.get 0) (i32.const 1)) (ref.func $g)))"
          " (func (export \"f\") (param i32) (result i32) (call $g (local.get 0)))",
          { { .i32 = 1000000 } }, 0, 9, 0 },
        { "a chain", "(func $c (unreachable)) (func $b (call $c)) (func $a (call $b) (nop))"
                     " (func (export \"f\") (call $a))", { { 0 } }, TRAP_UNREACHABLE, 0x00, 4 },
        { "fill", "(memory 1) (func (export \"f\") (param i32)"
                  " (memory.fill (local.get 0) (i32.const 1) (i32.const 10)))",
          { { .i32 = 65530 } }, TRAP_MEMORY_BOUNDS, 0xfc, 1 },
        { "table.get", "(table 2 externref) (func (export \"f\") (param i32) (result externref)"
                       " (table.get (local.get 0)))", { { .i32 = 2 } }, TRAP_TABLE_BOUNDS, 0x25, 1 },
        { "recursion", "(func $f (export \"f\") (call $f))", { { 0 } }, TRAP_STACK_EXHAUSTED, 0, 32 },
        { "mutual recursion", "(table funcref (elem $a $b)) (func $a (call_indirect (i32.const 1)))"
                              " (func $b (export \"f\") (call $a) (nop))", { { 0 } },
          TRAP_STACK_EXHAUSTED, 0, 32 },
        { "recursion that grows memory",
          "(memory 1) (func $f (export \"f\") (drop (memory.grow (i32.const 0))) (call $f))", { { 0 } },
          TRAP_STACK_EXHAUSTED, 0, 32 },
        { "memory.size", "(memory 3) (func (export \"f\") (result i32)"
                         " (drop (memory.grow (i32.const 2))) (memory.size))", { { 0 } }, 0, 5, 0 },
        { "wide sum of constants and locals",
          "(func (export \"f\") (param i64 i64) (result i64) (local i64)"
          " (i64.add128 (local.get 0) (local.get 1) (i64.const 1) (i64.const 5))"
          " local.set 2 i64.const 100 i64.mul local.get 2 i64.add)",
          { { .i64 = UINT64_MAX }, { .i64 = 7 } }, 0, 13, 0 },
        { "wide difference, operand twice",
          "(func (export \"f\") (param i64 i64) (result i64)"
          " (i64.sub128 (local.get 0) (local.get 1) (local.get 1) (local.get 0)) i64.xor)",
          { { .i64 = 3 }, { .i64 = 5 } }, 0, UINT64_C(0xfffffffffffffffe) ^ 1, 0 },
        { "wide product of what is computed",
          "(func (export \"f\") (param i64 i64) (result i64)"
          " (i64.mul_wide_u (i64.add (local.get 0) (i64.const 1)) (i64.shl (local.get 1) (i64.const 2)))"
          " (i64.mul_wide_s (local.get 0) (i64.const -2)) i64.xor i64.add i64.add)",
          { { .i64 = UINT64_C(1) << 62 }, { .i64 = 8 } }, 0,
          UINT64_C(32) + 8 + (UINT64_C(0x8000000000000000) ^ UINT64_MAX), 0 },
        { "factorial", "(func $f (export \"f\") (param i64) (result i64) (if (result i64)"
                       " (i64.eqz (local.get 0)) (then (i64.const 1)) (else (i64.mul (local.get 0)"
                       " (call $f (i64.sub (local.get 0) (i64.const 1)))))))", { { .i64 = 20 } }, 0,
          UINT64_C(2432902008176640000), 0 },
        { "tail calls", "(func $f (export \"f\") (param i64) (result i64) (if (result i64)"
                        " (i64.eqz (local.get 0)) (then (i64.const 9)) (else (return_call $f"
                        " (i64.sub (local.get 0) (i64.const 1))))))", { { .i64 = 10000000 } }, 0, 9, 0 },
};

START_TEST(code_returns_or_traps)
{
        struct memory_object *memory;
        struct memtype type = { { .min = 1 }, 16 };
        struct extern_value import = { .kind = EXTERN_MEMORY }, f;
        struct instance *i;
        const struct buffer *wasm;
        union value result = { .bits = { 0, 0 } };
        struct trap_info trap = { 0 };
        int r;

        ck_assert_int_eq(store_new_memory(world.store, &type, &memory, NULL), 0);
        import.memory = memory;
        i = make(load_compiled(cases[_i].wat), &import);
        wasm = &world.forged[0].wasm;
        f = export_of(i, "f");
        r = call(&f, cases[_i].args, &result, &trap);
        if (!cases[_i].trap) {
                ck_assert_int_eq(r, 0);
                ck_assert_uint_eq(result.i64, cases[_i].result);
                return;
        }
        ck_assert_int_eq(r, -EFAULT);
        ck_assert_uint_eq(trap.trap, cases[_i].trap);
        ck_assert_uint_ge(trap.nframes, cases[_i].nframes);
        ck_assert_uint_ge(trap.nframes_all, trap.nframes);
        for (uint32_t k = 0; k < trap.nframes; k++) {
                uint64_t offset = trap.frames[k].offset;

                ck_assert_ptr_eq(trap.frames[k].instance, i);
                if (k == 0 && cases[_i].trap == TRAP_STACK_EXHAUSTED)
                        continue; /* in a prologue, or in a thunk */
                ck_assert_uint_lt(offset, wasm->size);
                if (k == 0)
                        ck_assert_uint_eq(wasm->bytes[offset], cases[_i].result);
                else
                        ck_assert(wasm->bytes[offset] == 0x10 || wasm->bytes[offset] == 0x11);
        }
        /* And it goes on working. */
        ck_assert_int_eq(call(&f, cases[_i].args, &result, &trap), -EFAULT);
        ck_assert_uint_eq(trap.trap, cases[_i].trap);
}
END_TEST

/* The imported function's wide type: arguments and results in the spill areas of both sides. */
START_TEST(wide_functions_cross)
{
        static const char a_wat[] =
                "(memory 1)"
                "(func (export \"wide\") (param i32 i64 i32 i64 i32 i64 i32 i64 f32 f64 f32 f64 f32 f64 f32"
                " f64 f32 v128) (result i64 f64 i32 v128)"
                " (i64.add (local.get 7) (i64.extend_i32_u (local.get 6)))"
                " (f64.promote_f32 (local.get 16)) (i32.load8_u (i32.const 0)) (local.get 17))"
                "(data (i32.const 0) \"A\")";
        static const char b_wat[] =
                "(import \"a\" \"wide\" (func $w (param i32 i64 i32 i64 i32 i64 i32 i64 f32 f64 f32 f64 f32 f64"
                " f32 f64 f32 v128) (result i64 f64 i32 v128)))"
                "(memory 1) (data (i32.const 0) \"B\")"
                "(func (export \"f\") (result i64 f64 i32 v128)"
                " (call $w (i32.const 1) (i64.const 2) (i32.const 3) (i64.const 4) (i32.const 5)"
                " (i64.const 6) (i32.const -1) (i64.const 8) (f32.const 1) (f64.const 2) (f32.const 3)"
                " (f64.const 4) (f32.const 5) (f64.const 6) (f32.const 7) (f64.const 8) (f32.const 9.5)"
                " (v128.const i64x2 11 12)))"
                "(func (export \"g\") (result i32) (call $w (i32.const 1) (i64.const 2) (i32.const 3)"
                " (i64.const 4) (i32.const 5) (i64.const 6) (i32.const 7) (i64.const 8) (f32.const 1)"
                " (f64.const 2) (f32.const 3) (f64.const 4) (f32.const 5) (f64.const 6) (f32.const 7)"
                " (f64.const 8) (f32.const 9.5) (v128.const i64x2 11 12)) (drop) (drop) (drop) (drop)"
                " (i32.load8_u (i32.const 0)))";
        struct instance *a = make(load_compiled(a_wat), NULL), *b;
        struct extern_value import = export_of(a, "wide"), f;
        union value results[4];

        b = make(load_compiled(b_wat), &import);
        f = export_of(b, "f");
        ck_assert_int_eq(call(&f, NULL, results, NULL), 0);
        ck_assert_uint_eq(results[0].i64, UINT64_C(0xffffffff) + 8);
        ck_assert(results[1].f64 == 9.5);
        ck_assert_uint_eq(results[2].i32, 'A');
        ck_assert_uint_eq(results[3].bits[0], 11);
        ck_assert_uint_eq(results[3].bits[1], 12);
        ck_assert_uint_eq(call_name(b, "g", 0, 0, 0, 0, 0), 'B');
}
END_TEST

/* A trap behind two borders between instances, and one inside a host call below them. */
static uint32_t host_trap(uint32_t a)
{
        if (a)
                trap_raise(TRAP_HOST, "no");
        return 1;
}

START_TEST(a_backtrace_crosses_instances)
{
        static const struct host_function host = { "h", "f", "i", "i", (void *)host_trap };
        static const char inner[] = "(import \"h\" \"f\" (func $h (param i32) (result i32)))"
                                    "(func (export \"f\") (param i32) (result i32) (call $h (local.get 0)))";
        static const char outer[] = "(import \"i\" \"f\" (func $i (param i32) (result i32)))"
                                    "(func $g (param i32) (result i32) (call $i (local.get 0)))"
                                    "(func (export \"f\") (param i32) (result i32) (call $g (local.get 0)))";
        struct extern_value import = { .kind = EXTERN_FUNC, .host = &host }, f;
        struct loaded_module *m;
        struct instance *a, *b, *c;
        union value arg = { .i32 = 0 }, result;
        struct trap_info trap = { 0 };

        a = make(load_compiled(inner), &import);
        import = export_of(a, "f");
        m = load_compiled(outer);
        b = make(m, &import);
        import = export_of(b, "f");
        c = make(m, &import);
        f = export_of(c, "f");
        ck_assert_int_eq(call(&f, &arg, &result, &trap), 0);
        ck_assert_uint_eq(result.i32, 1);
        arg.i32 = 1;
        ck_assert_int_eq(call(&f, &arg, &result, &trap), -EFAULT);
        ck_assert_uint_eq(trap.trap, TRAP_HOST);
        ck_assert_str_eq(trap.text, "no");
        ck_assert_uint_eq(trap.nframes_all, 5);
        for (unsigned k = 0; k < 5; k++)
                ck_assert_ptr_eq(trap.frames[k].instance, k == 0 ? a : k < 3 ? b : c);
        ck_assert_uint_eq(trap.frames[1].function, 1);
        ck_assert_uint_eq(trap.frames[2].function, 2);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("whole");

        tcase_add_checked_fixture(tc, world_setup, world_teardown);
        tcase_add_loop_test(tc, code_returns_or_traps, 0, ELEMENTSOF(cases));
        tcase_add_test(tc, wide_functions_cross);
        tcase_add_test(tc, a_backtrace_crosses_instances);
        return unit_main("whole", &tc, 1);
}
