/* Memories, globals, tables, references: whatever lies in or behind the instance. */
#include "engine/compile/peak/lower.h"

#include <string.h>

static int32_t memory_desc_at(struct lowering *l, uint32_t memory)
{
        return l->layout->memories + (int32_t)(memory * sizeof(struct memory_desc));
}

static LLVMValueRef desc_field(struct body *s, int32_t at, LLVMTypeRef type, bool invariant)
{
        return load_field(s, type, instance_at(s->l, at), CLASS_DESCRIPTOR, invariant);
}

static LLVMValueRef memory_bytes(struct body *s, uint32_t memory)
{
        return desc_field(s, memory_desc_at(s->l, memory) + (int32_t)offsetof(struct memory_desc, bytes),
                          s->l->i64, false);
}

/* What the reserved register holds all along: read once, in the entry of the function. */
void lower_base(struct lowering *l)
{
        LLVMMetadataRef name = LLVMMDStringInContext2(l->context, "x28", 3);
        LLVMValueRef arg = LLVMMetadataAsValue(l->context, LLVMMDNodeInContext2(l->context, &name, 1));

        if (l->machine == MACHINE_X86_64)
                return;
        l->base = LLVMBuildIntToPtr(l->b, call_intrinsic(l, "llvm.read_register", &l->i64, 1, &arg, 1),
                                    l->pointer, "");
}

/* In assembly, since LLVM knows from the branch before that it is below. */
LLVMValueRef mask_below(struct body *s, LLVMValueRef v, LLVMValueRef limit, bool equal)
{
        static const char *const codes[2][2] = {
                { "xorl ${0:k}, ${0:k}; cmpq $2, $1; cmovbq $1, $0",
                  "xorl ${0:k}, ${0:k}; cmpq $2, $1; cmovbeq $1, $0" },
                { "cmp $1, $2\ncsel $0, $1, xzr, lo", "cmp $1, $2\ncsel $0, $1, xzr, ls" },
        };
        struct lowering *l = s->l;
        bool x64 = l->machine == MACHINE_X86_64;
        const char *code = codes[!x64][equal], *where = x64 ? "=&r,r,r,~{flags}" : "=r,r,r,~{cc}";
        LLVMValueRef args[2] = { v, limit };

        return assembly(l, code, where, args, 2);
}

/* @index + @offset, which the check of abi.h lets pass. */
static LLVMValueRef checked_address(struct body *s, uint32_t memory, LLVMValueRef index,
                                    uint64_t offset, unsigned bytes)
{
        struct lowering *l = s->l;
        const struct memtype *type = &l->m->memories[memory].type;
        LLVMValueRef end, size, args[2];

        switch (abi_memory_check(type, l->dense, offset, bytes)) {
        case MEMORY_CHECK_GUARD:
                break;
        case MEMORY_CHECK_INDEX:
                args[0] = index;
                args[1] = desc_field(s, memory_desc_at(l, memory) + (int32_t)offsetof(struct memory_desc, room),
                                     l->i64, true);
                index = call_intrinsic(l, "llvm.umin", &l->i64, 1, args, 2);
                break;
        case MEMORY_CHECK_END:
                size = memory_bytes(s, memory);
                end = LLVMBuildAdd(l->b, index, const_i64(l, abi_access_end(offset, bytes)), "");
                if (type->size.is_64)
                        trap_if(s, LLVMBuildICmp(l->b, LLVMIntULT, end, index, ""), TRAP_MEMORY_BOUNDS);
                trap_if(s, LLVMBuildICmp(l->b, LLVMIntUGT, end, size, ""), TRAP_MEMORY_BOUNDS);
                return LLVMBuildSub(l->b, mask_below(s, end, size, true), const_i64(l, bytes), "");
        }
        return offset ? LLVMBuildNUWAdd(l->b, index, const_i64(l, offset), "") : index;
}

/* Pointer to @bytes bytes at @index + @offset. */
LLVMValueRef memory_pointer(struct body *s, uint32_t memory, LLVMValueRef index, uint64_t offset,
                            unsigned bytes)
{
        struct lowering *l = s->l;
        LLVMValueRef at = checked_address(s, memory, index_64(s, index), offset, bytes), base;

        if (memory == 0 && l->own_memory)
                return LLVMBuildGEP2(l->b, l->i8, l->base, &at, 1, "");
        base = desc_field(s, memory_desc_at(l, memory), l->pointer, true);
        return LLVMBuildGEP2(l->b, l->i8, base, &at, 1, "");
}

static LLVMValueRef memory_access(struct body *s, const struct instruction *in, LLVMValueRef index)
{
        body_mark(s, in->at);
        return memory_pointer(s, in->index, index, in->offset, opcode_access_bytes((enum opcode)in->op));
}

LLVMValueRef memory_load(struct body *s, LLVMTypeRef type, LLVMValueRef pointer)
{
        LLVMValueRef v = load_field(s, type, pointer, CLASS_MEMORY, false);

        LLVMSetAlignment(v, 1);
        return v;
}

void memory_store(struct body *s, LLVMValueRef value, LLVMValueRef pointer)
{
        LLVMValueRef v = LLVMBuildStore(s->l->b, value, pointer);

        LLVMSetMetadata(v, s->l->kind_tbaa, s->l->tbaa[CLASS_MEMORY]);
        LLVMSetAlignment(v, 1);
}

static LLVMTypeRef integer_of_bytes(struct lowering *l, unsigned bytes)
{
        return LLVMIntTypeInContext(l->context, 8 * bytes);
}

/* A load whose value is never used must trap all the same; LLVM would delete it. */
static bool value_is_dropped(const struct body *s)
{
        return *s->cursor.at == 0x1a;
}

static void load(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        const struct opcode_info *info = &opcode_table[in->op];
        unsigned bytes = opcode_access_bytes((enum opcode)in->op);
        LLVMValueRef pointer = memory_access(s, in, pop(s)), v;

        if (info->pushes[0] == 'f' || info->pushes[0] == 'F') {
                v = memory_load(s, info->pushes[0] == 'f' ? l->f32 : l->f64, pointer);
                LLVMSetVolatile(v, value_is_dropped(s));
        } else {
                LLVMTypeRef full = info->pushes[0] == 'i' ? l->i32 : l->i64;
                size_t n = strlen(info->text);

                v = memory_load(s, integer_of_bytes(l, bytes), pointer);
                LLVMSetVolatile(v, value_is_dropped(s));
                if (LLVMTypeOf(v) != full)
                        v = info->text[n - 1] == 's' ? LLVMBuildSExt(l->b, v, full, "")
                                                     : LLVMBuildZExt(l->b, v, full, "");
        }
        push(s, v);
}

static void store(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        LLVMValueRef value = pop(s), pointer = memory_access(s, in, pop(s));
        char kind = opcode_table[in->op].pops[1];

        if (kind == 'i' || kind == 'I') {
                LLVMTypeRef narrow = integer_of_bytes(l, opcode_access_bytes((enum opcode)in->op));

                if (LLVMTypeOf(value) != narrow)
                        value = LLVMBuildTrunc(l->b, value, narrow, "");
        }
        memory_store(s, value, pointer);
}

static LLVMValueRef global_pointer(struct body *s, uint32_t index, enum memory_class *ret_class)
{
        struct lowering *l = s->l;
        const struct global *g = &l->m->globals[index];
        LLVMValueRef at = instance_at(l, l->layout->globals + (int32_t)(index * ABI_GLOBAL_BYTES));

        *ret_class = CLASS_GLOBAL;
        if (index < l->m->imported_globals && g->type.is_mutable)
                return load_field(s, l->pointer, at, CLASS_DESCRIPTOR, true);
        return at;
}

static void global(struct body *s, const struct instruction *in, bool set)
{
        const struct global *g = &s->l->m->globals[in->index];
        enum memory_class class;
        LLVMValueRef pointer = global_pointer(s, in->index, &class);

        if (set)
                store_field(s, pop(s), pointer, class);
        else
                push(s, load_field(s, lower_type(s->l, g->type.type), pointer, class,
                                   !g->type.is_mutable));
}

struct builtin_row {
        const char *params, *result;
};

static const struct builtin_row builtin_rows[_BUILTIN_MAX] = {
#define BUILTIN(name, parameters, returns) [BUILTIN_##name] = { parameters, returns },
#include "engine/compile/builtins.def"
};

/* A builtin's arguments: @constants first (as i32), then the operands on the stack, widened to
 * what the builtin takes. */
static LLVMValueRef call_builtin(struct body *s, const struct instruction *in, enum builtin b,
                                 unsigned nconstants, const uint32_t *constants)
{
        unsigned n = (unsigned)strlen(builtin_rows[b].params);
        LLVMValueRef args[6];

        for (unsigned i = 0; i < n; i++)
                args[i] = i < nconstants ? const_i32(s->l, constants[i]) : s->stack[s->depth - n + i];
        s->depth -= n - nconstants;
        body_mark(s, in->at);
        return builtin_call(s, b, args, n);
}

LLVMValueRef builtin_call(struct body *s, enum builtin b, const LLVMValueRef *values, unsigned n)
{
        struct lowering *l = s->l;
        LLVMTypeRef types[6], result = builtin_rows[b].result[0] == '-' ? l->nothing : l->i64;
        LLVMValueRef args[6], f, call;

        for (unsigned i = 0; i < n; i++) {
                types[i] = l->i64;
                args[i] = index_64(s, values[i]);
        }
        f = load_field(s, l->pointer, instance_at(l, ABI_BUILTIN(b)), CLASS_DESCRIPTOR, true);
        call = LLVMBuildCall2(l->b, LLVMFunctionType(result, types, n, false), f, args, n, "");
        set_tail(call, false);
        return call;
}

/* A size, as wide as the addresses of what has it. */
static void push_size(struct body *s, const struct range *size, LLVMValueRef v)
{
        push(s, size->is_64 ? v : LLVMBuildTrunc(s->l->b, v, s->l->i32, ""));
}

/* memory.atomic.notify and wait: the constants are the memory and both halves of the offset. */
static void lower_wait(struct body *s, const struct instruction *in, enum builtin b)
{
        const uint32_t constants[3] = { in->index, (uint32_t)in->offset, (uint32_t)(in->offset >> 32) };

        push(s, LLVMBuildTrunc(s->l->b, call_builtin(s, in, b, 3, constants), s->l->i32, ""));
}

static bool lower_bulk(struct body *s, const struct instruction *in)
{
        uint32_t two[2] = { in->index, in->index2 };

        switch (in->op) {
        case OP_MEMORY_GROW:
                push_size(s, &s->l->m->memories[in->index].type.size,
                          call_builtin(s, in, BUILTIN_memory_grow, 1, two));
                return true;
        case OP_MEMORY_FILL:
                (void)call_builtin(s, in, BUILTIN_memory_fill, 1, two);
                return true;
        case OP_MEMORY_COPY:
                (void)call_builtin(s, in, BUILTIN_memory_copy, 2, two);
                return true;
        case OP_MEMORY_INIT:
                (void)call_builtin(s, in, BUILTIN_memory_init, 2, two);
                return true;
        case OP_DATA_DROP:
                (void)call_builtin(s, in, BUILTIN_data_drop, 1, two);
                return true;
        case OP_TABLE_GET:
                push(s, call_builtin(s, in, BUILTIN_table_get, 1, two));
                return true;
        case OP_TABLE_SET:
                (void)call_builtin(s, in, BUILTIN_table_set, 1, two);
                return true;
        case OP_TABLE_GROW:
                push_size(s, &s->l->m->tables[in->index].type.size,
                          call_builtin(s, in, BUILTIN_table_grow, 1, two));
                return true;
        case OP_TABLE_FILL:
                (void)call_builtin(s, in, BUILTIN_table_fill, 1, two);
                return true;
        case OP_TABLE_COPY:
                (void)call_builtin(s, in, BUILTIN_table_copy, 2, two);
                return true;
        case OP_TABLE_INIT:
                (void)call_builtin(s, in, BUILTIN_table_init, 2, two);
                return true;
        case OP_ELEM_DROP:
                (void)call_builtin(s, in, BUILTIN_elem_drop, 1, two);
                return true;
        case OP_MEMORY_ATOMIC_NOTIFY:
                lower_wait(s, in, BUILTIN_memory_notify);
                return true;
        case OP_MEMORY_ATOMIC_WAIT32:
                lower_wait(s, in, BUILTIN_memory_wait32);
                return true;
        case OP_MEMORY_ATOMIC_WAIT64:
                lower_wait(s, in, BUILTIN_memory_wait64);
                return true;
        case OP_REF_FUNC:
                push(s, call_builtin(s, in, BUILTIN_ref_func, 1, two));
                return true;
        default:
                return false;
        }
}

bool lower_memory(struct body *s, const struct instruction *in)
{
        struct lowering *l = s->l;
        LLVMValueRef v;

        if (in->op >= OP_I32_LOAD && in->op <= OP_I64_LOAD32_U) {
                load(s, in);
                return true;
        }
        if (in->op >= OP_I32_STORE && in->op <= OP_I64_STORE32) {
                store(s, in);
                return true;
        }
        switch (in->op) {
        case OP_GLOBAL_GET:
        case OP_GLOBAL_SET:
                global(s, in, in->op == OP_GLOBAL_SET);
                return true;
        case OP_MEMORY_SIZE:
                v = LLVMBuildLShr(l->b, memory_bytes(s, in->index),
                                  const_i64(l, l->m->memories[in->index].type.page_shift), "");
                push_size(s, &l->m->memories[in->index].type.size, v);
                return true;
        case OP_TABLE_SIZE:
                v = desc_field(s, l->layout->tables + (int32_t)(in->index * sizeof(struct table_desc) +
                                                                offsetof(struct table_desc, length)),
                               l->i64, false);
                push_size(s, &l->m->tables[in->index].type.size, v);
                return true;
        case OP_REF_NULL:
                push(s, const_i64(l, 0));
                return true;
        case OP_REF_IS_NULL:
                v = LLVMBuildICmp(l->b, LLVMIntEQ, pop(s), const_i64(l, 0), "");
                push(s, LLVMBuildZExt(l->b, v, l->i32, ""));
                return true;
        default:
                return lower_bulk(s, in);
        }
}
