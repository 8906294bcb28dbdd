#include "engine/compile/nans.h"
#include "engine/compile/peak/lower.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/pool.h"

LLVMBasicBlockRef new_block(struct body *s, const char *name)
{
        return LLVMAppendBasicBlockInContext(s->l->context, s->f, name);
}

void body_mark(struct body *s, const uint8_t *at)
{
        unsigned line = (unsigned)(at - s->body_start) + 1; /* line 0 means unknown */

        LLVMSetCurrentDebugLocation2(s->l->b, LLVMDIBuilderCreateDebugLocation(s->l->context, line, 0,
                                                                              s->scope, NULL));
}

LLVMValueRef call_intrinsic(struct lowering *l, const char *name, LLVMTypeRef *types,
                            unsigned ntypes, LLVMValueRef *args, unsigned nargs)
{
        unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
        LLVMValueRef f = LLVMGetIntrinsicDeclaration(l->module, id, types, ntypes);

        return LLVMBuildCall2(l->b, LLVMGlobalGetValueType(f), f, args, nargs, "");
}

LLVMValueRef assembly(struct lowering *l, const char *code, const char *where, LLVMValueRef *args, unsigned n)
{
        LLVMTypeRef types[2] = { 0 }, type;
        LLVMValueRef f;

        for (unsigned i = 0; i < n && i < ELEMENTSOF(types); i++)
                types[i] = LLVMTypeOf(args[i]);
        type = LLVMFunctionType(types[0], types, n, false);
        f = LLVMGetInlineAsm(type, (char *)(uintptr_t)code, strlen(code), (char *)(uintptr_t)where, strlen(where), false,
                             false, LLVMInlineAsmDialectATT, false);
        return LLVMBuildCall2(l->b, type, f, args, n, "");
}

void trap_now(struct body *s, enum trap trap)
{
        struct lowering *l = s->l;
        LLVMValueRef code = LLVMConstInt(l->i8, trap, false), call;

        call = call_intrinsic(l, "llvm.ubsantrap", NULL, 0, &code, 1);
        /* Merged traps would share one address, and lose where they came from. */
        LLVMAddCallSiteAttribute(call, LLVMAttributeFunctionIndex, l->nomerge);
        LLVMBuildUnreachable(l->b);
}

void trap_if(struct body *s, LLVMValueRef condition, enum trap trap)
{
        struct lowering *l = s->l;
        LLVMBasicBlockRef bad, good;
        LLVMValueRef branch;

        if (LLVMIsAConstantInt(condition) && !LLVMConstIntGetZExtValue(condition))
                return;
        bad = new_block(s, "");
        good = new_block(s, "");
        branch = LLVMBuildCondBr(l->b, condition, bad, good);
        LLVMSetMetadata(branch, l->kind_prof, l->unlikely);
        LLVMPositionBuilderAtEnd(l->b, bad);
        trap_now(s, trap);
        LLVMPositionBuilderAtEnd(l->b, good);
}

LLVMValueRef instance_at(struct lowering *l, int32_t displacement)
{
        LLVMValueRef at = const_i64(l, (uint64_t)(int64_t)displacement);

        if (l->machine == MACHINE_X86_64)
                return LLVMConstIntToPtr(at, LLVMTypeOf(l->base));
        return LLVMBuildGEP2(l->b, l->i8, l->base, &at, 1, "");
}

LLVMValueRef load_field(struct body *s, LLVMTypeRef type, LLVMValueRef pointer,
                        enum memory_class class, bool invariant)
{
        struct lowering *l = s->l;
        LLVMValueRef v = LLVMBuildLoad2(l->b, type, pointer, "");

        LLVMSetMetadata(v, l->kind_tbaa, l->tbaa[class]);
        if (invariant)
                LLVMSetMetadata(v, l->kind_invariant,
                                LLVMMetadataAsValue(l->context, LLVMMDNodeInContext2(l->context, NULL, 0)));
        return v;
}

void store_field(struct body *s, LLVMValueRef value, LLVMValueRef pointer, enum memory_class class)
{
        LLVMValueRef v = LLVMBuildStore(s->l->b, value, pointer);

        LLVMSetMetadata(v, s->l->kind_tbaa, s->l->tbaa[class]);
}

LLVMValueRef travel(struct body *s, LLVMValueRef v, valtype t)
{
        return valtype_kind(t) == VAL_I32 ? LLVMBuildZExt(s->l->b, v, s->l->i64, "") : v;
}

LLVMValueRef arrive(struct body *s, LLVMValueRef v, valtype t)
{
        return valtype_kind(t) == VAL_I32 ? LLVMBuildTrunc(s->l->b, v, s->l->i32, "") : v;
}

/* LLVM folds x * 1.0, x - 0.0 and the like to x, which loses the quieting of a signalling NaN:
 * such a constant is hidden from it. */
LLVMValueRef quiet_operand(struct lowering *l, LLVMValueRef v)
{
        LLVMTypeRef type = LLVMTypeOf(v);
        LLVMBool lossy;
        double d;

        if (!LLVMIsAConstantFP(v))
                return v;
        d = LLVMConstRealGetDouble(v, &lossy);
        if (d != 0 && d != 1 && d != -1)
                return v;
        return call_intrinsic(l, "llvm.arithmetic.fence", &type, 1, &v, 1);
}

static bool lower_variable(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        LLVMValueRef a, b, c;

        switch (in->op) {
        case OP_DROP:
                (void)pop(s);
                return true;
        case OP_SELECT:
        case OP_SELECT_T:
                c = is_true(s, pop(s));
                b = pop(s);
                a = pop(s);
                push(s, LLVMBuildSelect(l->b, c, a, b, ""));
                return true;
        case OP_LOCAL_GET:
                push(s, LLVMBuildLoad2(l->b, lower_type(l, s->local_types[in->index]),
                                       s->locals[in->index], ""));
                return true;
        case OP_LOCAL_SET:
                LLVMBuildStore(l->b, pop(s), s->locals[in->index]);
                return true;
        case OP_LOCAL_TEE:
                LLVMBuildStore(l->b, s->stack[s->depth - 1], s->locals[in->index]);
                return true;
        default:
                return false;
        }
}

/* ---- a function ----------------------------------------------------------------------------- */

static int body_alloc(struct body *s, const struct function_facts *facts)
{
        s->nlocals = facts->nlocals;
        s->depth_max = facts->max_stack + 1;
        s->control_max = facts->max_nesting + 1;
        s->locals = calloc(s->nlocals + 1, sizeof(*s->locals));
        s->local_types = calloc(s->nlocals + 1, sizeof(*s->local_types));
        s->stack = calloc(s->depth_max, sizeof(*s->stack));
        s->control = calloc(s->control_max, sizeof(*s->control));
        return s->locals && s->local_types && s->stack && s->control ? 0 : -ENOMEM;
}

static void body_free(struct body *s)
{
        for (uint32_t i = 0; i < s->ncontrol; i++)
                control_free(&s->control[i]);
        free(s->locals);
        free(s->local_types);
        free(s->stack);
        free(s->control);
}

static void lower_locals(struct body *s)
{
        struct lowering *l = s->l;
        uint32_t groups, n, at = s->type->nparams;
        valtype type;

        if (at)
                memcpy(s->local_types, s->type->params, at * sizeof(*s->local_types));
        (void)body_locals_begin(&s->cursor, false, &groups);
        for (uint32_t g = 0; g < groups; g++) {
                (void)body_local_group(&s->cursor, false, &n, &type);
                for (uint32_t i = 0; i < n; i++)
                        s->local_types[at++] = type;
        }
        /* The order is that of the phis, and decides about registers: forwards chacha20 takes a tenth longer. */
        for (uint32_t i = s->nlocals; i-- > 0;) {
                LLVMTypeRef t = lower_type(l, s->local_types[i]);

                s->locals[i] = LLVMBuildAlloca(l->b, t, "");
                if (i >= s->type->nparams)
                        LLVMBuildStore(l->b, LLVMConstNull(t), s->locals[i]);
        }
        lower_parameters(s);
}

/* A NaN on top of the stack becomes the canonical one: by its bits, which no pass sees through. */
static void lower_canonical(struct body *s, enum nan_lanes lanes)
{
        struct lowering *l = s->l;
        bool wide = lanes == NAN_F64 || lanes == NAN_F64X2, vector = lanes >= NAN_F32X4;
        LLVMTypeRef number = wide ? l->f64 : l->f32, word = wide ? l->i64 : l->i32;
        LLVMValueRef v = pop(s), nan = LLVMConstInt(word, wide ? NAN_CANONICAL_64 : NAN_CANONICAL_32, false);
        LLVMTypeRef stacked = LLVMTypeOf(v);

        if (vector) {
                LLVMValueRef all[4] = { nan, nan, nan, nan };
                unsigned n = wide ? 2 : 4;

                nan = LLVMConstVector(all, n);
                number = LLVMVectorType(number, n);
                word = LLVMVectorType(word, n);
                v = LLVMBuildBitCast(l->b, v, number, "");
        }
        nan = LLVMBuildSelect(l->b, LLVMBuildFCmp(l->b, LLVMRealUNO, v, v, ""), nan,
                              LLVMBuildBitCast(l->b, v, word, ""), "");
        push(s, LLVMBuildBitCast(l->b, nan, stacked, ""));
}

static void lower_instruction(struct body *s, const struct instruction *in)
{
        if (lower_control(s, in) || lower_variable(s, in) || lower_number(s, in) || lower_memory(s, in) ||
            lower_call(s, in) || lower_atomic(s, in) || lower_gc(s, in))
                return;
        if (lower_simd(s, in))
                return;
        abort(); /* an instruction that validation lets pass */
}

static void lower_instructions(struct body *s)
{
        struct instruction in = { 0 };

        while (s->ncontrol && !s->failed) {
                body_next_checked(&s->cursor, &in);
                lower_instruction(s, &in);
                if (s->l->deterministic && nan_lanes[in.op] && !s->dead)
                        lower_canonical(s, (enum nan_lanes)nan_lanes[in.op]);
        }
}

int lower_body(struct lowering *l, uint32_t function)
{
        const struct slice *slice = &l->m->functions[function].body;
        struct body s = {
                .l = l,
                .function = function,
                .type = module_function_type(l->m, function),
                .f = lower_function(l, function),
                .body_start = l->m->bytes + slice->offset,
        };
        const char *name = LLVMGetValueName(s.f);
        int r;

        s.cursor = cursor_over(l->m, *slice);
        s.hint = module_hints(l->m, function, &s.hint_end);
        r = body_alloc(&s, &l->checked->facts[function - l->m->imported_functions]);
        if (r == 0) {
                function_attributes(l, s.f);
                s.scope = LLVMDIBuilderCreateFunction(l->di, l->di_file, name, strlen(name), name,
                                                      strlen(name), l->di_file, 1, l->di_type, false,
                                                      true, 1, LLVMDIFlagZero, true);
                LLVMSetSubprogram(s.f, s.scope);
                LLVMPositionBuilderAtEnd(l->b, new_block(&s, ""));
                body_mark(&s, s.body_start);
                lower_base(l);
                s.control[s.ncontrol++] = (struct control) { .op = (uint8_t)OP_END, .type = *s.type };
                lower_locals(&s);
                s.control[0].end = new_block(&s, "");
                s.control[0].phis = make_phis(&s, s.control[0].end, s.type->nresults, s.type->results);
                if (!s.failed)
                        lower_instructions(&s);
                if (!s.loops)
                        string_attribute(l, s.f, STRAIGHT, "");
                if (s.lanes)
                        string_attribute(l, s.f, LANES, "");
                l->lanes |= s.lanes;
                r = s.failed ? -ENOMEM : 0;
        }
        body_free(&s);
        return r;
}
