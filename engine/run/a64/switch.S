/* switch.S - leaving one stack for another. */

        .text

/* What the C convention lets a callee destroy is dead at the call, so twelve registers, the lower
 * halves of eight vector registers and the stack pointer are the whole context. */
        .macro  save_callee
        stp     x29, x30, [sp, #-160]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        .endm

        .macro  load_callee
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
        ret
        .endm

        .macro  function name
        .globl  \name
        .hidden \name
        .type   \name, %function
        .p2align 4
\name:
        .endm

/* void fiber_switch(void **save, void *sp) */
        function fiber_switch
        .cfi_startproc
        save_callee
        mov     sp, x1
        load_callee
        .cfi_endproc
        .size   fiber_switch, . - fiber_switch

/* void fiber_leave(void *sp): the second half of a switch, for who was saved in another way. */
        function fiber_leave
        .cfi_startproc
        .cfi_undefined x30
        mov     sp, x0
        load_callee
        .cfi_endproc
        .size   fiber_leave, . - fiber_leave

/* void fiber_return(void **save, void *ucontext)
 * The first half of a switch; then the kernel restores everything from a signal frame, which begins
 * with the siginfo before the ucontext. */
        function fiber_return
        .cfi_startproc
        save_callee
        sub     sp, x1, #128
        mov     x8, #139 /* rt_sigreturn */
        svc     #0
        udf     #0
        .cfi_endproc
        .size   fiber_return, . - fiber_return

/* The bottom frame of a fiber: a zero frame pointer and no caller end every walk here. */
        function fiber_begin
        .cfi_startproc
        .cfi_undefined x30
        mov     x29, xzr
        mov     x30, xzr
        bl      fiber_main
        udf     #0
        .cfi_endproc
        .size   fiber_begin, . - fiber_begin

        .section .note.GNU-stack, "", %progbits
