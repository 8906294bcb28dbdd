/* mask.c - tables of code, read at an index that the guest chooses: LLVM checks it by a branch, which may be guessed
 * wrongly. So it is made the lesser of itself and the place behind the table before that, by data alone. This comes
 * last: before, LLVM turns a choice among many into jumps that need no table, where it can see how it comes about. */
#include "engine/compile/peak/mask.h"

#include <string.h>

/* Fewer places LLVM compares with one by one. */
#define TABLE_MIN 4

/* In assembly, since LLVM would make a branch of it. */
static LLVMValueRef lesser(struct lowering *l, LLVMValueRef v, LLVMValueRef limit)
{
        bool x64 = l->machine == MACHINE_X86_64;
        const char *code = x64 ? "cmpl $2, $0; cmoval $2, $0" : "cmp ${1:w}, ${2:w}\ncsel ${0:w}, ${1:w}, ${2:w}, lo";
        const char *where = x64 ? "=&r,0,r,~{flags}" : "=r,r,r,~{cc}";
        LLVMTypeRef types[2] = { l->i32, l->i32 }, type = LLVMFunctionType(l->i32, types, 2, false);
        LLVMValueRef args[2] = { v, limit };
        LLVMValueRef f = LLVMGetInlineAsm(type, (char *)code, strlen(code), (char *)where, strlen(where), false, false,
                                          LLVMInlineAsmDialectATT, false);

        return LLVMBuildCall2(l->b, type, f, args, 2, "");
}

static void mask_switch(struct lowering *l, LLVMValueRef choice)
{
        LLVMValueRef v = LLVMGetOperand(choice, 0), low;
        int64_t least = INT64_MAX, most = INT64_MIN;
        int n = LLVMGetNumOperands(choice);

        if (LLVMTypeOf(v) != l->i32 || LLVMIsConstant(v) || n / 2 - 1 < TABLE_MIN)
                return;
        for (int i = 2; i < n; i += 2) {
                int64_t value = LLVMConstIntGetSExtValue(LLVMGetOperand(choice, (unsigned)i));

                least = value < least ? value : least;
                most = value > most ? value : most;
        }
        if (most - least >= INT32_MAX)
                return; /* no table is that long */
        LLVMPositionBuilderBefore(l->b, choice);
        low = const_i32(l, (uint32_t)least);
        v = lesser(l, LLVMBuildSub(l->b, v, low, ""), const_i32(l, (uint32_t)(most - least + 1)));
        LLVMSetOperand(choice, 0, LLVMBuildAdd(l->b, v, low, ""));
}

void mask_switches(struct lowering *l)
{
        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b)) {
                        LLVMValueRef last = LLVMGetBasicBlockTerminator(b);

                        if (last && LLVMGetInstructionOpcode(last) == LLVMSwitch)
                                mask_switch(l, last);
                }
}
