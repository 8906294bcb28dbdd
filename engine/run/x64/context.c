#define _GNU_SOURCE /* REG_... */

#include <signal.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include "engine/run/machine.h"

#define HWCAP2_FSGSBASE (1ul << 1) /* arch/x86/include/uapi/asm/hwcap2.h */

const int machine_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, 0 };

bool machine_trap_signal(int number)
{
        return number == SIGILL;
}

const char *machine_lacks(void)
{
        if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
                return NULL;
        return "this machine or its kernel (before Linux 5.9, or booted with nofsgsbase) lacks the wrgsbase "
               "instruction";
}

/* The return address is on top of the stack. */
bool machine_caller(struct machine_state *s, const struct fiber *f)
{
        if (!fiber_holds(f, s->sp, 8))
                return false;
        s->pc = *(uintptr_t *)s->sp;
        s->sp += 8;
        return true;
}

struct machine_state machine_call_out(const struct guest_entry *e)
{
        return (struct machine_state) { .sp = (uintptr_t)e->exit_sp, .fp = (uintptr_t)e->exit_fp };
}

struct machine_state machine_exit(const struct guest_entry *e)
{
        uintptr_t sp = (uintptr_t)e->exit_sp;

        return (struct machine_state) { .pc = *(uintptr_t *)sp, .sp = sp + 8,
                                        .fp = (uintptr_t)e->exit_fp };
}

/* fiber_switch() pops six registers and returns to fiber_begin(), whose call needs the stack aligned
 * to 16 there. */
void *machine_fresh(void *high)
{
        uintptr_t *sp = high;

        *--sp = 0;
        *--sp = 0;
        *--sp = (uintptr_t)fiber_begin;
        for (unsigned i = 0; i < 6; i++)
                *--sp = 0;
        return sp;
}

struct machine_state context_state(const void *ucontext)
{
        const greg_t *g = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;

        return (struct machine_state) { .pc = (uintptr_t)g[REG_RIP], .sp = (uintptr_t)g[REG_RSP],
                                        .fp = (uintptr_t)g[REG_RBP] };
}

/* The frame of who called the guest begins with the entry. */
void context_to_trap(void *ucontext, struct guest_entry *e, enum trap trap)
{
        greg_t *g = ((ucontext_t *)ucontext)->uc_mcontext.gregs;

        g[REG_RIP] = (greg_t)(uintptr_t)guest_trapped;
        g[REG_RSP] = (greg_t)(uintptr_t)e;
        g[REG_RDX] = trap;
}

/* ud1l code(%eax), %eax */
enum trap machine_trap_code(const uint8_t *pc, size_t readable)
{
        static const uint8_t ud1[4] = { 0x67, 0x0f, 0xb9, 0x40 };

        if (readable < 5 || __builtin_memcmp(pc, ud1, 4) != 0)
                return TRAP_NONE;
        return pc[4] > TRAP_NONE && pc[4] < _TRAP_MAX ? (enum trap)pc[4] : TRAP_NONE;
}

/* #DE says neither whether the divisor was zero nor whether the quotient did not fit. Only
 * `div` and `idiv` of a register are told apart: F7 /6 and F7 /7, 32 and 64 bits. */
enum trap machine_divide_trap(const void *ucontext, const uint8_t *pc, size_t readable)
{
        static const int names[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15 };
        const greg_t *g = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
        uint8_t rex = 0;
        uint64_t divisor;

        if (readable < 3)
                return TRAP_NONE;
        if ((*pc & 0xf0) == 0x40)
                rex = *pc++;
        if (pc[0] != 0xf7 || (pc[1] & 0xf0) != 0xf0)
                return TRAP_NONE;
        divisor = (uint64_t)g[names[(pc[1] & 7) | (rex & 1) << 3]];
        if (!(rex & 8))
                divisor = (uint32_t)divisor;
        return divisor ? TRAP_INTEGER_OVERFLOW : TRAP_DIVIDE_BY_ZERO;
}

bool machine_before_frame(const uint8_t *pc)
{
        return *pc == 0x55; /* push %rbp */
}
