/* spec.c - see spec.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/broker/unit_run.h"
#include "supervisor/daemon/path_server.h"
#include "supervisor/daemon/spec.h"

#define LOG_RATE     (UINT64_C(1) << 20) /* bytes a second of a unit that says nothing about it */

void lists_done(struct lists *l)
{
        for (unsigned i = 0; i < l->nmade; i++)
                free(l->made[i]);
        free(l->made);
        free(l->args);
        free(l->env);
        free(l->dirs);
}

static int fill_environment(const struct unit *u, struct lists *l, struct guest_spec *spec)
{
        unsigned n = u->environment.n;

        for (unsigned i = 0; i < u->nkeys; i++)
                n += u->keys[i].kind == KEY_ENVIRONMENT ? u->keys[i].nvariables : 0;
        l->env = calloc(n + 1, sizeof(*l->env));
        if (!l->env)
                return -ENOMEM;
        for (unsigned i = 0; i < u->environment.n; i++)
                l->env[spec->nenv++] = u->environment.words[i];
        for (unsigned i = 0; i < u->nkeys; i++) {
                const struct key *key = &u->keys[i];

                for (unsigned k = 0; key->kind == KEY_ENVIRONMENT && k < key->nvariables; k++) {
                        const char *value = getenv(key->variables[k]);

                        if (!value)
                                continue;
                        if (asprintf(&l->made[l->nmade], "%s=%s", key->variables[k], value) < 0)
                                return -ENOMEM;
                        l->env[spec->nenv++] = l->made[l->nmade++];
                }
        }
        spec->env = l->env;
        return 0;
}

int spec_lists(const struct unit *u, struct lists *l, struct guest_spec *spec)
{
        unsigned strings = u->nkeys + 1;
        const char *slash;

        for (unsigned i = 0; i < u->nkeys; i++)
                strings += u->keys[i].kind == KEY_ENVIRONMENT ? u->keys[i].nvariables : 0;
        l->made = calloc(strings, sizeof(*l->made));
        l->args = calloc(u->arguments.n + 1, sizeof(*l->args));
        l->dirs = calloc(u->nkeys + 1, sizeof(*l->dirs));
        if (!l->args || !l->dirs || !l->made)
                return -ENOMEM;
        slash = strrchr(u->module, '/');
        l->args[spec->nargs++] = slash ? slash + 1 : u->module;
        for (unsigned i = 0; i < u->arguments.n; i++)
                l->args[spec->nargs++] = u->arguments.words[i];
        spec->args = l->args;
        for (unsigned i = 0; i < u->nkeys; i++) {
                const struct key *key = &u->keys[i];
                const char *guest = key->mount ? key->mount : key->path;

                if (!path_server_serves(key))
                        continue;
                /* A file is in a directory of the guest's, under its own name. */
                if (key->kind == KEY_FILE) {
                        slash = strrchr(guest, '/');
                        guest = l->made[l->nmade] = strndup(guest, slash > guest ? (size_t)(slash - guest) : 1);
                        if (!guest)
                                return -ENOMEM;
                        l->nmade++;
                }
                l->dirs[spec->ndirs] = (struct guest_dir) {
                        .guest = guest,
                        .handle = spec->ndirs,
                        .read_only = key->verbs == VERB_READ,
                };
                spec->ndirs++;
        }
        spec->dirs = l->dirs;
        return fill_environment(u, l, spec);
}

static int fill_streams(struct nano *g, struct guest_spec *spec)
{
        const struct unit *u = g->service->unit;

        for (int i = 0; i < 3; i++) {
                const struct key *key = unit_key(u, KEY_STDIO, (uint64_t)i);
                enum key_target target = key ? key->target : TARGET_NULL;

                if (g->connection >= 0 && i < 2)
                        spec->stdio[i] = fcntl(g->connection, F_DUPFD_CLOEXEC, 3);
                else if (target == TARGET_INHERIT)
                        spec->stdio[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
                else
                        spec->stdio[i] = target == TARGET_LOG && i > 0 ? STREAM_LOG : STREAM_CELL;
                if (spec->stdio[i] == -1 && errno == EMFILE)
                        return -EMFILE;
        }
        closep(&g->connection);
        g->connection = -EBADF;
        return 0;
}

int spec_descriptors(struct nano *g, struct guest_spec *spec, int *listen, unsigned *at, struct error *err)
{
        struct service *s = g->service;
        int r;

        if (spec->ndirs) {
                r = s->paths ? 0 : path_server_start(s->unit, s->daemon->options.cache, &s->paths, err);
                if (r >= 0)
                        r = path_server_guest(s->paths, 0, &spec->path_fd, err);
                if (r < 0)
                        return r;
        }
        spec->listen = listen;
        r = fill_streams(g, spec);
        for (unsigned i = 0; r >= 0 && !s->unit->on_demand && i < s->nlisten; i++) {
                listen[i] = fcntl(s->listen[i], F_DUPFD_CLOEXEC, 3);
                if (listen[i] < 0)
                        r = -errno;
                else
                        spec->nlisten++;
        }
        for (unsigned i = 0; r >= 0 && i < s->unit->nkeys && *at < g->nconnections; i++)
                if (s->unit->keys[i].kind == KEY_CONNECT && spec->nlisten < PROTO_LISTEN_MAX) {
                        listen[spec->nlisten++] = TAKE_FD(g->connections[*at]);
                        spec->nconnected++;
                        ++*at;
                }
        return r < 0 ? error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "descriptors: %s", strerror(-r)) : 0;
}

void spec_close(const struct guest_spec *spec)
{
        for (int i = 0; i < 3; i++)
                if (spec->stdio[i] >= 0)
                        close(spec->stdio[i]);
        if (spec->path_fd >= 0)
                close(spec->path_fd);
        for (unsigned i = 0; i < spec->nlisten; i++)
                close(spec->listen[i]);
}

void spec_limits(const struct service *s, struct guest_spec *spec, struct members *m)
{
        const struct key *clock = unit_key(s->unit, KEY_CLOCK, 0);

        unit_guest_limits(s->unit, &spec->limits);
        if (!spec->limits.log_bytes_per_s)
                spec->limits.log_bytes_per_s = LOG_RATE;
        for (unsigned i = 0; i < m->n; i++)
                m->specs[i].limits.log_bytes_per_s = spec->limits.log_bytes_per_s;
        spec->clock_resolution_ns = clock ? clock->number : 0;
}
