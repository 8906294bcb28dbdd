/* control.h - the control protocol, server side: varlink (JSON objects, each ended by a zero byte).
 *
 * The peer is hostile: a message has at most CONTROL_MESSAGE_MAX bytes, nests at most CONTROL_DEPTH_MAX
 * deep, and has no member that its method does not know. One call of a connection is served at a time; a
 * peer that does not read is not written for. Neither loops nor clocks here: the caller watches the
 * descriptor for connection_events() and calls connection_ready().
 *
 * connection_new - @fd is taken over. @peer: who it is, from SO_PEERCRED (peer_read()).
 *   @methods: by enum control_method; @context is theirs.
 * connection_events - EPOLLIN, EPOLLOUT: what to wait for now.
 * connection_ready - read, serve, write. Returns 0, or a negative errno: free the connection.
 * connection_flush - write what a handler added outside of connection_ready(). The same result.
 *
 * A handler gets the call and its checked parameters, and answers now or later:
 * call_reply - the last answer. call_part - one of several; only with call->more.
 * call_refuse - an error, by name: without a dot, one of io.nacelle.Supervisor's. @details may be NULL.
 *   All three take over the JSON object.
 * call->next - called whenever all that was written is read by the peer, as long as the call lasts.
 * call->done - called once when the call is over, answered or not; frees call->state. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/base/buffer.h"
#include "engine/base/error.h"

#define CONTROL_MESSAGE_MAX 65536u
#define CONTROL_DEPTH_MAX   8
#define CONTROL_OUTPUT_MAX  (16u << 20) /* unread answers of one connection */
#define CONTROL_INTERFACE   "io.nacelle.Supervisor"

enum control_method {
#define CONTROL_METHOD(name, access, parameters) CONTROL_##name,
#include "supervisor/control/methods.def"
        _CONTROL_METHOD_MAX,
};

struct control_peer {
        pid_t pid;
        uid_t uid;
        bool may_change;
};

struct connection;

struct control_call {
        struct connection *connection;
        const struct control_peer *peer;
        void *context;              /* of connection_new() */
        bool more;
        bool oneway;
        bool open;                  /* not answered yet */
        void (*next)(struct control_call *call);
        void (*done)(struct control_call *call);
        void *state;
};

typedef void (*control_handler)(struct control_call *call, struct json_object *parameters);

_must_check_ int peer_read(int fd, gid_t control_group, struct control_peer *ret, struct error *err);

struct connection *connection_new(int fd, const struct control_peer *peer,
                                  const control_handler *methods, void *context);
void connection_free(struct connection *c);
uint32_t connection_events(const struct connection *c);
int connection_ready(struct connection *c, uint32_t events);
int connection_flush(struct connection *c);

void call_reply(struct control_call *call, struct json_object *parameters);
void call_part(struct control_call *call, struct json_object *parameters);
void call_refuse(struct control_call *call, const char *error, struct json_object *details);

/* Parameters that were checked against methods.def: NULL, @otherwise, false when left out. */
const char *parameter_string(struct json_object *parameters, const char *name);
int64_t parameter_int(struct json_object *parameters, const char *name, int64_t otherwise);
bool parameter_bool(struct json_object *parameters, const char *name);

/* Text of the interface description, and what a row of methods.def says. */
extern const char control_interface[], control_service_interface[];
const char *control_method_name(enum control_method m);
const char *control_method_parameters(enum control_method m);

/* messages.c, for both sides: objects from text and to it.
 * message_parse - one object of @n bytes, no zero among them. -EBADMSG, -ENOMEM. */
_must_check_ int message_parse(const char *text, size_t n, struct json_object **ret);
/* Text and its zero byte behind @out. */
void message_append(struct buffer *out, struct json_object *message);
