#include "config.h"

#include "supervisor/cli/locked.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/limits.h"
#include "policy/policy.h"
#include "supervisor/cli/cli.h"

#define RESULT_MAX (UINT64_C(1) << 30) /* bytes: a child that says more is not honest */

/* The compiler's walls around this process, in the order of layers.def. */
static int lock(enum role role, pid_t parent, size_t input_bytes, struct error *err)
{
        struct lockdown l = { 0 };
        int r;

#ifdef NACELLE_SANITIZERS
        /* A sanitizer maps shadow memory without end and opens /proc: these cannot be on with it. */
        l.skip = LAYER_BIT(LAYER_LIMITS) | LAYER_BIT(LAYER_SECCOMP) | LAYER_BIT(LAYER_LANDLOCK) |
                 LAYER_BIT(LAYER_MDWE);
#endif
        r = policy_descriptors(&l, FD_FIRST_FREE, err);
        if (r >= 0)
                r = policy_limits(&l, role, input_bytes, err);
        if (r >= 0)
                r = policy_credentials(&l, false, parent, err);
        if (r >= 0)
                r = policy_memory(&l, err);
        if (r >= 0)
                r = policy_landlock(&l, err);
        if (r >= 0)
                r = policy_seccomp(&l, role, err);
        if (r >= 0 && l.missing & LAYER_BIT(LAYER_SECCOMP))
                r = error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE,
                              "this kernel cannot lock up whoever reads the file");
        return r;
}

/* Private memory: a shared mapping could change between check and use. NULL when there is none. */
static uint8_t *copy_of(int fd, size_t size, size_t *ret_got)
{
        uint8_t *bytes = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        size_t got = 0;

        if (bytes == MAP_FAILED)
                return NULL;
        while (got < size) {
                ssize_t n = pread(fd, bytes + got, size - got, (off_t)got);

                if (n <= 0)
                        break;
                got += (size_t)n;
        }
        *ret_got = got;
        return bytes;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
        while (n) {
                ssize_t put = write(fd, bytes, n);

                if (put <= 0)
                        return false;
                bytes += put;
                n -= (size_t)put;
        }
        return true;
}

_noreturn_ static void child(int in, size_t size, int out, enum role role, pid_t parent,
                             locked_body body, void *context)
{
        struct error err = { 0 };
        size_t got = 0;
        uint8_t *bytes = copy_of(in, size, &got);

        if (!bytes || dup2(out, FD_BROKER) < 0)
                _exit(STATUS_INTERNAL);
        (void)!lock(role, parent, size, &err);
        body(context, FD_BROKER, bytes, got, &err);
        _exit(0);
}

int locked_start(const char *path, enum role role, locked_body body, void *context,
                 struct locked_child *ret, struct error *err)
{
        _cleanup_close_ int in = -EBADF, ours = -EBADF, theirs = -EBADF;
        pid_t pid, parent = getpid();
        struct stat st;
        int pair[2], r;

        r = cli_open(path, &in, err);
        if (r < 0)
                return r;
        if (fstat(in, &st) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s", strerror(errno));
        ours = pair[0];
        theirs = pair[1];
        if ((uint64_t)st.st_size > limits_default.module_bytes)
                return error_set(err, STAGE_DECODE, -E2BIG, ERROR_NOWHERE, "%s: too large", path);
        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "fork: %s", strerror(errno));
        if (pid == 0)
                child(in, (size_t)st.st_size, theirs, role, parent, body, context);
        *ret = (struct locked_child) { .pid = pid, .fd = TAKE_FD(ours) };
        return 0;
}

int locked_end(struct locked_child *child, const char *path, struct error *err)
{
        int status = 0;

        closep(&child->fd); /* a child that still writes ends here */
        child->fd = -EBADF;
        while (waitpid(child->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_set(err, STAGE_DECODE, -EIO, ERROR_NOWHERE, "%s: %m", path);
        if (status == 0)
                return 0;
        return error_set(err, STAGE_DECODE, -EIO, ERROR_NOWHERE, "%s: whoever read it ended by %s", path,
                         WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "itself");
}

/* One byte of status, then the result, or the error's line and what work() wrote. */
static void work_and_tell(void *context, int channel, const uint8_t *bytes, size_t size,
                          struct error *err)
{
        const locked_work *work = context;
        char *text = NULL, *line = NULL;
        size_t n = 0, nline = 0;
        FILE *stream = open_memstream(&text, &n), *complaint;
        uint8_t status = 0;

        if (!stream)
                _exit(STATUS_INTERNAL);
        if (err->code < 0 || (*work)(stream, bytes, size, err) < 0)
                status = (uint8_t)error_status(err);
        if (fclose(stream) != 0)
                _exit(STATUS_INTERNAL);
        if (status) {
                complaint = open_memstream(&line, &nline);
                if (!complaint)
                        _exit(STATUS_INTERNAL);
                error_print(complaint, "nacelle", err);
                fclose(complaint);
        }
        if (!write_all(channel, (char *)&status, 1) || !write_all(channel, line, nline) ||
            !write_all(channel, text, n))
                _exit(STATUS_INTERNAL);
}

/* Everything that comes through the socket; -EMSGSIZE when it is too much. */
static int collect(int from, struct buffer *b)
{
        for (;;) {
                uint8_t *place = buffer_reserve(b, 65536);
                ssize_t n;

                if (!place)
                        return -ENOMEM;
                n = read(from, place, 65536);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                b->size += (size_t)n;
                if (b->size > RESULT_MAX)
                        return -EMSGSIZE;
        }
}

int locked_run(const char *path, locked_work work, int *ret_status, struct buffer *ret,
               struct error *err)
{
        _cleanup_(buffer_done) struct buffer b = { 0 };
        struct locked_child child;
        int r, end;

        r = locked_start(path, ROLE_COMPILER, work_and_tell, &work, &child, err);
        if (r < 0)
                return r;
        r = collect(child.fd, &b);
        end = locked_end(&child, path, err);
        if (end < 0)
                return end;
        if (r < 0 || b.size == 0)
                return error_set(err, STAGE_DECODE, -EIO, ERROR_NOWHERE, "%s: whoever read it said %s",
                                 path, r < 0 ? "too much" : "nothing");
        *ret_status = b.bytes[0];
        buffer_append(ret, b.bytes + 1, b.size - 1);
        return buffer_ok(ret) ? 0 : error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
}

void locked_print(FILE *stream, const struct buffer *text)
{
        for (size_t i = 0; i < text->size; i++) {
                uint8_t c = text->bytes[i];

                fputc((c < 0x20 && c != '\n') || c == 0x7f ? '?' : c, stream);
        }
}
