/* run.h - entering guest code, and what comes out of it: results or a trap.
 *
 * run_init - once per process: the handlers of SIGSEGV, SIGBUS, SIGILL and SIGFPE.
 * run_thread_init - once per thread that runs guests: its alternate signal stack.
 * run_arena - [@start, @start + @size) is where code may be; a fault whose pc lies outside is a bug of
 *   ours: the process aborts, it is never resumed.
 * run_arena_place - where to ask mmap() for @size bytes of code, without MAP_FIXED: a random place among the
 *   16 GiB below this program. Processors remember the targets of branches better when they are that
 *   near; from where the kernel puts mappings a crossing of the border takes about 1 ns more. NULL: anywhere.
 * run_set_hooks - what the handlers ask the instances: once, before the first guest.
 * guest_call - call exported or referenced function code; must run on a fiber.
 *   @args, @results: as many as the type says; untouched results on a trap
 *   Returns 0, or -EFAULT after a trap, with @trap filled.
 * trap_raise - from a host call or builtin that runs on behalf of a guest: leave to the innermost
 *   guest_call of this fiber. C frames between are dropped: hold nothing that needs a clean-up. */
#pragma once

#include "engine/compile/abi.h"
#include "engine/run/fiber.h"

union value {
        uint32_t i32;
        uint64_t i64;
        float f32;
        double f64;
        uint64_t ref;
        uint8_t v128[16];
        uint64_t bits[2];
};

#define TRAP_FRAMES_MAX 32

struct trap_frame {
        struct instance *instance; /* NULL when unknown */
        uint32_t function;         /* index in the instance's module; UINT32_MAX unknown */
        uint64_t offset;           /* in the wasm file; ERROR_NOWHERE unknown */
};

struct trap_info {
        enum trap trap;
        uint64_t address;          /* for memory faults: the address inside the memory */
        char text[128];            /* what a host call said, or empty */
        uint32_t nframes;          /* innermost first; frames beyond the maximum are counted in */
        uint32_t nframes_all;
        struct trap_frame frames[TRAP_FRAMES_MAX];
};

int run_init(struct error *err);
int run_thread_init(struct error *err);
void run_arena(const void *start, size_t size);
void *run_arena_place(size_t size);

/* Asked by the fault handlers, on their own stack, of the instance that runs: must not allocate,
 * lock or fault. */
struct run_hooks {
        /* The linear memory of @instance's store whose reservation holds @address: true and the
         * address inside it. */
        bool (*find_memory)(const struct instance *instance, uintptr_t address,
                            uint64_t *ret_offset);
        /* Function and wasm offset of @pc: the address of an instruction that trapped, or, for
         * @call, a return address. False when the code is not @instance's. */
        bool (*locate)(struct instance *instance, uintptr_t pc, bool call, struct trap_frame *ret);
};

void run_set_hooks(const struct run_hooks *hooks);

/* What struct instance begins with. */
struct instance_prefix {
        void *base; /* G of abi.h */
};

static inline void *instance_base(const struct instance *i)
{
        return ((const struct instance_prefix *)i)->base;
}

/* Code that is called with one of these records in r10 (aarch64: x7) (import_desc, table_entry): thunks that
 * lead out of the running instance. Each traps STACK_EXHAUSTED unless FIBER_HOST_BYTES are left.
 *
 * run_host_thunk - calls the host function of a struct run_host.
 * run_cross_thunk - calls a function of another instance (or of the same: then it only jumps). */
struct run_host {
        void *code;
};

struct run_cross {
        void *base;       /* of the instance that owns the function */
        void *code, *data;
        uint32_t args;    /* spill entries that the arguments take */
        uint32_t results; /* and the results */
};

extern const char run_host_thunk[], run_cross_thunk[];

_must_check_ int guest_call(struct instance *instance, void *code, void *data,
                            const struct functype *type, const union value *args,
                            union value *results, struct trap_info *trap);
_noreturn_ void trap_raise(enum trap trap, const char *text);

/* The instance that runs on this thread: valid in host calls and builtins. */
#ifdef __x86_64__
static inline struct instance *instance_current(void)
{
        struct instance *self;

        __asm__("movq %%gs:%c1, %0" : "=r"(self) : "i"(ABI_HEAD(self)));
        return self;
}
#else
struct instance *instance_current(void);
#endif
