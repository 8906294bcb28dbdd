/* Atomic accesses: aligned or a trap, and sequentially consistent. */
#include "engine/compile/peak/lower.h"

#define SEQ_CST LLVMAtomicOrderingSequentiallyConsistent

static const LLVMAtomicRMWBinOp rmw_ops[] = {
        [ATOMIC_ADD] = LLVMAtomicRMWBinOpAdd, [ATOMIC_SUB] = LLVMAtomicRMWBinOpSub,
        [ATOMIC_AND] = LLVMAtomicRMWBinOpAnd, [ATOMIC_OR] = LLVMAtomicRMWBinOpOr,
        [ATOMIC_XOR] = LLVMAtomicRMWBinOpXor, [ATOMIC_XCHG] = LLVMAtomicRMWBinOpXchg,
};

static LLVMValueRef pop_narrow(struct body *s, LLVMTypeRef type)
{
        LLVMValueRef v = pop(s);

        return LLVMTypeOf(v) == type ? v : LLVMBuildTrunc(s->l->b, v, type, "");
}

static LLVMValueRef pop_aligned(struct body *s, const struct instruction *in, unsigned bytes)
{
        struct lowering *l = s->l;
        LLVMValueRef index = pop(s), low;

        body_mark(s, in->at);
        if (bytes > 1) {
                low = LLVMBuildAdd(l->b, index_64(s, index), const_i64(l, in->offset & (bytes - 1)), "");
                low = LLVMBuildAnd(l->b, low, const_i64(l, bytes - 1), "");
                trap_if(s, LLVMBuildICmp(l->b, LLVMIntNE, low, const_i64(l, 0), ""),
                        TRAP_UNALIGNED_ATOMIC);
        }
        return memory_pointer(s, in->index, index, in->offset, bytes);
}

static void push_wide(struct body *s, const struct instruction *in, LLVMValueRef v)
{
        LLVMTypeRef full = opcode_table[in->op].pushes[0] == 'i' ? s->l->i32 : s->l->i64;

        push(s, LLVMTypeOf(v) == full ? v : LLVMBuildZExt(s->l->b, v, full, ""));
}

static void load(struct body *s, const struct instruction *in, LLVMTypeRef type, unsigned bytes)
{
        LLVMValueRef v = LLVMBuildLoad2(s->l->b, type, pop_aligned(s, in, bytes), "");

        LLVMSetOrdering(v, SEQ_CST);
        LLVMSetAlignment(v, bytes);
        LLVMSetVolatile(v, true);
        push_wide(s, in, v);
}

static void store(struct body *s, const struct instruction *in, LLVMTypeRef type, unsigned bytes)
{
        LLVMValueRef value = pop_narrow(s, type);
        LLVMValueRef v = LLVMBuildStore(s->l->b, value, pop_aligned(s, in, bytes));

        LLVMSetOrdering(v, SEQ_CST);
        LLVMSetAlignment(v, bytes);
        LLVMSetVolatile(v, true);
}

static void compare_exchange(struct body *s, const struct instruction *in, LLVMTypeRef type,
                             unsigned bytes)
{
        LLVMValueRef replacement = pop_narrow(s, type), expected = pop_narrow(s, type), v;

        v = LLVMBuildAtomicCmpXchg(s->l->b, pop_aligned(s, in, bytes), expected, replacement, SEQ_CST,
                                   SEQ_CST, false);
        LLVMSetVolatile(v, true);
        push_wide(s, in, LLVMBuildExtractValue(s->l->b, v, 0, ""));
}

/* Up to LLVM 17 a change that changes nothing, such as an or with 0, becomes an access of the stack when nobody looks at
 * the old value, volatile or not: so its trap would be lost. What the value is goes through assembly without an
 * instruction, which nothing sees through. */
static LLVMValueRef unknown(struct lowering *l, LLVMValueRef v)
{
#if LLVM_VERSION_MAJOR < 18
        return assembly(l, "", "=r,0", &v, 1);
#else
        (void)l;
        return v;
#endif
}

static void modify(struct body *s, const struct instruction *in, LLVMTypeRef type, unsigned bytes,
                   enum atomic kind)
{
        LLVMValueRef value = pop_narrow(s, type), v;

        v = LLVMBuildAtomicRMW(s->l->b, rmw_ops[kind], pop_aligned(s, in, bytes),
                               unknown(s->l, value), SEQ_CST, false);
        LLVMSetVolatile(v, true);
        push_wide(s, in, v);
}

bool lower_atomic(struct body *s, const struct instruction *in)
{
        enum atomic kind = opcode_atomic((enum opcode)in->op);
        unsigned bytes = opcode_access_bytes((enum opcode)in->op);
        LLVMTypeRef type = LLVMIntTypeInContext(s->l->context, bytes ? 8 * bytes : 8);

        switch (kind) {
        case ATOMIC_LOAD:
                load(s, in, type, bytes);
                return true;
        case ATOMIC_STORE:
                store(s, in, type, bytes);
                return true;
        case ATOMIC_CMPXCHG:
                compare_exchange(s, in, type, bytes);
                return true;
        case ATOMIC_NOT:
                if (in->op != OP_ATOMIC_FENCE)
                        return false;
                (void)LLVMBuildFence(s->l->b, SEQ_CST, false, "");
                return true;
        default:
                modify(s, in, type, bytes, kind);
                return true;
        }
}
