/* proto.h - what the broker and a cell say to each other, over one SOCK_SEQPACKET socket.
 *
 * A message is one datagram: a fixed struct that begins with struct message_head, then bytes whose
 * number the struct says. Native byte order: both ends are one build (READY carries its id). The
 * broker sends one command at a time and waits for its answer, which bears the same id.
 *
 * Guests are not commands: the broker may have any number of them in the cell. Each SPAWN comes to
 * exactly one ENDED, whatever happens in between, unless the cell dies; a STARTED goes before it when the
 * guest came as far as that. A guest has the broker's number for it, never used again in one cell.
 *
 * The receiver copies a message out of the kernel once, checks
 * it whole with message_check(), and only then acts.
 *
 * message_check - is @size bytes at @message with @nfds descriptors a message that may come from
 *   that side in @phase? Checks the length against every count inside.
 *   Returns 0 or -EPROTO with @err. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "supervisor/proto/path.h"

#define PROTO_BYTES_MAX  65536u
#define PROTO_FDS_MAX    69u     /* configuration, path socket, three streams, listening sockets */
#define PROTO_LISTEN_MAX 64u
#define PROTO_MEMBERS_MAX 64u    /* of a group, besides the main one */
#define PROTO_VALUES_MAX 1024u
#define PROTO_NAME_MAX   16384u
#define PROTO_FRAMES_MAX 32u
#define PROTO_LOG_MAX    16384u
#define PROTO_HELPERS     4u     /* threads of a worker without io_uring: RING_HELPERS of ring.h */
#define PROTO_WORKERS_MAX 32u    /* threads of a cell that run guests */

enum { PHASE_STARTING = 1, PHASE_OPEN = 2, PHASE_ASKED = 4, PHASE_ANY = PHASE_OPEN | PHASE_ASKED };

enum message {
        MESSAGE_NONE,
#define MESSAGE(name, from_cell, phases, bytes, fds, text) MESSAGE_##name,
#include "supervisor/proto/messages.def"
        _MESSAGE_MAX,
};

struct message_head {
        uint32_t message;
        uint32_t id;
};

struct wire_value {
        uint32_t type; /* valtype */
        uint32_t reserved;
        uint64_t bits[2];
};

struct ready_message {
        struct message_head head;
        uint32_t version;
        uint32_t missing;  /* layers that the kernel has not */
        uint32_t tried;    /* layers that the cell tried to break before seccomp, and could not */
        uint32_t threads;  /* 1: without io_uring, as ring.h says */
};

enum { /* the first process of a namespace of process numbers: */
        PROTO_PIDS_NONE,
        PROTO_PIDS_MAKE,   /* become it if you can: MOVED comes before READY then */
        PROTO_PIDS_MADE,   /* the cell is, from its birth */
        _PROTO_PIDS_MAX,
};

struct arena_message {     /* where the code lies in the file at FD_ARENA; the cell reads it unlocked */
        struct message_head head;
        uint64_t at;       /* page-aligned */
        uint64_t bytes;
        uint32_t workers;  /* threads that run guests, 1 .. PROTO_WORKERS_MAX */
        uint32_t alone;    /* there will be one guest: nothing preempts it */
        uint32_t pids;     /* PROTO_PIDS_... */
        uint32_t reserved;
};

struct moved_message {     /* the cell goes on as another child of the broker's, and this process ends */
        struct message_head head;
        int32_t pid;
        uint32_t reserved;
};

struct done_message {      /* LOAD, INSTANTIATE: number; CALL, GLOBAL: values */
        struct message_head head;
        uint32_t number;
        uint32_t nvalues;  /* struct wire_value each, behind */
};

struct failed_message {    /* a struct error */
        struct message_head head;
        int32_t code;
        uint32_t stage;
        uint64_t offset;
        char text[256];
};

struct wire_frame {
        uint32_t function; /* UINT32_MAX: unknown */
        uint32_t instance; /* number of the instance, UINT32_MAX: unknown */
        uint64_t offset;   /* in the wasm file, UINT64_MAX: unknown */
        char name[80];     /* cut; not escaped; may be "" */
};

struct trapped_message {
        struct message_head head;
        uint32_t trap;
        uint32_t nframes, nframes_all;
        uint32_t reserved;
        char text[128];
        struct wire_frame frames[PROTO_FRAMES_MAX];
};

struct exited_message {
        struct message_head head;
        uint32_t status;
        uint32_t reserved;
};

/* Functions that took the CPU time of a module's guests, for the optimiser: at any time, again when it took
 * several times as long; in a cell of one guest before an answer. Indices in the module, ascending, none twice;
 * the receiver checks that. */
#define HEAT_FUNCTIONS_MAX 256u

struct heat_message {
        struct message_head head;
        uint32_t module;   /* number of the module */
        uint32_t reserved;
        uint32_t samples;  /* milliseconds */
        uint32_t n;
        uint32_t functions[HEAT_FUNCTIONS_MAX];
};

/* ---- guests */

enum guest_end {
        GUEST_FAILED = 1,  /* could not be started: code, stage, offset, text */
        GUEST_RETURNED,    /* the function came back: values */
        GUEST_EXITED,      /* proc_exit: status */
        GUEST_TRAPPED,     /* trap, frames, text */
        GUEST_KILLED,      /* asked for by KILL */
        GUEST_LIMITED,     /* ran into a limit that ends it: .limit */
        GUEST_LOST,        /* never in a message: the broker's word for a guest whose cell died */
        _GUEST_END_MAX,
};

enum { /* spawn_message.flags */
        SPAWN_ALONE = 1,   /* nobody else runs on the thread: waiting for a file may block it */
        SPAWN_QUIET = 2,   /* no STARTED */
        SPAWN_PATHS = 4,   /* a socket for path requests comes along */
        SPAWN_DENY = 8,    /* MEMBER: calls that nothing granted could serve are denied, one by one; without,
                            * a module that imports such a function is not started */
        _SPAWN_ALL = 15,
};

/* Descriptors, in this order: the configuration; the path socket (SPAWN_PATHS); one for each bit of
 * .stdio; the listening sockets. Name of the export behind: none is _start.
 *
 * A guest may be a group: each MEMBER, in the same form, is one more nanoprocess of the guest whose SPAWN
 * follows them all. It has memory, limits, configuration and descriptors of its own, and no life: the group has
 * one fiber, one end. Its name is the module name under which those that .sees it import its functions. They
 * are made in the order of their messages, so a member sees earlier ones alone. */
struct spawn_message {
        struct message_head head;
        uint64_t guest;
        uint32_t module;
        uint32_t unit;         /* the broker's; guests of one unit may share what is warm */
        uint32_t flags;
        uint32_t slot;         /* of the statistics; UINT32_MAX: none */
        uint32_t config_bytes;
        uint32_t stdio;        /* bit k: a descriptor comes along for stream k */
        uint32_t nlisten;
        uint32_t name_bytes;
        uint64_t sees;         /* bit k: it imports from member k, counted from 0 */
        uint32_t nmembers;     /* SPAWN: that came before it */
        uint32_t reserved;
};

struct started_message {       /* instantiated; its function is about to be called */
        struct message_head head;
        uint64_t guest;
        uint64_t instantiate_ns;
};

struct ended_message {         /* struct wire_frame[nframes], then struct wire_value[nvalues], behind */
        struct message_head head;
        uint64_t guest;
        uint32_t end;          /* enum guest_end */
        uint32_t status;       /* EXITED */
        uint32_t trap;         /* TRAPPED, KILLED, LIMITED */
        uint32_t limit;        /* LIMITED: enum guest_limit */
        int32_t code;          /* FAILED, as a struct error: */
        uint32_t stage;
        uint64_t offset;
        uint64_t cpu_ns;
        uint64_t memory_peak;  /* bytes of linear memory */
        uint32_t nframes, nframes_all;
        uint32_t nvalues;
        uint32_t member;       /* FAILED: what it is about, counted from 1; 0: the main one, or no group */
        char text[256];        /* what a host call said, or the error */
};

enum { KILL_STOP = 1, KILL_NOW };

struct kill_message {          /* a guest that is not there any more is no error */
        struct message_head head;
        uint64_t guest;
        uint32_t how;
        uint32_t reserved;
};

struct log_message {           /* output of a guest: whole lines, or a piece of one that is too long */
        struct message_head head;
        uint64_t guest;
        uint64_t dropped;      /* bytes that the rate limit swallowed before these */
        uint32_t stream;       /* 1 or 2 */
        uint32_t bytes;        /* that follow */
};

enum { DENIED_HOSTCALL = 1, DENIED_LIMIT };

struct denied_message {        /* the first of its kind, and then every 2^n-th */
        struct message_head head;
        uint64_t guest;
        uint32_t layer;        /* DENIED_... */
        uint32_t limit;        /* DENIED_LIMIT: enum guest_limit */
        uint64_t count;        /* so far: a power of two, and more than the last */
        uint32_t handle;       /* of the granted directory; UINT32_MAX: none */
        uint32_t member;       /* as in ENDED: who was refused */
        uint32_t reserved;
        char what[128];        /* of the guest's making: may hold anything */
};

struct stats_message {         /* descriptor: memory for struct guest_stats[slots] (stats.h), sealed in size */
        struct message_head head;
        uint32_t slots;
        uint32_t reserved;
};

struct configure_message { /* descriptors: the configuration (guest_config.h), then listening sockets */
        struct message_head head;
        uint32_t bytes;
        uint32_t nlisten;
};

struct load_message {      /* descriptor: the artefact */
        struct message_head head;
        uint64_t bytes;    /* of the artefact */
        uint64_t code_at;  /* where the broker put .text in the arena */
        uint32_t seal;     /* nothing will be published after this */
        uint32_t reserved;
};

struct unload_message {    /* no answer; UNLOADED when nothing of the module is left in the cell */
        struct message_head head;
        uint32_t module;   /* of which no guest is left, and none will be spawned */
        uint32_t reserved;
};

struct unloaded_message {  /* the place of its code may be used for other code */
        struct message_head head;
        uint32_t module;
        uint32_t reserved;
};

struct instantiate_message {
        struct message_head head;
        uint32_t module;
        uint32_t offers;   /* set of OFFER_... */
};

/* OFFER_PREINIT, with OFFER_WASI: what would be one answer for all instances to come is refused. */
enum { OFFER_WASI = 1, OFFER_SPECTEST = 2, OFFER_PREINIT = 4 };

struct snapshot_message {  /* descriptor: where the state of the instance is written */
        struct message_head head;
        uint32_t instance;
        uint32_t reserved;
};

struct register_message {
        struct message_head head;
        uint32_t instance;
        uint32_t name_bytes;
};

struct call_message {      /* name, then values, padded to 8 */
        struct message_head head;
        uint32_t instance;
        uint32_t name_bytes;
        uint32_t nvalues;
        uint32_t reserved;
};

union message_buffer {
        struct message_head head;
        uint8_t bytes[PROTO_BYTES_MAX];
};

/* Of this build: whoever has other messages, or other sizes of them, has another. */
#define PROTO_VERSION (proto_version())
uint32_t proto_version(void);

_must_check_ int message_check(const void *message, size_t size, unsigned nfds, bool from_cell,
                               unsigned phase, struct error *err);
const char *message_text(uint32_t message);

static inline size_t call_values_at(uint32_t name_bytes)
{
        return sizeof(struct call_message) + ((name_bytes + 7u) & ~(size_t)7);
}
