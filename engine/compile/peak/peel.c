#include "engine/compile/peak/peel.h"

#define PEEL_VALUES 32

struct peel {
        struct lowering *l;
        LLVMBasicBlockRef block, exit, entry; /* entry: the one block that the loop is entered from */
        LLVMValueRef values[PEEL_VALUES], first[PEEL_VALUES]; /* first: what the value is in the first turn */
        unsigned n;
};

static LLVMValueRef in_first_turn(const struct peel *p, LLVMValueRef v)
{
        for (unsigned i = 0; i < p->n; i++)
                if (p->values[i] == v)
                        return p->first[i];
        return v;
}

static LLVMValueRef incoming_from(LLVMValueRef phi, LLVMBasicBlockRef block)
{
        for (unsigned i = 0; i < LLVMCountIncoming(phi); i++)
                if (LLVMGetIncomingBlock(phi, i) == block)
                        return LLVMGetIncomingValue(phi, i);
        return NULL;
}

/* What is seen outside is seen by the phis of the exit. */
static bool leaves_by_phis(const struct peel *p, LLVMValueRef v)
{
        for (LLVMUseRef use = LLVMGetFirstUse(v); use; use = LLVMGetNextUse(use)) {
                LLVMValueRef user = LLVMGetUser(use);
                LLVMBasicBlockRef where = LLVMGetInstructionParent(user);

                if (where != p->block && (where != p->exit || !LLVMIsAPHINode(user)))
                        return false;
        }
        return true;
}

static bool is_small(const struct peel *p, LLVMValueRef v)
{
        return LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMVectorTypeKind && !LLVMIsACallInst(v) && leaves_by_phis(p, v);
}

static bool peel_read(struct peel *p, struct lowering *l, LLVMBasicBlockRef block)
{
        LLVMValueRef end = LLVMGetBasicBlockTerminator(block), v = LLVMGetFirstInstruction(block);
        LLVMValueRef enter;
        bool memory = false;

        if (!LLVMIsABranchInst(end) || !LLVMIsConditional(end) || !LLVMIsAPHINode(v) || LLVMCountIncoming(v) != 2 ||
            (LLVMGetSuccessor(end, 0) == block) == (LLVMGetSuccessor(end, 1) == block) ||
            LLVMGetMetadata(end, LLVMGetMDKindIDInContext(l->context, "llvm.loop", 9)))
                return false;
        *p = (struct peel) { .l = l, .block = block,
                             .exit = LLVMGetSuccessor(end, LLVMGetSuccessor(end, 0) == block),
                             .entry = LLVMGetIncomingBlock(v, LLVMGetIncomingBlock(v, 0) == block) };
        enter = LLVMGetBasicBlockTerminator(p->entry);
        if (!LLVMIsABranchInst(enter) || LLVMIsConditional(enter))
                return false;
        for (; v; v = LLVMGetNextInstruction(v)) {
                if (p->n == PEEL_VALUES || !is_small(p, v))
                        return false;
                memory |= LLVMIsALoadInst(v) != NULL;
                p->values[p->n++] = v;
        }
        return memory;
}

/* The first turn goes to the end of the entry, which stays where the loop is entered from. */
static void peel(struct peel *p)
{
        LLVMValueRef end = LLVMGetBasicBlockTerminator(p->entry), next[PEEL_VALUES], v;

        LLVMPositionBuilderBefore(p->l->b, end);
        for (unsigned i = 0; i < p->n; i++) {
                v = p->values[i];
                if (LLVMIsAPHINode(v)) {
                        p->first[i] = incoming_from(v, p->entry);
                        continue;
                }
                p->first[i] = LLVMInstructionClone(v);
                LLVMInsertIntoBuilder(p->l->b, p->first[i]);
                for (unsigned k = 0; k < (unsigned)LLVMGetNumOperands(v); k++)
                        if (!LLVMValueIsBasicBlock(LLVMGetOperand(v, k)))
                                LLVMSetOperand(p->first[i], k, in_first_turn(p, LLVMGetOperand(v, k)));
        }
        LLVMInstructionEraseFromParent(end);
        for (v = LLVMGetFirstInstruction(p->exit); LLVMIsAPHINode(v); v = LLVMGetNextInstruction(v)) {
                LLVMValueRef out = in_first_turn(p, incoming_from(v, p->block));

                LLVMAddIncoming(v, &out, &p->entry, 1);
        }
        for (unsigned i = 0; i < p->n; i++)
                if (LLVMIsAPHINode(p->values[i]))
                        next[i] = in_first_turn(p, incoming_from(p->values[i], p->block));
        for (unsigned i = 0; i < p->n; i++)
                if (LLVMIsAPHINode(p->values[i]))
                        LLVMSetOperand(p->values[i], LLVMGetIncomingBlock(p->values[i], 1) == p->entry, next[i]);
}

void peel_loops(struct lowering *l)
{
        struct peel p;

        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                        if (peel_read(&p, l, b))
                                peel(&p);
}
