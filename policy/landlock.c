/* landlock.c - files, TCP, abstract sockets and signals, by the kernel's Landlock.
 *
 * The numbers are written out: the table must not end where the build machine's headers do. */
#include "config.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/key.h"
#include "policy/stand_in.h"

enum { KIND_FS, KIND_NET, KIND_SCOPE };

static const struct right {
        unsigned kind, bit;
        int abi;
        uint32_t verbs;
        const char *text;
} rights[] = {
#define RIGHT(kind, name, bit, abi, verbs, text) { KIND_##kind, bit, abi, verbs, text },
#include "policy/landlock.def"
};

struct ruleset_attr { /* struct landlock_ruleset_attr of ABI 6; older kernels take a prefix */
        uint64_t fs, net, scoped;
};

struct __attribute__((packed)) path_beneath_attr {
        uint64_t allowed;
        int32_t parent_fd;
};

struct net_port_attr {
        uint64_t allowed, port;
};

#define RULE_PATH_BENEATH 1u
#define RULE_NET_PORT     2u
#define RIGHT_READ_FILE   (UINT64_C(1) << 2)
#define RIGHT_CONNECT_TCP (UINT64_C(1) << 1)
#define PORT_NAME_SERVER  53u

/* EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV */
#define FILE_RIGHTS (UINT64_C(7) | UINT64_C(1) << 14 | UINT64_C(1) << 15)

#define VERBS_ANY UINT32_MAX /* rights that no key has, too */

static uint64_t mask(unsigned kind, int abi, uint32_t verbs)
{
        uint64_t m = 0;

        for (size_t i = 0; i < ELEMENTSOF(rights); i++)
                if (rights[i].kind == kind && rights[i].abi <= abi &&
                    (verbs == VERBS_ANY || rights[i].verbs & verbs))
                        m |= UINT64_C(1) << rights[i].bit;
        return m;
}

static int ruleset_new(int abi, const struct ruleset_attr *attr, struct error *err)
{
        size_t size = abi < 4 ? 8 : abi < 6 ? 16 : 24;
        long fd = syscall(SYS_landlock_create_ruleset, attr, size, 0);

        if (fd < 0)
                return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "making a Landlock ruleset");
        return (int)fd;
}

/* What this Landlock does not know yet is refused by a filter, where nobody needs it; @gaps of GAPS_LANDLOCK. A kernel
 * without filters lacks a layer that is told of. */
static int restrict_self(int ruleset, uint32_t gaps, struct error *err)
{
        int r;

        /* Landlock asks for it; the caller wants it anyway. */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "no_new_privs");
        if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
                return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "entering the Landlock domain");
        r = policy_stand_in(policy_gaps() & gaps, NULL, 0, err);
        return r < 0 ? r : 0;
}

/* A ruleset of all that this Landlock knows; @scoped: signals and abstract sockets, too. Without one @ret_fd is left as it
 * is and 0 returned: Landlock is left out, or is not there, which @l says then. */
static int begin(struct lockdown *l, bool scoped, int *ret_abi, int *ret_fd, struct error *err)
{
        int abi = *ret_abi = policy_landlock_abi(), fd;
        struct ruleset_attr attr = { mask(KIND_FS, abi, VERBS_ANY), mask(KIND_NET, abi, VERBS_ANY),
                                     scoped ? mask(KIND_SCOPE, abi, VERBS_ANY) : 0 };

        if (l->skip & LAYER_BIT(LAYER_LANDLOCK))
                return 0;
        if (abi == 0) {
                l->missing |= LAYER_BIT(LAYER_LANDLOCK);
                return 0;
        }
        fd = ruleset_new(abi, &attr, err);
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        return 0;
}

int policy_landlock(struct lockdown *l, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        int abi, r = begin(l, true, &abi, &fd, err);

        if (r < 0 || fd < 0)
                return r;
        /* Where its process numbers are its own, nobody outside has one. */
        return restrict_self(fd, GAPS_LANDLOCK & ~(l->pids ? GAP_BIT(SIGNALS) : 0), err);
}

static int add_rule(int ruleset, unsigned kind, const void *rule, const char *what, struct error *err)
{
        if (syscall(SYS_landlock_add_rule, ruleset, kind, rule, 0) < 0)
                return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "granting %s in Landlock", what);
        return 0;
}

int policy_landlock_trees(struct lockdown *l, const struct policy_tree *trees, unsigned n,
                          bool scoped, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        int abi, r = begin(l, scoped, &abi, &fd, err);

        if (r < 0 || fd < 0)
                return r;
        for (unsigned i = 0; i < n; i++) {
                struct path_beneath_attr rule = { .parent_fd = trees[i].fd };

                rule.allowed = mask(KIND_FS, abi, trees[i].verbs);
                if (trees[i].file) /* of a file the kernel takes no rights that only directories have */
                        rule.allowed &= FILE_RIGHTS;
                if (!rule.allowed)
                        continue;
                r = add_rule(fd, RULE_PATH_BENEATH, &rule, "a directory", err);
                if (r < 0)
                        return r;
        }
        return restrict_self(fd, scoped ? GAPS_LANDLOCK : GAP_BIT(TRUNCATE) | GAP_BIT(TCP), err);
}

/* A file that is not there is not missed: the resolver goes on without. */
static int add_resolver_files(int ruleset, struct error *err)
{
        static const char *const files[] = {
#define RESOLVER_FILE(path, why) path,
#include "policy/resolver.def"
        };
        struct path_beneath_attr rule = { .allowed = RIGHT_READ_FILE };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(files) && r >= 0; i++) {
                _cleanup_close_ int fd = open(files[i], O_PATH | O_CLOEXEC);
                struct stat st;

                if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                        continue;
                rule.parent_fd = fd;
                r = add_rule(ruleset, RULE_PATH_BENEATH, &rule, files[i], err);
        }
        return r;
}

int policy_landlock_connect(struct lockdown *l, const uint16_t *ports, unsigned n, struct error *err)
{
        struct net_port_attr rule = { .allowed = RIGHT_CONNECT_TCP };
        _cleanup_close_ int fd = -EBADF;
        int abi, r = begin(l, true, &abi, &fd, err);

        if (r < 0 || fd < 0)
                return r;
        r = add_resolver_files(fd, err);
        for (unsigned i = 0; i <= n && r >= 0 && mask(KIND_NET, abi, VERBS_ANY); i++) {
                rule.port = i < n ? ports[i] : PORT_NAME_SERVER;
                r = add_rule(fd, RULE_NET_PORT, &rule, "a port", err);
        }
        return r < 0 ? r : restrict_self(fd, GAP_BIT(TRUNCATE) | GAP_BIT(SIGNALS), err);
}
