/* run.c - nacelle run: one module in a cell of its own, with the grants of the command line. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/unit.h"
#include "supervisor/broker/cgroup.h"
#include "supervisor/broker/pin.h"
#include "supervisor/broker/unit_run.h"
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
        const char *unit;             /* file; then nothing above is given by options */
        const char *granting;         /* the first option that a unit file takes the place of */
        bool tiered;                  /* --tier was given */
        struct digest digest;
        struct module_pin pin;
};

/* An option that says what the unit file is there to say. */
static void grants(struct run *run, const char *option)
{
        if (!run->granting)
                run->granting = option;
}

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
        grants(run, "--dir");
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
        grants(run, "--env");
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
        grants(run, "--listen");
        return 0;
}

static int set_tier(void *target, const char *value, struct error *err)
{
        struct run_options *o = &((struct run *)target)->o;

        ((struct run *)target)->tiered = true;
        if (strcmp(value, "auto") != 0)
                return cli_set_tier(target, value, err);
        o->tier = TIER_FAST;
        o->auto_tier = true;
        return 0;
}

static int set_memory_max(void *target, const char *value, struct error *err)
{
        grants(target, "--memory-max");
        return parse_size(value, &((struct run *)target)->o.memory_max_bytes, err);
}

static int set_timeout(void *target, const char *value, struct error *err)
{
        grants(target, "--timeout");
        return parse_duration(value, &((struct run *)target)->o.timeout_ms, err);
}

static int set_invoke(void *target, const char *value, struct error *err)
{
        ((struct run *)target)->o.invoke = value;
        grants(target, "--invoke");
        return 0;
}

static int set_unit(void *target, const char *value, struct error *err)
{
        ((struct run *)target)->unit = value;
        return 0;
}

static int set_digest(void *target, const char *value, struct error *err)
{
        struct run *run = target;

        if (!digest_read(value, &run->digest))
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                                 "%.80s is not a SHA-256: 64 hexadecimal digits", value);
        run->pin.sha256 = run->digest.sha256;
        run->o.pin = &run->pin;
        grants(run, "--digest");
        return 0;
}

static int set_verify(void *target, const char *value, struct error *err)
{
        struct run *run = target;

        run->pin.key = value;
        run->o.pin = &run->pin;
        grants(run, "--verify");
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
        { "unit", 'u', "FILE", false, set_unit,
          "run what this unit file describes (see nacelle.unit(5)); operands are more arguments" },
        { "digest", 0, "SHA256", false, set_digest, "run only a file with this digest" },
        { "verify", 0, "KEY", false, set_verify,
          "run only what this minisign public key signed; the signature is FILE.minisig" },
        { "degraded", 0, NULL, false, set_degraded,
          "run although this kernel lacks a layer, and say which" },
        CLI_OPTION_CPU,
        { "tier", 0, "TIER", false, set_tier,
          "auto (the default) starts on fast code and has better code made for later runs; fast or peak: that" },
        CLI_OPTION_DENSE,
        CLI_OPTION_DETERMINISTIC,
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
        for (const char *line = outcome->denied; *line;) {
                int n = (int)strcspn(line, "\n");

                fprintf(stderr, "nacelle: %.*s\n", n, line);
                line += n + (line[n] == '\n');
        }
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

/* A terminal's signals stop and end what runs in front of it; the first process of a namespace would not hear them. */
static bool has_terminal(void)
{
        _cleanup_close_ int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

        return fd >= 0;
}

/* The whole of a run, once it is clear what it is. */
static int go(struct run_options *o, const char *path)
{
        _cleanup_free_ struct run_outcome *outcome = calloc(1, sizeof(*outcome));
        struct progress progress = { 0 };
        struct error err = { 0 };
        char text[96];
        int r;

        if (!outcome) {
                error_set(&err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
                return cli_fail(&err);
        }
        snprintf(text, sizeof(text), "compiling %.80s", o->args[0]);
        progress.text = text;
        o->progress = cli_progress;
        o->context = &progress;
        cgroups_open();
        o->foreground = has_terminal();
        r = broker_run(o, path, outcome, &err);
        cgroups_close();
        cli_progress_done(&progress);
        return r < 0 ? cli_fail(&err) : report(outcome);
}

/* What is not said in the unit comes from the options: how to compile, and where the cache is. */
static void take_machine(struct run_options *o, const struct run *run)
{
        const struct run_options *given = &run->o;

        o->cpu = given->cpu;
        o->features_changed = given->features_changed;
        o->jobs = given->jobs;
        o->cache = given->cache;
        o->no_cache = given->no_cache;
        o->dense = given->dense;
        o->deterministic = given->deterministic;
        o->degraded = o->degraded || given->degraded;
        if (run->tiered) {
                o->tier = given->tier;
                o->auto_tier = given->auto_tier;
        }
}

static void print_problem(void *context, const char *path, unsigned line, unsigned column, const char *text)
{
        fprintf(stderr, "%s:%u:%u: %s\n", path, line, column, text);
}

static int run_unit_file(const struct run *run, const char *const *operands, unsigned n)
{
        _cleanup_free_ struct unit_run *of_unit = calloc(1, sizeof(*of_unit));
        _cleanup_(unit_freep) struct unit *u = NULL;
        const struct unit_problems problems = { print_problem, NULL };
        struct error err = { 0 };
        int r;

        if (run->granting || !of_unit) {
                error_set(&err, STAGE_USAGE, of_unit ? -EINVAL : -ENOMEM, ERROR_NOWHERE,
                          "%s: with --unit the file alone says it", run->granting);
                return cli_fail(&err);
        }
        r = unit_read(run->unit, &problems, &u, &err);
        if (r == -EINVAL && err.code)
                return error_status(&err);
        if (r >= 0)
                r = unit_run(u, operands, n, of_unit, &err);
        if (r < 0)
                return cli_fail(&err);
        take_machine(&of_unit->options, run);
        return go(&of_unit->options, u->module);
}

static int run_main(const struct command *self, int argc, char **argv)
{
        _cleanup_(run_done) struct run run = { .o.auto_tier = true };
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        _cleanup_free_ char *signature = NULL;
        struct error err = { 0 };
        const char *path, *slash;
        unsigned n;
        int r;

        if (!operands)
                return STATUS_INTERNAL;
        r = options_parse(self, &run, argc, argv, operands, &n, &err);
        if (r < 0)
                return cli_fail(&err);
        policy_raise_files(); /* the guest may have more open than a login */
        if (run.unit)
                return run_unit_file(&run, operands, n);
        if (n == 0) {
                error_set(&err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE,
                          "something is missing; usage: %s (see nacelle run --help)", self->operands);
                return cli_fail(&err);
        }

        path = operands[0];
        if (run.pin.key && asprintf(&signature, "%s.minisig", path) < 0)
                return STATUS_INTERNAL;
        run.pin.signature = signature;
        slash = strrchr(path, '/');
        /* The guest learns its own name, not where the host keeps it. */
        operands[0] = slash ? slash + 1 : path;
        run.o.args = operands;
        run.o.nargs = n;
        run.o.dirs = run.dirs;
        run.o.env = (const char *const *)run.env;
        run.o.listen = run.listens;
        return go(&run.o, path);
}

const struct command run_command = {
        .name = "run",
        .operands = "FILE [ARGUMENT]...",
        .operands_min = 0,
        .operands_max = UINT32_MAX,
        .stops_at_operand = true,
        .main = run_main,
        .text = "run a module, or a compiled artefact, in a cell of its own",
        .options = options,
};
