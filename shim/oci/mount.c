/* mount.c - see mount.h. */
#include "config.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/oci/mount.h"

static int fail(const char *what, const char *path, struct error *err)
{
        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s %.150s: %m", what, path);
}

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

static int bind_one(int root, const struct launch_mount *m, struct error *err)
{
        _cleanup_close_ int tree = open_tree(AT_FDCWD, m->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                                                          (m->recursive ? AT_RECURSIVE : 0));
        _cleanup_close_ int point = -EBADF;
        bool directory;

        if (tree < 0 || is_directory(tree, &directory) < 0)
                return fail("mount: source", m->source, err);
        point = mount_point(root, m->destination, directory);
        if (point < 0)
                return fail("mount: destination", m->destination, err);
        return set_flags(tree, m->read_only, m->recursive) < 0 || put(tree, point) < 0
                       ? fail("mount", m->destination, err)
                       : 0;
}

/* The kernel reads options word by word; what it does not know it refuses. */
static int set_options(int fs, const char *data)
{
        char word[256], *value;

        while (*data) {
                size_t n = strcspn(data, ",");

                if (n >= sizeof(word)) {
                        errno = ENAMETOOLONG;
                        return -1;
                }
                memcpy(word, data, n);
                word[n] = '\0';
                data += n + (data[n] == ',');
                value = strchr(word, '=');
                if (value)
                        *value++ = '\0';
                if (n && fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, word, value, 0) < 0)
                        return -1;
        }
        return 0;
}

static int tmpfs_one(int root, const struct launch_mount *m, struct error *err)
{
        _cleanup_close_ int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), tree = -EBADF, point = -EBADF;

        if (fs < 0 || (m->data && set_options(fs, m->data) < 0) ||
            fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return fail("mount: tmpfs at", m->destination, err);
        tree = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (m->read_only ? MOUNT_ATTR_RDONLY : 0));
        point = mount_point(root, m->destination, true);
        return tree < 0 || point < 0 || put(tree, point) < 0 ? fail("mount: tmpfs at", m->destination, err) : 0;
}

int mounts_make(const char *rootfs, bool read_only, const struct launch_mount *mounts, unsigned n, int *ret_root,
                struct error *err)
{
        _cleanup_close_ int where = -EBADF, root = -EBADF;
        int r = 0;

        /* What the host unmounts goes here as well; what is mounted here stays here. */
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return fail("a mount namespace for", rootfs, err);
        where = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        root = where < 0 ? -1 : open_tree(where, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (root < 0 || put(root, where) < 0)
                return fail("root.path", rootfs, err);
        for (unsigned i = 0; r >= 0 && i < n; i++)
                r = mounts[i].kind == MOUNT_TMPFS ? tmpfs_one(root, &mounts[i], err) : bind_one(root, &mounts[i], err);
        if (r < 0)
                return r;
        /* Last: mount points are made in it. */
        if (set_flags(root, read_only, false) < 0)
                return fail("root.path", rootfs, err);
        *ret_root = TAKE_FD(root);
        return 0;
}
