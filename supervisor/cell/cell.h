/* cell.h - the state of a cell, and its files. Hostile at any time once a guest runs.
 *
 * lockdown.c  every layer, in the order of policy/layers.def; then READY to the broker
 * control.c   the broker's commands, one at a time, on the control fiber
 * modules.c   modules, instances, imports: numbers of the protocol to things of the store
 * guest.c     the guest's configuration, its run, and what came of it
 * channel.c   messages through the ring; path requests
 * heat.c      which functions take the time
 * spectest.c  the host module of the official test scripts
 * libc.c      what the C library would do with a system call that is not in the table
 *
 * cell_lock - @arena is mapped and the ring made inside. @ret_tried: layers that were tried and held.
 * channel_send, channel_receive - suspend the fiber. Negative errno: the broker is gone.
 * reply_*  - the answer to the command with b->id. */
#pragma once

#include "engine/instance/instance.h"
#include "policy/policy.h"
#include "shim/wasi/host.h"
#include "supervisor/proto/guest_config.h"
#include "supervisor/proto/proto.h"
#include "supervisor/ring/ring.h"

#define CELL_MODULES_MAX   65536u
#define CELL_STACK_BYTES   (8u << 20)
#define CELL_MEMORIES_MAX  64u

struct cell_module {
        void *bytes;                  /* the artefact's mapping */
        size_t size;
        int fd;                       /* of the artefact, for memory images */
        struct artefact *artefact;
        struct loaded_module *loaded;
};

struct registered {
        char *name;
        uint32_t name_bytes;
        uint32_t instance;
};

struct spectest {
        struct memory_object *memory, *shared_memory;
        struct table_object *table, *table64;
        struct global_object *globals[4];
};

struct cell {
        struct lockdown lockdown;
        uint8_t *arena;
        size_t arena_bytes;
        struct ring *ring;
        struct store *store;
        uint32_t tried;               /* layers that held when we tried them */
        bool dumpable;                /* still: the broker has not sent anything */

        struct cell_module *modules;
        uint32_t nmodules;
        struct instance **instances;
        uint32_t ninstances;
        struct registered *registered;
        uint32_t nregistered;
        struct spectest *spectest;

        struct config_view config;    /* head NULL: none */
        struct wasi_grant_dir *dirs;
        int *listen;
        uint32_t nlisten;
        struct wasi *wasi;

        uint32_t id;                  /* of the command that is being served */
        uint32_t path_id;
        union message_buffer in;
};

/* lockdown.c */
_must_check_ int cell_lock(struct cell *c, uint32_t *ret_tried, struct error *err);

/* channel.c */
struct received {
        size_t size;
        unsigned nfds;
        int fds[PROTO_FDS_MAX]; /* the receiver's to close or keep */
};

int channel_send(struct cell *c, const void *message, size_t size);
int channel_receive(struct cell *c, struct received *ret);
int channel_path_call(void *context, struct path_request *request, const char *path,
                      const char *path2, struct path_reply *reply, void *bytes, uint32_t size,
                      int *ret_fd);
int reply_done(struct cell *c, uint32_t number, const struct wire_value *values, unsigned n);
int reply_error(struct cell *c, const struct error *err);
int reply_trap(struct cell *c, const struct trap_info *trap);
int reply_exit(struct cell *c, uint32_t status);

/* modules.c */
_must_check_ int cell_store(struct cell *c, struct error *err); /* makes it when it is not there */
_must_check_ int cell_load(struct cell *c, const struct load_message *m, int fd, uint32_t *ret,
                           struct error *err);
_must_check_ int cell_instantiate(struct cell *c, uint32_t module, uint32_t offers, void *host,
                                  uint32_t *ret, struct trap_info *trap, struct error *err);
_must_check_ int cell_register(struct cell *c, const struct register_message *m, struct error *err);
_must_check_ int cell_find_instance(const struct cell *c, uint32_t number, struct instance **ret,
                                    struct error *err);
uint32_t cell_instance_number(const struct cell *c, const struct instance *i);

/* guest.c */
_must_check_ int guest_configure(struct cell *c, const struct configure_message *m,
                                 struct received *with, struct error *err);
_must_check_ int guest_wasi(struct cell *c, struct error *err); /* c->wasi, of the configuration */
/* Runs a module to its end and answers the command. */
int guest_run(struct cell *c, const struct run_message *m, const char *name);

/* Calls @f and answers with its results, its trap or its exit. */
int guest_call_reply(struct cell *c, const struct extern_value *f, const union value *args);
/* Answers with what cell_instantiate() returned. */
int guest_instantiate_reply(struct cell *c, int r, uint32_t number, const struct trap_info *trap,
                            const struct error *err);

/* spectest.c */
_must_check_ int spectest_find(struct cell *c, const struct name *name, enum extern_kind kind,
                               struct extern_value *ret, struct error *err);

/* heat.c: the functions that take the time. heat_start before the lock; heat_watch the first module
 * that is loaded; heat_report tells the broker, once, if there is something to tell. */
_must_check_ int heat_start(struct error *err);
void heat_watch(const struct artefact *artefact, const uint8_t *code);
int heat_report(struct cell *c);

/* control.c: serves the broker until it is gone. @argument: the struct cell. */
void control_main(void *argument);

/* Nothing in the installed program (no_attack.c); in the drills' build these take the broker's argument
 * and, when everything is locked, run native attack code. */
void cell_argument(struct cell *c, const char *argument);
void cell_attack(struct cell *c);
