#include "engine/compile/peak/object.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

struct reader {
        const uint8_t *bytes;
        size_t size;
        uint16_t machine;
        const Elf64_Shdr *sections;
        unsigned nsections;
        const char *names;
        uint64_t *placed;      /* offset in the blob, UINT64_MAX: not part of it */
        const Elf64_Sym *symbols;
        size_t nsymbols;
        const char *strings;
        struct object *o;
        size_t fixups_room, rows_room;
        struct error *err;
};

static int broken(struct reader *r, const char *what)
{
        return error_set(r->err, STAGE_COMPILE, -EBADMSG, ERROR_NOWHERE, "LLVM's object: %s", what);
}

static int read_sections(struct reader *r)
{
        const Elf64_Ehdr *head = (const Elf64_Ehdr *)r->bytes;

        if (r->size < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
            head->e_type != ET_REL || head->e_shentsize != sizeof(Elf64_Shdr) ||
            head->e_shoff % 8 || head->e_shoff > r->size ||
            (r->size - head->e_shoff) / sizeof(Elf64_Shdr) < head->e_shnum)
                return broken(r, "header");
        r->machine = head->e_machine;
        r->sections = (const Elf64_Shdr *)(r->bytes + head->e_shoff);
        r->nsections = head->e_shnum;
        for (unsigned i = 0; i < r->nsections; i++) {
                const Elf64_Shdr *s = &r->sections[i];

                if (s->sh_type != SHT_NOBITS &&
                    (s->sh_offset > r->size || s->sh_size > r->size - s->sh_offset))
                        return broken(r, "section bounds");
                if (s->sh_type == SHT_SYMTAB) {
                        if (s->sh_link >= r->nsections || s->sh_offset % 8)
                                return broken(r, "symbol table");
                        r->symbols = (const Elf64_Sym *)(r->bytes + s->sh_offset);
                        r->nsymbols = s->sh_size / sizeof(Elf64_Sym);
                        r->strings = (const char *)r->bytes + r->sections[s->sh_link].sh_offset;
                }
        }
        if (!r->symbols || head->e_shstrndx >= r->nsections)
                return broken(r, "no symbols");
        r->names = (const char *)r->bytes + r->sections[head->e_shstrndx].sh_offset;
        return 0;
}

static int place_sections(struct reader *r)
{
        r->placed = malloc((r->nsections + 1) * sizeof(*r->placed));
        if (!r->placed)
                return -ENOMEM;
        for (unsigned i = 0; i < r->nsections; i++) {
                const Elf64_Shdr *s = &r->sections[i];

                r->placed[i] = UINT64_MAX;
                if (s->sh_type != SHT_PROGBITS || !(s->sh_flags & SHF_ALLOC) || !s->sh_size)
                        continue;
                if (s->sh_flags & SHF_WRITE)
                        return broken(r, "writable data");
                buffer_align(&r->o->code, s->sh_addralign > 16 ? s->sh_addralign : 16);
                r->placed[i] = r->o->code.size;
                buffer_append(&r->o->code, r->bytes + s->sh_offset, s->sh_size);
        }
        return buffer_ok(&r->o->code) ? 0 : -ENOMEM;
}

/* "f123" -> 123; UINT32_MAX for other names. */
static uint32_t function_of_name(const char *name)
{
        char *end;
        unsigned long n;

        if (name[0] != 'f' || name[1] < '0' || name[1] > '9')
                return UINT32_MAX;
        n = strtoul(name + 1, &end, 10);
        return *end || n >= UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static int add_fixup(struct reader *r, uint32_t at, uint32_t function)
{
        struct object *o = r->o;

        if (o->nfixups == r->fixups_room) {
                size_t room = r->fixups_room ? 2 * r->fixups_room : 64;
                void *grown = realloc(o->fixups, room * sizeof(*o->fixups));

                if (!grown)
                        return -ENOMEM;
                o->fixups = grown;
                r->fixups_room = room;
        }
        o->fixups[o->nfixups++] = (struct object_fixup) { at, function };
        return 0;
}

/* How a relocation names a distance: as a word, as 21 bits of bytes (adr), or as bits of an
 * instruction, counted in instructions. */
enum reach { REACH_NONE, REACH_WORD, REACH_ADR, REACH_19, REACH_26 };

static enum reach relocation_reach(uint16_t machine, uint32_t type)
{
        if (machine == EM_X86_64)
                return type == R_X86_64_PC32 || type == R_X86_64_PLT32 ? REACH_WORD : REACH_NONE;
        switch (type) {
        case R_AARCH64_PREL32:
                return REACH_WORD;
        case R_AARCH64_ADR_PREL_LO21:
                return REACH_ADR;
        case R_AARCH64_LD_PREL_LO19:
        case R_AARCH64_CONDBR19:
                return REACH_19;
        case R_AARCH64_CALL26:
        case R_AARCH64_JUMP26:
                return REACH_26;
        default:
                return REACH_NONE;
        }
}

/* @distance into the word at @at; false: it does not reach. */
static bool reach_put(uint8_t *at, enum reach reach, int64_t distance)
{
        unsigned bits = reach == REACH_WORD ? 32 : reach == REACH_26 ? 28 : 21;
        uint32_t word, value = (uint32_t)distance;

        if (distance < -(INT64_C(1) << (bits - 1)) || distance >= INT64_C(1) << (bits - 1))
                return false;
        memcpy(&word, at, 4);
        if (reach == REACH_WORD)
                word = value;
        else if (reach == REACH_ADR)
                word = (word & 0x9f00001f) | (value & 3) << 29 | (value >> 2 & 0x7ffff) << 5;
        else if (reach == REACH_19)
                word = (word & 0xff00001f) | (value >> 2 & 0x7ffff) << 5;
        else
                word = (word & 0xfc000000) | (value >> 2 & 0x3ffffff);
        memcpy(at, &word, 4);
        return true;
}

static int relocate(struct reader *r, const Elf64_Rela *rela, uint64_t base, uint64_t size)
{
        uint32_t type = ELF64_R_TYPE(rela->r_info), symbol = ELF64_R_SYM(rela->r_info);
        enum reach reach = relocation_reach(r->machine, type);
        const Elf64_Sym *sym;
        uint64_t at = base + rela->r_offset;
        int64_t distance;

        if (!reach || symbol >= r->nsymbols || rela->r_offset > size - 4)
                return broken(r, "relocation");
        sym = &r->symbols[symbol];
        if (sym->st_shndx == SHN_UNDEF) {
                uint32_t function = function_of_name(r->strings + sym->st_name);

                if (function == UINT32_MAX)
                        return error_set(r->err, STAGE_COMPILE, -EBADMSG, ERROR_NOWHERE,
                                         "LLVM's object calls \"%s\"", r->strings + sym->st_name);
                if (rela->r_addend != (r->machine == EM_X86_64 ? -4 : 0))
                        return broken(r, "call");
                return add_fixup(r, (uint32_t)at, function);
        }
        if (sym->st_shndx >= r->nsections || r->placed[sym->st_shndx] == UINT64_MAX)
                return broken(r, "symbol");
        distance = (int64_t)(r->placed[sym->st_shndx] + sym->st_value + (uint64_t)rela->r_addend - at);
        return reach_put(r->o->code.bytes + at, reach, distance) ? 0 : broken(r, "distance");
}

static int relocate_sections(struct reader *r)
{
        int e = 0;

        for (unsigned i = 0; i < r->nsections && e == 0; i++) {
                const Elf64_Shdr *s = &r->sections[i];
                const Elf64_Rela *rela = (const Elf64_Rela *)(r->bytes + s->sh_offset);

                if (s->sh_type != SHT_RELA || s->sh_info >= r->nsections ||
                    r->placed[s->sh_info] == UINT64_MAX || r->sections[s->sh_info].sh_size < 4)
                        continue;
                for (size_t k = 0; k < s->sh_size / sizeof(*rela) && e == 0; k++)
                        e = relocate(r, &rela[k], r->placed[s->sh_info],
                                     r->sections[s->sh_info].sh_size);
        }
        return e;
}

static int find_functions(struct reader *r)
{
        struct object *o = r->o;

        o->offsets = malloc(((size_t)o->n + 1) * sizeof(*o->offsets));
        if (!o->offsets)
                return -ENOMEM;
        memset(o->offsets, 0xff, ((size_t)o->n + 1) * sizeof(*o->offsets));
        for (size_t i = 0; i < r->nsymbols; i++) {
                const Elf64_Sym *sym = &r->symbols[i];
                uint32_t function;

                if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || sym->st_shndx >= r->nsections ||
                    r->placed[sym->st_shndx] == UINT64_MAX)
                        continue;
                function = function_of_name(r->strings + sym->st_name);
                if (function >= o->first && function - o->first < o->n)
                        o->offsets[function - o->first] =
                                (uint32_t)(r->placed[sym->st_shndx] + sym->st_value);
        }
        for (uint32_t i = 0; i < o->n; i++)
                if (o->offsets[i] == UINT32_MAX || (i && o->offsets[i] <= o->offsets[i - 1]))
                        return broken(r, "functions out of order");
        return 0;
}

/* ---- the line table (DWARF 4, section 6.2) ---------------------------------------------------- */

static int add_row(struct reader *r, uint64_t at, uint32_t line)
{
        struct object *o = r->o;

        if (line == 0 || (o->nrows && o->rows[o->nrows - 1].line == line &&
                          o->rows[o->nrows - 1].at <= at))
                return 0;
        if (o->nrows && o->rows[o->nrows - 1].at == at) {
                o->rows[o->nrows - 1].line = line;
                return 0;
        }
        if (o->nrows == r->rows_room) {
                size_t room = r->rows_room ? 2 * r->rows_room : 1024;
                void *grown = realloc(o->rows, room * sizeof(*o->rows));

                if (!grown)
                        return -ENOMEM;
                o->rows = grown;
                r->rows_room = room;
        }
        o->rows[o->nrows++] = (struct object_row) { (uint32_t)at, line };
        return 0;
}

static uint64_t read_uleb(const uint8_t **at, const uint8_t *end)
{
        uint64_t value = 0;

        for (unsigned shift = 0; *at < end; shift += 7) {
                uint8_t byte = *(*at)++;

                if (shift < 64)
                        value |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        break;
        }
        return value;
}

static int64_t read_sleb(const uint8_t **at, const uint8_t *end)
{
        uint64_t value = 0;
        unsigned shift = 0;
        uint8_t byte = 0;

        while (*at < end) {
                byte = *(*at)++;
                if (shift < 64)
                        value |= (uint64_t)(byte & 0x7f) << shift;
                shift += 7;
                if (!(byte & 0x80))
                        break;
        }
        if (shift < 64 && (byte & 0x40))
                value |= ~UINT64_C(0) << shift;
        return (int64_t)value;
}

struct line_program {
        uint8_t min_length, line_range, opcode_base;
        int8_t line_base;
        uint8_t lengths[256];
};

/* One extended opcode; true at the end of a sequence. */
static bool extended(const uint8_t **at, const uint8_t *end, uint64_t *address)
{
        uint64_t n = read_uleb(at, end);
        const uint8_t *next;
        bool over;

        if (n == 0 || n > (uint64_t)(end - *at))
                n = (uint64_t)(end - *at);
        next = *at + n;
        over = n >= 1 && **at == 1;
        if (n >= 9 && **at == 2)
                memcpy(address, *at + 1, 8);
        *at = next;
        return over;
}

static int run_lines(struct reader *r, const struct line_program *p, const uint8_t *at,
                     const uint8_t *end)
{
        uint64_t address = 0;
        int64_t line = 1;
        int e = 0;

        while (at < end && e == 0) {
                uint8_t op = *at++;

                if (op >= p->opcode_base) {
                        op = (uint8_t)(op - p->opcode_base);
                        address += (uint64_t)(op / p->line_range) * p->min_length;
                        line += p->line_base + op % p->line_range;
                        e = add_row(r, address, (uint32_t)line);
                        continue;
                }
                switch (op) {
                case 0:
                        if (extended(&at, end, &address)) {
                                address = 0;
                                line = 1;
                        }
                        break;
                case 1: /* copy */
                        e = add_row(r, address, (uint32_t)line);
                        break;
                case 2: /* advance_pc */
                        address += read_uleb(&at, end) * p->min_length;
                        break;
                case 3: /* advance_line */
                        line += read_sleb(&at, end);
                        break;
                case 8: /* const_add_pc */
                        address += (uint64_t)((255 - p->opcode_base) / p->line_range) * p->min_length;
                        break;
                case 9: /* fixed_advance_pc */
                        if (end - at >= 2)
                                address += (uint64_t)at[0] | (uint64_t)at[1] << 8;
                        at += end - at >= 2 ? 2 : end - at;
                        break;
                default:
                        for (unsigned i = 0; i < p->lengths[op]; i++)
                                (void)read_uleb(&at, end);
                }
        }
        return e;
}

static int read_line_unit(struct reader *r, const uint8_t *at, const uint8_t *end)
{
        struct line_program p = { 0 };
        const uint8_t *program;
        uint32_t header;

        /* version, header_length, min_length, max_ops, is_stmt, line_base, line_range, base */
        if (end - at < 12 || at[0] != 4)
                return broken(r, "line table version");
        memcpy(&header, at + 2, 4);
        if (header > (uint64_t)(end - at - 6))
                return broken(r, "line table header");
        program = at + 6 + header;
        p.min_length = at[6];
        p.line_base = (int8_t)at[9];
        p.line_range = at[10];
        p.opcode_base = at[11];
        if (!p.line_range || !p.opcode_base || end - at < 12 + p.opcode_base - 1)
                return broken(r, "line table header");
        memcpy(p.lengths + 1, at + 12, p.opcode_base - 1u);
        return run_lines(r, &p, program, end);
}

/* LLVM leaves the addresses to relocations: put them in. */
static void relocate_lines(struct reader *r, unsigned section, uint8_t *bytes, uint64_t size)
{
        for (unsigned i = 0; i < r->nsections; i++) {
                const Elf64_Shdr *s = &r->sections[i];
                const Elf64_Rela *rela = (const Elf64_Rela *)(r->bytes + s->sh_offset);

                if (s->sh_type != SHT_RELA || s->sh_info != section)
                        continue;
                for (size_t k = 0; k < s->sh_size / sizeof(*rela); k++) {
                        uint32_t symbol = ELF64_R_SYM(rela[k].r_info);
                        const Elf64_Sym *sym = &r->symbols[symbol];
                        uint64_t value;

                        if (ELF64_R_TYPE(rela[k].r_info) !=
                                    (r->machine == EM_X86_64 ? R_X86_64_64 : R_AARCH64_ABS64) || symbol >= r->nsymbols ||
                            sym->st_shndx >= r->nsections || size < 8 || rela[k].r_offset > size - 8 ||
                            r->placed[sym->st_shndx] == UINT64_MAX)
                                continue;
                        value = r->placed[sym->st_shndx] + sym->st_value + (uint64_t)rela[k].r_addend;
                        memcpy(bytes + rela[k].r_offset, &value, 8);
                }
        }
}

static int read_lines(struct reader *r)
{
        for (unsigned i = 0; i < r->nsections; i++) {
                const Elf64_Shdr *s = &r->sections[i];
                _cleanup_free_ uint8_t *copy = NULL;
                uint32_t length;
                int e;

                if (strcmp(r->names + s->sh_name, ".debug_line") || s->sh_size < 4)
                        continue;
                copy = malloc(s->sh_size);
                if (!copy)
                        return -ENOMEM;
                memcpy(copy, r->bytes + s->sh_offset, s->sh_size);
                relocate_lines(r, i, copy, s->sh_size);
                for (uint64_t at = 0; s->sh_size - at > 4; at += 4 + (uint64_t)length) {
                        memcpy(&length, copy + at, 4);
                        if (length > s->sh_size - at - 4)
                                return broken(r, "line table bounds");
                        e = read_line_unit(r, copy + at + 4, copy + at + 4 + length);
                        if (e < 0)
                                return e;
                }
        }
        return 0;
}

static int row_order(const void *a, const void *b)
{
        const struct object_row *x = a, *y = b;

        return (x->at > y->at) - (x->at < y->at);
}

int object_read(const uint8_t *bytes, size_t size, uint32_t first, uint32_t n, struct object *ret,
                struct error *err)
{
        struct object o = { .first = first, .n = n };
        struct reader r = { .bytes = bytes, .size = size, .o = &o, .err = err };
        int e = read_sections(&r);

        if (e == 0)
                e = place_sections(&r);
        if (e == 0)
                e = relocate_sections(&r);
        if (e == 0)
                e = find_functions(&r);
        if (e == 0)
                e = read_lines(&r);
        free(r.placed);
        if (e < 0) {
                object_done(&o);
                return e == -ENOMEM ? error_set(err, STAGE_COMPILE, e, ERROR_NOWHERE, "out of memory") : e;
        }
        if (o.nrows)
                qsort(o.rows, o.nrows, sizeof(*o.rows), row_order);
        *ret = o;
        return 0;
}

void object_done(struct object *o)
{
        buffer_done(&o->code);
        free(o->fixups);
        free(o->rows);
        free(o->offsets);
        *o = (struct object) { 0 };
}
