/* stamp.c - see stamp.h. */
#include "config.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/broker/stamp.h"

#define STAMP_MAGIC  UINT32_C(0x6e435332)
#define SETTLED_S    2
#define NAME_BYTES   (64 + sizeof(".stamp"))

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

struct stamp_file {
        uint32_t magic, reserved;
        struct stamp stamp;
};

/* A server, or a program behind FUSE, may say of times what it likes. */
static bool has_honest_times(int fd)
{
        static const uint32_t types[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                          TMPFS_MAGIC,      OVERLAYFS_SUPER_MAGIC };
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if ((uint32_t)fs.f_type == types[i])
                        return true;
        return false;
}

bool stamp_identity(int fd, bool settled, struct identity *ret)
{
        struct timespec now;
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_mode & (S_IWGRP | S_IWOTH) ||
            (st.st_uid != geteuid() && st.st_uid != 0) || !has_honest_times(fd))
                return false;
        clock_gettime(CLOCK_REALTIME, &now);
        if (settled && (st.st_ctim.tv_sec + SETTLED_S > now.tv_sec ||
                        st.st_mtim.tv_sec + SETTLED_S > now.tv_sec))
                return false;
        memset(ret, 0, sizeof(*ret)); /* it is hashed and compared, padding and all */
        ret->dev = st.st_dev;
        ret->ino = st.st_ino;
        ret->size = (uint64_t)st.st_size;
        ret->mtime_s = st.st_mtim.tv_sec;
        ret->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
        ret->ctime_s = st.st_ctim.tv_sec;
        ret->ctime_ns = (uint32_t)st.st_ctim.tv_nsec;
        return true;
}

/* The key of the identity itself: so the name changes with tier, CPU and build of the compiler. */
static void stamp_name(const struct identity *module, const struct artefact_choice *choice,
                       char name[static NAME_BYTES])
{
        struct artefact_key key;
        char text[65];

        artefact_key_compute_for((const uint8_t *)module, sizeof(*module), choice, &key);
        snprintf(name, NAME_BYTES, "%s.stamp", artefact_key_text(&key, text));
}

int stamp_find(int cache, const struct identity *module, const struct artefact_choice *choice,
               struct stamp *ret)
{
        _cleanup_close_ int fd = -EBADF;
        char name[NAME_BYTES];
        struct stamp_file file;

        stamp_name(module, choice, name);
        fd = openat(cache, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || read(fd, &file, sizeof(file)) != sizeof(file) || file.magic != STAMP_MAGIC)
                return -ENOENT;
        *ret = file.stamp;
        return 0;
}

void stamp_store(int cache, const struct identity *module, const struct artefact_choice *choice,
                 const struct stamp *stamp)
{
        struct stamp_file file = { .magic = STAMP_MAGIC, .stamp = *stamp };
        char name[NAME_BYTES], temporary[40];
        uint64_t random = 0;
        int fd;

        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
                return;
        snprintf(temporary, sizeof(temporary), ".stamp-%016llx", (unsigned long long)random);
        stamp_name(module, choice, name);
        fd = openat(cache, temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return;
        /* No fsync: a stamp that is lost or cut costs one hash. */
        if (write(fd, &file, sizeof(file)) != sizeof(file) ||
            renameat(cache, temporary, cache, name) < 0)
                unlinkat(cache, temporary, 0);
        close(fd);
}
