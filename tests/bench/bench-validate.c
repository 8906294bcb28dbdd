/* bench-validate FILE [JOBS [ROUNDS]] - MB/s of decoding and of validation, the best of ROUNDS
 * (5), by the clock and per core (the time that all threads had a processor, which a busy machine
 * does not disturb as much). A file that is refused gives its error and exit status 65. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/base/pool.h"
#include "engine/decode/decode.h"
#include "engine/validate/validate.h"

static double now_s(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint8_t *map_file(const char *path, size_t *ret_size)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        void *p;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
                return NULL;
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (p == MAP_FAILED)
                return NULL;
        *ret_size = (size_t)st.st_size;
        return p;
}

struct result {
        double decode_s, validate_s, validate_cpu_s;
        size_t code_bytes, decode_memory, validate_memory;
        uint32_t nfunctions;
};

static int run_once(const uint8_t *bytes, size_t size, unsigned jobs, struct result *best)
{
        _cleanup_(module_freep) struct module *m = NULL;
        _cleanup_(checked_module_freep) struct checked_module *c = NULL;
        struct error err = { 0 };
        double t0 = now_s(CLOCK_MONOTONIC), t1, t2, cpu;
        int r;

        r = module_decode(bytes, size, &limits_default, FEATURES_DEFAULT, 0, &m, &err);
        t1 = now_s(CLOCK_MONOTONIC);
        cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
        if (r == 0)
                r = module_validate(m, &limits_default, FEATURES_DEFAULT, jobs, &c, &err);
        t2 = now_s(CLOCK_MONOTONIC);
        cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        if (r < 0) {
                error_print(stderr, "bench-validate", &err);
                return r;
        }
        if (best->decode_s == 0 || t1 - t0 < best->decode_s)
                best->decode_s = t1 - t0;
        if (best->validate_s == 0 || t2 - t1 < best->validate_s)
                best->validate_s = t2 - t1;
        if (best->validate_cpu_s == 0 || cpu < best->validate_cpu_s)
                best->validate_cpu_s = cpu;
        best->code_bytes = 0;
        for (uint32_t i = 0; i < m->nfunctions; i++)
                best->code_bytes += m->functions[i].body.size;
        best->nfunctions = m->nfunctions;
        best->decode_memory = pool_used(m->pool);
        best->validate_memory = pool_used(c->pool);
        return 0;
}

int main(int argc, char **argv)
{
        unsigned jobs = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
        int rounds = argc > 3 ? atoi(argv[3]) : 5;
        struct result best = { 0 };
        uint8_t *bytes;
        size_t size;

        if (argc < 2) {
                fprintf(stderr, "usage: bench-validate FILE [JOBS [ROUNDS]]\n");
                return 64;
        }
        bytes = map_file(argv[1], &size);
        if (!bytes) {
                perror(argv[1]);
                return 66;
        }
        for (int i = 0; i < rounds; i++)
                if (run_once(bytes, size, jobs, &best) < 0)
                        return 65;
        printf("%s: %.1f MB, %u functions, %.1f MB of code\n", argv[1], (double)size / 1e6,
               best.nfunctions, (double)best.code_bytes / 1e6);
        printf("  decode   %7.2f ms  %7.0f MB/s  %zu bytes of memory\n", best.decode_s * 1e3,
               (double)size / 1e6 / best.decode_s, best.decode_memory);
        printf("  validate %7.2f ms  %7.0f MB/s of code, %u threads, %.0f per core  %zu bytes of "
               "memory\n", best.validate_s * 1e3, (double)best.code_bytes / 1e6 / best.validate_s,
               jobs, (double)best.code_bytes / 1e6 / best.validate_cpu_s, best.validate_memory);
        return 0;
}
