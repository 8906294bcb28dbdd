/* run.c - `nacelle run`: a cell with one guest, through the same messages as any other. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "supervisor/broker/found.h"
#include "supervisor/broker/imports.h"
#include "supervisor/broker/guests_state.h"
#include "supervisor/broker/tier.h"

#define GUEST 1u /* its number */

struct run {
        struct broker *b;
        struct run_outcome *outcome;
        struct error *err;
        int r;
        bool ended;
        uint32_t module;
        unsigned blamed;    /* the member that the error is about */
};

static void take_values(const struct guest_ended *e, struct run_outcome *ret)
{
        ret->end = RUN_RETURNED;
        ret->nresults = e->nvalues;
        memcpy(ret->results, e->values, e->nvalues * sizeof(ret->results[0]));
}

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        struct run *run = context;
        struct run_outcome *ret = run->outcome;

        (void)guest;
        if (run->ended)
                return;
        run->ended = true;
        memset(ret, 0, offsetof(struct run_outcome, results));
        snprintf(ret->missing, sizeof(ret->missing), "%s", run->b->missing_text);
        snprintf(ret->text, sizeof(ret->text), "%s", e->text);
        switch (e->end) {
        case GUEST_RETURNED:
                take_values(e, ret);
                break;
        case GUEST_EXITED:
                ret->end = RUN_EXITED;
                ret->status = (int)(e->status & 0xff); /* WASI's has 32 bits, a process's has eight */
                break;
        case GUEST_FAILED:
                run->r = error_set(run->err, e->stage, e->code, e->offset, "%s", e->text);
                run->blamed = e->member;
                break;
        case GUEST_LOST:
                ret->end = RUN_CELL_LOST;
                ret->status = STATUS_INTERNAL;
                if (e->code == -EPROTO)
                        run->r = error_set(run->err, STAGE_PROTOCOL, e->code, ERROR_NOWHERE, "%s", e->text);
                break;
        default:
                ret->end = RUN_TRAPPED;
                ret->status = STATUS_TRAP;
                ret->trap = e->trap;
                break;
        }
}

static void on_heat(void *context, const struct heat_message *m)
{
        struct run *run = context;

        if (m->module == run->module)
                run->b->heat = *m; /* the latest says most */
}

/* One record for each nanoprocess of the group and kind of refusal: what follows adds nothing but its count. */
static void on_denied(void *context, uint64_t guest, const struct guest_denial *d)
{
        static const char *const limits[] = {
#define LIMIT(name, setting, effect) [LIMIT_##name] = setting,
#include "supervisor/proto/limits.def"
        };
        struct run *run = context;
        struct imports *g = run->b->imports;
        const char *name = g ? imports_name(g, d->member) : NULL;
        char *text = run->outcome->denied;
        size_t n = strlen(text);

        if (g && !run->ended && d->count == 1)
                snprintf(text + n, sizeof(run->outcome->denied) - n, "denied by %s: %s: %s\n",
                         d->layer == DENIED_LIMIT ? limits[d->limit] : "hostcall", name ? name : "the main module",
                         d->what);
}

static int start_guest(struct broker *b, struct guest_cell *c, uint32_t module, struct error *err)
{
        const struct run_options *o = &b->options;
        _cleanup_free_ struct guest_dir *dirs = calloc(o->ndirs + 1, sizeof(*dirs));
        struct guest_spec s = {
                .guest = GUEST, .module = module, .slot = UINT32_MAX, .quiet = true,
                .args = o->args, .nargs = o->nargs, .env = o->env, .nenv = o->nenv,
                .dirs = dirs, .ndirs = o->ndirs, .path_fd = -EBADF,
                .listen = b->listen, .nlisten = b->nlisten, .nconnected = b->nconnected,
                .clock_resolution_ns = o->clock_resolution_ns, .invoke = o->invoke,
        };
        int pair[2];

        if (!dirs)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "directories");
        if (o->limits)
                s.limits = *o->limits;
        if (o->memory_max_bytes)
                s.limits.memory_max_bytes = o->memory_max_bytes;
        for (unsigned i = 0; i < o->ndirs; i++)
                dirs[i] = (struct guest_dir) { o->dirs[i].guest ? o->dirs[i].guest : o->dirs[i].host, i,
                                               grant_is_read_only(&o->dirs[i]) };
        for (int i = 0; i < 3; i++)
                s.stdio[i] = o->closed_stdio || o->closed_streams >> i & 1 || stdio_usable(i) < 0 ? STREAM_CLOSED
                                                                                                   : STREAM_CELL;
        if (o->ndirs) {
                if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
                b->path_sock = pair[0];
                s.path_fd = pair[1];
        }
        if (b->imports) {
                int r = imports_specs(b, &s, err);

                if (r < 0) {
                        closep(&s.path_fd);
                        return r;
                }
        }
        b->nlisten = 0; /* the guest's now */
        if (o->timeout_ms)
                b->deadline_ns = monotonic_ns() + o->timeout_ms * 1000000u;
        return cell_spawn(c, &s, err);
}

static void time_out(struct broker *b, struct run_outcome *ret)
{
        memset(ret, 0, offsetof(struct run_outcome, results));
        snprintf(ret->missing, sizeof(ret->missing), "%s", b->missing_text);
        ret->end = RUN_TIMED_OUT;
        ret->status = STATUS_TIMEOUT;
        session_bury(b, "its time was over", ret->text, sizeof(ret->text));
}

/* Serve the guest until it ended, one way or another. */
static int serve_guest(struct run *run, struct guest_cell *c)
{
        struct broker *b = run->b;

        while (!run->ended) {
                struct pollfd fds[2 + PROTO_MEMBERS_MAX] = { { .fd = cell_fd(c), .events = cell_fd_events(c) },
                                                             { .fd = b->path_sock, .events = POLLIN } };
                nfds_t nfds = 2 + imports_polls(b->imports, &fds[2]);
                uint64_t now = b->deadline_ns ? monotonic_ns() : 0, left = b->deadline_ns - now;
                struct timespec t = { (time_t)(left / 1000000000u), (long)(left % 1000000000u) };
                struct error broken = { 0 };

                if (b->deadline_ns && now >= b->deadline_ns) {
                        time_out(b, run->outcome);
                        return 0;
                }
                if (!cell_pending(c) && ppoll(fds, nfds, b->deadline_ns ? &t : NULL, NULL) < 0 && errno != EINTR)
                        return error_set(run->err, STAGE_BROKER, -errno, ERROR_NOWHERE, "poll: %m");
                if ((fds[1].revents && session_serve_path(b, &b->paths, &b->path_sock, &broken) < 0) ||
                    imports_serve(b, &fds[2], &broken) < 0) {
                        char text[512];

                        session_bury(b, broken.text, text, sizeof(text));
                        return error_set(run->err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "%s", text);
                }
                if (fds[0].revents || cell_pending(c))
                        (void)cell_dispatch(c, 0); /* a dead cell ended its guest as well */
        }
        return run->r;
}

static int run_guest(struct broker *b, uint32_t module, struct run_outcome *ret, bool *ret_named, struct error *err)
{
        static const struct guest_events events = { .ended = on_ended, .denied = on_denied, .heat = on_heat };
        struct run run = { .b = b, .outcome = ret, .err = err, .module = module };
        _cleanup_(cell_closep) struct guest_cell *c = NULL;
        int r;

        r = cell_of_broker(b, &events, &run, &c, err);
        if (r >= 0)
                r = start_guest(b, c, module, err);
        if (r >= 0)
                r = serve_guest(&run, c);
        if (r < 0 && run.blamed)
                r = imports_blame(b->imports, run.blamed, err);
        *ret_named = run.blamed;
        run.ended = true; /* what closing tells of is no outcome */
        return r;
}

/* Started with 0, 1 or 2 closed, the next file that is opened would become the guest's stdin. */
static int fill_stdio(struct error *err)
{
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "/dev/null: %m");
        close(fd);
        return 0;
}

/* The code is there before the cell is, and nobody can write it: in the artefact's own pages where they
 * may be executed, else in one copy. */
static int start_with_code(struct broker *b, struct found *artefact, size_t *ret_bytes,
                           struct error *err)
{
        _cleanup_(unmapp) struct mapping map = { 0 };
        struct slice code;
        int r;

        if (b->imports) {
                r = imports_arena(b, artefact, err);
                return r < 0 ? r : cell_begin(b, err);
        }
        r = broker_map_artefact(artefact->fd, artefact->whole, &map, &code, err);
        if (r < 0)
                return r;
        if (!artefact->whole)
                artefact_is_whole(artefact);
        if (code_arena_of_file(artefact->fd, code.offset, code.size, &b->arena, NULL) < 0) {
                r = code_arena_new(code.size, artefact->fd, code.offset, code.size, false, &b->arena,
                                   err);
                if (r < 0)
                        return r;
        }
        *ret_bytes = map.size;
        return cell_begin(b, err);
}

static int open_module(const struct run_options *o, const char *path, struct error *err)
{
        int fd = o->file ? fcntl(o->file, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        return fd < 0 ? error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", path) : fd;
}

/* What is granted is opened before a compilation that may take long, so that its absence is known at once; but not
 * as somebody else. */
static int open_grants_and_find(struct broker *b, const char *path, int file, struct found *artefact, struct error *err)
{
        const struct run_options *o = &b->options;
        int r = o->found ? 0 : grants_open(b, err);

        if (r < 0)
                return r;
        r = artefact_find(o, file, artefact, err);
        if (r < 0)
                return error_prefix(err, "%s", path);
        if (!o->found)
                return 0;
        r = o->found(o->context, err);
        return r < 0 ? r : grants_open(b, err);
}

static int run_once(const struct run_options *o, const char *path, struct run_outcome *ret,
                    struct error *err)
{
        _cleanup_(broker_stopp) struct broker *b = NULL;
        _cleanup_(found_done) struct found artefact = { .fd = -EBADF, .cache = -EBADF };
        _cleanup_close_ int file = -EBADF;
        _cleanup_(tier_up_done) struct tier_up better = { .sock = -EBADF };
        uint32_t module;
        bool named = false;
        size_t bytes = 0;
        int r;

        ret->denied[0] = '\0';
        r = fill_stdio(err);
        if (r < 0)
                return r;
        file = open_module(o, path, err);
        if (file < 0)
                return file;
        r = broker_new(o, &b, err);
        if (r < 0)
                return r;
        b->options.wasi = true;
        r = open_grants_and_find(b, path, file, &artefact, err);
        if (r < 0)
                return r;
        r = imports_open(b, err);
        if (r >= 0)
                r = start_with_code(b, &artefact, &bytes, err);
        if (r < 0)
                return r;
        /* There is time for that until the cell is ready. */
        tier_up_wait(&better, o, file, &artefact);
        r = cell_await(b, err);
        if (r >= 0)
                r = grants_lock(b, err);
        if (r < 0)
                return r;
        r = b->imports ? imports_load(b, &artefact, &module, err)
                     : broker_send_load(b, artefact.fd, bytes, 0, &module, err);
        if (r < 0)
                return error_prefix(err, "%s", path);
        r = o->ready ? o->ready(o->context, err) : 0;
        if (r < 0)
                return r;
        r = run_guest(b, module, ret, &named, err);
        if (r < 0)
                return named ? r : error_prefix(err, "%s", path);
        ret->escapes = b->paths.escapes + imports_escapes(b->imports);
        if (b->heat.n)
                tier_up_go(&better, &b->heat);
        return 0;
}

int broker_run(const struct run_options *o, const char *path, struct run_outcome *ret,
               struct error *err)
{
        struct run_options again = *o;
        struct error first = { 0 };
        int r = run_once(o, path, ret, &first);

        /* A cache entry that bit rot, or another build, made unusable costs a compilation, not the run.
         * Nothing of the guest has run: its code was never taken. */
        if (r < 0 && first.stage == STAGE_ARTEFACT && !o->no_cache && !o->refresh && !o->found) {
                again.refresh = true;
                return run_once(&again, path, ret, err);
        }
        if (r < 0 && err)
                *err = first;
        return r;
}
