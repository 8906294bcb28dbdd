/* connect.h - a connection that a key opens, made by the broker before the guest runs.
 *
 * connect_open - resolve the host of @key, and connect to the first of its addresses that the key allows: the
 *   resolved address decides, not the name. The key must name one place: one port, and a host or one address.
 *   Returns the socket; -EACCES (STAGE_POLICY): every address is forbidden, the text says why; -EOPNOTSUPP:
 *   the key is a range; else what the network said. Waits up to ten seconds for each address. */
#pragma once

#include "policy/key.h"

_must_check_ int connect_open(const struct key *key, struct error *err);
