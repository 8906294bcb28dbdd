#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/text/text.h"
#include "tests/unit/supervisor/one_cell.h"
#include "tests/unit/unit.h"

struct guest_cell *cell;
struct error err;

static char cache[40];

void one_cell_begin(void)
{
        broker_programs(getenv("NACELLE_PROGRAMS") ?: BUILD_DIR);
        strcpy(cache, "/tmp/nacelle-cell-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(cache));
        err = (struct error) { 0 };
}

void one_cell_open(const struct guest_events *events, size_t arena_bytes, unsigned workers)
{
        struct cell_settings s = { .arena_bytes = arena_bytes, .workers = workers,
                                   .stdio = { -EBADF, -EBADF, -EBADF } };

#ifdef NACELLE_SANITIZERS
        s.stdio[2] = 2;
#endif
        ck_assert_msg(cell_open(&s, events, NULL, &cell, &err) == 0, "%s", err.text);
}

void one_cell_end(void)
{
        char command[64];

        cell_close(cell);
        cell = NULL;
        snprintf(command, sizeof(command), "rm -rf %s", cache);
        ck_assert_int_eq(system(command), 0);
}

int one_cell_try(const char *wat, bool dense, uint32_t *ret)
{
        struct run_options o = { .cache = cache, .dense = dense };
        _cleanup_(buffer_done) struct buffer b = { 0 };
        int fd = memfd_create("module", MFD_CLOEXEC), artefact = -EBADF, r;

        ck_assert_msg(text_module_to_binary(wat, strlen(wat), &b, &err) == 0, "%s", err.text);
        ck_assert_int_eq(write(fd, b.bytes, b.size), (ssize_t)b.size);
        ck_assert_msg(broker_artefact(&o, fd, &artefact, &err) == 0, "%s", err.text);
        r = cell_load(cell, artefact, ret, &err);
        close(fd);
        close(artefact);
        return r;
}

uint32_t one_cell_load(const char *wat, bool dense)
{
        uint32_t module = 0;

        ck_assert_msg(one_cell_try(wat, dense, &module) == 0, "%s", err.text);
        return module;
}

struct guest_spec one_cell_spec(uint64_t guest, uint32_t module)
{
        return (struct guest_spec) { .guest = guest, .module = module, .slot = UINT32_MAX, .path_fd = -EBADF,
                                     .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED } };
}
