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

        set_tail(call, tail);
        if (tail) {
                if (type->nresults)
                        LLVMBuildRet(l->b, call);
                else
                        LLVMBuildRetVoid(l->b);
                s->dead = true;
                return;
        }
        lower_thrown(s);
        for (uint32_t i = 0; i < type->nresults; i++) {
                LLVMValueRef v = call;

                if (i)
                        v = load_field(s, lower_travel_type(l, type->results[i]), spill_at(l, i - 1),
                                       CLASS_SPILL, false);
                push(s, arrive(s, v, type->results[i]));
        }
}

/* Through a pointer: @data goes to r10, or to x7. */
static void call_pointer(struct body *s, const struct functype *type, LLVMValueRef code,
                         LLVMValueRef data, bool tail)
{
        LLVMValueRef args[DATA_PARAMETER + 1 + ABI_VECTOR_ARGS] = { data }, call;
        LLVMTypeRef function = lower_function_type(s->l, type, true);
        bool nest = s->l->machine == MACHINE_X86_64;
        unsigned n = nest + take_arguments(s, type, args + nest), all = LLVMCountParamTypes(function);

        if (!nest) {
                while (n + 1 < all)
                        args[n++] = LLVMGetUndef(s->l->i64);
                args[n++] = data;
        }
        call = LLVMBuildCall2(s->l->b, function, code, args, n, "");
        if (nest)
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

/* To @good when the type with id @id is below the type @type, whose id is @wanted; on in a new block
 * otherwise. */
static void call_if_below(struct body *s, uint32_t type, LLVMValueRef id, LLVMValueRef wanted,
                          LLVMBasicBlockRef good)
{
        struct lowering *l = s->l;
        unsigned depth = l->m->defs[type].depth;
        LLVMBasicBlockRef bad = new_block(s, "");
        LLVMValueRef displays = load_field(s, l->pointer,
                                           instance_at(l, ABI_HEAD(displays) +
                                                                  8 * (int32_t)(depth / ABI_DISPLAY)),
                                           CLASS_DESCRIPTOR, false);
        LLVMValueRef at = LLVMBuildShl(l->b, LLVMBuildZExt(l->b, id, l->i64, ""),
                                       const_i64(l, ABI_DISPLAY_SHIFT), "");

        at = LLVMBuildAdd(l->b, at, const_i64(l, 4 * (depth % ABI_DISPLAY)), "");
        id = load_field(s, l->i32, LLVMBuildGEP2(l->b, l->i8, displays, &at, 1, ""),
                        CLASS_DESCRIPTOR, false);
        LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntEQ, id, wanted, ""), good, bad);
        LLVMPositionBuilderAtEnd(l->b, bad);
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
        index = LLVMBuildShl(l->b, mask_below(s, index, length, false), const_i64(l, 5), "");
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
        if (!l->m->defs[in->index].is_final)
                call_if_below(s, in->index, entry_field(s, entry, offsetof(struct table_entry, type),
                                                        l->i32), wanted, good);
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

/* The innermost handler's block, of the @n outer blocks. */
static LLVMBasicBlockRef handler_from(struct body *s, uint32_t n)
{
        for (uint32_t i = n; i-- > 0;) {
                struct control *c = &s->control[i];

                if ((c->op != OP_TRY_TABLE && c->op != OP_TRY && i > 0) || c->dead_entry)
                        continue;
                if (!c->handler)
                        c->handler = new_block(s, "");
                return c->handler;
        }
        return NULL;
}

static LLVMBasicBlockRef handler_of(struct body *s)
{
        return handler_from(s, s->ncontrol);
}

void lower_thrown(struct body *s)
{
        struct lowering *l = s->l;
        LLVMBasicBlockRef next;
        LLVMValueRef thrown, branch;

        if (!l->catches)
                return;
        thrown = load_field(s, l->i64, instance_at(l, ABI_HEAD(thrown)), CLASS_DESCRIPTOR, false);
        next = new_block(s, "");
        branch = LLVMBuildCondBr(l->b, LLVMBuildICmp(l->b, LLVMIntNE, thrown, const_i64(l, 0), ""),
                                 handler_of(s), next);
        LLVMSetMetadata(branch, l->kind_prof, l->unlikely);
        LLVMPositionBuilderAtEnd(l->b, next);
}

static LLVMValueRef exception_value(struct body *s, LLVMValueRef exception, unsigned k)
{
        LLVMValueRef at = LLVMBuildAdd(s->l->b, exception,
                                       const_i64(s->l, ABI_EXCEPTION_VALUES + 16 * k), "");

        return LLVMBuildIntToPtr(s->l->b, at, s->l->pointer, "");
}

static void throw_away(struct body *s, LLVMValueRef exception)
{
        store_field(s, exception, instance_at(s->l, ABI_HEAD(thrown)), CLASS_DESCRIPTOR);
        LLVMBuildBr(s->l->b, handler_of(s));
        s->dead = true;
}

static void throw_tag(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        const struct functype *type = &l->m->types[l->m->tags[in->index].type];
        LLVMValueRef tag = const_i32(l, in->index), exception, *values;

        body_mark(s, in->at);
        exception = builtin_call(s, BUILTIN_exception_new, &tag, 1);
        values = &s->stack[s->depth - type->nparams];
        for (uint32_t i = 0; i < type->nparams; i++) {
                LLVMValueRef store = LLVMBuildStore(l->b, travel(s, values[i], type->params[i]),
                                                    exception_value(s, exception, i));

                LLVMSetAlignment(store, 8);
        }
        s->depth -= type->nparams;
        throw_away(s, exception);
}

static void push_exception_values(struct body *s, const struct functype *type, LLVMValueRef exception)
{
        struct lowering *l = s->l;

        for (uint32_t i = 0; i < type->nparams; i++) {
                LLVMValueRef v = LLVMBuildLoad2(l->b, lower_travel_type(l, type->params[i]),
                                                exception_value(s, exception, i), "");

                LLVMSetAlignment(v, 8);
                push(s, arrive(s, v, type->params[i]));
        }
}

/* The exception that is on its way, which stops here. */
static LLVMValueRef take_thrown(struct body *s)
{
        struct lowering *l = s->l;
        LLVMValueRef exception = load_field(s, l->i64, instance_at(l, ABI_HEAD(thrown)),
                                            CLASS_DESCRIPTOR, false);

        store_field(s, const_i64(l, 0), instance_at(l, ABI_HEAD(thrown)), CLASS_DESCRIPTOR);
        return exception;
}

/* Whether the exception is of the tag, or of any for UINT32_MAX. */
static LLVMValueRef is_caught(struct body *s, uint32_t tag, bool keep, LLVMValueRef exception)
{
        struct lowering *l = s->l;
        LLVMValueRef args[3] = { const_i32(l, tag), const_i32(l, keep), exception };
        LLVMValueRef is = builtin_call(s, BUILTIN_exception_catch, args, 3);

        return LLVMBuildICmp(l->b, LLVMIntNE, LLVMBuildTrunc(l->b, is, l->i32, ""), const_i32(l, 0), "");
}

/* The part before ends, the one for @tag begins. Without a handler nothing is thrown in the try. */
void lower_catch_part(struct body *s, uint32_t tag)
{
        struct control *c = &s->control[s->ncontrol - 1];
        struct lowering *l = s->l;
        LLVMBasicBlockRef caught, next = NULL;
        LLVMValueRef is;

        if (c->dead_entry)
                return;
        fall_to_end(s, c);
        s->depth = c->height;
        s->dead = !c->handler;
        if (s->dead) {
                c->op = OP_CATCH;
                return;
        }
        LLVMPositionBuilderAtEnd(l->b, c->op == OP_TRY ? c->handler : c->other);
        if (c->op == OP_TRY)
                c->exception = take_thrown(s);
        c->op = OP_CATCH;
        is = is_caught(s, tag, s->l->checked->facts[s->function - l->m->imported_functions].has_rethrow,
                       c->exception);
        if (tag == UINT32_MAX) {
                c->other = NULL;
                return;
        }
        caught = new_block(s, "");
        next = new_block(s, "");
        LLVMBuildCondBr(l->b, is, caught, next);
        LLVMPositionBuilderAtEnd(l->b, caught);
        c->other = next;
        push_exception_values(s, &l->m->types[l->m->tags[tag].type], c->exception);
}

void lower_try_end(struct body *s, struct control *c, uint32_t depth)
{
        LLVMBasicBlockRef here = LLVMGetInsertBlock(s->l->b);
        bool dead = s->dead;

        if (c->op == OP_TRY && c->handler) {
                LLVMPositionBuilderAtEnd(s->l->b, c->handler);
                LLVMBuildBr(s->l->b, handler_from(s, s->ncontrol - depth));
        } else if (c->op == OP_CATCH && c->other) {
                LLVMPositionBuilderAtEnd(s->l->b, c->other);
                throw_away(s, c->exception);
        }
        s->dead = dead;
        LLVMPositionBuilderAtEnd(s->l->b, here);
}

/* One clause: its label gets the values of the exception when that is of the tag. */
static void lower_catch(struct body *s, const struct catch_clause *clause, LLVMValueRef exception)
{
        struct lowering *l = s->l;
        const struct functype *type = clause->kind <= CATCH_REF
                                              ? &l->m->types[l->m->tags[clause->tag].type]
                                              : &(struct functype) { 0 };
        bool keep = clause->kind == CATCH_REF || clause->kind == CATCH_ALL_REF;
        LLVMBasicBlockRef caught = new_block(s, ""), next = new_block(s, "");
        uint32_t depth = s->depth;

        LLVMBuildCondBr(l->b, is_caught(s, clause->kind <= CATCH_REF ? clause->tag : UINT32_MAX, keep,
                                        exception), caught, next);
        LLVMPositionBuilderAtEnd(l->b, caught);
        push_exception_values(s, type, exception);
        if (keep)
                push(s, exception);
        LLVMBuildBr(l->b, branch_target(s, clause->label));
        s->depth = depth;
        LLVMPositionBuilderAtEnd(l->b, next);
}

void lower_handler(struct body *s, const struct control *c)
{
        struct lowering *l = s->l;
        LLVMBasicBlockRef here = LLVMGetInsertBlock(l->b);
        struct cursor at = s->cursor;
        struct catch_clause clause;
        uint32_t depth = s->depth;
        bool dead = s->dead;
        LLVMValueRef exception;

        LLVMPositionBuilderAtEnd(l->b, c->handler);
        s->depth = c->height;
        s->dead = false;
        if (c->op == OP_END) { /* of the function: the caller looks at the exception, not at this */
                if (s->type->nresults)
                        LLVMBuildRet(l->b, LLVMConstNull(lower_travel_type(l, s->type->results[0])));
                else
                        LLVMBuildRetVoid(l->b);
        } else {
                exception = take_thrown(s);
                at.at = c->catches;
                for (uint32_t i = 0; i < c->ncatches; i++) {
                        (void)body_catch(&at, false, &clause);
                        lower_catch(s, &clause, exception);
                }
                throw_away(s, exception);
        }
        s->depth = depth;
        s->dead = dead;
        LLVMPositionBuilderAtEnd(l->b, here);
}

bool lower_call(struct body *s, const struct instruction *in)
{
        LLVMValueRef exception;

        switch (in->op) {
        case OP_CALL:
                call_function(s, in, false);
                return true;
        case OP_RETURN_CALL:
                call_function(s, in, true);
                return true;
        case OP_THROW:
                throw_tag(s, in);
                return true;
        case OP_RETHROW:
                throw_away(s, s->control[s->ncontrol - 1 - in->index].exception);
                return true;
        case OP_THROW_REF:
                exception = pop(s);
                body_mark(s, in->at);
                trap_if(s, LLVMBuildICmp(s->l->b, LLVMIntEQ, exception, const_i64(s->l, 0), ""),
                        TRAP_NULL_EXCEPTION);
                throw_away(s, exception);
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
