/* bench-compile - MB of wasm per second of the fast generator.
 *
 *   bench-compile [--jobs N] [--rounds N] [--cpu LEVEL] MODULE.wasm
 *
 * Prints the best of the rounds for each stage. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/decode/decode.h"
#include "tests/bench/guest.h"

static double now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void least(double *best, double from)
{
        double t = now() - from;

        if (*best == 0 || t < *best)
                *best = t;
}

static uint64_t body_bytes(const struct module *m)
{
        uint64_t n = 0;

        for (uint32_t k = 0; k < m->nfunctions; k++)
                n += m->functions[k].body.size;
        return n;
}

int main(int argc, char **argv)
{
        struct compile_options o = { .tier = TIER_FAST, .jobs = 1, .cpu = cpu_features_host() };
        double decode = 0, validate = 0, compile = 0, t;
        struct buffer bytes = { 0 };
        struct error err = { 0 };
        uint64_t bodies = 0, code = 0, maps = 0;
        int i = 1, rounds = 3;

        for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
                if (strcmp(argv[i], "--jobs") == 0)
                        o.jobs = (unsigned)atoi(argv[i + 1]);
                else if (strcmp(argv[i], "--rounds") == 0)
                        rounds = atoi(argv[i + 1]);
                else if (strcmp(argv[i], "--cpu") == 0 &&
                         cpu_features_parse(argv[i + 1], &o.cpu) < 0)
                        return EXIT_FAILURE;
        }
        if (i >= argc)
                return EXIT_FAILURE;
        guest_read(argv[i], &bytes);
        while (rounds-- > 0) {
                _cleanup_(module_freep) struct module *m = NULL;
                _cleanup_(checked_module_freep) struct checked_module *c = NULL;
                _cleanup_(compiled_module_freep) struct compiled_module *out = NULL;
                int r;

                t = now();
                r = module_decode(bytes.bytes, bytes.size, &limits_default, FEATURES_DEFAULT, 0, &m,
                                  &err);
                least(&decode, t);
                t = now();
                if (r == 0)
                        r = module_validate(m, &limits_default, FEATURES_DEFAULT, o.jobs, &c, &err);
                least(&validate, t);
                t = now();
                if (r == 0)
                        r = module_compile(c, &o, &out, &err);
                least(&compile, t);
                if (r < 0) {
                        error_print(stderr, argv[i], &err);
                        return EXIT_FAILURE;
                }
                bodies = body_bytes(m);
                code = out->code_bytes;
                maps = out->maps.size;
        }
        printf("%.1f MB, bodies %.1f MB: decode %.1f ms, validate %.1f ms, compile %.1f ms = "
               "%.1f MB/s (%.1f over bodies); code %.1f MB, maps %.1f MB\n",
               (double)bytes.size / 1e6, (double)bodies / 1e6, decode * 1e3, validate * 1e3,
               compile * 1e3, (double)bytes.size / 1e6 / compile, (double)bodies / 1e6 / compile,
               (double)code / 1e6, (double)maps / 1e6);
        buffer_done(&bytes);
        return EXIT_SUCCESS;
}
