/* host.h - what the WASI shim needs of the supervisor: the ring, and somebody who handles paths.
 *
 * The shim is written against this page only. In a cell the paths go to the broker through the
 * ring; a test may answer them in the same process.
 *
 * What a guest meets where preview 1 leaves it open:
 *   Addresses outside of the memory are FAULT, never a trap. At most 1024 iovecs a call, and 4096
 *   subscriptions a poll, else INVAL. Beyond files_max descriptors: MFILE.
 *   Paths: absolute, or climbing above the directory by their text or by a link: NOTCAPABLE (RENAME and
 *   LINK by a link: XDEV). A NUL: INVAL. Not UTF-8: ILSEQ. Longer than 4096 bytes: NAMETOOLONG.
 *   Rights are kept and only shrink. Those that do not apply to what was opened are dropped. Under a
 *   read-only grant whatever would change something is ROFS.
 *   Descriptor flags live in the shim and go to the kernel with each call, so that a file shared
 *   with the outside keeps its own. stdio cannot be truncated, allocated or back-dated.
 *   What one call moves is moved by the MiB, other guests in between (move.c): a read of a stream gives that at most,
 *   and the pieces of a longer write may have somebody else's between them.
 *   The CPU clocks are INVAL unless the supervisor provides them; proc_raise is NOSYS; symbolic links
 *   with absolute content are NOTCAPABLE; path_link does not follow links (INVAL).
 *   wasi_unstable is not offered. */
#pragma once

#include <sys/uio.h>

#include "engine/instance/instance.h"
#include "supervisor/proto/path.h"
#include "supervisor/ring/ring.h"

struct wasi_grant_dir {
        const char *guest_path;  /* the name that the guest sees */
        uint32_t handle;         /* path.h */
        bool read_only;
};

#define WASI_NO_GRANT UINT32_MAX

enum wasi_refusal {
        REFUSED_CAPABILITY, /* NOTCAPABLE: a right, or a path out of the directory */
        REFUSED_FILES, REFUSED_HOST_MEMORY, REFUSED_CONNECTIONS, REFUSED_TIMERS, REFUSED_RANDOM,
};

struct wasi_usage {
        uint64_t memory, memory_peak; /* bytes that the shim keeps */
        uint64_t random_bytes;
        uint32_t files, connections;
};

struct wasi_config {
        struct ring *ring;
        /* Suspends the fiber until the answer is there. @request's head and @path, @path2 are
         * borrowed. On success fills @reply and at most @size bytes at @bytes; *@ret_fd is the new
         * descriptor (the caller's) or -EBADF. Returns 0 or negative errno (the broker is gone). */
        int (*path_call)(void *context, struct path_request *request, const char *path,
                         const char *path2, struct path_reply *reply, void *bytes, uint32_t size,
                         int *ret_fd);
        void *context;
        int stdio[3];            /* descriptors, -EBADF: closed; above 2 they become the guest's */
        /* Bit k (1, 2): stream k has no descriptor; what is written to it goes to log_write(), which takes all. */
        unsigned log_stdio;
        int32_t (*log_write)(void *context, unsigned stream, const struct iovec *v, unsigned n);
        unsigned nargs, nenv, ndirs, nlisten;
        unsigned nconnected;     /* the last of the listening sockets are connections already */
        const char *const *args; /* strings live as long as the guest */
        const char *const *env;  /* "K=V" */
        const struct wasi_grant_dir *dirs;
        /* No other guest runs on this thread: files are waited for here, as the guest would natively,
         * and not through the ring, which on many file systems has a thread of the kernel do it. */
        bool alone;
        const int *listen;       /* listening sockets, the guest's: descriptors behind the directories */
        unsigned files_max;      /* open descriptors at once; 0: 1024 */
        /* 0: no limit. Bytes that this shim keeps: NOMEM. Connections accepted and open: NFILE. Clocks in one
         * poll_oneoff: DQUOT. Random bytes in the guest's life: DQUOT. */
        uint64_t host_memory_max;
        unsigned connections_max, timers_max;
        uint64_t random_all_max;
        /* Told of what the guest was not given; @object: what it asked for, of its making, or NULL. May be NULL. */
        /* @handle: of the granted directory that was used, or WASI_NO_GRANT. */
        void (*refused)(void *context, enum wasi_refusal what, const char *object, uint32_t handle);
        uint64_t clock_resolution_ns; /* coarsest step of clocks given to the guest; 0: the kernel's */
        uint64_t random_max_bytes;    /* of one random_get call served at once; 0: 64 KiB pieces */
        /* CPU time that this guest has used, for its two CPU clocks; NULL: they are refused. */
        uint64_t (*cpu_time_ns)(void *context);
};

struct wasi;

/* wasi_new - what one guest sees of the world. Arrays and strings of @config live as long as it;
 *   descriptors in it become the guest's on success only. -EMFILE: files_max is too small for what is granted.
 * wasi_close_all - on the guest's fiber, once it has returned or trapped: close everything, directory
 *   handles of the broker included. Suspends.
 * wasi_end - the guest should come to its end: its stdin is at its end, accept gives CANCELED, and both are
 *   ready for poll_oneoff. One that waits for clocks alone, and was not told in such a way, is told once by
 *   them: their events have the error CANCELED, like a sleep that a signal interrupts. What it waits for at
 *   this moment has to be given up by the caller (fiber_nudge).
 * wasi_free - on the scheduler, when no call of the guest is in flight: closes what is still open.
 *   Takes NULL. */
_must_check_ int wasi_new(const struct wasi_config *config, struct wasi **ret, struct error *err);
void wasi_close_all(struct wasi *w);
void wasi_end(struct wasi *w);
void wasi_free(struct wasi *w);

/* The 46 functions of wasi_snapshot_preview1 (and the same under "wasi_unstable" is not offered).
 * They find their struct wasi through instance_host(instance_current()). */
extern const struct host_function wasi_functions[];
extern const unsigned wasi_functions_n;
/* The same, in the same order, for a guest without a key that any of them could use: each is told of to
 * config.refused by its name and gives NOTCAPABLE. */
extern const struct host_function wasi_denied[];

void wasi_usage(const struct wasi *w, struct wasi_usage *ret);

/* After proc_exit: true and the status. proc_exit leaves through trap_raise(TRAP_HOST, ...). */
bool wasi_exited(const struct wasi *w, uint32_t *ret_status);
