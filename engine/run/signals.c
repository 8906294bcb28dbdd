#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/run/machine.h"

#define STACK_GUARD ((size_t)4096)
#define ARENA_NEAR  (UINT64_C(16) << 30)
#define ARENA_GAP   (UINT64_C(1) << 30) /* for the rest of the program, on either side of the thunks */

static uintptr_t arena_start, arena_end;
static pthread_key_t stack_key;

void run_arena(const void *start, size_t size)
{
        arena_start = (uintptr_t)start;
        arena_end = arena_start + size;
}

void *run_arena_place(size_t size)
{
        uintptr_t program = (uintptr_t)__start_nacelle_thunks & ~(uintptr_t)4095;
        uint64_t random;

        if (size > ARENA_NEAR / 2 || program < 2 * ARENA_NEAR ||
            getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
                return NULL;
        random = random % (ARENA_NEAR - ARENA_GAP - size) & ~(uint64_t)4095;
        return (void *)(program - ARENA_GAP - random - size);
}

bool run_is_guest_code(uintptr_t pc)
{
        return pc >= arena_start && pc < arena_end;
}

static bool is_thunk(uintptr_t pc)
{
        return pc >= (uintptr_t)__start_nacelle_thunks && pc < (uintptr_t)__stop_nacelle_thunks;
}

/* Why compiled code, which can only have been at @pc, faulted. TRAP_NONE: it had no right to. */
static enum trap classify(int number, const siginfo_t *info, const void *ucontext, uintptr_t pc,
                          const struct fiber *f, uint64_t *ret_address)
{
        uintptr_t end = is_thunk(pc) ? (uintptr_t)__stop_nacelle_thunks : arena_end;
        uintptr_t address = (uintptr_t)info->si_addr;
        bool in_memory;

        if (info->si_code <= 0) /* sent by somebody, not a fault */
                return TRAP_NONE;
        if (machine_trap_signal(number))
                return machine_trap_code((const uint8_t *)pc, end - pc);
        if (is_thunk(pc))
                return TRAP_NONE;
        if (number == SIGFPE)
                return machine_divide_trap(ucontext, (const uint8_t *)pc, end - pc);
        if (number == SIGSEGV && address >= f->low - ABI_STACK_GUARD && address < f->low)
                return TRAP_STACK_EXHAUSTED;
        if (info->si_code == SI_KERNEL) /* an address that is none: si_addr says nothing */
                return TRAP_NONE;
        in_memory = run_hooks.find_memory && run_thread.base &&
                    run_hooks.find_memory(instance_current(), address, ret_address);
        if (!in_memory)
                return TRAP_NONE;
        /* SIGBUS: the file behind the initial image became shorter. The guest's loss, not ours. */
        return number == SIGSEGV ? TRAP_MEMORY_BOUNDS : TRAP_HOST;
}

static void on_fault(int number, siginfo_t *info, void *ucontext)
{
        struct machine_state state = context_state(ucontext);
        struct fiber *f = run_thread.fiber;
        enum trap trap = TRAP_NONE;
        uint64_t address = 0;

        if (f && f->entry && (run_is_guest_code(state.pc) || is_thunk(state.pc)))
                trap = classify(number, info, ucontext, state.pc, f, &address);
        if (trap == TRAP_NONE) {
                /* A bug of ours, or of the code generator: never resumed. The fault happens again
                 * after the return; a signal that somebody sent does not, so it is sent again. */
                struct sigaction dfl = { .sa_handler = SIG_DFL };

                sigaction(number, &dfl, NULL);
                if (info->si_code <= 0)
                        raise(number);
                return;
        }
        if (f->entry->trap) {
                struct trap_info *t = f->entry->trap;

                t->address = address;
                t->text[0] = '\0';
                if (number == SIGBUS)
                        strcpy(t->text, "the file of the initial memory image was cut");
                trap_capture(t, f, trap, state, run_thread.base);
        }
        context_to_trap(ucontext, f->entry, trap);
}

/* The handler walks trap maps and copies nothing large: 64 KiB beside the kernel's frame, and a
 * guard below. */
static size_t stack_bytes(void)
{
        return ((getauxval(AT_MINSIGSTKSZ) + 4095) & ~(size_t)4095) + (64u << 10);
}

static void stack_free(void *map)
{
        stack_t off = { .ss_flags = SS_DISABLE };

        sigaltstack(&off, NULL);
        munmap(map, STACK_GUARD + stack_bytes());
}

int run_init(struct error *err)
{
        static bool done;
        struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

        if (done)
                return 0;
        if (machine_lacks())
                return error_set(err, STAGE_RUN, -EOPNOTSUPP, ERROR_NOWHERE, "%s", machine_lacks());
        if (pthread_key_create(&stack_key, stack_free) != 0)
                return error_set(err, STAGE_RUN, -EAGAIN, ERROR_NOWHERE, "no thread key left");
        sigemptyset(&action.sa_mask);
        for (const int *number = machine_signals; *number; number++)
                if (sigaction(*number, &action, NULL) < 0)
                        return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE,
                                         "handler of signal %d", *number);
        done = true;
        return 0;
}

int run_thread_init(struct error *err)
{
        size_t bytes = STACK_GUARD + stack_bytes();
        uint8_t *map;
        stack_t stack;

        if (pthread_getspecific(stack_key))
                return 0;
        map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
                   0);
        if (map == MAP_FAILED)
                return error_set(err, STAGE_RUN, -errno, ERROR_NOWHERE,
                                 "signal stack of %zu bytes", bytes);
        stack = (stack_t) { .ss_sp = map + STACK_GUARD, .ss_size = bytes - STACK_GUARD };
        if (mprotect(map, STACK_GUARD, PROT_NONE) < 0 || sigaltstack(&stack, NULL) < 0) {
                int r = -errno;

                munmap(map, bytes);
                return error_set(err, STAGE_RUN, r, ERROR_NOWHERE, "setting the signal stack");
        }
        pthread_setspecific(stack_key, map);
        return 0;
}
