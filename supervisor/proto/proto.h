/* proto.h - what the broker and a cell say to each other, over one SOCK_SEQPACKET socket.
 *
 * A message is one datagram: a fixed struct that begins with struct message_head, then bytes whose
 * number the struct says. Native byte order: both ends are one build (READY carries its id). The
 * broker sends one command at a time and waits for its answer, which bears the same id; path
 * requests (path.h) come in between. The receiver copies a message out of the kernel once, checks
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

#define PROTO_VERSION    1u
#define PROTO_BYTES_MAX  65536u
#define PROTO_FDS_MAX    65u     /* configuration and listening sockets */
#define PROTO_LISTEN_MAX 64u
#define PROTO_VALUES_MAX 1024u
#define PROTO_NAME_MAX   16384u
#define PROTO_FRAMES_MAX 32u

enum { PHASE_STARTING = 1, PHASE_OPEN = 2, PHASE_ASKED = 4 };

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
        uint32_t reserved;
};

struct arena_message {     /* where the code lies in the file at FD_ARENA; the cell reads it unlocked */
        struct message_head head;
        uint64_t at;       /* page-aligned */
        uint64_t bytes;
};

struct done_message {      /* LOAD, INSTANTIATE: number; CALL, GLOBAL, RUN: values */
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

/* Functions that took the guest's CPU time, for the optimiser: once, before an answer. Indices in the
 * module, ascending, none twice; the receiver checks that. */
#define HEAT_FUNCTIONS_MAX 256u

struct heat_message {
        struct message_head head;
        uint32_t samples;
        uint32_t n;
        uint32_t functions[HEAT_FUNCTIONS_MAX];
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

struct instantiate_message {
        struct message_head head;
        uint32_t module;
        uint32_t offers;   /* set of OFFER_... */
};

enum { OFFER_WASI = 1, OFFER_SPECTEST = 2 };

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

struct run_message {       /* instantiate with WASI, then call the export with the arguments as text */
        struct message_head head;
        uint32_t module;
        uint32_t name_bytes; /* 0: _start */
};

union message_buffer {
        struct message_head head;
        uint8_t bytes[PROTO_BYTES_MAX];
};

_must_check_ int message_check(const void *message, size_t size, unsigned nfds, bool from_cell,
                               unsigned phase, struct error *err);
const char *message_text(uint32_t message);

static inline size_t call_values_at(uint32_t name_bytes)
{
        return sizeof(struct call_message) + ((name_bytes + 7u) & ~(size_t)7);
}
