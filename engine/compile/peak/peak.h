/* peak.h - the optimising generator: checked module -> machine code through LLVM.
 *
 * peak_compile - as module_compile() with TIER_PEAK; same convention, layout, traps and maps as the
 *   fast generator (abi.h). Functions are compiled in partitions of a fixed size, each in an LLVM
 *   context of its own, so memory is bounded by the partitions at work and the bytes of the result
 *   do not depend on the number of jobs.
 * peak_set_new - the same for the @n functions named in @functions alone (indices in the module,
 *   ascending), to take the place of fast ones: every function is a piece of its own.
 * peak_set_find - the piece of defined function @k, or NULL. Its code starts at a multiple of
 *   PEAK_ALIGN and may end anywhere; .calls are to be patched. Borrowed from the set.
 * peak_version - LLVM's version, part of the artefact's key. */
#pragma once

#include "engine/compile/compile.h"

#define PEAK_ALIGN 64u

struct peak_call {
        uint32_t at;       /* of the rel32 */
        uint32_t function; /* defined function */
};

struct peak_piece {
        uint32_t k;        /* defined function */
        const uint8_t *code;
        size_t code_bytes;
        struct buffer map;
        struct peak_call *calls;
        size_t ncalls;
};

struct peak_set;

_must_check_ int peak_set_new(const struct checked_module *c, const struct layout *layout,
                              const struct compile_options *o, const uint32_t *functions, uint32_t n,
                              struct peak_set **ret, struct error *err);
const struct peak_piece *peak_set_find(const struct peak_set *set, uint32_t k);
void peak_set_free(struct peak_set *set); /* takes NULL */

_must_check_ int peak_compile(const struct checked_module *c, const struct compile_options *o,
                              struct compiled_module **ret, struct error *err);
const char *peak_version(void);
