/* compile.c - a module becomes an artefact: from the cache, or in a compiler process of its own. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/artefact/cache.h"
#include "engine/base/limits.h"
#include "supervisor/broker/broker.h"
#include "supervisor/broker/code_arena.h"
#include "supervisor/broker/compiler.h"
#include "supervisor/broker/found.h"
#include "supervisor/broker/pin.h"
#include "supervisor/proto/compile_job.h"

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

static int digest_of(int fd, struct job *job, struct error *err)
{
        void *bytes = NULL;

        if (job->bytes) {
                bytes = mmap(NULL, job->bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
                if (bytes == MAP_FAILED)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "reading: %m");
        }
        module_digest_compute(bytes, job->bytes, &job->digest);
        if (job->bytes)
                munmap(bytes, job->bytes);
        return 0;
}

static void key_of(struct job *job, enum tier tier)
{
        const struct run_options *o = job->options;

        artefact_key_of(&job->digest,
                        &(struct artefact_choice) { .tier = tier, .cpu = job->cpu, .machine = o->machine,
                                                    .dense = o->dense, .deterministic = o->deterministic },
                        &job->key);
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

/* A cache that does not work costs time, not the run; only one that was asked for by name must. */
int artefact_cache(const struct run_options *o, int *ret, struct error *err)
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
        struct stamp stamp = { .key = f->key, .digest = f->digest };

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
        f->digest = stamp.digest;
        f->fd = cache_find(f->cache, &stamp.key, NULL);
        f->whole = f->fd >= 0 && stamp_identity(f->fd, false, &entry) &&
                   memcmp(&entry, &stamp.entry, sizeof(entry)) == 0;
        return f->fd >= 0;
}

/* In this order: the last one is what was asked for, the others will do when any does. */
static unsigned acceptable(const struct run_options *o, enum tier ret[3])
{
        unsigned n = 0;

        if (o->auto_tier) {
                ret[n++] = TIER_PEAK;
                ret[n++] = TIER_MIXED;
        }
        ret[n++] = o->tier;
        return n;
}

static bool find_by_key(struct job *job, struct found *f)
{
        enum tier tiers[3];
        unsigned n = acceptable(job->options, tiers);

        for (unsigned i = 0; i < n; i++) {
                f->choice.tier = tiers[i];
                key_of(job, tiers[i]);
                f->key = job->key;
                f->fd = cache_find(f->cache, &f->key, NULL);
                if (f->fd >= 0)
                        return true;
        }
        return false;
}

static bool find_by_stamps(const struct job *job, struct found *f)
{
        enum tier tiers[3];
        unsigned n = acceptable(job->options, tiers);

        for (unsigned i = 0; i < n; i++) {
                f->choice.tier = tiers[i];
                if (find_by_stamp(f))
                        return true;
        }
        return false;
}

static int find_or_compile(struct job *job, int fd, struct found *f, struct error *err)
{
        bool look = f->cache >= 0 && !job->options->refresh;
        _cleanup_close_ int copy = -EBADF;
        struct identity after;
        int r;

        f->compiled = true;
        if (f->cache >= 0)
                f->stampable = stamp_identity(fd, true, &f->module);
        /* A stamp is about the file, not about the copy that a pin was checked on. */
        if (look && f->stampable && job->pinned < 0 && find_by_stamps(job, f))
                return 0;
        /* What is hashed, compiled and stored under the hash must be the same bytes: one copy. */
        copy = job->pinned >= 0 ? TAKE_FD(job->pinned) : memfd_copy(fd, job->bytes, "nacelle-module", err);
        if (copy < 0)
                return copy;
        f->stampable = f->stampable && stamp_identity(fd, true, &after) &&
                       memcmp(&f->module, &after, sizeof(after)) == 0;
        r = digest_of(copy, job, err);
        if (r < 0)
                return r;
        f->digest = job->digest;
        if (look && find_by_key(job, f))
                return 0;
        f->choice.tier = job->options->tier;
        key_of(job, f->choice.tier);
        f->key = job->key;
        r = compiler_run(job, copy, &f->fd, err);
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
                r = f.fd < 0 ? f.fd : digest_of(f.fd, &job, err);
                f.digest = job.digest;
        } else {
                r = artefact_cache(o, &f.cache, err);
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
                     const uint32_t *hot, uint32_t nhot, int *ret_fd, struct error *err)
{
        struct job job = { .options = o, .mode = COMPILE_MODE_ARTEFACT, .cpu = found->choice.cpu,
                           .hot = hot, .nhot = nhot, .pinned = -EBADF };
        _cleanup_close_ int copy = -EBADF, artefact = -EBADF, entry = -EBADF;
        struct found better = *found;
        int r;

        r = file_size(file, &job.bytes, err);
        if (r < 0)
                return r;
        copy = memfd_copy(file, job.bytes, "nacelle-module", err);
        if (copy < 0)
                return copy;
        r = digest_of(copy, &job, err);
        if (r < 0)
                return r;
        /* That they are the same bytes is all that a pin could say. */
        if (memcmp(&job.digest, &found->digest, sizeof(job.digest)) != 0)
                return error_set(err, STAGE_BROKER, -ESTALE, ERROR_NOWHERE, "the module has changed");
        better.choice.tier = o->tier;
        key_of(&job, o->tier);
        better.key = job.key;
        r = compiler_run(&job, copy, &artefact, err);
        if (r < 0)
                return r;
        better.fd = artefact;
        if (better.cache >= 0) {
                store(&better);
                entry = cache_find(better.cache, &better.key, NULL);
                note_whole(&better, entry);
        }
        if (ret_fd)
                *ret_fd = TAKE_FD(artefact);
        return entry < 0 && !ret_fd ? -ENOSPC : 0;
}

int artefact_of_snapshot(const struct run_options *o, int fd, const struct snapshot_parts *parts, int *ret_fd,
                         struct error *err)
{
        struct job job = { .options = o, .mode = COMPILE_MODE_ARTEFACT, .cpu = o->cpu ? o->cpu : cpu_features_host(),
                           .bytes = parts->snapshot_at + parts->snapshot_bytes, .done = parts->done,
                           .snapshot_at = parts->snapshot_at, .snapshot_bytes = parts->snapshot_bytes,
                           .pinned = -EBADF };
        int r = digest_of(fd, &job, err); /* of module and state */

        if (r < 0)
                return r;
        key_of(&job, o->tier);
        job.bytes = parts->module_bytes;
        return compiler_run(&job, fd, ret_fd, err);
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
        return copy < 0 ? copy : compiler_run(&job, copy, &none, err);
}
