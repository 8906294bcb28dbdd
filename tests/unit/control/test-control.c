/* test-control.c - the control protocol: what is answered, what is refused, what ends a connection. */
#include "config.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/control/control.h"
#include "tests/unit/unit.h"

static unsigned calls;
static char last_unit[64];
static struct control_call *kept;
static unsigned parts_left, done;

static void answer(struct control_call *call, struct json_object *parameters)
{
        const char *unit = parameter_string(parameters, "unit");

        calls++;
        snprintf(last_unit, sizeof(last_unit), "%s", unit ? unit : "");
        call_reply(call, NULL);
}

static void keep(struct control_call *call, struct json_object *parameters)
{
        calls++;
        kept = call;
}

static void over(struct control_call *call)
{
        done++;
}

static void part(struct control_call *call)
{
        struct json_object *o = json_object_new_object();

        if (parts_left--)
                call_part(call, o);
        else
                call_reply(call, o);
}

static void several(struct control_call *call, struct json_object *parameters)
{
        calls++;
        call->next = part;
        call->done = over;
}

static const control_handler handlers[_CONTROL_METHOD_MAX] = {
        [CONTROL_ListUnits] = several, [CONTROL_ListGuests] = answer, [CONTROL_Describe] = answer,
        [CONTROL_Start] = answer,      [CONTROL_Stop] = keep,         [CONTROL_Restart] = answer,
        [CONTROL_Kill] = answer,       [CONTROL_Logs] = answer,       [CONTROL_Metrics] = answer,
        [CONTROL_Posture] = answer,    [CONTROL_Reload] = answer,
};

static int sock;
static struct connection *connection;

static void open_as(bool may_change)
{
        struct control_peer peer = { .uid = 1000, .may_change = may_change };
        int pair[2];

        calls = done = 0;
        kept = NULL;
        last_unit[0] = '\0';
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        sock = pair[0];
        connection = connection_new(pair[1], &peer, handlers, NULL);
        ck_assert_ptr_nonnull(connection);
}

static void end(void)
{
        connection_free(connection);
        connection = NULL;
        close(sock);
}

/* Sends, serves until all is read; the answers, or "". */
static const char *say(const void *bytes, size_t n, int *ret)
{
        static char got[70000];
        ssize_t size;
        int r = 0;

        for (size_t at = 0; at < n && r >= 0;) {
                size_t some = n - at < 2048 ? n - at : 2048;

                ck_assert_int_eq(write(sock, (const char *)bytes + at, some), (ssize_t)some);
                r = connection_ready(connection, EPOLLIN);
                at += some;
        }
        size = recv(sock, got, sizeof(got) - 1, MSG_DONTWAIT);
        got[size > 0 ? size : 0] = '\0';
        *ret = r;
        return got;
}

#define METHOD(name, rest) "{\"method\":\"io.nacelle.Supervisor." name "\"" rest "}"

static const struct {
        const char *name, *message;
        bool may_change;
        const char *answer;  /* a part of it; NULL: the connection ends */
        unsigned calls;
} messages[] = {
        { "a call", METHOD("Metrics", ""), false, "{\"parameters\":{}}", 1 },
        { "no rights", METHOD("Start", ",\"parameters\":{\"unit\":\"x\"}"), false, "org.varlink.service.PermissionDenied", 0 },
        { "no rights to the logs", METHOD("Logs", ""), false, "PermissionDenied", 0 },
        { "rights", METHOD("Start", ",\"parameters\":{\"unit\":\"x\"}"), true, "{\"parameters\":{}}", 1 },
        { "optional parameters", METHOD("Start", ",\"parameters\":{\"unit\":\"x\",\"wait\":true}"), true, "{\"parameters\":{}}", 1 },
        { "null is left out", METHOD("Logs", ",\"parameters\":{\"unit\":null}"), true, "{\"parameters\":{}}", 1 },
        { "a parameter is missing", METHOD("Start", ""), true, "InvalidParameter\",\"parameters\":{\"parameter\":\"unit\"", 0 },
        { "null for one that must be", METHOD("Start", ",\"parameters\":{\"unit\":null}"), true, "InvalidParameter", 0 },
        { "another type", METHOD("Start", ",\"parameters\":{\"unit\":1}"), true, "InvalidParameter", 0 },
        { "an unknown one", METHOD("Start", ",\"parameters\":{\"unit\":\"x\",\"now\":true}"), true, "\"parameter\":\"now\"", 0 },
        { "a zero within a string", METHOD("Start", ",\"parameters\":{\"unit\":\"x\\u0000y\"}"), true, "InvalidParameter", 0 },
        { "a number that is no integer", METHOD("Logs", ",\"parameters\":{\"lines\":1.5}"), true, "InvalidParameter", 0 },
        { "an unknown method", METHOD("Destroy", ""), true, "MethodNotFound", 0 },
        { "an unknown interface", "{\"method\":\"io.systemd.Manager.Start\"}", true, "InterfaceNotFound", 0 },
        { "no interface", "{\"method\":\"Start\"}", true, "InterfaceNotFound", 0 },
        { "an interface's name without end", "{\"method\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b\"}", true, "InterfaceNotFound", 0 },
        { "information", "{\"method\":\"org.varlink.service.GetInfo\"}", false, "\"interfaces\":[\"org.varlink.service\",\"io.nacelle.Supervisor\"]", 0 },
        { "a description", "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"io.nacelle.Supervisor\"}}", false, "method ListUnits()", 0 },
        { "a description of nothing", "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"x.y\"}}", false, "InterfaceNotFound", 0 },
        { "oneway has no answer", METHOD("Metrics", ",\"oneway\":true"), false, "", 1 },
        { "more and oneway", METHOD("Metrics", ",\"more\":true,\"oneway\":true"), false, NULL, 0 },
        { "upgrade", METHOD("Metrics", ",\"upgrade\":true"), false, NULL, 0 },
        { "more is no boolean", METHOD("Metrics", ",\"more\":1"), false, NULL, 0 },
        { "parameters are no object", METHOD("Metrics", ",\"parameters\":[]"), false, NULL, 0 },
        { "no method", "{}", false, NULL, 0 },
        { "the method is no string", "{\"method\":{}}", false, NULL, 0 },
        { "an array", "[]", false, NULL, 0 },
        { "a number", "17", false, NULL, 0 },
        { "nothing", "", false, NULL, 0 },
        { "no JSON", "GET / HTTP/1.1", false, NULL, 0 },
        { "half an object", "{\"method\":\"a.b\"", false, NULL, 0 },
        { "two objects", "{\"method\":\"a.b\"}{}", false, NULL, 0 },
        { "bytes that are no UTF-8", "{\"method\":\"a.\xff\"}", false, NULL, 0 },
        { "nested too deep", METHOD("Metrics", ",\"parameters\":{\"a\":[[[[[[[[[[]]]]]]]]]]}"), false, NULL, 0 },
};

START_TEST(messages_are_answered_or_end_the_connection)
{
        const char *got;
        int r;

        open_as(messages[_i].may_change);
        got = say(messages[_i].message, strlen(messages[_i].message) + 1, &r);
        if (messages[_i].answer) {
                ck_assert_msg(r == 0, "%s: %d", messages[_i].name, r);
                ck_assert_msg(messages[_i].answer[0] ? strstr(got, messages[_i].answer) != NULL : !got[0],
                              "%s: %s", messages[_i].name, got);
        } else {
                ck_assert_msg(r == -EPROTO, "%s: %d", messages[_i].name, r);
                ck_assert_str_eq(got, "");
        }
        ck_assert_uint_eq(calls, messages[_i].calls);
        end();
}
END_TEST

START_TEST(a_message_may_come_in_pieces)
{
        const char message[] = METHOD("Start", ",\"parameters\":{\"unit\":\"abc\"}");
        int r = 0;

        open_as(true);
        for (size_t i = 0; i < sizeof(message) - 1; i++) {
                ck_assert_str_eq(say(message + i, 1, &r), "");
                ck_assert_int_eq(r, 0);
        }
        ck_assert_uint_eq(calls, 0);
        ck_assert_str_ne(say("", 1, &r), "");
        ck_assert_str_eq(last_unit, "abc");
        end();
}
END_TEST

START_TEST(a_message_without_end_ends_the_connection)
{
        char *bytes = malloc(CONTROL_MESSAGE_MAX + 4096);
        int r;

        memset(bytes, ' ', CONTROL_MESSAGE_MAX + 4096);
        open_as(true);
        say(bytes, CONTROL_MESSAGE_MAX + 4096, &r);
        ck_assert_int_eq(r, -EPROTO);
        end();
        free(bytes);
}
END_TEST

START_TEST(one_call_is_served_at_a_time)
{
        const char two[] = METHOD("Stop", ",\"parameters\":{\"unit\":\"a\"}") "\0" METHOD("Metrics", "");
        const char *got;
        int r;

        open_as(true);
        got = say(two, sizeof(two), &r);
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(got, "");
        ck_assert_uint_eq(calls, 1);
        ck_assert_uint_eq(connection_events(connection) & EPOLLIN, 0);
        call_reply(kept, NULL);
        ck_assert_int_eq(connection_ready(connection, 0), 0);
        ck_assert_uint_eq(calls, 2);
        end();
}
END_TEST

START_TEST(parts_come_as_fast_as_they_are_read)
{
        static const char call[] = METHOD("ListUnits", ",\"more\":true");
        char bytes[4096];
        unsigned zeros = 0;
        ssize_t n;

        open_as(true);
        parts_left = 100000;
        ck_assert_int_eq(write(sock, call, sizeof(call)), (ssize_t)sizeof(call));
        ck_assert_int_eq(connection_ready(connection, EPOLLIN), 0);
        /* The socket is full; what is not read is not made. */
        ck_assert_uint_gt(parts_left, 50000);
        ck_assert_uint_ne(connection_events(connection) & EPOLLOUT, 0);
        while (!done || recv(sock, bytes, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
                while ((n = recv(sock, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
                        for (ssize_t i = 0; i < n; i++)
                                zeros += bytes[i] == 0;
                ck_assert_int_eq(connection_ready(connection, EPOLLOUT), 0);
        }
        ck_assert_uint_eq(zeros, 100001);
        ck_assert_uint_eq(done, 1);
        end();
}
END_TEST

START_TEST(a_call_that_is_cut_off_is_done_once)
{
        static const char call[] = METHOD("ListUnits", ",\"more\":true");

        open_as(true);
        parts_left = 100000;
        ck_assert_int_eq(write(sock, call, sizeof(call)), (ssize_t)sizeof(call));
        ck_assert_int_eq(connection_ready(connection, EPOLLIN), 0);
        ck_assert_int_lt(connection_ready(connection, EPOLLHUP), 0);
        end();
        ck_assert_uint_eq(done, 1);
}
END_TEST

/* "method Start(unit: string, wait: ?bool) ->" against "unit:s wait:?b". */
START_TEST(the_table_is_the_interface)
{
        const char *name = control_method_name(_i), *row = control_method_parameters(_i);
        char head[64], expected[256] = "", *at = expected;
        const char *found, *close;

        snprintf(head, sizeof(head), "\nmethod %s(", name);
        found = strstr(control_interface, head);
        ck_assert_msg(found != NULL, "%s is not described", name);
        found += strlen(head);
        close = strchr(found, ')');
        for (const char *p = row; *p; p += strcspn(p, " "), p += *p == ' ') {
                int n = (int)strcspn(p, ":");
                bool optional = p[n + 1] == '?';
                char type = p[n + 1 + optional];

                at += sprintf(at, "%s%.*s: %s%s", at == expected ? "" : ", ", n, p, optional ? "?" : "",
                              type == 's' ? "string" : type == 'i' ? "int" : "bool");
        }
        ck_assert_msg(strlen(expected) == (size_t)(close - found) && !strncmp(found, expected, strlen(expected)),
                      "%s: %.*s is not %s", name, (int)(close - found), found, expected);
}
END_TEST

START_TEST(no_method_is_described_that_is_not_there)
{
        unsigned n = 0;

        for (const char *p = control_interface; (p = strstr(p, "\nmethod ")); p++)
                n++;
        ck_assert_uint_eq(n, _CONTROL_METHOD_MAX);
}
END_TEST

/* Whatever comes: an answer or an end, and no memory touched that is not ours (sanitizers). */
START_TEST(noise_is_survived)
{
        static const char seed[] = METHOD("Start", ",\"parameters\":{\"unit\":\"a\",\"wait\":false},\"more\":true");
        uint32_t x = 2463534242u + (uint32_t)_i;

        for (unsigned round = 0; round < 400; round++) {
                char bytes[sizeof(seed) + 1];
                int r;

                memcpy(bytes, seed, sizeof(seed));
                for (unsigned i = 0; i < 1 + round % 4; i++) {
                        x ^= x << 13;
                        x ^= x >> 17;
                        x ^= x << 5;
                        bytes[x % (sizeof(seed) - 1)] = (char)(x >> 11);
                }
                open_as(x & 1);
                say(bytes, sizeof(seed), &r);
                ck_assert(r == 0 || r == -EPROTO);
                end();
        }
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("control");

        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, messages_are_answered_or_end_the_connection, 0, ELEMENTSOF(messages));
        tcase_add_test(tc, a_message_may_come_in_pieces);
        tcase_add_test(tc, a_message_without_end_ends_the_connection);
        tcase_add_test(tc, one_call_is_served_at_a_time);
        tcase_add_test(tc, parts_come_as_fast_as_they_are_read);
        tcase_add_test(tc, a_call_that_is_cut_off_is_done_once);
        tcase_add_loop_test(tc, the_table_is_the_interface, 0, _CONTROL_METHOD_MAX);
        tcase_add_test(tc, no_method_is_described_that_is_not_there);
        tcase_add_loop_test(tc, noise_is_survived, 0, 8);
        return unit_main("control", &tc, 1);
}
