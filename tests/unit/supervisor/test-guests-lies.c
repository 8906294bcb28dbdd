/* test-guests-lies.c - a cell that says what no honest cell says: it is dropped, and each of its guests is told of
 * once. The cell is this test, at the other end of the socket. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/broker/guests_state.h"
#include "tests/unit/unit.h"

static struct error err;
static struct broker *broker;
static struct guest_cell *cell;
static int theirs;
static unsigned started, ended, lost, logs, denials;
static struct guest_ended last;
static char last_text[RUN_TEXT_BYTES], why[600];

static void on_started(void *context, uint64_t guest, uint64_t ns)
{
        started++;
}

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        ended++;
        last = *e;
        snprintf(last_text, sizeof(last_text), "%s", e->text);
}

static void on_log(void *context, uint64_t guest, unsigned stream, const char *bytes, size_t n, uint64_t dropped)
{
        logs++;
}

static void on_denied(void *context, uint64_t guest, const struct guest_denial *d)
{
        denials++;
        snprintf(last_text, sizeof(last_text), "%s", d->what);
}

static void on_lost(void *context, const char *text)
{
        lost++;
        snprintf(why, sizeof(why), "%s", text);
}

static void setup(void)
{
        static const struct guest_events events = { on_started, on_ended, on_log, on_denied, NULL, on_lost };
        struct run_options o = { 0 };
        int pair[2];

        started = ended = lost = logs = denials = 0;
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(broker_new(&o, &broker, &err), 0);
        broker->sock = pair[0];
        broker->phase = PHASE_OPEN;
        theirs = pair[1];
        ck_assert_int_eq(cell_of_broker(broker, &events, NULL, &cell, &err), 0);
        for (uint64_t g = 1; g <= 3; g++)
                ck_assert_int_eq(live_add(cell, g, 0, &(struct cgroup_use) { 0 }), 0);
}

static void teardown(void)
{
        cell_close(cell);
        broker_stop(broker);
        close(theirs);
}

static void say(const void *message, size_t size)
{
        ck_assert_int_eq(send(theirs, message, size, 0), (ssize_t)size);
}

#define SAY(type, ...)                       \
        do {                                 \
                struct type m = __VA_ARGS__; \
                say(&m, sizeof(m));          \
        } while (0)

static void no_such_guest(void)  { SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 9, .end = GUEST_RETURNED }); }
static void start_of_nobody(void) { SAY(started_message, { .head.message = MESSAGE_STARTED, .guest = 9 }); }
static void ends_twice(void)
{
        SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1, .end = GUEST_RETURNED });
        SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1, .end = GUEST_RETURNED });
}
static void unknown_end(void)    { SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1, .end = 77 }); }
static void lost_by_itself(void) { SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1, .end = GUEST_LOST }); }
static void no_end(void)         { SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1 }); }
static void frames_missing(void) { SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1, .end = GUEST_TRAPPED, .nframes = 3 }); }
static void many_frames(void)    { SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1, .end = GUEST_TRAPPED, .nframes = UINT32_MAX }); }
static void log_of_nobody(void)  { SAY(log_message, { .head.message = MESSAGE_LOG, .guest = 9, .stream = 1 }); }
static void log_to_stdin(void)   { SAY(log_message, { .head.message = MESSAGE_LOG, .guest = 1, .stream = 0 }); }
static void log_to_seven(void)   { SAY(log_message, { .head.message = MESSAGE_LOG, .guest = 1, .stream = 7 }); }
static void log_is_short(void)   { SAY(log_message, { .head.message = MESSAGE_LOG, .guest = 1, .stream = 1, .bytes = 4 }); }
static void bad_layer(void)      { SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 1, .layer = 9 }); }
static void bad_limit(void)      { SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 1, .layer = DENIED_LIMIT, .limit = 99 }); }
static void bad_member(void)     { SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 1, .layer = DENIED_HOSTCALL, .count = 1, .member = 1 }); }
static void no_refusal(void)     { SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 1, .layer = DENIED_HOSTCALL }); }
static void odd_refusals(void)   { SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 1, .layer = DENIED_HOSTCALL, .count = 3 }); }
static void no_heat(void)        { SAY(heat_message, { .head.message = MESSAGE_HEAT }); }
static void heat_disordered(void) { SAY(heat_message, { .head.message = MESSAGE_HEAT, .n = 2, .functions = { 5, 5 } }); }
static void unloaded(void)       { SAY(unloaded_message, { .head.message = MESSAGE_UNLOADED, .module = 0 }); }
static void answer_to_nothing(void) { SAY(done_message, { .head.message = MESSAGE_DONE }); }
static void a_command(void)      { SAY(kill_message, { .head.message = MESSAGE_KILL, .guest = 1 }); }
static void ready_again(void)    { SAY(ready_message, { .head.message = MESSAGE_READY }); }
static void a_path(void)         { SAY(path_request, { .message = MESSAGE_PATH }); }
static void garbage(void)        { say("\x07", 1); }

static const struct {
        const char *name;
        void (*lie)(void);
        unsigned honest; /* ends before */
} lies[] = {
        { "end of nobody", no_such_guest, 0 }, { "start of nobody", start_of_nobody, 0 },
        { "two ends", ends_twice, 1 },         { "unknown end", unknown_end, 0 },
        { "no end", no_end, 0 },               { "lost by itself", lost_by_itself, 0 },
        { "frames", frames_missing, 0 },       { "many frames", many_frames, 0 },
        { "log of nobody", log_of_nobody, 0 }, { "log to stdin", log_to_stdin, 0 },
        { "log to 7", log_to_seven, 0 },       { "short log", log_is_short, 0 },
        { "layer", bad_layer, 0 },             { "limit", bad_limit, 0 },
        { "refusal of a member", bad_member, 0 },
        { "no refusal", no_refusal, 0 },       { "3 refusals", odd_refusals, 0 },
        { "no heat", no_heat, 0 },             { "heat", heat_disordered, 0 },
        { "answer", answer_to_nothing, 0 },    { "command", a_command, 0 },
        { "ready", ready_again, 0 },           { "path", a_path, 0 },
        { "garbage", garbage, 0 },             { "unloaded", unloaded, 0 },
};

START_TEST(a_lie_ends_the_cell)
{
        lies[_i].lie();
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_uint_eq(lost, 1);
        ck_assert_uint_eq(ended, 3);
        ck_assert_uint_eq(cell_guests(cell), 0);
        ck_assert_int_eq(last.end, GUEST_LOST);
        ck_assert_int_eq(last.code, -EPROTO);
        ck_assert_uint_eq(started + logs + denials, 0);
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_uint_eq(lost, 1);
        ck_assert_uint_eq(ended, 3);
}
END_TEST

/* Records of refusals cannot flood the journal: each of a kind is told of with twice the count of the last. */
START_TEST(refusals_are_told_of_ever_more_rarely)
{
        struct denied_message m = { .head.message = MESSAGE_DENIED, .guest = 1, .layer = DENIED_LIMIT,
                                    .limit = LIMIT_FILES, .count = 1 };

        for (; m.count <= 1024; m.count *= 4)
                say(&m, sizeof(m));
        ck_assert_int_eq(cell_dispatch(cell, 0), 0);
        ck_assert_uint_eq(denials, 6);
        m.count = 1; /* of another limit and of another guest there may be a first, too */
        m.limit = LIMIT_TIMERS;
        say(&m, sizeof(m));
        m.guest = 2;
        say(&m, sizeof(m));
        ck_assert_int_eq(cell_dispatch(cell, 0), 0);
        ck_assert_uint_eq(denials, 8);
        say(&m, sizeof(m));
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_uint_eq(denials, 8);
        ck_assert_uint_eq(lost, 1);
        ck_assert_ptr_nonnull(strstr(why, "too many refusals of guest 2"));
}
END_TEST

/* What it says of itself is text for people: escaped. Figures are bounded. */
START_TEST(words_of_a_cell_are_data)
{
        SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 1, .end = GUEST_FAILED, .code = 12345,
                             .stage = 999, .text = "\x1b[31mred\n" });
        ck_assert_int_eq(cell_dispatch(cell, 0), 0);
        ck_assert_str_eq(last_text, "\\x1b[31mred\\x0a");
        ck_assert_int_eq(last.code, -EIO);
        ck_assert_int_eq(last.stage, STAGE_CELL);
        SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 2, .layer = DENIED_HOSTCALL, .count = 1, .what = "../\xff" });
        ck_assert_int_eq(cell_dispatch(cell, 0), 0);
        ck_assert_str_eq(last_text, "../\\xff");
        SAY(ended_message, { .head.message = MESSAGE_ENDED, .guest = 2, .end = GUEST_TRAPPED, .trap = 4000 });
        ck_assert_int_eq(cell_dispatch(cell, 0), 0);
        ck_assert_int_eq(last.trap, TRAP_NONE);
        ck_assert_uint_eq(lost, 0);
        close(theirs);
        theirs = -1;
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_int_eq(last.code, -EPIPE);
        ck_assert_uint_eq(ended, 3);
}
END_TEST

#define MEMBER(name, is_to_see) { .slot = UINT32_MAX, .path_fd = -EBADF, .invoke = name, .sees = is_to_see, \
                                  .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED } }

/* Its members go first, in their order; and each is refused its own things. */
START_TEST(a_group_is_sent_whole)
{
        const struct guest_spec members[] = { MEMBER("a", 0), MEMBER("b", 1) };
        const struct guest_spec s = { .guest = 100, .slot = UINT32_MAX, .path_fd = -EBADF, .members = members,
                                      .nmembers = 2, .sees = 3, .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED } };
        static const uint32_t want[] = { MESSAGE_MEMBER, MESSAGE_MEMBER, MESSAGE_SPAWN };
        union message_buffer in;

        ck_assert_int_eq(cell_spawn(cell, &s, &err), 0);
        for (unsigned i = 0; i < ELEMENTSOF(want); i++) {
                const struct spawn_message *m = (const void *)&in;
                ssize_t n = recv(theirs, &in, sizeof(in), MSG_DONTWAIT);

                ck_assert_int_gt(n, 0);
                ck_assert_int_eq(message_check(&in, (size_t)n, 1, false, PHASE_OPEN, &err), 0);
                ck_assert_uint_eq(m->head.message, want[i]);
                ck_assert_uint_eq(m->guest, 100);
                ck_assert_uint_eq(m->sees, i == 2 ? 3 : i);
                ck_assert_uint_eq(m->nmembers, i == 2 ? 2 : 0);
                if (i < 2)
                        ck_assert(m->name_bytes == 1 && *(const char *)(m + 1) == "ab"[i]);
        }
        for (uint32_t member = 0; member <= 2; member++) {
                SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 100, .layer = DENIED_HOSTCALL, .count = 1,
                                      .member = member });
                ck_assert_int_eq(cell_dispatch(cell, 0), 0);
        }
        ck_assert_uint_eq(denials, 3);
        SAY(denied_message, { .head.message = MESSAGE_DENIED, .guest = 100, .layer = DENIED_HOSTCALL, .count = 1,
                              .member = 3 });
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_uint_eq(ended, 4);
}
END_TEST

START_TEST(a_group_that_cannot_be)
{
        static const struct guest_spec groups[][2] = {
                { MEMBER("a", 1) },                  /* imports from itself, */
                { MEMBER("a", 2), MEMBER("b", 0) },  /* from a later one */
                { MEMBER(NULL, 0) },
        };
        char byte;

        for (unsigned i = 0; i < ELEMENTSOF(groups); i++) {
                const struct guest_spec s = { .guest = 100, .slot = UINT32_MAX, .path_fd = -EBADF, .members = groups[i],
                                              .nmembers = i == 1 ? 2 : 1,
                                              .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED } };

                ck_assert_int_eq(cell_spawn(cell, &s, &err), -EINVAL);
        }
        ck_assert_uint_eq(cell_guests(cell), 3);
        ck_assert_int_eq(recv(theirs, &byte, 1, MSG_DONTWAIT), -1);
}
END_TEST

/* A cell that does not read: messages and their descriptors wait, and go when it dies. */
START_TEST(a_cell_that_does_not_read)
{
        struct guest_spec s = { .guest = 100, .slot = UINT32_MAX, .path_fd = -EBADF,
                                .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED } };

        ck_assert_int_eq(cell_fd_events(cell) & 4, 0);
        for (unsigned i = 0; i < 2000; i++, s.guest++)
                ck_assert_int_eq(cell_spawn(cell, &s, &err), 0);
        ck_assert_int_eq(cell_fd_events(cell) & 4, 4); /* POLLOUT */
        ck_assert_uint_eq(cell_guests(cell), 2003);
        ck_assert_int_eq(cell_spawn(cell, &s, &err), 0);
        ck_assert_int_eq(cell_spawn(cell, &s, &err), -EEXIST);
        close(theirs);
        theirs = -1;
        ck_assert_int_eq(cell_dispatch(cell, 0), -EPIPE);
        ck_assert_uint_eq(ended, 2004);
        ck_assert_uint_eq(lost, 1);
        ck_assert_int_eq(cell_spawn(cell, &s, &err), -EPIPE);
}
END_TEST

/* Requests without end, and no answer taken: the broker waits for nobody, and has enough of it at some time. */
START_TEST(answers_that_are_not_read)
{
        const struct path_request ask = { .message = MESSAGE_PATH, .op = PATH_STAT_DIR };
        int pair[2], r = 0;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        broker->path_sock = pair[0];
        for (unsigned i = 0; i < 100000 && r >= 0; i++) {
                ck_assert_int_eq(send(pair[1], &ask, sizeof(ask), MSG_DONTWAIT), (ssize_t)sizeof(ask));
                r = session_serve_path(broker, &broker->paths, &broker->path_sock, &err);
        }
        ck_assert_int_eq(r, -EPROTO);
        ck_assert_str_eq(err.text, "it does not take its answers");
        close(pair[1]);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("lies");

        policy_raise_files(); /* of a login, 1024 */
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, a_lie_ends_the_cell, 0, ELEMENTSOF(lies));
        tcase_add_test(tc, refusals_are_told_of_ever_more_rarely);
        tcase_add_test(tc, words_of_a_cell_are_data);
        tcase_add_test(tc, answers_that_are_not_read);
        tcase_add_test(tc, a_group_is_sent_whole);
        tcase_add_test(tc, a_group_that_cannot_be);
        tcase_add_test(tc, a_cell_that_does_not_read);
        return unit_main("lies", &tc, 1);
}
