/* output.c - files that appear whole or not at all: written beside their place, then renamed. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "supervisor/cli/cli.h"

struct output {
        const char *path;
        char *temporary; /* NULL when there is nothing to remove */
        int fd;
};

static int fail(struct error *err, const char *path)
{
        return error_set(err, STAGE_CACHE, -errno, ERROR_NOWHERE, "writing %s: %s", path,
                         strerror(errno));
}

static void output_done(struct output *o)
{
        if (o->temporary)
                unlink(o->temporary);
        free(o->temporary);
        closep(&o->fd);
}

static int output_open(struct output *o, const char *path, struct error *err)
{
        struct stat st;

        /* A rename would replace a device, a pipe or a directory by a file. */
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return error_set(err, STAGE_USAGE, -EEXIST, ERROR_NOWHERE,
                                 "%s is there and is no regular file", path);
        o->path = path;
        if (asprintf(&o->temporary, "%s.%ld.tmp", path, (long)getpid()) < 0) {
                o->temporary = NULL;
                return error_set(err, STAGE_CACHE, -ENOMEM, ERROR_NOWHERE, "out of memory");
        }
        o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (o->fd < 0) {
                fail(err, path);
                free(o->temporary);
                o->temporary = NULL;
                return err->code;
        }
        return 0;
}

static int output_finish(struct output *o, struct error *err)
{
        if (rename(o->temporary, o->path) < 0)
                return fail(err, o->path);
        free(o->temporary);
        o->temporary = NULL;
        return 0;
}

int cli_write(const char *path, const struct buffer *bytes, struct error *err)
{
        _cleanup_(output_done) struct output o = { .fd = -EBADF };
        int r = output_open(&o, path, err);

        if (r < 0)
                return r;
        for (size_t at = 0; at < bytes->size;) {
                ssize_t n = write(o.fd, bytes->bytes + at, bytes->size - at);

                if (n < 0)
                        return fail(err, path);
                at += (size_t)n;
        }
        return output_finish(&o, err);
}

int cli_write_fd(const char *path, int fd, struct error *err)
{
        _cleanup_(output_done) struct output o = { .fd = -EBADF };
        struct stat st;
        off_t at = 0;
        int r = output_open(&o, path, err);

        if (r < 0)
                return r;
        if (fstat(fd, &st) < 0)
                return fail(err, path);
        while (at < st.st_size) {
                ssize_t n = sendfile(o.fd, fd, &at, (size_t)(st.st_size - at));

                if (n == 0)
                        errno = EIO;
                if (n <= 0)
                        return fail(err, path);
        }
        return output_finish(&o, err);
}
