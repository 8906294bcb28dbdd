/* Structures, arrays, i31 and casts.
 *
 * A reference is an i64 whose upper half is zero. Collections look for references in the stack: what
 * LLVM keeps over a call is the reference (as 32 or 64 bits, alone or in a vector), or the address of
 * the object or of a place within it, since nothing else is computed here: constants that lie inside
 * are added to the address, and the index of an element comes out of an assembly fragment, of which
 * LLVM makes no running pointer that could stand beside the object. */
#include <string.h>

#include "engine/compile/peak/lower.h"

static LLVMValueRef head_field(struct body *s, LLVMTypeRef type, int32_t at, bool invariant)
{
        return load_field(s, type, instance_at(s->l, at), CLASS_DESCRIPTOR, invariant);
}

static LLVMValueRef bytes_on(struct body *s, LLVMValueRef pointer, LLVMValueRef bytes)
{
        return LLVMBuildGEP2(s->l->b, s->l->i8, pointer, &bytes, 1, "");
}

static LLVMValueRef object_pointer(struct body *s, LLVMValueRef ref)
{
        return bytes_on(s, head_field(s, s->l->pointer, ABI_HEAD(heap), true), ref);
}

static LLVMValueRef type_word(struct body *s, uint32_t type)
{
        return head_field(s, s->l->i32, s->l->layout->types + 4 * (int32_t)type, true);
}

static LLVMValueRef is_null(struct body *s, LLVMValueRef ref)
{
        return LLVMBuildICmp(s->l->b, LLVMIntEQ, ref, const_i64(s->l, 0), "");
}

static LLVMValueRef is_i31(struct body *s, LLVMValueRef ref)
{
        return LLVMBuildTrunc(s->l->b, ref, s->l->i1, "");
}

static LLVMTypeRef storage_type(struct lowering *l, valtype t)
{
        if (valtype_kind(t) == VAL_REF)
                return module_storage_bytes(l->m, t) == 4 ? l->i32 : l->i64;
        return valtype_kind(t) == VAL_I8 ? l->i8 : valtype_kind(t) == VAL_I16 ? l->i16 : lower_type(l, t);
}

static void push_storage(struct body *s, valtype t, LLVMValueRef pointer, bool sign)
{
        struct lowering *l = s->l;
        LLVMTypeRef want = lower_type(l, storage_value(t));
        LLVMValueRef v = load_field(s, storage_type(l, t), pointer, CLASS_OBJECT, false);

        LLVMSetAlignment(v, 1);
        if (LLVMTypeOf(v) != want)
                v = sign ? LLVMBuildSExt(l->b, v, want, "") : LLVMBuildZExt(l->b, v, want, "");
        push(s, v);
}

static void put_storage(struct body *s, valtype t, LLVMValueRef pointer, LLVMValueRef v)
{
        LLVMTypeRef type = storage_type(s->l, t);
        LLVMValueRef store;

        if (LLVMTypeOf(v) != type)
                v = LLVMBuildTrunc(s->l->b, v, type, "");
        store = LLVMBuildStore(s->l->b, v, pointer);
        LLVMSetMetadata(store, s->l->kind_tbaa, s->l->tbaa[CLASS_OBJECT]);
        LLVMSetAlignment(store, 1);
}

/* ---- structures ----------------------------------------------------------------------------- */

static LLVMValueRef field_pointer(struct body *s, LLVMValueRef object, uint32_t type, uint32_t field)
{
        return bytes_on(s, object, const_i64(s->l, object_field(&s->l->objects, type, field)));
}

static void struct_access(struct body *s, const struct instruction *in)
{
        valtype t = s->l->m->defs[in->index].fields[in->index2].storage;
        LLVMValueRef value = in->op == OP_STRUCT_SET ? pop(s) : NULL, ref = pop(s), at;

        trap_if(s, is_null(s, ref), TRAP_NULL_STRUCTURE);
        at = field_pointer(s, object_pointer(s, ref), in->index, in->index2);
        if (value)
                put_storage(s, t, at, value);
        else
                push_storage(s, t, at, in->op == OP_STRUCT_GET_S);
}

/* To @yes, or on. Returns the branch. */
static LLVMValueRef branch_new(struct body *s, LLVMValueRef condition, LLVMBasicBlockRef yes)
{
        LLVMBasicBlockRef no = new_block(s, "");
        LLVMValueRef branch = LLVMBuildCondBr(s->l->b, condition, yes, no);

        LLVMPositionBuilderAtEnd(s->l->b, no);
        return branch;
}

static LLVMValueRef call_type(struct body *s, enum builtin b, uint32_t type)
{
        LLVMValueRef arg = const_i32(s->l, type);

        return builtin_call(s, b, &arg, 1);
}

/* Volatile, so that the two stores stay in their order: who ends the guest between them must find a
 * heap that can be walked. */
static void store_in_order(struct body *s, LLVMValueRef v, LLVMValueRef pointer, enum memory_class class)
{
        LLVMValueRef store = LLVMBuildStore(s->l->b, v, pointer);

        LLVMSetMetadata(store, s->l->kind_tbaa, s->l->tbaa[class]);
        LLVMSetVolatile(store, true);
}

/* Cut off the run at hand; or what the builtin makes. */
static LLVMValueRef struct_small(struct body *s, uint32_t type, uint32_t bytes)
{
        struct lowering *l = s->l;
        LLVMValueRef cursor = head_field(s, l->pointer, ABI_HEAD(cursor), true), bump, next, limit;
        LLVMValueRef branch, refs[2], phi;
        LLVMBasicBlockRef from[2], slow = new_block(s, ""), done = new_block(s, "");

        bytes = (bytes + GC_GRANULE - 1) & ~(GC_GRANULE - 1);
        bump = load_field(s, l->i32, cursor, CLASS_CURSOR, false);
        limit = load_field(s, l->i32, bytes_on(s, cursor, const_i64(l, offsetof(struct gc_cursor, limit))),
                           CLASS_CURSOR, false);
        next = LLVMBuildNUWAdd(l->b, bump, const_i32(l, bytes), "");
        branch = branch_new(s, LLVMBuildICmp(l->b, LLVMIntUGT, next, limit, ""), slow);
        LLVMSetMetadata(branch, l->kind_prof, l->unlikely);
        refs[0] = LLVMBuildZExt(l->b, bump, l->i64, "");
        store_in_order(s, type_word(s, type), object_pointer(s, refs[0]), CLASS_LENGTH);
        store_in_order(s, next, cursor, CLASS_CURSOR);
        from[0] = LLVMGetInsertBlock(l->b);
        LLVMBuildBr(l->b, done);
        LLVMPositionBuilderAtEnd(l->b, slow);
        refs[1] = call_type(s, BUILTIN_struct_new, type);
        from[1] = LLVMGetInsertBlock(l->b);
        LLVMBuildBr(l->b, done);
        LLVMPositionBuilderAtEnd(l->b, done);
        phi = LLVMBuildPhi(l->b, l->i64, "");
        LLVMAddIncoming(phi, refs, from, 2);
        return phi;
}

static void struct_new(struct body *s, const struct instruction *in)
{
        const struct deftype *d = &s->l->m->defs[in->index];
        uint32_t bytes = s->l->objects.bytes[in->index], n = in->op == OP_STRUCT_NEW ? d->nfields : 0;
        LLVMValueRef ref, object, *values = &s->stack[s->depth - n];

        if (bytes <= GC_SMALL_MAX)
                ref = struct_small(s, in->index, bytes);
        else
                ref = call_type(s, BUILTIN_struct_new, in->index);
        object = n ? object_pointer(s, ref) : NULL;
        for (uint32_t k = 0; k < n; k++)
                put_storage(s, d->fields[k].storage, field_pointer(s, object, in->index, k), values[k]);
        s->depth -= n;
        push(s, ref);
}

/* ---- arrays --------------------------------------------------------------------------------- */

static LLVMValueRef array_length(struct body *s, LLVMValueRef object)
{
        return load_field(s, s->l->i32, bytes_on(s, object, const_i64(s->l, GC_LENGTH_AT)), CLASS_LENGTH,
                          false);
}

static LLVMValueRef element_at(struct body *s, LLVMValueRef object, LLVMValueRef index_64, unsigned bytes)
{
        LLVMValueRef at = LLVMBuildShl(s->l->b, index_64, const_i64(s->l, (uint64_t)__builtin_ctz(bytes)), "");

        return bytes_on(s, bytes_on(s, object, const_i64(s->l, GC_ARRAY_AT)), at);
}

static void array_access(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        valtype t = l->m->defs[in->index].fields[0].storage;
        LLVMValueRef value = in->op == OP_ARRAY_SET ? pop(s) : NULL, index = pop(s), ref = pop(s);
        LLVMValueRef object, length, at;

        trap_if(s, is_null(s, ref), TRAP_NULL_ARRAY);
        object = object_pointer(s, ref);
        length = array_length(s, object);
        trap_if(s, LLVMBuildICmp(l->b, LLVMIntUGE, index, length, ""), TRAP_ARRAY_BOUNDS);
        at = element_at(s, object, mask_below(s, index_64(s, index), index_64(s, length), false), module_storage_bytes(l->m, t));
        if (value)
                put_storage(s, t, at, value);
        else
                push_storage(s, t, at, in->op == OP_ARRAY_GET_S);
}

static void array_len(struct body *s)
{
        LLVMValueRef ref = pop(s);

        trap_if(s, is_null(s, ref), TRAP_NULL_ARRAY);
        push(s, array_length(s, object_pointer(s, ref)));
}

static LLVMValueRef array_make(struct body *s, uint32_t type, bool with_value, LLVMValueRef n)
{
        LLVMValueRef args[3] = { const_i32(s->l, type), const_i32(s->l, with_value), n };

        return builtin_call(s, BUILTIN_array_new, args, 3);
}

static void array_new_fixed(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        valtype t = l->m->defs[in->index].fields[0].storage;
        uint32_t n = in->index2;
        LLVMValueRef *values = &s->stack[s->depth - n], ref, object;

        ref = array_make(s, in->index, false, const_i32(l, n));
        object = object_pointer(s, ref);
        for (uint32_t k = 0; k < n; k++)
                put_storage(s, t, element_at(s, object, const_i64(l, k), module_storage_bytes(l->m, t)),
                            values[k]);
        s->depth -= n;
        push(s, ref);
}

/* The value for many elements, as a builtin finds it. */
static void spill_value(struct body *s, uint32_t type, LLVMValueRef v)
{
        valtype t = storage_value(s->l->m->defs[type].fields[0].storage);

        store_field(s, travel(s, v, t), instance_at(s->l, s->l->layout->spill), CLASS_SPILL);
}

/* The top @n operands behind the constants that the instruction names. */
static LLVMValueRef array_builtin(struct body *s, enum builtin b, const struct instruction *in,
                                  unsigned nfixed, unsigned n)
{
        LLVMValueRef args[6] = { const_i32(s->l, in->index) };

        if (nfixed == 2)
                args[1] = const_i32(s->l, in->index2);
        for (unsigned k = 0; k < n; k++)
                args[nfixed + k] = s->stack[s->depth - n + k];
        s->depth -= n;
        return builtin_call(s, b, args, nfixed + n);
}

/* ---- casts ---------------------------------------------------------------------------------- */

/* Whether the first word of an object, or the type of a function, is @type or below it. */
static LLVMValueRef is_defined(struct body *s, LLVMValueRef word, uint32_t type)
{
        struct lowering *l = s->l;
        const struct deftype *d = &l->m->defs[type];
        LLVMValueRef wanted = type_word(s, type), at, id;

        if (d->is_final)
                return LLVMBuildICmp(l->b, LLVMIntEQ, word, wanted, "");
        at = LLVMBuildAnd(l->b, word, const_i32(l, GC_ID_MASK), "");
        at = LLVMBuildShl(l->b, LLVMBuildZExt(l->b, at, l->i64, ""), const_i64(l, ABI_DISPLAY_SHIFT), "");
        at = bytes_on(s, head_field(s, l->pointer,
                                    ABI_HEAD(displays) + 8 * (int32_t)(d->depth / ABI_DISPLAY), false), at);
        id = load_field(s, l->i32, bytes_on(s, at, const_i64(l, 4 * (d->depth % ABI_DISPLAY))),
                        CLASS_DESCRIPTOR, false);
        return LLVMBuildICmp(l->b, LLVMIntEQ, id,
                             LLVMBuildAnd(l->b, wanted, const_i32(l, GC_ID_MASK), ""), "");
}

/* Of an object of the any hierarchy, which may be read. */
static LLVMValueRef is_object_of(struct body *s, LLVMValueRef ref, uint32_t heap)
{
        struct lowering *l = s->l;
        LLVMValueRef word = load_field(s, l->i32, object_pointer(s, ref), CLASS_LENGTH, false), kind;

        if (heap < HEAP_FIRST_ABSTRACT)
                return is_defined(s, word, heap);
        kind = LLVMBuildLShr(l->b, word, const_i32(l, GC_KIND_SHIFT), "");
        return LLVMBuildICmp(l->b, heap == HEAP_EQ ? LLVMIntNE : LLVMIntEQ, kind,
                             const_i32(l, heap == HEAP_STRUCT  ? GC_STRUCT
                                          : heap == HEAP_ARRAY ? GC_ARRAY
                                                               : GC_EXTERN), "");
}

static LLVMValueRef is_function_of(struct body *s, LLVMValueRef ref, uint32_t type)
{
        LLVMValueRef at = LLVMBuildIntToPtr(s->l->b, ref, s->l->pointer, "");

        at = bytes_on(s, at, const_i64(s->l, offsetof(struct table_entry, type)));
        return is_defined(s, load_field(s, s->l->i32, at, CLASS_DESCRIPTOR, false), type);
}

/* What can be said without reading memory; NULL: nothing of what is not null. */
static LLVMValueRef is_simple(struct body *s, LLVMValueRef ref, uint32_t heap)
{
        switch (heap) {
        case HEAP_ANY:
        case HEAP_FUNC:
        case HEAP_EXTERN:
        case HEAP_EXN:
                return LLVMConstInt(s->l->i1, 1, false);
        case HEAP_NONE:
        case HEAP_NOFUNC:
        case HEAP_NOEXTERN:
        case HEAP_NOEXN:
                return LLVMConstInt(s->l->i1, 0, false);
        case HEAP_I31:
                return is_i31(s, ref);
        default:
                return NULL;
        }
}

/* Whether @ref is of @want. */
static LLVMValueRef reference_is(struct body *s, LLVMValueRef ref, valtype want)
{
        struct lowering *l = s->l;
        uint32_t heap = valtype_heap(want);
        LLVMValueRef of_null = LLVMConstInt(l->i1, want & VAL_NULLABLE ? 1 : 0, false), values[3], phi;
        LLVMBasicBlockRef from[3], done;
        unsigned n = 0;

        values[0] = is_simple(s, ref, heap);
        if (values[0])
                return LLVMBuildSelect(l->b, is_null(s, ref), of_null, values[0], "");
        done = new_block(s, "");
        from[n] = LLVMGetInsertBlock(l->b);
        values[n++] = of_null;
        branch_new(s, is_null(s, ref), done);
        if (module_heap_top(l->m, heap) == TOP_FUNC) {
                values[n] = is_function_of(s, ref, heap);
        } else {
                from[n] = LLVMGetInsertBlock(l->b);
                values[n++] = LLVMConstInt(l->i1, heap == HEAP_EQ, false);
                branch_new(s, is_i31(s, ref), done);
                values[n] = is_object_of(s, ref, heap);
        }
        from[n++] = LLVMGetInsertBlock(l->b);
        LLVMBuildBr(l->b, done);
        LLVMPositionBuilderAtEnd(l->b, done);
        phi = LLVMBuildPhi(l->b, l->i1, "");
        LLVMAddIncoming(phi, values, from, n);
        return phi;
}

static void branch_on_cast(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        LLVMValueRef is = reference_is(s, s->stack[s->depth - 1], in->wanted);
        LLVMBasicBlockRef target, next;

        if (in->op == OP_BR_ON_CAST_FAIL)
                is = LLVMBuildNot(l->b, is, "");
        target = branch_target(s, in->index);
        next = new_block(s, "");
        LLVMBuildCondBr(l->b, is, target, next);
        LLVMPositionBuilderAtEnd(l->b, next);
}

static void i31_get(struct body *s, bool sign)
{
        struct lowering *l = s->l;
        LLVMValueRef ref = pop(s), low, one = const_i32(l, 1);

        trap_if(s, is_null(s, ref), TRAP_NULL_I31);
        low = LLVMBuildTrunc(l->b, ref, l->i32, "");
        push(s, sign ? LLVMBuildAShr(l->b, low, one, "") : LLVMBuildLShr(l->b, low, one, ""));
}

static void i31_new(struct body *s)
{
        struct lowering *l = s->l;
        LLVMValueRef v = LLVMBuildShl(l->b, pop(s), const_i32(l, 1), "");

        push(s, LLVMBuildZExt(l->b, LLVMBuildOr(l->b, v, const_i32(l, 1), ""), l->i64, ""));
}

static void lower_array(struct body *s, const struct instruction *in)
{
        LLVMValueRef n;

        switch (in->op) {
        case OP_ARRAY_NEW:
                n = pop(s);
                spill_value(s, in->index, pop(s));
                push(s, array_make(s, in->index, true, n));
                break;
        case OP_ARRAY_NEW_DEFAULT:
                push(s, array_make(s, in->index, false, pop(s)));
                break;
        case OP_ARRAY_NEW_FIXED:
                array_new_fixed(s, in);
                break;
        case OP_ARRAY_NEW_DATA:
                push(s, array_builtin(s, BUILTIN_array_new_data, in, 2, 2));
                break;
        case OP_ARRAY_NEW_ELEM:
                push(s, array_builtin(s, BUILTIN_array_new_elem, in, 2, 2));
                break;
        case OP_ARRAY_FILL:
                n = pop(s);
                spill_value(s, in->index, pop(s));
                push(s, n);
                (void)array_builtin(s, BUILTIN_array_fill, in, 1, 3);
                break;
        case OP_ARRAY_COPY:
                (void)array_builtin(s, BUILTIN_array_copy, in, 1, 5);
                break;
        case OP_ARRAY_INIT_DATA:
                (void)array_builtin(s, BUILTIN_array_init_data, in, 2, 4);
                break;
        case OP_ARRAY_INIT_ELEM:
                (void)array_builtin(s, BUILTIN_array_init_elem, in, 2, 4);
                break;
        case OP_ARRAY_LEN:
                array_len(s);
                break;
        default:
                array_access(s, in);
                break;
        }
}

bool lower_gc(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        LLVMValueRef v;

        if (opcode_table[in->op].feature != FEATURE_GC)
                return false;
        body_mark(s, in->at);
        switch (in->op) {
        case OP_STRUCT_NEW:
        case OP_STRUCT_NEW_DEFAULT:
                struct_new(s, in);
                return true;
        case OP_STRUCT_GET:
        case OP_STRUCT_GET_S:
        case OP_STRUCT_GET_U:
        case OP_STRUCT_SET:
                struct_access(s, in);
                return true;
        case OP_REF_EQ:
                v = pop(s);
                v = LLVMBuildICmp(l->b, LLVMIntEQ, v, pop(s), "");
                push(s, LLVMBuildZExt(l->b, v, l->i32, ""));
                return true;
        case OP_REF_TEST:
        case OP_REF_TEST_NULL:
                v = reference_is(s, pop(s), in->type);
                push(s, LLVMBuildZExt(l->b, v, l->i32, ""));
                return true;
        case OP_REF_CAST:
        case OP_REF_CAST_NULL:
                v = reference_is(s, s->stack[s->depth - 1], in->type);
                trap_if(s, LLVMBuildNot(l->b, v, ""), TRAP_CAST);
                return true;
        case OP_BR_ON_CAST:
        case OP_BR_ON_CAST_FAIL:
                branch_on_cast(s, in);
                return true;
        case OP_ANY_CONVERT_EXTERN:
        case OP_EXTERN_CONVERT_ANY:
                v = pop(s);
                push(s, builtin_call(s, in->op == OP_ANY_CONVERT_EXTERN ? BUILTIN_any_convert_extern
                                                                         : BUILTIN_extern_convert_any, &v, 1));
                return true;
        case OP_REF_I31:
                i31_new(s);
                return true;
        case OP_I31_GET_S:
        case OP_I31_GET_U:
                i31_get(s, in->op == OP_I31_GET_S);
                return true;
        default:
                lower_array(s, in);
                return true;
        }
}
