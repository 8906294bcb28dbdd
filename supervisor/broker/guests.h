/* guests.h - one cell with any number of guests in it, for an event loop: nothing here waits for a
 * guest. `nacelle run` and nacelled speak to their cells through this page alone.
 *
 * cell_open - start a cell, have it lock itself down, read its posture back. Takes some milliseconds.
 *   @events, @context: told what happens, from inside of cell_dispatch() and cell_close() only; strings
 *   and arrays are valid during the call. A callback may spawn and kill, but not dispatch or close.
 * cell_load - publish the artefact @fd and hand it to the cell. Waits for the cell's word (it checks
 *   the artefact), under a second as a rule; after ten the cell is killed. Events that come meanwhile, and the cell's
 *   end, are kept for cell_dispatch().
 *   @ret_module: its number in this cell. -EPIPE: the cell is dead.
 * cell_unload - @module has no guest any more, and will not have one: the cell gives it up, and the room for its code is
 *   free again some time later. -EINVAL: it has no such module.
 * cell_stats - shared memory of @slots struct guest_stats, zeroed. Once, before the first guest that
 *   names a slot. The cell writes it: read each word once, and believe none.
 * cell_spawn - ask for a guest. Descriptors in @spec are taken over, also on failure; the rest is
 *   borrowed for the call. From 0 on, events->ended comes exactly once for it.
 *   -E2BIG, -EINVAL: @spec; -ENOMEM; -EPIPE: the cell is dead.
 * cell_kill - KILL_STOP: what it waits for ends, its input is at its end, and it is expected to return;
 *   KILL_NOW: it ends, wherever it is. For a guest that ended already nothing happens.
 * cell_fd, cell_fd_events - to poll for these (POLLIN, and POLLOUT while messages are queued: look
 *   again after each call that sends). Level-triggered.
 * cell_dispatch - take what is there, at most @most messages (0: all). Returns 0 while the cell
 *   lives; -EPIPE after its death, once events->ended (GUEST_LOST) was called for every guest that had not
 *   ended, and then events->lost. A cell that says what no honest cell says is killed, and is lost.
 * cell_pending - cell_load() has kept events, or found the cell dead: dispatch without polling.
 * cell_is_gone - cell_load() has found it dead, or it was dispatched to its end.
 * cell_guests - guests spawned and not ended.
 * cell_pid - of the cell.
 * cell_close - kill the cell, tell of its guests as lost (not of the cell), free. Takes NULL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "supervisor/broker/broker.h"
#include "supervisor/proto/guest_config.h"
#include "supervisor/proto/proto.h"
#include "supervisor/proto/stats.h"

struct guest_cell;

enum { /* struct guest_spec.stdio, besides a descriptor */
        STREAM_CLOSED = -1,
        STREAM_LOG = -2,  /* 1 and 2: events->log */
        STREAM_CELL = -3, /* the descriptor that the cell itself has there (cell_settings.stdio) */
};

struct guest_dir {
        const char *guest; /* what the guest sees */
        uint32_t handle;   /* of whoever serves path_fd */
        bool read_only;
};

struct guest_spec { /* start zeroed, but for descriptors */
        uint64_t guest;        /* number; never 0, never used again in this cell */
        uint32_t module;       /* of cell_load() */
        uint32_t unit;
        uint32_t slot;         /* of the statistics; UINT32_MAX: none */
        const char *const *args;
        unsigned nargs;        /* [0] is the program's name */
        const char *const *env;
        unsigned nenv;
        const struct guest_dir *dirs;
        unsigned ndirs;
        int path_fd;           /* SOCK_SEQPACKET, its own: requests of path.h; -EBADF without dirs */
        int stdio[3];
        const int *listen;
        unsigned nlisten;
        unsigned nconnected;   /* the last of these are connections already */
        struct guest_limits limits;
        uint64_t clock_resolution_ns;
        uint32_t stack_bytes;  /* 0: the usual */
        const char *invoke;    /* export to call with args[1..] as text; NULL: _start */
        bool quiet;            /* no events->started */

        /* A group: nanoprocesses that the guest imports functions from, in the order in which they are
         * made. Of a member .guest, .unit, .quiet and its own members do not count, and .invoke is the
         * module name under which its functions are imported. */
        const struct guest_spec *members;
        unsigned nmembers;
        uint64_t sees;         /* bit k: it imports from member k; a member from earlier ones alone */
        uint32_t grants;       /* of a member: set of GRANT_..., what its keys open */
        bool deny;             /* of a member: SPAWN_DENY */
};

struct guest_ended {
        enum guest_end end;
        uint32_t status;       /* EXITED: all 32 bits */
        enum trap trap;        /* TRAPPED */
        enum guest_limit limit; /* LIMITED */
        int code;              /* FAILED; LOST: -EPIPE, it died, -EPROTO, it was killed for what it said */
        enum stage stage;      /* FAILED */
        uint64_t offset;
        unsigned member;       /* FAILED: which one, counted from 1; 0: the guest itself */
        uint64_t cpu_ns, memory_peak;
        const char *text;      /* for people, escaped, lines of a backtrace included; "" when all is well */
        const struct run_value *values; /* RETURNED */
        unsigned nvalues;
};

struct guest_denial {
        uint32_t layer;        /* DENIED_... */
        enum guest_limit limit; /* DENIED_LIMIT */
        const char *what;      /* escaped; "" */
        unsigned member;       /* counted from 1; 0: the guest itself */
        uint32_t handle;       /* as the cell says, of the guest's directory; UINT32_MAX: none */
        uint64_t count;        /* as it says; doubles at least from one to the next */
};

struct guest_events { /* each may be NULL */
        void (*started)(void *context, uint64_t guest, uint64_t instantiate_ns);
        void (*ended)(void *context, uint64_t guest, const struct guest_ended *end);
        /* @bytes: as the guest wrote them, not escaped; @dropped: bytes lost to the rate before these. */
        void (*log)(void *context, uint64_t guest, unsigned stream, const char *bytes, size_t n,
                    uint64_t dropped);
        void (*denied)(void *context, uint64_t guest, const struct guest_denial *d);
        void (*heat)(void *context, const struct heat_message *hot); /* checked: ascending, in bounds */
        void (*lost)(void *context, const char *why);
};

struct cell_settings { /* start zeroed */
        size_t arena_bytes;    /* room for code */
        unsigned workers;      /* threads; 0: the processors that this process may use */
        bool alone;            /* one guest in its life: nothing preempts it, files are waited for */
        bool degraded;         /* although the kernel lacks a layer; see cell_missing() */
        int stdio[3];          /* the cell's own 0, 1, 2; -EBADF: /dev/null */
        const char *program, *argument; /* drills: replaces the cell, and what it is told */
};

_must_check_ int cell_open(const struct cell_settings *s, const struct guest_events *events,
                           void *context, struct guest_cell **ret, struct error *err);
void cell_close(struct guest_cell *c);
_must_check_ int cell_load(struct guest_cell *c, int artefact_fd, uint32_t *ret_module,
                           struct error *err);
int cell_unload(struct guest_cell *c, uint32_t module);
_must_check_ int cell_stats(struct guest_cell *c, uint32_t slots,
                            const volatile struct guest_stats **ret, struct error *err);
_must_check_ int cell_spawn(struct guest_cell *c, const struct guest_spec *spec, struct error *err);
int cell_kill(struct guest_cell *c, uint64_t guest, uint32_t how);
int cell_dispatch(struct guest_cell *c, unsigned most);
void cell_give_up(struct guest_cell *c); /* kills it; its guests are told of as lost, whether it goes or not */
int cell_fd(const struct guest_cell *c);
short cell_fd_events(const struct guest_cell *c);
bool cell_is_gone(const struct guest_cell *c);
bool cell_pending(const struct guest_cell *c);
unsigned cell_guests(const struct guest_cell *c);
int cell_pid(const struct guest_cell *c);
const char *cell_missing(const struct guest_cell *c); /* layers absent, "" when whole */

static inline void cell_closep(struct guest_cell **c)
{
        cell_close(*c);
}
