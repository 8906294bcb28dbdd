/* attr.c - attributes of descriptors and files. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

#define NS_PER_S UINT64_C(1000000000)

int fd_stat(int fd, struct stat *ret)
{
        return syscall(SYS_fstat, fd, ret) < 0 ? -errno : 0;
}

uint8_t filetype_of(uint32_t mode)
{
        switch (mode & S_IFMT) {
        case S_IFREG:
                return WASI_FILETYPE_REGULAR_FILE;
        case S_IFDIR:
                return WASI_FILETYPE_DIRECTORY;
        case S_IFLNK:
                return WASI_FILETYPE_SYMBOLIC_LINK;
        case S_IFCHR:
                return WASI_FILETYPE_CHARACTER_DEVICE;
        case S_IFBLK:
                return WASI_FILETYPE_BLOCK_DEVICE;
        case S_IFSOCK:
                return WASI_FILETYPE_SOCKET_STREAM;
        default:
                return WASI_FILETYPE_UNKNOWN; /* pipes have no type here */
        }
}

/* Times before 1970 and after 2554 have no number here: the nearest that has. */
static uint64_t timestamp(int64_t s, uint32_t ns)
{
        uint64_t t;

        if (s < 0)
                return 0;
        if (__builtin_mul_overflow((uint64_t)s, NS_PER_S, &t) || __builtin_add_overflow(t, ns, &t))
                return UINT64_MAX;
        return t;
}

void filestat_of(const struct path_stat *s, struct wasi_filestat *ret)
{
        *ret = (struct wasi_filestat) {
                .dev = s->dev,
                .ino = s->ino,
                .filetype = filetype_of(s->mode),
                .nlink = s->nlink,
                .size = s->size,
                .atime = timestamp(s->atime_s, s->atime_ns),
                .mtime = timestamp(s->mtime_s, s->mtime_ns),
                .ctime = timestamp(s->ctime_s, s->ctime_ns),
        };
}

enum wasi_errno times_of(uint64_t atime, uint64_t mtime, uint32_t flags, struct path_request *ret)
{
        if (flags & ~WASI_TIMES_FLAGS)
                return WASI_INVAL;
        if ((flags & WASI_TIMES_ATIME) && (flags & WASI_TIMES_ATIME_NOW))
                return WASI_INVAL;
        if ((flags & WASI_TIMES_MTIME) && (flags & WASI_TIMES_MTIME_NOW))
                return WASI_INVAL;

        ret->flags |= (flags & WASI_TIMES_ATIME ? PATH_ATIME : 0) |
                      (flags & WASI_TIMES_ATIME_NOW ? PATH_ATIME_NOW : 0) |
                      (flags & WASI_TIMES_MTIME ? PATH_MTIME : 0) |
                      (flags & WASI_TIMES_MTIME_NOW ? PATH_MTIME_NOW : 0);
        ret->atime_s = atime / NS_PER_S;
        ret->atime_ns = atime % NS_PER_S;
        ret->mtime_s = mtime / NS_PER_S;
        ret->mtime_ns = mtime % NS_PER_S;
        return WASI_SUCCESS;
}

uint32_t wasi_fd_fdstat_get(uint32_t fd, uint32_t ret_stat)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct guest_span ret;
        struct descriptor *d;
        struct wasi_fdstat stat = { 0 };
        enum wasi_errno e = guest_span(&g, guest_ptr(ret_stat), 1, sizeof(stat), &ret);

        if (!e)
                e = descriptor_get(w, fd, KINDS_ALL, 0, &d);
        if (e)
                return e;
        stat.filetype = d->filetype;
        stat.flags = d->flags;
        stat.rights = d->rights;
        stat.inheriting = d->inheriting;
        guest_store(&ret, 0, &stat, sizeof(stat));
        (void) descriptor_put(w, d);
        return WASI_SUCCESS;
}

uint32_t wasi_fd_fdstat_set_flags(uint32_t fd, uint32_t flags)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct descriptor *d;
        enum wasi_errno e;

        if (flags & ~WASI_FD_FLAGS)
                return WASI_INVAL;
        e = descriptor_get(w, fd, KINDS_ALL, RIGHT_FD_FDSTAT_SET_FLAGS, &d);
        if (e)
                return e;
        /* Ours alone: F_SETFL would change the terminal or log file of whoever gave it to us. An
         * O_APPEND that came with such a file cannot be taken off it. */
        if (d->granted && d->kind == KIND_FILE && (d->flags & WASI_FD_APPEND) &&
            !(flags & WASI_FD_APPEND))
                e = WASI_NOTSUP;
        else
                d->flags = flags;
        (void) descriptor_put(w, d);
        return e;
}

uint32_t wasi_fd_fdstat_set_rights(uint32_t fd, uint64_t rights, uint64_t inheriting)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct descriptor *d;
        enum wasi_errno e = descriptor_get(w, fd, KINDS_ALL, 0, &d);

        if (e)
                return e;
        if ((rights & ~d->rights) || (inheriting & ~d->inheriting)) {
                e = WASI_NOTCAPABLE;
        } else {
                d->rights = rights;
                d->inheriting = inheriting;
        }
        (void) descriptor_put(w, d);
        return e;
}

static int file_stat(int fd, struct path_stat *ret)
{
        struct stat st;
        int r = fd_stat(fd, &st);

        if (r < 0)
                return r;
        *ret = (struct path_stat) {
                .dev = st.st_dev, .ino = st.st_ino, .nlink = st.st_nlink, .size = st.st_size,
                .atime_s = st.st_atim.tv_sec, .mtime_s = st.st_mtim.tv_sec,
                .ctime_s = st.st_ctim.tv_sec, .atime_ns = st.st_atim.tv_nsec,
                .mtime_ns = st.st_mtim.tv_nsec, .ctime_ns = st.st_ctim.tv_nsec,
                .mode = st.st_mode,
        };
        return 0;
}

static enum wasi_errno stat_do(struct wasi *w, struct descriptor *d, struct guest_span *ret)
{
        struct path_reply reply;
        struct wasi_filestat stat;
        enum wasi_errno e;

        if (d->kind == KIND_DIRECTORY) {
                struct path_request r = { .op = PATH_STAT_DIR, .dir = d->handle };

                e = broker_call(w, &r, NULL, NULL, &reply, NULL, 0, NULL);
        } else if (d->log) {
                reply.stat = (struct path_stat) { .nlink = 1, .mode = S_IFCHR };
                e = WASI_SUCCESS;
        } else {
                e = wasi_errno_of(file_stat(d->fd, &reply.stat));
        }
        if (!e) {
                filestat_of(&reply.stat, &stat);
                guest_store(ret, 0, &stat, sizeof(stat));
        }
        (void) descriptor_put(w, d);
        return e;
}

uint32_t wasi_fd_filestat_get(uint32_t fd, uint32_t ret_stat)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct guest_span ret;
        struct descriptor *d;
        enum wasi_errno e = guest_span(&g, guest_ptr(ret_stat), 1, sizeof(struct wasi_filestat), &ret);

        if (!e)
                e = descriptor_get(w, fd, KINDS_ALL, RIGHT_FD_FILESTAT_GET, &d);
        return e ? e : stat_do(w, d, &ret);
}

uint32_t wasi_fd_filestat_set_size(uint32_t fd, uint64_t bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct descriptor *d;
        enum wasi_errno e;

        if (bytes > INT64_MAX)
                return WASI_INVAL;
        e = descriptor_get(w, fd, KINDS_IO, RIGHT_FD_FILESTAT_SET_SIZE, &d);
        if (e)
                return e;
        e = wasi_errno_of(ftruncate(d->fd, bytes) < 0 ? -errno : 0);
        (void) descriptor_put(w, d);
        return e;
}

static struct timespec time_of(uint32_t flags, uint32_t set, uint32_t now, int64_t s, uint32_t ns)
{
        if (flags & now)
                return (struct timespec) { .tv_nsec = UTIME_NOW };
        if (flags & set)
                return (struct timespec) { .tv_sec = s, .tv_nsec = ns };
        return (struct timespec) { .tv_nsec = UTIME_OMIT };
}

/* The cell may be another user than the owner of the files, who alone may set times: then the
 * broker does it, by the path that @d was opened by, if that still leads to the same file. */
static enum wasi_errno times_by_path(struct wasi *w, const struct descriptor *d,
                                     struct path_request *r)
{
        struct path_request stat = { .op = PATH_STAT };
        struct path_reply reply;
        struct path_text path;
        struct path_stat st;
        enum wasi_errno e;

        path.bytes = d->origin->bytes;
        memcpy(path.text, d->origin->path, path.bytes + 1);
        r->op = PATH_SET_TIMES;
        stat.dir = r->dir = d->origin->dir->handle;
        stat.flags = d->origin->lookup;
        r->flags |= d->origin->lookup;
        e = broker_call(w, &stat, &path, NULL, &reply, NULL, 0, NULL);
        if (e || file_stat(d->fd, &st) < 0 || st.dev != reply.stat.dev || st.ino != reply.stat.ino)
                return WASI_PERM;
        return broker_call(w, r, &path, NULL, &reply, NULL, 0, NULL);
}

static enum wasi_errno times_do(struct wasi *w, struct descriptor *d, struct path_request *r)
{
        struct path_reply reply;
        enum wasi_errno e;

        if (d->kind == KIND_DIRECTORY) {
                r->op = PATH_TIMES_DIR;
                r->dir = d->handle;
                e = broker_call(w, r, NULL, NULL, &reply, NULL, 0, NULL);
        } else {
                struct timespec t[2] = {
                        time_of(r->flags, PATH_ATIME, PATH_ATIME_NOW, r->atime_s, r->atime_ns),
                        time_of(r->flags, PATH_MTIME, PATH_MTIME_NOW, r->mtime_s, r->mtime_ns),
                };

                e = wasi_errno_of(futimens(d->fd, t) < 0 ? -errno : 0);
                if ((e == WASI_PERM || e == WASI_ACCES) && d->origin)
                        e = times_by_path(w, d, r);
        }
        (void) descriptor_put(w, d);
        return e;
}

uint32_t wasi_fd_filestat_set_times(uint32_t fd, uint64_t atime, uint64_t mtime, uint32_t flags)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct path_request r = { 0 };
        struct descriptor *d;
        enum wasi_errno e = times_of(atime, mtime, flags, &r);

        if (!e)
                e = descriptor_get(w, fd, KINDS_ALL, RIGHT_FD_FILESTAT_SET_TIMES, &d);
        return e ? e : times_do(w, d, &r);
}
