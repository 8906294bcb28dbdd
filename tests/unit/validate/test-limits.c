/* Bombs: inputs that ask for more than they are worth (drills I01, I02, I04). A case is made by a
 * function; what it may cost in memory is held against its size, and the clock of the test frame
 * is the bound of time. */
#include <string.h>

#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/decode/hex.h"

#define MEMORY_FIXED    ((size_t)8 << 20) /* tables of one thread */
#define MEMORY_PER_BYTE 64

void fuzz_fail(const char *format, ...)
{
        ck_abort_msg("%s", format);
}

static void repeat(struct buffer *b, uint8_t byte, size_t n)
{
        uint8_t *p = buffer_reserve(b, n);

        ck_assert_ptr_nonnull(p);
        memset(p, byte, n);
        b->size += n;
}

static void append_all(struct buffer *b, struct buffer *part)
{
        buffer_append(b, part->bytes, part->size);
        buffer_done(part);
}

static void section(struct buffer *b, uint8_t id, struct buffer *content)
{
        buffer_u8(b, id);
        buffer_uleb(b, content->size);
        append_all(b, content);
}

static void header(struct buffer *b)
{
        buffer_append(b, "\0asm\1\0\0\0", 8);
}

/* Type section of () -> () and one of @nparams i32 to @nresults i32, and @n functions of type @type. */
static void types_and_functions(struct buffer *b, uint32_t nparams, uint32_t nresults, uint32_t n,
                                uint32_t type)
{
        struct buffer part = { 0 };

        buffer_append(&part, "\2\x60\0\0\x60", 5);
        buffer_uleb(&part, nparams);
        repeat(&part, 0x7f, nparams);
        buffer_uleb(&part, nresults);
        repeat(&part, 0x7f, nresults);
        section(b, 1, &part);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_uleb(&part, type);
        section(b, 3, &part);
}

/* A module with one function () -> () whose body is @code behind @locals. */
static void one_body(struct buffer *b, struct buffer *code)
{
        struct buffer part = { 0 };

        header(b);
        types_and_functions(b, 0, 0, 1, 0);
        buffer_uleb(&part, 1);
        buffer_uleb(&part, code->size);
        append_all(&part, code);
        section(b, 10, &part);
}

static void nested(struct buffer *b, uint32_t depth)
{
        struct buffer code = { 0 };

        buffer_u8(&code, 0);
        for (uint32_t i = 0; i < depth; i++)
                buffer_append(&code, "\x02\x40", 2);
        repeat(&code, 0x0b, depth + 1);
        one_body(b, &code);
}

static void jump_table(struct buffer *b, uint32_t targets)
{
        struct buffer code = { 0 };

        buffer_append(&code, "\0\x41\0\x0e", 4);
        buffer_uleb(&code, targets);
        repeat(&code, 0, (size_t)targets + 1);
        buffer_u8(&code, 0x0b);
        one_body(b, &code);
}

static void locals(struct buffer *b, uint32_t n)
{
        struct buffer code = { 0 };

        buffer_uleb(&code, 2);
        buffer_uleb(&code, n - 1);
        buffer_append(&code, "\x7f\1\x7e", 3);
        buffer_u8(&code, 0x20); /* the last one is there, and an i64 */
        buffer_uleb(&code, n - 1);
        buffer_append(&code, "\x50\x1a\x0b", 3);
        one_body(b, &code);
}

static void one_large_body(struct buffer *b, uint32_t bytes)
{
        struct buffer code = { 0 };

        buffer_u8(&code, 0);
        repeat(&code, 0x01, bytes - 2);
        buffer_u8(&code, 0x0b);
        one_body(b, &code);
}

/* Two bytes of code push a thousand operands. */
static void calls_of_many_results(struct buffer *b, uint32_t calls)
{
        struct buffer part = { 0 }, code = { 0 };

        header(b);
        types_and_functions(b, 0, 1000, 2, 1);
        buffer_uleb(&part, 2);
        for (int i = 0; i < 2; i++) {
                buffer_u8(&code, 0);
                for (uint32_t k = 0; k < calls; k++)
                        buffer_append(&code, "\x10\0", 2);
                buffer_append(&code, "\x00\x0b", 2);
                buffer_uleb(&part, code.size);
                append_all(&part, &code);
        }
        section(b, 10, &part);
}

/* Deep operands, without calls. */
static void constants(struct buffer *b, uint32_t n)
{
        struct buffer code = { 0 };

        buffer_u8(&code, 0);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&code, "\x41\0", 2);
        buffer_append(&code, "\x00\x0b", 2);
        one_body(b, &code);
}

/* Thousands of functions that declare the most locals in five bytes, and use the last. */
static void functions_with_locals(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        types_and_functions(b, 0, 0, n, 0);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&part, "\x0b\1\xd0\x86\3\x7f\x20\xcf\x86\3\x1a\x0b", 12);
        section(b, 10, &part);
}

/* br_table over labels that carry a thousand operands each. */
static void wide_labels(struct buffer *b, uint32_t targets)
{
        struct buffer part = { 0 }, code = { 0 };

        header(b);
        types_and_functions(b, 0, 1000, 1, 1);
        buffer_append(&code, "\0\x02\x01", 3);
        for (int i = 0; i < 1000; i++)
                buffer_append(&code, "\x41\0", 2);
        buffer_append(&code, "\x41\0\x0e", 3);
        buffer_uleb(&code, targets);
        for (uint32_t i = 0; i <= targets; i++)
                buffer_u8(&code, i & 1);
        buffer_append(&code, "\x0b\x0b", 2);
        buffer_uleb(&part, 1);
        buffer_uleb(&part, code.size);
        append_all(&part, &code);
        section(b, 10, &part);
}

static void parameters(struct buffer *b, uint32_t n)
{
        header(b);
        types_and_functions(b, n, 0, 0, 0);
}

static void results(struct buffer *b, uint32_t n)
{
        header(b);
        types_and_functions(b, 0, n, 0, 0);
}

static void long_constant(struct buffer *b, uint32_t ops)
{
        struct buffer part = { 0 };

        header(b);
        buffer_append(&part, "\1\x7f\0\x41\0", 5);
        for (uint32_t i = 0; i < ops / 2; i++)
                buffer_append(&part, "\x41\1\x6a", 3);
        buffer_u8(&part, 0x0b);
        section(b, 6, &part);
}

static void long_name(struct buffer *b, uint32_t bytes)
{
        struct buffer part = { 0 };

        header(b);
        buffer_uleb(&part, bytes);
        repeat(&part, 'a', bytes);
        section(b, 0, &part);
}

/* Exports whose names are long and the same up to the end: what comparing costs. */
static void alike_exports(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        types_and_functions(b, 0, 0, 0, 0);
        buffer_append(&part, "\1\0\1", 3);
        section(b, 5, &part);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++) {
                buffer_uleb(&part, 104);
                repeat(&part, 'x', 100);
                for (int k = 0; k < 4; k++)
                        buffer_u8(&part, (uint8_t)('a' + (i >> 4 * k & 15)));
                buffer_append(&part, "\2\0", 2);
        }
        section(b, 7, &part);
}

/* The count of @id is the largest number, in a module of 20 bytes. */
static void huge_count(struct buffer *b, uint32_t id)
{
        header(b);
        buffer_u8(b, (uint8_t)id);
        buffer_append(b, "\x0a\xff\xff\xff\xff\x0f\0\0\0\0\0", 11);
}

static void huge_locals(struct buffer *b, uint32_t unused)
{
        struct buffer code = { 0 };

        buffer_append(&code, "\1\xff\xff\xff\xff\x0f\x7f\x0b", 8);
        one_body(b, &code);
}

/* Local groups of zero locals. */
static void empty_groups(struct buffer *b, uint32_t n)
{
        struct buffer code = { 0 };

        buffer_uleb(&code, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&code, "\0\x7f", 2);
        buffer_u8(&code, 0x0b);
        one_body(b, &code);
}

static void huge_types_of_select(struct buffer *b, uint32_t unused)
{
        struct buffer code = { 0 };

        buffer_append(&code, "\0\x1c\xff\xff\xff\xff\x0f\x7f\x0b", 9);
        one_body(b, &code);
}

static void huge_jump_table(struct buffer *b, uint32_t unused)
{
        struct buffer code = { 0 };

        buffer_append(&code, "\0\x41\0\x0e\xff\xff\xff\xff\x0f\0\x0b", 11);
        one_body(b, &code);
}

static void many_customs(struct buffer *b, uint32_t n)
{
        header(b);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(b, "\0\1\0", 3);
}

/* Types of gc: as many as there may be, alike or all different, alone, in one group, in pairs. */
static void empty_structures(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&part, "\x5f\0", 2);
        section(b, 1, &part);
}

static void one_group(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        buffer_append(&part, "\1\x4e", 2);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&part, "\x5f\0", 2);
        section(b, 1, &part);
}

static void pairs(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&part, "\x4e\2\x5f\0\x5f\0", 6);
        section(b, 1, &part);
}

static void empty_recursive_groups(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&part, "\x4e\0", 2);
        section(b, 1, &part);
}

/* Each below the one before, in chains as long as they may be; no two are equal. */
static void chains(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++) {
                buffer_u8(&part, 0x50);
                buffer_uleb(&part, i > 0);
                if (i > 0)
                        buffer_uleb(&part, i % 63 ? i - 1 : 0);
                buffer_append(&part, "\x5f\0", 2);
        }
        section(b, 1, &part);
}

/* One structure of 10,000 fields, and @n times a new one in a body: of defaults, or of operands that
 * unreachable code has. */
static void large_structures(struct buffer *b, uint32_t n, const char *op)
{
        struct buffer part = { 0 }, code = { 0 };

        header(b);
        buffer_append(&part, "\2\x60\0\0\x5f", 5);
        buffer_uleb(&part, 10000);
        for (uint32_t i = 0; i < 10000; i++)
                buffer_append(&part, "\x7f\0", 2);
        section(b, 1, &part);
        buffer_append(&part, "\1\0", 2);
        section(b, 3, &part);
        buffer_append(&code, "\0\0", 2);
        for (uint32_t i = 0; i < n; i++) {
                buffer_append(&code, op, 3);
                buffer_u8(&code, 0x1a);
        }
        buffer_u8(&code, 0x0b);
        buffer_u8(&part, 1);
        buffer_uleb(&part, code.size);
        append_all(&part, &code);
        section(b, 10, &part);
}

static void new_defaults(struct buffer *b, uint32_t n)
{
        large_structures(b, n, "\xfb\1\1");
}

static void unreachable_news(struct buffer *b, uint32_t n)
{
        large_structures(b, n, "\xfb\0\1");
}

/* Structures of @n fields of the type before, or of none. */
static void fields(struct buffer *b, uint32_t n)
{
        struct buffer part = { 0 };

        header(b);
        buffer_append(&part, "\2\x5f\0\x5f", 4);
        buffer_uleb(&part, n);
        for (uint32_t i = 0; i < n; i++)
                buffer_append(&part, "\x64\0\1", 3);
        section(b, 1, &part);
}

static const struct {
        const char *name;
        void (*make)(struct buffer *b, uint32_t n);
        uint32_t n;
        int r;
        const char *text;
} cases[] = {
        { "2^32 - 1 types",             huge_count, 1,  -E2BIG, "4294967295 types" },
        { "2^32 - 1 imports",           huge_count, 2,  -E2BIG, "4294967295 imports" },
        { "2^32 - 1 functions",         huge_count, 3,  -E2BIG, "4294967295 functions" },
        { "2^32 - 1 tables",            huge_count, 4,  -E2BIG, "4294967295 tables" },
        { "2^32 - 1 memories",          huge_count, 5,  -E2BIG, "4294967295 memories" },
        { "2^32 - 1 globals",           huge_count, 6,  -E2BIG, "4294967295 globals" },
        { "2^32 - 1 exports",           huge_count, 7,  -E2BIG, "4294967295 exports" },
        { "2^32 - 1 element segments",  huge_count, 9,  -E2BIG, "4294967295 element segments" },
        { "2^32 - 1 bodies",            huge_count, 10, -E2BIG, "4294967295 bodies" },
        { "2^32 - 1 data segments",     huge_count, 11, -E2BIG, "4294967295 data segments" },
        { "2^32 - 1 announced segments", huge_count, 12, -E2BIG, "4294967295 data segments" },
        { "2^32 - 1 locals",            huge_locals, 0, -E2BIG, "too many locals" },
        { "2^32 - 1 types of select",   huge_types_of_select, 0, -EBADMSG, "malformed value type" },
        { "2^32 - 1 branch targets",    huge_jump_table, 0, -E2BIG, "4294967295 branch targets" },
        { "99,999 nested blocks",       nested, 99999, 0, NULL },
        { "100,000 nested blocks",      nested, 100000, -E2BIG, "more than 100000 nested blocks" },
        { "3,000,000 nested blocks",    nested, 2500000, -E2BIG, "more than 100000 nested blocks" },
        { "1,000,000 branch targets",   jump_table, 1000000, 0, NULL },
        { "1,000,001 branch targets",   jump_table, 1000001, -E2BIG, "1000001 branch targets" },
        { "wide labels",                wide_labels, 200000, 0, NULL },
        { "50,000 locals",              locals, 50000, 0, NULL },
        { "50,001 locals",              locals, 50001, -E2BIG, "too many locals: 50001" },
        { "locals of many functions",   functions_with_locals, 300000, 0, NULL },
        { "1,000,000 empty groups",     empty_groups, 1000000, 0, NULL },
        { "largest body",               one_large_body, 7654321, 0, NULL },
        { "body too large",             one_large_body, 7654322, -E2BIG, "a body of 7654322 bytes" },
        { "900,000 operands of calls",  calls_of_many_results, 900, 0, NULL },
        { "operands of calls",          calls_of_many_results, 1001, -E2BIG, "1001000 operands at once" },
        { "operands of many calls",     calls_of_many_results, 1000000, -E2BIG, "1001000 operands at once" },
        { "1,000,000 constants",        constants, 1000000, 0, NULL },
        { "1,000,001 constants",        constants, 1000001, -E2BIG, "1000001 operands at once" },
        { "1,000 parameters",           parameters, 1000, 0, NULL },
        { "1,001 parameters",           parameters, 1001, -E2BIG, "1001 parameters" },
        { "1,000 results",              results, 1000, 0, NULL },
        { "1,001 results",              results, 1001, -E2BIG, "1001 results" },
        { "constant of 999 instructions", long_constant, 998, 0, NULL },
        { "constant of 1,001 instructions", long_constant, 1000, -E2BIG, "a constant expression of more" },
        { "longest name",               long_name, 100000, 0, NULL },
        { "name too long",              long_name, 100001, -E2BIG, "a name of 100001 bytes" },
        { "60,000 names alike",         alike_exports, 60000, 0, NULL },
        { "the same name at last",      alike_exports, 65537, -EBADMSG, "duplicate export name" },
        { "1,000,000 custom sections",  many_customs, 1000000, 0, NULL },
        { "1,000,000 structures",       empty_structures, 1000000, 0, NULL },
        { "1,000,001 structures",       empty_structures, 1000001, -E2BIG, "1000001 types" },
        { "1,000,000 types in a group", one_group, 1000000, 0, NULL },
        { "1,000,001 types in a group", one_group, 1000001, -E2BIG, "1000001 types" },
        { "500,000 groups of two",      pairs, 500000, 0, NULL },
        { "500,001 groups of two",      pairs, 500001, -E2BIG, "2 types, the limit is 0" },
        { "1,000,000 groups of none",   empty_recursive_groups, 1000000, 0, NULL },
        { "1,000,000 subtypes",         chains, 1000000, 0, NULL },
        { "10,000 fields",              fields, 10000, 0, NULL },
        { "1,900,000 new structures",   new_defaults, 1900000, 0, NULL },
        { "1,900,000 unreachable ones", unreachable_news, 1900000, 0, NULL },
        { "10,001 fields",              fields, 10001, -E2BIG, "10001 fields" },
};

START_TEST(bomb_costs_what_it_is_worth)
{
        struct buffer b = { 0 };
        struct module *m = NULL;
        struct checked_module *c = NULL;
        struct error err = { 0 };
        size_t before, after, used;
        bool accepted;
        int r;

        cases[_i].make(&b, cases[_i].n);
        ck_assert(buffer_ok(&b));
        /* The test frame allocates as well: nothing of it between here and "after". */
        before = heap_bytes();
        heap_mark();
        r = module_decode(b.bytes, b.size, &limits_default, FEATURES_DEFAULT, 0, &m, &err);
        if (r == 0)
                r = module_validate(m, &limits_default, FEATURES_DEFAULT, 1, &c, &err);
        used = heap_most() - before;
        accepted = c != NULL;
        checked_module_free(c);
        module_free(m);
        after = heap_bytes();

        ck_assert_msg(r == cases[_i].r && r == err.code, "%s: %d %s", cases[_i].name, r, err.text);
        ck_assert_int_eq(accepted, r == 0);
        if (r < 0) {
                ck_assert_msg(strncmp(err.text, cases[_i].text, strlen(cases[_i].text)) == 0, "%s: %s",
                              cases[_i].name, err.text);
                ck_assert_uint_le(err.offset, b.size);
        }
        ck_assert_msg(used <= MEMORY_FIXED + MEMORY_PER_BYTE * b.size, "%s: %zu bytes for %zu",
                      cases[_i].name, used, b.size);
        if (b.size < 64)
                ck_assert_msg(used <= 700000, "%s: %zu bytes for %zu", cases[_i].name, used, b.size);
        ck_assert_uint_eq(after, before);
        buffer_done(&b);
}
END_TEST

/* A limit of the caller's is held like the default ones. */
START_TEST(limits_are_the_callers)
{
        static const struct { size_t field; const char *hex, *text; } rows[] = {
                { offsetof(struct limits, types), "01 04 01 60 00 00", "1 types, the limit is 0" },
                { offsetof(struct limits, functions), "01 04 01 60 00 00 02 07 01 01 61 01 62 00 00", "1 functions" },
                { offsetof(struct limits, globals), "06 06 01 7f 00 41 00 0b", "1 globals" },
                { offsetof(struct limits, memories), "05 03 01 00 00", "1 memories" },
                { offsetof(struct limits, tables), "04 04 01 70 00 00", "1 tables" },
                { offsetof(struct limits, memory_pages), "05 03 01 00 01", "a memory of 1 pages" },
                { offsetof(struct limits, module_bytes), "", "a module of 8 bytes" },
                { offsetof(struct limits, elements), "09 05 01 01 00 01 00", "1 elements" },
                { offsetof(struct limits, name_bytes), "00 02 01 61", "a name of 1 bytes" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct limits limits = limits_default;
                struct module *m = NULL;
                struct checked_module *c = NULL;
                struct error err = { 0 };
                size_t size;
                _cleanup_free_ uint8_t *bytes = hex_bytes(HEX_HEADER, rows[i].hex, &size);
                int r;

                memset((char *)&limits + rows[i].field, 0, sizeof(uint64_t));
                r = module_decode(bytes, size, &limits, FEATURES_DEFAULT, 0, &m, &err);
                if (r == 0)
                        r = module_validate(m, &limits, FEATURES_DEFAULT, 1, &c, &err);
                ck_assert_msg(r == -E2BIG, "%zu: %d %s", i, r, err.text);
                ck_assert_msg(strncmp(err.text, rows[i].text, strlen(rows[i].text)) == 0, "%s", err.text);
                ck_assert_ptr_null(c);
                module_free(m);
        }
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("limits");

        tcase_set_timeout(tc, 20);
        tcase_add_loop_test(tc, bomb_costs_what_it_is_worth, 0, ELEMENTSOF(cases));
        tcase_add_test(tc, limits_are_the_callers);
        return unit_main("limits", &tc, 1);
}
