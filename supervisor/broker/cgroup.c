/* cgroup.c - see cgroup.h. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/broker/cgroup.h"

#define SUPERVISOR_WEIGHT "1000" /* ten times that of all cells together */

static struct {
        int tree, cells;
        bool moved;                    /* we are in the leaf */
        bool has[_CGROUP_MAX];         /* the controller is on for cells */
        unsigned number;
        char missing[256];
} ours = { .tree = -EBADF, .cells = -EBADF };

static int write_file(int dir, const char *name, const char *text)
{
        _cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = write(fd, text, strlen(text));
        return n < 0 ? -errno : 0;
}

static ssize_t read_file(int dir, const char *name, char *text, size_t size)
{
        _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

        if (n < 0)
                return -errno;
        text[n] = '\0';
        return n;
}

static bool has_word(const char *text, const char *word)
{
        size_t n = strlen(word);

        for (const char *at = text; (at = strstr(at, word)); at += n)
                if ((at == text || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\n' || at[n] == '\0'))
                        return true;
        return false;
}

_printf_(1, 2) static bool missing(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(ours.missing, sizeof(ours.missing), format, args);
        va_end(args);
        return false;
}

static int make(int dir, const char *name)
{
        if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        return fd < 0 ? -errno : fd;
}

static void pause_briefly(void)
{
        nanosleep(&(struct timespec) { 0, 1000000 }, NULL);
}

/* The processes in it are gone a moment after they were told to. */
static void remove_group(int dir, const char *name)
{
        for (int i = 0; i < 200 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno == EBUSY; i++)
                pause_briefly();
}

/* Of a supervisor before us, which died. */
static void remove_old(void)
{
        int fd = fcntl(ours.cells, F_DUPFD_CLOEXEC, 3);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (!d) {
                closep(&fd);
                return;
        }
        for (struct dirent *e; (e = readdir(d));) {
                _cleanup_close_ int old = -EBADF;

                if (strncmp(e->d_name, "cell-", 5) != 0)
                        continue;
                old = openat(ours.cells, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (old >= 0)
                        (void)write_file(old, "cgroup.kill", "1");
                remove_group(ours.cells, e->d_name);
        }
        closedir(d);
}

static void hand_on_controllers(void)
{
        char have[256] = "", word[32];
        size_t at = 0;

        (void)read_file(ours.tree, "cgroup.controllers", have, sizeof(have));
        for (unsigned i = 0; i < _CGROUP_MAX; i++) {
                const char *name = cgroup_row(i)->controller;

                snprintf(word, sizeof(word), "+%s", name);
                ours.has[i] = has_word(have, name) && write_file(ours.tree, "cgroup.subtree_control", word) == 0 &&
                              write_file(ours.cells, "cgroup.subtree_control", word) == 0;
                if (!ours.has[i] && at < sizeof(ours.missing))
                        at += (size_t)snprintf(ours.missing + at, sizeof(ours.missing) - at, "%s%s",
                                               at ? ", " : "without the controllers ", name);
        }
}

static bool take_over(void)
{
        _cleanup_close_ int leaf = make(ours.tree, "supervisor");
        int r;

        ours.cells = leaf < 0 ? leaf : make(ours.tree, "cells");
        if (ours.cells < 0)
                return missing("its group cannot be divided: %s", strerror(-ours.cells));
        r = write_file(leaf, "cgroup.procs", "0");
        if (r < 0)
                return missing("it cannot move into a group below its own: %s", strerror(-r));
        ours.moved = true;
        remove_old();
        hand_on_controllers();
        (void)write_file(leaf, "cpu.weight", SUPERVISOR_WEIGHT);
        return true;
}

void cgroups_open(void)
{
        if (ours.tree >= 0)
                return;
        ours.tree = cgroup_own(ours.missing, sizeof(ours.missing));
        if (ours.tree >= 0 && !take_over())
                cgroups_close();
}

void cgroups_close(void)
{
        char word[32];

        if (ours.cells >= 0)
                (void)unlinkat(ours.tree, "cells", AT_REMOVEDIR);
        for (unsigned i = 0; ours.moved && i < _CGROUP_MAX; i++) {
                snprintf(word, sizeof(word), "-%s", cgroup_row(i)->controller);
                if (ours.has[i])
                        (void)write_file(ours.tree, "cgroup.subtree_control", word);
        }
        if (ours.moved && write_file(ours.tree, "cgroup.procs", "0") == 0)
                (void)unlinkat(ours.tree, "supervisor", AT_REMOVEDIR);
        ours.moved = false;
        closep(&ours.cells);
        closep(&ours.tree);
        ours.cells = ours.tree = -EBADF;
}

const char *cgroups_missing(void)
{
        return ours.missing;
}

int cgroups_tree(void)
{
        return ours.tree;
}

static void apply(const struct cell_group *g)
{
        char value[48];

        for (unsigned i = 0; i < _CGROUP_MAX; i++)
                if (ours.has[i] && g->limits.value[i])
                        (void)write_file(g->dir, cgroup_row(i)->file,
                                         cgroup_value(i, g->limits.value[i], value, sizeof(value)));
}

static void name_of(unsigned number, char name[static 24])
{
        snprintf(name, 24, "cell-%u", number);
}

int cell_group_new(unsigned threads, struct cell_group *ret, struct error *err)
{
        struct cell_group g = { .dir = -EBADF, .threads = threads, .limits = CGROUP_LIMITS_NONE };
        char name[24];

        *ret = CELL_GROUP_NONE;
        if (ours.cells < 0)
                return 0;
        g.number = ++ours.number;
        name_of(g.number, name);
        g.dir = make(ours.cells, name);
        if (g.dir < 0)
                return error_set(err, STAGE_BROKER, g.dir, ERROR_NOWHERE, "control group %s: %s", name,
                                 strerror(-g.dir));
        (void)cgroup_derive(&g.sum, threads, &g.limits);
        apply(&g);
        *ret = g;
        return 0;
}

void cell_group_add(struct cell_group *g, const struct cgroup_use *use)
{
        if (g->dir < 0)
                return;
        cgroup_sum_add(&g->sum, use);
        if (cgroup_derive(&g->sum, g->threads, &g->limits))
                apply(g);
}

void cell_group_take(struct cell_group *g, const struct cgroup_use *use)
{
        if (g->dir >= 0)
                cgroup_sum_take(&g->sum, use);
}

void cell_group_kill(struct cell_group *g)
{
        if (g->dir >= 0)
                (void)write_file(g->dir, "cgroup.kill", "1");
}

bool cell_group_oom(const struct cell_group *g)
{
        char text[512];
        const char *kills;

        if (g->dir < 0 || read_file(g->dir, "memory.events", text, sizeof(text)) < 0)
                return false;
        kills = strstr(text, "oom_kill ");
        return kills && strtoul(kills + strlen("oom_kill "), NULL, 10) > 0;
}

void cell_group_done(struct cell_group *g)
{
        char name[24];

        if (g->dir < 0)
                return;
        cell_group_kill(g);
        closep(&g->dir);
        name_of(g->number, name);
        remove_group(ours.cells, name);
        *g = CELL_GROUP_NONE;
}
