/* test-no-check.c - the shim with its own containment check taken out (WASI_NO_PATH_CHECK): the
 * layer below must refuse every way out alone. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/wasi/double.h"

static char outside[128], name[64]; /* a file beside the granted directory, and "../" to it */

static void setup(void)
{
        FILE *f;

        double_setup();
        snprintf(outside, sizeof(outside), "%s.outside", guest.directory);
        snprintf(name, sizeof(name), "../%s", strrchr(outside, '/') + 1);
        f = fopen(outside, "we");
        ck_assert_ptr_nonnull(f);
        fputs("secret", f);
        fclose(f);
        make_file("mine", "mine");
        make_directory("d");
        assert_ok(do_symlink("..", FD_DIR, "up"));
        assert_ok(do_symlink(name, FD_DIR, "link"));
}

static void teardown(void)
{
        struct stat st;

        /* Still there, as it was, and nothing new beside it. */
        ck_assert_int_eq(stat(outside, &st), 0);
        ck_assert_int_eq(st.st_size, 6);
        ck_assert_int_eq(st.st_nlink, 1);
        ck_assert_int_gt(st.st_mtim.tv_sec, 1);
        ck_assert_int_eq(unlink(outside), 0);
        strcat(outside, ".new");
        ck_assert_int_eq(access(outside, F_OK), -1);
        double_teardown();
}

static void refused(const char *what, uint32_t e)
{
        ck_assert_msg(e == WASI_NOTCAPABLE || e == WASI_XDEV, "%s: %s", what, wasi_errno_text(e));
}

START_TEST(the_check_is_really_out)
{
        uint64_t before = double_paths_escapes();

        assert_errno(do_open(FD_DIR, 0, "../x", 0, RIGHT_FD_READ, 0, 0, NULL), WASI_NOTCAPABLE);
        /* It was the kernel that stopped it, and the broker that counted it. */
        ck_assert_uint_eq(double_paths_escapes(), before + 1);
}
END_TEST

static char *ways[8]; /* of writing the name of the file outside */

static void fill_ways(char text[8][256])
{
        const char *base = name + 3;

        snprintf(text[0], 256, "../%s", base);
        snprintf(text[1], 256, "d/../../%s", base);
        snprintf(text[2], 256, "./.././%s", base);
        snprintf(text[3], 256, "up/%s", base);
        snprintf(text[4], 256, "d/../up/%s", base);
        snprintf(text[5], 256, "%s", outside);
        snprintf(text[6], 256, "//%s", outside);
        snprintf(text[7], 256, "up/../../tmp/%s", base);
        for (unsigned i = 0; i < 8; i++)
                ways[i] = text[i];
}

START_TEST(every_operation_every_way)
{
        static const uint32_t oflags[] = { 0, WASI_OPEN_CREATE, WASI_OPEN_CREATE | WASI_OPEN_EXCLUSIVE,
                                           WASI_OPEN_TRUNCATE };
        char text[8][256], fresh[300], content[8];
        struct wasi_filestat st;
        uint32_t n;

        fill_ways(text);
        for (unsigned i = 0; i < 8; i++) {
                const char *p = ways[i];

                snprintf(fresh, sizeof(fresh), "%s.new", p);
                for (unsigned k = 0; k < ELEMENTSOF(oflags); k++) {
                        refused("open", do_open(FD_DIR, 0, p, oflags[k], RIGHT_FD_WRITE, 0, 0, NULL));
                        refused("open, follow", do_open(FD_DIR, 1, p, oflags[k], RIGHT_FD_READ, 0, 0, NULL));
                        refused("open new", do_open(FD_DIR, 1, fresh, oflags[k], RIGHT_FD_WRITE, 0, 0, NULL));
                }
                refused("stat", do_stat(FD_DIR, 0, p, &st));
                refused("stat, follow", do_stat(FD_DIR, 1, p, &st));
                host_spill(0)->i64 = WASI_TIMES_MTIME;
                refused("times", wasi_path_filestat_set_times(FD_DIR, 0, AT_PATH, put_path(AT_PATH, p), 0, 1));
                refused("readlink", do_readlink(FD_DIR, p, content, 8, &n));
                refused("mkdir", do_path(wasi_path_create_directory, FD_DIR, fresh));
                refused("rmdir", do_path(wasi_path_remove_directory, FD_DIR, p));
                refused("unlink", do_path(wasi_path_unlink_file, FD_DIR, p));
                refused("symlink", do_symlink("mine", FD_DIR, fresh));
                refused("rename from", do_rename(FD_DIR, p, FD_DIR, "got"));
                refused("rename to", do_rename(FD_DIR, "mine", FD_DIR, p));
                refused("rename to new", do_rename(FD_DIR, "mine", FD_DIR, fresh));
                refused("link from", do_link(FD_DIR, 0, p, FD_DIR, "got"));
                refused("link to", do_link(FD_DIR, 0, "mine", FD_DIR, fresh));
        }
}
END_TEST

START_TEST(a_link_that_leads_out_is_not_followed)
{
        struct wasi_filestat st;

        refused("open", do_open(FD_DIR, 1, "link", 0, RIGHT_FD_READ, 0, 0, NULL));
        refused("write", do_open(FD_DIR, 1, "link", WASI_OPEN_TRUNCATE, RIGHT_FD_WRITE, 0, 0, NULL));
        refused("stat", do_stat(FD_DIR, 1, "link", &st));
        assert_ok(do_stat(FD_DIR, 0, "link", &st));
        host_spill(0)->i64 = WASI_TIMES_MTIME;
        refused("times", wasi_path_filestat_set_times(FD_DIR, 1, AT_PATH, put_path(AT_PATH, "link"), 0, 1));
}
END_TEST

START_TEST(directories_outside_are_not_opened)
{
        static const char *const paths[] = { "..", "../", "up", "up/", "d/../..", "/", "/tmp", "up/tmp" };

        for (unsigned i = 0; i < ELEMENTSOF(paths); i++)
                refused(paths[i], do_open(FD_DIR, 1, paths[i], WASI_OPEN_DIRECTORY, 0, 0, 0, NULL));
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("without the check");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, the_check_is_really_out);
        tcase_add_test(tc, every_operation_every_way);
        tcase_add_test(tc, a_link_that_leads_out_is_not_followed);
        tcase_add_test(tc, directories_outside_are_not_opened);
        return unit_main("wasi, kernel layer alone", &tc, 1);
}
