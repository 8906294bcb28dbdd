#include "engine/decode/decode.h"
#include "tests/unit/decode/hex.h"

#define TYPE     "01 04 01 60 00 00 "      /* () -> () */
#define FUNCTION "03 02 01 00 "            /* one function of type 0 */
#define CODE     "0a 04 01 02 00 0b "      /* one empty body */

/* One module with something of everything; the tests of contents and of prefixes use it. */
static const char everything[] =
        "01 0b 02 60 00 00 60 02 7f 7e 02 7d 7c "                       /* types */
        "02 1e 04 01 61 01 66 00 01 01 61 01 74 01 70 00 01 "           /* imports: func, table */
        "01 61 01 6d 02 01 01 02 01 61 01 67 03 7f 00 "                 /* memory, global */
        "03 03 02 00 01 "                                               /* functions */
        "04 04 01 6f 00 00 "                                            /* table */
        "06 0d 02 7f 01 41 7f 0b 7e 00 42 80 80 04 0b "                 /* globals */
        "07 09 02 01 78 00 01 01 79 03 01 "                             /* exports */
        "08 01 01 "                                                     /* start */
        "09 14 03 00 41 00 0b 01 02 05 70 02 d0 70 0b d2 01 0b 03 00 01 00 " /* elements */
        "0c 01 02 "                                                     /* data count */
        "0a 0e 02 02 00 0b 09 01 02 7f 43 00*4 0b "                     /* code: whole, not valid */
        "0b 0b 02 00 41 08 0b 02 68 69 01 01 ff "                       /* data */
        "00 15 04 6e 61 6d 65 00 02 01 6d 01 0a 03 00 01 61 01 01 62 02 01 63 " /* names */
        "00 04 01 7a 01 02 ";                                           /* custom */

static const struct {
        const char *name, *hex, *text;
        int code;
        uint64_t offset;
        bool whole; /* the header is in .hex */
} bad_cases[] = {
        { "empty file", "", "unexpected end", -EBADMSG, 0, true },
        { "three bytes", "00 61 73", "unexpected end", -EBADMSG, 0, true },
        { "magic", "00 61 73 6e 01 00 00 00", "magic header not detected", -EBADMSG, 0, true },
        { "version missing", "00 61 73 6d 01 00", "unexpected end", -EBADMSG, 4, true },
        { "version 2", "00 61 73 6d 02 00 00 00", "unknown binary version", -EBADMSG, 4, true },
        { "a component", "00 61 73 6d 0d 00 01 00", "unknown binary version 13.1: a component, and no module", -EBADMSG, 4, true },
        { "section id", "0e 00", "malformed section id", -EBADMSG, 8, false },
        { "tag section", "0d 03 01 01 00", "malformed tag attribute 0x01", -EBADMSG, 11, false },
        { "section size missing", "01", "unexpected end", -EBADMSG, 9, false },
        { "section longer than the file", "01 05 01", "length out of bounds", -EBADMSG, 9, false },
        { "section size of six bytes", "01 81 80 80 80 80 00 00", "integer representation too long", -EBADMSG, 9, false },
        { "section twice", "01 01 00 01 01 00", "unexpected content after last section", -EBADMSG, 11, false },
        { "order", "03 01 00 01 01 00", "unexpected content after last section", -EBADMSG, 11, false },
        { "data count behind code", "0a 01 00 0c 01 00", "unexpected content after last section", -EBADMSG, 11, false },
        { "type: bytes left over", "01 05 01 60 00 00 00", "section size mismatch", -EBADMSG, 14, false },
        { "type: count and no types", "01 01 01", "unexpected end", -EBADMSG, 10, false },
        { "type: form", "01 04 01 61 00 00", "malformed definition type", -EBADMSG, 11, false },
        { "type: form as signed number", "01 05 01 e0 7f 00 00", "integer representation too long", -EBADMSG, 11, false },
        { "type: struct", "01 03 01 5f 00", "the feature gc is off", -EOPNOTSUPP, 11, false },
        { "type: rec group", "01 04 01 4e 00 00", "the feature gc is off", -EOPNOTSUPP, 11, false },
        { "type: value type", "01 05 01 60 01 40 00", "malformed value type", -EBADMSG, 13, false },
        { "type: value type of gc", "01 05 01 60 01 6d 00", "the feature gc is off", -EOPNOTSUPP, 13, false },
        { "import: kind", "02 05 01 00 00 05 00", "malformed import kind", -EBADMSG, 13, false },
        { "import: tag", "02 06 01 00 00 04 01 00", "malformed tag attribute 0x01", -EBADMSG, 14, false },
        { "import: name too long", "02 05 01 05 61 00 00", "length out of bounds", -EBADMSG, 11, false },
        { "import: name no UTF-8", "02 06 01 01 ff 00 00 00", "malformed UTF-8 encoding", -EBADMSG, 12, false },
        { "import: second name no UTF-8", "02 06 01 00 01 ff 00 00", "malformed UTF-8 encoding", -EBADMSG, 13, false },
        { "import: mutability", "02 06 01 00 00 03 7f 02", "malformed mutability", -EBADMSG, 15, false },
        { "function without code", TYPE FUNCTION, "function and code section have inconsistent lengths", -EBADMSG, 16, false },
        { "code without function", CODE, "function and code section have inconsistent lengths", -EBADMSG, 10, false },
        { "table: element type", "04 04 01 7f 00 00", "malformed reference type", -EBADMSG, 11, false },
        { "table: limits flags", "04 04 01 70 08 00", "malformed limits flags", -EBADMSG, 12, false },
        { "table: second byte of the long form", "04 05 01 40 01 70 00", "malformed table", -EBADMSG, 12, false },
        { "table: empty initial value", "04 07 01 40 00 70 00 00 0b", "type mismatch", -EBADMSG, 16, false },
        { "memory: limits flags", "05 03 01 10 00", "malformed limits flags", -EBADMSG, 11, false },
        { "memory: page size", "05 04 01 08 00 00", "malformed limits flags 0x08: the feature custom-page-sizes is off", -EBADMSG, 11, false },
        { "memory: flags as number", "05 05 01 81 00 00 00", "malformed limits flags", -EBADMSG, 11, false },
        { "memory: shared", "05 04 01 03 00 01", "the feature threads is off", -EOPNOTSUPP, 11, false },
        { "table: shared", "04 05 01 70 03 00 01", "malformed limits flags", -EBADMSG, 12, false },
        { "memory: maximum missing", "05 03 01 01 00", "unexpected end", -EBADMSG, 13, false },
        { "global: expression without end", "06 05 01 7f 00 41 00", "unexpected end", -EBADMSG, 15, false },
        { "global: illegal opcode", "06 05 01 7f 00 ff 0b", "illegal opcode ff", -EBADMSG, 13, false },
        { "export: kind", "07 05 01 01 61 05 00", "malformed export kind", -EBADMSG, 13, false },
        { "export: tag", "07 05 01 01 61 05 00", "malformed export kind 0x05", -EBADMSG, 13, false },
        { "export: two declared, one given", "07 06 02 02 66 31 00 00", "length out of bounds", -EBADMSG, 10, false },
        { "start: bytes left over", "08 02 00 00", "section size mismatch", -EBADMSG, 11, false },
        { "element: kind of segment", "09 07 01 08 41 00 0b 00 00", "malformed elements segment kind", -EBADMSG, 11, false },
        { "element: kind of element", "09 04 01 01 01 00", "malformed element kind", -EBADMSG, 12, false },
        { "element: reference type", "09 07 01 05 7f 01 d2 00 0b", "malformed reference type", -EBADMSG, 12, false },
        { "element: illegal opcode", "09 07 01 05 70 01 f3 00 0b", "illegal opcode f3", -EBADMSG, 14, false },
        { "data count: no data", "0c 01 01", "data count and data section have inconsistent lengths", -EBADMSG, 10, false },
        { "data count: more data", "0c 01 01 0b 05 02 01 00 01 00", "data count and data section have inconsistent lengths", -EBADMSG, 10, false },
        { "data: kind", "0b 06 01 03 41 00 0b 00", "malformed data segment kind", -EBADMSG, 11, false },
        { "data: cut", "05 03 01 00 01 0b 07 01 00 41 03 0b 07 61", "unexpected end", -EBADMSG, 20, false },
        { "data: bytes left over", "0b 04 01 01 00 61", "section size mismatch", -EBADMSG, 13, false },
        { "code: body longer than the section", TYPE FUNCTION "0a 04 01 05 00 0b", "unexpected end", -EBADMSG, 21, false },
        { "code twice", TYPE "03 03 02 00 00" CODE CODE, "unexpected content after last section", -EBADMSG, 25, false },
        { "a body comes before what is behind it", TYPE FUNCTION "0a 05 01 03 00 ff 0b 7f 00", "illegal opcode ff", -EBADMSG, 23, false },
        { "custom: no name", "00 00", "unexpected end", -EBADMSG, 10, false },
        { "custom: name longer than the section", "00 02 05 61 00 01 00", "length out of bounds", -EBADMSG, 10, false },
        { "custom: name no UTF-8", "00 02 01 80", "malformed UTF-8 encoding", -EBADMSG, 11, false },
};

static int decode(const uint8_t *bytes, size_t size, uint64_t features, unsigned flags,
                  struct module **ret, struct error *err)
{
        return module_decode(bytes, size, &limits_default, features, flags, ret, err);
}

START_TEST(malformed_module_is_refused)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = hex_bytes(bad_cases[_i].whole ? "" : HEX_HEADER,
                                                  bad_cases[_i].hex, &size);
        struct module *m = (void *)0x5a5a;
        struct error err = { 0 };
        const uint64_t features = FEATURES_DEFAULT & ~(UINT64_C(1) << FEATURE_GC);
        int r = decode(bytes, size, features, 0, &m, &err);

        ck_assert_msg(r == bad_cases[_i].code && err.code == r, "%s: %d %s", bad_cases[_i].name, r,
                      err.text);
        ck_assert_ptr_eq(m, (void *)0x5a5a);
        ck_assert_int_eq(err.stage, STAGE_DECODE);
        ck_assert_msg(strncmp(err.text, bad_cases[_i].text, strlen(bad_cases[_i].text)) == 0,
                      "%s: %s", bad_cases[_i].name, err.text);
        ck_assert_msg(err.offset == bad_cases[_i].offset, "%s: byte %llu, %s", bad_cases[_i].name,
                      (unsigned long long)err.offset, err.text);
        ck_assert_int_eq(decode(bytes, size, features, 0, &m, NULL), r);
}
END_TEST

START_TEST(everything_is_where_it_belongs)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = hex_bytes(HEX_HEADER, everything, &size);
        _cleanup_(module_freep) struct module *m = NULL;
        struct error err = { 0 };

        ck_assert_msg(decode(bytes, size, FEATURES_DEFAULT, 0, &m, &err) == 0, "%s at %llu", err.text,
                      (unsigned long long)err.offset);
        ck_assert_int_eq(err.code, 0);
        ck_assert_uint_eq(m->ntypes, 2);
        ck_assert_uint_eq(m->types[1].nparams, 2);
        ck_assert_uint_eq(m->types[1].params[1], VAL_I64);
        ck_assert_uint_eq(m->types[1].results[1], VAL_F64);
        ck_assert_uint_eq(m->nimports, 4);
        ck_assert_uint_eq(m->imports[2].kind, EXTERN_MEMORY);
        ck_assert_uint_eq(m->imports[3].index, 0);
        ck_assert_mem_eq(m->imports[3].name.bytes, "g", 1);
        ck_assert_uint_eq(m->imported_functions, 1);
        ck_assert_uint_eq(m->nfunctions, 3);
        ck_assert_uint_eq(m->functions[2].type, 1);
        ck_assert_uint_eq(m->functions[0].body.size, 0);
        ck_assert_uint_eq(m->functions[2].body.size, 9);
        ck_assert_uint_eq(m->ntables, 2);
        ck_assert_uint_eq(m->tables[0].type.element, VAL_FUNCREF);
        ck_assert_uint_eq(m->tables[1].type.element, VAL_EXTERNREF);
        ck_assert_uint_eq(m->memories[0].type.size.max, 2);
        ck_assert_uint_eq(m->memories[0].type.page_shift, 16);
        ck_assert_uint_eq(m->nglobals, 3);
        ck_assert(m->globals[1].type.is_mutable);
        ck_assert_uint_eq(m->globals[1].init.ops[0].value[0], UINT32_MAX);
        ck_assert_uint_eq(m->globals[2].init.ops[0].value[0], 65536);
        ck_assert_uint_eq(m->nexports, 2);
        ck_assert_uint_eq(m->exports[1].kind, EXTERN_GLOBAL);
        ck_assert(m->has_start);
        ck_assert_uint_eq(m->start, 1);
        ck_assert_uint_eq(m->nelements, 3);
        ck_assert_int_eq(m->elements[0].mode, SEGMENT_ACTIVE);
        ck_assert_uint_eq(m->elements[0].functions[0], 2);
        ck_assert_int_eq(m->elements[1].mode, SEGMENT_PASSIVE);
        ck_assert_uint_eq(m->elements[1].exprs[0].ops[0].index, HEAP_FUNC);
        ck_assert_uint_eq(m->elements[1].exprs[1].ops[0].index, 1);
        ck_assert_int_eq(m->elements[2].mode, SEGMENT_DECLARATIVE);
        ck_assert_uint_eq(m->ndatas, 2);
        ck_assert_mem_eq(m->bytes + m->datas[0].bytes.offset, "hi", 2);
        ck_assert_int_eq(m->datas[1].mode, SEGMENT_PASSIVE);
        ck_assert_uint_eq(m->ncustoms, 2);
        ck_assert_uint_eq(m->customs[1].bytes.size, 2);
        ck_assert_mem_eq(m->module_name.bytes, "m", 1);
        ck_assert_ptr_nonnull(m->function_names);
        ck_assert_mem_eq(m->function_names[2].bytes, "c", 1);
        ck_assert(!m->skeleton);
        ck_assert(m->features_used >> FEATURE_MULTI_VALUE & 1);
        ck_assert(!(m->features_used >> FEATURE_SIMD & 1));
}
END_TEST

START_TEST(every_prefix_is_refused_or_whole)
{
        size_t size, whole;
        _cleanup_free_ uint8_t *bytes = hex_bytes(HEX_HEADER, everything, &size);

        whole = 0;
        for (size_t n = 0; n < size; n++) {
                _cleanup_free_ uint8_t *part = malloc(n ? n : 1);
                _cleanup_(module_freep) struct module *m = NULL;
                struct error err = { 0 };
                int r;

                memcpy(part, bytes, n);
                r = decode(part, n, FEATURES_DEFAULT, 0, &m, &err);
                ck_assert_int_eq(r == 0, m != NULL);
                ck_assert_int_eq(r, err.code);
                if (r < 0)
                        ck_assert_uint_le(err.offset, n);
                whole += r == 0;
        }
        /* Where a section ends and nothing is announced that comes later: behind the header, types
         * and imports, and, with bodies and data, before each of the two custom sections. */
        ck_assert_uint_eq(whole, 5);
}
END_TEST

START_TEST(names_are_ignored_when_malformed)
{
        static const char *const sections[] = {
                "00 0b 04 6e 61 6d 65 00 04 01 6d 00 00", /* module name: bytes left over */
                "00 09 04 6e 61 6d 65 00 02 01 ff",       /* no UTF-8 */
                "00 0c 04 6e 61 6d 65 01 05 01 05 01 61 00", /* function 5 of 1; bytes left over */
                "00 0b 04 6e 61 6d 65 01 04 02 00 01 61", /* two announced, one given */
                "00 0f 04 6e 61 6d 65 01 08 02 00 01 61 00 01 62 00", /* the same function twice */
                "00 0b 04 6e 61 6d 65 02 01 00 01 01 00", /* subsections out of order */
                "00 06 04 6e 61 6d 65 01",                /* subsection without size */
                "00 08 04 6e 61 6d 65 01 7f 00",          /* subsection longer than the section */
        };

        for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
                char hex[256];
                size_t size;
                _cleanup_free_ uint8_t *bytes = NULL;
                _cleanup_(module_freep) struct module *m = NULL;
                struct error err = { 0 };

                snprintf(hex, sizeof(hex), TYPE FUNCTION CODE "%s", sections[i]);
                bytes = hex_bytes(HEX_HEADER, hex, &size);
                ck_assert_msg(decode(bytes, size, FEATURES_DEFAULT, 0, &m, &err) == 0, "%zu: %s", i,
                              err.text);
                ck_assert_ptr_null(m->function_names);
                ck_assert_uint_eq(m->module_name.size, 0);
        }
}
END_TEST

static const struct { const char *name, *hex; enum feature feature; } feature_cases[] = {
        { "v128 in a type",            "01 05 01 60 01 7b 00",             FEATURE_SIMD },
        { "two results",               "01 06 01 60 00 02 7f 7f",          FEATURE_MULTI_VALUE },
        { "externref in a type",       "01 05 01 60 01 6f 00",             FEATURE_REFERENCE_TYPES },
        { "table of externref",        "04 04 01 6f 00 00",                FEATURE_REFERENCE_TYPES },
        { "import of a mutable global", "02 06 01 00 00 03 7f 01",         FEATURE_MUTABLE_GLOBALS },
        { "v128.const",                "06 16 01 7f 00 fd 0c 00*16 0b",    FEATURE_SIMD },
        { "passive data",              "0b 03 01 01 00",                   FEATURE_BULK_MEMORY },
        { "data count",                "0c 01 00",                         FEATURE_BULK_MEMORY },
        { "passive elements",          "09 04 01 01 00 00",                FEATURE_BULK_MEMORY },
        { "64-bit memory",             "05 03 01 04 00",                   FEATURE_MEMORY64 },
        { "64-bit table",              "04 04 01 70 04 00",                FEATURE_MEMORY64 },
        { "shared memory",             "05 04 01 03 00 01",                FEATURE_THREADS },
        { "import of a 64-bit memory", "02 06 01 00 00 02 04 00",          FEATURE_MEMORY64 },
};

START_TEST(feature_that_is_off_is_named)
{
        uint64_t bit = UINT64_C(1) << feature_cases[_i].feature;
        size_t size;
        _cleanup_free_ uint8_t *bytes = hex_bytes(HEX_HEADER, feature_cases[_i].hex, &size);
        _cleanup_(module_freep) struct module *m = NULL;
        struct error err = { 0 };

        ck_assert_msg(decode(bytes, size, ~bit, 0, &m, &err) == -EOPNOTSUPP, "%s: %s",
                      feature_cases[_i].name, err.text);
        ck_assert_ptr_null(m);
        ck_assert_ptr_nonnull(strstr(err.text, feature_table[feature_cases[_i].feature].text));
        ck_assert_int_eq(decode(bytes, size, bit | 1, 0, &m, NULL), 0);
        ck_assert(m->features_used & bit);
}
END_TEST

START_TEST(page_size_is_read)
{
        static const struct { const char *hex; int shift; } cases[] = {
                { "05 04 01 08 01 00", 0 }, { "05 05 01 09 01 02 10", 16 }, { "05 04 01 08 01 3f", 63 },
                { "05 04 01 08 01 40", -EBADMSG }, { "05 03 01 08 01", -EBADMSG },
                { "05 05 01 08 01 80 02", -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t size;
                _cleanup_free_ uint8_t *bytes = hex_bytes(HEX_HEADER, cases[i].hex, &size);
                _cleanup_(module_freep) struct module *m = NULL;
                struct error err = { 0 };
                int r = decode(bytes, size, ~UINT64_C(0), 0, &m, &err);

                ck_assert_msg(r == (cases[i].shift < 0 ? cases[i].shift : 0), "%zu: %s", i, err.text);
                ck_assert(!m == (r < 0));
                if (m) {
                        ck_assert_uint_eq(m->memories[0].type.page_shift, (unsigned)cases[i].shift);
                        ck_assert(m->features_used >> FEATURE_CUSTOM_PAGE_SIZES & 1);
                }
        }
}
END_TEST

static const struct { const char *name, *hex; bool as_skeleton; } skeleton_cases[] = {
        { "functions without code",    TYPE FUNCTION,                      true },
        { "no functions",              TYPE,                               true },
        { "with a code section",       TYPE FUNCTION CODE,                 false },
        { "with an empty code section", TYPE "0a 01 00",                   false },
        { "data count without data",   "0c 01 01",                         false },
        { "data count and data",       "0c 01 01 0b 03 01 01 00",          true },
};

/* A body with an if at offset 3 and a br_if at 7, and what follows the name of the section of hints. */
#define HINTED   "0a 0e 01 0c 00 41 00 04 40 41 00 0d 00 0b 01 0b "
#define HINTS    "19 6d 65 74 61 64 61 74 61 2e 63 6f 64 65 2e 62 72 61 6e 63 68 5f 68 69 6e 74 "

static const struct { const char *name, *before, *behind; uint32_t n; } hint_cases[] = {
        { "two", "00 23 " HINTS "01 00 02 03 01 00 07 01 01", "", 2 },
        { "one that nobody has looked for", "00 20 " HINTS "01 00 01 04 01 00", "", 1 },
        { "none", "00 1b " HINTS "00", "", 0 },
        { "of one that is not there", "00 20 " HINTS "01 01 01 03 01 00", "", 0 },
        { "behind the body", "00 20 " HINTS "01 00 01 0c 01 00", "", 0 },
        { "not in order", "00 23 " HINTS "01 00 02 07 01 00 03 01 01", "", 0 },
        { "the same twice", "00 23 " HINTS "01 00 02 03 01 00 03 01 01", "", 0 },
        { "a function twice", "00 25 " HINTS "02 00 01 03 01 00 00 01 07 01 01", "", 0 },
        { "of two bytes", "00 21 " HINTS "01 00 01 03 02 00 00", "", 0 },
        { "neither likely nor not", "00 20 " HINTS "01 00 01 03 01 02", "", 0 },
        { "cut short", "00 1f " HINTS "01 00 01 03 01", "", 0 },
        { "bytes left over", "00 21 " HINTS "01 00 01 03 01 00 00", "", 0 },
        { "a count that is too large", "00 23 " HINTS "01 00 ff ff ff ff 0f 03 01", "", 0 },
        { "behind the code", "", "00 20 " HINTS "01 00 01 03 01 00", 0 },
        { "two sections", "00 20 " HINTS "01 00 01 03 01 00 00 20 " HINTS "01 00 01 03 01 00", "", 0 },
};

START_TEST(branch_hints_are_read_or_ignored)
{
        char hex[1024];
        size_t size;
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_(module_freep) struct module *m = NULL;
        const struct branch_hint *next, *end;
        struct error err = { 0 };

        snprintf(hex, sizeof(hex), TYPE FUNCTION "%s" HINTED "%s", hint_cases[_i].before,
                 hint_cases[_i].behind);
        bytes = hex_bytes(HEX_HEADER, hex, &size);
        ck_assert_msg(decode(bytes, size, FEATURES_DEFAULT, 0, &m, &err) == 0, "%s: %s",
                      hint_cases[_i].name, err.text);
        next = module_hints(m, 0, &end);
        ck_assert_msg((uint32_t)(end - next) == hint_cases[_i].n, "%s", hint_cases[_i].name);
        if (hint_cases[_i].n != 2)
                return;
        ck_assert_ptr_null(branch_hint_at(&next, end, 2));
        ck_assert(!branch_hint_at(&next, end, 3)->likely);
        ck_assert_ptr_null(branch_hint_at(&next, end, 4));
        ck_assert(branch_hint_at(&next, end, 7)->likely);
        ck_assert_ptr_null(branch_hint_at(&next, end, 9));
}
END_TEST

START_TEST(skeleton_has_no_code)
{
        size_t size;
        _cleanup_free_ uint8_t *bytes = hex_bytes(HEX_HEADER, skeleton_cases[_i].hex, &size);
        struct module *m = NULL;
        struct error err = { 0 };
        int r = decode(bytes, size, FEATURES_DEFAULT, DECODE_SKELETON, &m, &err);

        ck_assert_msg((r == 0) == skeleton_cases[_i].as_skeleton, "%s: %s", skeleton_cases[_i].name,
                      err.text);
        if (r == 0) {
                ck_assert(m->skeleton);
                for (uint32_t i = 0; i < m->nfunctions; i++)
                        ck_assert_uint_eq(m->functions[i].body.size, 0);
        } else {
                ck_assert_ptr_null(m);
                ck_assert_int_eq(r, -EBADMSG);
        }
        module_free(m);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("decode");

        tcase_add_test(tc, page_size_is_read);
        tcase_add_loop_test(tc, malformed_module_is_refused, 0, ELEMENTSOF(bad_cases));
        tcase_add_test(tc, everything_is_where_it_belongs);
        tcase_add_test(tc, every_prefix_is_refused_or_whole);
        tcase_add_test(tc, names_are_ignored_when_malformed);
        tcase_add_loop_test(tc, branch_hints_are_read_or_ignored, 0, ELEMENTSOF(hint_cases));
        tcase_add_loop_test(tc, feature_that_is_off_is_named, 0, ELEMENTSOF(feature_cases));
        tcase_add_loop_test(tc, skeleton_has_no_code, 0, ELEMENTSOF(skeleton_cases));
        return unit_main("decode", &tc, 1);
}
