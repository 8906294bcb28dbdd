/* test-files.c - reading, writing, positions, flags of files and streams. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

static uint32_t open_file(const char *name, const char *content, uint64_t rights, uint32_t flags)
{
        uint32_t fd;

        make_file(name, content);
        assert_ok(do_open(FD_DIR, 0, name, 0, rights, 0, flags, &fd));
        return fd;
}

static void assert_content(uint32_t fd, const char *text)
{
        char got[256];
        uint32_t n;

        assert_ok(do_read(fd, got, sizeof(got) - 1, &n));
        got[n] = 0;
        ck_assert_str_eq(got, text);
}

static uint64_t seek(uint32_t fd, int64_t offset, uint32_t whence)
{
        assert_ok(wasi_fd_seek(fd, offset, whence, AT_RET));
        return get_u64(AT_RET);
}

START_TEST(file_is_read_and_written)
{
        uint32_t fd = open_file("f", "hello", RIGHTS_RW, 0);

        assert_content(fd, "hello");
        assert_content(fd, "");
        assert_ok(do_write(fd, " world"));
        ck_assert_uint_eq(seek(fd, 0, WASI_WHENCE_SET), 0);
        assert_content(fd, "hello world");
        assert_ok(wasi_fd_close(fd));
}
END_TEST

START_TEST(scattered_reads_and_gathered_writes)
{
        uint32_t fd = open_file("f", "abcdefgh", RIGHTS_RW, 0);

        put_iov(0, AT_OUT, 3);
        put_iov(1, AT_OUT + 100, 0);
        put_iov(2, AT_OUT + 200, 10);
        assert_ok(wasi_fd_read(fd, AT_IOV, 3, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 8);
        ck_assert_mem_eq(guest.memory + AT_OUT, "abc", 3);
        ck_assert_mem_eq(guest.memory + AT_OUT + 200, "defgh", 5);

        put_iov(0, AT_OUT + 200, 5);
        put_iov(1, AT_OUT, 3);
        assert_ok(wasi_fd_pwrite(fd, AT_IOV, 2, 0, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 8);
        seek(fd, 0, WASI_WHENCE_SET);
        assert_content(fd, "defghabc");
}
END_TEST

START_TEST(no_iovecs_are_no_error)
{
        uint32_t fd = open_file("f", "abc", RIGHTS_RW, 0);

        assert_ok(wasi_fd_read(fd, AT_IOV, 0, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        assert_ok(wasi_fd_write(fd, AT_IOV, 0, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        put_iov(0, AT_OUT, 0);
        assert_ok(wasi_fd_read(fd, AT_IOV, 1, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        assert_errno(wasi_fd_read(fd, AT_IOV, 1025, AT_RET), WASI_INVAL);
        assert_errno(wasi_fd_write(fd, AT_IOV, UINT32_MAX, AT_RET), WASI_INVAL);
        assert_content(fd, "abc");
}
END_TEST

START_TEST(most_iovecs_work)
{
        uint32_t fd = open_file("f", "", RIGHTS_RW, 0);

        for (unsigned i = 0; i < 1024; i++) {
                guest.memory[AT_DATA + 2 * i] = 'a' + i % 26;
                put_u32(AT_OUT + 8 * i, AT_DATA + 2 * i);
                put_u32(AT_OUT + 8 * i + 4, 1);
        }
        assert_ok(wasi_fd_write(fd, AT_OUT, 1024, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 1024);
        ck_assert_uint_eq(seek(fd, 0, WASI_WHENCE_END), 1024);
}
END_TEST

START_TEST(positions_are_not_moved_by_pread_and_pwrite)
{
        uint32_t fd = open_file("f", "0123456789", RIGHTS_RW, 0);

        ck_assert_uint_eq(seek(fd, 4, WASI_WHENCE_SET), 4);
        put_iov(0, AT_OUT, 3);
        assert_ok(wasi_fd_pread(fd, AT_IOV, 1, 7, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 3);
        ck_assert_mem_eq(guest.memory + AT_OUT, "789", 3);
        assert_ok(wasi_fd_pread(fd, AT_IOV, 1, 100, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
        assert_ok(wasi_fd_pwrite(fd, AT_IOV, 1, 0, AT_RET));
        assert_ok(wasi_fd_tell(fd, AT_RET));
        ck_assert_uint_eq(get_u64(AT_RET), 4);
        assert_content(fd, "456789");
        seek(fd, 0, WASI_WHENCE_SET);
        assert_content(fd, "7893456789");
        assert_errno(wasi_fd_pread(fd, AT_IOV, 1, UINT64_MAX, AT_RET), WASI_INVAL);
        assert_errno(wasi_fd_pread(fd, AT_IOV, 1, UINT64_C(1) << 63, AT_RET), WASI_INVAL);
        assert_errno(wasi_fd_pwrite(fd, AT_IOV, 1, UINT64_MAX, AT_RET), WASI_INVAL);
}
END_TEST

START_TEST(seeking)
{
        uint32_t fd = open_file("f", "0123456789", RIGHTS_RW, 0);

        ck_assert_uint_eq(seek(fd, -3, WASI_WHENCE_END), 7);
        ck_assert_uint_eq(seek(fd, -2, WASI_WHENCE_CUR), 5);
        ck_assert_uint_eq(seek(fd, INT64_C(1) << 33, WASI_WHENCE_SET), UINT64_C(1) << 33);
        put_bytes(AT_RET, "keepkeep", 8);
        assert_errno(wasi_fd_seek(fd, -1, WASI_WHENCE_SET, AT_RET), WASI_INVAL);
        assert_errno(wasi_fd_seek(fd, INT64_MIN, WASI_WHENCE_CUR, AT_RET), WASI_INVAL);
        assert_errno(wasi_fd_seek(fd, 0, 3, AT_RET), WASI_INVAL);
        assert_errno(wasi_fd_seek(fd, 0, UINT32_MAX, AT_RET), WASI_INVAL);
        assert_errno(wasi_fd_seek(99, 0, 0, AT_RET), WASI_BADF);
        assert_errno(wasi_fd_tell(99, AT_RET), WASI_BADF);
        ck_assert_mem_eq(guest.memory + AT_RET, "keepkeep", 8);
        ck_assert_uint_eq(seek(fd, 0, WASI_WHENCE_CUR), UINT64_C(1) << 33);
}
END_TEST

START_TEST(right_to_seek_implies_to_tell_and_no_more)
{
        uint32_t fd = open_file("f", "0123456789", RIGHT_FD_TELL, 0);

        assert_ok(wasi_fd_tell(fd, AT_RET));
        assert_ok(wasi_fd_seek(fd, 0, WASI_WHENCE_CUR, AT_RET));
        assert_errno(wasi_fd_seek(fd, 1, WASI_WHENCE_CUR, AT_RET), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_seek(fd, 0, WASI_WHENCE_SET, AT_RET), WASI_NOTCAPABLE);
        fd = open_file("f", "0123456789", RIGHT_FD_SEEK, 0);
        assert_ok(wasi_fd_tell(fd, AT_RET));
        fd = open_file("f", "0123456789", RIGHT_FD_READ, 0);
        assert_errno(wasi_fd_tell(fd, AT_RET), WASI_NOTCAPABLE);
        put_iov(0, AT_OUT, 1);
        assert_errno(wasi_fd_pread(fd, AT_IOV, 1, 0, AT_RET), WASI_NOTCAPABLE);
}
END_TEST

START_TEST(rights_decide_what_is_allowed)
{
        uint32_t r = open_file("f", "abc", RIGHT_FD_READ, 0), w;
        char text[8];
        uint32_t n;

        assert_content(r, "abc");
        assert_errno(do_write(r, "x"), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_sync(r), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_datasync(r), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_advise(r, 0, 1, 0), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_allocate(r, 0, 1), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_filestat_get(r, AT_OUT), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_filestat_set_size(r, 1), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_filestat_set_times(r, 0, 0, 2), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_fdstat_set_flags(r, 1), WASI_NOTCAPABLE);
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHT_FD_WRITE, 0, 0, &w));
        assert_ok(do_write(w, "xyz"));
        assert_errno(do_read(w, text, 8, &n), WASI_NOTCAPABLE);
}
END_TEST

START_TEST(a_directory_is_no_file)
{
        char text[8];
        uint32_t n;

        assert_errno(do_read(FD_DIR, text, 8, &n), WASI_ISDIR);
        assert_errno(do_write(FD_DIR, "x"), WASI_ISDIR);
        put_iov(0, AT_OUT, 1);
        assert_errno(wasi_fd_pread(FD_DIR, AT_IOV, 1, 0, AT_RET), WASI_ISDIR);
        assert_errno(wasi_fd_pwrite(FD_DIR, AT_IOV, 1, 0, AT_RET), WASI_ISDIR);
        assert_errno(wasi_fd_seek(FD_DIR, 0, WASI_WHENCE_CUR, AT_RET), WASI_ISDIR);
        assert_errno(wasi_fd_tell(FD_DIR, AT_RET), WASI_ISDIR);
        assert_errno(wasi_fd_allocate(FD_DIR, 0, 1), WASI_ISDIR);
        assert_errno(wasi_fd_advise(FD_DIR, 0, 1, 0), WASI_ISDIR);
        assert_errno(wasi_fd_filestat_set_size(FD_DIR, 0), WASI_ISDIR);
        assert_errno(wasi_fd_datasync(FD_DIR), WASI_ISDIR);
        assert_errno(do_read(FD_LISTEN, text, 8, &n), WASI_NOTCAPABLE);
        assert_errno(do_read(99, text, 8, &n), WASI_BADF);
        assert_errno(do_write(UINT32_MAX, "x"), WASI_BADF);
}
END_TEST

START_TEST(append_wins_over_the_position)
{
        uint32_t fd = open_file("f", "abc", RIGHTS_RW, WASI_FD_APPEND);

        seek(fd, 0, WASI_WHENCE_SET);
        assert_ok(do_write(fd, "de"));
        assert_ok(wasi_fd_tell(fd, AT_RET));
        ck_assert_uint_eq(get_u64(AT_RET), 5);
        seek(fd, 0, WASI_WHENCE_SET);
        assert_content(fd, "abcde");
        /* and is taken off again */
        assert_ok(wasi_fd_fdstat_set_flags(fd, 0));
        seek(fd, 0, WASI_WHENCE_SET);
        assert_ok(do_write(fd, "X"));
        seek(fd, 0, WASI_WHENCE_SET);
        assert_content(fd, "Xbcde");
        assert_ok(wasi_fd_fdstat_set_flags(fd, WASI_FD_APPEND));
        seek(fd, 0, WASI_WHENCE_SET);
        assert_ok(do_write(fd, "Y"));
        seek(fd, 0, WASI_WHENCE_SET);
        assert_content(fd, "XbcdeY");
}
END_TEST

START_TEST(synchronous_writes)
{
        uint32_t fd = open_file("f", "", RIGHTS_RW, WASI_FD_SYNC | WASI_FD_DSYNC | WASI_FD_RSYNC);

        assert_ok(do_write(fd, "abc"));
        assert_ok(wasi_fd_fdstat_get(fd, AT_OUT));
        ck_assert_uint_eq(*(uint16_t *)(guest.memory + AT_OUT + 2),
                          WASI_FD_SYNC | WASI_FD_DSYNC | WASI_FD_RSYNC);
        assert_ok(wasi_fd_sync(fd));
        assert_ok(wasi_fd_datasync(fd));
        assert_ok(wasi_fd_sync(FD_DIR));
        assert_errno(wasi_fd_sync(99), WASI_BADF);
        assert_errno(wasi_fd_datasync(99), WASI_BADF);
}
END_TEST

START_TEST(space_is_allocated)
{
        uint32_t fd = open_file("f", "abc", RIGHTS_RW, 0);
        struct wasi_filestat st;

        assert_ok(wasi_fd_allocate(fd, 0, 100));
        assert_ok(do_stat(FD_DIR, 0, "f", &st));
        ck_assert_uint_eq(st.size, 100);
        assert_ok(wasi_fd_allocate(fd, 10, 10)); /* never shrinks */
        assert_ok(do_stat(FD_DIR, 0, "f", &st));
        ck_assert_uint_eq(st.size, 100);
        assert_errno(wasi_fd_allocate(fd, 0, 0), WASI_INVAL);
        assert_errno(wasi_fd_allocate(fd, UINT64_MAX, 2), WASI_INVAL);
        assert_errno(wasi_fd_allocate(fd, INT64_MAX, 1), WASI_INVAL);
        assert_errno(wasi_fd_allocate(99, 0, 1), WASI_BADF);
}
END_TEST

START_TEST(advice_is_taken)
{
        uint32_t fd = open_file("f", "abc", RIGHTS_RW, 0);

        for (uint32_t advice = 0; advice < 6; advice++)
                assert_ok(wasi_fd_advise(fd, 0, 100, advice));
        assert_ok(wasi_fd_advise(fd, 0, 0, 0));
        assert_errno(wasi_fd_advise(fd, 0, 100, 6), WASI_INVAL);
        assert_errno(wasi_fd_advise(fd, 0, 100, UINT32_MAX), WASI_INVAL);
        assert_errno(wasi_fd_advise(fd, UINT64_MAX, UINT64_MAX, 0), WASI_INVAL);
        assert_errno(wasi_fd_advise(99, 0, 100, 0), WASI_BADF);
}
END_TEST

/* What was asked is done, wherever the kernel stops in between: the file ends within the vector. */
START_TEST(a_short_read_is_the_end_of_the_file)
{
        uint32_t fd = open_file("f", "abcdefghij", RIGHTS_RW, 0);

        put_iov(0, AT_DATA, 4);
        put_iov(1, AT_DATA + 100, 4);
        put_iov(2, AT_DATA + 200, 4);
        assert_ok(wasi_fd_read(fd, AT_IOV, 3, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 10);
        ck_assert_mem_eq(guest.memory + AT_DATA, "abcd", 4);
        ck_assert_mem_eq(guest.memory + AT_DATA + 100, "efgh", 4);
        ck_assert_mem_eq(guest.memory + AT_DATA + 200, "ij\0", 3);
        assert_ok(wasi_fd_pread(fd, AT_IOV, 3, 8, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 2);
        assert_ok(wasi_fd_read(fd, AT_IOV, 3, AT_RET));
        ck_assert_uint_eq(get_u32(AT_RET), 0);
}
END_TEST

static void alone_setup(void)
{
        double_start(&(struct double_options) { .no_stdio = true, .alone = true });
}

static TCase *files(const char *name, void (*setup)(void))
{
        TCase *tc = tcase_create(name);

        tcase_add_checked_fixture(tc, setup, double_teardown);
        tcase_add_test(tc, file_is_read_and_written);
        tcase_add_test(tc, scattered_reads_and_gathered_writes);
        tcase_add_test(tc, no_iovecs_are_no_error);
        tcase_add_test(tc, most_iovecs_work);
        tcase_add_test(tc, positions_are_not_moved_by_pread_and_pwrite);
        tcase_add_test(tc, seeking);
        tcase_add_test(tc, right_to_seek_implies_to_tell_and_no_more);
        tcase_add_test(tc, rights_decide_what_is_allowed);
        tcase_add_test(tc, a_directory_is_no_file);
        tcase_add_test(tc, append_wins_over_the_position);
        tcase_add_test(tc, synchronous_writes);
        tcase_add_test(tc, space_is_allocated);
        tcase_add_test(tc, advice_is_taken);
        tcase_add_test(tc, a_short_read_is_the_end_of_the_file);
        return tc;
}

TCase *files_case(void)
{
        return files("files", double_setup);
}

TCase *files_alone_case(void)
{
        return files("files, alone", alone_setup);
}
