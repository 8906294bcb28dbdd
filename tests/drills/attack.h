/* attack.h - native attack code for a cell: each row tries one thing and says how far it got. */
#pragma once

#include "supervisor/cell/cell.h"

#define AS_OLD (UINT32_C(1) << 31) /* in the mask of an attacker, beside the layers */

struct attack {
        const char *name;
        /* Returns a number >= 0 when it worked, else the negative errno that stopped it. */
        long (*run)(struct cell *c);
};

extern const struct attack attacks_calls[], attacks_ring[], attacks_code[], attacks_broker[];

extern pid_t attack_broker; /* noted before the lock: even asking for it would be fatal after */

/* The result of a system call as the kernel gives it. */
static inline long result(long r)
{
        return r < 0 ? -errno : r;
}

/* An attack that is a row of a table, by its name (attacks_rows.c). */
long attack_row(struct cell *c, const char *name);

/* One operation straight into the ring, past ring.h: the attacker has its memory. */
long attack_sqe(struct cell *c, unsigned opcode, int fd, unsigned long address, unsigned length,
                unsigned long offset, unsigned flags, unsigned op_flags);
