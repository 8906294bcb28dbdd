/* validate.h - turns a decoded module into one that is safe to compile.
 *
 * module_validate - check @m against the core specification (chapter 3) and our limits.
 * @m: borrowed, must outlive the result. Of a skeleton everything but the bodies is checked.
 * @jobs: threads to use over the function bodies, >= 1
 * @ret: on success a new checked module, the caller's to checked_module_free(); else untouched
 * @err: on failure what is wrong and at which byte of the file: the first one in file order,
 *       whatever the number of threads; else untouched
 * Time is linear in the code; memory at most 64 bytes per byte of code; never recurses.
 * Returns 0, -EBADMSG (a rule is broken), -E2BIG (a limit), -EOPNOTSUPP (feature off), -ENOMEM.
 *
 * What the check learns on its way is kept for the code generators: see struct function_facts. */
#pragma once

#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/decode/module.h"

/* Locals with the most uses, weighted by loop depth (8 per level, at most 5 levels): the
 * generator keeps these in registers. In falling order of weight; n entries are valid. */
#define HOT_LOCALS_MAX 14

struct hot_locals {
        uint8_t n;
        uint16_t index[HOT_LOCALS_MAX]; /* locals above 65,535 never become hot */
        uint32_t weight[HOT_LOCALS_MAX]; /* saturating */
};

struct function_facts {
        uint32_t nlocals;        /* parameters included */
        uint32_t max_stack;      /* operands at once */
        uint32_t max_nesting;    /* control frames at once, the function's own included */
        uint32_t call_weight;    /* calls, weighted as the locals are */
        uint32_t code_offset;    /* of the first instruction in the file: the locals are behind */
        struct hot_locals integer; /* i32, i64 and references */
        struct hot_locals vector;  /* f32, f64, v128 */
        bool has_calls;          /* any instruction that leaves the function and comes back: calls
                                  * (not tail calls), ref.func, bulk operations, memory.grow, table
                                  * operations */
        bool has_loops;
        bool has_rethrow;        /* of the exceptions before 3.0: what is caught may be thrown again */
};

struct checked_module {
        const struct module *module;   /* borrowed */
        struct pool *pool;
        struct function_facts *facts;  /* [nfunctions - imported_functions]; NULL: a skeleton */

        /* Functions whose reference can escape (element segments, exports, ref.func, constant
         * expressions), in ascending order of function index. */
        uint32_t nescaping;
        const uint32_t *escaping;      /* function indices */
        uint64_t features_used;        /* set of 1 << FEATURE_... */
};

_must_check_ int module_validate(const struct module *m, const struct limits *limits,
                                 uint64_t features, unsigned jobs, struct checked_module **ret,
                                 struct error *err);
void checked_module_free(struct checked_module *c); /* takes NULL */

/* Its code throws, or catches: with tags, or without any (catch_all, throw_ref). Behind its calls it looks for
 * exceptions; all other code is left when one passes. */
static inline bool checked_catches(const struct checked_module *c)
{
        return c->features_used & (1u << FEATURE_EXCEPTIONS | 1u << FEATURE_LEGACY_EXCEPTIONS);
}

static inline void checked_module_freep(struct checked_module **c)
{
        checked_module_free(*c);
}
