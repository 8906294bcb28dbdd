/* posture_as.c - a look at a cell by a root that may not look at other users' processes, as that of a container: a child
 * becomes the cell's user and looks. The cell is still dumpable then, as with an ordinary user. */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/posture.h"

bool posture_may_look(void)
{
        cap_t caps = cap_get_proc();
        cap_flag_value_t on = CAP_CLEAR;

        if (caps)
                (void)cap_get_flag(caps, CAP_SYS_PTRACE, CAP_EFFECTIVE, &on);
        cap_free(caps);
        return on == CAP_SET;
}

struct look { /* shared with the child */
        int r;
        struct posture posture;
        struct error err;
};

/* What /proc shows of a dumpable process belongs to its user. */
static int become_like(pid_t pid)
{
        char path[32];
        struct stat st;

        snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        if (stat(path, &st) < 0 || setgroups(0, NULL) < 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
            setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
                return -errno;
        return 0;
}

static void look(pid_t pid, int ring_fd, struct look *l)
{
        l->r = become_like(pid);
        if (l->r < 0)
                error_set(&l->err, STAGE_POLICY, l->r, ERROR_NOWHERE, "becoming the cell's user: %m");
        else
                l->r = posture_read(pid, ring_fd, &l->posture, &l->err);
}

int posture_read_of_cell(pid_t pid, int ring_fd, struct posture *ret, struct error *err)
{
        struct look *l;
        pid_t child;
        int status = 0, r;

        if (geteuid() != 0 || posture_may_look())
                return posture_read(pid, ring_fd, ret, err);
        l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (l == MAP_FAILED)
                return error_set(err, STAGE_POLICY, -errno, ERROR_NOWHERE, "looking at the cell: %m");
        l->r = -EIO;
        child = fork();
        if (child == 0) {
                look(pid, ring_fd, l);
                _exit(0);
        }
        while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        r = child < 0 || status != 0 ? -EIO : l->r;
        if (r >= 0)
                *ret = l->posture;
        else if (l->err.code)
                *err = l->err;
        else
                error_set(err, STAGE_POLICY, r, ERROR_NOWHERE, "nobody could look at the cell");
        munmap(l, sizeof(*l));
        return r;
}
