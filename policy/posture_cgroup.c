/* posture_cgroup.c - in which control group a process is, whether that is one like those of cells, and whether it is
 * ours to divide. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "policy/cgroup.h"
#include "policy/posture.h"

static void closefilep(FILE **f)
{
        if (*f)
                fclose(*f);
}

/* Its path in the hierarchy of version 2, as our own namespace names it. */
static int group_of(pid_t pid, char *path, size_t size)
{
        _cleanup_(closefilep) FILE *f = NULL;
        char name[48], line[4096];

        snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
        f = fopen(name, "re");
        while (f && fgets(line, sizeof(line), f)) {
                if (strncmp(line, "0::/", 4) != 0)
                        continue;
                line[strcspn(line, "\n")] = '\0';
                return (size_t)snprintf(path, size, "%s", line + 3) < size ? 0 : -ENAMETOOLONG;
        }
        return f ? -ENOENT : -errno;
}

/* Where that hierarchy is mounted, and which part of it. */
static int mount_of(char *root, char *at)
{
        _cleanup_(closefilep) FILE *f = fopen("/proc/self/mountinfo", "re");
        char line[4096];

        while (f && fgets(line, sizeof(line), f)) {
                const char *type = strstr(line, " - ");

                if (type && strncmp(type, " - cgroup2 ", 11) == 0 &&
                    sscanf(line, "%*d %*d %*s %1023s %1023s", root, at) == 2)
                        return 0;
        }
        return -ENOENT;
}

int posture_cgroup(pid_t pid, char *path, size_t size)
{
        char group[2048], root[1024], at[1024];
        const char *below = group;
        size_t n;
        int r = group_of(pid, group, sizeof(group));

        if (r >= 0)
                r = mount_of(root, at);
        if (r < 0)
                return r;
        n = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (n && (strncmp(group, root, n) != 0 || (group[n] != '/' && group[n] != '\0')))
                return -ENOENT; /* outside of what is mounted here */
        below += n;
        if (strstr(below, "/../"))
                return -ENOENT; /* outside of our namespace */
        return (size_t)snprintf(path, size, "%s%s", at, below) < size ? 0 : -ENAMETOOLONG;
}

static bool file_says(int dir, const char *name, const char *what)
{
        _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        char text[64];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (n < 0)
                return false;
        text[n] = '\0';
        return strcmp(text, what) == 0;
}

void posture_read_cgroup(pid_t pid, struct posture *p)
{
        char path[4096], alone[24];
        _cleanup_close_ int dir = -EBADF;

        if (posture_cgroup(pid, path, sizeof(path)) < 0)
                return;
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return;
        snprintf(alone, sizeof(alone), "%d\n", (int)pid);
        p->own_cgroup = file_says(dir, "cgroup.procs", alone);
        p->cgroup_limits = faccessat(dir, "pids.max", F_OK, 0) == 0 && !file_says(dir, "pids.max", "max\n");
        snprintf(p->cgroup, sizeof(p->cgroup), "%.*s", (int)sizeof(p->cgroup) - 1, path);
}

static int no(char *why, size_t size, int code, const char *text)
{
        snprintf(why, size, "%s", text);
        return code;
}

/* The service manager marks what it hands over. A directory that a user other than root owns is theirs for the same
 * reason. The root of the hierarchy is nobody's to hand over. */
static bool is_delegated(int dir)
{
        static const char *const marks[] = { "trusted.delegate", "user.delegate" };
        struct stat st;

        for (size_t i = 0; i < ELEMENTSOF(marks); i++) {
                char mark = '0';

                if (fgetxattr(dir, marks[i], &mark, 1) == 1 && mark == '1')
                        return true;
        }
        return fstat(dir, &st) == 0 && st.st_uid == geteuid() && st.st_uid != 0;
}

int cgroup_own(char *why, size_t size)
{
        char path[4096], alone[24];
        _cleanup_close_ int dir = -EBADF;

        if (posture_cgroup(getpid(), path, sizeof(path)) >= 0)
                dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return no(why, size, -ENOENT, "there is no hierarchy of version 2");
        if (faccessat(dir, "cgroup.type", F_OK, 0) < 0)
                return no(why, size, -EPERM, "it runs in the root of the hierarchy");
        if (!is_delegated(dir))
                return no(why, size, -EPERM, "none was handed over (Delegate=)");
        /* A group with processes of its own hands on no controllers, and others are not ours to move. */
        snprintf(alone, sizeof(alone), "%d\n", (int)getpid());
        if (!file_says(dir, "cgroup.procs", alone))
                return no(why, size, -EBUSY, "others are in its group");
        return TAKE_FD(dir);
}
