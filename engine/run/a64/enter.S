/* enter.S - the border between host and guest: entries, traps, and the thunks that lead out. */
#include "engine/run/a64/thunk.h"

        .text

/* The frame of a guest, whose base is in \base, and struct trap_info in x5: what a trap must bring back, and
 * struct guest_entry. While the guest runs x19 is where the result in v0 goes, or 0. */
        .macro  make_entry base
        sub     sp, sp, #208
        .cfi_def_cfa_offset 208
        stp     x29, x30, [sp, #ENTRY_FRAME]
        .cfi_offset x29, -160
        .cfi_offset x30, -152
        add     x29, sp, #ENTRY_FRAME
        .cfi_def_cfa x29, 160
        stp     x19, x20, [sp, #64]
        stp     x21, x22, [sp, #80]
        stp     x23, x24, [sp, #96]
        stp     x25, x26, [sp, #112]
        stp     x27, x28, [sp, #128]
        stp     d8, d9, [sp, #144]
        stp     d10, d11, [sp, #160]
        stp     d12, d13, [sp, #176]
        stp     d14, d15, [sp, #192]
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
        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        ldr     x12, [x11, #FIBER_ENTRY]
        ldr     x13, [x9, #THREAD_BASE]
        stp     x12, x13, [sp, #ENTRY_OUTER]
        stp     xzr, xzr, [sp, #ENTRY_EXIT_SP]
        stp     x5, xzr, [sp, #ENTRY_TRAP]
        mov     x12, sp
        str     x12, [x11, #FIBER_ENTRY]
        str     x28, [x9, #THREAD_BASE]
        mov     x16, x4
        .endm

/* struct guest_result guest_enter(i0, i1, i2, base, code, trap) */
        .globl  guest_enter, guest_enter_return, guest_trapped
        .hidden guest_enter, guest_enter_return, guest_trapped, guest_uncaught
        .type   guest_enter, %function
        .p2align 4
guest_enter:
        .cfi_startproc
        make_entry x3
        mov     x19, #0
.Lenter_call:
        blr     x16
guest_enter_return:
        mov     x1, #0
        cbz     x19, 1f
        str     q0, [x19]
1:
        ldr     x12, [x28, #HEAD_THROWN]
        cbz     x12, guest_trapped
        str     xzr, [x28, #HEAD_THROWN]
        ldr     x0, [sp, #ENTRY_TRAP]
        bl      guest_uncaught
        mov     x1, #UNCAUGHT_EXCEPTION

/* A trap continues here, with the entry in sp and its code in x1. */
guest_trapped:
        load_thread x9, x10
        ldr     x11, [x9, #THREAD_FIBER]
        ldp     x12, x13, [sp, #ENTRY_OUTER]
        str     x12, [x11, #FIBER_ENTRY]
        cbz     x12, .Lenter_done
/* The host function that called us belongs to an outer guest, whose base it may still use. */
        str     x13, [x9, #THREAD_BASE]
.Lenter_done:
        ldp     x19, x20, [sp, #64]
        ldp     x21, x22, [sp, #80]
        ldp     x23, x24, [sp, #96]
        ldp     x25, x26, [sp, #112]
        ldp     x27, x28, [sp, #128]
        ldp     d8, d9, [sp, #144]
        ldp     d10, d11, [sp, #160]
        ldp     d12, d13, [sp, #176]
        ldp     d14, d15, [sp, #192]
        ldp     x29, x30, [sp, #ENTRY_FRAME]
        add     sp, sp, #208
        .cfi_def_cfa sp, 0
        ret
        .cfi_endproc
        .size   guest_enter, . - guest_enter

/* struct guest_result guest_enter_any(integers, vectors, data, base, code, trap) */
        .globl  guest_enter_any
        .hidden guest_enter_any
        .type   guest_enter_any, %function
        .p2align 4
guest_enter_any:
        .cfi_startproc
        make_entry x3
        mov     x19, x1
        mov     x7, x2
        mov     x9, x0
        ldp     x0, x1, [x9, #0]
        ldp     x2, x3, [x9, #16]
        ldp     x4, x5, [x9, #32]
        cbz     x19, .Lenter_call
        ldp     q0, q1, [x19, #0]
        ldp     q2, q3, [x19, #32]
        ldp     q4, q5, [x19, #64]
        ldp     q6, q7, [x19, #96]
        b       .Lenter_call
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
        adr     x9, run_cross_return
        adrp    x10, guest_enter_return
        add     x10, x10, :lo12:guest_enter_return
        mov     x13, x29
8:
        ldr     x14, [x13, #8]
        cmp     x14, x9
        b.eq    9f
        cmp     x14, x10
        b.eq    7f
        ldr     x13, [x13]
        b       8b
9:
        str     x12, [x11, #HEAD_THROWN]
        mov     x28, x11
        load_thread x9, x10
        str     x28, [x9, #THREAD_BASE]
        ldr     x29, [x13] /* of that thunk, whose frame begins there */
        mov     sp, x29
        b       run_cross_return
7:
        trap    UNCAUGHT_EXCEPTION
        .size   run_cross_thunk, . - run_cross_thunk

        .section .note.GNU-stack, "", %progbits
