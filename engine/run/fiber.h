/* fiber.h - stacks that guests run on, and switching between them.
 *
 * A fiber is a stack with a guard of ABI_STACK_GUARD bytes below and a saved context. The thread's own stack
 * is the scheduler; a fiber runs until it ends or calls fiber_suspend(), which goes back to the
 * fiber_resume() that entered it. One thread runs one fiber at a time.
 *
 * fiber_new - @stack_bytes usable, rounded up to pages, at least 64 KiB + the reserve for host
 *   calls (FIBER_HOST_BYTES).
 * fiber_place - a fiber in fiber_bytes() bytes at @at, on the stack [@low, @high), both the caller's, who
 *   also has the guard below @low. No fiber_free() for it.
 * fiber_scrub - of a fiber that does not run: nothing of what it left remains in the @bytes at the top of
 *   its stack. The next is fiber_start().
 * fiber_resume - run @f until it suspends or ends. Returns true while there is more to run.
 * fiber_suspend - called on a fiber: leave it.
 * fiber_current - the fiber of this thread, NULL on the thread's own stack.
 * fiber_argument - what fiber_start() was given.
 *
 * Making a fiber leave (preempt.h does it from outside):
 * fiber_set_preemptible - this one may be made to leave wherever it is in guest code.
 * fiber_interrupted - it left because it was made to: it can go on at once. Until it is resumed.
 * fiber_stop - its guest is to end: it traps (TRAP_HOST, @why, a literal) as soon as it is resumed, or where it
 *   comes back from host code; what it waits for in a ring is cancelled. @why NULL: no longer.
 * fiber_nudge - what @f waits for in a ring is cancelled, once. fiber_nudged - of the running fiber: whether it
 *   was told so; then no longer.
 * fiber_stopping - the running fiber is to end: loops in host code return.
 * fiber_breathe - called in long host work: others have their turn, and a stop happens here. May not come back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define FIBER_HOST_BYTES  (128u << 10) /* below this the guest's stack counts as exhausted for host calls */
#define FIBER_STACK_BYTES (1u << 20)   /* usual size */

struct fiber;

typedef void fiber_entry(void *argument);

_must_check_ int fiber_new(size_t stack_bytes, struct fiber **ret, struct error *err);
void fiber_free(struct fiber *f); /* takes NULL; must not be running */
size_t fiber_bytes(void);
struct fiber *fiber_place(void *at, void *low, void *high);
void fiber_scrub(struct fiber *f, size_t bytes);
void fiber_start(struct fiber *f, fiber_entry *entry, void *argument); /* first resume enters it */
bool fiber_resume(struct fiber *f);
void fiber_suspend(void);
#ifdef __x86_64__
/* Of the thread that it runs on at this very moment, which the compiler must not remember: a fiber may
 * continue on another one. What run_thread begins with. */
static inline struct fiber *fiber_current(void)
{
        struct fiber *f;

        __asm__ volatile("movq run_thread@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(f) : : "memory");
        return f;
}
#else
struct fiber *fiber_current(void);
#endif
void *fiber_argument(const struct fiber *f);

void fiber_set_preemptible(struct fiber *f, bool on);
bool fiber_interrupted(const struct fiber *f);
void fiber_stop(struct fiber *f, const char *why);
bool fiber_stopping(void);
void fiber_nudge(struct fiber *f);
bool fiber_nudged(void);
void fiber_breathe(void);
uint64_t fiber_host_calls(const struct fiber *f);
