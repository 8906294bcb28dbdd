/* connector.h - what a child of connect_start() does with its life. Only connect.c includes this.
 *
 * connector_run - puts up the walls (docs/walls.md), makes the connections of @keys, sends one struct connected and
 *   the sockets with it to @sock, and ends. @parent: it ends with that one. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "policy/key.h"

struct connected { /* hostile, like all that it says */
        int32_t code;    /* 0: all are along */
        uint32_t stage;
        uint32_t at;     /* which key's error this is */
        char text[256];
};

_noreturn_ void connector_run(const struct key *const *keys, unsigned n, int sock, pid_t parent);
