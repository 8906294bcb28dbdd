/* bench-load.c - from an artefact in a file to an instance that can run: what a start from the cache
 * costs. Milliseconds by step, the best of several rounds.
 *
 *   bench-load MODULE.wasm... */
#define _GNU_SOURCE /* memfd_create */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "engine/decode/decode.h"
#include "engine/instance/instance.h"
#include "engine/run/arena.h"
#include "tests/bench/guest.h"

#define ROUNDS 7

enum step { STEP_READ, STEP_LOAD, STEP_CREATE, STEP_FREE, _STEP_MAX };

static const char *const step_names[_STEP_MAX] = { "read", "load", "create", "free" };

static double now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int r, const struct error *err)
{
        if (r >= 0)
                return;
        error_print(stderr, "bench-load", err);
        exit(EXIT_FAILURE);
}

static void compile(const char *path, struct buffer *file)
{
        struct compile_options options = { .tier = TIER_FAST, .jobs = 2, .cpu = cpu_features_host() };
        struct buffer bytes = { 0 };
        struct module *m;
        struct checked_module *c;
        struct compiled_module *code;
        struct error err = { 0 };
        struct artefact_key key = { 0 };

        guest_read(path, &bytes);
        must(module_decode(bytes.bytes, bytes.size, &limits_default, FEATURES_DEFAULT, 0, &m, &err), &err);
        must(module_validate(m, &limits_default, FEATURES_DEFAULT, 2, &c, &err), &err);
        must(module_compile(c, &options, &code, &err), &err);
        must(artefact_write(c, code, &key, file, &err), &err);
        compiled_module_free(code);
        checked_module_free(c);
        module_free(m);
        buffer_done(&bytes);
}

/* Host functions that fit whatever the module imports; nobody calls them. */
static struct extern_value *imports_for(const struct module *m)
{
        static const char letters[] = "?iIfFvR";
        struct extern_value *v = calloc(m->nimports + 1, sizeof(*v));

        for (uint32_t k = 0; k < m->nimports; k++) {
                const struct functype *t = &m->types[m->functions[m->imports[k].index].type];
                struct host_function *h = calloc(1, sizeof(*h));
                char *params = calloc(1, t->nparams + 1), *results = calloc(1, t->nresults + 1);

                for (uint32_t i = 0; i < t->nparams; i++)
                        params[i] = letters[valtype_kind(t->params[i])];
                for (uint32_t i = 0; i < t->nresults; i++)
                        results[i] = letters[valtype_kind(t->results[i])];
                *h = (struct host_function) { "", "", params, results, (void *)abort };
                v[k] = (struct extern_value) { .kind = EXTERN_FUNC, .host = h };
        }
        return v;
}

static void round_of(int fd, size_t size, void *code, double ms[_STEP_MAX])
{
        struct error err = { 0 };
        struct artefact *a;
        struct store *s;
        struct loaded_module *m;
        struct instance *i;
        struct extern_value *imports;
        double t[_STEP_MAX + 1];
        uint8_t *bytes;

        t[0] = now_ms();
        bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        must(artefact_read(bytes, size, &a, &err), &err);
        imports = imports_for(a->module);
        t[1] = now_ms();
        must(store_new(&(struct store_options) { .slots = 1 }, &s, &err), &err);
        must(loaded_module_new(s, a, code, fd, &m, &err), &err);
        t[2] = now_ms();
        must(instance_create(s, m, imports, NULL, &i, NULL, &err), &err);
        t[3] = now_ms();
        store_free(s);
        artefact_free(a);
        munmap(bytes, size);
        free(imports);
        t[4] = now_ms();
        for (unsigned k = 0; k < _STEP_MAX; k++)
                if (t[k + 1] - t[k] < ms[k])
                        ms[k] = t[k + 1] - t[k];
}

int main(int argc, char **argv)
{
        struct arena *arena;
        struct error err = { 0 };

        must(run_init(&err), &err);
        must(arena_new((size_t)1 << 30, &arena, &err), &err);
        for (int k = 1; k < argc; k++) {
                int fd = memfd_create("artefact", MFD_CLOEXEC);
                double ms[_STEP_MAX] = { 1e9, 1e9, 1e9, 1e9 };
                struct buffer file = { 0 };
                struct slice text;
                void *code;

                compile(argv[k], &file);
                if (fd < 0 || write(fd, file.bytes, file.size) != (ssize_t)file.size)
                        abort();
                must(artefact_find_code(file.bytes, file.size, &text, &err), &err);
                must(arena_add(arena, file.bytes + text.offset, text.size, &code, &err), &err);
                for (unsigned i = 0; i < ROUNDS; i++)
                        round_of(fd, file.size, code, ms);
                printf("%s: %zu MB", argv[k], file.size >> 20);
                for (unsigned i = 0; i < _STEP_MAX; i++)
                        printf(", %s %.2f ms", step_names[i], ms[i]);
                printf("\n");
                buffer_done(&file);
                close(fd);
        }
        arena_free(arena);
        return 0;
}
