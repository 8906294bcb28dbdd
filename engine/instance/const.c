#include "engine/instance/gc.h"

#define STACK_MAX 1001 /* limits.def: 1000 instructions */

union value *instance_global(const struct instance *i, uint32_t index)
{
        union value *v = (union value *)instance_array(i, i->loaded->a->layout.globals) + index;
        bool by_pointer = index < i->module->imported_globals &&
                          i->module->globals[index].type.is_mutable;

        return by_pointer ? (union value *)(uintptr_t)v->ref : v;
}

static union value arithmetic(enum opcode op, union value a, union value b)
{
        uint64_t r = 0;

        switch (op) {
        case OP_I32_ADD:
        case OP_I64_ADD:
                r = a.i64 + b.i64;
                break;
        case OP_I32_SUB:
        case OP_I64_SUB:
                r = a.i64 - b.i64;
                break;
        case OP_I32_MUL:
        case OP_I64_MUL:
                r = a.i64 * b.i64;
                break;
        default:
                abort(); /* validation lets no other instruction pass */
        }
        if (op == OP_I32_ADD || op == OP_I32_SUB || op == OP_I32_MUL)
                r = (uint32_t)r;
        return (union value) { .bits = { r, 0 } };
}

static bool makes_object(enum opcode op)
{
        return opcode_table[op].feature == FEATURE_GC;
}

union value const_evaluate(struct instance *i, const struct const_expr *e)
{
        union value stack[STACK_MAX];
        uint32_t n = 0;

        for (uint32_t k = 0; k < e->nops; k++) {
                const struct const_op *op = &e->ops[k];
                union value v = { .bits = { op->value[0], op->value[1] } };

                switch (op->op) {
                case OP_I32_CONST:
                case OP_F32_CONST:
                        v.bits[0] = (uint32_t)v.bits[0];
                        break;
                case OP_I64_CONST:
                case OP_F64_CONST:
                case OP_V128_CONST:
                        break;
                case OP_REF_NULL:
                        v = (union value) { .bits = { 0, 0 } };
                        break;
                case OP_REF_FUNC:
                        v = (union value) { .ref = (uintptr_t)instance_funcref(i, op->index) };
                        break;
                case OP_GLOBAL_GET:
                        v = *instance_global(i, op->index);
                        break;
                default:
                        if (makes_object(op->op)) {
                                v = const_object(i, op, stack, &n);
                                break;
                        }
                        if (n < 2)
                                abort();
                        v = arithmetic(op->op, stack[n - 2], stack[n - 1]);
                        n -= 2;
                }
                if (n == STACK_MAX)
                        abort();
                stack[n++] = v;
        }
        if (n != 1)
                abort();
        return stack[0];
}
