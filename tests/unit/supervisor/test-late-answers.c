/* test-late-answers.c - a request for a path that was given up is answered all the same: whoever asks next passes over
 * that answer, whatever its size. The broker of paths is this test. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/proto/path.h"
#include "tests/unit/supervisor/one_cell.h"
#include "tests/unit/unit.h"

/* Lists directory 3 until somebody ends that, makes another, and says in its exit status what came of the two. */
static const char guest[] =
        "(module (import \"wasi_snapshot_preview1\" \"fd_readdir\""
        "          (func $list (param i32 i32 i32 i64 i32) (result i32)))"
        "        (import \"wasi_snapshot_preview1\" \"path_create_directory\" (func $make (param i32 i32 i32) (result i32)))"
        "        (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
        "  (memory (export \"memory\") 2) (data (i32.const 8) \"new\")"
        "  (func (export \"_start\") (local i32)"
        "    (local.set 0 (call $list (i32.const 3) (i32.const 4096) (i32.const 32768) (i64.const 0) (i32.const 0)))"
        "    (call $exit (i32.add (local.get 0) (i32.mul (i32.const 100) (call $make (i32.const 3) (i32.const 8)"
        "      (i32.const 3)))))))";

#define CANCELED 11u

static unsigned ended;
static uint32_t status;

static void on_ended(void *context, uint64_t number, const struct guest_ended *e)
{
        ended++;
        status = e->end == GUEST_EXITED ? e->status : 77777;
}

static void setup(void)
{
        static const struct guest_events events = { .ended = on_ended };

        ended = 0;
        one_cell_begin();
        one_cell_open(&events, 1 << 20, 1);
}

static void serve(int ms)
{
        struct pollfd p = { .fd = cell_fd(cell), .events = cell_fd_events(cell) };

        (void)poll(&p, 1, ms);
        ck_assert_int_eq(cell_dispatch(cell, 0), 0);
}

static struct path_request take(int sock)
{
        struct {
                struct path_request head;
                char bytes[2 * PATH_BYTES_MAX];
        } in;
        struct pollfd p = { .fd = sock, .events = POLLIN };

        for (int i = 0; i < 1000 && poll(&p, 1, 10) == 0; i++)
                serve(0);
        ck_assert_int_ge(recv(sock, &in, sizeof(in), MSG_DONTWAIT), (ssize_t)sizeof(in.head));
        return in.head;
}

static void answer(int sock, uint32_t id, uint32_t bytes)
{
        struct {
                struct path_reply head;
                char bytes[PATH_REPLY_MAX];
        } out = { .head = { .message = MESSAGE_PATH_REPLY, .id = id, .handle = UINT32_MAX, .bytes = bytes } };

        ck_assert_int_eq(send(sock, &out, sizeof(out.head) + bytes, MSG_DONTWAIT), (ssize_t)(sizeof(out.head) + bytes));
}

START_TEST(a_late_answer_is_passed_over)
{
        struct guest_dir dir = { .guest = "/", .handle = 0 };
        struct guest_spec spec = one_cell_spec(1, one_cell_load(guest, false));
        struct path_request first, second;
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        spec.path_fd = pair[1];
        spec.dirs = &dir;
        spec.ndirs = 1;
        ck_assert_int_eq(cell_spawn(cell, &spec, &err), 0);
        first = take(pair[0]);
        ck_assert_uint_eq(first.op, PATH_READ_DIR);
        ck_assert_int_eq(cell_kill(cell, 1, KILL_STOP), 0);
        second = take(pair[0]);
        ck_assert_uint_eq(second.op, PATH_MKDIR);
        answer(pair[0], first.id, first.length);
        answer(pair[0], second.id, 0);
        for (int i = 0; i < 1000 && !ended; i++)
                serve(10);
        ck_assert_uint_eq(ended, 1);
        ck_assert_uint_eq(status, CANCELED);
        close(pair[0]);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("late answers");

        tcase_add_checked_fixture(tc, setup, one_cell_end);
        tcase_add_test(tc, a_late_answer_is_passed_over);
        return unit_main("late answers", &tc, 1);
}
