/* mount.h - the root of a container with its mounts, as the one tree that its guest sees: in a mount namespace of the
 * container's process alone, which takes all of them with it.
 *
 * mounts_possible - the kernel lets this process mount: it is root, of the host or of a user namespace.
 * mounts_make - a new mount namespace with the root and @mounts in it, in their order. Mount points that are missing are
 *   made; links on the way are followed within the root. *@ret_root: O_PATH, the caller's. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/error.h"

enum launch_mount_kind { MOUNT_BIND, MOUNT_TMPFS };

struct launch_mount {
        enum launch_mount_kind kind;
        const char *source;      /* of MOUNT_BIND: absolute */
        const char *destination; /* as the guest sees it: absolute */
        bool read_only, recursive;
        const char *data;        /* of MOUNT_TMPFS: "size=64m,mode=1777"; NULL: the kernel's usual */
};

bool mounts_possible(void);
_must_check_ int mounts_make(const char *rootfs, bool read_only, const struct launch_mount *mounts, unsigned n,
                             int *ret_root, struct error *err);
