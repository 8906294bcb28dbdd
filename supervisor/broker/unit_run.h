/* unit_run.h - a unit file as the options of one run: the same way as the command line's.
 *
 * unit_run - @u (borrowed, and its pool used) into @ret, zeroed. @extra: more arguments for the guest.
 *   A setting that one run by itself cannot keep is refused with its name, never left out: -EOPNOTSUPP. What
 *   [Unit] and [Service] say about other units and further starts is the daemon's and changes nothing here.
 * unit_guest_limits - [Limits] and the key for random bytes, as the cell counts them.
 * unit_pin - ModuleDigest and ModuleKey; returns whether there is any. @signature: storage for its path. */
#pragma once

#include "policy/unit.h"
#include "supervisor/broker/broker.h"
#include "supervisor/broker/pin.h"
#include "supervisor/proto/guest_config.h"

struct unit_run {
        struct run_options options;
        struct run_dir dirs[UNIT_KEYS_MAX];
        const char *listen[UNIT_KEYS_MAX];
        const struct key *connect[UNIT_KEYS_MAX];
        struct guest_limits limits;
        struct module_pin pin;
};

_must_check_ int unit_run(const struct unit *u, const char *const *extra, unsigned nextra, struct unit_run *ret,
                          struct error *err);
void unit_guest_limits(const struct unit *u, struct guest_limits *ret);
_must_check_ int unit_pin(const struct unit *u, struct module_pin *ret, bool *ret_pinned, struct error *err);
