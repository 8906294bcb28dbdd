/* state.h - what the shim keeps for one guest, and what its files share. Not installed.
 *
 * Descriptors. A slot of the table holds a counted reference to a struct descriptor. A host call takes
 * a reference of its own (descriptor_get) for as long as it runs: a close or renumber of the same
 * number meanwhile takes the descriptor out of the table, and the kernel's descriptor is closed
 * when the last call lets go, so its number cannot come back as another file under that call.
 * Every descriptor is also in a list of the guest: trap_raise() drops frames together with their
 * references, and wasi_free() closes what is left.
 *
 * descriptor_get - look @fd up for an operation that needs all of @rights on one of @kinds. WASI_BADF when
 *   it is not open; the errno that fits when it is of another kind (WASI_ISDIR, WASI_NOTDIR,
 *   WASI_NOTSOCK, WASI_BADF); WASI_ROFS for a right that read-only took away; WASI_NOTCAPABLE.
 * descriptor_add - put @d, whose only reference is the caller's, into the lowest free slot, which
 *   takes the reference over. WASI_MFILE: no slot, the reference stays the caller's.
 * descriptor_put - let go; the last one closes, which suspends. Takes NULL. */
#pragma once

#include <sys/stat.h>

#include "engine/base/budget.h"
#include "engine/base/cleanup.h"
#include "shim/wasi/guest.h"
#include "shim/wasi/host.h"
#include "shim/wasi/types.h"

enum descriptor_kind { /* the letters of rights.def */
        KIND_FILE       = 'F',
        KIND_DIRECTORY  = 'D',
        KIND_STREAM     = 'S',
        KIND_CONNECTION = 'C',
        KIND_LISTENER   = 'L',
};

#define KINDS_IO  "FSC"
#define KINDS_ALL "FDSCL"

/* Readiness of a descriptor in one direction. A watch that has not fired stays armed between calls
 * of poll_oneoff: a server with a thousand idle connections asks the kernel about the active ones.
 *
 * watch_arm - let @watch be armed or fired. watch_armed - is it so already? watch_fired - is it done? One
 *   that fired before the last I/O in its direction may tell of bytes that are gone: it counts as not armed.
 * watch_stop - nothing of it is in flight afterwards. Suspends. */
struct watch {
        struct call call;
        uint32_t io;      /* of the descriptor when it was armed */
        bool used;        /* by a poll_oneoff that runs now */
};

enum { WATCH_READ, WATCH_WRITE, _WATCH_MAX };

/* How a file was opened: below @dir (a reference), by a path with its terminator. */
struct origin {
        struct descriptor *dir;
        uint32_t lookup; /* PATH_FOLLOW or 0 */
        uint32_t bytes;
        char path[];
};

struct descriptor {
        unsigned refs;
        enum descriptor_kind kind;
        int fd;                  /* all kinds but directories */
        uint32_t handle;         /* directories: of the broker */
        uint32_t grant;          /* handle of the granted directory that it is below; WASI_NO_GRANT */
        uint64_t rights, inheriting;
        uint16_t flags;          /* WASI_FD_..., kept here: the kernel's file may be shared */
        uint8_t filetype;
        uint8_t log;             /* stream of log_write(), instead of a descriptor; 0: none */
        bool read_only;          /* a directory under a read-only grant */
        bool granted;            /* the handle or fd is the supervisor's, not opened by the guest */
        const char *guest_path;  /* preopened directories */
        struct origin *origin;   /* files whose times may be set; NULL: not known */
        struct watch watches[_WATCH_MAX];
        uint32_t io[_WATCH_MAX]; /* how many operations began or ended */
        bool cannot_tell[_WATCH_MAX]; /* whether it would wait: the kernel said so */
        struct descriptor *previous, *next;
};

struct wasi {
        struct wasi_config config;
        struct descriptor **table; /* slots_room entries, NULL: free */
        unsigned slots_room, slots_max, slots_used;
        unsigned lowest_free;      /* no free slot below */
        struct descriptor *all;
        uint32_t args_bytes, env_bytes; /* with terminators */
        char *args_copy, *env_copy;     /* the strings, one behind the other */
        struct poll_set *polls;         /* memory of poll_oneoff, freed with the guest */
        struct poll_set *spare;         /* of the last one that ended */
        struct budget memory;
        uint64_t random_bytes;
        unsigned connections;           /* accepted and open */
        bool exited;
        bool ending;                    /* wasi_end() */
        bool untold;                    /* of it: no call has answered in a way that shows it */
        uint32_t status;
};

/* Zeroed memory of the guest's budget, NULL: it has no more. @size again when it is given back. */
void *wasi_alloc(struct wasi *w, size_t size);
void wasi_release(struct wasi *w, void *p, size_t size); /* takes NULL */
void wasi_refuse(const struct wasi *w, enum wasi_refusal what, const char *object);
void wasi_refuse_below(const struct wasi *w, const char *object, uint32_t grant); /* REFUSED_CAPABILITY */

static inline struct wasi *wasi_current(struct guest *ret)
{
        struct instance *i = instance_current();

        *ret = (struct guest) { 0 };
        ret->base = instance_memory(i, &ret->bytes);
        if (!ret->base)
                ret->bytes = 0;
        return instance_host(i);
}

_must_check_ struct descriptor *descriptor_new(struct wasi *w, enum descriptor_kind kind);
_must_check_ enum wasi_errno descriptor_get(struct wasi *w, uint32_t fd, const char *kinds,
                                            uint64_t rights, struct descriptor **ret);
_must_check_ enum wasi_errno descriptor_add(struct wasi *w, struct descriptor *d, uint32_t *ret_fd);
enum wasi_errno descriptor_remove(struct wasi *w, uint32_t fd);
_must_check_ enum wasi_errno descriptor_renumber(struct wasi *w, uint32_t fd, uint32_t to);
bool descriptor_room(const struct wasi *w);
void descriptor_ref(struct descriptor *d);
enum wasi_errno descriptor_put(struct wasi *w, struct descriptor *d);
void descriptor_drop_all(struct wasi *w); /* off the fiber: wasi_free */
void poll_drop_all(struct wasi *w);       /* the same for poll_oneoff */

/* io_submit - do @op for @d and wait. A descriptor that the guest made non-blocking gives
 * -EAGAIN at once; one that the kernel made so, but not the guest, is waited for. */
int32_t io_submit(struct wasi *w, struct descriptor *d, const struct ring_op *op);
/* The call that sends or receives @iov; @tells: message->msg_flags will be looked at; @message is memory for
 * it, to be kept until it is done. */
struct ring_op message_op(const struct descriptor *d, struct guest_iov *iov,
                          struct msghdr *message, bool sends, bool tells, uint32_t flags);

void watch_arm(struct wasi *w, struct descriptor *d, unsigned direction, struct watch *watch);
bool watch_fired(const struct descriptor *d, unsigned direction, const struct watch *watch);
bool watch_armed(const struct descriptor *d, unsigned direction, const struct watch *watch);
void watch_stop(struct wasi *w, struct watch *watch);

/* path_prepare - copy @bytes of path at @p to @path (PATH_BYTES_MAX + 1, gets a terminator) and check
 * its form: WASI_FAULT, WASI_NOENT (empty), WASI_NAMETOOLONG, WASI_INVAL (NUL), WASI_ILSEQ (not
 * UTF-8). path_contained - no absolute path, no climbing above the directory by "..":
 * WASI_NOTCAPABLE. With WASI_NO_PATH_CHECK (a test build) all is contained: the kernel's walls
 * below must hold alone. */
struct path_text {
        uint32_t bytes;
        char text[PATH_BYTES_MAX + 1];
};
enum wasi_errno path_prepare(const struct guest *g, uint32_t p, uint32_t bytes,
                             struct path_text *ret);
enum wasi_errno path_contained(const struct path_text *path);
/* The same, and a refusal is told of. */
enum wasi_errno path_inside(const struct wasi *w, uint32_t fd, const struct path_text *path);

/* broker_call - path_call() with the errors mapped. @r: op and operands filled in. */
enum wasi_errno broker_call(struct wasi *w, struct path_request *r, const struct path_text *path,
                            const struct path_text *path2, struct path_reply *reply, void *bytes,
                            uint32_t size, int *ret_fd);

/* fstat(), but by that system call: the C library's may go through newfstatat(), which takes a
 * path and is therefore not allowed in a cell. Returns 0 or negative errno. */
int fd_stat(int fd, struct stat *ret);
uint8_t filetype_of(uint32_t mode);
void filestat_of(const struct path_stat *s, struct wasi_filestat *ret);
/* fst_flags of the two functions that set times, into the fields of a request. WASI_INVAL. */
enum wasi_errno times_of(uint64_t atime, uint64_t mtime, uint32_t flags, struct path_request *ret);

/* The clock as the guest may see it: rounded to the configured step. WASI_INVAL: no such clock. */
enum wasi_errno clock_now(const struct wasi *w, uint32_t clock, uint64_t *ret_ns);
