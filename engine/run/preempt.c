#define _GNU_SOURCE /* gettid, SIGEV_THREAD_ID */

#include "engine/run/preempt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "engine/run/machine.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define TICK_SIGNAL SIGPROF
#define FRAME_ALIGN ((size_t)64) /* of the vector state; the copy keeps the frame's own alignment */

/* asm/sigcontext.h: struct _fpx_sw_bytes lies in the last bytes of the legacy area. */
#define SW_BYTES_AT     464
#define FP_XSTATE_MAGIC UINT32_C(0x46505853)
#define FP_LEGACY_BYTES ((size_t)512)

static preempt_wanted *wanted;
static size_t frame_bytes;

struct span {
        uint8_t *from, *to;
};

/* What the kernel pushed: return address, ucontext and siginfo, and above them the vector state. */
static struct span frame_of(const ucontext_t *u, const siginfo_t *info)
{
        uint8_t *fp = (uint8_t *)u->uc_mcontext.fpregs, *end = (uint8_t *)(info + 1);
        struct span s = { (uint8_t *)u - sizeof(void *), end };
        uint32_t sw[2];

        if (fp) {
                memcpy(sw, fp + SW_BYTES_AT, sizeof(sw));
                fp += sw[0] == FP_XSTATE_MAGIC ? sw[1] : FP_LEGACY_BYTES;
                if (fp > s.to)
                        s.to = fp;
        }
        return s;
}

/* The copy's ucontext, NULL: no room for it. */
static ucontext_t *frame_keep(struct run_thread *t, struct fiber *f, ucontext_t *u, siginfo_t *info)
{
        struct span s = frame_of(u, info);
        size_t bytes = (size_t)(s.to - s.from), skew = (uintptr_t)s.from % FRAME_ALIGN;
        ucontext_t *copy;
        uint8_t *to;

        if (!f->frame) {
                f->frame = t->spare;
                t->spare = NULL;
        }
        if (!f->frame || bytes + skew > frame_bytes)
                return NULL;
        to = f->frame + skew;
        memcpy(to, s.from, bytes);
        copy = (ucontext_t *)(void *)(to + sizeof(void *));
        if (u->uc_mcontext.fpregs)
                copy->uc_mcontext.fpregs = (void *)(to + ((uint8_t *)u->uc_mcontext.fpregs - s.from));
        return copy;
}

static void on_tick(int number, siginfo_t *info, void *ucontext)
{
        struct run_thread *t = &run_thread;
        struct fiber *f = t->fiber;
        uintptr_t pc = context_state(ucontext).pc;
        int saved = errno;
        bool leave = wanted(pc);
        ucontext_t *kept;

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
