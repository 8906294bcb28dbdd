/* run.h - entering guest code, and what comes out of it: results or a trap.
 *
 * run_init - once per process: the handlers of SIGSEGV, SIGBUS, SIGILL and SIGFPE.
 * run_thread_init - once per thread that runs guests: its alternate signal stack.
 * run_arena - [@start, @start + @size) is where code may be; a fault whose pc lies outside is a bug of
 *   ours: the process aborts, it is never resumed.
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

_must_check_ int guest_call(struct instance *instance, void *code, void *data,
                            const struct functype *type, const union value *args,
                            union value *results, struct trap_info *trap);
_noreturn_ void trap_raise(enum trap trap, const char *text);

/* The instance that runs on this thread: valid in host calls and builtins. */
static inline struct instance *instance_current(void)
{
        struct instance *self;

        /* %gs:ABI_HEAD(self), written out: the head is 320 bytes and self its 35th word */
        __asm__("movq %%gs:%c1, %0" : "=r"(self) : "i"(ABI_HEAD(self)));
        return self;
}
