/* Bytes as an artefact: read it, and use all of what was accepted as the cell does.
 *
 * Most of an artefact is code and memory image, which hold nothing to parse, so a case leaves them
 * out: four bytes for their size in pages, the first HEAD_BYTES of the file, and what lies behind
 * them. The checksum is computed anew for nearly all cases, or no change would get past it. */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/artefact/artefact.h"
#include "engine/base/buffer.h"
#include "engine/decode/decode.h"
#include "tests/fuzz/fuzz.h"

#define HEAD_BYTES 512u
#define PAGE       4096u
#define PAGES_MAX  512u

/* A module's artefact as such a case; 0 bytes when the module is none, or too large. */
void prepare_artefact(const uint8_t *bytes, size_t size, struct buffer *out)
{
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        _cleanup_(compiled_module_freep) struct compiled_module *code = NULL;
        _cleanup_(artefact_freep) struct artefact *a = NULL;
        _cleanup_(buffer_done) struct buffer file = { 0 };
        struct compile_options options = { .tier = TIER_FAST, .jobs = 1, .cpu = CPU_X86_V2 };
        struct artefact_key key;
        size_t end;

        artefact_key_compute(bytes, size, TIER_FAST, options.cpu, &key);
        if (module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &m, NULL) < 0 ||
            module_validate(m, &limits_default, FEATURES_DEFAULT, 1, &c, NULL) < 0 ||
            module_compile(c, &options, &code, NULL) < 0)
                return;
        if (artefact_write(c, code, &key, &file, NULL) < 0 ||
            artefact_read(file.bytes, file.size, &a, NULL) < 0)
                fuzz_fail("what was written cannot be read");
        end = a->image.size ? a->image.offset + a->image.size : a->code.offset + a->code.size;
        if (end / PAGE > PAGES_MAX)
                return;
        buffer_u32(out, (uint32_t)(end / PAGE));
        buffer_append(out, file.bytes, HEAD_BYTES);
        buffer_append(out, file.bytes + end, file.size - end);
}

static uint64_t sum; /* of what was read, so that it is read */

static void use(const struct artefact *a)
{
        uint64_t offset;

        for (uint32_t k = 0; k < a->nfunctions; k++) {
                uint32_t at = a->offsets[k], end = a->offsets[k + 1];

                for (uint32_t pc = at; pc < end && pc < at + 16; pc++)
                        if (artefact_map_pc(a, k, pc - at, pc & 1, &offset))
                                sum += offset;
                if (at < end && artefact_function_at(a, at) == UINT32_MAX)
                        fuzz_fail("function %u is not found at its own code", k);
        }
        for (size_t i = 0; i < a->code.size; i += 64)
                sum += a->bytes[a->code.offset + i];
        for (size_t i = 0; i < a->image.size; i += 64)
                sum += a->bytes[a->image.offset + i];
        if (a->image.size && a->image_at + a->image.size >
                                     a->module->memories[0].type.size.min << 16)
                fuzz_fail("an image larger than the memory");
        for (uint32_t k = 0; k < a->checked->nescaping; k++)
                if (a->checked->escaping[k] >= a->module->nfunctions)
                        fuzz_fail("function %u escapes", a->checked->escaping[k]);
        for (uint32_t k = 0; k < a->module->ndatas; k++)
                for (size_t i = 0; i < a->module->datas[k].bytes.size; i++)
                        sum += a->module->bytes[a->module->datas[k].bytes.offset + i];
}

/* The case as a file, in memory of its exact size. */
static uint8_t *expand(const uint8_t *bytes, size_t size, bool seal, size_t *ret)
{
        XXH128_canonical_t digest;
        size_t gap, all;
        uint32_t pages;
        uint8_t *file;

        memcpy(&pages, bytes, sizeof(pages));
        gap = (size_t)(pages % (PAGES_MAX + 1)) * PAGE;
        gap = gap > HEAD_BYTES ? gap - HEAD_BYTES : 0;
        all = size - sizeof(pages) + gap;
        file = calloc(1, all);
        if (!file)
                return NULL;
        memcpy(file, bytes + sizeof(pages), HEAD_BYTES);
        memcpy(file + HEAD_BYTES + gap, bytes + sizeof(pages) + HEAD_BYTES,
               size - sizeof(pages) - HEAD_BYTES);
        if (seal) {
                XXH128_canonicalFromHash(&digest, XXH3_128bits(file, all - sizeof(digest)));
                memcpy(file + all - sizeof(digest), &digest, sizeof(digest));
        }
        *ret = all;
        return file;
}

int target_artefact(const uint8_t *bytes, size_t size, uint32_t seed)
{
        _cleanup_(artefact_freep) struct artefact *a = NULL;
        _cleanup_free_ uint8_t *file = NULL;
        struct error err = { 0 };
        struct slice code;
        size_t all;
        int r;

        if (size < sizeof(uint32_t) + HEAD_BYTES + 16)
                return -EBADMSG;
        file = expand(bytes, size, seed % 16 != 7, &all);
        if (!file)
                return -ENOMEM;
        if (artefact_find_code(file, all, &code, NULL) == 0 &&
            (code.offset % PAGE || code.offset > all || code.size > all - code.offset))
                fuzz_fail("code at %zu, %zu bytes of %zu", code.offset, code.size, all);
        r = artefact_read(file, all, &a, &err);
        if (r == 0) {
                use(a);
                return 0;
        }
        if (r != err.code || a || !err.text[0])
                fuzz_fail("refused with %d, the error says %d: %s", r, err.code, err.text);
        if (r != -EBADMSG && r != -E2BIG && r != -EOPNOTSUPP && r != -ENOMEM && r != -ENOEXEC)
                fuzz_fail("refused with %d", r);
        return r;
}
