/* short.S - the short way into a guest: see enter.h. One piece of code for each list of integers that goes in and
 * what comes out, so that nothing is decided on the way and every value moves once. */
#include "engine/run/x64/entry.h"

        .text

        .macro  argument type, at, wide, narrow
        .ifc    \type, i32
        movl    \at(%rsi), \narrow
        .endif
        .ifc    \type, i64
        movq    \at(%rsi), \wide
        .endif
        .endm

/* int (call, args, results, trap). The frame is guest_enter_any()'s, and its entry the outermost of the fiber: a
 * guest that runs below, or one of the store's that is on another fiber, are for the slow way. While the guest runs
 * rbx is the fiber, r12 where it is noted, r13 where the result goes. */
        .macro  short_way result, p0=none, p1=none, p2=none
        .p2align 6 /* two or three lines of the cache each: else some processes need a nanosecond more */
1:
        .cfi_startproc
        movq    run_thread@gottpoff(%rip), %rax
        movq    %fs:THREAD_FIBER(%rax), %r10
        movq    CALL_RUNNER(%rdi), %r11
        movq    CALL_BASE(%rdi), %r8
        cmpq    $0, FIBER_ENTRY(%r10)
        jne     .Lslow
        cmpq    $0, (%r11)
        jne     .Lslow
        guest_frame
        pushq   %r11
        movq    %r10, %rbx
        movq    %r11, %r12
        movq    %rdx, %r13
        subq    $ENTRY_RUNNER, %rsp
        movq    %rcx, ENTRY_TRAP(%rsp)
        movq    $0, ENTRY_OUTER(%rsp)
        movq    %rsp, FIBER_ENTRY(%r10)
        movq    %r10, (%r11)
        cmpq    %r8, %fs:THREAD_BASE(%rax)
        jne     8f
9:
        movq    CALL_CODE(%rdi), %rax
        argument \p0, 0, %rdi, %edi
        argument \p2, 32, %rdx, %edx
        argument \p1, 16, %rsi, %esi
        call    *%rax
        cmpq    $0, %gs:HEAD_THROWN
        jne     guest_short_thrown
        movq    $0, FIBER_ENTRY(%rbx)
        movq    $0, (%r12)
        .ifc    \result, i32
        movd    %eax, %xmm0
        movups  %xmm0, (%r13)
        .endif
        .ifc    \result, i64
        movq    %rax, %xmm0
        movups  %xmm0, (%r13)
        .endif
        xorl    %eax, %eax
        guest_frame_leave
8:
        wrgsbase %r8
        movq    %r8, %fs:THREAD_BASE(%rax)
        jmp     9b
        .cfi_endproc
        .pushsection .data.rel.ro.local, "aw", @progbits
        .quad   1b
        .popsection
        .endm

        .hidden guest_short_ways, guest_short_thrown
        .globl  guest_short_ways
        .pushsection .data.rel.ro.local, "aw", @progbits
        .p2align 3
guest_short_ways:
        .popsection

        .type   guest_short, @function
guest_short:
#include "engine/run/short_ways.h"
.Lslow:
        jmp     *CALL_SLOW(%rdi)
        .size   guest_short, . - guest_short

        .section .note.GNU-stack, "", @progbits
