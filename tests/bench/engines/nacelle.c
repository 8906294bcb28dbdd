/* nacelle - our side of the bench: `nacelle [--tier fast|peak] [--cpu LEVEL]`.
 *
 * The protocol of all engines, lines on standard input and output:
 *   load FILE   -> ok NANOSECONDS          (decode, check, compile and instantiate)
 *   run N       -> NANOSECONDS CHECKSUM    (one call of the export "kernel")
 * Anything that fails is a line "error ..." . */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/guest.h"

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void run(const struct extern_value *f, uint32_t n)
{
        union value args[1] = { { .i64 = n } }, results[1] = { 0 };
        struct trap_info trap = { 0 };
        uint64_t start = now_ns();

        if (guest_run(f, args, results, &trap) < 0)
                printf("error trap %s\n", trap_text(trap.trap));
        else
                printf("%" PRIu64 " %" PRIu64 "\n", now_ns() - start, results[0].i64);
}

int main(int argc, char **argv)
{
        struct compile_options options = { .tier = TIER_FAST, .jobs = 1, .cpu = cpu_features_host() };
        struct extern_value f = { 0 };
        char line[4096];

        for (int i = 1; i + 1 < argc; i += 2)
                if (strcmp(argv[i], "--tier") == 0)
                        options.tier = strcmp(argv[i + 1], "peak") == 0 ? TIER_PEAK : TIER_FAST;
                else if (strcmp(argv[i], "--cpu") != 0 || cpu_features_parse(argv[i + 1], &options.cpu) < 0)
                        return EXIT_FAILURE;
        setvbuf(stdout, NULL, _IOLBF, 0);
        while (fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = '\0';
                if (strncmp(line, "load ", 5) == 0) {
                        uint64_t start = now_ns();

                        f = guest_function(guest_load(line + 5, &options), "kernel");
                        printf("ok %" PRIu64 "\n", now_ns() - start);
                } else if (strncmp(line, "run ", 4) == 0) {
                        run(&f, (uint32_t)strtoul(line + 4, NULL, 10));
                } else {
                        printf("error what is \"%s\"\n", line);
                }
        }
        return EXIT_SUCCESS;
}
