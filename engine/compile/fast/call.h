/* call.h - calls: arguments into place, the jump, results onto the stack. */
#pragma once

#include FAST_MACHINE(invoke.h)

struct argument {
        uint32_t entry;   /* number on the stack */
        uint8_t reg;
};

/* What the callee may change, home or back. */
static void kept_save(struct generator *g)
{
        for (reg_set left = g->kept; left; left &= left - 1) {
                unsigned reg = reg_first(left);
                const struct local *l = &g->locals[g->reg_local[reg]];

                store_frame(g, l->type, reg, l->home);
        }
}

static void kept_load(struct generator *g)
{
        for (reg_set left = g->kept; left; left &= left - 1) {
                unsigned reg = reg_first(left);
                const struct local *l = &g->locals[g->reg_local[reg]];

                load_frame(g, l->type, reg, l->home);
        }
}

/* An argument of the spill area, or one that stands in the way: through any register. */
static void argument_spill(struct generator *g, uint32_t n, unsigned place)
{
        struct entry *e = &g->stack[n];
        unsigned reg;

        asm_room(&g->a);
        if (e->kind == ENTRY_CONST || e->kind == ENTRY_SLOT ||
            (e->kind == ENTRY_LOCAL && g->locals[e->local].reg == REG_NONE)) {
                reg = reg_alloc(g, type_regs(e->type));
                entry_load(g, e, reg);
                store_spill(g, e->type, reg, place);
                reg_free(g, reg);
        } else if (e->kind == ENTRY_LOCAL) {
                store_spill(g, e->type, g->locals[e->local].reg, place);
        } else {
                entry_spill(g, n); /* of an address or a register: seldom, so the long way */
                argument_spill(g, n, place);
        }
}

/* Every move waits for another: one that reads a target goes to its stack slot. */
static void arguments_break(struct generator *g, const struct argument *moves, unsigned n)
{
        reg_set targets = 0;

        for (unsigned i = 0; i < n; i++)
                targets |= BIT(moves[i].reg);
        for (unsigned i = 0; i < n; i++)
                if (entry_reads(g, &g->stack[moves[i].entry]) & targets & ~BIT(moves[i].reg)) {
                        entry_spill(g, moves[i].entry);
                        return;
                }
}

/* The moves into argument registers, each when nothing that waits still reads its target; a cycle
 * is broken by putting one of them into its stack slot. */
static void arguments_move(struct generator *g, struct argument *moves, unsigned n)
{
        while (n) {
                unsigned done = 0;

                for (unsigned i = 0; i < n; i++) {
                        struct entry *e = &g->stack[moves[i].entry];
                        reg_set others = 0;

                        for (unsigned k = 0; k < n; k++)
                                if (k != i)
                                        others |= entry_reads(g, &g->stack[moves[k].entry]);
                        if (others >> moves[i].reg & 1)
                                continue;
                        entry_load(g, e, moves[i].reg);
                        entry_release(g, e);
                        e->kind = ENTRY_CONST; /* it holds nothing any more */
                        if (g->temps >> moves[i].reg & 1) {
                                g->used |= BIT(moves[i].reg);
                                g->owner[moves[i].reg] = 0;
                        }
                        moves[i--] = moves[--n];
                        done++;
                }
                if (!done)
                        arguments_break(g, moves, n);
        }
}

/* The top @type->nparams entries into the places of abi.h; everything below that a call would
 * destroy is put away. Takes them from the stack. */
static void arguments_place(struct generator *g, const struct functype *type)
{
        uint32_t base = g->top - type->nparams;
        struct argument moves[ABI_INTEGER_ARGS + ABI_VECTOR_ARGS];
        struct abi_walk walk = { 0 };
        unsigned n = 0;

        stack_spill_temps(g, base);
        for (uint32_t i = 0; i < type->nparams; i++) {
                struct abi_location at = abi_next(&walk, type->params[i]);

                if (at.place == ABI_SPILL)
                        argument_spill(g, base + i, at.index);
                else
                        moves[n++] = (struct argument) { base + i, (uint8_t)param_register(at) };
        }
        asm_room(&g->a);
        arguments_move(g, moves, n);
        stack_cut(g, base);
}

static void results_push(struct generator *g, const struct functype *type, bool foreign)
{
        g->used = 0;
        for (uint32_t i = 0; i < type->nresults; i++) {
                unsigned t = valtype_kind(type->results[i]), scratch;

                if (i == 0) {
                        unsigned reg = result_register(t);

                        /* C leaves the upper half of the register undefined */
                        if (foreign && t == T_I32)
                                extend_u32(g, reg);
                        g->used |= BIT(reg);
                        push_reg(g, t, reg);
                        continue;
                }
                asm_room(&g->a);
                scratch = type_is_vector(t) ? AFTER_VECTOR : AFTER_GPR;
                load_spill(g, t, scratch, i - 1);
                store_frame(g, t, scratch, slot_at(g, g->top));
                push_slot(g, t);
        }
}

static void call_map(struct generator *g)
{
        map_add(g, asm_pc(&g->a), wasm_here(g));
}

/* A call of, or jump to, defined function @function of the module, which is put in later. */
static void call_relative(struct generator *g, bool jump, uint32_t function)
{
        struct fast_output *out = g->out;
        uint32_t at = call_ahead(g, jump);

        if (out->ncalls == out->calls_room) {
                uint32_t room = out->calls_room ? 2 * out->calls_room : 256;
                struct fast_call *grown = realloc(out->calls, room * sizeof(*grown));

                if (!grown) {
                        g->failed = true;
                        return;
                }
                out->calls = grown;
                out->calls_room = room;
        }
        out->calls[out->ncalls++] = (struct fast_call) {
                (uint32_t)out->code.size + at,
                function - g->m->imported_functions,
        };
}

/* A call of, or jump to, function @n; all else is in place. */
static void call_target(struct generator *g, uint32_t n, bool jump)
{
        if (n >= g->m->imported_functions)
                call_relative(g, jump, n);
        else
                call_import(g, g->layout->imports + (int32_t)(n * sizeof(struct import_desc)), jump);
}

/* Behind a call: the exception that it may have left goes to the handler around. */
static void call_thrown(struct generator *g)
{
        if (!g->shared->catches)
                return;
        asm_room(&g->a);
        test_thrown(g);
        jump_condition(g, CC_NE, handler_label(g));
}

static void call_function(struct generator *g, uint32_t n)
{
        const struct functype *type = module_function_type(g->m, n);

        if (n == g->shared->multiply && call_multiply(g))
                return;
        kept_save(g);
        arguments_place(g, type);
        call_target(g, n, false);
        call_map(g);
        kept_load(g);
        call_thrown(g);
        results_push(g, type, n < g->m->imported_functions);
}

static void call_tail(struct generator *g, uint32_t n)
{
        arguments_place(g, module_function_type(g->m, n));
        frame_unwind(g);
        call_target(g, n, true);
}

static void call_indirect(struct generator *g, uint32_t type, uint32_t table)
{
        const struct functype *t = &g->m->types[type];

        indirect_entry(g, type, table);
        kept_save(g);
        arguments_place(g, t);
        indirect_target(g, false);
        call_map(g);
        kept_load(g);
        call_thrown(g);
        results_push(g, t, true);
}

static void call_indirect_tail(struct generator *g, uint32_t type, uint32_t table)
{
        indirect_entry(g, type, table);
        arguments_place(g, &g->m->types[type]);
        frame_unwind(g);
        indirect_target(g, true);
}

/* The popped reference in CALL_REG, not null. */
static void reference_entry(struct generator *g)
{
        struct entry e = stack_pop(g);

        entry_into(g, &e, CALL_REG, NULL, NULL);
        test_register(g, ASM_W, CALL_REG);
        trap_cold(g, CC_E, TRAP_NULL_FUNCTION);
}

static void call_reference(struct generator *g, uint32_t type)
{
        const struct functype *t = &g->m->types[type];

        reference_entry(g);
        kept_save(g);
        arguments_place(g, t);
        indirect_target(g, false);
        call_map(g);
        kept_load(g);
        call_thrown(g);
        results_push(g, t, true);
}

static void call_reference_tail(struct generator *g, uint32_t type)
{
        reference_entry(g);
        arguments_place(g, &g->m->types[type]);
        frame_unwind(g);
        indirect_target(g, true);
}

/* Flags of a comparison of the top entry, a reference, with null; nothing is taken or changed. */
static void reference_test(struct generator *g, uint32_t n)
{
        asm_room(&g->a);
        entry_load(g, &g->stack[n], CALL_REG);
        test_register(g, ASM_W, CALL_REG);
}

static void reference_as_non_null(struct generator *g)
{
        reference_test(g, g->top - 1);
        trap_cold(g, CC_E, TRAP_NULL_REFERENCE);
}

/* The branch of br_on_null and br_on_non_null on the reference at @n; its operands are on top. */
static void branch_reference(struct generator *g, uint32_t depth, uint32_t n, unsigned cc)
{
        struct control *c = control_at(g, depth);
        uint32_t over;

        branch_prepare(g, c);
        reference_test(g, n);
        if (!branch_moves(g, c)) {
                c->targeted = true;
                jump_condition(g, cc, c->label);
                return;
        }
        over = label_new(g);
        jump_condition(g, cc ^ 1, over);
        branch_move(g, c);
        branch_jump(g, c);
        label_bind(g, over);
}

/* The reference lies above the operands, in its slot: nothing on the way to the label is there. */
static void branch_on_null(struct generator *g, uint32_t depth)
{
        uint32_t n = g->top - 1;

        entry_spill(g, n);
        g->top = n;
        branch_reference(g, depth, n, CC_E);
        g->top = n + 1;
}

static void branch_on_non_null(struct generator *g, uint32_t depth)
{
        struct entry e;

        branch_reference(g, depth, g->top - 1, CC_NE);
        e = stack_pop(g);
        entry_release(g, &e);
}

/* A builtin takes constants that the instruction names (@fixed of them, on the left) and then
 * operands from the stack, in order. @result: type, or VAL_BOTTOM. */
static void call_builtin(struct generator *g, enum builtin b, const uint32_t *fixed,
                         unsigned nfixed, unsigned noperands, unsigned result)
{
        struct argument moves[ABI_INTEGER_ARGS];
        uint32_t base = g->top - noperands;

        stack_spill_temps(g, base);
        kept_save(g);
        for (unsigned i = 0; i < noperands; i++)
                moves[i] = (struct argument) { base + i, argument_gprs[nfixed + i] };
        arguments_move(g, moves, noperands);
        stack_cut(g, base);
        for (unsigned i = 0; i < nfixed; i++)
                load_integer(g, argument_gprs[i], fixed[i]);
        call_builtin_code(g, b);
        call_map(g);
        kept_load(g);
        g->used = 0;
        if (result == VAL_BOTTOM)
                return;
        if (result == T_I32)
                extend_u32(g, RESULT_GPR);
        g->used |= BIT(RESULT_GPR);
        push_reg(g, result, RESULT_GPR);
}

/* The place of value @k of the exception in CALL_REG. */
static struct operand exception_value(unsigned k)
{
        return op_base(CALL_REG, (int32_t)(ABI_EXCEPTION_VALUES + 16 * k));
}

static void throw_away(struct generator *g)
{
        store_register(g, T_REF, 8, CALL_REG, op_gs(GPR_NONE, ABI_HEAD(thrown)));
        jump_always(g, handler_label(g));
}

static void throw_tag(struct generator *g, uint32_t tag)
{
        const struct functype *type = &g->m->types[g->m->tags[tag].type];
        uint32_t base = g->top - type->nparams;
        struct entry e;

        call_builtin(g, BUILTIN_exception_new, &tag, 1, 0, T_REF);
        e = stack_pop(g);
        entry_into(g, &e, CALL_REG, NULL, NULL);
        for (uint32_t i = 0; i < type->nparams; i++) {
                unsigned t = valtype_kind(type->params[i]);
                unsigned scratch = type_is_vector(t) ? AFTER_VECTOR : AFTER_GPR;

                asm_room(&g->a);
                entry_load(g, &g->stack[base + i], scratch);
                store_register(g, t, t == T_I32 ? 4 : 8, scratch, exception_value(i));
        }
        throw_away(g);
}

static void throw_reference(struct generator *g)
{
        struct entry e = stack_pop(g);

        entry_into(g, &e, CALL_REG, NULL, NULL);
        test_register(g, ASM_W, CALL_REG);
        trap_cold(g, CC_E, TRAP_NULL_EXCEPTION);
        throw_away(g);
}

/* Those of the exception in CALL_REG, which stays there. */
static void push_exception_values(struct generator *g, const struct functype *type)
{
        for (uint32_t i = 0; i < type->nparams; i++) {
                unsigned t = valtype_kind(type->params[i]);
                unsigned scratch = type_is_vector(t) ? AFTER_VECTOR : AFTER_GPR;

                asm_room(&g->a);
                load_register(g, t, scratch, exception_value(i));
                store_frame(g, t, scratch, slot_at(g, g->top));
                push_slot(g, t);
        }
}

/* The exception that is on its way stops here: into the slot, and CALL_REG. */
static void take_thrown(struct generator *g, uint32_t slot)
{
        load_register(g, T_REF, CALL_REG, op_gs(GPR_NONE, ABI_HEAD(thrown)));
        store_frame(g, T_REF, CALL_REG, slot_at(g, slot));
        load_integer(g, RESULT_GPR, 0);
        store_register(g, T_REF, 8, RESULT_GPR, op_gs(GPR_NONE, ABI_HEAD(thrown)));
}

/* One clause, the exception in its slot on top: what it hands to its label, and the way there. */
static void catch_clause(struct generator *g, const struct catch_clause *clause)
{
        const struct functype *type = clause->kind <= CATCH_REF
                                              ? &g->m->types[g->m->tags[clause->tag].type]
                                              : &(struct functype) { 0 };
        bool keep = clause->kind == CATCH_REF || clause->kind == CATCH_ALL_REF;
        const uint32_t fixed[] = { clause->kind <= CATCH_REF ? clause->tag : UINT32_MAX, keep };
        uint32_t base = g->top - 1, next = label_new(g);

        push_slot(g, T_REF);
        g->stack[base + 1].slot = base;
        call_builtin(g, BUILTIN_exception_catch, fixed, 2, 1, T_I32);
        stack_cut(g, base + 1);
        test_register(g, 0, RESULT_GPR);
        jump_condition(g, CC_E, next);
        load_frame(g, T_REF, CALL_REG, slot_at(g, base));
        stack_cut(g, base);
        push_exception_values(g, type);
        asm_room(&g->a);
        if (keep) {
                store_frame(g, T_REF, CALL_REG, slot_at(g, g->top));
                push_slot(g, T_REF);
        }
        branch_always(g, clause->label);
        label_bind(g, next);
        stack_cut(g, base);
        push_slot(g, T_REF);
}

/* The end of a try_table: behind its code, that of its handler. Returns as block_end(). */
static bool try_end(struct generator *g, bool live)
{
        struct control c = *control_at(g, 0);
        struct cursor at = g->c;
        struct catch_clause clause;

        if (!c.handled)
                return block_end(g, live);
        if (live) {
                control_settle(g, &c);
                jump_always(g, c.label);
        }
        g->ncontrols--;
        stack_cut(g, c.base);
        g->used = 0;
        asm_room(&g->a);
        label_bind(g, c.handler);
        take_thrown(g, c.base);
        push_slot(g, T_REF);
        at.at = c.catches;
        for (uint32_t i = 0; i < c.ncatches && !g->failed; i++) {
                (void)body_catch(&at, false, &clause);
                asm_room(&g->a);
                catch_clause(g, &clause);
        }
        asm_room(&g->a);
        load_frame(g, T_REF, CALL_REG, slot_at(g, c.base));
        throw_away(g);
        stack_cut(g, c.base);
        if (!live && !c.targeted)
                return false;
        label_bind(g, c.label);
        control_join(g, &c);
        return true;
}
