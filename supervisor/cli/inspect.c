/* inspect.c - nacelle inspect: what a module or an artefact is, and what it asks for.
 *
 * Its bytes are hostile, so a child reads them that has put on the compiler's walls first: no
 * files, no network, no process, limits on memory and time. The parent passes the child's words on,
 * without any control character. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine/artefact/artefact.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"
#include "policy/policy.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/describe.h"

static const struct option_row options[] = { { 0 } };

static int describe(FILE *stream, const uint8_t *bytes, size_t size, struct error *err)
{
        _cleanup_(artefact_freep) struct artefact *artefact = NULL;
        _cleanup_(checked_module_freep) struct checked_module *checked = NULL;
        _cleanup_(module_freep) struct module *module = NULL;
        char text[256], key[65];
        int r;

        if (size >= 4 && memcmp(bytes, "\177ELF", 4) == 0) {
                r = artefact_read(bytes, size, &artefact, err);
                if (r < 0)
                        return r;
                fprintf(stream, "Artefact: %zu bytes, of which code %zu\nKey: %s\nNeeds: %s\n", size,
                        artefact->code.size, key_text(&artefact->key, key),
                        cpu_features_text(artefact->cpu, text, sizeof(text)));
                describe_module(stream, artefact->module);
                return 0;
        }
        r = module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &module, err);
        if (r < 0)
                return r;
        r = module_validate(module, &limits_default, FEATURES_DEFAULT, 1, &checked, err);
        if (r < 0)
                return r;
        fprintf(stream, "Module: %zu bytes, valid\n", size);
        describe_module(stream, module);
        return 0;
}

/* The compiler's walls around this process, in the order of layers.def. */
static int lock(pid_t parent, size_t input_bytes, struct error *err)
{
        struct lockdown l = { 0 };
        int r;

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
                              "this kernel cannot lock up whoever reads the module");
        return r;
}

/* In the child: one byte of exit status to @out, then the text for stdout, or of the error. */
_noreturn_ static void child(int in, size_t size, int out, pid_t parent)
{
        _cleanup_free_ char *text = NULL;
        struct error err = { 0 };
        uint8_t *bytes, status = 0;
        size_t n = 0, done = 0;
        FILE *stream;

        /* Private memory: a shared mapping could change between check and use. */
        bytes = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        while (bytes != MAP_FAILED && done < size) {
                ssize_t got = pread(in, bytes + done, size - done, (off_t)done);

                if (got <= 0)
                        break;
                done += (size_t)got;
        }
        stream = open_memstream(&text, &n);
        if (bytes == MAP_FAILED || !stream)
                _exit(STATUS_INTERNAL);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        if (dup2(out, FD_BROKER) < 0 || lock(parent, size, &err) < 0 ||
            describe(stream, bytes, done, &err) < 0) {
                status = (uint8_t)error_status(&err);
                rewind(stream);
                error_print(stream, "nacelle", &err);
        }
        fclose(stream);
        if (write(FD_BROKER, &status, 1) != 1)
                _exit(STATUS_INTERNAL);
        for (size_t at = 0; at < n;) {
                ssize_t put = write(FD_BROKER, text + at, n - at);

                if (put <= 0)
                        _exit(STATUS_INTERNAL);
                at += (size_t)put;
        }
        _exit(0);
}

/* The child's text to @stream; only line feeds of its control characters get through. */
static void pass_on(FILE *stream, const char *bytes, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                uint8_t c = (uint8_t)bytes[i];

                fputc((c < 0x20 && c != '\n') || c == 0x7f ? '?' : c, stream);
        }
}

static int inspect(const char *path, int *ret_status, struct error *err)
{
        _cleanup_close_ int in = -EBADF, from = -EBADF, to = -EBADF;
        char buffer[16384];
        int pipes[2], status, r;
        pid_t pid, parent = getpid();
        struct stat st;
        bool first = true;
        ssize_t n;

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
                child(in, (size_t)st.st_size, to, parent);
        closep(&to);
        to = -EBADF;
        *ret_status = STATUS_INTERNAL;
        while ((n = read(from, buffer, sizeof(buffer))) > 0) {
                if (first)
                        *ret_status = (uint8_t)buffer[0];
                pass_on(*ret_status ? stderr : stdout, buffer + first, (size_t)n - first);
                first = false;
        }
        if (waitpid(pid, &status, 0) < 0 || status != 0)
                return error_set(err, STAGE_DECODE, -EIO, ERROR_NOWHERE,
                                 "%s: its reader was killed by %s", path,
                                 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "itself");
        return 0;
}

static int inspect_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        struct error err = { 0 };
        int status = 0;
        unsigned n;

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, NULL, argc, argv, operands, &n, &err) < 0 ||
            inspect(operands[0], &status, &err) < 0)
                return cli_fail(&err);
        return status;
}

const struct command inspect_command = {
        .name = "inspect",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .main = inspect_main,
        .text = "tell what a module imports and exports, and what it asks for",
        .options = options,
};
