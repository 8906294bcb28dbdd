/* entry.h - for the assembly: the frame of who calls a guest, which ends with struct guest_entry. */
#include "engine/run/x64/thunk.h"

/* What a trap must bring back. r14 and r15 are for that alone: guest code that returns has restored them. */
        .macro  guest_frame
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
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        .endm

/* Behind a guest that returned; or for a trap with r14 and r15 restored. */
        .macro  guest_frame_leave
        movq    -8(%rbp), %rbx
        movq    -16(%rbp), %r12
        movq    -24(%rbp), %r13
        leave
        .cfi_remember_state
        .cfi_def_cfa %rsp, 8
        ret
        .cfi_restore_state
        .endm
