/* switch.S - leaving one stack for another. */

        .text

/* What the C convention lets a callee destroy is dead at the call, so six registers and the stack
 * pointer, which goes to (rdi), are the whole context. The other stack is in rsi. */
        .macro  leave_stack
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        .endm

        .macro  pop_context
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        .endm

/* void fiber_switch(void **save, void *sp)
 * The control bits of MXCSR and the x87 word are the same for all
 * fibers and are not switched. */
        .globl  fiber_switch
        .hidden fiber_switch
        .type   fiber_switch, @function
        .p2align 4
fiber_switch:
        .cfi_startproc
        leave_stack
        pop_context
        popq    %rcx /* a return would be predicted to lead where we came from */
        jmp     *%rcx
        .cfi_endproc
        .size   fiber_switch, . - fiber_switch

/* void fiber_leave(void *sp): the second half of a switch, for who was saved in another way. */
        .globl  fiber_leave
        .hidden fiber_leave
        .type   fiber_leave, @function
        .p2align 4
fiber_leave:
        .cfi_startproc
        .cfi_undefined %rip
        movq    %rdi, %rsp
        pop_context
        ret
        .cfi_endproc
        .size   fiber_leave, . - fiber_leave

/* void fiber_return(void **save, void *ucontext)
 * The first half of a switch; then the kernel restores everything from a signal frame: it finds the
 * frame by the stack pointer, which is where the handler's return would have left it. */
        .globl  fiber_return
        .hidden fiber_return
        .type   fiber_return, @function
        .p2align 4
fiber_return:
        .cfi_startproc
        leave_stack
        movl    $15, %eax /* rt_sigreturn */
        syscall
        ud2
        .cfi_endproc
        .size   fiber_return, . - fiber_return

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
