#include <stdio.h>
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/text/text.h"
#include "engine/text/words.h"
#include "tests/unit/unit.h"

/* What must be refused, where, and how the message begins behind the position. */
static const struct { const char *text; unsigned line, column; const char *what; } refusals[] = {
        { "(module", 1, 8, "unexpected token" },
        { "(module))", 1, 9, "unexpected token" },
        { "(func\n  (i32.cons 1))", 2, 4, "unknown operator i32.cons" },
        { "(func\r\n\t(nop)\r(drop", 3, 6, "unexpected token" },
        { ";; caf\xc3\xa9 \xe2\x82\xac\n\"\xc3\xa9\" (", 2, 1, "unexpected token" },
        { "(module (func (; \xe2\x82\xac ;) x))", 1, 23, "unknown operator x" },
        { "(func (br $l))", 1, 11, "unknown label" },
        { "(func (block $l) (br $l))", 1, 22, "unknown label" },
        { "(func (if $l (br $l) (then)))", 1, 18, "unknown label" },
        { "(func block $a end $b)", 1, 20, "mismatching label" },
        { "(func block end $b)", 1, 17, "mismatching label" },
        { "(func if $a else $b end)", 1, 18, "mismatching label" },
        { "(func (call $f))", 1, 13, "unknown function $f" },
        { "(func (local.get $x))", 1, 18, "unknown local $x" },
        { "(func (global.get $x))", 1, 19, "unknown global $x" },
        { "(func (param $x i32) (local $x i32))", 1, 29, "duplicate local $x" },
        { "(func $f) (func $f)", 1, 17, "duplicate func $f" },
        { "(func $f) (func $\"\\66\")", 1, 17, "duplicate func" },
        { "(type $t (func)) (type $t (func))", 1, 24, "duplicate type $t" },
        { "(type (struct (field $x i32) (field $x i32)))", 1, 37, "duplicate field" },
        { "(func) (import \"m\" \"f\" (func))", 1, 8, "import after function definition" },
        { "(memory 1) (func (import \"m\" \"f\"))", 1, 12, "import after memory definition" },
        { "(start 0) (start 0)", 1, 11, "multiple start sections" },
        { "(type $t (func)) (func (type $t) (param i32))", 1, 24, "inline function type" },
        { "(func (type 7) (local $x i32))", 1, 23, "unknown type" },
        { "(func (result i32) (param i32))", 1, 21, "unexpected token param" },
        { "(func (i32.const 4294967296))", 1, 18, "i32 constant out of range" },
        { "(func (f32.const 1e39))", 1, 18, "f32 constant out of range" },
        { "(func (i32.load align=3))", 1, 17, "alignment must be a power of two" },
        { "(func (i32.load align=0))", 1, 17, "alignment must be a power of two" },
        { "(func (i32.load offset=-1))", 1, 17, "unknown operator" },
        { "(func (v128.const i32x4 1 2 3))", 1, 30, "wrong number of lane literals" },
        { "(func (v128.const i8x16 256 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0))", 1, 25, "i8 constant out of" },
        { "(func (i8x16.shuffle 0 1))", 1, 25, "invalid lane length" },
        { "(func (then))", 1, 8, "unexpected token then" },
        { "(func (if (then) (else) (else)))", 1, 26, "unexpected token else" },
        { "(func (i32.add nop))", 1, 16, "unexpected token nop" },
        { "(func end)", 1, 7, "unexpected token end" },
        { "(func block)", 1, 12, "unexpected token )" },
        { "(func else)", 1, 7, "unexpected token else" },
        { "(func (block) end)", 1, 15, "unexpected token end" },
        { "(export \"\\ff\" (func 0))", 1, 9, "malformed UTF-8 encoding" },
        { "(data \"a", 1, 7, "unclosed string" },
        { "(data \"\\q\")", 1, 8, "illegal escape" },
        { "(data \"\x01\")", 1, 8, "illegal control character" },
        { "(module (; (; ;)", 1, 9, "unclosed comment" },
        { "(@a (b)", 1, 1, "unclosed annotation" },
        { "(@ a)", 1, 1, "empty annotation id" },
        { "(func $)", 1, 7, "empty identifier" },
        { "(func \xc3\xa9)", 1, 7, "illegal character" },
        { "(func \xff)", 1, 7, "malformed UTF-8 encoding" },
        { "(table 1 funcref) (elem (i32.const 0) $f)", 1, 39, "unknown function $f" },
        { "(frob)", 1, 2, "unknown operator frob" },
        { "(@custom)", 1, 9, "@custom annotation: missing section name" },
        { "(@custom \"\\df\")", 1, 10, "@custom annotation: malformed UTF-8 encoding" },
        { "(@custom \"a\" (beside type))", 1, 15, "@custom annotation: malformed placement" },
        { "(@custom \"a\" (before last))", 1, 22, "@custom annotation: malformed section kind" },
        { "(@custom \"a\" (after type) x)", 1, 27, "@custom annotation: unexpected token" },
        { "(func (nop (@custom \"a\")))", 1, 12, "misplaced @custom annotation" },
        { "(func) (@name \"a\")", 1, 8, "misplaced @name annotation" },
        { "(func (@name \"a\") (@name \"b\"))", 1, 19, "@name annotation: multiple names" },
        { "(module (@name \"a\") (@name \"b\"))", 1, 21, "@name annotation: multiple module" },
        { "(func (@name a))", 1, 14, "@name annotation: unexpected token" },
};

START_TEST(bad_text_is_refused_with_its_place)
{
        _cleanup_(buffer_done) struct buffer out = { 0 };
        const char *text = refusals[_i].text;
        struct error err = { 0 };
        struct text_position p;
        char want[200];

        buffer_u8(&out, 42);
        ck_assert_int_eq(text_module_to_binary(text, strlen(text), &out, &err), -EBADMSG);
        ck_assert_uint_eq(out.size, 1);
        ck_assert_int_eq(err.stage, STAGE_TEXT);
        ck_assert_int_eq(err.code, -EBADMSG);
        snprintf(want, sizeof(want), "%u:%u: %s", refusals[_i].line, refusals[_i].column,
                 refusals[_i].what);
        ck_assert_msg(!strncmp(err.text, want, strlen(want)), "%s: %s, not %s", text, err.text, want);
        text_position_find(text, strlen(text), err.offset, &p);
        ck_assert_uint_eq(p.line, refusals[_i].line);
        ck_assert_uint_eq(p.column, refusals[_i].column);
        ck_assert_int_eq(text_module_to_binary(text, strlen(text), &out, NULL), -EBADMSG);
}
END_TEST

/* Pairs of texts that mean the same module, name section aside. */
static const struct { const char *a, *b; } equals[] = {
        { "", "(module)" },
        { "(module $m)", "(module)" },
        { "(func $f (param $x i32) (result i32) (local.get $x))",
          "(type (func (param i32) (result i32))) (func (type 0) local.get 0)" },
        { "(func (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))) drop)",
          "(func i32.const 1 i32.const 2 i32.const 3 i32.mul i32.add drop)" },
        { "(func (if (i32.const 1) (then (nop)) (else (nop))))",
          "(func i32.const 1 if nop else nop end)" },
        { "(func (if (result i32) (i32.eqz (i32.const 1)) (then (i32.const 2)) (else (i32.const 3)))"
          "drop)",
          "(func i32.const 1 i32.eqz if (result i32) i32.const 2 else i32.const 3 end drop)" },
        { "(func (block $a (loop $b (br $a) (br $b) (br_table $a $b (i32.const 0)))))",
          "(func block loop br 1 br 0 i32.const 0 br_table 1 0 end end)" },
        { "(func (block $a (block $a (br $a)) (br $a)))", "(func block block br 0 end br 0 end)" },
        { "(func $a (call $b)) (func $b (call $a))", "(func call 1) (func call 0)" },
        { "(func (export \"a\") (export \"b\"))",
          "(func) (export \"a\" (func 0)) (export \"b\" (func 0))" },
        { "(func (export \"x\") (import \"m\" \"f\") (param i32))",
          "(import \"m\" \"f\" (func (param i32))) (export \"x\" (func 0))" },
        { "(memory (export \"m\") (data \"abc\"))",
          "(memory 1 1) (export \"m\" (memory 0)) (data (i32.const 0) \"abc\")" },
        { "(func $f) (table funcref (elem $f $f))",
          "(func) (table 2 2 funcref) (elem (i32.const 0) 0 0)" },
        { "(table 1 funcref) (func) (elem (offset i32.const 0) func 0)",
          "(table 1 funcref) (func) (elem (table 0) (i32.const 0) func 0)" },
        { "(func (param i32) (param i32 i64))", "(func (param i32 i32 i64))" },
        { "(func (local i32 i32) (local i64) (local) (local i64))",
          "(func (local i32) (local i32) (local i64 i64))" },
        { "(memory 1) (func (drop (i32.load (i32.const 0))))",
          "(memory 1) (func (drop (i32.load offset=0 align=4 (i32.const 0))))" },
        { "(func (v128.const i32x4 1 2 3 4) drop)",
          "(func (v128.const i8x16 1 0 0 0 2 0 0 0 3 0 0 0 4 0 0 0) drop)" },
        { "(func (v128.const f32x4 1 -0 inf nan:0x1) drop)",
          "(func (v128.const i32x4 0x3f800000 0x80000000 0x7f800000 0x7f800001) drop)" },
        { "(table 1 funcref) (table $t 1 funcref) (func (table.copy) (table.copy $t 0))",
          "(table 1 funcref) (table 1 funcref) (func (table.copy 0 0) (table.copy 1 0))" },
        { "(table $t 1 funcref) (elem $e funcref) (func (table.init $e) (table.init $t $e))",
          "(table 1 funcref) (elem funcref) (func (table.init 0 0) (table.init 0 0))" },
        { "(@a (b) \"c\") (func (@x) nop (; y (; z ;) ;) nop) ;; end", "(func nop nop)" },
        { "(type $t (func)) (func (call_indirect (type $t) (i32.const 0)))"
          "(table 1 funcref)",
          "(type (func)) (func i32.const 0 call_indirect 0 (type 0)) (table 1 funcref)" },
        { "(type $a (func)) (rec (type $b (func (param (ref null $b)))))",
          "(type (func)) (rec (type (func (param (ref null 1)))))" },
        { "(func (select (result i32) (i32.const 1) (i32.const 2) (i32.const 3)) drop)",
          "(func i32.const 1 i32.const 2 i32.const 3 select (result i32) drop)" },
        { "(func $\"a b\" (call $\"a\\20b\"))", "(func (call 0))" },
};

/* Size without the name section, which comes last. */
static size_t plain_size(const struct buffer *b)
{
        for (size_t i = 8; i < b->size;) {
                size_t at = i++, size = 0;

                for (unsigned shift = 0;; shift += 7) {
                        size |= (size_t)(b->bytes[i] & 0x7f) << shift;
                        if (!(b->bytes[i++] & 0x80))
                                break;
                }
                if (!b->bytes[at])
                        return at;
                i += size;
        }
        return b->size;
}

START_TEST(abbreviations_mean_the_same)
{
        _cleanup_(buffer_done) struct buffer a = { 0 }, b = { 0 };
        struct error err = { 0 };
        int r;

        r = text_module_to_binary(equals[_i].a, strlen(equals[_i].a), &a, &err);
        ck_assert_msg(r == 0, "%s: %s", equals[_i].a, err.text);
        r = text_module_to_binary(equals[_i].b, strlen(equals[_i].b), &b, &err);
        ck_assert_msg(r == 0, "%s: %s", equals[_i].b, err.text);
        ck_assert_uint_eq(plain_size(&a), plain_size(&b));
        ck_assert_mem_eq(a.bytes, b.bytes, plain_size(&a));
}
END_TEST

START_TEST(names_reach_the_decoder)
{
        static const char text[] = "(module $mod (import \"m\" \"f\" (func $first)) (func) (func $last))";
        _cleanup_(buffer_done) struct buffer b = { 0 };
        _cleanup_(module_freep) struct module *m = NULL;

        ck_assert_int_eq(text_module_to_binary(text, strlen(text), &b, NULL), 0);
        ck_assert_int_eq(module_decode(b.bytes, b.size, &limits_default, FEATURES_DEFAULT, 0, &m,
                                       NULL), 0);
        ck_assert_uint_eq(m->module_name.size, 3);
        ck_assert_ptr_nonnull(m->function_names);
        ck_assert_mem_eq(m->function_names[0].bytes, "first", 5);
        ck_assert_uint_eq(m->function_names[1].size, 0);
        ck_assert_mem_eq(m->function_names[2].bytes, "last", 4);
}
END_TEST

START_TEST(annotations_make_sections)
{
        static const char text[] =
                "(module $m (@name \"M\") (@custom \"last\" \"1\" \"\\ff\")"
                "(@custom \"f\" (before first)) (type (func)) (@custom \"t\" (after type) \"x\")"
                "(func $f (@name \"F f\") (type 0)) (func $g (type 0)) (func (@name \"H\") (type 0))"
                "(@custom \"c\" (before code)) (func (param $p (@name \"q\") i32)))";
        static const char *const customs[] = { "f", "t", "c", "last", "name" };
        _cleanup_(buffer_done) struct buffer b = { 0 };
        _cleanup_(module_freep) struct module *m = NULL;
        struct error err = { 0 };
        int r = text_module_to_binary(text, strlen(text), &b, &err);

        ck_assert_msg(r == 0, "%s", err.text);
        ck_assert_int_eq(module_decode(b.bytes, b.size, &limits_default, FEATURES_DEFAULT, 0, &m,
                                       NULL), 0);
        ck_assert_uint_eq(m->ncustoms, ELEMENTSOF(customs));
        for (uint32_t i = 0; i < m->ncustoms; i++)
                ck_assert_mem_eq(m->customs[i].name.bytes, customs[i], m->customs[i].name.size);
        ck_assert_uint_eq(m->customs[3].bytes.size, 2);
        ck_assert_mem_eq(b.bytes + m->customs[3].bytes.offset, "1\xff", 2);
        ck_assert_mem_eq(m->module_name.bytes, "M", 1);
        ck_assert_uint_eq(m->function_names[0].size, 3);
        ck_assert_mem_eq(m->function_names[0].bytes, "F f", 3);
        ck_assert_mem_eq(m->function_names[1].bytes, "g", 1);
        ck_assert_mem_eq(m->function_names[2].bytes, "H", 1);
}
END_TEST

/* Types that uses write out come behind all written ones, in the order of their uses. */
START_TEST(uses_make_types_in_order)
{
        static const char text[] =
                "(func (param i32) (block (param i32) (result i64) (unreachable)) drop)"
                "(type (func (param f32))) (func (param f32)) (func (param f64))";
        static const uint8_t types[] = { 0x60, 1, 0x7d, 0, 0x60, 1, 0x7f, 0, 0x60, 1, 0x7f, 1, 0x7e,
                                         0x60, 1, 0x7c, 0 };
        _cleanup_(buffer_done) struct buffer b = { 0 };

        ck_assert_int_eq(text_module_to_binary(text, strlen(text), &b, NULL), 0);
        ck_assert_uint_eq(b.bytes[10], 4);
        ck_assert_mem_eq(b.bytes + 11, types, sizeof(types));
}
END_TEST

/* Text that nests @n times: @open and @close around @middle. */
static void nest(struct buffer *b, const char *head, const char *open, const char *middle,
                 const char *close, const char *tail, size_t n)
{
        buffer_append(b, head, strlen(head));
        for (size_t i = 0; i < n; i++)
                buffer_append(b, open, strlen(open));
        buffer_append(b, middle, strlen(middle));
        for (size_t i = 0; i < n; i++)
                buffer_append(b, close, strlen(close));
        buffer_append(b, tail, strlen(tail));
        ck_assert(buffer_ok(b));
}

static const struct { const char *head, *open, *middle, *close, *tail; int r; } bombs[] = {
        { "(func ", "(block ", "", ")", ")", 0 },
        { "(func ", "(if (i32.const 0) (then ", "", "))", ")", 0 },
        { "(func (drop ", "(i32.eqz ", "(i32.const 0)", ")", "))", 0 },
        { "(func ", "loop ", "", "end ", ")", 0 },
        { "(func ", "(block $l ", "(br $l)", ")", ")", 0 },
        { "(module (func) ", "(; ", "", ";)", ")", 0 },
        { "(module (@a ", "(", "", ")", "))", 0 },
        { "(module ", "(", "", ")", ")", -EBADMSG },
        { "(func ", "(", "", "", "", -EBADMSG },
        { "(module ", "(func ", "", "", "", -EBADMSG },
};

START_TEST(deep_nesting_costs_no_stack)
{
        _cleanup_(buffer_done) struct buffer text = { 0 }, out = { 0 };
        struct error err = { 0 };
        int r;

        nest(&text, bombs[_i].head, bombs[_i].open, bombs[_i].middle, bombs[_i].close, bombs[_i].tail,
             1000000);
        r = text_module_to_binary((const char *)text.bytes, text.size, &out, &err);
        ck_assert_msg(r == bombs[_i].r, "%s: %d %s", bombs[_i].open, r, err.text);
        ck_assert_uint_eq(!!out.size, !bombs[_i].r);
}
END_TEST

START_TEST(every_word_is_found)
{
        for (int op = 0; op < _OP_MAX; op++) {
                const char *text = opcode_table[op].text;
                uint16_t word = word_find(text, strlen(text));

                /* Also the words of clauses, which the reader knows by their place. */
                if (op == OP_CATCH || op == OP_CATCH_ALL) {
                        ck_assert_int_eq(word, op == OP_CATCH ? WORD_CATCH : WORD_CATCH_ALL);
                        continue;
                }
                ck_assert_msg(word_is_instruction(word) &&
                              !strcmp(opcode_table[word_opcode(word)].text, text), "%s", text);
        }
        ck_assert_int_eq(word_find("i32.loa", 7), WORD_NONE);
        ck_assert_int_eq(word_find("i32.loadx", 9), WORD_NONE);
        ck_assert_int_eq(word_find("", 0), WORD_NONE);
}
END_TEST

START_TEST(caret_points_at_the_character)
{
        static const char text[] = "(module\n\t(func (\xc3\xa9 bad))\n)";
        char *shown = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&shown, &size);

        text_caret(f, text, strlen(text), (size_t)(strstr(text, "bad") - text));
        fclose(f);
        ck_assert_str_eq(shown, "   (func (\xc3\xa9 bad))\n            ^\n");
        free(shown);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("text");

        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, bad_text_is_refused_with_its_place, 0, ELEMENTSOF(refusals));
        tcase_add_loop_test(tc, abbreviations_mean_the_same, 0, ELEMENTSOF(equals));
        tcase_add_test(tc, names_reach_the_decoder);
        tcase_add_test(tc, annotations_make_sections);
        tcase_add_test(tc, uses_make_types_in_order);
        tcase_add_loop_test(tc, deep_nesting_costs_no_stack, 0, ELEMENTSOF(bombs));
        tcase_add_test(tc, every_word_is_found);
        tcase_add_test(tc, caret_points_at_the_character);
        return unit_main("text", &tc, 1);
}
