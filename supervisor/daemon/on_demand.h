/* on_demand.h - Instances=on-demand: a nanoprocess for each connection, with a queue before them.
 *
 * The daemon accepts, and hands the connection over as standard input and output. When InstancesMax= of
 * them live, QueueMax= connections wait, each for QueueTimeoutSec= at most; beyond that nothing is accepted, and
 * the kernel's backlog holds the rest: whoever comes too fast waits, and is not refused.
 *
 * on_demand_start - watch the unit's sockets. on_demand_next - a nanoprocess of it is free again.
 * on_demand_queue - connections that wait. on_demand_free - takes NULL; those that wait are closed. */
#pragma once

#include "supervisor/daemon/daemon.h"

_must_check_ int on_demand_start(struct service *s, struct error *err);
void on_demand_next(struct on_demand *o, struct nano *g);
unsigned on_demand_queue(const struct on_demand *o);
void on_demand_free(struct on_demand *o);
