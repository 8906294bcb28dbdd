/* daemon.h - the state of nacelled, shared by its files; nobody else includes this.
 *
 * set.c       all units: reading, reloading, their order
 * service.c   one unit's life               nano.c     one nanoprocess's life
 * prepare.c   module -> artefact, in a child    sockets.c  listening sockets, handed over and kept
 * denials.c   records of refusals           improve.c  better code, in the background
 * host.c      where nanoprocesses live    hosted.c   one cell, and what it says
 * blame.c     who killed a cell           connecting.c  connections of keys, in a child
 * spec.c      what they are given       linked.c    what their modules import from
 * path_server.c  opens files for guests    on_demand.c  a nanoprocess for each connection
 * requests.c, views.c   what the control socket asks
 * control_socket.c  its connections        main.c     start, signals, end
 *
 * Everything happens in the one thread of the loop. A change of state calls set_settle_soon(), and what
 * follows from it for other units happens from the loop: no function here calls itself. */
#pragma once

#include <json-c/json.h>

#include "engine/artefact/key.h"
#include "policy/unit.h"
#include "supervisor/broker/broker.h"
#include "supervisor/control/control.h"
#include "supervisor/daemon/backoff.h"
#include "supervisor/daemon/journal.h"
#include "supervisor/daemon/logs.h"
#include "supervisor/daemon/loop.h"
#include "supervisor/daemon/states.h"
#include "supervisor/proto/stats.h"

#define REASON_MAX 512

/* Bounds of the histogram of instantiation times, in ns: 1 us times powers of 4. */
#define INSTANTIATE_BUCKETS 10
#define ACCEPT_PAUSE_NS     UINT64_C(100000000) /* when no descriptor is left for the next connection */
#define CELL_ANSWER_NS      UINT64_C(5000000000) /* for a cell to end a guest at once */

struct daemon;
struct service;
struct hosted;
struct path_server;
struct on_demand;
struct improver;
struct improvement;

struct nano_end {
        enum run_end end;
        int status;
        bool trap;                 /* a rule of WebAssembly was broken */
        char text[RUN_TEXT_BYTES]; /* escaped; "" when all is well */
};

/* What a guest has used so far; of a running one read from its cell. */
struct usage {
        uint64_t cpu_ns, memory, memory_peak, host_calls, denials;
        uint64_t refused[_LIMIT_MAX]; /* by limit */
};

struct nano {
        struct service *service;
        uint64_t id;                 /* of this life; 0 before the first */
        enum nano_state state;
        struct loop_timer timer;     /* start, stop, runtime, or back-off, by state */
        struct start_limit starts;
        unsigned failures;           /* in a row: the back-off */
        unsigned restarts;
        uint64_t started_ns, since_us;
        int status;                  /* of the last end, -1: none */
        pid_t cell;                  /* 0: none */
        bool ending;                 /* it was told to end now, and the timer says how long it may take */
        bool killed;                 /* by hand or by a time-out: the end is not its own */
        struct hosted *host;         /* its cell; NULL: it does not live */
        uint32_t slot, module;       /* there */
        enum tier tier;              /* of the code that it runs, when its service was compiled */
        int connection;              /* of an on-demand unit, to be handed over; -EBADF: none */
        struct connecting *connecting; /* its connections are being made; NULL: they are not */
        int *connections;            /* made: of the unit's keys, then of its imports' in their order */
        unsigned nconnections;
        struct nano_member *members; /* what its module imports from, while it has a cell */
        unsigned nmembers;
};

struct nano_member {
        uint32_t slot, module;       /* in the cell */
};

struct waiter { /* a call of the control socket that is answered when the unit has settled */
        struct waiter *next;
        struct control_call *call;
        struct service *service;
        bool up;                     /* waits for it to be up, not down */
};

struct prepare;

struct service {
        struct daemon *daemon;
        uint32_t number;             /* for the cells; never used again */
        struct unit *unit;
        uint64_t digest;             /* of the unit's files */
        enum unit_state state;
        char reason[REASON_MAX];
        uint64_t since_us;
        struct nano *guests;
        unsigned nguests, count[_NANO_STATE_MAX];
        bool busy;                   /* guests are being started one by one: do not count yet */
        bool wanted;                 /* somebody started it: start again after a stop in between */
        bool again;                  /* start when it is down */
        bool stopping;               /* wants to stop, once those that need it are down */
        bool done;                   /* a oneshot has run to a good end */
        bool gone;                   /* its file is: forget it when it is down */
        struct unit *next_unit;      /* read by a reload, in force from the next start on */
        uint64_t next_digest;
        struct prepare *prepare;     /* NULL: not being prepared */
        int artefact;                /* -EBADF: none yet */
        uint64_t artefact_bytes;
        int *import_artefacts;       /* of the unit's imports, in their order; NULL: none yet */
        unsigned nimport_artefacts;
        struct usage *past_imports;  /* [nimport_artefacts]: of those whose guests ended */
        bool compiled;               /* from a module, as .choice says; else the unit names an artefact */
        struct module_digest module;
        struct artefact_choice choice;
        struct improvement *improvement; /* NULL: none is to be made */
        int better;                  /* artefact for guests that start now, -EBADF: .artefact */
        enum tier better_tier;
        char module_digest[65];      /* SHA-256 of the module that it was made of; "" when that is not known */
        int *listen;                 /* of the listen keys, in their order */
        unsigned nlisten;
        struct path_server *paths;   /* NULL: no directory keys, or not started yet */
        struct on_demand *on_demand; /* NULL: not such a unit, or not up */
        uint64_t instantiate_buckets[INSTANTIATE_BUCKETS + 1], instantiate_ns;
        struct hosted *victim_of;    /* while a cell's end is looked into */
        unsigned kills;              /* cells that died with this unit alone in them */
        uint64_t suspect_path, suspect_until_ns; /* which cell it goes to after a loss, see blame.c */
        uint64_t killed_ns;          /* the last of them */
        struct logs logs;
        uint64_t starts, restarts, ends_clean, ends_failed, lost, traps;
        struct usage past;           /* of all guests that ended */
        uint64_t log_bytes, log_dropped;
        struct waiter *waiters;
};

struct control_socket;
struct host;
struct sockets;

struct daemon_options {
        const char *units[16];       /* directories, the first wins */
        unsigned nunits;
        const char *control;         /* path of the socket */
        gid_t control_group;
        bool system;                 /* the system's, as a user of its own */
        bool user;                   /* of an ordinary user */
        bool degraded;
        bool no_start;
        const char *cache;
};

enum lost_by { LOST_OTHERWISE, LOST_SECCOMP, LOST_BROKER, _LOST_MAX };

struct suspects {
        struct service **list;
        unsigned n;
};

struct daemon {
        struct daemon_options options;
        struct loop *loop;
        struct service **services;   /* sorted by name */
        unsigned nservices;
        uint64_t next_guest;
        uint32_t next_service;
        struct suspects suspects;
        uint64_t cells_lost[_LOST_MAX]; /* by what ended them */
        struct loop_timer settle, watchdog, status;
        bool ending, ready;
        uint64_t end_by_ns;
        struct host *host;
        struct improver *improver;
        struct sockets *sockets;
        struct control_socket *control;
};

/* set.c */
struct reload_result {
        unsigned added, changed, removed;
        struct json_object *errors;  /* array of strings, or NULL: they go to the journal only */
};

void set_load(struct daemon *d, struct reload_result *ret);
void set_free(struct daemon *d);
struct service *set_find(struct daemon *d, const char *name);
/* The unit @name, made from its template when it is an instance of one. -ENOENT, -EINVAL. */
int set_find_or_load(struct daemon *d, const char *name, struct service **ret, struct error *err);
void set_settle_soon(struct daemon *d);
void set_settle(void *context);
void set_end(struct daemon *d);      /* stop everything, then the loop */

/* service.c */
_must_check_ int service_new(struct daemon *d, struct unit *unit, uint64_t digest, struct service **ret,
                             struct error *err);
void service_free(struct service *s);
void service_start(struct service *s);
void service_stop(struct service *s);
void service_restart(struct service *s);
_printf_(3, 4) void service_event(struct service *s, enum unit_event event, const char *format, ...);
void service_count(struct service *s); /* after a change of one of its guests */
bool service_live(const struct service *s);
void service_renew(struct service *s); /* what a reload has read is in force */
bool service_up(const struct service *s);
void service_wait(struct service *s, struct control_call *call, bool up);
_printf_(4, 5) void service_log(struct service *s, int priority, const char *event, const char *format, ...);
int service_code(const struct service *s, enum tier *ret_tier); /* the best artefact; borrowed */
void service_usage(const struct service *s, struct usage *ret);

/* nano.c */
void nano_event(struct nano *g, enum nano_event event);
void nano_started(struct nano *g, pid_t cell);
/* @cpu_ns: of its whole life, as its cell says; more exact than the last look at it. */
void nano_ended(struct nano *g, const struct nano_end *end, uint64_t cpu_ns);
/* Output of the guest, as it came; split into lines, escaped, limited and written here. */
void nano_output(struct nano *g, enum log_stream stream, const char *bytes, size_t n, uint64_t dropped);
/* @limit: the setting that it ran into; NULL: a host call was refused. */
struct guest_denial;
void nano_denied(struct nano *g, const char *limit, const struct guest_denial *d);
void nano_kill(struct nano *g);    /* now; Restart= decides what follows */
void nano_usage(const struct nano *g, struct usage *ret);

/* prepare.c: service_event() PREPARED or NOT_PREPARED comes of it. */
_must_check_ int prepare_start(struct service *s, struct error *err);
void prepare_free(struct prepare *p); /* takes NULL; ends what is under way */

/* control_socket.c, requests.c, views.c */
_must_check_ int control_open(struct daemon *d, struct error *err);
void control_close(struct daemon *d);
void control_changed(struct daemon *d); /* somebody may have something to read now */
extern const control_handler control_handlers[];
void view_metrics(struct daemon *d, struct buffer *out);
struct json_object *view_unit(const struct service *s);
struct json_object *view_guest(const struct nano *g);
struct json_object *view_line(const struct service *s, const struct log_line *line);

uint64_t realtime_us(void);
