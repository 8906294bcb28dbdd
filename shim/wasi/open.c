/* open.c - path_open, closing, renumbering. */
#include <errno.h>
#include <string.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

#define RIGHTS_READ  (RIGHT_FD_READ | RIGHT_FD_READDIR)
#define RIGHTS_WRITE (RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE)
#define RIGHTS_ALL   ((UINT64_C(1) << 30) - 1)

struct open_call {
        struct descriptor *dir;
        struct path_text path;
        struct path_request r;
        uint64_t rights, inheriting;
        uint16_t flags;
        struct guest_span ret;
};

static uint64_t directory_rights(uint32_t oflags, uint32_t fdflags)
{
        uint64_t rights = RIGHT_PATH_OPEN;

        if (oflags & WASI_OPEN_CREATE)
                rights |= RIGHT_PATH_CREATE_FILE;
        if (oflags & WASI_OPEN_TRUNCATE)
                rights |= RIGHT_PATH_FILESTAT_SET_SIZE;
        return rights;
}

/* FD_FILESTAT_SET_SIZE beside a right to read is no wish to write: Go asks for it whenever it opens
 * something to be read, directories too. */
static bool wants_write(uint64_t rights)
{
        return (rights & RIGHTS_WRITE) ||
               ((rights & RIGHT_FD_FILESTAT_SET_SIZE) && !(rights & RIGHTS_READ));
}

static uint32_t open_flags(uint32_t lookup, uint32_t oflags, uint64_t rights)
{
        uint32_t flags = 0;

        if (lookup & WASI_LOOKUP_FOLLOW)
                flags |= PATH_FOLLOW;
        if (oflags & WASI_OPEN_CREATE)
                flags |= PATH_CREATE;
        if (oflags & WASI_OPEN_DIRECTORY)
                flags |= PATH_DIRECTORY;
        if (oflags & WASI_OPEN_EXCLUSIVE)
                flags |= PATH_EXCLUSIVE;
        if (oflags & WASI_OPEN_TRUNCATE)
                flags |= PATH_TRUNCATE | PATH_WRITE;
        if (wants_write(rights) && !(oflags & WASI_OPEN_DIRECTORY))
                flags |= PATH_WRITE;
        if ((rights & RIGHTS_READ) || !(flags & PATH_WRITE))
                flags |= PATH_READ;
        return flags;
}

static enum wasi_errno open_check(struct wasi *w, const struct guest *g, uint32_t fd,
                                  uint32_t lookup, uint32_t path, uint32_t bytes, uint32_t oflags,
                                  uint32_t fdflags, uint32_t ret_fd, struct open_call *ret)
{
        enum wasi_errno e = guest_span(g, guest_ptr(ret_fd), 1, sizeof(uint32_t), &ret->ret);

        if (!e && ((lookup & ~WASI_LOOKUP_FOLLOW) || (oflags & ~WASI_OPEN_FLAGS) ||
                   (fdflags & ~WASI_FD_FLAGS)))
                e = WASI_INVAL;
        if (!e && (oflags & WASI_OPEN_DIRECTORY) &&
            (oflags & (WASI_OPEN_CREATE | WASI_OPEN_EXCLUSIVE | WASI_OPEN_TRUNCATE)))
                e = WASI_INVAL;
        if (!e)
                e = path_prepare(g, path, bytes, &ret->path);
        if (!e)
                e = path_inside(w, fd, &ret->path);
        if (!e)
                e = descriptor_get(w, fd, "D", directory_rights(oflags, fdflags), &ret->dir);
        if (e)
                return e;

        /* Bits that name no right ask for nothing: C libraries and Go set them. */
        ret->rights &= RIGHTS_ALL;
        ret->inheriting &= RIGHTS_ALL;
        ret->flags = fdflags;
        ret->r = (struct path_request) {
                .op = PATH_OPEN,
                .dir = ret->dir->handle,
                .flags = open_flags(lookup, oflags, ret->rights),
        };
        if ((ret->rights | ret->inheriting) & ~ret->dir->inheriting)
                e = WASI_NOTCAPABLE;
        else if (ret->dir->read_only && (ret->r.flags & PATH_WRITE))
                e = WASI_ROFS;
        else if (!descriptor_room(w))
                e = WASI_MFILE;
        if (e)
                (void) descriptor_put(w, ret->dir);
        return e;
}

/* What came back, as a descriptor. Rights that do not apply to it are dropped. */
static void open_fill(struct descriptor *d, const struct open_call *c,
                      const struct path_reply *reply, int fd)
{
        d->filetype = filetype_of(reply->stat.mode);
        d->read_only = c->dir->read_only;
        d->grant = c->dir->grant;
        if (reply->handle != UINT32_MAX) {
                d->kind = KIND_DIRECTORY;
                d->handle = reply->handle;
                d->filetype = WASI_FILETYPE_DIRECTORY;
        } else {
                d->kind = d->filetype == WASI_FILETYPE_REGULAR_FILE ? KIND_FILE : KIND_STREAM;
                d->fd = fd;
                d->flags = c->flags;
        }
        d->rights = c->rights & wasi_rights_of(d->kind);
        if (!(c->r.flags & PATH_WRITE))
                d->rights &= ~(uint64_t)RIGHT_FD_FILESTAT_SET_SIZE;
        d->inheriting = d->kind == KIND_DIRECTORY ? c->inheriting : 0;
        if (d->read_only)
                d->rights &= ~wasi_rights_mutating();
}

/* Where a file came from, for the broker; only times need it, and they can do without. */
static void open_remember(struct wasi *w, struct descriptor *d, const struct open_call *c)
{
        struct origin *o = wasi_alloc(w, sizeof(*o) + c->path.bytes + 1);

        if (!o)
                return;
        *o = (struct origin) { .dir = c->dir, .lookup = c->r.flags & PATH_FOLLOW,
                               .bytes = c->path.bytes };
        memcpy(o->path, c->path.text, c->path.bytes + 1);
        descriptor_ref(c->dir);
        d->origin = o;
}

static enum wasi_errno open_do(struct wasi *w, struct open_call *c)
{
        /* Made first: what the broker has opened must not get lost for want of memory. */
        struct descriptor *d = descriptor_new(w, KIND_FILE);
        struct path_reply reply;
        int fd = -EBADF;
        uint32_t number;
        enum wasi_errno e = WASI_NOMEM;

        if (d)
                e = broker_call(w, &c->r, &c->path, NULL, &reply, NULL, 0, &fd);
        if (!e)
                open_fill(d, c, &reply, fd);
        if (!e && d->kind != KIND_DIRECTORY && fd < 0)
                e = WASI_IO;
        if (!e)
                e = descriptor_add(w, d, &number);
        if (!e && d->rights & RIGHT_FD_FILESTAT_SET_TIMES && d->kind == KIND_FILE)
                open_remember(w, d, c);
        if (!e)
                guest_store_u32(&c->ret, number);
        else
                (void) descriptor_put(w, d);
        (void) descriptor_put(w, c->dir);
        return e;
}

uint32_t wasi_path_open(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                        uint32_t oflags, uint64_t rights)
{
        struct open_call c = { .rights = rights, .inheriting = host_spill(0)->i64 };
        uint32_t fdflags = host_spill(1)->i32, ret_fd = host_spill(2)->i32;
        struct guest g;
        struct wasi *w = wasi_current(&g);
        enum wasi_errno e = open_check(w, &g, fd, lookup, path, bytes, oflags, fdflags, ret_fd, &c);

        return e ? e : open_do(w, &c);
}

uint32_t wasi_fd_close(uint32_t fd)
{
        struct guest g;

        return descriptor_remove(wasi_current(&g), fd);
}

uint32_t wasi_fd_renumber(uint32_t fd, uint32_t to)
{
        struct guest g;

        return descriptor_renumber(wasi_current(&g), fd, to);
}
