#include "tests/spec/file.h"

#include <fcntl.h>
#include <string.h>

#define CHUNK ((size_t)65536)

int file_read(const char *path, struct buffer *out, struct error *err)
{
        _cleanup_close_ int own = -EBADF;
        int fd = STDIN_FILENO;

        if (strcmp(path, "-")) {
                fd = own = open(path, O_RDONLY | O_CLOEXEC);
                if (own < 0)
                        return error_set(err, STAGE_NONE, -errno, ERROR_NOWHERE, "%s: %s", path,
                                         strerror(errno));
        }
        for (;;) {
                uint8_t *p = buffer_reserve(out, CHUNK);
                ssize_t n;

                if (!p)
                        return error_set(err, STAGE_NONE, -ENOMEM, ERROR_NOWHERE, "%s", path);
                n = read(fd, p, CHUNK);
                if (n < 0)
                        return error_set(err, STAGE_NONE, -errno, ERROR_NOWHERE, "%s: %s", path,
                                         strerror(errno));
                if (!n)
                        return 0;
                out->size += (size_t)n;
        }
}

int file_write(const char *path, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_close_ int own = -EBADF;
        int fd = STDOUT_FILENO;

        if (strcmp(path, "-")) {
                fd = own = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
                if (own < 0)
                        return error_set(err, STAGE_NONE, -errno, ERROR_NOWHERE, "%s: %s", path,
                                         strerror(errno));
        }
        for (size_t done = 0; done < size;) {
                ssize_t n = write(fd, bytes + done, size - done);

                if (n < 0)
                        return error_set(err, STAGE_NONE, -errno, ERROR_NOWHERE, "%s: %s", path,
                                         strerror(errno));
                done += (size_t)n;
        }
        return 0;
}
