/* linked.c - see linked.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/daemon/host.h"
#include "supervisor/daemon/linked.h"
#include "supervisor/daemon/path_server.h"

static int fill_streams(const struct unit_import *import, struct guest_spec *spec)
{
        for (unsigned i = 0; i < 3; i++) {
                const struct key *key = member_stream(import, i);

                if (!key || key->target == TARGET_NULL)
                        continue;
                if (key->target == TARGET_LOG && i > 0) {
                        spec->stdio[i] = STREAM_LOG;
                        continue;
                }
                spec->stdio[i] = fcntl((int)i, F_DUPFD_CLOEXEC, 3);
                if (spec->stdio[i] < 0) {
                        spec->stdio[i] = STREAM_CLOSED;
                        if (errno == EMFILE)
                                return -EMFILE;
                }
        }
        return 0;
}

/* The unit's own socket of listening key @key: they are in the order of its keys. */
static int listening(const struct service *s, const struct key *key)
{
        unsigned n = 0;

        for (unsigned i = 0; i < s->unit->nkeys && &s->unit->keys[i] != key; i++)
                n += s->unit->keys[i].kind == KEY_LISTEN;
        if (n >= s->nlisten)
                return -EBADF;
        n = (unsigned)fcntl(s->listen[n], F_DUPFD_CLOEXEC, 3);
        return (int)n < 0 ? -errno : (int)n;
}

static int fill_sockets(struct nano *g, const struct unit_import *import, struct guest_spec *spec, unsigned *at)
{
        int *sockets = calloc(import->nkeys + 1, sizeof(*sockets));

        if (!sockets)
                return -ENOMEM;
        spec->listen = sockets;
        for (unsigned k = 0; k < import->nkeys; k++)
                if (import->keys[k].key.kind == KEY_LISTEN) {
                        int fd = listening(g->service, import->keys[k].from);

                        if (fd < 0)
                                return fd;
                        sockets[spec->nlisten++] = fd;
                }
        for (unsigned k = 0; k < import->nkeys; k++)
                if (import->keys[k].key.kind == KEY_CONNECT && *at < g->nconnections) {
                        sockets[spec->nlisten++] = TAKE_FD(g->connections[*at]);
                        spec->nconnected++;
                        ++*at;
                }
        return 0;
}

static int fill_one(struct nano *g, unsigned i, struct guest_spec *spec, unsigned *at, struct error *err)
{
        struct service *s = g->service;
        const struct unit_import *import = &s->unit->imports[i];
        int r = fill_streams(import, spec);

        if (r >= 0)
                r = fill_sockets(g, import, spec, at);
        if (r < 0)
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "descriptors: %s", strerror(-r));
        if (!spec->ndirs)
                return 0;
        r = s->paths ? 0 : path_server_start(s->unit, s->daemon->options.cache, &s->paths, err);
        return r < 0 ? r : path_server_guest(s->paths, 1 + i, &spec->path_fd, err);
}

static void close_all(struct members *m)
{
        for (unsigned i = 0; i < m->n; i++) {
                struct guest_spec *spec = &m->specs[i];

                for (unsigned k = 0; k < 3; k++)
                        if (spec->stdio[k] >= 0)
                                close(TAKE_FD(spec->stdio[k]));
                if (spec->path_fd >= 0)
                        close(TAKE_FD(spec->path_fd));
                for (unsigned k = 0; k < spec->nlisten; k++)
                        close(spec->listen[k]);
                spec->nlisten = 0;
        }
}

int linked_fill(struct nano *g, struct members *m, unsigned *at, struct error *err)
{
        for (unsigned i = 0; i < m->n; i++) {
                int r = fill_one(g, i, &m->specs[i], at, err);

                if (r < 0) {
                        close_all(m);
                        return error_prefix(err, "%s: %s", g->service->unit->imports[i].where,
                                            g->service->unit->imports[i].name);
                }
        }
        return 0;
}

void linked_freep(struct members *m)
{
        for (unsigned i = 0; i < m->n && m->specs; i++)
                free((void *)(uintptr_t)m->specs[i].listen);
        members_free(m);
}

uint64_t linked_refusals(const struct usage *u)
{
        uint64_t n = u->denials;

        for (unsigned k = 0; k < _LIMIT_MAX; k++)
                n += u->refused[k];
        return n;
}

static struct json_object *view_one(const struct unit_import *import, const struct usage *u)
{
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "name", json_object_new_string(import->name));
        json_object_object_add(o, "memory", json_object_new_int64((int64_t)u->memory));
        json_object_object_add(o, "memory_peak", json_object_new_int64((int64_t)u->memory_peak));
        json_object_object_add(o, "denials", json_object_new_int64((int64_t)linked_refusals(u)));
        return o;
}

struct json_object *linked_view(const struct nano *g)
{
        struct json_object *list = json_object_new_array();

        for (unsigned i = 0; i < g->nmembers; i++) {
                struct usage u;

                host_member_usage(g, i, &u);
                json_object_array_add(list, view_one(&g->service->unit->imports[i], &u));
        }
        return list;
}

void linked_ended(const struct nano *g)
{
        for (unsigned i = 0; i < g->nmembers && g->service->past_imports; i++) {
                struct usage *past = &g->service->past_imports[i], u;

                host_member_usage(g, i, &u);
                past->denials += u.denials;
                for (unsigned k = 0; k < _LIMIT_MAX; k++)
                        past->refused[k] += u.refused[k];
        }
}

void linked_usage(const struct service *s, unsigned i, struct usage *ret)
{
        *ret = s->past_imports[i];
        for (unsigned n = 0; n < s->nguests; n++) {
                struct usage u;

                host_member_usage(&s->guests[n], i, &u);
                ret->memory += u.memory;
                ret->memory_peak += u.memory_peak;
                ret->denials += u.denials;
                for (unsigned k = 0; k < _LIMIT_MAX; k++)
                        ret->refused[k] += u.refused[k];
        }
}

struct json_object *linked_view_unit(const struct service *s)
{
        struct json_object *list = json_object_new_array();

        for (unsigned i = 0; i < s->nimport_artefacts; i++) {
                struct usage u;

                linked_usage(s, i, &u);
                json_object_array_add(list, view_one(&s->unit->imports[i], &u));
        }
        return list;
}
