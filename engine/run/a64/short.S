/* short.S - the short way into a guest: see enter.h. One piece of code for each list of integers that goes in and
 * what comes out, so that nothing is decided on the way and every value moves once. */
#include "engine/run/a64/entry.h"

        .text

        .macro  argument type, at, wide, narrow
        .ifc    \type, i32
        ldr     \narrow, [x1, #\at]
        .endif
        .ifc    \type, i64
        ldr     \wide, [x1, #\at]
        .endif
        .endm

/* int (call, args, results, trap). The entry is the outermost of the fiber: a guest that runs below, or one of the
 * store's that is on another fiber, are for the slow way. While the guest runs x19 is where the fiber is noted, x20 where the
 * result goes. */
        .macro  short_way result, p0=none, p1=none, p2=none
        .p2align 4
1:
        .cfi_startproc
        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        ldp     x16, x14, [x0, #CALL_CODE]
        ldr     x12, [x11, #FIBER_ENTRY]
        ldr     x13, [x14]
        orr     x12, x12, x13
        cbnz    x12, .Lslow
        ldr     x15, [x0, #CALL_BASE]
        make_entry x15, x3, x9, x11
        str     x14, [sp, #ENTRY_RUNNER]
        str     x11, [x14]
        mov     x19, x14
        mov     x20, x2
        argument \p0, 0, x0, w0
        argument \p2, 32, x2, w2
        argument \p1, 16, x1, w1
        blr     x16
        ldr     x12, [x28, #HEAD_THROWN]
        cbnz    x12, .Lthrown
        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        str     xzr, [x11, #FIBER_ENTRY]
        str     xzr, [x19]
        .ifc    \result, i32
        mov     w12, w0
        stp     x12, xzr, [x20]
        .endif
        .ifc    \result, i64
        stp     x0, xzr, [x20]
        .endif
        mov     w0, #0
        leave_entry
        .cfi_endproc
        .pushsection .data.rel.ro.local, "aw", %progbits
        .xword  1b
        .popsection
        .endm

        .hidden guest_short_ways, guest_short_thrown
        .globl  guest_short_ways
        .pushsection .data.rel.ro.local, "aw", %progbits
        .p2align 3
guest_short_ways:
        .popsection

        .type   guest_short, %function
guest_short:
#include "engine/run/short_ways.h"
.Lslow:
        ldr     x16, [x0, #CALL_SLOW]
        br      x16
.Lthrown:
        b       guest_short_thrown
        .size   guest_short, . - guest_short

        .section .note.GNU-stack, "", %progbits
