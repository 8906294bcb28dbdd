#define _GNU_SOURCE /* O_PATH, renameat2 */

#include "engine/artefact/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define ENTRY_BYTES (64 + sizeof(".artefact"))

static void entry_name(const struct artefact_key *key, char name[static ENTRY_BYTES])
{
        char text[65];

        snprintf(name, ENTRY_BYTES, "%s.artefact", artefact_key_text(key, text));
}

/* The directory and, where it is missing, the one above: a new user has no ~/.cache. */
static int make_directory(const char *path)
{
        char parent[4096];
        const char *slash = strrchr(path, '/');
        int n;

        if (mkdir(path, 0700) == 0 || errno == EEXIST)
                return 0;
        if (errno != ENOENT || !slash || slash == path)
                return -errno;
        n = snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        if (n < 0 || (size_t)n >= sizeof(parent))
                return -ENAMETOOLONG;
        if (mkdir(parent, 0700) < 0 && errno != EEXIST)
                return -errno;
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int cache_open(const char *path, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r = make_directory(path);

        if (r < 0)
                return error_set(err, STAGE_CACHE, r, ERROR_NOWHERE, "making %s: %s", path,
                                 strerror(-r));
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_set(err, STAGE_CACHE, -errno, ERROR_NOWHERE, "opening %s: %s", path,
                                 strerror(errno));
        if (fstat(fd, &st) < 0)
                return error_set(err, STAGE_CACHE, -errno, ERROR_NOWHERE, "%s: %s", path,
                                 strerror(errno));
        /* Who can write here chooses the code that we run. */
        if (st.st_uid != geteuid())
                return error_set(err, STAGE_CACHE, -EACCES, ERROR_NOWHERE,
                                 "%s belongs to another user", path);
        if (st.st_mode & (S_IWGRP | S_IWOTH))
                return error_set(err, STAGE_CACHE, -EACCES, ERROR_NOWHERE,
                                 "%s can be written by others", path);
        return TAKE_FD(fd);
}

int cache_find(int dirfd, const struct artefact_key *key, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        char name[ENTRY_BYTES];
        struct stat st;

        entry_name(key, name);
        /* O_NONBLOCK: a FIFO of that name must not hold us. */
        fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && errno == ENOENT)
                return error_set(err, STAGE_CACHE, -ENOENT, ERROR_NOWHERE, "no entry %s", name);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
            st.st_nlink == 1 && !(st.st_mode & (S_IWGRP | S_IWOTH)))
                return TAKE_FD(fd);
        /* A link, a device, somebody else's file, a directory: not made by cache_store(). */
        if (unlinkat(dirfd, name, 0) < 0 && errno == EISDIR)
                unlinkat(dirfd, name, AT_REMOVEDIR);
        return error_set(err, STAGE_CACHE, -ENOENT, ERROR_NOWHERE, "entry %s was not ours: removed",
                         name);
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
        while (size) {
                ssize_t n = write(fd, bytes, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                bytes += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Whole on the disk under @name, or an error. */
static int write_file(int dirfd, const char *name, const uint8_t *bytes, size_t size)
{
        _cleanup_close_ int fd = openat(dirfd, name,
                                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = write_all(fd, bytes, size);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        return r;
}

int cache_store(int dirfd, const struct artefact_key *key, const uint8_t *bytes, size_t size,
                struct error *err)
{
        char name[ENTRY_BYTES], temporary[ENTRY_BYTES + 24];
        uint64_t random;
        int r;

        entry_name(key, name);
        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
                return error_set(err, STAGE_CACHE, -EIO, ERROR_NOWHERE, "no random name");
        snprintf(temporary, sizeof(temporary), ".%s.%016llx", name, (unsigned long long)random);
        r = write_file(dirfd, temporary, bytes, size);
        if (r == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
                r = -errno;
        if (r < 0) {
                if (r != -EEXIST)
                        unlinkat(dirfd, temporary, 0);
                return error_set(err, STAGE_CACHE, r, ERROR_NOWHERE, "writing entry %s: %s", name,
                                 strerror(-r));
        }
        /* The entry is there and whole; without this it may be gone after a power loss. */
        if (fsync(dirfd) < 0) {
                r = -errno;
                unlinkat(dirfd, name, 0);
                return error_set(err, STAGE_CACHE, r, ERROR_NOWHERE, "syncing the cache: %s",
                                 strerror(-r));
        }
        cache_sweep(dirfd, CACHE_BYTES_MAX, time(NULL));
        return 0;
}

int cache_default_path(char *path, size_t size)
{
        const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
        int n;

        /* The XDG specification has relative paths ignored. */
        if (xdg && xdg[0] == '/')
                n = snprintf(path, size, "%s/nacelle", xdg);
        else if (home && home[0] == '/')
                n = snprintf(path, size, "%s/.cache/nacelle", home);
        else if (geteuid() == 0)
                n = snprintf(path, size, "/var/cache/nacelle");
        else
                return -ENOENT;
        return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
