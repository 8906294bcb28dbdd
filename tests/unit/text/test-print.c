#include <errno.h>
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/text/literal.h"
#include "engine/text/print.h"
#include "engine/text/text.h"
#include "tests/unit/unit.h"

static struct module *decoded(const char *text, struct buffer *bytes)
{
        struct module *m = NULL;
        struct error err = { 0 };

        ck_assert_msg(text_module_to_binary(text, strlen(text), bytes, &err) == 0, "%s", err.text);
        ck_assert_msg(module_decode(bytes->bytes, bytes->size, &limits_default, FEATURES_DEFAULT, 0, &m,
                                    &err) == 0, "%s", err.text);
        return m;
}

static const struct { const char *text, *printed; } cases[] = {
        { "", "(module)\n" },
        { "(func $f (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))",
          "(module\n"
          "  (type (;0;) (func (param i32 i32) (result i32)))\n"
          "  (func $f (;0;) (type 0) (param i32 i32) (result i32)\n"
          "    local.get 0\n"
          "    local.get 1\n"
          "    i32.add))\n" },
        { "(func (local i32 i32 i64) (block (loop (if (local.get 0) (then (br 2)) (else (nop))))))",
          "(module\n"
          "  (type (;0;) (func))\n"
          "  (func (;0;) (type 0)\n"
          "    (local i32 i32)\n"
          "    (local i64)\n"
          "    block\n"
          "      loop\n"
          "        local.get 0\n"
          "        if\n"
          "          br 2\n"
          "        else\n"
          "          nop\n"
          "        end\n"
          "      end\n"
          "    end))\n" },
        { "(import \"m\" \"a\\\"b\" (global (mut f32))) (memory 1 2) (table 3 externref)"
          "(global i64 (i64.const -1)) (data (i32.const 4) \"a\\00\\ff\") (elem declare func)"
          "(export \"\\e2\\82\\ac\" (memory 0))",
          "(module\n"
          "  (import \"m\" \"a\\22b\" (global (;0;) (mut f32)))\n"
          "  (table (;0;) 3 externref)\n"
          "  (memory (;0;) 1 2)\n"
          "  (global (;1;) i64 i64.const -1)\n"
          "  (export \"\xe2\x82\xac\" (memory 0))\n"
          "  (elem (;0;) declare func)\n"
          "  (data (;0;) (offset i32.const 4) \"a\\00\\ff\"))\n" },
        { "(func (param i32) (@metadata.code.branch_hint \"\\01\") (if (local.get 0) (then"
          " (br_if 0 (local.get 0) (@metadata.code.branch_hint \"\\00\") (br_if 0 (i32.const 0))))))",
          "(module\n"
          "  (type (;0;) (func (param i32)))\n"
          "  (func (;0;) (type 0) (param i32)\n"
          "    local.get 0\n"
          "    (@metadata.code.branch_hint \"\\01\") if\n"
          "      local.get 0\n"
          "      i32.const 0\n"
          "      (@metadata.code.branch_hint \"\\00\") br_if 0\n"
          "      br_if 0\n"
          "    end))\n" },
        /* A section that is no such thing stays what it is. */
        { "(@custom \"metadata.code.branch_hint\" (before code) \"\\01\\00\\01\\01\\01\\00\") (func nop)",
          "(module\n"
          "  (type (;0;) (func))\n"
          "  (func (;0;) (type 0)\n"
          "    nop)\n"
          "  (@custom \"metadata.code.branch_hint\" (after func) \"\\01\\00\\01\\01\\01\\00\"))\n" },
        { "(memory 1) (func $\"a b\" (i32.store16 offset=5 align=1 (i32.const 0) (i32.const 1))"
          "(v128.store64_lane 1 (i32.const 0) (v128.const i64x2 1 2)) (call $\"a b\"))",
          "(module\n"
          "  (type (;0;) (func))\n"
          "  (func $\"a b\" (;0;) (type 0)\n"
          "    i32.const 0\n"
          "    i32.const 1\n"
          "    i32.store16 offset=5 align=1\n"
          "    i32.const 0\n"
          "    v128.const i32x4 0x00000001 0x00000000 0x00000002 0x00000000\n"
          "    v128.store64_lane 1\n"
          "    call $\"a b\")\n"
          "  (memory (;0;) 1))\n" },
};

START_TEST(modules_are_printed)
{
        _cleanup_(buffer_done) struct buffer bytes = { 0 }, out = { 0 }, again = { 0 };
        _cleanup_(module_freep) struct module *m = decoded(cases[_i].text, &bytes);
        struct error err = { 0 };

        ck_assert_int_eq(module_print(m, &out, &err), 0);
        ck_assert_msg(out.size == strlen(cases[_i].printed) &&
                      !memcmp(out.bytes, cases[_i].printed, out.size), "%.*s", (int)out.size,
                      (const char *)out.bytes);
        ck_assert_int_eq(text_module_to_binary((const char *)out.bytes, out.size, &again, &err), 0);
        ck_assert_uint_eq(again.size, bytes.size);
        ck_assert_mem_eq(again.bytes, bytes.bytes, bytes.size);
}
END_TEST

START_TEST(a_name_of_two_is_no_name)
{
        /* module, two functions, and a name section that calls both "f" */
        static const uint8_t bytes[] = {
                0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 3, 2, 0, 0,
                10, 7, 2, 2, 0, 0x0b, 2, 0, 0x0b,
                0, 14, 4, 'n', 'a', 'm', 'e', 1, 7, 2, 0, 1, 'f', 1, 1, 'f',
        };
        _cleanup_(buffer_done) struct buffer out = { 0 };
        _cleanup_(module_freep) struct module *m = NULL;

        ck_assert_int_eq(module_decode(bytes, sizeof(bytes), &limits_default, FEATURES_DEFAULT, 0, &m,
                                       NULL), 0);
        ck_assert_ptr_nonnull(m->function_names);
        ck_assert_int_eq(module_print(m, &out, NULL), 0);
        buffer_u8(&out, 0);
        ck_assert_ptr_null(strchr((const char *)out.bytes, '$'));
}
END_TEST

/* Bodies that cannot be read: the byte is told, and nothing is printed. */
static const struct { const char *name; uint8_t body[8]; uint8_t size; int r; uint64_t offset; } bad[] = {
        { "no end", { 0, 0x01 }, 2, -EBADMSG, 24 },
        { "no such opcode", { 0, 0xff, 0x0b }, 3, -EBADMSG, 23 },
        { "cut immediate", { 0, 0x41 }, 2, -EBADMSG, 24 },
        { "else alone", { 0, 0x05, 0x0b }, 3, -EBADMSG, 23 },
        { "billions of locals", { 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b }, 8, -E2BIG, 0 },
};

START_TEST(bad_bodies_are_refused)
{
        uint8_t bytes[64] = { 0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0,
                              10, (uint8_t)(bad[_i].size + 2), 1, bad[_i].size };
        _cleanup_(buffer_done) struct buffer out = { 0 };
        _cleanup_(module_freep) struct module *m = NULL;
        struct error err = { 0 };

        memcpy(bytes + 22, bad[_i].body, bad[_i].size);
        ck_assert_int_eq(module_decode(bytes, 22 + bad[_i].size, &limits_default, FEATURES_DEFAULT, 0,
                                       &m, &err), 0);
        buffer_u8(&out, 42);
        ck_assert_int_eq(module_print(m, &out, &err), bad[_i].r);
        ck_assert_uint_eq(out.size, 1);
        ck_assert_int_eq(err.stage, STAGE_TEXT);
        if (bad[_i].offset)
                ck_assert_uint_eq(err.offset, bad[_i].offset);
}
END_TEST

static const struct { uint64_t bits; unsigned width; const char *text; } floats[] = {
        { 0x3f800000, 32, "1" },
        { 0x80000000, 32, "-0" },
        { 0x3dcccccd, 32, "0.1" },
        { 0x7f7fffff, 32, "3.4028235e+38" },
        { 0x00000001, 32, "1.4013e-45" },
        { 0xff800000, 32, "-inf" },
        { 0x7fc00000, 32, "nan" },
        { 0xff800001, 32, "-nan:0x1" },
        { UINT64_C(0x3fb999999999999a), 64, "0.1" },
        { UINT64_C(0x4059000000000000), 64, "100" },
        { UINT64_C(0x7ff4000000000000), 64, "nan:0x4000000000000" },
};

START_TEST(floats_are_printed_exactly)
{
        char text[FLOAT_TEXT_MAX];
        uint64_t bits = 0;
        uint32_t single = 0;

        float_text(floats[_i].bits, floats[_i].width, text);
        if (floats[_i].width == 32) {
                ck_assert_int_eq(literal_f32(text, strlen(text), &single), 0);
                bits = single;
        } else {
                ck_assert_int_eq(literal_f64(text, strlen(text), &bits), 0);
        }
        ck_assert_uint_eq(bits, floats[_i].bits);
        ck_assert_str_eq(text, floats[_i].text);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("print");

        tcase_add_loop_test(tc, modules_are_printed, 0, ELEMENTSOF(cases));
        tcase_add_test(tc, a_name_of_two_is_no_name);
        tcase_add_loop_test(tc, bad_bodies_are_refused, 0, ELEMENTSOF(bad));
        tcase_add_loop_test(tc, floats_are_printed_exactly, 0, ELEMENTSOF(floats));
        return unit_main("print", &tc, 1);
}
