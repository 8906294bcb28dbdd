/* state.h - what is known of a container between two commands: a directory ROOT/ID with
 *
 *     state.json   written whole, by a rename: without it there is no container
 *     start        a fifo that the container's process waits at; `start` writes into it and removes it
 *     cgroups      the control groups that were made, a line each; written before they are
 *
 * The directory itself is the lock: two commands of one container do not run at once. Who is killed leaves at most
 * a directory without a state, which the next command of that name takes away.
 *
 * oci_id_check - letters, digits and "_+.-", neither "." nor "..", 1024 bytes at most.
 * oci_state_new - the directory of a container that is not there yet, locked. -EEXIST.
 * oci_state_open - of one that is: its state, locked with @lock. -ENOENT.
 * oci_state_write - make the container's state what @s says.
 * oci_state_remove - the directory, and so the container.
 * oci_state_status - by what the kernel says of the process, and whether `start` has been.
 * oci_state_done - close, unlock, free; of a new one without a state the directory goes as well. */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"
#include "shim/oci/process.h"

enum oci_status { OCI_CREATED, OCI_RUNNING, OCI_STOPPED };

struct oci_state {
        char *id, *bundle, *created;      /* strings are ours; created: a time, RFC 3339 */
        char *annotations;                /* a JSON object; NULL: none */
        uid_t owner;                      /* who made it */
        struct oci_process process;
        int root, dir;                    /* directories */
        bool fresh;                       /* no state was written yet */
};

#define OCI_STATE_NONE ((struct oci_state) { .root = -EBADF, .dir = -EBADF })
#define OCI_STATE_FIFO "start"
#define OCI_STATE_CGROUPS "cgroups"

_must_check_ int oci_id_check(const char *id, struct error *err);
/* ROOT, made when it is not there. */
_must_check_ int oci_root_open(const char *path, bool make, struct error *err);
_must_check_ int oci_state_new(const char *root, const char *id, struct oci_state *ret, struct error *err);
_must_check_ int oci_state_open(const char *root, const char *id, bool lock, struct oci_state *ret, struct error *err);
_must_check_ int oci_state_write(struct oci_state *s, struct error *err);
_must_check_ int oci_state_remove(struct oci_state *s, struct error *err);
enum oci_status oci_state_status(const struct oci_state *s);
const char *oci_status_text(enum oci_status status);
void oci_state_done(struct oci_state *s);

/* A file of the directory: at most @size - 1 bytes and a terminator. Its length, or negative errno. */
_must_check_ ssize_t oci_state_read_file(const struct oci_state *s, const char *name, char *text, size_t size);
_must_check_ int oci_state_write_file(const struct oci_state *s, const char *name, const char *text);
