/* gc.h - structures, arrays, i31 and casts. The heap and its references: engine/gc/gc.h. */
#pragma once

#include "engine/compile/fast/variable.h"

#include FAST_MACHINE(object.h)

#define BUILTIN_CALL(name, noperands, result, ...)                                              \
        do {                                                                                    \
                const uint32_t fixed[] = { __VA_ARGS__ };                                       \
                call_builtin(g, BUILTIN_##name, fixed, ELEMENTSOF(fixed), noperands, result);   \
        } while (0)

static valtype field_storage(const struct generator *g, uint32_t type, uint32_t field)
{
        return g->m->defs[type].fields[field].storage;
}

/* What is read from storage @t becomes the result. */
static void storage_get(struct generator *g, valtype t, bool sign, struct operand o,
                        const struct entry *reuse, unsigned *ret)
{
        unsigned type = valtype_kind(storage_value(t));

        *ret = reg_result(g, type_regs(type), 0, type_is_vector(type) ? NULL : reuse);
        load_storage(g, type, module_storage_bytes(g->m, t), sign, *ret, o);
}

static void struct_get(struct generator *g, const struct instruction *in)
{
        valtype t = field_storage(g, in->index, in->index2);
        struct entry ref = stack_pop(g);
        unsigned reg = entry_reg(g, &ref), heap = reg_alloc(g, GPR_MASK), dst;

        test_register(g, ASM_W, reg);
        trap_cold(g, CC_E, TRAP_NULL_STRUCTURE);
        load_head(g, heap, ABI_HEAD(heap));
        storage_get(g, t, in->op == OP_STRUCT_GET_S,
                    object_at(heap, reg, (int32_t)object_field(&g->shared->objects, in->index, in->index2)),
                    &ref, &dst);
        entry_release_but(g, &ref, BIT(dst));
        reg_free(g, heap);
        push_reg(g, valtype_kind(storage_value(t)), dst);
}

static void struct_set(struct generator *g, const struct instruction *in)
{
        struct entry value = stack_pop(g), ref = stack_pop(g);
        unsigned reg = entry_reg(g, &ref), heap;

        if (!is_const(&value))
                (void)entry_reg(g, &value);
        heap = reg_alloc(g, GPR_MASK);
        test_register(g, ASM_W, reg);
        trap_cold(g, CC_E, TRAP_NULL_STRUCTURE);
        load_head(g, heap, ABI_HEAD(heap));
        store_storage(g, module_storage_bytes(g->m, field_storage(g, in->index, in->index2)), &value,
                      object_at(heap, reg, (int32_t)object_field(&g->shared->objects, in->index, in->index2)));
        entry_release(g, &value);
        entry_release(g, &ref);
        reg_free(g, heap);
}

/* The top @n entries into the fields, or elements, of a new object. */
static void object_fill(struct generator *g, uint32_t type, uint32_t n, unsigned ref, unsigned heap)
{
        const struct deftype *d = &g->m->defs[type];
        bool array = d->kind == COMP_ARRAY;

        while (n-- > 0) {
                unsigned bytes = module_storage_bytes(g->m, d->fields[array ? 0 : n].storage);
                uint32_t at = array ? GC_ARRAY_AT + bytes * n : object_field(&g->shared->objects, type, n);
                struct entry value = stack_pop(g);

                asm_room(&g->a);
                store_storage(g, bytes, &value, object_at(heap, ref, (int32_t)at));
                entry_release(g, &value);
        }
}

/* The object that a builtin made is on top, above its @n values. */
static void object_made(struct generator *g, uint32_t type, uint32_t n)
{
        struct entry e = stack_pop(g);
        unsigned ref = entry_temp(g, &e), heap = reg_alloc(g, GPR_MASK);

        asm_room(&g->a);
        load_head(g, heap, ABI_HEAD(heap));
        object_fill(g, type, n, ref, heap);
        reg_free(g, heap);
        push_reg(g, T_REF, ref);
}

static void struct_new(struct generator *g, uint32_t type, bool fields)
{
        uint32_t bytes = g->shared->objects.bytes[type], n = fields ? g->m->defs[type].nfields : 0;
        unsigned ref, heap;

        if (bytes > GC_SMALL_MAX) {
                BUILTIN_CALL(struct_new, 0, T_REF, type);
                object_made(g, type, n);
                return;
        }
        structure_new(g, type, bytes, &ref, &heap);
        object_fill(g, type, n, ref, heap);
        reg_free(g, heap);
        push_reg(g, T_REF, ref);
}

static void array_new_fixed(struct generator *g, uint32_t type, uint32_t n)
{
        push_constant(g, T_I32, n);
        BUILTIN_CALL(array_new, 1, T_REF, type, 0);
        object_made(g, type, n);
}

/* The value below the count, which goes to the spill area; the count stays. */
static void array_value(struct generator *g)
{
        struct entry n = stack_pop(g), value = stack_pop(g);
        unsigned reg = entry_temp(g, &n);

        store_spill(g, value.type, entry_reg(g, &value), 0);
        entry_release(g, &value);
        push_reg(g, T_I32, reg);
}

static void array_get(struct generator *g, const struct instruction *in)
{
        valtype t = field_storage(g, in->index, 0);
        struct entry index = stack_pop(g), ref = stack_pop(g);
        unsigned regs[2], dst;
        struct operand o = element_operand(g, &ref, &index, module_storage_bytes(g->m, t), regs);

        storage_get(g, t, in->op == OP_ARRAY_GET_S, o, &index, &dst);
        reg_free(g, regs[0]);
        if (regs[1] != dst)
                reg_free(g, regs[1]);
        push_reg(g, valtype_kind(storage_value(t)), dst);
}

static void array_set(struct generator *g, const struct instruction *in)
{
        unsigned bytes = module_storage_bytes(g->m, field_storage(g, in->index, 0)), regs[2];
        struct entry value = stack_pop(g), index = stack_pop(g), ref = stack_pop(g);
        struct operand o;

        if (!is_const(&value) || type_is_vector(value.type) || bytes == 8)
                (void)entry_reg(g, &value);
        o = element_operand(g, &ref, &index, bytes, regs);
        store_storage(g, bytes, &value, o);
        entry_release(g, &value);
        reg_free(g, regs[0]);
        reg_free(g, regs[1]);
}

static void array_len(struct generator *g)
{
        struct entry ref = stack_pop(g);
        unsigned reg = entry_reg(g, &ref), heap = reg_alloc(g, GPR_MASK), dst;

        test_register(g, ASM_W, reg);
        trap_cold(g, CC_E, TRAP_NULL_ARRAY);
        load_head(g, heap, ABI_HEAD(heap));
        dst = reg_result(g, GPR_MASK, 0, &ref);
        load_storage(g, T_I32, 4, false, dst, object_at(heap, reg, GC_LENGTH_AT));
        entry_release_but(g, &ref, BIT(dst));
        reg_free(g, heap);
        push_reg(g, T_I32, dst);
}

/* The reference in @reg is of @want: goes on; else as @c says. No register is allocated here: where
 * paths part, nothing may move. */
static void cast_reference(struct generator *g, unsigned reg, unsigned temp, valtype want,
                           const struct cast *c)
{
        uint32_t heap = valtype_heap(want), matches = label_new(g);

        test_register(g, ASM_W, reg);
        if (want & VAL_NULLABLE)
                jump_label(g, CC_E, matches);
        else
                cast_fails(g, c, CC_E);
        switch (module_heap_top(g->m, heap)) {
        case TOP_ANY:
                cast_object(g, reg, temp, heap, matches, c);
                break;
        case TOP_FUNC:
                if (heap < HEAP_FIRST_ABSTRACT)
                        cast_function(g, reg, temp, heap, c);
                else if (heap == HEAP_NOFUNC)
                        cast_fails(g, c, CC_ALWAYS);
                break;
        default:
                if (heap == HEAP_NOEXTERN || heap == HEAP_NOEXN)
                        cast_fails(g, c, CC_ALWAYS);
                break;
        }
        label_bind(g, matches);
}

/* Whether the top entry, which stays, is of @want: pushed as @yes, or 1 - @yes. */
static void reference_is(struct generator *g, valtype want, unsigned yes)
{
        unsigned reg = reg_alloc(g, GPR_MASK), temp = reg_alloc(g, GPR_MASK);
        unsigned dst = reg_alloc(g, GPR_MASK);
        struct cast c = { .label = label_new(g) };

        entry_load(g, &g->stack[g->top - 1], reg);
        load_integer(g, dst, 1 - yes);
        cast_reference(g, reg, temp, want, &c);
        load_integer(g, dst, yes);
        label_bind(g, c.label);
        reg_free(g, reg);
        reg_free(g, temp);
        push_reg(g, T_I32, dst);
}

static void reference_test_type(struct generator *g, valtype want)
{
        struct entry is, ref;

        reference_is(g, want, 1);
        is = stack_pop(g);
        ref = stack_pop(g);
        entry_release(g, &ref);
        push_reg(g, T_I32, is.reg);
}

static void reference_cast(struct generator *g, valtype want)
{
        unsigned reg = reg_alloc(g, GPR_MASK), temp = reg_alloc(g, GPR_MASK);
        const struct cast c = { .traps = true };

        entry_load(g, &g->stack[g->top - 1], reg);
        cast_reference(g, reg, temp, want, &c);
        reg_free(g, reg);
        reg_free(g, temp);
}

static void branch_on_cast(struct generator *g, const struct instruction *in)
{
        reference_is(g, in->wanted, in->op == OP_BR_ON_CAST);
        branch_if(g, in->index);
}

static void i31_new(struct generator *g)
{
        struct entry value = stack_pop(g);
        unsigned reg = entry_reg(g, &value), dst = reg_result(g, GPR_MASK, 0, &value);

        i31_make(g, dst, reg);
        entry_release_but(g, &value, BIT(dst));
        push_reg(g, T_REF, dst);
}

static void i31_get(struct generator *g, bool sign)
{
        struct entry ref = stack_pop(g);
        unsigned reg = entry_temp(g, &ref);

        test_register(g, ASM_W, reg);
        trap_cold(g, CC_E, TRAP_NULL_I31);
        i31_value(g, reg, sign);
        push_reg(g, T_I32, reg);
}

static void gc_instruction(struct generator *g, const struct instruction *in)
{
        switch (in->op) {
        case OP_STRUCT_NEW:
        case OP_STRUCT_NEW_DEFAULT:
                struct_new(g, in->index, in->op == OP_STRUCT_NEW);
                break;
        case OP_STRUCT_GET:
        case OP_STRUCT_GET_S:
        case OP_STRUCT_GET_U:
                struct_get(g, in);
                break;
        case OP_STRUCT_SET:
                struct_set(g, in);
                break;
        case OP_ARRAY_NEW:
                array_value(g);
                BUILTIN_CALL(array_new, 1, T_REF, in->index, 1);
                break;
        case OP_ARRAY_NEW_DEFAULT:
                BUILTIN_CALL(array_new, 1, T_REF, in->index, 0);
                break;
        case OP_ARRAY_NEW_FIXED:
                array_new_fixed(g, in->index, in->index2);
                break;
        case OP_ARRAY_NEW_DATA:
                BUILTIN_CALL(array_new_data, 2, T_REF, in->index, in->index2);
                break;
        case OP_ARRAY_NEW_ELEM:
                BUILTIN_CALL(array_new_elem, 2, T_REF, in->index, in->index2);
                break;
        case OP_ARRAY_GET:
        case OP_ARRAY_GET_S:
        case OP_ARRAY_GET_U:
                array_get(g, in);
                break;
        case OP_ARRAY_SET:
                array_set(g, in);
                break;
        case OP_ARRAY_LEN:
                array_len(g);
                break;
        case OP_ARRAY_FILL:
                array_value(g);
                BUILTIN_CALL(array_fill, 3, VAL_BOTTOM, in->index);
                break;
        case OP_ARRAY_COPY:
                BUILTIN_CALL(array_copy, 5, VAL_BOTTOM, in->index);
                break;
        case OP_ARRAY_INIT_DATA:
                BUILTIN_CALL(array_init_data, 4, VAL_BOTTOM, in->index, in->index2);
                break;
        case OP_ARRAY_INIT_ELEM:
                BUILTIN_CALL(array_init_elem, 4, VAL_BOTTOM, in->index, in->index2);
                break;
        case OP_REF_EQ:
                integer_compare(g, CC_E, T_I64);
                break;
        case OP_REF_TEST:
        case OP_REF_TEST_NULL:
                reference_test_type(g, in->type);
                break;
        case OP_REF_CAST:
        case OP_REF_CAST_NULL:
                reference_cast(g, in->type);
                break;
        case OP_ANY_CONVERT_EXTERN:
                call_builtin(g, BUILTIN_any_convert_extern, NULL, 0, 1, T_REF);
                break;
        case OP_EXTERN_CONVERT_ANY:
                call_builtin(g, BUILTIN_extern_convert_any, NULL, 0, 1, T_REF);
                break;
        case OP_REF_I31:
                i31_new(g);
                break;
        default:
                i31_get(g, in->op == OP_I31_GET_S);
                break;
        }
}
