/* test-attributes.c - fdstat, filestat, sizes, times, rights. */
#include <string.h>
#include <sys/stat.h>
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

static struct wasi_filestat filestat(uint32_t fd)
{
        struct wasi_filestat st;

        assert_ok(wasi_fd_filestat_get(fd, AT_OUT));
        memcpy(&st, guest.memory + AT_OUT, sizeof(st));
        return st;
}

static uint32_t open_file(const char *name, const char *content, uint64_t rights)
{
        uint32_t fd;

        make_file(name, content);
        assert_ok(do_open(FD_DIR, 0, name, 0, rights, 0, 0, &fd));
        return fd;
}

START_TEST(descriptors_tell_what_they_are)
{
        uint32_t fd = open_file("f", "", RIGHT_FD_READ);

        ck_assert_uint_eq(fdstat(FD_DIR).filetype, WASI_FILETYPE_DIRECTORY);
        ck_assert_uint_eq(fdstat(FD_DIR).flags, 0);
        ck_assert_uint_eq(fdstat(FD_DIR).rights & RIGHT_FD_FILESTAT_SET_SIZE, 0);
        ck_assert_uint_ne(fdstat(FD_DIR).rights & RIGHT_PATH_FILESTAT_SET_SIZE, 0);
        ck_assert_uint_ne(fdstat(FD_DIR).inheriting & RIGHT_FD_WRITE, 0);
        ck_assert_uint_eq(fdstat(FD_READ_ONLY).rights & wasi_rights_mutating(), 0);
        ck_assert_uint_eq(fdstat(FD_LISTEN).filetype, WASI_FILETYPE_SOCKET_STREAM);
        ck_assert_uint_eq(fdstat(FD_LISTEN).rights & (RIGHT_FD_READ | RIGHT_FD_WRITE), 0);
        ck_assert_uint_eq(fdstat(fd).filetype, WASI_FILETYPE_REGULAR_FILE);
        ck_assert_uint_eq(fdstat(fd).rights, RIGHT_FD_READ);
        ck_assert_uint_eq(fdstat(fd).inheriting, 0);
        assert_errno(wasi_fd_fdstat_get(99, AT_OUT), WASI_BADF);
        assert_errno(wasi_fd_fdstat_get(fd, GUEST_BYTES - 23), WASI_FAULT);
        assert_ok(wasi_fd_fdstat_get(fd, GUEST_BYTES - 24));
}
END_TEST

START_TEST(rights_only_shrink)
{
        uint32_t fd = open_file("f", "abc", RIGHTS_RW);
        uint64_t less = RIGHT_FD_SEEK | RIGHT_FD_READ, dir;
        char text[4];
        uint32_t n;

        assert_ok(wasi_fd_fdstat_set_rights(fd, less, 0));
        ck_assert_uint_eq(fdstat(fd).rights, less);
        assert_errno(do_write(fd, "x"), WASI_NOTCAPABLE);
        assert_ok(do_read(fd, text, 4, &n));
        assert_errno(wasi_fd_fdstat_set_rights(fd, less | RIGHT_FD_WRITE, 0), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_fdstat_set_rights(fd, less, RIGHT_FD_READ), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_fdstat_set_rights(fd, UINT64_MAX, 0), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_fdstat_set_rights(99, 0, 0), WASI_BADF);
        ck_assert_uint_eq(fdstat(fd).rights, less);
        assert_ok(wasi_fd_fdstat_set_rights(fd, 0, 0));
        assert_errno(do_read(fd, text, 4, &n), WASI_NOTCAPABLE);

        dir = fdstat(FD_DIR).rights;
        assert_ok(wasi_fd_fdstat_set_rights(FD_DIR, dir & ~(uint64_t)RIGHT_PATH_OPEN, RIGHT_FD_READ));
        assert_errno(do_open(FD_DIR, 0, "f", 0, 0, 0, 0, &fd), WASI_NOTCAPABLE);
}
END_TEST

START_TEST(flags_are_set)
{
        uint32_t fd = open_file("f", "", RIGHTS_RW);

        for (uint32_t flags = 0; flags < 32; flags++) {
                assert_ok(wasi_fd_fdstat_set_flags(fd, flags));
                ck_assert_uint_eq(fdstat(fd).flags, flags);
        }
        assert_errno(wasi_fd_fdstat_set_flags(fd, 32), WASI_INVAL);
        assert_errno(wasi_fd_fdstat_set_flags(fd, 0x10000), WASI_INVAL);
        ck_assert_uint_eq(fdstat(fd).flags, 31);
        assert_errno(wasi_fd_fdstat_set_flags(99, 0), WASI_BADF);
}
END_TEST

START_TEST(attributes_of_a_file)
{
        uint32_t fd = open_file("f", "12345", RIGHTS_RW);
        struct wasi_filestat st = filestat(fd), by_path;
        char path[128];
        struct stat host;

        snprintf(path, sizeof(path), "%s/f", guest.directory);
        ck_assert_int_eq(stat(path, &host), 0);
        ck_assert_uint_eq(st.filetype, WASI_FILETYPE_REGULAR_FILE);
        ck_assert_uint_eq(st.size, 5);
        ck_assert_uint_eq(st.nlink, 1);
        ck_assert_uint_eq(st.ino, host.st_ino);
        ck_assert_uint_eq(st.dev, host.st_dev);
        ck_assert_uint_eq(st.mtime, host.st_mtim.tv_sec * UINT64_C(1000000000) + host.st_mtim.tv_nsec);
        assert_ok(do_stat(FD_DIR, 0, "f", &by_path));
        ck_assert_mem_eq(&st, &by_path, sizeof(st));
        ck_assert_uint_eq(filestat(FD_DIR).filetype, WASI_FILETYPE_DIRECTORY);
        ck_assert_uint_eq(filestat(FD_LISTEN).filetype, WASI_FILETYPE_SOCKET_STREAM);
        assert_errno(wasi_fd_filestat_get(99, AT_OUT), WASI_BADF);
        assert_errno(wasi_fd_filestat_get(fd, GUEST_BYTES - 63), WASI_FAULT);
}
END_TEST

START_TEST(size_is_set)
{
        uint32_t fd = open_file("f", "12345", RIGHTS_RW), r;

        assert_ok(wasi_fd_filestat_set_size(fd, 2));
        ck_assert_uint_eq(filestat(fd).size, 2);
        assert_ok(wasi_fd_filestat_set_size(fd, 100));
        ck_assert_uint_eq(filestat(fd).size, 100);
        assert_errno(wasi_fd_filestat_set_size(fd, UINT64_C(1) << 63), WASI_INVAL);
        assert_errno(wasi_fd_filestat_set_size(fd, UINT64_MAX), WASI_INVAL);
        assert_errno(wasi_fd_filestat_set_size(99, 0), WASI_BADF);
        ck_assert_uint_eq(filestat(fd).size, 100);
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHT_FD_READ, 0, 0, &r));
        assert_errno(wasi_fd_filestat_set_size(r, 0), WASI_NOTCAPABLE);
}
END_TEST

#define S UINT64_C(1000000000)

static const struct {
        const char *name;
        uint64_t atime, mtime;
        uint32_t flags;
        enum wasi_errno e;
} times[] = {
        { "both",            5 * S + 1, 6 * S + 2, WASI_TIMES_ATIME | WASI_TIMES_MTIME, WASI_SUCCESS },
        { "one",             5 * S,     6 * S,     WASI_TIMES_MTIME,                    WASI_SUCCESS },
        { "none",            5 * S,     6 * S,     0,                                   WASI_SUCCESS },
        { "now",             0,         0,         WASI_TIMES_ATIME_NOW | WASI_TIMES_MTIME_NOW, WASI_SUCCESS },
        { "now and a time",  0,         0,         WASI_TIMES_ATIME | WASI_TIMES_ATIME_NOW, WASI_INVAL },
        { "the other",       0,         0,         WASI_TIMES_MTIME | WASI_TIMES_MTIME_NOW, WASI_INVAL },
        { "unknown flag",    0,         0,         16,                                  WASI_INVAL },
        { "unknown flags",   0,         0,         UINT32_MAX,                          WASI_INVAL },
};

static void assert_times(int _i, const struct wasi_filestat *before,
                         const struct wasi_filestat *after)
{
        if (times[_i].e || !(times[_i].flags & (WASI_TIMES_ATIME | WASI_TIMES_ATIME_NOW)))
                ck_assert_uint_eq(after->atime, before->atime);
        else if (times[_i].flags & WASI_TIMES_ATIME)
                ck_assert_uint_eq(after->atime, times[_i].atime);
        else
                ck_assert_uint_ge(after->atime, before->atime);
        if (times[_i].e || !(times[_i].flags & (WASI_TIMES_MTIME | WASI_TIMES_MTIME_NOW)))
                ck_assert_uint_eq(after->mtime, before->mtime);
        else if (times[_i].flags & WASI_TIMES_MTIME)
                ck_assert_uint_eq(after->mtime, times[_i].mtime);
        else
                ck_assert_uint_ge(after->mtime, before->mtime);
}

START_TEST(times_of_a_descriptor)
{
        uint32_t fd = open_file("f", "", RIGHTS_RW);
        struct wasi_filestat before = filestat(fd), after;

        assert_errno(wasi_fd_filestat_set_times(fd, times[_i].atime, times[_i].mtime, times[_i].flags),
                     times[_i].e);
        after = filestat(fd);
        assert_times(_i, &before, &after);
        assert_errno(wasi_fd_filestat_set_times(99, 0, 0, 0), WASI_BADF);
}
END_TEST

START_TEST(times_of_a_path)
{
        struct wasi_filestat before, after;

        make_file("f", "");
        assert_ok(do_stat(FD_DIR, 0, "f", &before));
        host_spill(0)->i64 = times[_i].flags;
        assert_errno(wasi_path_filestat_set_times(FD_DIR, 0, AT_PATH, put_path(AT_PATH, "f"),
                                                  times[_i].atime, times[_i].mtime),
                     times[_i].e);
        assert_ok(do_stat(FD_DIR, 0, "f", &after));
        assert_times(_i, &before, &after);
}
END_TEST

START_TEST(times_of_a_directory)
{
        struct wasi_filestat before = filestat(FD_DIR), after;

        assert_errno(wasi_fd_filestat_set_times(FD_DIR, times[_i].atime, times[_i].mtime,
                                                times[_i].flags), times[_i].e);
        after = filestat(FD_DIR);
        assert_times(_i, &before, &after);
}
END_TEST

START_TEST(times_of_a_link_or_its_target)
{
        struct wasi_filestat st;

        make_file("f", "");
        assert_ok(do_symlink("f", FD_DIR, "l"));
        host_spill(0)->i64 = WASI_TIMES_MTIME;
        assert_ok(wasi_path_filestat_set_times(FD_DIR, 0, AT_PATH, put_path(AT_PATH, "l"), 0, 7 * S));
        assert_ok(do_stat(FD_DIR, 0, "f", &st));
        ck_assert_uint_ne(st.mtime, 7 * S);
        assert_ok(do_stat(FD_DIR, 0, "l", &st));
        ck_assert_uint_eq(st.mtime, 7 * S);
        assert_ok(wasi_path_filestat_set_times(FD_DIR, WASI_LOOKUP_FOLLOW, AT_PATH,
                                               put_path(AT_PATH, "l"), 0, 8 * S));
        assert_ok(do_stat(FD_DIR, WASI_LOOKUP_FOLLOW, "l", &st));
        ck_assert_uint_eq(st.mtime, 8 * S);
        assert_errno(wasi_path_filestat_set_times(FD_DIR, 2, AT_PATH, put_path(AT_PATH, "l"), 0, 0),
                     WASI_INVAL);
}
END_TEST

/* A cell that root started is nobody, and may not set the times of what others own. */
START_TEST(times_of_a_file_of_somebody_else)
{
        struct wasi_filestat st;
        uint32_t fd;

        if (geteuid() != 0)
                return; /* then the cell is who we are */
        fd = open_file("f", "", RIGHTS_RW);
        double_paths_as_root = true;
        ck_assert_int_eq(seteuid(65534), 0);
        assert_ok(wasi_fd_filestat_set_times(fd, 3 * S, 4 * S, WASI_TIMES_ATIME | WASI_TIMES_MTIME));
        st = filestat(fd);
        ck_assert_uint_eq(st.atime, 3 * S);
        ck_assert_uint_eq(st.mtime, 4 * S);
        assert_ok(wasi_fd_filestat_set_times(fd, 0, 0, WASI_TIMES_MTIME_NOW));
        ck_assert_uint_gt(filestat(fd).mtime, 5 * S);

        /* The path leads to another file by now: that one is left alone. */
        assert_ok(do_rename(FD_DIR, "f", FD_DIR, "g"));
        ck_assert_int_eq(seteuid(0), 0);
        make_file("f", "other");
        ck_assert_int_eq(seteuid(65534), 0);
        assert_errno(wasi_fd_filestat_set_times(fd, 0, 5 * S, WASI_TIMES_MTIME), WASI_PERM);
        assert_ok(do_stat(FD_DIR, 0, "f", &st));
        ck_assert_uint_ne(st.mtime, 5 * S);
        assert_ok(do_path(wasi_path_unlink_file, FD_DIR, "f"));
        assert_errno(wasi_fd_filestat_set_times(fd, 0, 5 * S, WASI_TIMES_MTIME), WASI_PERM);
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(what_a_read_only_directory_refuses)
{
        uint32_t fd;

        make_file("ro/f", "abc");
        host_spill(0)->i64 = WASI_TIMES_MTIME_NOW;
        assert_errno(wasi_path_filestat_set_times(FD_READ_ONLY, 0, AT_PATH, put_path(AT_PATH, "f"),
                                                  0, 0), WASI_ROFS);
        assert_errno(wasi_fd_filestat_set_times(FD_READ_ONLY, 0, 0, WASI_TIMES_MTIME_NOW), WASI_ROFS);
        /* A file opened below it does not get the right by asking for it. */
        assert_ok(do_open(FD_READ_ONLY, 0, "f", 0, RIGHT_FD_READ | RIGHT_FD_FILESTAT_SET_TIMES, 0, 0,
                          &fd));
        assert_errno(wasi_fd_filestat_set_times(fd, 0, 0, WASI_TIMES_MTIME_NOW), WASI_ROFS);
}
END_TEST

START_TEST(odd_times_are_clamped)
{
        struct path_stat s = { .atime_s = -1, .atime_ns = 5, .mtime_s = INT64_MAX, .ctime_s = 1,
                               .ctime_ns = 2 };
        struct wasi_filestat st;

        filestat_of(&s, &st);
        ck_assert_uint_eq(st.atime, 0);
        ck_assert_uint_eq(st.mtime, UINT64_MAX);
        ck_assert_uint_eq(st.ctime, S + 2);
}
END_TEST

TCase *attributes_case(void)
{
        TCase *tc = tcase_create("attributes");

        tcase_add_checked_fixture(tc, double_setup, double_teardown);
        tcase_add_test(tc, descriptors_tell_what_they_are);
        tcase_add_test(tc, rights_only_shrink);
        tcase_add_test(tc, flags_are_set);
        tcase_add_test(tc, attributes_of_a_file);
        tcase_add_test(tc, size_is_set);
        tcase_add_loop_test(tc, times_of_a_descriptor, 0, ELEMENTSOF(times));
        tcase_add_loop_test(tc, times_of_a_path, 0, ELEMENTSOF(times));
        tcase_add_loop_test(tc, times_of_a_directory, 0, ELEMENTSOF(times));
        tcase_add_test(tc, times_of_a_link_or_its_target);
        tcase_add_test(tc, times_of_a_file_of_somebody_else);
        tcase_add_test(tc, what_a_read_only_directory_refuses);
        tcase_add_test(tc, odd_times_are_clamped);
        return tc;
}
