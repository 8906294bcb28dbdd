/* Constant expressions (3.4.14): which instructions are constant, and their types. */
#include "engine/validate/checker.h"

#define CONST_DEPTH 1024

struct const_stack {
        struct checker *k;
        const struct const_expr *e;
        uint32_t globals;
        uint32_t n;
        valtype types[CONST_DEPTH];
};

static int push(struct const_stack *s, valtype type)
{
        if (s->n == CONST_DEPTH)
                return checker_error(s->k, -E2BIG, s->e->offset,
                                     "a constant expression with %u operands at once", s->n);
        s->types[s->n++] = type;
        return 0;
}

static int push_global(struct const_stack *s, uint32_t global)
{
        const struct module *m = s->k->m;

        if (global >= s->globals)
                return checker_error(s->k, -EBADMSG, s->e->offset, "unknown global %u", global);
        if (m->globals[global].type.is_mutable)
                return checker_error(s->k, -EBADMSG, s->e->offset,
                                     "constant expression required: global %u is mutable", global);
        return push(s, m->globals[global].type.type);
}

static int push_function(struct const_stack *s, uint32_t function)
{
        if (function >= s->k->m->nfunctions)
                return checker_error(s->k, -EBADMSG, s->e->offset, "unknown function %u", function);
        s->k->nescaping += !s->k->escaping[function];
        s->k->escaping[function] = 1;
        return push(s, VAL_REF_TO(s->k->m->functions[function].type));
}

/* The extended-const proposal: both operands of @type, and so the result. */
static int apply_binary(struct const_stack *s, uint16_t op, valtype type)
{
        if (!(s->k->features >> FEATURE_EXTENDED_CONST & 1))
                return checker_error(s->k, -EBADMSG, s->e->offset,
                                     "constant expression required: %s, and the feature %s is off",
                                     opcode_table[op].text,
                                     feature_table[FEATURE_EXTENDED_CONST].text);
        s->k->features_used |= UINT64_C(1) << FEATURE_EXTENDED_CONST;
        if (s->n < 2 || s->types[s->n - 1] != type || s->types[s->n - 2] != type)
                return checker_error(s->k, -EBADMSG, s->e->offset, "type mismatch: %s needs two %s",
                                     opcode_table[op].text, valtype_text(type));
        s->n--;
        return 0;
}

/* The topmost operand, gone then, has the type @want. */
static int pop(struct const_stack *s, const struct const_op *op, valtype want)
{
        if (s->n > 0 && type_matches(s->k->m, s->types[s->n - 1], want)) {
                s->n--;
                return 0;
        }
        return checker_error(s->k, -EBADMSG, s->e->offset, "type mismatch: %s needs %s and finds %s",
                             opcode_table[op->op].text, valtype_text(want),
                             s->n > 0 ? valtype_text(s->types[s->n - 1]) : "nothing");
}

static const struct deftype *get_def(struct const_stack *s, const struct const_op *op,
                                     enum comp_kind kind)
{
        const struct module *m = s->k->m;

        if (op->index >= m->ntypes)
                (void)checker_error(s->k, -EBADMSG, s->e->offset, "unknown type %u", op->index);
        else if (m->defs[op->index].kind == kind)
                return &m->defs[op->index];
        else
                (void)checker_error(s->k, -EBADMSG, s->e->offset, "type mismatch: type %u is not %s",
                                    op->index, kind == COMP_STRUCT ? "a structure" : "an array");
        return NULL;
}

static int no_default(struct const_stack *s, const struct const_op *op)
{
        return checker_error(s->k, -EBADMSG, s->e->offset, "type mismatch: type %u has no default "
                             "value", op->index);
}

static int apply_struct(struct const_stack *s, const struct const_op *op)
{
        const struct deftype *def = get_def(s, op, COMP_STRUCT);
        int r = 0;

        if (!def)
                return -EBADMSG;
        if (op->op == OP_STRUCT_NEW_DEFAULT && !def->has_default)
                return no_default(s, op);
        for (uint32_t i = def->nfields; i-- > 0 && op->op == OP_STRUCT_NEW && r == 0;)
                r = pop(s, op, storage_value(def->fields[i].storage));
        return r < 0 ? r : push(s, VAL_REF_TO(op->index));
}

static int apply_array(struct const_stack *s, const struct const_op *op)
{
        const struct deftype *def = get_def(s, op, COMP_ARRAY);
        valtype element;
        int r = 0;

        if (!def)
                return -EBADMSG;
        element = def->fields[0].storage;
        if (op->op == OP_ARRAY_NEW_DEFAULT && !valtype_has_default(element))
                return no_default(s, op);
        if (op->op != OP_ARRAY_NEW_FIXED)
                r = pop(s, op, VAL_I32);
        if (op->op == OP_ARRAY_NEW && r == 0)
                r = pop(s, op, storage_value(element));
        for (uint64_t i = 0; op->op == OP_ARRAY_NEW_FIXED && i < op->value[0] && r == 0; i++)
                r = pop(s, op, storage_value(element));
        return r < 0 ? r : push(s, VAL_REF_TO(op->index));
}

static int apply_conversion(struct const_stack *s, const struct const_op *op, uint32_t from,
                            uint32_t to)
{
        valtype null = s->n > 0 ? s->types[s->n - 1] & VAL_NULLABLE : 0;
        int r = pop(s, op, VAL_REF_NULL(from));

        return r < 0 ? r : push(s, null | VAL_REF_TO(to));
}

static int apply_i31(struct const_stack *s, const struct const_op *op)
{
        int r = pop(s, op, VAL_I32);

        return r < 0 ? r : push(s, VAL_REF_TO(HEAP_I31));
}

static int apply(struct const_stack *s, const struct const_op *op)
{
        switch (op->op) {
        case OP_I32_CONST:
                return push(s, VAL_I32);
        case OP_I64_CONST:
                return push(s, VAL_I64);
        case OP_F32_CONST:
                return push(s, VAL_F32);
        case OP_F64_CONST:
                return push(s, VAL_F64);
        case OP_V128_CONST:
                return push(s, VAL_V128);
        case OP_REF_NULL: {
                int r = check_type(s->k, VAL_REF_NULL(op->index), s->e->offset);

                return r < 0 ? r : push(s, VAL_REF_NULL(op->index));
        }
        case OP_REF_FUNC:
                return push_function(s, op->index);
        case OP_GLOBAL_GET:
                return push_global(s, op->index);
        case OP_STRUCT_NEW:
        case OP_STRUCT_NEW_DEFAULT:
                return apply_struct(s, op);
        case OP_ARRAY_NEW:
        case OP_ARRAY_NEW_DEFAULT:
        case OP_ARRAY_NEW_FIXED:
                return apply_array(s, op);
        case OP_ANY_CONVERT_EXTERN:
                return apply_conversion(s, op, HEAP_EXTERN, HEAP_ANY);
        case OP_EXTERN_CONVERT_ANY:
                return apply_conversion(s, op, HEAP_ANY, HEAP_EXTERN);
        case OP_REF_I31:
                return apply_i31(s, op);
        case OP_I32_ADD:
        case OP_I32_SUB:
        case OP_I32_MUL:
                return apply_binary(s, op->op, VAL_I32);
        case OP_I64_ADD:
        case OP_I64_SUB:
        case OP_I64_MUL:
                return apply_binary(s, op->op, VAL_I64);
        }
        return checker_error(s->k, -EBADMSG, s->e->offset, "constant expression required: %s "
                             "is not constant", opcode_table[op->op].text);
}

int check_const_expr(struct checker *k, const struct const_expr *e, valtype type, uint32_t globals)
{
        struct const_stack s;

        s.k = k;
        s.e = e;
        s.globals = globals;
        s.n = 0;
        for (uint32_t i = 0; i < e->nops; i++) {
                int r = apply(&s, &e->ops[i]);

                if (r < 0)
                        return r;
        }
        if (s.n != 1 || !type_matches(k->m, s.types[0], type))
                return checker_error(k, -EBADMSG, e->offset,
                                     "type mismatch: a constant expression for %s gives %s%s",
                                     valtype_text(type),
                                     s.n > 0 ? valtype_text(s.types[0]) : "nothing",
                                     s.n > 1 ? " and more" : "");
        return 0;
}
