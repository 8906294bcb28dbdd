#include <signal.h>
#include <ucontext.h>

#include "engine/run/machine.h"

const int machine_signals[] = { SIGSEGV, SIGBUS, SIGTRAP, SIGILL, 0 };

bool machine_trap_signal(int number)
{
        return number == SIGTRAP;
}

const char *machine_lacks(void)
{
        return NULL;
}

/* Compiled C code may use the base's register for its own: the thread knows the base as well. Not
 * inlined: a fiber may continue on another thread. */
__attribute__((noinline)) struct instance *instance_current(void)
{
        return *(struct instance **)((uint8_t *)run_thread.base + ABI_HEAD(self));
}

struct machine_state context_state(const void *ucontext)
{
        const mcontext_t *m = &((const ucontext_t *)ucontext)->uc_mcontext;

        return (struct machine_state) { .pc = m->pc, .sp = m->sp, .fp = m->regs[29], .ra = m->regs[30] };
}

/* The return address is still in its register. */
bool machine_caller(struct machine_state *s, const struct fiber *f)
{
        s->pc = s->ra;
        return fiber_holds(f, s->sp, 8);
}

struct machine_state machine_call_out(const struct guest_entry *e)
{
        return (struct machine_state) { .sp = (uintptr_t)e->exit_sp, .fp = (uintptr_t)e->exit_fp,
                                        .ra = (uintptr_t)e->exit_pc };
}

struct machine_state machine_exit(const struct guest_entry *e)
{
        return (struct machine_state) { .pc = (uintptr_t)e->exit_pc, .sp = (uintptr_t)e->exit_sp,
                                        .fp = (uintptr_t)e->exit_fp };
}

/* What fiber_switch() loads: x29 and x30, x19 to x28, d8 to d15. */
void *machine_fresh(void *high)
{
        uintptr_t *sp = (uintptr_t *)high - 20;

        for (unsigned i = 0; i < 20; i++)
                sp[i] = 0;
        sp[1] = (uintptr_t)fiber_begin;
        return sp;
}

/* The frame of who called the guest begins with the entry. */
void context_to_trap(void *ucontext, struct guest_entry *e, enum trap trap)
{
        mcontext_t *m = &((ucontext_t *)ucontext)->uc_mcontext;

        m->pc = (uintptr_t)guest_trapped;
        m->sp = (uintptr_t)e;
        m->regs[1] = trap;
}

/* brk #ABI_BRK_TRAP + code */
enum trap machine_trap_code(const uint8_t *pc, size_t readable)
{
        uint32_t word, code;

        if (readable < 4)
                return TRAP_NONE;
        __builtin_memcpy(&word, pc, 4);
        code = (word >> 5 & 0xffff) - ABI_BRK_TRAP;
        if ((word & 0xffe0001f) != 0xd4200000 || code <= TRAP_NONE || code >= _TRAP_MAX)
                return TRAP_NONE;
        return (enum trap)code;
}

/* Divisions do not trap here. */
enum trap machine_divide_trap(const void *ucontext, const uint8_t *pc, size_t readable)
{
        return TRAP_NONE;
}

/* stp x29, x30, [sp, #-n]!, or sub sp, sp, #n before it */
bool machine_before_frame(const uint8_t *pc)
{
        uint32_t word;

        __builtin_memcpy(&word, pc, 4);
        return (word & 0xffc07fff) == 0xa9807bfd || (word & 0xff8003ff) == 0xd10003ff;
}
