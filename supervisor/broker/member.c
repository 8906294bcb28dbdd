/* member.c - see member.h. */
#include "config.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/broker/member.h"
#include "supervisor/broker/unit_run.h"

#define AGAIN_MAX 128 /* openat2() beside somebody else's rename */

static uint32_t grants_of_tree(uint32_t verbs)
{
        return GRANT_FILES | (verbs & VERB_READ ? GRANT_READ : 0) |
               (verbs & (VERB_WRITE | VERB_CREATE) ? GRANT_WRITE : 0) |
               (verbs & VERB_WRITE ? GRANT_CHANGE : 0) | (verbs & VERB_CREATE ? GRANT_CREATE : 0) |
               (verbs & VERB_REMOVE ? GRANT_REMOVE : 0);
}

static uint32_t grants_of(const struct key *key)
{
        switch (key->kind) {
        case KEY_DIRECTORY:
        case KEY_FILE:
                return grants_of_tree(key->verbs);
        case KEY_LISTEN:
                return GRANT_LISTEN | GRANT_SOCKETS;
        case KEY_CONNECT:
                return GRANT_SOCKETS;
        case KEY_ENVIRONMENT:
                return GRANT_ENVIRONMENT;
        case KEY_CLOCK:
                return GRANT_CLOCK;
        case KEY_RANDOM:
                return GRANT_RANDOM;
        case KEY_STDIO:
                return key->number == 0 ? GRANT_READ : GRANT_WRITE;
        default:
                return 0;
        }
}

const struct key *member_stream(const struct unit_import *i, unsigned stream)
{
        for (unsigned k = 0; k < i->nkeys; k++)
                if (i->keys[k].key.kind == KEY_STDIO && i->keys[k].key.number == stream)
                        return &i->keys[k].key;
        return NULL;
}

/* What the guest sees of a tree; a file is in a directory of the guest's, under its own name. NULL: no memory. */
static const char *guest_path(struct members *m, const struct key *key)
{
        const char *path = key->mount ? key->mount : key->path, *slash;

        if (key->kind == KEY_DIRECTORY)
                return path;
        slash = strrchr(path, '/');
        m->made[m->nmade] = strndup(path, slash > path ? (size_t)(slash - path) : 1);
        return m->made[m->nmade] ? m->made[m->nmade++] : NULL;
}

static int take_environment(struct members *m, const struct key *key, struct guest_spec *spec, const char **env)
{
        for (unsigned v = 0; v < key->nvariables; v++) {
                const char *value = getenv(key->variables[v]);

                if (!value)
                        continue;
                if (asprintf(&m->made[m->nmade], "%s=%s", key->variables[v], value) < 0) {
                        m->made[m->nmade] = NULL;
                        return -ENOMEM;
                }
                env[spec->nenv++] = m->made[m->nmade++];
        }
        return 0;
}

static int fill(struct members *m, const struct unit_import *import, struct guest_dir *dirs, const char **env,
                struct guest_spec *spec)
{
        *spec = (struct guest_spec) {
                .slot = UINT32_MAX, .path_fd = -EBADF, .invoke = import->name, .sees = import->sees,
                .stdio = { STREAM_CLOSED, STREAM_CLOSED, STREAM_CLOSED },
                .deny = import->unkeyed == UNKEYED_DENY, .dirs = dirs, .env = env,
                .limits = { .memory_max_bytes = import->memory_max,
                            .host_memory_max_bytes = import->host_memory_max,
                            .files_max = (uint32_t)import->files_max },
        };
        for (unsigned k = 0; k < import->nkeys; k++) {
                const struct key *key = &import->keys[k].key;

                spec->grants |= grants_of(key);
                if (key_is_tree(key)) {
                        dirs[spec->ndirs] = (struct guest_dir) { guest_path(m, key), spec->ndirs,
                                                                 key->verbs == VERB_READ };
                        if (!dirs[spec->ndirs++].guest)
                                return -ENOMEM;
                }
                if (key->kind == KEY_CLOCK)
                        spec->clock_resolution_ns = key->number;
                if (key->kind == KEY_RANDOM)
                        spec->limits.random_max_bytes = key->number;
                if (key->kind == KEY_ENVIRONMENT && take_environment(m, key, spec, env) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int members_new(const struct unit *u, struct members *ret, struct error *err)
{
        struct members m = { .specs = calloc(u->nimports + 1, sizeof(*m.specs)), .n = u->nimports };
        unsigned strings = 1, keys = 1, variables = 1;
        struct guest_dir *dirs;
        const char **env;
        int r = 0;

        for (unsigned i = 0; i < u->nimports; i++)
                for (unsigned k = 0; k < u->imports[i].nkeys; k++) {
                        keys++;
                        strings += 1 + u->imports[i].keys[k].key.nvariables;
                        variables += u->imports[i].keys[k].key.nvariables;
                }
        m.made = calloc(strings, sizeof(*m.made));
        m.env = env = calloc(variables, sizeof(*m.env));
        m.dirs = dirs = calloc(keys, sizeof(*m.dirs));
        if (!m.specs || !m.made || !m.env || !m.dirs)
                r = -ENOMEM;
        for (unsigned i = 0; i < u->nimports && r >= 0; i++) {
                r = fill(&m, &u->imports[i], dirs, env, &m.specs[i]);
                dirs += m.specs[i].ndirs;
                env += m.specs[i].nenv;
        }
        if (r < 0) {
                members_free(&m);
                return error_set(err, STAGE_BROKER, r, ERROR_NOWHERE, "imports: out of memory");
        }
        *ret = m;
        return 0;
}

void members_free(struct members *m)
{
        for (unsigned i = 0; i < m->nmade; i++)
                free(m->made[i]);
        free(m->made);
        free(m->env);
        free(m->dirs);
        free(m->specs);
        *m = (struct members) { 0 };
}

static int open_beneath(int dir, const char *below)
{
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                                .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

        for (int i = 0; i < AGAIN_MAX; i++) {
                int fd = (int)syscall(SYS_openat2, dir, below, &how, sizeof(how));

                if (fd >= 0 || errno != EAGAIN)
                        return fd < 0 ? -errno : fd;
        }
        return -EAGAIN;
}

int member_tree_open(const struct narrowed_key *key, const char **ret_only, struct error *err)
{
        const char *path = key->from->path, *slash = strrchr(path, '/');
        _cleanup_close_ int dir = -EBADF;
        char parent[4096];
        int r;

        snprintf(parent, sizeof(parent), "%s", path);
        *ret_only = NULL;
        if (key->key.kind == KEY_FILE) {
                *ret_only = slash + 1;
                parent[slash + 1 - path] = '\0';
        }
        dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "key %s: %s: %s", key->key.name, parent,
                                 strerror(errno));
        if (!key->below)
                return TAKE_FD(dir);
        r = open_beneath(dir, key->below);
        return r < 0 ? error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "key %s: %s beneath %s: %s", key->key.name,
                                 key->below, parent, strerror(-r))
                     : r;
}
