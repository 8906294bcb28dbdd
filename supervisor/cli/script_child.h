/* script_child.h - a test script, read in a locked child (see locked.h) that asks this process for what
 * a host of scripts does: load a module, instantiate, call, and so on.
 *
 * script_locked - run the script of the file @path and add to the counts of @total.
 * @host, @context: what is done for the script; see script_run.h. Numbers and values that the child hands
 *   over are not to be trusted, and reach it unchecked.
 * @total: .file and .skips are used, and .out gets the lines, cleaned of control characters
 * Returns 0, or negative errno with @err: the file cannot be read, the child died, or it broke the
 * protocol. The child's counts are its own words: a script that takes it over can claim what it likes. */
#pragma once

#include "engine/text/script_run.h"

_must_check_ int script_locked(const char *path, const struct script_host *host, void *context,
                               struct script_run *total, struct error *err);
