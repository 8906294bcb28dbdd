/* peer.c - who is at the other end of a socket, as the kernel says. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>

#include "supervisor/control/control.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define GROUPS_MAX 1024

static bool has_group(int fd, gid_t primary, gid_t wanted)
{
        gid_t groups[GROUPS_MAX];
        socklen_t size = sizeof(groups);

        if (primary == wanted)
                return true;
        /* Whoever has more groups than fit is refused: ERANGE. */
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
                return false;
        for (size_t i = 0; i < size / sizeof(groups[0]); i++)
                if (groups[i] == wanted)
                        return true;
        return false;
}

int peer_read(int fd, gid_t control_group, struct control_peer *ret, struct error *err)
{
        struct ucred who;
        socklen_t size = sizeof(who);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
                return error_set(err, STAGE_PROTOCOL, -errno, ERROR_NOWHERE, "who is it: %m");
        *ret = (struct control_peer) {
                .pid = who.pid,
                .uid = who.uid,
                .may_change = who.uid == 0 || who.uid == geteuid() ||
                              (control_group != (gid_t)-1 && has_group(fd, who.gid, control_group)),
        };
        return 0;
}
