/* credentials.c - who the process is, and what it may do by being that. */
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/stand_in.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE            65
#define PR_MDWE_REFUSE_EXEC_GAIN 1UL
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static const struct {
        const char *text, *stops;
} layers[] = {
#define LAYER(name, text, what) { text, what },
#include "policy/layers.def"
};

const char *layer_text(enum layer layer)
{
        return layers[layer].text;
}

const char *layer_stops(enum layer layer)
{
        return layers[layer].stops;
}

char *layers_text(uint32_t set, char *text, size_t size)
{
        size_t at = 0;

        text[0] = '\0';
        for (unsigned i = 0; i < _LAYER_MAX; i++)
                if (set & LAYER_BIT(i) && at < size)
                        at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ", " : "",
                                               layers[i].text);
        return text;
}

static int failed(struct error *err, const char *what)
{
        return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "%s: %m", what);
}

int policy_descriptors(struct lockdown *l, int first, struct error *err)
{
        if (l->skip & LAYER_BIT(LAYER_DESCRIPTORS))
                return 0;
        if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0)
                return 0;
        if (errno != ENOSYS)
                return failed(err, "closing inherited descriptors");
        /* Before Linux 5.9: one by one up to the limit that was in force when they were opened. */
        for (int fd = first; fd < 65536; fd++)
                close(fd);
        return 0;
}

static int lower(int resource, rlim_t most, const char *what, struct error *err)
{
        struct rlimit limit;

        if (getrlimit(resource, &limit) < 0)
                return failed(err, what);
        if (limit.rlim_max > most)
                limit.rlim_max = most;
        limit.rlim_cur = limit.rlim_max;
        return setrlimit(resource, &limit) < 0 ? failed(err, what) : 0;
}

void policy_raise_files(void)
{
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
                files.rlim_cur = files.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &files);
        }
}

int policy_limits(struct lockdown *l, enum role role, uint64_t input_bytes, struct error *err)
{
        /* For the compiler a floor, and what each MiB of module adds: more than honest input needs. */
        const struct {
                int resource;
                uint64_t cell, connector, compiler, per_mib;
                const char *text;
        } rows[] = {
                { RLIMIT_CORE,   0,             0,                 0,                  0,                    "core files" },
                { RLIMIT_NOFILE, 1 << 20,       256,               16,                 0,                    "descriptors" },
                { RLIMIT_CPU,    RLIM_INFINITY, 20,                POLICY_COMPILE_S,   POLICY_COMPILE_MIB_S, "seconds of CPU" },
                { RLIMIT_AS,     RLIM_INFINITY, UINT64_C(4) << 30, UINT64_C(4) << 30,  UINT64_C(128) << 20,  "address space" },
                { RLIMIT_FSIZE,  RLIM_INFINITY, 0,                 UINT64_C(64) << 20, UINT64_C(64) << 20,   "size of a file" },
        };
        uint64_t mib = (input_bytes >> 20) + 1;

        if (l->skip & LAYER_BIT(LAYER_LIMITS))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                uint64_t most = role <= ROLE_CELL_THREADS || role == ROLE_PATHS ? rows[i].cell
                                : role == ROLE_CONNECTOR  ? rows[i].connector
                                                          : rows[i].compiler + rows[i].per_mib * mib;
                int r = lower(rows[i].resource, most, rows[i].text, err);

                if (r < 0)
                        return error_prefix(err, "resource limit");
        }
        return 0;
}

static int drop_identity(struct lockdown *l, struct error *err)
{
        if (geteuid() != 0)
                return 0;
        if (setgroups(0, NULL) == 0 && setresgid(POLICY_NOBODY, POLICY_NOBODY, POLICY_NOBODY) == 0 &&
            setresuid(POLICY_NOBODY, POLICY_NOBODY, POLICY_NOBODY) == 0)
                return 0;
        if (errno != EINVAL && errno != EPERM)
                return failed(err, "giving up root");
        /* A user namespace that knows only its root, or a root without the capability. */
        l->missing |= LAYER_BIT(LAYER_IDENTITY);
        return 0;
}

static int drop_bounding(struct error *err)
{
        for (cap_value_t c = 0; cap_get_bound(c) >= 0; c++)
                if (cap_drop_bound(c) < 0 && errno != EPERM) /* needs CAP_SETPCAP, which users lack */
                        return failed(err, "dropping a capability from the bounding set");
        return 0;
}

static int drop_capabilities(struct error *err)
{
        cap_t none = cap_init();
        int r;

        if (!none)
                return failed(err, "empty capability set");
        cap_reset_ambient();
        r = cap_set_proc(none);
        if (r < 0)
                r = failed(err, "dropping capabilities");
        cap_free(none);
        return r;
}

/* A change of user clears the death signal and dumpable, so both come behind it. */
static int die_with(pid_t parent, struct error *err)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return failed(err, "death with the parent");
        if (parent > 0 && getppid() != parent)
                return error_set(err, STAGE_POLICY, -ESRCH, ERROR_NOWHERE, "the parent has died");
        return 0;
}

int policy_credentials(struct lockdown *l, bool keep_dumpable, pid_t parent, struct error *err)
{
        int r = 0;

        if (!(l->skip & LAYER_BIT(LAYER_CAPABILITIES)))
                r = drop_bounding(err); /* first: it takes a capability */
        if (r >= 0 && !(l->skip & LAYER_BIT(LAYER_IDENTITY)))
                r = drop_identity(l, err);
        if (r >= 0 && !(l->skip & LAYER_BIT(LAYER_CAPABILITIES)))
                r = drop_capabilities(err);
        if (r < 0)
                return r;
        if (!(l->skip & LAYER_BIT(LAYER_NO_NEW_PRIVS)) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return failed(err, "no_new_privs");
        r = die_with(parent, err);
        if (r < 0)
                return r;
        if (keep_dumpable)
                return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? failed(err, "dumpable") : 0;
        return policy_not_dumpable(l, err);
}

struct kept_capability {
        cap_value_t cap;
        const char *why;
};

/* What a root that supervises does with its rights; every other capability is of no use to it. */
static const struct kept_capability supervisor_caps[] = {
        { CAP_DAC_OVERRIDE,     "opens what units name, whoever owns it" },
        { CAP_DAC_READ_SEARCH,  "the same, for reading" },
        { CAP_FOWNER,           "sets times of files in a unit's directories" },
        { CAP_NET_BIND_SERVICE, "listens on ports below 1024" },
        { CAP_SETUID,           "cells and compilers become nobody" },
        { CAP_SETGID,           "cells and compilers become nobody" },
        { CAP_SETPCAP,          "they empty their bounding sets" },
        { CAP_KILL,             "ends them" },
        { CAP_SYS_PTRACE,       "reads the posture of a cell that is not dumpable" },
        { CAP_SYS_ADMIN,        "cells and compilers get namespaces of their own" },
        { CAP_SYSLOG,           "reads for which system call a cell was killed" },
        { CAP_SYS_RESOURCE,     "raises the limit of descriptors" },
}, path_server_caps[] = {
        { CAP_DAC_OVERRIDE,     "opens what guests name, whoever owns it" },
        { CAP_DAC_READ_SEARCH,  "the same, for reading" },
        { CAP_FOWNER,           "sets times of files" },
};

static bool is_kept(cap_value_t c, const struct kept_capability *caps, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (caps[i].cap == c)
                        return true;
        return false;
}

static int keep_capabilities(const struct kept_capability *caps, size_t n, struct error *err)
{
        cap_t kept = cap_init();
        cap_flag_value_t had;
        cap_t now = cap_get_proc();
        int r = 0;

        if (!kept || !now)
                r = failed(err, "capabilities");
        for (cap_value_t c = 0; r >= 0 && cap_get_bound(c) >= 0; c++)
                if (!is_kept(c, caps, n) && cap_drop_bound(c) < 0 && errno != EPERM)
                        r = failed(err, "dropping a capability from the bounding set");
        for (size_t i = 0; r >= 0 && i < n; i++) {
                cap_value_t c = caps[i].cap;

                if (cap_get_flag(now, c, CAP_PERMITTED, &had) < 0 || had == CAP_CLEAR)
                        continue;
                if (cap_set_flag(kept, CAP_PERMITTED, 1, &c, CAP_SET) < 0 ||
                    cap_set_flag(kept, CAP_EFFECTIVE, 1, &c, CAP_SET) < 0)
                        r = failed(err, "capabilities");
        }
        if (r >= 0 && cap_set_proc(kept) < 0)
                r = failed(err, "dropping capabilities");
        cap_free(kept);
        cap_free(now);
        if (r >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = failed(err, "no_new_privs");
        return r;
}

int policy_supervisor(struct error *err)
{
        return keep_capabilities(supervisor_caps, ELEMENTSOF(supervisor_caps), err);
}

int policy_path_server(struct lockdown *l, pid_t parent, struct error *err)
{
        int r = 0;

        if (!(l->skip & LAYER_BIT(LAYER_CAPABILITIES)))
                r = keep_capabilities(path_server_caps, ELEMENTSOF(path_server_caps), err);
        if (r >= 0)
                r = die_with(parent, err);
        return r < 0 ? r : policy_not_dumpable(l, err);
}

int policy_not_dumpable(struct lockdown *l, struct error *err)
{
        if (l->skip & LAYER_BIT(LAYER_DUMPABLE))
                return 0;
        return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? failed(err, "dumpable") : 0;
}

/* PR_SET_MDWE, unless the kernel has it not (before Linux 6.3): then 1. */
static int refuse_exec_gain(struct error *err)
{
        if (policy_gaps() & GAP_BIT(MDWE))
                return 1;
        if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
                return 0;
        return errno == EINVAL ? 1 : failed(err, "MDWE");
}

int policy_memory(struct lockdown *l, struct error *err)
{
        uint32_t gaps = l->sealed_bytes ? GAP_BIT(SEAL) : 0;
        int r = l->skip & LAYER_BIT(LAYER_MDWE) ? 0 : refuse_exec_gain(err);

        if (r < 0)
                return r;
        gaps |= r ? GAP_BIT(MDWE) : 0;
        r = policy_stand_in(gaps, l->sealed, l->sealed_bytes, err);
        if (r <= 0)
                return r;
        l->missing |= (gaps & GAP_BIT(MDWE) ? LAYER_BIT(LAYER_MDWE) : 0) |
                      (gaps & GAP_BIT(SEAL) ? LAYER_BIT(LAYER_ARENA) : 0);
        return 0;
}

/* In place of the kernel's seal comes a filter, which policy_memory() puts up: it takes no_new_privs, and that comes
 * behind the change of identity. */
int policy_seal(struct lockdown *l, void *address, size_t size, struct error *err)
{
        if (l->skip & LAYER_BIT(LAYER_ARENA))
                return 0;
        if (!(policy_gaps() & GAP_BIT(SEAL))) {
                if (syscall(SYS_mseal, address, size, 0UL) == 0)
                        return 0;
                if (errno != ENOSYS && errno != EPERM)
                        return failed(err, "mseal");
        }
        l->sealed = address;
        l->sealed_bytes = size;
        return 0;
}
