/* nano.h - private to the cell: guests, and the workers that they run on.
 *
 * A guest belongs to one worker from SPAWN to ENDED: all of its state but .order and .post is that
 * thread's alone. Others reach it through the worker's post (worker_post), under the worker's lock.
 *
 * guest_new - of the SPAWN message @m; takes the descriptors in @with. Failures are in the guest, whose end
 *   tells of them. NULL: no memory at all.
 * guest_begin - on its worker: find an instance, make it ready to run. Negative: it ended already.
 * guest_done - its fiber ended: give everything back.
 * guest_charge - it ran for @ns: weight, quota, total.
 * table_* - any thread. table_add: -EEXIST, -ENOMEM. table_find_and_post: tell @guest's worker. */
#pragma once

#include <pthread.h>

#include "engine/run/preempt.h"
#include "supervisor/cell/cell.h"
#include "supervisor/proto/exits.h"
#include "supervisor/proto/stats.h"

#define SLICE_NS        UINT64_C(1000000)
#define DENSE_KINDS     11 /* of 64 KiB to 64 MiB of memory */
#define FOR_EVER        UINT64_MAX

struct retiring;

enum nano_state { NANO_NEW, NANO_READY, NANO_RUNNING, NANO_WAITING, NANO_THROTTLED, NANO_ENDED };

enum ticking { TICKS_NONE, TICKS_FINE, TICKS_COARSE };

enum { POST_BEGIN = 1, POST_KILL = 2, POST_STOP = 4 };

struct guest {
        uint64_t number;
        struct guest *next;            /* in its chain of the table */
        struct worker *worker;
        struct guest *post_next;       /* in the worker's post, when .posted is not 0 */
        unsigned posted;               /* set of POST_... */

        enum nano_state state;
        struct fiber *fiber;
        struct cell_module *module;
        uint32_t module_number, unit, flags, slot;
        char *name;                    /* of the export; NULL: _start */
        uint32_t name_bytes;

        void *config_bytes;
        uint32_t config_size;
        struct config_view config;
        const struct guest_limits *limits; /* of the configuration */
        struct wasi_grant_dir *dirs;
        int path_fd, stdio[3], *listen;
        uint32_t nlisten, path_id;
        bool wasi_owns;                /* the descriptors are its */

        struct guest_log *logs[2];     /* what is not sent yet */
        uint64_t log_dropped[2], log_room, log_ns;

        struct wasi *wasi;
        struct store *store;
        struct instance *instance;
        bool from_template;

        struct guest_stats *stats;     /* shared, or its own */
        bool own_stats;
        uint64_t virtual_ns;           /* of its weight */
        uint64_t cpu_ns, ready_ns;
        uint64_t period_ns, period_used_ns, throttled_ns; /* begin, used in it, and until when it pauses */
        struct ring_timer pause;
        uint64_t started_ns;
        enum guest_limit limit;
        bool killed, limited, cannot_stop, hogs; /* hogs: it had to be made to leave */

        /* A group: the leader has a life and a fiber, its members have the rest each. */
        struct guest *leader;          /* of a member; NULL: it is none */
        struct guest **members, *group_next;
        uint32_t nmembers, member;     /* of a member: its place, counted from 1 */
        uint32_t blamed;               /* the member that .err is about; 0: the guest itself */
        uint64_t sees;                 /* set of members that it imports from */

        int r;                         /* of the start or the call: 0, -EFAULT, other */
        struct error err;
        struct trap_info *trap;        /* on the fiber's stack, while it is needed */
        union value *results;
        const struct functype *type;
};

struct queue_entry {
        uint64_t key, order;
        struct guest *guest;
};

struct queue { /* a heap by key; equals in the order of their coming */
        struct queue_entry *entries;
        uint32_t n, room;
        uint64_t order;
};

struct worker {
        struct cell *cell;
        unsigned number;
        pthread_t thread;
        struct ring *ring;
        int wake;                      /* event descriptor, -EBADF: nobody else posts */
        struct call wake_call;
        uint64_t wake_count;
        timer_t timer, coarse;

        pthread_mutex_t lock;          /* of the post */
        struct guest *post, **post_end;
        volatile bool news;            /* there is post: looked at without the lock */
        struct retiring *retire_post;  /* under the lock, too */
        struct retiring *retiring;     /* modules whose templates are to go */
        volatile bool asleep;          /* somebody must write to .wake */
        unsigned guests;               /* bound to it; of the control fiber */

        struct slots *slots;           /* NULL: not made yet */
        struct slots *dense[DENSE_KINDS]; /* by room, for code that checks every access; the same */
        uint8_t kinds[CELL_MODULES_MAX]; /* of the dense slots of a module's template */
        struct template *templates[CELL_MODULES_MAX]; /* by module; NULL: not made yet */

        struct queue ready;
        uint64_t floor;                /* virtual time of those who never sleep */
        struct guest *volatile running;
        volatile uint64_t run_until;   /* the running guest has its quota or its all until then */
        uint64_t now, polled_ns;
        uint64_t cpu_seen, busy_since; /* thread's CPU time when it was read, and what was charged since */
        volatile enum ticking ticking;
        unsigned idle_ticks, calm_ticks; /* nobody runs; somebody does, and nobody wants the thread */
};

/* worker.c */
_must_check_ int workers_new(struct cell *c, unsigned n, struct error *err); /* still one thread */
_must_check_ int workers_start(struct cell *c, struct error *err);           /* before seccomp */
void worker_main(struct worker *w);
struct worker *worker_self(void);
struct worker *worker_least(struct cell *c);
void worker_post(struct guest *g, unsigned what);
void worker_post_retiring(struct worker *w, struct retiring *r);
void worker_nudge(struct worker *w); /* it looks at what it has to do */

/* queue.c */
_must_check_ int queue_room(struct queue *q, uint32_t n); /* for @n entries: then put cannot fail */
void queue_put(struct queue *q, uint64_t key, struct guest *g);
struct guest *queue_take(struct queue *q); /* NULL: empty */

/* table.c */
_must_check_ int table_add(struct guest *g);
void table_remove(struct guest *g);
bool table_find_and_post(uint64_t number, unsigned what);

/* retire.c: modules that are to go. cell_retire: of the control fiber; negative: it stays. retiring_serve: on
 * each turn of a worker; true: there is more to do at once. */
int cell_retire(struct cell *c, uint32_t number);
struct retiring *retiring_next(const struct retiring *r);
void retiring_push(struct retiring **list, struct retiring *r);
bool retiring_serve(struct worker *w);

/* nano.c */
struct guest *guest_new(struct cell *c, const struct spawn_message *m, struct received *with);
int guest_begin(struct guest *g);
void guest_stop(struct guest *g, const char *why); /* its next step ends it */
void guest_done(struct guest *g);
void guest_ask_to_end(struct guest *g); /* KILL_STOP */
void guest_nudge(struct guest *g);      /* worker.c: what it waits for is given up, once */

/* usage.c */
void guest_measure(struct guest *g); /* into its statistics */
void guest_charge(struct guest *g, uint64_t ns, uint64_t now); /* @ns of the processor, until @now */
/* It ran into @limit: counted, and told of now and then. */
void guest_refused(struct guest *g, enum guest_limit limit);
void guest_wasi_refused(void *context, enum wasi_refusal what, const char *object, uint32_t handle); /* of wasi_config */

/* channel.c */
int guest_path_call(void *context, struct path_request *request, const char *path, const char *path2,
                    struct path_reply *reply, void *bytes, uint32_t size, int *ret_fd);

/* log.c: wasi_config.log_write; at the end, what is no whole line. */
int32_t guest_log(void *context, unsigned stream, const struct iovec *v, unsigned n);
void guest_log_end(struct guest *g);
void guest_log_free(struct guest *g);

_must_check_ int guest_make_wasi(struct guest *g);
void guest_free(struct guest *g); /* one that never began */

/* group.c. group_wait: @m of a MEMBER message is taken, until the SPAWN of its guest. group_take: @g takes the
 * @n that wait. Both: -EPROTO: no honest broker says that, and what was waiting is gone.
 * group_obtain - the members of @g as instances; g->err, g->blamed. group_start - on the fiber: each is made
 *   ready, in order. -EFAULT: g->trap.
 * group_find_import - what import @i of @m's module stands for, in a group or alone.
 * host_function_needs - set of GRANT_..., one of which is needed to have any use of @f; 0: nothing is. */
_must_check_ int group_wait(struct cell *c, struct guest *m);
_must_check_ int group_take(struct cell *c, struct guest *g, uint32_t n);
_must_check_ int group_obtain(struct guest *g);
_must_check_ int group_start(struct guest *g);
_must_check_ int group_find_import(struct guest *m, uint32_t i, struct extern_value *ret, struct error *err);
void group_name_frame(const struct guest *g, const struct trap_frame *f, struct wire_frame *ret);
uint32_t host_function_needs(const struct host_function *f);

/* instances.c: g->instance, g->fiber, g->store of g->module, its start function not run. */
_must_check_ int instance_obtain(struct guest *g, struct error *err);
void instance_give_back(struct guest *g);
