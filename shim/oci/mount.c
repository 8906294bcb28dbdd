/* mount.c - see mount.h. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/oci/mount.h"

bool mounts_possible(void)
{
        return geteuid() == 0;
}

static int find(int root, const char *path, uint64_t flags)
{
        const struct open_how how = { .flags = O_PATH | O_CLOEXEC | flags,
                                      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

        return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Mount @what, a tree of its own, over @where. */
static int put(int what, int where)
{
        return move_mount(what, "", where, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int set_flags(int tree, bool read_only, bool recursive)
{
        struct mount_attr attr = { .attr_set = (read_only ? MOUNT_ATTR_RDONLY : 0) | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

        return mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof(attr));
}

/* The next directory of a mount point's path, made when it is not there. Takes @at. */
static int step(int root, int at, const char *path, const char *name)
{
        int next = find(root, path, O_DIRECTORY);

        if (next < 0 && errno == ENOENT && mkdirat(at, name, 0755) == 0)
                next = find(root, path, O_DIRECTORY);
        closep(&at);
        return next;
}

/* A directory or an empty file for what is mounted. A link without an end is not followed: its end is not made. */
static int mount_point(int root, const char *destination, bool directory)
{
        char path[4096];
        size_t n = strlen(destination), from = 0;
        int at = find(root, ".", O_DIRECTORY), made;

        if (n >= sizeof(path)) {
                closep(&at);
                errno = ENAMETOOLONG;
                return -1;
        }
        for (size_t to = 1; at >= 0 && to <= n; to++) {
                if (destination[to] != '/' && destination[to])
                        continue;
                memcpy(path, destination, to);
                path[to] = '\0';
                if (to == from + 1 || !path[from + 1]) {
                        /* two slashes, or one at the end */
                } else if (destination[to] || directory) {
                        at = step(root, at, path, path + from + 1);
                } else {
                        made = openat(at, path + from + 1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
                        closep(&made);
                        closep(&at);
                        at = find(root, path, 0);
                }
                from = to;
        }
        return at;
}

static int is_directory(int fd, bool *ret)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -1;
        *ret = S_ISDIR(st.st_mode);
        return 0;
}

static int place(int root, const struct oci_mount *m, int tree, bool directory, struct error *err)
{
        _cleanup_close_ int point = mount_point(root, m->destination, directory);

        if (point >= 0 && put(tree, point) == 0)
                return 0;
        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "mounts[%u]: at %.150s: %m", m->index, m->destination);
}

static int bind_one(int root, const struct oci_mount *m, struct error *err)
{
        _cleanup_close_ int tree = open_tree(AT_FDCWD, m->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        bool directory;

        if (tree < 0 || is_directory(tree, &directory) < 0 || set_flags(tree, m->read_only, true) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "mounts[%u]: %.150s: %m", m->index, m->source);
        return place(root, m, tree, directory, err);
}

static int set_number(int fs, const char *name, const char *format, uint64_t value)
{
        char text[32];

        snprintf(text, sizeof(text), format, value);
        return fsconfig(fs, FSCONFIG_SET_STRING, name, text, 0);
}

static int tmpfs_one(int root, const struct oci_mount *m, struct error *err)
{
        _cleanup_close_ int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), tree = -EBADF;

        if (fs >= 0 && (!m->size_bytes || set_number(fs, "size", "%" PRIu64, m->size_bytes) == 0) &&
            (!m->inodes || set_number(fs, "nr_inodes", "%" PRIu64, m->inodes) == 0) &&
            set_number(fs, "mode", "%" PRIo64, m->mode) == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
                tree = fsmount(fs, FSMOUNT_CLOEXEC,
                               MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (m->read_only ? MOUNT_ATTR_RDONLY : 0));
        if (tree < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "mounts[%u]: tmpfs: %m", m->index);
        return place(root, m, tree, true, err);
}

/* What an engine always asks for need not be there: a root that cannot be written has no place for it. */
static int make_one(int root, const struct oci_mount *m, struct error *err)
{
        struct error why = { 0 };
        int r = m->kind == OCI_MOUNT_TMPFS && !m->source ? tmpfs_one(root, m, &why) : bind_one(root, m, &why);

        if (r >= 0 || m->optional)
                return 0;
        return error_set(err, why.stage, r, why.offset, "%s", why.text);
}

static int failed(const char *what, struct error *err)
{
        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s: %m", what);
}

int mounts_make(const struct oci_plan *plan, int *ret_root, struct error *err)
{
        /* Copied while @rootfs_fd is of our namespace: where the copy is put then matters to nobody. */
        _cleanup_close_ int root = open_tree(plan->rootfs_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                                                          AT_RECURSIVE);
        _cleanup_close_ int where = -EBADF;
        int r = 0;

        if (root < 0)
                return failed("root.path", err);
        /* What the host unmounts goes here as well; what is mounted here stays here. */
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return failed("a mount namespace", err);
        where = open(plan->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (where < 0 || put(root, where) < 0)
                return failed("root.path", err);
        for (unsigned i = 0; r >= 0 && i < plan->nmounts; i++)
                r = make_one(root, &plan->mounts[i], err);
        if (r < 0)
                return r;
        /* Last: mount points are made in it. */
        if (set_flags(root, plan->rootfs_read_only, false) < 0)
                return failed("root.path", err);
        *ret_root = TAKE_FD(root);
        return 0;
}
