/* attacks_broker.c - words that no honest cell says to its broker. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/drills/attack.h"

/* Says it, and waits: whoever gets an answer other than the end got through. */
static long say(struct cell *c, const void *message, size_t size)
{
        struct received r = { 0 };
        int e = channel_send(c, message, size);

        if (e >= 0)
                e = channel_receive(c, &r);
        return e;
}

static long say_nothing_known(struct cell *c)
{
        return say(c, &(struct message_head) { 9999, c->id }, sizeof(struct message_head));
}

static long say_too_little(struct cell *c)
{
        return say(c, "abc", 3);
}

static long say_half(struct cell *c)
{
        return say(c, &(struct message_head) { MESSAGE_DONE, c->id }, sizeof(struct message_head));
}

static long say_too_much(struct cell *c)
{
        static uint8_t bytes[PROTO_BYTES_MAX + 4096];
        struct message_head head = { MESSAGE_DONE, c->id };

        memcpy(bytes, &head, sizeof(head));
        return say(c, bytes, sizeof(bytes));
}

static long say_ready_again(struct cell *c)
{
        struct ready_message m = { .head = { MESSAGE_READY, c->id }, .version = PROTO_VERSION };

        return say(c, &m, sizeof(m));
}

static long answer_another(struct cell *c)
{
        struct done_message m = { .head = { MESSAGE_DONE, c->id + 77 } };

        return say(c, &m, sizeof(m));
}

static long lie_about_length(struct cell *c)
{
        struct done_message m = { .head = { MESSAGE_DONE, c->id }, .nvalues = 5 };

        return say(c, &m, sizeof(m));
}

static long speak_for_broker(struct cell *c)
{
        struct load_message m = { .head = { MESSAGE_LOAD, c->id } };

        return say(c, &m, sizeof(m));
}

static struct path_request request(struct cell *c, enum path_op op, uint32_t dir)
{
        return (struct path_request) { .message = MESSAGE_PATH, .op = op, .dir = dir };
}

static long path_bad_op(struct cell *c)
{
        struct path_request m = request(c, _PATH_OP_MAX + 3, 0);

        return say(c, &m, sizeof(m));
}

static long path_bad_flags(struct cell *c)
{
        struct path_request m = request(c, PATH_STAT_DIR, 0);

        m.flags = UINT32_C(1) << 31;
        return say(c, &m, sizeof(m));
}

static long path_two_for_one(struct cell *c)
{
        struct {
                struct path_request head;
                char bytes[2];
        } __attribute__((packed)) m = { request(c, PATH_STAT, 0), "ab" };

        m.head.path_bytes = m.head.path2_bytes = 1;
        return say(c, &m, sizeof(m));
}

static long path_ask_much(struct cell *c)
{
        struct path_request m = request(c, PATH_READ_DIR, 0);

        m.length = PATH_REPLY_MAX + 1;
        return say(c, &m, sizeof(m));
}

static long send_descriptor(struct cell *c)
{
        struct done_message m = { .head = { MESSAGE_DONE, c->id } };
        union {
                struct cmsghdr head;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
        struct iovec iov = { &m, sizeof(m) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                              .msg_controllen = sizeof(control) };
        struct ring_op op = { .code = RING_SENDMSG, .fd = FD_BROKER, .address = &msg };

        return ring_do(c->ring, &op);
}

/* The story of tests/cli/test-diff: what a logger that wanted a socket would do when its import was forced, and
 * it ran as native code. It asks the broker to connect, which is no message there is; then for the wallet. */
static long wallet_connect(struct cell *c)
{
        struct {
                struct message_head head;
                char where[32];
        } m = { { _MESSAGE_MAX + 7, c->id }, "connect 203.0.113.1:443" };

        return say(c, &m, sizeof(m));
}

static long hang_up(struct cell *c)
{
        volatile bool forever = true;

        close(FD_BROKER);
        while (forever)
                __builtin_ia32_pause();
        return 0;
}

/* What the broker answers to a well-formed request for what the cell may not have. */
static long ask(struct cell *c, struct path_request m, const char *path, const char *path2)
{
        struct path_reply reply;
        int fd = -EBADF, r;

        m.path_bytes = path ? (uint32_t)strlen(path) : 0;
        m.path2_bytes = path2 ? (uint32_t)strlen(path2) : 0;
        r = channel_path_call(c, &m, path, path2, &reply, NULL, 0, &fd);
        return r < 0 ? r : reply.result;
}

static long path_no_grant(struct cell *c)
{
        return ask(c, request(c, PATH_STAT_DIR, 5), NULL, NULL);
}

static long open_path(struct cell *c, uint32_t dir, uint32_t flags, const char *path)
{
        struct path_request m = request(c, PATH_OPEN, dir);

        m.flags = flags;
        return ask(c, m, path, NULL);
}

static long path_up(struct cell *c)
{
        return open_path(c, 0, PATH_READ | PATH_FOLLOW, "inside/../../../etc/passwd");
}

static long path_absolute(struct cell *c)
{
        return open_path(c, 0, PATH_READ, "/etc/passwd");
}

static long wallet_open(struct cell *c)
{
        return open_path(c, 0, PATH_READ | PATH_FOLLOW, "../../home/user/.wallet");
}

static long path_link_out(struct cell *c)
{
        return open_path(c, 0, PATH_READ | PATH_FOLLOW, "link");
}

static long path_write_readonly(struct cell *c)
{
        return open_path(c, 1, PATH_WRITE | PATH_CREATE, "new");
}

static long path_link_readonly(struct cell *c)
{
        struct path_request m = request(c, PATH_LINK, 1);

        return ask(c, m, "file", "copy");
}

static long path_close_grant(struct cell *c)
{
        return ask(c, request(c, PATH_CLOSE_DIR, 0), NULL, NULL);
}

static long path_many_handles(struct cell *c)
{
        long r = 0;

        for (unsigned i = 0; i < PATH_HANDLES_MAX + 8 && r >= 0; i++)
                r = open_path(c, 0, PATH_READ | PATH_DIRECTORY, ".");
        return r;
}

#define ROW(name) { #name, name }

const struct attack attacks_broker[] = {
        ROW(say_nothing_known), ROW(say_too_little), ROW(say_half), ROW(say_too_much),
        ROW(say_ready_again), ROW(answer_another), ROW(lie_about_length), ROW(speak_for_broker),
        ROW(path_bad_op), ROW(path_bad_flags), ROW(path_two_for_one), ROW(path_ask_much),
        ROW(send_descriptor), ROW(hang_up), ROW(wallet_connect), ROW(wallet_open), ROW(path_no_grant), ROW(path_up), ROW(path_absolute),
        ROW(path_link_out), ROW(path_write_readonly), ROW(path_link_readonly),
        ROW(path_close_grant), ROW(path_many_handles), { 0 },
};
