/* log.h - what a container engine reads when a command failed: runc's lines of JSON or of text, in the file of --log.
 *
 * oci_log_open - append to @path from now on; made with mode 0644 by others' expectation of it. NULL: no file.
 * oci_log - one line. @level: "error", "warning", "info", "debug". @text: control characters are escaped. */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"

_must_check_ int oci_log_open(const char *path, bool json, struct error *err);
_printf_(2, 3) void oci_log(const char *level, const char *format, ...);
/* Descriptor of the file, for a child that closes all others; -EBADF: none. */
int oci_log_fd(void);
