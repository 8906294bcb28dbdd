/* tier.h - better code for what runs later: made in the background, at idle priority.
 *
 * `nacelle run` has a helper, a child of the broker's, forked while files can still be opened. It waits for the
 * functions that took the guest's time. When there are any, it leaves the session, has them
 * optimised (the rest stays fast: TIER_MIXED), then the whole module (TIER_PEAK), and puts both in
 * the cache. One optimiser works on a cache at a time; a compiler that fails costs nothing but the
 * speed-up. A helper goes, its compiler with it, within a second of the cache's removal, and when TIER_TIME_S are over.
 *
 * tier_up_wait - start the helper for the module in @file, found as @found. Does nothing when the
 *   module is peak already, has no place in the cache, or no optimising compiler is installed.
 * tier_up_go - @hot: what the cell said, checked. The helper goes on alone.
 * tier_up_done - end a helper that was given nothing.
 *
 * What nacelled's optimiser has in common with it:
 * tier_possible - an optimising compiler is installed.
 * tier_step_back - this process and its children run when nobody else wants to, and are the first to go when memory ends.
 * tier_cache_lock - be the cache's only optimiser, as long as the descriptor is open. -EWOULDBLOCK: another is.
 * tier_cache_gone - somebody has removed the cache, or all that was in it: nobody waits for better code. */
#pragma once

#include "supervisor/broker/found.h"
#include "supervisor/proto/proto.h"

#define TIER_TIME_S 600u /* for both steps of `nacelle run` */

struct tier_up {
        pid_t pid; /* 0: none */
        int sock; /* to it */
};

void tier_up_wait(struct tier_up *t, const struct run_options *o, int file, const struct found *found);
void tier_up_go(struct tier_up *t, const struct heat_message *hot);
void tier_up_done(struct tier_up *t);

bool tier_possible(void);
void tier_step_back(void);
int tier_cache_lock(int cache);
bool tier_cache_gone(int cache, int lock);
