/* raw.c - every function of wasi_snapshot_preview1 called by itself, once so that it succeeds and
 * then so that it is refused.
 *
 * Given: argument "one", environment A=1, descriptor 3 a directory to write ("/d", with a file
 * "given" of 5 bytes and a link "out" that leads to "../outside"), 4 a read-only one ("/ro", with
 * a file "kept"). */
#include <wasi/api.h>

#include "check.h"

#define E(name) __WASI_ERRNO_##name
#define R(name) __WASI_RIGHTS_##name
#define DIR 3
#define RO  4
#define ALL_FILE                                                                                    \
        (R(FD_READ) | R(FD_WRITE) | R(FD_SEEK) | R(FD_TELL) | R(FD_SYNC) | R(FD_DATASYNC) |         \
         R(FD_ADVISE) | R(FD_ALLOCATE) | R(FD_FILESTAT_GET) | R(FD_FILESTAT_SET_SIZE) |             \
         R(FD_FILESTAT_SET_TIMES) | R(FD_FDSTAT_SET_FLAGS) | R(POLL_FD_READWRITE))

__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise")))
int proc_raise(int);

/* Some functions of the C library's header take strings; these take bytes and their number. */
#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
IMPORT(path_create_directory) int raw_mkdir(int, const void *, unsigned);
IMPORT(path_open) int raw_open(int, int, const void *, unsigned, int, uint64_t, uint64_t, int, int *);

static int open_at(int dir, const char *path, int oflags, uint64_t rights, int *ret)
{
        return __wasi_path_open(dir, 0, path, oflags, rights, 0, 0, ret);
}

static void arguments(void)
{
        uint8_t *pointers[4], text[64];
        __wasi_size_t n, bytes;

        CHECK_OK("args_sizes_get", __wasi_args_sizes_get(&n, &bytes));
        CHECK("args_sizes_get counts", n == 2 && bytes > 4);
        CHECK_OK("args_get", __wasi_args_get(pointers, text));
        CHECK("args_get fills", strcmp((char *)pointers[1], "one") == 0);
        CHECK_ERRNO("args_get outside", __wasi_args_get((void *)0xfffffff0, text), E(FAULT));
        CHECK_ERRNO("args_sizes_get outside", __wasi_args_sizes_get(&n, (void *)0xfffffffe), E(FAULT));
        CHECK_OK("environ_sizes_get", __wasi_environ_sizes_get(&n, &bytes));
        CHECK("environ_sizes_get counts", n == 1 && bytes == 4);
        CHECK_OK("environ_get", __wasi_environ_get(pointers, text));
        CHECK("environ_get fills", strcmp((char *)pointers[0], "A=1") == 0);
        CHECK_ERRNO("environ_get outside", __wasi_environ_get(pointers, (void *)0xfffffffe), E(FAULT));
        CHECK_ERRNO("environ_sizes_get outside", __wasi_environ_sizes_get((void *)0xfffffffe, &n), E(FAULT));
}

static void clocks(void)
{
        __wasi_timestamp_t a, b;
        uint8_t bytes[64] = { 0 };
        int set = 0;

        CHECK_OK("clock_res_get", __wasi_clock_res_get(__WASI_CLOCKID_MONOTONIC, &a));
        CHECK("clock_res_get is not zero", a > 0);
        CHECK_ERRNO("clock_res_get of no clock", __wasi_clock_res_get(77, &a), E(INVAL));
        CHECK_OK("clock_time_get", __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &a));
        CHECK_OK("clock_time_get again", __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &b));
        CHECK("clock_time_get does not go back", b >= a);
        CHECK_OK("clock_time_get realtime", __wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &b));
        CHECK("clock_time_get is after 2024", b > UINT64_C(1704067200000000000));
        CHECK_ERRNO("clock_time_get of no clock", __wasi_clock_time_get(4, 1, &a), E(INVAL));
        CHECK_OK("random_get", __wasi_random_get(bytes, sizeof(bytes)));
        for (unsigned i = 0; i < sizeof(bytes); i++)
                set += bytes[i] != 0;
        CHECK("random_get fills", set > 40);
        CHECK_ERRNO("random_get outside", __wasi_random_get((void *)0xffffff00, 4096), E(FAULT));
        CHECK_OK("sched_yield", __wasi_sched_yield());
        CHECK_ERRNO("proc_raise", proc_raise(9), E(NOSYS));
}

static void content(void)
{
        uint8_t text[16] = { 0 };
        __wasi_iovec_t in[2] = { { text, 3 }, { text + 3, 13 } };
        __wasi_ciovec_t out[2] = { { (const uint8_t *)"abc", 3 }, { (const uint8_t *)"defg", 4 } };
        __wasi_filesize_t position;
        __wasi_size_t n;
        int fd;

        CHECK_OK("path_open creates", open_at(DIR, "f", __WASI_OFLAGS_CREAT, ALL_FILE, &fd));
        CHECK_OK("fd_write", __wasi_fd_write(fd, out, 2, &n));
        CHECK("fd_write counts", n == 7);
        CHECK_OK("fd_tell", __wasi_fd_tell(fd, &position));
        CHECK("fd_tell says", position == 7);
        CHECK_OK("fd_seek", __wasi_fd_seek(fd, -6, __WASI_WHENCE_END, &position));
        CHECK("fd_seek says", position == 1);
        CHECK_OK("fd_read", __wasi_fd_read(fd, in, 2, &n));
        CHECK("fd_read fills", n == 6 && memcmp(text, "bcdefg", 6) == 0);
        CHECK_OK("fd_pread", __wasi_fd_pread(fd, in, 1, 4, &n));
        CHECK("fd_pread fills", n == 3 && memcmp(text, "efg", 3) == 0);
        CHECK_OK("fd_pwrite", __wasi_fd_pwrite(fd, out, 1, 4, &n));
        CHECK_OK("fd_advise", __wasi_fd_advise(fd, 0, 7, __WASI_ADVICE_WILLNEED));
        CHECK_ERRNO("fd_advise of no kind", __wasi_fd_advise(fd, 0, 7, 17), E(INVAL));
        CHECK_OK("fd_allocate", __wasi_fd_allocate(fd, 0, 64));
        CHECK_ERRNO("fd_allocate nothing", __wasi_fd_allocate(fd, 0, 0), E(INVAL));
        CHECK_OK("fd_datasync", __wasi_fd_datasync(fd));
        CHECK_OK("fd_sync", __wasi_fd_sync(fd));
        CHECK_ERRNO("fd_seek before the start", __wasi_fd_seek(fd, -1, __WASI_WHENCE_SET, &position), E(INVAL));
        CHECK_ERRNO("fd_seek by no rule", __wasi_fd_seek(fd, 0, 3, &position), E(INVAL));
        CHECK_ERRNO("fd_read outside", __wasi_fd_read(fd, (void *)0xfffffff0, 1, &n), E(FAULT));
        in[0].buf = (void *)0xfffffff0;
        in[0].buf_len = 0x7fffffff;
        CHECK_ERRNO("fd_read into outside", __wasi_fd_read(fd, in, 1, &n), E(FAULT));
        CHECK_ERRNO("fd_pread into outside", __wasi_fd_pread(fd, in, 1, 0, &n), E(FAULT));
        CHECK_ERRNO("fd_write too many", __wasi_fd_write(fd, out, 100000, &n), E(INVAL));
        CHECK_ERRNO("fd_pwrite at no offset", __wasi_fd_pwrite(fd, out, 1, -1, &n), E(INVAL));
        in[0] = (__wasi_iovec_t) { text, 3 };
        CHECK_OK("fd_close", __wasi_fd_close(fd));
        CHECK_ERRNO("fd_close again", __wasi_fd_close(fd), E(BADF));
        CHECK_ERRNO("fd_read closed", __wasi_fd_read(fd, in, 1, &n), E(BADF));
        CHECK_ERRNO("fd_write closed", __wasi_fd_write(fd, out, 1, &n), E(BADF));
        CHECK_ERRNO("fd_tell closed", __wasi_fd_tell(fd, &position), E(BADF));
        CHECK_ERRNO("fd_sync closed", __wasi_fd_sync(fd), E(BADF));
        CHECK_ERRNO("fd_datasync closed", __wasi_fd_datasync(fd), E(BADF));
        CHECK_OK("path_open to read", open_at(DIR, "f", 0, R(FD_READ), &fd));
        CHECK_ERRNO("fd_write to what is open to read", __wasi_fd_write(fd, out, 1, &n), E(NOTCAPABLE));
        IGNORE(__wasi_fd_close(fd));
}

static void attributes(void)
{
        __wasi_filestat_t st;
        __wasi_fdstat_t fs;
        int fd, other;

        CHECK_OK("path_open for attributes", open_at(DIR, "given", 0, ALL_FILE, &fd));
        CHECK_OK("fd_fdstat_get", __wasi_fd_fdstat_get(fd, &fs));
        CHECK("fd_fdstat_get says", fs.fs_filetype == __WASI_FILETYPE_REGULAR_FILE && fs.fs_rights_base == ALL_FILE);
        CHECK_OK("fd_fdstat_set_flags", __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND));
        CHECK_ERRNO("fd_fdstat_set_flags unknown", __wasi_fd_fdstat_set_flags(fd, 64), E(INVAL));
        CHECK_OK("fd_filestat_get", __wasi_fd_filestat_get(fd, &st));
        CHECK("fd_filestat_get says", st.size == 5 && st.filetype == __WASI_FILETYPE_REGULAR_FILE && st.nlink == 1);
        CHECK_OK("fd_filestat_set_size", __wasi_fd_filestat_set_size(fd, 9));
        CHECK_ERRNO("fd_filestat_set_size huge", __wasi_fd_filestat_set_size(fd, -1), E(INVAL));
        CHECK_OK("fd_filestat_set_times", __wasi_fd_filestat_set_times(fd, 7, 8, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM));
        CHECK_OK("path_filestat_get", __wasi_path_filestat_get(DIR, 0, "given", &st));
        CHECK("path_filestat_get says", st.size == 9 && st.mtim == 8);
        CHECK_ERRNO("fd_filestat_set_times both", __wasi_fd_filestat_set_times(fd, 7, 8, 3), E(INVAL));
        CHECK_OK("path_filestat_set_times", __wasi_path_filestat_set_times(DIR, 0, "given", 0, 1000, __WASI_FSTFLAGS_MTIM));
        IGNORE(__wasi_fd_filestat_get(fd, &st));
        CHECK("path_filestat_set_times did", st.mtim == 1000);
        CHECK_ERRNO("path_filestat_set_times of nothing", __wasi_path_filestat_set_times(DIR, 0, "x", 0, 0, 8), E(NOENT));
        CHECK_ERRNO("path_filestat_get of nothing", __wasi_path_filestat_get(DIR, 0, "x", &st), E(NOENT));
        CHECK_OK("fd_fdstat_set_rights", __wasi_fd_fdstat_set_rights(fd, R(FD_READ), 0));
        CHECK_ERRNO("fd_fdstat_set_rights more", __wasi_fd_fdstat_set_rights(fd, ALL_FILE, 0), E(NOTCAPABLE));
        CHECK_ERRNO("fd_filestat_get without the right", __wasi_fd_filestat_get(fd, &st), E(NOTCAPABLE));
        CHECK_OK("path_open another", open_at(DIR, "f", 0, R(FD_READ) | R(FD_FILESTAT_GET), &other));
        CHECK_OK("fd_renumber", __wasi_fd_renumber(other, fd));
        CHECK_OK("fd_filestat_get renumbered", __wasi_fd_filestat_get(fd, &st));
        CHECK_ERRNO("fd_renumber of what is gone", __wasi_fd_renumber(other, fd), E(BADF));
        CHECK_ERRNO("fd_fdstat_get closed", __wasi_fd_fdstat_get(other, &fs), E(BADF));
        CHECK_ERRNO("fd_filestat_get of nothing", __wasi_fd_filestat_get(99, &st), E(BADF));
        IGNORE(__wasi_fd_close(fd));
}

static void names(void)
{
        __wasi_prestat_t pre;
        __wasi_filestat_t st;
        uint8_t text[4096];
        __wasi_size_t n;
        int fd;

        CHECK_OK("fd_prestat_get", __wasi_fd_prestat_get(DIR, &pre));
        CHECK("fd_prestat_get says", pre.tag == 0 && pre.u.dir.pr_name_len == 2);
        CHECK_OK("fd_prestat_dir_name", __wasi_fd_prestat_dir_name(DIR, text, 2));
        CHECK("fd_prestat_dir_name says", memcmp(text, "/d", 2) == 0);
        CHECK_ERRNO("fd_prestat_dir_name short", __wasi_fd_prestat_dir_name(DIR, text, 1), E(NAMETOOLONG));
        CHECK_ERRNO("fd_prestat_get of stdout", __wasi_fd_prestat_get(1, &pre), E(BADF));
        CHECK_OK("path_create_directory", __wasi_path_create_directory(DIR, "dir"));
        CHECK_ERRNO("path_create_directory again", __wasi_path_create_directory(DIR, "dir"), E(EXIST));
        CHECK_OK("path_symlink", __wasi_path_symlink("given", DIR, "dir/link"));
        CHECK_ERRNO("path_symlink absolute", __wasi_path_symlink("/etc", DIR, "abs"), E(NOTCAPABLE));
        CHECK_OK("path_readlink", __wasi_path_readlink(DIR, "dir/link", text, sizeof(text), &n));
        CHECK("path_readlink says", n == 5 && memcmp(text, "given", 5) == 0);
        CHECK_ERRNO("path_readlink of a file", __wasi_path_readlink(DIR, "given", text, 9, &n), E(INVAL));
        CHECK_OK("path_link", __wasi_path_link(DIR, 0, "given", DIR, "dir/hard"));
        CHECK_ERRNO("path_link again", __wasi_path_link(DIR, 0, "given", DIR, "dir/hard"), E(EXIST));
        CHECK_OK("path_rename", __wasi_path_rename(DIR, "dir/hard", DIR, "dir/moved"));
        CHECK_ERRNO("path_rename again", __wasi_path_rename(DIR, "dir/hard", DIR, "dir/moved"), E(NOENT));
        CHECK_OK("path_open directory", __wasi_path_open(DIR, 0, "dir", __WASI_OFLAGS_DIRECTORY, R(FD_READDIR) | R(PATH_OPEN), 0, 0, &fd));
        CHECK_OK("fd_readdir", __wasi_fd_readdir(fd, text, sizeof(text), 0, &n));
        CHECK("fd_readdir fills", n == 4 * 24 + 1 + 2 + 4 + 5);
        CHECK_ERRNO("fd_readdir of a file", __wasi_fd_readdir(1, text, 9, 0, &n), E(NOTDIR));
        CHECK_ERRNO("path_open without inheriting", open_at(fd, "moved", 0, R(FD_READ), &fd), E(NOTCAPABLE));
        CHECK_OK("fd_close directory", __wasi_fd_close(fd));
        CHECK_ERRNO("path_remove_directory full", __wasi_path_remove_directory(DIR, "dir"), E(NOTEMPTY));
        CHECK_ERRNO("path_unlink_file of a directory", __wasi_path_unlink_file(DIR, "dir"), E(ISDIR));
        CHECK_OK("path_unlink_file", __wasi_path_unlink_file(DIR, "dir/moved"));
        CHECK_OK("path_unlink_file of a link", __wasi_path_unlink_file(DIR, "dir/link"));
        CHECK_OK("path_remove_directory", __wasi_path_remove_directory(DIR, "dir"));
        CHECK_ERRNO("path_remove_directory again", __wasi_path_remove_directory(DIR, "dir"), E(NOENT));

        /* what is not given */
        CHECK_ERRNO("absolute", open_at(DIR, "/etc/passwd", 0, R(FD_READ), &fd), E(NOTCAPABLE));
        CHECK_ERRNO("climbing", open_at(DIR, "../outside", 0, R(FD_READ), &fd), E(NOTCAPABLE));
        CHECK_ERRNO("climbing to create", open_at(DIR, "../new", __WASI_OFLAGS_CREAT, R(FD_WRITE), &fd), E(NOTCAPABLE));
        CHECK_ERRNO("a link that leads out", __wasi_path_open(DIR, 1, "out", 0, R(FD_READ), 0, 0, &fd), E(NOTCAPABLE));
        CHECK_ERRNO("a link that leads out, stat", __wasi_path_filestat_get(DIR, 1, "out", &st), E(NOTCAPABLE));
        CHECK_OK("the link itself", __wasi_path_filestat_get(DIR, 0, "out", &st));
        CHECK_ERRNO("no other descriptor", open_at(6, "x", 0, R(FD_READ), &fd), E(BADF));
        CHECK_ERRNO("a NUL", raw_mkdir(DIR, "a\0b", 3), E(INVAL));
        CHECK_ERRNO("not UTF-8", raw_mkdir(DIR, "\xff", 1), E(ILSEQ));
        CHECK_ERRNO("an empty path", raw_open(DIR, 0, "", 0, 0, 0, 0, 0, &fd), E(NOENT));
        CHECK_ERRNO("a path outside of memory", raw_mkdir(DIR, (void *)0xfffffff0, 64), E(FAULT));
        CHECK_ERRNO("a path that is too long", raw_mkdir(DIR, text, 4097), E(NAMETOOLONG));

        /* read-only */
        CHECK_OK("read-only: read", open_at(RO, "kept", 0, R(FD_READ), &fd));
        CHECK_OK("read-only: close", __wasi_fd_close(fd));
        CHECK_ERRNO("read-only: write", open_at(RO, "kept", 0, R(FD_WRITE), &fd), E(ROFS));
        CHECK_ERRNO("read-only: create", open_at(RO, "new", __WASI_OFLAGS_CREAT, R(FD_READ), &fd), E(ROFS));
        CHECK_ERRNO("read-only: truncate", open_at(RO, "kept", __WASI_OFLAGS_TRUNC, R(FD_READ), &fd), E(ROFS));
        CHECK_ERRNO("read-only: unlink", __wasi_path_unlink_file(RO, "kept"), E(ROFS));
        CHECK_ERRNO("read-only: mkdir", __wasi_path_create_directory(RO, "new"), E(ROFS));
        CHECK_ERRNO("read-only: rename", __wasi_path_rename(RO, "kept", DIR, "kept"), E(ROFS));
        CHECK_ERRNO("read-only: link", __wasi_path_link(RO, 0, "kept", DIR, "kept"), E(ROFS));
        CHECK_ERRNO("read-only: times", __wasi_path_filestat_set_times(RO, 0, "kept", 0, 0, 8), E(ROFS));
}

static void events(void)
{
        __wasi_subscription_t in[3] = { 0 };
        __wasi_event_t out[3];
        __wasi_timestamp_t before, after;
        __wasi_size_t n;
        int fd;

        IGNORE(open_at(DIR, "given", 0, ALL_FILE, &fd));
        in[0].userdata = 1;
        in[0].u.tag = __WASI_EVENTTYPE_CLOCK;
        in[0].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
        in[0].u.u.clock.timeout = 30000000;
        IGNORE(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &before));
        CHECK_OK("poll_oneoff", __wasi_poll_oneoff(in, out, 1, &n));
        IGNORE(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &after));
        CHECK("poll_oneoff tells the timer", n == 1 && out[0].userdata == 1 && out[0].error == 0);
        CHECK("poll_oneoff waits", after - before >= 29000000 && after - before < 5000000000);
        in[0].u.u.clock.timeout = UINT64_C(3600000000000);
        in[1].userdata = 2;
        in[1].u.tag = __WASI_EVENTTYPE_FD_READ;
        in[1].u.u.fd_read.file_descriptor = fd;
        in[2].userdata = 3;
        in[2].u.tag = __WASI_EVENTTYPE_FD_WRITE;
        in[2].u.u.fd_write.file_descriptor = 99;
        CHECK_OK("poll_oneoff of three", __wasi_poll_oneoff(in, out, 3, &n));
        CHECK("poll_oneoff tells two", n == 2 && out[0].userdata == 2 && out[1].userdata == 3);
        CHECK("poll_oneoff tells the error", out[0].error == 0 && out[1].error == E(BADF));
        CHECK_ERRNO("poll_oneoff of none", __wasi_poll_oneoff(in, out, 0, &n), E(INVAL));
        CHECK_ERRNO("poll_oneoff of too many", __wasi_poll_oneoff(in, out, 0x7fffffff, &n), E(INVAL));
        CHECK_ERRNO("poll_oneoff outside", __wasi_poll_oneoff((void *)0xfffffff0, out, 1, &n), E(FAULT));
        IGNORE(__wasi_fd_close(fd));
}

static void sockets_refuse(void)
{
        __wasi_iovec_t in = { 0 };
        __wasi_ciovec_t out = { 0 };
        __wasi_roflags_t flags;
        __wasi_size_t n;
        int fd;

        CHECK_ERRNO("sock_accept of a directory", __wasi_sock_accept(DIR, 0, &fd), E(NOTSOCK));
        CHECK_ERRNO("sock_accept of nothing", __wasi_sock_accept(99, 0, &fd), E(BADF));
        CHECK_ERRNO("sock_recv of a directory", __wasi_sock_recv(DIR, &in, 1, 0, &n, &flags), E(NOTSOCK));
        CHECK_ERRNO("sock_send to a directory", __wasi_sock_send(DIR, &out, 1, 0, &n), E(NOTSOCK));
        CHECK_ERRNO("sock_shutdown of a directory", __wasi_sock_shutdown(DIR, 1), E(NOTSOCK));
        CHECK_ERRNO("sock_shutdown of nothing", __wasi_sock_shutdown(99, 1), E(BADF));
}

int main(void)
{
        arguments();
        clocks();
        content();
        attributes();
        names();
        events();
        sockets_refuse();
        fflush(stdout);
        /* proc_exit with a status of its own: 42 when all was well. */
        __wasi_proc_exit(verdict() ? 1 : (fflush(stdout), 42));
}
