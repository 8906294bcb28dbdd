/* linked.h - what the modules of a unit's nanoprocesses import from, as members of their groups.
 *
 * linked_fill - the descriptors of @m's specs, for a life of @g: streams, sockets to accept from, the connections that
 *   were made (from *@at of g->connections on, which moves), paths. On failure nothing is left open.
 * linked_view - the members of @g, which lives, with what they use: for the control socket. */
#pragma once

#include "supervisor/broker/member.h"
#include "supervisor/daemon/daemon.h"

_must_check_ int linked_fill(struct nano *g, struct members *m, unsigned *at, struct error *err);
void linked_freep(struct members *m); /* what linked_fill() made for it, too; descriptors stay */
/* @g is about to leave its cell: what its imports have used stays in its service's books. */
void linked_ended(const struct nano *g);
/* What import @i of all nanoprocesses of @s uses; refusals are those of its past ones, too. */
void linked_usage(const struct service *s, unsigned i, struct usage *ret);
uint64_t linked_refusals(const struct usage *u); /* by keys and limits */
struct json_object *linked_view_unit(const struct service *s);
struct json_object *linked_view(const struct nano *g);
