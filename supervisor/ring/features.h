/* features.h - what of io_uring a cell uses, and what this kernel offers of it. No ring of a cell is touched.
 *
 * ring_features - tries each for real with rings of its own. Returns 0, or negative errno: no ring can be made here
 *   at all (-EPERM and -ENOSYS: switched off), and @ret is untouched. */
#pragma once

#include <stdbool.h>

#include "engine/base/cleanup.h"

enum {
#define RING_FEATURE(id, name, used, probe, argument, why) RING_FEATURE_##id,
#include "supervisor/ring/ring_features.def"
        _RING_FEATURE_MAX,
};

struct ring_feature {
        const char *name, *why;
        bool used;   /* where it is offered */
        int refused; /* errno of the kernel's refusal; 0: offered */
};

_must_check_ int ring_features(struct ring_feature ret[_RING_FEATURE_MAX]);
