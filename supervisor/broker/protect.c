/* protect.c - see protect.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/artefact/cache.h"
#include "supervisor/broker/protect.h"

#define PATH_BYTES 4096u

static int note(struct protection *p, const struct stat *st, enum protected kind)
{
        for (unsigned i = 0; i < p->n; i++) {
                struct protected_object *o = &p->objects[i];

                if (o->dev != st->st_dev || o->ino != st->st_ino)
                        continue;
                if (o->kind < kind)
                        o->kind = kind;
                return 0;
        }
        if (p->n == PROTECTED_MAX)
                return -E2BIG;
        p->objects[p->n++] = (struct protected_object) { st->st_dev, st->st_ino, kind };
        return 0;
}

/* As the path is written: a link on the way leads to the cache as well as a directory does. @ret_bytes: of the part
 * of @path that is there. */
static int note_components(struct protection *p, const char *path, size_t *ret_bytes)
{
        size_t n = strlen(path);
        char part[PATH_BYTES];
        struct stat st;
        int r;

        *ret_bytes = 0;
        if (n >= sizeof(part))
                return -ENAMETOOLONG;
        for (size_t i = 1; i <= n; i++) {
                if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
                        continue;
                memcpy(part, path, i);
                part[i] = '\0';
                if (lstat(part, &st) < 0)
                        return 0;
                r = note(p, &st, PROTECTED_WAY);
                if (r < 0)
                        return r;
                *ret_bytes = i;
        }
        return 0;
}

/* As the kernel sees it: the directory and those above it. */
static int note_directories(struct protection *p, const char *path, size_t bytes, enum protected kind)
{
        char part[PATH_BYTES];
        struct stat last = { 0 }, st;
        _cleanup_close_ int at = -EBADF;

        memcpy(part, path, bytes);
        part[bytes] = '\0';
        at = open(bytes ? part : path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (bool first = true; at >= 0 && fstat(at, &st) == 0; first = false) {
                int up, r;

                if (!first && st.st_ino == last.st_ino && st.st_dev == last.st_dev)
                        return 0; /* the root is its own parent */
                r = note(p, &st, first ? kind : PROTECTED_WAY);
                if (r < 0)
                        return r;
                last = st;
                up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                close(at);
                at = up;
        }
        return 0; /* what we cannot pass a guest cannot either: it has our rights at most */
}

static int note_cache(struct protection *p, const char *path, bool *ret_is_there)
{
        size_t bytes = 0;
        int r = note_components(p, path, &bytes);

        *ret_is_there = bytes == strlen(path);
        return r < 0 ? r
                     : note_directories(p, path, bytes, *ret_is_there ? PROTECTED_ENTRIES : PROTECTED_WAY);
}

static bool is_held(const struct protection *p, const int *grants, unsigned n)
{
        struct stat st;

        for (unsigned i = 0; i < n; i++)
                if (fstat(grants[i], &st) < 0 || protection_of(p, &st) != PROTECTED_NOT)
                        return true;
        return false;
}

static int protect(struct protection *p, const char *cache, const int *grants, unsigned n, struct error *err)
{
        struct protection one = { 0 };
        char path[PATH_BYTES];
        size_t bytes = strlen(cache);
        bool is_there = false;
        int r;

        while (bytes > 1 && cache[bytes - 1] == '/')
                bytes--;
        if (bytes >= sizeof(path))
                return error_set(err, STAGE_BROKER, -ENAMETOOLONG, ERROR_NOWHERE, "the cache %s", cache);
        memcpy(path, cache, bytes);
        path[bytes] = '\0';
        r = note_cache(&one, path, &is_there);
        if (r >= 0 && !is_held(&one, grants, n))
                return 0;
        if (r >= 0 && !is_there) {
                int fd = cache_open(path, NULL);

                closep(&fd);
                r = note_cache(&one, path, &is_there);
        }
        for (unsigned i = 0; i < one.n && r >= 0; i++) {
                const struct protected_object *o = &one.objects[i];

                r = note(p, &(struct stat) { .st_dev = o->dev, .st_ino = o->ino }, o->kind);
        }
        return r < 0 ? error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "the way to the cache %s: %s", cache, strerror(-r))
                     : 0;
}

int protection_init(struct protection *p, const char *cache, const int *grants, unsigned n, struct error *err)
{
        char path[PATH_BYTES];
        int r = 0;

        p->n = 0;
        if (!n)
                return 0;
        if (cache)
                r = protect(p, cache, grants, n, err);
        if (r >= 0 && cache_default_path(path, sizeof(path)) >= 0)
                r = protect(p, path, grants, n, err);
        return r;
}
