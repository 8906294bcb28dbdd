/* cgroup.c - see cgroup.h. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "shim/oci/cgroup.h"
#include "shim/oci/hierarchy.h"
#include "shim/oci/log.h"

#define TEXT_MAX   (OCI_CGROUPS_MAX * 4096u)
#define PATIENCE   2000 /* turns of a millisecond */
#define PERIOD_US  100000u

static int write_in(const char *dir, const char *name, const char *text)
{
        char path[4096];
        int fd, r;

        if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
        close(fd);
        return r;
}

static ssize_t read_in(const char *dir, const char *name, char *text, size_t size)
{
        char path[4096];
        ssize_t n;
        int fd;

        if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        n = read(fd, text, size - 1);
        close(fd);
        if (n < 0)
                return -EIO;
        text[n] = '\0';
        return n;
}

/* A set of processors that was never filled takes no process: it gets its parent's. */
static void inherit_cpuset(const char *dir)
{
        static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
        char parent[4096], text[4096];

        snprintf(parent, sizeof(parent), "%s", dir);
        *strrchr(parent, '/') = '\0';
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (read_in(dir, files[i], text, sizeof(text)) <= 1 && read_in(parent, files[i], text, sizeof(text)) > 1)
                        (void)write_in(dir, files[i], text);
}

/* Each directory between the mount and the group. *@ret_made: the last is new. */
static int make_below(const struct hierarchy *h, const char *path, bool *ret_made)
{
        size_t from = strlen(h->mount) + 1;
        char part[4096];

        if (h->unified)
                hierarchy_hand_on(h->mount);
        for (size_t at = from; ; at++) {
                if (path[at] != '/' && path[at] != '\0')
                        continue;
                memcpy(part, path, at);
                part[at] = '\0';
                *ret_made = mkdir(part, 0755) == 0;
                if (!*ret_made && errno != EEXIST)
                        return -errno;
                if (hierarchy_has(h, "cpuset") && !h->unified)
                        inherit_cpuset(part);
                if (path[at] == '\0')
                        return 0;
                if (h->unified)
                        hierarchy_hand_on(part);
        }
}

struct limit_text {
        const char *field, *controller, *v1, *v2;
        char value1[64], value2[64];
};

#define LIMITS 7

static unsigned texts_of(const struct oci_resources *p, struct limit_text t[LIMITS])
{
        uint64_t period = p->cpu_period_us ? p->cpu_period_us : PERIOD_US;
        unsigned n = 0;

#define ADD(on, field_, controller_, v1_, v2_, format1, arg1, format2, ...)                                            \
        if (on) {                                                                                                     \
                t[n] = (struct limit_text) { .field = field_, .controller = controller_, .v1 = v1_, .v2 = v2_ };      \
                snprintf(t[n].value1, sizeof(t[n].value1), format1, arg1);                                            \
                snprintf(t[n].value2, sizeof(t[n].value2), format2, __VA_ARGS__);                                     \
                n++;                                                                                                  \
        }
        ADD(p->memory_bytes, "memory.limit", "memory", "memory.limit_in_bytes", "memory.max", "%" PRIu64,
            p->memory_bytes, "%" PRIu64, p->memory_bytes)
        ADD(p->swap_bytes && p->memory_bytes, "memory.swap", "memory", "memory.memsw.limit_in_bytes",
            "memory.swap.max", "%" PRIu64, p->swap_bytes, "%" PRIu64,
            p->swap_bytes > p->memory_bytes ? p->swap_bytes - p->memory_bytes : 0)
        ADD(p->cpu_quota_us || p->cpu_period_us, "cpu.period", "cpu", "cpu.cfs_period_us", NULL, "%" PRIu64, period,
            "%s", "")
        ADD(p->cpu_quota_us, "cpu.quota", "cpu", "cpu.cfs_quota_us", "cpu.max", "%" PRIu64, p->cpu_quota_us,
            "%" PRIu64 " %" PRIu64, p->cpu_quota_us, period)
        ADD(p->cpu_shares, "cpu.shares", "cpu", "cpu.shares", "cpu.weight", "%" PRIu64, p->cpu_shares, "%" PRIu64,
            p->cpu_shares < 2 ? 1 : p->cpu_shares > 262144 ? 10000 : 1 + (p->cpu_shares - 2) * 9999 / 262142)
        ADD(p->pids, "pids.limit", "pids", "pids.max", "pids.max", "%" PRIu64, p->pids, "%" PRIu64, p->pids)
#undef ADD
        return n;
}

/* What nobody keeps: a guest cannot make processes, has the memory limit as its own, and so its quota. */
static bool guest_keeps(const struct limit_text *t)
{
        return strcmp(t->controller, "pids") == 0 || strcmp(t->field, "memory.limit") == 0 ||
               strcmp(t->field, "memory.swap") == 0 || strcmp(t->field, "cpu.quota") == 0 ||
               strcmp(t->field, "cpu.period") == 0;
}

static int set_limit(const struct hierarchy *hs, unsigned n, const struct oci_cgroups *groups, const struct limit_text *t,
                     struct error *err)
{
        int r = -ENOENT;

        for (unsigned i = 0; i < n; i++) {
                const char *file = hs[i].unified ? t->v2 : t->v1;

                if (!groups->paths[i] || !hierarchy_has(&hs[i], t->controller))
                        continue;
                r = file ? write_in(groups->paths[i], file, hs[i].unified ? t->value2 : t->value1) : 0;
                /* Kernels without accounting of swap do not have the file. */
                if (r == -ENOENT && strcmp(t->field, "memory.swap") == 0)
                        r = 0;
                break;
        }
        if (r >= 0)
                return 0;
        if (r == -ENOENT && guest_keeps(t))
                return 0;
        return error_set(err, STAGE_BROKER, r == -ENOENT ? -EOPNOTSUPP : r, ERROR_NOWHERE, "linux.resources.%s: %s",
                         t->field, r == -ENOENT ? "this host has no control group that keeps it" : strerror(-r));
}

static int set_processors(const struct oci_resources *p, const struct hierarchy *hs, unsigned n,
                          const struct oci_cgroups *groups, struct error *err)
{
        int r = -EOPNOTSUPP;

        if (!p->cpus && !p->mems)
                return 0;
        for (unsigned i = 0; i < n; i++) {
                if (!groups->paths[i] || !hierarchy_has(&hs[i], "cpuset"))
                        continue;
                r = p->cpus ? write_in(groups->paths[i], "cpuset.cpus", p->cpus) : 0;
                if (r >= 0 && p->mems)
                        r = write_in(groups->paths[i], "cpuset.mems", p->mems);
                break;
        }
        return r < 0 ? error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "linux.resources.cpu.cpus: %s", strerror(-r)) : 0;
}

/* The groups that are to be, in a file: what is made is removed, even if whoever made it is killed. */
static int note(const struct oci_state *s, const struct oci_cgroups *groups)
{
        _cleanup_free_ char *text = malloc(TEXT_MAX);
        size_t at = 0;

        if (!text)
                return -ENOMEM;
        text[0] = '\0';
        for (unsigned i = 0; i < groups->n; i++)
                if (groups->paths[i] && access(groups->paths[i], F_OK) < 0 && at < TEXT_MAX)
                        at += (size_t)snprintf(text + at, TEXT_MAX - at, "%s\n", groups->paths[i]);
        return at >= TEXT_MAX ? -ENAMETOOLONG : oci_state_write_file(s, OCI_STATE_CGROUPS, text);
}

/* "/a/b" and "a/b" are below the mount; a path that leads elsewhere is none. */
static int path_check(const char *path, struct error *err)
{
        for (const char *part = path; part; part = strchr(part, '/')) {
                part += *part == '/';
                if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
                        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                         "linux.cgroupsPath: %.150s has \"..\" in it", path);
        }
        if (!path[strspn(path, "/")] || strchr(path, '\n') || strlen(path) > 2048)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "linux.cgroupsPath: %.150s", path);
        return 0;
}

static bool is_refused(int r)
{
        return r == -EACCES || r == -EPERM || r == -EROFS;
}

static int make_all(const struct hierarchy *hs, const struct oci_state *s, struct oci_cgroups *groups, struct error *err)
{
        int r = note(s, groups);
        bool made;

        if (r < 0)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "control groups: %s", strerror(-r));
        for (unsigned i = 0; i < groups->n; i++) {
                r = make_below(&hs[i], groups->paths[i], &made);
                if (r >= 0)
                        continue;
                if (!is_refused(r))
                        return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "control group %.150s: %s",
                                         groups->paths[i], strerror(-r));
                /* Somebody who is not root may do without, when nothing has to be kept there. */
                oci_log("warning", "control group %s: %s", groups->paths[i], strerror(-r));
                free(groups->paths[i]);
                groups->paths[i] = NULL;
        }
        return 0;
}

int oci_cgroups_make(const struct oci_plan *plan, const struct oci_state *s, struct oci_cgroups *ret,
                     struct error *err)
{
        _cleanup_(oci_cgroups_done) struct oci_cgroups groups = { 0 };
        _cleanup_(hierarchies_done) struct hierarchies hs = { 0 };
        struct limit_text texts[LIMITS];
        unsigned n = texts_of(&plan->resources, texts);
        int r = 0;

        if (plan->cgroups_path) {
                r = path_check(plan->cgroups_path, err);
                if (r >= 0)
                        r = hierarchies_find(&hs, err);
                for (; r >= 0 && groups.n < hs.n; groups.n++)
                        if (asprintf(&groups.paths[groups.n], "%s/%s", hs.all[groups.n].mount,
                                     plan->cgroups_path + strspn(plan->cgroups_path, "/")) < 0) {
                                groups.paths[groups.n] = NULL;
                                r = error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
                        }
                if (r >= 0)
                        r = make_all(hs.all, s, &groups, err);
        }
        for (unsigned i = 0; r >= 0 && i < n; i++)
                r = set_limit(hs.all, groups.n, &groups, &texts[i], err);
        if (r >= 0)
                r = set_processors(&plan->resources, hs.all, groups.n, &groups, err);
        if (r < 0)
                return r;
        *ret = groups;
        groups = (struct oci_cgroups) { 0 };
        return 0;
}

int oci_cgroups_enter(const struct oci_cgroups *groups, struct error *err)
{
        for (unsigned i = 0; i < groups->n; i++) {
                int r = groups->paths[i] ? write_in(groups->paths[i], "cgroup.procs", "0") : 0;

                if (r < 0)
                        return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "control group %.150s: %s",
                                         groups->paths[i], strerror(-r));
        }
        return 0;
}

/* What is still in it; with cgroup v2 in one go, else one by one. */
static void kill_all(const char *dir)
{
        char text[4096];

        if (write_in(dir, "cgroup.kill", "1") >= 0 || read_in(dir, "cgroup.procs", text, sizeof(text)) <= 0)
                return;
        for (char *at = text, *end; *at; at = end + (*end == '\n')) {
                long pid = strtol(at, &end, 10);

                if (end == at || *end != '\n')
                        return; /* nothing, or a number that was cut: of somebody else */
                if (pid > 1)
                        kill((pid_t)pid, SIGKILL);
        }
}

static int remove_group(const char *dir)
{
        for (int i = 0; i < PATIENCE; i++) {
                if (rmdir(dir) == 0 || errno == ENOENT)
                        return 0;
                if (errno != EBUSY)
                        return -errno;
                if (i % 10 == 0)
                        kill_all(dir);
                nanosleep(&(struct timespec) { 0, 1000000 }, NULL);
        }
        return -EBUSY;
}

int oci_cgroups_remove(const struct oci_state *s, struct error *err)
{
        _cleanup_free_ char *text = malloc(TEXT_MAX);
        ssize_t n = text ? oci_state_read_file(s, OCI_STATE_CGROUPS, text, TEXT_MAX) : -ENOMEM;
        int r = n == -ENOENT ? 0 : n < 0 ? (int)n : 0, worst = r;

        for (char *line = n > 0 ? text : NULL, *end; line && *line; line = end + 1) {
                end = strchr(line, '\n');
                if (!end)
                        break;
                *end = '\0';
                r = remove_group(line);
                if (r < 0)
                        worst = r;
        }
        return worst < 0 ? error_set(err, STAGE_BROKER, worst, ERROR_NOWHERE, "control groups: %s", strerror(-worst)) : 0;
}

void oci_cgroups_done(struct oci_cgroups *groups)
{
        for (unsigned i = 0; i < groups->n; i++)
                free(groups->paths[i]);
        *groups = (struct oci_cgroups) { 0 };
}
