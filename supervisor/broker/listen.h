/* listen.h - listening sockets of the command line.
 *
 * listen_open - "tcp:ADDRESS:PORT", the address a number, IPv6 in brackets. Names are not looked
 *   up. Returns the socket, or -EINVAL (the text), or what bind said. */
#pragma once

#include "engine/base/error.h"

_must_check_ int listen_open(const char *text, struct error *err);
