/* connection.c - one peer of the control socket: its bytes become calls, the answers bytes. */
#include "config.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "supervisor/control/control.h"

#define SERVICE_INTERFACE "org.varlink.service"

struct connection {
        int fd;
        struct control_peer peer;
        const control_handler *methods;
        void *context;
        struct buffer in, out;
        size_t sent;                /* of out */
        struct control_call call;
        bool ended;                 /* the peer has sent its last byte */
        int failed;                 /* why it must be freed */
};

enum access { ACCESS_LOOK, ACCESS_CHANGE };

static const struct {
        const char *name, *parameters;
        enum access access;
} rows[_CONTROL_METHOD_MAX] = {
#define CONTROL_METHOD(name, access, parameters) \
        [CONTROL_##name] = { #name, parameters, ACCESS_##access },
#include "supervisor/control/methods.def"
};

const char *control_method_name(enum control_method m)
{
        return rows[m].name;
}

const char *control_method_parameters(enum control_method m)
{
        return rows[m].parameters;
}

const char *parameter_string(struct json_object *parameters, const char *name)
{
        struct json_object *o;

        return json_object_object_get_ex(parameters, name, &o) ? json_object_get_string(o) : NULL;
}

int64_t parameter_int(struct json_object *parameters, const char *name, int64_t otherwise)
{
        struct json_object *o;

        return json_object_object_get_ex(parameters, name, &o) && o ? json_object_get_int64(o)
                                                                  : otherwise;
}

bool parameter_bool(struct json_object *parameters, const char *name)
{
        struct json_object *o;

        return json_object_object_get_ex(parameters, name, &o) && json_object_get_boolean(o);
}

static void append(struct connection *c, struct json_object *message)
{
        /* A oneway call has no answer, and a peer that does not read gets none. */
        if (!c->call.oneway && !c->failed) {
                message_append(&c->out, message);
                if (!buffer_ok(&c->out))
                        c->failed = -ENOMEM;
                else if (c->out.size - c->sent > CONTROL_OUTPUT_MAX)
                        c->failed = -ENOBUFS;
        }
        json_object_put(message);
}

static void finish(struct control_call *call)
{
        void (*done)(struct control_call *call) = call->done;

        call->open = false;
        call->next = NULL;
        call->done = NULL;
        if (done)
                done(call);
        call->state = NULL;
}

void call_part(struct control_call *call, struct json_object *parameters)
{
        struct json_object *message = json_object_new_object();

        json_object_object_add(message, "parameters", parameters);
        json_object_object_add(message, "continues", json_object_new_boolean(true));
        append(call->connection, message);
}

void call_reply(struct control_call *call, struct json_object *parameters)
{
        struct json_object *message = json_object_new_object();

        json_object_object_add(message, "parameters",
                               parameters ? parameters : json_object_new_object());
        append(call->connection, message);
        finish(call);
}

void call_refuse(struct control_call *call, const char *error, struct json_object *details)
{
        struct json_object *message = json_object_new_object();
        char name[128];

        snprintf(name, sizeof(name), "%s%s", strchr(error, '.') ? "" : CONTROL_INTERFACE ".", error);
        json_object_object_add(message, "error", json_object_new_string(name));
        json_object_object_add(message, "parameters", details ? details : json_object_new_object());
        append(call->connection, message);
        finish(call);
}

static struct json_object *detail(const char *key, const char *value)
{
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, key, json_object_new_string(value));
        return o;
}

/* Is @value what @row says of parameter @name? A zero byte within a string would hide what follows. */
static bool fits(const char *row, const char *name, struct json_object *value)
{
        size_t n = strlen(name);

        for (const char *p = row; *p; p += strcspn(p, " "), p += *p == ' ') {
                const char *type = p + strcspn(p, ":") + 1;
                bool optional = *type == '?';

                if (strncmp(p, name, n) != 0 || p[n] != ':')
                        continue;
                type += optional;
                if (!value)
                        return optional;
                switch (*type) {
                case 's':
                        return json_object_is_type(value, json_type_string) &&
                               strlen(json_object_get_string(value)) ==
                                       (size_t)json_object_get_string_len(value);
                case 'i':
                        return json_object_is_type(value, json_type_int);
                default:
                        return json_object_is_type(value, json_type_boolean);
                }
        }
        return false;
}

/* Name of a parameter that is unknown, missing, or of another type; NULL when all is well. The text is
 * the table's or the message's. */
static const char *misfit(const char *row, struct json_object *parameters, char *buffer, size_t size)
{
        json_object_object_foreach(parameters, key, value)
        {
                if (!fits(row, key, value))
                        return key;
        }
        for (const char *p = row; *p; p += strcspn(p, " "), p += *p == ' ') {
                int n = (int)strcspn(p, ":");
                struct json_object *unused;

                snprintf(buffer, size, "%.*s", n, p);
                if (p[n + 1] != '?' && !json_object_object_get_ex(parameters, buffer, &unused))
                        return buffer;
        }
        return NULL;
}

static void get_info(struct control_call *call)
{
        struct json_object *o = json_object_new_object(), *list = json_object_new_array();

        json_object_object_add(o, "vendor", json_object_new_string("Nacelle"));
        json_object_object_add(o, "product", json_object_new_string("nacelled"));
        json_object_object_add(o, "version", json_object_new_string(PACKAGE_VERSION));
        json_object_object_add(o, "url", json_object_new_string(""));
        json_object_array_add(list, json_object_new_string(SERVICE_INTERFACE));
        json_object_array_add(list, json_object_new_string(CONTROL_INTERFACE));
        json_object_object_add(o, "interfaces", list);
        call_reply(call, o);
}

static void service(struct control_call *call, const char *method, struct json_object *parameters)
{
        char name[32];
        bool description = !strcmp(method, "GetInterfaceDescription");
        const char *wrong = misfit(description ? "interface:s" : "", parameters, name, sizeof(name));
        const char *interface = parameter_string(parameters, "interface");
        const char *text = NULL;

        if (!description && strcmp(method, "GetInfo") != 0) {
                call_refuse(call, SERVICE_INTERFACE ".MethodNotFound", detail("method", method));
        } else if (wrong) {
                call_refuse(call, SERVICE_INTERFACE ".InvalidParameter", detail("parameter", wrong));
        } else if (!description) {
                get_info(call);
        } else {
                if (!strcmp(interface, SERVICE_INTERFACE))
                        text = control_service_interface;
                else if (!strcmp(interface, CONTROL_INTERFACE))
                        text = control_interface;
                if (text)
                        call_reply(call, detail("description", text));
                else
                        call_refuse(call, SERVICE_INTERFACE ".InterfaceNotFound",
                                    detail("interface", interface));
        }
}

static void dispatch(struct connection *c, const char *method, struct json_object *parameters)
{
        struct control_call *call = &c->call;
        const char *dot = strrchr(method, '.'), *wrong;
        char interface[64], name[32];

        if (!dot || (size_t)(dot - method) >= sizeof(interface)) {
                call_refuse(call, SERVICE_INTERFACE ".InterfaceNotFound", detail("interface", method));
                return;
        }
        snprintf(interface, sizeof(interface), "%.*s", (int)(dot - method), method);
        if (!strcmp(interface, SERVICE_INTERFACE)) {
                service(call, dot + 1, parameters);
                return;
        }
        if (strcmp(interface, CONTROL_INTERFACE) != 0) {
                call_refuse(call, SERVICE_INTERFACE ".InterfaceNotFound",
                            detail("interface", interface));
                return;
        }
        for (unsigned i = 0; i < _CONTROL_METHOD_MAX; i++) {
                if (strcmp(dot + 1, rows[i].name) != 0)
                        continue;
                wrong = misfit(rows[i].parameters, parameters, name, sizeof(name));
                if (rows[i].access == ACCESS_CHANGE && !c->peer.may_change)
                        call_refuse(call, SERVICE_INTERFACE ".PermissionDenied", NULL);
                else if (wrong)
                        call_refuse(call, SERVICE_INTERFACE ".InvalidParameter",
                                    detail("parameter", wrong));
                else
                        c->methods[i](call, parameters);
                return;
        }
        call_refuse(call, SERVICE_INTERFACE ".MethodNotFound", detail("method", method));
}

static bool member_bool(struct json_object *message, const char *name, bool *bad)
{
        struct json_object *o;

        if (!json_object_object_get_ex(message, name, &o))
                return false;
        *bad |= !json_object_is_type(o, json_type_boolean);
        return json_object_get_boolean(o);
}

/* One message. A peer that speaks something else than varlink is not worth an answer: -EPROTO. */
static int take_message(struct connection *c, const char *text, size_t n)
{
        struct json_object *message = NULL, *method = NULL, *parameters = NULL, *none = NULL;
        bool bad = false;
        int r = message_parse(text, n, &message);

        if (r < 0)
                return r == -ENOMEM ? r : -EPROTO;
        c->call = (struct control_call) { .connection = c, .peer = &c->peer, .context = c->context,
                                          .open = true };
        c->call.more = member_bool(message, "more", &bad);
        c->call.oneway = member_bool(message, "oneway", &bad);
        if (member_bool(message, "upgrade", &bad) || (c->call.more && c->call.oneway))
                bad = true;
        if (!json_object_object_get_ex(message, "parameters", &parameters) || !parameters)
                parameters = none = json_object_new_object();
        if (!json_object_object_get_ex(message, "method", &method) ||
            !json_object_is_type(method, json_type_string) ||
            strlen(json_object_get_string(method)) != (size_t)json_object_get_string_len(method) ||
            !json_object_is_type(parameters, json_type_object))
                bad = true;
        if (!bad)
                dispatch(c, json_object_get_string(method), parameters);
        else
                c->call.open = false;
        json_object_put(none);
        json_object_put(message);
        return bad ? -EPROTO : c->failed;
}

static int take_messages(struct connection *c)
{
        size_t at = 0;
        int r = 0;

        while (!c->call.open && at < c->in.size && r >= 0) {
                const uint8_t *start = c->in.bytes + at;
                const uint8_t *zero = memchr(start, 0, c->in.size - at);

                if (!zero) {
                        if (c->in.size - at > CONTROL_MESSAGE_MAX)
                                r = -EPROTO;
                        break;
                }
                r = take_message(c, (const char *)start, (size_t)(zero - start));
                at += (size_t)(zero - start) + 1;
        }
        if (at) {
                memmove(c->in.bytes, c->in.bytes + at, c->in.size - at);
                c->in.size -= at;
        }
        return r;
}

static int read_some(struct connection *c)
{
        uint8_t *to = buffer_reserve(&c->in, 4096);
        ssize_t n;

        if (!to)
                return -ENOMEM;
        n = recv(c->fd, to, 4096, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                c->ended = true;
        c->in.size += (size_t)n;
        return 0;
}

static int write_some(struct connection *c)
{
        while (c->sent < c->out.size) {
                ssize_t n = send(c->fd, c->out.bytes + c->sent, c->out.size - c->sent,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                c->sent += (size_t)n;
        }
        c->out.size = c->sent = 0;
        return 0;
}

int connection_flush(struct connection *c)
{
        int r = c->failed;

        /* Everything is read, the call goes on: its next part. Only as fast as the peer reads. */
        while (r >= 0) {
                r = write_some(c);
                if (r < 0 || c->out.size || !c->call.open || !c->call.next)
                        break;
                c->call.next(&c->call);
                r = c->failed;
                if (r >= 0 && !c->out.size)
                        break;
        }
        if (r < 0)
                c->failed = r;
        return r;
}

int connection_ready(struct connection *c, uint32_t events)
{
        int r = c->failed;

        /* The answers of a peer that is gone have no reader; a half-closed one still reads. */
        if (events & (EPOLLERR | EPOLLHUP))
                return -ECONNRESET;
        if (r >= 0 && (events & EPOLLIN) && !c->ended)
                r = read_some(c);
        do {
                if (r >= 0)
                        r = take_messages(c);
                if (r >= 0)
                        r = connection_flush(c);
        } while (r >= 0 && !c->call.open && !c->out.size && memchr(c->in.bytes ?: (uint8_t *)"x", 0, c->in.size));
        if (r >= 0 && c->ended && !c->call.open && !c->out.size)
                return -ECONNRESET;
        return r;
}

uint32_t connection_events(const struct connection *c)
{
        uint32_t events = 0;

        /* While a call lasts no more is read than one more message: the socket's buffer holds the rest. */
        if (!c->ended && c->in.size <= CONTROL_MESSAGE_MAX && !(c->call.open && c->in.size))
                events |= EPOLLIN;
        if (c->sent < c->out.size)
                events |= EPOLLOUT;
        return events;
}

struct connection *connection_new(int fd, const struct control_peer *peer,
                                  const control_handler *methods, void *context)
{
        struct connection *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        *c = (struct connection) { .fd = fd, .peer = *peer, .methods = methods, .context = context };
        return c;
}

void connection_free(struct connection *c)
{
        if (!c)
                return;
        if (c->call.open)
                finish(&c->call);
        close(c->fd);
        buffer_done(&c->in);
        buffer_done(&c->out);
        free(c);
}
