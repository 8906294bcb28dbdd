/* network.h - ranges of addresses; network_read() is in key.h.
 *
 * network_contains - whether every address of @inner is one of @outer.
 * network_special - what row of networks.def @n lies in, that row in @ret; NULL: none.
 * networks_allow - whether a key with these networks (none: all) lets connections to all of @inner;
 *   *ret_why: the reason when not. */
#pragma once

#include "policy/key.h"

bool network_contains(const struct network *outer, const struct network *inner);
const char *network_special(const struct network *n, struct network *ret);
bool networks_allow(const struct network *networks, unsigned n, const struct network *inner,
                    const char **ret_why);
char *network_text(const struct network *n, char *text, size_t size);
