/* Parameters, results and every kind of call, as abi.h lays them down. */
#include "engine/compile/idioms.h"
#include "engine/compile/peak/lower.h"

static LLVMValueRef spill_at(struct lowering *l, unsigned index)
{
        return instance_at(l, l->layout->spill + (int32_t)(index * ABI_SPILL_BYTES));
}

void lower_parameters(struct body *s)
{
        struct lowering *l = s->l;
        struct abi_walk walk = { 0 };
        unsigned n = 0;

        for (uint32_t i = 0; i < s->type->nparams; i++) {
                valtype t = s->type->params[i];
                struct abi_location at = abi_next(&walk, t);
                LLVMValueRef v;

                if (at.place == ABI_SPILL)
                        v = load_field(s, lower_travel_type(l, t), spill_at(l, at.index), CLASS_SPILL,
                                       false);
                else
                        v = LLVMGetParam(s->f, n++);
                LLVMBuildStore(l->b, arrive(s, v, t), s->locals[i]);
        }
}

void lower_return(struct body *s)
{
        struct lowering *l = s->l;
        uint32_t n = s->type->nresults;
        LLVMValueRef *results = &s->stack[s->depth - n];

        for (uint32_t i = 1; i < n; i++)
                store_field(s, travel(s, results[i], s->type->results[i]), spill_at(l, i - 1),
                            CLASS_SPILL);
        if (n)
                LLVMBuildRet(l->b, travel(s, results[0], s->type->results[0]));
        else
                LLVMBuildRetVoid(l->b);
}

/* Arguments off the stack, those beyond the registers into the spill area. Returns how many
 * travel in registers, at most all of @args. */
static unsigned take_arguments(struct body *s, const struct functype *type, LLVMValueRef *args)
{
        LLVMValueRef *values = &s->stack[s->depth - type->nparams];
        struct abi_walk walk = { 0 };
        unsigned n = 0;

        for (uint32_t i = 0; i < type->nparams; i++) {
                struct abi_location at = abi_next(&walk, type->params[i]);
                LLVMValueRef v = travel(s, values[i], type->params[i]);

                if (at.place == ABI_SPILL)
                        store_field(s, v, spill_at(s->l, at.index), CLASS_SPILL);
                else
                        args[n++] = v;
        }
        s->depth -= type->nparams;
        return n;
}

static void finish_call(struct body *s, const struct functype *type, LLVMValueRef call, bool tail)
{
        struct lowering *l = s->l;

        LLVMSetTailCallKind(call, tail ? LLVMTailCallKindTail : LLVMTailCallKindNoTail);
        if (tail) {
                if (type->nresults)
                        LLVMBuildRet(l->b, call);
                else
                        LLVMBuildRetVoid(l->b);
                s->dead = true;
                return;
        }
        for (uint32_t i = 0; i < type->nresults; i++) {
                LLVMValueRef v = call;

                if (i)
                        v = load_field(s, lower_travel_type(l, type->results[i]), spill_at(l, i - 1),
                                       CLASS_SPILL, false);
                push(s, arrive(s, v, type->results[i]));
        }
}

/* Through a pointer: @data goes to r10. */
static void call_pointer(struct body *s, const struct functype *type, LLVMValueRef code,
                         LLVMValueRef data, bool tail)
{
        LLVMValueRef args[1 + ABI_INTEGER_ARGS + ABI_VECTOR_ARGS] = { data }, call;
        unsigned n = 1 + take_arguments(s, type, args + 1);

        call = LLVMBuildCall2(s->l->b, lower_function_type(s->l, type, true), code, args, n, "");
        LLVMAddCallSiteAttribute(call, 1, s->l->nest);
        finish_call(s, type, call, tail);
}

/* The product of 128 bits in place of a call of the helper that computes it. */
static void multiply_128(struct body *s, const struct instruction *in, bool low_first)
{
        struct lowering *l = s->l;
        LLVMTypeRef wide = LLVMIntTypeInContext(l->context, 128);
        LLVMValueRef *args = &s->stack[s->depth - 5], halves[2], product, high;

        s->depth -= 5;
        product = LLVMBuildMul(l->b, LLVMBuildZExt(l->b, args[1], wide, ""),
                               LLVMBuildZExt(l->b, args[3], wide, ""), "");
        halves[0] = LLVMBuildTrunc(l->b, product, l->i64, "");
        high = LLVMBuildLShr(l->b, product, LLVMConstInt(wide, 64, false), "");
        high = LLVMBuildTrunc(l->b, high, l->i64, "");
        high = LLVMBuildAdd(l->b, high, LLVMBuildMul(l->b, args[2], args[3], ""), "");
        halves[1] = LLVMBuildAdd(l->b, high, LLVMBuildMul(l->b, args[1], args[4], ""), "");
        body_mark(s, in->at);
        for (unsigned i = 0; i < 2; i++) {
                unsigned half = low_first ? i : 1 - i;

                memory_store(s, halves[half], memory_pointer(s, 0, args[0], 8 * half, 8));
        }
}

static void call_function(struct body *s, const struct instruction *in, bool tail)
{
        struct lowering *l = s->l;
        const struct functype *type = module_function_type(l->m, in->index);
        LLVMValueRef args[ABI_INTEGER_ARGS + ABI_VECTOR_ARGS], f;
        int32_t at = l->layout->imports + (int32_t)(in->index * sizeof(struct import_desc));
        bool low_first;

        body_mark(s, in->at);
        if (in->index < l->m->imported_functions) {
                f = load_field(s, l->pointer, instance_at(l, at), CLASS_DESCRIPTOR, true);
                call_pointer(s, type, f, load_field(s, l->pointer, instance_at(l, at + 8),
                                                    CLASS_DESCRIPTOR, true), tail);
                return;
        }
        if (!tail && idiom_find(l->m, in->index, &low_first) == IDIOM_MUL128) {
                multiply_128(s, in, low_first);
                return;
        }
        f = lower_function(l, in->index);
        finish_call(s, type, LLVMBuildCall2(l->b, lower_function_type(l, type, false), f, args,
                                            take_arguments(s, type, args), ""), tail);
}

static LLVMValueRef entry_field(struct body *s, LLVMValueRef entry, unsigned offset, LLVMTypeRef type)
{
        LLVMValueRef index = const_i64(s->l, offset);

        return load_field(s, type, LLVMBuildGEP2(s->l->b, s->l->i8, entry, &index, 1, ""),
                          CLASS_DESCRIPTOR, false);
}

static void call_indirect(struct body *s, const struct instruction *in, bool tail)
{
        struct lowering *l = s->l;
        const struct functype *type = &l->m->types[in->index];
        int32_t desc = l->layout->tables + (int32_t)(in->index2 * sizeof(struct table_desc));
        LLVMValueRef index = index_64(s, pop(s)), length, base, entry, wanted, code;
        LLVMBasicBlockRef bad, good;
        LLVMValueRef branch;

        body_mark(s, in->at);
        length = load_field(s, l->i64, instance_at(l, desc + 8), CLASS_DESCRIPTOR, false);
        trap_if(s, LLVMBuildICmp(l->b, LLVMIntUGE, index, length, ""), TRAP_UNDEFINED_ELEMENT);
        base = load_field(s, l->pointer, instance_at(l, desc), CLASS_DESCRIPTOR, false);
        index = LLVMBuildShl(l->b, index, const_i64(l, 5), "");
        entry = LLVMBuildGEP2(l->b, l->i8, base, &index, 1, "");
        wanted = load_field(s, l->i32, instance_at(l, l->layout->types + 4 * (int32_t)in->index),
                            CLASS_DESCRIPTOR, true);
        good = new_block(s, "");
        bad = new_block(s, "");
        branch = LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntNE,
                                                     entry_field(s, entry, offsetof(struct table_entry, type),
                                                                 l->i32), wanted, ""), bad, good);
        LLVMSetMetadata(branch, l->kind_prof, l->unlikely);
        LLVMPositionBuilderAtEnd(l->b, bad);
        code = entry_field(s, entry, offsetof(struct table_entry, code), l->pointer);
        trap_if(s, LLVMBuildIsNull(l->b, code, ""), TRAP_UNINITIALIZED);
        trap_now(s, TRAP_CALL_TYPE_MISMATCH);
        LLVMPositionBuilderAtEnd(l->b, good);
        code = entry_field(s, entry, offsetof(struct table_entry, code), l->pointer);
        call_pointer(s, type, code, entry_field(s, entry, offsetof(struct table_entry, data), l->pointer),
                     tail);
}

static void call_reference(struct body *s, const struct instruction *in, bool tail)
{
        struct lowering *l = s->l;
        LLVMValueRef ref = pop(s), entry;

        body_mark(s, in->at);
        trap_if(s, LLVMBuildICmp(l->b, LLVMIntEQ, ref, const_i64(l, 0), ""), TRAP_NULL_FUNCTION);
        entry = LLVMBuildIntToPtr(l->b, ref, l->pointer, "");
        call_pointer(s, &l->m->types[in->index],
                     entry_field(s, entry, offsetof(struct table_entry, code), l->pointer),
                     entry_field(s, entry, offsetof(struct table_entry, data), l->pointer), tail);
}

bool lower_call(struct body *s, const struct instruction *in)
{
        switch (in->op) {
        case OP_CALL:
                call_function(s, in, false);
                return true;
        case OP_RETURN_CALL:
                call_function(s, in, true);
                return true;
        case OP_CALL_REF:
                call_reference(s, in, false);
                return true;
        case OP_RETURN_CALL_REF:
                call_reference(s, in, true);
                return true;
        case OP_CALL_INDIRECT:
                call_indirect(s, in, false);
                return true;
        case OP_RETURN_CALL_INDIRECT:
                call_indirect(s, in, true);
                return true;
        default:
                return false;
        }
}
