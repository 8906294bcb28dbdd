/* preempt.h - taking the thread away from a guest that does not give it back.
 *
 * A timer of the thread sends it a signal. In guest code the handler keeps the frame that the kernel
 * made (all registers are in it), and goes on in the fiber_resume() that entered the fiber, as if it had
 * suspended itself; it is resumed by having the kernel return from that frame. So the guest's
 * code carries nothing for it, and nothing is written to the guest's stack. In host code the handler
 * only leaves a note, which is read on the way back to the guest and by fiber_breathe().
 *
 * preempt_init - once per process: the handler. @wanted is asked in the handler, at each tick, with the
 *   interrupted pc: shall the fiber that runs leave? It runs on the signal stack: no allocation, no
 *   lock. It is asked as well when no fiber runs; its answer does not matter then.
 * preempt_thread_init - once per thread that is to be interrupted: its timers, stopped. The coarse one ticks with the
 *   kernel's own tick while the thread runs, which costs next to nothing, but no more often than that.
 * preempt_start, preempt_stop - ticks each @ns from now on; none. May be called by @wanted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "engine/base/error.h"

typedef bool preempt_wanted(uintptr_t pc);

_must_check_ int preempt_init(preempt_wanted *wanted, struct error *err);
_must_check_ int preempt_thread_init(timer_t *ret, timer_t *ret_coarse, struct error *err);
void preempt_start(timer_t timer, uint64_t ns);
void preempt_stop(timer_t timer);
