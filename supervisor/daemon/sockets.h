/* sockets.h - the listening sockets of units: handed over by the service manager, kept in its store, or made.
 *
 * sockets_open - take what the daemon was started with.
 * sockets_claim - the sockets of @s's listen keys, in their order, into s->listen. -ENOENT: one is not handed over.
 *   Those that are made here go into the manager's store as UNIT/KEY.
 * sockets_release - closes them, and takes them out of the store unless the daemon itself is ending. What was
 *   handed over stays for the next start. */
#pragma once

#include "supervisor/daemon/daemon.h"

_must_check_ int sockets_open(struct daemon *d, struct error *err);
void sockets_free(struct daemon *d);
_must_check_ int sockets_claim(struct service *s, struct error *err);
void sockets_release(struct service *s);
