/* console.c - see console.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "shim/oci/console.h"
#include "supervisor/proto/descriptors.h"

#define MULTIPLEXER "/dev/ptmx"

static int fail(struct error *err, const char *what)
{
        return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "terminal: %s: %m", what);
}

int console_check(const char *path, bool terminal, struct error *err)
{
        struct sockaddr_un at;

        if (terminal && !path)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "process.terminal is true: --console-socket must say where the terminal goes");
        if (!terminal && path)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "--console-socket: process.terminal is false");
        if (path && strlen(path) >= sizeof(at.sun_path))
                return error_set(err, STAGE_USAGE, -ENAMETOOLONG, ERROR_NOWHERE, "--console-socket: too long");
        return 0;
}

static int send_master(const char *path, int master, struct error *err)
{
        _cleanup_close_ int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int r;

        memcpy(at.sun_path, path, strlen(path) + 1);
        if (sock < 0 || connect(sock, (const struct sockaddr *)&at, sizeof(at)) < 0)
                return fail(err, path);
        /* The name is for people; whoever reads wants at least a byte. */
        r = descriptors_send(sock, MULTIPLEXER, strlen(MULTIPLEXER), &master, 1, 0);
        if (r < 0) {
                errno = -r;
                return fail(err, path);
        }
        return 0;
}

int console_open(const char *path, const struct oci_plan *plan, struct error *err)
{
        _cleanup_close_ int master = open(MULTIPLEXER, O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -EBADF;
        struct winsize size = { .ws_row = plan->rows, .ws_col = plan->columns };
        int unlocked = 0, r;

        if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
                return fail(err, MULTIPLEXER);
        /* By the master itself, not by a name in a file system that might not be the one it is of. */
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
                return fail(err, "its other end");
        if ((size.ws_row && size.ws_col && ioctl(master, TIOCSWINSZ, &size) < 0) ||
            (geteuid() == 0 && fchown(slave, plan->user.uid, (gid_t)-1) < 0))
                return fail(err, "its size and owner");
        r = send_master(path, master, err);
        if (r < 0)
                return r;
        /* Not before somebody has the master: its end is a signal to the session. */
        if (ioctl(slave, TIOCSCTTY, 0) < 0)
                return fail(err, "as that of the session");
        for (int fd = 0; fd < 3; fd++)
                if (dup2(slave, fd) < 0)
                        return fail(err, "standard streams");
        return 0;
}
