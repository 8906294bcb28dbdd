#define _GNU_SOURCE /* gettid, SIGEV_THREAD_ID */

#include "engine/run/preempt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/run/machine.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define TICK_SIGNAL SIGPROF
#define FRAME_ALIGN ((size_t)64) /* of the vector state; the copy keeps the frame's own alignment */

static preempt_wanted *wanted;
static size_t frame_bytes;

/* The copy's ucontext, NULL: no room for it. */
static void *frame_keep(struct run_thread *t, struct fiber *f, void *ucontext, const siginfo_t *info)
{
        if (!f->frame) {
                f->frame = t->spare;
                t->spare = NULL;
        }
        return f->frame ? machine_frame_copy(f->frame, frame_bytes, ucontext, info) : NULL;
}

/* Without the sanitizer's check of the address of a thread-local variable: the linker replaces the sum that
 * it takes its flags from by one that sets none. Nor that of addresses: before a call that does not return it asks
 * the library where the stack is, which reads a file. */
__attribute__((no_sanitize("undefined", "address"))) static void on_tick(int number, siginfo_t *info, void *ucontext)
{
        struct run_thread *t = &run_thread;
        struct fiber *f = t->fiber;
        uintptr_t pc = context_state(ucontext).pc;
        int saved = errno;
        bool leave = wanted(pc);
        void *kept;

        (void)number;
        errno = saved;
        if (!leave || !f || !f->preemptible)
                return;
        kept = run_is_guest_code(pc) && f->entry ? frame_keep(t, f, ucontext, info) : NULL;
        if (kept)
                fiber_preempted(f, kept);
        t->interrupt = 1;
}

void preempt_prepare(struct run_thread *t)
{
        if (_unlikely_(!t->spare) && frame_bytes)
                t->spare = aligned_alloc(FRAME_ALIGN, frame_bytes);
}

/* In a fiber's hands a frame is not used by a handler: the fiber is not running. */
void preempt_frame_free(uint8_t *frame)
{
        free(frame);
}

int preempt_init(preempt_wanted *ask, struct error *err)
{
        /* Not masked while it is handled: the handler need not return. */
        struct sigaction action = { .sa_sigaction = on_tick,
                                    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART };
        size_t least = getauxval(AT_MINSIGSTKSZ);

        wanted = ask;
        frame_bytes = ((least > 4096 ? least : 4096) + 2 * FRAME_ALIGN) & ~(FRAME_ALIGN - 1);
        sigemptyset(&action.sa_mask);
        if (sigaction(TICK_SIGNAL, &action, NULL) < 0)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE, "handler of the tick");
        return 0;
}

int preempt_thread_init(timer_t *ret, timer_t *ret_coarse, struct error *err)
{
        struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL };

        event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
        if (timer_create(CLOCK_MONOTONIC, &event, ret) < 0 ||
            timer_create(CLOCK_THREAD_CPUTIME_ID, &event, ret_coarse) < 0)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE, "timer of a thread");
        return 0;
}

static void set(timer_t timer, uint64_t ns)
{
        struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
        struct itimerspec s = { t, t };

        (void)timer_settime(timer, 0, &s, NULL);
}

void preempt_start(timer_t timer, uint64_t ns)
{
        set(timer, ns);
}

void preempt_stop(timer_t timer)
{
        set(timer, 0);
}
