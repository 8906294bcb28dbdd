/* enter.S - the border between host and guest: entries, traps, and the thunks that lead out. */
#include "engine/run/offsets.h"

/* The running fiber into \reg. Initial-exec: the linker turns the load into a constant in a
 * program, and it still works in a shared library. */
        .macro  load_fiber reg
        movq    run_thread@gottpoff(%rip), \reg
        movq    %fs:THREAD_FIBER(\reg), \reg
        .endm

        .text

/* int guest_enter(struct guest_entry *e) */
        .globl  guest_enter, guest_enter_return, guest_trapped
        .hidden guest_enter, guest_enter_return, guest_trapped
        .type   guest_enter, @function
        .p2align 4
guest_enter:
        .cfi_startproc
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        movq    %rdi, %rbx

        movq    run_thread@gottpoff(%rip), %r10
        movq    %fs:THREAD_FIBER(%r10), %r11
        movq    %rsp, ENTRY_SP(%rbx)
        movq    FIBER_ENTRY(%r11), %rax
        movq    %rax, ENTRY_OUTER(%rbx)
        movq    %rbx, FIBER_ENTRY(%r11)

        movq    %fs:THREAD_BASE(%r10), %rax
        movq    ENTRY_BASE(%rbx), %rcx
        movq    %rax, ENTRY_OUTER_BASE(%rbx)
        cmpq    %rcx, %rax
        jne     .Lenter_base
.Lenter_loaded:
        cmpq    $0, ENTRY_NVECTORS(%rbx)
        jne     .Lenter_vectors
.Lenter_call:
        movq    ENTRY_DATA(%rbx), %r10
        movq    ENTRY_INTEGERS + 0(%rbx), %rdi
        movq    ENTRY_INTEGERS + 8(%rbx), %rsi
        movq    ENTRY_INTEGERS + 16(%rbx), %rdx
        movq    ENTRY_INTEGERS + 24(%rbx), %rcx
        movq    ENTRY_INTEGERS + 32(%rbx), %r8
        movq    ENTRY_INTEGERS + 40(%rbx), %r9
        call    *ENTRY_CODE(%rbx)
guest_enter_return:
        movq    %rax, ENTRY_INTEGERS(%rbx)
        movups  %xmm0, ENTRY_VECTORS(%rbx)
        xorl    %eax, %eax
        movq    run_thread@gottpoff(%rip), %r10
        movq    %fs:THREAD_FIBER(%r10), %r11
        movq    ENTRY_OUTER(%rbx), %rcx
        movq    %rcx, FIBER_ENTRY(%r11)
        testq   %rcx, %rcx
        jne     .Lenter_nested
.Lenter_done:
        movq    -8(%rbp), %rbx
        leave
        .cfi_remember_state
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_restore_state

/* A trap continues here, with rsp, rbp and rbx restored and its code in eax. The other registers
 * that a callee saves are where they were pushed; guest code that returns has restored them. */
guest_trapped:
        movq    -16(%rbp), %r12
        movq    -24(%rbp), %r13
        movq    -32(%rbp), %r14
        movq    -40(%rbp), %r15
        movq    run_thread@gottpoff(%rip), %r10
        movq    %fs:THREAD_FIBER(%r10), %r11
        movq    ENTRY_OUTER(%rbx), %rcx
        movq    %rcx, FIBER_ENTRY(%r11)
        testq   %rcx, %rcx
        je      .Lenter_done

/* The host function that called us belongs to an outer guest, whose base it may still use. */
.Lenter_nested:
        movq    ENTRY_OUTER_BASE(%rbx), %rcx
        cmpq    %rcx, %fs:THREAD_BASE(%r10)
        je      .Lenter_done
        wrgsbase %rcx
        movq    %rcx, %fs:THREAD_BASE(%r10)
        jmp     .Lenter_done

.Lenter_base:
        wrgsbase %rcx
        movq    %rcx, %fs:THREAD_BASE(%r10)
        jmp     .Lenter_loaded

.Lenter_vectors:
        movups  ENTRY_VECTORS + 0(%rbx), %xmm0
        movups  ENTRY_VECTORS + 16(%rbx), %xmm1
        movups  ENTRY_VECTORS + 32(%rbx), %xmm2
        movups  ENTRY_VECTORS + 48(%rbx), %xmm3
        movups  ENTRY_VECTORS + 64(%rbx), %xmm4
        movups  ENTRY_VECTORS + 80(%rbx), %xmm5
        movups  ENTRY_VECTORS + 96(%rbx), %xmm6
        movups  ENTRY_VECTORS + 112(%rbx), %xmm7
        jmp     .Lenter_call
        .cfi_endproc
        .size   guest_enter, . - guest_enter

/* void guest_unwind(struct guest_entry *e, int trap): drop every frame inside @e. */
        .globl  guest_unwind
        .hidden guest_unwind
        .type   guest_unwind, @function
        .p2align 4
guest_unwind:
        .cfi_startproc
        movl    %esi, %eax
        movq    %rdi, %rbx
        movq    ENTRY_SP(%rbx), %rsp
        leaq    48(%rsp), %rbp
        jmp     guest_trapped
        .cfi_endproc
        .size   guest_unwind, . - guest_unwind

        .section nacelle_thunks, "ax", @progbits

/* r10: struct run_host. On the way back whoever wants the thread is let in (run_interrupted): a guest
 * that is always in host calls is never caught in code of its own. */
        .globl  run_host_thunk
        .hidden run_host_thunk, run_interrupted
        .type   run_host_thunk, @function
        .p2align 4
run_host_thunk:
        load_fiber %r11
        cmpq    FIBER_HOST_LIMIT(%r11), %rsp
        jb      .Lexhausted
        incq    FIBER_HOST_CALLS(%r11)
        movq    FIBER_ENTRY(%r11), %r11
        movq    %rsp, ENTRY_EXIT_SP(%r11)
        movq    %rbp, ENTRY_EXIT_FP(%r11)
        subq    $8, %rsp
        call    *HOST_CODE(%r10)
        addq    $8, %rsp
        movq    run_thread@gottpoff(%rip), %r11
        cmpl    $0, %fs:THREAD_INTERRUPT(%r11)
        jne     .Linterrupted
        ret
.Linterrupted:
        subq    $24, %rsp
        movq    %rax, 16(%rsp)
        movups  %xmm0, (%rsp)
        call    run_interrupted
        movq    16(%rsp), %rax
        movups  (%rsp), %xmm0
        addq    $24, %rsp
        ret
.Lexhausted:
        .byte   0x67, 0x0f, 0xb9, 0x40, 10 /* STACK_EXHAUSTED */
        .size   run_host_thunk, . - run_host_thunk

/* r10: struct run_cross. The frame: the caller's base at -8(%rbp), the record at -16(%rbp). */
        .globl  run_cross_thunk, run_cross_return
        .hidden run_cross_thunk, run_cross_return
        .type   run_cross_thunk, @function
        .p2align 4
run_cross_thunk:
        movq    run_thread@gottpoff(%rip), %rax
        movq    %fs:THREAD_BASE(%rax), %r11
        cmpq    CROSS_BASE(%r10), %r11
        jne     1f
        movq    CROSS_CODE(%r10), %rax
        movq    CROSS_DATA(%r10), %r10
        jmp     *%rax
1:
        movq    %fs:THREAD_FIBER(%rax), %r11
        cmpq    FIBER_HOST_LIMIT(%r11), %rsp
        jb      .Lexhausted
        pushq   %rbp
        movq    %rsp, %rbp
        pushq   %fs:THREAD_BASE(%rax)
        pushq   %r10
        pushq   %rbx
        pushq   %r12
        pushq   %r13 /* from here on for .Lcross_skip, which leaves frames without their epilogues */
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp

        movq    CROSS_BASE(%r10), %rbx
        movl    CROSS_ARGS(%r10), %r11d
        testl   %r11d, %r11d
        jne     .Lcross_args
2:
        wrgsbase %rbx
        movq    %rbx, %fs:THREAD_BASE(%rax)
        movq    CROSS_CODE(%r10), %rax
        movq    CROSS_DATA(%r10), %r10
        call    *%rax
run_cross_return:
        movq    -8(%rbp), %r11
        movq    -16(%rbp), %r10
        movl    CROSS_RESULTS(%r10), %ecx
        testl   %ecx, %ecx
        jne     .Lcross_results
3:
        movq    %gs:HEAD_THROWN, %rcx
        testq   %rcx, %rcx
        jne     .Lcross_thrown
6:
        movq    run_thread@gottpoff(%rip), %rcx
        wrgsbase %r11
        movq    %r11, %fs:THREAD_BASE(%rcx)
        movq    -24(%rbp), %rbx
        movq    -32(%rbp), %r12
        leave
        ret

/* Copy r11 spill entries from the caller's area to that of the base in rbx. xmm15 carries no
 * argument; r12 and r11 are the cursors. */
.Lcross_args:
        pushq   %rdi
        pushq   %rsi
        movq    %gs:HEAD_SPILL, %rsi
        movq    HEAD_SPILL(%rbx), %rdi
4:
        movups  (%rsi), %xmm15
        movups  %xmm15, (%rdi)
        addq    $16, %rsi
        addq    $16, %rdi
        decl    %r11d
        jne     4b
        popq    %rsi
        popq    %rdi
        jmp     2b

/* And ecx of them back, from the callee's area to that of the base in r11. */
.Lcross_results:
        movq    %gs:HEAD_SPILL, %rsi
        movq    HEAD_SPILL(%r11), %rdi
5:
        movups  (%rsi), %xmm15
        movups  %xmm15, (%rdi)
        addq    $16, %rsi
        addq    $16, %rdi
        decl    %ecx
        jne     5b
        jmp     3b
/* The exception in rcx goes on to the caller, whose base is in r11: when its code looks for one. */
.Lcross_thrown:
        cmpq    $0, HEAD_CATCHES(%r11)
        je      .Lcross_skip
        movq    $0, %gs:HEAD_THROWN
        movq    %rcx, HEAD_THROWN(%r11)
        movq    -40(%rbp), %r13
        movq    -48(%rbp), %r14
        movq    -56(%rbp), %r15
        jmp     6b

/* Code without tags looks for no exception behind its calls, and has no handler: all its frames are left at
 * once, up to the thunk through which that instance was called, as if it had returned there with the
 * exception. What its functions had saved of rbx and r12 to r15 is in that thunk's frame as well. */
.Lcross_skip:
        leaq    run_cross_return(%rip), %rax
        leaq    guest_enter_return(%rip), %rdx
        movq    %rbp, %rsi
8:
        movq    8(%rsi), %rdi
        cmpq    %rax, %rdi
        je      9f
        cmpq    %rdx, %rdi
        je      7f
        movq    (%rsi), %rsi
        jmp     8b
9:
        movq    $0, %gs:HEAD_THROWN
        movq    %rcx, HEAD_THROWN(%r11)
        movq    run_thread@gottpoff(%rip), %rcx
        wrgsbase %r11
        movq    %r11, %fs:THREAD_BASE(%rcx)
        leaq    16(%rsi), %rsp
        movq    (%rsi), %rbp
        jmp     run_cross_return
7:
        movq    $0, %gs:HEAD_THROWN
        .byte   0x67, 0x0f, 0xb9, 0x40, 17 /* UNCAUGHT_EXCEPTION */
        .size   run_cross_thunk, . - run_cross_thunk

        .section .note.GNU-stack, "", @progbits
