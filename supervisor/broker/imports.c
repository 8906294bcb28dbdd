/* imports.c - see imports.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/broker/connect.h"
#include "supervisor/broker/imports.h"

struct member {
        const struct unit_import *import;
        struct found artefact;
        struct paths paths;
        int path_sock;                   /* -EBADF: none, or its end was seen */
        int *sockets;                    /* for the guest: those to accept from, then connections */
        unsigned nlisten, nconnected;
        uint32_t module;
};

struct imports {
        const struct unit *unit;
        struct members members;
        struct member *of;               /* [members.n] */
};

static int prefix(const struct unit_import *import, struct error *err)
{
        return error_prefix(err, "%s: %s", import->where, import->name);
}

int imports_blame(const struct imports *g, unsigned member, struct error *err)
{
        return g && member && member <= g->members.n ? prefix(g->of[member - 1].import, err) : err->code;
}

const char *imports_name(const struct imports *g, unsigned member)
{
        return member && member <= g->members.n ? g->of[member - 1].import->name : NULL;
}

static int find_artefact(const struct broker *b, struct member *m, struct error *err)
{
        _cleanup_close_ int file = open(m->import->module, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct run_options o = b->options;
        struct module_pin pin;
        bool pinned;
        int r;

        if (file < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "%s: %m", m->import->module);
        r = member_pin(b->options.imports, m->import, &pin, &pinned, err);
        if (r < 0)
                return r;
        o.pin = pinned ? &pin : NULL;
        r = artefact_find(&o, file, &m->artefact, err);
        return r < 0 ? error_prefix(err, "%s", m->import->module) : 0;
}

static int open_trees(const struct broker *b, struct member *m, struct error *err)
{
        paths_protect(&m->paths, &b->protection);
        for (unsigned k = 0; k < m->import->nkeys; k++) {
                const struct narrowed_key *key = &m->import->keys[k];
                const char *only;
                int fd, r;

                if (!key_is_tree(&key->key))
                        continue;
                fd = member_tree_open(key, &only, err);
                if (fd < 0)
                        return fd;
                r = paths_grant_verbs(&m->paths, fd, key->key.verbs, only, err);
                if (r < 0) {
                        close(fd);
                        return error_prefix(err, "key %s", key->key.name);
                }
        }
        return 0;
}

/* The unit's own socket of listening key @key: they were opened in the order of its keys. */
static int listening(const struct broker *b, const struct key *key)
{
        const struct unit *u = b->options.imports;
        unsigned n = 0;

        for (unsigned i = 0; i < u->nkeys && &u->keys[i] != key; i++)
                n += u->keys[i].kind == KEY_LISTEN;
        return n < b->nlisten ? fcntl(b->listen[n], F_DUPFD_CLOEXEC, 3) : -1;
}

static int open_sockets(const struct broker *b, struct member *m, enum key_kind kind, struct error *err)
{
        for (unsigned k = 0; k < m->import->nkeys; k++) {
                const struct narrowed_key *key = &m->import->keys[k];
                int fd;

                if (key->key.kind != kind)
                        continue;
                if (kind == KEY_LISTEN) {
                        fd = listening(b, key->from);
                        if (fd < 0)
                                return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "key %s: %m", key->key.name);
                } else {
                        fd = connect_open(&key->key, err);
                        if (fd < 0)
                                return fd;
                        m->nconnected++;
                }
                m->sockets[m->nlisten++] = fd;
        }
        return 0;
}

static int open_member(const struct broker *b, struct member *m, struct error *err)
{
        int r;

        m->sockets = calloc(m->import->nkeys + 1, sizeof(*m->sockets));
        if (!m->sockets)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "sockets");
        r = find_artefact(b, m, err);
        if (r >= 0)
                r = open_trees(b, m, err);
        if (r >= 0)
                r = open_sockets(b, m, KEY_LISTEN, err);
        return r < 0 ? r : open_sockets(b, m, KEY_CONNECT, err);
}

int imports_open(struct broker *b, struct error *err)
{
        const struct unit *u = b->options.imports;
        struct imports *g;
        int r;

        if (!u)
                return 0;
        b->imports = g = calloc(1, sizeof(*g));
        if (!g)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "group");
        g->unit = u;
        g->of = calloc(u->nimports, sizeof(*g->of));
        if (!g->of)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "group");
        r = members_new(u, &g->members, err);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < g->members.n; i++) {
                g->of[i] = (struct member) { .import = &u->imports[i], .artefact = { .fd = -EBADF, .cache = -EBADF },
                                             .path_sock = -EBADF };
                paths_init(&g->of[i].paths);
        }
        for (unsigned i = 0; i < g->members.n; i++) {
                r = open_member(b, &g->of[i], err);
                if (r < 0)
                        return prefix(g->of[i].import, err);
        }
        return 0;
}

void imports_free(struct imports *g)
{
        if (!g)
                return;
        for (unsigned i = 0; i < g->members.n; i++) {
                struct member *m = &g->of[i];

                found_done(&m->artefact);
                paths_done(&m->paths);
                closep(&m->path_sock);
                for (unsigned k = 0; k < m->nlisten; k++)
                        close(m->sockets[k]);
                free(m->sockets);
        }
        members_free(&g->members);
        free(g->of);
        free(g);
}

static int add_code(int fd, size_t *bytes, struct error *err)
{
        _cleanup_(unmapp) struct mapping map = { 0 };
        struct slice code;
        int r = broker_map_artefact(fd, true, &map, &code, err); /* the sum is checked when it is loaded */

        if (r >= 0)
                *bytes += (code.size + 4095) & ~(size_t)4095;
        return r;
}

int imports_arena(struct broker *b, const struct found *main, struct error *err)
{
        const struct imports *g = b->imports;
        size_t bytes = 0;
        int r = add_code(main->fd, &bytes, err);

        for (unsigned i = 0; i < g->members.n && r >= 0; i++)
                r = add_code(g->of[i].artefact.fd, &bytes, err);
        return r < 0 ? r : code_arena_new(bytes, -EBADF, 0, 0, true, &b->arena, err);
}

int imports_load(struct broker *b, const struct found *main, uint32_t *ret_main, struct error *err)
{
        struct imports *g = b->imports;
        int r = broker_load(b, main->fd, ret_main, err);

        for (unsigned i = 0; i < g->members.n && r >= 0; i++) {
                r = broker_load(b, g->of[i].artefact.fd, &g->of[i].module, err);
                if (r < 0)
                        return prefix(g->of[i].import, err);
        }
        return r;
}

static int make_spec(struct member *m, struct guest_spec *spec, const struct broker *b, struct error *err)
{
        int pair[2];

        spec->module = m->module;
        for (unsigned i = 0; i < 3; i++) {
                const struct key *key = member_stream(m->import, i);

                if (key && key->target != TARGET_NULL && !b->options.closed_stdio && stdio_usable((int)i) >= 0)
                        spec->stdio[i] = STREAM_CELL;
        }
        if (spec->ndirs) {
                if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                        return error_set(err, STAGE_BROKER, -errno, ERROR_NOWHERE, "socket pair: %m");
                m->path_sock = pair[0];
                spec->path_fd = pair[1];
        }
        return 0;
}

int imports_specs(struct broker *b, struct guest_spec *spec, struct error *err)
{
        struct imports *g = b->imports;

        for (unsigned i = 0; i < g->members.n; i++) {
                int r = make_spec(&g->of[i], &g->members.specs[i], b, err);

                if (r < 0) {
                        while (i--)
                                closep(&g->members.specs[i].path_fd);
                        return r;
                }
        }
        for (unsigned i = 0; i < g->members.n; i++) { /* from here on they are the guest's */
                struct member *m = &g->of[i];

                g->members.specs[i].listen = m->sockets;
                g->members.specs[i].nlisten = m->nlisten;
                g->members.specs[i].nconnected = m->nconnected;
                m->nlisten = 0;
        }
        spec->members = g->members.specs;
        spec->nmembers = g->members.n;
        spec->sees = UINT64_MAX;
        return 0;
}

unsigned imports_polls(const struct imports *g, struct pollfd *polls)
{
        unsigned n = g ? g->members.n : 0;

        for (unsigned i = 0; i < n; i++)
                polls[i] = (struct pollfd) { .fd = g->of[i].path_sock, .events = POLLIN };
        return n;
}

int imports_serve(struct broker *b, const struct pollfd *polls, struct error *err)
{
        for (unsigned i = 0; b->imports && i < b->imports->members.n; i++) {
                struct member *m = &b->imports->of[i];
                int r = polls[i].revents ? session_serve_path(b, &m->paths, &m->path_sock, err) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

uint64_t imports_escapes(const struct imports *g)
{
        uint64_t n = 0;

        for (unsigned i = 0; g && i < g->members.n; i++)
                n += g->of[i].paths.escapes;
        return n;
}
