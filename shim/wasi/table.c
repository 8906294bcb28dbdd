/* table.c - the guest's descriptors. */
#include <errno.h>
#include <string.h>

#include "shim/wasi/state.h"

struct descriptor *descriptor_new(struct wasi *w, enum descriptor_kind kind)
{
        struct descriptor *d = wasi_alloc(w, sizeof(*d));

        if (!d)
                return NULL;
        *d = (struct descriptor) {
                .refs = 1, .kind = kind, .fd = -EBADF, .handle = UINT32_MAX, .grant = WASI_NO_GRANT,
                .next = w->all,
        };
        if (w->all)
                w->all->previous = d;
        w->all = d;
        return d;
}

static void descriptor_unlink(struct wasi *w, struct descriptor *d)
{
        if (d->previous)
                d->previous->next = d->next;
        else
                w->all = d->next;
        if (d->next)
                d->next->previous = d->previous;
}

void descriptor_ref(struct descriptor *d)
{
        d->refs++;
}

/* Descriptors 0 to 2 of the process are its own; the guest's are others, even when it is stdio. */
static bool closes(const struct descriptor *d)
{
        return d->fd > STDERR_FILENO;
}

static void descriptor_free(struct wasi *w, struct descriptor *d)
{
        if (d->kind == KIND_CONNECTION && !d->granted)
                w->connections--;
        if (d->origin)
                wasi_release(w, d->origin, sizeof(*d->origin) + d->origin->bytes + 1);
        wasi_release(w, d, sizeof(*d));
}

enum wasi_errno descriptor_put(struct wasi *w, struct descriptor *d)
{
        enum wasi_errno e = WASI_SUCCESS;

        if (!d || --d->refs > 0)
                return WASI_SUCCESS;
        /* A poll in flight holds the kernel's file open: the peer would not see the close. */
        for (unsigned i = 0; i < _WATCH_MAX; i++)
                watch_stop(w, &d->watches[i]);
        /* The close suspends: should the guest be ended meanwhile, descriptor_drop_all() finds @d in
         * the list and must not close the same number again. */
        if (d->kind == KIND_DIRECTORY && !d->granted) {
                struct path_request r = { .op = PATH_CLOSE_DIR, .dir = d->handle };
                struct path_reply reply;

                d->granted = true;
                e = broker_call(w, &r, NULL, NULL, &reply, NULL, 0, NULL);
        } else if (d->kind != KIND_DIRECTORY && closes(d)) {
                struct ring_op op = { .code = RING_CLOSE, .fd = TAKE_FD(d->fd) };

                e = wasi_errno_of(ring_do(w->config.ring, &op));
        }
        descriptor_unlink(w, d);
        /* Directories have no origin: this goes one step deep. */
        if (d->origin)
                (void) descriptor_put(w, d->origin->dir);
        descriptor_free(w, d);
        return e;
}

void descriptor_drop_all(struct wasi *w)
{
        while (w->all) {
                struct descriptor *d = w->all;

                for (unsigned i = 0; i < _WATCH_MAX; i++)
                        watch_stop(w, &d->watches[i]);
                descriptor_unlink(w, d);
                if (d->kind != KIND_DIRECTORY && closes(d))
                        close(d->fd);
                descriptor_free(w, d);
        }
        free(w->table);
        w->table = NULL;
        w->slots_room = w->slots_used = 0;
}

static struct descriptor *slot(const struct wasi *w, uint32_t fd)
{
        return fd < w->slots_room ? w->table[fd] : NULL;
}

static enum wasi_errno wrong_kind(const struct descriptor *d, const char *kinds)
{
        if (strcmp(kinds, "D") == 0)
                return WASI_NOTDIR;
        if (strcmp(kinds, "L") == 0)
                return d->kind == KIND_CONNECTION ? WASI_INVAL : WASI_NOTSOCK;
        if (strcmp(kinds, "C") == 0)
                return d->kind == KIND_LISTENER ? WASI_NOTCONN : WASI_NOTSOCK;
        return d->kind == KIND_DIRECTORY ? WASI_ISDIR : WASI_NOTCAPABLE;
}

enum wasi_errno descriptor_get(struct wasi *w, uint32_t fd, const char *kinds, uint64_t rights,
                               struct descriptor **ret)
{
        struct descriptor *d = slot(w, fd);
        uint64_t missing;

        if (!d)
                return WASI_BADF;
        if (!strchr(kinds, d->kind))
                return wrong_kind(d, kinds);
        missing = rights & ~d->rights;
        if (missing && d->read_only && !(missing & ~wasi_rights_mutating()))
                return WASI_ROFS;
        if (missing) {
                wasi_refuse_below(w, NULL, d->grant);
                return WASI_NOTCAPABLE;
        }
        descriptor_ref(d);
        *ret = d;
        return WASI_SUCCESS;
}

bool descriptor_room(const struct wasi *w)
{
        if (w->slots_used < w->slots_max)
                return true;
        wasi_refuse(w, REFUSED_FILES, NULL);
        return false;
}

static enum wasi_errno table_grow(struct wasi *w)
{
        unsigned room = w->slots_room ? 2 * w->slots_room : 16;
        struct descriptor **table;

        if (room > w->slots_max)
                room = w->slots_max;
        if (room <= w->slots_room) {
                wasi_refuse(w, REFUSED_FILES, NULL);
                return WASI_MFILE;
        }
        /* Not realloc(): that may ask for mremap(), which a cell has not. */
        table = wasi_alloc(w, room * sizeof(*table));
        if (!table)
                return WASI_NOMEM;
        if (w->slots_room)
                memcpy(table, w->table, w->slots_room * sizeof(*table));
        wasi_release(w, w->table, w->slots_room * sizeof(*table));
        w->table = table;
        w->slots_room = room;
        return WASI_SUCCESS;
}

enum wasi_errno descriptor_add(struct wasi *w, struct descriptor *d, uint32_t *ret_fd)
{
        enum wasi_errno e;

        while (w->lowest_free < w->slots_room && w->table[w->lowest_free])
                w->lowest_free++;
        if (w->lowest_free == w->slots_room) {
                e = table_grow(w);
                if (e)
                        return e;
        }
        w->table[w->lowest_free] = d;
        w->slots_used++;
        *ret_fd = w->lowest_free++;
        return WASI_SUCCESS;
}

static struct descriptor *table_take(struct wasi *w, uint32_t fd)
{
        struct descriptor *d = slot(w, fd);

        if (!d)
                return NULL;
        w->table[fd] = NULL;
        w->slots_used--;
        if (fd < w->lowest_free)
                w->lowest_free = fd;
        return d;
}

enum wasi_errno descriptor_remove(struct wasi *w, uint32_t fd)
{
        struct descriptor *d = table_take(w, fd);

        return d ? descriptor_put(w, d) : WASI_BADF;
}

enum wasi_errno descriptor_renumber(struct wasi *w, uint32_t fd, uint32_t to)
{
        struct descriptor *old;

        if (!slot(w, fd) || !slot(w, to))
                return WASI_BADF;
        if (fd == to)
                return WASI_SUCCESS;
        old = w->table[to];
        w->table[to] = table_take(w, fd);
        /* What stood there is gone whatever its close says: dup2() is silent about it as well. */
        (void) descriptor_put(w, old);
        return WASI_SUCCESS;
}
