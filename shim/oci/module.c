/* module.c - see module.h. */
#include "config.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/oci/enter.h"
#include "shim/oci/module.h"

#define PATH_USUAL "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int open_in(int root, const char *path)
{
        const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                                      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

static const char *path_of(const char *const *env, unsigned nenv)
{
        for (unsigned i = 0; i < nenv; i++)
                if (strncmp(env[i], "PATH=", 5) == 0)
                        return env[i] + 5;
        return PATH_USUAL;
}

static int search(int root, const char *name, const char *path)
{
        char file[4096];
        int r = -ENOENT;

        for (const char *at = path; r == -ENOENT; at++) {
                int n = (int)strcspn(at, ":");

                if (n > 0 && snprintf(file, sizeof(file), "%.*s/%s", n, at, name) < (int)sizeof(file))
                        r = open_in(root, file);
                at += n;
                if (!*at)
                        break;
        }
        return r;
}

static int check(int fd, const char *name, struct error *err)
{
        static const char magic[4] = { '\0', 'a', 's', 'm' };
        char head[4];
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return error_set(err, STAGE_USAGE, -EACCES, ERROR_NOWHERE, "%.150s: is not a regular file", name);
        if (pread(fd, head, sizeof(head), 0) == sizeof(head) && memcmp(head, magic, sizeof(magic)) == 0)
                return 0;
        return error_set(err, STAGE_USAGE, -ENOEXEC, ERROR_NOWHERE,
                         "%.150s: is not a WebAssembly module, and this runtime runs nothing else", name);
}

int module_open(int root, const char *name, const struct oci_user *user, const char *const *env, unsigned nenv,
                struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = as_user_begin(user, err);
        if (r < 0)
                return r;
        fd = strchr(name, '/') ? open_in(root, name) : search(root, name, path_of(env, nenv));
        r = as_user_end(err);
        if (r < 0)
                return r;
        if (fd < 0)
                return error_set(err, STAGE_USAGE, fd, ERROR_NOWHERE, "process.args[0]: %.150s: %s", name, strerror(-fd));
        r = check(fd, name, err);
        return r < 0 ? r : TAKE_FD(fd);
}
