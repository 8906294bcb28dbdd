/* enter.S - the border between host and guest: entries, traps, and the thunks that lead out. */
#include "engine/run/offsets.h"

/* The running fiber into \reg. Initial-exec: the linker turns the load into a constant in a
 * program, and it still works in a shared library. */
        .macro  load_fiber reg
        movq    run_thread@gottpoff(%rip), \reg
        movq    %fs:THREAD_FIBER(\reg), \reg
        .endm

        .text

/* The frame of a guest whose base is in rcx, and struct trap_info in r9: what a trap must bring back, and
 * struct guest_entry. It writes as little as it can: a call from the host takes a cycle for each store. While
 * the guest runs rbx is the outer entry, r12 the fiber, and r13 where the result in xmm0 goes, or 0. */
        .macro  make_entry
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14 /* for a trap; guest code that returns has restored it */
        pushq   %r15
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        movq    run_thread@gottpoff(%rip), %rax
        movq    %fs:THREAD_FIBER(%rax), %r12
        movq    %fs:THREAD_BASE(%rax), %r11
        movq    FIBER_ENTRY(%r12), %rbx
        pushq   %r9
        subq    $ENTRY_TRAP - ENTRY_OUTER_BASE, %rsp
        pushq   %rbx
        movq    %rsp, FIBER_ENTRY(%r12)
        testq   %rbx, %rbx
        jne     7f
6:
        cmpq    %rcx, %r11
        jne     8f
9:
        .endm

/* Behind the code that follows make_entry: there is an outer entry; another base. */
        .macro  make_entry_more
7:
        movq    %r11, ENTRY_OUTER_BASE(%rsp)
        jmp     6b
8:
        wrgsbase %rcx
        movq    %rcx, %fs:THREAD_BASE(%rax)
        jmp     9b
        .endm

/* struct guest_result guest_enter(i0, i1, i2, base, code, trap) */
        .globl  guest_enter, guest_enter_return, guest_trapped
        .hidden guest_enter, guest_enter_return, guest_trapped, guest_uncaught
        .type   guest_enter, @function
        .p2align 5
guest_enter:
        .cfi_startproc
        make_entry
        movq    %r8, %rax
        xorl    %r13d, %r13d
.Lenter_call:
        call    *%rax
guest_enter_return:
        movq    %gs:HEAD_THROWN, %rdx
        testq   %rdx, %rdx
        jne     .Lenter_thrown
        testq   %r13, %r13
        jne     .Lenter_vector
.Lenter_leave:
        movq    %rbx, FIBER_ENTRY(%r12)
        testq   %rbx, %rbx
        jne     .Lenter_nested
.Lenter_done:
        movq    -8(%rbp), %rbx
        movq    -16(%rbp), %r12
        movq    -24(%rbp), %r13
        leave
        .cfi_remember_state
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_restore_state
        make_entry_more

/* A trap continues here, with the entry in rsp and its code in edx. */
guest_trapped:
        leaq    ENTRY_FRAME(%rsp), %rbp
        movq    -32(%rbp), %r14
        movq    -40(%rbp), %r15
        movq    run_thread@gottpoff(%rip), %rax
        movq    %fs:THREAD_FIBER(%rax), %r12
        movq    ENTRY_OUTER(%rsp), %rbx
        jmp     .Lenter_leave

/* The host function that called us belongs to an outer guest, whose base it may still use. */
.Lenter_nested:
        movq    run_thread@gottpoff(%rip), %r10
        movq    ENTRY_OUTER_BASE - ENTRY_FRAME(%rbp), %rcx
        cmpq    %rcx, %fs:THREAD_BASE(%r10)
        je      .Lenter_done
        wrgsbase %rcx
        movq    %rcx, %fs:THREAD_BASE(%r10)
        jmp     .Lenter_done

.Lenter_vector:
        movups  %xmm0, (%r13)
        jmp     .Lenter_leave

.Lenter_thrown:
        movq    $0, %gs:HEAD_THROWN
        movq    ENTRY_TRAP(%rsp), %rdi
        call    guest_uncaught
        movl    $17, %edx /* UNCAUGHT_EXCEPTION */
        jmp     .Lenter_leave
        .cfi_endproc
        .size   guest_enter, . - guest_enter

/* struct guest_result guest_enter_any(integers, vectors, data, base, code, trap) */
        .globl  guest_enter_any
        .hidden guest_enter_any
        .type   guest_enter_any, @function
        .p2align 4
guest_enter_any:
        .cfi_startproc
        make_entry
        movq    %r8, %rax
        movq    %rdi, %r11
        movq    %rsi, %r13
        movq    %rdx, %r10
        movq    0(%r11), %rdi
        movq    8(%r11), %rsi
        movq    16(%r11), %rdx
        movq    24(%r11), %rcx
        movq    32(%r11), %r8
        movq    40(%r11), %r9
        testq   %r13, %r13
        je      .Lenter_call
        movups  0(%r13), %xmm0
        movups  16(%r13), %xmm1
        movups  32(%r13), %xmm2
        movups  48(%r13), %xmm3
        movups  64(%r13), %xmm4
        movups  80(%r13), %xmm5
        movups  96(%r13), %xmm6
        movups  112(%r13), %xmm7
        jmp     .Lenter_call
        make_entry_more
        .cfi_endproc
        .size   guest_enter_any, . - guest_enter_any

/* void guest_unwind(struct guest_entry *e, int trap): drop every frame inside @e. */
        .globl  guest_unwind
        .hidden guest_unwind
        .type   guest_unwind, @function
        .p2align 4
guest_unwind:
        .cfi_startproc
        movl    %esi, %edx
        movq    %rdi, %rsp
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

/* Code that neither throws nor catches looks for no exception behind its calls, and has no handler: all its
 * frames are left at once, up to the thunk through which that instance was called, as if it had returned there
 * with the exception. What its functions had saved of rbx and r12 to r15 is in that thunk's frame as well. */
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
