/* plan.h - an OCI bundle as what the runtime does: config.json, read as hostile input, checked, and owned.
 *
 * fields.def says of every field of the runtime specification whether it is honoured, refused, or harmless
 * and why; a member that is not in it is an error. What asks for more than the engines' defaults do, or for a
 * protection that there is not, is refused by name and never ignored. Errors read
 *
 *     config.json:LINE:COLUMN: linux.seccomp.listenerPath: WHY
 *
 * oci_plan_read - the configuration of the bundle @bundle, a directory. Its root filesystem is opened, nothing else.
 * oci_plan_parse - the same with @size bytes of text, for tests.
 *   Both: @ret the caller's to oci_plan_free(). -EINVAL: not JSON, a wrong type, an unknown member; -E2BIG: too large,
 *   too deep, too many; -EOPNOTSUPP: refused; -EACCES: a path that leads where it must not; other negative
 *   errno: a file. Stage policy. @ret is untouched then.
 * oci_plan_run - the plan as a unit, read by the reader of unit files, and that unit as the options of one run (unit_run.h):
 *   the guest's `/` is the rootfs, each of the @nmounts mounts a key of its own. @ret zeroed; borrows from the plan.
 *   A runtime that mounts them into the rootfs sets @nmounts to 0 before. Else a file must keep its name and hide
 *   nothing, a tmpfs needs a @source, a directory that the runtime has made, and @optional files are left out.
 * oci_plan_free - takes NULL; closes the rootfs. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/error.h"
#include "policy/unit.h"
#include "supervisor/broker/unit_run.h"

#define OCI_CONFIG_NAME      "config.json"
#define OCI_CONFIG_BYTES_MAX (1u << 20)
#define OCI_CONFIG_DEPTH_MAX 16 /* the specification's own is 6 */

enum oci_mount_kind { OCI_MOUNT_DIRECTORY, OCI_MOUNT_FILE, OCI_MOUNT_TMPFS };

struct oci_mount { /* only what the guest is to see: those of /proc, /dev and the like are gone */
        enum oci_mount_kind kind;
        unsigned index;          /* in mounts[], for messages */
        const char *source;      /* absolute, on the host; NULL: a tmpfs that was not made yet */
        const char *destination; /* absolute, without "..", in the container */
        bool read_only;
        bool optional;           /* an engine's default: may be missing, see config_places.def */
        uint64_t size_bytes;     /* of a tmpfs; 0: not given */
        uint64_t inodes;         /* the same */
        mode_t mode;             /* of a tmpfs: 01777 when not given */
};

enum oci_network { OCI_NETWORK_HOST, OCI_NETWORK_NEW, OCI_NETWORK_PATH };

struct oci_user {
        uid_t uid;
        gid_t gid;
        const gid_t *groups;
        unsigned ngroups;
        mode_t umask;            /* 022 when not given */
};

struct oci_resources {           /* what a control group has to hold; 0: no limit, or not given */
        uint64_t memory_bytes;
        uint64_t swap_bytes;     /* memory and swap together, as in v1 */
        uint64_t cpu_shares;     /* as in v1: 1024 is usual */
        uint64_t cpu_quota_us, cpu_period_us;
        uint64_t pids;
        const char *cpus, *mems; /* NULL: all */
};

struct oci_limits {              /* of process.rlimits, what the guest's own limits hold; 0: not given */
        uint64_t files, cpu_s, memory_bytes;
};

struct oci_setting {             /* of a key, by an annotation */
        const char *key, *name, *value;
};

struct oci_plan {
        struct pool *pool;       /* everything below lies there */
        const char *version, *bundle;
        struct words args;       /* [0]: the module, as written: a path in the rootfs, or a name to search in PATH */
        struct words env;        /* NAME=VALUE; with PWD, when cwd is not / and there is none */
        const char *cwd;
        bool terminal;
        unsigned short rows, columns;
        struct oci_user user;
        bool oom_score_given;
        int oom_score_adj;

        int rootfs_fd;           /* O_PATH, a directory; no link on its way */
        const char *rootfs;      /* absolute */
        bool rootfs_read_only;
        struct oci_mount *mounts;
        unsigned nmounts;

        const struct oci_setting *settings;
        unsigned nsettings;

        enum oci_network network;
        const char *network_path;
        const char *cgroups_path; /* as written; NULL: none */
        struct oci_resources resources;
        struct oci_limits limits;
        const char *hostname;    /* NULL: none */
        const char *annotations; /* a JSON object; NULL: none */

        struct unit *unit;       /* made by oci_plan_run() */
};

_must_check_ int oci_plan_read(const char *bundle, struct oci_plan **ret, struct error *err);
_must_check_ int oci_plan_parse(const char *text, size_t size, const char *bundle, struct oci_plan **ret,
                                struct error *err);
_must_check_ int oci_plan_run(struct oci_plan *plan, struct unit_run *ret, struct error *err);
void oci_plan_free(struct oci_plan *plan);

static inline void oci_plan_freep(struct oci_plan **plan)
{
        oci_plan_free(*plan);
}
