/* module.h - process.args[0] as a file: found beneath @root, that of the container (O_PATH), as its user.
 *
 * module_open - @name: with a slash in it a path, as seen from the root; else it is looked for in the PATH of @env.
 *   Links are followed within the root. What is opened must be a regular file that begins as a WebAssembly module:
 *   nothing that was compiled elsewhere. A descriptor, the caller's. */
#pragma once

#include "shim/oci/plan.h"

_must_check_ int module_open(int root, const char *name, const struct oci_user *user, const char *const *env,
                             unsigned nenv, struct error *err);
