#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/artefact/format.h"

#define SYMBOL_BYTES_MAX 1000u

const struct section_rule artefact_sections[_SECTION_MAX] = {
#define SECTION(symbol, name, type, flags, alignment) \
        [SECTION_##symbol] = { name, type, flags, alignment },
#include "engine/artefact/sections.def"
};

struct writer {
        struct buffer *out;
        size_t base;                      /* of the file in @out */
        Elf64_Shdr sections[_SECTION_MAX];
};

static void align_to(struct writer *w, size_t alignment, uint8_t filler)
{
        size_t n = -(w->out->size - w->base) & (alignment - 1);
        uint8_t *p = buffer_reserve(w->out, n);

        if (!p || !n)
                return;
        memset(p, filler, n);
        w->out->size += n;
}

static void section_begin(struct writer *w, enum artefact_section s)
{
        const struct section_rule *rule = &artefact_sections[s];

        align_to(w, rule->alignment, 0);
        w->sections[s] = (Elf64_Shdr) {
                .sh_type = rule->type,
                .sh_flags = rule->flags,
                .sh_offset = w->out->size - w->base,
                .sh_addralign = rule->alignment,
        };
        /* Addresses are file offsets: one figure for objdump, gdb and perf. */
        if (rule->flags & SHF_ALLOC)
                w->sections[s].sh_addr = w->sections[s].sh_offset;
}

static void section_end(struct writer *w, enum artefact_section s)
{
        w->sections[s].sh_size = w->out->size - w->base - w->sections[s].sh_offset;
}

static void section_append(struct writer *w, enum artefact_section s, const void *bytes, size_t n)
{
        section_begin(w, s);
        buffer_append(w->out, bytes, n);
        section_end(w, s);
}

static void write_code(struct writer *w, const struct compiled_module *code)
{
        section_begin(w, SECTION_TEXT);
        buffer_append(w->out, code->code, code->code_bytes);
        align_to(w, ARTEFACT_PAGE, 0xcc); /* int3: the rest of the page is mapped executable too */
        section_end(w, SECTION_TEXT);
}

static void write_bodies(struct writer *w, const struct module *m)
{
        section_begin(w, SECTION_BODIES);
        for (uint32_t i = m->imported_functions; i < m->nfunctions; i++)
                buffer_u32(w->out, (uint32_t)m->functions[i].body.offset);
        section_end(w, SECTION_BODIES);
}

/* The name of function @f as a symbol: what would confuse a terminal becomes '_'. */
static void append_symbol_name(struct buffer *strings, const struct module *m, uint32_t f)
{
        char text[SYMBOL_BYTES_MAX];
        size_t n = 0;

        if (m->function_names && m->function_names[f].size) {
                const struct name *name = &m->function_names[f];

                for (; n < name->size && n < sizeof(text); n++) {
                        unsigned char c = (unsigned char)name->bytes[n];

                        text[n] = c <= 0x20 || c == 0x7f ? '_' : (char)c;
                }
        } else {
                n = (size_t)snprintf(text, sizeof(text), "wasm-function[%u]", f);
        }
        buffer_append(strings, text, n);
        buffer_u8(strings, 0);
}

static void write_symbols(struct writer *w, const struct module *m,
                          const struct compiled_module *code)
{
        _cleanup_(buffer_done) struct buffer strings = { 0 };
        Elf64_Sym none = { 0 };

        buffer_u8(&strings, 0);
        section_begin(w, SECTION_SYMTAB);
        buffer_append(w->out, &none, sizeof(none));
        for (uint32_t i = 0; i < code->nfunctions; i++) {
                Elf64_Sym symbol = {
                        .st_name = (uint32_t)strings.size,
                        .st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
                        .st_shndx = SECTION_TEXT,
                        .st_value = w->sections[SECTION_TEXT].sh_addr + code->offsets[i],
                        .st_size = code->offsets[i + 1] - code->offsets[i],
                };

                append_symbol_name(&strings, m, m->imported_functions + i);
                buffer_append(w->out, &symbol, sizeof(symbol));
        }
        section_end(w, SECTION_SYMTAB);
        w->sections[SECTION_SYMTAB].sh_link = SECTION_STRTAB;
        w->sections[SECTION_SYMTAB].sh_info = code->nfunctions + 1; /* all are local */
        w->sections[SECTION_SYMTAB].sh_entsize = sizeof(none);
        section_append(w, SECTION_STRTAB, strings.bytes, strings.size);
        w->out->failed |= strings.failed;
}

static void write_section_names(struct writer *w)
{
        section_begin(w, SECTION_SHSTRTAB);
        buffer_u8(w->out, 0);
        for (unsigned i = 1; i < _SECTION_MAX; i++) {
                const char *name = artefact_sections[i].name;

                w->sections[i].sh_name = (uint32_t)(w->out->size - w->base -
                                                    w->sections[SECTION_SHSTRTAB].sh_offset);
                buffer_append(w->out, name, strlen(name) + 1);
        }
        section_end(w, SECTION_SHSTRTAB);
}

static Elf64_Phdr load_segment(const Elf64_Shdr *s, uint32_t flags)
{
        return (Elf64_Phdr) { .p_type = PT_LOAD, .p_flags = flags, .p_offset = s->sh_offset,
                              .p_vaddr = s->sh_addr, .p_paddr = s->sh_addr, .p_filesz = s->sh_size,
                              .p_memsz = s->sh_size, .p_align = ARTEFACT_PAGE };
}

/* The head is known last, and its place was kept. */
static void write_head(struct writer *w, const struct compiled_module *code, uint64_t table)
{
        Elf64_Phdr segments[] = {
                load_segment(&w->sections[SECTION_TEXT], PF_R | PF_X),
                load_segment(&w->sections[SECTION_IMAGE], PF_R),
                { .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16 },
        };
        Elf64_Ehdr head = {
                .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                .e_type = ET_DYN,
                .e_machine = (uint16_t)code->machine,
                .e_version = EV_CURRENT,
                .e_phoff = sizeof(head),
                .e_shoff = table,
                .e_ehsize = sizeof(head),
                .e_phentsize = sizeof(segments[0]),
                .e_phnum = ELEMENTSOF(segments),
                .e_shentsize = sizeof(w->sections[0]),
                .e_shnum = _SECTION_MAX,
                .e_shstrndx = SECTION_SHSTRTAB,
        };
        uint8_t *p = w->out->bytes + w->base;

        _Static_assert(sizeof(head) + sizeof(segments) <= ARTEFACT_PAGE, "fits before .text");
        memcpy(p, &head, sizeof(head));
        memcpy(p + sizeof(head), segments, sizeof(segments));
}

int artefact_write(const struct checked_module *c, const struct compiled_module *code,
                   const struct artefact_key *key, struct buffer *out, struct error *err)
{
        const struct module *m = c->module;
        struct writer w = { .out = out, .base = out->size };
        struct artefact_header header = {
                .magic = ARTEFACT_MAGIC, .format = ARTEFACT_FORMAT, .abi = ABI_VERSION,
                .machine = code->machine, .nfunctions = code->nfunctions, .cpu = code->cpu_used,
                .key = *key, .layout = code->layout, .dense = code->dense,
                .catches = code->catches,
        };
        struct image image;
        XXH128_canonical_t sum;
        uint64_t table;
        uint8_t *p;

        p = buffer_reserve(out, ARTEFACT_PAGE);
        if (p) {
                memset(p, 0, ARTEFACT_PAGE);
                out->size += ARTEFACT_PAGE;
        }
        image_build(m, &image);
        header.image_at = image.at;
        write_code(&w, code);
        section_append(&w, SECTION_IMAGE, image.bytes.bytes, image.bytes.size);
        section_append(&w, SECTION_HEADER, &header, sizeof(header));
        section_begin(&w, SECTION_SKELETON);
        skeleton_encode(m, &image, out);
        section_end(&w, SECTION_SKELETON);
        section_append(&w, SECTION_OFFSETS, code->offsets, 4 * ((size_t)code->nfunctions + 1));
        write_bodies(&w, m);
        section_append(&w, SECTION_MAP_OFFSETS, code->map_offsets,
                       4 * ((size_t)code->nfunctions + 1));
        section_append(&w, SECTION_MAPS, code->maps.bytes, code->maps.size);
        write_symbols(&w, m, code);
        write_section_names(&w);
        align_to(&w, 8, 0);
        table = out->size - w.base;
        buffer_append(out, w.sections, sizeof(w.sections));
        out->failed |= image.bytes.failed;
        buffer_done(&image.bytes);
        if (!buffer_ok(out))
                return error_set(err, STAGE_ARTEFACT, -ENOMEM, ERROR_NOWHERE,
                                 "no memory for the artefact");

        write_head(&w, code, table);
        XXH128_canonicalFromHash(&sum, XXH3_128bits(out->bytes + w.base, out->size - w.base));
        buffer_append(out, &sum, sizeof(sum));
        if (!buffer_ok(out))
                return error_set(err, STAGE_ARTEFACT, -ENOMEM, ERROR_NOWHERE,
                                 "no memory for the artefact");
        return 0;
}
