/* density.c - see density.h. */
#include "config.h"

#include "supervisor/broker/density.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/compile/abi.h"
#include "engine/instance/slots.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define MAPPINGS_KEPT   1024u /* for the program, its libraries, heap, artefacts, images */
#define ADDRESSES_KEPT  (UINT64_C(2) << 40)
#define ADDRESS_BYTES   (UINT64_C(1) << 47)
#define SMALL_STACK     ((size_t)256 << 10)

static uint64_t read_number(const char *path, uint64_t none)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[32], *end;
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        uint64_t v;

        if (n <= 0)
                return none;
        text[n] = '\0';
        v = strtoull(text, &end, 10);
        return end == text ? none : v; /* memory.max says "max" when there is none */
}

static uint64_t meminfo(const char *name)
{
        FILE *f = fopen("/proc/meminfo", "re");
        char line[128];
        uint64_t kib = 0;
        size_t n = strlen(name);

        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, name, n) == 0 && line[n] == ':')
                        kib = strtoull(line + n + 1, NULL, 10);
        if (f)
                fclose(f);
        return kib << 10;
}

/* The least limit on the way from our control group to the root. */
static uint64_t cgroup_limit(void)
{
        FILE *f = fopen("/proc/self/cgroup", "re");
        char line[4096], path[4200];
        uint64_t least = UINT64_MAX;

        while (f && fgets(line, sizeof(line), f)) {
                char *at = line + 3, *slash;

                if (strncmp(line, "0::", 3) != 0)
                        continue;
                at[strcspn(at, "\n")] = '\0';
                while ((slash = strrchr(at, '/'))) {
                        uint64_t limit;

                        snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", at);
                        limit = read_number(path, UINT64_MAX);
                        least = limit < least ? limit : least;
                        *slash = '\0';
                }
        }
        if (f)
                fclose(f);
        return least;
}

static bool try_guard(void)
{
        void *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool has = p != MAP_FAILED && madvise(p, 4096, MADV_GUARD_INSTALL) == 0;

        if (p != MAP_FAILED)
                munmap(p, 8192);
        return has;
}

static bool try_scan(void)
{
        _cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        /* struct pm_scan_arg of include/uapi/linux/fs.h; an empty range */
        uint64_t request[12] = { sizeof(request) };

        return fd >= 0 && ioctl(fd, _IOWR('f', 16, uint64_t[12]), request) == 0;
}

void density_host(struct density_host *ret)
{
        struct rlimit as = { .rlim_cur = RLIM_INFINITY };

        (void)getrlimit(RLIMIT_AS, &as);
        *ret = (struct density_host) {
                .memory_bytes = meminfo("MemTotal"),
                .cgroup_bytes = cgroup_limit(),
                .address_bytes = as.rlim_cur == RLIM_INFINITY ? UINT64_MAX : as.rlim_cur,
                .map_count = read_number("/proc/sys/vm/max_map_count", 65530),
                .overcommit_never = read_number("/proc/sys/vm/overcommit_memory", 0) == 2,
                .commit_bytes = meminfo("CommitLimit"),
                .guards = try_guard(),
                .scan = try_scan(),
        };
}

static uint64_t memory_of(const struct density_host *host)
{
        return host->cgroup_bytes < host->memory_bytes ? host->cgroup_bytes : host->memory_bytes;
}

int density_derive(const struct density_host *host, bool dense, uint64_t memory_max, struct density *ret,
                   struct error *err)
{
        struct slots_options o = { .count = 1, .stack_bytes = dense ? SMALL_STACK : 0,
                                   .memory_bytes = dense ? memory_max : 0 };
        struct slots_figures figures;
        struct density d = { 0 };
        uint64_t addresses = ADDRESS_BYTES - ADDRESSES_KEPT, guest;
        int r;

        if (dense && !memory_max)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "dense slots need a limit of memory");
        r = slots_measure(&o, &figures, err);
        if (r < 0)
                return r;
        d.slot_bytes = figures.slot_bytes;
        d.mappings = dense && !host->guards ? 2 : figures.mappings;
        guest = DENSITY_IDLE_KIB << 10;
        d.idle_bytes = guest + (dense ? figures.slot_bytes >> 9 : DENSITY_TABLE_KIB << 10);
        if (host->address_bytes < addresses)
                addresses = host->address_bytes;
        d.most[DENSITY_ADDRESSES] = addresses / d.slot_bytes;
        if (host->overcommit_never && dense) /* default slots are out of reach at first, and not counted */
                d.most[DENSITY_ADDRESSES] = host->commit_bytes / 2 / d.slot_bytes;
        d.most[DENSITY_MAPPINGS] = !d.mappings ? UINT64_MAX
                                   : host->map_count <= MAPPINGS_KEPT
                                           ? 0
                                           : (host->map_count - MAPPINGS_KEPT) / d.mappings;
        d.most[DENSITY_MEMORY] = memory_of(host) / 4 * 3 / d.idle_bytes;
        d.most[DENSITY_LIMIT] = DENSITY_MAX;
        for (unsigned k = 1; k < _DENSITY_BOUND_MAX; k++)
                if (d.most[k] < d.most[d.bound])
                        d.bound = k;
        d.slots = d.most[d.bound];
        *ret = d;
        return 0;
}

static char *bytes_text(uint64_t bytes, char text[static 32])
{
        static const char units[] = "KMGT";
        double v = (double)bytes / 1024;
        unsigned k = 0;

        for (; v >= 1024 && units[k + 1]; k++)
                v /= 1024;
        snprintf(text, 32, v < 10 ? "%.1f %ciB" : "%.0f %ciB", v, units[k]);
        return text;
}

char *density_text(const struct density_host *host, const struct density *d, enum density_bound bound,
                   char *text, unsigned size)
{
        char a[32], b[32];

        switch (bound) {
        case DENSITY_ADDRESSES:
                if (host->overcommit_never && d->mappings == 0)
                        snprintf(text, size, "address space: half of CommitLimit, %s, by %s (vm.overcommit_memory is 2)",
                                 bytes_text(host->commit_bytes / 2, a), bytes_text(d->slot_bytes, b));
                else
                        snprintf(text, size, "address space: %s, by %s",
                                 bytes_text(host->address_bytes < ADDRESS_BYTES ? host->address_bytes
                                                                                : ADDRESS_BYTES - ADDRESSES_KEPT, a),
                                 bytes_text(d->slot_bytes, b));
                break;
        case DENSITY_MAPPINGS:
                if (d->mappings)
                        snprintf(text, size, "mappings: vm.max_map_count is %" PRIu64 ", less %u of the cell's own, by %u",
                                 host->map_count, MAPPINGS_KEPT, d->mappings);
                else
                        snprintf(text, size, "mappings: all of them are one");
                break;
        case DENSITY_MEMORY:
                snprintf(text, size, "memory: three quarters of %s (%s), by %s for an idle one",
                         bytes_text(memory_of(host), a),
                         host->cgroup_bytes < host->memory_bytes ? "memory.max of the control group" : "the machine's",
                         bytes_text(d->idle_bytes, b));
                break;
        default:
                snprintf(text, size, "Nacelle's own limit for a cell");
        }
        return text;
}
