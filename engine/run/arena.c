#define _GNU_SOURCE /* memfd_create */

#include "engine/run/arena.h"

#include <string.h>
#include <sys/mman.h>

#include "engine/run/run.h"

#define ARENA_PAGE ((size_t)4096)

struct arena {
        uint8_t *write, *run; /* the same memory twice */
        size_t bytes, used;
};

int arena_new(size_t bytes, struct arena **ret, struct error *err)
{
        _cleanup_(arena_freep) struct arena *a = calloc(1, sizeof(*a));
        _cleanup_close_ int fd = -EBADF;

        if (!a)
                return error_set(err, STAGE_RUN, -ENOMEM, ERROR_NOWHERE, "no memory for an arena");
        a->bytes = (bytes + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1);
        fd = memfd_create("nacelle-code", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t)a->bytes) < 0)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE,
                                 "a memory file of %zu bytes", a->bytes);
        a->write = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (a->write == MAP_FAILED) {
                a->write = NULL;
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE, "mapping %zu bytes",
                                 a->bytes);
        }
        a->run = mmap(run_arena_place(a->bytes), a->bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
        if (a->run == MAP_FAILED) {
                a->run = NULL;
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE, "mapping %zu bytes of code",
                                 a->bytes);
        }
        run_arena(a->run, a->bytes);
        *ret = TAKE_PTR(a);
        return 0;
}

int arena_add(struct arena *a, const void *bytes, size_t size, void **ret, struct error *err)
{
        size_t room = (size + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1);

        if (size > a->bytes || room > a->bytes - a->used)
                return error_set(err, STAGE_RUN, -ENOSPC, ERROR_NOWHERE,
                                 "%zu bytes of code do not fit the arena's %zu", size, a->bytes);
        memcpy(a->write + a->used, bytes, size);
        *ret = a->run + a->used;
        a->used += room;
        return 0;
}

void arena_free(struct arena *a)
{
        if (!a)
                return;
        if (a->run) {
                run_arena(NULL, 0);
                munmap(a->run, a->bytes);
        }
        if (a->write)
                munmap(a->write, a->bytes);
        free(a);
}
