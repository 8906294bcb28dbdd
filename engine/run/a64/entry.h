/* entry.h - for the assembly: the frame of a guest, what a trap must bring back and struct guest_entry. */
#include "engine/run/a64/thunk.h"

/* Of a guest whose base is in \base, with struct trap_info in \info; the thread's record in \thread, its fiber in \fiber.
 * x12 and x13 are changed. */
        .macro  make_entry base, info, thread, fiber
        sub     sp, sp, #ENTRY_FRAME + 160
        .cfi_def_cfa_offset ENTRY_FRAME + 160
        stp     x29, x30, [sp, #ENTRY_FRAME]
        .cfi_offset x29, -160
        .cfi_offset x30, -152
        add     x29, sp, #ENTRY_FRAME
        .cfi_def_cfa x29, 160
        stp     x19, x20, [x29, #16]
        stp     x21, x22, [x29, #32]
        stp     x23, x24, [x29, #48]
        stp     x25, x26, [x29, #64]
        stp     x27, x28, [x29, #80]
        stp     d8, d9, [x29, #96]
        stp     d10, d11, [x29, #112]
        stp     d12, d13, [x29, #128]
        stp     d14, d15, [x29, #144]
        .cfi_offset x19, -144
        .cfi_offset x20, -136
        .cfi_offset x21, -128
        .cfi_offset x22, -120
        .cfi_offset x23, -112
        .cfi_offset x24, -104
        .cfi_offset x25, -96
        .cfi_offset x26, -88
        .cfi_offset x27, -80
        .cfi_offset x28, -72
        mov     x28, \base
        ldr     x12, [\fiber, #FIBER_ENTRY]
        ldr     x13, [\thread, #THREAD_BASE]
        stp     x12, x13, [sp, #ENTRY_OUTER]
        stp     xzr, xzr, [sp, #ENTRY_EXIT_SP]
        stp     \info, xzr, [sp, #ENTRY_TRAP]
        mov     x12, sp
        str     x12, [\fiber, #FIBER_ENTRY]
        str     x28, [\thread, #THREAD_BASE]
        .endm

/* Back to the caller, with everything that it had. */
        .macro  leave_entry
        add     x29, sp, #ENTRY_FRAME
        ldp     x19, x20, [x29, #16]
        ldp     x21, x22, [x29, #32]
        ldp     x23, x24, [x29, #48]
        ldp     x25, x26, [x29, #64]
        ldp     x27, x28, [x29, #80]
        ldp     d8, d9, [x29, #96]
        ldp     d10, d11, [x29, #112]
        ldp     d12, d13, [x29, #128]
        ldp     d14, d15, [x29, #144]
        ldp     x29, x30, [x29]
        add     sp, sp, #ENTRY_FRAME + 160
        .cfi_def_cfa sp, 0
        ret
        .endm
