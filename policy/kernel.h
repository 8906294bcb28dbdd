/* kernel.h - what this kernel offers, layer by layer, tried for real.
 *
 * kernel_probe - try every row of kernel.def. Some probes run in a short-lived child, because what
 *   they switch on cannot be switched off again. @ret: _KERNEL_MAX rows. */
#pragma once

#include "policy/policy.h"

enum kernel_feature {
#define KERNEL(name, since, need, without, text) KERNEL_##name,
#include "policy/kernel.def"
        _KERNEL_MAX,
};

enum kernel_need { NEED_LAYER, NEED_CORE, NEED_SPEED, NEED_EXTRA, NEED_FILTER };

struct kernel_row {
        const char *text, *since, *without;
        enum kernel_need need;
        bool present;
        char detail[80]; /* what was found, or why not */
};

void kernel_probe(struct kernel_row ret[static _KERNEL_MAX]);
