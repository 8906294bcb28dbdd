/* double_paths.c - the broker's own code for paths, called in this process. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/broker/paths.h"
#include "tests/wasi/double.h"

static struct paths paths;
bool double_paths_contained, double_paths_as_root;

void double_paths_open(const char *directory)
{
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ro;
        struct error err;

        ck_assert_int_ge(fd, 0);
        ro = openat(fd, "ro", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(ro, 0);
        paths_init(&paths);
        ck_assert_int_eq(paths_grant(&paths, fd, false, &err), 0);
        ck_assert_int_eq(paths_grant(&paths, ro, true, &err), 0);
}

void double_paths_close(void)
{
        paths_done(&paths);
}

unsigned double_paths_handles(void)
{
        unsigned n = 0;

        for (unsigned i = 0; i < paths.used; i++)
                n += paths.handles[i].fd >= 0 && !paths.handles[i].granted;
        return n;
}

uint64_t double_paths_escapes(void)
{
        return paths.escapes;
}

int double_path_call(void *context, struct path_request *request, const char *path,
                     const char *path2, struct path_reply *reply, void *bytes, uint32_t size,
                     int *ret_fd)
{
        static uint8_t message[sizeof(*request) + 2 * PATH_BYTES_MAX], answer[PATH_REPLY_MAX];
        static struct checked_request checked;
        size_t n = sizeof(*request);
        struct error err;

        memcpy(message, request, n);
        if (path)
                memcpy(message + n, path, request->path_bytes);
        n += request->path_bytes;
        if (path2)
                memcpy(message + n, path2, request->path2_bytes);
        n += request->path2_bytes;

        if (double_paths_contained && path) {
                ck_assert_int_ne(path[0], '/');
                ck_assert_msg(strncmp(path, "..", 2) != 0, "%s", path);
                ck_assert_uint_eq(strlen(path), request->path_bytes);
        }
        /* No honest shim sends what this refuses: in a cell it would be the end of it. */
        ck_assert_msg(path_request_check(&paths, message, n, &checked, &err) == 0, "%s", err.text);
        *reply = (struct path_reply) { 0 };
        if (double_paths_as_root)
                ck_assert_int_eq(seteuid(0), 0);
        paths_do(&paths, &checked, reply, answer, ret_fd);
        if (double_paths_as_root)
                ck_assert_int_eq(seteuid(65534), 0);
        ck_assert_uint_le(reply->bytes, request->length);
        ck_assert_uint_le(reply->bytes, size);
        memcpy(bytes ? bytes : message, answer, reply->bytes);
        return 0;
}
