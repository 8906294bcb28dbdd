#include "engine/compile/peak/keep.h"

#include <stdlib.h>
#include <string.h>

/* Set of values: open addressing, at most half full. */
struct value_set {
        LLVMValueRef *slots;
        size_t room, n;
};

struct walk {
        struct value_set live;
        LLVMValueRef *stack;
        size_t depth, room;
};

static size_t slot_of(const struct value_set *s, LLVMValueRef v)
{
        size_t at = ((uintptr_t)v >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (s->room - 1);

        while (s->slots[at] && s->slots[at] != v)
                at = (at + 1) & (s->room - 1);
        return at;
}

static bool set_grow(struct value_set *s)
{
        struct value_set grown = { .room = s->room ? 2 * s->room : 1024, .n = s->n };

        grown.slots = calloc(grown.room, sizeof(*grown.slots));
        if (!grown.slots)
                return false;
        for (size_t i = 0; i < s->room; i++)
                if (s->slots[i])
                        grown.slots[slot_of(&grown, s->slots[i])] = s->slots[i];
        free(s->slots);
        *s = grown;
        return true;
}

static bool set_has(const struct value_set *s, LLVMValueRef v)
{
        return s->room && s->slots[slot_of(s, v)] == v;
}

/* Marks @v as needed by its own block @b; its operands are looked at later. */
static bool mark(struct walk *w, LLVMBasicBlockRef b, LLVMValueRef v)
{
        if (!LLVMIsAInstruction(v) || LLVMGetInstructionParent(v) != b || set_has(&w->live, v))
                return true;
        if (2 * (w->live.n + 1) > w->live.room && !set_grow(&w->live))
                return false;
        w->live.slots[slot_of(&w->live, v)] = v;
        w->live.n++;
        if (w->depth == w->room) {
                size_t room = w->room ? 2 * w->room : 256;
                LLVMValueRef *grown = realloc(w->stack, room * sizeof(*grown));

                if (!grown)
                        return false;
                w->stack = grown;
                w->room = room;
        }
        w->stack[w->depth++] = v;
        return true;
}

/* Instructions that are there for what they do, not for their value. */
static bool is_root(LLVMValueRef v)
{
        switch (LLVMGetInstructionOpcode(v)) {
        case LLVMStore:
        case LLVMRet:
        case LLVMBr:
        case LLVMSwitch:
        case LLVMUnreachable:
                return true;
        case LLVMCall:
                /* Intrinsics of arithmetic are values like others. */
                return !LLVMIsAIntrinsicInst(v) || LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVoidTypeKind;
        default:
                return false;
        }
}

/* What @phi takes along the only way out of a block, or around its own loop, is needed there. */
static bool mark_incoming(struct walk *w, LLVMValueRef phi)
{
        LLVMBasicBlockRef here = LLVMGetInstructionParent(phi);

        for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
                LLVMBasicBlockRef from = LLVMGetIncomingBlock(phi, i);
                LLVMValueRef out = LLVMGetBasicBlockTerminator(from);

                if ((from == here || LLVMGetNumSuccessors(out) == 1) &&
                    !mark(w, from, LLVMGetIncomingValue(phi, i)))
                        return false;
        }
        return true;
}

static int walk_function(struct walk *w, LLVMValueRef f)
{
        for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
                        if (LLVMIsAPHINode(v) ? !mark_incoming(w, v) : is_root(v) && !mark(w, b, v))
                                return -ENOMEM;
        while (w->depth) {
                LLVMValueRef v = w->stack[--w->depth];

                for (int i = 0; i < LLVMGetNumOperands(v) && !LLVMIsAPHINode(v); i++)
                        if (!mark(w, LLVMGetInstructionParent(v), LLVMGetOperand(v, (unsigned)i)))
                                return -ENOMEM;
        }
        return 0;
}

static void keep_in_function(struct lowering *l, const struct walk *w, LLVMValueRef f)
{
        for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
                        if (LLVMIsALoadInst(v) && !set_has(&w->live, v) &&
                            LLVMGetMetadata(v, l->kind_tbaa) == l->tbaa[CLASS_MEMORY])
                                LLVMSetVolatile(v, true);
}

static bool is_plain_load(struct lowering *l, LLVMValueRef v)
{
        return LLVMIsALoadInst(v) && !LLVMGetVolatile(v) &&
               LLVMGetMetadata(v, l->kind_tbaa) == l->tbaa[CLASS_MEMORY];
}

static bool is_store(struct lowering *l, LLVMValueRef v)
{
        return LLVMIsAStoreInst(v) && LLVMGetMetadata(v, l->kind_tbaa) == l->tbaa[CLASS_MEMORY];
}

/* A use that costs nothing, that simplification leaves where it is, and that keep_settle() takes away again. */
#if LLVM_VERSION_MAJOR >= 18
/* An assumption that is always true and names the value. */
static void hold(struct lowering *l, LLVMValueRef load)
{
        unsigned id = LLVMLookupIntrinsicID("llvm.assume", 11);
        LLVMValueRef f = LLVMGetIntrinsicDeclaration(l->module, id, NULL, 0), yes = LLVMConstInt(l->i1, 1, false);
        LLVMOperandBundleRef use = LLVMCreateOperandBundle("noundef", 7, &load, 1);

        LLVMPositionBuilderBefore(l->b, LLVMGetNextInstruction(load));
        LLVMBuildCallWithOperandBundles(l->b, LLVMGlobalGetValueType(f), f, &yes, 1, &use, 1, "");
        LLVMDisposeOperandBundle(use);
}

static bool is_hold(LLVMValueRef v)
{
        return LLVMIsACallInst(v) &&
               LLVMGetIntrinsicID(LLVMGetCalledValue(v)) == LLVMLookupIntrinsicID("llvm.assume", 11);
}
#else
/* The C interface of older ones has no such assumptions: the load is what it is from here on, and no loop with one becomes
 * a vector loop. */
static void hold(struct lowering *l, LLVMValueRef load)
{
        (void)l;
        LLVMSetVolatile(load, true);
}

static bool is_hold(LLVMValueRef v)
{
        (void)v;
        return false;
}
#endif

void keep_hold(struct lowering *l)
{
        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                        for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v))
                                if (is_plain_load(l, v))
                                        hold(l, v);
}

/* A loop that stores a global becomes no vector loop: that would store the last of several turns' values, and
 * an access of the first of them may trap. */
static void keep_turns(struct lowering *l, LLVMValueRef f, LLVMValueRef v)
{
        if (LLVMIsAStoreInst(v) && LLVMGetMetadata(v, l->kind_tbaa) == l->tbaa[CLASS_GLOBAL] &&
            !LLVMGetStringAttributeAtIndex(f, LLVMAttributeFunctionIndex, STRAIGHT, sizeof(STRAIGHT) - 1))
                LLVMSetVolatile(v, true);
}

int keep_settle(struct lowering *l)
{
        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                        for (LLVMValueRef v = LLVMGetFirstInstruction(b), next; v; v = next) {
                                next = LLVMGetNextInstruction(v);
                                if (is_hold(v))
                                        LLVMInstructionEraseFromParent(v);
                                else
                                        keep_turns(l, f, v);
                        }
        return keep_loads(l);
}

int keep_loads(struct lowering *l)
{
        struct walk w = { 0 };
        int r = 0;

        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f && r == 0; f = LLVMGetNextFunction(f)) {
                if (LLVMIsDeclaration(f))
                        continue;
                if (w.live.n) {
                        memset(w.live.slots, 0, w.live.room * sizeof(*w.live.slots));
                        w.live.n = 0;
                }
                r = walk_function(&w, f);
                if (r == 0)
                        keep_in_function(l, &w, f);
        }
        free(w.live.slots);
        free(w.stack);
        return r;
}

/* For aarch64 a vector of which one lane is repeated is loaded as that lane, volatile or not: it goes through assembly
 * without an instruction, which nothing sees through. */
static void hide_vector(struct lowering *l, LLVMValueRef load)
{
        LLVMValueRef hidden;

        LLVMPositionBuilderBefore(l->b, LLVMGetNextInstruction(load));
        hidden = assembly(l, "", "=w,0", &load, 1);
        LLVMReplaceAllUsesWith(load, hidden);
        LLVMSetOperand(hidden, 0, load);
}

/* Whose trap can be seen, or what a trap lets see: all in the order of the program. */
static bool is_ordered(struct lowering *l, LLVMValueRef v)
{
        return is_plain_load(l, v) || is_store(l, v) ||
               (LLVMIsAStoreInst(v) && LLVMGetMetadata(v, l->kind_tbaa) == l->tbaa[CLASS_GLOBAL]);
}

void keep_widths(struct lowering *l)
{
        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                        for (LLVMValueRef v = LLVMGetFirstInstruction(b); v; v = LLVMGetNextInstruction(v)) {
                                if (!is_ordered(l, v))
                                        continue;
                                LLVMSetVolatile(v, true);
                                if (l->machine == MACHINE_AARCH64 && LLVMTypeOf(v) == l->v128)
                                        hide_vector(l, v);
                        }
}
