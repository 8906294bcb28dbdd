/* path.c - everything with a path but opening: checked here, done by the broker. */
#include <errno.h>
#include <string.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

/* Where one file system ends is not something these can meet, so here EXDEV says that the path led
 * out of the directory (RESOLVE_BENEATH). */
static bool escapes(enum path_op op, int r)
{
        return r == -EXDEV && op != PATH_RENAME && op != PATH_LINK;
}

/* Whose handle that is; asked when something was refused. */
static uint32_t grant_of(const struct wasi *w, uint32_t handle)
{
        for (unsigned i = 0; i < w->slots_room; i++)
                if (w->table[i] && w->table[i]->kind == KIND_DIRECTORY && w->table[i]->handle == handle)
                        return w->table[i]->grant;
        return WASI_NO_GRANT;
}

enum wasi_errno broker_call(struct wasi *w, struct path_request *r, const struct path_text *path,
                            const struct path_text *path2, struct path_reply *reply, void *bytes,
                            uint32_t size, int *ret_fd)
{
        int fd = -EBADF, result;

        r->path_bytes = path ? path->bytes : 0;
        r->path2_bytes = path2 ? path2->bytes : 0;
        result = w->config.path_call(w->config.context, r, path ? path->text : NULL,
                                     path2 ? path2->text : NULL, reply, bytes, size, &fd);
        if (result >= 0 && reply->result < 0)
                result = reply->result;
        if (ret_fd)
                *ret_fd = fd;
        else
                closep(&fd);
        if (escapes(r->op, result)) {
                wasi_refuse_below(w, path ? path->text : NULL, grant_of(w, r->dir));
                return WASI_NOTCAPABLE;
        }
        return wasi_errno_of(result);
}

enum wasi_errno path_inside(const struct wasi *w, uint32_t fd, const struct path_text *path)
{
        enum wasi_errno e = path_contained(path);

        if (e)
                wasi_refuse_below(w, path->text, fd < w->slots_room && w->table[fd] ? w->table[fd]->grant : WASI_NO_GRANT);
        return e;
}

static uint32_t lookup_flags(uint32_t lookup)
{
        return lookup & WASI_LOOKUP_FOLLOW ? PATH_FOLLOW : 0;
}

/* One path below one directory. */
struct path_op_call {
        struct descriptor *d;
        struct path_text path;
        struct path_request r;
};

static enum wasi_errno one_check(struct wasi *w, const struct guest *g, uint32_t fd,
                                 uint64_t rights, uint32_t lookup, uint32_t path, uint32_t bytes,
                                 struct path_op_call *ret)
{
        enum wasi_errno e;

        if (lookup & ~WASI_LOOKUP_FOLLOW)
                return WASI_INVAL;
        e = path_prepare(g, path, bytes, &ret->path);
        if (!e)
                e = path_inside(w, fd, &ret->path);
        if (!e)
                e = descriptor_get(w, fd, "D", rights, &ret->d);
        if (!e)
                ret->r = (struct path_request) { .dir = ret->d->handle,
                                                 .flags = lookup_flags(lookup) };
        return e;
}

static enum wasi_errno one_do(struct wasi *w, struct path_op_call *c, enum path_op op,
                              struct path_reply *reply)
{
        enum wasi_errno e;

        c->r.op = op;
        e = broker_call(w, &c->r, &c->path, NULL, reply, NULL, 0, NULL);
        (void) descriptor_put(w, c->d);
        return e;
}

static uint32_t plain(uint32_t fd, uint64_t right, uint32_t path, uint32_t bytes, enum path_op op)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct path_op_call c;
        struct path_reply reply;
        enum wasi_errno e = one_check(w, &g, fd, right, 0, path, bytes, &c);

        return e ? e : one_do(w, &c, op, &reply);
}

uint32_t wasi_path_create_directory(uint32_t fd, uint32_t path, uint32_t bytes)
{
        return plain(fd, RIGHT_PATH_CREATE_DIRECTORY, path, bytes, PATH_MKDIR);
}

uint32_t wasi_path_remove_directory(uint32_t fd, uint32_t path, uint32_t bytes)
{
        return plain(fd, RIGHT_PATH_REMOVE_DIRECTORY, path, bytes, PATH_RMDIR);
}

uint32_t wasi_path_unlink_file(uint32_t fd, uint32_t path, uint32_t bytes)
{
        return plain(fd, RIGHT_PATH_UNLINK_FILE, path, bytes, PATH_UNLINK);
}

uint32_t wasi_path_filestat_get(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                                uint32_t ret_stat)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct path_op_call c;
        struct path_reply reply;
        struct wasi_filestat stat;
        struct guest_span ret;
        enum wasi_errno e = guest_span(&g, guest_ptr(ret_stat), 1, sizeof(stat), &ret);

        if (!e)
                e = one_check(w, &g, fd, RIGHT_PATH_FILESTAT_GET, lookup, path, bytes, &c);
        if (!e)
                e = one_do(w, &c, PATH_STAT, &reply);
        if (!e) {
                filestat_of(&reply.stat, &stat);
                guest_store(&ret, 0, &stat, sizeof(stat));
        }
        return e;
}

uint32_t wasi_path_filestat_set_times(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                                      uint64_t atime, uint64_t mtime)
{
        uint32_t flags = host_spill(0)->i32;
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct path_request times = { 0 };
        struct path_op_call c;
        struct path_reply reply;
        enum wasi_errno e = times_of(atime, mtime, flags, &times);

        if (!e)
                e = one_check(w, &g, fd, RIGHT_PATH_FILESTAT_SET_TIMES, lookup, path, bytes, &c);
        if (e)
                return e;
        times.dir = c.r.dir;
        times.flags |= c.r.flags;
        c.r = times;
        return one_do(w, &c, PATH_SET_TIMES, &reply);
}

struct readlink_call {
        struct path_op_call one;
        struct guest_span buffer, ret;
};

static enum wasi_errno readlink_check(struct wasi *w, const struct guest *g, uint32_t fd,
                                      uint32_t path, uint32_t bytes, uint32_t buffer,
                                      uint32_t room, uint32_t ret_bytes, struct readlink_call *ret)
{
        enum wasi_errno e = guest_span(g, guest_ptr(ret_bytes), 1, sizeof(uint32_t), &ret->ret);

        if (!e)
                e = guest_span(g, guest_ptr(buffer), room, 1, &ret->buffer);
        return e ? e : one_check(w, g, fd, RIGHT_PATH_READLINK, 0, path, bytes, &ret->one);
}

static enum wasi_errno readlink_do(struct wasi *w, struct readlink_call *c)
{
        char content[PATH_BYTES_MAX];
        struct path_reply reply;
        enum wasi_errno e;
        uint32_t n;

        c->one.r.op = PATH_READLINK;
        c->one.r.length = sizeof(content);
        e = broker_call(w, &c->one.r, &c->one.path, NULL, &reply, content, sizeof(content), NULL);
        if (!e) {
                /* Cut to the room there is, as readlink() does. */
                n = reply.bytes < sizeof(content) ? reply.bytes : sizeof(content);
                if (n > c->buffer.bytes)
                        n = c->buffer.bytes;
                guest_store(&c->buffer, 0, content, n);
                guest_store_u32(&c->ret, n);
        }
        (void) descriptor_put(w, c->one.d);
        return e;
}

uint32_t wasi_path_readlink(uint32_t fd, uint32_t path, uint32_t bytes, uint32_t buffer,
                            uint32_t room, uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct readlink_call c;
        enum wasi_errno e = readlink_check(w, &g, fd, path, bytes, buffer, room, ret_bytes, &c);

        return e ? e : readlink_do(w, &c);
}

/* Two paths below two directories. */
struct two_call {
        struct descriptor *from, *to;
        struct path_text path, new_path;
        uint32_t flags;
};

static enum wasi_errno two_check(struct wasi *w, const struct guest *g, const uint32_t old[3],
                                 const uint32_t new[3], uint64_t old_right, uint64_t new_right,
                                 struct two_call *ret)
{
        enum wasi_errno e = path_prepare(g, old[1], old[2], &ret->path);

        if (!e)
                e = path_inside(w, old[0], &ret->path);
        if (!e)
                e = path_prepare(g, new[1], new[2], &ret->new_path);
        if (!e)
                e = path_inside(w, new[0], &ret->new_path);
        if (!e)
                e = descriptor_get(w, old[0], "D", old_right, &ret->from);
        if (e)
                return e;
        e = descriptor_get(w, new[0], "D", new_right, &ret->to);
        if (e)
                (void) descriptor_put(w, ret->from);
        return e;
}

static enum wasi_errno two_do(struct wasi *w, struct two_call *c, enum path_op op)
{
        struct path_request r = {
                .op = op, .dir = c->from->handle, .dir2 = c->to->handle, .flags = c->flags,
        };
        struct path_reply reply;
        enum wasi_errno e = broker_call(w, &r, &c->path, &c->new_path, &reply, NULL, 0, NULL);

        (void) descriptor_put(w, c->from);
        (void) descriptor_put(w, c->to);
        return e;
}

uint32_t wasi_path_rename(uint32_t fd, uint32_t path, uint32_t bytes, uint32_t new_fd,
                          uint32_t new_path, uint32_t new_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct two_call c = { .flags = 0 };
        enum wasi_errno e = two_check(w, &g, (uint32_t[]) { fd, path, bytes },
                                      (uint32_t[]) { new_fd, new_path, new_bytes },
                                      RIGHT_PATH_RENAME_SOURCE, RIGHT_PATH_RENAME_TARGET, &c);

        return e ? e : two_do(w, &c, PATH_RENAME);
}

uint32_t wasi_path_link(uint32_t fd, uint32_t lookup, uint32_t path, uint32_t bytes,
                        uint32_t new_fd, uint32_t new_path)
{
        uint32_t new_bytes = host_spill(0)->i32;
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct two_call c = { .flags = lookup_flags(lookup) };
        enum wasi_errno e;

        if (lookup & ~WASI_LOOKUP_FOLLOW)
                return WASI_INVAL;
        e = two_check(w, &g, (uint32_t[]) { fd, path, bytes },
                      (uint32_t[]) { new_fd, new_path, new_bytes }, RIGHT_PATH_LINK_SOURCE,
                      RIGHT_PATH_LINK_TARGET, &c);
        return e ? e : two_do(w, &c, PATH_LINK);
}

struct symlink_call {
        struct path_op_call one;
        struct path_text content;
};

static enum wasi_errno symlink_check(struct wasi *w, const struct guest *g, uint32_t content,
                                     uint32_t content_bytes, uint32_t fd, uint32_t path,
                                     uint32_t bytes, struct symlink_call *ret)
{
        enum wasi_errno e = path_prepare(g, content, content_bytes, &ret->content);

        if (e)
                return e;
        /* What ".." in a link means is found out when it is followed. An absolute one could only
         * ever lead somebody outside astray. */
        if (ret->content.text[0] == '/')
                return WASI_NOTCAPABLE;
        return one_check(w, g, fd, RIGHT_PATH_SYMLINK, 0, path, bytes, &ret->one);
}

static enum wasi_errno symlink_do(struct wasi *w, struct symlink_call *c)
{
        struct path_reply reply;
        enum wasi_errno e;

        c->one.r.op = PATH_SYMLINK;
        e = broker_call(w, &c->one.r, &c->one.path, &c->content, &reply, NULL, 0, NULL);
        (void) descriptor_put(w, c->one.d);
        return e;
}

uint32_t wasi_path_symlink(uint32_t content, uint32_t content_bytes, uint32_t fd, uint32_t path,
                           uint32_t bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct symlink_call c;
        enum wasi_errno e = symlink_check(w, &g, content, content_bytes, fd, path, bytes, &c);

        return e ? e : symlink_do(w, &c);
}
