/* enter.S - the border between host and guest: entries, traps, and the thunks that lead out. */
#include "engine/run/a64/thunk.h"

        .text

/* int guest_enter(struct guest_entry *e): the entry stays in x19. */
        .globl  guest_enter, guest_enter_return, guest_trapped
        .hidden guest_enter, guest_enter_return, guest_trapped
        .type   guest_enter, %function
        .p2align 4
guest_enter:
        .cfi_startproc
        stp     x29, x30, [sp, #-160]!
        .cfi_def_cfa_offset 160
        .cfi_offset x29, -160
        .cfi_offset x30, -152
        mov     x29, sp
        .cfi_def_cfa_register x29
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
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
        mov     x19, x0

        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        mov     x12, sp
        str     x12, [x19, #ENTRY_SP]
        ldr     x12, [x11, #FIBER_ENTRY]
        str     x12, [x19, #ENTRY_OUTER]
        str     x19, [x11, #FIBER_ENTRY]

        ldr     x12, [x9, #THREAD_BASE]
        ldr     x28, [x19, #ENTRY_BASE]
        str     x12, [x19, #ENTRY_OUTER_BASE]
        str     x28, [x9, #THREAD_BASE]
        ldr     x12, [x19, #ENTRY_NVECTORS]
        cbz     x12, .Lenter_call
        ldp     q0, q1, [x19, #ENTRY_VECTORS + 0]
        ldp     q2, q3, [x19, #ENTRY_VECTORS + 32]
        ldp     q4, q5, [x19, #ENTRY_VECTORS + 64]
        ldp     q6, q7, [x19, #ENTRY_VECTORS + 96]
.Lenter_call:
        ldr     x7, [x19, #ENTRY_DATA]
        ldr     x16, [x19, #ENTRY_CODE]
        ldp     x0, x1, [x19, #ENTRY_INTEGERS + 0]
        ldp     x2, x3, [x19, #ENTRY_INTEGERS + 16]
        ldp     x4, x5, [x19, #ENTRY_INTEGERS + 32]
        blr     x16
guest_enter_return:
        str     x0, [x19, #ENTRY_INTEGERS]
        str     q0, [x19, #ENTRY_VECTORS]
        mov     w0, #0

/* A trap continues here, with sp, x29 and x19 restored and its code in x0. */
guest_trapped:
        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        ldr     x12, [x19, #ENTRY_OUTER]
        str     x12, [x11, #FIBER_ENTRY]
        cbz     x12, .Lenter_done
/* The host function that called us belongs to an outer guest, whose base it may still use. */
        ldr     x12, [x19, #ENTRY_OUTER_BASE]
        str     x12, [x9, #THREAD_BASE]
.Lenter_done:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        .cfi_def_cfa sp, 0
        ret
        .cfi_endproc
        .size   guest_enter, . - guest_enter

/* void guest_unwind(struct guest_entry *e, int trap): drop every frame inside @e. */
        .globl  guest_unwind
        .hidden guest_unwind
        .type   guest_unwind, %function
        .p2align 4
guest_unwind:
        .cfi_startproc
        mov     x19, x0
        mov     w0, w1
        ldr     x9, [x19, #ENTRY_SP]
        mov     sp, x9
        mov     x29, x9
        b       guest_trapped
        .cfi_endproc
        .size   guest_unwind, . - guest_unwind

        .section nacelle_thunks, "ax", %progbits

/* x7: struct run_host. On the way back whoever wants the thread is let in (run_interrupted): a guest
 * that is always in host calls is never caught in code of its own. */
        .globl  run_host_thunk
        .hidden run_host_thunk, run_interrupted
        .type   run_host_thunk, %function
        .p2align 4
run_host_thunk:
        load_fiber .Lexhausted
        ldr     x10, [x9, #FIBER_HOST_CALLS]
        add     x10, x10, #1
        str     x10, [x9, #FIBER_HOST_CALLS]
        note_exit
        stp     x29, x30, [sp, #-16]!
        ldr     x16, [x7, #HOST_CODE]
        blr     x16
        load_thread x9, x10
        ldr     w9, [x9, #THREAD_INTERRUPT]
        cbnz    w9, .Linterrupted
        ldp     x29, x30, [sp], #16
        ret
.Linterrupted:
        str     q0, [sp, #-32]!
        str     x0, [sp, #16]
        bl      run_interrupted
        ldr     x0, [sp, #16]
        ldr     q0, [sp], #32
        ldp     x29, x30, [sp], #16
        ret
.Lexhausted:
        trap    STACK_EXHAUSTED
        .size   run_host_thunk, . - run_host_thunk

/* x7: struct run_cross. The frame: the caller's base at x29 + CROSS_FRAME_BASE, the record behind it. */
        .globl  run_cross_thunk, run_cross_return
        .hidden run_cross_thunk, run_cross_return
        .type   run_cross_thunk, %function
        .p2align 4
run_cross_thunk:
        ldr     x11, [x7, #CROSS_BASE]
        cmp     x11, x28
        b.ne    1f
        ldr     x16, [x7, #CROSS_CODE]
        ldr     x7, [x7, #CROSS_DATA]
        br      x16
1:
        load_fiber .Lexhausted
        stp     x29, x30, [sp, #-32]!
        mov     x29, sp
        stp     x28, x7, [sp, #CROSS_FRAME_BASE]
        ldr     w12, [x7, #CROSS_ARGS]
        cbz     w12, 3f
        ldr     x13, [x28, #HEAD_SPILL]
        ldr     x14, [x11, #HEAD_SPILL]
2:      /* spill entries from the caller's area to the callee's; v31 carries no argument */
        ldr     q31, [x13], #16
        str     q31, [x14], #16
        subs    w12, w12, #1
        b.ne    2b
3:
        mov     x28, x11
        load_thread x9, x10
        str     x28, [x9, #THREAD_BASE]
        ldr     x16, [x7, #CROSS_CODE]
        ldr     x7, [x7, #CROSS_DATA]
        blr     x16
run_cross_return:
        ldp     x11, x7, [sp, #CROSS_FRAME_BASE]
        ldr     w12, [x7, #CROSS_RESULTS]
        cbz     w12, 5f
        ldr     x13, [x28, #HEAD_SPILL]
        ldr     x14, [x11, #HEAD_SPILL]
4:
        ldr     q31, [x13], #16
        str     q31, [x14], #16
        subs    w12, w12, #1
        b.ne    4b
5:
        ldr     x12, [x28, #HEAD_THROWN]
        cbnz    x12, .Lcross_thrown
6:
        mov     x28, x11
        load_thread x9, x10
        str     x28, [x9, #THREAD_BASE]
        ldp     x29, x30, [sp], #32
        ret
/* The exception goes on to the caller, whose base is in x11: when its code looks for one. */
.Lcross_thrown:
        str     xzr, [x28, #HEAD_THROWN]
        ldr     x13, [x11, #HEAD_CATCHES]
        cbz     x13, 7f
        str     x12, [x11, #HEAD_THROWN]
        b       6b
7:
        trap    UNCAUGHT_EXCEPTION
        .size   run_cross_thunk, . - run_cross_thunk

        .section .note.GNU-stack, "", %progbits
