/* loop.h - the event loop of the daemon: descriptors, timers, signals. One thread, no locks.
 *
 * A watch and a timer are structs inside of whatever they belong to; the loop owns nothing. Both may
 * be removed, and their owner freed, from any handler: an event that was fetched already for a watch
 * that is gone is dropped.
 *
 * loop_watch - call @w->ready(@w->context, events) when @fd has one of @events (EPOLL...).
 * loop_watch_change - other events for it; 0: only errors. loop_unwatch - takes one that is not watched.
 * loop_timer_set - call @t->due(@t->context) once, at @at_ns (loop_now()'s clock); replaces a time that
 *   was set. loop_timer_clear - takes one that is not set.
 * loop_signals - the signals of @set are blocked and come to @handler from now on.
 * loop_now - CLOCK_BOOTTIME in ns as of the last wake-up: time asleep counts for back-off and since.
 * loop_run - until loop_stop(); returns the status given there. */
#pragma once

#include <signal.h>
#include <sys/signalfd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct loop;

struct loop_watch {
        int fd;         /* -EBADF: not watched */
        void (*ready)(void *context, uint32_t events);
        void *context;
};

struct loop_timer {
        void (*due)(void *context);
        void *context;
        uint64_t at_ns;
        size_t place;   /* in the heap, from 1; 0: not set */
};

_must_check_ int loop_new(struct loop **ret, struct error *err);
void loop_free(struct loop *l);
_must_check_ int loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events,
                            struct error *err);
void loop_watch_change(struct loop *l, struct loop_watch *w, uint32_t events);
void loop_unwatch(struct loop *l, struct loop_watch *w);
int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns);
void loop_timer_clear(struct loop *l, struct loop_timer *t);
_must_check_ int loop_signals(struct loop *l, const sigset_t *set,
                              void (*handler)(void *context, const struct signalfd_siginfo *info),
                              void *context, struct error *err);
uint64_t loop_now(const struct loop *l);
int loop_run(struct loop *l, struct error *err);
void loop_stop(struct loop *l, int status);

static inline void loop_freep(struct loop **l)
{
        loop_free(*l);
}
