/* client.h - the control protocol, the asking side: blocking, one call at a time.
 *
 * client_open - connect to the socket @path; NULL: the user's own daemon where one listens, else the
 *   system's. -ENOENT, -ECONNREFUSED: none runs there; the text says so.
 * client_call - send the call @method (of io.nacelle.Supervisor unless it has a dot) with @parameters,
 *   which are taken over; NULL: none. @more: any number of answers is wanted.
 * client_reply - the next answer into @ret, the caller's to json_object_put(). Returns 1 when more
 *   answers follow, 0 when it was the last, -EREMOTEIO with the text of a refusal, or another error.
 * client_ask - a call and its only answer. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

#include "engine/base/error.h"

struct client;

_must_check_ int client_open(const char *path, struct client **ret, struct error *err);
void client_free(struct client *c);
_must_check_ int client_call(struct client *c, const char *method, struct json_object *parameters,
                             bool more, struct error *err);
_must_check_ int client_reply(struct client *c, struct json_object **ret, struct error *err);
_must_check_ int client_ask(struct client *c, const char *method, struct json_object *parameters,
                            struct json_object **ret, struct error *err);

/* Where the daemon listens: of this user (@user), or the system's. -ENOENT without XDG_RUNTIME_DIR. */
int control_path(bool user, char *path, size_t size);

static inline void client_freep(struct client **c)
{
        client_free(*c);
}
