/* thunk.h - for the assembly: what every way out of a guest begins with. */
#include "engine/run/offsets.h"

/* The thread's record into \reg; \temp is changed. Initial-exec: the linker turns the load into a
 * constant in a program, and it still works in a shared library. */
        .macro  load_thread reg, temp
        adrp    \reg, :gottprel:run_thread
        ldr     \reg, [\reg, :gottprel_lo12:run_thread]
        mrs     \temp, tpidr_el0
        add     \reg, \reg, \temp
        .endm

/* The running fiber into x9, where host code has room for its stack; x10 is changed. */
        .macro  load_fiber exhausted
        load_thread x9, x10
        ldr     x9, [x9, #THREAD_FIBER]
        ldr     x10, [x9, #FIBER_HOST_LIMIT]
        cmp     sp, x10
        b.lo    \exhausted
        .endm

/* A call out of the guest, from the fiber in x9, is noted; x9 and x10 are changed. */
        .macro  note_exit
        ldr     x9, [x9, #FIBER_ENTRY]
        mov     x10, sp
        stp     x10, x29, [x9, #ENTRY_EXIT_SP]
        str     x30, [x9, #ENTRY_EXIT_PC]
        .endm

        .macro  trap code
        brk     #(0x5500 + \code)
        .endm

#define STACK_EXHAUSTED    10
#define UNCAUGHT_EXCEPTION 17
#define EFAULT             14
