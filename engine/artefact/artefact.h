/* artefact.h - the file that compilation makes, and its hostile reader.
 *
 * An ELF64 shared object, so that objdump, gdb, perf and readelf work on it. Sections:
 *   .text              the code, page-aligned, no relocation
 *   .rodata.image      initial memory 0 (active data segments laid out), page-aligned in the file
 *   .nacelle.header    magic, ABI version, machine, CPU features, key, layout, sizes
 *   .nacelle.skeleton  the module itself without function bodies, in the binary format (decoded with
 *                      DECODE_SKELETON and validated again: nothing in the file is believed);
 *                      segments that are part of the image are empty in it
 *   .nacelle.offsets   function k's code offset, u32 each, and where the last one ends
 *   .nacelle.bodies    function k's body in the wasm file, u32 each, for messages
 *   .nacelle.maps, .nacelle.map-offsets   trap maps (compile.h)
 *   .symtab, .strtab   function names, for the tools only; the reader does not use them
 * The file ends with an XXH3-128 of all bytes before it, which finds damage (not malice).
 *
 * artefact_write - append the file to @out.
 * artefact_read - check and view @size bytes at @bytes, aligned to 8. Every byte is hostile. @bytes
 *   is borrowed and must not change (a sealed or private mapping). Returns 0, -EBADMSG with the offset,
 *   -ENOEXEC (ABI version or machine of another build), -EOPNOTSUPP (a CPU feature is missing on
 *   this host, named), -ENOMEM.
 * artefact_sum_check - does the checksum at the end fit? Finds damage, not malice.
 * artefact_view - artefact_read() without that check, for whoever knows that it was made.
 * artefact_find_code - the place of .text alone, for the broker, who publishes it and must not
 *   parse more than the ELF header and the section table. */
#pragma once

#include "engine/artefact/key.h"
#include "engine/base/buffer.h"
#include "engine/compile/compile.h"

struct artefact {
        const uint8_t *bytes; /* borrowed */
        size_t size;
        struct artefact_key key;
        uint64_t cpu;
        bool dense;           /* the code checks every access itself (compile.h) */
        bool catches;         /* the code looks for exceptions behind its calls */
        struct layout layout;
        struct slice code;    /* of .text, page-aligned in the file */
        struct slice image;   /* page-aligned in the file; size 0: none */
        uint64_t image_at;    /* address in memory 0, page-aligned */
        struct module *module;           /* from the skeleton */
        struct checked_module *checked;  /* no facts */
        uint32_t nfunctions;  /* defined ones */
        const uint32_t *offsets;     /* [nfunctions + 1], ascending, inside the code */
        const uint32_t *map_offsets; /* [nfunctions + 1] */
        const uint32_t *bodies;      /* [nfunctions], offset of the body in the wasm file */
        struct slice maps;
};

_must_check_ int artefact_write(const struct checked_module *c, const struct compiled_module *code,
                                const struct artefact_key *key, struct buffer *out, struct error *err);
_must_check_ int artefact_read(const uint8_t *bytes, size_t size, struct artefact **ret,
                               struct error *err);
_must_check_ int artefact_view(const uint8_t *bytes, size_t size, struct artefact **ret,
                               struct error *err);
_must_check_ int artefact_sum_check(const uint8_t *bytes, size_t size, struct error *err);
_must_check_ int artefact_find_code(const uint8_t *bytes, size_t size, struct slice *ret,
                                    struct error *err);
void artefact_free(struct artefact *a); /* takes NULL */

static inline void artefact_freep(struct artefact **a)
{
        artefact_free(*a);
}

/* Wasm offset in the file for @pc, counted from the first byte of defined function @k: the address
 * of an instruction that trapped, or, for @call, a return address. False when the map begins behind
 * @pc. Bounded by the function's map. */
bool artefact_map_pc(const struct artefact *a, uint32_t k, uint32_t pc, bool call,
                     uint64_t *ret_offset);

/* Defined function that holds code offset @pc, or UINT32_MAX. */
uint32_t artefact_function_at(const struct artefact *a, uint64_t pc);
