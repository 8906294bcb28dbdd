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

/* ---- control -------------------------------------------------------------------------------- */

static LLVMValueRef *make_phis(struct body *s, LLVMBasicBlockRef block, uint32_t n, const valtype *types)
{
        struct lowering *l = s->l;
        LLVMBasicBlockRef here = LLVMGetInsertBlock(l->b);
        LLVMValueRef *phis;

        if (!n)
                return NULL;
        phis = calloc(n, sizeof(*phis));
        if (!phis) {
                s->failed = true;
                return NULL;
        }
        LLVMPositionBuilderAtEnd(l->b, block);
        for (uint32_t i = 0; i < n; i++)
                phis[i] = LLVMBuildPhi(l->b, lower_type(l, types[i]), "");
        LLVMPositionBuilderAtEnd(l->b, here);
        return phis;
}

/* The top @n operands go along the edge from the block at hand. */
static void add_incoming(struct body *s, LLVMValueRef *phis, uint32_t n)
{
        LLVMBasicBlockRef here = LLVMGetInsertBlock(s->l->b);

        for (uint32_t i = 0; i < n; i++)
                LLVMAddIncoming(phis[i], &s->stack[s->depth - n + i], &here, 1);
}

static struct control *push_control(struct body *s, const struct instruction *in)
{
        struct control *c = &s->control[s->ncontrol++];

        *c = (struct control) { .op = (uint8_t)in->op, .dead_entry = s->dead };
        c->type = body_block_type(s->l->m, in);
        if (!s->dead)
                c->height = s->depth - c->type.nparams;
        else
                c->height = s->depth;
        return c;
}

static void lower_block(struct body *s, const struct instruction *in)
{
        struct control *c = push_control(s, in);

        if (s->dead)
                return;
        c->end = new_block(s, "");
        c->phis = make_phis(s, c->end, c->type.nresults, c->type.results);
}

static void lower_loop(struct body *s, const struct instruction *in)
{
        struct control *c = push_control(s, in);
        uint32_t n = c->type.nparams;

        if (s->dead)
                return;
        c->end = new_block(s, "");
        c->phis = make_phis(s, c->end, c->type.nresults, c->type.results);
        c->loop = new_block(s, "");
        c->loop_phis = make_phis(s, c->loop, n, c->type.params);
        if (s->failed)
                return;
        add_incoming(s, c->loop_phis, n);
        LLVMBuildBr(s->l->b, c->loop);
        LLVMPositionBuilderAtEnd(s->l->b, c->loop);
        s->depth -= n;
        for (uint32_t i = 0; i < n; i++)
                push(s, c->loop_phis[i]);
}

static LLVMValueRef is_true(struct body *s, LLVMValueRef v)
{
        return LLVMBuildICmp(s->l->b, LLVMIntNE, v, const_i32(s->l, 0), "");
}

void branch_hinted(struct body *s, const struct instruction *in, LLVMValueRef branch)
{
        const struct branch_hint *hint = branch_hint_at(&s->hint, s->hint_end,
                                                        (uint32_t)(in->at - s->body_start));

        if (hint)
                LLVMSetMetadata(branch, s->l->kind_prof, s->l->hinted[hint->likely]);
}

static void lower_if(struct body *s, const struct instruction *in)
{
        LLVMValueRef condition = NULL;
        LLVMBasicBlockRef then;
        struct control *c;
        uint32_t n;

        if (!s->dead)
                condition = is_true(s, pop(s));
        c = push_control(s, in);
        if (s->dead)
                return;
        n = c->type.nparams;
        c->end = new_block(s, "");
        c->phis = make_phis(s, c->end, c->type.nresults, c->type.results);
        c->other = new_block(s, "");
        then = new_block(s, "");
        if (n) {
                c->saved = calloc(n, sizeof(*c->saved));
                if (!c->saved) {
                        s->failed = true;
                        return;
                }
                memcpy(c->saved, &s->stack[s->depth - n], n * sizeof(*c->saved));
        }
        branch_hinted(s, in, LLVMBuildCondBr(s->l->b, condition, then, c->other));
        LLVMPositionBuilderAtEnd(s->l->b, then);
}

/* The code at hand falls into the end of @c. */
void fall_to_end(struct body *s, struct control *c)
{
        if (s->dead)
                return;
        add_incoming(s, c->phis, c->type.nresults);
        LLVMBuildBr(s->l->b, c->end);
        c->reached = true;
}

static void lower_else(struct body *s)
{
        struct control *c = &s->control[s->ncontrol - 1];

        c->has_else = true;
        if (c->dead_entry)
                return;
        fall_to_end(s, c);
        s->dead = false;
        s->depth = c->height;
        LLVMPositionBuilderAtEnd(s->l->b, c->other);
        for (uint32_t i = 0; i < c->type.nparams; i++)
                push(s, c->saved[i]);
}

static void control_free(struct control *c)
{
        free(c->phis);
        free(c->loop_phis);
        free(c->saved);
        c->phis = c->loop_phis = c->saved = NULL;
}

/* @depth: of a delegate, else 0 */
static void lower_end(struct body *s, uint32_t depth)
{
        struct control *c = &s->control[s->ncontrol - 1];
        struct lowering *l = s->l;

        if (c->dead_entry) {
                s->depth = c->height;
                s->ncontrol--;
                return;
        }
        fall_to_end(s, c);
        if (c->op == OP_IF && !c->has_else) { /* the missing else hands the parameters on */
                LLVMPositionBuilderAtEnd(l->b, c->other);
                for (uint32_t i = 0; i < c->type.nresults; i++)
                        LLVMAddIncoming(c->phis[i], &c->saved[i], &c->other, 1);
                LLVMBuildBr(l->b, c->end);
                c->reached = true;
        }
        s->ncontrol--; /* what a clause names is outside */
        if (c->op == OP_TRY || c->op == OP_CATCH)
                lower_try_end(s, c, depth);
        else if (c->handler)
                lower_handler(s, c);
        s->ncontrol++;
        s->depth = c->height;
        LLVMPositionBuilderAtEnd(l->b, c->end);
        s->dead = !c->reached;
        if (s->dead) {
                for (uint32_t i = c->type.nresults; i > 0; i--)
                        LLVMInstructionEraseFromParent(c->phis[i - 1]);
                LLVMDeleteBasicBlock(c->end);
        } else {
                for (uint32_t i = 0; i < c->type.nresults; i++)
                        push(s, c->phis[i]);
        }
        if (c->op == OP_END && !s->dead)
                lower_return(s);
        control_free(c);
        s->ncontrol--;
}

/* Where a branch to @label goes; its operands are added to the target's phis. */
LLVMBasicBlockRef branch_target(struct body *s, uint32_t label)
{
        struct control *c = &s->control[s->ncontrol - 1 - label];

        if (c->op == OP_LOOP) {
                s->loops = true;
                add_incoming(s, c->loop_phis, c->type.nparams);
                return c->loop;
        }
        add_incoming(s, c->phis, c->type.nresults);
        c->reached = true;
        return c->end;
}

static void lower_br_table(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        uint32_t n = in->index;
        LLVMValueRef value, branch;

        if (s->dead) {
                for (uint32_t i = 0; i <= n; i++)
                        (void)body_label(&s->cursor);
                return;
        }
        struct cursor labels = s->cursor;

        for (uint32_t i = 0; i < n; i++)
                (void)body_label(&s->cursor);
        value = pop(s);
        branch = LLVMBuildSwitch(l->b, value, branch_target(s, body_label(&s->cursor)), n);
        for (uint32_t i = 0; i < n; i++)
                LLVMAddCase(branch, const_i32(l, i), branch_target(s, body_label(&labels)));
        s->dead = true;
}

/* br_on_null, br_on_non_null: the branch is taken when the reference is null, or is not. */
static void lower_branch_on(struct body *s, const struct instruction *in, bool null)
{
        struct lowering *l = s->l;
        LLVMValueRef ref = s->stack[s->depth - 1], condition;
        LLVMBasicBlockRef target, next;

        condition = LLVMBuildICmp(l->b, null ? LLVMIntEQ : LLVMIntNE, ref, const_i64(l, 0), "");
        if (null)
                s->depth--;
        target = branch_target(s, in->index);
        next = new_block(s, "");
        LLVMBuildCondBr(l->b, condition, target, next);
        LLVMPositionBuilderAtEnd(l->b, next);
        if (null)
                s->depth++;
        else
                s->depth--;
}

static bool lower_control(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        LLVMBasicBlockRef next, target;
        LLVMValueRef condition;

        switch (in->op) {
        case OP_NOP:
                return true;
        case OP_BLOCK:
                lower_block(s, in);
                return true;
        case OP_TRY_TABLE:
                lower_block(s, in);
                s->control[s->ncontrol - 1].catches = in->catches;
                s->control[s->ncontrol - 1].ncatches = in->index2;
                return true;
        case OP_LOOP:
                lower_loop(s, in);
                return true;
        case OP_IF:
                lower_if(s, in);
                return true;
        case OP_ELSE:
                lower_else(s);
                return true;
        case OP_END:
                lower_end(s, 0);
                return true;
        case OP_TRY:
                lower_block(s, in);
                return true;
        case OP_CATCH:
                lower_catch_part(s, in->index);
                return true;
        case OP_CATCH_ALL:
                lower_catch_part(s, UINT32_MAX);
                return true;
        case OP_DELEGATE:
                lower_end(s, in->index);
                return true;
        case OP_BR_TABLE:
                lower_br_table(s, in);
                return true;
        default:
                break;
        }
        if (s->dead)
                return true; /* nothing else opens or closes a block, or reads past immediates */
        switch (in->op) {
        case OP_UNREACHABLE:
                body_mark(s, in->at);
                trap_now(s, TRAP_UNREACHABLE);
                s->dead = true;
                return true;
        case OP_BR:
                LLVMBuildBr(l->b, branch_target(s, in->index));
                s->dead = true;
                return true;
        case OP_BR_IF:
                condition = is_true(s, pop(s));
                target = branch_target(s, in->index);
                next = new_block(s, "");
                branch_hinted(s, in, LLVMBuildCondBr(l->b, condition, target, next));
                LLVMPositionBuilderAtEnd(l->b, next);
                return true;
        case OP_BR_ON_NULL:
        case OP_BR_ON_NON_NULL:
                lower_branch_on(s, in, in->op == OP_BR_ON_NULL);
                return true;
        case OP_REF_AS_NON_NULL:
                body_mark(s, in->at);
                trap_if(s, LLVMBuildICmp(l->b, LLVMIntEQ, s->stack[s->depth - 1], const_i64(l, 0), ""),
                        TRAP_NULL_REFERENCE);
                return true;
        case OP_RETURN:
                lower_return(s);
                s->dead = true;
                return true;
        default:
                return false;
        }
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
