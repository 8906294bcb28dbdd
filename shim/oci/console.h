/* console.h - process.terminal: a terminal of the container's own.
 *
 * console_check - @path is a socket that somebody may listen at, and there is one exactly when a terminal is wanted.
 * console_open - a new terminal becomes descriptors 0, 1, 2 and the session's own; its master goes over the socket. */
#pragma once

#include "shim/oci/plan.h"

_must_check_ int console_check(const char *path, bool terminal, struct error *err);
_must_check_ int console_open(const char *path, const struct oci_plan *plan, struct error *err);
