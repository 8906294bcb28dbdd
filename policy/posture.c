/* posture.c - reads a process back through /proc and compares.
 *
 * Whoever locks itself down may be wrong about it: a forgotten thread, a descriptor from the
 * parent, a kernel that says yes and does nothing. So the broker looks with its own eyes. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/posture.h"

static int proc_error(struct error *err, pid_t pid, const char *file)
{
        return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "/proc/%d/%s: %m", (int)pid, file);
}

/* The library reads such files by the kilobyte, and the broker waits for each: here whole ones come at once. */
#define PROC_AT_ONCE 16384u

static FILE *proc_open(pid_t pid, const char *file, char buffer[static PROC_AT_ONCE])
{
        char path[64];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
        f = fopen(path, "re");
        if (f)
                setvbuf(f, buffer, _IOFBF, PROC_AT_ONCE);
        return f;
}

static void closefilep(FILE **f)
{
        if (*f)
                fclose(*f);
}

static int read_status(pid_t pid, struct posture *p, struct error *err)
{
        const struct {
                const char *key;
                int base;
                uint64_t *value;
        } caps[] = {
                { "CapInh:", 16, &p->cap_inh }, { "CapPrm:", 16, &p->cap_prm },
                { "CapEff:", 16, &p->cap_eff }, { "CapBnd:", 16, &p->cap_bnd },
                { "CapAmb:", 16, &p->cap_amb },
        };
        unsigned no_new_privs = 0, seccomp = 0, filters = (unsigned)p->filters; /* -1, where there is no line */
        const struct {
                const char *key;
                unsigned *value;
        } numbers[] = {
                { "Threads:", &p->threads }, { "Uid:", &p->uid }, { "Gid:", &p->gid },
                { "NoNewPrivs:", &no_new_privs }, { "Seccomp:", &seccomp },
                { "Seccomp_filters:", &filters },
        };
        char buffer[PROC_AT_ONCE], line[256];
        _cleanup_(closefilep) FILE *f = proc_open(pid, "status", buffer);

        if (!f)
                return proc_error(err, pid, "status");
        while (fgets(line, sizeof(line), f)) {
                for (size_t i = 0; i < ELEMENTSOF(caps); i++)
                        if (strncmp(line, caps[i].key, strlen(caps[i].key)) == 0)
                                *caps[i].value = strtoull(line + strlen(caps[i].key), NULL, 16);
                for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                        if (strncmp(line, numbers[i].key, strlen(numbers[i].key)) == 0)
                                *numbers[i].value = (unsigned)strtoul(
                                        line + strlen(numbers[i].key), NULL, 10);
                if (strncmp(line, "NSpid:", 6) == 0)
                        p->first = strstr(line, "\t1\n") != NULL; /* the last number is the innermost */
        }
        p->no_new_privs = no_new_privs;
        p->seccomp = (int)seccomp;
        p->filters = (int)filters;
        return 0;
}

/* A filter, credentials and the lock against gaining more are each thread's own: the weakest counts. */
static int read_threads(pid_t pid, struct posture *p, struct error *err)
{
        char path[64];
        DIR *d;

        if (p->threads == 1) /* whose status that was */
                return 0;
        snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        d = opendir(path);
        if (!d)
                return proc_error(err, pid, "task");
        for (struct dirent *e; (e = readdir(d));) {
                struct posture one = { .filters = -1 };

                if (e->d_name[0] == '.')
                        continue;
                /* /proc/TID/status is that thread's. One that has gone meanwhile is no mismatch. */
                if (read_status(atoi(e->d_name), &one, err) < 0)
                        continue;
                p->no_new_privs = p->no_new_privs && one.no_new_privs;
                p->seccomp = one.seccomp == 2 ? p->seccomp : one.seccomp;
                p->filters = one.filters < p->filters ? one.filters : p->filters;
                p->uid = one.uid ? p->uid : 0;
                p->cap_inh |= one.cap_inh;
                p->cap_prm |= one.cap_prm;
                p->cap_eff |= one.cap_eff;
                p->cap_bnd |= one.cap_bnd;
                p->cap_amb |= one.cap_amb;
        }
        closedir(d);
        return 0;
}

static int read_fds(pid_t pid, struct posture *p, struct error *err)
{
        char path[64];
        struct dirent *e;
        DIR *d;

        snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        d = opendir(path);
        if (!d)
                return proc_error(err, pid, "fd");
        while ((e = readdir(d))) {
                struct posture_fd *fd;
                struct stat st;
                ssize_t n;

                if (e->d_name[0] == '.')
                        continue;
                if (p->nfds >= POSTURE_FDS_MAX) {
                        p->nfds++;
                        continue;
                }
                fd = &p->fds[p->nfds++];
                fd->fd = atoi(e->d_name);
                n = readlinkat(dirfd(d), e->d_name, fd->target, sizeof(fd->target) - 1);
                fd->target[n < 0 ? 0 : n] = '\0';
                if (fstatat(dirfd(d), e->d_name, &st, 0) < 0)
                        continue;
                p->directories += S_ISDIR(st.st_mode);
                p->devices += S_ISBLK(st.st_mode) ||
                              (S_ISCHR(st.st_mode) && strcmp(fd->target, "/dev/null") != 0);
        }
        closedir(d);
        return 0;
}

static int read_ring(pid_t pid, int ring_fd, struct posture *p, bool *seen, struct error *err)
{
        char name[32], line[256], buffer[PROC_AT_ONCE];
        _cleanup_(closefilep) FILE *f = NULL;
        bool personalities = false;

        snprintf(name, sizeof(name), "fdinfo/%d", ring_fd);
        f = proc_open(pid, name, buffer);
        if (!f)
                return errno == ENOENT ? 0 : proc_error(err, pid, name);
        while (fgets(line, sizeof(line), f)) {
                int value;

                if (sscanf(line, "SqThread: %d", &value) == 1) {
                        *seen = true;
                        p->ring_sq_thread |= value >= 0;
                }
                /* What follows the heading is one personality a line, up to the next heading. */
                if (personalities && line[0] == ' ')
                        p->ring_personality = true;
                personalities = strncmp(line, "Personalities:", 14) == 0;
        }
        return 0;
}

static int read_maps(pid_t pid, struct posture *p, struct error *err)
{
        char buffer[PROC_AT_ONCE], line[4400];
        _cleanup_(closefilep) FILE *f = proc_open(pid, "maps", buffer);

        if (!f)
                return proc_error(err, pid, "maps");
        while (fgets(line, sizeof(line), f)) {
                struct posture_map m = { 0 };
                const char *blank = strchr(line, ' ');
                char rights[5];
                int at = 0;

                if (!blank || strnlen(blank, 4) < 4 || blank[3] != 'x') /* START-END rwxs */
                        continue;
                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 " %n", &m.start,
                           &m.end, rights, &m.inode, &at) < 4)
                        continue;
                m.writable = rights[1] == 'w';
                m.shared = rights[3] == 's';
                snprintf(m.name, sizeof(m.name), "%.*s", (int)strcspn(line + at, "\n"), line + at);
                if (p->nmaps < POSTURE_MAPS_MAX)
                        p->maps[p->nmaps] = m;
                p->nmaps++;
        }
        return 0;
}

static int read_rings(pid_t pid, int ring_fd, struct posture *p, struct error *err)
{
        int r = 0;

        for (unsigned i = 0; i < p->nfds && i < POSTURE_FDS_MAX && r >= 0; i++) {
                bool seen = false;

                if (strcmp(p->fds[i].target, "anon_inode:[io_uring]") != 0)
                        continue;
                r = read_ring(pid, p->fds[i].fd, p, &seen, err);
                p->rings += seen;
                if (p->fds[i].fd == ring_fd)
                        p->ring_seen |= seen;
        }
        return r;
}

static bool own_namespace(pid_t pid, const char *kind)
{
        char path[64], theirs[64] = "", ours[64] = "";

        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
        if (readlink(path, theirs, sizeof(theirs) - 1) < 0)
                return false;
        snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
        return readlink(path, ours, sizeof(ours) - 1) > 0 && strcmp(theirs, ours) != 0;
}

static void read_namespaces(pid_t pid, struct posture *p)
{
        char path[64];
        DIR *d;

        p->own_mounts = own_namespace(pid, "mnt");
        p->own_ipc = own_namespace(pid, "ipc");
        p->own_hostname = own_namespace(pid, "uts");
        p->own_network = own_namespace(pid, "net");
        p->own_pids = own_namespace(pid, "pid") && p->first;
        snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
        d = opendir(path);
        if (!d)
                return;
        p->empty_root = true;
        for (struct dirent *e; (e = readdir(d));)
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        p->empty_root = false;
        closedir(d);
}

int posture_read(pid_t pid, int ring_fd, struct posture *ret, struct error *err)
{
        struct posture p = { .pid = pid, .filters = -1 };
        int r;

        r = read_status(pid, &p, err);
        if (r >= 0)
                r = read_threads(pid, &p, err);
        if (r >= 0)
                r = read_fds(pid, &p, err);
        if (r >= 0)
                r = read_rings(pid, ring_fd, &p, err);
        if (r >= 0)
                r = read_maps(pid, &p, err);
        if (r < 0)
                return r;
        read_namespaces(pid, &p);
        posture_read_cgroup(pid, &p);
        *ret = p;
        return 0;
}

int posture_own_filters(void)
{
        struct posture p = { 0 };

        return read_status(getpid(), &p, NULL) < 0 ? 0 : p.filters;
}

struct report {
        char *text;
        size_t size, at;
        unsigned n;
};

_printf_(2, 3) static void mismatch(struct report *r, const char *format, ...)
{
        va_list args;
        int n;

        r->n++;
        if (r->at + 1 >= r->size)
                return;
        if (r->at) {
                r->text[r->at++] = '\n';
                r->text[r->at] = '\0';
        }
        va_start(args, format);
        n = vsnprintf(r->text + r->at, r->size - r->at, format, args);
        va_end(args);
        if (n > 0)
                r->at += (size_t)n < r->size - r->at ? (size_t)n : r->size - r->at - 1;
}

static bool is_expected(const struct posture_expected *e, int fd)
{
        return (fd < 64 && e->fds & UINT64_C(1) << fd) || (fd >= FD_RING && fd < FD_RING + (int)e->own);
}

static void check_fds(const struct posture *p, const struct posture_expected *e, struct report *r)
{
        if (p->nfds > POSTURE_FDS_MAX)
                mismatch(r, "descriptors: %u are open", p->nfds);
        for (unsigned i = 0; i < p->nfds && i < POSTURE_FDS_MAX; i++)
                if (!is_expected(e, p->fds[i].fd))
                        mismatch(r, "descriptors: %d is open (%s)", p->fds[i].fd, p->fds[i].target);
}

/* The kernel's own pages, and files that the program was linked with. */
static bool is_program_text(const struct posture_map *m)
{
        size_t n = strlen(m->name);

        if (strcmp(m->name, "[vdso]") == 0 || strcmp(m->name, "[vsyscall]") == 0)
                return true;
        return m->name[0] == '/' && !m->shared && strncmp(m->name, "/memfd:", 7) != 0 &&
               !(n > 10 && strcmp(m->name + n - 10, " (deleted)") == 0);
}

static void check_maps(const struct posture *p, const struct posture_expected *e, struct report *r)
{
        unsigned arenas = 0;

        if (p->nmaps > POSTURE_MAPS_MAX)
                mismatch(r, "memory: %u executable mappings", p->nmaps);
        for (unsigned i = 0; i < p->nmaps && i < POSTURE_MAPS_MAX; i++) {
                const struct posture_map *m = &p->maps[i];

                if (m->writable)
                        mismatch(r, "memory: writable and executable at %" PRIx64 " (%s)", m->start,
                                 m->name);
                else if (m->shared && e->arena_inode && m->inode == e->arena_inode)
                        arenas++;
                else if (!is_program_text(m))
                        mismatch(r, "memory: executable at %" PRIx64 " (%s)", m->start,
                                 m->name[0] ? m->name : "anonymous");
        }
        if (e->arena_inode && arenas != 1)
                mismatch(r, "sealed code: the arena is mapped %u times", arenas);
}

static void check_credentials(const struct posture *p, const struct posture_expected *e,
                              struct report *r)
{
        bool capabilities = !(e->missing & LAYER_BIT(LAYER_CAPABILITIES));

        if (!p->no_new_privs && !(e->missing & LAYER_BIT(LAYER_NO_NEW_PRIVS)))
                mismatch(r, "no_new_privs: off");
        if (capabilities && (p->cap_eff || p->cap_prm || p->cap_inh || p->cap_amb))
                mismatch(r, "capabilities: effective %" PRIx64 ", permitted %" PRIx64
                         ", inheritable %" PRIx64 ", ambient %" PRIx64,
                         p->cap_eff, p->cap_prm, p->cap_inh, p->cap_amb);
        if (!e->root)
                return;
        if (p->cap_bnd && capabilities)
                mismatch(r, "capabilities: bounding set %" PRIx64, p->cap_bnd);
        if (p->uid == 0 && !(e->missing & LAYER_BIT(LAYER_IDENTITY)))
                mismatch(r, "identity: still root");
}

static void check_namespaces(const struct posture *p, const struct posture_expected *e, struct report *r)
{
        if (e->missing & LAYER_BIT(LAYER_NAMESPACES))
                return;
        if (!p->own_mounts)
                mismatch(r, "namespaces: it has our mounts");
        if (!p->own_ipc)
                mismatch(r, "namespaces: it has our IPC");
        if (!p->own_hostname)
                mismatch(r, "namespaces: it has our host name");
        if (e->pids && !p->own_pids)
                mismatch(r, "namespaces: it sees our processes");
        if (e->network && !p->own_network)
                mismatch(r, "namespaces: it has our network");
        if (!p->empty_root)
                mismatch(r, "namespaces: its root is not empty");
}

unsigned posture_check(const struct posture *p, const struct posture_expected *e, char *text,
                       size_t size)
{
        struct report r = { .text = text, .size = size };

        text[0] = '\0';
        check_credentials(p, e, &r);
        check_fds(p, e, &r);
        check_maps(p, e, &r);
        if (p->seccomp != 2 && !(e->missing & LAYER_BIT(LAYER_SECCOMP)))
                mismatch(&r, "seccomp: mode %d", p->seccomp);
        else if (p->filters >= 0 && p->filters < e->filters && !(e->missing & LAYER_BIT(LAYER_SECCOMP)))
                mismatch(&r, "seccomp: %d filters of %d", p->filters, e->filters);
        if (p->threads != (e->threads ? e->threads : 1))
                mismatch(&r, "threads: %u", p->threads);
        if (e->ring_fd >= 0 && !p->ring_seen && !(e->missing & LAYER_BIT(LAYER_RING)))
                mismatch(&r, "ring: none at descriptor %d", e->ring_fd);
        if (p->rings > (e->ring_fd < 0 ? 0 : e->rings ? e->rings : 1))
                mismatch(&r, "ring: %u of them", p->rings);
        if (p->ring_sq_thread)
                mismatch(&r, "ring: has a kernel thread with the credentials of its birth");
        if (p->ring_personality)
                mismatch(&r, "ring: has a personality registered");
        check_namespaces(p, e, &r);
        if (e->cgroup && !p->own_cgroup)
                mismatch(&r, "control group: others are in it, or it has none");
        return r.n;
}
