/* guests_state.h - private to guests.c and guests_send.c. */
#pragma once

#include "supervisor/broker/guests.h"
#include "supervisor/broker/internal.h"

struct live { /* a guest that has not ended */
        struct live *next;
        uint64_t guest;
        struct cgroup_use use;
        unsigned nmembers;
        /* 1 + log2 of the last count that was told, by limit; last: host calls. Of the guest, then of each member. */
        uint8_t denied[][_LIMIT_MAX + 1];
};

struct outgoing { /* waits for room in the socket */
        struct outgoing *next;
        size_t size;
        unsigned nfds;
        int fds[PROTO_FDS_MAX];
        uint8_t bytes[];
};

struct kept { /* came while a command's answer was waited for */
        struct kept *next;
        size_t size;
        uint8_t bytes[] __attribute__((aligned(8)));
};

struct guest_cell {
        struct broker *b;
        bool owns;                      /* the broker */
        bool dead;
        struct guest_events events;
        void *context;
        struct live **chains;
        unsigned nchains, nlive;
        struct outgoing *out, **out_end;
        struct kept *kept, **kept_end;
        size_t kept_bytes;
        struct guest_stats *stats;
        uint32_t nstats;
        struct buffer config;           /* of the latest guest, and its file: the next one's is mostly the same */
        int config_fd;                  /* valid when .config has bytes */
};

/* guests_send.c: @fds are ours from here on, whatever comes of it. -EPIPE is told by the next dispatch. */
_must_check_ int guests_send(struct guest_cell *c, const void *message, size_t size, const int *fds,
                             unsigned nfds);
int guests_flush(struct guest_cell *c);  /* as far as it goes */
_must_check_ int guests_drain(struct guest_cell *c); /* all of it: waits, at most for the broker's deadline. -ETIME */
void guests_drop(struct guest_cell *c);
void guests_forget_config(struct guest_cell *c);

/* guests.c */
_must_check_ int live_add(struct guest_cell *c, uint64_t guest, unsigned nmembers, const struct cgroup_use *use);
bool live_remove(struct guest_cell *c, uint64_t guest);

/* For a broker that was made in another way and has its cell: the run of one guest. */
_must_check_ int cell_of_broker(struct broker *b, const struct guest_events *events, void *context,
                                struct guest_cell **ret, struct error *err);
