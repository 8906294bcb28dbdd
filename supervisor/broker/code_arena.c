/* code_arena.c - see code_arena.h. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "supervisor/broker/code_arena.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

static int failed(struct error *err, const char *what)
{
        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s: %m", what);
}

/* The exec flags came with Linux 6.3; where a system insists on one, it knows both. */
static int memfd(const char *name, unsigned exec_flag)
{
        int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | exec_flag);

        if (fd < 0 && errno == EINVAL)
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd;
}

/* Page cache to page cache: no mapping, no fault, one copy. */
static int fill(int to, int from, off_t at, size_t bytes)
{
        while (bytes) {
                ssize_t n = sendfile(to, from, &at, bytes);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ENODATA;
                bytes -= (size_t)n;
        }
        return 0;
}

int code_arena_new(size_t bytes, int fill_fd, uint64_t fill_at, size_t fill_bytes, bool keep_view,
                   struct code_arena *ret, struct error *err)
{
        _cleanup_close_ int fd = memfd("nacelle-code", MFD_EXEC);
        unsigned seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
        void *view = NULL;
        struct stat st;
        int r;

        bytes = (bytes + 4095) & ~(size_t)4095;
        if (bytes == 0)
                bytes = 4096;
        if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0 || fstat(fd, &st) < 0)
                return failed(err, "code arena");
        if (fill_fd >= 0) {
                r = fill(fd, fill_fd, (off_t)fill_at, fill_bytes);
                if (r < 0)
                        return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE,
                                         "filling the code arena: %s", strerror(-r));
        }
        if (keep_view) {
                view = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                if (view == MAP_FAILED)
                        return failed(err, "mapping the code arena");
        }
        seals |= keep_view ? F_SEAL_FUTURE_WRITE : F_SEAL_WRITE;
        if (fcntl(fd, F_ADD_SEALS, seals) < 0) {
                r = failed(err, "sealing the code arena");
                if (view)
                        munmap(view, bytes);
                return r;
        }
        *ret = (struct code_arena) { .fd = TAKE_FD(fd), .view = view, .bytes = bytes,
                                     .used = (fill_bytes + 4095) & ~(size_t)4095,
                                     .inode = st.st_ino };
        return 0;
}

int code_arena_of_file(int file, uint64_t at, size_t bytes, struct code_arena *ret,
                       struct error *err)
{
        _cleanup_close_ int fd = fcntl(file, F_DUPFD_CLOEXEC, 3);
        struct statvfs fs;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0)
                return failed(err, "code arena");
        if (fs.f_flag & ST_NOEXEC || at & 4095 || bytes == 0)
                return error_set(err, STAGE_BROKER, -EACCES, ERROR_NOWHERE, "not executable there");
        *ret = (struct code_arena) { .fd = TAKE_FD(fd), .at = at, .bytes = bytes, .used = bytes,
                                     .inode = st.st_ino };
        return 0;
}

static size_t page_up(size_t bytes)
{
        return (bytes + 4095) & ~(size_t)4095;
}

static void remove_gap(struct code_arena *a, unsigned i)
{
        memmove(a->gaps + i, a->gaps + i + 1, (--a->ngaps - i) * sizeof(*a->gaps));
}

/* The first gap that holds it, else behind all. */
static bool find_room(struct code_arena *a, size_t size, size_t *ret_at)
{
        size_t pages = page_up(size);

        for (unsigned i = 0; i < a->ngaps; i++) {
                struct code_gap *g = &a->gaps[i];

                if (g->bytes < pages)
                        continue;
                *ret_at = g->at;
                g->at += pages;
                g->bytes -= pages;
                if (!g->bytes)
                        remove_gap(a, i);
                return true;
        }
        if (size > a->bytes - a->used)
                return false;
        *ret_at = a->used;
        a->used = pages > a->bytes - a->used ? a->bytes : a->used + pages;
        return true;
}

int code_arena_publish(struct code_arena *a, const void *bytes, size_t size, uint64_t *ret_at,
                       struct error *err)
{
        size_t at;

        if (!a->view || !find_room(a, size, &at))
                return error_set(err, STAGE_BROKER, -ENOSPC, ERROR_NOWHERE,
                                 "%zu bytes of code do not fit the arena of %zu", size, a->bytes);
        memcpy(a->view + at, bytes, size);
        *ret_at = at;
        return 0;
}

void code_arena_retract(struct code_arena *a, uint64_t at, size_t size)
{
        size_t pages = page_up(size);
        struct code_gap *gaps;
        unsigned i = 0;

        if (at + pages == a->used) { /* the gap before it, if any, is none now */
                a->used = at;
                if (a->ngaps && a->gaps[a->ngaps - 1].at + a->gaps[a->ngaps - 1].bytes == at)
                        a->used = a->gaps[--a->ngaps].at;
                return;
        }
        gaps = reallocarray(a->gaps, a->ngaps + 1, sizeof(*gaps));
        if (!gaps || !pages)
                return; /* lost until the cell ends */
        a->gaps = gaps;
        while (i < a->ngaps && gaps[i].at < at)
                i++;
        memmove(gaps + i + 1, gaps + i, (a->ngaps++ - i) * sizeof(*gaps));
        gaps[i] = (struct code_gap) { at, pages };
        if (i + 1 < a->ngaps && gaps[i].at + gaps[i].bytes == gaps[i + 1].at) {
                gaps[i].bytes += gaps[i + 1].bytes;
                remove_gap(a, i + 1);
        }
        if (i && gaps[i - 1].at + gaps[i - 1].bytes == gaps[i].at) {
                gaps[i - 1].bytes += gaps[i].bytes;
                remove_gap(a, i);
        }
}

int code_arena_share(const struct code_arena *a, struct error *err)
{
        char path[40];
        int fd;

        /* A file of the cache may be another user's by now: it is open for reading as it is. */
        if ((fcntl(a->fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
                fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? failed(err, "the code arena") : fd;
        }
        snprintf(path, sizeof(path), "/proc/self/fd/%d", a->fd);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? failed(err, "opening the code arena for reading") : fd;
}

void code_arena_done(struct code_arena *a)
{
        if (a->view)
                munmap(a->view, a->bytes);
        if (a->fd >= 0)
                close(a->fd);
        free(a->gaps);
        *a = (struct code_arena) { .fd = -EBADF };
}

int memfd_copy(int from, uint64_t bytes, const char *name, struct error *err)
{
        _cleanup_close_ int fd = memfd(name, MFD_NOEXEC_SEAL);
        int r;

        if (fd < 0)
                return failed(err, name);
        r = fill(fd, from, 0, bytes);
        if (r < 0)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "reading the file: %s",
                                 r == -ENODATA ? "it became shorter meanwhile" : strerror(-r));
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return failed(err, "sealing a copy");
        return TAKE_FD(fd);
}
