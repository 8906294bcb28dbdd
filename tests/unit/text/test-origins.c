#include <string.h>

#include "engine/decode/decode.h"
#include "engine/text/text.h"
#include "engine/validate/validate.h"
#include "tests/unit/unit.h"

/* Modules that can be read and are not valid: where the text says what is wrong, and how that begins. */
static const struct { const char *text; unsigned line, column; const char *what; } invalid[] = {
        /* flat and folded instructions */
        { "(func (result i32)\n  i32.const 1\n  i64.const 2\n  i32.add)", 4, 3, "type mismatch: i32.add" },
        { "(func (result i32)\n  (i32.add\n    (i32.const 1)\n    (i64.const 2)))", 2, 4, "type mismatch: i32.add" },
        { "(func (drop (i32.add (i32.const 1)\n (i32.eqz (i64.const 2)))))", 2, 3, "type mismatch: i32.eqz" },
        { "(func (local.set 0\n (i32.const 1)))", 1, 8, "unknown local" },
        { "(func (nop)) (func (nop) (call 2))", 1, 27, "unknown function" },
        { "(memory 1) (func\n (drop (i32.load align=8 (i32.const 0))))", 2, 9, "alignment must not" },
        /* ends: of a function, of blocks both ways */
        { "(func\n  (i32.const 1))", 2, 16, "type mismatch: 1 operands" },
        { "(func (result i32)\n nop)", 2, 5, "type mismatch: end needs" },
        { "(func block\n i32.const 1\n end)", 3, 2, "type mismatch: 1 operands" },
        { "(func (block\n (i32.const 1)\n ) nop)", 3, 2, "type mismatch: 1 operands" },
        { "(func (i32.const 1) if (result i32)\n i32.const 1\n else\n end drop)", 4, 2, "type mismatch: end needs" },
        { "(func (drop (if (result i32) (i32.const 1)\n (then)\n (else (i32.const 1)))))", 3, 2, "type mismatch: else" },
        { "(func (if\n (i64.const 1)\n (then)))", 1, 8, "type mismatch: if" },
        /* exceptions before 3.0 */
        { "(tag (param i32)) (func try\n nop\n catch 0\n end)", 4, 2, "type mismatch: 1 operands" },
        { "(tag (param i32)) (func (try (do)\n (catch 0)))", 2, 11, "type mismatch: 1 operands" },
        { "(func (try (do)\n (delegate 7)))", 2, 2, "unknown label" },
        /* expressions that are constant: where they begin */
        { "(global i32\n (i32.add (i32.const 1)\n (i64.const 2)))", 2, 12, "type mismatch: i32.add" },
        { "(global i32 (i32.const 0)) (global i32\n (i64.const 2))", 2, 3, "type mismatch" },
        { "(func) (global $g (mut i32) (i32.const 1))\n(global i32 (global.get $g))", 2, 14, "constant expression" },
        { "(table 1 funcref) (func)\n(elem (i32.const 0) func 0)\n(elem (i64.const 0) func 0)", 3, 1, "type mismatch" },
        { "(memory 1) (data (i32.const 0) \"a\")\n(data (i64.const 0) \"b\")", 2, 8, "type mismatch" },
        /* other fields */
        { "(func (export \"a\"))\n(func (export \"b\") (export \"a\"))", 2, 28, "duplicate export" },
        { "(func) (export \"a\" (func 0))\n(export \"b\" (func 0)) (export \"a\" (func 0))", 2, 23, "duplicate export" },
        { "(func $a) (start $b)\n(func $b (param i32))", 1, 11, "start function" },
        { "(type $a (struct))\n(type $b (sub $a (struct)))", 2, 1, "sub type" },
        { "(memory 1)\n(memory 70000)", 2, 1, "memory size" },
        { "(@custom \"before it all\" \"1234567\") (func)\n(func (drop))", 2, 8, "type mismatch: drop" },
};

static int check(const struct buffer *wasm, struct error *err)
{
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        int r = module_decode(wasm->bytes, wasm->size, &limits_default, UINT64_MAX, 0, &m, err);

        return r < 0 ? r : module_validate(m, &limits_default, UINT64_MAX, 1, &c, err);
}

START_TEST(what_is_wrong_is_found_in_the_text)
{
        _cleanup_(buffer_done) struct buffer out = { 0 }, plain = { 0 }, origins = { 0 };
        const char *text = invalid[_i].text;
        struct text_position p;
        struct error err = { 0 };
        char want[100];
        size_t at = 0;

        ck_assert_int_eq(text_module_to_binary_traced(text, strlen(text), &out, &origins, &err), 0);
        ck_assert_int_eq(text_module_to_binary(text, strlen(text), &plain, &err), 0);
        ck_assert_uint_eq(out.size, plain.size);
        ck_assert_mem_eq(out.bytes, plain.bytes, plain.size);
        ck_assert_int_lt(check(&out, &err), 0);
        ck_assert_msg(!strncmp(err.text, invalid[_i].what, strlen(invalid[_i].what)), "%s: %s", text, err.text);
        ck_assert_msg(text_origin_find(&origins, err.offset, &at), "%s: nowhere", text);
        text_position_find(text, strlen(text), at, &p);
        ck_assert_msg(p.line == invalid[_i].line && p.column == invalid[_i].column, "%s: %s: at %u:%u", text, err.text,
                      p.line, p.column);
        err.offset = at;
        text_place(text, strlen(text), &err);
        snprintf(want, sizeof(want), "%u:%u: %s", p.line, p.column, invalid[_i].what);
        ck_assert_msg(!strncmp(err.text, want, strlen(want)), "%s, not %s", err.text, want);
}
END_TEST

START_TEST(nothing_comes_from_nowhere)
{
        _cleanup_(buffer_done) struct buffer out = { 0 }, origins = { 0 }, none = { 0 };
        static const char text[] = "(module (func) (memory 1))";
        struct error err = { 0 };
        size_t at = 77;

        buffer_append(&out, "12345", 5); /* offsets are those of the module, wherever it is put */
        ck_assert_int_eq(text_module_to_binary_traced(text, strlen(text), &out, &origins, &err), 0);
        ck_assert(!text_origin_find(&origins, 0, &at));
        ck_assert(!text_origin_find(&origins, 8, &at));
        ck_assert(!text_origin_find(&none, 8, &at));
        ck_assert_uint_eq(at, 77);
        ck_assert(text_origin_find(&origins, 11, &at)); /* behind head, id, size and count: the type of the function */
        ck_assert_uint_eq(at, 8);
        ck_assert(text_origin_find(&origins, out.size - 5 - 1, &at)); /* its body's end, by its ")" */
        ck_assert_uint_eq(at, 13);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("origins");

        tcase_add_loop_test(tc, what_is_wrong_is_found_in_the_text, 0, ELEMENTSOF(invalid));
        tcase_add_test(tc, nothing_comes_from_nowhere);
        return unit_main("origins", &tc, 1);
}
