/* offsets.h - where the assembly finds the fields of the structs in machine.h, which asserts each
 * figure. Read by the C compiler and by the assembler. */
#pragma once

/* struct run_thread, relative to the thread-local variable */
#define THREAD_FIBER      0
#define THREAD_BASE       8
#define THREAD_INTERRUPT  16

/* struct fiber */
#define FIBER_SP          0
#define FIBER_ENTRY       8
#define FIBER_HOST_LIMIT  16
#define FIBER_HOST_CALLS  24

/* struct guest_entry, which enter.S and short.S make at the bottom of a frame */
#define ENTRY_OUTER       0
#define ENTRY_OUTER_BASE  8
#define ENTRY_EXIT_SP     16
#define ENTRY_EXIT_FP     24
#define ENTRY_TRAP        32
#define ENTRY_RUNNER      48
#ifdef __x86_64__
#define ENTRY_BYTES       56
#define ENTRY_FRAME       96 /* where the frame pointer points to */
#else
#define ENTRY_EXIT_PC     40
#define ENTRY_BYTES       64
#define ENTRY_FRAME       64
#endif

/* struct guest_call */
#define CALL_SLOW         8
#define CALL_BASE         16
#define CALL_CODE         24
#define CALL_RUNNER       32

/* struct run_cross: a call into another instance */
#define CROSS_BASE        0
#define CROSS_CODE        8
#define CROSS_DATA        16
#define CROSS_ARGS        24 /* spill entries to copy in */
#define CROSS_RESULTS     28 /* spill entries to copy back */

/* struct run_host: a call of a host function */
#define HOST_CODE         0

/* struct instance_head, relative to the instance base */
#define HEAD_SPILL        -64
#define HEAD_THROWN       -48
#define HEAD_CATCHES      -40

/* The frame of run_cross_thunk, relative to its frame pointer: the caller's instance base */
#ifdef __x86_64__
#define CROSS_FRAME_BASE  -8
#else
#define CROSS_FRAME_BASE  16
#endif
