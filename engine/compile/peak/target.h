/* target.h - LLVM's side: the machine, the passes, and an object out of a module. */
#pragma once

#include <llvm-c/TargetMachine.h>

#include "engine/compile/peak/lower.h"

/* A target machine for code that may use @cpu (CPU_...). NULL with @err filled on failure. */
LLVMTargetMachineRef target_new(enum machine machine, uint64_t cpu, struct error *err);

/* Run the passes over @l's module and emit it. */
_must_check_ int target_emit(struct lowering *l, LLVMTargetMachineRef machine,
                             LLVMMemoryBufferRef *ret, struct error *err);
