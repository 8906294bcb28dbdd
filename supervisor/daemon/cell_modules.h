/* cell_modules.h - the artefacts that a cell has, and how many of its guests run each.
 *
 * modules_use - the number of the best code of @s in @cell, loaded there when it is not.
 *   Better code that cannot be loaded is no reason not to start: then it is the code that the unit was prepared with.
 *   -ENOSPC, -E2BIG: no room in the cell.
 * modules_enter - one more guest runs it. modules_leave - one of them has ended.
 * modules_sweep - the cell gives up what no unit would start a guest with, now or when its last guest has ended.
 * modules_work - what improve_heat() calls the module @number, which a cell said: 0: no such one. */
#pragma once

#include <sys/types.h>

#include "supervisor/broker/guests.h"
#include "supervisor/daemon/daemon.h"

struct module_entry {
        dev_t dev;
        ino_t ino;
        int fd;          /* keeps the number of the file from being used again */
        uint32_t number; /* in the cell */
        unsigned users;
        bool old;        /* no guest will be started with it */
        uint64_t work;
};

struct cell_modules { /* start zeroed */
        struct module_entry *list;
        unsigned n;
};

/* The same of an artefact that is not a unit's own: nothing better is made of it. */
_must_check_ int modules_use_artefact(struct cell_modules *m, struct guest_cell *cell, int artefact, uint32_t *ret_number,
                                      struct error *err);
_must_check_ int modules_use(struct cell_modules *m, struct guest_cell *cell, struct service *s, uint32_t *ret_number,
                             enum tier *ret_tier, struct error *err);
void modules_enter(struct cell_modules *m, uint32_t number);
void modules_leave(struct cell_modules *m, struct guest_cell *cell, uint32_t number);
void modules_sweep(struct cell_modules *m, struct guest_cell *cell, const struct daemon *d);
uint64_t modules_work(const struct cell_modules *m, uint32_t number);
void modules_done(struct cell_modules *m);
