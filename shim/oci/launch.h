/* launch.h - a bundle as what the container's process does with it: the options of one run of the broker, and
 * what it enters before.
 *
 * launch_read - @bundle's config.json, in @ret; whatever cannot be kept is refused. The caller's to launch_done().
 * launch_root - the root of the container, with its mounts where the kernel lets us mount; else its directories are handed
 *   over one by one. Found with our own rights: an engine keeps them where the container's user cannot go, and what
 *   he may do in them is asked when they are opened. *@ret: O_PATH, the caller's.
 * launch_file - the module beneath @root, opened with the rights of process.user, whose process this is not
 *   yet; checked to be WebAssembly. A descriptor, the caller's. */
#pragma once

#include <sys/types.h>

#include "shim/oci/cgroup.h"
#include "shim/oci/mount.h"
#include "supervisor/broker/unit_run.h"

struct launch_user {
        uid_t uid;
        gid_t gid;
        const gid_t *groups;
        unsigned ngroups;
        mode_t umask;
};

enum launch_network { NETWORK_HOST, NETWORK_NEW, NETWORK_PATH };

struct launch {
        struct oci_plan *plan;
        struct unit_run *run;
        const char *module;        /* process.args[0], as written */
        const char *rootfs;        /* absolute */
        bool read_only;
        const struct launch_mount *mounts;
        unsigned nmounts;
        struct launch_user user;
        enum launch_network network;
        const char *network_path;
        bool terminal;
        unsigned short rows, columns;
        struct oci_cgroup_plan cgroup;
        const char *annotations;   /* a JSON object; NULL: none */
};

_must_check_ int launch_read(const char *bundle, struct launch *ret, struct error *err);
_must_check_ int launch_file(const struct launch *l, int root, struct error *err);
_must_check_ int launch_root(struct launch *l, int *ret, struct error *err);
void launch_done(struct launch *l);
