/* notify.h - what the daemon and the service manager say to each other.
 *
 * notify_open - is there a manager, what does it want? Call once, early; it empties the environment of the
 *   protocol's variables, so that no child speaks in our name. Without a manager all is a no-op.
 * notify_watchdog_ns - how often the manager wants a sign of life; 0: not at all. Send one in half the time.
 * notify - one datagram of "KEY=VALUE" lines.
 * notify_store - keep descriptor @fd for our next life as @name. notify_forget - not any more.
 * notify_descriptors - the sockets that we were started with, of activation and of the store alike: for
 *   each one @take(@context, fd, name) once; the descriptor is @take's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"

void notify_open(void);
uint64_t notify_watchdog_ns(void);
_printf_(1, 2) void notify(const char *format, ...);
void notify_store(int fd, const char *name);
void notify_forget(const char *name);
void notify_descriptors(void (*take)(void *context, int fd, const char *name), void *context);
