#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/artefact/format.h"
#include "engine/decode/decode.h"

struct reader {
        const uint8_t *bytes;
        size_t size;                   /* without the trailer */
        Elf64_Ehdr head;
        struct slice sections[_SECTION_MAX];
        struct artefact_header header;
        struct error *err;
};

static int broken(struct reader *r, uint64_t offset, const char *text)
{
        return error_set(r->err, STAGE_ARTEFACT, -EBADMSG, offset, "%s", text);
}

/* The ELF header: every field has one right value, but for the machine and the table's place. */
static int read_head(struct reader *r)
{
        static const uint8_t ident[EI_NIDENT] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                                                  ELFDATA2LSB, EV_CURRENT };
        Elf64_Ehdr *h = &r->head;
        size_t table = sizeof(Elf64_Shdr) * _SECTION_MAX;

        if (r->size < sizeof(*h) || memcmp(r->bytes, ident, SELFMAG) != 0)
                return broken(r, 0, "not an artefact");
        memcpy(h, r->bytes, sizeof(*h));
        if (memcmp(h->e_ident, ident, sizeof(ident)) != 0 || h->e_type != ET_DYN ||
            h->e_version != EV_CURRENT || h->e_ehsize != sizeof(*h) ||
            h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shnum != _SECTION_MAX ||
            h->e_shstrndx != SECTION_SHSTRTAB)
                return broken(r, 0, "an ELF file, but not an artefact");
        if (h->e_machine != MACHINE_HOST)
                return error_set(r->err, STAGE_ARTEFACT, -ENOEXEC, offsetof(Elf64_Ehdr, e_machine),
                                 "compiled for another machine (ELF machine %u)", h->e_machine);
        if (h->e_shoff % 8 != 0 || h->e_shoff > r->size || r->size - h->e_shoff < table)
                return broken(r, offsetof(Elf64_Ehdr, e_shoff), "section table outside the file");
        return 0;
}

/* Section @s of the table into r->sections, its name aside. */
static int read_section(struct reader *r, enum artefact_section s, Elf64_Shdr *ret)
{
        const struct section_rule *rule = &artefact_sections[s];
        uint64_t at = r->head.e_shoff + s * sizeof(*ret);

        memcpy(ret, r->bytes + at, sizeof(*ret));
        if (ret->sh_type != rule->type || ret->sh_flags != rule->flags ||
            ret->sh_addralign != rule->alignment || ret->sh_offset % rule->alignment != 0)
                return broken(r, at, "section of a wrong kind");
        if (ret->sh_offset > r->size || ret->sh_size > r->size - ret->sh_offset)
                return broken(r, at, "section outside the file");
        r->sections[s] = (struct slice) { ret->sh_offset, ret->sh_size };
        return 0;
}

static int read_sections(struct reader *r)
{
        const struct slice *names = &r->sections[SECTION_SHSTRTAB];
        Elf64_Shdr h;
        int e = read_section(r, SECTION_SHSTRTAB, &h);

        for (unsigned s = 1; s < _SECTION_MAX && e == 0; s++) {
                size_t n = strlen(artefact_sections[s].name) + 1;

                e = read_section(r, s, &h);
                if (e == 0 && (h.sh_name > names->size || n > names->size - h.sh_name ||
                               memcmp(r->bytes + names->offset + h.sh_name, artefact_sections[s].name,
                                      n) != 0))
                        e = broken(r, r->head.e_shoff + s * sizeof(h), "section of a wrong name");
        }
        return e;
}

static int read_header(struct reader *r)
{
        const struct slice *s = &r->sections[SECTION_HEADER];
        struct artefact_header *h = &r->header;
        uint64_t missing;
        char text[128];

        if (s->size != sizeof(*h))
                return broken(r, s->offset, "header of a wrong size");
        memcpy(h, r->bytes + s->offset, sizeof(*h));
        if (memcmp(h->magic, ARTEFACT_MAGIC, sizeof(h->magic)) != 0)
                return broken(r, s->offset, "header without its mark");
        if (h->format != ARTEFACT_FORMAT || h->abi != ABI_VERSION)
                return error_set(r->err, STAGE_ARTEFACT, -ENOEXEC, s->offset,
                                 "made by another version of the compiler (format %u, ABI %u; "
                                 "ours are %u, %u)", h->format, h->abi, ARTEFACT_FORMAT,
                                 ABI_VERSION);
        if (h->machine != r->head.e_machine)
                return broken(r, s->offset, "two different machines");
        if (h->dense > 1 || h->catches > 1)
                return broken(r, s->offset, "header with unknown marks");
        missing = h->cpu & ~cpu_features_host();
        if (missing)
                return error_set(r->err, STAGE_ARTEFACT, -EOPNOTSUPP, s->offset,
                                 "this machine lacks the CPU feature %s",
                                 cpu_features_text(missing, text, sizeof(text)));
        return 0;
}

/* @n ascending figures, each at most @end. */
static int read_ascending(struct reader *r, enum artefact_section s, uint64_t n, uint64_t end,
                          const uint32_t **ret)
{
        const struct slice *slice = &r->sections[s];
        const uint32_t *figures = (const uint32_t *)(r->bytes + slice->offset);

        if (slice->size != 4 * n)
                return broken(r, slice->offset, "array of a wrong size");
        for (uint64_t i = 0; i < n; i++)
                if (figures[i] > end || (i > 0 && figures[i] < figures[i - 1]))
                        return broken(r, slice->offset + 4 * i, "offsets that do not ascend");
        *ret = figures;
        return 0;
}

/* The module is decoded and validated as if it came from the user: the compiler that wrote it may
 * have been taken over. */
static int read_module(struct reader *r, struct artefact *a)
{
        const struct slice *s = &r->sections[SECTION_SKELETON];
        struct layout layout;
        int e;

        e = module_decode(r->bytes + s->offset, s->size, &limits_default, UINT64_MAX,
                          DECODE_SKELETON, &a->module, r->err);
        if (e == 0)
                e = module_validate(a->module, &limits_default, UINT64_MAX, 1, &a->checked, r->err);
        if (e == 0)
                e = layout_compute(a->module, &layout, r->err);
        if (e < 0)
                return error_prefix(r->err, "module of the artefact");
        if (a->module->nfunctions - a->module->imported_functions != r->header.nfunctions)
                return broken(r, s->offset, "code for another number of functions");
        if (memcmp(&layout, &r->header.layout, sizeof(layout)) != 0)
                return broken(r, r->sections[SECTION_HEADER].offset, "another instance layout");
        a->layout = layout;
        return 0;
}

static int read_image(struct reader *r, struct artefact *a)
{
        const struct slice *s = &r->sections[SECTION_IMAGE];
        const struct module *m = a->module;
        uint64_t at = r->header.image_at, bytes;

        if (s->size == 0 && at == 0)
                return 0;
        if (s->size == 0 || s->size % ARTEFACT_PAGE != 0 || at % ARTEFACT_PAGE != 0)
                return broken(r, s->offset, "memory image that is not made of pages");
        if (m->nmemories == 0 || m->imported_memories != 0)
                return broken(r, s->offset, "memory image without a memory");
        bytes = memtype_bytes(&m->memories[0].type, m->memories[0].type.size.min);
        bytes = bytes > UINT64_MAX - ARTEFACT_PAGE ? bytes
                                                   : (bytes + ARTEFACT_PAGE - 1) & ~(uint64_t)(ARTEFACT_PAGE - 1);
        if (s->size > bytes || at > bytes - s->size)
                return broken(r, s->offset, "memory image larger than the memory");
        a->image = *s;
        a->image_at = at;
        return 0;
}

static int read_code(struct reader *r, struct artefact *a)
{
        uint64_t n = r->header.nfunctions;
        const struct slice *bodies = &r->sections[SECTION_BODIES];
        int e;

        a->code = r->sections[SECTION_TEXT];
        a->maps = r->sections[SECTION_MAPS];
        if (a->code.size % ARTEFACT_PAGE != 0)
                return broken(r, a->code.offset, "code that is not made of pages");
        e = read_ascending(r, SECTION_OFFSETS, n + 1, a->code.size, &a->offsets);
        if (e == 0)
                e = read_ascending(r, SECTION_MAP_OFFSETS, n + 1, a->maps.size, &a->map_offsets);
        if (e == 0 && bodies->size != 4 * n)
                e = broken(r, bodies->offset, "array of a wrong size");
        if (e == 0)
                a->bodies = (const uint32_t *)(r->bytes + bodies->offset);
        return e;
}

int artefact_sum_check(const uint8_t *bytes, size_t size, struct error *err)
{
        struct reader r = { .bytes = bytes, .err = err };
        XXH128_canonical_t sum;

        if (size < ARTEFACT_TRAILER)
                return broken(&r, size, "not an artefact");
        r.size = size - ARTEFACT_TRAILER;
        XXH128_canonicalFromHash(&sum, XXH3_128bits(bytes, r.size));
        if (memcmp(&sum, bytes + r.size, sizeof(sum)) != 0)
                return broken(&r, r.size, "damaged: the checksum at the end does not fit");
        return 0;
}

/* What is no artefact at all is told so, and not that it is damaged. */
static int read_start(struct reader *r, size_t size)
{
        if ((uintptr_t)r->bytes % 8 != 0)
                return error_set(r->err, STAGE_ARTEFACT, -EINVAL, ERROR_NOWHERE,
                                 "artefact at an address that is not aligned");
        if (size < ARTEFACT_TRAILER)
                return broken(r, size, "not an artefact");
        r->size = size - ARTEFACT_TRAILER;
        return read_head(r);
}

int artefact_read(const uint8_t *bytes, size_t size, struct artefact **ret, struct error *err)
{
        struct reader r = { .bytes = bytes, .err = err };
        int e = read_start(&r, size);

        if (e == 0)
                e = artefact_sum_check(bytes, size, err);
        return e < 0 ? e : artefact_view(bytes, size, ret, err);
}

int artefact_view(const uint8_t *bytes, size_t size, struct artefact **ret, struct error *err)
{
        _cleanup_(artefact_freep) struct artefact *a = NULL;
        struct reader r = { .bytes = bytes, .err = err };
        int e;

        a = calloc(1, sizeof(*a));
        if (!a)
                return error_set(err, STAGE_ARTEFACT, -ENOMEM, ERROR_NOWHERE,
                                 "no memory for an artefact");
        e = read_start(&r, size);
        if (e == 0)
                e = read_sections(&r);
        if (e == 0)
                e = read_header(&r);
        if (e == 0)
                e = read_module(&r, a);
        if (e == 0)
                e = read_image(&r, a);
        if (e == 0)
                e = read_code(&r, a);
        if (e < 0)
                return e;
        a->bytes = bytes;
        a->size = size;
        a->key = r.header.key;
        a->cpu = r.header.cpu;
        a->dense = r.header.dense;
        a->catches = r.header.catches;
        a->nfunctions = r.header.nfunctions;
        *ret = TAKE_PTR(a);
        return 0;
}

int artefact_find_code(const uint8_t *bytes, size_t size, struct slice *ret, struct error *err)
{
        struct reader r = { .bytes = bytes, .err = err };
        Elf64_Shdr h;
        int e;

        if (size < ARTEFACT_TRAILER)
                return broken(&r, size, "not an artefact");
        r.size = size - ARTEFACT_TRAILER;
        e = read_head(&r);
        if (e == 0)
                e = read_section(&r, SECTION_TEXT, &h);
        if (e == 0 && h.sh_size % ARTEFACT_PAGE != 0)
                e = broken(&r, h.sh_offset, "code that is not made of pages");
        if (e < 0)
                return e;
        *ret = r.sections[SECTION_TEXT];
        return 0;
}

void artefact_free(struct artefact *a)
{
        if (!a)
                return;
        checked_module_free(a->checked);
        module_free(a->module);
        free(a);
}
