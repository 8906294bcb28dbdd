/* connecting.h - the connections that a unit's keys open, made before each start of a nanoprocess, in a child: a
 * name may take long to resolve, and what its answer is made of is nobody's whom the daemon trusts.
 *
 * connecting_wanted - whether @u or one of its imports has such a key.
 * connecting_start - for @g: g->connecting, until connecting_done() is called from the loop, once; then g->connections
 *   are there, or there is an error. No more than a few children at a time: others wait for their turn.
 * connecting_free - it is not awaited any more. Takes NULL. connecting_go_on - then, those whose turn it is.
 * connections_drop - what nobody took of g->connections. */
#pragma once

#include "supervisor/daemon/daemon.h"

bool connecting_wanted(const struct unit *u);
_must_check_ int connecting_start(struct nano *g, struct error *err);
void connecting_free(struct connecting *c);
void connecting_go_on(void);
void connections_drop(struct nano *g);

/* nano.c. @r: 0, or negative and @err says why. */
void connecting_done(struct nano *g, int r, const struct error *err);
