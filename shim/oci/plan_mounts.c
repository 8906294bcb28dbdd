/* plan_mounts.c - mounts[]: which of them the guest is to see. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shim/oci/plan_build.h"

#define TMPFS_MODE 01777

_printf_(5, 6) static int refuse(struct build *b, unsigned i, const char *name, int code, const char *format, ...)
{
        char path[64], why[200];
        va_list ap;

        snprintf(path, sizeof(path), "mounts[%u]%s%s", i, *name ? "." : "", name);
        va_start(ap, format);
        vsnprintf(why, sizeof(why), format, ap);
        va_end(ap);
        return oci_json_error(b->json, b->err, code, path, "%s", why);
}

bool plan_has_entries(const struct oci_plan *plan, const char *path)
{
        const struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        int fd = (int)syscall(SYS_openat2, plan->rootfs_fd, path, &how, sizeof(how));
        struct dirent *e;
        bool found = false;
        DIR *dir;

        if (fd < 0)
                return errno == EACCES;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return true;
        }
        while (!found && (e = readdir(dir)))
                found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
        closedir(dir);
        return found;
}

/* Where it really is: what is named here is not what a link says later. */
static int build_source(struct build *b, struct json_object *mount, struct oci_mount *m)
{
        char clean[CONFIG_PATH_MAX + 2], whole[2 * CONFIG_PATH_MAX];
        char *real;
        int r;

        path_clean(text_member(mount, "source"), clean);
        snprintf(whole, sizeof(whole), "%.*s%s%s", clean[0] == '/' ? 0 : CONFIG_PATH_MAX, b->plan->bundle,
                 clean[0] == '/' ? "" : "/", clean);
        real = realpath(whole, NULL);
        if (!real)
                return m->optional ? 0 : refuse(b, m->index, "source", -errno, "%.100s: %m", whole);
        if (strlen(real) > CONFIG_PATH_MAX || path_unseen(real) || strcmp(real, "/") == 0)
                r = refuse(b, m->index, "source", -EACCES, "%.100s: leads to %.64s, which is not data", whole, real);
        else
                r = build_format(b, &m->source, "%s", real);
        free(real);
        return r < 0 ? r : 1;
}

/* Returns 1; 0: it is not there, and need not be. */
static int build_bind(struct build *b, struct json_object *mount, const struct mount_options *o, struct oci_mount *m)
{
        struct stat st;
        int r = build_source(b, mount, m);

        if (r <= 0)
                return r;
        m->read_only = o->read_only;
        if (stat(m->source, &st) < 0)
                return refuse(b, m->index, "source", -errno, "%.100s: %m", m->source);
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
                return refuse(b, m->index, "source", -EACCES, "%.100s: neither a file nor a directory", m->source);
        m->kind = S_ISDIR(st.st_mode) ? OCI_MOUNT_DIRECTORY : OCI_MOUNT_FILE;
        return 1;
}

static int build_tmpfs(struct build *b, const struct mount_options *o, struct oci_mount *m)
{
        m->kind = OCI_MOUNT_TMPFS;
        m->read_only = o->read_only;
        m->size_bytes = o->size_bytes;
        m->inodes = o->inodes;
        m->mode = o->mode_given ? (mode_t)o->mode : TMPFS_MODE;
        if (o->copy_up && plan_has_entries(b->plan, m->destination))
                return refuse(b, m->index, "options", -EOPNOTSUPP, "tmpcopyup: nothing is copied, and there is something");
        return 1;
}

static int build_mount(struct build *b, struct json_object *mount, struct oci_mount *m)
{
        struct check c = { .root = b->json->root, .value = mount };
        char clean[CONFIG_PATH_MAX + 2];
        struct mount_options options;
        const struct place *place;
        int r;

        path_clean(text_member(mount, "destination"), clean);
        place = place_find(mount_type(mount), clean);
        if (place && place->verdict == VERDICT_HARMLESS)
                return 0;
        m->optional = place;
        for (unsigned i = 0; i < b->plan->nmounts; i++)
                if (strcmp(b->plan->mounts[i].destination, clean) == 0)
                        return refuse(b, m->index, "destination", -EINVAL, "is that of mounts[%u]",
                                      b->plan->mounts[i].index);
        r = mount_options_read(&c, &options);
        if (r >= 0)
                r = build_format(b, &m->destination, "%s", clean);
        if (r < 0)
                return r;
        return strcmp(mount_type(mount), "tmpfs") == 0 ? build_tmpfs(b, &options, m) : build_bind(b, mount, &options, m);
}

int build_mounts(struct build *b)
{
        struct json_object *all = member(b->json->root, "mounts");
        size_t n = all ? json_object_array_length(all) : 0;

        b->plan->mounts = pool_alloc(b->plan->pool, n, sizeof(*b->plan->mounts));
        if (!b->plan->mounts)
                return build_no_memory(b);
        for (size_t i = 0; i < n; i++) {
                struct oci_mount m = { .index = (unsigned)i };
                int r = build_mount(b, json_object_array_get_idx(all, i), &m);

                if (r < 0)
                        return r;
                if (r)
                        b->plan->mounts[b->plan->nmounts++] = m;
        }
        return 0;
}
