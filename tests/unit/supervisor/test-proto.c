/* test-proto.c - messages that fit, and every way in which one does not. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/proto/descriptors.h"
#include "supervisor/proto/guest_config.h"
#include "supervisor/proto/proto.h"
#include "tests/unit/unit.h"

static const struct {
        const char *name;
        uint32_t message;
        bool from_cell;
        unsigned phase;
        size_t bytes; /* of the fixed part */
        unsigned fds;
} rows[] = {
#define MESSAGE(name, from_cell, phases, bytes, fds, text) \
        { #name, MESSAGE_##name, from_cell, phases, bytes, fds },
#include "supervisor/proto/messages.def"
};

static union message_buffer m;
static struct error err;

static int check(size_t size, unsigned nfds, bool from_cell, unsigned phase)
{
        err = (struct error) { 0 };
        return message_check(&m, size, nfds, from_cell, phase, &err);
}

START_TEST(a_message_at_its_time)
{
        memset(&m, 0, sizeof(m));
        m.head.message = rows[_i].message;
        ck_assert_int_eq(check(rows[_i].bytes, rows[_i].fds, rows[_i].from_cell, rows[_i].phase), 0);
        ck_assert_int_eq(err.code, 0);
        ck_assert_str_ne(message_text(rows[_i].message), "unknown");

        /* from the other side, at another time, cut, longer, with one descriptor more */
        ck_assert_int_eq(check(rows[_i].bytes, 0, !rows[_i].from_cell, rows[_i].phase), -EPROTO);
        ck_assert_int_eq(err.stage, STAGE_PROTOCOL);
        for (unsigned phase = 1; phase <= PHASE_ASKED; phase <<= 1)
                if (!(phase & rows[_i].phase))
                        ck_assert_int_eq(check(rows[_i].bytes, 0, rows[_i].from_cell, phase), -EPROTO);
        for (size_t size = 0; size < rows[_i].bytes; size++)
                ck_assert_int_eq(check(size, 0, rows[_i].from_cell, rows[_i].phase), -EPROTO);
        ck_assert_int_eq(check(rows[_i].bytes + 1, 0, rows[_i].from_cell, rows[_i].phase), -EPROTO);
        ck_assert_int_eq(check(rows[_i].bytes, rows[_i].fds + 1, rows[_i].from_cell, rows[_i].phase),
                         -EPROTO);
}
END_TEST

START_TEST(numbers_that_are_no_message)
{
        static const uint32_t numbers[] = { 0, _MESSAGE_MAX, UINT32_MAX };

        memset(&m, 0, sizeof(m));
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                m.head.message = numbers[i];
                ck_assert_int_eq(check(4096, 0, true, PHASE_ASKED), -EPROTO);
        }
        ck_assert_str_eq(message_text(_MESSAGE_MAX), "unknown");
}
END_TEST

/* A count, and how many bytes each unit of it stands for. */
static const struct {
        uint32_t message;
        bool from_cell;
        unsigned phase;
        size_t fixed, at;
        uint32_t most, unit;
} counts[] = {
        { MESSAGE_DONE, true, PHASE_ASKED, sizeof(struct done_message),
          offsetof(struct done_message, nvalues), PROTO_VALUES_MAX, sizeof(struct wire_value) },
        { MESSAGE_TRAPPED, true, PHASE_ASKED, sizeof(struct trapped_message),
          offsetof(struct trapped_message, nframes), PROTO_FRAMES_MAX, 0 },
        { MESSAGE_PATH, true, PHASE_ASKED, sizeof(struct path_request),
          offsetof(struct path_request, path_bytes), PATH_BYTES_MAX, 1 },
        { MESSAGE_PATH, true, PHASE_ASKED, sizeof(struct path_request),
          offsetof(struct path_request, path2_bytes), PATH_BYTES_MAX, 1 },
        { MESSAGE_PATH_REPLY, false, PHASE_ASKED, sizeof(struct path_reply),
          offsetof(struct path_reply, bytes), PATH_REPLY_MAX, 1 },
        { MESSAGE_CONFIGURE, false, PHASE_OPEN, sizeof(struct configure_message),
          offsetof(struct configure_message, nlisten), PROTO_LISTEN_MAX, 0 },
        { MESSAGE_REGISTER, false, PHASE_OPEN, sizeof(struct register_message),
          offsetof(struct register_message, name_bytes), PROTO_NAME_MAX, 1 },
        { MESSAGE_SPAWN, false, PHASE_OPEN, sizeof(struct spawn_message),
          offsetof(struct spawn_message, name_bytes), PROTO_NAME_MAX, 1 },
        { MESSAGE_SPAWN, false, PHASE_OPEN, sizeof(struct spawn_message),
          offsetof(struct spawn_message, nlisten), PROTO_LISTEN_MAX, 0 },
        { MESSAGE_SPAWN, false, PHASE_OPEN, sizeof(struct spawn_message),
          offsetof(struct spawn_message, stdio), 7, 0 },
        { MESSAGE_SPAWN, false, PHASE_OPEN, sizeof(struct spawn_message),
          offsetof(struct spawn_message, flags), _SPAWN_ALL, 0 },
        { MESSAGE_ENDED, true, PHASE_OPEN, sizeof(struct ended_message),
          offsetof(struct ended_message, nframes), PROTO_FRAMES_MAX, sizeof(struct wire_frame) },
        { MESSAGE_ENDED, true, PHASE_ASKED, sizeof(struct ended_message),
          offsetof(struct ended_message, nvalues), PROTO_VALUES_MAX, sizeof(struct wire_value) },
        { MESSAGE_LOG, true, PHASE_OPEN, sizeof(struct log_message),
          offsetof(struct log_message, bytes), PROTO_LOG_MAX, 1 },
        { MESSAGE_CALL, false, PHASE_OPEN, sizeof(struct call_message),
          offsetof(struct call_message, nvalues), PROTO_VALUES_MAX, sizeof(struct wire_value) },
};

START_TEST(counts_are_held_to_the_length)
{
        static const uint32_t values[] = { 0, 1, 2, 31, UINT32_MAX, UINT32_MAX - 7, 0x80000000 };
        size_t n = ELEMENTSOF(values);

        memset(&m, 0, sizeof(m));
        m.head.message = counts[_i].message;
        for (size_t k = 0; k < n + 2; k++) {
                uint32_t value = k < n ? values[k] : counts[_i].most + (uint32_t)(k - n);
                uint64_t size = counts[_i].fixed + (uint64_t)value * counts[_i].unit;
                bool fits = value <= counts[_i].most;

                memcpy(m.bytes + counts[_i].at, &value, sizeof(value));
                if (size > sizeof(m))
                        size = sizeof(m);
                ck_assert_int_eq(check(size, 0, counts[_i].from_cell, counts[_i].phase),
                                 fits ? 0 : -EPROTO);
                ck_assert_int_eq(check(size - 1, 0, counts[_i].from_cell, counts[_i].phase), -EPROTO);
        }
}
END_TEST

static struct {
        struct config_head head;
        struct config_dir dir;
        char strings[24];
} config;

static const struct config_view untouched = { .head = (void *)1 };

static void make_config(void)
{
        config.head = (struct config_head) { .magic = CONFIG_MAGIC, .nargs = 2, .nenv = 1, .ndirs = 1,
                                             .string_bytes = 24 };
        config.dir = (struct config_dir) { 0, 1 };
        memcpy(config.strings, "program\0-v\0K=V\0/guest/d", 24);
}

START_TEST(a_configuration)
{
        struct config_view view = untouched;

        make_config();
        ck_assert_int_eq(config_read((void *)&config, sizeof(config), &view, &err), 0);
        ck_assert_str_eq(view.strings[0], "program");
        ck_assert_str_eq(view.strings[1], "-v");
        ck_assert_str_eq(view.strings[2], "K=V");
        ck_assert_str_eq(view.strings[3], "/guest/d");
        ck_assert_uint_eq(view.dirs[0].read_only, 1);
        free(view.strings);
}
END_TEST

static void bad_magic(void) { config.head.magic++; }
static void more_args(void) { config.head.nargs++; }
static void fewer_args(void) { config.head.nargs--; }
static void more_dirs(void) { config.head.ndirs = 1000; }
static void many(void) { config.head.nenv = UINT32_MAX; }
static void more_bytes(void) { config.head.string_bytes++; }
static void no_end(void) { config.strings[23] = 'x'; }

static const struct {
        void (*spoil)(void);
        int r;
} spoils[] = {
        { bad_magic, -EBADMSG }, { more_args, -EBADMSG }, { fewer_args, -EBADMSG },
        { more_dirs, -EBADMSG }, { many, -E2BIG },        { more_bytes, -EBADMSG },
        { no_end, -EBADMSG },
};

START_TEST(a_bad_configuration)
{
        struct config_view view = untouched;

        make_config();
        spoils[_i].spoil();
        ck_assert_int_eq(config_read((void *)&config, sizeof(config), &view, &err), spoils[_i].r);
        ck_assert_ptr_eq(view.head, untouched.head);
}
END_TEST

START_TEST(a_configuration_cut_anywhere)
{
        struct config_view view = untouched;

        make_config();
        for (size_t size = 0; size < sizeof(config); size++)
                ck_assert_int_lt(config_read((void *)&config, size, &view, &err), 0);
        ck_assert_ptr_eq(view.head, untouched.head);
}
END_TEST

/* Nothing that random bytes say is believed, or read beyond its end. */
START_TEST(random_messages)
{
        uint64_t state = 0x9e3779b97f4a7c15 + (uint64_t)_i;

        for (unsigned n = 0; n < 20000; n++) {
                size_t size = 1 + (size_t)(state % 700);
                uint8_t *exact = malloc(size); /* a sanitizer sees the byte behind it */
                struct config_view view;

                for (size_t i = 0; i < size; i++) {
                        state = state * 6364136223846793005u + 1442695040888963407u;
                        exact[i] = (uint8_t)(state >> 56);
                }
                if (size >= 8 && n % 4) { /* a known message most of the time */
                        uint32_t message = (uint32_t)(state >> 33) % (_MESSAGE_MAX + 1);

                        memcpy(exact, &message, sizeof(message));
                }
                for (unsigned phase = 1; phase <= PHASE_ASKED; phase <<= 1) {
                        int r = message_check(exact, size, 0, n & 1, phase, &err);

                        ck_assert(r == 0 || r == -EPROTO);
                }
                if (size >= sizeof(struct config_head)) {
                        ((struct config_head *)(void *)exact)->magic = CONFIG_MAGIC;
                        ((struct config_head *)(void *)exact)->nargs %= 4;
                        ((struct config_head *)(void *)exact)->nenv %= 4;
                        ((struct config_head *)(void *)exact)->ndirs %= 4;
                }
                if (config_read(exact, size, &view, &err) == 0)
                        free(view.strings);
                free(exact);
        }
}
END_TEST

static const struct {
        unsigned sent, most;
        bool fits;
} with_descriptors[] = {
        { 0, 0, true },  { 1, 1, true },    { 2, 1, false },    { 5, 4, false },
        { 64, 64, true }, { 65, 65, true }, { 66, 65, false }, /* 65 leave room for 66 in what the kernel is given */
        { 128, 128, true }, { 128, 0, false },
};

/* The lowest number that is free: a descriptor that stays open moves it. */
static int lowest(void)
{
        int fd = dup(0);

        close(fd);
        return fd;
}

START_TEST(descriptors_that_come_are_bounded)
{
        int fds[DESCRIPTORS_MAX], came[DESCRIPTORS_MAX + 1], pair[2], before;
        unsigned most = with_descriptors[_i].most, n = 77;
        char text[8] = "";
        ssize_t r;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        for (unsigned i = 0; i < DESCRIPTORS_MAX; i++)
                fds[i] = pair[0];
        memset(came, 0x7f, sizeof(came));
        before = lowest();
        ck_assert_int_eq(descriptors_send(pair[0], "word", 5, fds, with_descriptors[_i].sent, 0), 0);
        r = descriptors_receive(pair[1], text, sizeof(text), came, most, &n, MSG_DONTWAIT);
        ck_assert_int_eq(came[most], 0x7f7f7f7f); /* nothing behind what there is room for */
        if (with_descriptors[_i].fits) {
                ck_assert_int_eq(r, 5);
                ck_assert_str_eq(text, "word");
                ck_assert_uint_eq(n, with_descriptors[_i].sent);
                for (unsigned i = 0; i < n; i++) {
                        ck_assert_int_eq(fcntl(came[i], F_GETFD), FD_CLOEXEC);
                        close(came[i]);
                }
        } else {
                ck_assert_int_eq(r, -EPROTO);
                ck_assert_uint_eq(n, 0);
        }
        ck_assert_int_eq(lowest(), before);
        ck_assert_int_eq(descriptors_receive(pair[1], text, sizeof(text), came, most, &n, MSG_DONTWAIT), -EAGAIN);
        ck_assert_int_eq(descriptors_send(pair[0], "word", 5, fds, DESCRIPTORS_MAX + 1, 0), -E2BIG);
        close(pair[0]);
        ck_assert_int_eq(descriptors_receive(pair[1], text, sizeof(text), came, most, &n, MSG_DONTWAIT), 0);
        close(pair[1]);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("proto");

        tcase_add_loop_test(tc, random_messages, 0, 4);
        tcase_add_loop_test(tc, descriptors_that_come_are_bounded, 0, ELEMENTSOF(with_descriptors));

        tcase_add_loop_test(tc, a_message_at_its_time, 0, ELEMENTSOF(rows));
        tcase_add_test(tc, numbers_that_are_no_message);
        tcase_add_loop_test(tc, counts_are_held_to_the_length, 0, ELEMENTSOF(counts));
        tcase_add_test(tc, a_configuration);
        tcase_add_loop_test(tc, a_bad_configuration, 0, ELEMENTSOF(spoils));
        tcase_add_test(tc, a_configuration_cut_anywhere);
        return unit_main("proto", &tc, 1);
}
