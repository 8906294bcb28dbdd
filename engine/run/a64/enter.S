/* enter.S - the border between host and guest: entries, traps, and the thunks that lead out. */
#include "engine/run/a64/entry.h"

        .text

/* struct guest_result guest_enter_any(integers, vectors, data, base, code, trap). While the guest runs x19 is where the
 * result in v0 goes, or 0. */
        .globl  guest_enter_any, guest_trapped, guest_short_thrown
        .hidden guest_enter_any, guest_trapped, guest_short_thrown, guest_uncaught
        .type   guest_enter_any, %function
        .p2align 4
guest_enter_any:
        .cfi_startproc
        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        make_entry x3, x5, x9, x11
        str     xzr, [sp, #ENTRY_RUNNER]
        mov     x16, x4
        mov     x19, x1
        mov     x7, x2
        mov     x9, x0
        ldp     x0, x1, [x9, #0]
        ldp     x2, x3, [x9, #16]
        ldp     x4, x5, [x9, #32]
        cbz     x19, 1f
        ldp     q0, q1, [x19, #0]
        ldp     q2, q3, [x19, #32]
        ldp     q4, q5, [x19, #64]
        ldp     q6, q7, [x19, #96]
1:
        blr     x16
        mov     x1, #0
        cbz     x19, 2f
        str     q0, [x19]
2:
        ldr     x12, [x28, #HEAD_THROWN]
        cbz     x12, .Lleave

/* Guest code returned with an exception. */
guest_short_thrown:
        str     xzr, [x28, #HEAD_THROWN]
        ldr     x0, [sp, #ENTRY_TRAP]
        bl      guest_uncaught
        mov     x1, #UNCAUGHT_EXCEPTION

/* A trap continues here, with the entry in sp and its code in x1. */
guest_trapped:
        ldr     x10, [sp, #ENTRY_RUNNER]
        cbz     x10, .Lleave
        str     xzr, [x10]
        mov     x0, #-EFAULT
.Lleave:
        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        ldp     x12, x13, [sp, #ENTRY_OUTER]
        str     x12, [x11, #FIBER_ENTRY]
        cbz     x12, 3f
/* The host function that called us belongs to an outer guest, whose base it may still use. */
        str     x13, [x9, #THREAD_BASE]
3:
        leave_entry
        .cfi_endproc
        .size   guest_enter_any, . - guest_enter_any

/* void guest_unwind(struct guest_entry *e, int trap): drop every frame inside @e. */
        .globl  guest_unwind
        .hidden guest_unwind
        .type   guest_unwind, %function
        .p2align 4
guest_unwind:
        .cfi_startproc
        mov     sp, x0
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

/* w12 spill entries from the running instance's area to that of the base in x11. x13 and x14 are changed, and v31,
 * which carries no argument. */
        .macro  copy_spill
        ldr     x13, [x28, #HEAD_SPILL]
        ldr     x14, [x11, #HEAD_SPILL]
4:
        ldr     q31, [x13], #16
        str     q31, [x14], #16
        subs    w12, w12, #1
        b.ne    4b
        .endm

/* x7: struct run_cross. The frame: the caller's base at x29 + CROSS_FRAME_BASE, the record behind it, and the registers
 * that a callee keeps, for .Lcross_skip, which leaves frames without their epilogues. */
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
        stp     x29, x30, [sp, #-176]!
        mov     x29, sp
        stp     x28, x7, [sp, #CROSS_FRAME_BASE]
        stp     x19, x20, [sp, #32]
        stp     x21, x22, [sp, #48]
        stp     x23, x24, [sp, #64]
        stp     x25, x26, [sp, #80]
        str     x27, [sp, #96]
        stp     d8, d9, [sp, #112]
        stp     d10, d11, [sp, #128]
        stp     d12, d13, [sp, #144]
        stp     d14, d15, [sp, #160]
        ldr     w12, [x7, #CROSS_ARGS]
        cbz     w12, 3f
        copy_spill
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
        copy_spill
5:
        ldr     x12, [x28, #HEAD_THROWN]
        cbnz    x12, .Lcross_thrown
6:
        mov     x28, x11
        load_thread x9, x10
        str     x28, [x9, #THREAD_BASE]
        ldp     x29, x30, [sp], #176
        ret
/* The exception in x12 goes on to the caller, whose base is in x11: when its code looks for one. */
.Lcross_thrown:
        ldr     x13, [x11, #HEAD_CATCHES]
        cbz     x13, .Lcross_skip
        str     xzr, [x28, #HEAD_THROWN]
        str     x12, [x11, #HEAD_THROWN]
        ldp     x19, x20, [sp, #32]
        ldp     x21, x22, [sp, #48]
        ldp     x23, x24, [sp, #64]
        ldp     x25, x26, [sp, #80]
        ldr     x27, [sp, #96]
        ldp     d8, d9, [sp, #112]
        ldp     d10, d11, [sp, #128]
        ldp     d12, d13, [sp, #144]
        ldp     d14, d15, [sp, #160]
        b       6b

/* Code that neither throws nor catches looks for no exception behind its calls, and has no handler: all its
 * frames are left at once, up to the thunk through which that instance was called, as if it had returned there
 * with the exception. What its functions had saved of the registers is in that thunk's frame as well. */
.Lcross_skip:
        str     xzr, [x28, #HEAD_THROWN]
        load_thread x9, x10
        ldr     x10, [x9, #THREAD_FIBER]
        ldr     x10, [x10, #FIBER_ENTRY]
        add     x10, x10, #ENTRY_FRAME
        adr     x9, run_cross_return
        mov     x13, x29
8:
        ldr     x14, [x13, #8]
        cmp     x14, x9
        b.eq    9f
        ldr     x13, [x13]
        cmp     x13, x10
        b.ne    8b
        trap    UNCAUGHT_EXCEPTION
9:
        str     x12, [x11, #HEAD_THROWN]
        mov     x28, x11
        load_thread x9, x10
        str     x28, [x9, #THREAD_BASE]
        ldr     x29, [x13] /* of that thunk, whose frame begins there */
        mov     sp, x29
        b       run_cross_return
        .size   run_cross_thunk, . - run_cross_thunk

        .section .note.GNU-stack, "", %progbits
