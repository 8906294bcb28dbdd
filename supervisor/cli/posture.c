/* posture.c - nacelle posture: what this kernel offers, layer by layer, each tried for real. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "policy/kernel.h"
#include "supervisor/broker/density.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/posture_cell.h"
#include "supervisor/cli/remote.h"
#include "supervisor/cli/values.h"
#include "supervisor/ring/features.h"

struct posture_options {
        struct remote remote; /* first: remote_set_control() takes it */
        bool system_calls, pool;
        uint64_t memory_max; /* of a dense slot */
};

static int set_pool(void *target, const char *value, struct error *err)
{
        ((struct posture_options *)target)->pool = true;
        return 0;
}

static int set_memory_max(void *target, const char *value, struct error *err)
{
        struct posture_options *o = target;

        int r = parse_size(value, &o->memory_max, err);

        if (r >= 0 && o->memory_max > UINT64_C(1) << 32)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "\"%s\" is more than 4G", value);
        o->pool = true;
        return r;
}

static int set_system_calls(void *target, const char *value, struct error *err)
{
        ((struct posture_options *)target)->system_calls = true;
        return 0;
}

static const struct option_row options[] = {
        { "system-calls", 's', NULL, false, set_system_calls,
          "list the system calls that a cell and the compiler may make, and why" },
        { "pool", 'p', NULL, false, set_pool,
          "tell how many nanoprocesses one cell can hold here, and why not more" },
        { "memory-max", 'm', "SIZE", false, set_memory_max,
          "for --pool: memory of a nanoprocess in a dense slot (default: 1M)" },
        REMOTE_OPTION_CONTROL,
        { 0 },
};

static const struct {
        const char *present, *absent;
} words[] = {
        [NEED_LAYER] = { "yes", "MISSING" },
        [NEED_CORE] = { "yes", "MISSING" },
        [NEED_SPEED] = { "yes", "no" },
        [NEED_EXTRA] = { "yes", "no" },
        [NEED_FILTER] = { "yes", "no" },
};

static const char *role_name(enum role role)
{
        static const char *const names[_ROLE_MAX] = {
                [ROLE_CELL] = "cell", [ROLE_CELL_THREADS] = "cell without io_uring", [ROLE_COMPILER] = "compiler", [ROLE_READER] = "reader of a script",
                [ROLE_CONNECTOR] = "maker of connections",
                [ROLE_PATHS] = "opener of files",
        };

        return names[role];
}

static void print_system_calls(void)
{
        for (unsigned role = 0; role < _ROLE_MAX; role++) {
                unsigned n;
                const struct syscall_rule *rules = policy_syscalls(role, &n);

                printf("\nSystem calls of the %s; any other ends it:\n", role_name(role));
                for (unsigned i = 0; i < n; i++)
                        printf("  %-16s %s%s\n", rules[i].name,
                               rules[i].deny ? "(refused) " : rules[i].args[0].test ? "(limited) " : "",
                               rules[i].reason);
        }
}

/* Distinct calls: rows of one call follow each other. */
static unsigned count_system_calls(enum role role)
{
        unsigned n, calls = 0;
        const struct syscall_rule *rules = policy_syscalls(role, &n);

        for (unsigned i = 0; i < n; i++)
                calls += (i == 0 || rules[i].number != rules[i - 1].number) && !rules[i].deny;
        return calls;
}

static int print_density(const struct density_host *host, bool dense, uint64_t memory_max, struct error *err)
{
        struct density d;
        char text[200];
        int r = density_derive(host, dense, memory_max, &d, err);

        if (r < 0)
                return r;
        if (dense)
                printf("\nDense slots (units with MemoryMax=%" PRIu64 "K at most; their code checks every access):\n",
                       memory_max >> 10);
        else
                puts("\nDefault slots (any memory up to 4 GiB; code without checks):");
        for (unsigned k = 0; k < _DENSITY_BOUND_MAX; k++) {
                if (d.most[k] != UINT64_MAX)
                        printf("  %10" PRIu64, d.most[k]);
                else
                        printf("  %10s", "any number");
                printf("  %s%s\n", density_text(host, &d, k, text, sizeof(text)), k == d.bound ? "  <- the least" : "");
        }
        printf("  %10" PRIu64 "  slots for one cell\n", d.slots);
        return 0;
}

static int print_pool(const struct posture_options *o, struct error *err)
{
        struct density_host host;
        int r;

        density_host(&host);
        puts("How many nanoprocesses one cell can hold on this machine:");
        r = print_density(&host, false, 0, err);
        if (r >= 0)
                r = print_density(&host, true, o->memory_max ? o->memory_max : UINT64_C(1) << 20, err);
        if (r < 0)
                return r;
        printf("\n%s\n%s\n",
               host.guards ? "Guards of stacks are made inside of mappings (MADV_GUARD_INSTALL)."
                           : "This kernel has no MADV_GUARD_INSTALL (Linux 6.13): a dense slot takes two mappings.",
               host.scan ? "The kernel says which pages a guest wrote (PAGEMAP_SCAN)."
                         : "This kernel has no PAGEMAP_SCAN (Linux 6.7): slots with much memory are reset more slowly.");
        return 0;
}

/* What a cell's ring would be made of here. Guests behave the same with all of it and with none. */
static void print_ring(void)
{
        struct ring_feature features[_RING_FEATURE_MAX];
        int r = ring_features(features);

        if (r < 0) {
                printf("\nio_uring is refused here (%s): cells wait with epoll and a few threads.\n", strerror(-r));
                return;
        }
        puts("\nWhat cells use of io_uring:");
        for (unsigned k = 0; k < _RING_FEATURE_MAX; k++) {
                const struct ring_feature *f = &features[k];

                if (f->refused)
                        printf("  %-8s %s (the kernel says: %s)\n", "refused", f->name, strerror(f->refused));
                else
                        printf("  %-8s %s\n", f->used ? "used" : "not used", f->name);
                printf("           %s\n", f->why);
        }
}

static int posture_main(const struct command *self, int argc, char **argv)
{
        _cleanup_free_ const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
        struct kernel_row rows[_KERNEL_MAX];
        struct posture_options o = { 0 };
        struct error err = { 0 };
        unsigned n, missing[NEED_FILTER + 1] = { 0 };

        if (!operands)
                return STATUS_INTERNAL;
        if (options_parse(self, &o, argc, argv, operands, &n, &err) < 0)
                return cli_fail(&err);
        if (n)
                return posture_cell(operands[0], o.remote.control);
        if (o.pool)
                return print_pool(&o, &err) < 0 ? cli_fail(&err) : 0;

        kernel_probe(rows);
        puts("What this kernel offers:");
        for (unsigned i = 0; i < _KERNEL_MAX; i++) {
                const struct kernel_row *row = &rows[i];

                printf("  %-7s %s%s%s%s\n",
                       row->present ? words[row->need].present : words[row->need].absent, row->text,
                       row->detail[0] ? " (" : "", row->detail, row->detail[0] ? ")" : "");
                if (!row->present) {
                        printf("          without it: %s; Linux %s has it\n", row->without, row->since);
                        missing[row->need]++;
                }
        }
        puts("\nThe walls around a cell, in the order in which they go up, and what each stops:");
        for (unsigned i = 0; i < _LAYER_MAX; i++)
                printf("  %-14s %s\n", layer_text(i), layer_stops(i));
        printf("\nA cell may make %u different system calls, the compiler %u.\n",
               count_system_calls(ROLE_CELL), count_system_calls(ROLE_COMPILER));
        if (o.system_calls)
                print_system_calls();
        print_ring();

        if (missing[NEED_CORE])
                puts("\nNacelle cannot run here.");
        else if (missing[NEED_LAYER])
                printf("\n%u layers are missing: run refuses, unless --degraded is given.\n",
                       missing[NEED_LAYER]);
        else
                printf("\nEvery layer is there%s.\n",
                       missing[NEED_FILTER] ? ", some by a filter in the place of what this kernel lacks" : "");
        return missing[NEED_CORE] || missing[NEED_LAYER] ? STATUS_CONFIG : 0;
}

const struct command posture_command = {
        .name = "posture",
        .operands = "[UNIT|PID]",
        .operands_max = 1,
        .main = posture_main,
        .text = "tell which of the kernel's walls are there, each tried for real; or how a cell looks from outside",
        .options = options,
};
