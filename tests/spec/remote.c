#include "tests/spec/remote.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Both sides are little-endian and 64 bits wide, and of the same build. */
struct request {
        uint64_t features, size;
};

struct reply {
        int64_t result;
        uint64_t size; /* of the artefact; 0 on failure */
        struct error error;
};

static int read_all(int fd, void *to, size_t size)
{
        uint8_t *at = to;

        while (size) {
                ssize_t n = read(fd, at, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EPIPE;
                at += n;
                size -= (size_t)n;
        }
        return 0;
}

static int write_all(int fd, const void *from, size_t size)
{
        const uint8_t *at = from;

        while (size) {
                ssize_t n = write(fd, at, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += n;
                size -= (size_t)n;
        }
        return 0;
}

int remote_open(const char *to, const char *from, struct remote *ret, struct error *err)
{
        ret->to = open(to, O_WRONLY | O_CLOEXEC);
        if (ret->to < 0)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE, "opening %s", to);
        ret->from = open(from, O_RDONLY | O_CLOEXEC);
        if (ret->from < 0)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE, "opening %s", from);
        return 0;
}

int remote_artefact(const struct remote *r, uint64_t features, const uint8_t *bytes, size_t size,
                    struct buffer *out, struct error *err)
{
        struct request request = { features, size };
        struct reply reply;
        int e = write_all(r->to, &request, sizeof(request));

        if (e == 0)
                e = write_all(r->to, bytes, size);
        if (e == 0)
                e = read_all(r->from, &reply, sizeof(reply));
        if (e < 0)
                return error_set(err, STAGE_RUN, e, ERROR_NOWHERE, "the other compiler is gone");
        if (reply.result < 0) {
                *err = reply.error;
                return (int)reply.result;
        }
        if (!buffer_reserve(out, reply.size))
                return error_set(err, STAGE_RUN, -ENOMEM, ERROR_NOWHERE, "an artefact");
        e = read_all(r->from, out->bytes + out->size, reply.size);
        if (e < 0)
                return error_set(err, STAGE_RUN, e, ERROR_NOWHERE, "the other compiler is gone");
        out->size += reply.size;
        return 0;
}

static int serve_one(struct process_options *o, const struct request *request)
{
        _cleanup_(buffer_done) struct buffer module = { 0 }, artefact = { 0 };
        struct reply reply = { 0 };
        int e;

        if (!buffer_reserve(&module, request->size + 1))
                return -ENOMEM;
        e = read_all(STDIN_FILENO, module.bytes, request->size);
        if (e < 0)
                return e;
        o->features = request->features;
        reply.result = process_artefact(o, module.bytes, request->size, &artefact, &reply.error);
        reply.size = reply.result < 0 ? 0 : artefact.size;
        e = write_all(STDOUT_FILENO, &reply, sizeof(reply));
        return e < 0 ? e : write_all(STDOUT_FILENO, artefact.bytes, reply.size);
}

int remote_serve(struct process_options *o)
{
        struct request request;
        int e = 0;

        while (e == 0 && read_all(STDIN_FILENO, &request, sizeof(request)) == 0)
                e = serve_one(o, &request);
        return e < 0;
}
