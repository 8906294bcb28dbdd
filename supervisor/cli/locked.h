/* locked.h - reads a hostile file in a child that has put on the compiler's walls first: no files, no
 * network, no other process, limits on memory and time.
 *
 * locked_run - run @work over the bytes of the file @path in such a child.
 * @work: writes its result to @out; or returns an error with @err set, having written to @out what is to
 *        stand below the error's line, if anything
 * @ret_status: 0 and the result is in @ret; else the exit status that the error means, and @ret is
 *        text for people (print it with locked_print, the child's words are not to be trusted)
 * Returns 0, or negative errno with @err when the file cannot be opened or the child died.
 *
 * locked_start - the same for work that asks this process things on the way.
 * @body: runs in the child, with @ret->fd's other end as @channel; @refused->code < 0: the walls could
 *        not go up, it must say so and do nothing else. Never returns to its caller: the child ends.
 * @role: ROLE_COMPILER may only write to the channel, ROLE_READER may read as well
 * locked_end - wait for the child. 0, or -EIO with @err when it did not end well.
 *
 * locked_print - @bytes as text: control characters but the line feed become question marks. */
#pragma once

#include <stdio.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"
#include "policy/policy.h"

typedef int (*locked_work)(FILE *out, const uint8_t *bytes, size_t size, struct error *err);

_must_check_ int locked_run(const char *path, locked_work work, int *ret_status, struct buffer *ret,
                            struct error *err);

struct locked_child {
        pid_t pid;
        int fd; /* a stream socket */
};

typedef void (*locked_body)(void *context, int channel, const uint8_t *bytes, size_t size,
                            struct error *refused);

_must_check_ int locked_start(const char *path, enum role role, locked_body body, void *context,
                              struct locked_child *ret, struct error *err);
_must_check_ int locked_end(struct locked_child *child, const char *path, struct error *err);

void locked_print(FILE *stream, const struct buffer *text);
