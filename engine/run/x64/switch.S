/* switch.S - leaving one stack for another. */

        .text

/* void fiber_switch(void **save, void *sp)
 * What the C convention lets a callee destroy is dead at the call, so six registers and the stack
 * pointer are the whole context. The control bits of MXCSR and the x87 word are the same for all
 * fibers and are not switched. */
        .globl  fiber_switch
        .hidden fiber_switch
        .type   fiber_switch, @function
        .p2align 4
fiber_switch:
        .cfi_startproc
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .cfi_endproc
        .size   fiber_switch, . - fiber_switch

/* The bottom frame of a fiber: a zero frame pointer and no caller end every walk here. */
        .globl  fiber_begin
        .hidden fiber_begin
        .type   fiber_begin, @function
        .p2align 4
fiber_begin:
        .cfi_startproc
        .cfi_undefined %rip
        xorl    %ebp, %ebp
        call    fiber_main
        ud2
        .cfi_endproc
        .size   fiber_begin, . - fiber_begin

        .section .note.GNU-stack, "", @progbits
