/* function.h - one function, from front to back: the instructions as a table of which emitter does what. The
 * whole generator is one compilation unit, so that the emitters are inlined where it pays. */
#pragma once

#include FAST_MACHINE(atomic.h)
#include FAST_MACHINE(vector.h)
#include FAST_MACHINE(canonical.h)
#include "engine/compile/fast/gc.h"
#include "engine/compile/fast/legacy.h"

struct fast_unit {
        struct generator g;
};

static struct fast_unit *unit_new(const struct fast_shared *shared)
{
        struct fast_unit *u = calloc(1, sizeof(*u));

        if (!u)
                return NULL;
        asm_init(&u->g.a, shared->cpu, ASM_MAX);
        asm_grow(&u->g.a, 1 << 16);
        if (u->g.a.failed) {
                free(u);
                return NULL;
        }
        u->g.shared = shared;
        u->g.m = shared->module;
        u->g.layout = shared->layout;
        u->g.slot_bytes = shared->vectors ? 16 : 8;
        return u;
}

static void unit_free(struct fast_unit *u)
{
        if (!u)
                return;
        asm_done(&u->g.a);
        free(u->g.stack);
        free(u->g.locals);
        free(u->g.controls);
        free(u->g.labels.items);
        free(u->g.fixups.items);
        free(u->g.cold.items);
        free(u->g.detours.items);
        free(u->g.tables.items);
        free(u->g.targets.items);
        free(u->g.runs.items);
        free(u);
}

/* Behind code that does not go on: to the else, catch or end that belongs to it, without reading more
 * than the instructions' lengths. Returns that opcode. */
static enum opcode skip_dead(struct generator *g, struct instruction *in)
{
        uint32_t depth = 0;

        for (;;) {
                body_next_checked(&g->c, in);
                switch (in->op) {
                case OP_BLOCK:
                case OP_LOOP:
                case OP_IF:
                case OP_TRY_TABLE:
                case OP_TRY:
                        depth++;
                        break;
                case OP_CATCH:
                case OP_CATCH_ALL:
                        if (depth == 0)
                                return (enum opcode)in->op;
                        break;
                case OP_DELEGATE:
                        if (depth-- == 0)
                                return OP_DELEGATE;
                        break;
                case OP_BR_TABLE:
                        for (uint32_t i = 0; i <= in->index; i++)
                                (void)body_label(&g->c);
                        break;
                case OP_ELSE:
                        if (depth == 0)
                                return OP_ELSE;
                        break;
                case OP_END:
                        if (depth-- == 0)
                                return OP_END;
                        break;
                default:
                        break;
                }
        }
}

#define OFFSET_WORDS(in) (uint32_t)(in)->offset, (uint32_t)((in)->offset >> 32)

/* What is neither control nor arithmetic, and seldom. */
static void instruction_seldom(struct generator *g, const struct instruction *in)
{
        switch (in->op) {
        case OP_MEMORY_GROW:
                BUILTIN_CALL(memory_grow, 1, type_of_address(&g->m->memories[in->index].type.size),
                             in->index);
                break;
        case OP_MEMORY_FILL:
                BUILTIN_CALL(memory_fill, 3, VAL_BOTTOM, in->index);
                break;
        case OP_MEMORY_COPY:
                BUILTIN_CALL(memory_copy, 3, VAL_BOTTOM, in->index, in->index2);
                break;
        case OP_MEMORY_INIT:
                BUILTIN_CALL(memory_init, 3, VAL_BOTTOM, in->index, in->index2);
                break;
        case OP_DATA_DROP:
                BUILTIN_CALL(data_drop, 0, VAL_BOTTOM, in->index);
                break;
        case OP_TABLE_GET:
                BUILTIN_CALL(table_get, 1, T_REF, in->index);
                break;
        case OP_TABLE_SET:
                BUILTIN_CALL(table_set, 2, VAL_BOTTOM, in->index);
                break;
        case OP_TABLE_GROW:
                BUILTIN_CALL(table_grow, 2, type_of_address(&g->m->tables[in->index].type.size),
                             in->index);
                break;
        case OP_TABLE_FILL:
                BUILTIN_CALL(table_fill, 3, VAL_BOTTOM, in->index);
                break;
        case OP_TABLE_COPY:
                BUILTIN_CALL(table_copy, 3, VAL_BOTTOM, in->index, in->index2);
                break;
        case OP_TABLE_INIT:
                BUILTIN_CALL(table_init, 3, VAL_BOTTOM, in->index, in->index2);
                break;
        case OP_ELEM_DROP:
                BUILTIN_CALL(elem_drop, 0, VAL_BOTTOM, in->index);
                break;
        case OP_REF_FUNC:
                BUILTIN_CALL(ref_func, 0, T_REF, in->index);
                break;
        case OP_REF_NULL:
                push_constant(g, T_REF, 0);
                break;
        case OP_REF_AS_NON_NULL:
                reference_as_non_null(g);
                break;
        case OP_REF_IS_NULL:
                reference_is_null(g);
                break;
        case OP_TABLE_SIZE:
                table_size(g, in->index);
                break;
        case OP_MEMORY_SIZE:
                memory_size(g, in->index);
                break;
        case OP_I64_ADD128:
                wide_sum(g, false);
                break;
        case OP_I64_SUB128:
                wide_sum(g, true);
                break;
        case OP_I64_MUL_WIDE_S:
                wide_product(g, true);
                break;
        case OP_I64_MUL_WIDE_U:
                wide_product(g, false);
                break;
        case OP_MEMORY_ATOMIC_NOTIFY:
                BUILTIN_CALL(memory_notify, 2, T_I32, in->index, OFFSET_WORDS(in));
                break;
        case OP_MEMORY_ATOMIC_WAIT32:
                BUILTIN_CALL(memory_wait32, 3, T_I32, in->index, OFFSET_WORDS(in));
                break;
        case OP_MEMORY_ATOMIC_WAIT64:
                BUILTIN_CALL(memory_wait64, 3, T_I32, in->index, OFFSET_WORDS(in));
                break;
        default:
                if (opcode_table[in->op].feature == FEATURE_GC)
                        gc_instruction(g, in);
                else if (opcode_table[in->op].feature == FEATURE_THREADS)
                        atomic_instruction(g, in);
                else
                        vector_instruction(g, in);
                break;
        }
}

static void operand_drop(struct generator *g)
{
        struct entry e = stack_pop(g);

        entry_release(g, &e);
}

enum flow { FLOW_ON, FLOW_STOPS };

/* Instructions of section 5.4.1. */
static enum flow instruction_control(struct generator *g, struct instruction *in)
{
        struct functype type;

        switch (in->op) {
        case OP_UNREACHABLE:
                trap_here(g, TRAP_UNREACHABLE, wasm_here(g));
                return FLOW_STOPS;
        case OP_BLOCK:
        case OP_LOOP:
        case OP_IF:
                type = body_block_type(g->m, in);
                block_begin(g,
                            in->op == OP_BLOCK  ? CONTROL_BLOCK
                            : in->op == OP_LOOP ? CONTROL_LOOP
                                                : CONTROL_IF,
                            &type);
                return FLOW_ON;
        case OP_BR:
                branch_always(g, in->index);
                return FLOW_STOPS;
        case OP_BR_IF:
                branch_if(g, in->index);
                return FLOW_ON;
        case OP_BR_TABLE:
                branch_table(g, in->index);
                return FLOW_STOPS;
        case OP_RETURN:
                branch_return(g);
                return FLOW_STOPS;
        case OP_CALL:
                call_function(g, in->index);
                return FLOW_ON;
        case OP_CALL_INDIRECT:
                call_indirect(g, in->index, in->index2);
                return FLOW_ON;
        case OP_TRY_TABLE:
                type = body_block_type(g->m, in);
                block_begin(g, CONTROL_TRY, &type);
                if (g->failed)
                        return FLOW_ON;
                control_at(g, 0)->catches = in->catches;
                control_at(g, 0)->ncatches = in->index2;
                return FLOW_ON;
        case OP_TRY:
                type = body_block_type(g->m, in);
                block_begin(g, CONTROL_LEGACY, &type);
                return FLOW_ON;
        case OP_CATCH:
        case OP_CATCH_ALL:
                return legacy_catch(g, in->op == OP_CATCH ? in->index : UINT32_MAX, true)
                               ? FLOW_ON : FLOW_STOPS;
        case OP_DELEGATE:
                return legacy_end(g, true, in->index) ? FLOW_ON : FLOW_STOPS;
        case OP_RETHROW:
                legacy_rethrow(g, in->index);
                return FLOW_STOPS;
        case OP_THROW:
                throw_tag(g, in->index);
                return FLOW_STOPS;
        case OP_THROW_REF:
                throw_reference(g);
                return FLOW_STOPS;
        case OP_CALL_REF:
                call_reference(g, in->index);
                return FLOW_ON;
        case OP_RETURN_CALL_REF:
                call_reference_tail(g, in->index);
                return FLOW_STOPS;
        case OP_BR_ON_NULL:
                branch_on_null(g, in->index);
                return FLOW_ON;
        case OP_BR_ON_NON_NULL:
                branch_on_non_null(g, in->index);
                return FLOW_ON;
        case OP_BR_ON_CAST:
        case OP_BR_ON_CAST_FAIL:
                branch_on_cast(g, in);
                return FLOW_ON;
        case OP_RETURN_CALL:
                call_tail(g, in->index);
                return FLOW_STOPS;
        case OP_RETURN_CALL_INDIRECT:
                call_indirect_tail(g, in->index, in->index2);
                return FLOW_STOPS;
        default:
                return FLOW_ON;
        }
}

#define LOAD(name)                                                                      \
        case OP_##name: {                                                               \
                static const struct load l = name##_ROW;                                \
                body_memarg(&g->c, false, &in);                                         \
                memory_load(g, &l, in.offset, in.index);                                \
                break;                                                                  \
        }

#define STORE(name, type, width)                                                        \
        case OP_##name:                                                                 \
                body_memarg(&g->c, false, &in);                                         \
                memory_store(g, type, width, in.offset, in.index);                      \
                break;

#define DO(name, ...)           \
        case OP_##name:         \
                __VA_ARGS__;    \
                break;

#define INTEGERS(op, ...)                               \
        DO(I32_##op, { enum { T = T_I32 }; __VA_ARGS__; }) \
        DO(I64_##op, { enum { T = T_I64 }; __VA_ARGS__; })

#define FLOATS(op, ...)                                 \
        DO(F32_##op, { enum { T = T_F32 }; __VA_ARGS__; }) \
        DO(F64_##op, { enum { T = T_F64 }; __VA_ARGS__; })

static inline void operands_alu(struct generator *g, enum alu op, unsigned type)
{
        struct entry b = stack_pop(g), a = stack_pop(g);

        integer_alu(g, op, type, a, b);
}

static bool control_end(struct generator *g, bool live)
{
        switch (control_at(g, 0)->kind) {
        case CONTROL_TRY:
                return try_end(g, live);
        case CONTROL_LEGACY:
        case CONTROL_CATCH:
                return legacy_end(g, live, 0);
        default:
                return block_end(g, live);
        }
}

/* From code that does not go on to code that does; false at the end of the function. */
static bool dead_end(struct generator *g, struct instruction *in)
{
        bool live = false;

        while (!live) {
                enum opcode op;

                if (_unlikely_(g->failed | g->a.failed))
                        return false;
                stack_cut(g, control_at(g, 0)->base);
                g->used = 0; /* below a block nothing is in temporaries */
                op = skip_dead(g, in);
                if (op == OP_ELSE) {
                        block_else(g, false);
                        return true;
                }
                if (op == OP_CATCH || op == OP_CATCH_ALL) {
                        live = legacy_catch(g, op == OP_CATCH ? in->index : UINT32_MAX, false);
                } else if (g->ncontrols == 1) {
                        g->ended_dead = true;
                        return false;
                } else {
                        live = op == OP_DELEGATE ? legacy_end(g, false, in->index) : control_end(g, false);
                }
        }
        return true;
}

/* Until the end of the function. */
static void function_body(struct generator *g)
{
        struct instruction in = { 0 };
        enum opcode op;

        for (;;) {
                asm_room(&g->a);
                g->at = g->c.at;
                (void)body_opcode(&g->c, false, &in);
                op = (enum opcode)in.op;
                switch (op) {
                DO(LOCAL_GET, push_local(g, (uint32_t)body_leb_u(&g->c.at)))
                DO(LOCAL_SET, local_set(g, (uint32_t)body_leb_u(&g->c.at)))
                DO(LOCAL_TEE, local_tee(g, (uint32_t)body_leb_u(&g->c.at)))
                DO(GLOBAL_GET, global_get(g, (uint32_t)body_leb_u(&g->c.at)))
                DO(GLOBAL_SET, global_set(g, (uint32_t)body_leb_u(&g->c.at)))
                DO(I32_CONST, push_constant(g, T_I32, (uint32_t)body_leb_s(&g->c.at)))
                DO(I64_CONST, push_constant(g, T_I64, (uint64_t)body_leb_s(&g->c.at)))
                DO(F32_CONST, body_immediate(&g->c, false, IMM_F32, &in);
                   push_constant(g, T_F32, in.bits[0]))
                DO(F64_CONST, body_immediate(&g->c, false, IMM_F64, &in);
                   push_constant(g, T_F64, in.bits[0]))
                DO(DROP, operand_drop(g))
                DO(SELECT, operand_select(g))
                DO(SELECT_T, body_types(&g->c, false, &in); operand_select(g))
                DO(NOP, (void)0)

                LOAD(I32_LOAD)
                LOAD(I64_LOAD)
                LOAD(F32_LOAD)
                LOAD(F64_LOAD)
                LOAD(I32_LOAD8_S)
                LOAD(I32_LOAD8_U)
                LOAD(I32_LOAD16_S)
                LOAD(I32_LOAD16_U)
                LOAD(I64_LOAD8_S)
                LOAD(I64_LOAD8_U)
                LOAD(I64_LOAD16_S)
                LOAD(I64_LOAD16_U)
                LOAD(I64_LOAD32_S)
                LOAD(I64_LOAD32_U)
                STORE(I32_STORE, T_I32, 4)
                STORE(I64_STORE, T_I64, 8)
                STORE(F32_STORE, T_F32, 4)
                STORE(F64_STORE, T_F64, 8)
                STORE(I32_STORE8, T_I32, 1)
                STORE(I32_STORE16, T_I32, 2)
                STORE(I64_STORE8, T_I64, 1)
                STORE(I64_STORE16, T_I64, 2)
                STORE(I64_STORE32, T_I64, 4)

                INTEGERS(EQZ, integer_eqz(g, T))
                INTEGERS(EQ, integer_compare(g, CC_E, T))
                INTEGERS(NE, integer_compare(g, CC_NE, T))
                INTEGERS(LT_S, integer_compare(g, CC_L, T))
                INTEGERS(LT_U, integer_compare(g, CC_B, T))
                INTEGERS(GT_S, integer_compare(g, CC_G, T))
                INTEGERS(GT_U, integer_compare(g, CC_A, T))
                INTEGERS(LE_S, integer_compare(g, CC_LE, T))
                INTEGERS(LE_U, integer_compare(g, CC_BE, T))
                INTEGERS(GE_S, integer_compare(g, CC_GE, T))
                INTEGERS(GE_U, integer_compare(g, CC_AE, T))
                FLOATS(EQ, float_compare(g, 0, T))
                FLOATS(NE, float_compare(g, 1, T))
                FLOATS(LT, float_compare(g, 2, T))
                FLOATS(GT, float_compare(g, 3, T))
                FLOATS(LE, float_compare(g, 4, T))
                FLOATS(GE, float_compare(g, 5, T))

                INTEGERS(CLZ, integer_clz(g, T))
                INTEGERS(CTZ, integer_ctz(g, T))
                INTEGERS(POPCNT, integer_popcnt(g, T))
                INTEGERS(ADD, integer_add(g, T))
                INTEGERS(SUB, integer_sub(g, T))
                INTEGERS(MUL, integer_mul(g, T))
                INTEGERS(DIV_S, integer_divide(g, T, true, false))
                INTEGERS(DIV_U, integer_divide(g, T, false, false))
                INTEGERS(REM_S, integer_divide(g, T, true, true))
                INTEGERS(REM_U, integer_divide(g, T, false, true))
                INTEGERS(AND, integer_and(g, T))
                INTEGERS(OR, operands_alu(g, ALU_OR, T))
                INTEGERS(XOR, operands_alu(g, ALU_XOR, T))
                INTEGERS(SHL, integer_shift(g, SHIFT_SHL, T))
                INTEGERS(SHR_S, integer_shift(g, SHIFT_SAR, T))
                INTEGERS(SHR_U, integer_shift(g, SHIFT_SHR, T))
                INTEGERS(ROTL, integer_shift(g, SHIFT_ROL, T))
                INTEGERS(ROTR, integer_shift(g, SHIFT_ROR, T))

                FLOATS(ABS, float_sign(g, T, false))
                FLOATS(NEG, float_sign(g, T, true))
                FLOATS(CEIL, float_round(g, T, 2))
                FLOATS(FLOOR, float_round(g, T, 1))
                FLOATS(TRUNC, float_round(g, T, 3))
                FLOATS(NEAREST, float_round(g, T, 0))
                FLOATS(SQRT, float_sqrt(g, T))
                FLOATS(ADD, float_binary(g, FLOAT_ADD, T))
                FLOATS(SUB, float_binary(g, FLOAT_SUB, T))
                FLOATS(MUL, float_binary(g, FLOAT_MUL, T))
                FLOATS(DIV, float_binary(g, FLOAT_DIV, T))
                FLOATS(MIN, float_min_max(g, T, false))
                FLOATS(MAX, float_min_max(g, T, true))
                FLOATS(COPYSIGN, float_copysign(g, T))

                DO(I32_WRAP_I64, integer_wrap(g))
                DO(I64_EXTEND_I32_U, integer_extend_u(g))
                DO(I64_EXTEND_I32_S, integer_extend_s(g, 4, T_I64))
                DO(I32_EXTEND8_S, integer_extend_s(g, 1, T_I32))
                DO(I32_EXTEND16_S, integer_extend_s(g, 2, T_I32))
                DO(I64_EXTEND8_S, integer_extend_s(g, 1, T_I64))
                DO(I64_EXTEND16_S, integer_extend_s(g, 2, T_I64))
                DO(I64_EXTEND32_S, integer_extend_s(g, 4, T_I64))
                INTEGERS(TRUNC_F32_S, float_truncate(g, T, T_F32, true, false))
                INTEGERS(TRUNC_F32_U, float_truncate(g, T, T_F32, false, false))
                INTEGERS(TRUNC_F64_S, float_truncate(g, T, T_F64, true, false))
                INTEGERS(TRUNC_F64_U, float_truncate(g, T, T_F64, false, false))
                INTEGERS(TRUNC_SAT_F32_S, float_truncate(g, T, T_F32, true, true))
                INTEGERS(TRUNC_SAT_F32_U, float_truncate(g, T, T_F32, false, true))
                INTEGERS(TRUNC_SAT_F64_S, float_truncate(g, T, T_F64, true, true))
                INTEGERS(TRUNC_SAT_F64_U, float_truncate(g, T, T_F64, false, true))
                FLOATS(CONVERT_I32_S, float_convert(g, T, T_I32, true))
                FLOATS(CONVERT_I32_U, float_convert(g, T, T_I32, false))
                FLOATS(CONVERT_I64_S, float_convert(g, T, T_I64, true))
                FLOATS(CONVERT_I64_U, float_convert(g, T, T_I64, false))
                DO(F32_DEMOTE_F64, float_resize(g, T_F32))
                DO(F64_PROMOTE_F32, float_resize(g, T_F64))
                DO(I32_REINTERPRET_F32, reinterpret(g, T_I32, T_F32))
                DO(I64_REINTERPRET_F64, reinterpret(g, T_I64, T_F64))
                DO(F32_REINTERPRET_I32, reinterpret(g, T_F32, T_I32))
                DO(F64_REINTERPRET_I64, reinterpret(g, T_F64, T_I64))

                case OP_UNREACHABLE:
                case OP_BLOCK:
                case OP_LOOP:
                case OP_IF:
                case OP_BR:
                case OP_BR_IF:
                case OP_BR_TABLE:
                case OP_RETURN:
                case OP_CALL:
                case OP_CALL_INDIRECT:
                case OP_RETURN_CALL:
                case OP_RETURN_CALL_INDIRECT:
                case OP_TRY_TABLE:
                case OP_THROW:
                case OP_THROW_REF:
                case OP_TRY:
                case OP_CATCH:
                case OP_CATCH_ALL:
                case OP_DELEGATE:
                case OP_RETHROW:
                case OP_CALL_REF:
                case OP_RETURN_CALL_REF:
                case OP_BR_ON_NULL:
                case OP_BR_ON_NON_NULL:
                case OP_BR_ON_CAST:
                case OP_BR_ON_CAST_FAIL:
                        (void)body_immediate(&g->c, false,
                                             (enum immediate)opcode_table[op].immediate, &in);
                        if (instruction_control(g, &in) == FLOW_ON)
                                break;
                        goto dead;
                case OP_ELSE:
                        block_else(g, true);
                        break;
                case OP_END:
                        if (g->ncontrols == 1) {
                                control_settle(g, control_at(g, 0));
                                return;
                        }
                        if (!control_end(g, true))
                                goto dead;
                        break;
                default:
                        (void)body_immediate(&g->c, false,
                                             (enum immediate)opcode_table[op].immediate, &in);
                        instruction_seldom(g, &in);
                        break;
                dead:
                        if (!dead_end(g, &in))
                                return;
                        break;
                }
                if (_unlikely_(g->shared->deterministic) && nan_lanes[op])
                        canonical_nan(g, (enum nan_lanes)nan_lanes[op]);
                if (_unlikely_(g->failed | g->a.failed))
                        return;
        }
}

static bool function_begin(struct generator *g, uint32_t k, struct fast_output *out)
{
        const struct function *f = &g->m->functions[g->m->imported_functions + k];
        uint32_t depth;

        g->facts = &g->shared->checked->facts[k];
        g->type = &g->m->types[f->type];
        g->c = cursor_over(g->m, f->body);
        g->at = g->body = g->c.at;
        g->hint = module_hints(g->m, g->m->imported_functions + k, &g->hint_end);
        g->out = out;
        g->map = &out->map;
        g->map_pc = g->map_wasm = 0;
        g->top = g->flushed = g->used = g->max_slots = 0;
        g->ncontrols = 0;
        g->flags_pc = UINT32_MAX;
        g->labels.n = g->fixups.n = g->cold.n = g->detours.n = g->tables.n = g->targets.n = 0;
        g->has_calls = g->facts->has_calls;
        g->failed = g->ended_dead = false;
        asm_reset(&g->a);
        depth = g->facts->max_stack + 4;
        if (depth > g->stack_room) {
                struct entry *grown = realloc(g->stack, depth * sizeof(*grown));

                if (!grown)
                        return false;
                g->stack = grown;
                g->stack_room = depth;
        }
        return locals_read(g);
}

/* What comes behind the instructions: the way out, rare paths, tables, constants. */
static int function_end(struct generator *g, struct error *err)
{
        int r;

        asm_room(&g->a);
        if (!g->ended_dead || g->controls[0].targeted) {
                label_bind(g, g->controls[0].label);
                frame_leave(g);
        }
        if (g->controls[0].handled) {
                asm_room(&g->a);
                label_bind(g, g->controls[0].handler);
                frame_leave(g);
        }
        detours_emit(g);
        for (uint32_t i = 0; i < g->cold.n; i++)
                cold_emit(g, (struct cold *)g->cold.items + i);
        r = frame_finish(g, err);
        if (r < 0)
                return r;
        tables_emit(g);
        asm_finish(&g->a);
        asm_room(&g->a);
        align_code(g);
        return 0;
}

static int function_failed(const struct generator *g, struct error *err)
{
        uint64_t at = g->body ? (uint64_t)(g->body - g->m->bytes) : ERROR_NOWHERE;

        if (g->a.too_large)
                return error_set(err, STAGE_COMPILE, -E2BIG, at,
                                 "the function's code is larger than %u bytes", ASM_MAX);
        return error_set(err, STAGE_COMPILE, -ENOMEM, at, "the function's code");
}

/* The code of function @k in the assembler, its map and calls in @out. */
static int function_generate(struct generator *g, uint32_t k, struct fast_output *out, struct error *err)
{
        struct functype whole;

        if (!function_begin(g, k, out))
                return function_failed(g, err);
        locals_assign(g);
        locals_place(g);
        whole = (struct functype) { .nresults = g->type->nresults, .results = g->type->results };
        frame_enter(g);
        if (!control_push(g, CONTROL_FUNCTION, &whole) || g->failed)
                return function_failed(g, err);
        function_body(g);
        if (g->failed || g->a.failed)
                return function_failed(g, err);
        return function_end(g, err);
}

static int unit_function(struct fast_unit *u, uint32_t k, struct fast_output *out,
                         struct error *err)
{
        struct generator *g = &u->g;
        size_t map = out->map.size;
        uint32_t ncalls = out->ncalls;
        int r;

        while ((r = function_generate(g, k, out, err)) == 0 && machine_again(g)) {
                out->map.size = map;
                out->ncalls = ncalls;
        }
        if (r < 0)
                return r;
        out->cpu_used |= machine_cpu_used(g);
        if (!g->a.failed)
                buffer_append(&out->code, g->a.start, asm_pc(&g->a));
        if (g->failed || g->a.failed || !buffer_ok(&out->code) || !buffer_ok(&out->map))
                return function_failed(g, err);
        return 0;
}
