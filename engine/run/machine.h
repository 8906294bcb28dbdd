/* machine.h - private to engine/run and to the thunks: what fibers, guest entries and call records
 * look like to the assembly of x64/ and a64/.
 *
 * A thread has one struct run_thread: the fiber it runs and the instance base that its GS register
 * holds. The base is changed only when another instance is entered (wrgsbase is the dearest
 * instruction of a call); a fiber that is resumed gets back the base it was suspended with.
 *
 * A guest entry is one call from host to guest. Entries of a fiber form a chain from the innermost
 * outwards, on the fiber's own stack; a trap goes to the innermost. A call out of the guest (host
 * function, builtin) notes stack and frame pointer in the innermost entry, so that a backtrace can
 * start there and cross the C frames in between without knowing them. */
#pragma once

#include "engine/run/enter.h"
#include "engine/run/fiber.h"
#include "engine/run/offsets.h"

struct run_thread {
        struct fiber *fiber; /* that runs now; NULL on the thread's own stack */
        void *base;          /* what GS holds */
        /* The running fiber should leave, or stop: read on the way from host code to the guest. */
        volatile uint32_t interrupt;
        uint8_t *spare;      /* for the frame of the next fiber that is preempted; NULL: none */
};

extern _Thread_local struct run_thread run_thread __attribute__((tls_model("initial-exec")));

struct guest_entry {
        struct guest_entry *outer;
        void *outer_base;        /* when there is an outer one */
        void *exit_sp, *exit_fp; /* of the latest call out of this guest, if there was one */
        struct trap_info *trap;  /* filled by a trap; may be NULL */
        void *exit_pc;           /* with exit_sp, where the return address is not on the stack */
        struct fiber **runner;   /* entered by the short way (enter.h): what is to be cleared; else NULL */
#ifndef __x86_64__
        uint64_t unused;         /* the stack is aligned to 16 */
#endif
};

enum fiber_state { FIBER_IDLE, FIBER_READY, FIBER_RUNNING, FIBER_ENDED };

struct fiber {
        void *sp;                  /* while it does not run */
        struct guest_entry *entry; /* innermost */
        uintptr_t host_limit;      /* host code needs the stack pointer above this */
        uint64_t host_calls;

        void *base;                /* instance base, while it does not run */
        uintptr_t low, high;       /* usable stack */
        void *map;                 /* the guard, then the stack */
        size_t map_bytes;
        enum fiber_state state;
        bool preemptible;
        bool interrupted;          /* it left because it was made to */
        bool stopping, nudged;
        const char *why;           /* stopping: text of the trap */
        uint8_t *frame;            /* preempted in guest code: memory with the signal frame */
        void *context;             /* in there: its ucontext_t, NULL: not preempted */
        fiber_entry *start;
        void *argument;
        void *resumer_sp;
        struct fiber *resumer;     /* the fiber that called fiber_resume(), NULL: the thread */
        void *fake_stack, *resumer_fake_stack; /* for the address sanitizer */
        const void *resumer_low;
        size_t resumer_bytes;
};

_Static_assert(offsetof(struct run_thread, fiber) == THREAD_FIBER, "");
_Static_assert(offsetof(struct run_thread, base) == THREAD_BASE, "");
_Static_assert(offsetof(struct run_thread, interrupt) == THREAD_INTERRUPT, "");
_Static_assert(offsetof(struct fiber, host_calls) == FIBER_HOST_CALLS, "");
_Static_assert(offsetof(struct fiber, sp) == FIBER_SP, "");
_Static_assert(offsetof(struct fiber, entry) == FIBER_ENTRY, "");
_Static_assert(offsetof(struct fiber, host_limit) == FIBER_HOST_LIMIT, "");
_Static_assert(offsetof(struct guest_entry, outer) == ENTRY_OUTER, "");
_Static_assert(offsetof(struct guest_entry, outer_base) == ENTRY_OUTER_BASE, "");
_Static_assert(offsetof(struct guest_entry, exit_sp) == ENTRY_EXIT_SP, "");
_Static_assert(offsetof(struct guest_entry, exit_fp) == ENTRY_EXIT_FP, "");
_Static_assert(offsetof(struct guest_entry, runner) == ENTRY_RUNNER, "");
#ifndef __x86_64__
_Static_assert(offsetof(struct guest_entry, exit_pc) == ENTRY_EXIT_PC, "");
#endif
_Static_assert(offsetof(struct guest_call, slow) == CALL_SLOW, "");
_Static_assert(offsetof(struct guest_call, base) == CALL_BASE, "");
_Static_assert(offsetof(struct guest_call, code) == CALL_CODE, "");
_Static_assert(offsetof(struct guest_call, runner) == CALL_RUNNER, "");
_Static_assert(offsetof(struct guest_entry, trap) == ENTRY_TRAP, "");
_Static_assert(sizeof(struct guest_entry) == ENTRY_BYTES, "");
_Static_assert(offsetof(struct run_cross, base) == CROSS_BASE, "");
_Static_assert(offsetof(struct run_cross, code) == CROSS_CODE, "");
_Static_assert(offsetof(struct run_cross, data) == CROSS_DATA, "");
_Static_assert(offsetof(struct run_cross, args) == CROSS_ARGS, "");
_Static_assert(offsetof(struct run_cross, results) == CROSS_RESULTS, "");
_Static_assert(offsetof(struct run_host, code) == HOST_CODE, "");
_Static_assert(ABI_HEAD(spill) == HEAD_SPILL, "");
_Static_assert(ABI_HEAD(thrown) == HEAD_THROWN && ABI_HEAD(catches) == HEAD_CATCHES, "");
_Static_assert(TRAP_UNCAUGHT_EXCEPTION == 17, "written out in enter.S");

/* switch.S of the machine: push what a C callee saves, store the stack pointer at @save, continue at @sp. */
void fiber_switch(void **save, void *sp);
void fiber_begin(void); /* where a fresh fiber starts: calls fiber_main() */
void fiber_main(void);
void fiber_leave(void *sp); /* does not return; unsaid, see fiber_preempted() */
void fiber_return(void **save, void *ucontext); /* continue at @save by fiber_leave() or fiber_switch() */

/* fiber.c: on a signal handler's stack: the fiber that was interrupted is resumed later from @context. Does not
 * return, which is unsaid: an address sanitizer told so would look for the thread's stack in /proc. */
void fiber_preempted(struct fiber *f, void *context);

void guest_uncaught(struct trap_info *trap); /* enter.c; called from enter.S */
void run_interrupted(void); /* fiber.c; called from enter.S */

/* preempt.c: before guest code runs: memory for a frame is there, unless memory ran out. */
void preempt_prepare(struct run_thread *t);
void preempt_frame_free(uint8_t *frame);

/* enter.S of the machine, see enter.h */
extern const char guest_trapped[];      /* where a trap continues, see context_to_trap() */
_noreturn_ void guest_unwind(struct guest_entry *e, int trap);
extern const char run_cross_return[];   /* the same for run_cross_thunk */

/* All thunks lie between these two (a section of their own): a trap in them is the guest's. */
extern const char __start_nacelle_thunks[], __stop_nacelle_thunks[];

/* context.c of the machine: the registers of an interrupted context. */
struct machine_state {
        uintptr_t pc, sp, fp;
        uintptr_t ra; /* where the machine keeps return addresses in a register: that register */
};

/* Before a frame is made: the state behind the return. False: the stack is none of @f's. */
bool machine_caller(struct machine_state *s, const struct fiber *f);

/* At the latest call out of guest @e, and behind it; for that its exit_sp is on the stack. */
struct machine_state machine_call_out(const struct guest_entry *e);
struct machine_state machine_exit(const struct guest_entry *e);

bool fiber_holds(const struct fiber *f, uintptr_t address, uintptr_t bytes); /* trap.c: aligned, on its stack */

/* What fiber_switch() takes from the top of a fresh stack, to go on in fiber_begin(). */
void *machine_fresh(void *high);

/* Copy the signal frame around @ucontext to @to, where @room bytes are; the copy of @ucontext, for
 * fiber_return(). NULL: there is no room. */
void *machine_frame_copy(uint8_t *to, size_t room, void *ucontext, const void *siginfo);

/* What this machine lacks that the run time needs, or NULL. */
const char *machine_lacks(void);

/* Signals of the machine that a guest may raise, 0 at the end; those that trap instructions raise. */
extern const int machine_signals[];
bool machine_trap_signal(int number);

struct machine_state context_state(const void *ucontext);
void context_to_trap(void *ucontext, struct guest_entry *e, enum trap trap);

/* The trap that an undefined instruction at @pc encodes, TRAP_NONE for another instruction. */
enum trap machine_trap_code(const uint8_t *pc, size_t readable);

/* Why the division at @pc of an interrupted context faulted; TRAP_NONE when it is not one whose
 * operand can be seen. */
enum trap machine_divide_trap(const void *ucontext, const uint8_t *pc, size_t readable);

/* True when the instruction at @pc is the first of a prologue: the frame is not made yet. */
bool machine_before_frame(const uint8_t *pc);

static inline void machine_set_base(void *base)
{
#ifdef __x86_64__
        __asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
#else
        (void)base; /* a register that callees save: whoever is switched to has it */
#endif
}

/* trap.c: fill @ret with a backtrace from @state, of a guest that runs in @base. */
void trap_capture(struct trap_info *ret, const struct fiber *f, enum trap trap,
                  struct machine_state state, void *base);

/* True for code of the arena. */
bool run_is_guest_code(uintptr_t pc);

extern struct run_hooks run_hooks;
