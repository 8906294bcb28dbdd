/* thunks.S - the way into each builtin: as run_host_thunk, with the function fixed. */
#include "engine/run/x64/thunk.h"

        .macro  builtin name
        .globl  builtin_thunk_\name
        .hidden builtin_thunk_\name, builtin_\name
        .type   builtin_thunk_\name, @function
        .p2align 4
builtin_thunk_\name:
        load_fiber %r11
        cmpq    FIBER_HOST_LIMIT(%r11), %rsp
        jb      .Lexhausted
        movq    FIBER_ENTRY(%r11), %r11
        movq    %rsp, ENTRY_EXIT_SP(%r11)
        movq    %rbp, ENTRY_EXIT_FP(%r11)
        jmp     builtin_\name
        .size   builtin_thunk_\name, . - builtin_thunk_\name
        .endm

        .section nacelle_thunks, "ax", @progbits

#define BUILTIN(name, params, result) builtin name
#include "engine/compile/builtins.def"

.Lexhausted:
        trap    STACK_EXHAUSTED

        .section .note.GNU-stack, "", @progbits
