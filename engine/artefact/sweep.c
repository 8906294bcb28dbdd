/* sweep.c - what a cache gives up; see cache.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/artefact/cache.h"

#define ENTRIES_MAX 65536u /* looked at; there is a next time */

struct old {
        char name[96];
        int64_t used_s;
        uint64_t bytes;
};

static bool ends_with(const char *name, const char *end)
{
        size_t n = strlen(name), k = strlen(end);

        return n > k && strcmp(name + n - k, end) == 0;
}

static bool is_temporary(const char *name)
{
        return name[0] == '.' && (strstr(name, ".artefact.") || strncmp(name, ".stamp-", 7) == 0);
}

static int by_use(const void *a, const void *b)
{
        const struct old *x = a, *y = b;

        return (x->used_s > y->used_s) - (x->used_s < y->used_s);
}

/* Entries into @list; temporaries of processes that are long gone are removed at once. */
static unsigned collect(DIR *d, int64_t now_s, struct old *list, uint64_t *ret_bytes)
{
        const struct dirent *e;
        unsigned n = 0;

        *ret_bytes = 0;
        while (n < ENTRIES_MAX && (e = readdir(d))) {
                struct old *o = &list[n];
                struct stat st;

                if (strlen(e->d_name) >= sizeof(o->name) ||
                    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                        continue;
                if (is_temporary(e->d_name)) {
                        if (st.st_mtime < now_s - CACHE_STALE_S)
                                unlinkat(dirfd(d), e->d_name, 0);
                        continue;
                }
                if (!ends_with(e->d_name, ".artefact") && !ends_with(e->d_name, ".stamp"))
                        continue;
                memcpy(o->name, e->d_name, strlen(e->d_name) + 1);
                o->used_s = st.st_atime > st.st_mtime ? st.st_atime : st.st_mtime;
                o->bytes = (uint64_t)st.st_blocks * 512;
                *ret_bytes += o->bytes;
                n++;
        }
        return n;
}

void cache_sweep(int cache, uint64_t most_bytes, int64_t now_s)
{
        _cleanup_free_ struct old *list = calloc(ENTRIES_MAX, sizeof(*list));
        int fd = openat(cache, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        uint64_t bytes;
        unsigned n;

        if (d && list) {
                n = collect(d, now_s, list, &bytes);
                qsort(list, n, sizeof(*list), by_use);
                for (unsigned i = 0; i < n && bytes > most_bytes; i++)
                        /* Who runs from it keeps it: the name goes, the file stays until then. */
                        if (unlinkat(cache, list[i].name, 0) == 0)
                                bytes -= list[i].bytes;
        }
        if (d)
                closedir(d);
        else
                closep(&fd);
}
