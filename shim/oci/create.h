/* create.h - what `create` and `run` have in common.
 *
 * container_create - the container @id from @o's bundle: its process, locked and waiting, and then its state. @ret_pid:
 *   the process, our child. On failure nothing of it is left.
 * container_start - let it run. -ENOENT: there is none; -EINVAL: it was started, or has ended.
 * container_delete - it and what is kept of it. -EINVAL: it runs, without @force. */
#pragma once

#include "shim/oci/oci.h"

struct create_options {
        const char *bundle, *pid_file, *console;
        unsigned preserve_fds;
        bool no_pivot, no_new_keyring;
        bool detach, keep; /* run */
};

_must_check_ int container_create(const struct globals *g, const struct create_options *o, const char *id,
                                  pid_t *ret_pid, struct error *err);
_must_check_ int container_start(const struct globals *g, const char *id, struct error *err);
_must_check_ int container_delete(const struct globals *g, const char *id, bool force, struct error *err);
