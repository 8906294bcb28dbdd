/* The parser of events: the same events however the bytes are cut, and the same verdict as module_decode(). */
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/include/nacelle-parser.h"
#include "engine/text/text.h"
#include "tests/unit/decode/hex.h"

/* Everything that an event holds, as text. */
static void describe(const struct nacelle_event *e, struct buffer *out)
{
        const struct nacelle_instruction *in = &e->instruction;
        char text[400];
        int n;

        if (e->kind == NACELLE_BYTES) { /* cut as the input is: only their sum is the same */
                buffer_append(out, e->bytes, e->size);
                if (e->last)
                        buffer_append(out, "$", 1);
                return;
        }
        n = snprintf(text, sizeof(text), "%s@%llu s%u m%u x%u %u%u%u i%u c%u t%x:%d l%llu-%llu:%u%u%u:%u z%zu",
                     nacelle_event_text(e->kind), (unsigned long long)e->offset, e->section, e->mode,
                     e->external, e->is_final, e->is_mutable, e->has_init, e->index, e->count, e->type.code,
                     e->type.heap, (unsigned long long)e->limits.min, (unsigned long long)e->limits.max,
                     e->limits.has_max, e->limits.is_64, e->limits.is_shared, e->limits.page_log2, e->size);
        buffer_append(out, text, (size_t)n);
        if (e->kind == NACELLE_INSTRUCTION) {
                n = snprintf(text, sizeof(text), " %x %s %u %u %x:%d %x:%d %u %u +%llu %llx %llx", in->opcode,
                             in->name, in->index, in->index2, in->type.code, in->type.heap, in->to.code,
                             in->to.heap, in->align_log2, in->lane, (unsigned long long)in->offset,
                             (unsigned long long)in->value[0], (unsigned long long)in->value[1]);
                buffer_append(out, text, (size_t)n);
        }
        buffer_append(out, e->module.bytes, e->module.size);
        buffer_append(out, "|", 1);
        buffer_append(out, e->name.bytes, e->name.size);
        buffer_append(out, "\n", 1);
}

/* Pieces of @size bytes, the first one of @first; each in a block of its own, so that a sanitizer sees a
 * look beyond. Returns what the last call did. */
static int parse(const uint8_t *bytes, size_t n, size_t first, size_t size, struct buffer *out,
                 uint64_t *ret_offset)
{
        struct nacelle_parser *p = nacelle_parser_new();
        struct nacelle_event e;
        size_t i = 0;
        int r = 0;

        ck_assert_ptr_nonnull(p);
        for (bool last = false; !last && r >= 0;) {
                size_t k = i == 0 ? first : size;
                const uint8_t *at;
                uint8_t *piece;

                k = k < n - i ? k : n - i;
                piece = malloc(k + !k);
                if (k)
                        memcpy(piece, bytes + i, k);
                i += k;
                last = i == n;
                at = piece;
                while ((r = nacelle_parser_next(p, &at, piece + k, last, &e)) > 0)
                        describe(&e, out);
                if (r == 0)
                        ck_assert_ptr_eq(at, piece + k);
                free(piece);
        }
        *ret_offset = nacelle_parser_offset(p);
        ck_assert((r < 0) == (*nacelle_parser_error(p) != 0));
        if (r < 0) { /* and stays so */
                const uint8_t *at = bytes;

                ck_assert_int_eq(nacelle_parser_next(p, &at, bytes + n, true, &e), r);
                ck_assert_ptr_eq(at, bytes);
        }
        nacelle_parser_free(p);
        return r;
}

static void same_however_cut(const char *name, const uint8_t *bytes, size_t n, bool all)
{
        _cleanup_(buffer_done) struct buffer whole = { 0 };
        uint64_t offset, other;
        int r = parse(bytes, n, n, n ? n : 1, &whole, &offset);

        /* Two pieces, cut at each byte; then ever more pieces. */
        for (size_t i = 1; i < n + (all ? 64 : 0); i++) {
                _cleanup_(buffer_done) struct buffer cut = { 0 };
                size_t first = i < n ? i : i - n + 1, size = i < n ? n : first;
                int q = parse(bytes, n, first, size, &cut, &other);

                ck_assert_msg(q == r, "%s: %d whole, %d when cut at %zu by %zu", name, r, q, first, size);
                if (r >= 0) {
                        ck_assert_msg(cut.size == whole.size && !memcmp(cut.bytes, whole.bytes, cut.size),
                                      "%s: other events when cut at %zu by %zu", name, first, size);
                } else {
                        ck_assert_msg(offset == other, "%s: byte %llu whole, %llu when cut at %zu by %zu", name,
                                      (unsigned long long)offset, (unsigned long long)other, first, size);
                }
        }
}

static const char *const modules[] = {
        "",
        "(type (func)) (type (func (param i32 i64 f32 f64 v128 funcref externref) (result i32 i32)))"
        "(rec (type $s (sub (struct (field i8) (field (mut i16)) (field (ref null $s)))))"
        " (type $a (sub final $s (array (mut anyref))))) (rec)",
        "(import \"m\" \"f\" (func (param i32))) (import \"\" \"\" (table 1 2 funcref))"
        "(import \"\\e2\\82\\ac\" \"mem\" (memory i64 1 0x1000000)) (import \"a\" \"g\" (global (mut (ref null 0))))"
        "(import \"a\" \"t\" (tag (param i32)))",
        "(table 3 externref) (table $t 1 1 (ref null func) (ref.null func)) (memory 1 (pagesize 1))"
        "(global i64 (i64.add (i64.const -1) (i64.const 0x7fffffffffffffff))) (tag) (func $f)"
        "(export \"\" (func 0)) (export \"longer name\" (table $t)) (export \"m\" (memory 0)) (start $f)",
        "(table 9 funcref) (func) (elem (i32.const 0) func 0 0 0) (elem func 0) (elem declare func 0)"
        "(elem (table 0) (i32.const 1) funcref (ref.func 0) (ref.null func)) (elem externref (ref.null extern))"
        "(elem funcref) (elem declare funcref (item (ref.func 0)))"
        "(memory 1) (memory 1) (data \"\") (data \"passive\") (data (i32.const 3) \"a\\00b\")"
        "(data (memory 1) (i32.const 4) \"\") (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(memory 1) (type $t (func)) (table 1 funcref) (tag $x) (func (param i32) (result i32)"
        " (local i32 i32 i64 f32 f64 v128) (block $b (loop $l (br_table 0 1 0 1 0 (local.get 0))))"
        " (i64.store32 offset=0xffffffff align=1 (i32.const -2147483648) (i64.const -9223372036854775808))"
        " (drop (select (result i64) (i64.const 1) (i64.const 2) (i32.const 0)))"
        " (drop (f64.const nan:0x123)) (drop (f32.const -0x1.8p3))"
        " (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (v128.const i64x2 1 -1) (v128.const i64x2 2 3)))"
        " (drop (v128.load8_lane offset=7 15 (i32.const 0) (v128.const i32x4 1 2 3 4)))"
        " (call_indirect (type $t) (local.get 0)) (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))"
        " (block $h (try_table (catch $x $h) (catch_all 0) (throw $x)))"
        " (if (result i32) (local.get 0) (then (i32.const 1)) (else unreachable)))",
        "(type $s (struct (field i32))) (type $a (array i8)) (func (param anyref) (result i32)"
        " (drop (struct.new $s (i32.const 1))) (drop (array.new_fixed $a 2 (i32.const 1) (i32.const 2)))"
        " (block $l (result (ref $s)) (br_on_cast $l anyref (ref $s) (local.get 0)) unreachable)"
        " (struct.get $s 0))",
        "(@custom \"first\" (before first) \"\\01\\02\\03\") (@custom \"\" (after type)) (type (func))"
        "(func $named (local $l i32)) (@custom \"last\" (after last) \"0123456789abcdef0123456789abcdef\")",
        "(tag $e (param i32)) (func (try $t (do (throw $e (i32.const 1))) (catch $e drop (try (do (rethrow 1))"
        " (delegate 0))) (catch_all (rethrow 0))))",
};

START_TEST(events_do_not_depend_on_the_pieces)
{
        _cleanup_(buffer_done) struct buffer bytes = { 0 };
        struct error err = { 0 };

        ck_assert_msg(text_module_to_binary(modules[_i], strlen(modules[_i]), &bytes, &err) == 0, "%d: %s", _i,
                      err.text);
        same_however_cut(modules[_i], bytes.bytes, bytes.size, true);
}
END_TEST

/* Every prefix is refused at its end, or is whole; and so says module_decode(). */
START_TEST(prefixes_are_judged_as_by_the_decoder)
{
        _cleanup_(buffer_done) struct buffer bytes = { 0 };

        ck_assert_int_eq(text_module_to_binary(modules[_i], strlen(modules[_i]), &bytes, NULL), 0);
        for (size_t n = 0; n <= bytes.size; n++) {
                _cleanup_(buffer_done) struct buffer out = { 0 };
                _cleanup_(module_freep) struct module *m = NULL;
                uint64_t offset;
                int r = parse(bytes.bytes, n, 3, 3, &out, &offset);
                int d = module_decode(bytes.bytes, n, &limits_default, UINT64_MAX, 0, &m, NULL);

                ck_assert_msg((r < 0) == (d < 0), "%zu of %zu bytes: %d, and %d", n, bytes.size, r, d);
        }
}
END_TEST

/* One byte changed: the parser refuses whatever the decoder refuses (which looks into no body), and is of
 * one opinion however the bytes are cut. */
START_TEST(damage_is_seen)
{
        _cleanup_(buffer_done) struct buffer bytes = { 0 };

        ck_assert_int_eq(text_module_to_binary(modules[_i], strlen(modules[_i]), &bytes, NULL), 0);
        for (size_t i = 0; i < bytes.size; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        _cleanup_(buffer_done) struct buffer out = { 0 }, again = { 0 };
                        _cleanup_(module_freep) struct module *m = NULL;
                        uint64_t offset, other;
                        struct error err = { 0 };
                        int r, d;

                        bytes.bytes[i] ^= (uint8_t)(1u << bit);
                        r = parse(bytes.bytes, bytes.size, bytes.size, bytes.size, &out, &offset);
                        d = module_decode(bytes.bytes, bytes.size, &limits_default, UINT64_MAX, 0, &m, &err);
                        /* What is invalid, or beyond a limit, may be well-formed. */
                        ck_assert_msg(r < 0 || d >= 0 || d == -E2BIG || strstr(err.text, "type mismatch"), "byte %zu, bit %u: decode %d", i, bit, d);
                        ck_assert_int_eq(parse(bytes.bytes, bytes.size, 1, 1, &again, &other), r);
                        ck_assert_uint_eq(offset, other);
                        bytes.bytes[i] ^= (uint8_t)(1u << bit);
                }
}
END_TEST

static const struct { const char *name, *hex, *text; int r; uint64_t offset; } bad[] = {
        { "nothing", "", "unexpected end", -EBADMSG, 0 },
        { "magic", "00 61 73 6e", "magic header", -EBADMSG, 0 },
        { "version", "00 61 73 6d 02 00 00 00", "unknown binary version", -EBADMSG, 4 },
        { "a component", "00 61 73 6d 0d 00 01 00", "a component, and no module", -EBADMSG, 4 },
        { "section id", HEX_HEADER "0e 00", "malformed section id 14", -EBADMSG, 8 },
        { "order", HEX_HEADER "03 01 00 01 01 00", "out of order or appears twice", -EBADMSG, 11 },
        { "section without end", HEX_HEADER "01 05 01", "unexpected end", -EBADMSG, 11 },
        { "bytes behind the content", HEX_HEADER "01 05 01 60 00 00 00", "section size mismatch", -EBADMSG, 14 },
        { "a count that nothing can hold", HEX_HEADER "03 06 ff ff ff ff 0f 00", "unexpected end of section or function: 4294967295 entries",
          -EBADMSG, 10 },
        { "number too long", HEX_HEADER "03 08 01 80 80 80 80 80 00 00", "integer representation too long",
          -EBADMSG, 11 },
        { "number too large", HEX_HEADER "03 06 01 ff ff ff ff 7f", "integer too large", -EBADMSG, 11 },
        { "name beyond its section", HEX_HEADER "00 02 05 61", "length out of bounds", -EBADMSG, 10 },
        { "name no UTF-8", HEX_HEADER "00 03 02 61 ff", "malformed UTF-8 encoding", -EBADMSG, 11 },
        { "name too long", HEX_HEADER "00 c4 8d 06 c0 8d 06", "a name of 100032 bytes", -E2BIG, 12 },
        { "type form", HEX_HEADER "01 04 01 61 00 00", "malformed definition type 0x61", -EBADMSG, 11 },
        { "export kind", HEX_HEADER "07 04 01 00 05 00", "malformed export kind", -EBADMSG, 12 },
        { "functions without code", HEX_HEADER "03 02 01 00", "inconsistent lengths: 1 functions, 0 bodies",
          -EBADMSG, 10 },
        { "data count", HEX_HEADER "0c 01 02", "inconsistent lengths: 2 announced, 0 present", -EBADMSG, 10 },
        { "body without end", HEX_HEADER "0a 05 01 03 00 01 01", "unexpected end", -EBADMSG, 15 },
        { "bytes behind the end", HEX_HEADER "0a 05 01 03 00 0b 0b", "behind the end of the body", -EBADMSG, 14 },
        { "locals beyond 32 bits", HEX_HEADER "0a 0e 01 0c 02 ff ff ff ff 0f 7f 02 7e 0b 00 00", "too many locals",
          -EBADMSG, 19 },
        { "memory.init without a data count", HEX_HEADER "0a 08 01 06 00 fc 08 00 00 0b", "data count section",
          -EBADMSG, 13 },
        { "opcode", HEX_HEADER "0a 05 01 03 00 27 0b", "illegal opcode", -EBADMSG, 13 },
        { "br_table with all labels", HEX_HEADER "0a 09 01 07 00 0e ff ff ff ff 0f", "unexpected end", -EBADMSG, 13 },
};

START_TEST(malformed_bytes_are_told)
{
        struct nacelle_parser *p = nacelle_parser_new();
        size_t n;
        _cleanup_free_ uint8_t *bytes = hex_bytes("", bad[_i].hex, &n);
        const uint8_t *at = bytes;
        struct nacelle_event e;
        int r;

        while ((r = nacelle_parser_next(p, &at, bytes + n, true, &e)) > 0)
                ;
        ck_assert_msg(r == bad[_i].r, "%s: %d", bad[_i].name, r);
        ck_assert_msg(strstr(nacelle_parser_error(p), bad[_i].text), "%s: %s", bad[_i].name,
                      nacelle_parser_error(p));
        ck_assert_msg(nacelle_parser_offset(p) == bad[_i].offset, "%s: at %llu", bad[_i].name,
                      (unsigned long long)nacelle_parser_offset(p));
        nacelle_parser_free(p);
        same_however_cut(bad[_i].name, bytes, n, true);
}
END_TEST

START_TEST(every_event_has_a_text)
{
        for (int k = 0; k < _NACELLE_EVENT_MAX; k++)
                ck_assert(*nacelle_event_text((enum nacelle_event_kind)k));
        nacelle_parser_free(NULL);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("parser");

        tcase_set_timeout(tc, 120);
        tcase_add_loop_test(tc, events_do_not_depend_on_the_pieces, 0, ELEMENTSOF(modules));
        tcase_add_loop_test(tc, prefixes_are_judged_as_by_the_decoder, 0, ELEMENTSOF(modules));
        tcase_add_loop_test(tc, damage_is_seen, 0, ELEMENTSOF(modules));
        tcase_add_loop_test(tc, malformed_bytes_are_told, 0, ELEMENTSOF(bad));
        tcase_add_test(tc, every_event_has_a_text);
        return unit_main("parser", &tc, 1);
}
