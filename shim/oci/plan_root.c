/* plan_root.c - the root filesystem, opened where the configuration says it is and nowhere else. */
#include "config.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#include "shim/oci/plan_build.h"

/* A link anywhere on the way could be pointed elsewhere by who owns its directory; in the bundle nothing leads out. */
int build_root(struct build *b)
{
        struct json_object *root = member(b->json->root, "root");
        const char *path = text_member(root, "path");
        char clean[CONFIG_PATH_MAX + 2];
        struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
        struct oci_plan *p = b->plan;

        path_clean(path, clean);
        if (clean[0] != '/')
                how.resolve |= RESOLVE_BENEATH;
        p->rootfs_fd = (int)syscall(SYS_openat2, b->bundle, clean, &how, sizeof(how));
        if (p->rootfs_fd < 0 && errno == ELOOP)
                return oci_json_error(b->json, b->err, -EACCES, "root.path", "%.100s: a symbolic link is on the way", clean);
        if (p->rootfs_fd < 0)
                return oci_json_error(b->json, b->err, -errno, "root.path", "%.100s: %m", clean);
        p->rootfs_read_only = json_object_get_boolean(member(root, "readonly"));
        if (clean[0] == '/')
                return build_format(b, &p->rootfs, "%s", clean);
        return strcmp(clean, ".") == 0 ? build_format(b, &p->rootfs, "%s", p->bundle)
                                       : build_format(b, &p->rootfs, "%s/%s", p->bundle, clean);
}
