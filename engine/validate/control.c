/* Operands and control frames (appendix A.3). */
#include "engine/validate/checker.h"

/* A mismatch on the way to @want[at] of @n operands; @want NULL: one of any type. */
valtype *body_mismatch(struct body *b, const valtype *top, const valtype *want, uint32_t n,
                       uint32_t at)
{
        uint32_t depth = n - at;
        const char *name = "end of the body";
        uint16_t op = opcode_of_byte[*b->op_at];

        if (op == OP_INVALID && b->op_at < b->c.end) {
                struct leb number = leb_unsigned(b->op_at + 1, b->c.end, 32);

                op = number.next ? opcode_find(*b->op_at, (uint32_t)number.value) : OP_INVALID;
        }
        if (op != OP_INVALID)
                name = opcode_table[op].text;
        if (top - b->base < depth)
                return body_fail(b, -EBADMSG, "type mismatch: %s needs %s, but the stack is empty",
                                 name, want ? valtype_text(want[at]) : "an operand");
        return body_fail(b, -EBADMSG, "type mismatch: %s needs %s and finds %s", name,
                         want ? valtype_text(want[at]) : "another operand",
                         valtype_text(*(top - depth)));
}

/* Free places are kept for every byte that is left of the body, as no byte of code makes more
 * than one single push, and for @n more. */
valtype *stack_grow(struct body *b, valtype *top, uint32_t n)
{
        uint64_t used = (uint64_t)(top - b->stack), limit = b->k->limits->operands;
        uint64_t base = b->base && b->stack ? (uint64_t)(b->base - b->stack) : 0;
        uint64_t want = used + n + cursor_left(&b->c) + 16;
        valtype *stack;

        /* Asked before the room, which depends on the bodies before: the error must not. */
        if (_unlikely_(used + n > limit))
                return body_fail(b, -E2BIG, "%llu operands at once, the limit is %llu",
                                 (unsigned long long)(used + n), (unsigned long long)limit);
        if (_likely_(want <= b->stack_room))
                return top;
        want += want / 2;
        stack = realloc(b->stack, want * sizeof(*stack));
        if (!stack)
                return body_fail(b, -ENOMEM, "out of memory");
        b->stack = stack;
        b->stack_room = (uint32_t)want;
        b->base = stack + base;
        return stack + used;
}

/* The @n topmost operands have the types @want; those that unreachable code lacks have any. */
static bool top_matches(struct body *b, const valtype *top, const valtype *want, uint32_t n)
{
        for (uint32_t i = n; i-- > 0;) {
                uint32_t depth = n - i;

                if (_likely_(top - b->base >= depth)) {
                        if (_likely_(type_matches(b->k->m, *(top - depth), want[i])))
                                continue;
                } else if (b->unreachable) {
                        return true; /* all deeper ones are lacking as well */
                }
                body_mismatch(b, top, want, n, i);
                return false;
        }
        return true;
}

static valtype *pop_n(struct body *b, valtype *top, uint32_t n)
{
        return top - b->base >= n ? top - n : b->base;
}

valtype *operands_pop(struct body *b, valtype *top, const valtype *want, uint32_t n)
{
        if (!top_matches(b, top, want, n))
                return NULL;
        return pop_n(b, top, n);
}

valtype *operands_push(struct body *b, valtype *top, const valtype *types, uint32_t n)
{
        if (n > 1)
                top = stack_grow(b, top, n);
        if (!top)
                return NULL;
        for (uint32_t i = 0; i < n; i++)
                top[i] = types[i];
        return top + n;
}

static void enter(struct body *b, const struct frame *f)
{
        b->base = b->stack + f->height;
        b->unreachable = f->unreachable;
        if (f->loops != b->loops) {
                b->loops = f->loops;
                b->loop_weight = UINT32_C(1) << 3 * (f->loops < 5 ? f->loops : 5);
        }
}

bool frame_push(struct body *b, uint16_t op, const struct functype *type, const valtype *top)
{
        uint8_t loops = 0;

        if (b->nframes >= b->k->limits->nesting) {
                body_fail(b, -E2BIG, "more than %llu nested blocks",
                          (unsigned long long)b->k->limits->nesting);
                return false;
        }
        if (b->nframes == b->frames_room) {
                uint32_t room = b->frames_room ? b->frames_room * 2 : 64;
                void *frames = realloc(b->frames, room * sizeof(*b->frames));

                if (!frames) {
                        body_fail(b, -ENOMEM, "out of memory");
                        return false;
                }
                b->frames = frames;
                b->frames_room = room;
        }
        if (b->nframes > 0) {
                b->frames[b->nframes - 1].unreachable = b->unreachable;
                loops = b->frames[b->nframes - 1].loops;
        }
        if (op == OP_LOOP && loops < UINT8_MAX)
                loops++;
        b->frames[b->nframes] = (struct frame) {
                .params = type->params,
                .results = type->results,
                .nparams = type->nparams,
                .nresults = type->nresults,
                .height = (uint32_t)(top - b->stack),
                .op = op,
                .nset = b->nset,
                .loops = loops,
        };
        if (b->nframes == 0)
                b->loops = UINT8_MAX; /* of the body before: enter() sets both */
        enter(b, &b->frames[b->nframes++]);
        if (b->nframes > b->max_nesting)
                b->max_nesting = b->nframes;
        return true;
}

const struct functype *get_function_type(struct body *b, uint32_t index)
{
        const struct functype *type = module_functype(b->k->m, index);

        if (!type)
                body_fail(b, -EBADMSG, index < b->k->m->ntypes ? "type mismatch: type %u is not a "
                          "function type" : "unknown type %u", index);
        return type;
}

valtype *check_block(struct body *b, valtype *top, const struct instruction *in)
{
        const struct module *m = b->k->m;
        struct functype type;

        if (in->index != BLOCK_NO_TYPE) {
                if (!get_function_type(b, in->index) ||
                    !body_need(b, FEATURE_MULTI_VALUE, "a block with a function type"))
                        return NULL;
        } else if (!body_need_type(b, in->type)) {
                return NULL;
        }
        type = body_block_type(m, in);
        if (in->op == OP_IF)
                top = operands_pop(b, top, &(valtype) { VAL_I32 }, 1);
        if (in->op == OP_LOOP)
                b->has_loops = true;
        if (in->op == OP_TRY)
                b->has_try = true;
        if (top && type.nparams > 0)
                top = operands_pop(b, top, type.params, type.nparams);
        if (!top || !frame_push(b, in->op, &type, top))
                return NULL;
        return operands_push(b, top, type.params, type.nparams);
}

/* The frame that @label names, or NULL. A branch carries its parameters when it is a loop, and
 * otherwise its results. */
static const struct frame *label_frame(struct body *b, uint32_t label)
{
        if (_likely_(label < b->nframes))
                return &b->frames[b->nframes - 1 - label];
        body_fail(b, -EBADMSG, "unknown label %u", label);
        return NULL;
}

static const valtype *label_types(const struct frame *f)
{
        return f->op == OP_LOOP ? f->params : f->results;
}

static uint32_t label_arity(const struct frame *f)
{
        return f->op == OP_LOOP ? f->nparams : f->nresults;
}

/* What a clause hands to its label fits there. */
static bool check_catch(struct body *b, const valtype *top, const struct catch_clause *clause)
{
        const struct module *m = b->k->m;
        const struct functype *type = &(struct functype) { 0 };
        bool with_ref = clause->kind == CATCH_REF || clause->kind == CATCH_ALL_REF;
        const struct frame *f;
        uint32_t n;

        if (clause->kind <= CATCH_REF) {
                if (clause->tag >= m->ntags)
                        return body_fail(b, -EBADMSG, "unknown tag %u", clause->tag);
                type = &m->types[m->tags[clause->tag].type];
        }
        f = label_frame(b, clause->label);
        if (!f)
                return false;
        n = type->nparams + with_ref;
        if (n != label_arity(f) || !types_match(m, type->params, label_types(f), type->nparams) ||
            (with_ref && !type_matches(m, VAL_REF_TO(HEAP_EXN), label_types(f)[n - 1])))
                return body_fail(b, -EBADMSG, "type mismatch: a clause hands %u operands to a label "
                                 "that takes others", n);
        if ((uint64_t)(top - b->stack) + n + 2 > b->caught_stack)
                b->caught_stack = (uint32_t)(top - b->stack) + n + 2;
        return true;
}

valtype *check_try_table(struct body *b, valtype *top, const struct instruction *in)
{
        struct cursor c = b->c;
        struct catch_clause clause;

        if (in->index2 > b->k->limits->branch_targets)
                return body_fail(b, -E2BIG, "%u clauses, the limit is %llu", in->index2,
                                 (unsigned long long)b->k->limits->branch_targets);
        c.at = in->catches;
        for (uint32_t i = 0; i < in->index2; i++) {
                (void)body_catch(&c, false, &clause);
                if (!check_catch(b, top, &clause))
                        return NULL;
        }
        return check_block(b, top, in);
}

/* The frame's results are on the stack, and nothing else. Returns the frame's base. */
static valtype *frame_finish(struct body *b, valtype *top, const struct frame *f)
{
        if (!top_matches(b, top, f->results, f->nresults))
                return NULL;
        if (top - b->base > f->nresults)
                return body_fail(b, -EBADMSG, "type mismatch: %zu operands are left at the end of "
                                 "a block with %u results", (size_t)(top - b->base), f->nresults);
        return b->base;
}

static void misplaced(struct body *b, const char *what)
{
        error_set(&b->error, STAGE_DECODE, -EBADMSG, (uint64_t)(b->op_at - b->c.file),
                  "misplaced %s opcode", what);
}

valtype *check_else(struct body *b, valtype *top)
{
        struct frame *f = &b->frames[b->nframes - 1];

        if (f->op != OP_IF) {
                misplaced(b, "ELSE");
                return NULL;
        }
        top = frame_finish(b, top, f);
        if (!top)
                return NULL;
        f->op = OP_ELSE;
        locals_forget(b, f->nset);
        b->unreachable = false;
        return operands_push(b, top, f->params, f->nparams);
}

static valtype *make_unreachable(struct body *b)
{
        b->unreachable = true;
        return b->base;
}

/* "catch" and "catch_all" of a try: the part before ends, and this one starts with what is thrown. */
valtype *check_catch_part(struct body *b, valtype *top, const struct instruction *in)
{
        const struct functype *type = &(struct functype) { 0 };
        const struct module *m = b->k->m;
        struct frame *f = &b->frames[b->nframes - 1];

        if (f->op != OP_TRY && f->op != OP_CATCH) {
                misplaced(b, in->op == OP_CATCH ? "CATCH" : "CATCH_ALL");
                return NULL;
        }
        top = frame_finish(b, top, f);
        if (!top)
                return NULL;
        if (in->op == OP_CATCH) {
                if (in->index >= m->ntags)
                        return body_fail(b, -EBADMSG, "unknown tag %u", in->index);
                type = &m->types[m->tags[in->index].type];
        }
        f->op = in->op;
        locals_forget(b, f->nset);
        b->unreachable = false;
        return operands_push(b, top, type->params, type->nparams);
}

/* The end of a try without catches; the label is one around it. */
valtype *check_delegate(struct body *b, valtype *top, uint32_t label)
{
        const struct frame *f = &b->frames[b->nframes - 1];

        if (f->op != OP_TRY) {
                misplaced(b, "DELEGATE");
                return NULL;
        }
        if (label >= b->nframes - 1)
                return body_fail(b, -EBADMSG, "unknown label %u", label);
        return check_end(b, top);
}

valtype *check_rethrow(struct body *b, valtype *top, uint32_t label)
{
        const struct frame *f = label_frame(b, label);

        if (!f)
                return NULL;
        if (f->op != OP_CATCH && f->op != OP_CATCH_ALL)
                return body_fail(b, -EBADMSG, "invalid rethrow label %u: there is no catch", label);
        b->has_rethrow = true;
        return make_unreachable(b);
}

static bool params_are_results(const struct body *b, const struct frame *f)
{
        return f->nparams == f->nresults &&
               types_match(b->k->m, f->params, f->results, f->nparams);
}

valtype *check_end(struct body *b, valtype *top)
{
        const struct frame *f = &b->frames[b->nframes - 1];

        top = frame_finish(b, top, f);
        if (!top)
                return NULL;
        /* Without "else" the parameters are the results of the other way. */
        if (f->op == OP_IF && !params_are_results(b, f))
                return body_fail(b, -EBADMSG, "type mismatch: an if without else whose parameters "
                                 "are not its results");
        locals_forget(b, f->nset);
        if (--b->nframes > 0)
                enter(b, &b->frames[b->nframes - 1]);
        return operands_push(b, top, f->results, f->nresults);
}

valtype *check_br(struct body *b, valtype *top, uint32_t label)
{
        const struct frame *f = label_frame(b, label);

        if (!f || !top_matches(b, top, label_types(f), label_arity(f)))
                return NULL;
        return make_unreachable(b);
}

/* Behind a branch that is not taken its operands have the types of the label. */
static valtype *branch_operands(struct body *b, valtype *top, const struct frame *f)
{
        if (label_arity(f) == 0)
                return top;
        top = operands_pop(b, top, label_types(f), label_arity(f));
        return top ? operands_push(b, top, label_types(f), label_arity(f)) : NULL;
}

valtype *check_br_if(struct body *b, valtype *top, uint32_t label)
{
        const struct frame *f = label_frame(b, label);

        if (!f)
                return NULL;
        if (_likely_(top > b->base && top[-1] == VAL_I32))
                top--;
        else
                top = operands_pop(b, top, &(valtype) { VAL_I32 }, 1);
        return top ? branch_operands(b, top, f) : NULL;
}

/* A branch to @label that may not be taken; @reference: its last operand must be one. */
valtype *check_branch(struct body *b, valtype *top, uint32_t label, bool reference)
{
        const struct frame *f = label_frame(b, label);

        if (!f)
                return NULL;
        if (reference && (label_arity(f) == 0 ||
                          !valtype_is_ref(label_types(f)[label_arity(f) - 1])))
                return body_fail(b, -EBADMSG, "type mismatch: the label takes no reference");
        return branch_operands(b, top, f);
}

valtype *check_br_table(struct body *b, valtype *top, uint32_t n)
{
        const struct frame *f, *first = NULL;
        const valtype *last = NULL;
        uint32_t label;

        if (n > b->k->limits->branch_targets)
                return body_fail(b, -E2BIG, "%u branch targets, the limit is %llu", n,
                                 (unsigned long long)b->k->limits->branch_targets);
        top = operands_pop(b, top, &(valtype) { VAL_I32 }, 1);
        if (!top)
                return NULL;
        for (uint64_t i = 0; i <= n; i++) {
                if (!read_u32(&b->c, &label))
                        return body_malformed(b);
                f = label_frame(b, label);
                if (!f)
                        return NULL;
                first = first ? first : f;
                if (label_arity(f) != label_arity(first))
                        return body_fail(b, -EBADMSG, "type mismatch: br_table to labels with %u "
                                         "and with %u operands", label_arity(first),
                                         label_arity(f));
                if (label_types(f) != last && !top_matches(b, top, label_types(f), label_arity(f)))
                        return NULL;
                last = label_types(f);
        }
        return make_unreachable(b);
}

valtype *check_return(struct body *b, valtype *top)
{
        if (!top_matches(b, top, b->type->results, b->type->nresults))
                return NULL;
        return make_unreachable(b);
}

valtype *check_unreachable(struct body *b, valtype *top)
{
        return make_unreachable(b);
}

valtype *check_call(struct body *b, valtype *top, uint32_t function)
{
        const struct module *m = b->k->m;
        const struct functype *type;

        if (function >= m->nfunctions)
                return body_fail(b, -EBADMSG, "unknown function %u", function);
        type = module_function_type(m, function);
        b->has_calls = true;
        b->call_weight += b->loop_weight;
        top = operands_pop(b, top, type->params, type->nparams);
        return top ? operands_push(b, top, type->results, type->nresults) : NULL;
}

valtype *check_select(struct body *b, valtype *top)
{
        valtype first = VAL_BOTTOM, second = VAL_BOTTOM;

        top = operands_pop(b, top, &(valtype) { VAL_I32 }, 1);
        if (!top)
                return NULL;
        if (top - b->base < 2 && !b->unreachable)
                return body_mismatch(b, b->base, NULL, 1, 0);
        if (top > b->base)
                second = *--top;
        if (top > b->base)
                first = *--top;
        if (!type_matches(b->k->m, first, second))
                return body_fail(b, -EBADMSG, "type mismatch: select between %s and %s",
                                 valtype_text(first), valtype_text(second));
        if (valtype_is_ref(first) || valtype_is_ref(second))
                return body_fail(b, -EBADMSG, "type mismatch: select without a type takes no "
                                 "references");
        *top++ = first != VAL_BOTTOM ? first : second;
        return top;
}
