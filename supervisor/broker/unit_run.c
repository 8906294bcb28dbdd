#include "config.h"

#include <stdarg.h>
#include <string.h>

#include "supervisor/broker/member.h"
#include "supervisor/broker/unit_run.h"

#define SIGNATURE_SUFFIX ".minisig"

static int no_memory(struct error *err)
{
        return error_set(err, STAGE_POLICY, -ENOMEM, ERROR_NOWHERE, "out of memory");
}

_printf_(3, 4) static const char *text_in(struct pool *pool, size_t most, const char *format, ...)
{
        char *text = pool_alloc(pool, most, 1);
        va_list args;

        if (text) {
                va_start(args, format);
                vsnprintf(text, most, format, args);
                va_end(args);
        }
        return text;
}

void unit_guest_limits(const struct unit *u, struct guest_limits *ret)
{
        const struct unit_limits *l = &u->limits;
        const struct key *random = unit_key(u, KEY_RANDOM, 0);

        *ret = (struct guest_limits) {
                .memory_max_bytes = l->memory_max,
                .host_memory_max_bytes = l->host_memory_max,
                .cpu_quota_ns = l->cpu_quota * (CPU_PERIOD_NS / 100),
                .cpu_max_ns = l->cpu_time_max_ns,
                .log_bytes_per_s = l->log_rate_max,
                .random_max_bytes = random ? random->number : 0,
                .cpu_weight = (uint32_t)l->cpu_weight,
                .files_max = (uint32_t)l->files_max,
                .connections_max = (uint32_t)l->connections_max,
                .timers_max = (uint32_t)l->timers_max,
        };
}

static int pin_of(struct pool *pool, const char *module, const struct digest *digest, const char *key,
                  struct module_pin *ret, bool *ret_pinned, struct error *err)
{
        struct module_pin pin = { .sha256 = digest->given ? digest->sha256 : NULL, .key = key };

        if (pin.key) {
                pin.signature = text_in(pool, strlen(module) + sizeof(SIGNATURE_SUFFIX), "%s" SIGNATURE_SUFFIX, module);
                if (!pin.signature)
                        return no_memory(err);
        }
        *ret = pin;
        *ret_pinned = pin.sha256 || pin.key;
        return 0;
}

int unit_pin(const struct unit *u, struct module_pin *ret, bool *ret_pinned, struct error *err)
{
        return pin_of(u->pool, u->module, &u->digest, u->module_key, ret, ret_pinned, err);
}

int member_pin(const struct unit *u, const struct unit_import *i, struct module_pin *ret, bool *ret_pinned,
               struct error *err)
{
        return pin_of(u->pool, i->module, &i->digest, i->module_key, ret, ret_pinned, err);
}

static int refuse(const struct unit *u, const char *what, const char *why, struct error *err)
{
        return error_set(err, STAGE_POLICY, -EOPNOTSUPP, ERROR_NOWHERE, "%s: %s: %s", u->name, what, why);
}

static const char *directory_of(struct pool *pool, const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash == path ? "/" : text_in(pool, (size_t)(slash - path) + 1, "%s", path);
}

static int take_tree(const struct unit *u, const struct key *key, struct unit_run *ret, struct error *err)
{
        struct run_dir *dir = &ret->dirs[ret->options.ndirs];

        *dir = (struct run_dir) { .host = key->path, .guest = key->mount, .verbs = key->verbs,
                                  .file = key->kind == KEY_FILE };
        if (dir->file)
                dir->guest = directory_of(u->pool, key->mount);
        if (!dir->guest)
                return no_memory(err);
        ret->options.ndirs++;
        return 0;
}

static int take_listen(const struct unit *u, const struct key *key, struct unit_run *ret, struct error *err)
{
        bool v6 = key->host && strchr(key->host, ':');
        const char *text;

        if (key->path || key->handed)
                return refuse(u, key->name, "nacelle run listens on TCP alone", err);
        text = text_in(u->pool, strlen(key->host) + 32, "tcp:%s%s%s:%u", v6 ? "[" : "", key->host, v6 ? "]" : "",
                       key->port);
        if (!text)
                return no_memory(err);
        ret->listen[ret->options.nlisten++] = text;
        return 0;
}

/* Environment: the unit's words, then what is passed on from ours, where it is set. */
static int take_environment(const struct unit *u, struct unit_run *ret, struct error *err)
{
        unsigned most = u->environment.n, n = 0;
        const char **env;

        for (unsigned i = 0; i < u->nkeys; i++)
                most += u->keys[i].kind == KEY_ENVIRONMENT ? u->keys[i].nvariables : 0;
        env = pool_alloc(u->pool, most + 1, sizeof(*env));
        if (!env)
                return no_memory(err);
        for (unsigned i = 0; i < u->environment.n; i++)
                env[n++] = u->environment.words[i];
        for (unsigned i = 0; i < u->nkeys; i++)
                for (unsigned k = 0; u->keys[i].kind == KEY_ENVIRONMENT && k < u->keys[i].nvariables; k++) {
                        const char *name = u->keys[i].variables[k], *value = getenv(name);

                        if (!value)
                                continue;
                        env[n] = text_in(u->pool, strlen(name) + strlen(value) + 2, "%s=%s", name, value);
                        if (!env[n++])
                                return no_memory(err);
                }
        ret->options.env = env;
        ret->options.nenv = n;
        return 0;
}

static int take_keys(const struct unit *u, struct unit_run *ret, struct error *err)
{
        int r = 0;

        for (unsigned i = 0; i < u->nkeys && r >= 0; i++) {
                const struct key *key = &u->keys[i];

                switch (key->kind) {
                case KEY_DIRECTORY:
                case KEY_FILE:
                        r = take_tree(u, key, ret, err);
                        break;
                case KEY_LISTEN:
                        r = take_listen(u, key, ret, err);
                        break;
                case KEY_CONNECT:
                        ret->connect[ret->options.nconnect++] = key;
                        break;
                case KEY_CLOCK:
                        ret->options.clock_resolution_ns = key->number;
                        break;
                case KEY_STDIO:
                        if (key->target == TARGET_NULL)
                                ret->options.closed_streams |= UINT32_C(1) << key->number;
                        break;
                default:
                        break;
                }
        }
        return r < 0 ? r : take_environment(u, ret, err);
}

static int take_arguments(const struct unit *u, const char *const *extra, unsigned nextra, struct unit_run *ret,
                          struct error *err)
{
        const char *slash = strrchr(u->module, '/'), **args;
        unsigned n = 0;

        args = pool_alloc(u->pool, u->arguments.n + nextra + 1, sizeof(*args));
        if (!args)
                return no_memory(err);
        args[n++] = slash + 1;
        for (unsigned i = 0; i < u->arguments.n; i++)
                args[n++] = u->arguments.words[i];
        for (unsigned i = 0; i < nextra; i++)
                args[n++] = extra[i];
        ret->options.args = args;
        ret->options.nargs = n;
        return 0;
}

int unit_run(const struct unit *u, const char *const *extra, unsigned nextra, struct unit_run *ret,
             struct error *err)
{
        static const enum tier tiers[] = { TIER_FAST, TIER_FAST, TIER_PEAK };
        struct run_options *o = &ret->options;
        bool pinned;
        int r;

        if (u->on_demand)
                return refuse(u, "Instances=on-demand", "is kept by the daemon", err);
        if (u->limits.log_rate_max)
                return refuse(u, "LogRateMax", "nacelle run keeps no log; the daemon does", err);
        r = unit_pin(u, &ret->pin, &pinned, err);
        if (r < 0)
                return r;
        unit_guest_limits(u, &ret->limits);
        o->pin = pinned ? &ret->pin : NULL;
        o->limits = &ret->limits;
        o->dirs = ret->dirs;
        o->listen = ret->listen;
        o->connect = ret->connect;
        o->invoke = u->invoke;
        o->imports = u->nimports ? u : NULL;
        o->tier = tiers[u->tier];
        o->auto_tier = u->tier == UNIT_TIER_AUTO;
        o->degraded = u->degraded;
        o->timeout_ms = (u->service.runtime_max_ns + 999999) / 1000000;
        r = take_keys(u, ret, err);
        return r < 0 ? r : take_arguments(u, extra, nextra, ret, err);
}
