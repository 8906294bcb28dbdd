/* test-directories.c - reading directories. */
#include <stdio.h>
#include <string.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

#define NAMES_MAX 600

static char names[NAMES_MAX][256];
static uint64_t cookies[NAMES_MAX];
static unsigned n_names;

/* Whole entries of one answer; returns the bytes used. */
static uint32_t read_once(uint32_t fd, uint32_t room, uint64_t cookie)
{
        uint32_t used, at = 0;

        memset(guest.memory + AT_OUT, 0x55, room + 8);
        assert_ok(wasi_fd_readdir(fd, AT_OUT, room, cookie, AT_RET));
        used = get_u32(AT_RET);
        ck_assert_uint_le(used, room);
        ck_assert_uint_eq(guest.memory[AT_OUT + room], 0x55);
        while (used - at >= sizeof(struct wasi_dirent)) {
                struct wasi_dirent d;

                memcpy(&d, guest.memory + AT_OUT + at, sizeof(d));
                at += sizeof(d);
                if (used - at < d.name_bytes)
                        break;
                ck_assert_uint_lt(n_names, NAMES_MAX);
                memcpy(names[n_names], guest.memory + AT_OUT + at, d.name_bytes);
                names[n_names][d.name_bytes] = 0;
                cookies[n_names++] = d.next;
                at += d.name_bytes;
        }
        return used;
}

static void read_all(uint32_t fd, uint32_t room)
{
        uint64_t cookie = 0;
        unsigned before;

        n_names = 0;
        for (;;) {
                before = n_names;
                if (read_once(fd, room, cookie) < room)
                        return;
                ck_assert_uint_gt(n_names, before); /* else it would never end */
                cookie = cookies[n_names - 1];
        }
}

static int find(const char *name)
{
        int found = -1;

        for (unsigned i = 0; i < n_names; i++)
                if (strcmp(names[i], name) == 0) {
                        ck_assert_int_eq(found, -1);
                        found = i;
                }
        return found;
}

START_TEST(an_empty_directory_has_two_entries)
{
        uint32_t dir;

        make_directory("d");
        assert_ok(do_open(FD_DIR, 0, "d", 0, RIGHT_FD_READDIR, 0, 0, &dir));
        read_all(dir, 4096);
        ck_assert_uint_eq(n_names, 2);
        ck_assert_int_ge(find("."), 0);
        ck_assert_int_ge(find(".."), 0);
}
END_TEST

START_TEST(types_and_numbers)
{
        struct wasi_filestat st;
        struct wasi_dirent d;
        uint32_t dir;

        make_directory("d");
        make_file("d/f", "x");
        assert_ok(do_open(FD_DIR, 0, "d", 0, RIGHT_FD_READDIR, 0, 0, &dir));
        read_all(dir, 4096);
        ck_assert_uint_eq(n_names, 3);
        assert_ok(do_stat(FD_DIR, 0, "d/f", &st));
        assert_ok(wasi_fd_readdir(dir, AT_OUT, 4096, 0, AT_RET));
        for (uint32_t at = 0; at < get_u32(AT_RET); at += sizeof(d) + d.name_bytes) {
                memcpy(&d, guest.memory + AT_OUT + at, sizeof(d));
                if (guest.memory[AT_OUT + at + sizeof(d)] == 'f') {
                        ck_assert_uint_eq(d.ino, st.ino);
                        ck_assert_uint_eq(d.filetype, WASI_FILETYPE_REGULAR_FILE);
                } else {
                        ck_assert_uint_eq(d.filetype, WASI_FILETYPE_DIRECTORY);
                }
        }
}
END_TEST

START_TEST(every_entry_once_whatever_the_buffer)
{
        static const uint32_t rooms[] = { 280, 300, 512, 1000, 4096, 40000, 65000 };
        char name[64];
        uint32_t dir;

        make_directory("d");
        for (unsigned i = 0; i < 500; i++) {
                snprintf(name, sizeof(name), "d/entry-%u-%.*s", i, i % 30, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
                make_file(name, "");
        }
        assert_ok(do_open(FD_DIR, 0, "d", 0, RIGHT_FD_READDIR, 0, 0, &dir));
        read_all(dir, rooms[_i]);
        ck_assert_uint_eq(n_names, 502);
        for (unsigned i = 0; i < 500; i++) {
                snprintf(name, sizeof(name), "entry-%u-%.*s", i, i % 30, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
                ck_assert_msg(find(name) >= 0, "%s is missing", name);
        }
}
END_TEST

START_TEST(a_small_buffer_gets_a_cut_entry)
{
        for (uint32_t room = 0; room < 25; room++) {
                assert_ok(wasi_fd_readdir(FD_DIR, AT_OUT, room, 0, AT_RET));
                ck_assert_uint_eq(get_u32(AT_RET), room); /* full: there is more */
        }
}
END_TEST

START_TEST(cookie_is_where_to_go_on)
{
        char second[256], third[256];

        make_file("a", "");
        make_file("b", "");
        read_all(FD_DIR, 4096);
        ck_assert_uint_eq(n_names, 5); /* with "ro" */
        strcpy(second, names[1]);
        strcpy(third, names[2]);
        {
                uint64_t first_cookie = cookies[0], last = cookies[4];

                n_names = 0;
                read_once(FD_DIR, 4096, first_cookie);
                ck_assert_uint_eq(n_names, 4);
                ck_assert_str_eq(names[0], second);
                ck_assert_str_eq(names[1], third);
                n_names = 0;
                ck_assert_uint_eq(read_once(FD_DIR, 4096, last), 0);
                ck_assert_uint_eq(n_names, 0);
        }
}
END_TEST

START_TEST(readdir_refuses)
{
        uint32_t fd;

        make_file("f", "");
        assert_ok(do_open(FD_DIR, 0, "f", 0, RIGHT_FD_READ, 0, 0, &fd));
        assert_errno(wasi_fd_readdir(fd, AT_OUT, 100, 0, AT_RET), WASI_NOTDIR);
        assert_errno(wasi_fd_readdir(99, AT_OUT, 100, 0, AT_RET), WASI_BADF);
        assert_errno(wasi_fd_readdir(FD_DIR, GUEST_BYTES - 9, 10, 0, AT_RET), WASI_FAULT);
        assert_errno(wasi_fd_readdir(FD_DIR, AT_OUT, UINT32_MAX, 0, AT_RET), WASI_FAULT);
        assert_errno(wasi_fd_readdir(FD_DIR, AT_OUT, 100, 0, NOWHERE), WASI_FAULT);
}
END_TEST

TCase *directories_case(void)
{
        TCase *tc = tcase_create("directories");

        tcase_add_checked_fixture(tc, double_setup, double_teardown);
        tcase_add_test(tc, an_empty_directory_has_two_entries);
        tcase_add_test(tc, types_and_numbers);
        tcase_add_loop_test(tc, every_entry_once_whatever_the_buffer, 0, 7);
        tcase_add_test(tc, a_small_buffer_gets_a_cut_entry);
        tcase_add_test(tc, cookie_is_where_to_go_on);
        tcase_add_test(tc, readdir_refuses);
        return tc;
}
