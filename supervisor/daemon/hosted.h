/* hosted.h - one cell of the daemon, and what it says of the nanoprocesses in it.
 *
 * hosted_open - a cell for @group, with a watch on it in the loop. hosted_free - kills it; its guests are told of as lost.
 *   Both keep the daemon's list of cells (host.h).
 * hosted_id - the number under which the cell knows @g.
 * hosted_move_out - give back what @life has there; its members are freed.
 * hosted_watch_again - after each call that may have sent something to the cell. */
#pragma once

#include "supervisor/broker/guests.h"
#include "supervisor/daemon/cell_modules.h"
#include "supervisor/daemon/daemon.h"

#define HOSTED_SLOTS 32768u

struct hosted { /* a cell */
        struct daemon *daemon;
        struct guest_cell *cell;
        char group[256];
        pid_t pid;
        uint64_t since_us;
        struct loop_watch watch;
        struct loop_timer idle, grave;
        struct loop_timer soon;  /* what a load has kept is told from the loop, too */
        const volatile struct guest_stats *stats;
        struct nano **guests;    /* by slot */
        uint32_t *free_slots, nfree, unused;
        struct cell_modules modules;
        bool full;               /* no room for more code */
        bool dead;
};

/* What a nanoprocess has in its cell. */
struct life {
        uint32_t slot, module;
        struct nano_member *members;
        unsigned nmembers;
};

struct host { /* all of them */
        struct loop_timer sweep;
        struct hosted **cells;
        unsigned n;
};

_must_check_ int hosted_open(struct daemon *d, const char *group, bool degraded, struct hosted **ret,
                             struct error *err);
void hosted_free(struct hosted *h);
uint64_t hosted_id(const struct nano *g);
void hosted_move_out(struct hosted *h, struct life *life);
void hosted_watch_again(struct hosted *h);
