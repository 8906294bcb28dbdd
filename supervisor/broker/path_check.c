/* path_check.c - a request for a path, read once and checked whole, before any file is touched. */
#include "config.h"

#include <string.h>

#include "policy/key.h"
#include "supervisor/broker/paths.h"
#include "supervisor/proto/proto.h"

static const struct {
        uint32_t verbs;
        unsigned paths;
} ops[_PATH_OP_MAX] = {
#define PATH_OP(name, verbs, paths, text) [PATH_##name] = { verbs, paths },
#include "supervisor/proto/path_ops.def"
};

#define FLAGS_ALL ((PATH_MTIME_NOW << 1) - 1)

static int broken(struct error *err, const char *what)
{
        return error_set(err, STAGE_PROTOCOL, -EPROTO, ERROR_NOWHERE, "path request: %s", what);
}

/* A path that WASI would have refused already is an answer, not a crime: a guest can make one. The content of a
 * symbolic link is not resolved by us, but others may follow it. */
static int take_whole(const char *bytes, uint32_t n, struct checked_path *ret)
{
        if (n == 0)
                return -ENOENT;
        if (memchr(bytes, 0, n))
                return -EINVAL;
        if (bytes[0] == '/')
                return -EXDEV;
        memcpy(ret->whole, bytes, n);
        ret->whole[n] = '\0';
        return 0;
}

static int split(const char *bytes, uint32_t n, struct checked_path *ret)
{
        uint32_t end = n, start;
        int r = take_whole(bytes, n, ret);

        if (r < 0)
                return r;
        while (end > 0 && bytes[end - 1] == '/')
                end--;
        start = end;
        while (start > 0 && bytes[start - 1] != '/')
                start--;
        if (end - start > PATH_NAME_MAX)
                return -ENAMETOOLONG;
        memcpy(ret->name, bytes + start, end - start);
        if (end < n)
                ret->name[end++ - start] = '/';
        ret->name[end - start] = '\0';
        if (start == 0) {
                strcpy(ret->parent, ".");
        } else {
                memcpy(ret->parent, bytes, start);
                ret->parent[start] = '\0';
        }
        return 0;
}

/* Operations that work on one plain final name in its parent. */
static bool needs_plain_name(enum path_op op)
{
        switch (op) {
        case PATH_MKDIR:
        case PATH_RMDIR:
        case PATH_UNLINK:
        case PATH_RENAME:
        case PATH_LINK:
        case PATH_SYMLINK:
                return true;
        default:
                return false;
        }
}

static int plain_name(enum path_op op, const char *name)
{
        size_t n = strcspn(name, "/");

        if (n == 1 && name[0] == '.')
                return op == PATH_MKDIR ? -EEXIST : op == PATH_UNLINK ? -EISDIR : -EINVAL;
        if (n == 2 && name[0] == '.' && name[1] == '.')
                return op == PATH_RMDIR ? -ENOTEMPTY : op == PATH_UNLINK ? -EISDIR : -EINVAL;
        return 0;
}

static int find_handle(const struct paths *p, uint32_t index, const struct path_handle **ret)
{
        if (index >= PATH_HANDLES_MAX || p->handles[index].fd < 0)
                return -EBADF;
        *ret = &p->handles[index];
        return 0;
}

/* What the key of the (first) directory must let do. */
static uint32_t verbs_of(const struct path_request *head)
{
        uint32_t verbs = ops[head->op].verbs;

        if (head->op != PATH_OPEN || head->flags & PATH_DIRECTORY)
                return verbs;
        /* A descriptor that was asked for neither way can be read: the kernel knows no third one. */
        if (head->flags & PATH_READ || !(head->flags & PATH_WRITE))
                verbs |= VERB_READ;
        if (head->flags & (PATH_WRITE | PATH_TRUNCATE | PATH_APPEND))
                verbs |= VERB_WRITE;
        if (head->flags & PATH_CREATE)
                verbs |= VERB_CREATE;
        return verbs;
}

static int lacks(const struct path_handle *dir)
{
        return dir->verbs & ~(uint32_t)VERB_READ ? -EPERM : -EROFS;
}

/* Of a directory with one name for the guest: the others are not there, and nor is the directory. */
static int check_only(const struct checked_request *c)
{
        if (!c->dir->only && !(c->dir2 && c->dir2->only))
                return 0;
        if (c->head.op == PATH_STAT_DIR || c->head.op == PATH_CLOSE_DIR)
                return 0;
        if (ops[c->head.op].paths != 1 || strcmp(c->path.whole, c->dir->only) != 0)
                return ops[c->head.op].paths ? -ENOENT : -EACCES;
        return 0;
}

static int check_access(const struct paths *p, struct checked_request *c)
{
        const struct path_request *head = &c->head;
        int r;

        r = find_handle(p, head->dir, &c->dir);
        if (r < 0)
                return r;
        if (head->op == PATH_CLOSE_DIR && c->dir->granted)
                return -EBADF;
        if (verbs_of(head) & ~c->dir->verbs)
                return lacks(c->dir);
        if (head->op == PATH_RENAME || head->op == PATH_LINK) {
                r = find_handle(p, head->dir2, &c->dir2);
                if (r < 0)
                        return r;
                if (!(c->dir2->verbs & VERB_CREATE))
                        return lacks(c->dir2);
                /* A link into a writable place would make a read-only file writable. */
                if (c->dir2->verbs & ~c->dir->verbs)
                        return -EPERM;
                c->replaces = c->dir2->verbs & VERB_REMOVE;
        }
        return 0;
}

static int check_paths(struct checked_request *c, const char *bytes)
{
        const struct path_request *head = &c->head;
        int r = 0;

        if (ops[head->op].paths >= 1)
                r = split(bytes, head->path_bytes, &c->path);
        if (r >= 0 && ops[head->op].paths == 2)
                r = head->op == PATH_SYMLINK
                            ? take_whole(bytes + head->path_bytes, head->path2_bytes, &c->path2)
                            : split(bytes + head->path_bytes, head->path2_bytes, &c->path2);
        if (r >= 0 && needs_plain_name(head->op))
                r = plain_name(head->op, c->path.name);
        if (r >= 0 && (head->op == PATH_RENAME || head->op == PATH_LINK))
                r = plain_name(head->op, c->path2.name);
        return r;
}

int path_request_check(const struct paths *p, const void *message, size_t size,
                       struct checked_request *ret, struct error *err)
{
        const char *bytes = (const char *)message + sizeof(struct path_request);
        struct path_request *head = &ret->head;

        if (size < sizeof(*head))
                return broken(err, "cut short");
        memcpy(head, message, sizeof(*head));
        if (head->op >= _PATH_OP_MAX)
                return broken(err, "no such operation");
        if (head->flags & ~(uint32_t)FLAGS_ALL || head->reserved)
                return broken(err, "unknown flags");
        if (head->path_bytes > PATH_BYTES_MAX || head->path2_bytes > PATH_BYTES_MAX ||
            size != sizeof(*head) + head->path_bytes + head->path2_bytes)
                return broken(err, "length and counts disagree");
        if ((ops[head->op].paths < 1 && head->path_bytes) ||
            (ops[head->op].paths < 2 && head->path2_bytes))
                return broken(err, "a path too many");
        if (head->length > PATH_REPLY_MAX)
                return broken(err, "asks for too much");
        if (head->atime_ns > 999999999 || head->mtime_ns > 999999999)
                return broken(err, "a time with too many nanoseconds");

        ret->dir = ret->dir2 = NULL;
        ret->replaces = false;
        ret->refused = check_access(p, ret);
        if (ret->refused == 0)
                ret->refused = check_paths(ret, bytes);
        if (ret->refused == 0)
                ret->refused = check_only(ret);
        return 0;
}
