/* preinit.c - a start-up is run once, in a cell without keys; its state becomes part of the artefact. */
#define _GNU_SOURCE /* memfd_create, copy_file_range */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/broker/found.h"
#include "supervisor/broker/internal.h"
#include "supervisor/proto/compile_job.h"

#define TIMEOUT_MS   UINT64_C(300000)
#define ARENA_MORE   (1u << 20)
#define MODULE_MAX   (UINT64_C(1) << 30)
#define SNAPSHOT_MAX (UINT64_C(2) << 30)

static const char *const usual[] = { "wizer.initialize", "_initialize", NULL };

static int not_kept(const struct run_outcome *outcome, const char *what, struct error *err)
{
        static const char *const ends[] = {
                [RUN_RETURNED] = "it returned values", [RUN_EXITED] = "it ends itself", [RUN_TRAPPED] = "it trapped",
                [RUN_TIMED_OUT] = "it takes too long", [RUN_CELL_LOST] = "the cell was lost",
        };
        char text[120];

        snprintf(text, sizeof(text), "%.*s", (int)strcspn(outcome->text, "\n"), outcome->text);
        return error_set(err, STAGE_RUN, -EOPNOTSUPP, ERROR_NOWHERE, "%s cannot be done once for all: %s%s%s", what,
                         ends[outcome->end], text[0] ? ": " : "", text);
}

/* Call the start-up; *@function is the one that there was. */
static int start_up(struct broker *b, uint32_t instance, const char **function, struct error *err)
{
        struct run_outcome outcome = { 0 };
        int r = -ENOENT;

        if (*function) {
                r = broker_call(b, instance, *function, strlen(*function), NULL, 0, &outcome, err);
        } else {
                for (unsigned k = 0; usual[k] && r == -ENOENT; k++) {
                        *function = usual[k];
                        r = broker_call(b, instance, usual[k], strlen(usual[k]), NULL, 0, &outcome, err);
                }
                if (r == -ENOENT)
                        return error_set(err, STAGE_LINK, -ENOENT, ERROR_NOWHERE,
                                         "the module exports neither %s nor %s: name its start-up", usual[0], usual[1]);
        }
        if (r < 0)
                return r;
        return outcome.end == RUN_RETURNED && !outcome.nresults ? 0 : not_kept(&outcome, *function, err);
}

static int take_snapshot(struct broker *b, uint32_t instance, int fd, struct error *err)
{
        struct snapshot_message m = { .head.message = MESSAGE_SNAPSHOT, .instance = instance };
        struct answer a = { 0 };
        char text[200];
        int r = session_ask(b, &m, sizeof(m), &fd, 1, &a, err);

        if (r < 0)
                return r;
        if (a.lost) {
                session_bury(b, NULL, text, sizeof(text));
                return error_set(err, STAGE_CELL, -EPIPE, ERROR_NOWHERE, "%s", text);
        }
        if (b->in.head.message == MESSAGE_FAILED)
                return answer_error(b, err);
        return b->in.head.message == MESSAGE_DONE
                       ? 0
                       : error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "no answer to a snapshot");
}

static int run_in_cell(const struct run_options *given, int artefact, const char **function, int snapshot,
                       struct error *err)
{
        struct run_options o = { .tier = TIER_FAST, .wasi = true, .preinit = true, .closed_stdio = true,
                                 .memory_max_bytes = given->memory_max_bytes, .degraded = given->degraded };
        _cleanup_(broker_stopp) struct broker *b = NULL;
        struct run_outcome outcome = { 0 };
        uint32_t module = 0, instance = 0;
        struct stat st;
        int r;

        if (fstat(artefact, &st) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "artefact: %m");
        r = broker_start(&o, (size_t)st.st_size + ARENA_MORE, &b, err);
        if (r < 0)
                return r;
        b->deadline_ns = monotonic_ns() + (given->timeout_ms ? given->timeout_ms : TIMEOUT_MS) * 1000000u;
        r = broker_load(b, artefact, &module, err);
        if (r >= 0)
                r = broker_instantiate(b, module, &instance, &outcome, err);
        if (r >= 0 && outcome.end != RUN_RETURNED)
                r = not_kept(&outcome, "the start function", err);
        if (r >= 0)
                r = start_up(b, instance, function, err);
        return r < 0 ? r : take_snapshot(b, instance, snapshot, err);
}

static int append_file(int to, off_t at, int from, uint64_t bytes)
{
        off_t source = 0;

        while (bytes) {
                ssize_t n = copy_file_range(from, &source, to, &at, bytes, 0);

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                bytes -= (uint64_t)n;
        }
        return 0;
}

/* Module and snapshot in one file that nobody can change. */
static int join(int module, int snapshot, struct snapshot_parts *parts, int *ret_fd, struct error *err)
{
        _cleanup_close_ int fd = memfd_create("nacelle-preinit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        struct stat m, s;
        int r = 0;

        if (fd < 0 || fstat(module, &m) < 0 || fstat(snapshot, &s) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "snapshot: %m");
        if ((uint64_t)m.st_size > MODULE_MAX || (uint64_t)s.st_size > SNAPSHOT_MAX)
                return error_set(err, STAGE_BROKER, -E2BIG, ERROR_NOWHERE, "a snapshot of %jd bytes",
                                 (intmax_t)s.st_size);
        parts->module_bytes = (uint64_t)m.st_size;
        parts->snapshot_at = (parts->module_bytes + 7) & ~UINT64_C(7);
        parts->snapshot_bytes = (uint64_t)s.st_size;
        r = append_file(fd, 0, module, parts->module_bytes);
        if (r == 0)
                r = append_file(fd, (off_t)parts->snapshot_at, snapshot, parts->snapshot_bytes);
        if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                r = -errno;
        if (r < 0)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "snapshot: %s", strerror(-r));
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int broker_preinit(const struct run_options *o, int fd, const char *function, int *ret_fd, struct error *err)
{
        _cleanup_close_ int module = -EBADF, artefact = -EBADF, snapshot = -EBADF, both = -EBADF;
        struct run_options first = *o;
        struct snapshot_parts parts = { 0 };
        struct stat st;
        int r;

        if (function && strlen(function) >= COMPILE_NAME_MAX)
                return error_set(err, STAGE_USAGE, -ENAMETOOLONG, ERROR_NOWHERE, "the name of the start-up");
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "is not a regular file");
        module = memfd_copy(fd, (uint64_t)st.st_size, "nacelle-module", err);
        if (module < 0)
                return module;
        first.tier = TIER_FAST; /* for one run */
        first.dense = false;
        first.machine = MACHINE_HOST; /* it runs here */
        r = broker_artefact(&first, module, &artefact, err);
        if (r < 0)
                return r;
        snapshot = memfd_create("nacelle-snapshot", MFD_CLOEXEC);
        if (snapshot < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "snapshot: %m");
        r = run_in_cell(o, artefact, &function, snapshot, err);
        if (r >= 0)
                r = join(module, snapshot, &parts, &both, err);
        parts.done = function;
        return r < 0 ? r : artefact_of_snapshot(o, both, &parts, ret_fd, err);
}
