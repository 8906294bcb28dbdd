#include "engine/compile/peak/finish.h"

/* How far the search for a cycle goes. */
#define CYCLE_VALUES 24

/* Whether @pointer is computed from @wanted, around a loop at last: through arithmetic, not through memory. */
static bool comes_from(LLVMValueRef pointer, LLVMValueRef wanted)
{
        LLVMValueRef seen[CYCLE_VALUES] = { pointer };
        unsigned n = 1;

        for (unsigned k = 0; k < n; k++) {
                LLVMValueRef v = seen[k];
                unsigned operands = (unsigned)(LLVMIsAInstruction(v) ? LLVMGetNumOperands(v) : 0);

                if (v == wanted)
                        return true;
                if (LLVMIsALoadInst(v) || LLVMIsACallInst(v))
                        continue;
                for (unsigned i = 0; i < operands; i++) {
                        LLVMValueRef from = LLVMGetOperand(v, i);
                        unsigned j = 0;

                        while (j < n && seen[j] != from)
                                j++;
                        if (j == n && n < CYCLE_VALUES && LLVMIsAInstruction(from))
                                seen[n++] = from;
                }
        }
        return false;
}

/* A loop that goes on from where a byte's value sends it (`p += *p == '\\' ? 2 : 1`) waits for each load when
 * the choice is a conditional move. Whether something equals a constant is mostly the same and soon
 * guessed: a branch runs ahead. Choices by order, as in a search or a heap, nobody can guess: they stay moves. */
static void branch_on_constant(struct lowering *l, LLVMValueRef select)
{
        LLVMValueRef condition = LLVMGetOperand(select, 0), load;
        LLVMIntPredicate predicate;

        if (!LLVMIsAICmpInst(condition) || !LLVMIsAConstantInt(LLVMGetOperand(condition, 1)))
                return;
        predicate = LLVMGetICmpPredicate(condition);
        if (predicate != LLVMIntEQ && predicate != LLVMIntNE)
                return;
        load = LLVMGetOperand(condition, 0);
        while (LLVMIsACastInst(load))
                load = LLVMGetOperand(load, 0);
        if (LLVMIsALoadInst(load) && comes_from(LLVMGetOperand(load, 0), select))
                LLVMSetMetadata(select, l->kind_prof, l->hinted[predicate == LLVMIntNE]);
}

void finish_module(struct lowering *l)
{
        if (l->machine != MACHINE_X86_64)
                return;
        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                        for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
                                if (LLVMIsASelectInst(v))
                                        branch_on_constant(l, v);
}
