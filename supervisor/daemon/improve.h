/* improve.h - better code for the modules of units that run, made in the background (Tier=auto).
 *
 * A module that takes the time of its guests is compiled again by the optimising compiler, one at a time and when nobody
 * else wants the processor: first the functions that took the time, of the hottest module first (TIER_MIXED), then
 * whole modules (TIER_PEAK). Units of the same module share the work. Guests that begin later run the better code, in
 * the cells that are there; who runs keeps what it has. A compiler that fails is told of once; the module
 * is tried again after a minute, then two, and then no more.
 *
 * improve_join - @s has the artefact for its module: service_code() may be better from here on.
 * improve_leave - it has not any more. What nobody else wants is ended at once.
 * improve_end - the daemon ends: nothing goes on, nothing more is begun.
 * improve_heat - a cell says what took the time of the module @work. Believed as far as it is checked: the worst
 *   that it can do is to have a module compiled, once, when nobody else wants the processor.
 * improve_rejected - the better code of @s could not be loaded: it is not used, and no more is made of that module.
 * improve_view - how far the optimiser is with the module of @s, for people; percent: of a step under way. */
#pragma once

#include "supervisor/daemon/daemon.h"

struct improver;
struct improvement;
struct heat_message;

struct improve_view {
        const char *text;
        unsigned percent;
};

int improve_new(struct daemon *d, struct error *err);
void improve_free(struct daemon *d);
void improve_join(struct service *s);
void improve_leave(struct service *s);
void improve_end(struct daemon *d);
void improve_heat(struct daemon *d, uint64_t work, const struct heat_message *hot);
void improve_rejected(struct service *s, const char *why);
uint64_t improve_work(const struct service *s); /* 0: none */
void improve_view(const struct service *s, struct improve_view *ret);
uint64_t improve_count(const struct daemon *d, bool made); /* artefacts made; steps that failed */

/* improve_child.c: the process that has one step done.
 *
 * step_start - compile the module at @path again, which is @module, with @choice and, for TIER_MIXED, the hot functions
 *   @hot. @ret is valid when it returns 0: its socket is to be polled.
 * step_read - 1: @ret is the latest word; 0: none is there. STEP_DONE, STEP_FAILED, STEP_BUSY: it was the last.
 * step_end - end it, wherever it is. Does not wait for that: at idle priority it may take its time. @ret_dying: to be
 *   waited for. Takes one that was not started. */
#include "supervisor/broker/spawn.h"

struct step {
        struct process child;
        int sock; /* -EBADF: none */
};

enum step_kind { STEP_PROGRESS = 1, STEP_DONE, STEP_FAILED, STEP_BUSY }; /* BUSY: another works on the cache */

struct step_word {
        uint32_t kind;
        int32_t code;
        uint64_t done, all;
        char text[256];
        int artefact; /* DONE: the reader's */
};

struct step_order {
        const struct daemon_options *options;
        const char *path;
        bool degraded;
        const struct module_digest *module;
        const struct artefact_choice *choice;
        const struct heat_message *hot;
};

_must_check_ int step_start(const struct step_order *o, struct step *ret, struct error *err);
int step_read(struct step *s, struct step_word *ret);
void step_end(struct step *s, struct process *ret_dying);
