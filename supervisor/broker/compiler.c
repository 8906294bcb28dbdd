/* compiler.c - see compiler.h. */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/broker/compiler.h"
#include "supervisor/broker/spawn.h"
#include "supervisor/proto/compile_job.h"

/* Of one that works in the background, and what each MiB of module adds. */
#define BACKGROUND_BYTES     (UINT64_C(1) << 30)
#define BACKGROUND_MIB_BYTES (UINT64_C(64) << 20)

static unsigned jobs_of(const struct run_options *o)
{
        long n = o->jobs ? (long)o->jobs : sysconf(_SC_NPROCESSORS_ONLN);

        return n < 1 ? 1 : n > 256 ? 256 : (unsigned)n;
}

static int compiler_lost(struct process *p, struct error *err)
{
        struct process_end end = { 0 };
        char text[80];

        process_kill(p);
        process_wait(p, &end);
        return error_set(err, STAGE_BROKER, -EIO, ERROR_NOWHERE, "the compiler gave no answer: %s",
                         process_end_text(&end, text, sizeof(text)));
}

/* The words of the compiler are hostile: bounded, terminated, and no more than an error. */
static int take_failure(struct compile_status *s, struct error *err)
{
        int code = s->code < 0 && s->code > -4096 ? s->code : -EIO;
        enum stage stage = s->stage > STAGE_NONE && s->stage < _STAGE_MAX ? (enum stage)s->stage
                                                                         : STAGE_COMPILE;

        s->text[sizeof(s->text) - 1] = '\0';
        return error_set(err, stage, code, s->offset, "%s", s->text);
}

/* A compiler that computes is ended by its own limit; one that only waits, by ours. */
static int patience_s(const struct job *job)
{
        uint64_t mib = (job->bytes >> 20) + 1;

        return (int)(2 * (POLICY_COMPILE_S + POLICY_COMPILE_MIB_S * mib));
}

/* Whoever wants the code may not any more, whatever the compiler says meanwhile. */
static int ask_on(const struct job *job, uint64_t done, uint64_t all, struct error *err)
{
        const struct run_options *o = job->options;

        if (!o->progress || o->progress(o->context, done, all) == 0)
                return 0;
        return error_set(err, STAGE_COMPILE, -ECANCELED, ERROR_NOWHERE, "stopped");
}

/* 1: it has something to say; 0: ask again. */
static int wait_a_second(int sock, struct error *err)
{
        struct pollfd p = { .fd = sock, .events = POLLIN };
        int r = poll(&p, 1, 1000);

        if (r < 0 && errno != EINTR)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "waiting for the compiler: %m");
        return r > 0;
}

/* An honest one speaks twenty times a second at most. What it says of its progress counts when it is another
 * sixteenth: one that was taken over could speak for ever and never be done. */
#define WORDS_A_SECOND 20
#define PARTS          16

static bool has_progressed(const struct compile_status *s, unsigned *parts)
{
        unsigned now = s->bytes_all ? (unsigned)((unsigned __int128)s->offset * PARTS / s->bytes_all) : 0;

        if (now <= *parts)
                return false;
        *parts = now;
        return true;
}

static int await(int sock, struct process *p, const struct job *job, struct error *err)
{
        uint64_t done = 0, all = job->bytes;
        struct compile_status s;
        int idle = 0, r; /* in words */
        unsigned parts = 0;

        for (;;) {
                r = wait_a_second(sock, err);
                idle += r == 0 ? WORDS_A_SECOND : 1;
                if (idle / WORDS_A_SECOND > patience_s(job))
                        return compiler_lost(p, err);
                if (r == 0)
                        r = ask_on(job, done, all, err);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                if (recv(sock, &s, sizeof(s), 0) != sizeof(s))
                        return compiler_lost(p, err);
                switch (s.kind) {
                case COMPILE_DONE:
                        return 0;
                case COMPILE_FAILED:
                        return take_failure(&s, err);
                case COMPILE_PROGRESS:
                        if (s.offset > s.bytes_all)
                                continue;
                        if (has_progressed(&s, &parts))
                                idle = 0;
                        done = s.offset;
                        all = s.bytes_all;
                        r = ask_on(job, done, all, err);
                        if (r < 0)
                                return r;
                        continue;
                default:
                        return compiler_lost(p, err);
                }
        }
}

/* Of its address space, which a sanitizer has no bound for. It has not yet got an order, nor locked itself up. */
static int bound(const struct process *p, const struct job *job, struct error *err)
{
        uint64_t bytes = BACKGROUND_BYTES + BACKGROUND_MIB_BYTES * ((job->bytes >> 20) + 1);
        struct rlimit limit = { bytes, bytes };

#ifdef NACELLE_SANITIZERS
        return 0;
#endif
        if (!job->options->background || prlimit(p->pid, RLIMIT_AS, &limit, NULL) == 0)
                return 0;
        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "bounding the compiler's memory: %m");
}

static struct compile_order order_of(const struct job *job)
{
        struct compile_order order = {
                .magic = COMPILE_JOB_MAGIC, .mode = job->mode, .tier = job->options->tier,
                .jobs = jobs_of(job->options), .degraded = job->options->degraded,
                .machine = job->options->machine,
                .dense = job->options->dense,
                .deterministic = job->options->deterministic,
                .cpu = job->cpu, .input_bytes = job->bytes,
                .features_changed = job->options->features_changed,
        };

        memcpy(order.key, job->key.bytes, sizeof(order.key));
        if (job->done) {
                order.snapshot_at = job->snapshot_at;
                order.snapshot_bytes = job->snapshot_bytes;
                strncpy(order.done, job->done, sizeof(order.done) - 1);
        }
        order.nhot = job->nhot < COMPILE_HOT_MAX ? job->nhot : COMPILE_HOT_MAX;
        if (order.nhot)
                memcpy(order.hot, job->hot, order.nhot * sizeof(order.hot[0]));
        return order;
}

/* @in is sealed; @ret_out: the artefact, -EBADF for a mere check. */
int compiler_run(const struct job *job, int in, int *ret_out, struct error *err)
{
        const struct compile_order order = order_of(job);
        char *argv[] = { (char *)"nacelle-compiler", NULL };
        _cleanup_close_ int out = -EBADF, ours = -EBADF, theirs = -EBADF;
        _cleanup_(process_done) struct process p = { 0 };
        char path[4096];
        int pair[2], r;

        /* The optimising generator is a program, and a package, of its own. */
        if (job->options->tier != TIER_FAST && job->mode == COMPILE_MODE_ARTEFACT)
                argv[0] = (char *)"nacelle-compiler-peak";
        r = program_find(argv[0], path, sizeof(path), err);
        if (r == -ENOENT && job->options->tier != TIER_FAST)
                return error_set(err, STAGE_COMPILE, -EOPNOTSUPP, ERROR_NOWHERE,
                                 "the optimising compiler (%s) is not installed", argv[0]);
        if (r < 0)
                return r;
        if (job->mode == COMPILE_MODE_ARTEFACT) {
                out = memfd_create("nacelle-artefact", MFD_CLOEXEC | MFD_ALLOW_SEALING);
                if (out < 0)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "artefact: %m");
        }
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
        ours = pair[0];
        theirs = pair[1];
        r = process_start(path, argv, (int[]) { -EBADF, -EBADF, HELPER_STDERR, theirs, in, out }, 6,
                          -EBADF, &p, err);
        if (r < 0)
                return r;
        close(TAKE_FD(theirs));
        r = bound(&p, job, err);
        if (r < 0)
                return r;
        if (send(ours, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
                return compiler_lost(&p, err);
        r = await(ours, &p, job, err);
        if (r < 0)
                return r;
        process_done(&p); /* nobody may hold a writable view when the seal goes on */
        if (out >= 0 &&
            fcntl(out, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "sealing the artefact: %m");
        *ret_out = TAKE_FD(out);
        return 0;
}
