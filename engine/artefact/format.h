/* format.h - private to engine/artefact: what writer and reader agree on. Integers are little
 * endian, as the machine's. */
#pragma once

#include <elf.h>

#include "engine/artefact/artefact.h"

#define ARTEFACT_MAGIC   "NACELLE"
#define ARTEFACT_FORMAT  3u
#define ARTEFACT_PAGE    4096u
#define ARTEFACT_TRAILER 16u /* bytes of XXH3-128 at the end */

enum artefact_section {
        SECTION_NULL,
#define SECTION(symbol, name, type, flags, alignment) SECTION_##symbol,
#include "engine/artefact/sections.def"
        _SECTION_MAX,
};

struct section_rule {
        const char *name;
        uint32_t type;
        uint64_t flags, alignment;
};

extern const struct section_rule artefact_sections[_SECTION_MAX];

struct artefact_header {
        char magic[8];
        uint32_t format, abi, machine, nfunctions;
        uint64_t cpu;
        struct artefact_key key;
        struct layout layout;
        uint64_t image_at;
        uint32_t dense, catches; /* 0 or 1 */
};

_Static_assert(sizeof(struct artefact_header) == 112, "the header is part of the format");

/* The initial content of memory 0, as far as constant active segments decide it. */
struct image {
        struct buffer bytes;  /* a multiple of ARTEFACT_PAGE */
        uint64_t at;
        uint32_t folded;      /* active data segments below this one are in the image */
};

void image_build(const struct module *m, struct image *ret);
static inline bool image_holds(const struct image *i, const struct module *m, uint32_t segment)
{
        return segment < i->folded && m->datas[segment].mode == SEGMENT_ACTIVE;
}

/* Append the module without bodies, and without the bytes that @image holds. -EBADMSG never
 * happens for a checked module; -ENOMEM sticks in the buffer. */
void skeleton_encode(const struct module *m, const struct image *image, struct buffer *out);
