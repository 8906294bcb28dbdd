/* wasi.c - a guest's WASI state: made from its configuration, and taken down. */
#include "shim/wasi/wasi.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "shim/wasi/state.h"

#define FILES_MAX_DEFAULT 1024u

/* A stream is there to be read or written. Somebody's log file must not be cut or back-dated. */
#define RIGHTS_NOT_STDIO \
        (RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_SET_TIMES | RIGHT_FD_ALLOCATE)

const struct host_function wasi_functions[] = {
#define FUNCTION(name, params, results) \
        { "wasi_snapshot_preview1", #name, params, results, (void *)wasi_##name },
#include "shim/wasi/wasi.def"
};
const unsigned wasi_functions_n = ELEMENTSOF(wasi_functions);

_Static_assert(ELEMENTSOF(wasi_functions) == 46, "preview 1 has 46 functions");

/* One copy of all strings with their terminators: what args_get and environ_get hand out. */
static int strings_copy(const char *const *strings, unsigned n, char **ret, uint32_t *ret_bytes,
                        struct error *err)
{
        uint64_t total = 0;
        char *copy, *p;

        for (unsigned i = 0; i < n; i++)
                total += strlen(strings[i]) + 1;
        /* The guest sees 32-bit sizes, and needs a pointer for each besides. */
        if (total + 4 * (uint64_t)n > INT32_MAX)
                return error_set(err, STAGE_USAGE, -E2BIG, ERROR_NOWHERE,
                                 "arguments or environment of %llu bytes",
                                 (unsigned long long)total);
        copy = malloc(total ? total : 1);
        if (!copy)
                return error_set(err, STAGE_USAGE, -ENOMEM, ERROR_NOWHERE, "arguments");
        p = copy;
        for (unsigned i = 0; i < n; i++)
                p = stpcpy(p, strings[i]) + 1;
        *ret = copy;
        *ret_bytes = total;
        return 0;
}

static uint16_t flags_of(int fd)
{
        int flags = fcntl(fd, F_GETFL);

        return flags >= 0 && (flags & O_APPEND) ? WASI_FD_APPEND : 0;
}

static enum wasi_errno add_stdio(struct wasi *w, int fd, int number)
{
        struct descriptor *d;
        struct stat st;
        uint32_t slot;

        if (fd < 0 || fd_stat(fd, &st) < 0)
                return WASI_BADF;
        d = descriptor_new(w, S_ISREG(st.st_mode)    ? KIND_FILE
                              : S_ISSOCK(st.st_mode) ? KIND_CONNECTION
                                                     : KIND_STREAM);
        if (!d)
                return WASI_NOMEM;
        d->fd = fd;
        d->granted = true;
        d->filetype = filetype_of(st.st_mode);
        d->flags = flags_of(fd);
        d->rights = wasi_rights_of(d->kind) & ~(uint64_t)RIGHTS_NOT_STDIO;
        d->rights &= ~(uint64_t)(number == 0 ? RIGHT_FD_WRITE : RIGHT_FD_READ);
        /* C libraries take a character device without these for a terminal: /dev/null is none. */
        if (d->kind == KIND_STREAM && lseek(fd, 0, SEEK_CUR) >= 0)
                d->rights |= RIGHT_FD_SEEK | RIGHT_FD_TELL;
        return descriptor_add(w, d, &slot);
}

static enum wasi_errno add_log(struct wasi *w, int number)
{
        struct descriptor *d = descriptor_new(w, KIND_STREAM);
        uint32_t slot;

        if (!d)
                return WASI_NOMEM;
        d->log = (uint8_t)number;
        d->granted = true;
        /* A terminal, for C libraries: each line comes when it is written. */
        d->filetype = WASI_FILETYPE_CHARACTER_DEVICE;
        d->rights = wasi_rights_of(d->kind) & ~(uint64_t)(RIGHTS_NOT_STDIO | RIGHT_FD_READ);
        return descriptor_add(w, d, &slot);
}

static enum wasi_errno add_directory(struct wasi *w, const struct wasi_grant_dir *grant)
{
        struct descriptor *d = descriptor_new(w, KIND_DIRECTORY);
        uint32_t slot;

        if (!d)
                return WASI_NOMEM;
        d->handle = d->grant = grant->handle;
        d->granted = true;
        d->read_only = grant->read_only;
        d->guest_path = grant->guest_path;
        d->filetype = WASI_FILETYPE_DIRECTORY;
        d->rights = wasi_rights_of(KIND_DIRECTORY);
        if (d->read_only)
                d->rights &= ~wasi_rights_mutating();
        /* Under a read-only grant writing stays inheritable: C libraries mask what they ask for
         * with these rights, and an open for writing would then succeed and every write fail. So it
         * is asked for, and refused with ROFS, as on a file system mounted read-only. */
        d->inheriting = wasi_rights_of(KIND_DIRECTORY) | wasi_rights_of(KIND_FILE);
        return descriptor_add(w, d, &slot);
}

static enum wasi_errno add_listener(struct wasi *w, int fd, bool connected)
{
        struct descriptor *d = descriptor_new(w, connected ? KIND_CONNECTION : KIND_LISTENER);
        uint32_t slot;

        if (!d)
                return WASI_NOMEM;
        d->fd = fd;
        d->granted = true;
        d->filetype = WASI_FILETYPE_SOCKET_STREAM;
        d->rights = wasi_rights_of(d->kind);
        d->inheriting = connected ? 0 : wasi_rights_of(KIND_CONNECTION);
        return descriptor_add(w, d, &slot);
}

/* Numbers are positions: a closed stdio keeps its place until the directories have theirs. */
static enum wasi_errno fill_table(struct wasi *w)
{
        const struct wasi_config *c = &w->config;
        enum wasi_errno e = WASI_SUCCESS;
        bool closed[3] = { false };

        for (int i = 0; i < 3 && !e; i++) {
                if (i && c->log_stdio & 1u << i)
                        e = add_log(w, i);
                else
                        e = add_stdio(w, c->stdio[i], i);
                if (e == WASI_BADF) {
                        struct descriptor *d = descriptor_new(w, KIND_STREAM);
                        uint32_t slot;

                        closed[i] = true;
                        e = d ? descriptor_add(w, d, &slot) : WASI_NOMEM;
                }
        }
        for (unsigned i = 0; i < c->ndirs && !e; i++)
                e = add_directory(w, &c->dirs[i]);
        for (unsigned i = 0; i < c->nlisten && !e; i++)
                e = add_listener(w, c->listen[i], i >= c->nlisten - c->nconnected);
        for (int i = 0; i < 3 && !e; i++)
                if (closed[i])
                        e = descriptor_remove(w, i);
        return e;
}

/* On failure nothing that came from the configuration is closed. */
static void forget(struct wasi *w)
{
        for (struct descriptor *d = w->all; d; d = d->next)
                d->fd = -EBADF;
}

int wasi_new(const struct wasi_config *config, struct wasi **ret, struct error *err)
{
        struct wasi *w = calloc(1, sizeof(*w));
        enum wasi_errno e;
        int r;

        if (!w)
                return error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "WASI state");
        w->config = *config;
        w->memory.max = config->host_memory_max;
        if (!budget_take(&w->memory, sizeof(*w))) {
                free(w);
                return error_set(err, STAGE_POLICY, -E2BIG, ERROR_NOWHERE,
                                 "%llu bytes of host memory are too few to start with",
                                 (unsigned long long)config->host_memory_max);
        }
        w->slots_max = config->files_max ? config->files_max : FILES_MAX_DEFAULT;
        r = strings_copy(config->args, config->nargs, &w->args_copy, &w->args_bytes, err);
        if (r >= 0)
                r = strings_copy(config->env, config->nenv, &w->env_copy, &w->env_bytes, err);
        if (r >= 0 && !budget_take(&w->memory, (uint64_t)w->args_bytes + w->env_bytes))
                r = error_set(err, STAGE_POLICY, -E2BIG, ERROR_NOWHERE,
                              "arguments and environment of %llu bytes pass the limit of host memory",
                              (unsigned long long)w->args_bytes + w->env_bytes);
        if (r >= 0) {
                e = fill_table(w);
                if (e == WASI_MFILE)
                        r = error_set(err, STAGE_POLICY, -EMFILE, ERROR_NOWHERE,
                                      "%u open files are too few for 3 streams, %u directories and "
                                      "%u sockets", w->slots_max, config->ndirs, config->nlisten);
                else if (e)
                        r = error_set(err, STAGE_CELL, -ENOMEM, ERROR_NOWHERE, "descriptor table");
        }
        if (r < 0) {
                forget(w);
                wasi_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

void *wasi_alloc(struct wasi *w, size_t size)
{
        void *p;

        if (!budget_take(&w->memory, size)) {
                wasi_refuse(w, REFUSED_HOST_MEMORY, NULL);
                return NULL;
        }
        p = calloc(1, size);
        if (!p)
                budget_give(&w->memory, size);
        return p;
}

void wasi_release(struct wasi *w, void *p, size_t size)
{
        if (p)
                budget_give(&w->memory, size);
        free(p);
}

void wasi_refuse(const struct wasi *w, enum wasi_refusal what, const char *object)
{
        if (w->config.refused)
                w->config.refused(w->config.context, what, object, WASI_NO_GRANT);
}

void wasi_refuse_below(const struct wasi *w, const char *object, uint32_t grant)
{
        if (w->config.refused)
                w->config.refused(w->config.context, REFUSED_CAPABILITY, object, grant);
}

void wasi_usage(const struct wasi *w, struct wasi_usage *ret)
{
        *ret = (struct wasi_usage) {
                .memory = w->memory.used, .memory_peak = w->memory.peak, .random_bytes = w->random_bytes,
                .files = w->slots_used, .connections = w->connections,
        };
}

void wasi_close_all(struct wasi *w)
{
        for (uint32_t fd = 0; fd < w->slots_room; fd++)
                (void) descriptor_remove(w, fd);
}

void wasi_end(struct wasi *w)
{
        w->ending = w->untold = true;
}

void wasi_free(struct wasi *w)
{
        if (!w)
                return;
        poll_drop_all(w);
        descriptor_drop_all(w);
        free(w->args_copy);
        free(w->env_copy);
        free(w);
}

bool wasi_exited(const struct wasi *w, uint32_t *ret_status)
{
        if (w->exited)
                *ret_status = w->status;
        return w->exited;
}
