/* namespaces.c - a cell gets mounts, IPC objects, a host name and process numbers of its own, its root is an empty
 * directory, and where it pays for the time that it takes (a millisecond), its network is empty too.
 *
 * Landlock leaves a path's existence, its mode and its attributes to be asked; in an empty root there
 * is no path. Root does it by its capabilities, a user through a user namespace where the host allows that;
 * many hosts do not, so the layer may be absent without --degraded, and `nacelle posture` says so. */
#include "config.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/policy.h"

static bool enter(int flags)
{
        if (unshare(flags) == 0)
                return true;
        return errno == EPERM && unshare(flags | CLONE_NEWUSER) == 0;
}

/* A directory that every host has, to mount the new root on: in our own mounts nobody misses it. */
static const char *place(void)
{
        static const char *const places[] = { "/usr", "/tmp", "/etc", "/proc" };

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (access(places[i], F_OK) == 0)
                        return places[i];
        return NULL;
}

static bool empty_root(void)
{
        const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
        const char *at = place();

        if (!at || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("nothing", at, "tmpfs", flags, "size=4k,nr_inodes=2,mode=0555") < 0 || chdir(at) < 0)
                return false;
        /* The old root is stacked below the new one, and taken away with all that was mounted on it. */
        if (syscall(SYS_pivot_root, ".", ".") == 0)
                return umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
        return chroot(".") == 0; /* a host that runs from its initial ram disk cannot pivot */
}

int policy_namespaces(struct lockdown *l, bool network, bool pids, struct error *err)
{
        int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (network ? CLONE_NEWNET : 0);

        if (l->skip & LAYER_BIT(LAYER_NAMESPACES))
                return 0;
        l->pids = pids && enter(flags | CLONE_NEWPID);
        if ((!l->pids && !enter(flags)) || !empty_root())
                l->missing |= LAYER_BIT(LAYER_NAMESPACES);
        return 0;
}
