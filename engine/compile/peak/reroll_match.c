/* reroll_match.c - which values of a loop are copies of each other. */
#include "engine/compile/peak/reroll_loop.h"

#include <llvm/Config/llvm-config.h>
#include <string.h>

#define SUM_TERMS 6
#define PAIRS     512

struct sum {
        LLVMValueRef terms[SUM_TERMS];
        unsigned n;
        uint64_t constant;
};

struct pair {
        LLVMValueRef first, later;
};

struct matching {
        struct loop *p;
        unsigned copy;
        struct pair pairs[PAIRS];
        unsigned n;
};

static uint64_t width_mask(LLVMValueRef v)
{
        unsigned bits = LLVMGetIntTypeWidth(LLVMTypeOf(v));

        return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static bool is_integer(LLVMValueRef v)
{
        return LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(LLVMTypeOf(v)) <= 64;
}

static uint64_t constant_of(LLVMValueRef v)
{
        return (uint64_t)LLVMConstIntGetSExtValue(v);
}

static size_t slot_of(const struct loop *p, LLVMValueRef v)
{
        size_t room = ELEMENTSOF(p->slots), at = ((uintptr_t)v >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32;

        for (at %= room; p->slots[at] && p->values[p->slots[at] - 1] != v;)
                at = (at + 1) % room;
        return at;
}

unsigned loop_index(const struct loop *p, LLVMValueRef v)
{
        uint16_t slot = p->slots[slot_of(p, v)];

        return slot ? slot - 1u : LOOP_VALUES;
}

bool is_sum(LLVMValueRef v)
{
        if (!LLVMIsAInstruction(v))
                return false;
        if (LLVMGetInstructionOpcode(v) == LLVMAdd)
                return true;
#if LLVM_VERSION_MAJOR >= 18
        if (LLVMGetInstructionOpcode(v) == LLVMOr)
                return LLVMGetIsDisjoint(v);
#endif
        return false;
}

/* ---- sums ------------------------------------------------------------------------------------- */

static bool sum_add(struct sum *s, LLVMValueRef term)
{
        unsigned i = s->n;

        if (s->n == SUM_TERMS)
                return false;
        for (; i > 0 && s->terms[i - 1] > term; i--)
                s->terms[i] = s->terms[i - 1];
        s->terms[i] = term;
        s->n++;
        return true;
}

/* Additions in the loop are taken apart; outside, those of constants. */
static bool sum_of(const struct loop *p, LLVMValueRef v, struct sum *s)
{
        LLVMValueRef open[2 * SUM_TERMS] = { v };
        unsigned n = 1;

        *s = (struct sum) { 0 };
        while (n) {
                v = open[--n];
                if (LLVMIsAConstantInt(v)) {
                        s->constant += constant_of(v);
                } else if (is_sum(v) && (loop_index(p, v) < LOOP_VALUES ||
                                         LLVMIsAConstantInt(LLVMGetOperand(v, 1)))) {
                        if (n + 2 > ELEMENTSOF(open))
                                return false;
                        open[n++] = LLVMGetOperand(v, 0);
                        open[n++] = LLVMGetOperand(v, 1);
                } else if (!sum_add(s, v)) {
                        return false;
                }
        }
        return true;
}

bool loop_difference(const struct loop *p, LLVMValueRef v, LLVMValueRef other, uint64_t *ret)
{
        struct sum a, b;

        if (!sum_of(p, v, &a) || !sum_of(p, other, &b) || a.n != b.n ||
            memcmp(a.terms, b.terms, a.n * sizeof(*a.terms)) != 0)
                return false;
        *ret = (a.constant - b.constant) & width_mask(v);
        return true;
}

/* ---- values that grow ------------------------------------------------------------------------- */

/* What an operand grows by: false when it is not linear. */
static bool operand_step(const struct loop *p, LLVMValueRef v, uint64_t *ret)
{
        unsigned i = loop_index(p, v);

        *ret = i < LOOP_VALUES ? p->step[i] : 0;
        return i == LOOP_VALUES || p->linear[i];
}

static bool phi_step(const struct loop *p, LLVMValueRef phi, uint64_t *ret)
{
        uint64_t whole;
        int64_t by;

        if (!loop_difference(p, LLVMGetOperand(phi, p->back), phi, &whole))
                return false;
        by = (int64_t)(whole << (64 - LLVMGetIntTypeWidth(LLVMTypeOf(phi)))) >>
             (64 - LLVMGetIntTypeWidth(LLVMTypeOf(phi)));
        *ret = (uint64_t)(by / (int64_t)p->ncopies);
        return by % (int64_t)p->ncopies == 0;
}

static bool value_step(const struct loop *p, LLVMValueRef v, uint64_t *ret)
{
        uint64_t a = 0, b = 0;
        bool constant;

        if (!is_integer(v))
                return false;
        if (LLVMIsAPHINode(v))
                return phi_step(p, v, ret);
        switch (LLVMGetInstructionOpcode(v)) {
        case LLVMAdd:
        case LLVMSub:
        case LLVMMul:
        case LLVMShl:
        case LLVMOr:
                if (!operand_step(p, LLVMGetOperand(v, 0), &a) || !operand_step(p, LLVMGetOperand(v, 1), &b))
                        return false;
                break;
        case LLVMTrunc:
                return operand_step(p, LLVMGetOperand(v, 0), ret);
        default:
                return false;
        }
        constant = LLVMIsAConstantInt(LLVMGetOperand(v, 1));
        switch (LLVMGetInstructionOpcode(v)) {
        case LLVMSub:
                *ret = a - b;
                return true;
        case LLVMMul:
                *ret = constant ? a * constant_of(LLVMGetOperand(v, 1)) : 0;
                return constant;
        case LLVMShl:
                constant = constant && constant_of(LLVMGetOperand(v, 1)) < 64;
                *ret = constant ? a << constant_of(LLVMGetOperand(v, 1)) : 0;
                return constant;
        default:
                *ret = a + b;
                return is_sum(v);
        }
}

/* ---- pairs ------------------------------------------------------------------------------------ */

static bool is_intrinsic_of_numbers(LLVMValueRef call)
{
        static const char *const names[] = {
                "llvm.umin", "llvm.umax", "llvm.smin", "llvm.smax", "llvm.abs", "llvm.fabs", "llvm.sqrt", "llvm.ceil",
                "llvm.floor", "llvm.trunc", "llvm.rint", "llvm.nearbyint", "llvm.roundeven", "llvm.copysign",
                "llvm.minimum", "llvm.maximum", "llvm.fshl", "llvm.fshr", "llvm.ctpop",
        };
        unsigned id = LLVMIsAIntrinsicInst(call) ? LLVMGetIntrinsicID(LLVMGetCalledValue(call)) : 0;

        for (size_t i = 0; id && i < ELEMENTSOF(names); i++)
                if (LLVMLookupIntrinsicID(names[i], strlen(names[i])) == id)
                        return true;
        return false;
}

static bool same_kind(LLVMValueRef a, LLVMValueRef b)
{
        LLVMOpcode op = LLVMGetInstructionOpcode(a);

        if (op != LLVMGetInstructionOpcode(b) || LLVMTypeOf(a) != LLVMTypeOf(b))
                return false;
        switch (op) {
        case LLVMICmp:
                return LLVMGetICmpPredicate(a) == LLVMGetICmpPredicate(b);
        case LLVMFCmp:
                return LLVMGetFCmpPredicate(a) == LLVMGetFCmpPredicate(b);
        case LLVMGetElementPtr:
                return LLVMGetNumOperands(a) == 2 && LLVMGetNumOperands(b) == 2 &&
                       LLVMGetGEPSourceElementType(a) == LLVMGetGEPSourceElementType(b);
        case LLVMLoad:
        case LLVMStore:
                return !LLVMGetVolatile(a) && !LLVMGetVolatile(b) && LLVMGetOrdering(a) == LLVMAtomicOrderingNotAtomic &&
                       LLVMGetOrdering(b) == LLVMAtomicOrderingNotAtomic;
        case LLVMCall:
                return LLVMGetCalledValue(a) == LLVMGetCalledValue(b) && is_intrinsic_of_numbers(a);
        case LLVMSelect:
        case LLVMFreeze:
        case LLVMFNeg:
                return true;
        default:
                return LLVMIsABinaryOperator(a) || LLVMIsACastInst(a);
        }
}

static bool commutes(LLVMValueRef v)
{
        switch (LLVMGetInstructionOpcode(v)) {
        case LLVMAdd:
        case LLVMMul:
        case LLVMAnd:
        case LLVMOr:
        case LLVMXor:
                return true;
        default:
                return false;
        }
}

/* Whether two operands look as if they could be images. */
static bool alike(const struct loop *p, LLVMValueRef a, LLVMValueRef b)
{
        unsigned i = loop_index(p, a), j = loop_index(p, b);

        if (i == LOOP_VALUES || j == LOOP_VALUES)
                return a == b;
        return LLVMIsAPHINode(a) || LLVMGetInstructionOpcode(a) == LLVMGetInstructionOpcode(b);
}

static bool push_pair(struct matching *m, LLVMValueRef first, LLVMValueRef later)
{
        if (m->n == PAIRS)
                return false;
        m->pairs[m->n++] = (struct pair) { first, later };
        return true;
}

static bool push_operands(struct matching *m, LLVMValueRef first, LLVMValueRef later)
{
        unsigned n = (unsigned)LLVMGetNumOperands(first);
        bool swap = commutes(first) && !alike(m->p, LLVMGetOperand(first, 0), LLVMGetOperand(later, 0));

        for (unsigned i = 0; i < n; i++)
                if (!push_pair(m, LLVMGetOperand(first, i), LLVMGetOperand(later, swap ? 1 - i : i)))
                        return false;
        return true;
}

/* @later may be the image of @first in the copy at hand, if the operands are as well. */
static bool match_pair(struct matching *m, LLVMValueRef first, LLVMValueRef later)
{
        struct loop *p = m->p;
        unsigned i = loop_index(p, first), j = loop_index(p, later);
        uint64_t by;

        if (i == LOOP_VALUES)
                return first == later;
        if (p->linear[i] && LLVMTypeOf(later) == LLVMTypeOf(first) && loop_difference(p, later, first, &by) &&
            by == (m->copy * p->step[i] & width_mask(first)))
                return true;
        if (p->image[m->copy][i])
                return p->image[m->copy][i] == later;
        if (i < p->nphis) {
                p->image[m->copy][i] = later;
                return !p->linear[i];
        }
        if (j == LOOP_VALUES || j < p->nphis || !same_kind(first, later) || p->copy[j] != NO_COPY ||
            (p->copy[i] != NO_COPY && p->copy[i] != 0))
                return false;
        p->copy[i] = 0;
        p->copy[j] = (uint8_t)m->copy;
        p->image[m->copy][i] = later;
        return push_operands(m, first, later);
}

static bool match_all(struct loop *p, unsigned copy, LLVMValueRef first, LLVMValueRef later)
{
        struct matching m = { .p = p, .copy = copy, .pairs = { { first, later } }, .n = 1 };

        while (m.n) {
                struct pair pair = m.pairs[--m.n];

                if (!match_pair(&m, pair.first, pair.later))
                        return false;
        }
        return true;
}

static bool match_stores(struct loop *p)
{
        LLVMValueRef stores[LOOP_VALUES];
        unsigned n = 0, each;

        for (unsigned i = 0; i < p->nvalues; i++)
                if (LLVMIsAStoreInst(p->values[i]))
                        stores[n++] = p->values[i];
        if (n % p->ncopies)
                return false;
        each = n / p->ncopies;
        for (unsigned j = 1; j < p->ncopies; j++)
                for (unsigned i = 0; i < each; i++)
                        if (!match_all(p, j, stores[i], stores[j * each + i]))
                                return false;
        return true;
}

/* A sum or the like over the copies: one operation of a kind after the other, from phi to phi. */
static bool match_reduction(struct loop *p, unsigned phi)
{
        LLVMValueRef chain[LOOP_VALUES], v = LLVMGetOperand(p->values[phi], p->back);
        unsigned n = 0, each;

        while (v != p->values[phi]) {
                unsigned i = loop_index(p, v);
                LLVMValueRef on = NULL;

                if (i == LOOP_VALUES || i < p->nphis || n == LOOP_VALUES || !is_integer(v) || !LLVMIsABinaryOperator(v))
                        return false;
                chain[n++] = v;
                for (unsigned k = 0; k < 2; k++) {
                        LLVMValueRef from = LLVMGetOperand(v, k);

                        if (from == p->values[phi] ||
                            (!on && LLVMIsAInstruction(from) &&
                             LLVMGetInstructionOpcode(from) == LLVMGetInstructionOpcode(v)))
                                on = from;
                }
                if (!on)
                        return false;
                v = on;
        }
        if (!n || n % p->ncopies)
                return false;
        each = n / p->ncopies;
        for (unsigned j = 1; j < p->ncopies; j++) /* chain[n - 1] is the first */
                if (!match_all(p, j, chain[n - each], chain[n - each * (j + 1)]))
                        return false;
        return true;
}

static unsigned images(const struct loop *p)
{
        unsigned n = 0;

        for (unsigned j = 1; j < p->ncopies; j++)
                for (unsigned i = 0; i < p->nphis; i++)
                        n += p->image[j][i] != NULL;
        return n;
}

/* Each phi holds in copy j + 1 the image in copy j of what it holds in copy 1, and in the end that goes back. */
static bool match_phi(struct loop *p, unsigned phi)
{
        LLVMValueRef next = p->image[1][phi];

        for (unsigned j = 1; next && j < p->ncopies; j++) {
                LLVMValueRef later = j + 1 < p->ncopies ? p->image[j + 1][phi]
                                                        : LLVMGetOperand(p->values[phi], p->back);

                if (later && !match_all(p, j, next, later))
                        return false;
        }
        return next;
}

static bool match_phis(struct loop *p)
{
        unsigned before;

        do { /* a match can give another phi its image */
                before = images(p);
                for (unsigned i = 0; i < p->nphis; i++)
                        if (!p->linear[i] && !match_phi(p, i))
                                return false;
        } while (images(p) != before);
        return true;
}

bool loop_match(struct loop *p, unsigned ncopies)
{
        p->ncopies = ncopies;
        memset(p->copy, NO_COPY, sizeof(p->copy));
        memset(p->image, 0, sizeof(p->image));
        memset(p->linear, 0, sizeof(p->linear));
        for (unsigned i = 0; i < p->nvalues; i++)
                p->linear[i] = value_step(p, p->values[i], &p->step[i]);
        if (!match_stores(p))
                return false;
        for (unsigned i = 0; i < p->nphis; i++)
                if (!p->linear[i] && !p->image[1][i] && !match_reduction(p, i))
                        return false;
        return match_phis(p);
}
