#include "config.h"

#include "supervisor/cli/locked.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/base/limits.h"
#include "policy/policy.h"
#include "supervisor/cli/cli.h"

#define RESULT_MAX (UINT64_C(1) << 30) /* bytes: a child that says more is not honest */

/* The compiler's walls around this process, in the order of layers.def. */
static int lock(pid_t parent, size_t input_bytes, struct error *err)
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
                r = policy_limits(&l, ROLE_COMPILER, input_bytes, err);
        if (r >= 0)
                r = policy_credentials(&l, false, parent, err);
        if (r >= 0)
                r = policy_memory(&l, err);
        if (r >= 0)
                r = policy_landlock(&l, err);
        if (r >= 0)
                r = policy_seccomp(&l, ROLE_COMPILER, err);
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

/* One byte of status to @out, then the result, or the error's line and what work() wrote. */
_noreturn_ static void child(int in, size_t size, int out, locked_work work, pid_t parent)
{
        char *text = NULL, *line = NULL;
        size_t n = 0, nline = 0, got = 0;
        struct error err = { 0 };
        uint8_t *bytes = copy_of(in, size, &got), status = 0;
        FILE *stream = open_memstream(&text, &n), *complaint;

        if (!bytes || !stream || dup2(out, FD_BROKER) < 0)
                _exit(STATUS_INTERNAL);
        if (lock(parent, size, &err) < 0 || work(stream, bytes, got, &err) < 0)
                status = (uint8_t)error_status(&err);
        if (fclose(stream) != 0)
                _exit(STATUS_INTERNAL);
        if (status) {
                complaint = open_memstream(&line, &nline);
                if (!complaint)
                        _exit(STATUS_INTERNAL);
                error_print(complaint, "nacelle", &err);
                fclose(complaint);
        }
        if (!write_all(FD_BROKER, (char *)&status, 1) || !write_all(FD_BROKER, line, nline) ||
            !write_all(FD_BROKER, text, n))
                _exit(STATUS_INTERNAL);
        _exit(0);
}

/* Everything that comes through the pipe; -EMSGSIZE when it is too much. */
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

static int died(struct error *err, const char *path, int status)
{
        return error_set(err, STAGE_DECODE, -EIO, ERROR_NOWHERE, "%s: whoever read it ended by %s", path,
                         WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "itself");
}

int locked_run(const char *path, locked_work work, int *ret_status, struct buffer *ret,
               struct error *err)
{
        _cleanup_close_ int in = -EBADF, from = -EBADF, to = -EBADF;
        _cleanup_(buffer_done) struct buffer b = { 0 };
        int pipes[2], status = 0, r;
        pid_t pid, parent = getpid();
        struct stat st;

        r = cli_open(path, &in, err);
        if (r < 0)
                return r;
        if (fstat(in, &st) < 0 || pipe2(pipes, O_CLOEXEC) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "%s", strerror(errno));
        from = pipes[0];
        to = pipes[1];
        if ((uint64_t)st.st_size > limits_default.module_bytes)
                return error_set(err, STAGE_DECODE, -E2BIG, ERROR_NOWHERE, "%s: too large", path);
        fflush(NULL);
        pid = fork();
        if (pid < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "fork: %s", strerror(errno));
        if (pid == 0)
                child(in, (size_t)st.st_size, to, work, parent);
        closep(&to);
        to = -EBADF;
        r = collect(from, &b);
        closep(&from); /* a child that still writes ends here */
        from = -EBADF;
        if (waitpid(pid, &status, 0) < 0 || status != 0 || r < 0 || b.size == 0)
                return died(err, path, status);
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
