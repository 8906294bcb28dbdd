/* peak.h - the optimising generator: checked module -> machine code through LLVM.
 *
 * peak_compile - as module_compile() with TIER_PEAK; same convention, layout, traps and maps as the
 *   fast generator (abi.h). Functions are compiled in partitions of a fixed size, each in an LLVM
 *   context of its own, so memory is bounded by the partitions at work and the bytes of the result
 *   do not depend on the number of jobs.
 * peak_version - LLVM's version, part of the artefact's key. */
#pragma once

#include "engine/compile/compile.h"

_must_check_ int peak_compile(const struct checked_module *c, const struct compile_options *o,
                              struct compiled_module **ret, struct error *err);
const char *peak_version(void);
