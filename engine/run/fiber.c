#include "engine/run/fiber.h"

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

static int stack_guard(void *at)
{
        if (madvise(at, ABI_STACK_GUARD, MADV_GUARD_INSTALL) == 0)
                return 0;
        return mprotect(at, ABI_STACK_GUARD, PROT_NONE) < 0 ? -errno : 0;
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
        map = mmap(NULL, f->map_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (map == MAP_FAILED)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE,
                                 "mapping a stack of %zu bytes", stack_bytes);
        r = stack_guard(map);
        if (r < 0) {
                munmap(map, f->map_bytes);
                return error_set(err, STAGE_RUN, r, ERROR_NOWHERE, "no guard for a stack");
        }

        f->map = map;
        f->low = (uintptr_t)map + ABI_STACK_GUARD;
        f->high = f->low + stack_bytes;
        f->host_limit = f->low + FIBER_HOST_BYTES;
        *ret = TAKE_PTR(f);
        return 0;
}

void fiber_free(struct fiber *f)
{
        if (!f)
                return;
        if (f->state == FIBER_RUNNING)
                abort();
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
        stack_forget(f->low, all);
        if (bytes > all)
                bytes = all;
        memset((void *)(f->high - bytes), 0, bytes);
}

void fiber_start(struct fiber *f, fiber_entry *entry, void *argument)
{
        uintptr_t *sp = (uintptr_t *)f->high;

        if (f->state == FIBER_RUNNING)
                abort();
        /* fiber_switch() pops six registers and returns to fiber_begin(), whose call needs the
         * stack aligned to 16 there. */
        *--sp = 0;
        *--sp = 0;
        *--sp = (uintptr_t)fiber_begin;
        for (unsigned i = 0; i < 6; i++)
                *--sp = 0;
        f->sp = sp;
        f->start = entry;
        f->argument = argument;
        f->entry = NULL;
        f->base = NULL;
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
        switch_begins(&f->resumer_fake_stack, (void *)f->low, f->high - f->low);
        fiber_switch(&f->resumer_sp, f->sp);
        switch_ended(f->resumer_fake_stack, NULL, NULL);

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

/* Not inlined: a fiber may continue on another thread, and the address of a thread-local variable
 * must be found anew there. */
__attribute__((noinline)) struct fiber *fiber_current(void)
{
        return run_thread.fiber;
}
