/* enter.c - see enter.h. */
#include "config.h"

#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/policy.h"
#include "shim/oci/enter.h"

int enter_oom_score(const struct oci_plan *plan, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;
        char text[16];
        int n = snprintf(text, sizeof(text), "%d", plan->oom_score_adj);

        if (!plan->oom_score_given)
                return 0;
        fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        return fd < 0 || write(fd, text, (size_t)n) != n
                       ? error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "process.oomScoreAdj %s: %m", text)
                       : 0;
}

static int failed(struct error *err, const char *what)
{
        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s: %m", what);
}

static int loopback_up(struct error *err)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq lo = { .ifr_name = "lo" };

        if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &lo) < 0)
                return failed(err, "loopback interface");
        lo.ifr_flags |= IFF_UP;
        return ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? failed(err, "loopback interface") : 0;
}

int enter_network(const struct oci_plan *plan, bool sockets, struct error *err)
{
        _cleanup_close_ int fd = -EBADF;

        switch (plan->network) {
        case OCI_NETWORK_NEW:
                if (unshare(CLONE_NEWNET) == 0)
                        return loopback_up(err);
                /* Without the right to it: the cell makes an empty one of its own in any case, but sockets would be of ours. */
                return errno == EPERM && geteuid() != 0 && !sockets ? 0 : failed(err, "a network namespace");
        case OCI_NETWORK_PATH:
                fd = open(plan->network_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
                if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "network namespace %.150s: %m",
                                         plan->network_path);
                return 0;
        default:
                return 0;
        }
}

/* Somebody who is not root can only be himself. */
static bool is_us(const struct oci_user *u)
{
        return u->uid == geteuid() && u->gid == getegid() && u->ngroups == 0;
}

int enter_user(const struct oci_user *u, struct error *err)
{
        if (geteuid() != 0) {
                if (!is_us(u))
                        return error_set(err, STAGE_BROKER, -EPERM, ERROR_NOWHERE,
                                         "process.user: %u:%u cannot be entered by user %u", (unsigned)u->uid,
                                         (unsigned)u->gid, (unsigned)geteuid());
                return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? failed(err, "no_new_privs") : 0;
        }
        if (setgroups(u->ngroups, u->groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0)
                return failed(err, "process.user: groups");
        if (u->uid == 0)
                return policy_supervisor(err);
        if (setresuid(u->uid, u->uid, u->uid) < 0)
                return failed(err, "process.user");
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? failed(err, "no_new_privs") : 0;
}

/* Changing the effective user takes its capabilities out of force, and gives them back. */
int as_user_begin(const struct oci_user *u, struct error *err)
{
        if (geteuid() != 0)
                return 0;
        if (setgroups(u->ngroups, u->groups) < 0 || setegid(u->gid) < 0 || seteuid(u->uid) < 0)
                return failed(err, "process.user");
        return 0;
}

int as_user_end(struct error *err)
{
        if (getuid() != 0)
                return 0;
        if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(0, NULL) < 0)
                return failed(err, "process.user");
        return 0;
}
