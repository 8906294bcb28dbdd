/* listen.h - listening sockets of the command line.
 *
 * listen_open - "tcp:ADDRESS:PORT", the address a number, IPv6 in brackets. Names are not looked
 *   up. Returns the socket, or -EINVAL (the text), or what bind said.
 * listen_limit - for a socket that a cell accepts on, wherever it came from: an accept() that finds the connection
 *   gone, to another process or to its sender's second thoughts, comes back soon. A cell without io_uring calls it in
 *   a thread that has others to serve. */
#pragma once

#include "engine/base/error.h"

_must_check_ int listen_open(const char *text, struct error *err);
void listen_limit(int fd);
