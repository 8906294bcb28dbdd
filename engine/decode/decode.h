/* decode.h - bytes of the binary format to a struct module.
 *
 * module_decode - decode @size bytes at @bytes.
 * @bytes: borrowed by the result; must not change while the module lives (a caller that holds a
 *         shared mapping copies first)
 * @limits: see limits.def; each count is checked before memory is allocated for it, and each
 *         count also against the bytes that are left
 * @features: set of 1 << FEATURE_...; an instruction or type of a feature that is off is refused
 *         with the feature's name. Instructions inside function bodies are read by validate.
 * @flags: DECODE_SKELETON: a function section without a code section is accepted and every body
 *         is empty (module.skeleton is set; data count without data is checked as in any module).
 *         A skeleton that has a code section all the same is refused. 0 otherwise.
 * @ret: on success a new module, the caller's to module_free(); else untouched
 * @err: on failure what is wrong and at which byte; else untouched
 * Time and memory are linear in @size. Never recurses.
 * Returns 0, -EBADMSG (malformed), -E2BIG (a limit), -EOPNOTSUPP (feature off), or -ENOMEM.
 * The texts begin with those that the official test scripts expect ("unexpected end", ...). */
#pragma once

#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/decode/module.h"

#define DECODE_SKELETON 1u

extern const uint64_t features_default; /* the rows of features.def that are on by default */
#define FEATURES_DEFAULT features_default

_must_check_ int module_decode(const uint8_t *bytes, size_t size, const struct limits *limits,
                               uint64_t features, unsigned flags, struct module **ret,
                               struct error *err);
void module_free(struct module *m); /* takes NULL */

static inline void module_freep(struct module **m)
{
        module_free(*m);
}
