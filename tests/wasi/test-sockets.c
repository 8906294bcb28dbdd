/* test-sockets.c - a handed-over listening socket, and its connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

static int dial(void)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(guest.port) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        return fd;
}

static uint32_t accept_one(uint32_t flags)
{
        assert_ok(wasi_sock_accept(FD_LISTEN, flags, AT_RET));
        return get_u32(AT_RET);
}

static uint32_t receive(uint32_t fd, uint32_t room, uint32_t flags)
{
        put_iov(0, AT_OUT, room);
        put_u32(AT_RET, 0xdeadbeef);
        put_u32(AT_RET2, 0xdeadbeef);
        return wasi_sock_recv(fd, AT_IOV, 1, flags, AT_RET, AT_RET2);
}

static uint32_t transmit(uint32_t fd, const char *text)
{
        put_bytes(AT_DATA, text, strlen(text));
        put_iov(0, AT_DATA, strlen(text));
        return wasi_sock_send(fd, AT_IOV, 1, 0, AT_RET);
}

START_TEST(a_connection_is_served)
{
        int peer = dial();
        uint32_t fd = accept_one(0);
        struct wasi_fdstat st;
        char text[8];

        assert_ok(wasi_fd_fdstat_get(fd, AT_OUT));
        memcpy(&st, guest.memory + AT_OUT, sizeof(st));
        ck_assert_uint_eq(st.filetype, WASI_FILETYPE_SOCKET_STREAM);
        ck_assert_uint_eq(st.flags, 0);
        ck_assert_uint_eq(st.inheriting, 0);

        ck_assert_int_eq(send(peer, "hello", 5, 0), 5);
        assert_ok(receive(fd, 3, 0));
        ck_assert_uint_eq(get_u32(AT_RET), 3);
        ck_assert_uint_eq(get_u32(AT_RET2) & 0xffff, 0);
        ck_assert_uint_eq(get_u32(AT_RET2) >> 16, 0xdead); /* the flags are 16 bits wide */
        ck_assert_mem_eq(guest.memory + AT_OUT, "hel", 3);
        assert_ok(receive(fd, 10, WASI_RECV_PEEK));
        ck_assert_uint_eq(get_u32(AT_RET), 2);
        assert_ok(receive(fd, 10, 0));
        ck_assert_uint_eq(get_u32(AT_RET), 2);
        assert_ok(transmit(fd, "world"));
        ck_assert_uint_eq(get_u32(AT_RET), 5);
        ck_assert_int_eq(recv(peer, text, 8, 0), 5);
        ck_assert_mem_eq(text, "world", 5);
        close(peer);
        assert_ok(receive(fd, 10, 0));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        assert_ok(wasi_fd_close(fd));
}
END_TEST

START_TEST(connections_are_files_too)
{
        int peer = dial();
        uint32_t fd = accept_one(0), n;
        struct wasi_filestat st;
        char text[8];

        ck_assert_int_eq(send(peer, "ab", 2, 0), 2);
        assert_ok(do_read(fd, text, 8, &n));
        ck_assert_uint_eq(n, 2);
        assert_ok(do_write(fd, "xyz"));
        ck_assert_int_eq(recv(peer, text, 8, 0), 3);
        assert_ok(wasi_fd_filestat_get(fd, AT_OUT));
        memcpy(&st, guest.memory + AT_OUT, sizeof(st));
        ck_assert_uint_eq(st.filetype, WASI_FILETYPE_SOCKET_STREAM);
        assert_errno(wasi_fd_seek(fd, 0, WASI_WHENCE_CUR, AT_RET), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_sync(fd), WASI_NOTCAPABLE);
        close(peer);
}
END_TEST

START_TEST(wait_for_all_of_it)
{
        int peer = dial();
        uint32_t fd = accept_one(0);

        ck_assert_int_eq(send(peer, "abcdef", 6, 0), 6);
        assert_ok(receive(fd, 6, WASI_RECV_WAITALL));
        ck_assert_uint_eq(get_u32(AT_RET), 6);
        close(peer);
}
END_TEST

START_TEST(scattered)
{
        int peer = dial();
        uint32_t fd = accept_one(0);
        char text[8];

        ck_assert_int_eq(send(peer, "abcdef", 6, 0), 6);
        put_iov(0, AT_OUT, 2);
        put_iov(1, AT_OUT + 100, 10);
        assert_ok(wasi_sock_recv(fd, AT_IOV, 2, 0, AT_RET, AT_RET2));
        ck_assert_uint_eq(get_u32(AT_RET), 6);
        ck_assert_mem_eq(guest.memory + AT_OUT + 100, "cdef", 4);
        put_iov(1, AT_OUT + 100, 4);
        assert_ok(wasi_sock_send(fd, AT_IOV, 2, 0, AT_RET));
        ck_assert_int_eq(recv(peer, text, 8, 0), 6);
        ck_assert_mem_eq(text, "abcdef", 6);
        close(peer);
}
END_TEST

START_TEST(nonblocking)
{
        uint32_t fd;
        int peer;

        assert_ok(wasi_fd_fdstat_set_flags(FD_LISTEN, WASI_FD_NONBLOCK));
        put_u32(AT_RET, 0xdeadbeef);
        assert_errno(wasi_sock_accept(FD_LISTEN, 0, AT_RET), WASI_AGAIN);
        ck_assert_uint_eq(get_u32(AT_RET), 0xdeadbeef);
        peer = dial();
        fd = accept_one(WASI_FD_NONBLOCK);
        assert_errno(receive(fd, 8, 0), WASI_AGAIN);
        ck_assert_uint_eq(get_u32(AT_RET), 0xdeadbeef);
        ck_assert_int_eq(send(peer, "x", 1, 0), 1);
        assert_ok(receive(fd, 8, 0));
        ck_assert_uint_eq(get_u32(AT_RET), 1);
        assert_errno(receive(fd, 8, 0), WASI_AGAIN);
        close(peer);
        assert_ok(receive(fd, 8, 0));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
}
END_TEST

START_TEST(a_full_socket)
{
        int peer = dial();
        uint32_t fd = accept_one(WASI_FD_NONBLOCK), e;
        uint64_t sent = 0;

        put_iov(0, 0, GUEST_BYTES);
        do {
                e = wasi_sock_send(fd, AT_IOV, 1, 0, AT_RET);
                if (!e)
                        sent += get_u32(AT_RET);
                ck_assert_uint_lt(sent, UINT64_C(1) << 30);
                put_iov(0, 0, GUEST_BYTES);
        } while (!e);
        assert_errno(e, WASI_AGAIN);
        ck_assert_uint_gt(sent, 0);
        close(peer);
}
END_TEST

START_TEST(shutting_down)
{
        int peer = dial();
        uint32_t fd = accept_one(0);
        char text[8];

        assert_ok(transmit(fd, "bye"));
        assert_ok(wasi_sock_shutdown(fd, WASI_SHUT_WR));
        ck_assert_int_eq(recv(peer, text, 8, 0), 3);
        ck_assert_int_eq(recv(peer, text, 8, 0), 0);
        assert_errno(transmit(fd, "x"), WASI_PIPE); /* and no SIGPIPE, or we would not be here */
        assert_errno(do_write(fd, "x"), WASI_PIPE);
        assert_ok(wasi_sock_shutdown(fd, WASI_SHUT_RD));
        assert_ok(wasi_sock_shutdown(fd, WASI_SHUT_RD | WASI_SHUT_WR));
        close(peer);
}
END_TEST

START_TEST(sockets_refuse)
{
        int peer = dial();
        uint32_t fd = accept_one(0), file;

        make_file("f", "x");
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHTS_RW, 0, 0, &file));
        put_iov(0, AT_OUT, 1);
        assert_errno(wasi_sock_accept(99, 0, AT_RET), WASI_BADF);
        assert_errno(wasi_sock_accept(file, 0, AT_RET), WASI_NOTSOCK);
        assert_errno(wasi_sock_accept(FD_DIR, 0, AT_RET), WASI_NOTSOCK);
        assert_errno(wasi_sock_accept(fd, 0, AT_RET), WASI_INVAL);
        assert_errno(wasi_sock_accept(FD_LISTEN, WASI_FD_APPEND, AT_RET), WASI_INVAL);
        assert_errno(wasi_sock_accept(FD_LISTEN, 0, NOWHERE), WASI_FAULT);
        assert_errno(receive(99, 1, 0), WASI_BADF);
        assert_errno(receive(file, 1, 0), WASI_NOTSOCK);
        assert_errno(receive(FD_LISTEN, 1, 0), WASI_NOTCONN);
        assert_errno(receive(fd, 1, 4), WASI_INVAL);
        assert_errno(wasi_sock_recv(fd, AT_IOV, 1, 0, AT_RET, GUEST_BYTES - 1), WASI_FAULT);
        assert_errno(transmit(99, "x"), WASI_BADF);
        assert_errno(transmit(file, "x"), WASI_NOTSOCK);
        assert_errno(transmit(FD_LISTEN, "x"), WASI_NOTCONN);
        assert_errno(wasi_sock_send(fd, AT_IOV, 1, 1, AT_RET), WASI_INVAL);
        assert_errno(wasi_sock_shutdown(99, 1), WASI_BADF);
        assert_errno(wasi_sock_shutdown(file, 1), WASI_NOTSOCK);
        assert_errno(wasi_sock_shutdown(fd, 0), WASI_INVAL);
        assert_errno(wasi_sock_shutdown(fd, 4), WASI_INVAL);
        assert_errno(wasi_sock_shutdown(fd, UINT32_MAX), WASI_INVAL);
        close(peer);
}
END_TEST

START_TEST(listener_is_polled)
{
        struct wasi_subscription s = { .userdata = 9, .type = WASI_EVENT_FD_READ, .fd = FD_LISTEN };
        struct wasi_event event;
        int peer = dial();

        put_bytes(AT_DATA, &s, sizeof(s));
        assert_ok(wasi_poll_oneoff(AT_DATA, AT_OUT, 1, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 1);
        memcpy(&event, guest.memory + AT_OUT, sizeof(event));
        assert_ok(event.error);
        ck_assert_uint_eq(event.userdata, 9);
        close(peer);
}
END_TEST

TCase *sockets_case(void)
{
        TCase *tc = tcase_create("sockets");

        tcase_add_checked_fixture(tc, double_setup, double_teardown);
        tcase_add_test(tc, a_connection_is_served);
        tcase_add_test(tc, connections_are_files_too);
        tcase_add_test(tc, wait_for_all_of_it);
        tcase_add_test(tc, scattered);
        tcase_add_test(tc, nonblocking);
        tcase_add_test(tc, a_full_socket);
        tcase_add_test(tc, shutting_down);
        tcase_add_test(tc, sockets_refuse);
        tcase_add_test(tc, listener_is_polled);
        return tc;
}
