/* control.c - the control socket under noise: control [STEPS [SEED]].
 *
 * Several peers at a time send calls, calls that were changed, and anything, in pieces; read as they like; hang up in
 * between. The code is the daemon's; its handlers answer at once, later, in parts, or never. What must hold: a handler is
 * called with what methods.def says and nothing else, and by whom it says; each answer is an object of varlink; a call
 * is over once; and somebody who asks properly is answered meanwhile. */
#include "config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/cleanup.h"
#include "supervisor/control/control.h"
#include "tests/fuzz/noise.h"

#define PEERS 8
#define ROOM  (CONTROL_MESSAGE_MAX * 2)

struct peer {
        struct connection *connection;
        struct control_call *call;      /* that is not answered yet */
        int sock;
        bool may_change;
        uint8_t pending[ROOM];
        size_t n, at;
        uint8_t got[ROOM];
        size_t ngot;
        unsigned answers;
};

static struct noise noise;
static struct peer peers[PEERS + 1]; /* the last one is honest */
static uint64_t calls, answers, ends, over, with_end;

static const bool changes[_CONTROL_METHOD_MAX] = {
#define LOOK   false
#define CHANGE true
#define CONTROL_METHOD(name, access, parameters) [CONTROL_##name] = access,
#include "supervisor/control/methods.def"
};

static struct peer *peer_of(const struct control_call *call)
{
        for (unsigned i = 0; i <= PEERS; i++)
                if (peers[i].connection == call->connection)
                        return &peers[i];
        NOISE_CHECK(!"a call of nobody", &noise);
        return NULL;
}

/* "name:type", the type with or without '?', in the row of a method. */
static bool is_in_row(const char *row, const char *name, struct json_object *value)
{
        char want[64];
        const char *at;
        size_t n = (size_t)snprintf(want, sizeof(want), "%s:", name);

        if (n >= sizeof(want))
                return false;
        for (at = strstr(row, want); at && at != row && at[-1] != ' '; at = strstr(at + 1, want))
                ;
        if (!at)
                return false;
        at += n;
        if (*at == '?') {
                if (!value)
                        return true;
                at++;
        }
        return json_object_is_type(value, *at == 's' ? json_type_string : *at == 'i' ? json_type_int : json_type_boolean);
}

static void call_is_over(struct control_call *call)
{
        struct peer *p = call->state;

        NOISE_CHECK(p->call == call, &noise);
        p->call = NULL;
        over++;
}

static void next_part(struct control_call *call)
{
        if (noise_chance(&noise, 70))
                call_part(call, json_object_new_object());
        else
                call_reply(call, NULL);
}

static void take_call(enum control_method method, struct control_call *call, struct json_object *parameters)
{
        const char *row = control_method_parameters(method);
        struct peer *p = peer_of(call);

        calls++;
        NOISE_CHECK(!changes[method] || call->peer->may_change, &noise);
        NOISE_CHECK(call->open && !p->call && !(call->more && call->oneway), &noise);
        json_object_object_foreach(parameters, key, value)
        {
                NOISE_CHECK(is_in_row(row, key, value), &noise);
        }
        if (p == &peers[PEERS] || noise_chance(&noise, 40)) {
                call_reply(call, NULL);
                return;
        }
        if (noise_chance(&noise, 20)) {
                call_refuse(call, "NoSuchUnit", NULL);
                return;
        }
        p->call = call;
        call->state = p;
        call->done = call_is_over;
        with_end++;
        if (call->more && noise_chance(&noise, 50))
                call->next = next_part;
}

#define CONTROL_METHOD(name, access, parameters)                                                  \
        static void take_##name(struct control_call *call, struct json_object *p)                 \
        {                                                                                         \
                take_call(CONTROL_##name, call, p);                                               \
        }
#include "supervisor/control/methods.def"

static const control_handler handlers[_CONTROL_METHOD_MAX] = {
#define CONTROL_METHOD(name, access, parameters) [CONTROL_##name] = take_##name,
#include "supervisor/control/methods.def"
};

static void open_peer(struct peer *p)
{
        struct control_peer who = { .uid = 1000, .may_change = noise_chance(&noise, 50) };
        int pair[2];

        NOISE_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, &noise);
        p->sock = pair[0];
        p->may_change = who.may_change;
        p->call = NULL;
        p->n = p->at = p->ngot = 0;
        p->connection = connection_new(pair[1], &who, handlers, NULL);
        NOISE_CHECK(p->connection, &noise);
}

static void close_peer(struct peer *p)
{
        connection_free(p->connection);
        NOISE_CHECK(!p->call, &noise); /* a call that is cut off is over, too */
        close(p->sock);
        ends++;
}

/* A value of JSON that may be of any kind, and more of it than anybody needs. */
static size_t put_value(char *to, size_t room)
{
        static const char *const values[] = {
                "\"a\"", "true", "false", "null", "0", "-1", "9223372036854775807", "99999999999999999999", "1e999", "-1e-999",
                "{}", "[]", "\"\\u0000\"", "\"\\ud800\"", "\"\xff\"", "{\"a\":{\"a\":{\"a\":1}}}", "[[[[[[[[1]]]]]]]]", "NaN", "1.5", "\"\"",
                "\"web@1\"", "[1,2,3]", "'a'", "0x10", "/* */1",
        };
        size_t n = 0;

        if (noise_chance(&noise, 3)) { /* deep */
                unsigned depth = noise_below(&noise, 3000);

                for (unsigned i = 0; i < depth && n + 2 < room; i++)
                        to[n++] = "[{"[i & noise_below(&noise, 2)];
                return n;
        }
        if (noise_chance(&noise, 3)) { /* long */
                size_t bytes = noise_bits(&noise) % 60000;

                to[n++] = '"';
                while (n < bytes && n + 2 < room)
                        to[n++] = 'x';
                to[n++] = '"';
                return n;
        }
        return (size_t)snprintf(to, room, "%s", values[noise_below(&noise, ELEMENTSOF(values))]);
}

static size_t put_parameters(char *to, size_t room, const char *row)
{
        static const char *const others[] = { "unit", "guest", "wait", "lines", "follow", "x", "", "un\\u0069t" };
        size_t n = (size_t)snprintf(to, room, ",\"parameters\":{");
        const char *comma = "";

        for (; *row && n + 200 < room; row += strcspn(row, " "), row += *row == ' ') {
                int name = (int)strcspn(row, ":");
                char type = row[name + 1] == '?' ? row[name + 2] : row[name + 1];

                if (row[name + 1] == '?' && noise_chance(&noise, 30))
                        continue;
                n += (size_t)snprintf(to + n, room - n, "%s\"%.*s\":", comma, name, row);
                if (noise_chance(&noise, 15))
                        n += put_value(to + n, room - n - 100);
                else
                        n += (size_t)snprintf(to + n, room - n, "%s", type == 's' ? "\"web\"" : type == 'i' ? "7" : "true");
                comma = ",";
        }
        while (noise_chance(&noise, 15) && n + 200 < room) { /* one that is not in the table, or twice */
                n += (size_t)snprintf(to + n, room - n, "%s\"%s\":", comma, others[noise_below(&noise, ELEMENTSOF(others))]);
                n += put_value(to + n, room - n - 100);
                comma = ",";
        }
        return n + (size_t)snprintf(to + n, room - n, "}");
}

static size_t put_call(char *to, size_t room)
{
        static const char *const flags[] = { "", "", "", ",\"more\":true", ",\"oneway\":true", ",\"upgrade\":true", ",\"more\":1",
                                             ",\"more\":true,\"oneway\":true", ",\"id\":3" };
        enum control_method m = noise_below(&noise, _CONTROL_METHOD_MAX);
        const char *name = control_method_name(m), *interface = CONTROL_INTERFACE;
        size_t n;

        if (noise_chance(&noise, 5))
                name = noise_chance(&noise, 50) ? "GetInfo" : "GetInterfaceDescription", interface = "org.varlink.service";
        n = (size_t)snprintf(to, room, "{\"method\":\"%s.%s\"", interface, name);
        if (noise_chance(&noise, 90))
                n += put_parameters(to + n, room - n - 100, control_method_parameters(m));
        n += (size_t)snprintf(to + n, room - n, "%s}", flags[noise_below(&noise, ELEMENTSOF(flags))]);
        return n;
}

/* A few messages behind each other, some of them changed; the last may be without its end. */
static void think_of_something(struct peer *p)
{
        p->n = p->at = 0;
        for (unsigned i = 1 + noise_below(&noise, 3); i && p->n < ROOM / 2; i--) {
                size_t room = ROOM - p->n - 1, n = 0;

                if (noise_chance(&noise, 95))
                        n = put_call((char *)p->pending + p->n, room < 70000 ? room : 70000);
                else
                        for (n = 0; n < 64; n++)
                                p->pending[p->n + n] = (uint8_t)noise_bits(&noise);
                if (noise_chance(&noise, 40))
                        n = noise_mutate(&noise, p->pending + p->n, n, room);
                p->n += n;
                if (noise_chance(&noise, 97))
                        p->pending[p->n++] = 0;
        }
}

static void send_a_piece(struct peer *p)
{
        size_t left = p->n - p->at, n = noise_chance(&noise, 30) ? 1 + noise_bits(&noise) % left : left;
        ssize_t sent = send(p->sock, p->pending + p->at, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent > 0)
                p->at += (size_t)sent;
}

static void check_answer(const char *text)
{
        struct json_object *o = json_tokener_parse(text), *part;

        NOISE_CHECK(o && json_object_is_type(o, json_type_object), &noise);
        NOISE_CHECK(json_object_object_get_ex(o, "parameters", &part) && json_object_is_type(part, json_type_object), &noise);
        if (json_object_object_get_ex(o, "error", &part))
                NOISE_CHECK(json_object_is_type(part, json_type_string) && strchr(json_object_get_string(part), '.'), &noise);
        json_object_put(o);
        answers++;
}

static void read_answers(struct peer *p)
{
        ssize_t n = recv(p->sock, p->got + p->ngot, sizeof(p->got) - p->ngot, MSG_DONTWAIT);
        size_t at = 0;
        uint8_t *zero;

        if (n > 0)
                p->ngot += (size_t)n;
        while ((zero = memchr(p->got + at, 0, p->ngot - at))) {
                check_answer((const char *)p->got + at);
                p->answers++;
                at = (size_t)(zero - p->got) + 1;
        }
        memmove(p->got, p->got + at, p->ngot - at);
        p->ngot -= at;
        NOISE_CHECK(p->ngot < sizeof(p->got), &noise); /* no answer is without end */
}

/* As the daemon's loop does. */
static bool serve(struct peer *p)
{
        uint32_t events = connection_events(p->connection);
        int r = events ? connection_ready(p->connection, events & (EPOLLIN | EPOLLOUT)) : 0;

        NOISE_CHECK(r == 0 || r == -EPROTO || r == -ECONNRESET || r == -EPIPE || r == -ENOBUFS, &noise);
        return r == 0;
}

static bool answer_late(struct peer *p)
{
        struct control_call *call = p->call;

        if (call->more && noise_chance(&noise, 50))
                call_part(call, json_object_new_object());
        else if (noise_chance(&noise, 50))
                call_reply(call, NULL);
        else
                call_refuse(call, "Failed", NULL);
        return connection_flush(p->connection) >= 0;
}

static void step(struct peer *p)
{
        bool alive = true;

        switch (noise_below(&noise, 8)) {
        case 0:
                alive = !noise_chance(&noise, 20);
                if (!alive)
                        break;
                if (noise_chance(&noise, 10))
                        shutdown(p->sock, SHUT_WR);
                break;
        case 1:
                if (p->call && !p->call->next)
                        alive = answer_late(p);
                break;
        case 2:
        case 3:
                read_answers(p);
                break;
        default:
                if (p->at == p->n)
                        think_of_something(p);
                if (p->at < p->n)
                        send_a_piece(p);
                alive = serve(p);
                break;
        }
        if (!alive) {
                close_peer(p);
                open_peer(p);
        }
}

/* Somebody who only looks is answered whatever the others do. */
static void ask_properly(struct peer *p)
{
        static const char call[] = "{\"method\":\"io.nacelle.Supervisor.Metrics\"}";
        unsigned before = p->answers;

        NOISE_CHECK(send(p->sock, call, sizeof(call), MSG_DONTWAIT) == sizeof(call), &noise);
        NOISE_CHECK(serve(p), &noise);
        read_answers(p);
        NOISE_CHECK(p->answers == before + 1, &noise);
}

int main(int argc, char **argv)
{
        uint64_t steps = argc > 1 ? strtoull(argv[1], NULL, 0) : 60000;

        noise.state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
        for (unsigned i = 0; i <= PEERS; i++)
                open_peer(&peers[i]);
        for (uint64_t i = 0; i < steps; i++) {
                step(&peers[noise_below(&noise, PEERS)]);
                if (i % 64 == 0)
                        ask_properly(&peers[PEERS]);
        }
        for (unsigned i = 0; i <= PEERS; i++)
                close_peer(&peers[i]);
        NOISE_CHECK(over == with_end, &noise);
        NOISE_CHECK(calls > steps / 100 && answers > calls / 4, &noise); /* it was no mere noise */
        printf("pass %llu steps: %llu calls, %llu answers, %llu connections\n1 passed, 0 failed, 0 skipped\n",
               (unsigned long long)steps, (unsigned long long)calls, (unsigned long long)answers, (unsigned long long)ends);
        return 0;
}
