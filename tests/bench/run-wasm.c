/* run-wasm - call an export of a module without imports, compiled by the fast generator.
 *
 *   run-wasm [--cpu LEVEL] [--dump FILE] MODULE.wasm EXPORT [ARGUMENT]...
 *
 * Arguments are integers, or bits of floats as integers; prints the bits of the results.
 * --dump writes the machine code to FILE. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/guest.h"

int main(int argc, char **argv)
{
        struct compile_options options = { .tier = TIER_FAST, .jobs = 1,
                                           .cpu = cpu_features_host() };
        union value args[16] = { 0 }, results[16] = { 0 };
        struct trap_info trap = { 0 };
        struct extern_value f;
        struct guest *g;
        const char *dump = NULL;
        int i = 1, r;

        for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
                if (strcmp(argv[i], "--cpu") == 0 && cpu_features_parse(argv[i + 1], &options.cpu) < 0)
                        return EXIT_FAILURE;
                if (strcmp(argv[i], "--dump") == 0)
                        dump = argv[i + 1];
        }
        if (i >= argc)
                return EXIT_FAILURE;
        g = guest_load(argv[i++], &options);
        if (dump) {
                FILE *out = fopen(dump, "wb");

                if (out) {
                        fwrite(g->compiled->code, 1, g->compiled->code_bytes, out);
                        fclose(out);
                }
        }
        if (i >= argc)
                return EXIT_SUCCESS;
        f = guest_function(g, argv[i++]);
        for (int k = 0; k < 16 && i < argc; k++, i++)
                args[k].i64 = strtoull(argv[i], NULL, 0);
        r = guest_run(&f, args, results, &trap);
        if (r < 0) {
                printf("trap: %s %s\n", trap_text(trap.trap), trap.text);
                return EXIT_FAILURE;
        }
        for (uint32_t k = 0; k < extern_function_type(&f)->nresults && k < 16; k++)
                printf("%#" PRIx64 " %#" PRIx64 "\n", results[k].bits[0], results[k].bits[1]);
        return EXIT_SUCCESS;
}
