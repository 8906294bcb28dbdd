#include <elf.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/artefact/format.h"
#include "tests/unit/artefact/forge.h"
#include "tests/unit/unit.h"

static const char whole[] =
        "(module $whole"
        "  (type (func (param i32 i64) (result f32)))"
        "  (import \"env\" \"f\" (func $import (type 0)))"
        "  (import \"env\" \"g\" (global $g i32))"
        "  (memory (export \"memory\") 2 3)"
        "  (table 4 funcref)"
        "  (global (mut i64) (i64.const -5))"
        "  (func $first (export \"one\") (type 0) (f32.const 1))"
        "  (func $second (result i32) (i32.const 1))"
        "  (elem (i32.const 1) $first $import)"
        "  (data (i32.const 4000) \"hello, wörld, over the edge of a page: ...............................\")"
        "  (data \"passive\")"
        "  (data (i32.const 70000) \"second\")"
        "  (data (global.get $g) \"not constant\")"
        "  (data (i32.const 8) \"behind it\"))";

static const struct forged_code whole_code[] = {
        { .bytes = { 0x55, 0x48, 0x89, 0xe5, 0xe8, 0, 0, 0, 0, 0x67, 0x0f, 0xb9, 0x40, 1, 0xc3 },
          .size = 15, .map = { 9, 4, 0, 2, 5, 3 }, .map_size = 6 },
        FORGED(0xc3),
};

START_TEST(what_is_written_is_read)
{
        struct forged f;
        struct artefact *a;
        struct error err = { 0 };
        struct slice code;
        const struct module *m;

        forge(&f, whole, whole_code, ELEMENTSOF(whole_code));
        ck_assert_msg(artefact_read(f.file.bytes, f.file.size, &a, &err) == 0, "%s", err.text);
        m = a->module;
        ck_assert_uint_eq(m->nfunctions, 3);
        ck_assert_uint_eq(m->imported_functions, 1);
        ck_assert_uint_eq(m->nimports, 2);
        ck_assert_uint_eq(m->nexports, 2);
        ck_assert_uint_eq(m->memories[0].type.size.max, 3);
        ck_assert_uint_eq(m->globals[1].init.ops[0].value[0], (uint64_t)-5);
        ck_assert_uint_eq(m->elements[0].n, 2);
        ck_assert_uint_eq(m->function_names[1].size, 5);
        ck_assert_mem_eq(m->function_names[1].bytes, "first", 5);
        ck_assert_mem_eq(m->module_name.bytes, "whole", 5);
        ck_assert_uint_eq(a->checked->nescaping, f.checked->nescaping);

        /* The first three segments: folded, kept, folded; the last two stay as they are. */
        ck_assert_uint_eq(m->ndatas, 5);
        ck_assert_uint_eq(m->datas[0].bytes.size, 0);
        ck_assert_uint_eq(m->datas[1].bytes.size, 7);
        ck_assert_uint_eq(m->datas[2].bytes.size, 0);
        ck_assert_uint_eq(m->datas[3].bytes.size, 12);
        ck_assert_uint_eq(m->datas[4].bytes.size, 9);
        ck_assert_int_eq(m->datas[1].mode, SEGMENT_PASSIVE);
        ck_assert_uint_eq(m->datas[2].at.ops[0].value[0], 70000);
        ck_assert_uint_eq(a->image_at, 0);
        ck_assert_uint_eq(a->image.size, 18 * 4096);
        ck_assert_uint_eq(a->image.offset % 4096, 0);
        ck_assert_mem_eq(a->bytes + a->image.offset + 4000, "hello, w", 8);
        ck_assert_mem_eq(a->bytes + a->image.offset + 70000, "second", 7);

        ck_assert_uint_eq(a->nfunctions, 2);
        ck_assert_uint_eq(a->code.offset % 4096, 0);
        ck_assert_uint_eq(a->code.size, 4096);
        ck_assert_mem_eq(a->bytes + a->code.offset, whole_code[0].bytes, whole_code[0].size);
        ck_assert_uint_eq(a->bytes[a->code.offset + 4095], 0xcc);
        ck_assert_mem_eq(&a->key, &f.key, sizeof(f.key));
        ck_assert_mem_eq(&a->layout, &f.compiled.layout, sizeof(a->layout));
        ck_assert_int_eq(artefact_find_code(f.file.bytes, f.file.size, &code, &err), 0);
        ck_assert_uint_eq(code.offset, a->code.offset);
        ck_assert_uint_eq(code.size, a->code.size);
        artefact_free(a);
        forge_done(&f);
}
END_TEST

START_TEST(maps_are_read)
{
        struct forged f;
        struct artefact *a;
        uint64_t body, offset = 7;

        forge(&f, whole, whole_code, ELEMENTSOF(whole_code));
        ck_assert_int_eq(artefact_read(f.file.bytes, f.file.size, &a, NULL), 0);
        body = f.module->functions[1].body.offset;
        ck_assert_uint_eq(a->bodies[0], body);
        ck_assert(artefact_map_pc(a, 0, 9, true, &offset));
        ck_assert_uint_eq(offset, body + 2);
        ck_assert(artefact_map_pc(a, 0, 9, false, &offset)); /* the trap behind the call */
        ck_assert_uint_eq(offset, body + 3);
        ck_assert(artefact_map_pc(a, 0, 14, false, &offset));
        ck_assert_uint_eq(offset, body + 1);
        ck_assert(artefact_map_pc(a, 0, 11, true, &offset)); /* in the line that began before */
        ck_assert_uint_eq(offset, body + 3);
        offset = 7;
        ck_assert(!artefact_map_pc(a, 1, 0, false, &offset));
        ck_assert(!artefact_map_pc(a, 2, 0, false, &offset));
        ck_assert_uint_eq(offset, 7);

        ck_assert_uint_eq(artefact_function_at(a, 0), 0);
        ck_assert_uint_eq(artefact_function_at(a, 15), 0);
        ck_assert_uint_eq(artefact_function_at(a, 16), 1);
        ck_assert_uint_eq(artefact_function_at(a, 31), 1);
        ck_assert_uint_eq(artefact_function_at(a, 32), UINT32_MAX);
        ck_assert_uint_eq(artefact_function_at(a, UINT64_MAX), UINT32_MAX);
        artefact_free(a);
        forge_done(&f);
}
END_TEST

static const struct {
        const char *name, *wat;
        uint64_t at, size;
        uint32_t kept; /* bytes that stay in the skeleton */
} images[] = {
        { "no memory", "(module)", 0, 0, 0 },
        { "no data", "(module (memory 1))", 0, 0, 0 },
        { "empty segment", "(module (memory 1) (data (i32.const 65536)))", 0, 0, 0 },
        { "imported memory", "(module (import \"e\" \"m\" (memory 1)) (data (i32.const 0) \"x\"))", 0,
          0, 1 },
        { "last byte", "(module (memory 1) (data (i32.const 65535) \"x\"))", 61440, 4096, 0 },
        { "behind the end", "(module (memory 1) (data (i32.const 65536) \"x\"))", 0, 0, 1 },
        { "negative", "(module (memory 1) (data (i32.const -1) \"x\"))", 0, 0, 1 },
        { "order is kept",
          "(module (memory 1) (data (i32.const 0) \"x\") (data (i32.const 65536) \"y\")"
          " (data (i32.const 0) \"z\"))", 0, 4096, 2 },
        { "a hole of a gigabyte",
          "(module (memory 32768) (data (i32.const 4096) \"x\") (data (i32.const 0x40000000) \"y\"))",
          4096, 4096, 1 },
        { "overlapping", "(module (memory 1) (data (i32.const 9000) \"xx\") (data (i32.const 9001) \"y\"))",
          8192, 4096, 0 },
};

START_TEST(images_are_exact)
{
        struct forged f;
        struct artefact *a;
        uint32_t kept = 0;

        forge(&f, images[_i].wat, NULL, 0);
        ck_assert_int_eq(artefact_read(f.file.bytes, f.file.size, &a, NULL), 0);
        ck_assert_uint_eq(a->image.size, images[_i].size);
        ck_assert_uint_eq(a->image_at, images[_i].at);
        for (uint32_t k = 0; k < a->module->ndatas; k++)
                kept += (uint32_t)a->module->datas[k].bytes.size;
        ck_assert_uint_eq(kept, images[_i].kept);
        if (strcmp(images[_i].name, "overlapping") == 0)
                ck_assert_mem_eq(a->bytes + a->image.offset + 9000 - 8192, "xy", 3);
        artefact_free(a);
        forge_done(&f);
}
END_TEST

/* The same input gives the same bytes, wherever in the buffer they go. */
START_TEST(writing_appends)
{
        struct forged f;
        struct buffer again = { 0 };

        forge(&f, whole, whole_code, ELEMENTSOF(whole_code));
        buffer_u8(&again, 1);
        ck_assert_int_eq(artefact_write(f.checked, &f.compiled, &f.key, &again, NULL), 0);
        ck_assert_uint_eq(again.size, f.file.size + 1);
        ck_assert_mem_eq(again.bytes + 1, f.file.bytes, f.file.size);
        buffer_done(&again);
        forge_done(&f);
}
END_TEST

static void seal(uint8_t *bytes, size_t size)
{
        XXH128_canonical_t sum;

        XXH128_canonicalFromHash(&sum, XXH3_128bits(bytes, size - sizeof(sum)));
        memcpy(bytes + size - sizeof(sum), &sum, sizeof(sum));
}

static volatile uint64_t sum;

/* Use everything that a reader's caller uses. */
static void walk(const struct artefact *a)
{
        uint64_t offset;

        for (uint32_t k = 0; k < a->nfunctions; k++)
                for (uint32_t pc = a->offsets[k]; pc < a->offsets[k + 1] && pc < 4096; pc++) {
                        if (artefact_map_pc(a, k, pc - a->offsets[k], pc & 1, &offset))
                                sum += offset;
                        sum += artefact_function_at(a, pc);
                }
        for (size_t i = 0; i < a->code.size; i++)
                sum += a->bytes[a->code.offset + i];
        for (size_t i = 0; i < a->image.size; i++)
                sum += a->bytes[a->image.offset + i];
        ck_assert_uint_le(a->image_at + a->image.size, a->image.size ? UINT64_C(1) << 32 : 0);
        for (uint32_t k = 0; k < a->checked->nescaping; k++)
                ck_assert_uint_lt(a->checked->escaping[k], a->module->nfunctions);
}

/* A copy that ends where the memory ends, for the sanitizer. */
static struct artefact *read_copy(const uint8_t *bytes, size_t size, uint8_t **copy)
{
        struct artefact *a = NULL;
        struct error err = { 0 };
        int r;

        *copy = malloc(size ? size : 1);
        memcpy(*copy, bytes, size);
        r = artefact_read(*copy, size, &a, &err);
        if (r < 0) {
                ck_assert_ptr_null(a);
                ck_assert_int_eq(err.code, r);
                ck_assert(err.text[0] != '\0');
        } else {
                ck_assert_int_eq(err.code, 0);
        }
        return a;
}

static const char small[] = "(module (import \"e\" \"f\" (func)) (memory 1) (table 2 funcref)"
                            " (func $f (export \"f\") (call 0)) (elem (i32.const 0) $f)"
                            " (data (i32.const 0) \"x\") (data \"yy\"))";

START_TEST(every_truncation_is_refused)
{
        struct forged f;
        uint8_t *copy;

        forge(&f, small, NULL, 0);
        for (size_t n = 0; n < f.file.size; n++) {
                /* Cuts inside the padding of code and image are all alike. */
                if (n > 200 && n < f.file.size - 3000 && n % 97)
                        continue;
                ck_assert_ptr_null(read_copy(f.file.bytes, n, &copy));
                if (n >= ARTEFACT_TRAILER) {
                        struct artefact *a = NULL;

                        seal(copy, n);
                        ck_assert_int_lt(artefact_read(copy, n, &a, NULL), 0);
                        ck_assert_ptr_null(a);
                }
                free(copy);
        }
        forge_done(&f);
}
END_TEST

START_TEST(every_damaged_byte_is_found)
{
        struct forged f;
        struct artefact *a = NULL;

        forge(&f, small, NULL, 0);
        for (size_t n = 0; n < f.file.size; n += n < 64 ? 1 : 61) {
                f.file.bytes[n] ^= 0x10;
                ck_assert_int_lt(artefact_read(f.file.bytes, f.file.size, &a, NULL), 0);
                f.file.bytes[n] ^= 0x10;
        }
        ck_assert_ptr_null(a);
        ck_assert_int_eq(artefact_read(f.file.bytes, f.file.size, &a, NULL), 0);
        artefact_free(a);
        forge_done(&f);
}
END_TEST

/* Malice computes the checksum anew. Whatever is accepted can be used. */
START_TEST(every_byte_may_lie)
{
        static const uint8_t flips[] = { 0x01, 0x80, 0xff, 0x7f };
        struct forged f;
        unsigned accepted = 0, refused = 0;
        uint8_t *copy;

        forge(&f, small, NULL, 0);
        for (size_t n = 0; n + ARTEFACT_TRAILER < f.file.size; n++) {
                /* Head, then everything behind code and image: these hold nothing to parse. */
                if (n > 400 && n < 2 * 4096 + 4096)
                        continue;
                for (unsigned k = 0; k < ELEMENTSOF(flips); k++) {
                        struct artefact *a;

                        f.file.bytes[n] ^= flips[k];
                        seal(f.file.bytes, f.file.size);
                        a = read_copy(f.file.bytes, f.file.size, &copy);
                        f.file.bytes[n] ^= flips[k];
                        if (a) {
                                accepted++;
                                walk(a);
                        } else {
                                refused++;
                        }
                        artefact_free(a);
                        free(copy);
                }
        }
        ck_assert_uint_gt(accepted, 100); /* symbols, names, program headers */
        ck_assert_uint_gt(refused, 1000);
        forge_done(&f);
}
END_TEST

/* One field changed, the checksum right: the code and the text that this one gets. */
static const struct {
        const char *name;
        enum artefact_section section; /* NULL: the ELF header */
        size_t at;
        unsigned size;
        uint64_t value;
        int r;
        const char *text;
} lies[] = {
        { "other machine", SECTION_NULL, offsetof(Elf64_Ehdr, e_machine), 2, MACHINE_AARCH64,
          -ENOEXEC, "compiled for another machine" },
        { "not ELF", SECTION_NULL, 0, 1, 0, -EBADMSG, "not an artefact" },
        { "a program", SECTION_NULL, offsetof(Elf64_Ehdr, e_type), 2, ET_EXEC, -EBADMSG,
          "an ELF file, but not an artefact" },
        { "section table far away", SECTION_NULL, offsetof(Elf64_Ehdr, e_shoff), 8, UINT64_MAX - 7,
          -EBADMSG, "section table outside the file" },
        { "more sections", SECTION_NULL, offsetof(Elf64_Ehdr, e_shnum), 2, 60000, -EBADMSG,
          "an ELF file, but not an artefact" },
        { "other ABI", SECTION_HEADER, offsetof(struct artefact_header, abi), 4, ABI_VERSION + 1,
          -ENOEXEC, "made by another version of the compiler" },
        { "no mark", SECTION_HEADER, 0, 1, 'X', -EBADMSG, "header without its mark" },
        { "CPU feature", SECTION_HEADER, offsetof(struct artefact_header, cpu), 8,
          CPU_X86_V2 | UINT64_C(1) << 60, -EOPNOTSUPP, "this machine lacks the CPU feature" },
        { "functions", SECTION_HEADER, offsetof(struct artefact_header, nfunctions), 4, UINT32_MAX,
          -EBADMSG, "code for another number of functions" },
        { "layout", SECTION_HEADER, offsetof(struct artefact_header, layout.spill), 4, 0, -EBADMSG,
          "another instance layout" },
        { "image behind the memory", SECTION_HEADER, offsetof(struct artefact_header, image_at), 8,
          65536, -EBADMSG, "memory image larger than the memory" },
        { "image far away", SECTION_HEADER, offsetof(struct artefact_header, image_at), 8,
          UINT64_MAX - 4095, -EBADMSG, "memory image larger than the memory" },
        { "image not at a page", SECTION_HEADER, offsetof(struct artefact_header, image_at), 8, 1,
          -EBADMSG, "memory image that is not made of pages" },
        { "function behind the code", SECTION_OFFSETS, 4, 4, 4097, -EBADMSG,
          "offsets that do not ascend" },
        { "functions that descend", SECTION_OFFSETS, 0, 4, 17, -EBADMSG,
          "offsets that do not ascend" },
        { "map behind the maps", SECTION_MAP_OFFSETS, 4, 4, 1000, -EBADMSG,
          "offsets that do not ascend" },
        { "module", SECTION_SKELETON, 0, 1, 1, -EBADMSG, "module of the artefact: " },
};

START_TEST(lies_are_named)
{
        struct forged f;
        struct artefact *a = NULL;
        struct error err = { 0 };
        Elf64_Ehdr head;
        Elf64_Shdr section = { 0 };

        forge(&f, small, NULL, 0);
        memcpy(&head, f.file.bytes, sizeof(head));
        if (lies[_i].section)
                memcpy(&section, f.file.bytes + head.e_shoff + lies[_i].section * sizeof(section),
                       sizeof(section));
        memcpy(f.file.bytes + section.sh_offset + lies[_i].at, &lies[_i].value, lies[_i].size);
        seal(f.file.bytes, f.file.size);
        ck_assert_int_eq(artefact_read(f.file.bytes, f.file.size, &a, &err), lies[_i].r);
        ck_assert_int_eq(err.stage == STAGE_ARTEFACT || err.stage == STAGE_DECODE, 1);
        ck_assert_msg(strncmp(err.text, lies[_i].text, strlen(lies[_i].text)) == 0, "%s", err.text);
        ck_assert_ptr_null(a);
        forge_done(&f);
}
END_TEST

START_TEST(an_odd_address_is_refused)
{
        struct artefact *a = NULL;
        uint64_t bytes[64] = { 0 };

        ck_assert_int_eq(artefact_read((uint8_t *)bytes + 1, 100, &a, NULL), -EINVAL);
        ck_assert_ptr_null(a);
}
END_TEST

START_TEST(the_key_depends_on_everything)
{
        static const uint8_t m[2][4] = { { 1, 2, 3, 4 }, { 1, 2, 3, 5 } };
        struct artefact_key k[5];
        char text[65];

        artefact_key_compute(m[0], 4, TIER_FAST, CPU_X86_V2, &k[0]);
        artefact_key_compute(m[1], 4, TIER_FAST, CPU_X86_V2, &k[1]);
        artefact_key_compute(m[0], 3, TIER_FAST, CPU_X86_V2, &k[2]);
        artefact_key_compute(m[0], 4, TIER_PEAK, CPU_X86_V2, &k[3]);
        artefact_key_compute(m[0], 4, TIER_FAST, CPU_X86_V3, &k[4]);
        for (unsigned i = 0; i < 5; i++)
                for (unsigned j = i + 1; j < 5; j++)
                        ck_assert(memcmp(&k[i], &k[j], sizeof(k[0])) != 0);
        artefact_key_compute(m[0], 4, TIER_FAST, CPU_X86_V2, &k[1]);
        ck_assert_mem_eq(&k[0], &k[1], sizeof(k[0]));
        k[0] = (struct artefact_key) { { 0x01, 0xab } };
        ck_assert_str_eq(artefact_key_text(&k[0], text),
                         "01ab000000000000000000000000000000000000000000000000000000000000");
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("artefact");

        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, what_is_written_is_read);
        tcase_add_test(tc, maps_are_read);
        tcase_add_loop_test(tc, images_are_exact, 0, ELEMENTSOF(images));
        tcase_add_test(tc, writing_appends);
        tcase_add_test(tc, every_truncation_is_refused);
        tcase_add_test(tc, every_damaged_byte_is_found);
        tcase_add_test(tc, every_byte_may_lie);
        tcase_add_loop_test(tc, lies_are_named, 0, ELEMENTSOF(lies));
        tcase_add_test(tc, an_odd_address_is_refused);
        tcase_add_test(tc, the_key_depends_on_everything);
        return unit_main("artefact", &tc, 1);
}
