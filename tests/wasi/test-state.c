/* test-state.c - the table of functions, errors, descriptors, arguments, leaving. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/fiber.h"
#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

START_TEST(table_is_whole)
{
        ck_assert_uint_eq(wasi_functions_n, 46);
        for (unsigned i = 0; i < wasi_functions_n; i++) {
                ck_assert_str_eq(wasi_functions[i].module, "wasi_snapshot_preview1");
                ck_assert_ptr_nonnull(wasi_functions[i].code);
                for (unsigned k = 0; k < i; k++)
                        ck_assert_str_ne(wasi_functions[i].name, wasi_functions[k].name);
        }
}
END_TEST

static const struct {
        int linux_errno;
        enum wasi_errno e;
} errors[] = {
        { 0, WASI_SUCCESS },            { 7, WASI_SUCCESS },         { -ENOENT, WASI_NOENT },
        { -EACCES, WASI_ACCES },        { -EPERM, WASI_PERM },       { -EAGAIN, WASI_AGAIN },
        { -EOPNOTSUPP, WASI_NOTSUP },   { -ELOOP, WASI_LOOP },       { -EXDEV, WASI_XDEV },
        { -ENOTEMPTY, WASI_NOTEMPTY },  { -EROFS, WASI_ROFS },       { -ESTALE, WASI_STALE },
        { -EMEDIUMTYPE, WASI_IO },      { -EREMOTEIO, WASI_IO },     { -100000, WASI_IO },
        { INT32_MIN + 1, WASI_IO },     { -EPIPE, WASI_PIPE },       { -EILSEQ, WASI_ILSEQ },
};

START_TEST(errno_is_mapped)
{
        assert_errno(wasi_errno_of(errors[_i].linux_errno), errors[_i].e);
}
END_TEST

START_TEST(every_errno_of_linux_has_an_answer)
{
        for (int i = 1; i < 4096; i++) {
                enum wasi_errno e = wasi_errno_of(-i);

                ck_assert_uint_ne(e, WASI_SUCCESS);
                ck_assert_uint_le(e, WASI_NOTCAPABLE);
                ck_assert_str_ne(wasi_errno_text(e), "?");
        }
        ck_assert_str_eq(wasi_errno_text(77), "?");
}
END_TEST

START_TEST(preopens_stand_where_they_should)
{
        char name[16] = { 0 };

        for (uint32_t fd = 0; fd < 3; fd++)
                assert_errno(wasi_fd_prestat_get(fd, AT_RET), WASI_BADF);
        assert_ok(wasi_fd_prestat_get(FD_DIR, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        ck_assert_uint_eq(get_u32(AT_RET + 4), 2);
        assert_ok(wasi_fd_prestat_dir_name(FD_DIR, AT_OUT, 2));
        memcpy(name, guest.memory + AT_OUT, 3);
        ck_assert_str_eq(name, "/d");
        assert_ok(wasi_fd_prestat_dir_name(FD_READ_ONLY, AT_OUT, 100));
        assert_errno(wasi_fd_prestat_dir_name(FD_READ_ONLY, AT_OUT, 2), WASI_NAMETOOLONG);
        assert_errno(wasi_fd_prestat_dir_name(FD_READ_ONLY, AT_OUT, 0), WASI_NAMETOOLONG);
        assert_errno(wasi_fd_prestat_get(FD_LISTEN, AT_RET), WASI_BADF);
        assert_errno(wasi_fd_prestat_dir_name(FD_LISTEN, AT_OUT, 100), WASI_BADF);
        assert_errno(wasi_fd_prestat_get(99, AT_RET), WASI_BADF);
        assert_errno(wasi_fd_prestat_get(FD_DIR, NOWHERE), WASI_FAULT);
        assert_errno(wasi_fd_prestat_dir_name(FD_DIR, NOWHERE, 3), WASI_FAULT);
}
END_TEST

START_TEST(preopen_can_be_closed_and_replaced)
{
        uint32_t fd;

        assert_ok(do_open(FD_DIR, 0, "ro", WASI_OPEN_DIRECTORY, RIGHT_PATH_OPEN, 0, 0, &fd));
        assert_ok(wasi_fd_renumber(fd, FD_DIR));
        assert_errno(wasi_fd_prestat_get(FD_DIR, AT_RET), WASI_BADF);
        assert_errno(wasi_fd_close(fd), WASI_BADF);
        assert_ok(wasi_fd_close(FD_DIR));
        assert_ok(wasi_fd_close(FD_READ_ONLY));
        assert_errno(wasi_fd_close(FD_READ_ONLY), WASI_BADF);
}
END_TEST

START_TEST(lowest_number_is_taken)
{
        uint32_t fd, a;

        /* No stdio was given: 0, 1 and 2 are free. */
        for (uint32_t i = 0; i < 3; i++) {
                assert_ok(do_open(FD_DIR, 0, "ro", 0, 0, 0, 0, &fd));
                ck_assert_uint_eq(fd, i);
        }
        assert_ok(do_open(FD_DIR, 0, "ro", 0, 0, 0, 0, &fd));
        ck_assert_uint_eq(fd, 6);
        assert_ok(wasi_fd_close(1));
        assert_ok(do_open(FD_DIR, 0, "ro", 0, 0, 0, 0, &a));
        ck_assert_uint_eq(a, 1);
        ck_assert_uint_eq(double_paths_handles(), 4);
}
END_TEST

START_TEST(renumber_refuses_what_is_not_open)
{
        uint32_t a, b;

        make_file("a", "A");
        make_file("b", "B");
        assert_ok(do_open(FD_DIR, 0, "a", 0, RIGHT_FD_READ, 0, 0, &a));
        assert_ok(do_open(FD_DIR, 0, "b", 0, RIGHT_FD_READ, 0, 0, &b));
        assert_errno(wasi_fd_renumber(99, a), WASI_BADF);
        assert_errno(wasi_fd_renumber(a, 99), WASI_BADF);
        assert_errno(wasi_fd_renumber(UINT32_MAX, a), WASI_BADF);
        assert_ok(wasi_fd_renumber(a, a));
        assert_ok(wasi_fd_renumber(a, b));
        assert_errno(wasi_fd_close(a), WASI_BADF);
        {
                char text[4];
                uint32_t n;

                assert_ok(do_read(b, text, sizeof(text), &n));
                ck_assert_uint_eq(n, 1);
                ck_assert_int_eq(text[0], 'A');
        }
        assert_ok(wasi_fd_close(b));
}
END_TEST

START_TEST(limit_of_open_files)
{
        struct double_options o = { .no_stdio = true, .files_max = 8,
                                    .stdio = { -EBADF, -EBADF, -EBADF } };
        uint32_t fd;

        double_start(&o);
        for (unsigned i = 0; i < 5; i++)
                assert_ok(do_open(FD_DIR, 0, "ro", 0, 0, 0, 0, &fd));
        assert_errno(do_open(FD_DIR, 0, "ro", 0, 0, 0, 0, &fd), WASI_MFILE);
        ck_assert_uint_eq(double_paths_handles(), 5);
        assert_ok(wasi_fd_close(fd));
        assert_ok(do_open(FD_DIR, 0, "ro", 0, 0, 0, 0, &fd));
        double_stop();
}
END_TEST

START_TEST(limit_below_the_grants_is_refused)
{
        const struct wasi_grant_dir dirs[] = { { .guest_path = "/" }, { .guest_path = "/x" } };
        struct wasi_config c = { .stdio = { -EBADF, -EBADF, -EBADF }, .dirs = dirs, .ndirs = 2,
                                 .files_max = 4 };
        struct wasi *w = (struct wasi *)1;
        struct error err;

        ck_assert_int_eq(wasi_new(&c, &w, &err), -EMFILE);
        ck_assert_ptr_eq(w, (struct wasi *)1);
        ck_assert_int_eq(err.code, -EMFILE);
        c.files_max = 5;
        ck_assert_int_eq(wasi_new(&c, &w, &err), 0);
        wasi_free(w);
        wasi_free(NULL);
}
END_TEST

START_TEST(arguments_arrive)
{
        const char *const args[] = { "prog", "", "x y" }, *const env[] = { "A=1", "B=" };
        struct double_options o = { .no_stdio = true, .args = args, .nargs = 3, .env = env,
                                    .nenv = 2, .stdio = { -EBADF, -EBADF, -EBADF } };

        double_start(&o);
        assert_ok(wasi_args_sizes_get(AT_RET, AT_RET2));
        ck_assert_uint_eq(get_u32(AT_RET), 3);
        ck_assert_uint_eq(get_u32(AT_RET2), 5 + 1 + 4);
        assert_ok(wasi_args_get(AT_DATA, AT_OUT));
        for (unsigned i = 0; i < 3; i++)
                ck_assert_str_eq((char *)guest.memory + get_u32(AT_DATA + 4 * i), args[i]);
        ck_assert_uint_eq(get_u32(AT_DATA), AT_OUT);

        assert_ok(wasi_environ_sizes_get(AT_RET, AT_RET2));
        ck_assert_uint_eq(get_u32(AT_RET), 2);
        ck_assert_uint_eq(get_u32(AT_RET2), 7);
        assert_ok(wasi_environ_get(AT_DATA, AT_OUT));
        ck_assert_str_eq((char *)guest.memory + get_u32(AT_DATA + 4), "B=");

        assert_errno(wasi_args_get(GUEST_BYTES - 11, AT_OUT), WASI_FAULT);
        assert_errno(wasi_args_get(AT_DATA, GUEST_BYTES - 9), WASI_FAULT);
        assert_ok(wasi_args_get(GUEST_BYTES - 12, AT_OUT));
        assert_ok(wasi_args_get(AT_DATA, GUEST_BYTES - 10));
        assert_errno(wasi_environ_get(UINT32_MAX, AT_OUT), WASI_FAULT);
        assert_errno(wasi_environ_get(AT_DATA, UINT32_MAX), WASI_FAULT);
        assert_errno(wasi_args_sizes_get(NOWHERE, AT_RET), WASI_FAULT);
        assert_errno(wasi_args_sizes_get(AT_RET, NOWHERE), WASI_FAULT);
        assert_errno(wasi_environ_sizes_get(NOWHERE, AT_RET), WASI_FAULT);
        assert_errno(wasi_environ_sizes_get(AT_RET, NOWHERE), WASI_FAULT);
        double_stop();
}
END_TEST

START_TEST(no_arguments_no_environment)
{
        assert_ok(wasi_args_sizes_get(AT_RET, AT_RET2));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        ck_assert_uint_eq(get_u32(AT_RET2), 0);
        assert_ok(wasi_environ_sizes_get(AT_RET, AT_RET2));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        assert_ok(wasi_environ_get(0, 0));
        assert_ok(wasi_args_get(0, 0));
}
END_TEST

START_TEST(exit_is_a_trap_that_keeps_the_status)
{
        uint32_t status = 7;

        ck_assert(!wasi_exited(guest.wasi, &status));
        ck_assert_uint_eq(status, 7);
        guest.traps = true;
        if (setjmp(guest.trap) == 0)
                wasi_proc_exit(0xfffffff0);
        ck_assert_int_eq(guest.trapped, TRAP_HOST);
        ck_assert(wasi_exited(guest.wasi, &status));
        ck_assert_uint_eq(status, 0xfffffff0);
}
END_TEST

START_TEST(signals_do_not_exist)
{
        for (uint32_t i = 0; i < 32; i++)
                assert_errno(wasi_proc_raise(i), WASI_NOSYS);
}
END_TEST

/* Two fibers of one guest: what happens to a descriptor under a call that is in flight. */
static int pipe_fds[2];
static uint32_t reader_e, reader_n, closer_e, new_fd;
static char reader_text[8];

static void reader(void *argument)
{
        reader_e = do_read(0, reader_text, sizeof(reader_text), &reader_n);
}

static void closer(void *argument)
{
        closer_e = wasi_fd_close(0);
        (void) do_open(FD_DIR, 0, "other", 0, RIGHT_FD_READ, 0, 0, &new_fd);
}

static void run_until(struct fiber *f, struct fiber *other, bool *live, bool *other_live)
{
        while (*live) {
                struct fiber *next;

                ck_assert_int_ge(ring_poll(guest.ring, true), 0);
                while ((next = ring_next_ready(guest.ring)))
                        *(next == f ? live : other_live) = fiber_resume(next);
        }
}

START_TEST(close_under_a_read_that_is_in_flight)
{
        struct double_options o = { .stdio = { -EBADF, -EBADF, -EBADF } };
        struct fiber *a, *b;
        struct error err;
        bool a_live, b_live;

        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        o.stdio[0] = pipe_fds[0];
        double_start(&o);
        make_file("other", "OTHER");
        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &a, &err), 0);
        ck_assert_int_eq(fiber_new(FIBER_STACK_BYTES, &b, &err), 0);
        fiber_start(a, reader, NULL);
        fiber_start(b, closer, NULL);
        a_live = fiber_resume(a);
        ck_assert(a_live);
        b_live = fiber_resume(b);
        while (b_live)
                run_until(b, a, &b_live, &a_live);
        assert_ok(closer_e);
        ck_assert_uint_eq(new_fd, 0); /* the number is free at once, the file is not closed */
        ck_assert(a_live);
        ck_assert_int_eq(write(pipe_fds[1], "late", 4), 4);
        run_until(a, b, &a_live, &b_live);
        assert_ok(reader_e);
        ck_assert_uint_eq(reader_n, 4);
        ck_assert_mem_eq(reader_text, "late", 4);
        /* Now it is: the last reader is gone. */
        ck_assert_int_eq(fcntl(pipe_fds[0], F_GETFD), -1);
        fiber_free(a);
        fiber_free(b);
        double_stop();
}
END_TEST

TCase *state_case(void)
{
        TCase *tc = tcase_create("state");

        tcase_add_test(tc, table_is_whole);
        tcase_add_loop_test(tc, errno_is_mapped, 0, ELEMENTSOF(errors));
        tcase_add_test(tc, every_errno_of_linux_has_an_answer);
        tcase_add_test(tc, limit_of_open_files);
        tcase_add_test(tc, limit_below_the_grants_is_refused);
        tcase_add_test(tc, arguments_arrive);
        tcase_add_test(tc, close_under_a_read_that_is_in_flight);
        return tc;
}

TCase *descriptors_case(void)
{
        TCase *tc = tcase_create("descriptors");

        tcase_add_checked_fixture(tc, double_setup, double_teardown);
        tcase_add_test(tc, preopens_stand_where_they_should);
        tcase_add_test(tc, preopen_can_be_closed_and_replaced);
        tcase_add_test(tc, lowest_number_is_taken);
        tcase_add_test(tc, renumber_refuses_what_is_not_open);
        tcase_add_test(tc, no_arguments_no_environment);
        tcase_add_test(tc, exit_is_a_trap_that_keeps_the_status);
        tcase_add_test(tc, signals_do_not_exist);
        return tc;
}
