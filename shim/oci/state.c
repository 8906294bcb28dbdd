/* state.c - see state.h. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "shim/oci/state.h"
#include "shim/oci/state_json.h"

#define ID_MAX     1024
#define STATE_FILE "state.json"
#define STATE_MAX  (1u << 20) /* of the file */

int oci_id_check(const char *id, struct error *err)
{
        size_t n = strlen(id);

        if (n == 0 || n > ID_MAX || strcmp(id, ".") == 0 || strcmp(id, "..") == 0 ||
            strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-") != n)
                return error_set(err, STAGE_USAGE, -EINVAL, ERROR_NOWHERE, "invalid container ID: %.100s", id);
        return 0;
}

static int make_path(const char *path)
{
        char part[4096];
        size_t n = strlen(path);

        if (n >= sizeof(part))
                return -ENAMETOOLONG;
        for (size_t i = 1; i <= n; i++) {
                if (path[i] != '/' && path[i] != '\0')
                        continue;
                memcpy(part, path, i);
                part[i] = '\0';
                if (mkdir(part, 0700) < 0 && errno != EEXIST)
                        return -errno;
        }
        return 0;
}

int oci_root_open(const char *path, bool make, struct error *err)
{
        struct stat st;
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

        if (fd < 0 && errno == ENOENT && make) {
                r = make_path(path);
                fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        if (fd < 0)
                return error_set(err, STAGE_USAGE, r < 0 ? r : -errno, ERROR_NOWHERE, "--root %.150s: %s", path,
                                 strerror(r < 0 ? -r : errno));
        /* Whoever else writes there decides which process gets a signal. */
        if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
                return fd;
        close(fd);
        return error_set(err, STAGE_USAGE, -EPERM, ERROR_NOWHERE, "--root %.150s: others may write there", path);
}

/* The directory ROOT/ID, locked, and still that one when the lock is had. */
static int lock_directory(int root, const char *id, int how)
{
        for (int tries = 0; tries < 100; tries++) {
                struct stat opened, there;
                int fd = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                if (fd < 0)
                        return -errno;
                if (how && flock(fd, how) < 0) {
                        int r = -errno;

                        close(fd);
                        return r;
                }
                if (fstat(fd, &opened) == 0 && fstatat(root, id, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                    opened.st_ino == there.st_ino && opened.st_dev == there.st_dev)
                        return fd;
                close(fd);
        }
        return -ENOENT;
}

static bool has_state(int dir)
{
        return faccessat(dir, STATE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int oci_state_new(const char *root, const char *id, struct oci_state *ret, struct error *err)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;

        s.root = oci_root_open(root, true, err);
        if (s.root < 0)
                return s.root;
        if (mkdirat(s.root, id, 0700) < 0 && errno != EEXIST)
                return error_set(err, STAGE_USAGE, -errno, ERROR_NOWHERE, "state of %.100s: %m", id);
        s.dir = lock_directory(s.root, id, LOCK_EX | LOCK_NB);
        if (s.dir == -EWOULDBLOCK || (s.dir >= 0 && has_state(s.dir)))
                return error_set(err, STAGE_USAGE, -EEXIST, ERROR_NOWHERE,
                                 "container with given ID already exists: %.100s", id);
        if (s.dir < 0)
                return error_set(err, STAGE_USAGE, s.dir, ERROR_NOWHERE, "state of %.100s: %s", id, strerror(-s.dir));
        s.id = strdup(id);
        if (!s.id)
                return error_set(err, STAGE_BROKER, -ENOMEM, ERROR_NOWHERE, "out of memory");
        s.fresh = true;
        s.owner = geteuid();
        *ret = s;
        s = OCI_STATE_NONE;
        return 0;
}

int oci_state_open(const char *root, const char *id, bool lock, struct oci_state *ret, struct error *err)
{
        _cleanup_(oci_state_done) struct oci_state s = OCI_STATE_NONE;
        _cleanup_free_ char *text = malloc(STATE_MAX);
        ssize_t n;
        int r;

        s.root = oci_root_open(root, false, err);
        if (s.root == -ENOENT)
                return error_set(err, STAGE_USAGE, -ENOENT, ERROR_NOWHERE, "container does not exist: %.100s", id);
        if (s.root < 0)
                return s.root;
        s.dir = lock_directory(s.root, id, lock ? LOCK_EX : 0);
        if (s.dir == -ENOENT || (s.dir >= 0 && !has_state(s.dir)))
                return error_set(err, STAGE_USAGE, -ENOENT, ERROR_NOWHERE, "container does not exist: %.100s", id);
        n = s.dir < 0 ? s.dir : !text ? -ENOMEM : oci_state_read_file(&s, STATE_FILE, text, STATE_MAX);
        if (n < 0)
                return error_set(err, STAGE_USAGE, (int)n, ERROR_NOWHERE, "state of %.100s: %s", id, strerror((int)-n));
        r = oci_state_parse(text, (size_t)n, &s, err);
        if (r < 0)
                return error_prefix(err, "state of %.100s", id);
        if (strcmp(s.id, id) != 0)
                return error_set(err, STAGE_USAGE, -EBADMSG, ERROR_NOWHERE, "state of %.100s is another's", id);
        *ret = s;
        s = OCI_STATE_NONE;
        return 0;
}

int oci_state_write(struct oci_state *s, struct error *err)
{
        _cleanup_free_ char *text = NULL;
        int r = oci_state_print(s, &text);

        if (r >= 0)
                r = oci_state_write_file(s, STATE_FILE, text);
        if (r < 0)
                return error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "state of %.100s: %s", s->id, strerror(-r));
        s->fresh = false;
        return 0;
}

/* The state last: as long as it is there, `delete` can be asked for again. */
static int remove_all(int root, int dir, const char *id)
{
        static const char *const files[] = { OCI_STATE_FIFO, OCI_STATE_CGROUPS, OCI_STATE_FIFO ".new",
                                             OCI_STATE_CGROUPS ".new", STATE_FILE ".new", STATE_FILE };

        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (unlinkat(dir, files[i], 0) < 0 && errno != ENOENT)
                        return -errno;
        return unlinkat(root, id, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int oci_state_remove(struct oci_state *s, struct error *err)
{
        int r = remove_all(s->root, s->dir, s->id);

        return r < 0 ? error_set(err, STAGE_USAGE, r, ERROR_NOWHERE, "state of %.100s: %s", s->id, strerror(-r)) : 0;
}

enum oci_status oci_state_status(const struct oci_state *s)
{
        _cleanup_close_ int pidfd = oci_process_open(&s->process);

        if (pidfd < 0)
                return OCI_STOPPED;
        return faccessat(s->dir, OCI_STATE_FIFO, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? OCI_CREATED : OCI_RUNNING;
}

const char *oci_status_text(enum oci_status status)
{
        static const char *const texts[] = { "created", "running", "stopped" };

        return texts[status];
}

void oci_state_done(struct oci_state *s)
{
        if (s->fresh && s->dir >= 0)
                (void)remove_all(s->root, s->dir, s->id);
        closep(&s->dir);
        closep(&s->root);
        free(s->id);
        free(s->bundle);
        free(s->created);
        free(s->annotations);
        *s = OCI_STATE_NONE;
}

ssize_t oci_state_read_file(const struct oci_state *s, const char *name, char *text, size_t size)
{
        _cleanup_close_ int fd = openat(s->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        size_t at = 0;
        ssize_t n = 1;

        if (fd < 0)
                return -errno;
        while (n > 0 && at + 1 < size) {
                n = read(fd, text + at, size - 1 - at);
                if (n < 0)
                        return -errno;
                at += (size_t)n;
        }
        if (n > 0)
                return -E2BIG;
        text[at] = '\0';
        return (ssize_t)at;
}

int oci_state_write_file(const struct oci_state *s, const char *name, const char *text)
{
        _cleanup_close_ int fd = -EBADF;
        size_t n = strlen(text);
        char beside[32];

        snprintf(beside, sizeof(beside), "%s.new", name);
        fd = openat(s->dir, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        while (n > 0) {
                ssize_t written = write(fd, text, n);

                if (written < 0)
                        return -errno;
                text += written;
                n -= (size_t)written;
        }
        return renameat(s->dir, beside, s->dir, name) < 0 ? -errno : 0;
}
