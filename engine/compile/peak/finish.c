#include "engine/compile/peak/finish.h"

#include <string.h>

static bool loads_from(LLVMValueRef v, LLVMValueRef pointer)
{
        return LLVMIsALoadInst(v) && LLVMGetOperand(v, 0) == pointer;
}

/* Load, compute, store to the same place: as one instruction on memory it takes a stored value longer to
 * come back than as three on a register, by half of the time of an interpreter's loop that keeps its operands
 * in memory. The value goes through an empty piece of assembly, which code generation does not fold. */
static void split_update(struct lowering *l, LLVMValueRef store)
{
        LLVMValueRef value = LLVMGetOperand(store, 0), pointer = LLVMGetOperand(store, 1), opaque;
        LLVMTypeRef type = LLVMTypeOf(value), function;

        if (LLVMGetTypeKind(type) != LLVMIntegerTypeKind || !LLVMIsABinaryOperator(value) ||
            (!loads_from(LLVMGetOperand(value, 0), pointer) && !loads_from(LLVMGetOperand(value, 1), pointer)))
                return;
        function = LLVMFunctionType(type, &type, 1, false);
        opaque = LLVMGetInlineAsm(function, "", 0, "=r,0", 4, false, false, LLVMInlineAsmDialectATT, false);
        LLVMPositionBuilderBefore(l->b, store);
        LLVMSetOperand(store, 0, LLVMBuildCall2(l->b, function, opaque, &value, 1, ""));
}

void finish_module(struct lowering *l)
{
        if (l->machine != MACHINE_X86_64)
                return;
        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                        for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
                                if (LLVMIsAStoreInst(v))
                                        split_update(l, v);
}
