/* enter.S - the border between host and guest: entries, traps, and the thunks that lead out. */
#include "engine/run/x64/entry.h"

        .text

/* struct guest_result guest_enter_any(integers, vectors, data, base, code, trap)
 * Its frame holds what a trap must bring back, and struct guest_entry. While the guest runs rbx is the outer entry, r12
 * the fiber, and r13 where the result in xmm0 goes, or 0. */
        .globl  guest_enter_any, guest_trapped, guest_short_thrown
        .hidden guest_enter_any, guest_trapped, guest_short_thrown, guest_uncaught
        .type   guest_enter_any, @function
        .p2align 5
guest_enter_any:
        .cfi_startproc
        guest_frame
        movq    run_thread@gottpoff(%rip), %rax
        movq    %fs:THREAD_FIBER(%rax), %r12
        movq    %fs:THREAD_BASE(%rax), %r11
        movq    FIBER_ENTRY(%r12), %rbx
        subq    $ENTRY_BYTES, %rsp
        movq    $0, ENTRY_RUNNER(%rsp)
        movq    %r9, ENTRY_TRAP(%rsp)
        movq    %r11, ENTRY_OUTER_BASE(%rsp)
        movq    %rbx, ENTRY_OUTER(%rsp)
        movq    %rsp, FIBER_ENTRY(%r12)
        cmpq    %rcx, %r11
        je      1f
        wrgsbase %rcx
        movq    %rcx, %fs:THREAD_BASE(%rax)
1:
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
        je      2f
        movups  0(%r13), %xmm0
        movups  16(%r13), %xmm1
        movups  32(%r13), %xmm2
        movups  48(%r13), %xmm3
        movups  64(%r13), %xmm4
        movups  80(%r13), %xmm5
        movups  96(%r13), %xmm6
        movups  112(%r13), %xmm7
2:
        call    *%rax
        movq    %gs:HEAD_THROWN, %rdx
        testq   %rdx, %rdx
        jne     .Lthrown
        testq   %r13, %r13
        je      .Lleave
        movups  %xmm0, (%r13)
.Lleave:
        movq    %rbx, FIBER_ENTRY(%r12)
        testq   %rbx, %rbx
        jne     .Lnested
.Ldone:
        guest_frame_leave

/* The host function that called us belongs to an outer guest, whose base it may still use. */
.Lnested:
        movq    run_thread@gottpoff(%rip), %r10
        movq    ENTRY_OUTER_BASE - ENTRY_FRAME(%rbp), %rcx
        cmpq    %rcx, %fs:THREAD_BASE(%r10)
        je      .Ldone
        wrgsbase %rcx
        movq    %rcx, %fs:THREAD_BASE(%r10)
        jmp     .Ldone

.Lthrown:
        call    .Luncaught
        movl    $UNCAUGHT_EXCEPTION, %edx
        jmp     .Lleave

/* A trap continues here, with the entry in rsp and its code in edx. */
guest_trapped:
        leaq    ENTRY_FRAME(%rsp), %rbp
        movq    -32(%rbp), %r14
        movq    -40(%rbp), %r15
        movq    run_thread@gottpoff(%rip), %rax
        movq    %fs:THREAD_FIBER(%rax), %r12
        movq    ENTRY_OUTER(%rsp), %rbx
        movq    ENTRY_RUNNER(%rsp), %rcx
        testq   %rcx, %rcx
        je      .Lleave
        movq    $0, (%rcx)
        movl    $-EFAULT, %eax
        jmp     .Lleave

/* Guest code that short.S called returned with an exception. */
guest_short_thrown:
        call    .Luncaught
        movl    $UNCAUGHT_EXCEPTION, %edx
        jmp     guest_trapped

/* The entry lies behind the return address. */
.Luncaught:
        movq    $0, %gs:HEAD_THROWN
        movq    ENTRY_TRAP + 8(%rsp), %rdi
        subq    $8, %rsp
        call    guest_uncaught
        addq    $8, %rsp
        ret
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
        trap    STACK_EXHAUSTED
        .size   run_host_thunk, . - run_host_thunk

/* \n spill entries from the running instance's area to that of the base in \to. rsi and rdi are changed, and xmm15,
 * which carries no argument. */
        .macro  copy_spill to, n
        movq    %gs:HEAD_SPILL, %rsi
        movq    HEAD_SPILL(\to), %rdi
4:
        movups  (%rsi), %xmm15
        movups  %xmm15, (%rdi)
        addq    $16, %rsi
        addq    $16, %rdi
        decl    \n
        jne     4b
        .endm

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

.Lcross_args:
        pushq   %rdi
        pushq   %rsi
        copy_spill %rbx, %r11d
        popq    %rsi
        popq    %rdi
        jmp     2b

.Lcross_results:
        copy_spill %r11, %ecx
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
        movq    run_thread@gottpoff(%rip), %rdx
        movq    %fs:THREAD_FIBER(%rdx), %rdx
        movq    FIBER_ENTRY(%rdx), %rdx
        addq    $ENTRY_FRAME, %rdx
        movq    %rbp, %rsi
8:
        cmpq    %rax, 8(%rsi)
        je      9f
        movq    (%rsi), %rsi
        cmpq    %rdx, %rsi
        jne     8b
        movq    $0, %gs:HEAD_THROWN
        trap    UNCAUGHT_EXCEPTION
9:
        movq    $0, %gs:HEAD_THROWN
        movq    %rcx, HEAD_THROWN(%r11)
        movq    run_thread@gottpoff(%rip), %rcx
        wrgsbase %r11
        movq    %r11, %fs:THREAD_BASE(%rcx)
        leaq    16(%rsi), %rsp
        movq    (%rsi), %rbp
        jmp     run_cross_return
        .size   run_cross_thunk, . - run_cross_thunk

        .section .note.GNU-stack, "", @progbits
