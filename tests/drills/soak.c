/* soak.c - nanoprocesses made and ended, again and again: what the cell and this process hold stays as it is
 * (drill O21). soak [COUNT]: 20,000; NACELLE_SOAK in the environment says another number, such as 10000000. */
#include "config.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/text/text.h"
#include "supervisor/broker/guests.h"

#define BATCH 50u /* at a time */

/* The slow ones are all there at the same time, so that later no more slots are needed than they had. */
static const char slow[] = "(module (memory 1) (func (export \"_start\") (local i32) (i32.store (i32.const 0) (i32.const 42)) "
                           "(loop $l (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) "
                           "(i32.const 4000000))))))";
static const char nothing[] = "(module (memory 1) (func (export \"_start\") (i32.store (i32.const 0) (i32.const 42))))";
static struct error err;
static unsigned ended, wrong;

static _noreturn_ void fail(const char *what)
{
        printf("FAIL %s: %s\n0 passed, 1 failed, 0 skipped\n", what, err.text);
        exit(EXIT_FAILURE);
}

static void on_ended(void *context, uint64_t guest, const struct guest_ended *e)
{
        (void)context, (void)guest;
        ended++;
        wrong += e->end != GUEST_RETURNED;
}

static uint32_t load(struct guest_cell *c, const char *wat)
{
        struct run_options o = { .no_cache = true };
        _cleanup_(buffer_done) struct buffer b = { 0 };
        int fd = memfd_create("module", MFD_CLOEXEC), artefact;
        uint32_t module;

        if (text_module_to_binary(wat, strlen(wat), &b, &err) < 0 ||
            write(fd, b.bytes, b.size) != (ssize_t)b.size || broker_artefact(&o, fd, &artefact, &err) < 0 ||
            cell_load(c, artefact, &module, &err) < 0)
                fail("the module");
        close(fd);
        close(artefact);
        return module;
}

static void batch(struct guest_cell *c, uint32_t module, uint64_t first)
{
        unsigned until = ended + BATCH;

        for (unsigned i = 0; i < BATCH; i++) {
                const struct guest_spec spec = { .guest = first + i, .module = module, .slot = UINT32_MAX,
                                                 .path_fd = -EBADF,
                                                 .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED } };

                if (cell_spawn(c, &spec, &err) < 0)
                        fail("a nanoprocess");
        }
        while (ended < until) {
                struct pollfd p = { .fd = cell_fd(c), .events = cell_fd_events(c) };

                (void)poll(&p, 1, 1000);
                if (cell_dispatch(c, 0) < 0)
                        fail("the cell was lost");
        }
}

struct held { /* by a process */
        unsigned fds, maps;
        long rss_kib;
};

static unsigned count_fds(const char *path)
{
        DIR *d = opendir(path);
        unsigned n = 0;

        while (d && readdir(d))
                n++;
        if (d)
                closedir(d);
        return n;
}

static struct held look(int pid)
{
        struct held h = { 0 };
        char path[64], line[512];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/fd", pid);
        h.fds = count_fds(path);
        snprintf(path, sizeof(path), "/proc/%d/maps", pid);
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                h.maps++;
        if (f)
                fclose(f);
        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                (void)sscanf(line, "VmRSS: %ld", &h.rss_kib);
        if (f)
                fclose(f);
        return h;
}

/* Which slots are used is chance, so up to a batch of them may be new; a leak for each nanoprocess would show. */
static bool same(const char *who, const struct held *a, const struct held *b, uint64_t n)
{
        long grown = b->rss_kib - a->rss_kib;
        bool good = b->fds == a->fds && b->maps <= a->maps + 3 * BATCH &&
                    grown <= 1024 + 40 * (long)BATCH + (long)(n / 16);

        printf("%s %s after %" PRIu64 " nanoprocesses: %u descriptors, before %u; %u mappings, before %u; %ld KiB, "
               "before %ld\n", good ? "pass" : "FAIL", who, n, b->fds, a->fds, b->maps, a->maps, b->rss_kib, a->rss_kib);
        return good;
}

int main(int argc, char **argv)
{
        static const struct guest_events events = { .ended = on_ended };
        const struct cell_settings s = { .arena_bytes = 4 << 20, .stdio = { -EBADF, -EBADF, -EBADF } };
        const char *count = argc > 1 ? argv[1] : getenv("NACELLE_SOAK");
        uint64_t n = count ? strtoull(count, NULL, 10) : 20000, done = 0;
        struct held cell[2], us[2];
        struct guest_cell *c;
        unsigned good;
        uint32_t module;

        broker_programs(BUILD_DIR);
        if (cell_open(&s, &events, NULL, &c, &err) < 0)
                fail("the cell");
        module = load(c, nothing);
        batch(c, load(c, slow), 1);
        for (unsigned i = 1; i <= 20; i++)
                batch(c, module, 1 + i * BATCH);
        cell[0] = look(cell_pid(c));
        us[0] = look(getpid());
        for (; done < n; done += BATCH)
                batch(c, module, 1 + 21 * BATCH + done);
        cell[1] = look(cell_pid(c));
        us[1] = look(getpid());
        good = same("the cell", &cell[0], &cell[1], done) + (unsigned)same("the broker", &us[0], &us[1], done) +
               (wrong == 0 && cell_guests(c) == 0);
        cell_close(c);
        printf("%u passed, %u failed, 0 skipped\n", good, 3 - good);
        return good == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
