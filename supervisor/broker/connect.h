/* connect.h - connections that keys open, made before the guest runs, by a child that is locked up first: a name
 * may take long to resolve, and what its answer is made of is nobody's whom the broker trusts.
 *
 * The child resolves the host of a key, and connects to the first of its addresses that the key allows: the
 * resolved address decides, not the name. Each key must name one place: one port, and a host or one address. What it
 * hands over is looked at again, since whoever answered it may be it by now.
 *
 * connect_start - a child that makes the connections of @keys, in this order. They are borrowed until connect_end().
 *   @ret->sock is ready to be read when it has come to an end.
 * connect_read - what it has to say. Returns 0, and fds[0 .. n-1] are the caller's; -EAGAIN: nothing yet; -EACCES
 *   (STAGE_POLICY): every address of a key is forbidden, the text says why; -EOPNOTSUPP: the key is a range; else
 *   what the network said. *@ret_at: of which key the error is.
 * connect_end - the child's end, whatever it does. A second call does nothing.
 * connect_check - whether @fd is a TCP connection to what @key allows. -EACCES (STAGE_POLICY), -ENOTCONN
 * connect_open - the connection of one key, or negative errno. Waits up to ten seconds for each address. */
#pragma once

#include "policy/key.h"
#include "supervisor/broker/spawn.h"

#define CONNECT_KEYS_MAX 64u

struct connecting_child {
        struct process child; /* pid 0: none */
        int sock, audit;
        const struct key *const *keys;
        unsigned n;
};

_must_check_ int connect_start(const struct key *const *keys, unsigned n, struct connecting_child *ret, struct error *err);
_must_check_ int connect_read(struct connecting_child *c, int *fds, unsigned *ret_at, struct error *err);
void connect_end(struct connecting_child *c);
_must_check_ int connect_check(const struct key *key, int fd, struct error *err);
_must_check_ int connect_open(const struct key *key, struct error *err);
