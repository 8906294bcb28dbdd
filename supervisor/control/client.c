/* client.c - see client.h. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "supervisor/control/client.h"
#include "supervisor/control/control.h"

#define REPLY_MAX (64u << 20)

struct client {
        int fd;
        struct buffer in;
        size_t at, looked; /* of in: first byte not used; first not searched for the zero */
        struct json_tokener *tokener;
};

int control_path(bool user, char *path, size_t size)
{
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        int n;

        if (!user)
                n = snprintf(path, size, "/run/nacelle/control");
        else if (runtime && runtime[0] == '/')
                n = snprintf(path, size, "%s/nacelle/control", runtime);
        else
                return -ENOENT;
        return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

static int try_connect(int fd, const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int client_open(const char *path, struct client **ret, struct error *err)
{
        char own[sizeof(((struct sockaddr_un *)0)->sun_path)], system[64];
        _cleanup_(client_freep) struct client *c = calloc(1, sizeof(*c));
        int r = -ENOENT;

        if (!c)
                return error_set(err, STAGE_PROTOCOL, -ENOMEM, ERROR_NOWHERE, "control socket");
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0)
                return error_set(err, STAGE_PROTOCOL, -errno, ERROR_NOWHERE, "control socket: %m");
        c->tokener = json_tokener_new_ex(16);
        if (!c->tokener)
                return error_set(err, STAGE_PROTOCOL, -ENOMEM, ERROR_NOWHERE, "control socket");
        if (path) {
                r = try_connect(c->fd, path);
        } else {
                if (geteuid() != 0 && control_path(true, own, sizeof(own)) == 0)
                        r = try_connect(c->fd, path = own);
                if (r < 0 && control_path(false, system, sizeof(system)) == 0)
                        r = try_connect(c->fd, path = system);
        }
        if (r == -ENOENT || r == -ECONNREFUSED)
                return error_set(err, STAGE_NONE, r, ERROR_NOWHERE, "no nacelled listens at %s", path);
        if (r < 0)
                return error_set(err, STAGE_NONE, r, ERROR_NOWHERE, "%s: %s", path, strerror(-r));
        *ret = TAKE_PTR(c);
        return 0;
}

void client_free(struct client *c)
{
        if (!c)
                return;
        closep(&c->fd);
        buffer_done(&c->in);
        if (c->tokener)
                json_tokener_free(c->tokener);
        free(c);
}

int client_call(struct client *c, const char *method, struct json_object *parameters, bool more,
                struct error *err)
{
        _cleanup_(buffer_done) struct buffer out = { 0 };
        struct json_object *message = json_object_new_object();
        char name[128];

        snprintf(name, sizeof(name), "%s%s", strchr(method, '.') ? "" : CONTROL_INTERFACE ".", method);
        json_object_object_add(message, "method", json_object_new_string(name));
        if (parameters)
                json_object_object_add(message, "parameters", parameters);
        if (more)
                json_object_object_add(message, "more", json_object_new_boolean(true));
        message_append(&out, message);
        json_object_put(message);
        if (!buffer_ok(&out))
                return error_set(err, STAGE_PROTOCOL, -ENOMEM, ERROR_NOWHERE, "%s", name);
        for (size_t at = 0; at < out.size;) {
                ssize_t n = send(c->fd, out.bytes + at, out.size - at, MSG_NOSIGNAL);

                if (n < 0 && errno != EINTR)
                        return error_set(err, STAGE_PROTOCOL, -errno, ERROR_NOWHERE,
                                         "asking nacelled: %m");
                at += n > 0 ? (size_t)n : 0;
        }
        return 0;
}

/* The bytes of the next message, up to its zero. */
static int next_message(struct client *c, const char **ret, size_t *ret_n, struct error *err)
{
        const uint8_t *zero;

        for (;;) {
                uint8_t *to;
                ssize_t n;

                if (c->looked < c->in.size) {
                        zero = memchr(c->in.bytes + c->looked, 0, c->in.size - c->looked);
                        if (zero)
                                break;
                }
                if (c->at) {
                        memmove(c->in.bytes, c->in.bytes + c->at, c->in.size - c->at);
                        c->in.size -= c->at;
                        c->at = 0;
                }
                c->looked = c->in.size;
                to = c->in.size < REPLY_MAX ? buffer_reserve(&c->in, 65536) : NULL;
                if (!to)
                        return error_set(err, STAGE_PROTOCOL, -E2BIG, ERROR_NOWHERE,
                                         "the answer of nacelled is too long");
                do
                        n = recv(c->fd, to, 65536, 0);
                while (n < 0 && errno == EINTR);
                if (n < 0)
                        return error_set(err, STAGE_PROTOCOL, -errno, ERROR_NOWHERE,
                                         "answer of nacelled: %m");
                if (n == 0)
                        return error_set(err, STAGE_PROTOCOL, -ECONNRESET, ERROR_NOWHERE,
                                         "nacelled has closed the connection");
                c->in.size += (size_t)n;
        }
        *ret = (const char *)c->in.bytes + c->at;
        *ret_n = (size_t)(zero - (c->in.bytes + c->at));
        c->at = c->looked = (size_t)(zero - c->in.bytes) + 1;
        return 0;
}

/* "io.nacelle.Supervisor.NoSuchUnit" and its details, in words. */
static int refusal(const char *name, struct json_object *details, struct error *err)
{
        static const struct {
                const char *name, *text;
        } words[] = {
                { "PermissionDenied", "only root, the daemon's user and its control group may do that" },
                { "NoSuchUnit", "no such unit" },
                { "UnitFailed", "it failed" },
                { "NoSuchGuest", "no such nanoprocess" },
                { "NotPossible", "not possible" },
        };
        const char *dot = strrchr(name, '.');
        char text[200];
        size_t at;

        snprintf(text, sizeof(text), "%s", name);
        for (size_t i = 0; dot && i < ELEMENTSOF(words); i++)
                if (!strcmp(dot + 1, words[i].name))
                        snprintf(text, sizeof(text), "%s", words[i].text);
        at = strlen(text);
        if (json_object_is_type(details, json_type_object)) {
                json_object_object_foreach(details, key, value)
                {
                        if (strcmp(key, "state") != 0 && at < sizeof(text))
                                at += (size_t)snprintf(text + at, sizeof(text) - at, ": %s",
                                                       json_object_get_string(value));
                }
        }
        return error_set(err, STAGE_NONE, -EREMOTEIO, ERROR_NOWHERE, "%s", text);
}

int client_reply(struct client *c, struct json_object **ret, struct error *err)
{
        struct json_object *message, *parameters = NULL, *continues = NULL, *error = NULL;
        const char *text = NULL;
        size_t n = 0;
        int r = next_message(c, &text, &n, err);

        if (r < 0)
                return r;
        json_tokener_reset(c->tokener);
        message = json_tokener_parse_ex(c->tokener, text, (int)n);
        if (!json_object_is_type(message, json_type_object)) {
                json_object_put(message);
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE,
                                 "the answer of nacelled is no message");
        }
        json_object_object_get_ex(message, "parameters", &parameters);
        json_object_object_get_ex(message, "continues", &continues);
        if (json_object_object_get_ex(message, "error", &error)) {
                r = refusal(json_object_get_string(error) ?: "", parameters, err);
        } else {
                *ret = parameters ? json_object_get(parameters) : json_object_new_object();
                r = json_object_get_boolean(continues);
        }
        json_object_put(message);
        return r;
}

int client_ask(struct client *c, const char *method, struct json_object *parameters,
               struct json_object **ret, struct error *err)
{
        int r = client_call(c, method, parameters, false, err);

        return r < 0 ? r : client_reply(c, ret, err);
}
