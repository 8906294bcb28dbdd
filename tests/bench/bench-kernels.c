/* bench-kernels - speed of compiled kernels against native code.
 *
 *   bench-kernels [--tier fast|peak] [--cpu LEVEL] [--rounds N] DIRECTORY [NAME]...
 *
 * DIRECTORY is what build-kernels.sh made. Native and compiled code take turns; the least time of
 * each over the rounds counts. Results must be equal. Ends with the geometric mean of the ratios. */
#include <dirent.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/guest.h"

#define ROUND_SECONDS 0.03

typedef uint64_t native_kernel(uint32_t n);

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t run_guest(const struct extern_value *f, uint32_t n)
{
        union value arg = { .i32 = n }, result = { .bits = { 0, 0 } };
        struct trap_info trap = { 0 };

        if (guest_run(f, &arg, &result, &trap) < 0) {
                printf("trap: %s\n", trap_text(trap.trap));
                exit(EXIT_FAILURE);
        }
        return result.i64;
}

/* Repeats that take long enough natively. */
static uint32_t calibrate(native_kernel *native)
{
        volatile uint64_t sink;

        for (uint32_t n = 1;; n *= 2) {
                double t = now();

                sink = native(n);
                (void)sink;
                t = now() - t;
                if (t > ROUND_SECONDS || n > 1u << 28)
                        return n;
                if (t > 1e-4 && t * 4 < ROUND_SECONDS)
                        n = (uint32_t)(n * (ROUND_SECONDS / t) / 2) + 1;
        }
}

static double bench(void *library, const char *directory, const char *name,
                    const struct compile_options *o, int rounds)
{
        char path[512], symbol[300];
        double best = INFINITY, best_native = INFINITY;
        native_kernel *native;
        struct extern_value f;
        uint32_t n;

        snprintf(path, sizeof(path), "%s/%s.wasm", directory, name);
        snprintf(symbol, sizeof(symbol), "kernel_%s", name);
        *(void **)&native = dlsym(library, symbol);
        if (!native) {
                fprintf(stderr, "no %s\n", symbol);
                exit(EXIT_FAILURE);
        }
        f = guest_function(guest_load(path, o), "kernel");
        n = calibrate(native);
        for (int i = 0; i < rounds; i++) {
                double t0 = now(), t1, t2;
                uint64_t a = native(n), b;

                t1 = now();
                b = run_guest(&f, n);
                t2 = now();
                if (a != b) {
                        printf("%s(%u): native %#" PRIx64 ", guest %#" PRIx64 "\n", name, n, a, b);
                        return NAN;
                }
                best_native = fmin(best_native, t1 - t0);
                best = fmin(best, t2 - t1);
        }
        printf("%-16s %8.2f ms %8.2f ms  %5.2f\n", name, best_native * 1e3, best * 1e3,
               best / best_native);
        fflush(stdout);
        return best / best_native;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_kernel(const struct dirent *e)
{
        const char *dot = strrchr(e->d_name, '.');

        return dot && strcmp(dot, ".wasm") == 0;
}

static bool wanted(const char *name, int argc, char **argv)
{
        for (int i = 0; i < argc; i++)
                if (strcmp(argv[i], name) == 0)
                        return true;
        return argc == 0;
}

int main(int argc, char **argv)
{
        struct compile_options o = { .tier = TIER_FAST, .jobs = 1, .cpu = cpu_features_host() };
        struct dirent **entries;
        char path[512];
        double sum = 0;
        void *library;
        int i = 1, n, rounds = 5, count = 0;

        for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
                if (strcmp(argv[i], "--tier") == 0)
                        o.tier = strcmp(argv[i + 1], "peak") == 0 ? TIER_PEAK : TIER_FAST;
                else if (strcmp(argv[i], "--rounds") == 0)
                        rounds = atoi(argv[i + 1]);
                else if (strcmp(argv[i], "--cpu") == 0 &&
                         cpu_features_parse(argv[i + 1], &o.cpu) < 0)
                        return EXIT_FAILURE;
        }
        if (i >= argc)
                return EXIT_FAILURE;
        snprintf(path, sizeof(path), "%s/native.so", argv[i]);
        library = dlopen(path, RTLD_NOW);
        if (!library) {
                fprintf(stderr, "%s\n", dlerror());
                return EXIT_FAILURE;
        }
        n = scandir(argv[i], &entries, is_kernel, by_name);
        for (int k = 0; k < n; k++) {
                double ratio;

                *strrchr(entries[k]->d_name, '.') = '\0';
                if (!wanted(entries[k]->d_name, argc - i - 1, argv + i + 1))
                        continue;
                ratio = bench(library, argv[i], entries[k]->d_name, &o, rounds);
                if (!isnan(ratio)) {
                        sum += log(ratio);
                        count++;
                }
        }
        printf("geometric mean of %d: %.3f\n", count, exp(sum / count));
        return EXIT_SUCCESS;
}
