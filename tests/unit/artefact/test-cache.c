#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/artefact/cache.h"
#include "tests/unit/unit.h"

static char path[64];
static int dir = -EBADF;
static const struct artefact_key key = { { 0xaa, 0xbb } };
static const char entry[] =
        "aabb000000000000000000000000000000000000000000000000000000000000.artefact";

static void setup(void)
{
        snprintf(path, sizeof(path), "/tmp/nacelle-cache-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(path));
        dir = cache_open(path, NULL);
        ck_assert_int_ge(dir, 0);
}

static void teardown(void)
{
        unlinkat(dir, entry, 0);
        close(dir);
        ck_assert_int_eq(rmdir(path), 0); /* nothing is left behind */
}

START_TEST(an_entry_is_stored_and_found)
{
        struct error err = { 0 };
        char bytes[8];
        int fd;

        ck_assert_int_eq(cache_find(dir, &key, &err), -ENOENT);
        ck_assert_int_eq(err.code, -ENOENT);
        ck_assert_int_eq(cache_store(dir, &key, (const uint8_t *)"first", 5, NULL), 0);
        ck_assert_int_eq(cache_store(dir, &key, (const uint8_t *)"second", 6, NULL), 0);
        fd = cache_find(dir, &key, NULL);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(read(fd, bytes, sizeof(bytes)), 6);
        ck_assert_mem_eq(bytes, "second", 6);
        ck_assert_int_eq(write(fd, bytes, 1), -1);
        close(fd);
}
END_TEST

static void make_symlink(void)
{
        ck_assert_int_eq(symlinkat("/etc/passwd", dir, entry), 0);
}

static void make_hard_link(void)
{
        int fd = openat(dir, "other", O_CREAT | O_WRONLY, 0600);

        ck_assert_int_ge(fd, 0);
        close(fd);
        ck_assert_int_eq(linkat(dir, "other", dir, entry, 0), 0);
}

static void make_fifo(void)
{
        ck_assert_int_eq(mkfifoat(dir, entry, 0600), 0);
}

static void make_directory(void)
{
        ck_assert_int_eq(mkdirat(dir, entry, 0700), 0);
}

static void make_writable(void)
{
        int fd = openat(dir, entry, O_CREAT | O_WRONLY, 0600);

        ck_assert_int_eq(fchmod(fd, 0666), 0);
        close(fd);
}

static void (*const strangers[])(void) = { make_symlink, make_hard_link, make_fifo, make_directory,
                                           make_writable };

START_TEST(a_strange_entry_is_removed)
{
        struct error err = { 0 };

        strangers[_i]();
        ck_assert_int_eq(cache_find(dir, &key, &err), -ENOENT);
        ck_assert_ptr_nonnull(strstr(err.text, "not ours"));
        ck_assert_int_eq(faccessat(dir, entry, F_OK, AT_SYMLINK_NOFOLLOW), -1);
        unlinkat(dir, "other", 0);
        ck_assert_int_eq(cache_store(dir, &key, (const uint8_t *)"x", 1, NULL), 0);
}
END_TEST

START_TEST(a_directory_of_others_is_refused)
{
        struct error err = { 0 };

        ck_assert_int_eq(chmod(path, 0777), 0);
        ck_assert_int_eq(cache_open(path, &err), -EACCES);
        ck_assert_ptr_nonnull(strstr(err.text, "written by others"));
        ck_assert_int_eq(chmod(path, 0700), 0);
        ck_assert_int_eq(cache_open("/proc/self/nothing/here", &err), -ENOENT);
        if (geteuid() != 0)
                ck_assert_int_eq(cache_open("/etc", &err), -EACCES);
        ck_assert_int_eq(symlinkat(path, dir, "link"), 0);
        {
                char link[128];

                snprintf(link, sizeof(link), "%s/link", path);
                ck_assert_int_lt(cache_open(link, &err), 0);
        }
        unlinkat(dir, "link", 0);
}
END_TEST

START_TEST(the_parent_is_made)
{
        char deep[128], parent[128];
        struct stat st;
        int fd;

        snprintf(parent, sizeof(parent), "%s/a", path);
        snprintf(deep, sizeof(deep), "%s/a/b", path);
        fd = cache_open(deep, NULL);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0700);
        close(fd);
        rmdir(deep);
        rmdir(parent);
}
END_TEST

/* A store that fails leaves the old entry, and no temporary file (teardown looks). */
START_TEST(a_failed_store_leaves_nothing)
{
        struct error err = { 0 };

        ck_assert_int_eq(mkdirat(dir, entry, 0700), 0);
        ck_assert_int_lt(cache_store(dir, &key, (const uint8_t *)"x", 1, &err), 0);
        ck_assert_int_eq(err.stage, STAGE_CACHE);
        ck_assert_int_eq(unlinkat(dir, entry, AT_REMOVEDIR), 0);
}
END_TEST

static void put(const char *name, size_t bytes, int64_t age_s)
{
        const struct timespec times[2] = { { .tv_sec = 1000000 - age_s }, { .tv_sec = 1000000 - age_s } };
        int fd = openat(dir, name, O_CREAT | O_WRONLY, 0600);

        ck_assert_int_ge(fd, 0);
        for (size_t i = 0; i < bytes; i += 4096)
                ck_assert_int_eq(pwrite(fd, path, 1, (off_t)i), 1);
        ck_assert_int_eq(futimens(fd, times), 0);
        close(fd);
}

static bool is_there(const char *name)
{
        return faccessat(dir, name, F_OK, 0) == 0;
}

START_TEST(a_sweep_takes_what_is_stale_and_what_is_too_much)
{
        static const struct { const char *name; size_t bytes; int64_t age_s; bool stays; } rows[] = {
                { ".aa.artefact.0123456789abcdef", 8192, CACHE_STALE_S + 1, false },
                { ".bb.artefact.0123456789abcdef", 8192, CACHE_STALE_S - 1, true }, /* somebody may be at it */
                { ".stamp-0123456789abcdef",       88,   CACHE_STALE_S + 1, false },
                { "old.artefact",                  40960, 500,              false },
                { "older.stamp",                   88,    600,              false },
                { "new.artefact",                  40960, 5,                true },
                { "optimiser.lock",                0,     99999,            true },
                { "notes.txt",                     8192,  99999,            true },  /* not ours */
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                put(rows[i].name, rows[i].bytes, rows[i].age_s);
        cache_sweep(dir, UINT64_MAX, 1000000);
        ck_assert(is_there("old.artefact") && is_there("older.stamp")); /* there is room for all */
        ck_assert(!is_there(rows[0].name));
        cache_sweep(dir, 65536, 1000000);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                ck_assert_msg(is_there(rows[i].name) == rows[i].stays, "%s", rows[i].name);
                unlinkat(dir, rows[i].name, 0);
        }
}
END_TEST

START_TEST(the_default_path)
{
        char text[32];

        setenv("XDG_CACHE_HOME", "/x/y", 1);
        setenv("HOME", "/home/u", 1);
        ck_assert_int_eq(cache_default_path(text, sizeof(text)), 0);
        ck_assert_str_eq(text, "/x/y/nacelle");
        setenv("XDG_CACHE_HOME", "relative", 1);
        ck_assert_int_eq(cache_default_path(text, sizeof(text)), 0);
        ck_assert_str_eq(text, "/home/u/.cache/nacelle");
        ck_assert_int_eq(cache_default_path(text, 10), -ENAMETOOLONG);
        unsetenv("HOME");
        ck_assert_int_eq(cache_default_path(text, sizeof(text)), geteuid() ? -ENOENT : 0);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("cache");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, an_entry_is_stored_and_found);
        tcase_add_loop_test(tc, a_strange_entry_is_removed, 0, ELEMENTSOF(strangers));
        tcase_add_test(tc, a_directory_of_others_is_refused);
        tcase_add_test(tc, the_parent_is_made);
        tcase_add_test(tc, a_failed_store_leaves_nothing);
        tcase_add_test(tc, a_sweep_takes_what_is_stale_and_what_is_too_much);
        tcase_add_test(tc, the_default_path);
        return unit_main("cache", &tc, 1);
}
