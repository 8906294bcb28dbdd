/* mask.c - tables of code, read at an index that the guest chooses: LLVM checks it by a branch, which may be guessed
 * wrongly. So it is made the lesser of itself and the place behind the table before that, by data alone. In a table
 * without gaps every place then has its target and the check goes away: each block that ends in the choice may have a
 * jump of its own, which the processor guesses by what came before. With gaps the check stays, as the way out that most
 * take. This comes last: before, LLVM turns a choice among many into jumps that need no table, where it can see how it
 * comes about. */
#include "engine/compile/peak/mask.h"

/* Fewer places LLVM compares with one by one. */
#define TABLE_MIN 4

/* A choice among the places of a table: @places of them from the value @least on, @ncases of which have a target. */
struct jump_table {
        LLVMValueRef choice;
        unsigned ncases;
        int64_t least;
        uint64_t places;
};

/* In assembly, since LLVM would make a branch of it. */
static LLVMValueRef lesser(struct lowering *l, LLVMValueRef v, LLVMValueRef limit)
{
        bool wide = LLVMTypeOf(v) == l->i64;
        const char *x64 = wide ? "cmpq $2, $0; cmovaq $2, $0" : "cmpl $2, $0; cmoval $2, $0";
        const char *a64 = wide ? "cmp ${1:x}, ${2:x}\ncsel ${0:x}, ${1:x}, ${2:x}, lo"
                               : "cmp ${1:w}, ${2:w}\ncsel ${0:w}, ${1:w}, ${2:w}, lo";
        const char *code = l->machine == MACHINE_X86_64 ? x64 : a64;
        const char *where = l->machine == MACHINE_X86_64 ? "=&r,0,r,~{flags}" : "=r,r,r,~{cc}";
        LLVMValueRef args[2] = { v, limit };

        return assembly(l, code, where, args, 2);
}

static int64_t case_value(LLVMValueRef choice, unsigned i)
{
        return LLVMConstIntGetSExtValue(LLVMGetOperand(choice, 2 + 2 * i));
}

/* False: nothing that LLVM would make a table of. */
static bool table_find(LLVMValueRef choice, struct jump_table *ret)
{
        LLVMValueRef v = LLVMGetOperand(choice, 0);
        int64_t least = INT64_MAX, most = INT64_MIN;
        unsigned n = (unsigned)LLVMGetNumOperands(choice) / 2 - 1;

        if (LLVMIsConstant(v) || n < TABLE_MIN)
                return false;
        for (unsigned i = 0; i < n; i++) {
                int64_t value = case_value(choice, i);

                least = value < least ? value : least;
                most = value > most ? value : most;
        }
        *ret = (struct jump_table){ choice, n, least, (uint64_t)most - (uint64_t)least + 1 };
        return ret->places - 1 < INT32_MAX;
}

/* The place that the index chooses, and the one behind the last for all that have none: in 32 bits or 64. */
static LLVMValueRef table_place(struct lowering *l, const struct jump_table *t)
{
        LLVMValueRef v = LLVMGetOperand(t->choice, 0);
        LLVMTypeRef type = LLVMGetIntTypeWidth(LLVMTypeOf(v)) <= 32 ? l->i32 : l->i64;

        v = LLVMBuildSub(l->b, v, LLVMConstInt(LLVMTypeOf(v), (uint64_t)t->least, true), "");
        return lesser(l, LLVMBuildZExt(l->b, v, type, ""), LLVMConstInt(type, t->places, false));
}

/* The choice among the cases by @place instead, which goes @elsewhere for all others. */
static LLVMValueRef choose_place(struct lowering *l, const struct jump_table *t, LLVMValueRef place,
                                 LLVMBasicBlockRef elsewhere)
{
        LLVMValueRef choice = LLVMBuildSwitch(l->b, place, elsewhere, t->ncases + 1);

        for (unsigned i = 0; i < t->ncases; i++) {
                uint64_t value = (uint64_t)case_value(t->choice, i) - (uint64_t)t->least;

                LLVMAddCase(choice, LLVMConstInt(LLVMTypeOf(place), value, false), LLVMGetSuccessor(t->choice, i + 1));
        }
        return choice;
}

/* Every place has its target, the one behind the last too, and there is no other: no branch checks @place. */
static void choose_closed(struct lowering *l, const struct jump_table *t, LLVMValueRef place)
{
        LLVMValueRef f = LLVMGetBasicBlockParent(LLVMGetInstructionParent(t->choice)), closed;
        LLVMBasicBlockRef none = LLVMAppendBasicBlockInContext(l->context, f, "");

        closed = choose_place(l, t, place, none);
        LLVMAddCase(closed, LLVMConstInt(LLVMTypeOf(place), t->places, false), LLVMGetSwitchDefaultDest(t->choice));
        LLVMPositionBuilderAtEnd(l->b, none);
        LLVMBuildUnreachable(l->b);
}

static void mask_switch(struct lowering *l, LLVMValueRef choice)
{
        LLVMValueRef place;
        struct jump_table t;

        if (!table_find(choice, &t))
                return;
        LLVMPositionBuilderBefore(l->b, choice);
        place = table_place(l, &t);
        if (t.places == t.ncases)
                choose_closed(l, &t, place);
        else
                choose_place(l, &t, place, LLVMGetSwitchDefaultDest(choice));
        LLVMInstructionEraseFromParent(choice);
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
