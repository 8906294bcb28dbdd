/* test-names.c - opening, and everything else that has a path. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/wasi/state.h"
#include "tests/wasi/double.h"

/* A small tree: f (a file), d/ with d/g in it, l -> f, ld -> d, dangling, out -> ../../etc/passwd,
 * loop -> loop, ro/ with ro/r in it. */
static void tree(void)
{
        double_setup();
        make_file("f", "file");
        make_directory("d");
        make_file("d/g", "inner");
        make_file("ro/r", "kept");
        assert_ok(do_symlink("f", FD_DIR, "l"));
        assert_ok(do_symlink("d", FD_DIR, "ld"));
        assert_ok(do_symlink("nothing", FD_DIR, "dangling"));
        assert_ok(do_symlink("../../../../etc/passwd", FD_DIR, "out"));
        assert_ok(do_symlink("loop", FD_DIR, "loop"));
}

#define F WASI_LOOKUP_FOLLOW
#define CREATE WASI_OPEN_CREATE
#define EXCL WASI_OPEN_EXCLUSIVE
#define TRUNC WASI_OPEN_TRUNCATE
#define DIRECTORY WASI_OPEN_DIRECTORY
#define R RIGHT_FD_READ
#define W RIGHT_FD_WRITE

static const struct {
        const char *name, *path;
        uint32_t dir, lookup, oflags;
        uint64_t rights;
        enum wasi_errno e;
        uint8_t filetype;
} opens[] = {
        { "a file",                     "f", FD_DIR, 0, 0, R, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "a file, no rights",          "f", FD_DIR, 0, 0, 0, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "to write",                   "f", FD_DIR, 0, 0, R | W, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "deeper",                     "d/g", FD_DIR, 0, 0, R, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "by a winding way",           "d/.//../d/./../f", FD_DIR, 0, 0, R, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "a directory",                "d", FD_DIR, 0, DIRECTORY, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "a directory unasked",        "d", FD_DIR, 0, 0, R, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "a directory with slashes",   "d///", FD_DIR, 0, 0, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "the directory itself",       ".", FD_DIR, 0, DIRECTORY, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "the same, written oddly",    "d/..", FD_DIR, 0, DIRECTORY, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "through a link",             "l", FD_DIR, F, 0, R, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "through a link inside",      "ld/g", FD_DIR, 0, 0, R, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "a link to a directory",      "ld", FD_DIR, F, DIRECTORY, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "new",                        "new", FD_DIR, 0, CREATE, R | W, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "new, exclusively",           "new", FD_DIR, 0, CREATE | EXCL, W, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "create what is there",       "f", FD_DIR, 0, CREATE, R, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "truncated without a right",  "f", FD_DIR, 0, TRUNC, 0, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "read-only grant, to read",   "r", FD_READ_ONLY, 0, 0, R, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "bits that are no rights",    "f", FD_DIR, 0, 0, R | UINT64_C(3) << 62, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },

        { "what is not there",          "x", FD_DIR, 0, 0, R, WASI_NOENT, 0 },
        { "nothing",                    "", FD_DIR, 0, 0, R, WASI_NOENT, 0 },
        { "in what is not there",       "x/y", FD_DIR, 0, CREATE, R, WASI_NOENT, 0 },
        { "in a file",                  "f/x", FD_DIR, 0, 0, R, WASI_NOTDIR, 0 },
        { "a file with a slash",        "f/", FD_DIR, 0, 0, R, WASI_NOTDIR, 0 },
        { "a file as directory",        "f", FD_DIR, 0, DIRECTORY, 0, WASI_NOTDIR, 0 },
        { "a directory to write",       "d", FD_DIR, 0, 0, R | W, WASI_ISDIR, 0 },
        { "there, but exclusively",     "f", FD_DIR, 0, CREATE | EXCL, R, WASI_EXIST, 0 },
        { "a link, not followed",       "l", FD_DIR, 0, 0, R, WASI_LOOP, 0 },
        { "a dangling link",            "dangling", FD_DIR, F, 0, R, WASI_NOENT, 0 },
        { "a loop",                     "loop", FD_DIR, F, 0, R, WASI_LOOP, 0 },
        { "directory and create",       "x", FD_DIR, 0, DIRECTORY | CREATE, 0, WASI_INVAL, 0 },
        { "directory and truncate",     "d", FD_DIR, 0, DIRECTORY | TRUNC, 0, WASI_INVAL, 0 },
        { "unknown oflags",             "f", FD_DIR, 0, 16, R, WASI_INVAL, 0 },
        { "unknown lookup flags",       "f", FD_DIR, 2, 0, R, WASI_INVAL, 0 },
        { "outside",                    "../x", FD_DIR, 0, 0, R, WASI_NOTCAPABLE, 0 },
        { "outside, to create",         "../../etc/x", FD_DIR, 0, CREATE, W, WASI_NOTCAPABLE, 0 },
        { "absolute",                   "/etc/passwd", FD_DIR, 0, 0, R, WASI_NOTCAPABLE, 0 },
        { "absolute, inside",           "/d", FD_DIR, 0, 0, R, WASI_NOTCAPABLE, 0 },
        { "a link that leads out",      "out", FD_DIR, F, 0, R, WASI_NOTCAPABLE, 0 },
        { "through a link, out",        "ld/../../x", FD_DIR, F, 0, R, WASI_NOTCAPABLE, 0 },
        { "read-only grant, to write",  "r", FD_READ_ONLY, 0, 0, W, WASI_ROFS, 0 },
        { "read-only grant, create",    "n", FD_READ_ONLY, 0, CREATE, R, WASI_ROFS, 0 },
        { "read-only grant, truncate",  "r", FD_READ_ONLY, 0, TRUNC, R, WASI_ROFS, 0 },
        { "read-only grant, allocate",  "r", FD_READ_ONLY, 0, 0, RIGHT_FD_ALLOCATE, WASI_ROFS, 0 },
        { "not a descriptor",           "f", 99, 0, 0, R, WASI_BADF, 0 },
        { "a socket for a directory",   "f", FD_LISTEN, 0, 0, R, WASI_NOTDIR, 0 },
};

START_TEST(open_does_what_the_table_says)
{
        struct wasi_fdstat st;
        uint32_t fd;

        assert_errno(do_open(opens[_i].dir, opens[_i].lookup, opens[_i].path, opens[_i].oflags,
                             opens[_i].rights, 0, 0, &fd), opens[_i].e);
        if (opens[_i].e)
                return;
        assert_ok(wasi_fd_fdstat_get(fd, AT_OUT));
        memcpy(&st, guest.memory + AT_OUT, sizeof(st));
        ck_assert_uint_eq(st.filetype, opens[_i].filetype);
        ck_assert_uint_eq(st.rights & ~opens[_i].rights, 0);
        assert_ok(wasi_fd_close(fd));
        assert_errno(wasi_fd_close(fd), WASI_BADF);
}
END_TEST

START_TEST(open_truncates)
{
        struct wasi_filestat st;
        uint32_t fd;

        assert_ok(do_open(FD_DIR, 0, "f", TRUNC, W, 0, 0, &fd));
        assert_ok(do_stat(FD_DIR, 0, "f", &st));
        ck_assert_uint_eq(st.size, 0);
        assert_ok(do_stat(FD_READ_ONLY, 0, "r", &st));
        ck_assert_uint_eq(st.size, 4);
}
END_TEST

START_TEST(rights_are_inherited_and_never_more)
{
        uint64_t below = R | RIGHT_PATH_OPEN | RIGHT_FD_READDIR;
        struct wasi_fdstat st;
        uint32_t dir, fd;

        /* To write is no right of a directory: dropped, where a directory was asked for. */
        assert_ok(do_open(FD_DIR, 0, "d", DIRECTORY, RIGHT_PATH_OPEN | RIGHT_PATH_CREATE_FILE | W,
                          below, 0, &dir));
        assert_ok(wasi_fd_fdstat_get(dir, AT_OUT));
        memcpy(&st, guest.memory + AT_OUT, sizeof(st));
        ck_assert_uint_eq(st.rights, RIGHT_PATH_OPEN | RIGHT_PATH_CREATE_FILE);
        ck_assert_uint_eq(st.inheriting, below);
        assert_ok(do_open(dir, 0, "g", 0, R, 0, 0, &fd));
        assert_errno(do_open(dir, 0, "g", 0, R | W, 0, 0, &fd), WASI_NOTCAPABLE);
        assert_errno(do_open(dir, 0, "g", 0, R, W, 0, &fd), WASI_NOTCAPABLE);
        assert_errno(do_open(dir, 0, "g", TRUNC, R, 0, 0, &fd), WASI_NOTCAPABLE);
        assert_errno(do_path(wasi_path_unlink_file, dir, "g"), WASI_NOTCAPABLE);
        assert_errno(do_path(wasi_path_create_directory, dir, "h"), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_readdir(dir, AT_OUT, 100, 0, AT_RET), WASI_NOTCAPABLE);
        assert_errno(wasi_fd_filestat_get(dir, AT_OUT), WASI_NOTCAPABLE);
}
END_TEST

START_TEST(read_only_is_inherited)
{
        uint32_t dir, fd;

        make_directory("ro/sub");
        make_file("ro/sub/x", "x");
        assert_ok(do_open(FD_READ_ONLY, 0, "sub", DIRECTORY, RIGHTS_DIR & ~RIGHTS_RW,
                          RIGHTS_DIR | RIGHTS_RW, 0, &dir));
        assert_errno(do_open(dir, 0, "x", 0, R | W, 0, 0, &fd), WASI_ROFS);
        assert_errno(do_open(dir, 0, "y", CREATE, R, 0, 0, &fd), WASI_ROFS);
        assert_errno(do_path(wasi_path_unlink_file, dir, "x"), WASI_ROFS);
        assert_ok(do_open(dir, 0, "x", 0, R, 0, 0, &fd));
        assert_errno(do_write(fd, "x"), WASI_NOTCAPABLE);
}
END_TEST

START_TEST(fdflags_are_checked)
{
        uint32_t fd;

        assert_errno(do_open(FD_DIR, 0, "f", 0, R, 0, 32, &fd), WASI_INVAL);
        assert_ok(do_open(FD_DIR, 0, "f", 0, R, 0, WASI_FD_NONBLOCK, &fd));
        assert_ok(wasi_fd_fdstat_get(fd, AT_OUT));
        ck_assert_uint_eq(guest.memory[AT_OUT + 2], WASI_FD_NONBLOCK);
        host_spill(2)->i64 = NOWHERE;
        assert_errno(wasi_path_open(FD_DIR, 0, AT_PATH, put_path(AT_PATH, "f"), 0, R), WASI_FAULT);
}
END_TEST

static const struct {
        const char *name;
        uint32_t (*f)(uint32_t, uint32_t, uint32_t);
        uint32_t dir;
        const char *path;
        enum wasi_errno e;
} plain[] = {
        { "mkdir",                 wasi_path_create_directory, FD_DIR, "n",       WASI_SUCCESS },
        { "mkdir with slash",      wasi_path_create_directory, FD_DIR, "n/",      WASI_SUCCESS },
        { "mkdir deep",            wasi_path_create_directory, FD_DIR, "d/n",     WASI_SUCCESS },
        { "mkdir there",           wasi_path_create_directory, FD_DIR, "d",       WASI_EXIST },
        { "mkdir over a file",     wasi_path_create_directory, FD_DIR, "f",       WASI_EXIST },
        { "mkdir in nothing",      wasi_path_create_directory, FD_DIR, "x/n",     WASI_NOENT },
        { "mkdir itself",          wasi_path_create_directory, FD_DIR, ".",       WASI_EXIST },
        { "mkdir outside",         wasi_path_create_directory, FD_DIR, "../n",    WASI_NOTCAPABLE },
        { "mkdir by a link out",   wasi_path_create_directory, FD_DIR, "out/n",   WASI_NOTCAPABLE },
        { "mkdir read-only",       wasi_path_create_directory, FD_READ_ONLY, "n", WASI_ROFS },
        { "mkdir in a file",       wasi_path_create_directory, FD_DIR, "f/n",     WASI_NOTDIR },
        { "mkdir empty",           wasi_path_create_directory, FD_DIR, "",        WASI_NOENT },
        { "mkdir badf",            wasi_path_create_directory, 99,     "n",       WASI_BADF },
        { "mkdir in a socket",     wasi_path_create_directory, FD_LISTEN, "n",    WASI_NOTDIR },

        { "rmdir full",            wasi_path_remove_directory, FD_DIR, "d",       WASI_NOTEMPTY },
        { "rmdir file",            wasi_path_remove_directory, FD_DIR, "f",       WASI_NOTDIR },
        { "rmdir file with slash", wasi_path_remove_directory, FD_DIR, "f/",      WASI_NOTDIR },
        { "rmdir link",            wasi_path_remove_directory, FD_DIR, "ld",      WASI_NOTDIR },
        { "rmdir nothing",         wasi_path_remove_directory, FD_DIR, "x",       WASI_NOENT },
        { "rmdir outside",         wasi_path_remove_directory, FD_DIR, "..",      WASI_NOTCAPABLE },
        { "rmdir itself",          wasi_path_remove_directory, FD_DIR, ".",       WASI_INVAL },
        { "rmdir read-only",       wasi_path_remove_directory, FD_READ_ONLY, "r", WASI_ROFS },
        { "rmdir badf",            wasi_path_remove_directory, 99,     "d",       WASI_BADF },

        { "unlink",                wasi_path_unlink_file, FD_DIR, "f",            WASI_SUCCESS },
        { "unlink link",           wasi_path_unlink_file, FD_DIR, "l",            WASI_SUCCESS },
        { "unlink dangling",       wasi_path_unlink_file, FD_DIR, "dangling",     WASI_SUCCESS },
        { "unlink link to dir",    wasi_path_unlink_file, FD_DIR, "ld",           WASI_SUCCESS },
        { "unlink directory",      wasi_path_unlink_file, FD_DIR, "d",            WASI_ISDIR },
        { "unlink dir with slash", wasi_path_unlink_file, FD_DIR, "d/",           WASI_ISDIR },
        { "unlink file w. slash",  wasi_path_unlink_file, FD_DIR, "f/",           WASI_NOTDIR },
        { "unlink nothing",        wasi_path_unlink_file, FD_DIR, "x",            WASI_NOENT },
        { "unlink outside",        wasi_path_unlink_file, FD_DIR, "d/../../x",    WASI_NOTCAPABLE },
        { "unlink read-only",      wasi_path_unlink_file, FD_READ_ONLY, "r",      WASI_ROFS },
        { "unlink badf",           wasi_path_unlink_file, 99,     "f",            WASI_BADF },
};

START_TEST(plain_operations)
{
        assert_errno(do_path(plain[_i].f, plain[_i].dir, plain[_i].path), plain[_i].e);
}
END_TEST

START_TEST(directories_come_and_go)
{
        struct wasi_filestat st;

        assert_ok(do_path(wasi_path_create_directory, FD_DIR, "n"));
        assert_ok(do_stat(FD_DIR, 0, "n", &st));
        ck_assert_uint_eq(st.filetype, WASI_FILETYPE_DIRECTORY);
        assert_ok(do_path(wasi_path_remove_directory, FD_DIR, "n/"));
        assert_errno(do_stat(FD_DIR, 0, "n", &st), WASI_NOENT);
}
END_TEST

static const struct {
        const char *path;
        uint32_t dir, lookup;
        enum wasi_errno e;
        uint8_t filetype;
} stats[] = {
        { "f", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "d", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "d/", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { ".", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "./", FD_DIR, F, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "d/..", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "l", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_SYMBOLIC_LINK },
        { "l", FD_DIR, F, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "ld", FD_DIR, F, WASI_SUCCESS, WASI_FILETYPE_DIRECTORY },
        { "ld/g", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "dangling", FD_DIR, 0, WASI_SUCCESS, WASI_FILETYPE_SYMBOLIC_LINK },
        { "r", FD_READ_ONLY, 0, WASI_SUCCESS, WASI_FILETYPE_REGULAR_FILE },
        { "dangling", FD_DIR, F, WASI_NOENT, 0 },
        { "loop", FD_DIR, F, WASI_LOOP, 0 },
        { "f/", FD_DIR, 0, WASI_NOTDIR, 0 },
        { "x", FD_DIR, 0, WASI_NOENT, 0 },
        { "", FD_DIR, 0, WASI_NOENT, 0 },
        { "..", FD_DIR, 0, WASI_NOTCAPABLE, 0 },
        { "/", FD_DIR, 0, WASI_NOTCAPABLE, 0 },
        { "f", FD_DIR, 4, WASI_INVAL, 0 },
        { "f", 99, 0, WASI_BADF, 0 },
        { "f", FD_LISTEN, 0, WASI_NOTDIR, 0 },
};

START_TEST(stat_does_what_the_table_says)
{
        struct wasi_filestat st;

        assert_errno(do_stat(stats[_i].dir, stats[_i].lookup, stats[_i].path, &st), stats[_i].e);
        if (!stats[_i].e)
                ck_assert_uint_eq(st.filetype, stats[_i].filetype);
}
END_TEST

START_TEST(stat_never_follows_out)
{
        struct wasi_filestat st;
        uint32_t e = do_stat(FD_DIR, F, "out", &st);

        ck_assert_msg(e == WASI_NOTCAPABLE || e == WASI_PERM || e == WASI_XDEV, "%s",
                      wasi_errno_text(e));
}
END_TEST

static const struct {
        const char *name;
        uint32_t dir, dir2;
        const char *from, *to;
        enum wasi_errno e;
} renames[] = {
        { "a file",              FD_DIR, FD_DIR, "f", "n", WASI_SUCCESS },
        { "over a file",         FD_DIR, FD_DIR, "f", "d/g", WASI_SUCCESS },
        { "a directory",         FD_DIR, FD_DIR, "d", "n", WASI_SUCCESS },
        { "a directory, slash",  FD_DIR, FD_DIR, "d/", "n/", WASI_SUCCESS },
        { "a link itself",       FD_DIR, FD_DIR, "l", "n", WASI_SUCCESS },
        { "onto itself",         FD_DIR, FD_DIR, "f", "f", WASI_SUCCESS },
        { "nothing",             FD_DIR, FD_DIR, "x", "n", WASI_NOENT },
        { "into nothing",        FD_DIR, FD_DIR, "f", "x/n", WASI_NOENT },
        { "file over directory", FD_DIR, FD_DIR, "f", "d", WASI_ISDIR },
        { "directory over file", FD_DIR, FD_DIR, "d", "f", WASI_NOTDIR },
        { "over a full one",     FD_DIR, FD_DIR, "ro", "d", WASI_NOTEMPTY },
        { "into itself",         FD_DIR, FD_DIR, "d", "d/n", WASI_INVAL },
        { "file, slash",         FD_DIR, FD_DIR, "f/", "n", WASI_NOTDIR },
        { "out, source",         FD_DIR, FD_DIR, "../x", "n", WASI_NOTCAPABLE },
        { "out, target",         FD_DIR, FD_DIR, "f", "../n", WASI_NOTCAPABLE },
        { "absolute target",     FD_DIR, FD_DIR, "f", "/tmp/n", WASI_NOTCAPABLE },
        { "from read-only",      FD_READ_ONLY, FD_DIR, "r", "n", WASI_ROFS },
        { "to read-only",        FD_DIR, FD_READ_ONLY, "f", "n", WASI_ROFS },
        { "badf",                99, FD_DIR, "f", "n", WASI_BADF },
        { "badf, target",        FD_DIR, 99, "f", "n", WASI_BADF },
        { "empty",               FD_DIR, FD_DIR, "", "n", WASI_NOENT },
        { "empty, target",       FD_DIR, FD_DIR, "f", "", WASI_NOENT },
};

START_TEST(rename_does_what_the_table_says)
{
        struct wasi_filestat st;

        assert_errno(do_rename(renames[_i].dir, renames[_i].from, renames[_i].dir2, renames[_i].to),
                     renames[_i].e);
        if (!renames[_i].e && strcmp(renames[_i].from, renames[_i].to) != 0) {
                assert_errno(do_stat(renames[_i].dir, 0, renames[_i].from, &st), WASI_NOENT);
                assert_ok(do_stat(renames[_i].dir2, 0, renames[_i].to, &st));
        }
}
END_TEST

static const struct {
        const char *name;
        uint32_t dir, lookup, dir2;
        const char *from, *to;
        enum wasi_errno e;
} links[] = {
        { "a file",            FD_DIR, 0, FD_DIR, "f", "n", WASI_SUCCESS },
        { "deeper",            FD_DIR, 0, FD_DIR, "f", "d/n", WASI_SUCCESS },
        { "a link itself",     FD_DIR, 0, FD_DIR, "dangling", "n", WASI_SUCCESS },
        { "what a link means", FD_DIR, F, FD_DIR, "l", "n", WASI_INVAL },
        { "there",             FD_DIR, 0, FD_DIR, "f", "d/g", WASI_EXIST },
        { "onto itself",       FD_DIR, 0, FD_DIR, "f", "f", WASI_EXIST },
        { "onto a directory",  FD_DIR, 0, FD_DIR, "f", "d", WASI_EXIST },
        { "a directory",       FD_DIR, 0, FD_DIR, "d", "n", WASI_PERM },
        { "trailing slash",    FD_DIR, 0, FD_DIR, "f", "n/", WASI_NOENT },
        { "nothing",           FD_DIR, 0, FD_DIR, "x", "n", WASI_NOENT },
        { "out, source",       FD_DIR, 0, FD_DIR, "../x", "n", WASI_NOTCAPABLE },
        { "out, target",       FD_DIR, 0, FD_DIR, "f", "../n", WASI_NOTCAPABLE },
        { "from read-only",    FD_READ_ONLY, 0, FD_DIR, "r", "n", WASI_ROFS },
        { "to read-only",      FD_DIR, 0, FD_READ_ONLY, "f", "n", WASI_ROFS },
        { "lookup flags",      FD_DIR, 2, FD_DIR, "f", "n", WASI_INVAL },
        { "badf",              99, 0, FD_DIR, "f", "n", WASI_BADF },
        { "badf, target",      FD_DIR, 0, 99, "f", "n", WASI_BADF },
};

START_TEST(link_does_what_the_table_says)
{
        struct wasi_filestat st, st2;

        assert_errno(do_link(links[_i].dir, links[_i].lookup, links[_i].from, links[_i].dir2,
                             links[_i].to), links[_i].e);
        if (links[_i].e)
                return;
        assert_ok(do_stat(links[_i].dir, links[_i].lookup, links[_i].from, &st));
        assert_ok(do_stat(links[_i].dir2, 0, links[_i].to, &st2));
        ck_assert_uint_eq(st.ino, st2.ino);
        ck_assert_uint_eq(st2.nlink, 2);
}
END_TEST

static const struct {
        const char *content;
        uint32_t dir;
        const char *path;
        enum wasi_errno e;
} symlinks[] = {
        { "f", FD_DIR, "n", WASI_SUCCESS },
        { "../up", FD_DIR, "d/n", WASI_SUCCESS },
        { "anything at all", FD_DIR, "n", WASI_SUCCESS },
        { "f", FD_DIR, "d", WASI_EXIST },
        { "f", FD_DIR, "f", WASI_EXIST },
        { "f", FD_DIR, "d/", WASI_EXIST },
        { "f", FD_DIR, "n/", WASI_NOENT },
        { "/", FD_DIR, "n", WASI_NOTCAPABLE },
        { "/etc/passwd", FD_DIR, "n", WASI_NOTCAPABLE },
        { "", FD_DIR, "n", WASI_NOENT },
        { "f", FD_DIR, "../n", WASI_NOTCAPABLE },
        { "f", FD_DIR, "", WASI_NOENT },
        { "f", FD_READ_ONLY, "n", WASI_ROFS },
        { "f", 99, "n", WASI_BADF },
        { "\xff", FD_DIR, "n", WASI_ILSEQ },
};

START_TEST(symlink_does_what_the_table_says)
{
        char content[64] = { 0 };
        uint32_t n;

        assert_errno(do_symlink(symlinks[_i].content, symlinks[_i].dir, symlinks[_i].path),
                     symlinks[_i].e);
        if (symlinks[_i].e)
                return;
        assert_ok(do_readlink(symlinks[_i].dir, symlinks[_i].path, content, sizeof(content), &n));
        ck_assert_str_eq(content, symlinks[_i].content);
        ck_assert_uint_eq(n, strlen(content));
}
END_TEST

START_TEST(readlink_cuts_and_refuses)
{
        char content[64];
        uint32_t n;

        assert_ok(do_readlink(FD_DIR, "out", content, 5, &n));
        ck_assert_uint_eq(n, 5);
        ck_assert_mem_eq(content, "../..", 5);
        assert_ok(do_readlink(FD_DIR, "out", content, 0, &n));
        ck_assert_uint_eq(n, 0);
        assert_errno(do_readlink(FD_DIR, "f", content, 5, &n), WASI_INVAL);
        assert_errno(do_readlink(FD_DIR, "d", content, 5, &n), WASI_INVAL);
        assert_errno(do_readlink(FD_DIR, "x", content, 5, &n), WASI_NOENT);
        assert_errno(do_readlink(FD_DIR, "../x", content, 5, &n), WASI_NOTCAPABLE);
        assert_errno(do_readlink(99, "l", content, 5, &n), WASI_BADF);
        assert_errno(wasi_path_readlink(FD_DIR, AT_PATH, 1, GUEST_BYTES - 4, 5, AT_RET), WASI_FAULT);
}
END_TEST

START_TEST(a_zip_that_slips)
{
        uint32_t fd;

        /* The two ways out that unpackers fall for: a path, and a link unpacked before a file. */
        assert_errno(do_open(FD_DIR, F, "../../etc/x", CREATE, W, 0, 0, &fd), WASI_NOTCAPABLE);
        assert_ok(do_symlink("../..", FD_DIR, "up"));
        assert_errno(do_open(FD_DIR, F, "up/slipped", CREATE, W, 0, 0, &fd), WASI_NOTCAPABLE);
        assert_errno(do_path(wasi_path_create_directory, FD_DIR, "up/slipped"), WASI_NOTCAPABLE);
        assert_errno(do_symlink("f", FD_DIR, "up/slipped"), WASI_NOTCAPABLE);
        ck_assert_int_eq(access("/slipped", F_OK), -1);
        ck_assert_int_eq(access("/tmp/slipped", F_OK), -1);
}
END_TEST

TCase *names_case(void)
{
        TCase *tc = tcase_create("paths");

        tcase_add_checked_fixture(tc, tree, double_teardown);
        tcase_add_loop_test(tc, open_does_what_the_table_says, 0, ELEMENTSOF(opens));
        tcase_add_test(tc, open_truncates);
        tcase_add_test(tc, rights_are_inherited_and_never_more);
        tcase_add_test(tc, read_only_is_inherited);
        tcase_add_test(tc, fdflags_are_checked);
        tcase_add_loop_test(tc, plain_operations, 0, ELEMENTSOF(plain));
        tcase_add_test(tc, directories_come_and_go);
        tcase_add_loop_test(tc, stat_does_what_the_table_says, 0, ELEMENTSOF(stats));
        tcase_add_test(tc, stat_never_follows_out);
        tcase_add_loop_test(tc, rename_does_what_the_table_says, 0, ELEMENTSOF(renames));
        tcase_add_loop_test(tc, link_does_what_the_table_says, 0, ELEMENTSOF(links));
        tcase_add_loop_test(tc, symlink_does_what_the_table_says, 0, ELEMENTSOF(symlinks));
        tcase_add_test(tc, readlink_cuts_and_refuses);
        tcase_add_test(tc, a_zip_that_slips);
        return tc;
}
