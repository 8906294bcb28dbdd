#include "engine/compile/peak/reroll.h"

#include <string.h>

#include "engine/compile/peak/reroll_loop.h"

#define ZEROS_DEPTH 6

/* ---- a loop ----------------------------------------------------------------------------------- */

static bool loop_add(struct loop *p, LLVMValueRef v)
{
        size_t at = ((uintptr_t)v >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32;

        if (p->nvalues == LOOP_VALUES)
                return false;
        for (at %= ELEMENTSOF(p->slots); p->slots[at];)
                at = (at + 1) % ELEMENTSOF(p->slots);
        p->values[p->nvalues++] = v;
        p->slots[at] = (uint16_t)p->nvalues;
        return true;
}

static bool phi_read(struct loop *p, LLVMValueRef phi)
{
        unsigned back;

        if (LLVMCountIncoming(phi) != 2)
                return false;
        back = LLVMGetIncomingBlock(phi, 1) == p->block;
        if (p->nphis++ && back != p->back)
                return false;
        p->back = back;
        return true;
}

bool loop_read(struct loop *p, struct lowering *l, LLVMBasicBlockRef block)
{
        LLVMValueRef end = LLVMGetBasicBlockTerminator(block);
        unsigned loads = 0, stores = 0;

        if (!LLVMIsABranchInst(end) || !LLVMIsConditional(end) ||
            (LLVMGetSuccessor(end, 0) == block) == (LLVMGetSuccessor(end, 1) == block))
                return false;
        memset(p->slots, 0, sizeof(p->slots));
        p->l = l;
        p->block = block;
        p->nvalues = p->nphis = 0;
        for (LLVMValueRef v = LLVMGetFirstInstruction(block); v; v = LLVMGetNextInstruction(v)) {
                loads += LLVMIsALoadInst(v) != NULL;
                stores += LLVMIsAStoreInst(v) != NULL;
                if (!loop_add(p, v) || (LLVMIsAPHINode(v) && !phi_read(p, v)))
                        return false;
        }
        return p->nphis && (loads > 1 || stores > 1);
}

/* ---- where it ends ---------------------------------------------------------------------------- */

/* At least so many low bits of @v are 0. */
static unsigned low_zeros(LLVMValueRef v, unsigned depth)
{
        unsigned a, b;

        if (LLVMIsAConstantInt(v)) {
                uint64_t c = LLVMConstIntGetZExtValue(v);

                return c ? (unsigned)__builtin_ctzll(c) : 64;
        }
        if (!LLVMIsAInstruction(v) || !depth)
                return 0;
        if (LLVMIsAZExtInst(v) || LLVMIsASExtInst(v))
                return low_zeros(LLVMGetOperand(v, 0), depth - 1);
        if (!LLVMIsABinaryOperator(v))
                return 0;
        a = low_zeros(LLVMGetOperand(v, 0), depth - 1);
        b = low_zeros(LLVMGetOperand(v, 1), depth - 1);
        switch (LLVMGetInstructionOpcode(v)) {
        case LLVMShl:
                v = LLVMGetOperand(v, 1);
                return LLVMIsAConstantInt(v) && LLVMConstIntGetZExtValue(v) < 64
                               ? a + (unsigned)LLVMConstIntGetZExtValue(v) : 0;
        case LLVMAnd:
                return a > b ? a : b;
        case LLVMMul:
                return a + b;
        case LLVMAdd:
        case LLVMSub:
        case LLVMOr:
        case LLVMXor:
                return a < b ? a : b;
        default:
                return 0;
        }
}

/* What @phi moves by from its first value until it ends the loop is a multiple of @whole, its step of now:
 * otherwise the loop would only end after a turn around all of its values, or never, and smaller steps would
 * end it sooner. */
static bool whole_turns(const struct loop *p, LLVMValueRef phi, uint64_t add, uint64_t whole, uint64_t mask)
{
        LLVMValueRef start = LLVMGetOperand(phi, !p->back), bound = p->exit_bound;
        bool down = whole & (mask / 2 + 1);
        uint64_t by = down ? -whole & mask : whole, distance;

        if (LLVMIsAConstantInt(start) && LLVMIsAConstantInt(bound)) {
                distance = LLVMConstIntGetZExtValue(bound) - add - LLVMConstIntGetZExtValue(start) + whole;
                distance = (down ? -distance : distance) & mask;
                return distance && distance % by == 0;
        }
        if (by & (by - 1) || add % by)
                return false;
        if (is_sum(bound) && (LLVMGetOperand(bound, 0) == start || LLVMGetOperand(bound, 1) == start))
                return low_zeros(LLVMGetOperand(bound, LLVMGetOperand(bound, 0) == start), ZEROS_DEPTH) >=
                       (unsigned)__builtin_ctzll(by);
        return low_zeros(start, ZEROS_DEPTH) >= (unsigned)__builtin_ctzll(by) &&
               low_zeros(bound, ZEROS_DEPTH) >= (unsigned)__builtin_ctzll(by);
}

bool loop_exit(struct loop *p)
{
        LLVMValueRef end = p->values[p->nvalues - 1], condition = LLVMGetCondition(end), counter;
        bool leaves_when_true = LLVMGetSuccessor(end, 1) == p->block;
        unsigned side;

        if (loop_index(p, condition) == LOOP_VALUES || !LLVMIsAICmpInst(condition) ||
            LLVMGetICmpPredicate(condition) != (leaves_when_true ? LLVMIntEQ : LLVMIntNE) ||
            p->copy[loop_index(p, condition)] != NO_COPY)
                return false;
        side = loop_index(p, LLVMGetOperand(condition, 0)) == LOOP_VALUES;
        counter = LLVMGetOperand(condition, side);
        p->exit_bound = LLVMGetOperand(condition, !side);
        if (loop_index(p, p->exit_bound) != LOOP_VALUES || LLVMGetTypeKind(LLVMTypeOf(counter)) != LLVMIntegerTypeKind)
                return false;
        for (unsigned i = 0; i < p->nphis; i++) {
                unsigned bits;
                uint64_t mask, add;

                if (!p->linear[i] || LLVMTypeOf(p->values[i]) != LLVMTypeOf(counter) ||
                    !loop_difference(p, counter, p->values[i], &add))
                        continue;
                bits = LLVMGetIntTypeWidth(LLVMTypeOf(counter));
                mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
                p->exit_phi = i;
                p->exit_add = add - (p->ncopies - 1) * p->step[i];
                return p->step[i] & mask &&
                       whole_turns(p, p->values[i], add, p->ncopies * p->step[i] & mask, mask);
        }
        return false;
}

/* ---- whether it may and should be rolled up --------------------------------------------------- */

/* Loads may pass each other; what stores do stays where it is among the others. */
static bool memory_in_order(const struct loop *p, const unsigned *first)
{
        for (unsigned y = 0; y < p->nvalues; y++) {
                LLVMValueRef b = p->values[y];

                if (!LLVMIsALoadInst(b) && !LLVMIsAStoreInst(b))
                        continue;
                if (p->copy[y] == NO_COPY)
                        return false;
                for (unsigned x = 0; x < y; x++) {
                        LLVMValueRef a = p->values[x];

                        if (!LLVMIsAStoreInst(a) && !(LLVMIsALoadInst(a) && LLVMIsAStoreInst(b)))
                                continue;
                        if (p->copy[x] > p->copy[y] || (p->copy[x] == p->copy[y] && first[x] > first[y]))
                                return false;
                }
        }
        return true;
}

/* How many bytes further @pointer is in each copy. */
static bool pointer_step(const struct loop *p, LLVMValueRef pointer, int32_t *ret)
{
        *ret = 0;
        while (loop_index(p, pointer) < LOOP_VALUES) {
                LLVMValueRef index;
                unsigned i;

                if (!LLVMIsAGetElementPtrInst(pointer))
                        return false;
                index = LLVMGetOperand(pointer, 1);
                pointer = LLVMGetOperand(pointer, 0);
                if (LLVMIsAZExtInst(index))
                        index = LLVMGetOperand(index, 0);
                i = loop_index(p, index);
                if (i == LOOP_VALUES)
                        continue;
                if (!p->linear[i])
                        return false;
                *ret += (int32_t)p->step[i];
        }
        return true;
}

/* Elements lie one behind the other, in either direction, or stay the same: what vectors are made of. */
static bool neighbours(const struct loop *p)
{
        for (unsigned i = 0; i < p->nvalues; i++) {
                LLVMValueRef v = p->values[i];
                bool store = LLVMIsAStoreInst(v);
                LLVMTypeRef type;
                int32_t step, bytes;

                if (p->copy[i] != 0 || (!store && !LLVMIsALoadInst(v)))
                        continue;
                type = LLVMTypeOf(store ? LLVMGetOperand(v, 0) : v);
                bytes = LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? (int32_t)LLVMGetIntTypeWidth(type) / 8
                        : LLVMGetTypeKind(type) == LLVMFloatTypeKind ? 4 : 8;
                if (LLVMGetTypeKind(type) == LLVMVectorTypeKind ||
                    !pointer_step(p, LLVMGetOperand(v, store), &step) ||
                    (step != bytes && step != -bytes && (store || step)))
                        return false;
        }
        return true;
}

static bool is_outside(const struct loop *p, LLVMUseRef use)
{
        return LLVMGetInstructionParent(LLVMGetUser(use)) != p->block;
}

/* Each value has its place in one of the copies, and what is seen outside is of the last one. */
static bool complete(const struct loop *p)
{
        unsigned condition = loop_index(p, LLVMGetCondition(p->values[p->nvalues - 1]));

        for (unsigned i = 0; i + 1 < p->nvalues; i++) {
                if (i < p->nphis && !p->linear[i]) {
                        unsigned next = loop_index(p, p->image[1][i]);

                        if (next >= p->nphis && next < LOOP_VALUES && p->copy[next] != 0 && !p->linear[next])
                                return false;
                } else if (p->copy[i] == NO_COPY && !p->linear[i] && i != condition) {
                        return false;
                }
                for (LLVMUseRef use = LLVMGetFirstUse(p->values[i]); use; use = LLVMGetNextUse(use))
                        if (is_outside(p, use) && !p->linear[i] && p->copy[i] != p->ncopies - 1)
                                return false;
        }
        return true;
}

/* ---- rolling up ------------------------------------------------------------------------------- */

static LLVMValueRef add_constant(struct loop *p, LLVMValueRef v, uint64_t by)
{
        return LLVMBuildAdd(p->l->b, v, LLVMConstInt(LLVMTypeOf(v), by, false), "");
}

static void replace_outside(const struct loop *p, LLVMValueRef v, LLVMValueRef with)
{
        for (LLVMUseRef use = LLVMGetFirstUse(v), next; use; use = next) {
                LLVMValueRef user = LLVMGetUser(use);

                next = LLVMGetNextUse(use);
                if (!is_outside(p, use))
                        continue;
                for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(user); i++)
                        if (LLVMGetOperand(user, i) == v) {
                                LLVMSetOperand(user, i, with);
                                break;
                        }
        }
}

static bool is_used_outside(const struct loop *p, LLVMValueRef v)
{
        for (LLVMUseRef use = LLVMGetFirstUse(v); use; use = LLVMGetNextUse(use))
                if (is_outside(p, use))
                        return true;
        return false;
}

static void replace_results(struct loop *p, const unsigned *first)
{
        for (unsigned i = 0; i + 1 < p->nvalues; i++) {
                LLVMValueRef v = p->values[i];

                if (!is_used_outside(p, v))
                        continue;
                replace_outside(p, v, p->linear[i] ? add_constant(p, v, -(p->ncopies - 1) * p->step[i])
                                                   : p->values[first[i]]);
        }
}

/* What is known of a value (no wrap, no sign) was known of its steps of before. */
static void make_plain(struct lowering *l, LLVMValueRef v)
{
        LLVMValueRef plain, index;

        LLVMPositionBuilderBefore(l->b, v);
        if (LLVMIsABinaryOperator(v) && LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMIntegerTypeKind) {
                plain = LLVMBuildBinOp(l->b, is_sum(v) ? LLVMAdd : LLVMGetInstructionOpcode(v),
                                       LLVMGetOperand(v, 0), LLVMGetOperand(v, 1), "");
        } else if (LLVMIsACastInst(v)) {
                plain = LLVMBuildCast(l->b, LLVMGetInstructionOpcode(v), LLVMGetOperand(v, 0), LLVMTypeOf(v), "");
        } else if (LLVMIsAICmpInst(v)) {
                plain = LLVMBuildICmp(l->b, LLVMGetICmpPredicate(v), LLVMGetOperand(v, 0), LLVMGetOperand(v, 1), "");
        } else if (LLVMIsAGetElementPtrInst(v)) {
                index = LLVMGetOperand(v, 1);
                plain = LLVMBuildGEP2(l->b, LLVMGetGEPSourceElementType(v), LLVMGetOperand(v, 0), &index, 1, "");
        } else {
                return;
        }
        LLVMReplaceAllUsesWith(v, plain);
        LLVMInstructionEraseFromParent(v);
}

static void roll_up(struct loop *p, const unsigned *first)
{
        LLVMValueRef end = p->values[p->nvalues - 1], condition = LLVMGetCondition(end);
        LLVMBuilderRef b = p->l->b;

        LLVMPositionBuilderBefore(b, end);
        replace_results(p, first);
        for (unsigned i = 0; i < p->nphis; i++)
                LLVMSetOperand(p->values[i], p->back, p->linear[i] ? add_constant(p, p->values[i], p->step[i])
                                                                   : p->image[1][i]);
        LLVMSetCondition(end, LLVMBuildICmp(b, LLVMGetICmpPredicate(condition),
                                            add_constant(p, p->values[p->exit_phi], p->exit_add), p->exit_bound, ""));
        for (unsigned i = p->nvalues - 1; i-- > p->nphis;) {
                LLVMValueRef v = p->values[i];

                if ((p->copy[i] != NO_COPY && p->copy[i] > 0) || (p->copy[i] == NO_COPY && !LLVMGetFirstUse(v)))
                        LLVMInstructionEraseFromParent(v);
                else
                        make_plain(p->l, v);
        }
}

static bool reroll(struct loop *p, unsigned ncopies)
{
        unsigned first[LOOP_VALUES];

        if (!loop_match(p, ncopies) || !loop_exit(p))
                return false;
        for (unsigned i = 0; i < p->nvalues; i++)
                first[i] = i;
        for (unsigned j = 1; j < ncopies; j++)
                for (unsigned i = p->nphis; i < p->nvalues; i++)
                        if (p->image[j][i])
                                first[loop_index(p, p->image[j][i])] = i;
        if (!memory_in_order(p, first) || !neighbours(p) || !complete(p))
                return false;
        roll_up(p, first);
        return true;
}

void reroll_loops(struct lowering *l)
{
        struct loop p;

        for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f))
                for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b))
                        for (unsigned n = LOOP_COPIES; loop_read(&p, l, b) && n > 1; n--)
                                if (reroll(&p, n))
                                        break;
}
