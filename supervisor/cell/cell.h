/* cell.h - the state of a cell, and its files. Hostile at any time once a guest runs.
 *
 * lockdown.c  every layer, in the order of policy/layers.def; then READY to the broker
 * control.c   the broker's messages, on the control fiber of worker 0; commands are served there
 * modules.c   modules, instances, imports: numbers of the protocol to things of the store
 * guest.c     commands that run code: what came of them
 * channel.c   messages to and from the broker; path requests of commands
 *
 * Guests (nano.h) are spawned, and run on a worker each, several at once:
 * worker.c    the threads: who runs next, for how long, and what to do when nobody can
 * queue.c     the order of those who wait for the thread
 * nano.c      a guest's life: made from SPAWN, run, taken down, ENDED
 * table.c     guests by their number
 * group.c     a guest of several nanoprocesses
 * instances.c where a guest's instance comes from, and goes back to
 *
 * retire.c    modules that go
 * heat.c      which functions take the time
 * preinit.c   what a start-up may ask for that is done once for all, and the state it comes to
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
#include "supervisor/proto/stats.h"
#include "supervisor/ring/ring.h"

#define CELL_MODULES_MAX   65536u
#define CELL_STACK_BYTES   (8u << 20)
#define CELL_MEMORIES_MAX  64u

struct cell_module {
        void *bytes;                  /* the artefact's mapping */
        size_t size;
        int fd;                       /* of the artefact, for memory images */
        struct artefact *artefact;
        struct loaded_module *loaded; /* in the store of the commands; made when one needs it */
        uint8_t *code;
        const struct host_function **host; /* by import; NULL: not a host function */
        uint32_t *needs;              /* by import: GRANT_... that it takes */
        uint32_t *heat;               /* by defined function: ms of samples; NULL: not watched */
        uint32_t users;               /* guests that are not gone; of any worker */
        uint32_t leaving;             /* workers that have to give up what they have of it; 0: it is there to be used */
        uint32_t heat_ms, heat_told_at; /* of all functions; and when that is told of */
};

struct registered {
        char *name;
        uint32_t name_bytes;
        uint32_t instance;
};

struct worker;
struct guest;

struct cell {
        struct lockdown lockdown;
        uint8_t *arena;
        size_t arena_bytes;
        struct ring *ring;
        struct store *store;
        uint32_t tried;               /* layers that held when we tried them */
        int pagemap;                  /* FD_PAGEMAP, or negative: slots are reset without the kernel's word */
        bool dumpable;                /* still: the broker has not sent anything */

        struct worker *workers;
        uint32_t nworkers;
        bool alone;                   /* one guest: nothing preempts it */
        struct fiber *control;        /* on worker 0 */

        /* By number. Written by the control fiber, then counted: workers read below the count. */
        struct cell_module *modules[CELL_MODULES_MAX];
        uint32_t nmodules;
        struct instance **instances;
        uint32_t ninstances;
        struct registered *registered;
        uint32_t nregistered;
        struct spectest *spectest;

        struct guest *waiting;        /* members of the group whose SPAWN comes next */
        struct guest_stats *stats;    /* shared with the broker */
        uint32_t nstats;

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

/* Any thread. */
int channel_send(struct cell *c, const void *message, size_t size);
/* The same, but not when it would have to wait: -EAGAIN. */
int channel_try(const void *message, size_t size);
/* A frame of a trap for the broker. @instance: its number there. */
void frame_fill(const struct trap_frame *f, uint32_t instance, struct wire_frame *ret);
int channel_receive(struct cell *c, struct received *ret);
int channel_path_call(void *context, struct path_request *request, const char *path,
                      const char *path2, struct path_reply *reply, void *bytes, uint32_t size,
                      int *ret_fd);
int reply_done(struct cell *c, uint32_t number, const struct wire_value *values, unsigned n);
int reply_error(struct cell *c, const struct error *err);
int reply_trap(struct cell *c, const struct trap_info *trap);
int reply_exit(struct cell *c, uint32_t status);

/* modules.c */
_must_check_ int cell_load(struct cell *c, const struct load_message *m, int fd, uint32_t *ret,
                           struct error *err);
struct cell_module *cell_module(struct cell *c, uint32_t number); /* any thread; NULL: none */
void cell_module_free(struct cell_module *m); /* its descriptor, too */
_must_check_ int module_load_into(const struct cell_module *m, struct store *s,
                                  struct loaded_module **ret, struct error *err);
void guest_sleep(void *context, uint64_t ns);
int unknown_import(const struct import *import, struct error *err);
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
/* The export @name as a function that can be run: its arguments from @texts when it was @invoked. */
_must_check_ int entry_find(const struct instance *i, const char *name, size_t n, bool invoked,
                            const char *const *texts, uint32_t ntexts, struct extern_value *ret,
                            union value **ret_args, struct error *err);
/* What the configuration grants in directories. */
_must_check_ int config_dirs(const struct config_view *v, struct wasi_grant_dir **ret, struct error *err);
_must_check_ int config_map(int fd, uint32_t bytes, struct config_view *ret, void **ret_map,
                            struct error *err);
/* Calls @f and answers with its results, its trap or its exit. */
/* A value of type @type of @i's module for the other side, which has no addresses and no indices of
 * types: of a reference, what it is, and the host's word when it is the host's, (ref any) when that
 * was converted. */
struct wire_value wire_of(const struct instance *i, valtype type, const union value *v);
int guest_call_reply(struct cell *c, const struct extern_value *f, const union value *args);
/* Answers with what cell_instantiate() returned. */
int guest_instantiate_reply(struct cell *c, int r, uint32_t number, const struct trap_info *trap,
                            const struct error *err);

/* preinit.c: the host functions of a start-up whose state will be every instance's; and that state. */
int preinit_find(const struct import *import, struct extern_value *ret);
int preinit_snapshot(struct cell *c, const struct snapshot_message *m, int fd, struct error *err);

/* heat.c: the functions that take the time, by module. heat_start before the lock, with the arena mapped.
 * heat_watch a module that is loaded; heat_forget one that goes. heat_sample: in a signal handler, which found
 * the thread at @pc and looks every @ms. heat_due: then heat_tell, of the same thread, tells the broker of the
 * module that took long enough, again when it took four times as long. heat_report: of all modules that did, in
 * a cell of one guest. */
_must_check_ int heat_start(struct cell *c, struct error *err);
void heat_watch(struct cell_module *m, uint32_t number);
void heat_forget(const struct cell_module *m);
void heat_sample(uint64_t pc, uint32_t ms);
bool heat_due(void);
void heat_tell(struct cell *c);
int heat_report(struct cell *c);

/* control.c: serves the broker until it is gone. @argument: the struct cell. */
void control_main(void *argument);

/* Nothing in the installed program (no_attack.c); in the drills' build these take the broker's argument
 * and, when everything is locked, run native attack code. */
void cell_argument(struct cell *c, const char *argument);
void cell_attack(struct cell *c);
