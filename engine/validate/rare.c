/* Instructions that are not frequent enough for the loop of body.c. */
#include "engine/validate/checker.h"

static const struct table *get_table(struct body *b, uint32_t index)
{
        const struct module *m = b->k->m;

        if (index < m->ntables)
                return &m->tables[index];
        body_fail(b, -EBADMSG, "unknown table %u", index);
        return NULL;
}

static const struct memory *get_memory(struct body *b, uint32_t index)
{
        const struct module *m = b->k->m;

        if (index < m->nmemories)
                return &m->memories[index];
        body_fail(b, -EBADMSG, "unknown memory %u", index);
        return NULL;
}

const struct element_segment *get_element(struct body *b, uint32_t index)
{
        const struct module *m = b->k->m;

        if (index < m->nelements)
                return &m->elements[index];
        body_fail(b, -EBADMSG, "unknown elem segment %u", index);
        return NULL;
}

bool has_data(struct body *b, uint32_t index)
{
        const struct module *m = b->k->m;

        if (!m->has_data_count) {
                error_set(&b->error, STAGE_DECODE, -EBADMSG, (uint64_t)(b->op_at - b->c.file),
                          "data count section required");
                return false;
        }
        if (index < m->data_count)
                return true;
        body_fail(b, -EBADMSG, "unknown data segment %u", index);
        return false;
}

static bool same_element(struct body *b, valtype to, valtype from)
{
        if (type_matches(b->k->m, from, to))
                return true;
        body_fail(b, -EBADMSG, "type mismatch: elements are %s and %s", valtype_text(from),
                  valtype_text(to));
        return false;
}

static void leaves(struct body *b)
{
        b->has_calls = true;
        b->call_weight += b->loop_weight;
}

#define POP(...)                                                             \
        ({                                                                   \
                const valtype _want[] = { __VA_ARGS__ };                     \
                top = operands_pop(b, top, _want, ELEMENTSOF(_want));        \
                if (!top)                                                    \
                        return NULL;                                         \
        })

/* A call of a function of type @type, whose operands are popped already but for its parameters. */
static valtype *check_callee(struct body *b, valtype *top, const struct functype *type, bool tail)
{
        if (!tail)
                leaves(b);
        top = operands_pop(b, top, type->params, type->nparams);
        if (!top)
                return NULL;
        if (!tail)
                return operands_push(b, top, type->results, type->nresults);
        if (type->nresults != b->type->nresults ||
            !types_match(b->k->m, type->results, b->type->results, type->nresults))
                return body_fail(b, -EBADMSG, "type mismatch: a tail call with other results than "
                                 "the function's");
        return check_unreachable(b, top);
}

bool pop_reference(struct body *b, valtype **top, valtype *ret)
{
        *ret = VAL_REF_TO(HEAP_BOTTOM);
        if (*top == b->base) {
                if (!b->unreachable)
                        body_mismatch(b, *top, NULL, 1, 0);
                return b->unreachable;
        }
        if ((*top)[-1] == VAL_BOTTOM || valtype_is_ref((*top)[-1])) {
                --*top;
                if (**top != VAL_BOTTOM)
                        *ret = **top;
                return true;
        }
        body_fail(b, -EBADMSG, "type mismatch: %s where a reference is needed",
                  valtype_text((*top)[-1]));
        return false;
}

static valtype *check_call_ref(struct body *b, valtype *top, const struct instruction *in)
{
        const struct functype *type = get_function_type(b, in->index);

        if (!type)
                return NULL;
        POP(VAL_REF_NULL(in->index));
        return check_callee(b, top, type, in->op == OP_RETURN_CALL_REF);
}

static valtype *check_throw(struct body *b, valtype *top, uint32_t tag)
{
        const struct module *m = b->k->m;
        const struct functype *type;

        if (tag >= m->ntags)
                return body_fail(b, -EBADMSG, "unknown tag %u", tag);
        type = &m->types[m->tags[tag].type];
        leaves(b); /* a builtin makes the exception */
        top = operands_pop(b, top, type->params, type->nparams);
        return top ? check_unreachable(b, top) : NULL;
}

static valtype *check_as_non_null(struct body *b, valtype *top)
{
        valtype t;

        if (!pop_reference(b, &top, &t))
                return NULL;
        *top++ = t & ~VAL_NULLABLE;
        return top;
}

static valtype *check_br_on_null(struct body *b, valtype *top, uint32_t label)
{
        valtype t;

        if (!pop_reference(b, &top, &t))
                return NULL;
        top = check_branch(b, top, label, false);
        if (top)
                *top++ = t & ~VAL_NULLABLE;
        return top;
}

/* The reference is the last operand of the branch, and gone behind it. */
static valtype *check_br_on_non_null(struct body *b, valtype *top, uint32_t label)
{
        valtype t;

        if (!pop_reference(b, &top, &t))
                return NULL;
        *top++ = t & ~VAL_NULLABLE;
        top = check_branch(b, top, label, true);
        return top ? top - 1 : NULL;
}

static valtype *check_call_indirect(struct body *b, valtype *top, const struct instruction *in)
{
        const struct module *m = b->k->m;
        const struct table *table = get_table(b, in->index2);
        const struct functype *type;

        if (!table)
                return NULL;
        if (!type_matches(m, table->type.element, VAL_FUNCREF))
                return body_fail(b, -EBADMSG, "type mismatch: %s through a table of %s",
                                 opcode_table[in->op].text, valtype_text(table->type.element));
        type = get_function_type(b, in->index);
        if (!type)
                return NULL;
        POP(address_type(table->type.size.is_64));
        return check_callee(b, top, type, in->op == OP_RETURN_CALL_INDIRECT);
}

static valtype *check_return_call(struct body *b, valtype *top, uint32_t function)
{
        const struct module *m = b->k->m;

        if (function >= m->nfunctions)
                return body_fail(b, -EBADMSG, "unknown function %u", function);
        return check_callee(b, top, module_function_type(m, function), true);
}

static valtype *check_select_t(struct body *b, valtype *top, const struct instruction *in)
{
        if (in->index != 1)
                return body_fail(b, -EBADMSG, "invalid result arity: select with %u types",
                                 in->index);
        if (!body_need_type(b, in->type))
                return NULL;
        POP(in->type, in->type, VAL_I32);
        return operands_push(b, top, &in->type, 1);
}

static valtype *check_ref_is_null(struct body *b, valtype *top)
{
        valtype t;

        if (!pop_reference(b, &top, &t))
                return NULL;
        *top++ = VAL_I32;
        return top;
}

static valtype *check_ref_func(struct body *b, valtype *top, uint32_t function)
{
        if (function >= b->k->m->nfunctions)
                return body_fail(b, -EBADMSG, "unknown function %u", function);
        if (!b->k->escaping[function])
                return body_fail(b, -EBADMSG, "undeclared function reference %u", function);
        leaves(b); /* a builtin makes the reference */
        *top++ = VAL_REF_TO(b->k->m->functions[function].type);
        return top;
}

static valtype *check_table_op(struct body *b, valtype *top, const struct instruction *in)
{
        const struct table *t = get_table(b, in->index);
        valtype at, element;

        if (!t)
                return NULL;
        at = address_type(t->type.size.is_64);
        element = t->type.element;
        b->has_calls = true;
        switch (in->op) {
        case OP_TABLE_GET:
                POP(at);
                *top++ = element;
                break;
        case OP_TABLE_SET:
                POP(at, element);
                break;
        case OP_TABLE_GROW:
                POP(element, at);
                *top++ = at;
                break;
        case OP_TABLE_SIZE:
                *top++ = at;
                break;
        case OP_TABLE_FILL:
                POP(at, element, at);
                break;
        }
        return top;
}

static valtype *check_table_bulk(struct body *b, valtype *top, const struct instruction *in)
{
        const struct table *to, *from;
        const struct element_segment *segment;
        valtype to_at, from_at;

        b->has_calls = true;
        if (in->op == OP_TABLE_INIT) {
                to = get_table(b, in->index2);
                segment = to ? get_element(b, in->index) : NULL;
                if (!segment || !same_element(b, to->type.element, segment->type))
                        return NULL;
                POP(address_type(to->type.size.is_64), VAL_I32, VAL_I32);
                return top;
        }
        to = get_table(b, in->index);
        from = to ? get_table(b, in->index2) : NULL;
        if (!from || !same_element(b, to->type.element, from->type.element))
                return NULL;
        to_at = address_type(to->type.size.is_64);
        from_at = address_type(from->type.size.is_64);
        POP(to_at, from_at, to_at == from_at ? to_at : VAL_I32);
        return top;
}

static valtype *check_memory_op(struct body *b, valtype *top, const struct instruction *in)
{
        const struct memory *memory, *from;
        valtype at, from_at;

        memory = get_memory(b, in->op == OP_MEMORY_INIT ? in->index2 : in->index);
        if (!memory)
                return NULL;
        at = address_type(memory->type.size.is_64);
        if (in->op == OP_MEMORY_SIZE) {
                *top++ = at;
                return top;
        }
        b->has_calls = true;
        switch (in->op) {
        case OP_MEMORY_GROW:
                POP(at);
                *top++ = at;
                break;
        case OP_MEMORY_FILL:
                POP(at, VAL_I32, at);
                break;
        case OP_MEMORY_INIT:
                if (!has_data(b, in->index))
                        return NULL;
                POP(at, VAL_I32, VAL_I32);
                break;
        case OP_MEMORY_COPY:
                from = get_memory(b, in->index2);
                if (!from)
                        return NULL;
                from_at = address_type(from->type.size.is_64);
                POP(at, from_at, at == from_at ? at : VAL_I32);
                break;
        }
        return top;
}

/* No immediate, and more operands or results than the loop's rows hold. */
static valtype *check_many(struct body *b, valtype *top, const struct opcode_info *info)
{
        valtype types[8];
        uint32_t n = 0;

        for (const char *p = info->pops; *p; p++)
                types[n++] = letter_type(*p);
        top = operands_pop(b, top, types, n);
        if (!top)
                return NULL;
        n = 0;
        for (const char *p = info->pushes; *p; p++)
                types[n++] = letter_type(*p);
        return operands_push(b, top, types, n);
}

valtype *body_check_rare(struct body *b, valtype *top, struct instruction *in)
{
        switch (in->op) {
        case OP_CALL_INDIRECT:
        case OP_RETURN_CALL_INDIRECT:
                return check_call_indirect(b, top, in);
        case OP_RETURN_CALL:
                return check_return_call(b, top, in->index);
        case OP_SELECT_T:
                return check_select_t(b, top, in);
        case OP_TRY_TABLE:
                return check_try_table(b, top, in);
        case OP_TRY:
                return check_block(b, top, in);
        case OP_CATCH:
        case OP_CATCH_ALL:
                leaves(b); /* a builtin compares the tags */
                return check_catch_part(b, top, in);
        case OP_DELEGATE:
                return check_delegate(b, top, in->index);
        case OP_RETHROW:
                return check_rethrow(b, top, in->index);
        case OP_THROW:
                return check_throw(b, top, in->index);
        case OP_THROW_REF:
                POP(VAL_EXNREF);
                return check_unreachable(b, top);
        case OP_CALL_REF:
        case OP_RETURN_CALL_REF:
                return check_call_ref(b, top, in);
        case OP_REF_AS_NON_NULL:
                return check_as_non_null(b, top);
        case OP_BR_ON_NULL:
                return check_br_on_null(b, top, in->index);
        case OP_BR_ON_NON_NULL:
                return check_br_on_non_null(b, top, in->index);
        case OP_REF_NULL:
                if (!body_need_type(b, in->type))
                        return NULL;
                *top++ = in->type;
                return top;
        case OP_REF_IS_NULL:
                return check_ref_is_null(b, top);
        case OP_REF_FUNC:
                return check_ref_func(b, top, in->index);
        case OP_TABLE_GET:
        case OP_TABLE_SET:
        case OP_TABLE_GROW:
        case OP_TABLE_SIZE:
        case OP_TABLE_FILL:
                return check_table_op(b, top, in);
        case OP_TABLE_INIT:
        case OP_TABLE_COPY:
                return check_table_bulk(b, top, in);
        case OP_ATOMIC_FENCE:
                return top;
        case OP_ELEM_DROP:
                b->has_calls = true;
                return get_element(b, in->index) ? top : NULL;
        case OP_DATA_DROP:
                b->has_calls = true;
                return has_data(b, in->index) ? top : NULL;
        case OP_MEMORY_SIZE:
        case OP_MEMORY_GROW:
        case OP_MEMORY_INIT:
        case OP_MEMORY_COPY:
        case OP_MEMORY_FILL:
                return check_memory_op(b, top, in);
        case OP_I64_ADD128:
        case OP_I64_SUB128:
        case OP_I64_MUL_WIDE_S:
        case OP_I64_MUL_WIDE_U:
                return check_many(b, top, &opcode_table[in->op]);
        }
        return body_check_gc(b, top, in);
}
