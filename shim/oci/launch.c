/* launch.c - see launch.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "shim/oci/launch.h"
#include "shim/oci/module.h"

/* Whoever may not mount has the directories side by side; what is read-only is so by the broker's word. */
static int add_trees(struct launch *l, struct error *err)
{
        struct run_options *o = &l->run->options;

        for (unsigned i = 0; i < l->nmounts; i++) {
                const struct launch_mount *m = &l->mounts[i];
                struct run_dir *dir = &l->run->dirs[o->ndirs];

                if (m->kind != MOUNT_BIND)
                        return error_set(err, STAGE_USAGE, -EOPNOTSUPP, ERROR_NOWHERE,
                                         "mounts: %.150s: only root can mount a tmpfs", m->destination);
                if (o->ndirs == ELEMENTSOF(l->run->dirs))
                        return error_set(err, STAGE_USAGE, -E2BIG, ERROR_NOWHERE, "mounts: more than %zu",
                                         ELEMENTSOF(l->run->dirs) - 1);
                *dir = (struct run_dir) { .host = m->source, .guest = m->destination, .read_only = m->read_only,
                                          .at = open(m->source, O_PATH | O_DIRECTORY | O_CLOEXEC) };
                if (dir->at < 0)
                        return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "mounts: %.150s: %m", m->source);
                o->ndirs++;
        }
        return 0;
}

int launch_root(struct launch *l, int *ret, struct error *err)
{
        _cleanup_close_ int root = -EBADF;
        bool mounts = mounts_possible();
        int r;

        if (mounts) {
                r = mounts_make(l->rootfs, l->read_only, l->mounts, l->nmounts, &root, err);
                if (r < 0)
                        return r;
        } else {
                root = open(l->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (root < 0)
                        return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "root.path %.150s: %m", l->rootfs);
        }
        /* With mounts the kernel says what is read-only: below a root that is there may be what is not. */
        l->run->dirs[0] = (struct run_dir) { .host = l->rootfs, .guest = "/", .at = root,
                                             .read_only = l->read_only && !(mounts && l->nmounts) };
        l->run->options.dirs = l->run->dirs;
        l->run->options.ndirs = 1;
        r = mounts ? 0 : add_trees(l, err);
        if (r < 0)
                return r;
        *ret = TAKE_FD(root);
        return 0;
}

int launch_file(const struct launch *l, int root, struct error *err)
{
        return module_open(root, l->module, &l->user, l->run->options.env, l->run->options.nenv, err);
}

void launch_done(struct launch *l)
{
        free(l->run);
        l->run = NULL;
}
