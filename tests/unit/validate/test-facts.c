/* What the check keeps for the generators, and that the number of threads changes nothing. */
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "tests/unit/decode/hex.h"
#include "tests/unit/validate/wat.h"

struct fixture {
        uint8_t *bytes;
        struct module *m;
        struct checked_module *c;
};

static struct fixture check_bytes(uint8_t *bytes, size_t size, unsigned flags)
{
        struct fixture f = { .bytes = bytes };
        struct error err = { 0 };

        ck_assert_msg(module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, flags, &f.m,
                                    &err) == 0, "%s", err.text);
        ck_assert_msg(module_validate(f.m, &limits_default, FEATURES_DEFAULT, 1, &f.c, &err) == 0,
                      "%s", err.text);
        return f;
}

static void fixture_done(struct fixture *f)
{
        checked_module_free(f->c);
        module_free(f->m);
        free(f->bytes);
}

static struct fixture check_wat(const char *wat)
{
        size_t size;
        uint8_t *bytes = wat_bytes(wat, &size);

        return check_bytes(bytes, size, 0);
}

START_TEST(locals_are_weighted_by_loops)
{
        _cleanup_(fixture_done) struct fixture f = check_wat(
                "(module (func $f (param $a i32) (param $b f64) (local $c i64) (local $d v128)"
                " (local $unused i32)"
                " local.get $a drop"
                " loop local.get $c drop"
                "  loop local.get $b drop i32.const 1 local.tee $a drop call $f2 end"
                " end"
                " local.get $d drop local.get $d drop)"
                " (func $f2))");
        const struct function_facts *facts = &f.c->facts[0];

        ck_assert_uint_eq(facts->nlocals, 5);
        ck_assert_uint_eq(facts->integer.n, 2);
        ck_assert_uint_eq(facts->integer.index[0], 0);
        ck_assert_uint_eq(facts->integer.weight[0], 1 + 64);
        ck_assert_uint_eq(facts->integer.index[1], 2);
        ck_assert_uint_eq(facts->integer.weight[1], 8);
        ck_assert_uint_eq(facts->vector.n, 2);
        ck_assert_uint_eq(facts->vector.index[0], 1);
        ck_assert_uint_eq(facts->vector.weight[0], 64);
        ck_assert_uint_eq(facts->vector.index[1], 3);
        ck_assert_uint_eq(facts->vector.weight[1], 2);
        ck_assert_uint_eq(facts->call_weight, 64);
        ck_assert(facts->has_calls);
        ck_assert(facts->has_loops);
        ck_assert_uint_eq(facts->max_nesting, 3);
        ck_assert_uint_eq(facts->max_stack, 1);
        ck_assert(!f.c->facts[1].has_calls);
        ck_assert(!f.c->facts[1].has_loops);
        ck_assert_uint_eq(f.c->facts[1].integer.n, 0);
        ck_assert_uint_eq(f.c->facts[1].nlocals, 0);
        ck_assert_uint_eq(f.c->facts[1].max_nesting, 1);
}
END_TEST

START_TEST(loops_count_to_five)
{
        _cleanup_(fixture_done) struct fixture f = check_wat(
                "(module (func (local i32) loop loop loop loop loop loop loop"
                " local.get 0 drop end end end end end end end local.get 0 drop))");

        ck_assert_uint_eq(f.c->facts[0].integer.weight[0], 32768 + 1);
}
END_TEST

START_TEST(the_hottest_are_kept_in_order)
{
        char wat[4096] = "(module (func (local";
        const struct hot_locals *hot;

        for (int i = 0; i < 20; i++)
                strcat(wat, " i32");
        strcat(wat, ")");
        for (int i = 0; i < 20; i++)
                for (int k = 0; k <= i % 10; k++)
                        sprintf(wat + strlen(wat), " local.get %d drop", i);
        strcat(wat, "))");
        _cleanup_(fixture_done) struct fixture f = check_wat(wat);
        hot = &f.c->facts[0].integer;
        ck_assert_uint_eq(hot->n, HOT_LOCALS_MAX);
        for (unsigned i = 0; i < HOT_LOCALS_MAX; i++) {
                ck_assert_uint_eq(hot->weight[i], 10 - i / 2);
                ck_assert_uint_eq(hot->index[i], 9 - i / 2 + (i & 1) * 10);
        }
}
END_TEST

START_TEST(code_begins_behind_the_locals)
{
        _cleanup_(fixture_done) struct fixture f = check_wat(
                "(module (func (local i32 i64) i32.const 77 drop))");
        const uint8_t *code = f.m->bytes + f.c->facts[0].code_offset;

        ck_assert_uint_eq(code[0], 0x41);
        ck_assert_uint_eq(f.c->facts[0].max_stack, 1);
        ck_assert_uint_eq(code - f.m->bytes - (ptrdiff_t)f.m->functions[0].body.offset, 5);
}
END_TEST

static const struct { const char *name, *code; bool calls; } call_cases[] = {
        { "arithmetic",    "i32.const 1 i32.const 2 i32.div_s drop", false },
        { "load",          "i32.const 1 i32.load drop", false },
        { "memory.size",   "memory.size drop", false },
        { "call",          "call 0", true },
        { "call_indirect", "i32.const 0 call_indirect (type 0)", true },
        { "tail call",     "return_call 0", false },
        { "and indirect",  "i32.const 0 return_call_indirect (type 0)", false },
        { "memory.grow",   "i32.const 1 memory.grow drop", true },
        { "memory.fill",   "i32.const 1 i32.const 1 i32.const 1 memory.fill", true },
        { "memory.copy",   "i32.const 1 i32.const 1 i32.const 1 memory.copy", true },
        { "memory.init",   "i32.const 1 i32.const 1 i32.const 1 memory.init 0", true },
        { "data.drop",     "data.drop 0", true },
        { "table.get",     "i32.const 1 table.get 0 drop", true },
        { "table.grow",    "ref.null func i32.const 1 table.grow 0 drop", true },
        { "table.copy",    "i32.const 1 i32.const 1 i32.const 1 table.copy", true },
        { "elem.drop",     "elem.drop 0", true },
};

START_TEST(what_leaves_the_function_is_known)
{
        char wat[512];

        snprintf(wat, sizeof(wat), "(module (type (func)) (func %s) (memory 1) (table 1 funcref)"
                 " (data \"a\") (elem funcref))", call_cases[_i].code);
        _cleanup_(fixture_done) struct fixture f = check_wat(wat);
        ck_assert_msg(f.c->facts[0].has_calls == call_cases[_i].calls, "%s", call_cases[_i].name);
}
END_TEST

START_TEST(references_that_escape_are_listed)
{
        static const uint32_t want[] = { 0, 2, 3, 5, 6 };
        _cleanup_(fixture_done) struct fixture f = check_wat(
                "(module (import \"a\" \"b\" (func $import)) (func) (func $exported)"
                " (func $declared) (func ref.func $declared drop) (func $element) (func $global)"
                " (func) (table 1 funcref) (elem (i32.const 0) func $element $import $element)"
                " (elem declare func $declared) (export \"x\" (func $exported))"
                " (export \"y\" (func $exported)) (global funcref (ref.func $global)))");

        ck_assert_uint_eq(f.c->nescaping, ELEMENTSOF(want));
        for (unsigned i = 0; i < ELEMENTSOF(want); i++)
                ck_assert_uint_eq(f.c->escaping[i], want[i]);
}
END_TEST

START_TEST(skeleton_is_checked_without_bodies)
{
        size_t size;
        uint8_t *bytes = hex_bytes(HEX_HEADER, "01 04 01 60 00 00 03 02 01 00 07 05 01 01 61 00 00",
                                   &size);
        _cleanup_(fixture_done) struct fixture f = check_bytes(bytes, size, DECODE_SKELETON);
        struct checked_module *c = NULL;
        struct error err = { 0 };

        ck_assert_ptr_null(f.c->facts);
        ck_assert_uint_eq(f.c->nescaping, 1);
        bytes[size - 1] = 1; /* the export is of function 1 now */
        module_free(f.m);
        f.m = NULL;
        ck_assert_int_eq(module_decode(bytes, size, &limits_default, FEATURES_DEFAULT,
                                       DECODE_SKELETON, &f.m, &err), 0);
        ck_assert_int_eq(module_validate(f.m, &limits_default, FEATURES_DEFAULT, 1, &c, &err), -EBADMSG);
        ck_assert_ptr_null(c);
}
END_TEST

/* 400 functions of 1 KiB: enough code for several threads; bad ones here and there. */
static uint8_t *many_functions(size_t *ret_size, const uint32_t *bad, unsigned nbad)
{
        const uint32_t n = 400, pad = 1000;
        struct buffer b = { 0 }, code = { 0 };

        buffer_append(&b, "\0asm\1\0\0\0\1\4\1\x60\0\0", 14);
        buffer_u8(&b, 3);
        buffer_uleb(&b, n + 2);
        buffer_uleb(&b, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_u8(&b, 0);
        buffer_uleb(&code, n);
        for (uint32_t i = 0; i < n; i++) {
                uint8_t first = 0x01;

                for (unsigned k = 0; k < nbad; k++)
                        if (bad[k] == i)
                                first = 0x1a; /* drop */
                buffer_uleb(&code, pad + 3);
                buffer_u8(&code, 0);
                buffer_u8(&code, first);
                for (uint32_t k = 0; k < pad; k++)
                        buffer_u8(&code, 0x01);
                buffer_u8(&code, 0x0b);
        }
        buffer_u8(&b, 10);
        buffer_uleb(&b, code.size);
        buffer_append(&b, code.bytes, code.size);
        buffer_done(&code);
        ck_assert(buffer_ok(&b));
        return buffer_steal(&b, ret_size);
}

START_TEST(first_error_whatever_the_threads)
{
        static const uint32_t bad[] = { 399, 211, 47, 48, 300 };
        size_t size;
        _cleanup_free_ uint8_t *bytes = many_functions(&size, bad, ELEMENTSOF(bad));
        _cleanup_(module_freep) struct module *m = NULL;
        struct error first = { 0 };

        ck_assert_int_eq(module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &m, &first),
                         0);
        for (unsigned jobs = 1; jobs <= 8; jobs++) {
                struct checked_module *c = NULL;
                struct error err = { 0 };

                ck_assert_int_eq(module_validate(m, &limits_default, FEATURES_DEFAULT, jobs, &c, &err),
                                 -EBADMSG);
                ck_assert_ptr_null(c);
                ck_assert_uint_eq(err.offset, m->functions[47].body.offset + 1);
        }
}
END_TEST

START_TEST(same_facts_whatever_the_threads)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = many_functions(&size, NULL, 0);
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *one = NULL;
        struct error err = { 0 };

        ck_assert_int_eq(module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &m, &err), 0);
        ck_assert_int_eq(module_validate(m, &limits_default, FEATURES_DEFAULT, 1, &one, &err), 0);
        for (unsigned jobs = 2; jobs <= 8; jobs += 3) {
                _cleanup_(checked_module_freep) struct checked_module *c = NULL;

                ck_assert_int_eq(module_validate(m, &limits_default, FEATURES_DEFAULT, jobs, &c, &err),
                                 0);
                ck_assert_mem_eq(c->facts, one->facts, m->nfunctions * sizeof(*c->facts));
                ck_assert_uint_eq(c->features_used, one->features_used);
        }
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("facts");

        tcase_add_test(tc, locals_are_weighted_by_loops);
        tcase_add_test(tc, loops_count_to_five);
        tcase_add_test(tc, the_hottest_are_kept_in_order);
        tcase_add_test(tc, code_begins_behind_the_locals);
        tcase_add_loop_test(tc, what_leaves_the_function_is_known, 0, ELEMENTSOF(call_cases));
        tcase_add_test(tc, references_that_escape_are_listed);
        tcase_add_test(tc, skeleton_is_checked_without_bodies);
        tcase_add_test(tc, first_error_whatever_the_threads);
        tcase_add_test(tc, same_facts_whatever_the_threads);
        return unit_main("facts", &tc, 1);
}
