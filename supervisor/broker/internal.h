/* internal.h - the state of a broker, shared by its files; nobody else includes this.
 *
 * cell.c starts the cell and looks at its posture; session.c speaks with it and notices its death;
 * grant.c opens what the guest is given and writes its configuration. */
#pragma once

#include <sys/mman.h>

#include "engine/artefact/artefact.h"
#include "supervisor/broker/broker.h"
#include "supervisor/broker/cgroup.h"
#include "supervisor/broker/code_arena.h"
#include "supervisor/broker/paths.h"
#include "supervisor/broker/spawn.h"
#include "supervisor/proto/proto.h"

enum code_state { CODE_NONE, CODE_LOADED, CODE_LEAVING };

#define CELL_PATIENCE_NS UINT64_C(10000000000) /* for what a cell does at once, on whatever machine */

struct loaded_code { /* by the module's number in the cell */
        uint64_t at;
        size_t bytes;
        enum code_state state;
};

struct broker {
        struct run_options options;
        struct process cell;
        struct cell_group group;
        int sock;              /* to the cell; -EBADF: lost or stopped */
        int audit;
        unsigned phase;
        uint32_t next_id;
        uint32_t missing;      /* layers */
        char missing_text[512];
        uint64_t deadline_ns;  /* CLOCK_MONOTONIC; 0: none */
        uint64_t patience_ns;  /* CELL_PATIENCE_NS */
        char buried[512];      /* how the cell ended; "": it has not */
        bool threads;          /* the cell has no io_uring */
        unsigned workers;      /* threads of the cell */
        bool alone;            /* it gets one guest */
        bool moved;            /* it is the first process of a namespace of its own, by birth or since */
        bool has_stdio;        /* the cell's own are these, not ours: */
        int stdio[3];
        struct code_arena arena;
        struct loaded_code *code;
        uint32_t ncode;
        struct paths paths;
        struct protection protection; /* what .paths and those of the imports leave alone */
        struct imports *imports; /* what the guest imports from; NULL: nothing */
        int path_sock;         /* a guest's requests come here; -EBADF: none */
        /* What the cell says of guests while the answer to a command is waited for. */
        int (*keep)(void *context, const void *message, size_t size, struct error *err);
        void *keep_context;
        int listen[PROTO_LISTEN_MAX];
        unsigned nlisten, nconnected; /* the last nconnected of them are connections */
        struct checked_request request;
        struct heat_message heat;   /* n == 0: nothing was hot */
        union message_buffer in;
        struct {
                struct path_reply head;
                uint8_t bytes[PATH_REPLY_MAX];
        } reply;
};

struct mapping {
        void *bytes;
        size_t size;
};

static inline void unmapp(struct mapping *m)
{
        if (m->bytes)
                munmap(m->bytes, m->size);
}

/* An answer of the cell: the message in b->in, checked; or the way in which it died. */
struct answer {
        bool lost, timed_out;
        size_t size;
};

/* broker.c */
_must_check_ int broker_new(const struct run_options *o, struct broker **ret, struct error *err);
_must_check_ int broker_map_artefact(int fd, bool whole, struct mapping *ret, struct slice *ret_code,
                                     struct error *err);
_must_check_ int broker_send_load(struct broker *b, int fd, uint64_t bytes, uint64_t code_at,
                                  uint32_t *ret_module, struct error *err);

/* The cell is to give up @module; false: it has no such one, or was asked already. broker_unloaded: it says
 * that it did; -EPROTO: nobody asked for that. */
bool broker_unload_begin(struct broker *b, uint32_t module);
_must_check_ int broker_unloaded(struct broker *b, uint32_t module, struct error *err);

/* cell.c: the cell with the arena as it is, locked, checked. The broker must not be landlocked yet. */
_must_check_ int cell_start(struct broker *b, struct error *err); /* both of these: */
_must_check_ int cell_begin(struct broker *b, struct error *err); /* its process is there */
_must_check_ int cell_await(struct broker *b, struct error *err); /* it is locked down, and was looked at */

/* Descriptor 0, 1 or 2 when a guest may have it: -EBADF when it is closed or a directory. */
int stdio_usable(int fd);

/* session.c: send @size bytes of a command with descriptors, serve the cell until it answers.
 * The head's id is filled in. Fails only when the broker itself does. */
_must_check_ int session_ask(struct broker *b, void *command, size_t size, const int *fds,
                             unsigned nfds, struct answer *ret, struct error *err);
/* The next message about guests, checked, into b->in: 1; 0: none is there; -EPIPE: the cell is gone; -EPROTO with
 * @err: no honest cell says that. */
_must_check_ int session_receive(struct broker *b, size_t *ret_size, struct error *err);
/* Serve one request for a path of @paths that waits at *@sock, which is closed at its end. Negative: the cell is
 * not to be served any more. */
_must_check_ int session_serve_path(struct broker *b, struct paths *paths, int *sock, struct error *err);
_must_check_ int heat_check(const struct heat_message *m, struct error *err);
/* The same without a command: wait for READY. */
_must_check_ int session_await_ready(struct broker *b, struct answer *ret, struct error *err);
/* How the cell died, for people, into @text; kills and reaps it. @reason: what we hold against it. Of one that is
 * buried already: how it died then. */
void session_bury(struct broker *b, const char *reason, char *text, size_t size);

/* grant.c */
bool grant_is_read_only(const struct run_dir *dir);
_must_check_ int grants_open(struct broker *b, struct error *err);
_must_check_ int grants_lock(struct broker *b, struct error *err); /* Landlock on ourselves */
_must_check_ int grants_config(struct broker *b, int *ret_fd, size_t *ret_bytes, struct error *err);

/* outcome.c: answers and deaths as outcomes. */
/* Why a guest stopped, and where: lines for people. @trap: TRAP_NONE: it did not trap by itself. */
void outcome_text(enum trap trap, const char *said, size_t said_bytes, const struct wire_frame *frames,
                  uint32_t nframes, uint32_t nframes_all, char *text, size_t size);
void outcome_take(struct broker *b, const struct answer *a, struct run_outcome *ret);
_must_check_ int answer_error(struct broker *b, struct error *err); /* of a FAILED message */

/* "\x1b" and the like become text; at most @size bytes with the terminator. */
char *text_escape(const char *bytes, size_t n, char *text, size_t size);
