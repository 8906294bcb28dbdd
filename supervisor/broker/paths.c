/* paths.c - what the broker does with files for a cell; see paths.h.
 *
 * Everything starts at a directory that was granted and goes through openat2(), which does not leave
 * it: "..", absolute names and links that lead out are -EXDEV by the kernel's own walk, so there is
 * nothing to check and then race against. Calls without that flag (mkdirat, renameat2, ...) get
 * the opened parent and one plain name. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "policy/key.h"
#include "supervisor/broker/paths.h"

#define AGAIN_MAX 128 /* openat2() beside somebody else's rename */

/* File systems whose files are not files: to hand one out is to hand out another process. */
static bool is_window(int fd)
{
        static const uint32_t types[] = {
                PROC_SUPER_MAGIC,    SYSFS_MAGIC,      DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,
                TRACEFS_MAGIC,       SECURITYFS_MAGIC, SELINUX_MAGIC,      BPF_FS_MAGIC,
                CGROUP_SUPER_MAGIC,  CGROUP2_SUPER_MAGIC, EFIVARFS_MAGIC,  NSFS_MAGIC,
                BINFMTFS_MAGIC,      ANON_INODE_FS_MAGIC,
        };
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if ((uint32_t)fs.f_type == types[i])
                        return true;
        return false;
}

void paths_init(struct paths *p)
{
        for (unsigned i = 0; i < PATH_HANDLES_MAX; i++)
                p->handles[i].fd = -EBADF;
        p->used = 0;
        p->protection = NULL;
        p->escapes = 0;
}

void paths_done(struct paths *p)
{
        for (unsigned i = 0; i < p->used; i++)
                closep(&p->handles[i].fd);
        paths_init(p);
}

void paths_protect(struct paths *p, const struct protection *protection)
{
        p->protection = protection && protection->n ? protection : NULL;
}

static int add(struct paths *p, struct path_handle handle)
{
        for (unsigned i = 0; i < PATH_HANDLES_MAX; i++) {
                if (p->handles[i].fd >= 0)
                        continue;
                p->handles[i] = handle;
                if (i >= p->used)
                        p->used = i + 1;
                return (int)i;
        }
        return -EMFILE;
}

static int open_beneath(struct paths *p, int dir, const char *path, uint64_t flags, mode_t mode)
{
        struct open_how how = {
                /* openat2() takes no flag beside O_PATH that means nothing there. */
                .flags = flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY),
                .mode = mode,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
        };

        for (int i = 0; i < AGAIN_MAX; i++) {
                int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

                if (fd >= 0)
                        return fd;
                if (errno == EXDEV)
                        p->escapes++;
                if (errno != EAGAIN)
                        return -errno;
        }
        return -EAGAIN;
}

int paths_grant_verbs(struct paths *p, int fd, uint32_t verbs, const char *only, struct error *err)
{
        _cleanup_close_ int file = -EBADF;
        struct stat st;
        int r;

        if (is_window(fd))
                return error_set(err, STAGE_POLICY, -EACCES, ERROR_NOWHERE,
                                 "its files are windows to the kernel and to other processes");
        if (only) {
                file = open_beneath(p, fd, only, O_PATH | O_NOFOLLOW, 0);
                if (file < 0 || fstat(file, &st) < 0)
                        return error_set(err, STAGE_POLICY, file < 0 ? file : -errno, ERROR_NOWHERE,
                                         "%s: %s", only, strerror(file < 0 ? -file : errno));
                if (!S_ISREG(st.st_mode))
                        return error_set(err, STAGE_POLICY, -EINVAL, ERROR_NOWHERE, "%s: not a regular file",
                                         only);
        }
        r = add(p, (struct path_handle) { .fd = fd, .granted = true, .verbs = verbs, .only = only });
        if (r < 0)
                return error_set(err, STAGE_POLICY, r, ERROR_NOWHERE, "too many directories");
        return 0;
}

int paths_grant(struct paths *p, int fd, bool read_only, struct error *err)
{
        return paths_grant_verbs(p, fd, read_only ? VERB_READ : key_kind_verbs(KEY_DIRECTORY), NULL, err);
}

/* The directory in which a name is made, changed or removed. */
static int open_parent(struct paths *p, const struct path_handle *dir, const struct checked_path *path)
{
        _cleanup_close_ int fd = open_beneath(p, dir->fd, path->parent, O_PATH | O_DIRECTORY, 0);
        struct stat st;

        if (fd < 0)
                return fd;
        if (p->protection && (fstat(fd, &st) < 0 || protection_of(p->protection, &st) == PROTECTED_ENTRIES))
                return -EPERM;
        return TAKE_FD(fd);
}

/* Nothing that is protected gets a name that was looked at before: who would rename it is refused as well. */
static bool stays(const struct paths *p, int parent, const char *name)
{
        struct stat st;

        return p->protection && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               protection_of(p->protection, &st) != PROTECTED_NOT;
}

static void fill_stat(const struct stat *st, struct path_stat *ret)
{
        *ret = (struct path_stat) {
                .dev = st->st_dev, .ino = st->st_ino, .nlink = st->st_nlink,
                .size = (uint64_t)st->st_size, .mode = st->st_mode,
                .atime_s = st->st_atim.tv_sec, .atime_ns = (uint32_t)st->st_atim.tv_nsec,
                .mtime_s = st->st_mtim.tv_sec, .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
                .ctime_s = st->st_ctim.tv_sec, .ctime_ns = (uint32_t)st->st_ctim.tv_nsec,
        };
}

static uint64_t open_flags(uint32_t flags)
{
        static const struct {
                uint32_t wire;
                uint64_t ours;
        } rows[] = {
                { PATH_CREATE, O_CREAT }, { PATH_EXCLUSIVE, O_EXCL }, { PATH_TRUNCATE, O_TRUNC },
                { PATH_APPEND, O_APPEND }, { PATH_SYNC, O_SYNC },     { PATH_DSYNC, O_DSYNC },
        };
        uint64_t f = O_NONBLOCK; /* a FIFO must not hold the broker up; taken off for files */

        if (flags & PATH_DIRECTORY)
                return f | O_RDONLY | O_DIRECTORY | (flags & PATH_FOLLOW ? 0 : O_NOFOLLOW);
        f |= flags & PATH_WRITE ? (flags & PATH_READ ? O_RDWR : O_WRONLY) : O_RDONLY;
        if (!(flags & PATH_FOLLOW))
                f |= O_NOFOLLOW;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (flags & rows[i].wire)
                        f |= rows[i].ours;
        return f;
}

/* A directory becomes a handle of ours, a regular file goes to the cell, nothing else leaves. */
static int hand_out(struct paths *p, const struct checked_request *c, int fd, struct path_reply *reply,
                    int *ret_fd)
{
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (is_window(fd))
                return -EPERM;
        fill_stat(&st, &reply->stat);
        if (S_ISDIR(st.st_mode)) {
                if (c->head.flags & PATH_WRITE && !(c->head.flags & PATH_DIRECTORY))
                        return -EISDIR;
                r = add(p, (struct path_handle) { .fd = fd, .verbs = c->dir->verbs });
                if (r < 0)
                        return r;
                reply->handle = (uint32_t)r;
                return 1; /* taken */
        }
        if (!S_ISREG(st.st_mode))
                return -EPERM;
        if (!(c->head.flags & PATH_NONBLOCK)) {
                int flags = fcntl(fd, F_GETFL);

                if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
                        return -errno;
        }
        *ret_fd = fd;
        return 1;
}

static int do_open(struct paths *p, const struct checked_request *c, struct path_reply *reply,
                   int *ret_fd)
{
        uint32_t flags = c->head.flags;
        uint64_t f = open_flags(flags);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (p->protection && flags & (PATH_WRITE | PATH_CREATE | PATH_TRUNCATE)) {
                _cleanup_close_ int parent = open_parent(p, c->dir, &c->path);

                if (parent < 0)
                        return parent;
                f |= O_NOFOLLOW; /* the link may lie elsewhere and lead there */
        }
        fd = open_beneath(p, c->dir->fd, c->path.whole, f, f & O_CREAT ? 0666 : 0);
        /* A directory that may be passed but not listed. */
        if (fd == -EACCES && flags & PATH_DIRECTORY)
                fd = open_beneath(p, c->dir->fd, c->path.whole,
                                  O_PATH | O_DIRECTORY | (f & O_NOFOLLOW), 0);
        if (fd < 0)
                return fd;
        r = hand_out(p, c, fd, reply, ret_fd);
        if (r == 1) {
                (void)TAKE_FD(fd);
                return 0;
        }
        return r;
}

static int do_close(struct paths *p, const struct checked_request *c)
{
        struct path_handle *h = &p->handles[c->head.dir];

        close(h->fd);
        h->fd = -EBADF;
        return 0;
}

static void fill_times(const struct path_request *head, struct timespec times[2])
{
        times[0] = (struct timespec) { head->atime_s, head->atime_ns };
        times[1] = (struct timespec) { head->mtime_s, head->mtime_ns };
        if (head->flags & PATH_ATIME_NOW)
                times[0].tv_nsec = UTIME_NOW;
        else if (!(head->flags & PATH_ATIME))
                times[0].tv_nsec = UTIME_OMIT;
        if (head->flags & PATH_MTIME_NOW)
                times[1].tv_nsec = UTIME_NOW;
        else if (!(head->flags & PATH_MTIME))
                times[1].tv_nsec = UTIME_OMIT;
}

static int do_read_dir(const struct checked_request *c, struct path_reply *reply, uint8_t *bytes)
{
        uint8_t raw[8192] __attribute__((aligned(8)));
        uint32_t room = c->head.length, used = 0;

        if (lseek(c->dir->fd, (off_t)c->head.cookie, SEEK_SET) < 0)
                return -errno;
        for (;;) {
                long n = syscall(SYS_getdents64, c->dir->fd, raw, sizeof(raw));

                if (n < 0)
                        return used ? 0 : -errno;
                if (n == 0) {
                        reply->at_end = 1;
                        return 0;
                }
                for (long at = 0; at < n;) {
                        const struct dirent64 *d = (const void *)(raw + at);
                        struct path_entry e = {
                                .cookie = (uint64_t)d->d_off, .ino = d->d_ino,
                                .name_bytes = (uint32_t)strlen(d->d_name),
                                .mode = (uint32_t)DTTOIF(d->d_type),
                        };

                        if (sizeof(e) + e.name_bytes > room - used)
                                return 0; /* the cookie of the last one leads on */
                        memcpy(bytes + used, &e, sizeof(e));
                        memcpy(bytes + used + sizeof(e), d->d_name, e.name_bytes);
                        used += (uint32_t)sizeof(e) + e.name_bytes;
                        reply->bytes = used;
                        at += d->d_reclen;
                }
        }
}

/* The object itself, without rights to its content: for stat, times and link content. */
static int open_object(struct paths *p, const struct checked_request *c, bool follow)
{
        return open_beneath(p, c->dir->fd, c->path.whole, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
}

static int do_stat(struct paths *p, const struct checked_request *c, struct path_reply *reply)
{
        _cleanup_close_ int fd = open_object(p, c, c->head.flags & PATH_FOLLOW);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        fill_stat(&st, &reply->stat);
        return 0;
}

static int do_set_times(struct paths *p, const struct checked_request *c)
{
        _cleanup_close_ int fd = open_object(p, c, c->head.flags & PATH_FOLLOW);
        struct timespec times[2];

        if (fd < 0)
                return fd;
        if (is_window(fd))
                return -EPERM;
        fill_times(&c->head, times);
        return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int do_readlink(struct paths *p, const struct checked_request *c, struct path_reply *reply,
                       uint8_t *bytes)
{
        _cleanup_close_ int fd = open_object(p, c, false);
        ssize_t n;

        if (fd < 0)
                return fd;
        if (c->head.length == 0)
                return -EINVAL;
        n = readlinkat(fd, "", (char *)bytes, c->head.length);
        if (n < 0)
                return errno == ENOENT ? -EINVAL : -errno; /* ENOENT: it is no link */
        reply->bytes = (uint32_t)n;
        return 0;
}

static int do_one_name(struct paths *p, const struct checked_request *c)
{
        _cleanup_close_ int parent = open_parent(p, c->dir, &c->path);
        const char *name = c->path.name;
        int r;

        if (parent < 0)
                return parent;
        if (stays(p, parent, name))
                return c->head.op == PATH_MKDIR || c->head.op == PATH_SYMLINK ? -EEXIST : -EPERM;
        switch (c->head.op) {
        case PATH_MKDIR:
                r = mkdirat(parent, name, 0777);
                break;
        case PATH_RMDIR:
                r = unlinkat(parent, name, AT_REMOVEDIR);
                break;
        case PATH_UNLINK:
                r = unlinkat(parent, name, 0);
                break;
        default:
                r = symlinkat(c->path2.whole, parent, name);
                break;
        }
        return r < 0 ? -errno : 0;
}

static int do_two_names(struct paths *p, const struct checked_request *c)
{
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        int r;

        if (c->head.flags & PATH_FOLLOW)
                return -EINVAL; /* a link to what a link names: linkat() cannot be held beneath */
        from = open_parent(p, c->dir, &c->path);
        if (from < 0)
                return from;
        to = open_parent(p, c->dir2, &c->path2);
        if (to < 0)
                return to;
        if (stays(p, from, c->path.name) || stays(p, to, c->path2.name))
                return -EPERM;
        r = c->head.op == PATH_RENAME ? renameat2(from, c->path.name, to, c->path2.name,
                                                  c->replaces ? 0 : RENAME_NOREPLACE)
                                      : linkat(from, c->path.name, to, c->path2.name, 0);
        return r < 0 ? -errno : 0;
}

static int dispatch(struct paths *p, const struct checked_request *c, struct path_reply *reply,
                    uint8_t *bytes, int *ret_fd)
{
        struct timespec times[2];
        struct stat st;

        switch ((enum path_op)c->head.op) {
        case PATH_OPEN:
                return do_open(p, c, reply, ret_fd);
        case PATH_CLOSE_DIR:
                return do_close(p, c);
        case PATH_STAT_DIR:
                if (fstat(c->dir->fd, &st) < 0)
                        return -errno;
                fill_stat(&st, &reply->stat);
                return 0;
        case PATH_SYNC_DIR:
                return fsync(c->dir->fd) < 0 ? -errno : 0;
        case PATH_TIMES_DIR:
                fill_times(&c->head, times);
                return futimens(c->dir->fd, times) < 0 ? -errno : 0;
        case PATH_READ_DIR:
                return do_read_dir(c, reply, bytes);
        case PATH_STAT:
                return do_stat(p, c, reply);
        case PATH_SET_TIMES:
                return do_set_times(p, c);
        case PATH_READLINK:
                return do_readlink(p, c, reply, bytes);
        case PATH_MKDIR:
        case PATH_RMDIR:
        case PATH_UNLINK:
        case PATH_SYMLINK:
                return do_one_name(p, c);
        case PATH_RENAME:
        case PATH_LINK:
                return do_two_names(p, c);
        case _PATH_OP_MAX:
                break;
        }
        return -EINVAL;
}

void paths_do(struct paths *p, const struct checked_request *c, struct path_reply *reply,
              uint8_t *bytes, int *ret_fd)
{
        int r = c->refused;

        reply->handle = UINT32_MAX;
        *ret_fd = -EBADF;
        if (r == 0)
                r = dispatch(p, c, reply, bytes, ret_fd);
        if (r < 0)
                reply->bytes = 0;
        reply->result = r;
}
