/* host.h - where nanoprocesses live: the daemon's side of the cells.
 *
 * host_spawn - begin the life of @g with its service's artefact; nano_started() and nano_ended() follow
 *   from the loop, or it fails at once. host_end - ask it to stop, or end it @now; nano_ended() follows.
 * host_end_cell - kill the cell that @g lives in; its guests are told of as lost, from the loop.
 * host_forget - @s has no guest any more: nothing of it needs to be kept.
 * host_usage - what @g has used so far, with what it imports from; host_member_usage - import @i of it alone.
 *   host_guests_of - how many nanoprocesses a unit has in the daemon's books; one stands for all connections of
 *   an on-demand unit.
 * host_sweep_soon - some unit has other code, or none any more: what nobody uses is to leave the cells.
 * host_view - the cells, for the control socket. */
#pragma once

#include "supervisor/daemon/daemon.h"

_must_check_ int host_new(struct daemon *d, struct error *err);
void host_free(struct daemon *d);
_must_check_ int host_spawn(struct nano *g, struct error *err);
void host_end(struct nano *g, bool now);
void host_end_cell(struct nano *g);
void host_forget(struct service *s);
void host_sweep_soon(struct daemon *d);
void host_usage(const struct nano *g, struct usage *ret);
void host_member_usage(const struct nano *g, unsigned i, struct usage *ret);
unsigned host_guests_of(const struct unit *u);
unsigned host_cells(const struct daemon *d);
struct json_object *host_view(struct daemon *d);
