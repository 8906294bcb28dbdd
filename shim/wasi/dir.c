/* dir.c - preopened directories, and reading one. */
#include <string.h>
#include <sys/stat.h>

#include "shim/wasi/state.h"
#include "shim/wasi/wasi.h"

static enum wasi_errno preopen_get(struct wasi *w, uint32_t fd, const char **ret_path)
{
        struct descriptor *d;
        enum wasi_errno e = descriptor_get(w, fd, KINDS_ALL, 0, &d);

        if (e)
                return e;
        /* The grant outlives every descriptor of it, so the name may be used without one. */
        *ret_path = d->guest_path;
        (void) descriptor_put(w, d);
        return *ret_path ? WASI_SUCCESS : WASI_BADF;
}

uint32_t wasi_fd_prestat_get(uint32_t fd, uint32_t ret_stat)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct wasi_prestat stat = { .tag = 0 /* a directory; there is no other */ };
        struct guest_span ret;
        const char *path;
        enum wasi_errno e = guest_span(&g, guest_ptr(ret_stat), 1, sizeof(stat), &ret);

        if (!e)
                e = preopen_get(w, fd, &path);
        if (!e) {
                stat.name_bytes = strlen(path);
                guest_store(&ret, 0, &stat, sizeof(stat));
        }
        return e;
}

uint32_t wasi_fd_prestat_dir_name(uint32_t fd, uint32_t buffer, uint32_t bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct guest_span s;
        const char *path;
        enum wasi_errno e = guest_span(&g, guest_ptr(buffer), bytes, 1, &s);

        if (!e)
                e = preopen_get(w, fd, &path);
        if (!e && strlen(path) > bytes)
                e = WASI_NAMETOOLONG;
        if (!e)
                guest_store(&s, 0, path, strlen(path));
        return e;
}

struct readdir_call {
        struct descriptor *d;
        struct guest_span buffer, ret;
        uint64_t cookie;
};

static enum wasi_errno readdir_check(struct wasi *w, const struct guest *g, uint32_t fd,
                                     uint32_t buffer, uint32_t bytes, uint64_t cookie,
                                     uint32_t ret_bytes, struct readdir_call *ret)
{
        enum wasi_errno e = guest_span(g, guest_ptr(ret_bytes), 1, sizeof(uint32_t), &ret->ret);

        if (!e)
                e = guest_span(g, guest_ptr(buffer), bytes, 1, &ret->buffer);
        ret->cookie = cookie;
        return e ? e : descriptor_get(w, fd, "D", RIGHT_FD_READDIR, &ret->d);
}

/* Append @n bytes at *@used, or as many as have room. The last entry is cut where the buffer ends:
 * a full buffer tells the guest that there is more. */
static void put(const struct guest_span *s, uint64_t *used, const void *bytes, size_t n)
{
        if (n > s->bytes - *used)
                n = s->bytes - *used;
        guest_store(s, *used, bytes, n);
        *used += n;
}

/* The entries of one answer of the broker. Its bytes are the host's own, but still checked. */
static enum wasi_errno put_entries(const struct readdir_call *c, const uint8_t *bytes, uint32_t n,
                                   uint64_t *used, uint64_t *ret_cookie)
{
        for (uint32_t i = 0; i < n && *used < c->buffer.bytes;) {
                struct path_entry entry;
                struct wasi_dirent dirent = { 0 };

                if (n - i < sizeof(entry))
                        return WASI_IO;
                memcpy(&entry, bytes + i, sizeof(entry));
                i += sizeof(entry);
                if (entry.name_bytes > n - i || entry.name_bytes > PATH_NAME_MAX)
                        return WASI_IO;
                dirent.next = entry.cookie;
                dirent.ino = entry.ino;
                dirent.name_bytes = entry.name_bytes;
                dirent.filetype = filetype_of(entry.mode);
                put(&c->buffer, used, &dirent, sizeof(dirent));
                put(&c->buffer, used, bytes + i, entry.name_bytes);
                i += entry.name_bytes;
                *ret_cookie = entry.cookie;
        }
        return WASI_SUCCESS;
}

static enum wasi_errno readdir_do(struct wasi *w, struct readdir_call *c)
{
        uint8_t bytes[PATH_REPLY_MAX];
        uint64_t used = 0, cookie = c->cookie;
        struct path_reply reply = { 0 };
        enum wasi_errno e = WASI_SUCCESS;

        while (!e && used < c->buffer.bytes && !reply.at_end) {
                uint64_t room = c->buffer.bytes - used;
                struct path_request r = {
                        .op = PATH_READ_DIR,
                        .dir = c->d->handle,
                        .cookie = cookie,
                        /* An entry is as large here as there, so more is of no use; but at least
                         * one whole entry, which the guest then gets cut. */
                        .length = room < 1024 ? 1024 : room < sizeof(bytes) ? room : sizeof(bytes),
                };

                e = broker_call(w, &r, NULL, NULL, &reply, bytes, sizeof(bytes), NULL);
                if (!e && reply.bytes > sizeof(bytes))
                        e = WASI_IO;
                if (!e && reply.bytes == 0)
                        break;
                if (!e)
                        e = put_entries(c, bytes, reply.bytes, &used, &cookie);
        }
        if (!e)
                guest_store_u32(&c->ret, used);
        (void) descriptor_put(w, c->d);
        return e;
}

uint32_t wasi_fd_readdir(uint32_t fd, uint32_t buffer, uint32_t bytes, uint64_t cookie,
                         uint32_t ret_bytes)
{
        struct guest g;
        struct wasi *w = wasi_current(&g);
        struct readdir_call c;
        enum wasi_errno e = readdir_check(w, &g, fd, buffer, bytes, cookie, ret_bytes, &c);

        return e ? e : readdir_do(w, &c);
}
