/* launch.c - see launch.h. */
#include "config.h"

#include <fcntl.h>
#include <json.h>
#include <string.h>

#include "shim/oci/launch.h"
#include "shim/oci/module.h"
#include "shim/oci/mount.h"

int launch_read(const char *bundle, struct launch *ret, struct error *err)
{
        struct launch l = { .run = calloc(1, sizeof(*l.run)) };
        int r = l.run ? oci_plan_read(bundle, &l.plan, err)
                      : error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");

        if (r < 0) {
                launch_done(&l);
                return r;
        }
        *ret = l;
        return 0;
}

bool launch_is_sandbox(const struct launch *l)
{
        static const char *const names[] = { "io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType" };
        /* The reader wrote it: strings in one object. */
        struct json_object *all = l->plan->annotations ? json_tokener_parse(l->plan->annotations) : NULL, *value;
        bool is = false;

        for (size_t i = 0; all && i < ELEMENTSOF(names); i++)
                if (json_object_object_get_ex(all, names[i], &value))
                        is = is || strcmp(json_object_get_string(value), "sandbox") == 0;
        json_object_put(all);
        return is;
}

/* Below a root that is read-only there may be a mount that is not: then the kernel alone says what is. */
static int mount_all(struct oci_plan *plan, int *ret, struct error *err)
{
        int r = mounts_make(plan, ret, err);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < plan->nmounts; i++)
                plan->rootfs_read_only = plan->rootfs_read_only && plan->mounts[i].read_only;
        plan->nmounts = 0;
        return 0;
}

static int find_tree(struct run_dir *dir, struct error *err)
{
        const char *slash = dir->file ? strrchr(dir->host, '/') : NULL;
        char path[4096];

        if (snprintf(path, sizeof(path), "%.*s/", slash ? (int)(slash - dir->host) : (int)strlen(dir->host), dir->host) >=
            (int)sizeof(path))
                return error_set(err, STAGE_USAGE, -ENAMETOOLONG, ERROR_NOWHERE, "%.150s", dir->host);
        dir->at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return dir->at < 0 ? error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%.150s: %m", dir->host) : 0;
}

int launch_root(struct launch *l, int *ret, struct error *err)
{
        struct oci_plan *plan = l->plan;
        _cleanup_close_ int root = -EBADF;
        int r = 0;

        if (mounts_possible())
                r = mount_all(plan, &root, err);
        else
                root = fcntl(plan->rootfs_fd, F_DUPFD_CLOEXEC, 3);
        if (r >= 0 && root < 0)
                r = error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "root.path: %m");
        if (r >= 0)
                r = oci_plan_run(plan, l->run, err);
        for (unsigned i = 0; r >= 0 && i < l->run->options.ndirs; i++)
                if (strcmp(l->run->dirs[i].host, plan->rootfs) == 0)
                        l->run->dirs[i].at = root;
                else
                        r = find_tree(&l->run->dirs[i], err);
        if (r < 0)
                return r;
        /* As the bundle has them, the module's path with them. */
        l->run->options.args = plan->args.words;
        l->run->options.nargs = plan->args.n;
        *ret = TAKE_FD(root);
        return 0;
}

int launch_file(const struct launch *l, int root, struct error *err)
{
        const struct oci_plan *plan = l->plan;

        return module_open(root, plan->args.words[0], &plan->user, plan->env.words, plan->env.n, err);
}

void launch_done(struct launch *l)
{
        oci_plan_free(l->plan);
        free(l->run);
        *l = (struct launch) { 0 };
}
