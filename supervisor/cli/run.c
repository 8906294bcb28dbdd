/* run.c - nacelle run: one module in a cell of its own, with the grants of the command line. */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "supervisor/cli/cli.h"
#include "supervisor/cli/values.h"

#define DIRS_MAX    64
#define ENV_MAX     1024
#define LISTENS_MAX 64

struct run {
        struct run_options o; /* first: the shared set functions take it */
        struct run_dir dirs[DIRS_MAX];
        char *dir_storage[DIRS_MAX];
        char *env[ENV_MAX];
        const char *listens[LISTENS_MAX];
};

static int set_dir(void *target, const char *value, struct error *err)
{
        struct run *run = target;
        struct run_dir dir;
        unsigned n = run->o.ndirs;
        const char *guest;
        int r;

        if (n == DIRS_MAX)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "more than %u", DIRS_MAX);
        r = parse_dir(value, &dir, &run->dir_storage[n], err);
        if (r < 0)
                return r;
        run->dirs[n] = dir;
        run->o.ndirs = n + 1;
        guest = dir.guest ? dir.guest : dir.host;
        for (unsigned i = 0; i < n; i++) {
                const char *other = run->dirs[i].guest ? run->dirs[i].guest : run->dirs[i].host;

                if (strcmp(guest, other) == 0)
                        return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                         "two directories are %s for the guest", guest);
        }
        return 0;
}

static int set_env(void *target, const char *value, struct error *err)
{
        struct run *run = target;
        int r;

        if (run->o.nenv == ENV_MAX)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "more than %u", ENV_MAX);
        r = parse_env(value, &run->env[run->o.nenv], err);
        if (r < 0)
                return r;
        run->o.nenv++;
        return 0;
}

static int set_listen(void *target, const char *value, struct error *err)
{
        struct run *run = target;
        int r;

        if (run->o.nlisten == LISTENS_MAX)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "more than %u", LISTENS_MAX);
        r = parse_listen(value, err);
        if (r < 0)
                return r;
        run->listens[run->o.nlisten++] = value;
        return 0;
}

static int set_tier(void *target, const char *value, struct error *err)
{
        struct run_options *o = &((struct run *)target)->o;

        if (strcmp(value, "auto") != 0)
                return cli_set_tier(target, value, err);
        o->tier = TIER_FAST;
        o->auto_tier = true;
        return 0;
}

static int set_memory_max(void *target, const char *value, struct error *err)
{
        return parse_size(value, &((struct run *)target)->o.memory_max_bytes, err);
}

static int set_timeout(void *target, const char *value, struct error *err)
{
        return parse_duration(value, &((struct run *)target)->o.timeout_ms, err);
}

static int set_invoke(void *target, const char *value, struct error *err)
{
        ((struct run *)target)->o.invoke = value;
        return 0;
}

static int set_degraded(void *target, const char *value, struct error *err)
{
        ((struct run *)target)->o.degraded = true;
        return 0;
}

static const struct option_row options[] = {
        { "dir", 'd', "HOST[:GUEST][:ro]", true, set_dir,
          "hand over a directory, under the name GUEST; with :ro nothing in it can be changed" },
        { "env", 'e', "NAME[=VALUE]", true, set_env,
          "hand over an environment variable; without a value, the one set here" },
        { "listen", 'l', "tcp:ADDR:PORT", true, set_listen,
          "listen there and hand over the socket, behind the directories" },
        { "memory-max", 'm', "SIZE", false, set_memory_max,
          "most memory that the guest may have, such as 64M or 1G" },
        { "timeout", 't', "TIME", false, set_timeout,
          "end the guest after this time, such as 500ms or 10s, with exit status 124" },
        { "invoke", 0, "NAME", false, set_invoke,
          "call this export instead of _start, the ARGUMENTs being its numbers; prints the results" },
        { "degraded", 0, NULL, false, set_degraded,
          "run although this kernel lacks a layer, and say which" },
        CLI_OPTION_CPU,
        { "tier", 0, "TIER", false, set_tier,
          "auto (the default) starts on fast code and has better code made for later runs; fast or peak: that" },
        CLI_OPTION_DENSE,
        CLI_OPTION_FEATURES,
        CLI_OPTION_JOBS,
        CLI_OPTION_CACHE,
        CLI_OPTION_NO_CACHE,
        { 0 },
};

/* One result on a line, as the text format writes constants of its type. */
static void print_value(const struct run_value *v)
{
        switch (valtype_kind(v->type)) {
        case VAL_I32:
                printf("%" PRId32 "\n", (int32_t)v->value.i32);
                break;
        case VAL_I64:
                printf("%" PRId64 "\n", (int64_t)v->value.i64);
                break;
        case VAL_F32:
                printf("%.9g\n", (double)v->value.f32);
                break;
        case VAL_F64:
                printf("%.17g\n", v->value.f64);
                break;
        case VAL_V128:
                printf("0x%016" PRIx64 "%016" PRIx64 "\n", v->value.bits[1], v->value.bits[0]);
                break;
        default:
                puts(v->value.ref ? "ref" : "null");
        }
}

static int report(const struct run_outcome *outcome)
{
        for (unsigned i = 0; i < outcome->nresults; i++)
                print_value(&outcome->results[i]);
        fflush(stdout);
        if (outcome->missing[0])
                fprintf(stderr, "nacelle: ran without: %s\n", outcome->missing);
        if (outcome->text[0]) {
                size_t n = strlen(outcome->text);

                fprintf(stderr, "nacelle: %s%s", outcome->text,
                        outcome->text[n - 1] == '\n' ? "" : "\n");
        }
        return outcome->status;
}

static void run_done(struct run *run)
{
        for (unsigned i = 0; i < DIRS_MAX; i++)
                free(run->dir_storage[i]);
        for (unsigned i = 0; i < run->o.nenv; i++)
                free(run->env[i]);
}

static int run_main(const struct command *self, int argc, char **argv)
{
        _cleanup_(run_done) struct run run = { .o.auto_tier = true };
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_free_ struct run_outcome *outcome = calloc(1, sizeof(*outcome));
        struct progress progress = { 0 };
        struct error err = { 0 };
        const char *path, *slash;
        char text[96];
        unsigned n;
        int r;

        if (!operands || !outcome) {
                error_set(&err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
                return cli_fail(&err);
        }
        r = options_parse(self, &run, argc, argv, operands, &n, &err);
        if (r < 0)
                return cli_fail(&err);

        path = operands[0];
        slash = strrchr(path, '/');
        /* The guest learns its own name, not where the host keeps it. */
        operands[0] = slash ? slash + 1 : path;
        snprintf(text, sizeof(text), "compiling %.80s", operands[0]);
        progress.text = text;
        run.o.args = operands;
        run.o.nargs = n;
        run.o.dirs = run.dirs;
        run.o.env = (const char *const *)run.env;
        run.o.listen = run.listens;
        run.o.progress = cli_progress;
        run.o.context = &progress;
        r = broker_run(&run.o, path, outcome, &err);
        cli_progress_done(&progress);
        return r < 0 ? cli_fail(&err) : report(outcome);
}

const struct command run_command = {
        .name = "run",
        .operands = "FILE [ARGUMENT]...",
        .operands_min = 1,
        .operands_max = UINT32_MAX,
        .stops_at_operand = true,
        .main = run_main,
        .text = "run a module, or a compiled artefact, in a cell of its own",
        .options = options,
};
