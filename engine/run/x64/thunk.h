/* thunk.h - for the assembly: what every way out of a guest needs. */
#include "engine/run/offsets.h"

/* The running fiber into \reg. Initial-exec: the linker turns the load into a constant in a
 * program, and it still works in a shared library. */
        .macro  load_fiber reg
        movq    run_thread@gottpoff(%rip), \reg
        movq    %fs:THREAD_FIBER(\reg), \reg
        .endm

        .macro  trap code
        .byte   0x67, 0x0f, 0xb9, 0x40, \code /* ud1l code(%eax), %eax */
        .endm

#define STACK_EXHAUSTED    10
#define UNCAUGHT_EXCEPTION 17
#define EFAULT             14
