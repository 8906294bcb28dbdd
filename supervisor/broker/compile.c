/* compile.c - a module becomes an artefact: from the cache, or in a compiler process of its own. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/artefact/cache.h"
#include "engine/base/limits.h"
#include "policy/policy.h"
#include "supervisor/broker/broker.h"
#include "supervisor/broker/code_arena.h"
#include "supervisor/broker/found.h"
#include "supervisor/broker/pin.h"
#include "supervisor/broker/spawn.h"
#include "supervisor/proto/compile_job.h"

struct job {
        const struct run_options *options;
        uint32_t mode;
        uint64_t bytes;
        uint64_t cpu;
        struct artefact_key key;
        const uint32_t *hot;
        uint32_t nhot;
        const char *done;       /* of a snapshot; NULL: there is none */
        uint64_t snapshot_at, snapshot_bytes;
        int pinned;      /* the copy of the module whose digest or signature was checked; or -EBADF */
};

static int file_size(int fd, uint64_t *ret, struct error *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%m");
        if (S_ISDIR(st.st_mode))
                return error_set(err, STAGE_USAGE, -EISDIR, ERROR_NOWHERE, "is a directory");
        if (!S_ISREG(st.st_mode))
                return error_set(err, STAGE_USAGE, -EACCES, ERROR_NOWHERE, "is not a regular file");
        if ((uint64_t)st.st_size > limits_default.module_bytes * 4)
                return error_set(err, STAGE_DECODE, -E2BIG, ERROR_NOWHERE, "%jd bytes are too many",
                                 (intmax_t)st.st_size);
        *ret = (uint64_t)st.st_size;
        return 0;
}

static bool is_artefact(int fd)
{
        char magic[4];

        return pread(fd, magic, 4, 0) == 4 && memcmp(magic, "\177ELF", 4) == 0;
}

static int key_of(int fd, const struct job *job, struct artefact_key *ret, struct error *err)
{
        void *bytes = NULL;

        if (job->bytes) {
                bytes = mmap(NULL, job->bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
                if (bytes == MAP_FAILED)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "reading: %m");
        }
        artefact_key_compute_for(bytes, job->bytes,
                                 &(struct artefact_choice) { .tier = job->options->tier, .cpu = job->cpu,
                                                             .machine = job->options->machine,
                                                             .dense = job->options->dense,
                                                             .deterministic = job->options->deterministic }, ret);
        if (job->bytes)
                munmap(bytes, job->bytes);
        return 0;
}

/* Check the one copy that everything else works on. */
static int check_pin(const struct module_pin *pin, int copy, uint64_t size, struct error *err)
{
        void *bytes = NULL;
        int r;

        if (size) {
                bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, copy, 0);
                if (bytes == MAP_FAILED)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "reading: %m");
        }
        r = pin_check(pin, bytes, size, err);
        if (size)
                munmap(bytes, size);
        return r;
}

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
static int set_patience(int sock, const struct job *job)
{
        uint64_t mib = (job->bytes >> 20) + 1;
        struct timeval t = { .tv_sec = (time_t)(2 * (POLICY_COMPILE_S + POLICY_COMPILE_MIB_S * mib)) };

        return setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

static int await(int sock, struct process *p, const struct job *job, struct error *err)
{
        const struct run_options *o = job->options;
        struct compile_status s;

        for (;;) {
                ssize_t n = recv(sock, &s, sizeof(s), 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n != sizeof(s))
                        return compiler_lost(p, err);
                switch (s.kind) {
                case COMPILE_DONE:
                        return 0;
                case COMPILE_FAILED:
                        return take_failure(&s, err);
                case COMPILE_PROGRESS:
                        if (!o->progress || s.offset > s.bytes_all ||
                            o->progress(o->context, s.offset, s.bytes_all) == 0)
                                continue;
                        return error_set(err, STAGE_COMPILE, -ECANCELED, ERROR_NOWHERE, "stopped");
                default:
                        return compiler_lost(p, err);
                }
        }
}

/* @in is sealed; @ret_out: the artefact, -EBADF for a mere check. */
static int run_compiler(const struct job *job, int in, int *ret_out, struct error *err)
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
        memcpy(order.key, job->key.bytes, sizeof(order.key));
        if (job->done) {
                order.snapshot_at = job->snapshot_at;
                order.snapshot_bytes = job->snapshot_bytes;
                strncpy(order.done, job->done, sizeof(order.done) - 1);
        }
        order.nhot = job->nhot < COMPILE_HOT_MAX ? job->nhot : COMPILE_HOT_MAX;
        if (order.nhot)
                memcpy(order.hot, job->hot, order.nhot * sizeof(order.hot[0]));

        r = process_start(path, argv, (int[]) { -EBADF, -EBADF, HELPER_STDERR, theirs, in, out }, 6,
                          &p, err);
        if (r < 0)
                return r;
        close(TAKE_FD(theirs));
        if (set_patience(ours, job) < 0 ||
            send(ours, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
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

/* A cache that does not work costs time, not the run; only one that was asked for by name must. */
static int open_cache(const struct run_options *o, int *ret, struct error *err)
{
        char path[4096];
        int fd;

        if (o->no_cache || o->features_changed)
                return 0;
        if (o->cache) {
                fd = cache_open(o->cache, err);
                if (fd < 0)
                        return fd;
        } else {
                if (cache_default_path(path, sizeof(path)) < 0)
                        return 0;
                fd = cache_open(path, NULL);
        }
        *ret = fd;
        return 0;
}

static void store(const struct found *f)
{
        struct stat st;
        void *bytes;

        if (fstat(f->fd, &st) < 0 || st.st_size <= 0)
                return;
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, f->fd, 0);
        if (bytes == MAP_FAILED)
                return;
        /* No room, a read-only disk: the run goes on without. */
        if (cache_store(f->cache, &f->key, bytes, (size_t)st.st_size, NULL) < 0)
                errno = 0;
        munmap(bytes, (size_t)st.st_size);
}

static void note_whole(const struct found *f, int entry)
{
        struct stamp stamp = { .key = f->key };

        if (f->stampable && entry >= 0 && stamp_identity(entry, false, &stamp.entry))
                stamp_store(f->cache, &f->module, &f->choice, &stamp);
}

void artefact_is_whole(struct found *f)
{
        f->whole = true;
        note_whole(f, f->fd);
}

/* The disk takes as long as the compiler did, and the guest need not wait for it: a child does. */
static void store_aside(struct found *f)
{
        f->storing = fork();
        if (f->storing > 0)
                return;
        store(f);
        note_whole(f, cache_find(f->cache, &f->key, NULL));
        if (f->storing == 0)
                _exit(0);
}

void found_done(struct found *f)
{
        if (f->storing > 0)
                while (waitpid(f->storing, NULL, 0) < 0 && errno == EINTR)
                        ;
        closep(&f->fd);
        closep(&f->cache);
        f->storing = 0;
}

/* Without reading the module: the stamp says which key this very file had. */
static bool find_by_stamp(struct found *f)
{
        struct identity entry;
        struct stamp stamp;

        if (stamp_find(f->cache, &f->module, &f->choice, &stamp) < 0)
                return false;
        f->key = stamp.key;
        f->fd = cache_find(f->cache, &stamp.key, NULL);
        f->whole = f->fd >= 0 && stamp_identity(f->fd, false, &entry) &&
                   memcmp(&entry, &stamp.entry, sizeof(entry)) == 0;
        return f->fd >= 0;
}

/* What is looked for before the tier that was asked for, when any will do. */
static const enum tier better_tiers[] = { TIER_PEAK, TIER_MIXED };

static int find_or_compile(struct job *job, int fd, struct found *f, struct error *err)
{
        bool look = f->cache >= 0 && !job->options->refresh;
        bool stamps = look && job->pinned < 0; /* a stamp is about the file, not about the copy */
        _cleanup_close_ int copy = -EBADF;
        struct identity after;
        int r;

        if (f->cache >= 0)
                f->stampable = stamp_identity(fd, true, &f->module);
        for (size_t i = job->options->auto_tier ? 0 : ELEMENTSOF(better_tiers); i < ELEMENTSOF(better_tiers);
             i++) {
                f->choice.tier = better_tiers[i];
                if (stamps && f->stampable && find_by_stamp(f))
                        return 0;
        }
        f->choice.tier = job->options->tier;
        if (stamps && f->stampable && find_by_stamp(f))
                return 0;
        /* What is hashed, compiled and stored under the hash must be the same bytes: one copy. */
        copy = job->pinned >= 0 ? TAKE_FD(job->pinned) : memfd_copy(fd, job->bytes, "nacelle-module", err);
        if (copy < 0)
                return copy;
        f->stampable = f->stampable && stamp_identity(fd, true, &after) &&
                       memcmp(&f->module, &after, sizeof(after)) == 0;
        r = key_of(copy, job, &f->key, err);
        if (r < 0)
                return r;
        if (look) {
                f->fd = cache_find(f->cache, &f->key, NULL);
                if (f->fd >= 0)
                        return 0;
        }
        job->key = f->key;
        r = run_compiler(job, copy, &f->fd, err);
        if (r < 0)
                return r;
        f->whole = true;
        if (f->cache >= 0)
                store_aside(f);
        return 0;
}

int artefact_find(const struct run_options *o, int fd, struct found *ret, struct error *err)
{
        struct job job = { .options = o, .mode = COMPILE_MODE_ARTEFACT,
                           .cpu = o->cpu || (o->machine && o->machine != MACHINE_HOST) ? o->cpu
                                                                                   : cpu_features_host(),
                           .pinned = -EBADF };
        _cleanup_(found_done) struct found f = {
                .fd = -EBADF, .cache = -EBADF,
                .choice = { .tier = o->tier, .machine = o->machine, .cpu = job.cpu, .dense = o->dense,
                            .deterministic = o->deterministic },
        };
        int r;

        r = file_size(fd, &job.bytes, err);
        if (r < 0)
                return r;
        if (o->pin) {
                job.pinned = memfd_copy(fd, job.bytes, "nacelle-module", err);
                r = job.pinned < 0 ? job.pinned : check_pin(o->pin, job.pinned, job.bytes, err);
                if (r < 0)
                        goto done;
        }
        if (is_artefact(job.pinned >= 0 ? job.pinned : fd)) {
                f.fd = job.pinned >= 0 ? TAKE_FD(job.pinned) : memfd_copy(fd, job.bytes, "nacelle-artefact", err);
                r = f.fd;
        } else {
                r = open_cache(o, &f.cache, err);
                if (r >= 0)
                        r = find_or_compile(&job, fd, &f, err);
        }
done:
        closep(&job.pinned);
        if (r < 0)
                return r;
        *ret = f;
        f = (struct found) { .fd = -EBADF, .cache = -EBADF };
        return 0;
}

int artefact_improve(const struct run_options *o, int file, const struct found *found,
                     const uint32_t *hot, uint32_t nhot, struct error *err)
{
        struct job job = { .options = o, .mode = COMPILE_MODE_ARTEFACT, .cpu = found->choice.cpu,
                           .bytes = found->module.size, .hot = hot, .nhot = nhot, .pinned = -EBADF };
        _cleanup_close_ int copy = -EBADF, artefact = -EBADF, entry = -EBADF;
        struct found better = *found;
        struct identity now;
        int r;

        copy = memfd_copy(file, job.bytes, "nacelle-module", err);
        if (copy < 0)
                return copy;
        if (!stamp_identity(file, true, &now) || memcmp(&now, &found->module, sizeof(now)) != 0)
                return error_set(err, STAGE_BROKER, -ESTALE, ERROR_NOWHERE, "the module has changed");
        r = o->pin ? check_pin(o->pin, copy, job.bytes, err) : 0;
        if (r < 0)
                return r;
        better.choice.tier = o->tier;
        r = key_of(copy, &job, &better.key, err);
        if (r < 0)
                return r;
        job.key = better.key;
        r = run_compiler(&job, copy, &artefact, err);
        if (r < 0)
                return r;
        better.fd = artefact;
        store(&better);
        entry = cache_find(better.cache, &better.key, NULL);
        note_whole(&better, entry);
        return entry < 0 ? -ENOSPC : 0;
}

int artefact_of_snapshot(const struct run_options *o, int fd, const struct snapshot_parts *parts, int *ret_fd,
                         struct error *err)
{
        struct job job = { .options = o, .mode = COMPILE_MODE_ARTEFACT, .cpu = o->cpu ? o->cpu : cpu_features_host(),
                           .bytes = parts->snapshot_at + parts->snapshot_bytes, .done = parts->done,
                           .snapshot_at = parts->snapshot_at, .snapshot_bytes = parts->snapshot_bytes,
                           .pinned = -EBADF };
        int r = key_of(fd, &job, &job.key, err); /* of module and state */

        job.bytes = parts->module_bytes;
        return r < 0 ? r : run_compiler(&job, fd, ret_fd, err);
}

int broker_artefact(const struct run_options *o, int fd, int *ret_fd, struct error *err)
{
        _cleanup_(found_done) struct found f = { .fd = -EBADF, .cache = -EBADF };
        int r = artefact_find(o, fd, &f, err);

        if (r >= 0)
                *ret_fd = TAKE_FD(f.fd);
        return r;
}

int broker_check(const struct run_options *o, int fd, struct error *err)
{
        struct job job = { .options = o, .mode = COMPILE_MODE_CHECK, .cpu = cpu_features_host(),
                           .pinned = -EBADF };
        _cleanup_close_ int copy = -EBADF;
        int none = -EBADF, r;

        r = file_size(fd, &job.bytes, err);
        if (r < 0)
                return r;
        copy = memfd_copy(fd, job.bytes, "nacelle-module", err);
        return copy < 0 ? copy : run_compiler(&job, copy, &none, err);
}
