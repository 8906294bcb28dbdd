/* tier.h - better code for the next run: made in the background, at idle priority.
 *
 * The helper is a child of the broker's, forked while files can still be opened. It waits for the
 * functions that took the guest's time. When there are any, it leaves the session, has them
 * optimised (the rest stays fast: TIER_MIXED), then the whole module (TIER_PEAK), and puts both in
 * the cache. One helper works on a cache at a time; a compiler that fails costs nothing but the
 * speed-up.
 *
 * tier_up_wait - start the helper for the module in @file, found as @found. Does nothing when the
 *   module is peak already, has no place in the cache, or no optimising compiler is installed.
 * tier_up_go - @hot: what the cell said, checked. The helper goes on alone.
 * tier_up_done - end a helper that was given nothing. */
#pragma once

#include "supervisor/broker/found.h"
#include "supervisor/proto/proto.h"

struct tier_up {
        pid_t pid; /* 0: none */
        int pipe;
};

void tier_up_wait(struct tier_up *t, const struct run_options *o, int file, const struct found *found);
void tier_up_go(struct tier_up *t, const struct heat_message *hot);
void tier_up_done(struct tier_up *t);
