/* cell.c - starts a cell, and looks at it before it gets anything to do. */
#include "config.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/policy.h"
#include "policy/posture.h"
#include "policy/stand_in.h"
#include "supervisor/broker/audit.h"
#include "supervisor/broker/internal.h"

/* Shadow memory and its helpers are nothing that a posture foresees. */
#ifdef NACELLE_SANITIZERS
#define SANITIZERS true
#else
#define SANITIZERS false
#endif

#define ENDING_MS 50

int stdio_usable(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 || S_ISDIR(st.st_mode) ? -EBADF : fd;
}

static int spawn(struct broker *b, struct error *err)
{
        const struct run_options *o = &b->options;
        struct arena_message arena = { .head.message = MESSAGE_ARENA, .at = b->arena.at,
                                       .bytes = b->arena.bytes, .workers = b->workers, .alone = b->alone };
        char *argv[] = { (char *)"nacelle-cell", (char *)o->cell_argument, NULL };
        _cleanup_close_ int theirs = -EBADF, code = -EBADF;
        int fds[] = { stdio_usable(0), stdio_usable(1), stdio_usable(2), -EBADF, -EBADF };
        const struct timeval patience = { CELL_PATIENCE_NS / 1000000000u, 0 };
        char path[4096];
        int pair[2], r;

        if (o->cell_program)
                snprintf(path, sizeof(path), "%s", o->cell_program);
        else {
                r = program_find(argv[0], path, sizeof(path), err);
                if (r < 0)
                        return r;
        }
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
        b->sock = pair[0];
        theirs = pair[1];
        /* One that does not read holds up a command no longer than one that does not answer. */
        setsockopt(b->sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        code = code_arena_share(&b->arena, err);
        if (code < 0)
                return code;
        if (b->has_stdio)
                memcpy(fds, b->stdio, sizeof(b->stdio));
        if (o->closed_stdio) {
                fds[0] = fds[1] = -EBADF;
                fds[2] = HELPER_STDERR;
        }
        fds[FD_BROKER] = theirs;
        fds[FD_ARENA] = code;
        r = cell_group_new(b->workers * (1 + PROTO_HELPERS), &b->group, err);
        if (r < 0)
                return r;
        /* One that is told which wall to leave out sees to its namespaces itself. */
        if (!SANITIZERS && !o->foreground && !o->cell_argument) {
                r = process_start_first(path, argv, fds, ELEMENTSOF(fds), b->group.dir, &b->moved, &b->cell, err);
                arena.pids = b->moved ? PROTO_PIDS_MADE : PROTO_PIDS_MAKE;
        } else {
                r = process_start(path, argv, fds, ELEMENTSOF(fds), b->group.dir, &b->cell, err);
                arena.pids = SANITIZERS || o->foreground ? PROTO_PIDS_NONE : PROTO_PIDS_MAKE;
        }
        if (r < 0)
                return r;
        /* A cell that is dead already is noticed when READY does not come. */
        (void)send(b->sock, &arena, sizeof(arena), MSG_NOSIGNAL);
        return 0;
}

static int check_missing(struct broker *b, struct error *err)
{
        if (!(b->missing & ~LAYERS_EXTRA))
                return 0;
        layers_text(b->missing & ~LAYERS_EXTRA, b->missing_text, sizeof(b->missing_text));
        if (b->options.degraded)
                return 0;
        return error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE,
                         "this kernel lacks: %s (--degraded runs without)", b->missing_text);
}

/* How it ended is what is to be said of it. */
static int did_not_start(struct broker *b, struct error *err)
{
        char text[256];

        session_bury(b, NULL, text, sizeof(text));
        return error_set(err, STAGE_CELL, -ECHILD, ERROR_NOWHERE, "the cell did not start: %s", text);
}

/* Of one that is about to end /proc shows less and less. */
static bool is_ending(const struct process *p)
{
        struct pollfd end = { .fd = p->pidfd, .events = POLLIN };

        return poll(&end, 1, ENDING_MS) == 1;
}

/* With our own eyes: whoever locks itself down may be wrong about it. */
static int check_posture(struct broker *b, struct error *err)
{
        /* A ring for each worker; where there are several, also something to wake each; and without io_uring
         * helpers for each, that wake it. */
        unsigned own = b->workers > 1 ? 2 * b->workers : 1;
        struct posture_expected expected = {
                .fds = UINT64_C(7) | UINT64_C(1) << FD_BROKER | (b->alone ? 0 : UINT64_C(1) << FD_PAGEMAP),
                .own = b->threads ? own + b->workers : own,
                .threads = b->threads ? b->workers * (1 + PROTO_HELPERS) : b->workers,
                .rings = b->workers,
                .ring_fd = b->threads ? -EBADF : FD_RING,
                .arena_inode = b->arena.inode,
                .network = !b->alone,
                .root = geteuid() == 0,
                .missing = b->missing,
                .filters = posture_own_filters() + (int)policy_filters(b->missing),
                .pids = b->moved,
                .cgroup = b->group.dir >= 0,
        };
        struct error unseen = { 0 };
        struct posture posture;
        char text[512];
        int r;

        r = posture_read_of_cell(b->cell.pid, expected.ring_fd, &posture, &unseen);
        if (r >= 0 && posture_check(&posture, &expected, text, sizeof(text)) == 0)
                return 0;
        if (is_ending(&b->cell))
                return did_not_start(b, err);
        if (r < 0)
                return error_set(err, unseen.stage, r, ERROR_NOWHERE, "%s", unseen.text);
        for (char *nl = text; (nl = strchr(nl, '\n'));)
                *nl = ';';
        return error_set(err, STAGE_POLICY, -EPERM, ERROR_NOWHERE,
                         "the cell is not locked down as it should be: %s", text);
}

/* What a refusal would be read from is opened while the cell is busy: it can be refused nothing yet. */
int cell_begin(struct broker *b, struct error *err)
{
        int r = spawn(b, err);

        b->audit = audit_open();
        return r;
}

int cell_start(struct broker *b, struct error *err)
{
        int r = cell_begin(b, err);

        return r < 0 ? r : cell_await(b, err);
}

int cell_await(struct broker *b, struct error *err)
{
        const struct ready_message *ready = (const void *)&b->in;
        uint32_t must;
        struct answer answer;
        char layers[128];
        int r;

        r = session_await_ready(b, &answer, err);
        if (r < 0)
                return r;
        if (answer.lost)
                return did_not_start(b, err);
        if (ready->head.message == MESSAGE_FAILED)
                return answer_error(b, err);
        if (ready->version != PROTO_VERSION)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE,
                                 "the cell speaks protocol %u, we speak %u", ready->version,
                                 PROTO_VERSION);
        if (ready->threads > 1)
                return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "ready: back end %u", ready->threads);
        b->threads = ready->threads;
        b->missing = ready->missing & (LAYER_BIT(_LAYER_MAX) - 1);
        if (b->group.dir < 0)
                b->missing |= LAYER_BIT(LAYER_CGROUP);
        must = (LAYER_BIT(LAYER_LANDLOCK) | LAYER_BIT(LAYER_MDWE) | LAYER_BIT(LAYER_RING)) & ~b->missing;
        if (!SANITIZERS && (ready->tried & must) != must)
                return error_set(err, STAGE_POLICY, -EPERM, ERROR_NOWHERE,
                                 "the cell got through its own %s",
                                 layers_text(must & ~ready->tried, layers, sizeof(layers)));
        r = check_missing(b, err);
        if (r < 0)
                return r;
        return SANITIZERS ? 0 : check_posture(b, err);
}
