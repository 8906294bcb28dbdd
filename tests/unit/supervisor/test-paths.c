/* test-paths.c - what the broker does for a request, and what it refuses, on a real directory. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "policy/key.h"
#include "policy/policy.h"
#include "supervisor/broker/paths.h"
#include "tests/unit/unit.h"

static struct paths paths;
static struct checked_request checked;
static struct path_reply reply;
static uint8_t bytes[PATH_REPLY_MAX];
static struct error err;
static char top[32], command[256];
static int got_fd;

static void put(const char *name, const char *content)
{
        char path[128];
        int fd;

        snprintf(path, sizeof(path), "%s/%s", top, name);
        fd = open(path, O_CREAT | O_WRONLY, 0644);
        ck_assert_int_eq(write(fd, content, strlen(content)), (int)strlen(content));
        close(fd);
}

static void put_link(const char *to, const char *name)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/%s", top, name);
        ck_assert_int_eq(symlink(to, path), 0);
}

/* 0: TOP/d, writable; 1: TOP/r, read-only. TOP/secret is granted by neither. */
static void setup(void)
{
        char path[128];

        strcpy(top, "/tmp/nacelle-paths-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(top));
        paths_init(&paths);
        for (int i = 0; i < 2; i++) {
                snprintf(path, sizeof(path), "%s/%s", top, i ? "r" : "d");
                mkdir(path, 0755);
                ck_assert_int_eq(paths_grant(&paths, open(path, O_RDONLY | O_DIRECTORY), i == 1, &err), 0);
        }
        snprintf(path, sizeof(path), "%s/d/sub", top);
        mkdir(path, 0755);
        put("d/file", "content");
        put("r/file", "content");
        put("secret", "secret");
        put_link("/etc/passwd", "d/absolute");
        put_link("../secret", "d/relative");
        put_link("file", "d/inner");
        put_link("loop", "d/loop");
        snprintf(path, sizeof(path), "%s/d/fifo", top);
        mkfifo(path, 0644);
}

static void teardown(void)
{
        paths_done(&paths);
        snprintf(command, sizeof(command), "rm -rf %s", top);
        ck_assert_int_eq(system(command), 0);
}

/* Decode, then do: what the session does with a message. Returns the answer's result. */
static int ask(struct path_request head, const char *path, const char *path2)
{
        uint8_t message[sizeof(head) + 2 * PATH_BYTES_MAX];

        head.path_bytes = path ? (uint32_t)strlen(path) : 0;
        head.path2_bytes = path2 ? (uint32_t)strlen(path2) : 0;
        memcpy(message, &head, sizeof(head));
        memcpy(message + sizeof(head), path ? path : "", head.path_bytes);
        memcpy(message + sizeof(head) + head.path_bytes, path2 ? path2 : "", head.path2_bytes);
        ck_assert_int_eq(path_request_check(&paths, message,
                                            sizeof(head) + head.path_bytes + head.path2_bytes,
                                            &checked, &err), 0);
        memset(&reply, 0, sizeof(reply));
        paths_do(&paths, &checked, &reply, bytes, &got_fd);
        return reply.result;
}

#define ASK(op_, path, ...) ask((struct path_request) { .op = PATH_##op_, __VA_ARGS__ }, path, NULL)

static const struct {
        const char *path;
        uint32_t dir, flags;
        int result;
} opens[] = {
        { "file", 0, PATH_READ, 0 },
        { "file", 1, PATH_READ, 0 },
        { "./sub/../file", 0, PATH_READ, 0 },
        { "inner", 0, PATH_READ | PATH_FOLLOW, 0 },
        { "inner", 0, PATH_READ, -ELOOP },
        { "new", 0, PATH_READ | PATH_WRITE | PATH_CREATE | PATH_EXCLUSIVE, 0 },
        { "file", 0, PATH_WRITE | PATH_CREATE | PATH_EXCLUSIVE, -EEXIST },
        { "none", 0, PATH_READ, -ENOENT },
        { "", 0, PATH_READ, -ENOENT },
        { "/etc/passwd", 0, PATH_READ, -EXDEV },
        { "..", 0, PATH_READ | PATH_DIRECTORY, -EXDEV },
        { "../secret", 0, PATH_READ, -EXDEV },
        { "sub/../../secret", 0, PATH_READ, -EXDEV },
        { "absolute", 0, PATH_READ | PATH_FOLLOW, -EXDEV },
        { "relative", 0, PATH_READ | PATH_FOLLOW, -EXDEV },
        { "relative", 0, PATH_WRITE | PATH_CREATE | PATH_FOLLOW, -EXDEV },
        { "loop", 0, PATH_READ | PATH_FOLLOW, -ELOOP },
        { "fifo", 0, PATH_READ, -EPERM },
        { "fifo", 0, PATH_WRITE, -ENXIO },
        { "file", 0, PATH_READ | PATH_DIRECTORY, -ENOTDIR },
        { "sub", 0, PATH_WRITE, -EISDIR },
        { "sub", 0, PATH_READ, 0 },
        { "file", 1, PATH_WRITE, -EROFS },
        { "new", 1, PATH_CREATE | PATH_READ, -EROFS },
        { "file", 1, PATH_READ | PATH_TRUNCATE, -EROFS },
        { "file", 7, PATH_READ, -EBADF },
        { "file", UINT32_MAX, PATH_READ, -EBADF },
};

START_TEST(open_rows)
{
        ck_assert_int_eq(ASK(OPEN, opens[_i].path, .dir = opens[_i].dir, .flags = opens[_i].flags),
                         opens[_i].result);
        if (opens[_i].result < 0) {
                ck_assert_int_eq(got_fd, -EBADF);
                ck_assert_uint_eq(reply.handle, UINT32_MAX);
                return;
        }
        ck_assert((got_fd >= 0) == (reply.handle == UINT32_MAX)); /* a file, or a directory's handle */
        if (got_fd < 0)
                return;
        ck_assert_uint_eq(reply.stat.mode & S_IFMT, S_IFREG);
        ck_assert_int_eq(fcntl(got_fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_eq(fcntl(got_fd, F_GETFL) & O_ACCMODE,
                         opens[_i].flags & PATH_WRITE ? O_RDWR : O_RDONLY);
        close(got_fd);
}
END_TEST

START_TEST(a_path_with_a_zero_byte)
{
        struct {
                struct path_request head;
                char path[5];
        } __attribute__((packed)) m = { { .op = PATH_OPEN, .flags = PATH_READ, .path_bytes = 5 }, "fi\0le" };

        ck_assert_int_eq(path_request_check(&paths, &m, sizeof(m), &checked, &err), 0);
        ck_assert_int_eq(checked.refused, -EINVAL);
}
END_TEST

START_TEST(long_names)
{
        char name[PATH_BYTES_MAX + 1];

        memset(name, 'n', sizeof(name));
        name[256] = '\0';
        ck_assert_int_eq(ASK(STAT, name, 0), -ENAMETOOLONG);
        name[256] = 'n';
        for (size_t i = 1; i < PATH_BYTES_MAX; i += 2)
                name[i] = '/';
        name[PATH_BYTES_MAX] = '\0';
        ck_assert_int_lt(ASK(STAT, name, 0), 0);
}
END_TEST

/* 20 requests that no honest cell sends: each is an error, and nothing else happens. */
START_TEST(malformed_requests)
{
        static const struct path_request rows[] = {
                { .op = _PATH_OP_MAX },
                { .op = UINT32_MAX },
                { .op = PATH_STAT, .flags = UINT32_C(1) << 15 },
                { .op = PATH_STAT, .reserved = 1 },
                { .op = PATH_STAT, .path_bytes = 1 },
                { .op = PATH_STAT, .path_bytes = PATH_BYTES_MAX + 1 },
                { .op = PATH_STAT, .path2_bytes = UINT32_MAX },
                { .op = PATH_READ_DIR, .length = PATH_REPLY_MAX + 1 },
                { .op = PATH_SET_TIMES, .atime_ns = 1000000000 },
                { .op = PATH_SET_TIMES, .mtime_ns = UINT32_MAX },
        };
        struct {
                struct path_request head;
                char tail[8];
        } m = { .tail = "abcdefg" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                m.head = rows[i];
                err = (struct error) { 0 };
                ck_assert_msg(path_request_check(&paths, &m, sizeof(m.head), &checked, &err) == -EPROTO,
                              "row %zu", i);
                ck_assert_int_eq(err.stage, STAGE_PROTOCOL);
        }
        m.head = (struct path_request) { .op = PATH_STAT_DIR, .path_bytes = 1 };
        ck_assert_int_eq(path_request_check(&paths, &m, sizeof(m.head) + 1, &checked, &err), -EPROTO);
        m.head = (struct path_request) { .op = PATH_STAT, .path_bytes = 1, .path2_bytes = 1 };
        ck_assert_int_eq(path_request_check(&paths, &m, sizeof(m.head) + 2, &checked, &err), -EPROTO);
        for (size_t size = 0; size < sizeof(m.head); size++)
                ck_assert_int_eq(path_request_check(&paths, &m, size, &checked, &err), -EPROTO);
}
END_TEST

static const struct {
        enum path_op op;
        const char *path, *path2;
        uint32_t dir, dir2;
        int result;
} names[] = {
        { PATH_MKDIR, "made", NULL, 0, 0, 0 },
        { PATH_MKDIR, "made/", NULL, 0, 0, 0 },
        { PATH_MKDIR, "sub", NULL, 0, 0, -EEXIST },
        { PATH_MKDIR, ".", NULL, 0, 0, -EEXIST },
        { PATH_MKDIR, "..", NULL, 0, 0, -EINVAL },
        { PATH_MKDIR, "sub/..", NULL, 0, 0, -EINVAL },
        { PATH_MKDIR, "../made", NULL, 0, 0, -EXDEV },
        { PATH_MKDIR, "relative/made", NULL, 0, 0, -EXDEV },
        { PATH_MKDIR, "made", NULL, 1, 0, -EROFS },
        { PATH_RMDIR, "sub", NULL, 0, 0, 0 },
        { PATH_RMDIR, "sub/", NULL, 0, 0, 0 },
        { PATH_RMDIR, "file", NULL, 0, 0, -ENOTDIR },
        { PATH_RMDIR, "../r", NULL, 0, 0, -EXDEV },
        { PATH_UNLINK, "file", NULL, 0, 0, 0 },
        { PATH_UNLINK, "file/", NULL, 0, 0, -ENOTDIR },
        { PATH_UNLINK, "sub", NULL, 0, 0, -EISDIR },
        { PATH_UNLINK, "..", NULL, 0, 0, -EISDIR },
        { PATH_UNLINK, "../secret", NULL, 0, 0, -EXDEV },
        { PATH_UNLINK, "file", NULL, 1, 0, -EROFS },
        { PATH_RENAME, "file", "sub/moved", 0, 0, 0 },
        { PATH_RENAME, "file", "../moved", 0, 0, -EXDEV },
        { PATH_RENAME, "../secret", "stolen", 0, 0, -EXDEV },
        { PATH_RENAME, "file", "moved", 0, 1, -EROFS },
        { PATH_RENAME, "file", "moved", 1, 0, -EROFS },
        { PATH_RENAME, ".", "moved", 0, 0, -EINVAL },
        { PATH_RENAME, "file", "..", 0, 0, -EINVAL },
        { PATH_RENAME, "file", "moved", 0, 9, -EBADF },
        { PATH_LINK, "file", "second", 0, 0, 0 },
        { PATH_LINK, "file", "second", 1, 0, -EROFS }, /* a way to write what is read-only */
        { PATH_LINK, "file", "second", 0, 1, -EROFS },
        { PATH_LINK, "../secret", "second", 0, 0, -EXDEV },
        { PATH_LINK, "sub", "second", 0, 0, -EPERM },
        { PATH_SYMLINK, "third", "file", 0, 0, 0 },
        { PATH_SYMLINK, "third", "/etc/passwd", 0, 0, -EXDEV },
        { PATH_SYMLINK, "third", "", 0, 0, -ENOENT },
        { PATH_SYMLINK, "../third", "file", 0, 0, -EXDEV },
        { PATH_SYMLINK, "third", "file", 1, 0, -EROFS },
};

START_TEST(names_are_made_and_removed)
{
        struct path_request head = { .op = names[_i].op, .dir = names[_i].dir, .dir2 = names[_i].dir2 };

        ck_assert_int_eq(ask(head, names[_i].path, names[_i].path2), names[_i].result);
        ck_assert_int_eq(got_fd, -EBADF);
}
END_TEST

START_TEST(a_link_followed_is_not_linked)
{
        struct path_request head = { .op = PATH_LINK, .flags = PATH_FOLLOW };

        ck_assert_int_eq(ask(head, "inner", "second"), -EINVAL);
}
END_TEST

START_TEST(stat_and_times)
{
        ck_assert_int_eq(ASK(STAT, "file", 0), 0);
        ck_assert_uint_eq(reply.stat.size, 7);
        ck_assert_int_eq(ASK(STAT, "inner", 0), 0);
        ck_assert_uint_eq(reply.stat.mode & S_IFMT, S_IFLNK);
        ck_assert_int_eq(ASK(STAT, "inner", .flags = PATH_FOLLOW), 0);
        ck_assert_uint_eq(reply.stat.mode & S_IFMT, S_IFREG);
        ck_assert_int_eq(ASK(STAT, "relative", .flags = PATH_FOLLOW), -EXDEV);
        ck_assert_int_eq(ASK(STAT_DIR, NULL, .dir = 1), 0);
        ck_assert_uint_eq(reply.stat.mode & S_IFMT, S_IFDIR);

        ck_assert_int_eq(ASK(SET_TIMES, "file", .flags = PATH_MTIME, .mtime_s = 12, .mtime_ns = 34), 0);
        ck_assert_int_eq(ASK(STAT, "file", 0), 0);
        ck_assert_int_eq(reply.stat.mtime_s, 12);
        ck_assert_uint_eq(reply.stat.mtime_ns, 34);
        ck_assert_int_eq(ASK(SET_TIMES, "inner", .flags = PATH_MTIME, .mtime_s = 99), 0);
        ck_assert_int_eq(ASK(STAT, "file", 0), 0);
        ck_assert_int_eq(reply.stat.mtime_s, 12); /* the link's were set, not the file's */
        ck_assert_int_eq(ASK(TIMES_DIR, NULL, .flags = PATH_ATIME_NOW | PATH_MTIME_NOW), 0);
        ck_assert_int_eq(ASK(SET_TIMES, "file", .dir = 1, .flags = PATH_MTIME), -EROFS);
        ck_assert_int_eq(ASK(SYNC_DIR, NULL, 0), 0);
}
END_TEST

START_TEST(read_a_link)
{
        ck_assert_int_eq(ASK(READLINK, "inner", .length = 100), 0);
        ck_assert_uint_eq(reply.bytes, 4);
        ck_assert_mem_eq(bytes, "file", 4);
        ck_assert_int_eq(ASK(READLINK, "inner", .length = 2), 0);
        ck_assert_uint_eq(reply.bytes, 2);
        ck_assert_int_eq(ASK(READLINK, "file", .length = 100), -EINVAL);
        ck_assert_int_eq(ASK(READLINK, "inner", .length = 0), -EINVAL);
        ck_assert_uint_eq(reply.bytes, 0);
}
END_TEST

static unsigned list(uint32_t handle, uint32_t length)
{
        uint64_t cookie = 0;
        unsigned n = 0;

        for (unsigned turns = 0; turns < 1000; turns++) {
                uint32_t at = 0;

                ck_assert_int_eq(ASK(READ_DIR, NULL, .dir = handle, .cookie = cookie, .length = length), 0);
                ck_assert_uint_le(reply.bytes, length);
                while (at < reply.bytes) {
                        struct path_entry e;

                        memcpy(&e, bytes + at, sizeof(e));
                        at += (uint32_t)sizeof(e) + e.name_bytes;
                        ck_assert_uint_le(at, reply.bytes);
                        cookie = e.cookie;
                        n++;
                }
                if (reply.at_end)
                        return n;
        }
        return 0;
}

/* Every entry once, whatever the size of the pieces. */
START_TEST(read_a_directory)
{
        char name[32];

        for (int i = 0; i < 300; i++) {
                snprintf(name, sizeof(name), "d/sub/entry-%d", i);
                put(name, "");
        }
        ck_assert_int_eq(ASK(OPEN, "sub", .flags = PATH_READ | PATH_DIRECTORY), 0);
        ck_assert_uint_eq(reply.handle, 2);
        ck_assert_uint_eq(list(2, PATH_REPLY_MAX), 302);
        ck_assert_uint_eq(list(2, 100), 302);
        ck_assert_int_eq(ASK(CLOSE_DIR, NULL, .dir = 2), 0);
        ck_assert_int_eq(ASK(CLOSE_DIR, NULL, .dir = 2), -EBADF);
        ck_assert_int_eq(ASK(READ_DIR, NULL, .dir = 2, .length = 100), -EBADF);
}
END_TEST

START_TEST(handles_end)
{
        unsigned n = 0;

        ck_assert_int_eq(ASK(CLOSE_DIR, NULL, .dir = 0), -EBADF); /* granted: not the cell's to close */
        while (ASK(OPEN, "sub", .flags = PATH_READ | PATH_DIRECTORY) == 0)
                n++;
        ck_assert_int_eq(reply.result, -EMFILE);
        ck_assert_uint_eq(n, PATH_HANDLES_MAX - 2);
        ck_assert_int_eq(ASK(CLOSE_DIR, NULL, .dir = 500), 0);
        ck_assert_int_eq(ASK(OPEN, "sub", .flags = PATH_READ | PATH_DIRECTORY), 0);
        ck_assert_uint_eq(reply.handle, 500);
}
END_TEST

START_TEST(a_handle_of_a_readonly_tree_is_readonly)
{
        ck_assert_int_eq(ASK(OPEN, ".", .dir = 1, .flags = PATH_READ | PATH_DIRECTORY), 0);
        ck_assert_int_eq(ASK(OPEN, "file", .dir = reply.handle, .flags = PATH_WRITE), -EROFS);
}
END_TEST

/* Handle 2: TOP/d with the verbs of the row. */
static const struct {
        const char *name;
        uint32_t verbs;
        enum path_op op;
        uint32_t flags;
        const char *path, *path2;
        int result;
} verb_rows[] = {
        { "read", VERB_READ, PATH_OPEN, PATH_READ, "file", NULL, 0 },
        { "read does not write", VERB_READ, PATH_OPEN, PATH_WRITE, "file", NULL, -EROFS },
        { "read does not create", VERB_READ, PATH_OPEN, PATH_CREATE, "new", NULL, -EROFS },
        { "read does not list for a drop box", VERB_WRITE | VERB_CREATE, PATH_READ_DIR, 0, NULL, NULL, -EPERM },
        { "a drop box cannot be read", VERB_WRITE | VERB_CREATE, PATH_OPEN, PATH_READ, "file", NULL, -EPERM },
        { "nor opened without saying what for", VERB_WRITE | VERB_CREATE, PATH_OPEN, 0, "file", NULL, -EPERM },
        { "nor cut without writing", VERB_WRITE | VERB_CREATE, PATH_OPEN, PATH_TRUNCATE, "file", NULL, -EPERM },
        { "nor made without writing", VERB_WRITE | VERB_CREATE, PATH_OPEN, PATH_CREATE, "new", NULL, -EPERM },
        { "nor asked about", VERB_WRITE | VERB_CREATE, PATH_STAT, 0, "file", NULL, -EPERM },
        { "but filled", VERB_WRITE | VERB_CREATE, PATH_OPEN, PATH_WRITE | PATH_CREATE, "new", NULL, 0 },
        { "write in place", VERB_READ | VERB_WRITE, PATH_OPEN, PATH_WRITE, "file", NULL, 0 },
        { "without creating", VERB_READ | VERB_WRITE, PATH_OPEN, PATH_WRITE | PATH_CREATE, "new", NULL, -EPERM },
        { "nor directories", VERB_READ | VERB_WRITE, PATH_MKDIR, 0, "new", NULL, -EPERM },
        { "nor links", VERB_READ | VERB_WRITE, PATH_SYMLINK, 0, "new", "file", -EPERM },
        { "nor removing", VERB_READ | VERB_WRITE | VERB_CREATE, PATH_UNLINK, 0, "file", NULL, -EPERM },
        { "nor directories away", VERB_READ | VERB_WRITE | VERB_CREATE, PATH_RMDIR, 0, "sub", NULL, -EPERM },
        { "nor renaming", VERB_READ | VERB_WRITE | VERB_CREATE, PATH_RENAME, 0, "file", "moved", -EPERM },
        { "cut is to write", VERB_READ | VERB_CREATE, PATH_OPEN, PATH_READ | PATH_TRUNCATE, "file", NULL, -EPERM },
        { "times are to write", VERB_READ | VERB_REMOVE, PATH_SET_TIMES, 0, "file", NULL, -EPERM },
        { "create and remove", VERB_CREATE | VERB_REMOVE, PATH_MKDIR, 0, "new", NULL, 0 },
        { "remove alone", VERB_REMOVE, PATH_UNLINK, 0, "file", NULL, 0 },
        { "rename", VERB_CREATE | VERB_REMOVE, PATH_RENAME, 0, "file", "moved", 0 },
};

START_TEST(a_verb_that_is_not_there)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/d", top);
        ck_assert_int_eq(paths_grant_verbs(&paths, open(path, O_RDONLY | O_DIRECTORY), verb_rows[_i].verbs,
                                           NULL, &err), 0);
        got_fd = -EBADF;
        ck_assert_msg(ask((struct path_request) { .op = verb_rows[_i].op, .flags = verb_rows[_i].flags, .dir = 2, .dir2 = 2,
                                                  .length = 100 },
                          verb_rows[_i].path, verb_rows[_i].path2) == verb_rows[_i].result,
                      "%s: %d", verb_rows[_i].name, reply.result);
        if (got_fd >= 0)
                close(got_fd);
}
END_TEST

/* From a key with less into one with more: the file would gain. And no taking of another's place. */
START_TEST(a_rename_does_not_gain)
{
        char path[128];

        snprintf(path, sizeof(path), "%s/d", top);
        ck_assert_int_eq(paths_grant_verbs(&paths, open(path, O_RDONLY | O_DIRECTORY),
                                           VERB_READ | VERB_CREATE | VERB_REMOVE, NULL, &err), 0);
        ck_assert_int_eq(paths_grant_verbs(&paths, open(path, O_RDONLY | O_DIRECTORY), VERB_CREATE, NULL, &err), 0);
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_RENAME, .dir = 2, .dir2 = 0 }, "file", "moved"), -EPERM);
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_LINK, .dir = 2, .dir2 = 0 }, "file", "moved"), -EPERM);
        put("d/other", "content");
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_RENAME, .dir = 0, .dir2 = 3 }, "file", "other"), -EEXIST);
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_RENAME, .dir = 0, .dir2 = 3 }, "file", "moved"), 0);
}
END_TEST

START_TEST(one_file_is_all_there_is)
{
        struct paths before = paths;
        char path[128];
        int fd;

        snprintf(path, sizeof(path), "%s/d", top);
        fd = open(path, O_RDONLY | O_DIRECTORY);
        ck_assert_int_eq(paths_grant_verbs(&paths, fd, VERB_READ, "none", &err), -ENOENT);
        ck_assert_int_eq(paths_grant_verbs(&paths, fd, VERB_READ, "sub", &err), -EINVAL);
        ck_assert_int_eq(paths_grant_verbs(&paths, fd, VERB_READ, "inner", &err), -EINVAL); /* a link */
        ck_assert_uint_eq(paths.used, before.used);
        ck_assert_int_eq(paths_grant_verbs(&paths, fd, VERB_READ, "file", &err), 0);
        ck_assert_int_eq(ASK(OPEN, "file", .dir = 2, .flags = PATH_READ), 0);
        close(got_fd);
        ck_assert_int_eq(ASK(STAT, "file", .dir = 2), 0);
        ck_assert_int_eq(ASK(OPEN, "file", .dir = 2, .flags = PATH_WRITE), -EROFS);
        ck_assert_int_eq(ASK(OPEN, "fifo", .dir = 2, .flags = PATH_READ), -ENOENT);
        ck_assert_int_eq(ASK(OPEN, "./file", .dir = 2, .flags = PATH_READ), -ENOENT);
        ck_assert_int_eq(ASK(OPEN, ".", .dir = 2, .flags = PATH_READ | PATH_DIRECTORY), -ENOENT);
        ck_assert_int_eq(ASK(STAT, "sub", .dir = 2), -ENOENT);
        ck_assert_int_eq(ASK(READ_DIR, NULL, .dir = 2, .length = 100), -EACCES);
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_LINK, .dir = 2, .dir2 = 0 }, "file", "l"), -EROFS);
}
END_TEST

START_TEST(windows_are_not_granted)
{
        int fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
        struct paths before = paths;

        ck_assert_int_eq(paths_grant(&paths, fd, true, &err), -EACCES);
        ck_assert_int_eq(err.stage, STAGE_POLICY);
        ck_assert_uint_eq(paths.used, before.used);
        close(fd);
}
END_TEST

/* A grant above /proc does not open what is in there. */
START_TEST(windows_below_a_grant_are_shut)
{
        ck_assert_int_eq(paths_grant(&paths, open("/", O_RDONLY | O_DIRECTORY), false, &err), 0);
        ck_assert_int_eq(ASK(OPEN, "proc/self/mem", .dir = 2, .flags = PATH_READ | PATH_WRITE |
                                                                      PATH_FOLLOW), -EPERM);
        ck_assert_int_eq(ASK(OPEN, "proc/self/root/etc/passwd", .dir = 2, .flags = PATH_READ | PATH_FOLLOW),
                         -ELOOP); /* a magic link */
        ck_assert_int_eq(ASK(OPEN, "proc", .dir = 2, .flags = PATH_READ | PATH_DIRECTORY), -EPERM);
}
END_TEST

/* TOP/d/NAME is a cache; what the grants hold of it is protected. */
static void protect(const char *name)
{
        static struct protection protection;
        char path[64];

        snprintf(path, sizeof(path), "%s/d/%s", top, name);
        ck_assert_int_eq(protection_init(&protection, path, &paths.handles[0].fd, 1, &err), 0);
        ck_assert_uint_gt(protection.n, 0);
        paths_protect(&paths, &protection);
}

#define RENAME(from, to) ask((struct path_request) { .op = PATH_RENAME }, from, to)

/* The cache is d/sub/entries by its real name, and d/link/entries by the one that it was given. */
START_TEST(the_way_to_the_cache_stays)
{
        char path[64];

        snprintf(path, sizeof(path), "%s/d/sub/entries", top);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        put_link("sub", "d/link");
        ck_assert_int_eq(ASK(MKDIR, "other", 0), 0);
        protect("link/entries");
        ck_assert_int_eq(RENAME("sub/entries", "taken"), -EPERM);
        ck_assert_int_eq(RENAME("sub/entries/", "taken"), -EPERM);
        ck_assert_int_eq(RENAME("sub", "taken"), -EPERM);
        ck_assert_int_eq(RENAME("link", "taken"), -EPERM);
        ck_assert_int_eq(RENAME("other", "sub/entries"), -EPERM); /* which is empty: the kernel would let it */
        ck_assert_int_eq(RENAME("inner", "link"), -EPERM);
        ck_assert_int_eq(ASK(UNLINK, "link", 0), -EPERM);
        ck_assert_int_eq(ASK(RMDIR, "sub/entries", 0), -EPERM);
        ck_assert_int_eq(ASK(MKDIR, "sub/entries", 0), -EEXIST);
        ck_assert_int_eq(ASK(OPEN, "sub/entries/new", .flags = PATH_WRITE | PATH_CREATE), -EPERM);
        ck_assert_int_eq(RENAME("other", "sub/free"), 0);
        ck_assert_int_eq(ASK(RMDIR, "sub/free", 0), 0);
}
END_TEST

START_TEST(a_cache_that_is_missing_is_made_before_a_guest_could)
{
        protect("sub/entries");
        ck_assert_int_eq(ASK(MKDIR, "sub/entries", 0), -EEXIST);
        ck_assert_int_eq(ASK(OPEN, "sub/entries/new", .flags = PATH_WRITE | PATH_CREATE), -EPERM);
        ck_assert_int_eq(RENAME("sub/entries", "taken"), -EPERM);
}
END_TEST

START_TEST(a_cache_elsewhere_costs_nothing)
{
        struct protection protection;
        char path[64];

        snprintf(path, sizeof(path), "%s/elsewhere", top);
        ck_assert_int_eq(protection_init(&protection, path, &paths.handles[0].fd, 1, &err), 0);
        ck_assert_uint_eq(protection.n, 0);
        ck_assert_int_eq(access(path, F_OK), -1); /* nor is it made */
}
END_TEST

START_TEST(the_cache_is_protected)
{
        put("d/sub/entry", "code");
        put_link("sub/entry", "d/way");
        protect("sub");
        ck_assert_int_eq(ASK(OPEN, "sub/entry", .flags = PATH_READ | PATH_WRITE), -EPERM);
        ck_assert_int_eq(ASK(OPEN, "sub/new", .flags = PATH_WRITE | PATH_CREATE), -EPERM);
        ck_assert_int_eq(ASK(OPEN, "way", .flags = PATH_WRITE | PATH_FOLLOW), -ELOOP);
        ck_assert_int_eq(ASK(UNLINK, "sub/entry", 0), -EPERM);
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_RENAME }, "file", "sub/entry"), -EPERM);
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_RENAME }, "sub/entry", "out"), -EPERM);
        ck_assert_int_eq(ask((struct path_request) { .op = PATH_LINK }, "sub/entry", "out"), -EPERM);
        ck_assert_int_eq(ASK(OPEN, "file", .flags = PATH_WRITE), 0);
        close(got_fd);
}
END_TEST

START_TEST(a_socket_is_not_handed_out)
{
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        snprintf(at.sun_path, sizeof(at.sun_path), "%s/d/socket", top);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_lt(ASK(OPEN, "socket", .flags = PATH_READ), 0);
        ck_assert_int_eq(got_fd, -EBADF);
        close(fd);
}
END_TEST

int main(void)
{
        TCase *tc = tcase_create("paths");

        policy_raise_files(); /* of a login, 1024 */
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, open_rows, 0, ELEMENTSOF(opens));
        tcase_add_test(tc, a_path_with_a_zero_byte);
        tcase_add_test(tc, long_names);
        tcase_add_test(tc, malformed_requests);
        tcase_add_loop_test(tc, names_are_made_and_removed, 0, ELEMENTSOF(names));
        tcase_add_test(tc, a_link_followed_is_not_linked);
        tcase_add_test(tc, stat_and_times);
        tcase_add_test(tc, read_a_link);
        tcase_add_test(tc, read_a_directory);
        tcase_add_test(tc, handles_end);
        tcase_add_test(tc, a_handle_of_a_readonly_tree_is_readonly);
        tcase_add_loop_test(tc, a_verb_that_is_not_there, 0, ELEMENTSOF(verb_rows));
        tcase_add_test(tc, a_rename_does_not_gain);
        tcase_add_test(tc, one_file_is_all_there_is);
        tcase_add_test(tc, windows_are_not_granted);
        tcase_add_test(tc, windows_below_a_grant_are_shut);
        tcase_add_test(tc, the_cache_is_protected);
        tcase_add_test(tc, the_way_to_the_cache_stays);
        tcase_add_test(tc, a_cache_that_is_missing_is_made_before_a_guest_could);
        tcase_add_test(tc, a_cache_elsewhere_costs_nothing);
        tcase_add_test(tc, a_socket_is_not_handed_out);
        return unit_main("paths", &tc, 1);
}
