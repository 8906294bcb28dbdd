/* container.h - the process of a container: forked by `create`, the broker of one cell.
 *
 * It says one thing to `create`, over a socket: that the cell is locked and has its module, or what went wrong. Then
 * it waits for `start`, enters nothing and opens nothing any more, runs the guest, and exits with its status:
 *
 *     the guest's own; 134: a trap; 70: its cell was lost; 124: a time-out; another of nacelle-oci(8)
 *
 * with one line on stderr that says which. As long as `create` lives, its death is ours.
 *
 * container_main - in the child. Does not come back. */
#pragma once

#include "shim/oci/cgroup.h"
#include "shim/oci/launch.h"

struct container {
        struct launch *launch;
        const char *console;   /* socket for the master of its terminal; NULL: none */
        const struct oci_cgroups *cgroups;
        bool scope;            /* systemd makes the group */
        int fifo, creator;     /* `start` writes here; `create` listens there */
        pid_t parent;
        bool refresh;          /* the cache's entry was no good */
};

struct container_word { /* what it says */
        int32_t code;          /* 0: ready */
        uint32_t stage;
        uint64_t offset;
        char text[256];
};

_noreturn_ void container_main(struct container *c);
