/* test-streams.c - stdio of every kind: pipes, files, devices, closed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

static struct wasi_fdstat fdstat(uint32_t fd)
{
        struct wasi_fdstat st;

        assert_ok(wasi_fd_fdstat_get(fd, AT_OUT));
        memcpy(&st, guest.memory + AT_OUT, sizeof(st));
        return st;
}

START_TEST(pipes)
{
        struct double_options o = { .stdio = { -EBADF, -EBADF, -EBADF } };
        int in[2], out[2];
        char text[8];
        uint32_t n;

        ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
        o.stdio[0] = in[0];
        o.stdio[1] = out[1];
        double_start(&o);
        ck_assert_int_eq(write(in[1], "ping", 4), 4);
        assert_ok(do_read(0, text, 8, &n));
        ck_assert_uint_eq(n, 4);
        assert_ok(do_write(1, "pong"));
        ck_assert_int_eq(read(out[0], text, 8), 4);
        assert_errno(do_write(0, "x"), WASI_NOTCAPABLE);
        assert_errno(do_read(1, text, 8, &n), WASI_NOTCAPABLE);
        assert_errno(do_write(2, "x"), WASI_BADF);
        assert_errno(wasi_fd_seek(0, 0, WASI_WHENCE_CUR, AT_RET), WASI_NOTCAPABLE);
        ck_assert_uint_eq(fdstat(0).filetype, WASI_FILETYPE_UNKNOWN);

        /* End of input is no error; a reader that left is one. */
        close(in[1]);
        assert_ok(do_read(0, text, 8, &n));
        ck_assert_uint_eq(n, 0);
        signal(SIGPIPE, SIG_IGN); /* as the cell does */
        close(out[0]);
        assert_errno(do_write(1, "x"), WASI_PIPE);
        assert_ok(wasi_fd_close(1));
        ck_assert_int_eq(fcntl(out[1], F_GETFD), -1);
        double_stop();
}
END_TEST

START_TEST(nonblocking_pipe)
{
        struct double_options o = { .stdio = { -EBADF, -EBADF, -EBADF } };
        int in[2];
        char text[8];
        uint32_t n;

        ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
        o.stdio[0] = in[0];
        double_start(&o);
        assert_ok(wasi_fd_fdstat_set_flags(0, WASI_FD_NONBLOCK));
        ck_assert_uint_eq(fdstat(0).flags, WASI_FD_NONBLOCK);
        assert_errno(do_read(0, text, 8, &n), WASI_AGAIN);
        /* The file description itself, which others may share, was left alone. */
        ck_assert_int_eq(fcntl(in[0], F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_eq(write(in[1], "x", 1), 1);
        assert_ok(do_read(0, text, 8, &n));
        ck_assert_uint_eq(n, 1);
        assert_errno(do_read(0, text, 8, &n), WASI_AGAIN);
        close(in[1]);
        assert_ok(do_read(0, text, 8, &n));
        ck_assert_uint_eq(n, 0);
        double_stop();
}
END_TEST

static void *write_later(void *fd)
{
        usleep(20000);
        ck_assert_int_eq(write((int)(intptr_t)fd, "x", 1), 1);
        return NULL;
}

START_TEST(kernel_made_it_nonblocking_the_guest_did_not)
{
        struct double_options o = { .stdio = { -EBADF, -EBADF, -EBADF } };
        int in[2];
        char text[8];
        pthread_t t;
        uint32_t n;

        ck_assert_int_eq(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
        o.stdio[0] = in[0];
        double_start(&o);
        ck_assert_int_eq(pthread_create(&t, NULL, write_later, (void *)(intptr_t)in[1]), 0);
        assert_ok(do_read(0, text, 8, &n));
        ck_assert_uint_eq(n, 1);
        pthread_join(t, NULL);
        close(in[1]);
        double_stop();
}
END_TEST

START_TEST(files_as_stdio)
{
        struct double_options o = { .stdio = { -EBADF, -EBADF, -EBADF } };
        char name[] = "/tmp/nacelle-stdio-XXXXXX";
        int fd = mkostemp(name, O_APPEND | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        unlink(name);
        o.stdio[1] = fd;
        o.stdio[2] = open("/dev/null", O_RDWR | O_CLOEXEC);
        double_start(&o);
        ck_assert_uint_eq(fdstat(1).filetype, WASI_FILETYPE_REGULAR_FILE);
        ck_assert_uint_eq(fdstat(1).flags, WASI_FD_APPEND);
        assert_ok(do_write(1, "abc"));
        /* Its O_APPEND belongs to whoever opened it. */
        assert_errno(wasi_fd_fdstat_set_flags(1, 0), WASI_NOTSUP);
        ck_assert_uint_eq(fdstat(1).flags, WASI_FD_APPEND);
        assert_errno(wasi_fd_filestat_set_size(1, 0), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_filestat_set_times(1, 0, 0, WASI_TIMES_MTIME), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_allocate(1, 0, 100), WASI_NOTCAPABLE);
        assert_ok(wasi_fd_tell(1, AT_RET));
        ck_assert_uint_eq(get_u64(AT_RET), 3);
        ck_assert_uint_eq(fdstat(2).filetype, WASI_FILETYPE_CHARACTER_DEVICE);
        /* /dev/null must not pass for a terminal in the C library's isatty(). */
        ck_assert_uint_ne(fdstat(2).rights & (RIGHT_FD_SEEK | RIGHT_FD_TELL), 0);
        double_stop();
}
END_TEST

START_TEST(a_terminal)
{
        struct double_options o = { .stdio = { -EBADF, -EBADF, -EBADF } };
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), terminal;
        char text[16];
        uint32_t n;

        ck_assert_int_ge(master, 0);
        ck_assert_int_eq(grantpt(master), 0);
        ck_assert_int_eq(unlockpt(master), 0);
        terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        ck_assert_int_ge(terminal, 0);
        o.stdio[0] = terminal;
        o.stdio[1] = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
        double_start(&o);
        ck_assert_uint_eq(fdstat(0).filetype, WASI_FILETYPE_CHARACTER_DEVICE);
        ck_assert_uint_eq(fdstat(0).rights & (RIGHT_FD_SEEK | RIGHT_FD_TELL), 0);
        assert_ok(wasi_fd_fdstat_set_flags(0, WASI_FD_NONBLOCK));
        assert_errno(do_read(0, text, sizeof(text), &n), WASI_AGAIN);
        ck_assert_int_eq(write(master, "line\n", 5), 5);
        assert_ok(wasi_fd_fdstat_set_flags(0, 0));
        assert_ok(do_read(0, text, sizeof(text), &n));
        ck_assert_uint_eq(n, 5);
        assert_ok(do_write(1, "out"));
        close(master);
        double_stop();
}
END_TEST

TCase *streams_case(void)
{
        TCase *tc = tcase_create("streams");

        tcase_add_test(tc, pipes);
        tcase_add_test(tc, nonblocking_pipe);
        tcase_add_test(tc, kernel_made_it_nonblocking_the_guest_did_not);
        tcase_add_test(tc, files_as_stdio);
        tcase_add_test(tc, a_terminal);
        return tc;
}
