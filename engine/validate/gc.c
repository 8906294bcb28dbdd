/* Structures, arrays, i31 and casts (3.4.2, 3.4.5). */
#include "engine/validate/checker.h"

#define POP(...)                                                             \
        ({                                                                   \
                const valtype _want[] = { __VA_ARGS__ };                     \
                top = operands_pop(b, top, _want, ELEMENTSOF(_want));        \
                if (!top)                                                    \
                        return NULL;                                         \
        })

static void leaves(struct body *b)
{
        b->has_calls = true;
        b->call_weight += b->loop_weight;
}

/* The definition at @index, which must be one of that kind. */
static const struct deftype *get_def(struct body *b, uint32_t index, enum comp_kind kind)
{
        const struct module *m = b->k->m;

        if (index >= m->ntypes)
                body_fail(b, -EBADMSG, "unknown type %u", index);
        else if (m->defs[index].kind == kind)
                return &m->defs[index];
        else
                body_fail(b, -EBADMSG, "type mismatch: type %u is not %s", index,
                          kind == COMP_STRUCT ? "a structure" : "an array");
        return NULL;
}

static const struct fieldtype *get_array(struct body *b, uint32_t index)
{
        const struct deftype *def = get_def(b, index, COMP_ARRAY);

        return def ? def->fields : NULL;
}

static const struct fieldtype *get_mutable_array(struct body *b, uint32_t index)
{
        const struct fieldtype *f = get_array(b, index);

        if (!f || f->is_mutable)
                return f;
        body_fail(b, -EBADMSG, "immutable array: the type %u", index);
        return NULL;
}

static const struct fieldtype *get_field(struct body *b, const struct instruction *in)
{
        const struct deftype *def = get_def(b, in->index, COMP_STRUCT);

        if (!def || in->index2 < def->nfields)
                return def ? &def->fields[in->index2] : NULL;
        body_fail(b, -EBADMSG, "unknown field %u of type %u", in->index2, in->index);
        return NULL;
}

/* The plain form reads what is not packed, the forms with a sign what is. */
static bool packing_fits(struct body *b, valtype storage, bool is_signed)
{
        if ((valtype_kind(storage) >= VAL_I8) == is_signed)
                return true;
        body_fail(b, -EBADMSG, "type mismatch: a field of %s is %s", valtype_text(storage),
                  is_signed ? "not packed" : "packed");
        return false;
}

/* Unreachable code has whatever operands are asked for: thousands of them must not take time. */
static bool has_any(const struct body *b, const valtype *top)
{
        return top == b->base && b->unreachable;
}

static valtype *check_struct_new(struct body *b, valtype *top, const struct instruction *in)
{
        const struct deftype *def = get_def(b, in->index, COMP_STRUCT);

        if (!def)
                return NULL;
        leaves(b);
        if (in->op == OP_STRUCT_NEW_DEFAULT && !def->has_default)
                return body_fail(b, -EBADMSG, "type mismatch: field types of type %u have no default "
                                 "value", in->index);
        for (uint32_t i = def->nfields; i-- > 0 && in->op == OP_STRUCT_NEW && !has_any(b, top);)
                POP(storage_value(def->fields[i].storage));
        *top++ = VAL_REF_TO(in->index);
        return top;
}

static valtype *check_struct_access(struct body *b, valtype *top, const struct instruction *in)
{
        const struct fieldtype *f = get_field(b, in);

        if (!f)
                return NULL;
        if (in->op == OP_STRUCT_SET) {
                if (!f->is_mutable)
                        return body_fail(b, -EBADMSG, "immutable field %u of type %u", in->index2,
                                         in->index);
                POP(VAL_REF_NULL(in->index), storage_value(f->storage));
                return top;
        }
        if (!packing_fits(b, f->storage, in->op != OP_STRUCT_GET))
                return NULL;
        POP(VAL_REF_NULL(in->index));
        *top++ = storage_value(f->storage);
        return top;
}

/* Data segments hold numbers alone. */
static bool array_of_numbers(struct body *b, const struct fieldtype *f)
{
        if (!valtype_is_ref(f->storage))
                return true;
        body_fail(b, -EBADMSG, "array type is not numeric or vector: elements are %s",
                  valtype_text(f->storage));
        return false;
}

static bool segment_fits(struct body *b, const struct fieldtype *f, uint32_t index)
{
        const struct element_segment *segment = get_element(b, index);

        if (!segment)
                return false;
        if (valtype_is_ref(f->storage) && type_matches(b->k->m, segment->type, f->storage))
                return true;
        body_fail(b, -EBADMSG, "type mismatch: a segment of %s for an array of %s",
                  valtype_text(segment->type), valtype_text(f->storage));
        return false;
}

static valtype *check_array_fixed(struct body *b, valtype *top, const struct instruction *in,
                                  valtype element)
{
        if (in->index2 > b->k->limits->array_operands)
                return body_fail(b, -E2BIG, "array.new_fixed of %u operands, the limit is %llu",
                                 in->index2, (unsigned long long)b->k->limits->array_operands);
        for (uint32_t i = 0; i < in->index2 && !has_any(b, top); i++)
                POP(element);
        return top;
}

static valtype *check_array_new(struct body *b, valtype *top, const struct instruction *in)
{
        const struct fieldtype *f = get_array(b, in->index);

        if (!f)
                return NULL;
        leaves(b);
        switch (in->op) {
        case OP_ARRAY_NEW:
                POP(storage_value(f->storage), VAL_I32);
                break;
        case OP_ARRAY_NEW_DEFAULT:
                if (!valtype_has_default(f->storage))
                        return body_fail(b, -EBADMSG, "type mismatch: array type %u has no default "
                                         "value", in->index);
                POP(VAL_I32);
                break;
        case OP_ARRAY_NEW_FIXED:
                top = check_array_fixed(b, top, in, storage_value(f->storage));
                if (!top)
                        return NULL;
                break;
        case OP_ARRAY_NEW_DATA:
                if (!array_of_numbers(b, f) || !has_data(b, in->index2))
                        return NULL;
                POP(VAL_I32, VAL_I32);
                break;
        default:
                if (!segment_fits(b, f, in->index2))
                        return NULL;
                POP(VAL_I32, VAL_I32);
                break;
        }
        *top++ = VAL_REF_TO(in->index);
        return top;
}

static valtype *check_array_get(struct body *b, valtype *top, const struct instruction *in)
{
        const struct fieldtype *f = get_array(b, in->index);

        if (!f || !packing_fits(b, f->storage, in->op != OP_ARRAY_GET))
                return NULL;
        POP(VAL_REF_NULL(in->index), VAL_I32);
        *top++ = storage_value(f->storage);
        return top;
}

static valtype *check_array_copy(struct body *b, valtype *top, const struct instruction *in)
{
        const struct fieldtype *to = get_mutable_array(b, in->index);
        const struct fieldtype *from = to ? get_array(b, in->index2) : NULL;

        if (!from)
                return NULL;
        if (!type_matches(b->k->m, from->storage, to->storage))
                return body_fail(b, -EBADMSG, "array types do not match: elements are %s and %s",
                                 valtype_text(from->storage), valtype_text(to->storage));
        POP(VAL_REF_NULL(in->index), VAL_I32, VAL_REF_NULL(in->index2), VAL_I32, VAL_I32);
        return top;
}

/* What writes many elements, or one. */
static valtype *check_array_write(struct body *b, valtype *top, const struct instruction *in)
{
        const struct fieldtype *f = get_mutable_array(b, in->index);
        valtype array = VAL_REF_NULL(in->index);

        if (!f)
                return NULL;
        switch (in->op) {
        case OP_ARRAY_SET:
                POP(array, VAL_I32, storage_value(f->storage));
                return top;
        case OP_ARRAY_FILL:
                POP(array, VAL_I32, storage_value(f->storage), VAL_I32);
                break;
        case OP_ARRAY_INIT_DATA:
                if (!array_of_numbers(b, f) || !has_data(b, in->index2))
                        return NULL;
                POP(array, VAL_I32, VAL_I32, VAL_I32);
                break;
        default:
                if (!segment_fits(b, f, in->index2))
                        return NULL;
                POP(array, VAL_I32, VAL_I32, VAL_I32);
                break;
        }
        leaves(b);
        return top;
}

/* The nullable reference at the top of the hierarchy that @t belongs to. */
static valtype top_of(const struct module *m, valtype t)
{
        static const uint32_t tops[] = {
                [TOP_ANY] = HEAP_ANY, [TOP_FUNC] = HEAP_FUNC,
                [TOP_EXTERN] = HEAP_EXTERN, [TOP_EXN] = HEAP_EXN,
        };

        return VAL_REF_NULL(tops[module_heap_top(m, valtype_heap(t))]);
}

static valtype *check_cast(struct body *b, valtype *top, const struct instruction *in)
{
        if (!body_need_type(b, in->type))
                return NULL;
        leaves(b); /* of types far below their root a builtin finds them */
        POP(top_of(b->k->m, in->type));
        *top++ = in->op == OP_REF_TEST || in->op == OP_REF_TEST_NULL ? VAL_I32 : in->type;
        return top;
}

/* What is left of @type when values of @without are gone: at most null is. */
static valtype type_without(valtype type, valtype without)
{
        return without & VAL_NULLABLE ? type & ~VAL_NULLABLE : type;
}

static valtype *check_br_cast(struct body *b, valtype *top, const struct instruction *in)
{
        valtype from = in->type, to = in->wanted, rest = type_without(from, to);
        bool fails = in->op == OP_BR_ON_CAST_FAIL;

        if (!body_need_type(b, from) || !body_need_type(b, to))
                return NULL;
        if (!type_matches(b->k->m, to, from))
                return body_fail(b, -EBADMSG, "type mismatch: a cast of %s to %s", valtype_text(from),
                                 valtype_text(to));
        leaves(b);
        POP(from);
        *top++ = fails ? rest : to;
        top = check_branch(b, top, in->index, true);
        if (top)
                top[-1] = fails ? to : rest;
        return top;
}

static valtype *check_conversion(struct body *b, valtype *top, uint32_t from, uint32_t to)
{
        valtype t;

        if (!pop_reference(b, &top, &t))
                return NULL;
        if (!type_matches(b->k->m, t, VAL_REF_NULL(from)))
                return body_fail(b, -EBADMSG, "type mismatch: %s where %s is needed",
                                 valtype_text(t), valtype_text(VAL_REF_NULL(from)));
        leaves(b);
        *top++ = (t & VAL_NULLABLE) | VAL_REF_TO(to);
        return top;
}

valtype *body_check_gc(struct body *b, valtype *top, const struct instruction *in)
{
        switch (in->op) {
        case OP_STRUCT_NEW:
        case OP_STRUCT_NEW_DEFAULT:
                return check_struct_new(b, top, in);
        case OP_STRUCT_GET:
        case OP_STRUCT_GET_S:
        case OP_STRUCT_GET_U:
        case OP_STRUCT_SET:
                return check_struct_access(b, top, in);
        case OP_ARRAY_NEW:
        case OP_ARRAY_NEW_DEFAULT:
        case OP_ARRAY_NEW_FIXED:
        case OP_ARRAY_NEW_DATA:
        case OP_ARRAY_NEW_ELEM:
                return check_array_new(b, top, in);
        case OP_ARRAY_GET:
        case OP_ARRAY_GET_S:
        case OP_ARRAY_GET_U:
                return check_array_get(b, top, in);
        case OP_ARRAY_SET:
        case OP_ARRAY_FILL:
        case OP_ARRAY_INIT_DATA:
        case OP_ARRAY_INIT_ELEM:
                return check_array_write(b, top, in);
        case OP_ARRAY_COPY:
                leaves(b);
                return check_array_copy(b, top, in);
        case OP_ARRAY_LEN:
                POP(VAL_REF_NULL(HEAP_ARRAY));
                *top++ = VAL_I32;
                return top;
        case OP_REF_TEST:
        case OP_REF_TEST_NULL:
        case OP_REF_CAST:
        case OP_REF_CAST_NULL:
                return check_cast(b, top, in);
        case OP_BR_ON_CAST:
        case OP_BR_ON_CAST_FAIL:
                return check_br_cast(b, top, in);
        case OP_ANY_CONVERT_EXTERN:
                return check_conversion(b, top, HEAP_EXTERN, HEAP_ANY);
        case OP_EXTERN_CONVERT_ANY:
                return check_conversion(b, top, HEAP_ANY, HEAP_EXTERN);
        case OP_REF_I31:
                POP(VAL_I32);
                *top++ = VAL_REF_TO(HEAP_I31);
                return top;
        case OP_I31_GET_S:
        case OP_I31_GET_U:
                POP(VAL_REF_NULL(HEAP_I31));
                *top++ = VAL_I32;
                return top;
        case OP_REF_EQ:
                POP(VAL_REF_NULL(HEAP_EQ), VAL_REF_NULL(HEAP_EQ));
                *top++ = VAL_I32;
                return top;
        }
        return body_fail(b, -EOPNOTSUPP, "%s: the validator has no rule for it",
                         opcode_table[in->op].text);
}
