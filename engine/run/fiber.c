#include "engine/run/fiber.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/run/machine.h"

/* Linux 6.13: guards inside one mapping, so that a stack costs one VMA, and neighbours share it. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define FIBER_PAGE 4096u

#ifdef __SANITIZE_ADDRESS__
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#define switch_begins(save, low, bytes) __sanitizer_start_switch_fiber(save, low, bytes)
#define switch_ended(save, low, bytes)  __sanitizer_finish_switch_fiber(save, low, bytes)
#define stack_forget(low, bytes)        __asan_unpoison_memory_region((void *)(low), bytes)
#include <sanitizer/asan_interface.h>
#else
#define stack_forget(low, bytes)        ((void)(low), (void)(bytes))
#define switch_begins(save, low, bytes) ((void)(save), (void)(low), (void)(bytes))
#define switch_ended(save, low, bytes)  ((void)(save), (void)(low), (void)(bytes))
#endif

_Thread_local struct run_thread run_thread __attribute__((tls_model("initial-exec")));

#ifdef __aarch64__
/* Whoever emulates this machine for programs may take every advice and follow none: such a one is
 * content with a number that no kernel knows. */
static bool advice_is_taken(void *at)
{
        return madvise(at, ABI_STACK_GUARD, INT_MAX) != 0;
}
#else
static bool advice_is_taken(void *at)
{
        return true;
}
#endif

static int stack_guard(void *at)
{
        if (advice_is_taken(at) && madvise(at, ABI_STACK_GUARD, MADV_GUARD_INSTALL) == 0)
                return 0;
        return mprotect(at, ABI_STACK_GUARD, PROT_NONE) < 0 ? -errno : 0;
}

/* Stacks of the usual size whose fibers are gone, as fresh ones are: all zero, the guard below. The top of
 * them keeps its memory, the rest is given back. Shared by all threads. */
#define STACKS_KEPT 8
#define STACK_WARM  ((size_t)2 * FIBER_PAGE)

static _Atomic(uint8_t *) kept[STACKS_KEPT];

static uint8_t *stack_take(size_t stack_bytes)
{
        for (unsigned i = 0; i < STACKS_KEPT && stack_bytes == FIBER_STACK_BYTES; i++) {
                uint8_t *map = atomic_load_explicit(&kept[i], memory_order_relaxed);

                if (map && (map = atomic_exchange(&kept[i], NULL)))
                        return map;
        }
        return NULL;
}

static bool stack_keep(const struct fiber *f)
{
        size_t bytes = f->high - f->low;
        bool clean = false;

        for (unsigned i = 0; i < STACKS_KEPT && bytes == FIBER_STACK_BYTES; i++) {
                uint8_t *none = NULL;

                if (atomic_load_explicit(&kept[i], memory_order_relaxed))
                        continue;
                if (!clean) {
                        stack_forget(f->low, bytes);
                        if (madvise((void *)f->low, bytes - STACK_WARM, MADV_DONTNEED) < 0)
                                return false;
                        memset((void *)(f->high - STACK_WARM), 0, STACK_WARM);
                        clean = true;
                }
                if (atomic_compare_exchange_strong(&kept[i], &none, f->map))
                        return true;
        }
        return false;
}

static int stack_map(size_t bytes, uint8_t **ret, struct error *err)
{
        uint8_t *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        int r;

        if (map == MAP_FAILED)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE, "mapping a stack of %zu bytes",
                                 bytes - ABI_STACK_GUARD);
        r = stack_guard(map);
        if (r < 0) {
                munmap(map, bytes);
                return error_set(err, STAGE_RUN, r, ERROR_NOWHERE, "no guard for a stack");
        }
        *ret = map;
        return 0;
}

int fiber_new(size_t stack_bytes, struct fiber **ret, struct error *err)
{
        _cleanup_free_ struct fiber *f = calloc(1, sizeof(*f));
        size_t least = (64u << 10) + FIBER_HOST_BYTES;
        uint8_t *map;
        int r;

        if (stack_bytes > SIZE_MAX / 4)
                return error_set(err, STAGE_RUN, -E2BIG, ERROR_NOWHERE, "stack of %zu bytes",
                                 stack_bytes);
        if (stack_bytes < least)
                stack_bytes = least;
        stack_bytes = (stack_bytes + FIBER_PAGE - 1) & ~(size_t)(FIBER_PAGE - 1);
        if (!f)
                return error_set(err, STAGE_RUN, -ENOMEM, ERROR_NOWHERE, "no memory for a fiber");

        f->map_bytes = ABI_STACK_GUARD + stack_bytes;
        map = stack_take(stack_bytes);
        if (!map) {
                r = stack_map(f->map_bytes, &map, err);
                if (r < 0)
                        return r;
        }

        f->map = map;
        f->low = (uintptr_t)map + ABI_STACK_GUARD;
        f->high = f->low + stack_bytes;
        f->host_limit = f->low + FIBER_HOST_BYTES;
        *ret = TAKE_PTR(f);
        return 0;
}

/* Only who is preempted needs one: 3 KiB and more. */
static void frame_drop(struct fiber *f)
{
        if (!run_thread.spare)
                run_thread.spare = f->frame;
        else
                preempt_frame_free(f->frame);
        f->frame = NULL;
}

void fiber_free(struct fiber *f)
{
        if (!f)
                return;
        if (f->state == FIBER_RUNNING)
                abort();
        frame_drop(f);
        if (!stack_keep(f))
                munmap(f->map, f->map_bytes);
        free(f);
}

size_t fiber_bytes(void)
{
        return (sizeof(struct fiber) + 15) & ~(size_t)15;
}

struct fiber *fiber_place(void *at, void *low, void *high)
{
        struct fiber *f = at;

        *f = (struct fiber) { .low = (uintptr_t)low, .high = (uintptr_t)high & ~(uintptr_t)15,
                              .host_limit = (uintptr_t)low + FIBER_HOST_BYTES };
        return f;
}

void fiber_scrub(struct fiber *f, size_t bytes)
{
        size_t all = f->high - f->low;

        if (f->state == FIBER_RUNNING)
                abort();
        f->state = FIBER_IDLE;
        f->entry = NULL;
        f->base = NULL;
        f->preemptible = f->interrupted = f->stopping = false;
        f->host_calls = 0;
        f->context = NULL;
        frame_drop(f);
        stack_forget(f->low, all);
        if (bytes > all)
                bytes = all;
        memset((void *)(f->high - bytes), 0, bytes);
}

void fiber_start(struct fiber *f, fiber_entry *entry, void *argument)
{
        if (f->state == FIBER_RUNNING)
                abort();
        f->sp = machine_fresh((void *)f->high);
        f->start = entry;
        f->argument = argument;
        f->entry = NULL;
        f->base = NULL;
        f->stopping = f->interrupted = f->nudged = false;
        f->context = NULL;
        f->state = FIBER_READY;
}

/* On the new stack for the first time. Never returns: the last switch is not undone. */
void fiber_main(void)
{
        struct fiber *f = run_thread.fiber;

        switch_ended(NULL, &f->resumer_low, &f->resumer_bytes);
        f->start(f->argument);

        f = fiber_current(); /* of the thread that the fiber ends on */
        f->state = FIBER_ENDED;
        switch_begins(NULL, f->resumer_low, f->resumer_bytes);
        fiber_switch(&f->sp, f->resumer_sp);
        abort();
}

/* On its way back: what a signal interrupted is what the kernel restores. */
static void enter(struct fiber *f)
{
        void *context = f->context;

        if (!context) {
                fiber_switch(&f->resumer_sp, f->sp);
                return;
        }
        f->context = NULL;
        if (f->stopping) {
                struct trap_info *t = f->entry->trap;

                if (t) {
                        *t = (struct trap_info) { .trap = TRAP_HOST };
                        strncpy(t->text, f->why, sizeof(t->text) - 1);
                        trap_capture(t, f, TRAP_HOST, context_state(context), f->base);
                }
                context_to_trap(context, f->entry, TRAP_HOST);
        }
        /* Nothing on the other side tells the sanitizer that the switch is over. */
        switch_ended(f->fake_stack, &f->resumer_low, &f->resumer_bytes);
        fiber_return(&f->resumer_sp, context);
}

void fiber_preempted(struct fiber *f, void *context)
{
        f->context = context;
        f->interrupted = true;
        switch_begins(&f->fake_stack, f->resumer_low, f->resumer_bytes);
        fiber_leave(f->resumer_sp);
}

bool fiber_resume(struct fiber *f)
{
        struct run_thread *t = &run_thread;

        if (f->state != FIBER_READY)
                abort();
        f->resumer = t->fiber;
        if (f->resumer)
                f->resumer->base = t->base;
        t->fiber = f;
        f->state = FIBER_RUNNING;
        if (f->base && f->base != t->base) {
                machine_set_base(f->base);
                t->base = f->base;
        }
        f->interrupted = false;
        t->interrupt = f->stopping;
        if (f->preemptible)
                preempt_prepare(t);
        switch_begins(&f->resumer_fake_stack, (void *)f->low, f->high - f->low);
        enter(f);
        switch_ended(f->resumer_fake_stack, NULL, NULL);

        if (f->frame && !f->context)
                frame_drop(f);
        /* The resumer stayed on this thread: only the fiber below it may travel. */
        t->fiber = f->resumer;
        f->base = t->base;
        if (f->resumer && f->resumer->base && f->resumer->base != t->base) {
                machine_set_base(f->resumer->base);
                t->base = f->resumer->base;
        }
        if (f->state == FIBER_ENDED)
                return false;
        f->state = FIBER_READY;
        return true;
}

void fiber_suspend(void)
{
        struct fiber *f = run_thread.fiber;

        if (!f)
                abort();
        switch_begins(&f->fake_stack, f->resumer_low, f->resumer_bytes);
        fiber_switch(&f->sp, f->resumer_sp);
        switch_ended(f->fake_stack, &f->resumer_low, &f->resumer_bytes);
}

void *fiber_argument(const struct fiber *f)
{
        return f->argument;
}

void fiber_set_preemptible(struct fiber *f, bool on)
{
        f->preemptible = on;
}

bool fiber_interrupted(const struct fiber *f)
{
        return f->interrupted;
}

uint64_t fiber_host_calls(const struct fiber *f)
{
        return f->host_calls;
}

void fiber_stop(struct fiber *f, const char *why)
{
        f->stopping = why != NULL;
        f->why = why;
        if (f == run_thread.fiber)
                run_thread.interrupt = f->stopping;
}

bool fiber_stopping(void)
{
        const struct fiber *f = fiber_current();

        return f && f->stopping;
}

void fiber_nudge(struct fiber *f)
{
        f->nudged = true;
}

bool fiber_nudged(void)
{
        struct fiber *f = fiber_current();
        bool nudged = f && f->nudged;

        if (nudged)
                f->nudged = false;
        return nudged;
}

/* In host code that works for a guest. A fiber that was told to stop does so here. */
void run_interrupted(void)
{
        struct fiber *f = fiber_current();

        if (!f)
                return;
        if (!f->stopping && f->preemptible) {
                f->interrupted = true;
                fiber_suspend();
        }
        run_thread.interrupt = 0;
        if (f->stopping && f->entry)
                trap_raise(TRAP_HOST, f->why);
}

void fiber_breathe(void)
{
        if (_unlikely_(run_thread.interrupt))
                run_interrupted();
}

#ifndef __x86_64__
/* Not inlined: a fiber may continue on another thread, and the address of a thread-local variable
 * must be found anew there. */
__attribute__((noinline)) struct fiber *fiber_current(void)
{
        return run_thread.fiber;
}
#endif
