/* The instruction table, and that both readers of instructions see the same. */
#include "engine/base/buffer.h"
#include "engine/decode/body.h"
#include "engine/decode/decode.h"
#include "tests/unit/unit.h"

START_TEST(rows_are_found_by_code)
{
        const struct opcode_info *info = &opcode_table[_i];

        if (info->code <= 0xff)
                ck_assert_int_eq(opcode_of_byte[info->code], _i);
        else
                ck_assert_int_eq(opcode_find((uint8_t)(info->code >> 12), info->code & 0xfff), _i);
        ck_assert_uint_lt(info->feature, _FEATURE_MAX);
        ck_assert_uint_gt(strlen(info->text), 0);
        ck_assert_uint_le(strlen(info->pops), 4);
        ck_assert_uint_le(strlen(info->pushes), 2);
        ck_assert_uint_eq(strspn(info->pops, "iIfFva*"), strlen(info->pops));
        ck_assert_uint_eq(strspn(info->pushes, "iIfFva*"), strlen(info->pushes));
        ck_assert_int_eq(opcode_access_bytes((enum opcode)_i) != 0,
                         info->immediate == IMM_MEMARG || info->immediate == IMM_MEMARG_LANE);
}
END_TEST

START_TEST(no_other_code_is_found)
{
        unsigned found = 0;

        for (unsigned i = 0; i < 256; i++)
                found += opcode_of_byte[i] != OP_INVALID;
        for (uint32_t i = 0; i < 0x1000; i++) {
                found += opcode_find(0xfb, i) != OP_INVALID;
                found += opcode_find(0xfc, i) != OP_INVALID;
                found += opcode_find(0xfd, i) != OP_INVALID;
                found += opcode_find(0xfe, i) != OP_INVALID;
        }
        ck_assert_uint_eq(found, _OP_MAX);
        ck_assert_uint_eq(opcode_find(0xfa, 0), OP_INVALID);
        ck_assert_uint_eq(opcode_find(0xfb, UINT32_MAX), OP_INVALID);
        ck_assert_uint_eq(opcode_find(0xfc, UINT32_MAX), OP_INVALID);
        ck_assert_uint_eq(opcode_find(0xfd, UINT32_MAX), OP_INVALID);
        ck_assert_uint_eq(opcode_find(0xfe, UINT32_MAX), OP_INVALID);
        ck_assert_uint_eq(opcode_of_byte[0xff], OP_INVALID);
        ck_assert_uint_eq(opcode_access_bytes(OP_INVALID), 0);
}
END_TEST

/* Immediates that use every field, in long and short forms. */
static void append_immediate(struct buffer *b, unsigned kind, uint32_t seed)
{
        static const uint8_t blocktypes[] = { 0x40, 0x7f, 0x7b, 0x70, 0x05 };
        uint32_t small = seed % 100, large = seed * 2654435761u;

        switch (kind) {
        case IMM_NONE:
                break;
        case IMM_BLOCK:
                buffer_u8(b, blocktypes[seed % sizeof(blocktypes)]);
                break;
        case IMM_LABELS:
                buffer_uleb(b, small);
                for (uint32_t i = 0; i <= small; i++)
                        buffer_uleb(b, large % 1000 + i);
                break;
        case IMM_HEAPTYPE:
        case IMM_REF:
        case IMM_REF_NULL:
                buffer_u8(b, seed & 1 ? 0x70 : 0x6f);
                break;
        case IMM_BR_CAST:
                buffer_u8(b, (uint8_t)(seed & 3));
                buffer_uleb(b, large);
                buffer_u8(b, 0x6e);
                buffer_sleb(b, small);
                break;
        case IMM_TYPES:
                buffer_uleb(b, 2);
                buffer_u8(b, 0x7f);
                buffer_u8(b, 0x7c);
                break;
        case IMM_CALL_INDIRECT:
        case IMM_FIELD:
        case IMM_ARRAY_N:
        case IMM_ARRAY_DATA:
        case IMM_ARRAY_ELEM:
        case IMM_ARRAY_COPY:
        case IMM_TABLE_INIT:
        case IMM_TABLE_COPY:
        case IMM_MEMORY_INIT:
        case IMM_MEMORY_COPY:
                buffer_uleb(b, large);
                buffer_uleb(b, small);
                break;
        case IMM_MEMARG:
        case IMM_MEMARG_LANE:
                buffer_u8(b, (uint8_t)(seed & 0x47));
                if (seed & 0x40)
                        buffer_uleb(b, small);
                buffer_uleb(b, (uint64_t)large << (seed % 32));
                if (kind == IMM_MEMARG_LANE)
                        buffer_u8(b, (uint8_t)small);
                break;
        case IMM_I32:
                buffer_sleb(b, (int32_t)large);
                break;
        case IMM_I64:
                buffer_sleb(b, (int64_t)((uint64_t)large << (seed % 33)));
                break;
        case IMM_F32:
                buffer_u32(b, large);
                break;
        case IMM_F64:
                buffer_u64(b, large);
                break;
        case IMM_V128:
        case IMM_LANES16:
                buffer_u64(b, large);
                buffer_u64(b, ~(uint64_t)large);
                break;
        case IMM_LANE:
                buffer_u8(b, (uint8_t)small);
                break;
        case IMM_ZERO:
                buffer_u8(b, 0);
                break;
        case IMM_TRY_TABLE:
                buffer_u8(b, 0x40);
                buffer_u8(b, 2);
                buffer_u8(b, CATCH_REF);
                buffer_uleb(b, large);
                buffer_uleb(b, large);
                buffer_u8(b, CATCH_ALL);
                buffer_uleb(b, large);
                break;
        default:
                buffer_uleb(b, large);
                break;
        }
}

START_TEST(both_readers_agree)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct instruction checked, quick;
        struct cursor c, q;

        for (uint32_t op = 0; op < _OP_MAX; op++) {
                uint32_t code = opcode_table[op].code;

                if (code > 0xff)
                        buffer_u8(&b, (uint8_t)(code >> 12));
                buffer_uleb(&b, code > 0xff ? code & 0xfff : code);
                if (code <= 0xff && code >= 0x80)
                        b.size--, b.bytes[b.size - 1] = (uint8_t)code; /* a byte, no LEB128 */
                append_immediate(&b, opcode_table[op].immediate, op * 7 + (uint32_t)_i * 131);
        }
        c = (struct cursor) { .at = b.bytes, .end = b.bytes + b.size, .file = b.bytes,
                              .file_end = b.bytes + b.size };
        q = c;
        for (uint32_t op = 0; op < _OP_MAX; op++) {
                memset(&checked, 0, sizeof(checked));
                memset(&quick, 0, sizeof(quick));
                ck_assert_msg(body_next(&c, &checked), "%s: %s", opcode_table[op].text, c.why);
                body_next_checked(&q, &quick);
                ck_assert_uint_eq(checked.op, op);
                ck_assert_mem_eq(&checked, &quick, sizeof(checked));
                for (uint32_t i = 0; op == OP_BR_TABLE && i <= checked.index; i++) {
                        uint32_t label;

                        ck_assert(read_u32(&c, &label));
                        ck_assert_uint_eq(body_label(&q), label);
                }
                ck_assert_ptr_eq(c.at, q.at);
        }
        ck_assert_ptr_eq(c.at, c.end);
}
END_TEST

static const struct { const char *name; uint8_t bytes[16]; size_t n; const char *why; int code; } bad[] = {
        { "nothing",            { 0 },                0, "unexpected end",            -EBADMSG },
        { "no such byte",       { 0xff },             1, "illegal opcode ff",         -EBADMSG },
        { "no such number",     { 0xfc, 0x1e },       2, "illegal opcode fc 1e",      -EBADMSG },
        { "prefix alone",       { 0xfc },             1, "unexpected end",            -EBADMSG },
        { "long number",        { 0xfd, 0x80, 0x80, 0x80, 0x80, 0x80, 0 }, 7,
          "integer representation too long", -EBADMSG },
        { "of gc, unknown",     { 0xfb, 0x1f },       2, "illegal opcode fb 1f",      -EBADMSG },
        { "flags of a cast",    { 0xfb, 0x18, 0x04 }, 3, "malformed cast flags",      -EBADMSG },
        { "no such atomic",     { 0xfe, 0x4f },       2, "illegal opcode fe 4f",      -EBADMSG },
        { "fence cut",          { 0xfe, 0x03 },       2, "unexpected end",            -EBADMSG },
        { "fence of another kind", { 0xfe, 0x03, 1 }, 3, "zero byte expected",        -EBADMSG },
        { "after relaxed-simd", { 0xfd, 0x94, 0x02 }, 3, "illegal opcode fd 114",      -EBADMSG },
        { "block type",         { 0x02, 0x41 },       2, "malformed value type",      -EBADMSG },
        { "block type missing", { 0x02 },             1, "unexpected end",            -EBADMSG },
        { "block type negative", { 0x02, 0xc0, 0x7f }, 3, "malformed block type",     -EBADMSG },
        { "block type of continuations", { 0x02, 0x64, 0x68 }, 3, "a type of a proposal",      -EOPNOTSUPP },
        { "catch clause",       { 0x1f, 0x40, 1, 4, 0 }, 5, "malformed catch clause", -EBADMSG },
        { "catch clauses, half", { 0x1f, 0x40, 2, 2, 0 }, 5, "unexpected end",        -EBADMSG },
        { "heap type",          { 0xd0, 0x7f },       2, "malformed heap type",       -EBADMSG },
        { "block type, no heap type", { 0x02, 0x64, 0x7f }, 3, "malformed heap type", -EBADMSG },
        { "block type, half",   { 0x02, 0x63 },       2, "unexpected end",            -EBADMSG },
        { "heap type negative", { 0xd0, 0xf0, 0x7f }, 3, "malformed heap type",       -EBADMSG },
        { "heap type too long", { 0xd0, 0x80, 0x80, 0x80, 0x80, 0x80, 0 }, 7, "integer representation too long", -EBADMSG },
        { "heap type of continuations", { 0xd0, 0x68 },       2, "a type of a proposal",      -EOPNOTSUPP },
        { "memop flags",        { 0x28, 0x80, 0x01, 0 }, 4, "malformed memop flags",  -EBADMSG },
        { "memory index cut",   { 0x28, 0x42 },       2, "unexpected end",            -EBADMSG },
        { "offset cut",         { 0x28, 0x02 },       2, "unexpected end",            -EBADMSG },
        { "lane cut",           { 0xfd, 0x54, 0, 0 }, 4, "unexpected end",            -EBADMSG },
        { "f32 cut",            { 0x43, 1, 2, 3 },    4, "unexpected end",            -EBADMSG },
        { "f64 cut",            { 0x44, 1, 2, 3, 4, 5, 6, 7 }, 8, "unexpected end",   -EBADMSG },
        { "v128 cut",           { 0xfd, 0x0c, 1, 2, 3 }, 5, "unexpected end",         -EBADMSG },
        { "i32 too large",      { 0x41, 0x80, 0x80, 0x80, 0x80, 0x70 }, 6, "integer too large", -EBADMSG },
        { "select's types cut", { 0x1c, 0x03, 0x7f }, 3, "unexpected end",            -EBADMSG },
        { "select's type",      { 0x1c, 0x01, 0x40 }, 3, "malformed value type",      -EBADMSG },
        { "second index",       { 0x11, 0x00 },       2, "unexpected end",            -EBADMSG },
};

START_TEST(malformed_instruction_is_refused)
{
        uint8_t *bytes = malloc(bad[_i].n ? bad[_i].n : 1);
        struct cursor c = { .at = bytes, .end = bytes + bad[_i].n, .file = bytes,
                            .file_end = bytes + bad[_i].n };
        struct instruction in = { 0 };
        struct error err = { 0 };

        memcpy(bytes, bad[_i].bytes, bad[_i].n);
        ck_assert_msg(!body_next(&c, &in), "%s", bad[_i].name);
        ck_assert_int_eq(cursor_error(&c, &err), bad[_i].code);
        ck_assert_msg(strncmp(err.text, bad[_i].why, strlen(bad[_i].why)) == 0, "%s: %s",
                      bad[_i].name, err.text);
        free(bytes);
}
END_TEST

START_TEST(types_have_texts)
{
        static const valtype params[] = { VAL_I32, VAL_FUNCREF }, results[] = { VAL_V128 };
        struct functype type = { 2, 1, params, results };
        char text[64], small[8];

        ck_assert_str_eq(functype_text(&type, text, sizeof(text)), "(i32 funcref) -> (v128)");
        ck_assert_str_eq(functype_text(&type, small, sizeof(small)), "(i32 fu");
        ck_assert_str_eq(valtype_text(VAL_EXTERNREF), "externref");
        for (unsigned byte = 0; byte < 256; byte++)
                if (valtype_of_byte((uint8_t)byte) != VAL_BOTTOM)
                        ck_assert_uint_eq(*valtype_cell(valtype_of_byte((uint8_t)byte)),
                                          valtype_of_byte((uint8_t)byte));
}
END_TEST

START_TEST(default_features_follow_the_table)
{
        ck_assert(FEATURES_DEFAULT >> FEATURE_SIMD & 1);
        ck_assert(FEATURES_DEFAULT >> FEATURE_MEMORY64 & 1);
        ck_assert(FEATURES_DEFAULT >> FEATURE_RELAXED_SIMD & 1);
        ck_assert(!(FEATURES_DEFAULT >> FEATURE_WIDE_ARITHMETIC & 1));
        ck_assert(!(FEATURES_DEFAULT >> FEATURE_THREADS & 1));
        for (unsigned i = 0; i < _FEATURE_MAX; i++)
                ck_assert_uint_gt(strlen(feature_table[i].text), 0);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("body");

        tcase_add_loop_test(tc, rows_are_found_by_code, 0, _OP_MAX);
        tcase_add_test(tc, no_other_code_is_found);
        tcase_add_loop_test(tc, both_readers_agree, 0, 64);
        tcase_add_loop_test(tc, malformed_instruction_is_refused, 0, ELEMENTSOF(bad));
        tcase_add_test(tc, types_have_texts);
        tcase_add_test(tc, default_features_follow_the_table);
        return unit_main("body", &tc, 1);
}
