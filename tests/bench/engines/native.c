/* native - the kernels as machine code of the C compiler: `native LIBRARY`. The protocol is that
 * of nacelle.c; a file is known by its name without folder and ending. */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef uint64_t kernel(uint32_t n);

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static kernel *find(void *library, const char *path)
{
        const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
        char symbol[256];
        void *address;
        kernel *f;

        snprintf(symbol, sizeof(symbol), "kernel_%.*s", (int)strcspn(base, "."), base);
        address = dlsym(library, symbol);
        memcpy(&f, &address, sizeof(f));
        return f;
}

int main(int argc, char **argv)
{
        void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
        kernel *f = NULL;
        char line[4096];

        if (!library) {
                fprintf(stderr, "native: %s\n", argc == 2 ? dlerror() : "usage: native LIBRARY");
                return EXIT_FAILURE;
        }
        setvbuf(stdout, NULL, _IOLBF, 0);
        while (fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = '\0';
                if (strncmp(line, "load ", 5) == 0) {
                        f = find(library, line + 5);
                        puts(f ? "ok 0" : "error no such kernel");
                } else if (strncmp(line, "run ", 4) == 0 && f) {
                        uint64_t start = now_ns(), sum = f((uint32_t)strtoul(line + 4, NULL, 10));

                        printf("%" PRIu64 " %" PRIu64 "\n", now_ns() - start, sum);
                } else {
                        printf("error what is \"%s\"\n", line);
                }
        }
        return EXIT_SUCCESS;
}
