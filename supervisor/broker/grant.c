/* grant.c - what the command line grants: opened here, with the user's rights, before the guest runs. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/key.h"
#include "policy/policy.h"
#include "supervisor/broker/connect.h"
#include "supervisor/broker/internal.h"
#include "supervisor/broker/listen.h"
#include "supervisor/proto/guest_config.h"

/* Of the key that it stands for. */
static uint32_t grant_verbs(const struct run_dir *dir)
{
        return dir->verbs ? dir->verbs : dir->read_only ? VERB_READ : key_kind_verbs(KEY_DIRECTORY);
}

bool grant_is_read_only(const struct run_dir *dir)
{
        return grant_verbs(dir) == VERB_READ;
}

/* The directory itself, or the one that holds the file; *@ret_only: the file's name in it. */
static int grant_open(const struct run_dir *dir, const char **ret_only)
{
        const char *slash = strrchr(dir->host, '/');
        char parent[4096];

        *ret_only = dir->file ? slash ? slash + 1 : dir->host : NULL;
        if (dir->at) {
                snprintf(parent, sizeof(parent), "/proc/self/fd/%d", dir->at);
                return open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        if (!dir->file)
                return open(dir->host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (slash && (size_t)(slash - dir->host) >= sizeof(parent) - 1) {
                errno = ENAMETOOLONG;
                return -1;
        }
        snprintf(parent, sizeof(parent), "%.*s/", slash ? (int)(slash - dir->host) : 1, slash ? dir->host : ".");
        return open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The directories that the guest may write in are those that may hold a cache. */
static int protect_caches(struct broker *b, struct error *err)
{
        int writable[PATH_HANDLES_MAX];
        unsigned n = 0;
        int r;

        for (unsigned i = 0; i < b->options.ndirs; i++)
                if (!grant_is_read_only(&b->options.dirs[i]) && !b->options.dirs[i].file)
                        writable[n++] = b->paths.handles[i].fd;
        r = protection_init(&b->protection, b->options.cache, writable, n, err);
        if (r >= 0)
                paths_protect(&b->paths, &b->protection);
        return r;
}

int grants_open(struct broker *b, struct error *err)
{
        const struct run_options *o = &b->options;
        int r;

        for (unsigned i = 0; i < o->ndirs; i++) {
                const char *only;
                int fd = grant_open(&o->dirs[i], &only);

                if (fd < 0)
                        return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "directory %s: %m",
                                         o->dirs[i].host);
                r = paths_grant_verbs(&b->paths, fd, grant_verbs(&o->dirs[i]), only, err);
                if (r < 0) {
                        close(fd);
                        return error_prefix(err, "directory %s", o->dirs[i].host);
                }
        }
        r = protect_caches(b, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < o->nlisten && i < PROTO_LISTEN_MAX; i++) {
                r = listen_open(o->listen[i], err);
                if (r < 0)
                        return r;
                listen_limit(r);
                b->listen[b->nlisten++] = r;
        }
        for (unsigned i = 0; i < o->nconnect && b->nlisten < PROTO_LISTEN_MAX; i++) {
                r = connect_open(o->connect[i], err);
                if (r < 0)
                        return r;
                b->listen[b->nlisten++] = r;
                b->nconnected++;
        }
        return 0;
}

int grants_lock(struct broker *b, struct error *err)
{
        struct policy_tree trees[PATH_HANDLES_MAX + 1];
        struct lockdown l = { 0 };
        unsigned n;
        int r;

#ifdef NACELLE_SANITIZERS
        l.skip = LAYER_BIT(LAYER_LANDLOCK); /* a leak check at the end reads /proc */
#endif
        for (unsigned i = 0; i < b->options.ndirs; i++) {
                const struct path_handle *h = &b->paths.handles[i];

                trees[i] = (struct policy_tree) { .fd = h->fd, .verbs = h->verbs };
                if (!h->only)
                        continue;
                trees[i].file = true;
                trees[i].fd = openat(h->fd, h->only, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                if (trees[i].fd < 0)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s: %m", h->only);
        }
        /* Absent Landlock was reported with the cell's layers already. */
        n = b->options.ndirs;
        if (cgroups_tree() >= 0)
                trees[n++] = (struct policy_tree) { .fd = cgroups_tree(),
                                                    .verbs = VERB_READ | VERB_WRITE | VERB_REMOVE };
        r = policy_landlock_trees(&l, trees, n, false, err);
        for (unsigned i = 0; i < b->options.ndirs; i++)
                if (trees[i].file)
                        close(trees[i].fd);
        return r;
}

static void put_string(struct buffer *b, const char *s)
{
        buffer_append(b, s, strlen(s) + 1);
}

static uint32_t closed_stdio(const struct broker *b)
{
        uint32_t closed = 0;

        for (int i = 0; i < 3; i++)
                if (b->options.closed_stdio || b->options.closed_streams & UINT32_C(1) << i ||
                    stdio_usable(i) < 0)
                        closed |= UINT32_C(1) << i;
        return closed;
}

static void build(const struct broker *b, struct buffer *out)
{
        const struct run_options *o = &b->options;
        struct config_head head = {
                .magic = CONFIG_MAGIC,
                .nargs = o->nargs, .nenv = o->nenv, .ndirs = o->ndirs,
                .clock_resolution_ns = o->clock_resolution_ns,
                .closed_stdio = closed_stdio(b),
        };
        size_t strings;

        if (o->limits)
                head.limits = *o->limits;
        if (o->memory_max_bytes)
                head.limits.memory_max_bytes = o->memory_max_bytes;

        buffer_append(out, &head, sizeof(head));
        for (unsigned i = 0; i < o->ndirs; i++)
                buffer_append(out, &(struct config_dir) { i, grant_is_read_only(&o->dirs[i]) },
                              sizeof(struct config_dir));
        strings = out->size;
        for (unsigned i = 0; i < o->nargs; i++)
                put_string(out, o->args[i]);
        for (unsigned i = 0; i < o->nenv; i++)
                put_string(out, o->env[i]);
        for (unsigned i = 0; i < o->ndirs; i++)
                put_string(out, o->dirs[i].guest ? o->dirs[i].guest : o->dirs[i].host);
        if (buffer_ok(out))
                ((struct config_head *)(void *)out->bytes)->string_bytes = out->size - strings;
}

int grants_config(struct broker *b, int *ret_fd, size_t *ret_bytes, struct error *err)
{
        _cleanup_(buffer_done) struct buffer out = { 0 };
        _cleanup_close_ int fd = -EBADF;

        build(b, &out);
        if (!buffer_ok(&out))
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "configuration");
        fd = memfd_create("nacelle-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0 || write(fd, out.bytes, out.size) != (ssize_t)out.size ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "configuration: %m");
        *ret_fd = TAKE_FD(fd);
        *ret_bytes = out.size;
        return 0;
}
